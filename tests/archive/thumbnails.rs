//! Folders of events that were cut out before.

use std::path::Path;

use herscope::compute::CpuEngine;
use herscope::imaging::{EventClass, GateSet, RawPage, Samples};
use herscope::io::archive::{Archive, ArchiveOptions, Layout};
use herscope::io::tiff_writer::{FrameCompression, encode_frame};
use herscope::pipeline::segment::{
    SampleSegmentation, SegmentMode, SegmentSettings, ThresholdRule, run_segment,
};
use herscope::pipeline::segment_output::NoPictures;
use herscope::units::MicronsPerPixel;

use crate::pages::{bare, cell_page, write_described};

/// Pages in analysis order: CD45 dark, DAPI, CK, HER2 bright, the middle cut out of a frame.
fn thumbnail(margin: usize) -> Vec<RawPage> {
    [60, 900, 1_200, 400].map(|level| cut(bare(cell_page(level)), margin)).to_vec()
}

/// The page without `margin` rows and columns at each side.
fn cut(page: RawPage, margin: usize) -> RawPage {
    let (rows, cols) = (page.rows - 2 * margin, page.cols - 2 * margin);
    let Samples::U16(values) = &page.samples else { panic!("16 bits") };
    let inside = (0..rows).flat_map(|row| {
        let start = (row + margin) * page.cols + margin;
        values[start..start + cols].iter().copied()
    });
    RawPage { rows, cols, samples: Samples::U16(inside.collect()), limits: None }
}

fn folder() -> tempfile::TempDir {
    let home = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(home.path().join("ACCEPTThumbnails.txt"), "").expect("written");
    for (name, margin) in [("e_thumb_1.tif", 10), ("e_thumb_2.tif", 14)] {
        write_described(&home.path().join(name), &thumbnail(margin), "");
    }
    home
}

fn segment(archive: &Archive, settings: &SegmentSettings) -> SampleSegmentation {
    run_segment(archive, settings, &CpuEngine::new(), &|_, _| Ok(()), &NoPictures)
        .expect("segmented")
}

fn open(folder: &Path) -> Archive {
    Archive::open(folder, &ArchiveOptions::default()).expect("thumbnails")
}

/// A bilevel page by hand: MATLAB writes 1 bit, which the encoder of the tests does not.
fn one_bit_tiff(pages: &[(usize, usize, Vec<bool>)]) -> Vec<u8> {
    let mut bytes = b"II\x2a\x00\x08\x00\x00\x00".to_vec();
    for (index, (rows, cols, pixels)) in pages.iter().enumerate() {
        let stride = cols.div_ceil(8);
        let mut packed = vec![0_u8; rows * stride];
        for (at, _) in pixels.iter().enumerate().filter(|(_, set)| **set) {
            packed[at / cols * stride + at % cols / 8] |= 0x80 >> (at % cols % 8);
        }
        let entries: [(u16, u16, u32); 9] = [
            (256, 4, *cols as u32),
            (257, 4, *rows as u32),
            (258, 3, 1),
            (259, 3, 1),
            (262, 3, 1),
            (273, 4, (bytes.len() + 2 + 9 * 12 + 4) as u32),
            (277, 3, 1),
            (278, 4, *rows as u32),
            (279, 4, packed.len() as u32),
        ];
        bytes.extend(9_u16.to_le_bytes());
        for (tag, kind, value) in entries {
            bytes.extend(tag.to_le_bytes());
            bytes.extend(kind.to_le_bytes());
            bytes.extend(1_u32.to_le_bytes());
            bytes.extend(value.to_le_bytes());
        }
        let mut end = bytes.len() + 4 + packed.len();
        end += end % 2;
        let next = if index + 1 < pages.len() { end as u32 } else { 0 };
        bytes.extend(next.to_le_bytes());
        bytes.extend(packed);
        bytes.resize(end, 0);
    }
    bytes
}

#[test]
fn each_file_is_an_event_of_its_own_size_without_a_pixel_size() {
    let home = folder();
    let archive = open(home.path());
    assert_eq!((archive.layout, archive.n_frames()), (Layout::Thumbnails, 2));
    assert_eq!(archive.frame_size, None, "each has its own");
    let codes: Vec<&str> = archive.warnings.iter().map(|warning| warning.code.as_str()).collect();
    assert_eq!(codes, ["no_pixel_size"], "sizes are in pixels");
    let found = segment(&archive, &SegmentSettings::default());
    assert_eq!(found.failed_frames, []);
    assert_eq!(found.thresholds, None, "there is no histogram");
    let events: Vec<_> =
        found.cells.iter().filter(|cell| cell.excluded_because.is_none()).collect();
    assert_eq!(events.iter().map(|cell| cell.frame).collect::<Vec<_>>(), [1, 2], "one a file");
    for cell in events {
        let ck = &cell.object.channels[2];
        // an ellipse of half-axes 9 and 7: 198 pixels
        assert!(ck.area_px.abs_diff(198) < 25, "{} pixels", ck.area_px);
        assert_eq!(ck.size_um2, None, "no micrometres are invented");
    }
    for row in found.frames.iter().filter(|row| row.channel == "ck") {
        // ground 120 to 130, cell to 1200
        let threshold = row.threshold.expect("halfway");
        assert!((threshold - 660.0).abs() < 5.0, "{threshold}");
    }
    let pixel_size = Some(MicronsPerPixel(0.5));
    let options = ArchiveOptions { pixel_size, ..ArchiveOptions::default() };
    let archive = Archive::open(home.path(), &options).expect("thumbnails");
    let cell = &segment(&archive, &SegmentSettings::default()).cells[0];
    let ck = &cell.object.channels[2];
    assert_eq!(ck.size_um2, Some(ck.area_px as f64 * 0.25), "where it is given");
}

#[test]
fn given_outlines_are_taken_as_they_are() {
    let home = folder();
    let (rows, cols) = (40, 60);
    // a square of 11 pixels and a single one, which no contour would leave
    let square = |row: usize, col: usize| (10..21).contains(&row) && (30..41).contains(&col);
    let mask: Vec<bool> =
        (0..rows * cols).map(|at| square(at / cols, at % cols) || at == 3 * cols + 57).collect();
    let empty = vec![false; rows * cols];
    let pages = [&empty, &mask, &mask, &empty].map(|mask| (rows, cols, mask.clone()));
    let outlines = home.path().join("e_thumb_1_segm.tif");
    std::fs::write(&outlines, one_bit_tiff(&pages)).expect("written");
    let archive = open(home.path());
    assert_eq!(archive.n_frames(), 2, "outlines are no event");
    assert!(archive.files().contains(&outlines.as_path()), "but an input");
    let found = segment(&archive, &SegmentSettings::default());
    let areas: Vec<_> = found
        .cells
        .iter()
        .filter(|cell| cell.frame == 1)
        .map(|cell| cell.object.channels.iter().map(|channel| channel.area_px).collect::<Vec<_>>())
        .collect();
    assert_eq!(areas, [[0, 121, 121, 0], [0, 1, 1, 0]], "pixel for pixel, by first column");
    let rows_of_1: Vec<_> = found.frames.iter().filter(|row| row.frame == 1).collect();
    assert!(rows_of_1.iter().all(|row| row.threshold.is_none() && row.mu0.is_none()), "none used");
    assert_eq!(rows_of_1[0].warnings, ["outlines as given"]);
    assert!(found.frames.iter().any(|row| row.frame == 2 && row.threshold.is_some()), "contour");
}

#[test]
fn outlines_that_do_not_fit_refuse_their_event_only() {
    let good = (40, 60, vec![true; 40 * 60]);
    let cases = [
        (one_bit_tiff(std::slice::from_ref(&good)), "1 pages"),
        (one_bit_tiff(&vec![(40, 61, vec![true; 40 * 61]); 4]), "40 x 61 pixels"),
        (encode_frame(&thumbnail(10), FrameCompression::None).expect("encoded"), "16 bits"),
        (b"no TIFF at all".to_vec(), "no TIFF signature"),
    ];
    for (bytes, why) in cases {
        let home = folder();
        std::fs::write(home.path().join("e_thumb_1_segm.tif"), bytes).expect("written");
        let found = segment(&open(home.path()), &SegmentSettings::default());
        let [failed] = &found.failed_frames[..] else { panic!("{why}: one event is refused") };
        assert!(failed.message.contains(why), "expected {why:?} in: {}", failed.message);
        assert!(found.cells.iter().any(|cell| cell.frame == 2), "{why}: the other is measured");
    }
    let home = folder();
    std::fs::write(home.path().join("other_segm.tif"), one_bit_tiff(&[good])).expect("written");
    let error = Archive::open(home.path(), &ArchiveOptions::default()).expect_err("no thumbnail");
    assert!(error.to_string().contains("other_segm.tif"), "{error}");
}

#[test]
fn events_are_classed_by_gates_unless_they_were_called_tumour_cells() {
    let home = folder();
    let archive = open(home.path());
    let classes = |settings: SegmentSettings| -> Vec<EventClass> {
        let found = segment(&archive, &settings);
        let events = found.cells.iter().filter(|cell| cell.excluded_because.is_none());
        events.map(|cell| cell.event_class).collect()
    };
    let marker = SegmentSettings { mode: SegmentMode::Marker, ..SegmentSettings::default() };
    assert_eq!(classes(marker), [EventClass::Ctc; 2], "called so");
    let (none, warnings) = GateSet::parse("ck_mean, lower, 1e9", &archive.channels).expect("gates");
    assert_eq!(warnings, [], "a gate nothing passes");
    let gated = SegmentSettings { gates: Some(none), ..SegmentSettings::default() };
    assert_eq!(classes(gated), [EventClass::Other; 2], "by the gates");
}

#[test]
fn what_needs_a_cartridge_is_a_usage_error() {
    let home = folder();
    let archive = open(home.path());
    for settings in [
        SegmentSettings { split_touching: true, ..SegmentSettings::default() },
        SegmentSettings { threshold: ThresholdRule::Otsu, ..SegmentSettings::default() },
    ] {
        let done = run_segment(&archive, &settings, &CpuEngine::new(), &|_, _| Ok(()), &NoPictures);
        assert!(done.expect_err("no cartridge").is_usage(), "{settings:?}");
    }
    let grid = Some(herscope::imaging::FrameGrid::serpentine(1, 2));
    let options = ArchiveOptions { grid, ..ArchiveOptions::default() };
    assert!(Archive::open(home.path(), &options).expect_err("no places").is_usage());
}
