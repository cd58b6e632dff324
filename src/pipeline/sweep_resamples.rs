//! The choice of a cut-off made again in resamples: optimism, a band, stability.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::heterogeneity::percentile;
use super::sweep::{Marked, SweepSettings};
use super::sweep_document::{BandBlock, ChosenCut, OptimismBlock, StabilityBlock};
use crate::Error;
use crate::compute::{Backend, ComputeError};
use crate::kernels::hazard_ratio_bootstrap::{POISON, Plan, Replicate, Status, solve_on_host};
use crate::kernels::max_selected_logrank::Selection;
use crate::survival::{CoxFit, CoxStatus};

/// What the resamples say.
pub(super) struct Resamples {
    /// One a value of the marker that can cut.
    pub(super) bands: Vec<Option<BandBlock>>,
    pub(super) optimism: OptimismBlock,
    pub(super) stability: StabilityBlock,
}

/// Chooses a cut-off in every resample, by the rule of the data: the largest standardised statistic
/// among cut-offs that leave `min_group` of the resample on either side. `fits` are those of every
/// value in the data, `chosen` is the place of the data's choice among them.
///
/// # Source
/// Harrell, Lee and Mark, Stat. Med. 15 (1996) 361: optimism is the mean, over resamples, of what a
/// choice promises in the resample less what it keeps in the data. Here on the log hazard ratio, in
/// the direction that the resample found.
pub(super) fn resample_choices(
    marked: &Marked,
    fits: &[CoxFit],
    chosen: usize,
    min_group: usize,
    settings: &SweepSettings,
    backend: &dyn Backend,
) -> Result<Resamples, Error> {
    let n_replicates = settings.replicates as usize;
    let choices = choices(marked, min_group, settings);
    let mut promised = vec![None; n_replicates];
    let mut bands = Vec::with_capacity(marked.values.len());
    for (index, &value) in marked.values.iter().enumerate() {
        let ratios = log_ratios(marked, value, &fits[index], settings, backend)?;
        for (promised, (choice, ratio)) in promised.iter_mut().zip(choices.iter().zip(&ratios)) {
            if *choice == Some(index) {
                *promised = *ratio;
            }
        }
        bands.push(Some(band(ratios, settings.conf_level)));
    }
    let coefs: Vec<Option<f64>> = fits.iter().map(finite_coef).collect();
    let mut gains = Vec::with_capacity(n_replicates);
    let mut inestimable: BTreeMap<&'static str, u64> = BTreeMap::new();
    for (choice, promised) in choices.iter().zip(&promised) {
        match gain(*choice, *promised, &coefs) {
            Ok(gain) => gains.push(gain),
            Err(reason) => *inestimable.entry(reason).or_default() += 1,
        }
    }
    Ok(Resamples {
        bands,
        optimism: optimism(&gains, inestimable, coefs[chosen], settings.replicates),
        stability: stability(marked, &choices, chosen, settings.conf_level),
    })
}

fn finite_coef(fit: &CoxFit) -> Option<f64> {
    fit.terms[0].coef.filter(|_| fit.status == CoxStatus::Converged)
}

/// The place of each resample's cut-off among the values; `None` where it has none.
fn choices(marked: &Marked, min_group: usize, settings: &SweepSettings) -> Vec<Option<usize>> {
    let (time, event) = (marked.outcome.time(), marked.outcome.event());
    let n = time.len();
    // Draws depend on the seed and the number of subjects only, not on the arms.
    let draws = Plan::new(time, event, &vec![false; n], None, 1.0, settings.seed);
    let choose = |replicate: u64| {
        let rows: Vec<usize> = (0..n).map(|slot| draws.draw(replicate, slot) as usize).collect();
        let pick = |column: &[f64]| -> Vec<f64> { rows.iter().map(|&row| column[row]).collect() };
        let events: Vec<bool> = rows.iter().map(|&row| event[row]).collect();
        let selection = Selection::new(&pick(time), &events, &pick(&marked.marker), min_group)?;
        let value = selection.values[selection.maximum().1];
        marked.values.binary_search_by(|other| other.total_cmp(&value)).ok()
    };
    (0..settings.replicates).into_par_iter().map(choose).collect()
}

/// The log hazard ratio of every resample at one cut-off; infinite where monotone.
fn log_ratios(
    marked: &Marked,
    value: f64,
    fit: &CoxFit,
    settings: &SweepSettings,
    backend: &dyn Backend,
) -> Result<Vec<Option<f64>>, Error> {
    let start = fit.terms[0].coef.unwrap_or(0.0).exp();
    let (time, event) = (marked.outcome.time(), marked.outcome.event());
    let plan = Plan::new(time, event, &marked.upper(value), None, start, settings.seed);
    let mut words = vec![POISON; settings.replicates as usize];
    backend.hazard_ratio_bootstrap(&plan, 0, &mut words)?;
    let ratio = |(number, words): (u64, &Replicate)| {
        Ok(match words.status().ok_or(ComputeError::Unwritten(1))? {
            Status::Estimable => Some(words.log_hazard_ratio()),
            Status::NeedsHost => Some(solve_on_host(&plan, number).0),
            Status::MonotoneUp => Some(f64::INFINITY),
            Status::MonotoneDown => Some(f64::NEG_INFINITY),
            Status::SingleGroup | Status::NoEvents => None,
        })
    };
    (0..).zip(&words).map(ratio).collect()
}

/// Percentile limits of one cut-off's hazard ratio.
fn band(ratios: Vec<Option<f64>>, conf_level: f64) -> BandBlock {
    let mut sorted: Vec<f64> = ratios.into_iter().flatten().collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let tail = (1.0 - conf_level) / 2.0;
    let limits = [tail, 1.0 - tail].map(|level| percentile(&sorted, level));
    let finite = |limit: Option<f64>| limit.filter(|limit| limit.is_finite()).map(f64::exp);
    let reason = if limits.contains(&None) {
        Some("not_available")
    } else if limits.iter().flatten().any(|limit| limit.is_infinite()) {
        Some("infinite")
    } else {
        None
    };
    BandBlock {
        lower: finite(limits[0]),
        upper: finite(limits[1]),
        n_replicates: sorted.len(),
        reason,
    }
}

/// What a resample's choice promises there less what it keeps in the data, in its own direction.
fn gain(
    choice: Option<usize>,
    promised: Option<f64>,
    coefs: &[Option<f64>],
) -> Result<f64, &'static str> {
    let choice = choice.ok_or("no_cut_off")?;
    let promised = promised.ok_or("no_hazard_ratio")?;
    if promised.is_infinite() {
        return Err("monotone_likelihood");
    }
    let kept = coefs[choice].ok_or("monotone_in_data")?;
    Ok((promised - kept) * promised.signum())
}

fn optimism(
    gains: &[f64],
    inestimable: BTreeMap<&'static str, u64>,
    estimate: Option<f64>,
    replicates: u64,
) -> OptimismBlock {
    let n = gains.len() as f64;
    let mean = (!gains.is_empty()).then(|| gains.iter().sum::<f64>() / n);
    let mcse = mean.filter(|_| gains.len() > 1).map(|mean| {
        let squares: f64 = gains.iter().map(|gain| (gain - mean).powi(2)).sum();
        (squares / (n - 1.0) / n).sqrt()
    });
    let corrected = estimate.zip(mean).map(|(estimate, mean)| estimate - estimate.signum() * mean);
    OptimismBlock {
        replicates,
        estimable: gains.len() as u64,
        inestimable,
        log_hazard_ratio: estimate,
        optimism: mean,
        mcse,
        corrected_log_hazard_ratio: corrected,
        corrected_hazard_ratio: corrected.map(f64::exp),
        reason: match (estimate, mean) {
            (None, _) => Some("estimate_not_finite"),
            (_, None) => Some("no_estimable_replicate"),
            _ => None,
        },
    }
}

fn stability(
    marked: &Marked,
    choices: &[Option<usize>],
    chosen: usize,
    conf_level: f64,
) -> StabilityBlock {
    let mut counts = vec![0_u64; marked.values.len()];
    choices.iter().flatten().for_each(|&choice| counts[choice] += 1);
    let n_choosing: u64 = counts.iter().sum();
    let mut sorted: Vec<f64> =
        choices.iter().flatten().map(|&choice| marked.values[choice]).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let tail = (1.0 - conf_level) / 2.0;
    StabilityBlock {
        n_choosing,
        share_same: (n_choosing > 0).then(|| counts[chosen] as f64 / n_choosing as f64),
        median: percentile(&sorted, 0.5),
        lower: percentile(&sorted, tail),
        upper: percentile(&sorted, 1.0 - tail),
        distribution: marked
            .values
            .iter()
            .zip(counts)
            .filter(|(_, n)| *n > 0)
            .map(|(&cut, n)| ChosenCut { cut, n })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gain_counts_in_the_direction_that_the_resample_found() {
        let coefs = [Some(0.5), Some(-0.5), None];
        assert_eq!(gain(Some(0), Some(0.75), &coefs), Ok(0.25), "more harm than there is");
        assert_eq!(gain(Some(1), Some(-0.75), &coefs), Ok(0.25), "more benefit than there is");
        assert_eq!(gain(Some(0), Some(-0.25), &coefs), Ok(0.75), "the other direction");
        assert_eq!(gain(Some(2), Some(1.0), &coefs), Err("monotone_in_data"), "nothing to keep");
        let infinite = gain(Some(0), Some(f64::INFINITY), &coefs);
        assert_eq!(infinite, Err("monotone_likelihood"), "no finite promise");
        assert_eq!(gain(None, None, &coefs), Err("no_cut_off"), "no choice");
    }

    #[test]
    fn a_correction_pulls_towards_a_ratio_of_one() {
        let block = optimism(&[0.1, 0.3], BTreeMap::new(), Some(-0.5), 2);
        let corrected = block.corrected_log_hazard_ratio.expect("finite");
        assert!((corrected + 0.3).abs() < 1e-15, "-0.5 + 0.2: {corrected}");
        assert!((block.mcse.expect("two gains") - 0.1).abs() < 1e-15, "0.2 / sqrt(2) / sqrt(2)");
        let none = optimism(&[0.1], BTreeMap::new(), None, 1);
        assert_eq!(none.reason, Some("estimate_not_finite"), "nothing to correct");
    }

    #[test]
    fn infinite_replicates_are_sorted_into_the_band() {
        let mut ratios: Vec<Option<f64>> = (0..94).map(|i| Some(f64::from(i) / 94.0)).collect();
        ratios.extend([Some(f64::INFINITY); 5]);
        let block = band(ratios, 0.9);
        assert_eq!((block.n_replicates, block.reason), (99, Some("infinite")), "the upper limit");
        // The fifth of 99.
        assert_eq!((block.lower, block.upper), (Some((4.0_f64 / 94.0).exp()), None), "one limit");
    }
}
