//! A stream of replicates, wherever it comes from, and the document that is read off it.

use std::path::PathBuf;
use std::time::Instant;

use super::default_interval::default_interval;
use super::document::{
    BootstrapDocument, EstimateBlock, IntervalBlock, PermutationBlock, ReplicatesBlock,
};
use super::intervals::{Basis, IntervalKind, interval_blocks, shares_of};
use super::order_tracker::Missed;
use super::record::RunRecord;
use super::replicate::ReplicateValue;
use super::settings::Resample;
use super::storage::{Shard, ShardHeader};
use super::summary::{Counts, Moments, Summary};
use crate::compute::DeviceInfo;
use crate::{Error, Warning};

/// Replicates read from a shard at once.
const REPLICATES_PER_READ: usize = 1 << 18;

/// Replicates added up, with what their intervals need.
pub(super) struct Stream {
    pub(super) summary: Summary,
    basis: Basis,
    kinds: Vec<IntervalKind>,
}

impl Stream {
    /// An empty stream of a run.
    pub(super) fn new(record: &RunRecord) -> Self {
        let (basis, kinds) = (record.basis(), record.kinds());
        let pivots = kinds.contains(&IntervalKind::Studentized);
        Self { summary: Summary::new(basis.estimate, pivots), basis, kinds }
    }

    /// The same, with every value kept.
    pub(super) fn keeping_all(mut self) -> Self {
        self.summary = self.summary.keeping_all();
        self
    }

    /// Takes the next replicates.
    pub(super) fn push(&mut self, replicates: &[ReplicateValue]) {
        let shares = |counts: &Counts| shares_of(&self.kinds, counts, &self.basis);
        self.summary.push(replicates, &shares);
    }

    /// Takes everything a shard holds.
    ///
    /// # Errors
    /// A shard that cannot be read.
    pub(super) fn read_shard(&mut self, shard: &mut Shard) -> Result<(), Error> {
        loop {
            let replicates = shard.next(REPLICATES_PER_READ)?;
            if replicates.is_empty() {
                return Ok(());
            }
            self.push(&replicates);
        }
    }

    /// Everything that the shards at `paths` hold, in this order, with every value kept.
    ///
    /// # Errors
    /// A shard that cannot be read.
    pub(super) fn of_shards(paths: &[PathBuf]) -> Result<Self, Error> {
        let mut stream: Option<Self> = None;
        for path in paths {
            let mut shard = Shard::open(path)?;
            let record = &shard.header.record;
            stream.get_or_insert_with(|| Self::new(record).keeping_all()).read_shard(&mut shard)?;
        }
        stream.ok_or_else(|| Error::usage("reading shards").found("no shard"))
    }

    /// The intervals; should a rank lie outside what was kept, `again` gives the same replicates
    /// with every value kept.
    ///
    /// # Errors
    /// As `again`.
    pub(super) fn intervals_or_again(
        &mut self,
        again: impl FnOnce() -> Result<Self, Error>,
    ) -> Result<Vec<IntervalBlock>, Error> {
        if let Ok(intervals) = self.intervals() {
            return Ok(intervals);
        }
        *self = again()?;
        self.intervals()
            .map_err(|Missed| Error::numeric("reading intervals").found("a lost order statistic"))
    }

    fn intervals(&self) -> Result<Vec<IntervalBlock>, Missed> {
        interval_blocks(&self.kinds, &self.summary, &self.basis)
    }
}

/// The document of a run from its record and its replicates.
pub(super) fn document_of(
    record: &RunRecord,
    stream: &Stream,
    intervals: Vec<IntervalBlock>,
    device: DeviceInfo,
) -> BootstrapDocument {
    let (facts, summary) = (&record.facts, &stream.summary);
    let requested = summary.counts.total();
    let lost = summary.counts.inestimable();
    let intervals = intervals.into_iter().filter(|block| {
        let added = block.kind == IntervalKind::PercentileKeepInf.name();
        !added || !lost.is_empty() || record.wants(IntervalKind::PercentileKeepInf)
    });
    let intervals: Vec<IntervalBlock> = intervals.collect();
    let permutes = record.resample == Resample::Permutation.name();
    // Shuffles are spread about 0, not about the estimate.
    let moments = if permutes { Moments::default() } else { summary.moments() };
    let permutation = permutes.then(|| {
        let counts = &summary.counts;
        PermutationBlock::new(facts.estimate, counts.finite, counts.as_extreme)
    });
    let mut warnings = facts.warnings.clone();
    warnings.extend(warn_of_lost(&lost, requested));
    BootstrapDocument {
        schema_version: 1,
        command: "bootstrap",
        warnings,
        n: facts.n,
        n_events: facts.n_events,
        n_dropped: facts.n_dropped,
        statistic: facts.statistic.clone(),
        quantile: record.quantile,
        tau: record.tau,
        at: record.at,
        term: facts.term.clone(),
        ties: facts.ties.clone(),
        penalty: facts.penalty.clone(),
        resample: record.resample.clone(),
        seed: record.seed,
        conf_level: record.conf_level,
        estimate: if facts.is_log {
            EstimateBlock::HazardRatio {
                log_hazard_ratio: facts.estimate,
                hazard_ratio: facts.estimate.map(f64::exp),
                se: facts.std_err,
            }
        } else {
            EstimateBlock::Value { value: facts.estimate, se: facts.std_err }
        },
        range: None,
        replicates: ReplicatesBlock {
            requested,
            estimable: summary.counts.finite,
            inestimable: lost.into_iter().collect(),
        },
        bias: facts.estimate.and(moments.bias),
        std_err: moments.std_err,
        mcse_bias: facts.estimate.and(moments.mcse_bias),
        mcse_std_err: moments.mcse_std_err,
        default_interval: if permutes { None } else { default_interval(record.firth, &intervals) },
        intervals,
        permutation,
        calibration: record.calibration,
        propagation: None,
        draws_sha256: None,
        draw_layout: record.draw_layout,
        device,
        version: record.version.clone(),
        elapsed_seconds: 0.0,
        replicates_per_second: 0.0,
        histogram: summary.histogram.finish(),
    }
}

impl BootstrapDocument {
    /// Says how long the run took that began at `begin`.
    pub(super) fn timed(&mut self, begin: Instant) {
        self.elapsed_seconds = begin.elapsed().as_secs_f64();
        self.replicates_per_second =
            self.replicates.requested as f64 / self.elapsed_seconds.max(f64::MIN_POSITIVE);
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

/// The document of the run that the shards at `paths` are parts of, in whatever order they come.
///
/// It is the document of the run on one machine but for its times.
///
/// # Errors
/// A shard that cannot be read; shards of different runs, with the first difference named; gaps or
/// overlaps between their ranges.
pub fn merge_shards(paths: &[PathBuf]) -> Result<BootstrapDocument, Error> {
    let begin = Instant::now();
    let mut shards: Vec<(PathBuf, ShardHeader)> = paths
        .iter()
        .map(|path| Ok((path.clone(), Shard::open(path)?.header)))
        .collect::<Result<_, Error>>()?;
    shards.sort_by_key(|(_, header)| header.first);
    let Some((_, first)) = shards.first().cloned() else {
        return Err(Error::usage("merging shards").found("no shard").expected("at least one"));
    };
    check_tiling(&shards, &first)?;
    let mut stream = Stream::new(&first.record);
    for (path, _) in &shards {
        stream.read_shard(&mut Shard::open(path)?)?;
    }
    let sorted: Vec<PathBuf> = shards.into_iter().map(|(path, _)| path).collect();
    let intervals = stream.intervals_or_again(|| Stream::of_shards(&sorted))?;
    let mut document = document_of(&first.record, &stream, intervals, first.device_info());
    document.timed(begin);
    Ok(document)
}

/// Shards of one run whose ranges follow each other from 0 to the end.
fn check_tiling(shards: &[(PathBuf, ShardHeader)], first: &ShardHeader) -> Result<(), Error> {
    let mut next = 0;
    for (path, header) in shards {
        let bad = |found: String, expected: String| {
            Error::input("merging shards")
                .at(path.display().to_string())
                .found(found)
                .expected(expected)
        };
        if let Some((name, wanted, found)) = first.record.difference(&header.record) {
            let expected = format!("{wanted}, as in {}", shards[0].0.display());
            return Err(bad(format!("{name} {found}"), expected));
        }
        if header.first != next {
            let what = if header.first > next { "a gap" } else { "an overlap" };
            return Err(bad(
                format!("{what}: replicates {}..{}", header.first, header.last),
                format!("a shard that begins with replicate {next}"),
            ));
        }
        next = header.last;
    }
    match first.record.replicates {
        Some(whole) if whole != next => Err(Error::input("merging shards")
            .found(format!("replicates 0..{next}"))
            .expected(format!("0..{whole}, the whole run"))),
        _ => Ok(()),
    }
}
