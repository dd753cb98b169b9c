# Makes expected.tsv from counts.tsv and sets.gmt with GSVA 1.46.0 in R 4.2: Rscript make_expected.R
suppressMessages(library(GSVA))
counts <- as.matrix(read.delim("counts.tsv", row.names = 1))
lines <- strsplit(readLines("sets.gmt"), "\t")
sets <- setNames(lapply(lines, function(l) l[-(1:2)]), sapply(lines, `[`, 1))
calls <- c(
  ssgsea = 'gsva(counts, sets, method = "ssgsea")',
  ssgsea_unscaled = 'gsva(counts, sets, method = "ssgsea", ssgsea.norm = FALSE)',
  ssgsea_tau1 = 'gsva(counts, sets, method = "ssgsea", tau = 1)',
  gaussian = 'gsva(counts, sets, method = "gsva", kcdf = "Gaussian")',
  gaussian_max = 'gsva(counts, sets, method = "gsva", kcdf = "Gaussian", mx.diff = FALSE)',
  gaussian_tau = 'gsva(counts, sets, method = "gsva", kcdf = "Gaussian", tau = 0.25)',
  logs = 'gsva(log2(counts + 1), sets, method = "gsva", kcdf = "Gaussian")',
  poisson = 'gsva(counts, sets, method = "gsva", kcdf = "Poisson")',
  poisson_max = 'gsva(counts, sets, method = "gsva", kcdf = "Poisson", mx.diff = FALSE)')
out <- do.call(rbind, lapply(names(calls), function(n) {
  found <- eval(parse(text = sub(")$", ", verbose = FALSE)", calls[[n]])))
  data.frame(call = n, term = rownames(found), signif(found, 12)) }))
writeLines(paste("#", c("GSVA 1.46.0 in R 4.2", paste(names(calls), calls, sep = ": "))), "expected.tsv")
suppressWarnings(write.table(out, "expected.tsv", sep = "\t", quote = FALSE, row.names = FALSE, append = TRUE))
