//! `coverage`: how often intervals for a hazard ratio hold the truth in trials like the cohort.

use std::time::Instant;

use super::bootstrap::{
    BootstrapSettings, Calibration, IntervalKind, IntervalLimits, Resample, firth_interval,
    trial_intervals,
};
use super::coverage_document::{CalibrationSize, CoverageDocument, CoverageEstimate};
use super::coverage_tally::{Tally, TrialResult};
use super::trial_cohort::{TrialCohort, check_simulations, each_trial, unbounded};
use crate::compute::{Backend, CpuEngine};
use crate::survival::{
    Cohort, ConfLevel, CoxData, CoxFit, CoxOptions, CoxStatus, Ties, TrialDesign, fit_cox,
    normal_quantile, profile_limits, seed_of_trial,
};
use crate::{Error, Warning};

const DOING: &str = "measuring coverage";

/// Replicates of a simulated trial at most: they are kept, one trial a thread.
const MOST_REPLICATES: u64 = 1 << 22;

/// Intervals that need no resampling, in the order reported.
const MODEL_METHODS: [&str; 3] = ["wald", "profile_likelihood", "firth"];

/// A hazard ratio that trials are simulated under.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TrueRatio {
    /// A number.
    Given(f64),
    /// The cohort's own estimate.
    Estimate,
}

/// Choices of a `coverage` run.
#[derive(Clone, Debug, PartialEq)]
pub struct CoverageSettings {
    /// Hazard ratios to simulate under, in the order reported.
    pub true_ratios: Vec<TrueRatio>,
    /// Trials under each.
    pub simulations: u64,
    /// Bootstrap replicates of each trial.
    pub replicates: u64,
    /// Bootstrap intervals, in the order reported.
    pub intervals: Vec<IntervalKind>,
    /// Size of the second level of a calibrated interval.
    pub calibration: Calibration,
    /// How a trial is resampled.
    pub resample: Resample,
    /// Level of all intervals.
    pub conf_level: f64,
    /// Seed of all draws.
    pub seed: u64,
}

impl Default for CoverageSettings {
    fn default() -> Self {
        Self {
            true_ratios: vec![TrueRatio::Given(1.0), TrueRatio::Estimate],
            simulations: 2_000,
            replicates: 1_999,
            intervals: IntervalKind::ALL
                .into_iter()
                .filter(|kind| *kind != IntervalKind::Calibrated)
                .collect(),
            calibration: Calibration { outer: 200, inner: 200 },
            resample: Resample::Case,
            conf_level: 0.95,
            seed: 1,
        }
    }
}

/// Simulates trials like `cohort` and counts which intervals hold the truth. The same settings give
/// the same document on any number of threads; the bootstrap runs on the CPU engine, whose answers
/// are those of a GPU.
///
/// `progress` is told simulations done and asked for, and answers whether to go on.
///
/// # Errors
/// A cohort without two arms or events; settings outside their range; an interrupt.
pub fn run_coverage(
    cohort: &Cohort,
    settings: &CoverageSettings,
    progress: &(dyn Fn(u64, u64) -> bool + Sync),
) -> Result<CoverageDocument, Error> {
    check(settings)?;
    let begin = Instant::now();
    let pattern = TrialCohort::new(cohort, DOING)?;
    let mut warnings = pattern.warnings.clone();
    let ratios = true_ratios(settings, pattern.log_hazard_ratio, &mut warnings);
    let engine = CpuEngine::new();
    let lab = Laboratory { pattern: &pattern, settings, engine };
    let total = ratios.len() as u64 * settings.simulations;
    let mut scenarios = Vec::with_capacity(ratios.len());
    for &(ratio, source) in &ratios {
        let before = scenarios.len() as u64 * settings.simulations;
        let design = pattern.design(ratio, DOING)?;
        let tally = lab.tally(&design, &|done| progress(before + done, total))?;
        scenarios.push(tally.finish(&design, source, pattern.expected_events(&design)));
    }
    let elapsed_seconds = begin.elapsed().as_secs_f64();
    Ok(CoverageDocument {
        schema_version: 1,
        command: "coverage",
        warnings,
        n: pattern.n,
        n_events: pattern.n_events,
        n_dropped: pattern.n_dropped,
        term: pattern.term.clone(),
        arm_sizes: pattern.arm_sizes,
        ties: "efron",
        estimate: CoverageEstimate {
            log_hazard_ratio: pattern.log_hazard_ratio,
            hazard_ratio: pattern.log_hazard_ratio.map(f64::exp),
            se: pattern.std_err,
            reason: pattern.log_hazard_ratio.is_none().then_some("estimate_not_finite"),
        },
        conf_level: settings.conf_level,
        seed: settings.seed,
        simulations: settings.simulations,
        replicates: settings.replicates,
        resample: settings.resample.name(),
        calibration: settings.intervals.contains(&IntervalKind::Calibrated).then_some(
            CalibrationSize {
                outer: settings.calibration.outer,
                inner: settings.calibration.inner,
            },
        ),
        scenarios,
        draw_layout: crate::numeric::draw::LAYOUT_VERSION,
        device: engine.device(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        elapsed_seconds,
        simulations_per_second: total as f64 / elapsed_seconds.max(f64::MIN_POSITIVE),
    })
}

fn check(settings: &CoverageSettings) -> Result<(), Error> {
    check_simulations(settings.simulations, DOING)?;
    ConfLevel::new(settings.conf_level)?;
    let usage =
        |found: String, expected: String| Error::usage(DOING).found(found).expected(expected);
    if !(2..=MOST_REPLICATES).contains(&settings.replicates) {
        return Err(usage(
            format!("--replicates {}", settings.replicates),
            format!("from 2 to {MOST_REPLICATES} of each trial"),
        ));
    }
    if settings.true_ratios.is_empty() {
        return Err(usage("no --true-hr".to_owned(), "one hazard ratio at least".to_owned()));
    }
    if !matches!(settings.resample, Resample::Case | Resample::Stratified) {
        return Err(usage(
            format!("--resample {}", settings.resample.name()),
            "case or stratified".to_owned(),
        ));
    }
    let Calibration { outer, inner } = settings.calibration;
    if outer < 2 || outer > u64::from(u32::MAX) || inner == 0 {
        return Err(usage(
            format!("--calibrate {outer}x{inner}"),
            "at least 2 resamples, each resampled at least once".to_owned(),
        ));
    }
    Ok(())
}

/// The ratios as numbers, each once, with where they come from.
fn true_ratios(
    settings: &CoverageSettings,
    estimate: Option<f64>,
    warnings: &mut Vec<Warning>,
) -> Vec<(f64, &'static str)> {
    let mut ratios: Vec<(f64, &'static str)> = Vec::new();
    for ratio in &settings.true_ratios {
        let (ratio, source) = match (ratio, estimate) {
            (TrueRatio::Given(ratio), _) => (*ratio, "given"),
            (TrueRatio::Estimate, Some(estimate)) => (estimate.exp(), "estimate"),
            (TrueRatio::Estimate, None) => {
                let message = "the hazard ratio of the cohort is not finite; trials are simulated \
                               under a hazard ratio of 1 in its place, with the pooled \
                               Nelson-Aalen hazard as baseline";
                warnings.push(Warning::new("estimate_not_finite", message));
                (1.0, "estimate_not_finite")
            }
        };
        if !ratios.iter().any(|(other, _)| *other == ratio) {
            ratios.push((ratio, source));
        }
    }
    ratios
}

/// One cohort, its settings, and the engine that resamples.
struct Laboratory<'a> {
    pattern: &'a TrialCohort,
    settings: &'a CoverageSettings,
    engine: CpuEngine,
}

impl Laboratory<'_> {
    /// All trials of a design, added up in their order.
    fn tally(
        &self,
        design: &TrialDesign,
        progress: &(dyn Fn(u64) -> bool + Sync),
    ) -> Result<Tally, Error> {
        let total = self.settings.simulations;
        let bootstrap = self.settings.intervals.iter().map(|kind| kind.name());
        let methods = MODEL_METHODS.into_iter().chain(bootstrap);
        let mut tally = Tally::new(design.hazard_ratio.ln(), methods);
        let trial = |simulation| self.trial(design, simulation);
        each_trial(total, DOING, progress, trial, |result| tally.push(&result))?;
        Ok(tally)
    }

    /// Trial `simulation`: a pure function of the seed, the number and the design.
    fn trial(&self, design: &TrialDesign, simulation: u64) -> Result<TrialResult, Error> {
        let settings = self.settings;
        let data = self.pattern.trial(design, settings.seed, simulation)?;
        let options = CoxOptions { ties: Ties::Efron, ..CoxOptions::default() };
        let fit = fit_cox(&data, &options)?;
        let mut limits = vec![
            wald(&fit, settings.conf_level),
            profile(&data, &fit, settings.conf_level),
            firth_interval(&data, 0, Ties::Efron, settings.conf_level)?,
        ];
        if !settings.intervals.is_empty() {
            limits.extend(self.resampled(&data, simulation)?);
        }
        Ok(TrialResult {
            n_events: data.outcome.n_events(),
            is_monotone: matches!(fit.status, CoxStatus::MonotoneLikelihood { .. }),
            is_identified: !matches!(fit.status, CoxStatus::NotIdentified { .. }),
            limits,
        })
    }

    fn resampled(&self, data: &CoxData, simulation: u64) -> Result<Vec<IntervalLimits>, Error> {
        let settings = self.settings;
        let column = &data.covariates[0];
        let mut cohort = Cohort::of_outcome(data.outcome.clone());
        cohort.push_number(&column.name, column.values.iter().copied().map(Some).collect());
        let settings = BootstrapSettings {
            replicates: settings.replicates,
            resample: settings.resample,
            intervals: settings.intervals.clone(),
            calibration: settings.calibration,
            conf_level: settings.conf_level,
            seed: seed_of_trial(settings.seed, simulation),
            ..BootstrapSettings::default()
        };
        trial_intervals(&cohort, &settings, &self.engine)
    }
}

/// Why a fit gives no limits.
fn reason(fit: &CoxFit) -> &'static str {
    match fit.status {
        CoxStatus::MaxIterations => "not_converged",
        _ => fit.status.name(),
    }
}

fn wald(fit: &CoxFit, conf_level: f64) -> IntervalLimits {
    let term = &fit.terms[0];
    match (&fit.status, term.coef, term.se) {
        (CoxStatus::Converged, Some(coef), Some(se)) => {
            let half = normal_quantile(0.5 + conf_level / 2.0) * se;
            Ok([coef - half, coef + half])
        }
        _ => Err(reason(fit)),
    }
}

fn profile(data: &CoxData, fit: &CoxFit, conf_level: f64) -> IntervalLimits {
    match profile_limits(data, fit, 0, conf_level) {
        Some(limits) => Ok(unbounded([limits.lower, limits.upper])),
        None if fit.status == CoxStatus::Converged => Err("not_converged"),
        None => Err(reason(fit)),
    }
}
