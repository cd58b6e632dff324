# Cox models with strata, case weights, left truncation, clusters and exact ties, and what is derived
# from a fit. Run in this folder: Rscript make_expected.R > expected.json
# Made with R 4.2.2, survival 3.5-3. Data: ../survival/veteran.csv and ties60.csv.
library(survival)
number <- function(x) {
  x <- as.vector(x)
  text <- ifelse(is.na(x), "null", ifelse(is.infinite(x), ifelse(x > 0, "\"Inf\"", "\"-Inf\""),
                                          formatC(x, digits = 12, format = "g")))
  if (length(x) == 1) text else paste0("[", paste(text, collapse = ", "), "]")
}
object <- function(...) {
  parts <- list(...)
  paste0("{", paste0("\"", names(parts), "\": ", unlist(parts), collapse = ",\n "), "}")
}
v <- read.csv("../survival/veteran.csv")
v$w <- 1 + (v$id %% 3) / 2
v$entry <- ifelse(v$id %% 4 == 0, 0, floor(v$time * (v$id %% 4) / 8))
v$g <- v$id %% 5
v$cl <- v$id %% 30
cc <- coxph.control(eps = 1e-12, toler.chol = 1e-13, iter.max = 50)

describe <- function(fit, transforms = c("km", "identity", "rank", "log")) {
  zph <- lapply(transforms, function(tr) {
    t <- cox.zph(fit, transform = tr)$table
    number(t[, "chisq"])
  })
  names(zph) <- transforms
  con <- concordance(fit)
  object(
    coef = number(coef(fit)), se = number(sqrt(diag(fit$var))),
    naive_se = number(sqrt(diag(if (is.null(fit$naive.var)) fit$var else fit$naive.var))),
    loglik = number(fit$loglik), score = number(fit$score), wald = number(fit$wald.test),
    concordance = number(con$concordance), concordance_se = number(sqrt(con$var)),
    counts = number(unlist(colSums(matrix(con$count, ncol = 5)))),
    zph = do.call(object, zph),
    martingale = number(residuals(fit, "martingale")),
    deviance = number(residuals(fit, "deviance")),
    score_residual = number(t(as.matrix(residuals(fit, "score")))),
    schoenfeld_square = number(colSums(as.matrix(residuals(fit, "schoenfeld"))^2))
  )
}
curve <- function(fit, new) {
  s <- survfit(fit, newdata = new, conf.type = "none")
  keep <- s$n.event > 0
  object(time = number(s$time[keep]), cumulative_hazard = number(s$cumhaz[keep]),
         std_err = number(s$std.err[keep]))
}
new <- data.frame(arm01 = 1, karno = 50, age = 60)
models <- list()
for (ties in c("efron", "breslow")) {
  # do.call puts the values into the call, where cox.zph and survfit look for them again.
  fit <- function(formula, ...)
    do.call(coxph, list(formula, data = v, ties = ties, control = cc, x = TRUE, y = TRUE, ...))
  plain <- fit(Surv(time, event) ~ arm01 + karno + age)
  models[[paste0("plain_", ties)]] <- describe(plain)
  models[[paste0("curve_", ties)]] <- curve(plain, new)
  models[[paste0("weights_", ties)]] <-
    describe(fit(Surv(time, event) ~ arm01 + karno + age, weights = v$w))
  models[[paste0("strata_", ties)]] <-
    describe(fit(Surv(time, event) ~ arm01 + karno + age + strata(g)))
  models[[paste0("entry_", ties)]] <- describe(fit(Surv(entry, time, event) ~ arm01 + karno + age))
  everything <- fit(Surv(entry, time, event) ~ arm01 + karno + age + strata(g), weights = v$w)
  models[[paste0("everything_", ties)]] <- describe(everything)
  models[[paste0("cluster_", ties)]] <-
    describe(fit(Surv(time, event) ~ arm01 + karno + age, cluster = v$cl))
  models[[paste0("robust_weights_", ties)]] <-
    describe(fit(Surv(time, event) ~ arm01 + karno + age, weights = v$w, cluster = v$cl))
}
exact <- function(fit) object(coef = number(coef(fit)), se = number(sqrt(diag(fit$var))),
                              loglik = number(fit$loglik), score = number(fit$score))
t60 <- read.csv("../survival/ties60.csv")
models$exact_ties60 <-
  exact(coxph(Surv(time, event) ~ arm01 + age + ecog, t60, ties = "exact", control = cc))
models$exact_veteran <-
  exact(coxph(Surv(time, event) ~ arm01 + karno + age, v, ties = "exact", control = cc))
cat(do.call(object, models), "\n")
