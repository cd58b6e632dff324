//! `bootstrap`: the hazard ratio of a binary covariate, resampled.

use super::bootstrap_intervals::{IntervalKind, Sample, interval_blocks};
use crate::compute::{Backend, DeviceInfo};
use crate::kernels::hazard_ratio_bootstrap::{MAX_UNITS, POISON, Plan, Replicate, Status};
use crate::kernels::hazard_ratio_bootstrap::{solve_on_host, solve_sample};
use crate::survival::{
    Cohort, CoxData, CoxOptions, CoxStatus, CoxTerm, Outcome, Ties, design_matrix, fit_cox,
};
use crate::{Error, Warning};
use rayon::prelude::*;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::time::Instant;

const DOING: &str = "preparing the bootstrap";
/// Replicates asked of a backend at once: 16 MiB of results.
const REPLICATES_PER_CHUNK: u64 = 1 << 20;
/// Replicates whose sums are taken together. Fixed, so that sums do not depend on threads.
const REPLICATES_PER_BLOCK: usize = 4_096;

/// How a replicate is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Resample {
    /// `n` subjects of all.
    #[default]
    Case,
    /// As many of each arm as there are.
    Stratified,
}

impl Resample {
    /// Its name in documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::Case => "case",
            Self::Stratified => "stratified",
        }
    }
}

/// Choices of a `bootstrap` run.
#[derive(Clone, Debug, PartialEq)]
pub struct BootstrapSettings {
    /// Number of replicates asked for.
    pub replicates: u64,
    /// How a replicate is drawn.
    pub resample: Resample,
    /// Intervals in the order printed.
    pub intervals: Vec<IntervalKind>,
    /// Level of all intervals.
    pub conf_level: f64,
    /// Seed of all draws.
    pub seed: u64,
    /// Also hash the resample indices in order.
    pub hash_draws: bool,
}

impl Default for BootstrapSettings {
    fn default() -> Self {
        Self {
            replicates: 100_000,
            resample: Resample::Case,
            intervals: IntervalKind::DEFAULT.to_vec(),
            conf_level: 0.95,
            seed: 1,
            hash_draws: false,
        }
    }
}

/// What `bootstrap --json` prints; the field names are the contract's.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the contract documents the fields by name")]
pub struct BootstrapDocument {
    pub schema_version: u32,
    pub command: &'static str,
    pub warnings: Vec<Warning>,
    pub n: usize,
    pub n_events: usize,
    pub n_dropped: usize,
    pub statistic: &'static str,
    pub term: String,
    pub ties: &'static str,
    pub resample: &'static str,
    pub seed: u64,
    pub conf_level: f64,
    pub estimate: EstimateBlock,
    pub replicates: ReplicatesBlock,
    pub bias: Option<f64>,
    pub std_err: Option<f64>,
    pub mcse_bias: Option<f64>,
    pub mcse_std_err: Option<f64>,
    pub intervals: Vec<IntervalBlock>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draws_sha256: Option<String>,
    pub draw_layout: u32,
    pub device: DeviceInfo,
    pub version: &'static str,
    pub elapsed_seconds: f64,
    pub replicates_per_second: f64,
    /// Counts of the replicates' log hazard ratios, for the figure.
    #[serde(skip)]
    pub histogram: Option<ReplicateHistogram>,
}

/// The estimate of the data as given; null where it is not finite.
#[derive(Clone, Copy, Debug, Serialize)]
#[allow(missing_docs, reason = "the contract documents the fields by name")]
pub struct EstimateBlock {
    pub log_hazard_ratio: Option<f64>,
    pub hazard_ratio: Option<f64>,
    pub se: Option<f64>,
}

/// What became of the replicates.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the contract documents the fields by name")]
pub struct ReplicatesBlock {
    pub requested: u64,
    pub estimable: u64,
    pub inestimable: BTreeMap<&'static str, u64>,
}

/// One interval; a limit that is not finite is null, with the reason beside it.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "the contract documents the fields by name")]
pub struct IntervalBlock {
    pub kind: &'static str,
    pub lower: Option<f64>,
    pub upper: Option<f64>,
    pub mcse_lower: Option<f64>,
    pub mcse_upper: Option<f64>,
    pub log_lower: Option<f64>,
    pub log_upper: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
}

/// Edges on the log scale, one more than counts, and how many lie outside.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "named by what they hold")]
pub struct ReplicateHistogram {
    pub log_edges: Vec<f64>,
    pub counts: Vec<u64>,
    pub n_below: u64,
    pub n_above: u64,
}

/// The cohort as one binary covariate.
struct Binary {
    outcome: Outcome,
    arm: Vec<bool>,
    term: CoxTerm,
    status: CoxStatus,
    n_dropped: usize,
    warnings: Vec<Warning>,
}

/// Resamples the hazard ratio of the cohort's one 0/1 column.
///
/// `progress` is told replicates done and asked for, and answers whether to go on.
///
/// # Errors
/// A cohort without exactly one 0/1 column, or with entry times, weights or strata; no
/// replicates; a level outside (0, 1); a device that failed; an interrupt.
pub fn run_bootstrap(
    cohort: &Cohort,
    settings: &BootstrapSettings,
    backend: &dyn Backend,
    progress: &(dyn Fn(u64, u64) -> bool + Sync),
) -> Result<BootstrapDocument, Error> {
    if settings.replicates < 2 {
        return Err(Error::usage(DOING)
            .found(format!("--replicates {}", settings.replicates))
            .expected("at least 2"));
    }
    crate::survival::ConfLevel::new(settings.conf_level)?;
    let begin = Instant::now();
    let binary = binary_covariate(cohort)?;
    let strata: Vec<usize> = binary.arm.iter().map(|&arm| usize::from(arm)).collect();
    let plan = Plan::new(
        binary.outcome.time(),
        binary.outcome.event(),
        &binary.arm,
        (settings.resample == Resample::Stratified).then_some(strata.as_slice()),
        binary.term.coef.unwrap_or(0.0).exp(),
        settings.seed,
    );
    let replicates = draw_replicates(&plan, settings, backend, binary.term.coef, progress)?;
    let draws_sha256 =
        if settings.hash_draws { Some(hash_draws(&plan, settings, backend)?) } else { None };
    let mut document = summarise(&binary, &plan, settings, replicates, backend.device());
    document.draws_sha256 = draws_sha256;
    document.warnings.extend(backend.warnings());
    document.elapsed_seconds = begin.elapsed().as_secs_f64();
    document.replicates_per_second =
        settings.replicates as f64 / document.elapsed_seconds.max(f64::MIN_POSITIVE);
    Ok(document)
}

/// Checks that the cohort is what the kernel resamples, and fits it as given.
fn binary_covariate(cohort: &Cohort) -> Result<Binary, Error> {
    let refuse = |found: &str| {
        Err(Error::usage(DOING).found(found.to_owned()).expected(
            "one group or covariate with two values and no entry times, weights, strata or clusters",
        ))
    };
    if cohort.outcome.entry().is_some() {
        return refuse("entry times");
    }
    if cohort.outcome.weight().is_some() {
        return refuse("weights");
    }
    if cohort.strata.is_some() || cohort.cluster.is_some() {
        return refuse("strata or clusters");
    }
    let rows = cohort.complete_rows();
    let design = design_matrix(cohort, &rows);
    let mut warnings = cohort.warnings.clone();
    warnings.extend(design.warnings);
    let columns = design.columns;
    if columns.len() != 1 {
        return refuse(&format!("{} regression columns", columns.len()));
    }
    let column = &columns[0];
    if let Some(value) = column.values.iter().find(|&&value| value != 0.0 && value != 1.0) {
        return refuse(&format!("the value {value} in column {}", column.name));
    }
    if rows.len() > MAX_UNITS {
        return refuse(&format!("{} subjects (at most {MAX_UNITS})", rows.len()));
    }
    let arm = column.values.iter().map(|&value| value == 1.0).collect();
    let outcome = cohort.outcome.select(&rows);
    let data = CoxData { outcome, covariates: columns, strata: None, cluster: None };
    let fit = fit_cox(&data, &CoxOptions { ties: Ties::Efron, ..CoxOptions::default() })?;
    if fit.status != CoxStatus::Converged {
        let message = "the hazard ratio of the data as given is not finite; bias, basic, normal and BCa intervals are not available";
        warnings.push(Warning::new("estimate_not_finite", message));
    }
    let n_dropped = cohort.n_dropped() + cohort.n() - rows.len();
    let [term] = <[CoxTerm; 1]>::try_from(fit.terms)
        .map_err(|_| Error::numeric(DOING).found("no term for the covariate"))?;
    Ok(Binary { outcome: data.outcome, arm, term, status: fit.status, n_dropped, warnings })
}

/// Finite log hazard ratios in replicate order, sums about the estimate, and counts of the rest.
struct Drawn {
    finite: Vec<f64>,
    powers: [f64; 4],
    monotone_up: u64,
    monotone_down: u64,
    single_group: u64,
    no_events: u64,
}

fn draw_replicates(
    plan: &Plan,
    settings: &BootstrapSettings,
    backend: &dyn Backend,
    centre: Option<f64>,
    progress: &(dyn Fn(u64, u64) -> bool + Sync),
) -> Result<Drawn, Error> {
    let total = settings.replicates;
    let centre = centre.unwrap_or(0.0);
    let mut drawn = Drawn {
        finite: Vec::with_capacity(usize::try_from(total).unwrap_or(0)),
        powers: [0.0; 4],
        monotone_up: 0,
        monotone_down: 0,
        single_group: 0,
        no_events: 0,
    };
    let mut words = vec![POISON; total.min(REPLICATES_PER_CHUNK) as usize];
    let mut done = 0;
    while done < total {
        let n = (total - done).min(REPLICATES_PER_CHUNK);
        let words = &mut words[..n as usize];
        words.fill(POISON);
        backend.hazard_ratio_bootstrap(plan, done, words)?;
        gather(plan, done, words, centre, &mut drawn)?;
        done += n;
        if !progress(done, total) {
            return Err(Error::interrupted("resampling")
                .found(format!("an interrupt after {done} of {total} replicates")));
        }
    }
    Ok(drawn)
}

/// Takes the logarithms of a chunk and adds them up, block by block in replicate order.
fn gather(
    plan: &Plan,
    first: u64,
    words: &[Replicate],
    centre: f64,
    drawn: &mut Drawn,
) -> Result<(), Error> {
    type Block = (Vec<f64>, [f64; 4], [u64; 6]);
    let blocks: Vec<Block> = words
        .par_chunks(REPLICATES_PER_BLOCK)
        .enumerate()
        .map(|(block, words)| {
            let first = first + (block * REPLICATES_PER_BLOCK) as u64;
            let mut counts = [0_u64; 6];
            let mut powers = [0.0; 4];
            let mut finite = Vec::with_capacity(words.len());
            for (replicate, word) in (first..).zip(words) {
                let status = word.status();
                let log_ratio = match status {
                    Some(Status::Estimable) => word.log_hazard_ratio(),
                    Some(Status::NeedsHost) => solve_on_host(plan, replicate).0,
                    other => {
                        counts[other.map_or(5, |status| status as usize)] += 1;
                        continue;
                    }
                };
                finite.push(log_ratio);
                let (mut power, off) = (1.0, log_ratio - centre);
                for sum in &mut powers {
                    power *= off;
                    *sum += power;
                }
            }
            (finite, powers, counts)
        })
        .collect();
    for (finite, powers, counts) in blocks {
        if counts[5] > 0 {
            return Err(crate::compute::ComputeError::Unwritten(counts[5] as usize).into());
        }
        drawn.finite.extend_from_slice(&finite);
        drawn.powers.iter_mut().zip(powers).for_each(|(sum, power)| *sum += power);
        drawn.monotone_up += counts[Status::MonotoneUp as usize];
        drawn.monotone_down += counts[Status::MonotoneDown as usize];
        drawn.single_group += counts[Status::SingleGroup as usize];
        drawn.no_events += counts[Status::NoEvents as usize];
    }
    Ok(())
}

/// SHA-256 of all drawn indices (little-endian u32, replicate by replicate).
fn hash_draws(
    plan: &Plan,
    settings: &BootstrapSettings,
    backend: &dyn Backend,
) -> Result<String, Error> {
    let n_slots = plan.slots.len();
    let rows = ((4 << 20) / n_slots.max(1)).max(1) as u64;
    let mut hash = Sha256::new();
    let mut first = 0;
    while first < settings.replicates {
        let n = rows.min(settings.replicates - first);
        let mut units = vec![u32::MAX; n as usize * n_slots];
        backend.resample_draws(plan, first, &mut units)?;
        for unit in &units {
            hash.update(unit.to_le_bytes());
        }
        first += n;
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn summarise(
    binary: &Binary,
    plan: &Plan,
    settings: &BootstrapSettings,
    drawn: Drawn,
    device: DeviceInfo,
) -> BootstrapDocument {
    let estimate = binary.term.coef;
    let r = drawn.finite.len() as f64;
    let moments = Moments::of(&drawn);
    let mut warnings = binary.warnings.clone();
    let mut inestimable = BTreeMap::new();
    let monotone = drawn.monotone_up + drawn.monotone_down;
    for (reason, count) in [
        ("monotone_likelihood", monotone),
        ("single_group", drawn.single_group),
        ("no_events", drawn.no_events),
    ] {
        if count > 0 {
            inestimable.insert(reason, count);
        }
    }
    let lost = monotone + drawn.single_group + drawn.no_events;
    let mut kinds = settings.intervals.clone();
    if lost > 0 {
        let message = format!(
            "{lost} of {} replicates have no finite hazard ratio ({}); bias and standard error leave them out, percentile intervals are given without the monotone ones and with them as -inf or +inf",
            settings.replicates,
            inestimable.iter().map(|(why, n)| format!("{why}: {n}")).collect::<Vec<_>>().join(", "),
        );
        warnings.push(Warning::new("inestimable_replicates", message));
        if kinds.contains(&IntervalKind::Percentile)
            && !kinds.contains(&IntervalKind::PercentileKeepInf)
        {
            let at = kinds.iter().position(|&kind| kind == IntervalKind::Percentile).unwrap_or(0);
            kinds.insert(at + 1, IntervalKind::PercentileKeepInf);
        }
    }
    let sample = Sample {
        finite: &drawn.finite,
        n_minus_inf: drawn.monotone_down,
        n_plus_inf: drawn.monotone_up,
        estimate,
        bias: moments.bias,
        std_err: moments.std_err,
        mcse_bias: moments.mcse_bias,
        mcse_std_err: moments.mcse_std_err,
        acceleration: if kinds.contains(&IntervalKind::Bca) {
            acceleration(binary, plan, settings)
        } else {
            None
        },
        conf_level: settings.conf_level,
    };
    let intervals = interval_blocks(&kinds, &sample);
    BootstrapDocument {
        schema_version: 1,
        command: "bootstrap",
        warnings,
        n: binary.outcome.len(),
        n_events: binary.outcome.n_events(),
        n_dropped: binary.n_dropped,
        statistic: "hazard-ratio",
        term: binary.term.name.clone(),
        ties: "efron",
        resample: settings.resample.name(),
        seed: settings.seed,
        conf_level: settings.conf_level,
        estimate: EstimateBlock {
            log_hazard_ratio: estimate,
            hazard_ratio: estimate.map(f64::exp),
            se: binary.term.se,
        },
        replicates: ReplicatesBlock {
            requested: settings.replicates,
            estimable: r as u64,
            inestimable,
        },
        bias: estimate.and(moments.bias),
        std_err: moments.std_err,
        mcse_bias: estimate.and(moments.mcse_bias),
        mcse_std_err: moments.mcse_std_err,
        intervals,
        draws_sha256: None,
        draw_layout: crate::numeric::draw::LAYOUT_VERSION,
        device,
        version: env!("CARGO_PKG_VERSION"),
        elapsed_seconds: 0.0,
        replicates_per_second: 0.0,
        histogram: histogram(&drawn.finite, &moments, estimate.unwrap_or(0.0)),
    }
}

/// Bias and standard error with their Monte-Carlo errors; none without replicates.
struct Moments {
    bias: Option<f64>,
    std_err: Option<f64>,
    mcse_bias: Option<f64>,
    mcse_std_err: Option<f64>,
}

impl Moments {
    fn of(drawn: &Drawn) -> Self {
        let r = drawn.finite.len() as f64;
        if r < 2.0 {
            return Self { bias: None, std_err: None, mcse_bias: None, mcse_std_err: None };
        }
        let [m1, m2, m3, m4] = drawn.powers.map(|sum| sum / r);
        let variance = (m2 - m1 * m1).max(0.0);
        let fourth = m4 - 4.0 * m1 * m3 + 6.0 * m1 * m1 * m2 - 3.0 * m1.powi(4);
        let std_err = (variance * r / (r - 1.0)).sqrt();
        // Delta method: var(s) = (mu4 - s^4) / (4 s^2 R).
        let mcse_std_err = (variance > 0.0)
            .then(|| ((fourth - variance * variance).max(0.0) / (4.0 * variance * r)).sqrt());
        Self {
            bias: Some(m1),
            std_err: Some(std_err),
            mcse_bias: Some(std_err / r.sqrt()),
            mcse_std_err,
        }
    }
}

/// Acceleration of the BCa interval from the jackknife; `None` where a leave-one-out sample has no
/// finite estimate.
///
/// # Source
/// Efron, JASA 82 (1987) 171; `L = mean(t(-i)) - t(-i)`, `a = sum L^3 / (6 (sum L^2)^1.5)`. When
/// resampling is stratified `L` is formed inside an arm, times `(n_arm - 1) / n_arm`.
fn acceleration(binary: &Binary, plan: &Plan, settings: &BootstrapSettings) -> Option<f64> {
    if binary.status != CoxStatus::Converged {
        return None;
    }
    let n = plan.units.len();
    let mut order: Vec<usize> = (0..n).collect();
    if settings.resample == Resample::Stratified {
        order.sort_by_key(|&row| binary.arm[row]);
    }
    let left_out: Vec<f64> = (0..n)
        .into_par_iter()
        .map(|out| solve_sample(plan, (0..n).filter(|&unit| unit != out)).0)
        .collect();
    // The search stops at the edge of its bracket where there is no finite estimate.
    if left_out.iter().any(|t| !t.is_finite() || t.abs() > 30.0) {
        return None;
    }
    let arms: &[Option<bool>] = match settings.resample {
        Resample::Case => &[None],
        Resample::Stratified => &[Some(false), Some(true)],
    };
    let (mut squares, mut cubes) = (0.0, 0.0);
    for arm in arms {
        let values: Vec<f64> = (0..n)
            .filter(|&unit| arm.is_none_or(|arm| binary.arm[order[unit]] == arm))
            .map(|unit| left_out[unit])
            .collect();
        let size = values.len() as f64;
        let mean = values.iter().sum::<f64>() / size;
        let factor = if arm.is_some() { (size - 1.0) / size } else { 1.0 };
        for value in values {
            let influence = (mean - value) * factor;
            squares += influence * influence;
            cubes += influence.powi(3);
        }
    }
    (squares > 0.0).then(|| cubes / (6.0 * squares.powf(1.5)))
}

/// Forty bins within four standard errors of the mean.
fn histogram(finite: &[f64], moments: &Moments, centre: f64) -> Option<ReplicateHistogram> {
    let (mean, spread) = (centre + moments.bias?, moments.std_err?);
    if spread <= 0.0 {
        return None;
    }
    const N: usize = 40;
    let (low, width) = (mean - 4.0 * spread, 8.0 * spread / N as f64);
    // One bin below and one above the forty.
    let bin =
        |value: f64| ((value - low) / width + 1.0).floor().clamp(0.0, (N + 1) as f64) as usize;
    let counts = finite
        .par_chunks(1 << 16)
        .fold(
            || vec![0_u64; N + 2],
            |mut counts, chunk| {
                chunk.iter().for_each(|&value| counts[bin(value)] += 1);
                counts
            },
        )
        .reduce(
            || vec![0_u64; N + 2],
            |mut a, b| {
                a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
                a
            },
        );
    let (n_below, n_above) = (counts[0], counts[N + 1]);
    let counts = counts[1..=N].to_vec();
    let log_edges = (0..=N).map(|i| low + width * i as f64).collect();
    Some(ReplicateHistogram { log_edges, counts, n_below, n_above })
}
