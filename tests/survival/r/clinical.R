# Makes clinical.tsv, the numbers that the tests of nomogram, calibration, added value, decision
# curve and cohorts compare with. R 4.2.2, survival 3.5.3, rms 6.5.0, TH.data 1.1.1:
#   Rscript clinical.R
# The samples of the bootstrap are drawn by a generator that any language can repeat, so that
# optimism can be compared number by number, and not only within Monte-Carlo error.
suppressMessages({library(rms); library(TH.data)})
rows <- list()
keep <- function(data, what, key, value)
  rows[[length(rows) + 1]] <<- data.frame(data, what, key = as.character(key), value = as.numeric(value))

lung <- with(survival::lung, data.frame(
  time, dead = status - 1, age, sex = factor(sex, labels = c("male", "female")),
  karno = ph.karno, ecog = factor(ph.ecog)))
data(GBSG2, package = "TH.data")
gbsg2 <- with(GBSG2, data.frame(
  time, dead = cens, age, horTh = factor(horTh), tsize, pnodes, progrec,
  tgrade = factor(as.character(tgrade))))

lehmer <- new.env()
draw <- function(n, ...) {
  out <- integer(n)
  for (i in seq_len(n)) {
    lehmer$state <- (16807 * lehmer$state) %% 2147483647
    out[i] <- lehmer$state %% n + 1
  }
  out
}
resample <- rms:::predab.resample
environment(resample) <- list2env(list(sample = draw), parent = environment(resample))
assignInNamespace("predab.resample", resample, "rms")

study <- function(name, d, old, new, days, cuts, nri_cuts, B = 12) {
  vars <- all.vars(new)
  d <- d[complete.cases(d[, c("time", "dead", vars)]), ]
  assign("dd", datadist(d), envir = .GlobalEnv); options(datadist = "dd")
  on.exit(options(datadist = NULL))
  surv <- Surv(d$time, d$dead)
  fit <- function(rhs) cph(as.formula(paste("Surv(time, dead) ~", as.character(rhs)[2])), d,
    x = TRUE, y = TRUE, surv = TRUE, time.inc = days[1], eps = 1e-13, tol = 1e-14, iter.max = 50)
  f <- fit(new); f0 <- fit(old)
  keep(name, "size", c("n", "events"), c(nrow(d), sum(d$dead)))
  keep(name, "coefficient", names(coef(f)), coef(f))
  keep(name, "se", names(coef(f)), sqrt(diag(vcov(f))))
  keep(name, "model", c("loglik", "null", "aic"), c(f$loglik[2], f$loglik[1], AIC(f)))
  # nomogram: points of every tick, linear predictor and probability of totals
  S <- Survival(f)
  nom <- nomogram(f)
  info <- attr(nom, "info")
  for (v in vars) keep(name, paste0("points:", v), nom[[v]][[1]], nom[[v]]$points)
  totals <- c(0, 60, 120, 180)
  lp <- totals / info$sc + info$Intercept
  keep(name, "lp", totals, lp)
  keep(name, "total_points", seq_along(nom$total.points$x), nom$total.points$x)
  for (u in days) keep(name, paste0("survival:", u), totals, S(u, lp))
  first <- S(days[1], predict(f, d))
  last <- S(days[2], predict(f, d))
  keep(name, paste0("patient:", days[1]), 1:20, first[1:20])
  keep(name, paste0("patient:", days[2]), 1:20, last[1:20])
  # calibration at the first day: groups, as rms::calibrate forms them
  u <- days[1]; risk <- 1 - first
  g <- rms:::groupkm(first, surv, u = u, cuts = 1 - rev(cuts))
  g <- g[nrow(g):1, ]
  keep(name, "group_predicted", seq_len(nrow(g)), 1 - g[, "x"])
  keep(name, "group_observed", seq_len(nrow(g)), 1 - g[, "KM"])
  keep(name, "group_n", seq_len(nrow(g)), g[, "n"])
  part <- cut(risk, cuts)
  ci <- summary(survfit(surv ~ part, conf.type = "log-log"), times = u)
  keep(name, "group_low", seq_along(ci$upper), 1 - ci$upper)
  keep(name, "group_high", seq_along(ci$lower), 1 - ci$lower)
  # smooth curve: Austin et al. 2020, appendix A
  curve <- function(risk, at) {
    cll <- log(-log(1 - risk))
    s <- cph(surv ~ rcs(cll, 3), surv = TRUE, x = TRUE, y = TRUE, eps = 1e-13, tol = 1e-14)
    1 - survest(s, newdata = data.frame(cll = log(-log(1 - at))), times = u, se.fit = FALSE)$surv
  }
  options(datadist = NULL)
  grid <- quantile(risk, c(.02, .25, .5, .75, .98))
  keep(name, "curve_at", 1:5, grid); keep(name, "curve", 1:5, curve(risk, grid))
  measures <- function(risk) {
    gap <- abs(curve(risk, risk) - risk)
    cll <- log(-log(1 - risk))
    slope <- coxph(surv ~ cll, control = coxph.control(eps = 1e-13, toler.chol = 1e-14, iter.max = 50))
    shift <- coxph(surv ~ offset(cll))
    at0 <- survfit(shift, newdata = data.frame(cll = 0))
    alive <- summary(survfit(surv ~ 1), times = u)$surv
    c(ici = mean(gap), e50 = median(gap), e90 = unname(quantile(gap, .9)), emax = max(gap),
      slope = unname(coef(slope)), slope_se = sqrt(vcov(slope)[1]),
      intercept = log(-log(summary(at0, times = u)$surv)), ratio = (1 - alive) / mean(risk))
  }
  m <- measures(risk); keep(name, "measure", names(m), m)
  # and of a risk that is wrong on purpose
  wrong <- pmin(1 - (1 - risk)^(1.3 * exp(0.2 * (log(-log(1 - risk)) - mean(log(-log(1 - risk)))))), 1 - 1e-8)
  m <- measures(wrong); keep(name, "measure_wrong", names(m), m)
  # optimism: rms::validate and rms::calibrate on the same samples
  options(datadist = "dd")
  lehmer$state <- 42; v <- validate(f, B = B, dxy = TRUE)
  for (col in c("index.orig", "training", "test", "index.corrected"))
    keep(name, paste0("validate:", col), rownames(v), v[, col])
  lehmer$state <- 42
  capture.output(k <- calibrate(f, cmethod = "KM", u = u, cuts = 1 - rev(cuts), B = B))
  keep(name, "calibrate:optimism", seq_len(nrow(k)), -rev(k[, "mean.optimism"]))
  keep(name, "calibrate:corrected", seq_len(nrow(k)), 1 - rev(k[, "KM.corrected"]))
  # and on many random samples
  set.seed(1); lehmer$state <- 1
  v <- validate(f, B = 2000)
  keep(name, "validate2000", rownames(v), v[, "index.corrected"])
  # added value: the formulas of Pencina et al. 2011 and Uno et al. 2013
  p0 <- 1 - Survival(f0)(u, predict(f0, d)); p1 <- risk
  alive <- function(who) if (any(who)) {
    s <- survfit(surv[who] ~ 1); stepfun(s$time, c(1, s$surv))(u)
  } else 0
  nri <- function(up, down) {
    s <- alive(rep(TRUE, nrow(d)))
    event <- (mean(up) * (1 - alive(up)) - mean(down) * (1 - alive(down))) / (1 - s)
    nonevent <- (mean(down) * alive(down) - mean(up) * alive(up)) / s
    c(event = event, nonevent = nonevent, total = event + nonevent)
  }
  k0 <- findInterval(p0, nri_cuts); k1 <- findInterval(p1, nri_cuts)
  r <- nri(k1 > k0, k1 < k0); keep(name, "nri_categorical", names(r), r)
  r <- nri(p1 > p0, p1 < p0); keep(name, "nri_continuous", names(r), r)
  case <- d$time <= u & d$dead == 1; control <- d$time > u | (d$time == u & d$dead == 0)
  w <- rttright(surv ~ 1, times = u)[case]
  event <- weighted.mean((p1 - p0)[case], w); nonevent <- -mean((p1 - p0)[control])
  keep(name, "idi", c("event", "nonevent", "total"), c(event, nonevent, event + nonevent))
  a <- anova(coxph(as.formula(paste("surv ~", as.character(old)[2])), d),
             coxph(as.formula(paste("surv ~", as.character(new)[2])), d))
  keep(name, "likelihood_ratio", c("chi2", "df", "p", "aic"),
       c(a$Chisq[2], a$Df[2], a[["Pr(>|Chi|)"]][2], AIC(f) - AIC(f0)))
  # decision curve: Vickers et al. 2008
  benefit <- function(risk, t) {
    positive <- risk >= t
    if (!any(positive)) return(0)
    s <- alive(positive)
    mean(positive) * ((1 - s) - s * t / (1 - t))
  }
  for (t in c(0.05, 0.2, 0.35, 0.5, 0.65, 0.8)) {
    keep(name, "benefit:old", t, benefit(p0, t)); keep(name, "benefit:new", t, benefit(p1, t))
    keep(name, "benefit:all", t, benefit(rep(1, nrow(d)), t))
  }
  # follow-up by reverse Kaplan-Meier
  r <- summary(survfit(Surv(time, 1 - dead) ~ 1, d, conf.type = "log-log"))$table
  keep(name, "follow_up", c("median", "low", "high"), r[c("median", "0.95LCL", "0.95UCL")])
  data.frame(d, p0, p1)
}
predicted <- list(
  lung = study("lung", lung, ~ age + sex, ~ age + sex + karno, c(365, 730),
               c(0, .5, .6, .7, 1), c(.5, .65)),
  gbsg2 = study("gbsg2", gbsg2, ~ age + horTh + tsize, ~ age + horTh + tsize + tgrade + pnodes + progrec,
                c(1095, 1825), c(0, .2, .35, .5, 1), c(.25, .4)))

# Balance: three cohorts by turns, of which the third misses some Karnofsky scores.
d <- within(survival::lung, {
  cohort <- c("training", "tuning", "external validation")[(seq_along(time) - 1) %% 3 + 1]
  sex <- factor(sex); ecog <- factor(ph.ecog); dead <- status - 1 })
two <- subset(d, cohort != "external validation")
keep("lung", "balance", "age_kruskal", kruskal.test(age ~ factor(cohort), d)$p.value)
keep("lung", "balance", "age_wilcoxon", wilcox.test(age ~ cohort, two, exact = FALSE)$p.value)
keep("lung", "balance", "sex_chi2", chisq.test(table(d$sex, d$cohort))$p.value)
keep("lung", "balance", "sex_chi2_two", chisq.test(table(two$sex, two$cohort))$p.value)
keep("lung", "balance", "ecog_fisher", fisher.test(table(d$ecog, d$cohort))$p.value)
rare <- two$age > 78
keep("lung", "balance", "rare_fisher_two", fisher.test(table(rare, two$cohort))$p.value)
keep("lung", "balance", "survival", pchisq(survdiff(Surv(time, dead) ~ cohort, d)$chisq, 2, lower.tail = FALSE))
x <- subset(d, cohort == "training"); y <- subset(d, cohort == "tuning")
keep("lung", "balance", "smd_age", abs(mean(x$age) - mean(y$age)) / sqrt((var(x$age) + var(y$age)) / 2))
share <- function(z) prop.table(table(z$ecog))[-1]
spread <- function(z) { p <- share(z); diag(p) - outer(p, p) }
gap <- share(x) - share(y)
keep("lung", "balance", "smd_ecog", sqrt(t(gap) %*% MASS::ginv((spread(x) + spread(y)) / 2) %*% gap))

out <- do.call(rbind, rows)
out$value <- formatC(out$value, digits = 15, format = "g", width = 1)
write.table(out, "clinical.tsv", sep = "\t", quote = FALSE, row.names = FALSE)
if (nzchar(Sys.getenv("PREDICTED"))) saveRDS(predicted, Sys.getenv("PREDICTED"))
