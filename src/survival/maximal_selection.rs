//! p-values of a maximally selected standardised statistic without permutations.

use super::tails::normal_two_sided;

/// Density of the standard normal distribution.
fn density(x: f64) -> f64 {
    (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

/// Chance that the largest of the statistics of all cut-offs between the shares `lower` and
/// `upper` of the marker's distribution is at least `statistic`; in 0..=1, 1 for a statistic below
/// 1, where the tail formula does not hold. For a continuous marker in large samples; with few
/// cut-offs it is too large.
///
/// # Source
/// Miller and Siegmund, Biometrics 38 (1982) 1011, equation 8, for the log-rank statistic Lausen and
/// Schumacher, Biometrics 48 (1992) 73: `phi(b) (b - 1/b) log(u (1 - l) / (l (1 - u))) + 4 phi(b) / b`.
///
/// ```
/// use herscope::survival::miller_siegmund_p;
/// // phi(3) = 0.004432; 0.004432 (8/3 log 81 + 4/3) = 0.05785.
/// assert!((miller_siegmund_p(3.0, 0.1, 0.9) - 0.05785).abs() < 1e-5);
/// ```
pub fn miller_siegmund_p(statistic: f64, lower: f64, upper: f64) -> f64 {
    let b = statistic;
    if b < 1.0 {
        return 1.0;
    }
    let range = (upper * (1.0 - lower) / (lower * (1.0 - upper))).ln();
    (density(b) * (b - 1.0 / b) * range + 4.0 * density(b) / b).clamp(0.0, 1.0)
}

/// The same by an improved Bonferroni inequality over the cut-offs that occur; `sizes` are their
/// groups' sizes among `n` subjects, ascending, one at least. In 0..=1; an upper bound for large
/// samples, near the truth for many cut-offs.
///
/// # Source
/// Lausen, Sauerbrei and Schumacher 1994 (in Dirschedl and Ostermann, Computational Statistics,
/// 1483), after Worsley 1982: `P(|Z| >= b) + sum exp(-b^2/2) / pi (t - (b^2/4 - 1) t^3 / 6)` over
/// neighbours `m < m'`, with `t = sqrt(1 - m (n - m') / ((n - m) m'))`.
pub fn lausen_p(statistic: f64, n: usize, sizes: &[usize]) -> f64 {
    let b = statistic;
    let height = (-0.5 * b * b).exp() / std::f64::consts::PI;
    let step = |pair: &[usize]| {
        let [m, next] = [pair[0] as f64, pair[1] as f64];
        let n = n as f64;
        let t = (1.0 - m * (n - next) / ((n - m) * next)).sqrt();
        height * (t - (b * b / 4.0 - 1.0) * t.powi(3) / 6.0)
    };
    let steps: f64 = sizes.windows(2).map(step).sum();
    (normal_two_sided(b) + steps).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_cut_off_is_an_ordinary_test() {
        assert_eq!(lausen_p(2.0, 60, &[30]), normal_two_sided(2.0), "nothing was selected");
    }

    #[test]
    fn two_cut_offs_cost_less_than_bonferroni() {
        let p = lausen_p(2.5, 60, &[30, 31]);
        let one = normal_two_sided(2.5);
        assert!(one < p && p < 2.0 * one, "{p} beside {one}");
        assert_eq!(miller_siegmund_p(0.5, 0.1, 0.9), 1.0, "below the range of the formula");
    }
}
