# Made with R 4.2.2, limma 3.54.1: Rscript make_expected.R
# Log2 expression of 80 genes in 14 patients, whose variance falls with the mean, and moderated t.
library(limma)
set.seed(1)
mean <- runif(80, 0, 12)
sd <- sqrt(exp(-0.15 * mean) * 8 / rchisq(80, 8))
group <- factor(rep(c("reference", "case"), each = 7), levels = c("reference", "case"))
age <- round(rnorm(14, 60, 10))
sex <- factor(rep(c("f", "m"), 7))
shift <- c(rnorm(10, 0, 2), rep(0, 70))
x <- mean + sd * matrix(rnorm(80 * 14), 80) + outer(shift, group == "case")
x[80, ] <- 3
rownames(x) <- sprintf("G%03d", 1:80)
colnames(x) <- sprintf("P%02d", 1:14)
x <- round(x, 4)
patients <- data.frame(patient = colnames(x), group, age, sex)
write.table(x, "log2.tsv", sep = "\t", quote = FALSE, col.names = NA)
write.table(patients, "patients.tsv", sep = "\t", quote = FALSE, row.names = FALSE)
out <- NULL
for (covariates in c("none", "age and sex")) {
  design <- if (covariates == "none") model.matrix(~ group) else model.matrix(~ age + sex + group)
  y <- x[1:79, ]
  fit <- eBayes(lmFit(y, design), trend = TRUE)
  top <- topTable(fit, coef = "groupcase", number = Inf, sort.by = "none")
  out <- rbind(out, data.frame(
    covariates, gene = rownames(y), change = top$logFC, t = top$t, p = top$P.Value,
    q = top$adj.P.Val, prior_df = fit$df.prior, prior_variance = fit$s2.prior,
    posterior = fit$s2.post
  ))
}
write.table(format(out, digits = 12), "expected.tsv", sep = "\t", quote = FALSE, row.names = FALSE)
