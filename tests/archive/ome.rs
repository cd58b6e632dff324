//! OME-TIFF: what its XML says about frames, channels and pixels.

use std::path::PathBuf;

use herscope::Error;
use herscope::compute::CpuEngine;
use herscope::imaging::{Channel, FrameGrid, IntensityScale};
use herscope::io::archive::{Archive, ArchiveOptions, Compat, Layout};
use herscope::io::tiff_writer::{FrameCompression, encode_frame};
use herscope::pipeline::segment::{SegmentSettings, run_segment};
use herscope::pipeline::segment_output::NoPictures;

use crate::pages::{bare, cell_page, write_described};

const CHANNELS: &str = r#"<Channel ID="Channel:0" Name="DAPI"/>
    <Channel ID="Channel:1" Name="HER-2 (FITC)"/>
    <Channel ID="Channel:2" Fluor="PE"/>
    <Channel ID="Channel:3" Name="CD45"/>"#;

/// Levels of DAPI, HER2, CK and CD45.
const LEVELS: [u16; 4] = [900, 300, 1_200, 100];

fn pixels(more: &str) -> String {
    format!(
        r#"DimensionOrder="XYCZT" Type="uint16" SizeX="80" SizeY="60" SizeC="4" SizeZ="1" SizeT="1" {more}"#
    )
}

const SIZE_UM: &str = "PhysicalSizeX=\"0.5\" PhysicalSizeY=\"0.5\" PhysicalSizeXUnit=\"\u{b5}m\"";

fn ome(images: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><!-- edited by hand -->\
         <OME xmlns=\"http://www.openmicroscopy.org/Schemas/OME/2016-06\">{images}</OME>"
    )
}

fn image(attributes: &str, inside: &str) -> String {
    format!("<Image ID=\"Image:0\"><Pixels {attributes}>{inside}</Pixels></Image>")
}

/// One image of four channels.
fn usual() -> String {
    ome(&image(&pixels(SIZE_UM), &format!("{CHANNELS}<TiffData/>")))
}

struct Written {
    _home: tempfile::TempDir,
    path: PathBuf,
}

/// A file of `n_frames` times four pages; frame k is 10 k brighter than the first.
fn write(name: &str, description: &str, n_frames: u16) -> Written {
    let home = tempfile::tempdir().expect("a temporary folder");
    let path = home.path().join(name);
    let pages: Vec<_> = (0..n_frames)
        .flat_map(|frame| LEVELS.map(|level| bare(cell_page(level + 10 * frame))))
        .collect();
    write_described(&path, &pages, description);
    Written { _home: home, path }
}

fn open(written: &Written) -> Result<Archive, Error> {
    Archive::open(&written.path, &ArchiveOptions::default())
}

fn codes(archive: &Archive) -> Vec<&str> {
    archive.warnings.iter().map(|warning| warning.code.as_str()).collect()
}

#[test]
fn one_image_is_one_frame_with_its_names_and_pixel_size() {
    let written = write("patient 7.ome.tif", &usual(), 1);
    let archive = open(&written).expect("a good file");
    assert_eq!((archive.layout, &*archive.sample_id), (Layout::OmeTiff, "patient 7"));
    let expected = [Channel::Cd45, Channel::Dapi, Channel::Cytokeratin, Channel::Her2];
    assert_eq!(archive.channels, expected, "by Name, else by Fluor, in analysis order");
    assert_eq!(archive.pixel_size.map(|size| size.0), Some(0.5), "PhysicalSizeX");
    assert_eq!(archive.scale, IntensityScale::Stored, "no stretch limits");
    assert_eq!(codes(&archive), ["stored_intensities"], "and it says so");
    assert!(!archive.is_cartridge, "one frame");
}

#[test]
fn a_frame_is_that_of_the_same_pages_in_a_celltracks_file() {
    let written = write("a.tif", &usual(), 1);
    let frame = open(&written).and_then(|archive| archive.read_frame(1)).expect("readable");
    let bytes = encode_frame(&LEVELS.map(cell_page), FrameCompression::Lzw).expect("encoded");
    let celltracks = written.path.with_file_name("b.tif");
    std::fs::write(&celltracks, bytes).expect("written");
    let archive = Archive::open(&celltracks, &ArchiveOptions::default()).expect("a good frame");
    assert_eq!(archive.layout, Layout::FrameFiles, "no OME-XML in it");
    let expected = archive.read_frame(1).expect("readable").frame;
    for (found, expected) in frame.frame.planes.iter().zip(&expected.planes) {
        let most = found.pixels.iter().zip(&expected.pixels).map(|(a, b)| (a - b).abs());
        assert!(most.fold(0.0, f32::max) < 1e-3, "limits 0 and the largest value: no stretch");
    }
    assert_eq!(frame.frame.channels, expected.channels, "the same order");
    assert_eq!(frame.saturation, [Some(65_535.0); 4], "of the stored depth");
}

#[test]
fn objects_are_measured_in_the_files_own_micrometres() {
    let written = write("a.ome.tiff", &usual(), 1);
    let archive = open(&written).expect("a good file");
    let settings = SegmentSettings::default();
    let found = run_segment(&archive, &settings, &CpuEngine::new(), &|_, _| Ok(()), &NoPictures)
        .expect("segmented");
    let [cell] = &found.cells[..] else { panic!("{} cells", found.cells.len()) };
    for channel in &cell.object.channels {
        // an ellipse of half-axes 9 and 7: 198 pixels
        assert!(channel.area_px.abs_diff(198) < 25, "{} pixels", channel.area_px);
        assert_eq!(channel.size_um2, Some(channel.area_px as f64 * 0.25), "0.5 um squared");
    }
}

#[test]
fn pages_are_mapped_by_tiff_data() {
    // pages of the file: DAPI, HER2, CK, CD45; the XML has CK first and DAPI last
    let inside = r#"<Channel Name="CK"/><Channel Name="CD45"/><Channel Name="HER2"/>
        <Channel Name="DAPI"/><TiffData IFD="2" FirstC="0" PlaneCount="2"/>
        <TiffData IFD="1" FirstC="2"/><TiffData IFD="0" FirstC="3"/>"#;
    let written = write("a.ome.tif", &ome(&image(&pixels(SIZE_UM), inside)), 1);
    let archive = open(&written).expect("a good file");
    let pages: Vec<usize> = archive.frames[0].pages.iter().map(|place| place.page).collect();
    assert_eq!(pages, [3, 0, 2, 1], "CD45, DAPI, CK, HER2");
    let plane = &archive.read_frame(1).expect("readable").frame.planes[2];
    let brightest = plane.pixels.iter().copied().fold(0.0, f32::max);
    assert_eq!(brightest, 1_200.0, "CK is the third page");
}

#[test]
fn several_images_are_the_frames_of_a_grid() {
    let of_frame = |index: u64| {
        let data = format!("{CHANNELS}<TiffData IFD=\"{}\" PlaneCount=\"4\"/>", 4 * index);
        image(&pixels(SIZE_UM), &data)
    };
    // the second Image lies before the first in the file
    let description = ome(&[1, 0, 2, 3].map(of_frame).concat());
    let written = write("slide.ome.tif", &description, 4);
    let error = open(&written).expect_err("four frames lie in some way");
    assert!(error.to_string().contains("--grid ROWSxCOLS"), "{error}");
    let grid = Some(FrameGrid::serpentine(2, 2));
    let options = ArchiveOptions { grid, ..ArchiveOptions::default() };
    let archive = Archive::open(&written.path, &options).expect("a grid of four");
    assert!(archive.is_cartridge, "a cartridge with an edge");
    let brightest = |number: u32| {
        let frame = archive.read_frame(number).expect("readable").frame;
        frame.planes[2].pixels.iter().copied().fold(0.0, f32::max)
    };
    assert_eq!([1, 2, 3, 4].map(brightest), [1_210.0, 1_200.0, 1_220.0, 1_230.0], "XML order");
    // the same in files of one image each, in a folder
    let folder = tempfile::tempdir().expect("a temporary folder");
    for name in ["a.ome.tif", "b.ome.tif", "c.ome.tif", "d.ome.tif"] {
        std::fs::copy(write(name, &usual(), 1).path, folder.path().join(name)).expect("copied");
    }
    let archive = Archive::open(folder.path(), &options).expect("four files");
    assert_eq!((archive.layout, archive.n_frames()), (Layout::OmeTiff, 4));
}

#[test]
fn names_on_the_command_line_win_and_unknown_ones_stay() {
    let inside = r#"<Channel Name="405"/><Channel/><Channel Name="PE-Cy7"/><TiffData/>"#;
    let written = write("a.ome.tif", &ome(&image(&pixels(""), inside)), 1);
    let archive = open(&written).expect("names are free");
    let names: Vec<String> = archive.channels.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["405", "channel2", "PE-Cy7", "channel4"], "no role is invented");
    assert_eq!(archive.pixel_size, None, "nor a size");
    let expected = ["stored_intensities", "channels_not_found", "no_pixel_size"];
    assert_eq!(codes(&archive), expected, "all of it is told");
    let channels = [Channel::Dapi, Channel::Her2, Channel::Cytokeratin, Channel::Cd45].to_vec();
    let options = ArchiveOptions { channels: Some(channels), ..ArchiveOptions::default() };
    let archive = Archive::open(&written.path, &options).expect("four names for four channels");
    assert_eq!(archive.channels[0], Channel::Cd45, "as said");
    let options = ArchiveOptions { channels: Some(vec![Channel::Dapi]), ..Default::default() };
    let error = Archive::open(&written.path, &options).expect_err("one name");
    assert!(error.to_string().contains("--channels"), "{error}");
}

#[test]
fn what_is_no_frame_is_refused_by_name() {
    let one =
        |attributes: String, inside: &str| ome(&image(&attributes, &format!("{CHANNELS}{inside}")));
    let changed = |from: &str, to: &str| one(pixels(SIZE_UM).replace(from, to), "<TiffData/>");
    let data = |inside: &str| one(pixels(SIZE_UM), inside);
    let other_file = "<TiffData IFD=\"0\" PlaneCount=\"4\">\
                      <UUID FileName=\"b.ome.tif\">urn:uuid:0</UUID></TiffData>";
    let cases = [
        (changed("SizeZ=\"1\"", "SizeZ=\"12\""), "SizeZ=\"12\""),
        (changed("SizeT=\"1\"", "SizeT=\"3\""), "SizeT=\"3\""),
        (changed("uint16", "float"), "Type=\"float\""),
        (changed("uint16", "int16"), "Type=\"int16\""),
        (changed("SizeC=\"4\"", "SizeC=\"5\""), "SizeC=\"5\""),
        (changed("SizeC=\"4\"", "SizeC=\"0\""), "SizeC=\"0\""),
        (changed("SizeC=\"4\"", "SizeC=\"x\""), "SizeC=\"x\""),
        (changed("SizeC=\"4\"", ""), "without SizeC"),
        (changed("SizeX=\"80\"", "SizeX=\"81\""), "60 x 80 pixels"),
        (changed("SizeY=\"0.5\"", "SizeY=\"0.6\""), "0.5 x 0.6 um"),
        (changed("PhysicalSizeY=\"0.5\"", ""), "PhysicalSizeX without PhysicalSizeY"),
        (changed("PhysicalSizeX=\"0.5\"", "PhysicalSizeX=\"0\""), "PhysicalSizeX=\"0\""),
        (data("<TiffData IFD=\"4\"/>"), "IFD 4"),
        (data("<TiffData IFD=\"1\" PlaneCount=\"4\"/>"), "IFD 4"),
        (data("<TiffData PlaneCount=\"5\"/>"), "channel 4 (0-based)"),
        (data("<TiffData PlaneCount=\"18446744073709551615\"/>"), "channel 4 (0-based)"),
        (data("<TiffData IFD=\"0\"/>"), "no plane of channel 1"),
        (data("<TiffData/><TiffData IFD=\"0\"/>"), "two planes of channel 0"),
        (data("<TiffData FirstZ=\"1\"/>"), "FirstZ=\"1\""),
        (data("<TiffData IFD=\"-1\"/>"), "IFD=\"-1\""),
        (data(other_file), "another file, b.ome.tif"),
        (
            data("<TiffData IFD=\"0\" PlaneCount=\"3\"/><TiffData IFD=\"0\" FirstC=\"3\"/>"),
            "IFD 0 in two planes",
        ),
        (ome(""), "no Image"),
        (ome("<Image ID=\"Image:7\"/>"), "Image Image:7 without Pixels"),
        (usual().replace("</OME>", ""), "expected well-formed"),
        (usual().replace("<!--", "<!DOCTYPE OME [<!ENTITY a \"b\">]><!--"), "document type"),
    ];
    for (description, why) in cases {
        let written = write("a.ome.tif", &description, 1);
        let error = open(&written).expect_err(why);
        let message = error.to_string();
        assert!(error.is_input(), "{why}: {error:?}");
        assert!(message.contains(why), "expected {why:?} in: {message}");
        assert!(message.contains("a.ome.tif"), "the file is named in: {message}");
    }
    let written = write("a.ome.tif", "ImageJ=1.53", 1);
    let error = open(&written).expect_err("a name and no XML");
    assert!(error.to_string().contains("not described by OME-XML"), "{error}");
}

#[test]
fn images_of_different_kinds_are_no_frames_of_one_cartridge() {
    let first =
        image(&pixels(SIZE_UM), &format!("{CHANNELS}<TiffData IFD=\"0\" PlaneCount=\"4\"/>"));
    let second = first.replace("IFD=\"0\"", "IFD=\"4\"").replace("Image:0", "Image:1");
    for (from, to) in [("CD45", "CD44"), ("SizeX=\"80\"", "SizeX=\"40\""), ("=\"0.5\"", "=\"1\"")] {
        let written = write("a.ome.tif", &ome(&format!("{first}{}", second.replace(from, to))), 2);
        let error = open(&written).expect_err(to);
        assert!(error.to_string().contains("Image Image:1"), "{from}: {error}");
    }
}

#[test]
fn what_accept_does_not_read_has_no_compat_mode() {
    let written = write("a.ome.tif", &usual(), 1);
    for options in [
        ArchiveOptions { compat: Compat::Accept, ..ArchiveOptions::default() },
        ArchiveOptions { scale: IntensityScale::FullScale, ..ArchiveOptions::default() },
    ] {
        let error = Archive::open(&written.path, &options).expect_err("no such thing");
        assert!(error.is_usage(), "{error:?}");
    }
}

#[test]
fn no_changed_byte_of_the_xml_makes_the_reader_panic() {
    let written = write("a.ome.tif", &usual(), 1);
    let good = std::fs::read(&written.path).expect("readable");
    let text = usual();
    let at = good.windows(5).position(|part| part == b"<?xml").expect("the description");
    for index in 0..text.len() {
        let mut changed = good.clone();
        changed[at + index] = [0xff, b'<', b'"', b'9', 0][index % 5];
        std::fs::write(&written.path, &changed).expect("written");
        // an error or not, but no panic
        let _ = open(&written).and_then(|archive| archive.read_frame(1));
    }
}
