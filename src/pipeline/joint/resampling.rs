//! What resampling says of a joint model: bootstrap of the estimates, permutation of the markers.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::Serialize;

use crate::Error;
use crate::compute::{Backend, DeviceInfo};
use crate::joint::{
    AssociationScore, JointData, JointFit, JointModel, JointOptions, Refit, Refitter, refit_data,
};
use crate::kernels::joint_likelihood::{POISON, Plan};
use crate::numeric::draw::{LAYOUT_VERSION, Stream, Width, draw};
use crate::numeric::resampling::Resampling;
use crate::pipeline::heterogeneity::percentile;
use crate::survival::normal_two_sided;

/// How a bootstrap makes its cohorts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum JointResample {
    /// Subjects with replacement, each with all of its visits.
    Case,
    /// Markers and events drawn from the fitted model.
    Parametric,
}

/// The bootstrap of a joint model.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the command-line page documents the fields by name")]
pub struct JointBootstrap {
    pub resample: JointResample,
    pub seed: u64,
    pub requested: usize,
    pub estimable: usize,
    /// By status.
    pub inestimable: BTreeMap<&'static str, usize>,
    pub interval: &'static str,
    /// One a parameter.
    pub parameters: Vec<BootstrapTerm>,
    pub draw_layout: u32,
    /// Where the starts of the replicates were chosen.
    pub device: DeviceInfo,
    /// Estimates of each replicate, `None` where inestimable; for the table of replicates.
    #[serde(skip)]
    pub replicates: Vec<Option<Vec<f64>>>,
}

/// One parameter over the estimable replicates.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the command-line page documents the fields by name")]
pub struct BootstrapTerm {
    pub name: String,
    pub bias: Option<f64>,
    pub std_err: Option<f64>,
    pub median: Option<f64>,
    pub lower: Option<f64>,
    pub upper: Option<f64>,
}

/// The permutation test of the association.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the command-line page documents the fields by name")]
pub struct JointPermutation {
    pub seed: u64,
    pub permutations: u64,
    /// Squared standardised score.
    pub statistic: f64,
    /// (permutations at least as extreme + 1) / (permutations + 1).
    pub p: f64,
    /// Monte-Carlo standard error of p.
    pub mcse: f64,
    /// Of the same statistic by the normal distribution of the score over permutations; one link only.
    pub p_normal: Option<f64>,
    pub draw_layout: u32,
}

/// Fits `requested` resamples from the estimates, in parallel; the same answer on any thread number.
///
/// # Errors
/// As [`Refitter::new`].
pub(super) fn bootstrap(
    (model, data, fit): (&JointModel, &JointData, &JointFit),
    resample: JointResample,
    requested: usize,
    (seed, conf_level): (u64, f64),
    backend: &dyn Backend,
) -> Result<JointBootstrap, Error> {
    let refits = match resample {
        JointResample::Case => case_refits(model, data, fit, requested, seed, backend)?,
        JointResample::Parametric => parametric_refits(model, data, fit, requested, seed)?,
    };
    let mut inestimable = BTreeMap::new();
    for refit in refits.iter().filter(|refit| refit.estimate.is_none()) {
        *inestimable.entry(refit.status.name()).or_insert(0) += 1;
    }
    let estimates: Vec<&Vec<f64>> =
        refits.iter().filter_map(|refit| refit.estimate.as_ref()).collect();
    let terms = fit.parameters.iter().enumerate().map(|(k, parameter)| {
        let mut values: Vec<f64> = estimates.iter().map(|estimate| estimate[k]).collect();
        values.sort_by(f64::total_cmp);
        let n = values.len() as f64;
        let mean = (n > 0.0).then(|| values.iter().sum::<f64>() / n);
        let spread = mean.filter(|_| n > 1.0).map(|mean| {
            (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt()
        });
        let tail = (1.0 - conf_level) / 2.0;
        BootstrapTerm {
            name: parameter.name.clone(),
            bias: mean.zip(parameter.estimate).map(|(mean, estimate)| mean - estimate),
            std_err: spread,
            median: percentile(&values, 0.5),
            lower: percentile(&values, tail),
            upper: percentile(&values, 1.0 - tail),
        }
    });
    Ok(JointBootstrap {
        resample,
        seed,
        requested,
        estimable: estimates.len(),
        inestimable,
        interval: "percentile of the estimable replicates",
        parameters: terms.collect(),
        draw_layout: LAYOUT_VERSION,
        device: backend.device(),
        replicates: refits.into_iter().map(|refit| refit.estimate).collect(),
    })
}

fn case_refits(
    model: &JointModel,
    data: &JointData,
    fit: &JointFit,
    requested: usize,
    seed: u64,
    backend: &dyn Backend,
) -> Result<Vec<Refit>, Error> {
    let n = data.n_subjects();
    let refitter = Refitter::new(model, data, fit)?;
    let starts = Starts::new((model, data, fit), &refitter, seed, backend)?;
    let resampling = Resampling::new(n, None, None, seed);
    let one = |replicate: usize| {
        let mut counts = vec![0; n];
        resampling.counts(replicate as u64, &mut counts);
        let weights: Vec<f64> = counts.into_iter().map(f64::from).collect();
        refitter.weighted(&weights, starts.best(&weights))
    };
    Ok((0..requested).into_par_iter().map(one).collect())
}

/// Parameter vectors tried as the start of every replicate.
const STARTS: usize = 256;

/// The likelihood of every subject under a cloud of parameter vectors, evaluated once on the device: of
/// any resample it gives the likelihoods by additions.
struct Starts {
    cloud: Vec<Vec<f64>>,
    /// `None` where the device has no kernel for the model.
    known: Option<(Plan, Vec<f32>)>,
}

impl Starts {
    fn new(
        (model, data, fit): (&JointModel, &JointData, &JointFit),
        refitter: &Refitter<'_>,
        seed: u64,
        backend: &dyn Backend,
    ) -> Result<Self, Error> {
        let cloud = refitter.cloud(STARTS, seed);
        let options = JointOptions { nodes: fit.nodes };
        let known = match Plan::new(model, data, &options, &cloud[0])? {
            Some(plan) => {
                let points = plan.points(cloud.iter().map(Vec::as_slice));
                let mut contributions = vec![POISON; plan.n_subjects() * points.len()];
                backend.joint_likelihood(&plan, &points, &mut contributions)?;
                Some((plan, contributions))
            }
            None => None,
        };
        Ok(Self { cloud, known })
    }

    /// The vector of the cloud under which subjects counted `weights` times are likeliest.
    fn best(&self, weights: &[f64]) -> Option<&[f64]> {
        let (plan, contributions) = self.known.as_ref()?;
        let sums = plan.log_likelihoods(contributions, Some(weights));
        let best = sums.iter().enumerate().filter_map(|(k, sum)| Some((k, (*sum)?)));
        // the first of equals, so that the estimates win a tie
        best.reduce(|best, next| if next.1 > best.1 { next } else { best })
            .map(|(k, _)| self.cloud[k].as_slice())
    }
}

/// Cohorts drawn from the fit. Who was censored keeps that time; who had an event would have been
/// followed to the end of the longest follow-up, or to what an independent draw from the censored says.
fn parametric_refits(
    model: &JointModel,
    data: &JointData,
    fit: &JointFit,
    requested: usize,
    seed: u64,
) -> Result<Vec<Refit>, Error> {
    let Some(truth) = fit.as_truth(model) else { return Ok(Vec::new()) };
    let longest = data.time.iter().copied().fold(0.0, f64::max);
    let censored: Vec<f64> =
        (0..data.n_subjects()).filter(|&i| !data.event[i]).map(|i| data.time[i]).collect();
    let one = |replicate: usize| {
        let mut plan = data.clone();
        for i in (0..data.n_subjects()).filter(|&i| data.event[i]) {
            let later: Vec<f64> =
                censored.iter().copied().filter(|&time| time > data.time[i]).collect();
            plan.time[i] = match later.len() as u32 {
                0 => longest,
                n => {
                    let width = Width::of(n);
                    let at = draw(seed, Stream::Resample, replicate as u64, i as u32, n, width);
                    later[at as usize]
                }
            };
        }
        let drawn = truth.draw(&plan, seed, replicate as u64)?;
        refit_data(model, &drawn, fit.nodes, fit)
    };
    (0..requested).into_par_iter().map(one).collect()
}

/// Exchanges the markers of subjects `permutations` times; `None` where the score has no distribution.
///
/// # Errors
/// As [`AssociationScore::new`].
pub(super) fn permute(
    model: &JointModel,
    data: &JointData,
    nodes: usize,
    permutations: u64,
    seed: u64,
) -> Result<Option<JointPermutation>, Error> {
    let Some(score) = AssociationScore::new(model, data, &JointOptions { nodes })? else {
        return Ok(None);
    };
    let n = score.n();
    let observed = score.observed();
    let width = Width::of(n as u32);
    // what differs by rounding only counts as equal
    let level = observed * (1.0 - 1e-9);
    let is_extreme = |permutation: u64, order: &mut Vec<usize>| {
        order.clear();
        order.extend(0..n);
        for at in (1..n).rev() {
            let bound = at as u32 + 1;
            let other = draw(seed, Stream::Permutation, permutation, at as u32, bound, width);
            order.swap(at, other as usize);
        }
        score.statistic(order) >= level
    };
    let extreme: u64 = (0..permutations)
        .into_par_iter()
        .map_init(Vec::new, |order, permutation| u64::from(is_extreme(permutation, order)))
        .sum();
    let total = permutations as f64 + 1.0;
    let p = (extreme as f64 + 1.0) / total;
    Ok(Some(JointPermutation {
        seed,
        permutations,
        statistic: observed,
        p,
        mcse: (p * (1.0 - p) / total).sqrt(),
        p_normal: (score.n_links() == 1).then(|| normal_two_sided(observed.sqrt())),
        draw_layout: LAYOUT_VERSION,
    }))
}
