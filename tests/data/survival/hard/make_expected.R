# What R gives for the hard files. Run in this folder: LC_ALL=C.UTF-8 Rscript make_expected.R > expected.json
# Made with R 4.2.2, survival 3.5-3. The columns of a file say what it is: see README.md.
suppressMessages(library(survival))
z95 <- qnorm(0.975)

number <- function(x) {
  x <- as.vector(x)
  text <- ifelse(is.na(x), "null", ifelse(is.infinite(x), ifelse(x > 0, "\"Inf\"", "\"-Inf\""),
                                          formatC(x, digits = 12, format = "g", width = 1)))
  if (length(x) == 1) text else paste0("[", paste(text, collapse = ", "), "]")
}
column <- function(x) paste0("[", paste(vapply(as.vector(x), number, ""), collapse = ", "), "]")
quoted <- function(text) paste0("\"", gsub("\"", "\\\"", gsub("\\", "\\\\", text, fixed = TRUE), fixed = TRUE), "\"")
object <- function(parts) {
  parts <- parts[!vapply(parts, is.null, TRUE)]
  if (length(parts) == 0) return("{}")
  paste0("{", paste0(quoted(names(parts)), ": ", unlist(parts), collapse = ",\n "), "}")
}
named <- function(x) object(as.list(setNames(vapply(as.vector(x), number, ""), names(x))))

# First time at which a curve or limit is at or below 1 - p, the midpoint where it stays there, with the
# tolerance of R's quantile. R's quantile sorts a limit that rises again (few at risk, weights), which
# its print method does not: this rule is that of print; checked against quantile on falling limits.
crossing <- function(time, y, p) {
  tolerance <- sqrt(.Machine$double.eps)
  time <- time[!is.na(y)]
  kept <- y[!is.na(y)]
  first <- which(kept <= 1 - p + tolerance)[1]
  if (is.na(first)) return(NA)
  if (kept[first] < 1 - p - tolerance) return(time[first])
  later <- which(kept < 1 - p - tolerance)
  (time[first] + if (length(later) > 0) time[later[1]] else max(time)) / 2
}
quantiles_of <- function(fit, p) {
  q <- quantile(fit, p)
  found <- c(estimate = unname(q$quantile), lower = unname(q$lower), upper = unname(q$upper))
  own <- c(crossing(fit$time, fit$surv, p), crossing(fit$time, fit$lower, p),
           crossing(fit$time, fit$upper, p))
  falls <- function(y) all(diff(y[!is.na(y)]) <= 0)
  sorted <- c(TRUE, falls(fit$lower), falls(fit$upper))
  same <- mapply(function(a, b) identical(is.na(a), is.na(b)) && (is.na(a) || a == b), found, own)
  stopifnot(same[sorted])
  found[!sorted] <- own[!sorted]
  found
}

# Curve, limits and quantiles; weights count as copies, so not the robust variance.
conf_types <- c("log", "log-log", "plain", "logit")
curve <- function(S, w, tau) {
  fits <- lapply(setNames(conf_types, conf_types), function(type)
    survfit(S ~ 1, weights = w, robust = FALSE, conf.type = type))
  s <- fits$log
  quantiles <- function(p) object(lapply(fits, function(fit) named(quantiles_of(fit, p))))
  # survfit refuses a horizon before the first time, where the curve is 1.
  mean <- if (is.null(tau)) c(NA, NA) else if (tau < min(s$time)) c(tau, 0) else
    summary(s, rmean = tau)$table[c("rmean", "se(rmean)")]
  object(list(
    n = number(length(w)), time = column(s$time), n_risk = column(s$n.risk),
    n_event = column(s$n.event), n_censor = column(s$n.censor), surv = column(s$surv),
    se_log_surv = column(s$std.err),
    limits = object(lapply(fits, function(fit)
      object(list(lower = column(fit$lower), upper = column(fit$upper))))),
    q25 = quantiles(0.25), median = quantiles(0.5), q75 = quantiles(0.75),
    rmst = named(c(estimate = unname(mean[1]), se = unname(mean[2])))
  ))
}

# G-rho test with late entries, weights as copies and strata, which survdiff does not take; checked
# against survdiff wherever that is defined.
g_rho <- function(d, rho) {
  levels <- sort(unique(d$arm), method = "radix")
  k <- length(levels)
  o <- e <- rep(0, k)
  v <- matrix(0, k, k)
  for (stratum in unique(d$stratum)) {
    r <- d[d$stratum == stratum, ]
    survival <- 1
    for (t in sort(unique(r$time[r$event == 1]))) {
      risk <- r$entry < t & r$time >= t
      dead <- r$time == t & r$event == 1
      n <- vapply(levels, function(a) sum(r$weight[risk & r$arm == a]), 0)
      m <- vapply(levels, function(a) sum(r$weight[dead & r$arm == a]), 0)
      N <- sum(n); M <- sum(m); u <- survival^rho
      o <- o + u * m
      e <- e + u * M * n / N
      if (N > 1) v <- v + u^2 * M * (N - M) / (N - 1) * (diag(n / N, k) - outer(n / N, n / N))
      survival <- if (sum(dead) == sum(risk)) 0 else survival * (1 - M / N)
    }
  }
  keep <- which(e > 0 & diag(v) > 1e-14 * max(diag(v), 1))
  if (length(keep) < 2) return(c(chisq = NA, df = NA, p = NA))
  keep <- keep[-1]
  chisq <- drop((o - e)[keep] %*% solve(v[keep, keep, drop = FALSE], (o - e)[keep]))
  c(chisq = chisq, df = length(keep), p = pchisq(chisq, length(keep), lower.tail = FALSE))
}
test_of_arms <- function(d, rho, plain) {
  if (length(unique(d$arm)) < 2) return(c(chisq = NA, df = NA, p = NA))
  own <- g_rho(d, rho)
  if (plain && !is.na(own[1])) {
    r <- survdiff(Surv(time, event) ~ arm + strata(stratum), d, rho = rho)
    stopifnot(abs(r$chisq - own[1]) <= 1e-9 * max(1, own[1]))
  }
  own
}

design <- function(d, covariates) {
  x <- list()
  for (name in c("arm", covariates)) {
    v <- d[[name]]
    if (is.numeric(v)) x[[name]] <- v
    else for (level in sort(unique(v), method = "radix")[-1])
      x[[paste0(name, "=", level)]] <- as.numeric(v == level)
  }
  if (length(x) == 0) NULL else do.call(cbind, x)
}

# A coefficient has no finite maximum if it moves the hazard by more than exp(15) over the covariate's
# range (of these files every finite one moves it by less than exp(6)), or if the iteration took it so
# far that its information vanished, though at zero there was some. What has no information left but
# did not run away itself (a standard error that is no number) is neither.
regression <- function(S, d, x, ties, cluster, weighted) {
  control <- function(n) coxph.control(eps = 1e-13, toler.chol = 1e-13, iter.max = n)
  args <- list(if (length(unique(d$stratum)) > 1) S ~ x + strata(d$stratum) else S ~ x,
               ties = ties, model = TRUE, x = TRUE, y = TRUE)
  if (weighted) args$weights <- d$weight
  if (cluster) args$cluster <- d$cluster # R makes fractional weights robust by itself
  after <- function(n) {
    args$control <- control(n)
    tryCatch(suppressWarnings(do.call(coxph, args)), error = function(e) NULL)
  }
  fit <- after(200)
  if (is.null(fit)) return(NULL) # R gives up: nothing to compare with
  range <- apply(x, 2, function(v) diff(range(v)))
  aliased <- diag(after(0)$var) == 0
  coef <- setNames(coef(fit), colnames(x))
  runaway <- !aliased & (is.na(coef) | abs(coef) * range > 15)
  if (any(runaway)) coef[runaway] <- sign(coef(after(8))[runaway]) * Inf
  se <- setNames(sqrt(diag(fit$var)), colnames(x))
  naive <- if (is.null(fit$naive.var)) se else setNames(sqrt(diag(fit$naive.var)), colnames(x))
  lost <- !runaway & !aliased & se * range > 1e4
  coef[lost | aliased] <- NA
  finite <- !is.na(coef) & !runaway
  se[!finite] <- NA
  naive[!finite] <- NA
  # In the exact likelihood R stops where it is flat to 1e-13: which terms run away is not clear.
  known <- !(ties == "exact" && any(runaway))
  parts <- list(coef = if (known) named(coef), se = if (known) named(se),
                naive_se = if (known) named(naive), loglik_null = number(fit$loglik[1]),
                loglik = number(fit$loglik[length(fit$loglik)]))
  if (any(finite | runaway)) {
    parts$score <- number(fit$score)
    parts$lr <- number(2 * diff(fit$loglik))
  }
  if (any(finite) && !any(runaway)) {
    parts$wald <- number(fit$wald.test)
    if (ties != "exact") {
      kept <- x[, finite, drop = FALSE]
      args[[1]] <- if (length(unique(d$stratum)) > 1) S ~ kept + strata(d$stratum) else S ~ kept
      args$control <- control(200)
      again <- suppressWarnings(do.call(coxph, args))
      of <- function(transform) {
        table <- tryCatch(suppressWarnings(cox.zph(again, transform, terms = FALSE))$table,
                          error = function(e) NULL)
        if (is.null(table) || anyNA(table)) return(NULL)
        named(setNames(table[, "chisq"], c(colnames(x)[finite], "GLOBAL")))
      }
      transforms <- c("km", "identity", "rank", "log")
      if (min(d$time[d$event == 1]) <= 0) transforms <- transforms[1:3]
      parts$zph <- object(lapply(setNames(transforms, transforms), of))
      c <- concordance(again)
      parts$concordance <- number(c$concordance)
      parts$concordance_se <- number(sqrt(c$var))
    }
  }
  object(parts)
}

describe <- function(file) {
  d <- read.csv(file, check.names = FALSE, encoding = "UTF-8", colClasses = c(arm = "character"))
  covariates <- setdiff(names(d), c("id", "time", "event", "arm", "entry", "weight", "stratum", "cluster"))
  late <- "entry" %in% names(d)
  weighted <- "weight" %in% names(d)
  cluster <- "cluster" %in% names(d)
  plain <- !late && !weighted
  if (!late) d$entry <- -1
  if (!weighted) d$weight <- 1
  if (!("stratum" %in% names(d))) d$stratum <- 1
  # Merged times, as survfit and coxph merge them (timefix).
  S <- if (late) Surv(d$entry, d$time, d$event) else Surv(d$time, d$event)
  S <- aeqSurv(S)
  d$time <- S[, ncol(S) - 1]
  if (late) d$entry <- S[, 1]
  tau <- median(d$time)
  if (tau <= 0) tau <- NULL
  levels <- sort(unique(d$arm), method = "radix")
  rows <- c(list(all = rep(TRUE, nrow(d))), lapply(setNames(levels, levels), function(a) d$arm == a))
  curves <- lapply(rows, function(keep)
    curve(S[keep, ], d$weight[keep], tau))
  reversed <- if (late) Surv(d$entry, d$time, 1 - d$event) else Surv(d$time, 1 - d$event)
  follow_up <- lapply(setNames(conf_types, conf_types), function(type) {
    named(quantiles_of(survfit(reversed ~ 1, weights = d$weight, robust = FALSE, conf.type = type), 0.5))
  })
  rhos <- c("0" = 0, "0.5" = 0.5, "1" = 1)
  pairs <- if (length(levels) > 2) combn(levels, 2, simplify = FALSE) else list()
  pairwise <- lapply(pairs, function(pair) named(test_of_arms(d[d$arm %in% pair, ], 0, plain)))
  names(pairwise) <- vapply(pairs, paste, "", collapse = " ")
  x <- design(d, covariates)
  ties <- c("efron", "breslow", if (!weighted && !cluster && nrow(d) < 100) "exact")
  cox <- if (!is.null(x) && nrow(d) > 1)
    lapply(setNames(ties, ties), function(t) regression(S, d, x, t, cluster, weighted))
  object(list(
    n = number(nrow(d)), events = number(sum(d$event)), tau = number(tau), km = object(curves),
    follow_up = object(follow_up),
    logrank = object(lapply(rhos, function(rho) named(test_of_arms(d, rho, plain)))),
    pairwise = if (length(pairs) > 0) object(pairwise), cox = if (!is.null(cox)) object(cox)
  ))
}
files <- sort(list.files(pattern = "[.]csv$"), method = "radix")
names(files) <- sub("[.]csv$", "", files)
cat(object(lapply(files, describe)), "\n")
