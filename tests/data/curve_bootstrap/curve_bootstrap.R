# Bootstrap of differences between two survival curves, and permutation tests, in R with package
# survival. Run in this folder: Rscript curve_bootstrap.R. Set: tests/data/survival/ctc60.csv.
suppressMessages(library(survival))
d <- read.csv("../survival/ctc60.csv")
B <- 5000
set.seed(20261124)
tau <- 300; at <- 200
arms <- c("HER2neg", "HER2pos")
one <- function(time, event) {
  f <- survfit(Surv(time, event) ~ 1)
  med <- unname(quantile(f, 0.5, conf.int = FALSE))
  keep <- f$time < tau
  edges <- c(0, f$time[keep], tau)
  rmst <- sum(diff(edges) * c(1, f$surv[keep]))
  i <- findInterval(at, f$time)
  s <- if (i == 0) 1 else f$surv[i]
  if (at > max(f$time) && s > 0) s <- NA
  c(med, rmst, s)
}
statistic <- function(time, event, arm) {
  b <- arm == arms[2]
  if (!any(b) || all(b)) return(rep(NA, 4))
  curves <- one(time[b], event[b]) - one(time[!b], event[!b])
  l <- tryCatch({
    s <- survdiff(Surv(time, event) ~ b)
    sign(s$obs[2] - s$exp[2]) * sqrt(s$chisq)
  }, error = function(e) NA)
  c(curves, l)
}
names <- c("median_difference", "rmst_difference", "survival_difference", "logrank")
given <- statistic(d$time, d$event, d$arm)
n <- nrow(d)
case <- t(replicate(B, { i <- sample.int(n, n, TRUE); statistic(d$time[i], d$event[i], d$arm[i]) }))
shuffled <- t(replicate(B, statistic(d$time, d$event, sample(d$arm))))
number <- function(x) if (is.na(x)) "null" else formatC(x, digits = 12, format = "g")
block <- function(j) {
  x <- case[!is.na(case[, j]), j]; r <- length(x)
  m4 <- mean((x - mean(x))^4); s <- sd(x)
  q <- quantile(x, c(0.025, 0.975), type = 6, names = FALSE)
  y <- shuffled[!is.na(shuffled[, j]), j]
  p <- (1 + sum(abs(y) >= abs(given[j]) * (1 - 1e-9))) / (1 + length(y))
  reach <- sqrt(r * 0.025 * 0.975); o <- sort(x)
  se_q <- function(a) { k <- round((r + 1) * a); (o[min(r, k + reach)] - o[max(1, k - reach)]) / 2 }
  values <- c(estimate = given[j], estimable = r, std_err = s, mcse_std_err = sqrt((m4 - s^4) / (4 * s^2 * r)),
    bias = mean(x) - given[j], mcse_bias = s / sqrt(r), lower = q[1], upper = q[2], mcse_lower = se_q(0.025),
    mcse_upper = se_q(0.975), p = p, mcse_p = sqrt(p * (1 - p) / length(y)))
  paste0('  "', names[j], '": {', paste0('"', names(values), '": ', sapply(values, number), collapse = ", "), "}")
}
cat("{\n", paste0('  "made_by": "', R.version.string, ", survival ", packageVersion("survival"), '",\n'),
    '  "replicates": ', B, ', "tau": ', tau, ', "at": ', at, ",\n",
    paste(sapply(1:4, block), collapse = ",\n"), "\n}\n", sep = "", file = "curve_bootstrap.expected.json")
