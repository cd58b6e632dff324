//! Tail probabilities and quantiles the tests and intervals of this module share.

use statrs::distribution::{ChiSquared, ContinuousCDF, Normal};

/// P(X > `chisq`) of a chi-square variable with `df` degrees of freedom, accurate far into the
/// tail. `None` without degrees of freedom or for a NaN.
///
/// The regularised upper incomplete gamma function, good to 1e-13 relative; `1 - cdf` would be 0
/// below 1e-16, and statrs' `erfc` is good to 1e-10 only.
///
/// ```
/// use herscope::survival::chi_square_p;
/// let p = chi_square_p(3.841458820694124, 1).expect("one degree of freedom");
/// assert!((p - 0.05).abs() < 1e-12);
/// ```
pub fn chi_square_p(chisq: f64, df: usize) -> Option<f64> {
    if chisq.is_nan() || df == 0 {
        return None;
    }
    ChiSquared::new(df as f64).ok().map(|distribution| distribution.sf(chisq))
}

/// Two-sided p-value of a standard normal `z`: P(|Z| > |z|), the upper tail of chi-square at z^2.
/// `None` for a NaN.
pub fn two_sided_normal_p(z: f64) -> Option<f64> {
    chi_square_p(z * z, 1)
}

/// The standard normal quantile that a two-sided interval at `conf_level` uses: 1.959964 at 0.95.
///
/// `conf_level` lies in (0, 1), which [`ConfLevel`](super::ConfLevel) guarantees.
pub(crate) fn two_sided_normal_quantile(conf_level: f64) -> f64 {
    Normal::standard().inverse_cdf(1.0 - (1.0 - conf_level) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Closed forms: erfc(sqrt(x/2)) on 1, exp(-x/2) on 2, erfc(sqrt(x/2)) + sqrt(2x/pi) exp(-x/2) on
    /// 3 degrees of freedom, evaluated in Python 3.11 with `math.erfc`.
    #[test]
    fn far_chi_square_tails_keep_their_relative_accuracy() {
        let cases = [
            (50.0, 1, 1.537_459_794_428_035e-12),
            (300.0, 1, 3.294_362_383_314_057e-67),
            (100.0, 2, 1.928_749_847_963_917_8e-22),
            (30.0, 3, 1.380_057_031_293_254_7e-6),
            (120.0, 3, 7.716_790_355_634_159e-26),
        ];
        for (chisq, df, expected) in cases {
            let p = chi_square_p(chisq, df).expect("df >= 1");
            assert!((p / expected - 1.0).abs() < 1e-12, "{chisq} on {df}: {p:e}");
        }
        assert_eq!(chi_square_p(1.0, 0), None, "no degree of freedom, no p-value");
    }

    #[test]
    fn the_normal_quantile_of_95_percent_is_1_959964() {
        // Abramowitz and Stegun, table 26.5.
        let z = two_sided_normal_quantile(0.95);
        assert!((z - 1.959_963_984_540_054).abs() < 1e-12, "{z}");
    }
}
