# Maximally selected log-rank statistic of 80 simulated subjects by R package maxstat, run as a
# program:  Rscript make_expected.R     (in this folder; writes cohort.csv and expected.json)
# Times have no ties, since exactRankTests' log-rank scores treat those in another way.
suppressMessages({library(survival); library(maxstat)})
set.seed(20261124)
n <- 80
marker <- round(rlnorm(n, 5, 0.8), 3)
event_time <- rexp(n, 0.05 * ifelse(marker >= 160, 1.9, 1))
censoring <- runif(n, 5, 40)
d <- data.frame(id = seq_len(n), time = round(pmin(event_time, censoring), 5),
                event = as.integer(event_time <= censoring), marker = marker)
stopifnot(!anyDuplicated(d$time), !anyDuplicated(d$marker))
write.csv(d, "cohort.csv", row.names = FALSE, quote = FALSE)
d <- read.csv("cohort.csv")
test <- function(...) maxstat.test(Surv(time, event) ~ marker, data = d, smethod = "LogRank",
                                   minprop = 0.1, maxprop = 0.9, ...)
lau92 <- test(pmethod = "Lau92")
lau94 <- test(pmethod = "Lau94")
set.seed(1)
drawn <- test(pmethod = "condMC", B = 100000)
cut <- min(d$marker[d$marker > lau92$estimate])
upper <- d$marker >= cut
cox <- summary(coxph(Surv(time, event) ~ upper, data = d))
number <- function(x) formatC(unname(x), digits = 15, format = "g")
cat(sprintf('{
  "source": "R %s, maxstat %s, survival %s",
  "statistic": %s,
  "lower_group_up_to": %s,
  "lau92": %s,
  "lau94": %s,
  "cond_mc": {"p": %s, "B": 100000},
  "cox": {"coef": %s, "se": %s, "lower": %s, "upper": %s},
  "logrank_chisq": %s
}
', paste(R.version$major, R.version$minor, sep = "."), packageVersion("maxstat"),
  packageVersion("survival"), number(lau92$statistic), number(lau92$estimate),
  number(lau92$p.value), number(lau94$p.value), number(drawn$p.value),
  number(cox$coefficients[1]), number(cox$coefficients[3]), number(cox$conf.int[3]),
  number(cox$conf.int[4]), number(survdiff(Surv(time, event) ~ upper, data = d)$chisq)),
  file = "expected.json")
