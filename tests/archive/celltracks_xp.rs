//! CellTracksXp: tables with a separator that is no ASCII in place of the XML.

use std::path::{Path, PathBuf};

use herscope::Error;
use herscope::imaging::{PixelBox, ScanOrder};
use herscope::io::archive::{Archive, ArchiveOptions, Layout};

use crate::data;

fn table(path: &Path, separator: u8, rows: &[&[&str]]) {
    let line = |row: &&[&str]| {
        let fields: Vec<Vec<u8>> =
            row.iter().map(|field| field.chars().map(|c| c as u32 as u8).collect()).collect();
        fields.join(&separator)
    };
    let lines: Vec<Vec<u8>> = rows.iter().map(line).collect();
    std::fs::write(path, lines.join(&b"\r\n"[..])).expect("written");
}

const PICTURES: &[&[&str]] = &[
    &["\"10:00:01\"", "a", "b", "1"],
    &["\"10:00:02\"", "a", "b", "2"],
    &["\"10:00:03\"", "\u{b5}", "b", "140"],
];

fn cells(frame_2: &'static str) -> Vec<[&'static str; 11]> {
    vec![
        ["1", "\"10:00:02\"", frame_2, "30.0", "10", "8", "", "", "", "", "Y"],
        ["2", "\"10:00:02\"", "60", "30", "10", "8", "", "", "", "", "N"],
        ["3", "\"10:00:03\"", "2", "3", "6", "4", "", "", "", "", "Y"],
        ["4", "\"99:00:00\"", "60", "30", "10", "8", "", "", "", "", "Y"],
        ["5", "\"10:00:01\"", "900", "900", "10", "8", "", "", "", "", "Y"],
        ["6", "\"10:00:01\"", "60", "30", "0", "8", "", "", "", "", "Y"],
    ]
}

const NAMES: &[&[&str]] = &[
    &["1", "x", "0.5"],
    &["1", "x", "DAPI"],
    &["2", "x", "0.5"],
    &["2", "x", "FITC"],
    &["3", "x", "0.5"],
    &["3", "x", "PE"],
    &["4", "x", "0.5"],
    &["4", "x", "APC"],
];

/// A sample of `n_frames` frames of 56 x 80 pixels with tables in a sub-folder.
fn sample(n_frames: usize, separator: u8) -> (tempfile::TempDir, PathBuf) {
    let home = tempfile::tempdir().expect("a temporary folder");
    let folder = home.path().join("4711");
    let tables = folder.join("analysis");
    std::fs::create_dir_all(&tables).expect("made");
    for number in 1..=n_frames {
        let frame = folder.join(format!("f_{number:03}.tif"));
        std::fs::copy(data("malformed/good.tif"), frame).expect("copied");
    }
    table(&tables.join("pic.dlm"), separator, PICTURES);
    let cells = cells("50");
    let rows: Vec<&[&str]> = cells.iter().map(|row| &row[..]).collect();
    table(&tables.join("cells.dlm"), separator, &rows);
    table(&tables.join("frames.dlm"), separator, NAMES);
    (home, folder)
}

fn open(folder: &Path) -> Result<Archive, Error> {
    Archive::open(folder, &ArchiveOptions::default())
}

#[test]
fn selected_cells_are_the_events_whatever_byte_separates_the_fields() {
    for separator in [0xfe, 0xa7, 0xff, 0x80] {
        let (_home, folder) = sample(140, separator);
        let archive = open(&folder).unwrap_or_else(|error| panic!("{separator:#x}: {error}"));
        assert_eq!((archive.layout, archive.n_frames()), (Layout::CellTracksXp, 140));
        let found: Vec<(&str, u32, PixelBox)> =
            archive.priors.iter().map(|e| (e.rid.as_str(), e.frame, e.bbox)).collect();
        // centre (50, 30), 10 x 8: columns 45 to 55, rows 26 to 34, counted from 1, 10 more at each
        // side; the other is cut to the frame
        let expected = [
            ("1", 2, PixelBox { row0: 15, col0: 34, row1: 44, col1: 65 }),
            ("3", 140, PixelBox { row0: 0, col0: 0, row1: 15, col1: 15 }),
        ];
        assert_eq!(found, expected, "{separator:#x}");
        let codes: Vec<&str> = archive.warnings.iter().map(|w| w.code.as_str()).collect();
        assert_eq!(codes, ["event_skipped"; 3], "no picture, no size, outside: {separator:#x}");
        assert_eq!(archive.described_by.len(), 3, "the tables are inputs");
    }
}

#[test]
fn rows_of_140_frames_are_counted_from_the_bottom() {
    let (_home, folder) = sample(140, 0xfe);
    let grid = open(&folder).expect("140 frames").grid;
    assert_eq!((grid.rows, grid.cols, grid.order), (4, 35, ScanOrder::SerpentineFromBelow));
    assert_eq!(grid.place(1), Some((3, 0)), "the first frame is at the bottom");
    let (_home, folder) = sample(144, 0xfe);
    let grid = open(&folder).expect("144 frames").grid;
    assert_eq!((grid.rows, grid.order), (4, ScanOrder::Serpentine), "others from the top");
}

#[test]
fn tables_that_tell_nothing_are_refused_by_name() {
    let refuse = |name: &str, bytes: &[u8], why: &str| {
        let (_home, folder) = sample(140, 0xfe);
        std::fs::write(folder.join("analysis").join(name), bytes).expect("written");
        let error = open(&folder).expect_err(why);
        assert!(error.is_input(), "{error:?}");
        for part in [name, why] {
            assert!(error.to_string().contains(part), "{part:?} in: {error}");
        }
    };
    refuse("pic.dlm", b"\"10:00:01\",a,b,1\n", "no byte above 127");
    refuse("pic.dlm", b"", "no byte above 127");
    refuse("pic.dlm", b"a\xfeb\xfec\xfeframe\n", "no row with a frame number");
    refuse("pic.dlm", b"s\xfea\xfeb\xfe1\ns\xfea\xfeb\xfe2\n", "time stamp s for frames 1 and 2");
    refuse("cells.dlm", b"a;b\nc;d\n", "no byte above 127");
    let (_home, folder) = sample(140, 0xfe);
    std::fs::remove_file(folder.join("analysis/cells.dlm")).expect("removed");
    let error = open(&folder).expect_err("no cells");
    assert!(error.to_string().contains("cells.dlm"), "{error}");
}
