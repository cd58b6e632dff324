//! Found cells against true ones.

use std::path::Path;

use herscope::imaging::{EventClass, Her2Cutoffs};
use herscope::pipeline::segment::SampleSegmentation;

use crate::scenario::{Scenario, Special, open, segment, write};

/// Index of HER2 among the channels of a cell (CD45, DAPI, CK, HER2).
const HER2: usize = 3;

/// Pixels of a frame to one of the overview.
const REDUCTION: usize = 8;

/// Bins of the gap to the next cell, in pixels: upper ends.
pub(crate) const GAPS: [f64; 4] = [-3.0, 2.0, 8.0, f64::INFINITY];

/// A row of `truth.csv`, as far as it is scored.
#[derive(Clone, Debug)]
pub(crate) struct TrueCell {
    pub(crate) frame: u32,
    pub(crate) row_px: f64,
    pub(crate) col_px: f64,
    pub(crate) class: String,
    pub(crate) length_px: f64,
    pub(crate) her2: f64,
    pub(crate) gap_px: f64,
}

/// Reads `truth.csv` of a simulated cartridge.
pub(crate) fn read_truth(folder: &Path) -> Vec<TrueCell> {
    let mut reader = csv::Reader::from_path(folder.join("truth.csv")).expect("truth.csv");
    let header = reader.headers().expect("a header").clone();
    let place = |name: &str| header.iter().position(|column| column == name).expect("a column");
    let places = ["frame", "row_px", "col_px", "class", "length_px", "her2", "gap_px"].map(place);
    let rows = reader.records().map(|record| {
        let record = record.expect("a row");
        let [frame, row, col, class, length, her2, gap] = places.map(|place| &record[place]);
        let number = |text: &str| text.parse::<f64>().expect("a number");
        TrueCell {
            frame: frame.parse().expect("a frame"),
            row_px: number(row),
            col_px: number(col),
            class: class.to_owned(),
            length_px: number(length),
            her2: number(her2),
            gap_px: if gap.is_empty() { f64::INFINITY } else { number(gap) },
        }
    });
    rows.collect()
}

/// For each true cell the found one (an index into `found.cells`): pairs of one frame whose centres
/// are less than half the true cell's length apart, nearest first, each cell once.
pub(crate) fn match_cells(truth: &[TrueCell], found: &SampleSegmentation) -> Vec<Option<usize>> {
    let mut pairs = Vec::new();
    for (t, cell) in truth.iter().enumerate() {
        for (f, row) in found.cells.iter().enumerate() {
            let object = &row.object;
            let distance =
                (object.row_centroid_px - cell.row_px).hypot(object.col_centroid_px - cell.col_px);
            let counted = row.frame == cell.frame && row.excluded_because.is_none();
            if counted && distance < 0.5 * cell.length_px {
                pairs.push((distance, t, f));
            }
        }
    }
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut matched = vec![None; truth.len()];
    let mut taken = vec![false; found.cells.len()];
    for (_, t, f) in pairs {
        if matched[t].is_none() && !taken[f] {
            matched[t] = Some(f);
            taken[f] = true;
        }
    }
    matched
}

/// What a scenario gave.
#[derive(Clone, Debug, Default)]
pub(crate) struct Score {
    /// True tumour cells.
    pub(crate) n_ctc: usize,
    /// True tumour cells that an event of any class was found at.
    pub(crate) n_seen: usize,
    /// True tumour cells called tumour cells.
    pub(crate) n_called: usize,
    /// Events called tumour cells.
    pub(crate) n_found: usize,
    /// Of `n_called`, those with the true HER2 class.
    pub(crate) n_her2_agrees: usize,
    /// Sum of found mean HER2 less true, over `n_called`.
    pub(crate) her2_difference: f64,
    /// Sum of true mean HER2, over `n_called`.
    pub(crate) her2_true: f64,
    /// Share of the cartridge that the edge step took for edge.
    pub(crate) edge_share: f64,
    /// True tumour cells and those called so, by gap.
    pub(crate) by_gap: [(usize, usize); GAPS.len()],
}

/// Simulates, segments and scores.
pub(crate) fn score(scenario: &Scenario) -> Score {
    let home = tempfile::tempdir().expect("a temporary folder");
    let target = home.path().join("900012.1.1");
    write(&scenario.settings(), &target);
    let cutoffs = scenario.cutoffs();
    let archive = open(&target);
    let found = segment(&archive, cutoffs, scenario.special == Special::Split);
    let (frame_rows, frame_cols) = archive.frame_size.expect("frames of one size");
    let n_overview =
        archive.n_frames() * frame_rows.div_ceil(REDUCTION) * frame_cols.div_ceil(REDUCTION);
    let edge_share = found.edge_pixels.unwrap_or(0) as f64 / n_overview as f64;
    Score { edge_share, ..compare(&read_truth(&target), &found, cutoffs) }
}

fn compare(truth: &[TrueCell], found: &SampleSegmentation, cutoffs: Her2Cutoffs) -> Score {
    let matched = match_cells(truth, found);
    let counted = found.cells.iter().filter(|cell| cell.excluded_because.is_none());
    let mut score = Score {
        n_found: counted.filter(|cell| cell.event_class == EventClass::Ctc).count(),
        ..Score::default()
    };
    for (cell, matched) in truth.iter().zip(matched).filter(|(cell, _)| cell.class == "ctc") {
        let gap = GAPS.iter().position(|&end| cell.gap_px < end).unwrap_or(GAPS.len() - 1);
        score.n_ctc += 1;
        score.by_gap[gap].0 += 1;
        let Some(row) = matched.map(|index| &found.cells[index]) else { continue };
        score.n_seen += 1;
        if row.event_class != EventClass::Ctc {
            continue;
        }
        score.n_called += 1;
        score.by_gap[gap].1 += 1;
        let agrees = row.her2_class == Some(cutoffs.classify(cell.her2));
        score.n_her2_agrees += usize::from(agrees);
        let measured = row.object.channels[HER2].union_mean.expect("an outline");
        score.her2_difference += measured - cell.her2;
        score.her2_true += cell.her2;
    }
    score
}
