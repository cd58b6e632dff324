//! Agreement of two readings of the same subjects, such as HER2 of tumour cells and of the tissue.

use crate::survival::{normal_quantile, normal_two_sided};

/// Cohen's kappa of two readings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kappa {
    /// Subjects read twice.
    pub n: u64,
    /// Share of equal readings.
    pub observed: f64,
    /// Share of equal readings expected of independent readers with these margins.
    pub expected: f64,
    /// `(observed - expected) / (1 - expected)`: 1 full agreement, 0 that of chance.
    pub kappa: f64,
    /// Standard error, for the limits; `None` where the readings agree fully, which leaves none.
    pub std_err: Option<f64>,
    /// Lower limit, at least -1.
    pub lower: Option<f64>,
    /// Upper limit, at most 1.
    pub upper: Option<f64>,
    /// Two-sided p of no agreement beyond chance; `None` where its standard error is 0.
    pub p: Option<f64>,
}

/// Cohen's kappa of the cross table `counts[i][j]`, subjects of class `i` by the first reading and
/// `j` by the second `[k x k]`, with limits at `conf_level`. `None` without a subject, for a table
/// that is not square, or where both readings know one class only (kappa is 0/0).
///
/// # Source
/// Cohen, Educ. Psychol. Meas. 20 (1960) 37; large-sample standard errors by Fleiss, Cohen and Everitt,
/// Psychol. Bull. 72 (1969) 323: equation 13 for the limits, equation 14 under no agreement. Limits
/// are normal; with few subjects they are rough.
///
/// ```
/// use herscope::association::cohen_kappa;
/// // 35 of 50 agree where 25 would by chance.
/// let found = cohen_kappa(&[vec![20, 5], vec![10, 15]], 0.95).expect("a table");
/// assert!((found.observed - 0.7).abs() < 1e-15 && (found.expected - 0.5).abs() < 1e-15);
/// assert!((found.kappa - 0.4).abs() < 1e-15);
/// ```
pub fn cohen_kappa(counts: &[Vec<u64>], conf_level: f64) -> Option<Kappa> {
    let k = counts.len();
    let n: u64 = counts.iter().flatten().sum();
    if n == 0 || counts.iter().any(|row| row.len() != k) {
        return None;
    }
    let total = n as f64;
    let share = |i: usize, j: usize| counts[i][j] as f64 / total;
    let first: Vec<f64> = (0..k).map(|i| (0..k).map(|j| share(i, j)).sum()).collect();
    let second: Vec<f64> = (0..k).map(|j| (0..k).map(|i| share(i, j)).sum()).collect();
    let observed: f64 = (0..k).map(|i| share(i, i)).sum();
    let expected: f64 = (0..k).map(|i| first[i] * second[i]).sum();
    let left = 1.0 - expected;
    // Both know one class only: what is left is rounding.
    if (0..k).any(|i| counts[i][i] == n) {
        return None;
    }
    let kappa = (observed - expected) / left;
    let own: f64 =
        (0..k).map(|i| share(i, i) * (1.0 - (first[i] + second[i]) * (1.0 - kappa)).powi(2)).sum();
    let others: f64 = (0..k)
        .flat_map(|i| (0..k).map(move |j| (i, j)))
        .filter(|(i, j)| i != j)
        .map(|(i, j)| share(i, j) * (second[i] + first[j]).powi(2))
        .sum();
    let centre = (kappa - expected * (1.0 - kappa)).powi(2);
    let variance = (own + (1.0 - kappa).powi(2) * others - centre) / (total * left * left);
    let agrees = (0..k).all(|i| (0..k).all(|j| i == j || counts[i][j] == 0));
    let std_err = (!agrees && variance > 0.0).then(|| variance.sqrt());
    let margins: f64 = (0..k).map(|i| first[i] * second[i] * (first[i] + second[i])).sum();
    let under_none = (expected + expected * expected - margins) / (total * left * left);
    let half = std_err.map(|error| normal_quantile(0.5 + conf_level / 2.0) * error);
    Some(Kappa {
        n,
        observed,
        expected,
        kappa,
        std_err,
        lower: half.map(|half| (kappa - half).max(-1.0)),
        upper: half.map(|half| (kappa + half).min(1.0)),
        p: (under_none > 0.0).then(|| normal_two_sided(kappa / under_none.sqrt())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kappa of shares, written another way.
    fn kappa_of(shares: &[f64], k: usize) -> f64 {
        let row = |i: usize| shares[i * k..(i + 1) * k].iter().sum::<f64>();
        let column = |j: usize| (0..k).map(|i| shares[i * k + j]).sum::<f64>();
        let agreed: f64 = (0..k).map(|i| shares[i * k + i]).sum();
        let chance: f64 = (0..k).map(|i| row(i) * column(i)).sum();
        1.0 - (1.0 - agreed) / (1.0 - chance)
    }

    #[test]
    fn the_standard_error_is_that_of_the_delta_method() {
        let tables: [Vec<Vec<u64>>; 3] = [
            vec![vec![20, 5], vec![10, 15]],
            vec![vec![44, 5, 1], vec![7, 20, 3], vec![9, 5, 6]],
            vec![vec![3, 0, 2], vec![1, 8, 0], vec![0, 4, 9]],
        ];
        for table in tables {
            let k = table.len();
            let found = cohen_kappa(&table, 0.95).expect("a table");
            let n = found.n as f64;
            let shares: Vec<f64> = table.iter().flatten().map(|&c| c as f64 / n).collect();
            // Multinomial variance of the numeric gradient.
            let slope = |at: usize| {
                let step = 1e-6;
                let moved = |by: f64| {
                    let mut shares = shares.clone();
                    shares[at] += by;
                    kappa_of(&shares, k)
                };
                (moved(step) - moved(-step)) / (2.0 * step)
            };
            let slopes: Vec<f64> = (0..k * k).map(slope).collect();
            let mean: f64 = slopes.iter().zip(&shares).map(|(s, p)| s * p).sum();
            let square: f64 = slopes.iter().zip(&shares).map(|(s, p)| s * s * p).sum();
            let expected = ((square - mean * mean) / n).sqrt();
            let std_err = found.std_err.expect("they do not agree fully");
            // Central differences leave about 1e-10.
            assert!((std_err - expected).abs() < 1e-8, "{std_err} beside {expected}");
        }
    }

    #[test]
    fn full_agreement_has_no_error_and_one_class_has_no_kappa() {
        let full = cohen_kappa(&[vec![4, 0], vec![0, 6]], 0.95).expect("a table");
        assert_eq!((full.kappa, full.std_err, full.lower), (1.0, None, None), "nothing varies");
        assert_eq!(cohen_kappa(&[vec![9, 0], vec![0, 0]], 0.95), None, "0/0");
        assert_eq!(cohen_kappa(&[vec![1, 2]], 0.95), None, "not square");
        assert_eq!(cohen_kappa(&[], 0.95), None, "nobody");
        let opposed = cohen_kappa(&[vec![0, 5], vec![5, 0]], 0.95).expect("a table");
        assert_eq!((opposed.kappa, opposed.lower.unwrap_or(-1.0)), (-1.0, -1.0), "the opposite");
    }

    #[test]
    fn independent_readings_have_no_kappa_beyond_chance() {
        let found = cohen_kappa(&[vec![18, 42], vec![12, 28]], 0.95).expect("a table");
        assert!(found.kappa.abs() < 1e-12, "rows in one proportion: {}", found.kappa);
        assert!(found.p.expect("a p") > 0.999, "no sign of agreement: {:?}", found.p);
    }
}
