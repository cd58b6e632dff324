//! Student's and Welch's t-tests.

use statrs::function::beta::checked_beta_reg;

use super::summary::mean_and_variance;

/// What is assumed about the spread of two samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Variances {
    /// Each its own (Welch).
    #[default]
    Separate,
    /// One for both (Student).
    Pooled,
}

/// A t-test of two means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TTest {
    /// Mean of `x` less mean of `y`.
    pub difference: f64,
    /// Difference over its standard error.
    pub statistic: f64,
    /// Degrees of freedom, fractional for Welch's test.
    pub df: f64,
    /// Two-sided p-value.
    pub p: f64,
}

/// t-test of two samples; `None` with fewer than two values on a side, or without any spread.
///
/// # Source
/// Welch 1947, Biometrika 34:28, with Satterthwaite's degrees of freedom; Student 1908 with the
/// pooled variance. As R's `t.test`.
///
/// ```
/// use herscope::association::{Variances, t_test};
///
/// // Means 2 and 5, both variances 1: t = -3 / sqrt(2 / 3) on 4 degrees of freedom.
/// let test = t_test(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0], Variances::Pooled).expect("spread");
/// assert!((test.statistic + 3.0 / (2.0_f64 / 3.0).sqrt()).abs() < 1e-12);
/// assert_eq!(test.df, 4.0);
/// ```
pub fn t_test(x: &[f64], y: &[f64], variances: Variances) -> Option<TTest> {
    let (n_x, n_y) = (x.len() as f64, y.len() as f64);
    let (mean_x, variance_x) = mean_and_variance(x)?;
    let (mean_y, variance_y) = mean_and_variance(y)?;
    let (variance_x, variance_y) = (variance_x?, variance_y?);
    let (squared_error, df) = match variances {
        Variances::Separate => {
            let (a, b) = (variance_x / n_x, variance_y / n_y);
            (a + b, (a + b).powi(2) / (a * a / (n_x - 1.0) + b * b / (n_y - 1.0)))
        }
        Variances::Pooled => {
            let df = n_x + n_y - 2.0;
            let pooled = ((n_x - 1.0) * variance_x + (n_y - 1.0) * variance_y) / df;
            (pooled * (1.0 / n_x + 1.0 / n_y), df)
        }
    };
    if squared_error <= 0.0 {
        return None;
    }
    let difference = mean_x - mean_y;
    let statistic = difference / squared_error.sqrt();
    Some(TTest { difference, statistic, df, p: t_two_sided(statistic, df) })
}

/// P(|T| >= |`t`|) of Student's t on `df` degrees of freedom.
pub(super) fn t_two_sided(t: f64, df: f64) -> f64 {
    let share = df / (df + t * t);
    if share <= 0.0 {
        return 0.0;
    }
    checked_beta_reg(df / 2.0, 0.5, share).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_tests_equal_t_test_of_r() {
        // R 4.2.2: t.test(c(1, 2, 4, 8.5), c(3, 3.5, 9, 11, 14)), and with var.equal = TRUE
        let (x, y) = ([1.0, 2.0, 4.0, 8.5], [3.0, 3.5, 9.0, 11.0, 14.0]);
        let expected = [
            (Variances::Separate, -1.56100527857443, 6.92631064858348, 0.162943626020861),
            (Variances::Pooled, -1.49410495758164, 7.0, 0.178792842199533),
        ];
        for (variances, statistic, df, p) in expected {
            let test = t_test(&x, &y, variances).expect("spread on both sides");
            for (found, expected) in [(test.statistic, statistic), (test.df, df), (test.p, p)] {
                assert!((found - expected).abs() < 1e-10, "{variances:?}: {found}, {expected}");
            }
        }
        assert_eq!(t_test(&[1.0, 1.0], &[2.0, 2.0], Variances::Separate), None, "no spread");
        assert_eq!(t_test(&[1.0], &[2.0, 3.0], Variances::Pooled), None, "one value");
    }
}
