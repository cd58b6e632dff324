//! `bootstrap`: a statistic of a cohort, resampled.

mod binary_source;
mod calibration;
mod cox_request;
mod cox_source;
mod document;
mod histogram;
mod intervals;
pub mod order_statistics;
mod order_tracker;
mod replicate;
mod settings;
mod source;
mod summary;

pub use document::{
    BootstrapDocument, CalibrationBlock, EstimateBlock, IntervalBlock, ReplicatesBlock,
};
pub use histogram::ReplicateHistogram;
pub use intervals::IntervalKind;
pub use replicate::{Reason, ReplicateValue};
pub use settings::{BootstrapSettings, Calibration, Resample};

use std::time::Instant;

use sha2::{Digest, Sha256};

use crate::compute::Backend;
use crate::survival::Cohort;
use crate::{Error, Warning};
use binary_source::BinarySource;
use calibration::calibrate;
use cox_source::CoxSource;
use intervals::{Basis, acceleration, interval_blocks, shares_of};
use order_tracker::Missed;
use source::ReplicateSource;
use summary::{Counts, Summary};

const DOING: &str = "preparing the bootstrap";

/// Replicates asked of a source at once: some 20 MiB of results.
const REPLICATES_PER_CHUNK: u64 = 1 << 20;

/// Most replicates of a run: the draw layout's counter goes on, but nobody waits so long.
const MOST_REPLICATES: u64 = 1 << 44;

/// Asked how far the run is (done, asked for); false ends it.
pub type BootstrapProgress<'a> = &'a (dyn Fn(u64, u64) -> bool + Sync);

/// Resamples a statistic of `cohort`.
///
/// `progress` is told replicates done and asked for, and answers whether to go on.
///
/// # Errors
/// A cohort that the statistic cannot be had of; no replicates; a level outside (0, 1); a device
/// that failed; an interrupt.
pub fn run_bootstrap(
    cohort: &Cohort,
    settings: &BootstrapSettings,
    backend: &dyn Backend,
    progress: BootstrapProgress<'_>,
) -> Result<BootstrapDocument, Error> {
    check(settings)?;
    let begin = Instant::now();
    let source: Box<dyn ReplicateSource + '_> = if BinarySource::fits(cohort, settings) {
        Box::new(BinarySource::new(cohort, settings, backend)?)
    } else {
        Box::new(CoxSource::new(cohort, settings, backend)?)
    };
    let mut document = resample(source.as_ref(), settings, backend, progress)?;
    document.warnings.extend(backend.warnings());
    document.elapsed_seconds = begin.elapsed().as_secs_f64();
    document.replicates_per_second =
        document.replicates.requested as f64 / document.elapsed_seconds.max(f64::MIN_POSITIVE);
    Ok(document)
}

fn check(settings: &BootstrapSettings) -> Result<(), Error> {
    if !(2..=MOST_REPLICATES).contains(&settings.replicates) {
        return Err(Error::usage(DOING)
            .found(format!("--replicates {}", settings.replicates))
            .expected(format!("from 2 to {MOST_REPLICATES}")));
    }
    if settings.until_mcse.is_some_and(|error| !(error > 0.0)) {
        return Err(Error::usage(DOING)
            .found(format!("--until-mcse {}", settings.until_mcse.unwrap_or(0.0)))
            .expected("an error above 0"));
    }
    let Calibration { outer, inner } = settings.calibration;
    if outer < 2 || outer > u64::from(u32::MAX) || inner == 0 {
        return Err(Error::usage(DOING)
            .found(format!("--calibrate {outer}x{inner}"))
            .expected("at least 2 resamples, each resampled at least once"));
    }
    crate::survival::ConfLevel::new(settings.conf_level).map(|_| ())
}

/// Everything that is read off the replicates of `source`.
fn resample(
    source: &dyn ReplicateSource,
    settings: &BootstrapSettings,
    backend: &dyn Backend,
    progress: BootstrapProgress<'_>,
) -> Result<BootstrapDocument, Error> {
    let facts = source.facts();
    let wants = |kind: IntervalKind| settings.intervals.contains(&kind);
    let calibration = if wants(IntervalKind::Calibrated) {
        calibrate(source, settings.calibration, settings.conf_level, progress)?
    } else {
        None
    };
    let jackknife = wants(IntervalKind::Bca).then(|| source.jackknife()).flatten();
    let basis = Basis {
        estimate: facts.estimate,
        std_err: facts.std_err,
        acceleration: jackknife
            .and_then(|(values, strata)| acceleration(&values, strata.as_deref())),
        calibrated: calibration.map(|found| [found.lower_level, found.upper_level]),
        conf_level: settings.conf_level,
        is_log: facts.is_log,
    };
    let mut kinds = settings.intervals.clone();
    let at = kinds.iter().position(|&kind| kind == IntervalKind::Percentile);
    if let (Some(at), false) = (at, wants(IntervalKind::PercentileKeepInf)) {
        // Told apart from the percentile interval only when a replicate is infinite.
        kinds.insert(at + 1, IntervalKind::PercentileKeepInf);
    }
    let run = Run { source, settings, basis: &basis, kinds: &kinds, progress };
    let (summary, intervals, requested) = run.to_the_end()?;
    let lost = summary.counts.inestimable();
    let intervals = intervals
        .into_iter()
        .filter(|block| {
            let added = block.kind == IntervalKind::PercentileKeepInf.name();
            !added || !lost.is_empty() || wants(IntervalKind::PercentileKeepInf)
        })
        .collect();
    let moments = summary.moments();
    let mut warnings = facts.warnings.clone();
    warnings.extend(warn_of_lost(&lost, requested));
    Ok(BootstrapDocument {
        schema_version: 1,
        command: "bootstrap",
        warnings,
        n: facts.n,
        n_events: facts.n_events,
        n_dropped: facts.n_dropped,
        statistic: facts.statistic,
        term: facts.term.clone(),
        ties: facts.ties,
        penalty: facts.penalty,
        resample: settings.resample.name(),
        seed: settings.seed,
        conf_level: settings.conf_level,
        estimate: if facts.is_log {
            EstimateBlock::HazardRatio {
                log_hazard_ratio: facts.estimate,
                hazard_ratio: facts.estimate.map(f64::exp),
                se: facts.std_err,
            }
        } else {
            EstimateBlock::Value { value: facts.estimate, se: facts.std_err }
        },
        replicates: ReplicatesBlock {
            requested,
            estimable: summary.counts.finite,
            inestimable: lost.into_iter().collect(),
        },
        bias: facts.estimate.and(moments.bias),
        std_err: moments.std_err,
        mcse_bias: facts.estimate.and(moments.mcse_bias),
        mcse_std_err: moments.mcse_std_err,
        intervals,
        calibration,
        draws_sha256: settings.hash_draws.then(|| hash_draws(source, requested)).transpose()?,
        draw_layout: crate::numeric::draw::LAYOUT_VERSION,
        device: backend.device(),
        version: env!("CARGO_PKG_VERSION"),
        elapsed_seconds: 0.0,
        replicates_per_second: 0.0,
        histogram: summary.histogram.finish(),
    })
}

/// One stream of replicates and what is read off it.
struct Run<'a> {
    source: &'a dyn ReplicateSource,
    settings: &'a BootstrapSettings,
    basis: &'a Basis,
    kinds: &'a [IntervalKind],
    progress: BootstrapProgress<'a>,
}

impl Run<'_> {
    /// The replicates asked for, or as many steps of them as the precision asked for takes.
    fn to_the_end(&self) -> Result<(Summary, Vec<IntervalBlock>, u64), Error> {
        let step = self.settings.replicates;
        let mut summary = self.empty();
        let mut total = step;
        loop {
            self.advance(&mut summary, total)?;
            let intervals = match interval_blocks(self.kinds, &summary, self.basis) {
                Ok(intervals) => intervals,
                Err(Missed) => {
                    // A rank fell outside its band: read the stream again and keep everything.
                    summary = self.empty().keeping_all();
                    self.advance(&mut summary, total)?;
                    interval_blocks(self.kinds, &summary, self.basis)
                        .map_err(|Missed| Error::numeric(DOING).found("an order statistic lost"))?
                }
            };
            if self.is_precise(&intervals) || total + step > MOST_REPLICATES {
                return Ok((summary, intervals, total));
            }
            total += step;
        }
    }

    fn empty(&self) -> Summary {
        let pivots = self.kinds.contains(&IntervalKind::Studentized);
        Summary::new(self.basis.estimate, pivots)
    }

    /// Adds the replicates up to number `total`.
    fn advance(&self, summary: &mut Summary, total: u64) -> Result<(), Error> {
        let shares = |counts: &Counts| shares_of(self.kinds, counts, self.basis);
        let mut done = summary.counts.total();
        let at_once = self.source.replicates_at_once(REPLICATES_PER_CHUNK);
        let size = (total - done).min(at_once) as usize;
        let mut chunk = vec![ReplicateValue::Lost(Reason::NotConverged); size];
        while done < total {
            let n = (total - done).min(at_once);
            let chunk = &mut chunk[..n as usize];
            self.source.fill(done, chunk)?;
            summary.push(chunk, &shares);
            done += n;
            if !(self.progress)(done, total) {
                return Err(Error::interrupted("resampling")
                    .found(format!("an interrupt after {done} of {total} replicates")));
            }
        }
        Ok(())
    }

    /// Whether every limit is as precise as asked for. A limit without a Monte-Carlo error will
    /// not get one by going on.
    fn is_precise(&self, intervals: &[IntervalBlock]) -> bool {
        let Some(wanted) = self.settings.until_mcse else { return true };
        let mut errors =
            intervals.iter().flat_map(|block| [block.mcse_lower, block.mcse_upper]).flatten();
        errors.all(|error| error <= wanted)
    }
}

fn warn_of_lost(lost: &[(&str, u64)], requested: u64) -> Option<Warning> {
    let n: u64 = lost.iter().map(|(_, n)| n).sum();
    (n > 0).then(|| {
        let reasons: Vec<String> = lost.iter().map(|(why, n)| format!("{why}: {n}")).collect();
        let message = format!(
            "{n} of {requested} replicates have no finite value ({}); bias and standard error \
             leave them out, percentile intervals are given without the monotone ones and with \
             them as -inf or +inf",
            reasons.join(", "),
        );
        Warning::new("inestimable_replicates", message)
    })
}

/// SHA-256 of all drawn indices (little-endian u32, replicate by replicate).
fn hash_draws(source: &dyn ReplicateSource, replicates: u64) -> Result<String, Error> {
    let n_draws = source.n_draws();
    let rows = ((4 << 20) / n_draws.max(1)).max(1) as u64;
    let mut hash = Sha256::new();
    let mut first = 0;
    while first < replicates {
        let n = rows.min(replicates - first);
        let mut units = vec![u32::MAX; n as usize * n_draws];
        source.draws(first, &mut units)?;
        for unit in &units {
            hash.update(unit.to_le_bytes());
        }
        first += n;
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
