# Spread of HER2 within each sample of the golden cohort with two cells or more, and shifts between
# time points. Base R formulas only, written apart from the Rust code:
#   Rscript make_expected.R > expected.csv     (in this folder)
cells <- read.csv("../tdxd-cohort/cells.csv", stringsAsFactors = FALSE)
out <- function(patient, what, measure, value)
  cat(sprintf("%s,%s,%s,%.17g\n", patient, what, measure, value))
cat("patient,what,measure,value\n")
gini <- function(x) sum(outer(x, x, function(a, b) abs(a - b))) / (2 * length(x)^2 * mean(x))
entropy <- function(p) { p <- p[p > 0]; -sum(p * log(p)) }
for (patient in unique(cells$patient_id)) {
  one <- cells[cells$patient_id == patient, ]
  for (time in c("T1", "T2", "T3")) {
    x <- one$her2_mean_au[one$timepoint == time]
    n <- length(x)
    if (n < 2) next
    class <- table(cut(x, c(-Inf, 150, 450, Inf), right = FALSE))
    k <- sum(x >= 450)
    put <- function(measure, value) out(patient, time, measure, value)
    put("n", n)
    put("cv", sd(x) / mean(x))
    put("iqr_over_median", IQR(x) / median(x))
    put("p90_minus_p10", diff(unname(quantile(x, c(0.1, 0.9)))))
    put("gini", gini(x))
    put("entropy_bits", entropy(class / n) / log(2))
    put("entropy_normalised", entropy(class / n) / log(3))
    put("n_classes", sum(class > 0))
    put("fraction_positive", k / n)
    put("h_score", 100 * mean((x >= 75) + (x >= 150) + (x >= 450)))
    exact <- binom.test(k, n)$conf.int
    put("clopper_pearson_lower", exact[1])
    put("clopper_pearson_upper", exact[2])
    wilson <- suppressWarnings(prop.test(k, n, correct = FALSE)$conf.int)
    put("wilson_lower", wilson[1])
    put("wilson_upper", wilson[2])
  }
  for (pair in list(c("T1", "T2"), c("T2", "T3"), c("T1", "T3"))) {
    x <- sort(one$her2_mean_au[one$timepoint == pair[1]])
    y <- sort(one$her2_mean_au[one$timepoint == pair[2]])
    if (length(x) == 0 || length(y) == 0) next
    put <- function(measure, value) out(patient, paste(pair, collapse = "-"), measure, value)
    put("count_ratio", length(y) / length(x))
    # Quantile functions over their common steps.
    u <- sort(unique(c(seq_along(x) / length(x), seq_along(y) / length(y))))
    middle <- (c(0, u[-length(u)]) + u) / 2
    gap <- abs(x[ceiling(middle * length(x))] - y[ceiling(middle * length(y))])
    put("wasserstein_1", sum(gap * diff(c(0, u))))
    test <- suppressWarnings(wilcox.test(y, x))
    put("rank_sum_w", unname(test$statistic))
    put("rank_sum_p", test$p.value)
  }
}
