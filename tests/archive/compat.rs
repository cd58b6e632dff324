//! What ACCEPT does with archives that herscope refuses by default, asked for by name.

use std::path::PathBuf;

use herscope::compute::CpuEngine;
use herscope::imaging::{RawPage, Samples, ScanOrder, StretchLimits};
use herscope::io::archive::{Archive, ArchiveOptions, Compat};
use herscope::io::tiff_writer::{FrameCompression, encode_frame};
use herscope::pipeline::segment::{SegmentSettings, run_segment};
use herscope::pipeline::segment_output::NoPictures;

use crate::data;

fn accept() -> ArchiveOptions {
    ArchiveOptions { compat: Compat::Accept, ..ArchiveOptions::default() }
}

fn malformed(name: &str) -> PathBuf {
    data("malformed").join(name)
}

/// Frames in a 2 x 2 grid.
fn four(files: [&str; 4], options: ArchiveOptions) -> Archive {
    Archive::of_frames(files.map(malformed).to_vec(), &options).expect("sound frames among them")
}

#[test]
fn an_unreadable_page_and_those_after_it_are_zeros_with_a_warning() {
    // the file is cut inside page 2: of DAPI, HER2, CK and CD45 only DAPI is left
    let archive = four(["good.tif", "truncated_data.tif", "bits16.tif", "good.tif"], accept());
    let cut = archive.read_frame(2).expect("zeros instead of an error");
    let sound = archive.read_frame(1).expect("a good frame").frame;
    let is_zero = |channel: usize| cut.frame.planes[channel].pixels.iter().all(|&v| v == 0.0);
    assert_eq!([0, 1, 2, 3].map(is_zero), [true, false, true, true], "CD45, DAPI, CK, HER2");
    assert_eq!(cut.frame.planes[1].rows, sound.planes[1].rows, "of the frames' size");
    assert_eq!(cut.saturation[0], None, "nothing is known of a page of zeros");
    assert_eq!(cut.warnings.len(), 1, "{:?}", cut.warnings);
    for word in ["truncated_data.tif, page 2", "3 channels are zeros"] {
        assert!(cut.warnings[0].contains(word), "{word} in {}", cut.warnings[0]);
    }

    let settings = SegmentSettings::default();
    let sample = run_segment(&archive, &settings, &CpuEngine::new(), &|_, _| Ok(()), &NoPictures)
        .expect("no frame fails");
    assert_eq!(sample.failed_frames, [], "as ACCEPT, which goes on");
    let told = sample.frames.iter().filter(|row| !row.warnings.is_empty());
    assert!(told.clone().all(|row| row.frame == 2), "only that frame");
    assert_eq!(told.count(), 4, "in each row of the frame");
    let codes: Vec<&str> = sample.warnings.iter().map(|warning| warning.code.as_str()).collect();
    assert!(codes.contains(&"pages_made_up"), "{codes:?}");
}

#[test]
fn garbled_data_missing_pages_and_pages_of_another_size_are_zeros_too() {
    for (name, n_zeros) in [("lzw_garbage.tif", 4), ("size_mismatch.tif", 3)] {
        let archive = four(["good.tif", name, "good.tif", "good.tif"], accept());
        let frame = archive.read_frame(2).unwrap_or_else(|error| panic!("{name}: {error}"));
        let is_zero = |plane: &&herscope::imaging::Plane| plane.pixels.iter().all(|&v| v == 0.0);
        assert_eq!(frame.frame.planes.iter().filter(is_zero).count(), n_zeros, "{name}");
        let size = frame.frame.planes.iter().map(|plane| (plane.rows, plane.cols));
        assert!(size.clone().all(|size| Some(size) == archive.frame_size), "{name}: one size");
    }
    let archive = four(["good.tif", "missing_page.tif", "extra_page.tif", "good.tif"], accept());
    let missing = archive.read_frame(2).expect("a page of zeros");
    assert!(missing.warnings[0].contains("3 pages"), "{:?}", missing.warnings);
    let extra = archive.read_frame(3).expect("the first four pages");
    assert!(extra.warnings[0].contains("a page 5 or more"), "{:?}", extra.warnings);
    assert!(extra.warnings[0].contains("0 channels are zeros"), "{:?}", extra.warnings);
    let not_a_tiff = four(["good.tif", "not_a_tiff.tif", "good.tif", "good.tif"], accept());
    assert!(not_a_tiff.read_frame(2).is_err(), "what is no TIFF has no pages to leave out");
}

#[test]
fn missing_stretch_limits_are_zero_and_one() {
    let archive = Archive::open(&malformed("no_tags.tif"), &accept()).expect("read as ACCEPT does");
    let frame = archive.read_frame(1).expect("read").frame;
    for plane in &frame.planes {
        let brightest = plane.pixels.iter().copied().fold(0.0, f32::max);
        let error = (brightest - 1.0).abs();
        assert!(error <= f32::EPSILON, "the largest stored value is 1, found {brightest}");
    }
    let error = Archive::open(&malformed("low_above_high.tif"), &accept()).expect_err("crossed");
    assert!(error.to_string().contains("stretch limits 900"), "{error}");
}

#[test]
fn a_grid_that_nothing_tells_is_guessed_with_a_warning() {
    let good = malformed("good.tif");
    let archive = Archive::of_frames(vec![good.clone(); 6], &accept()).expect("a guess");
    assert_eq!((archive.grid.rows, archive.grid.cols), (2, 3), "as square as 6 allows");
    let codes: Vec<&str> = archive.warnings.iter().map(|warning| warning.code.as_str()).collect();
    assert_eq!(codes, ["grid_guessed"], "and it says so");
    let by_default = Archive::of_frames(vec![good; 6], &ArchiveOptions::default());
    assert!(by_default.is_err(), "refused otherwise");
}

#[test]
fn row_eight_of_a_scan_does_not_run_from_right_to_left() {
    let frames = vec![malformed("good.tif"); 16];
    let grid = Some(herscope::imaging::FrameGrid::serpentine(8, 2));
    let accept = Archive::of_frames(frames.clone(), &ArchiveOptions { grid, ..accept() });
    let accept = accept.expect("16 frames").grid;
    let repaired = Archive::of_frames(frames, &ArchiveOptions { grid, ..Default::default() });
    let repaired = repaired.expect("16 frames").grid;
    assert_eq!(accept.order, ScanOrder::AcceptSerpentine, "named");
    assert_eq!((accept.place(15), repaired.place(15)), (Some((7, 0)), Some((7, 1))), "row 8");
    assert_eq!(accept.place(11), repaired.place(11), "row 6 is the same");
}

#[test]
fn one_missing_limit_is_made_up_and_the_other_kept() {
    let page =
        |limits| RawPage { rows: 2, cols: 2, samples: Samples::U8(vec![0, 1, 2, 4]), limits };
    let stretched = page(Some(StretchLimits { low: 0, high: 8 }));
    let mut bytes = encode_frame(&vec![stretched; 4], FrameCompression::None).expect("encoded");
    // tag 755 (0x02f3) of every page becomes 757, which nobody knows
    let mut n_changed = 0;
    for at in 0..bytes.len() - 4 {
        if bytes[at..at + 4] == [0xf3, 0x02, 3, 0] {
            bytes[at] = 0xf5;
            n_changed += 1;
        }
    }
    assert_eq!(n_changed, 4, "one a page");
    let home = tempfile::tempdir().expect("a temporary folder");
    let path = home.path().join("a.tif");
    std::fs::write(&path, bytes).expect("written");
    assert!(Archive::open(&path, &ArchiveOptions::default()).is_err(), "refused by default");
    let frame = Archive::open(&path, &accept()).and_then(|archive| archive.read_frame(1));
    let frame = frame.expect("lower limit 0, upper 8").frame;
    assert_eq!(frame.planes[0].pixels, [0.0, 2.0, 4.0, 8.0], "p * 8 / 4");
}
