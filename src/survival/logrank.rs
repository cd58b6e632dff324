//! The log-rank test and its G-rho relatives, for any number of groups, stratified or pairwise.

use nalgebra::{DMatrix, DVector};

use super::Outcome;
use super::groups::{count_codes, rows_by_code};
use super::risk_table::{RiskCounts, visit_risk_times};
use super::tails::chi_squared_upper;
use crate::Error;
use crate::numeric::adjustment::holm;

/// Eigenvalues of the variance below this fraction of the largest are rounding residue: the matrix
/// of k groups has rank k - 1 at most, and a group of 1 in 10^6 still lies four decades above.
const RANK_TOLERANCE: f64 = 1e-10;

/// Observed against expected events of k groups.
#[derive(Clone, Debug, PartialEq)]
pub struct LogRank {
    /// Power of S(t-) by which each event time is weighted: 0 log-rank, 1 Peto-Peto.
    pub rho: f64,
    /// Rows of each group `[k]`.
    pub n: Vec<usize>,
    /// Weighted observed events of each group `[k]`.
    pub observed: Vec<f64>,
    /// Weighted expected events of each group `[k]`.
    pub expected: Vec<f64>,
    /// Variance of observed - expected, `[k x k]` row-major.
    pub variance: Vec<f64>,
    /// The statistic; `None` when no two groups were ever compared.
    pub chisq: Option<f64>,
    /// Degrees of freedom: the rank of the variance, k - 1 where every group was compared.
    pub df: usize,
    /// Upper tail of chi-square on `df`.
    pub p: Option<f64>,
}

/// One comparison of two groups.
#[derive(Clone, Debug, PartialEq)]
pub struct PairwiseLogRank {
    /// Code of the first group, the smaller one.
    pub first: usize,
    /// Code of the second group.
    pub second: usize,
    /// The test of these two groups alone.
    pub test: LogRank,
    /// p-value after Holm's correction over all pairs that have one.
    pub p_holm: Option<f64>,
}

/// Tests whether the groups share one hazard. `groups[i]` is the group of row `i`, 0..k; `strata`
/// likewise, and only rows of one stratum are compared.
///
/// Case weights count as copies. Left truncation is honoured. Groups never at risk together with
/// another at an event time add no degree of freedom.
///
/// # Errors
/// Codes of another length than the outcome; a `rho` that is not finite.
///
/// # Source
/// Harrington and Fleming, Biometrika 69 (1982) 553, weights S(t-)^rho with the Kaplan-Meier estimate of
/// the pooled stratum. Equals R survival 3.5 `survdiff` to 1e-8 on `tests/data/survival`.
///
/// ```
/// use herscope::survival::{Outcome, fit_logrank};
/// // Two against two, one event at 1 in group 0: O - E = 1 - 1/2, V = 1/4.
/// let outcome = Outcome::right_censored(vec![1.0, 2.0, 2.0, 2.0], vec![true, false, false, false])?;
/// let test = fit_logrank(&outcome, &[0, 0, 1, 1], None, 0.0)?;
/// assert_eq!((test.observed[0], test.expected[0]), (1.0, 0.5));
/// assert!((test.chisq.expect("both groups were at risk") - 1.0).abs() < 1e-12);
/// # Ok::<(), herscope::Error>(())
/// ```
pub fn fit_logrank(
    outcome: &Outcome,
    groups: &[usize],
    strata: Option<&[usize]>,
    rho: f64,
) -> Result<LogRank, Error> {
    let doing = "comparing survival between groups";
    if !rho.is_finite() {
        return Err(Error::usage(doing).found(format!("rho {rho}")).expected("a finite rho"));
    }
    let k = count_codes(doing, "group", outcome, groups)?;
    let mut n = vec![0; k];
    groups.iter().for_each(|&group| n[group] += 1);
    let mut sums =
        Sums { observed: vec![0.0; k], expected: vec![0.0; k], variance: vec![0.0; k * k] };
    let mut add_stratum = |by_time: &[u32]| {
        let mut event_times = Vec::new();
        visit_risk_times(
            outcome,
            by_time,
            k,
            |i| groups[i],
            |_, counts| {
                if counts.iter().any(|group| group.event_rows > 0) {
                    event_times.extend_from_slice(counts);
                }
            },
        );
        sums.add_stratum(&event_times, rho);
    };
    match strata {
        Some(codes) => {
            let n_strata = count_codes(doing, "stratum", outcome, codes)?;
            let strata = rows_by_code(codes, n_strata, outcome.rows_by_time().iter().copied());
            strata.iter().for_each(|by_time| add_stratum(by_time));
        }
        None => add_stratum(outcome.rows_by_time()),
    }
    let (chisq, df) = sums.chi_square();
    Ok(LogRank {
        rho,
        n,
        observed: sums.observed,
        expected: sums.expected,
        variance: sums.variance,
        chisq,
        df,
        p: chisq.map(|chisq| chi_squared_upper(chisq, df)),
    })
}

/// Every pair of groups by itself, with p-values corrected by Holm over the pairs.
///
/// # Errors
/// As [`fit_logrank`].
pub fn fit_pairwise_logrank(
    outcome: &Outcome,
    groups: &[usize],
    strata: Option<&[usize]>,
    rho: f64,
) -> Result<Vec<PairwiseLogRank>, Error> {
    let n_groups = count_codes("comparing survival between groups", "group", outcome, groups)?;
    let by_group: Vec<Vec<usize>> = rows_by_code(groups, n_groups, 0..outcome.len() as u32)
        .into_iter()
        .map(|rows| rows.into_iter().map(|row| row as usize).collect())
        .collect();
    let mut pairs = Vec::new();
    for first in 0..by_group.len() {
        for second in first + 1..by_group.len() {
            let rows = [by_group[first].as_slice(), by_group[second].as_slice()].concat();
            let codes: Vec<usize> =
                rows.iter().map(|&i| usize::from(groups[i] == second)).collect();
            let strata: Option<Vec<usize>> =
                strata.map(|strata| rows.iter().map(|&i| strata[i]).collect());
            let test = fit_logrank(&outcome.select(&rows), &codes, strata.as_deref(), rho)?;
            pairs.push(PairwiseLogRank { first, second, test, p_holm: None });
        }
    }
    let tested: Vec<usize> = (0..pairs.len()).filter(|&i| pairs[i].test.p.is_some()).collect();
    let p_values: Vec<f64> = tested.iter().filter_map(|&i| pairs[i].test.p).collect();
    for (&i, p) in tested.iter().zip(holm(&p_values)) {
        pairs[i].p_holm = Some(p);
    }
    Ok(pairs)
}

struct Sums {
    observed: Vec<f64>,
    expected: Vec<f64>,
    variance: Vec<f64>,
}

impl Sums {
    /// `event_times` holds the counts of each event time, descending `[event times x k]`.
    fn add_stratum(&mut self, event_times: &[RiskCounts], rho: f64) {
        let k = self.observed.len();
        let mut survival = 1.0_f64;
        for groups in event_times.chunks_exact(k.max(1)).rev() {
            let total = RiskCounts::total(groups);
            let weight = if rho == 0.0 { 1.0 } else { survival.powf(rho) };
            let (n, d) = (total.at_risk, total.events);
            for (g, counts) in groups.iter().enumerate() {
                self.observed[g] += weight * counts.events;
                self.expected[g] += weight * d * counts.at_risk / n;
            }
            if n > 1.0 {
                let scale = weight * weight * d * (n - d) / (n - 1.0);
                for (g, of_g) in groups.iter().enumerate() {
                    for (h, of_h) in groups.iter().enumerate() {
                        let same = if g == h { 1.0 } else { 0.0 };
                        self.variance[g * k + h] +=
                            scale * (of_g.at_risk / n) * (same - of_h.at_risk / n);
                    }
                }
            }
            survival *= if total.event_rows == total.rows_at_risk { 0.0 } else { (n - d) / n };
        }
    }

    /// (O - E)' V^- (O - E) with the Moore-Penrose inverse, and the rank of V. Any generalised
    /// inverse gives the same value, because O - E lies in the range of V.
    fn chi_square(&self) -> (Option<f64>, usize) {
        let k = self.observed.len();
        if k < 2 || self.variance.iter().any(|v| !v.is_finite()) {
            return (None, 0);
        }
        let excess = DVector::from_fn(k, |g, _| self.observed[g] - self.expected[g]);
        let eigen = DMatrix::from_row_slice(k, k, &self.variance).symmetric_eigen();
        let largest = eigen.eigenvalues.max();
        let kept =
            (0..k).filter(|&i| largest > 0.0 && eigen.eigenvalues[i] > RANK_TOLERANCE * largest);
        let (mut chisq, mut rank) = (0.0, 0);
        for i in kept {
            chisq += excess.dot(&eigen.eigenvectors.column(i)).powi(2) / eigen.eigenvalues[i];
            rank += 1;
        }
        ((rank > 0).then_some(chisq), rank)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_groups_with_one_never_at_risk_lose_a_degree_of_freedom() {
        // Group 2 leaves at 0.5, before any event.
        let outcome = Outcome::right_censored(
            vec![1.0, 2.0, 3.0, 4.0, 0.5],
            vec![true, true, true, true, false],
        )
        .expect("valid rows");
        let three = fit_logrank(&outcome, &[0, 1, 0, 1, 2], None, 0.0).expect("valid codes");
        let two = fit_logrank(&outcome.select(&[0, 1, 2, 3]), &[0, 1, 0, 1], None, 0.0)
            .expect("valid codes");
        assert_eq!((three.df, two.df), (1, 1), "the third group is compared with nobody");
        let (a, b) = (three.chisq.expect("compared"), two.chisq.expect("compared"));
        assert!((a - b).abs() < 1e-12, "{a} {b}");
    }

    #[test]
    fn the_statistic_of_six_rows_equals_the_hand_calculation() {
        // Group 0: events at 1 and 3, censored at 5; group 1: events at 2 and 4, censored at 6.
        // E0 = 3/6 + 2/5 + 2/4 + 1/3 = 26/15; V = 1/4 + 6/25 + 1/4 + 2/9; (O - E)^2 / V.
        let outcome = Outcome::right_censored(
            vec![1.0, 3.0, 5.0, 2.0, 4.0, 6.0],
            vec![true, true, false, true, true, false],
        )
        .expect("valid rows");
        let test = fit_logrank(&outcome, &[0, 0, 0, 1, 1, 1], None, 0.0).expect("valid codes");
        let variance = 0.25 + 0.24 + 0.25 + 2.0 / 9.0;
        let expected = (2.0 - 26.0 / 15.0_f64).powi(2) / variance;
        assert!((test.chisq.expect("compared") - expected).abs() < 1e-14, "{:?}", test.chisq);
    }

    #[test]
    fn two_identical_strata_double_the_score_and_its_variance() {
        let time = vec![1.0, 2.0, 3.0, 4.0];
        let one = Outcome::right_censored(time.clone(), vec![true; 4]).expect("valid rows");
        let two = Outcome::right_censored([time.clone(), time].concat(), vec![true; 8])
            .expect("valid rows");
        let groups = [0, 0, 1, 1, 0, 0, 1, 1];
        let single = fit_logrank(&one, &groups[..4], None, 0.0).expect("valid codes");
        let stratified =
            fit_logrank(&two, &groups, Some(&[0, 0, 0, 0, 1, 1, 1, 1]), 0.0).expect("valid codes");
        let (a, b) = (single.chisq.expect("compared"), stratified.chisq.expect("compared"));
        assert!((2.0 * a - b).abs() < 1e-12, "(2 U)^2 / (2 V) = 2 U^2 / V: {a} {b}");
    }

    #[test]
    fn pairs_of_groups_are_tested_alone_and_corrected_together() {
        let time: Vec<f64> = (1..=12).map(f64::from).collect();
        let outcome = Outcome::right_censored(time, vec![true; 12]).expect("valid rows");
        let groups = [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2];
        let pairs = fit_pairwise_logrank(&outcome, &groups, None, 0.0).expect("valid codes");
        let named: Vec<_> = pairs.iter().map(|pair| (pair.first, pair.second)).collect();
        assert_eq!(named, [(0, 1), (0, 2), (1, 2)], "every pair once");
        for pair in &pairs {
            assert!(pair.p_holm >= pair.test.p, "a correction never lowers p: {pair:?}");
        }
    }

    #[test]
    fn one_group_or_no_event_has_no_statistic() {
        let outcome = Outcome::right_censored(vec![1.0, 2.0], vec![false; 2]).expect("valid rows");
        for groups in [[0, 0], [0, 1]] {
            let test = fit_logrank(&outcome, &groups, None, 0.0).expect("valid codes");
            assert_eq!((test.chisq, test.p), (None, None), "nothing to compare");
        }
    }
}
