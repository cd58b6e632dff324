//! `design`: what a larger study like the cohort would show, by size, prevalence and hazard ratio.

use std::time::Instant;

use super::design_document::{DesignCell, DesignDocument, PowerBlock, WidthBlock};
use super::trial_cohort::{
    TrialCohort, check_simulations, each_trial, median_width, share_error, unbounded, width,
};
use crate::compute::{Backend, CpuEngine};
use crate::survival::{
    Cohort, ConfLevel, CoxOptions, CoxStatus, Ties, TrialDesign, fit_cox, fit_logrank,
    normal_quantile, profile_limits, schoenfeld_power,
};
use crate::{Error, Warning};

const DOING: &str = "planning a study";

/// Subjects of a planned study at most.
const MOST_SUBJECTS: usize = 100_000;

/// Choices of a `design` run.
#[derive(Clone, Debug, PartialEq)]
pub struct DesignSettings {
    /// True hazard ratios.
    pub hazard_ratios: Vec<f64>,
    /// Numbers of subjects.
    pub sizes: Vec<usize>,
    /// Shares of the subjects in the arm whose hazard ratio it is.
    pub prevalences: Vec<f64>,
    /// Trials of each combination.
    pub simulations: u64,
    /// Two-sided level of the tests.
    pub alpha: f64,
    /// What censoring times are multiplied by.
    pub follow_up_factor: f64,
    /// Level of the intervals.
    pub conf_level: f64,
    /// Seed of all draws.
    pub seed: u64,
}

/// What one simulated trial says.
struct Planned {
    n_events: usize,
    is_monotone: bool,
    /// p of log-rank, Wald and likelihood ratio.
    p: [Option<f64>; 3],
    /// Widths of Wald's and of the profile likelihood interval.
    widths: [Option<f64>; 2],
}

const TESTS: [&str; 3] = ["logrank", "wald", "likelihood_ratio"];
const WIDTHS: [&str; 2] = ["wald", "profile_likelihood"];

/// Simulates studies like `cohort` of every size, prevalence and hazard ratio asked for.
///
/// The baseline is scaled under each hazard ratio so that the cohort itself would expect the events
/// it has; the planned studies then differ from it in size, arms and follow-up.
///
/// # Errors
/// As [`run_coverage`](super::coverage::run_coverage); an arm without subjects.
pub fn run_design(
    cohort: &Cohort,
    settings: &DesignSettings,
    progress: &(dyn Fn(u64, u64) -> bool + Sync),
) -> Result<DesignDocument, Error> {
    check(settings)?;
    let begin = Instant::now();
    let pattern = TrialCohort::new(cohort, DOING)?;
    let designs = designs(&pattern, settings)?;
    let total = designs.len() as u64 * settings.simulations;
    let mut cells = Vec::with_capacity(designs.len());
    for (design, prevalence) in &designs {
        let before = cells.len() as u64 * settings.simulations;
        let trials = simulate(&pattern, design, settings, &|done| progress(before + done, total))?;
        cells.push(cell(&pattern, design, *prevalence, settings, &trials));
    }
    let mut warnings = pattern.warnings.clone();
    warnings.extend(warn_of_horizon(settings.follow_up_factor));
    let elapsed_seconds = begin.elapsed().as_secs_f64();
    Ok(DesignDocument {
        schema_version: 1,
        command: "design",
        warnings,
        n: pattern.n,
        n_events: pattern.n_events,
        n_dropped: pattern.n_dropped,
        term: pattern.term.clone(),
        arm_sizes: pattern.arm_sizes,
        ties: "efron",
        conf_level: settings.conf_level,
        alpha: settings.alpha,
        followup_factor: settings.follow_up_factor,
        seed: settings.seed,
        simulations: settings.simulations,
        cells,
        draw_layout: crate::numeric::draw::LAYOUT_VERSION,
        device: CpuEngine::new().device(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        elapsed_seconds,
        simulations_per_second: total as f64 / elapsed_seconds.max(f64::MIN_POSITIVE),
    })
}

fn check(settings: &DesignSettings) -> Result<(), Error> {
    check_simulations(settings.simulations, DOING)?;
    ConfLevel::new(settings.conf_level)?;
    let usage = |found: String, right: &str| {
        Err(Error::usage(DOING).found(found).expected(right.to_owned()))
    };
    if !(settings.alpha > 0.0 && settings.alpha < 1.0) {
        return usage(format!("--alpha {}", settings.alpha), "a level above 0 and below 1");
    }
    if !(1e-3..=1e3).contains(&settings.follow_up_factor) {
        return usage(
            format!("--followup-factor {}", settings.follow_up_factor),
            "a factor from 0.001 to 1000",
        );
    }
    if let Some(n) = settings.sizes.iter().find(|n| !(2..=MOST_SUBJECTS).contains(*n)) {
        return usage(format!("--n {n}"), "from 2 to 100000 subjects");
    }
    if let Some(share) = settings.prevalences.iter().find(|p| !(**p > 0.0 && **p < 1.0)) {
        return usage(format!("--prevalence {share}"), "a share above 0 and below 1");
    }
    if settings.hazard_ratios.is_empty()
        || settings.sizes.is_empty()
        || settings.prevalences.is_empty()
    {
        return usage("an empty list".to_owned(), "values of --hr, --n and --prevalence");
    }
    Ok(())
}

/// Every combination, hazard ratio by hazard ratio, with its prevalence.
fn designs(
    pattern: &TrialCohort,
    settings: &DesignSettings,
) -> Result<Vec<(TrialDesign, f64)>, Error> {
    let mut designs = Vec::new();
    for &ratio in &settings.hazard_ratios {
        let own = pattern.design(ratio, DOING)?;
        for &n in &settings.sizes {
            for &prevalence in &settings.prevalences {
                let n_1 = (n as f64 * prevalence).round() as usize;
                if n_1 == 0 || n_1 >= n {
                    return Err(Error::usage(DOING)
                        .found(format!("--prevalence {prevalence} of --n {n}"))
                        .expected("one subject at least in each arm"));
                }
                let design = TrialDesign {
                    arm_sizes: [n - n_1, n_1],
                    follow_up_factor: settings.follow_up_factor,
                    ..own
                };
                designs.push((design, prevalence));
            }
        }
    }
    Ok(designs)
}

fn warn_of_horizon(factor: f64) -> Option<Warning> {
    (factor > 1.0).then(|| {
        let message = "longer follow-up than the cohort's: events after its last one happen at \
                       its mean rate, which nobody has observed";
        Warning::new("beyond_follow_up", message)
    })
}

fn simulate(
    pattern: &TrialCohort,
    design: &TrialDesign,
    settings: &DesignSettings,
    progress: &(dyn Fn(u64) -> bool + Sync),
) -> Result<Vec<Planned>, Error> {
    let mut trials = Vec::new();
    let trial = |simulation| planned(pattern, design, settings, simulation);
    each_trial(settings.simulations, DOING, progress, trial, |planned| trials.push(planned))?;
    Ok(trials)
}

fn planned(
    pattern: &TrialCohort,
    design: &TrialDesign,
    settings: &DesignSettings,
    simulation: u64,
) -> Result<Planned, Error> {
    let data = pattern.trial(design, settings.seed, simulation)?;
    let fit = fit_cox(&data, &CoxOptions { ties: Ties::Efron, ..CoxOptions::default() })?;
    let arm: Vec<usize> =
        data.covariates[0].values.iter().map(|&value| usize::from(value == 1.0)).collect();
    let logrank = fit_logrank(&data.outcome, &arm, None, 0.0)?;
    let term = &fit.terms[0];
    let is_finite = fit.status == CoxStatus::Converged;
    let tested = fit.likelihood_ratio.df > 0 && fit.status != CoxStatus::MaxIterations;
    let z = normal_quantile(0.5 + settings.conf_level / 2.0);
    let profile = profile_limits(&data, &fit, 0, settings.conf_level)
        .map(|limits| width(unbounded([limits.lower, limits.upper])));
    Ok(Planned {
        n_events: data.outcome.n_events(),
        is_monotone: matches!(fit.status, CoxStatus::MonotoneLikelihood { .. }),
        p: [logrank.p, term.p().filter(|_| is_finite), tested.then_some(fit.likelihood_ratio.p)],
        widths: [term.se.filter(|_| is_finite).map(|se| 2.0 * z * se), profile],
    })
}

fn cell(
    pattern: &TrialCohort,
    design: &TrialDesign,
    prevalence: f64,
    settings: &DesignSettings,
    trials: &[Planned],
) -> DesignCell {
    let n = trials.len() as u64;
    let power = TESTS.into_iter().enumerate().map(|(test, name)| {
        let p = || trials.iter().filter_map(|trial| trial.p[test]);
        let power = p().filter(|p| *p < settings.alpha).count() as f64 / n as f64;
        PowerBlock {
            test: name,
            power,
            mcse: share_error(power, n),
            n_available: p().count() as u64,
        }
    });
    let widths = WIDTHS.into_iter().enumerate().map(|(method, name)| {
        let widths: Vec<f64> = trials.iter().filter_map(|trial| trial.widths[method]).collect();
        let n_available = widths.len() as u64;
        let (median_width_log, reason) = median_width(widths);
        WidthBlock { method: name, n_available, median_width_log, reason }
    });
    let [n_0, n_1] = design.arm_sizes;
    let expected_events = pattern.expected_events(design);
    let share_1 = n_1 as f64 / (n_0 + n_1) as f64;
    DesignCell {
        hazard_ratio: design.hazard_ratio,
        n: n_0 + n_1,
        prevalence,
        arm_sizes: design.arm_sizes,
        baseline_scale: design.baseline_scale,
        expected_events,
        mean_events: trials.iter().map(|trial| trial.n_events as f64).sum::<f64>() / n as f64,
        share_monotone: trials.iter().filter(|trial| trial.is_monotone).count() as f64 / n as f64,
        power: power.collect(),
        schoenfeld_power: schoenfeld_power(
            expected_events,
            share_1,
            design.hazard_ratio,
            settings.alpha,
        ),
        widths: widths.collect(),
    }
}
