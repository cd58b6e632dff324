//! The hazard ratio of one 0/1 column: replicates from the exact-integer kernel.

use rayon::prelude::*;

use super::DOING;
use super::default_interval::firth_limits;
use super::replicate::{Reason, ReplicateValue};
use super::settings::{BootstrapSettings, Resample};
use super::source::{ReplicateSource, SourceFacts};
use crate::compute::{Backend, ComputeError};
use crate::kernels::hazard_ratio_bootstrap::{
    MAX_UNITS, POISON, Plan, Replicate, Status, solve_on_host, solve_sample,
};
use crate::survival::{
    Cohort, CoxData, CoxOptions, CoxStatus, CoxTerm, Outcome, Ties, design_matrix, fit_cox,
};
use crate::{Error, Warning};

/// Inner replicates asked of a backend at once: 16 MiB of results.
const INNER_PER_CHUNK: u64 = 1 << 20;

/// Units of outer resamples in a chunk: 64 MiB, half of a default storage binding.
const UNITS_PER_CHUNK: usize = 8 << 20;

/// The cohort as one binary covariate.
pub(super) struct BinarySource<'a> {
    backend: &'a dyn Backend,
    plan: Plan,
    facts: SourceFacts,
    data: CoxData,
    /// Arm of each unit in the plan's order, where arms are resampled apart.
    strata: Option<Vec<usize>>,
}

impl<'a> BinarySource<'a> {
    /// Whether the kernel resamples this cohort: one 0/1 column, Efron's ties, and nothing else.
    pub(super) fn fits(cohort: &Cohort, settings: &BootstrapSettings) -> bool {
        let rows = cohort.complete_rows();
        let columns = design_matrix(cohort, &rows).columns;
        let named = settings.term.as_deref();
        cohort.outcome.entry().is_none()
            && cohort.outcome.weight().is_none()
            && cohort.strata.is_none()
            && cohort.cluster.is_none()
            && matches!(settings.resample, Resample::Case | Resample::Stratified)
            && settings.ties == Ties::Efron
            && !settings.firth
            && rows.len() <= MAX_UNITS
            && columns.len() == 1
            && named.is_none_or(|name| name == columns[0].name)
            && columns[0].values.iter().all(|&value| value == 0.0 || value == 1.0)
    }

    /// Fits the cohort as given.
    ///
    /// # Errors
    /// A cohort that the kernel does not resample: see [`fits`](Self::fits).
    pub(super) fn new(
        cohort: &Cohort,
        settings: &BootstrapSettings,
        backend: &'a dyn Backend,
    ) -> Result<Self, Error> {
        if !Self::fits(cohort, settings) {
            return Err(Error::usage(DOING).found("another cohort").expected("one 0/1 column"));
        }
        let rows = cohort.complete_rows();
        let design = design_matrix(cohort, &rows);
        let mut warnings = cohort.warnings.clone();
        warnings.extend(design.warnings);
        let columns = design.columns;
        let column = &columns[0];
        let arm: Vec<bool> = column.values.iter().map(|&value| value == 1.0).collect();
        let outcome = cohort.outcome.select(&rows);
        let data = CoxData { outcome, covariates: columns, strata: None, cluster: None };
        let fit = fit_cox(&data, &CoxOptions { ties: Ties::Efron, ..CoxOptions::default() })?;
        if fit.status != CoxStatus::Converged {
            let message = "the hazard ratio of the data as given is not finite; bias, basic, normal, BCa, studentized and calibrated intervals are not available";
            warnings.push(Warning::new("estimate_not_finite", message));
        }
        let [term] = <[CoxTerm; 1]>::try_from(fit.terms)
            .map_err(|_| Error::numeric(DOING).found("no term for the covariate"))?;
        let strata: Vec<usize> = arm.iter().map(|&arm| usize::from(arm)).collect();
        let strata = (settings.resample == Resample::Stratified).then_some(strata);
        let plan = Plan::new(
            data.outcome.time(),
            data.outcome.event(),
            &arm,
            strata.as_deref(),
            term.coef.unwrap_or(0.0).exp(),
            settings.seed,
        );
        let facts = SourceFacts {
            n: data.outcome.len(),
            n_events: data.outcome.n_events(),
            n_dropped: cohort.n_dropped() + cohort.n() - rows.len(),
            statistic: "hazard-ratio",
            term: term.name.clone(),
            ties: Some("efron"),
            penalty: None,
            estimate: term.coef,
            std_err: term.se,
            is_log: true,
            warnings,
        };
        // The plan's units stand in the order of the strata.
        let strata = strata.map(|mut codes| {
            codes.sort_unstable();
            codes
        });
        Ok(Self { backend, plan, facts, data, strata })
    }

    /// What is resampled.
    pub(super) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Follow-up of the rows resampled.
    pub(super) fn outcome(&self) -> &Outcome {
        &self.data.outcome
    }
}

/// The value of replicate `number` of `plan`; `None` for words that no kernel wrote.
fn value_of(plan: &Plan, number: u64, words: &Replicate) -> Option<ReplicateValue> {
    let finite = |value: f64, information: f64| ReplicateValue::Finite {
        value,
        std_err: Some(1.0 / information.sqrt()),
    };
    Some(match words.status()? {
        Status::Estimable => finite(words.log_hazard_ratio(), words.information()),
        Status::NeedsHost => {
            let (value, information) = solve_on_host(plan, number);
            finite(value, information)
        }
        Status::MonotoneUp => ReplicateValue::PlusInfinity,
        Status::MonotoneDown => ReplicateValue::MinusInfinity,
        Status::SingleGroup => ReplicateValue::Lost(Reason::SingleGroup),
        Status::NoEvents => ReplicateValue::Lost(Reason::NoEvents),
    })
}

impl ReplicateSource for BinarySource<'_> {
    fn facts(&self) -> &SourceFacts {
        &self.facts
    }

    fn fill(&self, first: u64, out: &mut [ReplicateValue]) -> Result<(), Error> {
        let mut words = vec![POISON; out.len()];
        self.backend.hazard_ratio_bootstrap(&self.plan, first, &mut words)?;
        let unwritten: usize = out
            .par_chunks_mut(super::summary::BLOCK)
            .zip(words.par_chunks(super::summary::BLOCK))
            .enumerate()
            .map(|(block, (out, words))| {
                let first = first + (block * super::summary::BLOCK) as u64;
                let mut unwritten = 0;
                for ((number, out), words) in (first..).zip(out).zip(words) {
                    match value_of(&self.plan, number, words) {
                        Some(value) => *out = value,
                        None => unwritten += 1,
                    }
                }
                unwritten
            })
            .sum();
        if unwritten > 0 {
            return Err(ComputeError::Unwritten(unwritten).into());
        }
        Ok(())
    }

    fn jackknife(&self) -> Option<(Vec<f64>, Option<Vec<usize>>)> {
        self.facts.estimate?;
        let n = self.plan.units.len();
        let left_out: Vec<f64> = (0..n)
            .into_par_iter()
            .map(|out| solve_sample(&self.plan, (0..n).filter(|&unit| unit != out)).0)
            .collect();
        // The search stops at the edge of its bracket where there is no finite estimate.
        let finite = left_out.iter().all(|value| value.is_finite() && value.abs() <= 30.0);
        finite.then(|| (left_out, self.strata.clone()))
    }

    fn firth_limits(&self, conf_level: f64) -> Option<[f64; 2]> {
        firth_limits(&self.data, 0, Ties::Efron, conf_level)
    }

    fn draws(&self, first: u64, units: &mut [u32]) -> Result<(), Error> {
        Ok(self.backend.resample_draws(&self.plan, first, units)?)
    }

    fn n_draws(&self) -> usize {
        self.plan.slots.len()
    }

    fn inner_shares(
        &self,
        first: u64,
        inner: u32,
        estimate: f64,
        shares: &mut [Option<f64>],
    ) -> Result<(), Error> {
        let units_fit = UNITS_PER_CHUNK / self.plan.slots.len().max(1);
        let per_chunk = (INNER_PER_CHUNK / u64::from(inner)).clamp(1, units_fit.max(1) as u64);
        let per_chunk = per_chunk as usize;
        let mut first = first;
        for shares in shares.chunks_mut(per_chunk) {
            let plan = self.plan.nested(first, shares.len(), inner);
            let mut words = vec![POISON; shares.len() * inner as usize];
            self.backend.hazard_ratio_bootstrap(&plan, 0, &mut words)?;
            shares.par_iter_mut().zip(words.par_chunks(inner as usize)).enumerate().try_for_each(
                |(outer, (share, words))| {
                    let first = (outer * inner as usize) as u64;
                    *share = share_below(&plan, first, words, estimate)?;
                    Ok::<(), ComputeError>(())
                },
            )?;
            first += shares.len() as u64;
        }
        Ok(())
    }
}

/// Share of the replicates with a value, infinite ones too, that lie below `estimate`.
fn share_below(
    plan: &Plan,
    first: u64,
    words: &[Replicate],
    estimate: f64,
) -> Result<Option<f64>, ComputeError> {
    let (mut below, mut with_value) = (0_u32, 0_u32);
    for (number, words) in (first..).zip(words) {
        let value = value_of(plan, number, words).ok_or(ComputeError::Unwritten(1))?;
        let is_below = match value {
            ReplicateValue::Finite { value, .. } => value < estimate,
            ReplicateValue::MinusInfinity => true,
            ReplicateValue::PlusInfinity => false,
            ReplicateValue::Lost(_) => continue,
        };
        with_value += 1;
        below += u32::from(is_below);
    }
    Ok((with_value > 0).then(|| f64::from(below) / f64::from(with_value)))
}
