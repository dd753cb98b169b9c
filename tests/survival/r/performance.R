# Makes performance.tsv: what R finds in lung and GBSG2, for the tests of concordance, AUC and
# Brier score. Run in this folder with the data as lifelines ships them (see write_data.py):
#   Rscript performance.R > performance.tsv    R 4.2.2, survival 3.5-3, riskRegression 2022.11.28
suppressMessages({library(survival); library(riskRegression)})
say <- function(key, values) {
  for (i in seq_along(values)) cat(key, "\t", i - 1, "\t", sprintf("%.15g", values[i]), "\n", sep = "")
}
cat("key\tplace\tvalue\n")
measure <- function(name, data, first, second, days) {
  outcome <- Surv(data$time, data$event)
  data$one <- data[[first]]; data$two <- data[[second]]
  ways <- list(harrell = list(), uno = list(timewt = "n/G2"), cut = list(timewt = "n/G2", ymax = days[2]))
  for (way in names(ways)) {
    found <- do.call(concordance, c(list(outcome ~ one, data = data, reverse = TRUE), ways[[way]]))
    say(paste(name, way), c(coef(found), sqrt(vcov(found))))
  }
  found <- concordance(outcome ~ one + strata(two), data = data, reverse = TRUE)
  say(paste(name, "strata"), c(coef(found), sqrt(vcov(found))))
  fit1 <- coxph(Surv(time, event) ~ one, data); fit2 <- coxph(Surv(time, event) ~ one + two, data, x = TRUE)
  both <- concordance(fit1, fit2); v <- vcov(both)
  say(paste(name, "difference"), c(coef(both)[1] - coef(both)[2], sqrt(v[1, 1] + v[2, 2] - 2 * v[1, 2])))
  say(paste(name, "coef"), coef(fit2))
  s <- Score(list(m = fit2), formula = Surv(time, event) ~ 1, data = data, times = days,
             metrics = c("AUC", "Brier"), cens.model = "km", se.fit = TRUE, contrasts = FALSE)
  say(paste(name, "auc"), s$AUC$score$AUC); say(paste(name, "auc error"), s$AUC$score$se)
  say(paste(name, "brier null"), s$Brier$score$Brier[1:3])
  say(paste(name, "brier"), s$Brier$score$Brier[4:6])
  say(paste(name, "brier error"), s$Brier$score$se[4:6])
  say(paste(name, "survival"), 1 - predictRisk(fit2, newdata = data[1:4, ], times = days))
}
lung <- na.omit(read.csv("lung.csv"))
measure("lung", lung, "age", "ecog", c(180, 365, 700))
breast <- read.csv("gbsg2.csv")
measure("gbsg2", breast, "pnodes", "grade", c(365, 1000, 2000))
