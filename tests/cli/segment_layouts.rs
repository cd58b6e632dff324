//! `segment` on layouts other than a whole CellTracks folder, and `--compat accept`.

use crate::{herscope, run};
use serde_json::Value;
use std::path::PathBuf;

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
