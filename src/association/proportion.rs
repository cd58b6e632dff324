//! Intervals and tests of one proportion.

use statrs::function::beta::checked_beta_reg;
use statrs::function::gamma::ln_gamma;

use crate::survival::normal_quantile;

/// Limits of a proportion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProportionInterval {
    /// Lower limit in [0, 1].
    pub lower: f64,
    /// Upper limit in [0, 1].
    pub upper: f64,
}

/// Exact limits of `events` in `n`; `None` without a trial or with more events than trials.
///
/// # Source
/// Clopper and Pearson 1934, Biometrika 26:404: each tail of the binomial holds half of what
/// `conf_level` leaves, solved through the incomplete beta function.
///
/// ```
/// use herscope::association::clopper_pearson;
///
/// // Without an event the upper limit solves (1 - p)^7 = 0.025.
/// let limits = clopper_pearson(0, 7, 0.95).expect("seven trials");
/// assert!((limits.upper - (1.0 - 0.025_f64.powf(1.0 / 7.0))).abs() < 1e-12);
/// ```
pub fn clopper_pearson(events: u64, n: u64, conf_level: f64) -> Option<ProportionInterval> {
    if n == 0 || events > n {
        return None;
    }
    let tail = (1.0 - conf_level) / 2.0;
    let (events, others) = (events as f64, (n - events) as f64);
    let lower = if events == 0.0 { 0.0 } else { beta_quantile(tail, events, others + 1.0) };
    let upper = if others == 0.0 { 1.0 } else { 1.0 - beta_quantile(tail, others, events + 1.0) };
    Some(ProportionInterval { lower, upper })
}

/// The point below which the beta distribution holds `probability`, by bisection.
fn beta_quantile(probability: f64, a: f64, b: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    // Each step halves the interval; 1100 would reach the smallest number, most stop far earlier.
    for _ in 0..1100 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if checked_beta_reg(a, b, middle).unwrap_or(1.0) < probability {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

/// Score limits of `events` in `n`, with or without continuity correction; `None` without a trial
/// or with more events than trials.
///
/// # Source
/// Wilson 1927, JASA 22:209; with the correction of one half, at most the distance of the share
/// from one half in counts, as R's `prop.test` has it (Newcombe 1998, method 4).
pub fn wilson(
    events: u64,
    n: u64,
    conf_level: f64,
    continuity: bool,
) -> Option<ProportionInterval> {
    if n == 0 || events > n {
        return None;
    }
    let z = normal_quantile(0.5 + conf_level / 2.0);
    let (n, share) = (n as f64, events as f64 / n as f64);
    let correction = if continuity { (events as f64 - n / 2.0).abs().min(0.5) } else { 0.0 };
    let extra = z * z / (2.0 * n);
    let limit = |share: f64, side: f64| {
        let spread = z * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).max(0.0).sqrt();
        (share + extra + side * spread) / (1.0 + 2.0 * extra)
    };
    let (below, above) = (share - correction / n, share + correction / n);
    Some(ProportionInterval {
        lower: if below <= 0.0 { 0.0 } else { limit(below, -1.0).max(0.0) },
        upper: if above >= 1.0 { 1.0 } else { limit(above, 1.0).min(1.0) },
    })
}

/// Exact two-sided test that the proportion is `share`: the chance of all counts no more likely
/// than `events`; `None` without a trial, with more events than trials, or a share outside [0, 1].
///
/// # Source
/// As R's `binom.test`: counts within a relative 1e-7 of the observed chance are as likely.
pub fn binomial_test(events: u64, n: u64, share: f64) -> Option<f64> {
    if n == 0 || events > n || !(0.0..=1.0).contains(&share) {
        return None;
    }
    let log_factorial = |k: u64| ln_gamma(k as f64 + 1.0);
    let power = |k: u64, base: f64| if k == 0 { 0.0 } else { k as f64 * base.ln() };
    let chance = |k: u64| {
        let ways = log_factorial(n) - log_factorial(k) - log_factorial(n - k);
        (ways + power(k, share) + power(n - k, 1.0 - share)).exp()
    };
    let limit = chance(events) * (1.0 + 1e-7);
    let total: f64 = (0..=n).map(chance).filter(|c| *c <= limit).sum();
    Some(total.min(1.0))
}
