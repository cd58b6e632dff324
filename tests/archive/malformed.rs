//! Every file of `malformed/` does what `EXPECT.json` says: no panic, no large allocation, and a
//! message that names the file.

use std::collections::BTreeSet;
use std::path::Path;

use herscope::imaging::{FrameGrid, IntensityScale};
use herscope::io::archive::{Archive, ArchiveOptions};
use herscope::{Error, io::archive::ArchiveFrame};

use crate::data;
use crate::memory::peak_of;

/// Twice what the largest good frame here takes to read: 80 x 56 pixels in four pages of `u16` and
/// `f32`, and the fixed tables of the decoders.
const MEMORY_BOUND: usize = 1 << 20;

fn open_frame(name: &str, scale: IntensityScale) -> Result<ArchiveFrame, Error> {
    let options = ArchiveOptions { scale, ..ArchiveOptions::default() };
    Archive::open(&data("malformed").join(name), &options)?.read_frame(1)
}

fn read(name: &str) -> Result<ArchiveFrame, Error> {
    open_frame(name, IntensityScale::PageMaximum)
}

/// An archive of two good frames with one of the XMLs.
fn archive_with(xml: &str) -> (tempfile::TempDir, Result<Archive, Error>) {
    let root = tempfile::tempdir().expect("a temporary folder");
    let folder = root.path().join("700001.1");
    std::fs::create_dir(&folder).expect("a new folder");
    let copy = |from: &str, to: &str| {
        std::fs::copy(data("malformed").join(from), folder.join(to)).expect("copied");
    };
    copy("good.tif", "700001_001.tif");
    copy("good.tif", "700001_002.tif");
    copy("good.tif", "._700001_001.tif");
    copy(xml, "700001.xml");
    let opened = Archive::open(&folder, &ArchiveOptions::default());
    (root, opened)
}

fn codes(archive: &Archive) -> Vec<&str> {
    archive.warnings.iter().map(|warning| warning.code.as_str()).collect()
}

#[test]
fn every_file_of_the_folder_has_an_expectation_and_a_test_here() {
    let text = std::fs::read_to_string(data("malformed/EXPECT.json")).expect("readable");
    let expect: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let named: BTreeSet<&str> =
        expect["files"].as_object().expect("files").keys().map(String::as_str).collect();
    let here: BTreeSet<&str> =
        ACCEPTED.iter().chain(REFUSED.iter().map(|(name, _)| name)).chain(XMLS).copied().collect();
    assert_eq!(here, named, "tests and EXPECT.json speak of the same files");
}

const ACCEPTED: &[&str] = &["good.tif", "bits16.tif", "flat_page.tif", "deflate_bomb.tif"];

/// Files to refuse, with words of the message that tells why.
const REFUSED: &[(&str, &str)] = &[
    ("truncated_data.tif", "page 2: found a directory"),
    ("truncated_header.tif", "too few for a TIFF header"),
    ("empty.tif", "0 bytes"),
    ("not_a_tiff.tif", "no TIFF signature"),
    ("missing_page.tif", "3 pages"),
    ("extra_page.tif", "a page 7 or more"),
    ("bits4.tif", "4 bits a sample"),
    ("bits32.tif", "32 bits a sample"),
    ("float_nan.tif", "floating-point"),
    ("no_tags.tif", "page 1: found no stretch limits"),
    ("one_page_no_tags.tif", "page 3: found no stretch limits"),
    ("low_above_high.tif", "stretch limits 900"),
    ("zero_size.tif", "0 x 0 pixels"),
    ("size_mismatch.tif", "page 2: found 53 x 80 pixels"),
    ("huge_declared.tif", "400000 x 400000 pixels"),
    ("ifd_loop.tif", "returns to offset"),
    ("strip_outside.tif", "page 2: found strip 1"),
    ("ifd_count_huge.tif", "65535 entries"),
    ("lzw_garbage.tif", "cannot be decoded"),
];

const XMLS: &[&str] = &[
    "good.xml",
    "entity_bomb.xml",
    "external_entity.xml",
    "outside_frame.xml",
    "frame_number_bad.xml",
    "location_garbage.xml",
    "grid_zero.xml",
    "grid_huge.xml",
    "not_closed.xml",
    "deep.xml",
    "no_events.xml",
    "latin1.xml",
];

#[test]
fn broken_frames_are_refused_by_name_within_little_memory() {
    for (name, why) in REFUSED {
        let (result, peak) = peak_of(|| read(name));
        let Err(error) = result else { panic!("{name} must be refused") };
        let message = error.to_string();
        assert!(error.is_input(), "{name}: {error:?}");
        assert!(message.contains(name), "{name}: the file is named in: {message}");
        assert!(message.contains(why), "{name}: expected {why:?} in: {message}");
        assert!(peak < MEMORY_BOUND, "{name}: {peak} bytes held");
    }
}

#[test]
fn good_frames_are_read_within_little_memory() {
    for name in ACCEPTED {
        let (result, peak) = peak_of(|| read(name));
        let frame = result.unwrap_or_else(|error| panic!("{name}: {error}")).frame;
        assert_eq!(frame.planes.len(), 4, "{name}: four channels");
        assert!(
            frame.planes.iter().flat_map(|plane| &plane.pixels).all(|value| value.is_finite()),
            "{name}: all values are finite"
        );
        assert!(peak < MEMORY_BOUND, "{name}: {peak} bytes held");
    }
}

#[test]
fn sixteen_bits_give_the_same_values_as_eight() {
    let eight = read("good.tif").expect("readable").frame;
    let sixteen = read("bits16.tif").expect("readable").frame;
    assert_eq!(eight, sixteen, "the same picture in two depths");
}

#[test]
fn a_flat_page_is_its_lower_limit() {
    let frame = read("flat_page.tif").expect("readable").frame;
    // page 1 is DAPI, the second channel in analysis order
    assert!(frame.planes[1].pixels.iter().all(|&value| value == 30.0), "constant 30");
}

#[test]
fn frames_without_stretch_limits_are_read_when_stored_values_are_asked_for() {
    let frame = open_frame("no_tags.tif", IntensityScale::Stored).expect("readable").frame;
    let brightest = frame.planes[0].pixels.iter().fold(0.0f32, |most, &value| most.max(value));
    assert!(brightest <= 255.0, "stored values, found {brightest}");
    assert_eq!(
        open_frame("good.tif", IntensityScale::Stored).expect("readable").saturation[0],
        Some(255.0),
        "8 bits"
    );
}

#[test]
fn a_cartridge_goes_on_without_the_frame_that_cannot_be_read() {
    let malformed = data("malformed");
    let files = ["truncated_data.tif", "good.tif", "size_mismatch.tif", "bits16.tif"];
    let options =
        ArchiveOptions { grid: Some(FrameGrid::serpentine(2, 2)), ..ArchiveOptions::default() };
    let archive = Archive::of_frames(files.map(|name| malformed.join(name)).to_vec(), &options)
        .expect("two frames are sound");
    let readable: Vec<bool> = (1..=4).map(|number| archive.read_frame(number).is_ok()).collect();
    assert_eq!(readable, [false, true, false, true], "the sound frames are read");
}

#[test]
fn several_files_without_a_grid_ask_for_one() {
    let good = data("malformed/good.tif");
    let error = Archive::of_frames(vec![good.clone(), good], &ArchiveOptions::default())
        .expect_err("two frames lie side by side or one above the other");
    assert!(error.to_string().contains("--grid ROWSxCOLS"), "{error}");
}

#[test]
fn a_good_xml_gives_grid_channels_and_events() {
    let (_root, archive) = archive_with("good.xml");
    let archive = archive.expect("a good archive");
    assert_eq!(archive.sample_id, "700001.1", "named after its folder");
    assert_eq!(archive.n_frames(), 2, "files with a leading dot are no frames");
    assert_eq!((archive.grid.rows, archive.grid.cols), (1, 2), "from the XML");
    let priors: Vec<(&str, u32)> =
        archive.priors.iter().map(|prior| (prior.rid.as_str(), prior.frame)).collect();
    assert_eq!(priors, [("1", 1), ("2", 2)], "two assigned events");
    assert_eq!(codes(&archive), [""; 0], "no warning");
}

#[test]
fn xmls_with_a_document_type_are_refused_without_expanding_or_reading_anything() {
    for name in ["entity_bomb.xml", "external_entity.xml"] {
        let (archive, peak) = peak_of(|| archive_with(name).1);
        let error = archive.expect_err(name);
        assert!(error.to_string().contains("700001.xml"), "{name}: {error}");
        assert!(peak < MEMORY_BOUND, "{name}: {peak} bytes held");
    }
}

#[test]
fn events_that_lie_nowhere_are_left_out_with_a_warning() {
    for name in ["outside_frame.xml", "frame_number_bad.xml", "location_garbage.xml"] {
        let (_root, archive) = archive_with(name);
        let archive = archive.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(archive.priors, [], "{name}: no event is on a frame");
        assert_eq!(codes(&archive), ["event_skipped"; 3], "{name}: three events are told of");
    }
}

#[test]
fn a_grid_of_no_frames_is_not_taken_and_a_huge_one_is_refused() {
    let (_root, archive) = archive_with("grid_zero.xml");
    let error = archive.expect_err("two frames tell no grid");
    assert!(error.to_string().contains("--grid"), "{error}");
    let (archive, peak) = peak_of(|| archive_with("grid_huge.xml").1);
    assert!(archive.is_err(), "4e18 frames");
    assert!(peak < MEMORY_BOUND, "{peak} bytes held");
}

#[test]
fn a_cut_xml_is_refused_and_one_without_events_is_not() {
    let (_root, archive) = archive_with("not_closed.xml");
    assert!(archive.is_err(), "cut off");
    let (_root, archive) = archive_with("no_events.xml");
    assert_eq!(archive.expect("well-formed").priors, [], "no events");
}

#[test]
fn a_deep_xml_does_not_overflow_the_stack() {
    let (_root, archive) = archive_with("deep.xml");
    let error = archive.expect_err("no grid can be read from it");
    assert!(error.is_input(), "{error:?}");
}

#[test]
fn a_latin1_xml_is_read_as_its_declaration_says() {
    let (_root, archive) = archive_with("latin1.xml");
    assert_eq!(archive.expect("Latin-1 is known").priors.len(), 1, "one assigned event");
}

#[test]
fn a_path_that_does_not_exist_is_named() {
    let error = Archive::open(Path::new("no/such/archive"), &ArchiveOptions::default())
        .expect_err("nothing there");
    assert!(error.to_string().contains("no/such/archive"), "{error}");
}

#[test]
fn no_changed_byte_of_header_or_directories_makes_the_reader_panic() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let path = home.path().join("changed.tif");
    for name in ["good.tif", "lzw_garbage.tif"] {
        let good = std::fs::read(data("malformed").join(name)).expect("readable");
        let first = u32::from_le_bytes([good[4], good[5], good[6], good[7]]) as usize;
        let directory = 2 + 12 * usize::from(good[first]) + 4;
        for at in (0..8).chain(first..first + directory) {
            for value in [0, 1, 8, 0x7f, 0xff] {
                let mut changed = good.clone();
                changed[at] = value;
                std::fs::write(&path, &changed).expect("written");
                // an error or not, but no panic and no large allocation
                let (_, peak) = peak_of(|| {
                    Archive::open(&path, &ArchiveOptions::default())
                        .and_then(|archive| archive.read_frame(1))
                });
                assert!(peak < MEMORY_BOUND, "{name}, byte {at} = {value}: {peak} bytes held");
            }
        }
    }
}
