//! One single-page file a frame and channel: patterns of the user, VyCAP, ACCEPT's default loader.

use std::path::{Path, PathBuf};

use herscope::Error;
use herscope::imaging::{Channel, FrameGrid, IntensityScale, RawPage, ScanOrder};
use herscope::io::archive::{Archive, ArchiveOptions, ChannelPattern, Compat, Layout};
use herscope::io::tiff_writer::{FrameCompression, encode_frame};

use crate::pages::{bare, cell_page};

fn write(path: &Path, page: RawPage) {
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    let bytes = encode_frame(&[page], FrameCompression::None).expect("encoded");
    std::fs::write(path, bytes).expect("written");
}

const PATTERNS: [(Channel, &str); 2] =
    [(Channel::Dapi, "*_DAPI.tif"), (Channel::Cytokeratin, "*_PE.tif")];

fn options(patterns: &[(Channel, &str)]) -> ArchiveOptions {
    let pattern = |(channel, text): &(Channel, &str)| {
        ChannelPattern::new(channel.clone(), text).expect("a pattern")
    };
    let channel_patterns = patterns.iter().map(pattern).collect();
    ArchiveOptions { channel_patterns, ..ArchiveOptions::default() }
}

fn brightest(archive: &Archive, number: u32, channel: usize) -> f32 {
    let frame = archive.read_frame(number).unwrap_or_else(|error| panic!("{number}: {error}"));
    frame.frame.planes[channel].pixels.iter().copied().fold(0.0, f32::max)
}

fn codes(archive: &Archive) -> Vec<&str> {
    archive.warnings.iter().map(|warning| warning.code.as_str()).collect()
}

/// Frames f1, f2, f10 with a DAPI and a PE file each, beside files that are none.
fn folder(page: impl Fn(u16) -> RawPage) -> tempfile::TempDir {
    let home = tempfile::tempdir().expect("a temporary folder");
    for (name, level) in [("f10", 530), ("f2", 520), ("f1", 510)] {
        write(&home.path().join(format!("{name}_DAPI.tif")), page(level));
        write(&home.path().join(format!("{name}_PE.tif")), page(2 * level));
    }
    write(&home.path().join("._f1_DAPI.tif"), page(9));
    std::fs::write(home.path().join("notes.txt"), "no frame").expect("written");
    home
}

#[test]
fn what_the_star_matched_is_the_frame_in_the_order_of_its_numbers() {
    let home = folder(|level| bare(cell_page(level)));
    let given = options(&PATTERNS);
    let error = Archive::open(home.path(), &given).expect_err("three frames lie in some way");
    assert!(error.to_string().contains("--grid"), "{error}");
    let given = ArchiveOptions { grid: Some(FrameGrid::serpentine(1, 3)), ..given };
    let archive = Archive::open(home.path(), &given).expect("three frames");
    assert_eq!((archive.layout, archive.n_frames()), (Layout::ChannelFiles, 3));
    assert_eq!(archive.channels, [Channel::Dapi, Channel::Cytokeratin], "analysis order");
    let found = [1, 2, 3].map(|number| brightest(&archive, number, 1));
    assert_eq!(found, [1_020.0, 1_040.0, 1_060.0], "f1, f2, f10");
    assert_eq!(archive.scale, IntensityScale::Stored, "no stretch limits");
    assert_eq!(codes(&archive), ["stored_intensities", "no_pixel_size"], "both are told");
}

#[test]
fn stretch_limits_are_used_where_the_files_have_them() {
    let stretched = |level: u16| {
        let mut page = cell_page(level);
        if let Some(limits) = &mut page.limits {
            limits.high = 2 * level;
        }
        page
    };
    let home = folder(stretched);
    let given = ArchiveOptions { grid: Some(FrameGrid::serpentine(3, 1)), ..options(&PATTERNS) };
    let archive = Archive::open(home.path(), &given).expect("three frames");
    assert_eq!(archive.scale, IntensityScale::PageMaximum, "as in CellTracks");
    let found = brightest(&archive, 1, 0);
    assert!((found - 1_020.0).abs() < 1e-2, "stretched to twice 510: {found}");
    // then a file without them is the odd one
    write(&home.path().join("f2_PE.tif"), bare(cell_page(1_040)));
    let archive = Archive::open(home.path(), &given).expect("f1 has them");
    let error = archive.read_frame(2).expect_err("not f2");
    assert!(error.to_string().contains("f2_PE.tif"), "{error}");
}

#[test]
fn a_frame_without_a_channel_is_refused_by_the_file_that_is_missing() {
    let home = folder(|level| bare(cell_page(level)));
    std::fs::remove_file(home.path().join("f2_PE.tif")).expect("removed");
    let given = ArchiveOptions { grid: Some(FrameGrid::serpentine(1, 3)), ..options(&PATTERNS) };
    let archive = Archive::open(home.path(), &given).expect("the frame keeps its place");
    let error = archive.read_frame(2).expect_err("no PE");
    assert!(error.is_input(), "{error:?}");
    assert!(error.to_string().contains("no file f2_PE.tif (CK)"), "{error}");
    assert_eq!(brightest(&archive, 3, 1), 1_060.0, "frame 3 is f10");
}

#[test]
fn patterns_that_do_not_fit_the_folder_are_refused() {
    let home = folder(|level| bare(cell_page(level)));
    let open = |patterns: &[(Channel, &str)]| {
        Archive::open(home.path(), &options(patterns)).expect_err("does not fit").to_string()
    };
    let none = open(&[(Channel::Dapi, "*_DAPI.tif"), (Channel::Cd45, "*_APC.tif")]);
    assert!(none.contains("no file *_APC.tif for CD45"), "{none}");
    let twice = open(&[(Channel::Dapi, "*.tif"), (Channel::Cytokeratin, "*_PE.tif")]);
    assert!(twice.contains("_PE.tif") && twice.contains("both DAPI and CK"), "{twice}");
    let stars = open(&[(Channel::Dapi, "*_DAPI.tif"), (Channel::Cytokeratin, "*_P*.tif")]);
    assert!(stars.contains("2 stars"), "{stars}");
    let same = open(&[(Channel::Dapi, "*_DAPI.tif"), (Channel::Dapi, "*_PE.tif")]);
    assert!(same.contains("two pages of channel dapi"), "{same}");
    let accept = ArchiveOptions { compat: Compat::Accept, ..options(&PATTERNS) };
    assert!(Archive::open(home.path(), &accept).expect_err("no such loader").is_usage());
    let file = home.path().join("f1_PE.tif");
    assert!(Archive::open(&file, &options(&PATTERNS)).expect_err("a file").is_usage());
}

#[test]
fn a_page_of_another_size_and_a_second_page_are_refused() {
    let home = folder(|level| bare(cell_page(level)));
    let pages = [bare(cell_page(5)), bare(cell_page(6))];
    let bytes = encode_frame(&pages, FrameCompression::None).expect("encoded");
    std::fs::write(home.path().join("f1_PE.tif"), bytes).expect("written");
    let mut cut = bare(cell_page(7));
    cut.rows = 59;
    cut.samples = match cut.samples {
        herscope::imaging::Samples::U16(values) => {
            herscope::imaging::Samples::U16(values[..59 * 80].to_vec())
        }
        other => other,
    };
    write(&home.path().join("f2_PE.tif"), cut);
    let given = ArchiveOptions { grid: Some(FrameGrid::serpentine(1, 3)), ..options(&PATTERNS) };
    let archive = Archive::open(home.path(), &given).expect("f10 is sound");
    let why = |number| archive.read_frame(number).expect_err("refused").to_string();
    assert!(why(1).contains("f1_PE.tif") && why(1).contains("a page 2 or more"), "{}", why(1));
    assert!(why(2).contains("f2_PE.tif") && why(2).contains("59 x 80"), "{}", why(2));
    assert!(archive.read_frame(3).is_ok(), "the rest goes on");
}

/// A VyCAP sample of 2 x 3 frames; settings lines 6, 7 and 19 as given.
fn vycap(cols: &str, rows: &str, pixel: &str) -> (tempfile::TempDir, PathBuf) {
    let home = tempfile::tempdir().expect("a temporary folder");
    let sample = home.path().join("chip 4");
    for number in 1..=6_u16 {
        for (channel, level) in [("APC", 100), ("DAPI", 900), ("PE", 1_200), ("Reflection", 60)] {
            let name = format!("{channel}1/frame{number}_{channel}.tif");
            write(&sample.join(name), bare(cell_page(level + number)));
        }
    }
    let lines: Vec<&str> = (1..=20)
        .map(|line| match line {
            6 => cols,
            7 => rows,
            19 => pixel,
            _ => "0",
        })
        .collect();
    // Latin-1: a lone micro sign is no UTF-8
    let text: Vec<u8> = lines.join("\r\n").chars().map(|c| c as u32 as u8).collect();
    std::fs::create_dir_all(sample.join("Scan")).expect("made");
    std::fs::write(sample.join("Scan/chip 4 Scan settings.txt"), text).expect("written");
    (home, sample)
}

#[test]
fn a_vycap_scan_has_its_settings_and_runs_row_by_row() {
    let (_home, sample) = vycap("Columns: 3", "Rows: 2", "Pixel size (0.1 \u{b5}m) 6,4");
    let archive = Archive::open(&sample, &ArchiveOptions::default()).expect("a VyCAP sample");
    assert_eq!((archive.layout, &*archive.sample_id), (Layout::Vycap, "chip 4"));
    let grid = archive.grid;
    assert_eq!((grid.rows, grid.cols, grid.order), (2, 3, ScanOrder::Raster), "lines 7 and 6");
    assert_eq!(grid.place(4), Some((1, 0)), "from the left again");
    let size = archive.pixel_size.expect("line 19").0;
    assert!((size - 0.64).abs() < 1e-12, "6.4 times 0.1: {size}");
    assert!(archive.is_cartridge && !archive.has_edge, "whole, without an edge");
    let channels: Vec<String> = archive.channels.iter().map(ToString::to_string).collect();
    assert_eq!(channels, ["CD45", "DAPI", "CK", "Reflection"], "those that are there");
    assert_eq!(brightest(&archive, 6, 2), 1_206.0, "frame 6 of PE");
}

#[test]
fn vycap_settings_that_make_no_sense_are_refused_by_line() {
    for (cols, rows, pixel, why) in [
        ("", "2", "6.4", "line 6"),
        ("3", "two", "6.4", "line 7"),
        ("3", "2,5", "6.4", "line 7: 2.5"),
        ("3", "2", "0", "line 19"),
        ("4", "2", "6.4", "6 frames for a grid of 2 x 4"),
    ] {
        let (_home, sample) = vycap(cols, rows, pixel);
        let error = Archive::open(&sample, &ArchiveOptions::default()).expect_err(why);
        assert!(error.is_input() && error.to_string().contains(why), "{why}: {error}");
    }
}

/// 51 frames of three channels with the channel inside the name.
fn default_loader() -> tempfile::TempDir {
    let home = tempfile::tempdir().expect("a temporary folder");
    for number in 1..=51_u16 {
        for (channel, level) in [("APC", 100), ("DAPI", 900), ("PE", 1_200)] {
            let name = format!("tile{number}_{channel}_x.tif");
            write(&home.path().join(name), bare(cell_page(level + number)));
        }
    }
    home
}

fn open_default(home: &Path, table: Option<&str>) -> Result<Archive, Error> {
    if let Some(table) = table {
        std::fs::write(home.join("customChannels.csv"), table).expect("written");
    }
    Archive::open(home, &ArchiveOptions { compat: Compat::Accept, ..ArchiveOptions::default() })
}

#[test]
fn many_files_with_apc_in_their_names_are_channels_by_name() {
    let home = default_loader();
    let archive = open_default(home.path(), None).expect("a guessed grid");
    assert_eq!((archive.layout, archive.n_frames()), (Layout::CustomChannels, 51));
    assert_eq!((archive.grid.rows, archive.grid.cols), (3, 17), "the factors of 51");
    assert!(codes(&archive).contains(&"grid_guessed"), "{:?}", codes(&archive));
    assert_eq!(archive.channels, [Channel::Cd45, Channel::Dapi, Channel::Cytokeratin]);
    let error = Archive::open(home.path(), &ArchiveOptions::default()).expect_err("no guess");
    assert!(error.to_string().contains("51 frames and nothing"), "{error}");
}

#[test]
fn a_table_of_channels_names_the_files_of_each() {
    let home = default_loader();
    let table = "\u{feff}Type;channelUsed\r\nCD45;APC\r\nDNA;DAPI\r\n\r\nVimentin;PE\r\n";
    let archive = open_default(home.path(), Some(table)).expect("three channels");
    let channels: Vec<String> = archive.channels.iter().map(ToString::to_string).collect();
    assert_eq!(channels, ["CD45", "DAPI", "Vimentin"], "by its first column");
    assert_eq!(archive.described_by.len(), 1, "the table is an input");
    for (table, why) in [
        ("", "Type;channelUsed"),
        ("Type,channelUsed\nCD45,APC", "line 1"),
        ("Type;channelUsed\nCD45", "line 2"),
        ("Type;channelUsed\nCD45;../APC", "line 2"),
        ("Type;channelUsed\n", "no channel"),
        ("Type;channelUsed\nCD45;Cy5", "no file *Cy5*.tif"),
        ("Type;channelUsed\nCD45;APC\nCK;_x", "both CD45 and CK"),
    ] {
        let error = open_default(home.path(), Some(table)).expect_err(why);
        assert!(error.is_input() && error.to_string().contains(why), "{why}: {error}");
    }
}
