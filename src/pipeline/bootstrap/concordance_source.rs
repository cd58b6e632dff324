//! Harrell's C of a risk held fixed, resampled: each replicate an integer count of pairs, on the CPU.

use std::ops::Range;

use rayon::prelude::*;

use super::DOING;
use super::replicate::{Reason, ReplicateValue};
use super::settings::{BootstrapSettings, Resample};
use super::source::{ReplicateSource, SourceFacts};
use super::summary::BLOCK;
use crate::numeric::draw::{Stream, draw};
use crate::numeric::resampling::Resampling;
use crate::survival::{
    Cohort, CovariateColumn, CoxData, CoxOptions, CoxStatus, Outcome, concordance, design_matrix,
    fit_cox,
};
use crate::{Error, Warning};

/// Rows with a risk, ordered for counting.
pub(super) struct ConcordanceSource {
    resampling: Resampling,
    pairs: Pairs,
    facts: SourceFacts,
    /// Stratum of each unit in the order of the draws.
    strata: Option<Vec<usize>>,
}

impl ConcordanceSource {
    /// Fits the Cox model as given; its linear predictor is the risk of every replicate.
    ///
    /// # Errors
    /// No covariate, entry times, weights, strata or clusters; a model of several columns without a
    /// finite maximum; a stratified resample without a group.
    pub(super) fn new(
        cohort: &Cohort,
        settings: &BootstrapSettings,
        gpu_asked: bool,
    ) -> Result<Self, Error> {
        let refuse = |found: &str| {
            Err(Error::usage(DOING)
                .found(found.to_owned())
                .expected("a group or covariates and no entry times, weights, strata or clusters"))
        };
        if cohort.outcome.entry().is_some() || cohort.outcome.weight().is_some() {
            return refuse("entry times or weights");
        }
        if cohort.strata.is_some() || cohort.cluster.is_some() {
            return refuse("strata or clusters");
        }
        let rows = cohort.complete_rows();
        let design = design_matrix(cohort, &rows);
        if design.columns.is_empty() {
            return refuse("no covariate");
        }
        let mut warnings = [&cohort.warnings[..], &design.warnings[..]].concat();
        if gpu_asked {
            let message = "concordance has no GPU kernel; the CPU engine made its replicates";
            warnings.push(Warning::new("no_gpu_kernel", message));
        }
        let names: Vec<&str> = design.columns.iter().map(|column| column.name.as_str()).collect();
        let term = names.join(" + ");
        let outcome = cohort.outcome.select(&rows);
        let risk = risk_of(&outcome, design.columns, &mut warnings)?;
        let given = concordance(&outcome, &risk, None, None)?;
        let mut strata = match (settings.resample, &cohort.group) {
            (Resample::Stratified, Some(group)) => group.codes_of(&rows),
            (Resample::Stratified, None) => return refuse("--resample stratified without --group"),
            // A permutation of a concordance is refused before.
            (_, _) => None,
        };
        let resampling = Resampling::new(outcome.len(), strata.as_deref(), None, settings.seed);
        strata.iter_mut().for_each(|codes| codes.sort_unstable());
        let facts = SourceFacts {
            n: outcome.len(),
            n_events: outcome.n_events(),
            n_dropped: cohort.n_dropped() + cohort.n() - rows.len(),
            statistic: settings.statistic.name(),
            term,
            ties: Some("efron"),
            penalty: None,
            estimate: given.estimate,
            std_err: given.std_err,
            is_log: false,
            warnings,
        };
        Ok(Self { resampling, pairs: Pairs::new(&outcome, &risk), facts, strata })
    }

    fn replicate(&self, counts: &[u32], sums: &mut [u64]) -> ReplicateValue {
        match self.pairs.concordance(counts, sums) {
            Some(value) => ReplicateValue::Finite { value, std_err: None },
            None => ReplicateValue::Lost(Reason::NoEvents),
        }
    }
}

/// The linear predictor; of a single column without a finite coefficient, the column itself.
fn risk_of(
    outcome: &Outcome,
    columns: Vec<CovariateColumn>,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<f64>, Error> {
    let data =
        CoxData { outcome: outcome.clone(), covariates: columns, strata: None, cluster: None };
    let fit = fit_cox(&data, &CoxOptions::default())?;
    let coefs: Option<Vec<f64>> = fit.terms.iter().map(|term| term.coef).collect();
    if let (CoxStatus::Converged, Some(coefs)) = (fit.status, coefs) {
        let of_row = |row: usize| {
            coefs.iter().zip(&data.covariates).map(|(coef, column)| coef * column.values[row]).sum()
        };
        return Ok((0..outcome.len()).map(of_row).collect());
    }
    let [column] = &data.covariates[..] else {
        return Err(Error::numeric(DOING)
            .found("a Cox model without a finite maximum")
            .expected("finite coefficients, or one covariate, for a concordance"));
    };
    let message = "the Cox model has no finite coefficient; the covariate itself is the risk";
    warnings.push(Warning::new("estimate_not_finite", message));
    Ok(column.values.clone())
}

/// Rows in the order of counting.
struct Pairs {
    /// Rows by falling time.
    order: Vec<Row>,
    /// Where a time's rows begin and its events begin and end, in `order`.
    times: Vec<(Range<usize>, usize)>,
    n_levels: usize,
}

struct Row {
    row: usize,
    /// Rank of the risk from 0, equal risks sharing one.
    level: usize,
}

impl Pairs {
    fn new(outcome: &Outcome, risk: &[f64]) -> Self {
        let (time, event) = (outcome.time(), outcome.event());
        let mut levels = risk.to_vec();
        levels.sort_unstable_by(f64::total_cmp);
        levels.dedup();
        let mut order: Vec<usize> = (0..risk.len()).collect();
        // At one time those censored come first: they outlive its events.
        order.sort_by(|&a, &b| time[b].total_cmp(&time[a]).then(event[a].cmp(&event[b])));
        let mut times = Vec::new();
        let mut begin = 0;
        for block in order.chunk_by(|&a, &b| time[a] == time[b]) {
            let n_censored = block.iter().filter(|&&row| !event[row]).count();
            times.push((begin..begin + block.len(), begin + n_censored));
            begin += block.len();
        }
        let level = |row: usize| levels.partition_point(|&level| level < risk[row]);
        let order = order.into_iter().map(|row| Row { row, level: level(row) }).collect();
        Self { order, times, n_levels: levels.len() }
    }

    /// C of a sample that holds row `i` `counts[i]` times; copies of a row are not compared with each
    /// other. `sums` is scratch of `n_levels + 1`.
    ///
    /// # Source
    /// As [`concordance`]; prefix sums by a binary indexed tree (Fenwick 1994).
    fn concordance(&self, counts: &[u32], sums: &mut [u64]) -> Option<f64> {
        sums.fill(0);
        let (mut n, mut agreeing, mut tied, mut all) = (0_u64, 0_u64, 0_u64, 0_u64);
        let add = |sums: &mut [u64], level: usize, count: u64| {
            let mut node = level + 1;
            while node < sums.len() {
                sums[node] += count;
                node += node & node.wrapping_neg();
            }
        };
        let below = |sums: &[u64], level: usize| {
            let (mut node, mut sum) = (level, 0);
            while node > 0 {
                sum += sums[node];
                node -= node & node.wrapping_neg();
            }
            sum
        };
        for (rows, first_event) in &self.times {
            let mut stay = |sums: &mut [u64], rows: &[Row]| {
                for row in rows {
                    let count = u64::from(counts[row.row]);
                    if count > 0 {
                        add(sums, row.level, count);
                        n += count;
                    }
                }
                n
            };
            let staying = stay(sums, &self.order[rows.start..*first_event]);
            let events = &self.order[*first_event..rows.end];
            for event in events {
                let count = u64::from(counts[event.row]);
                if count > 0 {
                    let lower = below(sums, event.level);
                    tied += count * (below(sums, event.level + 1) - lower);
                    agreeing += count * lower;
                    all += count * staying;
                }
            }
            stay(sums, events);
        }
        (all > 0).then(|| (agreeing as f64 + 0.5 * tied as f64) / all as f64)
    }
}

impl ReplicateSource for ConcordanceSource {
    fn facts(&self) -> &SourceFacts {
        &self.facts
    }

    fn fill(&self, first: u64, out: &mut [ReplicateValue]) -> Result<(), Error> {
        out.par_chunks_mut(BLOCK).enumerate().for_each(|(block, out)| {
            let mut counts = vec![0; self.facts.n];
            let mut sums = vec![0; self.pairs.n_levels + 1];
            for (number, out) in (first + (block * BLOCK) as u64..).zip(out) {
                self.resampling.counts(number, &mut counts);
                *out = self.replicate(&counts, &mut sums);
            }
        });
        Ok(())
    }

    fn jackknife(&self) -> Option<(Vec<f64>, Option<Vec<usize>>)> {
        let n_units = self.resampling.n_draws() as u32;
        let mut sums = vec![0; self.pairs.n_levels + 1];
        let left_out: Option<Vec<f64>> = (0..n_units)
            .map(|unit| {
                let mut counts = vec![1; self.facts.n];
                self.resampling.members(unit).iter().for_each(|&row| counts[row as usize] = 0);
                self.pairs.concordance(&counts, &mut sums)
            })
            .collect();
        left_out.map(|left_out| (left_out, self.strata.clone()))
    }

    fn draws(&self, first: u64, units: &mut [u32]) -> Result<(), Error> {
        let n_draws = self.n_draws();
        units.par_chunks_mut(n_draws).enumerate().for_each(|(row, units)| {
            for (slot, unit) in units.iter_mut().enumerate() {
                *unit = self.resampling.draw(first + row as u64, slot);
            }
        });
        Ok(())
    }

    fn n_draws(&self) -> usize {
        self.resampling.n_draws()
    }

    fn inner_shares(
        &self,
        first: u64,
        inner: u32,
        estimate: f64,
        shares: &mut [Option<f64>],
    ) -> Result<(), Error> {
        let (resampling, n_draws) = (&self.resampling, self.n_draws());
        shares.par_iter_mut().enumerate().for_each(|(place, share)| {
            let outer = first + place as u64;
            let units: Vec<u32> = (0..n_draws).map(|slot| resampling.draw(outer, slot)).collect();
            let mut counts = vec![0; self.facts.n];
            let mut sums = vec![0; self.pairs.n_levels + 1];
            let (mut below, mut with_value) = (0_u32, 0_u32);
            for number in 0..u64::from(inner) {
                counts.fill(0);
                for (slot, &(base, bound)) in resampling.slots().iter().enumerate() {
                    let (seed, width) = (resampling.seed(), resampling.width());
                    let number = outer << 32 | number;
                    let drawn = draw(seed, Stream::Nested, number, slot as u32, bound, width);
                    for &row in resampling.members(units[(base + drawn) as usize]) {
                        counts[row as usize] += 1;
                    }
                }
                if let Some(value) = self.pairs.concordance(&counts, &mut sums) {
                    with_value += 1;
                    below += u32::from(value < estimate);
                }
            }
            *share = (with_value > 0).then(|| f64::from(below) / f64::from(with_value));
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integer_pair_counts_give_harrells_c_of_the_expanded_rows() {
        // Ties in time between events, and with a censoring; ties in risk.
        let time = vec![3.0, 1.0, 3.0, 2.0, 5.0, 3.0, 2.0, 4.0, 1.0];
        let event = vec![true, true, true, false, false, false, true, true, true];
        let risk = [0.5, 2.0, 0.5, 1.0, -1.0, 2.0, 1.0, 0.0, 0.5];
        let outcome = Outcome::right_censored(time, event).expect("valid rows");
        let pairs = Pairs::new(&outcome, &risk);
        let resampling = Resampling::new(9, None, None, 5);
        let mut counts = vec![0; 9];
        let mut sums = vec![0; pairs.n_levels + 1];
        let mut compared = 0;
        for replicate in 0..300 {
            resampling.counts(replicate, &mut counts);
            let rows: Vec<usize> =
                (0..9).flat_map(|i| std::iter::repeat_n(i, counts[i] as usize)).collect();
            let risks: Vec<f64> = rows.iter().map(|&i| risk[i]).collect();
            // Copies of one row have one risk: a pair of copies with an event has one time as well,
            // and a censored pair is not comparable, so that expanded rows compare the same pairs.
            let expanded = concordance(&outcome.select(&rows), &risks, None, None);
            let expected = expanded.expect("valid rows").estimate;
            let found = pairs.concordance(&counts, &mut sums);
            match (found, expected) {
                (Some(found), Some(expected)) => {
                    compared += 1;
                    assert!((found - expected).abs() < 1e-14, "replicate {replicate}");
                }
                _ => assert_eq!(found, expected, "replicate {replicate}"),
            }
        }
        assert!(compared > 280, "{compared} of 300 replicates have comparable pairs");
    }
}
