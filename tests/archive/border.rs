//! Cells that the border of a frame cuts.

use herscope::compute::CpuEngine;
use herscope::imaging::{Channel, FrameGrid, RawPage, Samples, StretchLimits};
use herscope::io::archive::{Archive, ArchiveOptions};
use herscope::io::tiff_writer::{FrameCompression, encode_frame};
use herscope::pipeline::segment::{
    BorderObjects, SampleSegmentation, SegmentSettings, ThresholdRule, run_segment,
};
use herscope::pipeline::segment_output::NoPictures;

const ROWS: usize = 60;
const COLS: usize = 80;

/// One frame of a scene that is two frames wide: a cell of radius 11 whose middle lies 4 pixels left
/// of the common border, and one of radius 8 in the middle of each frame.
fn page(frame: usize) -> RawPage {
    let value = |index: usize| {
        let (row, col) = ((index / COLS) as f64, (frame * COLS + index % COLS) as f64);
        let cells = [(30.0, 40.0, 8.0), (30.0, 76.0, 11.0), (30.0, 120.0, 8.0)];
        let inside = cells.iter().any(|&(y, x, radius)| (row - y).hypot(col - x) < radius);
        let ground = 20 + (index * 7_919 % 11) as u8;
        if inside { 240 - (index * 31 % 5) as u8 } else { ground }
    };
    let samples = Samples::U8((0..ROWS * COLS).map(value).collect());
    let limits = Some(StretchLimits { low: 0, high: 2_400 });
    RawPage { rows: ROWS, cols: COLS, samples, limits }
}

fn segmented(border_objects: BorderObjects) -> SampleSegmentation {
    let home = tempfile::tempdir().expect("a temporary folder");
    let files: Vec<_> = (0..2)
        .map(|frame| {
            let path = home.path().join(format!("{frame}.tif"));
            let pages = [page(frame), page(frame)];
            let bytes = encode_frame(&pages, FrameCompression::None).expect("two pages");
            std::fs::write(&path, bytes).expect("written");
            path
        })
        .collect();
    let options = ArchiveOptions {
        grid: Some(FrameGrid::serpentine(1, 2)),
        channels: Some(vec![Channel::Dapi, Channel::Cytokeratin]),
        ..ArchiveOptions::default()
    };
    let archive = Archive::of_frames(files, &options).expect("two frames");
    let settings = SegmentSettings {
        threshold: ThresholdRule::Value(1_000.0),
        border_objects,
        ..SegmentSettings::default()
    };
    run_segment(&archive, &settings, &CpuEngine::new(), &|_, _| Ok(()), &NoPictures)
        .expect("segmented")
}

#[test]
fn cut_cells_are_dropped_unless_they_are_asked_for() {
    let cleared = segmented(BorderObjects::Cleared);
    assert_eq!(cleared.cells.len(), 2, "one cell a frame");
    assert!(cleared.cells.iter().all(|cell| cell.object.border_distance_px > 10), "in the middle");
    assert!(cleared.cells.iter().all(|cell| cell.continues_in.is_empty()), "no pieces");
}

#[test]
fn the_pieces_of_a_cut_cell_are_found_and_counted_once() {
    let flagged = segmented(BorderObjects::Flagged);
    let pieces: Vec<_> = flagged.cells.iter().filter(|cell| cell.object.edge_touching).collect();
    let [left, right] = &pieces[..] else { panic!("two pieces: {pieces:?}") };
    assert_eq!((left.frame, right.frame), (1, 2), "one on each side");
    assert_eq!(left.continues_in, [(2, right.object.label)], "goes on in frame 2");
    assert_eq!(right.continues_in, [(1, left.object.label)], "and comes from frame 1");
    assert!(left.object.union_area_px > right.object.union_area_px, "the middle is left");
    assert_ne!(left.excluded_because, Some("part_of_another"), "the larger piece counts");
    let reasons = [right.excluded_because, Some("part_of_another")];
    assert_eq!(reasons[0], reasons[1], "the smaller one is part of it");
    assert_eq!(flagged.cells.len(), 4, "and the two cells in the middle");
    assert_eq!(left.object.border_distance_px, 0, "at the border");
}
