# Landmark and time-dependent analyses of the T-DXd cohort (tests/data/tdxd-cohort), and what a Cox
# model predicts there. Run in this folder: Rscript make_expected.R
suppressMessages({library(survival); library(jsonlite)})
patients <- read.csv("../tdxd-cohort/patients.csv")
samples <- read.csv("../tdxd-cohort/samples.csv")
DPM <- 30.4375
patients$time <- patients$pfs_days / DPM
samples$time <- samples$days_from_enrolment / DPM
EPS <- 1e-11
options <- coxph.control(eps = EPS, iter.max = 60)

terms <- function(fit) {
  s <- summary(fit)$coefficients
  list(n = fit$n, n_events = fit$nevent, coef = unname(coef(fit)), se = unname(sqrt(diag(fit$var))),
       loglik_null = fit$loglik[1], loglik = fit$loglik[2])
}

# Ever HER2-positive by the landmark, among those still at risk then.
landmark <- function(L) {
  known <- samples[samples$time <= L, ]
  ever <- tapply(known$n_her2pos_ctc >= 1, known$patient_id, any)
  at <- patients[patients$time > L & patients$patient_id %in% names(ever), ]
  at$status <- as.integer(ever[at$patient_id])
  at$since <- at$time - L
  fit <- coxph(Surv(since, pfs_event) ~ status, at, control = options)
  km <- summary(survfit(Surv(since, pfs_event) ~ status, at))$table
  c(list(landmark = L, n_used = nrow(at), n_positive = sum(at$status),
         median_negative = unname(km[1, "median"]), median_positive = unname(km[2, "median"]),
         logrank = unname(survdiff(Surv(since, pfs_event) ~ status, at)$chisq)), terms(fit))
}

# (start, stop] rows by tmerge: the marker holds from its visit on; nothing is known before the first.
changing <- function(from, ever) {
  base <- tmerge(patients[, c("patient_id", "age_years")], patients, id = patient_id,
                 progression = event(time, pfs_event))
  visits <- samples[order(samples$patient_id, samples$time), ]
  value <- visits$n_her2pos_ctc
  if (!is.na(from)) value <- as.integer(value >= from)
  if (ever) value <- ave(value, visits$patient_id, FUN = cummax)
  visits$value <- value
  rows <- tmerge(base, visits, id = patient_id, marker = tdc(time, value))
  terms(coxph(Surv(tstart, tstop, progression) ~ age_years + marker, rows, control = options))
}

model <- coxph(Surv(time, pfs_event) ~ her2_ctc_pos + age_years + hr_status, patients, control = options)
base <- basehaz(model, centered = FALSE)
new <- data.frame(her2_ctc_pos = c(0, 1), age_years = c(50, 70), hr_status = c("negative", "positive"))
curve <- summary(survfit(model, new), times = sort(unique(patients$time[patients$pfs_event == 1])))
dates <- as.numeric(as.Date(patients$pfs_end_date) - as.Date(patients$enrolment_date))
stopifnot(all(dates == patients$pfs_days))
profile_limit <- function(side) {
  fit <- coxph(Surv(time, pfs_event) ~ her2_ctc_pos, patients, control = options)
  drop <- function(b) {
    at <- coxph(Surv(time, pfs_event) ~ offset(b * her2_ctc_pos), patients)
    2 * (fit$loglik[2] - at$loglik) - qchisq(0.95, 1)
  }
  uniroot(drop, sort(c(coef(fit), coef(fit) + side * 6)), tol = 1e-12)$root
}

out <- list(
  made_with = list(R = as.character(getRversion()), survival = as.character(packageVersion("survival"))),
  landmarks = lapply(c(1, 3, 6), landmark),
  changing = list(
    list(from = NA, ever = FALSE, fit = changing(NA, FALSE)),
    list(from = 1, ever = FALSE, fit = changing(1, FALSE)),
    list(from = 1, ever = TRUE, fit = changing(1, TRUE))),
  baseline = list(time = base$time, hazard = base$hazard),
  predicted = list(time = curve$time, survival = curve$surv, std_err = curve$std.err,
                   lower = curve$lower, upper = curve$upper),
  profile = list(lower = profile_limit(-1), upper = profile_limit(1)),
  robust_se = unname(sqrt(diag(coxph(Surv(time, pfs_event) ~ her2_ctc_pos, patients, robust = TRUE,
                                     control = options)$var))))
writeLines(toJSON(out, auto_unbox = TRUE, digits = 14, na = "null", pretty = TRUE), "expected.json")
