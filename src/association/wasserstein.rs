//! Distance of two distributions.

/// Wasserstein-1 distance of two samples, in the unit of the values: the area between their
/// distribution functions. `None` when a sample is empty. Values must be finite, in any order.
///
/// # Source
/// On a line the least cost of moving one distribution to the other is `integral |F(x) - G(x)| dx`
/// (Vallender, Theory Probab. Appl. 18 (1974) 784); here summed over the gaps of the pooled values.
///
/// ```
/// use herscope::association::wasserstein_1;
/// // Every value moves by 2.
/// assert_eq!(wasserstein_1(&[1.0, 2.0], &[4.0, 3.0]), Some(2.0));
/// // Half of the mass moves by 3.
/// assert_eq!(wasserstein_1(&[0.0], &[0.0, 3.0]), Some(1.5));
/// ```
pub fn wasserstein_1(x: &[f64], y: &[f64]) -> Option<f64> {
    if x.is_empty() || y.is_empty() {
        return None;
    }
    let of = |values: &[f64], sign: f64| {
        let weight = sign / values.len() as f64;
        values.iter().map(move |&value| (value, weight)).collect::<Vec<_>>()
    };
    let mut steps = [of(x, 1.0), of(y, -1.0)].concat();
    // By value and then by side: the sum has one order, whatever that of the samples.
    steps.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let (mut apart, mut area) = (0.0_f64, 0.0);
    for pair in steps.windows(2) {
        apart += pair[0].1;
        area += apart.abs() * (pair[1].0 - pair[0].0);
    }
    Some(area)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_empty_sample_has_no_distance() {
        assert_eq!(wasserstein_1(&[], &[1.0]), None, "nothing to move");
        assert_eq!(wasserstein_1(&[1.0], &[]), None, "nowhere to move");
    }

    proptest! {
        #[test]
        fn samples_of_one_size_are_matched_in_their_order(
            mut pairs in prop::collection::vec((-100.0_f64..100.0, -100.0_f64..100.0), 1..30),
        ) {
            let x: Vec<f64> = pairs.iter().map(|pair| pair.0).collect();
            let y: Vec<f64> = pairs.iter().map(|pair| pair.1).collect();
            let (mut a, mut b) = (x.clone(), y.clone());
            a.sort_by(f64::total_cmp);
            b.sort_by(f64::total_cmp);
            let expected: f64 =
                a.iter().zip(&b).map(|(a, b)| (a - b).abs()).sum::<f64>() / a.len() as f64;
            let found = wasserstein_1(&x, &y).expect("two samples");
            prop_assert!((found - expected).abs() < 1e-10, "{} beside {}", found, expected);
            pairs.reverse();
            let x: Vec<f64> = pairs.iter().map(|pair| pair.0).collect();
            prop_assert_eq!(wasserstein_1(&x, &y), Some(found), "in any order");
            prop_assert!((wasserstein_1(&y, &x).expect("two") - found).abs() < 1e-10, "both ways");
        }
    }
}
