//! HER2 classes of events, counts and HER2 of a sample.

use super::segment::{Her2Measure, Her2Rule, PriorMatch, SegmentMode, SegmentSettings};
use crate::Warning;
use crate::imaging::{
    Channel, EventClass, Her2Cutoffs, Her2Heterogeneity, her2_class_distance, leukocyte_cutoff,
};
use crate::io::archive::Archive;
use crate::io::cell_table::CellRow;
use crate::io::sample_table::SampleSummary;

/// Level of the interval of the share of HER2-positive cells.
const CONF_LEVEL: f64 = 0.95;

/// The HER2 intensity of an object that is classified.
fn her2_of(cell: &CellRow, archive: &Archive, measure: Her2Measure) -> Option<f64> {
    let index = archive.channels.iter().position(|channel| *channel == Channel::Her2)?;
    let channel = &cell.object.channels[index];
    match measure {
        Her2Measure::Union => channel.union_mean,
        Her2Measure::Channel => channel.mean,
    }
}

fn her2_values(
    cells: &[CellRow],
    class: EventClass,
    archive: &Archive,
    measure: Her2Measure,
) -> Vec<f64> {
    let counted = cells.iter().filter(|cell| cell.excluded_because.is_none());
    counted
        .filter(|cell| cell.event_class == class)
        .filter_map(|cell| her2_of(cell, archive, measure))
        .collect()
}

/// Standard error of the intensity that is classified.
fn her2_std_err_of(cell: &CellRow, archive: &Archive, measure: Her2Measure) -> Option<f64> {
    let index = archive.channels.iter().position(|channel| *channel == Channel::Her2)?;
    let area_px = match measure {
        Her2Measure::Union => cell.object.union_area_px,
        Her2Measure::Channel => cell.object.channels[index].area_px,
    };
    cell.object.her2_noise?.mean_std_err(area_px)
}

/// Finds the cut-offs and gives every object its HER2 class, its error and its distance from the
/// cut-off; returns the cut-offs.
pub(super) fn classify_her2(
    cells: &mut [CellRow],
    archive: &Archive,
    settings: &SegmentSettings,
    warnings: &mut Vec<Warning>,
) -> Option<Her2Cutoffs> {
    let cutoffs = cutoffs_of(cells, archive, settings, warnings);
    for cell in cells {
        let value = her2_of(cell, archive, settings.her2_measure);
        cell.her2_class = cutoffs.zip(value).map(|(cutoffs, value)| cutoffs.classify(value));
        cell.her2_std_err = her2_std_err_of(cell, archive, settings.her2_measure);
        cell.her2_class_distance = her2_class_distance(value, cell.her2_std_err, cutoffs);
    }
    cutoffs
}

fn cutoffs_of(
    cells: &[CellRow],
    archive: &Archive,
    settings: &SegmentSettings,
    warnings: &mut Vec<Warning>,
) -> Option<Her2Cutoffs> {
    let mut warn = |code: &str, message: &str| {
        warnings.push(Warning::new(code, format!("{}: {message}", archive.sample_id)));
    };
    if !archive.channels.contains(&Channel::Her2) {
        warn("no_her2_channel", "there is no HER2 channel, so no HER2 class");
        return None;
    }
    match settings.her2 {
        Her2Rule::Unclassified => {
            warn(
                "no_her2_cutoffs",
                "no HER2 cut-offs were given, so events have no HER2 class; intensities depend on \
                 a site's exposure and there is no cut-off that fits all",
            );
            None
        }
        Her2Rule::Cutoffs(cutoffs) => Some(cutoffs),
        Her2Rule::Leukocytes(level) => {
            let leukocytes = her2_values(cells, EventClass::Wbc, archive, settings.her2_measure);
            let cutoff = leukocyte_cutoff(&leukocytes, level);
            if cutoff.is_none() {
                warn("no_leukocytes", "no leukocytes were found to take a HER2 cut-off from");
            }
            cutoff.map(|cutoff| Her2Cutoffs { med: cutoff, high: cutoff })
        }
    }
}

pub(super) fn summarize(
    archive: &Archive,
    settings: &SegmentSettings,
    cells: &[CellRow],
    prior_matches: &[PriorMatch],
    n_frames_failed: usize,
    her2_cutoffs: Option<Her2Cutoffs>,
) -> SampleSummary {
    let counted = || cells.iter().filter(|cell| cell.excluded_because.is_none());
    let n_of = |class| counted().filter(|cell| cell.event_class == class).count();
    let n_events = counted().count();
    let has_her2 = archive.channels.contains(&Channel::Her2);
    let her2 = has_her2.then(|| {
        let values = her2_values(cells, EventClass::Ctc, archive, settings.her2_measure);
        // any cut-offs do where none are given: the table leaves out what depends on them
        let cutoffs = her2_cutoffs.unwrap_or(Her2Cutoffs { med: 0.0, high: 0.0 });
        Her2Heterogeneity::of(&values, cutoffs, CONF_LEVEL)
    });
    SampleSummary {
        mode: match settings.mode {
            SegmentMode::Full => "full",
            SegmentMode::Marker => "marker",
        },
        n_frames: archive.n_frames(),
        n_frames_failed,
        n_events,
        n_ctc: n_of(EventClass::Ctc),
        n_wbc: n_of(EventClass::Wbc),
        n_other: n_of(EventClass::Other),
        n_excluded: cells.len() - n_events,
        n_prior: prior_matches.len(),
        n_prior_matched: prior_matches.iter().filter(|found| found.label.is_some()).count(),
        her2_measure: has_her2.then_some(match settings.her2_measure {
            Her2Measure::Union => "her2_union_mean",
            Her2Measure::Channel => "her2_mean",
        }),
        her2_cutoffs,
        her2,
    }
}
