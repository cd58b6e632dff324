//! `sweep`: every cut-off of a marker, and what choosing the best one of them costs.

use std::time::Instant;

use rayon::prelude::*;

use super::sweep_document::{
    AdjustedTest, Approximations, CutBlock, LogRankBlock, MinGroupBlock, SelectedBlock,
    SweepDocument,
};
use super::sweep_resamples::{Resamples, resample_choices};
use crate::compute::Backend;
use crate::kernels::max_selected_logrank::{POISON, Plan, Selection};
use crate::survival::{
    Cohort, ConfLevel, Covariate, CovariateColumn, CoxData, CoxFit, CoxOptions, CoxStatus, Outcome,
    Ties, fit_cox, fit_logrank, lausen_p, miller_siegmund_p,
};
use crate::{Error, Warning};

pub(super) const DOING: &str = "sweeping cut-offs";

/// Most subjects: the kernel's sums are of 31 bits.
const MOST_SUBJECTS: usize = 65_535;
/// Most permutations: their p-value is then known to 2e-5.
const MOST_PERMUTATIONS: u64 = 1_000_000_000;
/// Most resamples: those of one cut-off are kept.
const MOST_REPLICATES: u64 = 1 << 22;
/// Permutations between two looks at the progress.
const PERMUTATIONS_PER_STEP: u64 = 1 << 18;

/// How many subjects a cut-off leaves on either side at least.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MinGroup {
    /// So many.
    Count(usize),
    /// This share of them, rounded up.
    Fraction(f64),
}

impl MinGroup {
    /// The number in a cohort of `n`.
    fn of(self, n: usize) -> usize {
        match self {
            Self::Count(count) => count.max(1),
            Self::Fraction(fraction) => ((fraction * n as f64).ceil() as usize).max(1),
        }
    }
}

/// Choices of a `sweep` run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SweepSettings {
    /// Smallest group of a cut-off.
    pub min_group: MinGroup,
    /// Permutations of the test.
    pub permutations: u64,
    /// Resamples in which the choice is made again.
    pub replicates: u64,
    /// Level of all intervals.
    pub conf_level: f64,
    /// Seed of all draws.
    pub seed: u64,
}

impl Default for SweepSettings {
    fn default() -> Self {
        Self {
            min_group: MinGroup::Fraction(0.1),
            permutations: 1_000_000,
            replicates: 2_000,
            conf_level: 0.95,
            seed: 1,
        }
    }
}

/// The subjects with a marker.
pub(super) struct Marked {
    pub(super) outcome: Outcome,
    pub(super) marker: Vec<f64>,
    /// Values that occur but the smallest, ascending: every cut-off there is.
    pub(super) values: Vec<f64>,
}

impl Marked {
    pub(super) fn upper(&self, cut: f64) -> Vec<bool> {
        self.marker.iter().map(|&marker| marker >= cut).collect()
    }
}

/// Sweeps the one covariate of `cohort`, a number. The same settings give the same document on any
/// device and number of threads.
///
/// `progress` is told draws done and asked for, and answers whether to go on.
///
/// # Errors
/// A cohort with more than time, event and one number; no event; no cut-off with enough subjects on
/// either side; settings outside their range; a device that failed; an interrupt.
pub fn run_sweep(
    cohort: &Cohort,
    settings: &SweepSettings,
    backend: &dyn Backend,
    progress: &dyn Fn(u64, u64) -> bool,
) -> Result<SweepDocument, Error> {
    check(settings)?;
    let begin = Instant::now();
    let (marked, column) = marked(cohort)?;
    let n = marked.outcome.len();
    let min_group = settings.min_group.of(n);
    let selection = select(&marked, min_group)?;
    let fits: Vec<CoxFit> =
        marked.values.par_iter().map(|&cut| fit(&marked, cut)).collect::<Result<_, Error>>()?;
    let total = settings.permutations + settings.replicates;
    let adjusted = permute(&selection, settings, backend, &|done| progress(done, total))?;
    let (weighted, chosen) = selection.maximum();
    let chosen_value = selection.values[chosen];
    let at = |value: f64| {
        marked
            .values
            .binary_search_by(|other| other.total_cmp(&value))
            .map_err(|_| Error::numeric(DOING).found("a cut-off that no subject has"))
    };
    let chosen_at = at(chosen_value)?;
    let Resamples { bands, optimism, stability } =
        resample_choices(&marked, &fits, chosen_at, min_group, settings, backend)?;
    progress(total, total);
    let statistics = selection.statistics();
    let mut cuts = Vec::with_capacity(statistics.len());
    for (&value, &statistic) in selection.values.iter().zip(&statistics).rev() {
        let index = at(value)?;
        cuts.push(CutBlock {
            statistic,
            band: bands[index],
            ..cut_block(&marked, value, &fits[index], settings.conf_level)?
        });
    }
    let statistic = selection.statistic(weighted);
    let sizes: Vec<usize> = selection.cuts.iter().map(|cut| cut.n_upper as usize).collect();
    let share = |size: Option<&usize>| size.map_or(0.5, |&size| size as f64 / n as f64);
    let mut warnings = cohort.warnings.clone();
    warnings.extend(backend.warnings());
    if fits[chosen_at].status != CoxStatus::Converged {
        let message = "the hazard ratio at the chosen cut-off is not finite; it has no correction";
        warnings.push(Warning::new("estimate_not_finite", message));
    }
    let elapsed_seconds = begin.elapsed().as_secs_f64();
    Ok(SweepDocument {
        schema_version: 1,
        command: "sweep",
        warnings,
        n,
        n_events: marked.outcome.n_events(),
        n_dropped: cohort.n_dropped() + cohort.n() - n,
        marker: column,
        rule: "marker >= cut",
        ties: "efron",
        conf_level: settings.conf_level,
        seed: settings.seed,
        min_group: MinGroupBlock {
            n: min_group,
            fraction: match settings.min_group {
                MinGroup::Count(_) => None,
                MinGroup::Fraction(fraction) => Some(fraction),
            },
        },
        selected: SelectedBlock {
            cut: chosen_value,
            statistic,
            adjusted,
            approximations: Approximations {
                miller_siegmund: miller_siegmund_p(
                    statistic,
                    share(sizes.first()),
                    share(sizes.last()),
                ),
                lausen: lausen_p(statistic, n, &sizes),
            },
        },
        cuts,
        optimism,
        stability,
        draw_layout: crate::numeric::draw::LAYOUT_VERSION,
        device: backend.device(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        elapsed_seconds,
    })
}

fn check(settings: &SweepSettings) -> Result<(), Error> {
    ConfLevel::new(settings.conf_level)?;
    let usage =
        |found: String, expected: String| Error::usage(DOING).found(found).expected(expected);
    if !(1..=MOST_PERMUTATIONS).contains(&settings.permutations) {
        return Err(usage(
            format!("--permutations {}", settings.permutations),
            format!("from 1 to {MOST_PERMUTATIONS}"),
        ));
    }
    if !(2..=MOST_REPLICATES).contains(&settings.replicates) {
        return Err(usage(
            format!("--replicates {}", settings.replicates),
            format!("from 2 to {MOST_REPLICATES}"),
        ));
    }
    match settings.min_group {
        MinGroup::Fraction(fraction) if !(fraction > 0.0 && fraction <= 0.5) => Err(usage(
            format!("--min-group {fraction}"),
            "a share above 0 and at most 0.5, or a whole number of subjects".to_owned(),
        )),
        MinGroup::Count(0) => {
            Err(usage("--min-group 0".to_owned(), "one subject at least".to_owned()))
        }
        _ => Ok(()),
    }
}

/// The subjects who have a marker, and its column.
fn marked(cohort: &Cohort) -> Result<(Marked, String), Error> {
    let refused = [
        ("--group", cohort.group.is_some()),
        ("--entry", cohort.outcome.entry().is_some()),
        ("--weights", cohort.outcome.weight().is_some()),
        ("--strata", cohort.strata.is_some()),
        ("--cluster", cohort.cluster.is_some()),
    ];
    if let Some((flag, _)) = refused.iter().find(|(_, is_there)| *is_there) {
        return Err(Error::usage(DOING)
            .found(*flag)
            .expected("one marker, everybody followed from time 0, each row once"));
    }
    let [Covariate::Number { name, values }] = cohort.covariates.as_slice() else {
        let found = match cohort.covariates.as_slice() {
            [Covariate::Factor(factor)] => format!("text in the column {}", factor.name),
            columns => format!("{} columns", columns.len()),
        };
        return Err(Error::input(DOING).found(found).expected("one column of numbers to cut"));
    };
    let rows = cohort.complete_rows();
    if rows.len() > MOST_SUBJECTS {
        return Err(Error::input(DOING)
            .found(format!("{} subjects", rows.len()))
            .expected(format!("at most {MOST_SUBJECTS}")));
    }
    let marker: Vec<f64> = rows.iter().filter_map(|&row| values.get(row)).collect();
    let mut distinct = marker.clone();
    distinct.sort_by(f64::total_cmp);
    distinct.dedup();
    let values = distinct.into_iter().skip(1).collect();
    Ok((Marked { outcome: cohort.outcome.select(&rows), marker, values }, name.clone()))
}

fn select(marked: &Marked, min_group: usize) -> Result<Selection, Error> {
    let outcome = &marked.outcome;
    if outcome.n_events() == 0 {
        return Err(Error::input(DOING).found("no event").expected("one at least"));
    }
    Selection::new(outcome.time(), outcome.event(), &marked.marker, min_group).ok_or_else(|| {
        Error::input(DOING)
            .found(format!("{} values of the marker that could cut", marked.values.len()))
            .expected(format!(
                "one that leaves {min_group} of the {} subjects on either side, and survival that \
                 differs; see --min-group",
                outcome.len()
            ))
    })
}

fn fit(marked: &Marked, cut: f64) -> Result<CoxFit, Error> {
    let values = marked.upper(cut).into_iter().map(|upper| f64::from(u8::from(upper))).collect();
    let data = CoxData {
        outcome: marked.outcome.clone(),
        covariates: vec![CovariateColumn { name: "upper".to_owned(), values }],
        strata: None,
        cluster: None,
    };
    fit_cox(&data, &CoxOptions { ties: Ties::Efron, ..CoxOptions::default() })
}

/// The share of permutations whose best cut-off is at least as good.
fn permute(
    selection: &Selection,
    settings: &SweepSettings,
    backend: &dyn Backend,
    progress: &dyn Fn(u64) -> bool,
) -> Result<AdjustedTest, Error> {
    let plan = Plan::new(selection.clone(), settings.seed);
    let (observed, _) = selection.maximum();
    let threshold = observed.saturating_sub(selection.slack());
    let total = settings.permutations;
    let (mut done, mut n_exceeding) = (0, 0_u64);
    while done < total {
        let step = (total - done).min(PERMUTATIONS_PER_STEP);
        let mut maxima = vec![POISON; step as usize];
        backend.max_selected_logrank(&plan, done, &mut maxima)?;
        let reaches = |maximum: &&crate::kernels::max_selected_logrank::Maximum| {
            maximum.value().is_some_and(|(weighted, _)| weighted >= threshold)
        };
        n_exceeding += maxima.iter().filter(reaches).count() as u64;
        done += step;
        if !progress(done) && done < total {
            return Err(Error::interrupted(DOING)
                .found(format!("an interrupt after {done} of {total} permutations")));
        }
    }
    let p = (n_exceeding + 1) as f64 / (total + 1) as f64;
    let mcse = (p * (1.0 - p) / total as f64).sqrt();
    Ok(AdjustedTest { permutations: total, n_exceeding, p, mcse })
}

fn cut_block(marked: &Marked, cut: f64, fit: &CoxFit, conf_level: f64) -> Result<CutBlock, Error> {
    let upper = marked.upper(cut);
    let codes: Vec<usize> = upper.iter().map(|&upper| usize::from(upper)).collect();
    let test = fit_logrank(&marked.outcome, &codes, None, 0.0)?;
    let event = marked.outcome.event();
    let count = |side: bool| upper.iter().filter(|&&upper| upper == side).count();
    let events = |side: bool| upper.iter().zip(event).filter(|&(&u, &e)| u == side && e).count();
    let term = &fit.terms[0];
    let limits = term.hazard_ratio_limits(conf_level);
    Ok(CutBlock {
        cut,
        n_below: count(false),
        n_from: count(true),
        n_events_below: events(false),
        n_events_from: events(true),
        status: fit.status.name(),
        limit: term.limit.map(|limit| limit.name()),
        log_hazard_ratio: term.coef,
        se: term.se,
        hazard_ratio: term.hazard_ratio(),
        lower: limits.map(|limits| limits.0),
        upper: limits.map(|limits| limits.1),
        logrank: LogRankBlock { chisq: test.chisq, p: test.p },
        statistic: 0.0,
        band: None,
    })
}
