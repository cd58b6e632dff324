//! `segment`: the events of a sample, measured and classified, from its frames.
//!
//! Two passes over the frames, each in parallel on rayon's current pool with one frame in memory a
//! thread: the first counts histograms and finds the chamber's edge, the second segments.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::border_objects::join_across_frames;
use super::frame_cache::FrameCache;
use super::segment_frames::segment_frames;
use super::segment_output::SegmentSink;
use super::segment_resume::open_sample;
use super::segment_summary::{classify_her2, summarize};
use super::segment_survey::Survey;
use crate::compute::Backend;
use crate::imaging::{
    Contour, ContourInput, ContourSettings, DisplayRange, EdgeMask, GateSet, Her2Cutoffs,
};
use crate::io::archive::{Archive, Layout};
use crate::io::cell_table::{CellRow, FrameRow};
use crate::io::sample_table::SampleSummary;
use crate::{Error, Warning};

/// What is segmented.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SegmentMode {
    /// Whole frames: every event of the cartridge (ACCEPT's Full Detection).
    #[default]
    Full,
    /// Crops around the events that the operator of the original analysis assigned (ACCEPT's
    /// Marker Characterization).
    Marker,
}

/// How a channel's threshold is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum ThresholdRule {
    /// Triangle method.
    #[default]
    Triangle,
    /// Otsu's method.
    Otsu,
    /// This intensity, in camera units, for every channel.
    Value(f64),
}

/// Whose pixels a threshold is chosen from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ThresholdScope {
    /// All frames together.
    #[default]
    Cartridge,
    /// Each frame by itself, from all of its pixels.
    Frame,
}

/// Which HER2 intensity of an event is classified and summarized.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Her2Measure {
    /// Mean inside the outline of the whole event, not clamped (`her2_union_mean`).
    #[default]
    Union,
    /// Mean inside HER2's own outline, 0 without one (`her2_mean`).
    Channel,
}

/// Where the cut-offs between the HER2 classes come from. There is no default cut-off.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Her2Rule {
    /// None: events get no HER2 class.
    #[default]
    Unclassified,
    /// These intensities.
    Cutoffs(Her2Cutoffs),
    /// The quantile of this level of the sample's leukocytes; events are neg below it, high above.
    Leukocytes(f64),
}

/// What becomes of objects with a pixel in the first or last row or column of a whole frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BorderObjects {
    /// They are dropped, as in ACCEPT.
    #[default]
    Cleared,
    /// They are kept; pieces of one cell in neighbouring frames are found, and the largest counts.
    Flagged,
}

/// Choices of a `segment` run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SegmentSettings {
    /// Whole frames or crops.
    pub mode: SegmentMode,
    /// How thresholds are chosen.
    pub threshold: ThresholdRule,
    /// Whose pixels they are chosen from.
    pub scope: ThresholdScope,
    /// Weight of the data against the length of the outline; without it the mode's: 0.01 for
    /// whole frames, 0.0005 for crops.
    pub lambda: Option<f32>,
    /// What becomes of objects that the border of their frame cuts; whole frames only.
    pub border_objects: BorderObjects,
    /// Whether objects that hold two or more cells are taken apart; whole frames only.
    pub split_touching: bool,
    /// The scan does not reach the chamber's edge: none is looked for.
    pub no_edge_mask: bool,
    /// Conditions of the classes. Without them whole frames are classed by [`GateSet::breast`],
    /// and events in crops are tumour cells, as the operator said.
    pub gates: Option<GateSet>,
    /// Cut-offs of the HER2 classes.
    pub her2: Her2Rule,
    /// What they are applied to.
    pub her2_measure: Her2Measure,
}

impl SegmentSettings {
    /// How contours are evolved.
    pub(super) fn contour(&self, layout: Layout) -> ContourSettings {
        let of_mode = match self.mode {
            SegmentMode::Full if layout != Layout::Thumbnails => ContourSettings::FULL_DETECTION,
            _ => ContourSettings::MARKER_CHARACTERIZATION,
        };
        ContourSettings { lambda: self.lambda.unwrap_or(of_mode.lambda), ..of_mode }
    }
}

/// A frame that could not be read; the rest of its sample goes on without it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedFrame {
    /// Frame number, 1-based.
    pub number: u32,
    /// Its file.
    pub path: PathBuf,
    /// Why it could not be read.
    pub message: String,
}

/// An event of the original analysis and the object found there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriorMatch {
    /// The event's id.
    pub rid: String,
    /// Its frame, 1-based.
    pub frame: u32,
    /// Label of the object, if there is one.
    pub label: Option<u32>,
}

/// The events of one sample.
#[derive(Clone, Debug, PartialEq)]
pub struct SampleSegmentation {
    /// Name of the sample.
    pub sample_id: String,
    /// Column names of the channels, in analysis order.
    pub channels: Vec<String>,
    /// One threshold a channel, unless every frame has its own.
    pub thresholds: Option<Vec<f64>>,
    /// Pixels of the edge on the overview (1/8 of a frame's size); `None` without a cartridge.
    pub edge_pixels: Option<usize>,
    /// One row an object, by frame and label.
    pub cells: Vec<CellRow>,
    /// One row a frame and channel.
    pub frames: Vec<FrameRow>,
    /// Events of the original analysis, in its order.
    pub prior_matches: Vec<PriorMatch>,
    /// Counts and HER2 of the sample.
    pub summary: SampleSummary,
    /// Frames that could not be read.
    pub failed_frames: Vec<FailedFrame>,
    /// What a reader of the result must know.
    pub warnings: Vec<Warning>,
}

/// Called after each frame with the steps done and all steps of the run; an error stops the run.
pub type Progress<'a> = dyn Fn(usize, usize) -> Result<(), Error> + Sync + 'a;

/// Counts steps of a run from several threads.
pub(super) struct Steps<'a> {
    done: AtomicUsize,
    total: usize,
    progress: &'a Progress<'a>,
}

impl Steps<'_> {
    pub(super) fn advance(&self) -> Result<(), Error> {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        (self.progress)(done, self.total)
    }
}

/// Segments a sample. Pictures go to `sink` as soon as a frame is done; tables are returned.
///
/// Frames that cannot be read are listed in the result, and the others are segmented. The result
/// does not depend on the number of threads.
///
/// # Errors
/// No frame can be read; a sink or a progress callback that refuses; settings that do not fit the
/// archive (crops without events, leukocyte cut-offs from crops); a device that fails.
///
/// # Source
/// Zeune et al. 2017, PLoS ONE 12:e0186562 (ACCEPT): behaviour of its Full Detection and Marker
/// Characterization.
pub fn run_segment(
    archive: &Archive,
    settings: &SegmentSettings,
    backend: &dyn Backend,
    progress: &Progress<'_>,
    sink: &dyn SegmentSink,
) -> Result<SampleSegmentation, Error> {
    check_settings(archive, settings)?;
    let is_cut_out = archive.layout == Layout::Thumbnails;
    let targets = match is_cut_out {
        true => target_frames(archive, SegmentMode::Full),
        false => target_frames(archive, settings.mode),
    };
    let total = archive.n_frames() + targets.len();
    let steps = Steps { done: AtomicUsize::new(0), total, progress };

    let cache = FrameCache::default();
    let is_target = |number| targets.contains(&number);
    let survey = Survey::of_archive(archive, &cache, is_target, &steps)?;
    let wants_edge = archive.has_edge && !settings.no_edge_mask;
    let edge = if wants_edge { survey.find_edge(archive) } else { None };
    let mut warnings = archive.warnings.clone();
    if wants_edge && edge.is_none() {
        warnings.push(Warning::new(
            "no_edge_mask",
            format!("{}: without a CD45 channel the chamber's edge is unknown", archive.sample_id),
        ));
    }
    let thresholds = match settings.scope {
        // chosen in each channel of each
        _ if is_cut_out => None,
        ThresholdScope::Cartridge => Some(survey.thresholds(archive, settings, edge.as_ref())),
        ThresholdScope::Frame => None,
    };
    let ranges: Vec<DisplayRange> = survey.full.iter().map(DisplayRange::of_events).collect();
    let frame_ranges: Vec<DisplayRange> = survey.full.iter().map(DisplayRange::of_frames).collect();
    let context = FrameContext {
        archive,
        settings,
        backend,
        thresholds: thresholds.as_deref(),
        edge: edge.as_ref(),
        ranges: &ranges,
        frame_ranges: &frame_ranges,
        sink,
        cache: &cache,
    };
    let failed: BTreeMap<u32, String> = survey.failed;
    open_sample(&context)?;
    let mut segmented = segment_frames(&context, &targets, failed, &steps)?;
    join_across_frames(archive.grid, &segmented.contacts, &mut segmented.cells);
    let cutoffs = classify_her2(&mut segmented.cells, archive, settings, &mut warnings);
    warnings.append(&mut segmented.warnings);
    let failed_frames = failed_frames(archive, segmented.failed);
    let prior_matches = segmented.prior_matches;
    let summary = summarize(
        archive,
        settings,
        &segmented.cells,
        &prior_matches,
        failed_frames.len(),
        cutoffs,
    );
    Ok(SampleSegmentation {
        sample_id: archive.sample_id.clone(),
        channels: archive.channels.iter().map(|channel| channel.column_name()).collect(),
        thresholds,
        edge_pixels: edge.map(|edge| edge.overview().count()),
        cells: segmented.cells,
        frames: segmented.frames,
        prior_matches,
        summary,
        failed_frames,
        warnings,
    })
}

/// What segmenting a frame needs beside the frame.
pub(super) struct FrameContext<'a> {
    pub(super) archive: &'a Archive,
    pub(super) settings: &'a SegmentSettings,
    /// Evolves the contours.
    pub(super) backend: &'a dyn Backend,
    /// Of the cartridge; `None` when each frame has its own.
    pub(super) thresholds: Option<&'a [f64]>,
    pub(super) edge: Option<&'a EdgeMask>,
    /// Of pictures of events, one a channel.
    pub(super) ranges: &'a [DisplayRange],
    /// Of pictures of whole frames.
    pub(super) frame_ranges: &'a [DisplayRange],
    pub(super) sink: &'a dyn SegmentSink,
    /// Frames that need not be read again.
    pub(super) cache: &'a FrameCache,
}

impl FrameContext<'_> {
    /// The contour as the run's engine evolves it.
    pub(super) fn contour(
        &self,
    ) -> impl Fn(&ContourInput, ContourSettings) -> Result<Contour, Error> + Sync {
        |input, settings| Ok(self.backend.tv_contour(input, settings)?.contour)
    }
}

fn check_settings(archive: &Archive, settings: &SegmentSettings) -> Result<(), Error> {
    let usage = || Error::usage("segmenting a sample").at(&*archive.sample_id);
    let is_cut_out = archive.layout == Layout::Thumbnails;
    if settings.mode == SegmentMode::Marker && archive.priors.is_empty() && !is_cut_out {
        return Err(usage()
            .found("no assigned events to characterize")
            .expected("an XML with assigned events, or --mode full"));
    }
    if is_cut_out && settings.threshold != ThresholdRule::Triangle {
        return Err(usage()
            .found("a threshold for thumbnails")
            .expected("no --threshold: their channels are split halfway, or outlined already"));
    }
    let has_crops = is_cut_out || settings.mode == SegmentMode::Marker;
    if settings.split_touching && has_crops {
        return Err(usage()
            .found("touching cells to split in crops, each of which is one event")
            .expected("--split-touching with --mode full only"));
    }
    if let Her2Rule::Leukocytes(level) = settings.her2 {
        if !(level > 0.0 && level < 1.0) {
            return Err(usage()
                .found(format!("leukocyte quantile {level}"))
                .expected("a level between 0 and 1"));
        }
        if has_crops {
            return Err(usage()
                .found("HER2 cut-offs from leukocytes in crops, which hold none")
                .expected("--mode full, or --her2-med and --her2-high"));
        }
    }
    let is_usable = |value: f64| value.is_finite() && value >= 0.0;
    match settings.threshold {
        ThresholdRule::Value(value) if !is_usable(value) => {
            Err(usage().found(format!("threshold {value}")).expected("an intensity >= 0"))
        }
        _ => match settings.lambda {
            Some(lambda) if !(lambda.is_finite() && lambda > 0.0) => {
                Err(usage().found(format!("lambda {lambda}")).expected("a number > 0"))
            }
            _ => Ok(()),
        },
    }
}

/// Frames that the second pass looks at.
fn target_frames(archive: &Archive, mode: SegmentMode) -> Vec<u32> {
    let all = 1..=archive.n_frames() as u32;
    match mode {
        SegmentMode::Full => all.collect(),
        SegmentMode::Marker => {
            let holds_event = |&n: &u32| archive.priors.iter().any(|prior| prior.frame == n);
            all.filter(holds_event).collect()
        }
    }
}

fn failed_frames(archive: &Archive, failed: BTreeMap<u32, String>) -> Vec<FailedFrame> {
    let of_number = |(number, message)| FailedFrame {
        number,
        path: archive.frames[number as usize - 1].file().to_owned(),
        message,
    };
    failed.into_iter().map(of_number).collect()
}
