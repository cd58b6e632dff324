//! Statistics of the survival curves of two groups: replicates from the curve kernel.

use rayon::prelude::*;

use super::DOING;
use super::replicate::{Reason, ReplicateValue};
use super::settings::{BootstrapSettings, Resample, Statistic};
use super::source::{ReplicateSource, SourceFacts};
use super::summary::BLOCK;
use crate::compute::{Backend, ComputeError};
use crate::kernels::curve_bootstrap::{
    CurveDraws, CurvePlan, CurveStatistic, Replicate, solve_on_host,
};
use crate::kernels::hazard_ratio_bootstrap::MAX_UNITS;
use crate::survival::{
    Cohort, ConfLevel, Confidence, KaplanMeier, Outcome, Rmst, design_matrix, fit_logrank,
};
use crate::{Error, Warning};

/// Inner replicates asked of a backend at once: 24 MiB of results.
const INNER_PER_CHUNK: u64 = 1 << 20;

/// Units of outer resamples in a chunk: 64 MiB, half of a default storage binding.
const UNITS_PER_CHUNK: usize = 8 << 20;

/// The cohort as two arms.
pub(super) struct CurveSource<'a> {
    backend: &'a dyn Backend,
    plan: CurvePlan,
    facts: SourceFacts,
    /// Arm of each unit in the plan's order, where arms are resampled apart.
    strata: Option<Vec<usize>>,
}

/// Follow-up with the arm of each row, and what the arms are.
struct TwoArms {
    outcome: Outcome,
    arm: Vec<bool>,
    term: String,
    n_dropped: usize,
    warnings: Vec<Warning>,
}

impl<'a> CurveSource<'a> {
    /// Checks that the cohort has two arms, and takes the statistic of the data as given.
    ///
    /// # Errors
    /// A cohort without exactly one 0/1 column, or with entry times, weights, strata or clusters.
    pub(super) fn new(
        cohort: &Cohort,
        settings: &BootstrapSettings,
        backend: &'a dyn Backend,
    ) -> Result<Self, Error> {
        let TwoArms { outcome, arm, term, n_dropped, mut warnings } = two_arms(cohort)?;
        let (estimate, std_err) = of_the_data(&outcome, &arm, settings.statistic, &mut warnings)?;
        let mut strata: Vec<usize> = arm.iter().map(|&arm| usize::from(arm)).collect();
        let stratified = settings.resample == Resample::Stratified;
        let how = match settings.resample {
            // Clusters and weights are refused before.
            Resample::Case | Resample::Cluster | Resample::Bayesian => CurveDraws::Resample(None),
            Resample::Stratified => CurveDraws::Resample(Some(&strata)),
            Resample::Permutation => CurveDraws::Permute,
        };
        let (time, event) = (outcome.time(), outcome.event());
        let statistic = match settings.statistic {
            Statistic::MedianDifference { quantile } => {
                CurveStatistic::Quantile { level: 1.0 - quantile }
            }
            Statistic::RmstDifference { tau } => CurveStatistic::RestrictedMean { tau },
            Statistic::SurvivalDifference { at } => CurveStatistic::SurvivalAt { time: at },
            _ => CurveStatistic::LogRank,
        };
        let plan = CurvePlan::new(time, event, &arm, statistic, how, settings.seed);
        let facts = SourceFacts {
            n: outcome.len(),
            n_events: outcome.n_events(),
            n_dropped,
            statistic: settings.statistic.name(),
            term,
            ties: None,
            penalty: None,
            estimate,
            std_err,
            is_log: false,
            warnings,
        };
        // The plan's units stand in the order of the strata.
        strata.sort_unstable();
        Ok(Self { backend, plan, facts, strata: stratified.then_some(strata) })
    }

    fn value_of(&self, plan: &CurvePlan, number: u64, left: &Replicate) -> Option<ReplicateValue> {
        let on_host = (*left == Replicate::NeedsHost).then(|| solve_on_host(plan, number));
        let left = on_host.as_ref().unwrap_or(left);
        if let Some((value, std_err)) = plan.value(number, left) {
            return Some(ReplicateValue::Finite { value, std_err });
        }
        Some(ReplicateValue::Lost(match left {
            Replicate::SingleGroup => Reason::SingleGroup,
            Replicate::NotReached => Reason::NotReached,
            Replicate::NoEvents => Reason::NoEvents,
            _ => return None,
        }))
    }
}

/// # Errors
/// See [`CurveSource::new`].
fn two_arms(cohort: &Cohort) -> Result<TwoArms, Error> {
    let refuse = |found: String| {
        Err(Error::usage(DOING).found(found).expected(
            "one group or covariate with two values and no entry times, weights, strata or clusters",
        ))
    };
    if cohort.outcome.entry().is_some() || cohort.outcome.weight().is_some() {
        return refuse("entry times or weights".to_owned());
    }
    if cohort.strata.is_some() || cohort.cluster.is_some() {
        return refuse("strata or clusters".to_owned());
    }
    let rows = cohort.complete_rows();
    let design = design_matrix(cohort, &rows);
    let [column] = &design.columns[..] else {
        return refuse(format!("{} regression columns", design.columns.len()));
    };
    if let Some(value) = column.values.iter().find(|&&value| value != 0.0 && value != 1.0) {
        return refuse(format!("the value {value} in column {}", column.name));
    }
    if rows.len() > MAX_UNITS {
        return refuse(format!("{} subjects (at most {MAX_UNITS})", rows.len()));
    }
    let arm: Vec<bool> = column.values.iter().map(|&value| value == 1.0).collect();
    if arm.iter().all(|&arm| arm) || !arm.contains(&true) {
        return refuse(format!("one value only in column {}", column.name));
    }
    let warnings = [&cohort.warnings[..], &design.warnings[..]].concat();
    Ok(TwoArms {
        outcome: cohort.outcome.select(&rows),
        term: column.name.clone(),
        arm,
        n_dropped: cohort.n_dropped() + cohort.n() - rows.len(),
        warnings,
    })
}

/// The statistic and its standard error by the survival module.
fn of_the_data(
    outcome: &Outcome,
    arm: &[bool],
    statistic: Statistic,
    warnings: &mut Vec<Warning>,
) -> Result<(Option<f64>, Option<f64>), Error> {
    let curve = |wanted: bool| {
        let rows: Vec<usize> = (0..arm.len()).filter(|&i| arm[i] == wanted).collect();
        KaplanMeier::fit(&outcome.select(&rows))
    };
    let [reference, other] = [curve(false), curve(true)];
    let confidence = Confidence::default();
    let (estimate, std_err) = match statistic {
        Statistic::MedianDifference { quantile } => {
            let time = |curve: &KaplanMeier| curve.quantile(quantile, confidence);
            let times = (time(&other)?.estimate, time(&reference)?.estimate);
            (times.0.zip(times.1).map(|(a, b)| a - b), None)
        }
        Statistic::RmstDifference { tau } => {
            let [reference, other] = [Rmst::fit(&reference, tau)?, Rmst::fit(&other, tau)?];
            if reference.extrapolated || other.extrapolated {
                let message = "tau lies after the last follow-up of a group; its last step is carried on to tau, in replicates too";
                warnings.push(Warning::new("rmst_extrapolated", message));
            }
            let difference = other.difference(&reference, ConfLevel::default());
            (Some(difference.estimate), Some(difference.std_err).filter(|&se| se > 0.0))
        }
        Statistic::SurvivalDifference { at } => {
            let at_time = |curve: &KaplanMeier| curve.survival_at(&[at], confidence)[0];
            let [reference, other] = [at_time(&reference), at_time(&other)];
            let both = |a: Option<f64>, b: Option<f64>| a.zip(b);
            let std_err = both(other.std_err, reference.std_err).map(|(a, b)| a.hypot(b));
            let estimate = both(other.survival, reference.survival).map(|(a, b)| a - b);
            (estimate, std_err.filter(|&se| se > 0.0))
        }
        _ => {
            let codes: Vec<usize> = arm.iter().map(|&arm| usize::from(arm)).collect();
            let test = fit_logrank(outcome, &codes, None, 0.0)?;
            let signed = |chisq: f64| chisq.sqrt().copysign(test.observed[1] - test.expected[1]);
            (test.chisq.map(signed), None)
        }
    };
    if estimate.is_none() {
        let message = format!(
            "{} of the data as given is not available; bias, basic, normal, BCa, studentized and calibrated intervals and a p-value are not either",
            statistic.name(),
        );
        warnings.push(Warning::new("estimate_not_available", message));
    }
    Ok((estimate, std_err))
}

impl ReplicateSource for CurveSource<'_> {
    fn facts(&self) -> &SourceFacts {
        &self.facts
    }

    fn fill(&self, first: u64, out: &mut [ReplicateValue]) -> Result<(), Error> {
        let mut left = vec![Replicate::Unwritten; out.len()];
        self.backend.curve_bootstrap(&self.plan, first, &mut left)?;
        let blocks = out.par_chunks_mut(BLOCK).zip(left.par_chunks(BLOCK)).enumerate();
        blocks.try_for_each(|(block, (out, left))| {
            let first = first + (block * BLOCK) as u64;
            for ((number, out), left) in (first..).zip(out).zip(left) {
                let value = self.value_of(&self.plan, number, left);
                *out = value.ok_or(ComputeError::Unwritten(1))?;
            }
            Ok::<(), ComputeError>(())
        })?;
        Ok(())
    }

    fn jackknife(&self) -> Option<(Vec<f64>, Option<Vec<usize>>)> {
        self.facts.estimate?;
        let n = self.plan.draws.units.len();
        let without = |out: usize| (0..n).filter(|&i| i != out).collect::<Vec<_>>();
        let left_out: Option<Vec<f64>> = (0..n)
            .into_par_iter()
            .map(|out| self.plan.value_of_sample(&without(out)).map(|(value, _)| value))
            .collect();
        left_out.map(|left_out| (left_out, self.strata.clone()))
    }

    fn draws(&self, first: u64, units: &mut [u32]) -> Result<(), Error> {
        Ok(self.backend.resample_draws(&self.plan.draws, first, units)?)
    }

    fn n_draws(&self) -> usize {
        self.plan.draws.slots.len()
    }

    fn inner_shares(
        &self,
        first: u64,
        inner: u32,
        estimate: f64,
        shares: &mut [Option<f64>],
    ) -> Result<(), Error> {
        let units_fit = UNITS_PER_CHUNK / self.n_draws().max(1);
        let per_chunk = (INNER_PER_CHUNK / u64::from(inner)).clamp(1, units_fit.max(1) as u64);
        let mut first = first;
        for shares in shares.chunks_mut(per_chunk as usize) {
            let plan = self.plan.nested(first, shares.len(), inner);
            let mut left = vec![Replicate::Unwritten; shares.len() * inner as usize];
            self.backend.curve_bootstrap(&plan, 0, &mut left)?;
            let of_outer = left.par_chunks(inner as usize).enumerate();
            shares.par_iter_mut().zip(of_outer).try_for_each(|(share, (outer, left))| {
                let (mut below, mut with_value) = (0_u32, 0_u32);
                for (number, left) in (outer as u64 * u64::from(inner)..).zip(left) {
                    let value = self.value_of(&plan, number, left);
                    let value = value.ok_or(ComputeError::Unwritten(1))?;
                    if let ReplicateValue::Finite { value, .. } = value {
                        with_value += 1;
                        below += u32::from(value < estimate);
                    }
                }
                *share = (with_value > 0).then(|| f64::from(below) / f64::from(with_value));
                Ok::<(), ComputeError>(())
            })?;
            first += shares.len() as u64;
        }
        Ok(())
    }
}
