//! `segment` on layouts other than a whole CellTracks folder, and `--compat accept`.

use crate::{herscope, run};
use ::herscope::imaging::{RawPage, Samples};
use ::herscope::io::tiff_writer::{FrameCompression, encode_frame};
use serde_json::Value;
use std::path::{Path, PathBuf};

fn data(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/imaging").join(path)
}

#[test]
fn accept_is_written_into_the_manifest_and_its_zeros_into_the_frames_table() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("out");
    let frames = ["good.tif", "truncated_data.tif"].map(|name| data("malformed").join(name));
    let segment = |flags: &[&str]| {
        run(herscope()
            .arg("segment")
            .args(&frames)
            .args(flags)
            .arg("--json")
            .arg("--out")
            .arg(&out))
    };
    let (code, stdout, err) = segment(&["--compat", "accept"]);
    assert_eq!(code, 0, "two frames, one of them in part: {err}");
    let document: Value = serde_json::from_str(&stdout).expect("one JSON document");
    assert_eq!(document["settings"]["compat"], "accept");
    let codes: Vec<&str> = document["warnings"]
        .as_array()
        .expect("warnings")
        .iter()
        .filter_map(|warning| warning["code"].as_str())
        .collect();
    for code in ["compat_accept", "grid_guessed", "pages_made_up"] {
        assert!(codes.contains(&code), "{code} in {codes:?}");
    }
    let manifest = std::fs::read_to_string(out.join("manifest.json")).expect("a manifest");
    let manifest: Value = serde_json::from_str(&manifest).expect("JSON");
    assert_eq!(manifest["settings"]["compat"], "accept");
    let table = std::fs::read_to_string(out.join("frames.csv")).expect("frames.csv");
    let n_told = table.lines().filter(|line| line.contains("channels are zeros")).count();
    assert_eq!(n_told, 4, "every channel of the frame: {table}");

    let (code, _, err) = segment(&["--force"]);
    assert_eq!(code, 3, "two frames without a grid: {err}");
    let (code, stdout, err) = segment(&["--force", "--grid", "1x2"]);
    assert_eq!(code, 1, "the cut frame is refused: {err}");
    let document: Value = serde_json::from_str(&stdout).expect("one JSON document");
    assert_eq!(document["settings"]["compat"], Value::Null, "repaired");
}

#[test]
fn accept_knows_one_pixel_size_and_one_scale() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for flags in [["--pixel-size-um", "0.5"], ["--intensity-scale", "full"], ["--scan", "raster"]] {
        let (code, stdout, err) = run(herscope()
            .arg("segment")
            .arg(data("malformed/good.tif"))
            .args(["--compat", "accept"])
            .args(flags)
            .arg("--out")
            .arg(folder.path().join("out")));
        assert_eq!((code, stdout.as_str()), (2, ""), "{flags:?}: {err}");
        assert!(err.contains(flags[0]), "the flag is named: {err}");
    }
}

/// A folder of frames a, b, c with a DAPI and a PE file each.
fn channel_folder(home: &Path) -> PathBuf {
    let folder = home.join("slide");
    std::fs::create_dir(&folder).expect("made");
    let pixel = |bright: u16| {
        move |at: usize| {
            let inside = (20..40).contains(&(at / 80)) && (30..50).contains(&(at % 80));
            if inside { bright } else { 40 + (at * 7_919 % 11) as u16 }
        }
    };
    for frame in ["a", "b", "c"] {
        for (channel, bright) in [("DAPI", 900), ("PE", 1_200)] {
            let samples = Samples::U16((0..60 * 80).map(pixel(bright)).collect());
            let page = RawPage { rows: 60, cols: 80, samples, limits: None };
            let bytes = encode_frame(&[page], FrameCompression::Lzw).expect("encoded");
            std::fs::write(folder.join(format!("{frame}_{channel}.tif")), bytes).expect("written");
        }
    }
    folder
}

#[test]
fn a_group_without_a_channel_is_listed_and_the_rest_goes_on() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let folder = channel_folder(home.path());
    let out = home.path().join("out");
    let segment = |flags: &[&str]| {
        let pattern = "DAPI=*_DAPI.tif,CK=*_PE.tif";
        run(herscope()
            .arg("segment")
            .arg(&folder)
            .args(["--channel-pattern", pattern, "--json", "--force"])
            .args(flags)
            .arg("--out")
            .arg(&out))
    };
    let (code, stdout, err) = segment(&["--grid", "1x3", "--pixel-size-um", "0.5"]);
    assert_eq!(code, 0, "{err}");
    let document: Value = serde_json::from_str(&stdout).expect("one JSON document");
    let sample = &document["samples"][0];
    assert_eq!(sample["layout"], "channel_files");
    assert_eq!(sample["intensity_scale"], "stored");
    assert_eq!(sample["pixel_size_um"], 0.5);
    assert_eq!(sample["n_events"], 3, "one a frame: {stdout}");
    std::fs::remove_file(folder.join("b_PE.tif")).expect("removed");
    let (code, stdout, err) = segment(&["--grid", "1x3", "--scan", "raster"]);
    assert_eq!(code, 1, "some inputs failed: {err}");
    assert!(err.contains("no file b_PE.tif (CK)"), "the file is named: {err}");
    let document: Value = serde_json::from_str(&stdout).expect("one JSON document");
    assert_eq!(document["samples"][0]["n_frames_failed"], 1);
    assert_eq!(document["samples"][0]["pixel_size_um"], Value::Null, "not known");
    let cells = std::fs::read_to_string(out.join("cells.csv")).expect("cells.csv");
    assert_eq!(cells.lines().count(), 3, "a header and two events: {cells}");
    let (code, _, err) = segment(&["--grid", "1x3", "--compat", "accept"]);
    assert_eq!(code, 2, "ACCEPT has no patterns: {err}");
}

#[test]
fn a_pattern_without_a_star_or_a_channel_is_a_usage_error() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let folder = channel_folder(home.path());
    for pattern in ["DAPI", "=*_DAPI.tif", "DAPI=all.tif", "DAPI=../*.tif"] {
        let (code, stdout, err) = run(herscope()
            .arg("segment")
            .arg(&folder)
            .args(["--channel-pattern", pattern, "--out"])
            .arg(home.path().join("out")));
        assert_eq!((code, stdout.as_str()), (2, ""), "{pattern}: {err}");
    }
}
