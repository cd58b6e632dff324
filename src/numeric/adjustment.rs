//! p-values of several tests, adjusted for their number.

/// Holm's adjusted p-values, in the order given: the family-wise error stays below the level.
///
/// # Source
/// Holm 1979, Scandinavian Journal of Statistics 6:65.
///
/// ```
/// use herscope::numeric::adjustment::holm;
///
/// assert_eq!(holm(&[0.04, 0.01]), [0.04, 0.02]);
/// ```
pub fn holm(p: &[f64]) -> Vec<f64> {
    let order = ascending(p);
    let mut adjusted = vec![0.0; p.len()];
    let mut largest = 0.0_f64;
    for (rank, &i) in order.iter().enumerate() {
        largest = largest.max(p[i] * (p.len() - rank) as f64).min(1.0);
        adjusted[i] = largest;
    }
    adjusted
}

/// Benjamini and Hochberg's adjusted p-values, in the order given: the false discovery rate.
///
/// # Source
/// Benjamini and Hochberg 1995, Journal of the Royal Statistical Society B 57:289.
///
/// ```
/// use herscope::numeric::adjustment::benjamini_hochberg;
///
/// assert_eq!(benjamini_hochberg(&[0.04, 0.01]), [0.04, 0.02]);
/// ```
pub fn benjamini_hochberg(p: &[f64]) -> Vec<f64> {
    let order = ascending(p);
    let mut adjusted = vec![0.0; p.len()];
    let mut smallest = 1.0_f64;
    for (rank, &i) in order.iter().enumerate().rev() {
        smallest = smallest.min(p[i] * p.len() as f64 / (rank + 1) as f64);
        adjusted[i] = smallest;
    }
    adjusted
}

fn ascending(p: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adjusted_values_equal_p_adjust() {
        // R 4.2.2: p.adjust(p, "holm"), p.adjust(p, "BH")
        let p = [0.5, 0.04, 0.02, 0.03, 0.05, 0.01];
        let close = |found: &[f64], expected: &[f64]| {
            found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12)
        };
        let found = holm(&p);
        assert!(close(&found, &[0.5, 0.12, 0.10, 0.12, 0.12, 0.06]), "{found:?}");
        let found = benjamini_hochberg(&p);
        assert!(close(&found, &[0.5, 0.06, 0.06, 0.06, 0.06, 0.06]), "{found:?}");
    }
}
