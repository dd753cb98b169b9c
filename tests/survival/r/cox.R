# Makes cox.tsv: what R finds in lung and Rossi, for the tests of Cox models. Run in this folder
# with the data as lifelines ships them (lung.csv, rossi.csv, written by write_data.py):
#   Rscript cox.R > cox.tsv          R 4.2.2, survival 3.5-3, rms 6.5-0, glmnet 4.1-6
suppressMessages({library(survival); library(rms); library(glmnet); library(splines)})
say <- function(key, values) {
  for (i in seq_along(values)) cat(key, "\t", i - 1, "\t", sprintf("%.15g", values[i]), "\n", sep = "")
}
tight <- coxph.control(eps = 1e-13, toler.chol = 1e-14, iter.max = 50)
cat("key\tplace\tvalue\n")

lung <- read.csv("lung.csv")
lung$sex <- relevel(factor(lung$sex), ref = "male")
lung$ecog <- relevel(factor(lung$ecog), ref = "1")
lung$a <- lung$age / 10
lung$k <- lung$karno / 10
complete <- na.omit(lung)

tests <- function(key, fit) {
  s <- summary(fit)
  say(paste0(key, " coef"), coef(fit))
  say(paste0(key, " se"), sqrt(diag(vcov(fit))))
  say(paste0(key, " p"), s$coefficients[, "Pr(>|z|)"])
  say(paste0(key, " logtest"), s$logtest)
  say(paste0(key, " waldtest"), c(fit$wald.test, s$waldtest[2:3]))
  say(paste0(key, " sctest"), s$sctest)
  say(paste0(key, " loglik"), fit$loglik)
  say(paste0(key, " aic"), AIC(fit))
  say(paste0(key, " concordance"), c(s$concordance))
}
drops <- function(key, fit) {
  d <- drop1(fit, test = "Chisq")[-1, ]
  say(paste0(key, " drop1"), t(as.matrix(d[, c("LRT", "Df", "Pr(>Chi)")])))
}
zph <- function(key, fit) for (transform in c("km", "rank", "identity")) {
  say(paste(key, "zph", transform), t(cox.zph(fit, transform = transform)$table))
}

full <- coxph(Surv(time, event) ~ a + k + ecog + sex, complete, control = tight)
tests("full", full); drops("full", full); zph("full", full)
say("full lp", head(predict(full, type = "lp"), 5))
say("full martingale", head(residuals(full, "martingale"), 20))
for (efron in c(TRUE, FALSE)) {
  curves <- survfit(full, newdata = complete[1:3, ], stype = 2, ctype = if (efron) 2 else 1)
  say(paste("full survival", if (efron) "efron" else "breslow"),
      t(summary(curves, times = c(100, 365, 800))$surv))
}
split <- coxph(Surv(time, event) ~ a + k + strata(sex), complete, control = tight)
tests("strata", split); drops("strata", split); zph("strata", split)
say("strata martingale", head(residuals(split, "martingale"), 20))
curves <- survfit(split, newdata = complete[1:3, ])
say("strata survival", sapply(1:3, function(i) summary(curves[i], times = 365)$surv))

residuals <- cox.zph(full, terms = FALSE)
order <- order(residuals$time)
say("schoenfeld k", residuals$y[order, 2][c(1, 2, 50, 100, 160)])
pieces <- c(seq(min(residuals$x), max(residuals$x), length = 40), residuals$x)
basis <- ns(pieces, df = 4, intercept = TRUE)
qmat <- qr(basis[-(1:40), ])
bk <- backsolve(qmat$qr[1:4, 1:4], diag(4))
lever <- rowSums((basis[1:40, ] %*% (bk %*% t(bk))) * basis[1:40, ])
say("smooth k", basis[1:40, ] %*% qr.coef(qmat, residuals$y[, 2]))
say("smooth k error", sqrt(residuals$var[2, 2] * lever))

n <- nrow(complete)
ridge_fit <- coxph(Surv(time, event) ~ ridge(a, k, theta = 0.1 * n, scale = TRUE), complete, control = tight)
say("ridge coef", coef(ridge_fit)); say("ridge df", ridge_fit$df)
say("ridge loglik", ridge_fit$loglik[2])
ridge_split <- coxph(Surv(time, event) ~ ridge(a, k, theta = 0.1 * n, scale = TRUE) + strata(sex), complete, control = tight)
say("ridge strata coef", coef(ridge_split))
# Without ties, where glmnet's risk sets are those of everybody else.
X <- as.matrix(complete[, c("a", "k")]); s <- apply(X, 2, sd)
untied <- complete$time + seq_len(n) / 1000
net <- glmnet(scale(X, scale = s), Surv(untied, complete$event), family = "cox", alpha = 0.5,
              lambda = 0.05, standardize = FALSE, thresh = 1e-16)
say("net coef", as.vector(coef(net)) / s)

for (count in 3:5) {
  knots <- rcspline.eval(complete$age, nk = count, knots.only = TRUE, fractied = 0)
  say(paste("knots", count), knots)
}
say("spline design", t(rcspline.eval(complete$age[1:4], knots = rcspline.eval(complete$age, nk = 4, knots.only = TRUE, fractied = 0), inclx = TRUE)))
say("knots few", rcspline.eval(complete$age[1:60], nk = 4, knots.only = TRUE, fractied = 0))
knots <- rcspline.eval(complete$age, nk = 4, knots.only = TRUE, fractied = 0)
bent <- coxph(Surv(time, event) ~ rcs(age, knots) + sex, complete, control = tight)
straight <- coxph(Surv(time, event) ~ age + sex, complete, control = tight)
without <- coxph(Surv(time, event) ~ sex, complete, control = tight)
say("bent test", c(anova(straight, bent)[2, "Chisq"], anova(straight, bent)[2, 4]))
say("bent score", c(anova(without, bent)[2, "Chisq"], anova(without, bent)[2, 4]))
say("bent aic", c(AIC(straight), AIC(bent)))
at <- data.frame(age = c(min(complete$age), max(complete$age), median(complete$age)), sex = "male")
lp <- predict(bent, at, type = "lp"); say("bent curve", lp[1:2] - lp[3])
first <- predict(bent, at[c(1, 3), ], type = "terms", terms = 1)
D <- model.matrix(~ rcs(age, knots), at); D <- D[1, -1] - D[3, -1]
say("bent error", sqrt(D %*% vcov(bent)[1:3, 1:3] %*% D))
residual <- residuals(without, "martingale")
smooth <- lowess(complete$age, residual, f = 2/3, iter = 0, delta = 0.01 * diff(range(complete$age)))
say("lowess", c(smooth$y[1], smooth$y[n]))

rossi <- read.csv("rossi.csv")
re <- coxph(Surv(week, arrest) ~ fin + age + race + wexp + mar + paro + prio, rossi, control = tight)
tests("rossi", re); zph("rossi", re)
say("rossi martingale", head(residuals(re, "martingale"), 20))
say("rossi empty martingale", head(residuals(coxph(Surv(week, arrest) ~ 1, rossi), "martingale"), 20))
