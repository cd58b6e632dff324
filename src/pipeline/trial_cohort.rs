//! A cohort of two arms as the pattern of simulated trials, for `coverage` and `design`.

use rayon::prelude::*;

use crate::survival::{
    Cohort, CovariateColumn, CoxData, CoxOptions, CoxStatus, Outcome, SimulatedTrial, TieRepair,
    Ties, TrialDesign, TrialModel, design_matrix, fit_cox,
};
use crate::{Error, Warning};

/// True hazard ratios that trials are simulated under: beyond them no trial has two arms' events.
const RATIOS: std::ops::RangeInclusive<f64> = 1e-4..=1e4;

/// Simulations of a run at most: nobody needs a share to 0.02 %, or waits so long.
const MOST_SIMULATIONS: u64 = 10_000_000;

/// Simulations between two looks at the progress.
const SIMULATIONS_PER_STEP: u64 = 256;

/// What is taken from the cohort, and what is said of it.
pub(super) struct TrialCohort {
    pub(super) n: usize,
    pub(super) n_events: usize,
    pub(super) n_dropped: usize,
    /// The 0/1 column.
    pub(super) term: String,
    /// Subjects with 0 and with 1 in it.
    pub(super) arm_sizes: [usize; 2],
    /// Log hazard ratio and standard error of the data as given; `None` where not finite.
    pub(super) log_hazard_ratio: Option<f64>,
    pub(super) std_err: Option<f64>,
    pub(super) warnings: Vec<Warning>,
    model: TrialModel,
}

impl TrialCohort {
    /// # Errors
    /// Flags that simulated trials have no place for; a cohort without two arms or without events.
    pub(super) fn new(cohort: &Cohort, doing: &str) -> Result<Self, Error> {
        let refused = [
            ("--entry", cohort.outcome.entry().is_some()),
            ("--weights", cohort.outcome.weight().is_some()),
            ("--strata", cohort.strata.is_some()),
            ("--cluster", cohort.cluster.is_some()),
        ];
        if let Some((flag, _)) = refused.iter().find(|(_, is_there)| *is_there) {
            return Err(Error::usage(doing)
                .found(*flag)
                .expected("two arms followed from time 0, each row once"));
        }
        let rows = cohort.complete_rows();
        let design = design_matrix(cohort, &rows);
        let is_binary =
            |column: &CovariateColumn| column.values.iter().all(|v| [0.0, 1.0].contains(v));
        let names: Vec<&str> = design.columns.iter().map(|column| column.name.as_str()).collect();
        let two_arms = Error::input(doing)
            .found(if names.is_empty() {
                "no column that varies".to_owned()
            } else {
                format!("the columns {}", names.join(", "))
            })
            .expected("one column of two values: --group with two levels, or a 0/1 covariate");
        let mut columns = design.columns.into_iter();
        let (Some(column), None) = (columns.next(), columns.next()) else { return Err(two_arms) };
        if !is_binary(&column) {
            return Err(two_arms);
        }
        let n_1 = column.values.iter().filter(|&&value| value == 1.0).count();
        let arm_sizes = [rows.len() - n_1, n_1];
        if arm_sizes.contains(&0) {
            return Err(two_arms);
        }
        let mut warnings = cohort.warnings.clone();
        warnings.extend(design.warnings);
        let term = column.name.clone();
        let outcome = cohort.outcome.select(&rows);
        let data = CoxData { outcome, covariates: vec![column], strata: None, cluster: None };
        let fit = fit_cox(&data, &CoxOptions { ties: Ties::Efron, ..CoxOptions::default() })?;
        let is_finite = fit.status == CoxStatus::Converged;
        let model = TrialModel::of(&data, &fit)?;
        Ok(Self {
            n: data.outcome.len(),
            n_events: data.outcome.n_events(),
            n_dropped: cohort.n_dropped() + cohort.n() - rows.len(),
            term,
            arm_sizes,
            log_hazard_ratio: fit.terms[0].coef.filter(|_| is_finite),
            std_err: fit.terms[0].se.filter(|_| is_finite),
            warnings,
            model,
        })
    }

    /// The cohort's own design under `hazard_ratio`, its baseline scaled so that as many events
    /// are expected as were observed.
    ///
    /// # Errors
    /// A hazard ratio outside [`RATIOS`].
    pub(super) fn design(&self, hazard_ratio: f64, doing: &str) -> Result<TrialDesign, Error> {
        if !RATIOS.contains(&hazard_ratio) {
            return Err(Error::usage(doing)
                .found(format!("a true hazard ratio of {hazard_ratio}"))
                .expected(format!("from {} to {}", RATIOS.start(), RATIOS.end())));
        }
        let design = TrialDesign {
            arm_sizes: self.arm_sizes,
            hazard_ratio,
            baseline_scale: 1.0,
            follow_up_factor: 1.0,
        };
        let baseline_scale = self.model.scale_for(&design, self.n_events as f64)?;
        Ok(TrialDesign { baseline_scale, ..design })
    }

    pub(super) fn expected_events(&self, design: &TrialDesign) -> f64 {
        self.model.expected_events(design)
    }

    /// Trial `simulation` of `design`, ready for a fit.
    ///
    /// # Errors
    /// None that a design can cause: times are finite.
    pub(super) fn trial(
        &self,
        design: &TrialDesign,
        seed: u64,
        simulation: u64,
    ) -> Result<CoxData, Error> {
        let SimulatedTrial { time, event, arm } = self.model.simulate(design, seed, simulation);
        let outcome = Outcome::new(time, event, None, None, TieRepair::Keep)?;
        let covariates = vec![CovariateColumn { name: self.term.clone(), values: arm }];
        Ok(CoxData { outcome, covariates, strata: None, cluster: None })
    }
}

/// # Errors
/// No simulation, or more than anybody waits for.
pub(super) fn check_simulations(simulations: u64, doing: &str) -> Result<(), Error> {
    if (1..=MOST_SIMULATIONS).contains(&simulations) {
        return Ok(());
    }
    Err(Error::usage(doing)
        .found(format!("--simulations {simulations}"))
        .expected(format!("from 1 to {MOST_SIMULATIONS}")))
}

/// Does trials `0 .. total` in parallel and hands each to `take` in order. `progress` is told how many
/// are done, and answers whether to go on.
///
/// # Errors
/// That of a trial; an interrupt.
pub(super) fn each_trial<T: Send>(
    total: u64,
    doing: &str,
    progress: &(dyn Fn(u64) -> bool + Sync),
    trial: impl Fn(u64) -> Result<T, Error> + Sync,
    mut take: impl FnMut(T),
) -> Result<(), Error> {
    let mut done = 0;
    while done < total {
        let last = (done + SIMULATIONS_PER_STEP).min(total);
        let step: Vec<T> =
            (done..last).into_par_iter().map(&trial).collect::<Result<_, Error>>()?;
        step.into_iter().for_each(&mut take);
        done = last;
        if !progress(done) && done < total {
            return Err(Error::interrupted(doing)
                .found(format!("an interrupt after {done} of {total} simulations")));
        }
    }
    Ok(())
}

/// Standard error of a share of `n` simulations.
pub(super) fn share_error(share: f64, n: u64) -> f64 {
    (share * (1.0 - share) / n as f64).sqrt()
}

/// The median of widths, each finite or infinite, and why there is none: the middle of the middle
/// two, `infinite` where one of them is, `not_available` without any.
pub(super) fn median_width(mut widths: Vec<f64>) -> (Option<f64>, Option<&'static str>) {
    if widths.is_empty() {
        return (None, Some("not_available"));
    }
    widths.sort_unstable_by(f64::total_cmp);
    let n = widths.len();
    let median = 0.5 * (widths[(n - 1) / 2] + widths[n / 2]);
    if median.is_finite() { (Some(median), None) } else { (None, Some("infinite")) }
}

/// Width of an interval: infinite where a limit is, whichever side it is on.
pub(super) fn width([lower, upper]: [f64; 2]) -> f64 {
    if lower.is_infinite() || upper.is_infinite() { f64::INFINITY } else { upper - lower }
}

/// A limit that is not there is infinite.
pub(super) fn unbounded([lower, upper]: [Option<f64>; 2]) -> [f64; 2] {
    [lower.unwrap_or(f64::NEG_INFINITY), upper.unwrap_or(f64::INFINITY)]
}
