//! `bootstrap`: a statistic of a cohort, resampled.

mod binary_source;
mod calibration;
mod cell_source;
mod concordance_source;
mod cox_request;
mod cox_source;
mod curve_source;
mod default_interval;
mod document;
mod histogram;
mod intervals;
pub mod order_statistics;
mod order_tracker;
mod patient_cells;
mod propagation;
mod record;
mod replicate;
mod settings;
mod source;
mod storage;
mod stream;
mod summary;
mod trial_intervals;

pub(crate) use default_interval::firth_interval;
pub use document::{
    BootstrapDocument, CalibrationBlock, EstimateBlock, IntervalBlock, PermutationBlock,
    ReplicatesBlock,
};
pub use histogram::ReplicateHistogram;
pub use intervals::IntervalKind;
pub(crate) use intervals::IntervalLimits;
pub use propagation::{PatientChanges, PropagationBlock, PropagationRequest, propagate_cells};
pub use replicate::{Reason, ReplicateValue};
pub use settings::{BootstrapSettings, Calibration, Resample, Statistic};
pub use storage::Storage;
pub use stream::merge_shards;
pub(crate) use trial_intervals::trial_intervals;

use std::time::Instant;

use sha2::{Digest, Sha256};

use crate::Error;
use crate::compute::{Backend, CpuEngine};
use crate::survival::Cohort;
use binary_source::BinarySource;
use calibration::calibrate;
use concordance_source::ConcordanceSource;
use cox_source::CoxSource;
use curve_source::CurveSource;
use intervals::acceleration;
use record::{OfData, RunRecord};
use source::ReplicateSource;
use storage::{Checkpoint, ShardHeader, Sinks};
use stream::{Stream, document_of};

const DOING: &str = "preparing the bootstrap";

/// Replicates asked of the CPU at once: a few MiB, and some 20 ms between two looks at an interrupt.
const CPU_CHUNK: u64 = 1 << 17;

/// Replicates asked of a GPU at once: submissions are sized below, this hides their ends.
const GPU_CHUNK: u64 = 1 << 20;

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
    run_bootstrap_with(cohort, settings, &Storage::default(), backend, progress)
}

/// [`run_bootstrap`] with shards, tables of replicates and checkpoints on disk.
///
/// # Errors
/// As [`run_bootstrap`]; a file that exists, or belongs to another run.
pub fn run_bootstrap_with(
    cohort: &Cohort,
    settings: &BootstrapSettings,
    storage: &Storage,
    backend: &dyn Backend,
    progress: BootstrapProgress<'_>,
) -> Result<BootstrapDocument, Error> {
    check(settings)?;
    storage.check(settings)?;
    let begin = Instant::now();
    let cpu = CpuEngine::new();
    let (source, backend) = source_of(cohort, settings, backend, &cpu)?;
    let mut document = resample(cohort, source.as_ref(), settings, storage, backend, progress)?;
    document.warnings.extend(backend.warnings());
    document.timed(begin);
    Ok(document)
}

/// The replicates of the statistic asked for, and the engine that makes them.
#[allow(clippy::type_complexity, reason = "a pair that is taken apart at once")]
fn source_of<'a>(
    cohort: &Cohort,
    settings: &BootstrapSettings,
    backend: &'a dyn Backend,
    cpu: &'a CpuEngine,
) -> Result<(Box<dyn ReplicateSource + 'a>, &'a dyn Backend), Error> {
    Ok(match settings.statistic {
        Statistic::HazardRatio if BinarySource::fits(cohort, settings) => {
            (Box::new(BinarySource::new(cohort, settings, backend)?), backend)
        }
        Statistic::HazardRatio => (Box::new(CoxSource::new(cohort, settings, backend)?), backend),
        Statistic::Concordance => {
            let on_gpu = backend.device().backend == "gpu";
            (Box::new(ConcordanceSource::new(cohort, settings, on_gpu)?), cpu)
        }
        _ => (Box::new(CurveSource::new(cohort, settings, backend)?), backend),
    })
}

fn check(settings: &BootstrapSettings) -> Result<(), Error> {
    settings.statistic.check(DOING)?;
    let is_curve = !matches!(settings.statistic, Statistic::HazardRatio | Statistic::Concordance);
    if settings.resample == Resample::Permutation && !is_curve {
        return Err(Error::usage(DOING)
            .found(format!("--resample permutation of {}", settings.statistic.name()))
            .expected("a permutation of logrank or of a difference"));
    }
    let of_cox_only = matches!(settings.resample, Resample::Cluster | Resample::Bayesian);
    if of_cox_only && settings.statistic != Statistic::HazardRatio {
        return Err(Error::usage(DOING)
            .found(format!(
                "--resample {} of {}",
                settings.resample.name(),
                settings.statistic.name()
            ))
            .expected("--resample case or stratified; the other is for hazard ratios"));
    }
    if !(2..=MOST_REPLICATES).contains(&settings.replicates) {
        return Err(Error::usage(DOING)
            .found(format!("--replicates {}", settings.replicates))
            .expected(format!("from 2 to {MOST_REPLICATES}")));
    }
    if let Some((first, last)) = settings.range {
        let within = settings.whole.is_none_or(|whole| last <= whole);
        if first >= last || last > MOST_REPLICATES || !within {
            return Err(Error::usage(DOING)
                .found(format!("--range {first}..{last}"))
                .expected("A..B with A below B, and B no more than --replicates"));
        }
        if settings.until_mcse.is_some() || settings.hash_draws {
            return Err(Error::usage(DOING)
                .found("--range beside --until-mcse or --hash-draws")
                .expected("one or the other: they need the whole run"));
        }
    }
    if settings.until_mcse.is_some_and(|error| error.is_nan() || error <= 0.0) {
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
    cohort: &Cohort,
    source: &dyn ReplicateSource,
    settings: &BootstrapSettings,
    storage: &Storage,
    backend: &dyn Backend,
    progress: BootstrapProgress<'_>,
) -> Result<BootstrapDocument, Error> {
    let permutes = settings.resample == Resample::Permutation;
    let wants = |kind: IntervalKind| !permutes && settings.intervals.contains(&kind);
    let calibration = if wants(IntervalKind::Calibrated) {
        calibrate(source, settings.calibration, settings.conf_level, progress)?
    } else {
        None
    };
    let jackknife = wants(IntervalKind::Bca).then(|| source.jackknife()).flatten();
    let acceleration =
        jackknife.and_then(|(values, strata)| acceleration(&values, strata.as_deref()));
    let firth = if permutes { None } else { source.firth_limits(settings.conf_level) };
    let of_data = OfData { acceleration, calibration, firth };
    let record = RunRecord::new(cohort, settings, source.facts(), of_data, &backend.device());
    let run = Run { source, settings, storage, record: &record, backend, progress };
    let (stream, intervals) = run.to_the_end()?;
    let mut document = document_of(&record, &stream, intervals, backend.device());
    document.range = settings.range.map(|(first, last)| [first, last]);
    if settings.hash_draws {
        document.draws_sha256 = Some(hash_draws(source, stream.summary.counts.total())?);
    }
    Ok(document)
}

/// One stream of replicates and what is read off it.
struct Run<'a> {
    source: &'a dyn ReplicateSource,
    settings: &'a BootstrapSettings,
    storage: &'a Storage,
    record: &'a RunRecord,
    backend: &'a dyn Backend,
    progress: BootstrapProgress<'a>,
}

impl Run<'_> {
    /// The replicates asked for, doubled until the precision asked for is reached.
    fn to_the_end(&self) -> Result<(Stream, Vec<IntervalBlock>), Error> {
        let (first, last) = self.settings.range.unwrap_or((0, self.settings.replicates));
        let step = last - first;
        let mut checkpoint = Checkpoint::new(self.storage.checkpoint.as_deref());
        let mut stream = Stream::new(self.record);
        if self.storage.resume
            && let Some(summary) = checkpoint.read(self.record, first)?
        {
            stream.summary = summary;
        }
        let header = ShardHeader::new(self.record, (first, last), &self.backend.device());
        let mut sinks = match Sinks::open(self.storage, &header)? {
            Ok(sinks) => sinks,
            Err(mut whole) => {
                stream.read_shard(&mut whole)?;
                let intervals = stream.intervals_or_again(|| Stream::of_shards(&[whole.path]))?;
                return Ok((stream, intervals));
            }
        };
        stream.push(&std::mem::take(&mut sinks.earlier));
        let done = stream.summary.counts.total();
        if done > step && self.settings.until_mcse.is_none() {
            return Err(Error::usage("resuming the bootstrap")
                .found(format!("{done} replicates of the interrupted run"))
                .expected(format!("no more than the {step} asked for")));
        }
        let mut total = step;
        while total < done {
            total *= 2;
        }
        loop {
            self.advance(&mut stream, first, total, Some((&mut sinks, &mut checkpoint)))?;
            let intervals = stream.intervals_or_again(|| {
                // A rank fell outside its band: read the stream again and keep everything.
                let mut again = Stream::new(self.record).keeping_all();
                self.advance(&mut again, first, total, None)?;
                Ok(again)
            })?;
            if self.is_precise(&intervals) || total > MOST_REPLICATES / 2 {
                sinks.finish()?;
                checkpoint.remove();
                return Ok((stream, intervals));
            }
            total *= 2;
        }
    }

    /// Adds replicates until there are `total`.
    fn advance(
        &self,
        stream: &mut Stream,
        first: u64,
        total: u64,
        mut files: Option<(&mut Sinks, &mut Checkpoint<'_>)>,
    ) -> Result<(), Error> {
        let mut done = stream.summary.counts.total();
        let most = if self.backend.device().backend == "gpu" { GPU_CHUNK } else { CPU_CHUNK };
        let most = self.source.replicates_at_once(most);
        let size = total.saturating_sub(done).min(most) as usize;
        let mut chunk = vec![ReplicateValue::Lost(Reason::NotConverged); size];
        while done < total {
            let n = (total - done).min(most);
            let chunk = &mut chunk[..n as usize];
            self.source.fill(first + done, chunk)?;
            stream.push(chunk);
            done += n;
            let go_on = (self.progress)(done, total);
            if let Some((sinks, checkpoint)) = &mut files {
                sinks.push(chunk)?;
                checkpoint.write(self.record, first, &stream.summary, !go_on)?;
            }
            if !go_on {
                let stopped = format!("an interrupt after {done} of {total} replicates");
                let place = files.and_then(|(_, checkpoint)| checkpoint.place());
                let stopped = Error::interrupted("resampling").found(stopped);
                return Err(match (place, self.storage.shard_out.is_some()) {
                    (Some(place), _) => stopped
                        .expected(format!("the same command with --resume goes on from {place}")),
                    (None, true) => {
                        stopped.expected("the same command with --resume goes on from here")
                    }
                    (None, false) => stopped,
                });
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
