//! Spearman's and Kendall's rank correlations.

use super::correlation::{Correlation, CorrelationMethod, product_moment, t_of};
use super::ranks::MidRanks;
use crate::survival::normal_two_sided;

/// Up to this many pairs Spearman's distribution is counted out, as in R.
const ENUMERATED_PAIRS: usize = 9;

/// Above this many pairs Spearman's test uses the t approximation, as in R.
const EDGEWORTH_PAIRS: usize = 1290;

/// Below this many pairs Kendall's distribution is exact, as in R.
const KENDALL_EXACT_BELOW: usize = 50;

/// Most pairs whose Kendall distribution is counted out on request.
const KENDALL_LIMIT: usize = 300;

/// Spearman's correlation as R's `cor.test` tests it: without ties exact to 9 pairs and Edgeworth's
/// series above; with ties, or more than 1290 pairs, [`spearman_t`]. `None` if lengths differ or a column has no spread.
///
/// # Source
/// Spearman 1904; Edgeworth series of Best and Roberts 1975, Applied Statistics 24:377 (AS 89).
///
/// ```
/// use herscope::association::spearman;
///
/// // Squared rank differences 0, 1, 1: r = 1 - 6 * 2 / (27 - 3).
/// let found = spearman(&[1.0, 2.0, 3.0], &[10.0, 30.0, 20.0]).expect("spread");
/// assert!((found.estimate - 0.5).abs() < 1e-12 && (found.statistic - 2.0).abs() < 1e-12);
/// ```
pub fn spearman(x: &[f64], y: &[f64]) -> Option<Correlation> {
    let plain = spearman_t(x, y, false)?;
    let n = x.len();
    let fits_the_series = (3..=EDGEWORTH_PAIRS).contains(&n);
    if !fits_the_series || MidRanks::of(x).has_ties() || MidRanks::of(y).has_ties() {
        return Some(plain);
    }
    // The distribution is symmetric: always look at the side of small S.
    let largest = (n as f64).powi(3) - n as f64;
    let s = plain.statistic.round();
    let near = s.min((largest / 3.0).round() - s);
    let (tail, method) = if n <= ENUMERATED_PAIRS {
        (enumerated_tail(n, near as u64), CorrelationMethod::Exact)
    } else {
        (edgeworth_tail(n as f64, near), CorrelationMethod::Edgeworth)
    };
    Some(Correlation { p: Some((2.0 * tail).min(1.0)), method, ..plain })
}

/// Spearman's correlation with the t approximation; `continuity` shrinks it by what one more in
/// n(n^2 - 1)/6 does, as R's `cor.test(exact = FALSE, continuity = TRUE)` for positive correlations.
pub fn spearman_t(x: &[f64], y: &[f64], continuity: bool) -> Option<Correlation> {
    if x.len() != y.len() {
        return None;
    }
    let n = x.len() as f64;
    let estimate = product_moment(&MidRanks::of(x).ranks(), &MidRanks::of(y).ranks())?;
    let third = (n * n * n - n) / 6.0;
    let statistic = third * (1.0 - estimate);
    let tested = if continuity {
        (1.0 - third * (1.0 - estimate.abs()) / (third + 1.0)) * estimate.signum()
    } else {
        estimate
    };
    let (_, p) = t_of(tested, x.len());
    Some(Correlation { estimate, statistic, p, method: CorrelationMethod::StudentT })
}

/// P(S <= s) over all orders of `n` ranks.
fn enumerated_tail(n: usize, s: u64) -> f64 {
    fn count(left: &mut Vec<u64>, place: u64, budget: u64) -> u64 {
        if left.is_empty() {
            return 1;
        }
        let mut found = 0;
        for i in 0..left.len() {
            let cost = left[i].abs_diff(place).pow(2);
            if cost <= budget {
                let rank = left.swap_remove(i);
                found += count(left, place + 1, budget - cost);
                left.push(rank);
                let last = left.len() - 1;
                left.swap(i, last);
            }
        }
        found
    }
    let within = count(&mut (1..=n as u64).collect(), 1, s);
    within as f64 / (1..=n as u64).product::<u64>() as f64
}

/// P(S <= s), s below the mean, by AS 89; S is even without ties, so the step is two.
fn edgeworth_tail(n: f64, s: f64) -> f64 {
    let b = 1.0 / n;
    let x = (6.0 * (s + 1.0) * b / (n * n - 1.0) - 1.0) * (n - 1.0).sqrt();
    let y = x * x;
    let fourth = 0.0072 - 0.0831 * b + y * b * (0.0131 - 4.6e-4 * y);
    let third = 0.0879 + 0.0151 * b - y * fourth;
    let second = -0.0758 + b * (0.1033 + 0.3932 * b) - y * b * third;
    let first = 0.2274 + b * (0.2531 + 0.1745 * b) + y * second;
    let correction = x * b * first / (y / 2.0).exp();
    // x is negative: the lower normal tail is half the two-sided one.
    let lower = if x < 0.0 { 0.5 * normal_two_sided(x) } else { 1.0 - 0.5 * normal_two_sided(x) };
    (lower - correction).clamp(0.0, 1.0)
}

/// Kendall's tau-b as R's `cor.test` tests it: exact below 50 pairs without ties, else
/// [`kendall_normal`]. `None` if lengths differ or a column has no spread.
///
/// ```
/// use herscope::association::kendall;
///
/// // Two of three pairs agree, one disagrees.
/// let found = kendall(&[1.0, 2.0, 3.0], &[1.0, 3.0, 2.0]).expect("spread");
/// assert!((found.estimate - 1.0 / 3.0).abs() < 1e-12);
/// assert_eq!(found.statistic, 2.0);
/// ```
pub fn kendall(x: &[f64], y: &[f64]) -> Option<Correlation> {
    let exact = if x.len() < KENDALL_EXACT_BELOW { kendall_exact(x, y) } else { None };
    exact.or_else(|| kendall_normal(x, y, false))
}

/// Kendall's tau with the exact distribution; `None` with ties, or above 300 pairs.
///
/// # Source
/// Kendall 1938, Biometrika 30:81: orders of n with a given number of concordant pairs, counted
/// one rank at a time.
pub fn kendall_exact(x: &[f64], y: &[f64]) -> Option<Correlation> {
    let n = x.len();
    let ties = MidRanks::of(x).has_ties() || MidRanks::of(y).has_ties();
    if !(2..=KENDALL_LIMIT).contains(&n) || ties {
        return None;
    }
    let difference = concordance_difference(x, y)?;
    let pairs = (n * (n - 1) / 2) as i64;
    let concordant = ((pairs + difference) / 2) as usize;
    let mut chance = vec![1.0];
    for ranks in 2..=n {
        // The next rank adds 0 .. ranks - 1 concordant pairs, each as likely.
        let mut next = vec![0.0; chance.len() + ranks - 1];
        for (have, c) in chance.iter().enumerate() {
            for to in &mut next[have..have + ranks] {
                *to += c / ranks as f64;
            }
        }
        chance = next;
    }
    let near = concordant.min(pairs as usize - concordant);
    let tail: f64 = chance[..=near].iter().sum();
    Some(Correlation {
        estimate: difference as f64 / pairs as f64,
        statistic: concordant as f64,
        p: Some((2.0 * tail).min(1.0)),
        method: CorrelationMethod::Exact,
    })
}

/// Kendall's tau-b with the normal approximation, corrected for ties; `continuity` brings the
/// difference of pairs one nearer to zero. `None` if lengths differ or a column has no spread.
///
/// # Source
/// Kendall, Rank Correlation Methods (1975), equation 4.4 for the variance with ties.
pub fn kendall_normal(x: &[f64], y: &[f64], continuity: bool) -> Option<Correlation> {
    let difference = concordance_difference(x, y)? as f64;
    let n = x.len() as f64;
    let (x, y) = (MidRanks::of(x), MidRanks::of(y));
    let runs = |ranks: &MidRanks, of: fn(f64) -> f64| -> f64 {
        ranks.runs.iter().map(|&run| of(run as f64)).sum()
    };
    let pairs = n * (n - 1.0) / 2.0;
    let tied = |ranks: &MidRanks| runs(ranks, |t| t * (t - 1.0) / 2.0);
    let spread = ((pairs - tied(&x)) * (pairs - tied(&y))).sqrt();
    if spread <= 0.0 {
        return None;
    }
    let fifth = |t: f64| t * (t - 1.0) * (2.0 * t + 5.0);
    let triples = |t: f64| t * (t - 1.0) * (t - 2.0);
    let mut variance = (fifth(n) - runs(&x, fifth) - runs(&y, fifth)) / 18.0
        + 2.0 * tied(&x) * tied(&y) / (n * (n - 1.0));
    if n > 2.0 {
        variance += runs(&x, triples) * runs(&y, triples) / (9.0 * triples(n));
    }
    let nearer = if continuity { (difference.abs() - 1.0).max(0.0) } else { difference.abs() };
    let z = nearer * difference.signum() / variance.sqrt();
    Some(Correlation {
        estimate: difference / spread,
        statistic: z,
        p: (n > 2.0).then(|| normal_two_sided(z)),
        method: CorrelationMethod::Normal,
    })
}

/// Concordant less discordant pairs.
fn concordance_difference(x: &[f64], y: &[f64]) -> Option<i64> {
    if x.len() != y.len() {
        return None;
    }
    let order = |a: f64, b: f64| a.partial_cmp(&b).map_or(0, |order| order as i64);
    let mut difference = 0;
    for i in 0..x.len() {
        for j in 0..i {
            difference += order(x[i], x[j]) * order(y[i], y[j]);
        }
    }
    Some(difference)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reversing_a_column_keeps_p_and_turns_the_sign() {
        let x = [3.0, 2.0, 4.0, 1.0, 5.0, 6.0, 8.0, 7.0, 10.0, 9.0, 12.0, 11.0];
        let y = [12.0, 4.0, 5.0, 8.0, 9.0, 1.0, 10.0, 2.0, 6.0, 7.0, 3.0, 11.0];
        let turned = y.map(|v| -v);
        let (a, b) = (spearman(&x, &y), spearman(&x, &turned));
        let (a, b) = (a.expect("spread"), b.expect("spread"));
        // R 4.2.2: cor.test(x, y, method = "spearman") and with -y.
        assert!((a.statistic - 306.0).abs() < 1e-9 && (b.statistic - 266.0).abs() < 1e-9);
        for p in [a.p, b.p] {
            let p = p.expect("twelve pairs");
            assert!((p - 0.834447145237).abs() < 1e-11, "{p} beside R's 0.834447145237");
        }
        let (a, b) = (kendall(&x, &y), kendall(&x, &turned));
        let (a, b) = (a.expect("spread"), b.expect("spread"));
        assert_eq!((a.estimate, a.p), (-b.estimate, b.p), "tau turns, p stays");
    }

    #[test]
    fn the_series_gives_way_to_students_t_where_it_does_in_r() {
        // R 4.2.2: x <- 1:n; y <- (x * 577) %% 1301; cor.test(x, y, method = "spearman")
        let cases = [
            (1290, CorrelationMethod::Edgeworth, 360_018_682.0, 0.822430005240773),
            (1291, CorrelationMethod::StudentT, 360_744_224.0, 0.831147612856908),
        ];
        for (n, method, statistic, p) in cases {
            let x: Vec<f64> = (1..=n).map(f64::from).collect();
            let y: Vec<f64> = (1..=n).map(|i| f64::from(i * 577 % 1301)).collect();
            let found = spearman(&x, &y).expect("spread");
            assert_eq!(found.method, method, "{n} pairs");
            // S is about 4e8: a whole number, from a coefficient good to 1e-15.
            assert!((found.statistic - statistic).abs() < 1e-5, "{n}: {}", found.statistic);
            let found = found.p.expect("many pairs");
            assert!((found - p).abs() < 1e-10, "{n}: {found} beside {p}");
        }
    }

    #[test]
    fn a_column_without_spread_has_no_correlation() {
        let (flat, other) = ([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]);
        assert_eq!(spearman(&flat, &other), None, "no ranks to compare");
        assert_eq!(kendall(&flat, &other), None, "every pair is tied");
    }
}
