//! The hazard ratio of one term of a Cox model: replicates from the vector kernel, those without a
//! maximum decided by the exact rules of the fit itself.

use rayon::prelude::*;

use super::DOING;
use super::cox_request::{Given, check_clusters, index_of_term, resampling_strata};
use super::default_interval::firth_limits;
use super::replicate::{Reason, ReplicateValue};
use super::settings::{BootstrapSettings, Resample};
use super::source::{ReplicateSource, SourceFacts};
use crate::compute::{Backend, ComputeError};
use crate::kernels::cox_bootstrap::{Plan, Replicate, Scheme, Status, UNWRITTEN, on_device};
use crate::numeric::resampling::Resampling;
use crate::survival::{
    CoefLimit, Cohort, CovariateColumn, CoxData, CoxOptions, CoxStatus, Outcome, TieRepair, Ties,
    design_matrix, estimate_firth, fit_cox,
};
use crate::{Error, Warning};

/// Row visits of replicates asked of a backend at once: about a second of work.
const ROWS_PER_CHUNK: u64 = 1 << 24;

/// The cohort as a Cox model.
pub(super) struct CoxSource<'a> {
    backend: &'a dyn Backend,
    plan: Plan,
    facts: SourceFacts,
    data: CoxData,
    /// Index of the term of interest.
    term: usize,
    ties: Ties,
    /// Stratum of each unit in the plan's order, where strata are resampled apart.
    strata: Option<Vec<usize>>,
    /// Whether single rows are drawn, so that a likelihood of independent rows stands for them.
    draws_rows: bool,
}

impl<'a> CoxSource<'a> {
    /// Builds the model of the cohort's group and covariates and fits it as given.
    ///
    /// # Errors
    /// No regression column; a term that is not there; a way of resampling that does not fit the
    /// cohort; exact ties.
    pub(super) fn new(
        cohort: &Cohort,
        settings: &BootstrapSettings,
        backend: &'a dyn Backend,
    ) -> Result<Self, Error> {
        let rows = cohort.complete_rows();
        let design = design_matrix(cohort, &rows);
        let mut warnings = cohort.warnings.clone();
        warnings.extend(design.warnings);
        let term = index_of_term(&design.columns, settings.term.as_deref())?;
        if settings.ties == Ties::Exact {
            return Err(Error::usage(DOING)
                .found("--ties exact")
                .expected("efron or breslow: the exact likelihood is not resampled"));
        }
        let data = CoxData {
            outcome: cohort.outcome.select(&rows),
            covariates: design.columns,
            strata: cohort.strata.as_ref().and_then(|strata| strata.codes_of(&rows)),
            cluster: None,
        };
        let clusters = cohort.cluster.as_ref().and_then(|cluster| cluster.codes_of(&rows));
        check_clusters(clusters.is_some(), settings.resample)?;
        let strata = match settings.resample {
            Resample::Stratified => Some(resampling_strata(cohort, &rows, &data, term)?),
            // Permutations are of curves: the caller has refused them here.
            _ => None,
        };
        let given = Given::of(&data, settings)?;
        let (estimate, std_err) = given.terms[term];
        if estimate.is_none() {
            let message = "the hazard ratio of the data as given is not finite; bias, basic, normal, BCa, studentized and calibrated intervals are not available";
            warnings.push(Warning::new("estimate_not_finite", message));
        }
        let mut facts = SourceFacts {
            n: data.outcome.len(),
            n_events: data.outcome.n_events(),
            n_dropped: cohort.n_dropped() + cohort.n() - rows.len(),
            statistic: "hazard-ratio",
            term: data.covariates[term].name.clone(),
            penalty: settings.firth.then_some("firth"),
            ties: Some(if settings.ties == Ties::Efron { "efron" } else { "breslow" }),
            estimate,
            std_err,
            is_log: true,
            warnings,
        };
        let resampling = Resampling::new(
            data.outcome.len(),
            strata.as_deref(),
            clusters.as_deref(),
            settings.seed,
        );
        let scheme = match settings.resample {
            Resample::Bayesian => Scheme::Weights,
            _ => Scheme::Copies,
        };
        let of_unit = |strata: Vec<usize>| {
            (0..resampling.n_draws() as u32)
                .map(|unit| strata[resampling.members(unit)[0] as usize])
                .collect()
        };
        let strata = strata.map(of_unit);
        let start = given.start.as_deref();
        let mut plan = Plan::new(&data, term, settings.ties, start, resampling, scheme);
        plan.firth = settings.firth;
        if backend.device().backend == "gpu" && on_device(&plan).is_none() {
            let message = "the GPU takes drawn resamples of up to 8 columns and 20 000 rows without penalty; these replicates were solved by the CPU engine";
            facts.warnings.push(Warning::new("solved_on_cpu", message));
        }
        // Whole clusters and random weights are drawn where rows are not alike or not alone.
        let of_rows = matches!(settings.resample, Resample::Case | Resample::Stratified);
        let (ties, draws_rows) = (settings.ties, of_rows && clusters.is_none());
        Ok(Self { backend, plan, facts, data, term, ties, strata, draws_rows })
    }

    /// Replicates of `plan`, those without a maximum decided.
    fn values(&self, plan: &Plan, first: u64, out: &mut [ReplicateValue]) -> Result<(), Error> {
        let mut found = vec![UNWRITTEN; out.len()];
        self.backend.cox_bootstrap(plan, first, &mut found)?;
        let unwritten = found.iter().filter(|one| one.status == Status::Unwritten).count();
        if unwritten > 0 {
            return Err(ComputeError::Unwritten(unwritten).into());
        }
        out.par_iter_mut().zip(&found).enumerate().try_for_each(|(index, (out, found))| {
            let &Replicate { coef, std_err, status } = found;
            *out = match status {
                Status::Estimable => ReplicateValue::Finite { value: coef, std_err: Some(std_err) },
                _ => self.decide(plan, first + index as u64)?,
            };
            Ok(())
        })
    }

    /// Fits the rows of replicate `number` by the general fit, which finds limits and terms that
    /// are not identified.
    fn decide(&self, plan: &Plan, number: u64) -> Result<ReplicateValue, Error> {
        let data = self.sample(plan, number)?;
        if data.outcome.is_empty() {
            return Ok(ReplicateValue::Lost(Reason::NotConverged));
        }
        let options = CoxOptions { ties: self.ties, ..CoxOptions::default() };
        if self.plan.firth {
            let fit = estimate_firth(&data, self.ties)?.filter(|fit| fit.converged);
            let term = fit.as_ref().map(|fit| &fit.terms[self.term]);
            return Ok(match term.and_then(|term| term.coef) {
                Some(value) => {
                    ReplicateValue::Finite { value, std_err: term.and_then(|term| term.se) }
                }
                None => {
                    ReplicateValue::Lost(self.why_lost(&data, &fit_cox(&data, &options)?.status))
                }
            });
        }
        let fit = fit_cox(&data, &options)?;
        if fit.status == CoxStatus::MaxIterations {
            return Ok(ReplicateValue::Lost(Reason::NotConverged));
        }
        let term = &fit.terms[self.term];
        Ok(match (term.coef, term.limit) {
            (Some(value), _) => ReplicateValue::Finite { value, std_err: term.se },
            (None, Some(CoefLimit::PlusInfinity)) => ReplicateValue::PlusInfinity,
            (None, Some(CoefLimit::MinusInfinity)) => ReplicateValue::MinusInfinity,
            (None, None) => ReplicateValue::Lost(self.why_lost(&data, &fit.status)),
        })
    }

    /// Why the term of interest of a resample has neither value nor limit.
    fn why_lost(&self, sample: &CoxData, status: &CoxStatus) -> Reason {
        let of_all = &self.data.covariates[self.term].values;
        let drawn = &sample.covariates[self.term];
        let flat = match status {
            CoxStatus::NotIdentified { terms } => terms.contains(&drawn.name),
            _ => false,
        };
        if drawn.values.iter().all(|&value| value == drawn.values[0]) {
            let binary = of_all.iter().all(|&value| value == 0.0 || value == 1.0);
            if binary { Reason::SingleGroup } else { Reason::NotConverged }
        } else if flat {
            Reason::NoEvents
        } else {
            Reason::NotConverged
        }
    }

    /// The rows of replicate `number`, every copy a row.
    fn sample(&self, plan: &Plan, number: u64) -> Result<CoxData, Error> {
        let mut rows = Vec::with_capacity(self.data.outcome.len());
        let mut weights = None;
        if plan.scheme == Scheme::Weights {
            let mut of_unit = vec![0.0; plan.resampling.n_draws()];
            plan.resampling.weights(number, &mut of_unit);
            let mut of_row = vec![0.0; self.data.outcome.len()];
            for (unit, weight) in (0..).zip(of_unit) {
                for &row in plan.resampling.members(unit) {
                    of_row[row as usize] = weight * self.data.outcome.weight_of(row as usize);
                }
            }
            rows.extend(0..of_row.len());
            weights = Some(of_row);
        } else {
            plan.each_unit(number, |unit| {
                rows.extend(plan.resampling.members(unit).iter().map(|&row| row as usize));
            });
        }
        let mut outcome = self.data.outcome.select(&rows);
        if weights.is_some() {
            let (time, event) = (outcome.time().to_vec(), outcome.event().to_vec());
            let entry = outcome.entry().map(<[f64]>::to_vec);
            outcome = Outcome::new(time, event, entry, weights, TieRepair::Keep)?;
        }
        let pick = |column: &CovariateColumn| CovariateColumn {
            name: column.name.clone(),
            values: rows.iter().map(|&row| column.values[row]).collect(),
        };
        Ok(CoxData {
            outcome,
            covariates: self.data.covariates.iter().map(pick).collect(),
            strata: self.data.strata.as_ref().map(|s| rows.iter().map(|&row| s[row]).collect()),
            cluster: None,
        })
    }
}

impl ReplicateSource for CoxSource<'_> {
    fn facts(&self) -> &SourceFacts {
        &self.facts
    }

    fn fill(&self, first: u64, out: &mut [ReplicateValue]) -> Result<(), Error> {
        self.values(&self.plan, first, out)
    }

    fn replicates_at_once(&self, most: u64) -> u64 {
        (ROWS_PER_CHUNK / self.plan.n_rows().max(1) as u64).clamp(256, most)
    }

    fn jackknife(&self) -> Option<(Vec<f64>, Option<Vec<usize>>)> {
        self.facts.estimate?;
        let plan = self.plan.leave_one_out();
        let lost = ReplicateValue::Lost(Reason::NotConverged);
        let mut values = vec![lost; plan.resampling.n_draws()];
        self.values(&plan, 0, &mut values).ok()?;
        let finite = |value: ReplicateValue| match value {
            ReplicateValue::Finite { value, .. } => Some(value),
            _ => None,
        };
        let left_out: Option<Vec<f64>> = values.into_iter().map(finite).collect();
        Some((left_out?, self.strata.clone()))
    }

    fn firth_limits(&self, conf_level: f64) -> Option<[f64; 2]> {
        self.draws_rows.then(|| firth_limits(&self.data, self.term, self.ties, conf_level))?
    }

    fn draws(&self, first: u64, units: &mut [u32]) -> Result<(), Error> {
        if self.plan.scheme == Scheme::Weights {
            return Err(Error::usage("hashing the draws")
                .found("--hash-draws with --resample bayesian")
                .expected("a resample that draws: weights are no indices"));
        }
        let n_draws = self.n_draws().max(1);
        units.par_chunks_mut(n_draws).enumerate().for_each(|(row, units)| {
            let mut slot = 0;
            self.plan.each_unit(first + row as u64, |unit| {
                units[slot] = unit;
                slot += 1;
            });
        });
        Ok(())
    }

    fn n_draws(&self) -> usize {
        self.plan.resampling.n_draws()
    }

    fn inner_shares(
        &self,
        first: u64,
        inner: u32,
        estimate: f64,
        shares: &mut [Option<f64>],
    ) -> Result<(), Error> {
        if self.plan.scheme == Scheme::Weights {
            return Err(Error::usage("calibrating the interval")
                .found("the calibrated interval with --resample bayesian")
                .expected("a resample that draws, whose resamples can be resampled"));
        }
        let mut first = first;
        let at_once = self.replicates_at_once(1 << 20) / u64::from(inner);
        for shares in shares.chunks_mut(at_once.max(1) as usize) {
            let plan = self.plan.nested(first, shares.len(), inner);
            let lost = ReplicateValue::Lost(Reason::NotConverged);
            let mut values = vec![lost; shares.len() * inner as usize];
            self.values(&plan, 0, &mut values)?;
            for (share, values) in shares.iter_mut().zip(values.chunks(inner as usize)) {
                *share = share_below(values, estimate);
            }
            first += shares.len() as u64;
        }
        Ok(())
    }
}

/// Share of the replicates with a value, infinite ones too, that lie below `estimate`.
fn share_below(values: &[ReplicateValue], estimate: f64) -> Option<f64> {
    let (mut below, mut with_value) = (0_u32, 0_u32);
    for value in values {
        let is_below = match *value {
            ReplicateValue::Finite { value, .. } => value < estimate,
            ReplicateValue::MinusInfinity => true,
            ReplicateValue::PlusInfinity => false,
            ReplicateValue::Lost(_) => continue,
        };
        with_value += 1;
        below += u32::from(is_below);
    }
    (with_value > 0).then(|| f64::from(below) / f64::from(with_value))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::binary_source::BinarySource;
    use super::*;
    use crate::compute::CpuEngine;
    use crate::io::cohort::{CohortRequest, read_cohort};

    fn cohort(set: &str, covariates: &[&str]) -> Cohort {
        let path = format!("{}/tests/data/survival/{set}.csv", env!("CARGO_MANIFEST_DIR"));
        let request = CohortRequest {
            time: Some("time".into()),
            event: Some("event".into()),
            covariates: covariates.iter().map(|name| (*name).to_owned()).collect(),
            ..CohortRequest::default()
        };
        read_cohort(Path::new(&path), &request).expect("the set is in the repository")
    }

    fn values(source: &dyn ReplicateSource, n: usize) -> Vec<ReplicateValue> {
        let mut values = vec![ReplicateValue::Lost(Reason::NotReached); n];
        source.fill(0, &mut values).expect("the CPU does not fail");
        values
    }

    /// Both kernels are within 1e-9 of the maximum.
    fn assert_equal(what: &str, one: ReplicateValue, other: ReplicateValue) {
        match (one, other) {
            (
                ReplicateValue::Finite { value: a, std_err: Some(s) },
                ReplicateValue::Finite { value: b, std_err: Some(t) },
            ) => {
                assert!((a - b).abs() < 1e-8, "{what}: {a} and {b}");
                // The other kernel's information is a single.
                assert!((s / t - 1.0).abs() < 1e-4, "{what}: standard errors {s} and {t}");
            }
            _ => assert_eq!(one, other, "{what}"),
        }
    }

    #[test]
    fn one_binary_column_gives_the_same_replicates_from_both_kernels() {
        let engine = CpuEngine::new();
        for set in ["ctc60", "ctc60few", "ties60", "ovarian"] {
            for resample in [Resample::Case, Resample::Stratified] {
                let settings = BootstrapSettings { resample, ..BootstrapSettings::default() };
                let cohort = cohort(set, &["arm01"]);
                let exact = BinarySource::new(&cohort, &settings, &engine).expect("one column");
                let general = CoxSource::new(&cohort, &settings, &engine).expect("a model");
                let (a, b) = (values(&exact, 1_500), values(&general, 1_500));
                for (number, (&a, &b)) in a.iter().zip(&b).enumerate() {
                    assert_equal(&format!("{set}, {}, {number}", resample.name()), a, b);
                }
                let of = |source: &dyn ReplicateSource| source.jackknife().expect("finite");
                let ((a, codes), (b, others)) = (of(&exact), of(&general));
                assert_eq!(codes, others, "{set}: strata of the jackknife");
                let off = a.iter().zip(&b).fold(0.0_f64, |m, (a, b)| m.max((a - b).abs()));
                assert!(off < 1e-8, "{set}: jackknife differs by {off}");
                let (mut a, mut b) = (vec![None; 3], vec![None; 3]);
                exact.inner_shares(5, 40, 0.4, &mut a).expect("the CPU does not fail");
                general.inner_shares(5, 40, 0.4, &mut b).expect("the CPU does not fail");
                assert_eq!(a, b, "{set}: shares of inner resamples");
                let (mut a, mut b) = (vec![0; 300], vec![0; 300]);
                exact.draws(7, &mut a[..5 * exact.n_draws()]).expect("drawn");
                general.draws(7, &mut b[..5 * general.n_draws()]).expect("drawn");
                assert_eq!(a, b, "{set}: the same units");
            }
        }
    }

    #[test]
    fn a_replicate_without_a_maximum_is_what_the_general_fit_says() {
        let engine = CpuEngine::new();
        let cohort = cohort("ctc60few", &["arm01", "age"]);
        let settings = BootstrapSettings::default();
        let source = CoxSource::new(&cohort, &settings, &engine).expect("a model");
        let mut infinite = 0;
        for (number, value) in values(&source, 400).into_iter().enumerate() {
            let sample = source.sample(&source.plan, number as u64).expect("rows");
            let fit = fit_cox(&sample, &CoxOptions::default()).expect("valid rows");
            let term = &fit.terms[0];
            match value {
                ReplicateValue::Finite { value, .. } => {
                    let coef = term.coef.expect("a coefficient");
                    assert!((value - coef).abs() < 1e-8, "{number}: {value} and {coef}");
                }
                ReplicateValue::PlusInfinity | ReplicateValue::MinusInfinity => {
                    infinite += 1;
                    assert_eq!(
                        value == ReplicateValue::PlusInfinity,
                        term.limit == Some(CoefLimit::PlusInfinity),
                        "replicate {number}"
                    );
                }
                ReplicateValue::Lost(_) => assert_eq!(term.coef, None, "replicate {number}"),
            }
        }
        // The small arm has two events: none is drawn in exp(-2) = 13 % of replicates.
        assert!((25..90).contains(&infinite), "{infinite} of 400 replicates are monotone");
    }

    #[test]
    fn penalised_replicates_are_the_penalised_fits_and_always_finite() {
        let engine = CpuEngine::new();
        for (set, columns) in [("ctc60few", &["arm01"][..]), ("ovarian", &["arm01", "age"])] {
            for ties in [Ties::Efron, Ties::Breslow] {
                let settings =
                    BootstrapSettings { firth: true, ties, ..BootstrapSettings::default() };
                let cohort = cohort(set, columns);
                let source = CoxSource::new(&cohort, &settings, &engine).expect("a model");
                let mut handed_back = 0;
                let mut found = vec![UNWRITTEN; 120];
                engine.cox_bootstrap(&source.plan, 0, &mut found).expect("the CPU does not fail");
                for (number, found) in found.iter().enumerate() {
                    let sample = source.sample(&source.plan, number as u64).expect("rows");
                    let fit = estimate_firth(&sample, ties).expect("valid rows");
                    let Some(fit) = fit.filter(|_| found.status == Status::Estimable) else {
                        handed_back += 1;
                        continue;
                    };
                    let coef = fit.terms[0].coef.expect("a coefficient");
                    let se = fit.terms[0].se.expect("a standard error");
                    // The reference stops within 1e-8 standard errors, which reach 2 here.
                    let off = (found.coef - coef).abs();
                    assert!(off < 5e-8, "{set} {number}: {} and {coef}", found.coef);
                    assert!((found.std_err / se - 1.0).abs() < 1e-6, "{set} {number}: {se}");
                }
                assert!(handed_back <= 12, "{set}: {handed_back} of 120 handed back");
                for value in values(&source, 120) {
                    let fine = matches!(
                        value,
                        ReplicateValue::Finite { .. }
                            | ReplicateValue::Lost(Reason::SingleGroup | Reason::NoEvents)
                    );
                    assert!(fine, "{set}: {value:?}");
                }
            }
        }
    }

    #[test]
    fn terms_and_ways_of_resampling_that_are_not_there_are_refused() {
        let engine = CpuEngine::new();
        let cohort = cohort("ties60", &["age", "ecog"]);
        let message =
            |settings: BootstrapSettings| match CoxSource::new(&cohort, &settings, &engine) {
                Ok(_) => String::new(),
                Err(error) => error.to_string(),
            };
        let defaults = BootstrapSettings::default;
        let found = message(BootstrapSettings { term: Some("sex".into()), ..defaults() });
        assert!(found.contains("age, ecog"), "the terms there are: {found}");
        let found = message(BootstrapSettings { resample: Resample::Cluster, ..defaults() });
        assert!(found.contains("--cluster"), "what is missing: {found}");
        let found = message(BootstrapSettings { resample: Resample::Stratified, ..defaults() });
        assert!(found.contains("strata"), "nothing to stratify by: {found}");
        assert_eq!(message(BootstrapSettings { term: Some("ecog".into()), ..defaults() }), "");
    }
}
