use crate::{herscope, run};
use serde_json::Value;
use std::path::{Path, PathBuf};

fn grid() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/imaging/grid/900011.1.1")
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("the folder is made");
    for entry in std::fs::read_dir(from).expect("readable") {
        let entry = entry.expect("readable");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("copied");
        }
    }
}

fn segment(archive: &Path, out: &Path) -> (i32, String, String) {
    run(herscope()
        .arg("segment")
        .arg(archive)
        .args(["--her2-med", "30", "--her2-high", "200", "--json", "--out"])
        .arg(out))
}

#[test]
fn an_archive_becomes_tables_labels_and_a_manifest() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("out");
    let (code, stdout, err) = segment(&grid(), &out);
    assert_eq!(code, 0, "{err}");
    let document: Value = serde_json::from_str(&stdout).expect("one JSON document");
    assert_eq!(document["samples"][0]["n_frames"], 20, "all frames");
    let cells = std::fs::read_to_string(out.join("cells.csv")).expect("cells.csv");
    let header = cells.lines().next().expect("a header");
    for column in ["sample_id", "frame", "label", "her2_union_mean", "event_class", "her2_class"] {
        assert!(header.split(',').any(|name| name == column), "{column} in {header}");
    }
    let n_events = document["samples"][0]["n_events"].as_u64().expect("a count");
    assert_eq!(cells.lines().count() as u64, n_events + 1, "one row an object");
    for name in ["frames.csv", "samples.csv", "manifest.json", "labels/900011.1.1/008.png"] {
        assert!(out.join(name).is_file(), "{name} is written");
    }
}

#[test]
fn cutoffs_are_quantiles_of_a_control_sample() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let control = folder.path().join("control.csv");
    let rows = (0..200).map(|i| format!("ctc,{i}\n"));
    let leukocytes = (0..50).map(|_| "wbc,9999\n".to_owned());
    let table: String = std::iter::once("event_class,her2_union_mean\n".to_owned())
        .chain(rows)
        .chain(leukocytes)
        .collect();
    std::fs::write(&control, table).expect("written");
    let segment_by = |source: String, out: &str| {
        let out = folder.path().join(out);
        let done = run(herscope()
            .arg("segment")
            .arg(grid().join("900011.1.1/processed/900011_008.tif"))
            .args(["--her2-from", &source, "--json", "--out"])
            .arg(&out));
        (done, std::fs::read_to_string(out.join("samples.csv")).unwrap_or_default())
    };
    let path = control.display();
    let ((code, _, err), samples) = segment_by(format!("control:{path}:0.5,0.75"), "a");
    assert_eq!(code, 0, "{err}");
    let column = |name: &str| {
        let header = samples.lines().next().expect("a header").split(',');
        let at = header.clone().position(|column| column == name).expect("the column is there");
        let row = samples.lines().nth(1).expect("one sample");
        row.split(',').nth(at).expect("a field").parse::<f64>().expect("a number")
    };
    // Type 7 of 0 to 199: 199 times the level, leukocytes left out.
    assert_eq!((column("her2_cutoff_med"), column("her2_cutoff_high")), (99.5, 149.25));
    let ((code, _, err), _) = segment_by(format!("control:{path}:0.5,0.999"), "b");
    assert_eq!(code, 3, "1000 cells are needed for that quantile: {err}");
    assert!(err.contains("200 cells"), "how many there are: {err}");
}

#[test]
fn an_earlier_output_at_a_relative_path_is_replaced() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for turn in ["first", "second"] {
        let (code, _, err) = run(herscope()
            .current_dir(folder.path())
            .args(["segment", "--force", "--out", "out"])
            .arg(grid()));
        assert_eq!(code, 0, "{turn}: {err}");
    }
    let left = std::fs::read_dir(folder.path()).expect("readable").count();
    assert_eq!(left, 1, "the output and nothing else");
}

#[test]
fn a_truncated_frame_is_refused_by_name_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let archive = folder.path().join("900011.1.1");
    copy_folder(&grid(), &archive);
    let frame = archive.join("900011.1.1/processed/900011_007.tif");
    let bytes = std::fs::read(&frame).expect("the frame is there");
    std::fs::write(&frame, &bytes[..bytes.len() / 2]).expect("cut");
    let out = folder.path().join("out");
    let (code, stdout, err) = segment(&archive, &out);
    assert_eq!(code, 1, "some inputs failed: {err}");
    assert!(err.contains("900011_007.tif"), "the frame is named: {err}");
    let document: Value = serde_json::from_str(&stdout).expect("one JSON document");
    assert_eq!(document["samples"][0]["n_frames_failed"], 1, "one frame is refused");
    assert!(out.join("cells.csv").is_file(), "the rest is written");
}

#[test]
fn touching_cells_are_split_only_when_asked_and_only_in_whole_frames() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let split = |mode: &str, out: &str| {
        let out = folder.path().join(out);
        let flags = ["--split-touching", "--json", "--mode", mode, "--out"];
        run(herscope().arg("segment").arg(grid()).args(flags).arg(out))
    };
    let (code, stdout, err) = segment(&grid(), &folder.path().join("joined"));
    assert_eq!(code, 0, "{err}");
    let joined: Value = serde_json::from_str(&stdout).expect("one JSON document");
    assert_eq!(joined["settings"]["split_touching"], false, "off unless asked for");
    assert_eq!(joined["settings"]["no_edge_mask"], false, "the edge is looked for");
    let (code, stdout, err) = split("full", "split");
    assert_eq!(code, 0, "{err}");
    let parts: Value = serde_json::from_str(&stdout).expect("one JSON document");
    assert_eq!(parts["settings"]["split_touching"], true, "recorded");
    let n_events = |document: &Value| document["samples"][0]["n_events"].as_u64();
    assert!(n_events(&parts) >= n_events(&joined), "no event is lost");
    let (code, stdout, err) = split("marker", "crops");
    assert_eq!((code, stdout.as_str()), (2, ""), "a usage error: {err}");
    assert!(err.contains("--split-touching"), "the flag is named: {err}");
}

#[test]
fn a_missing_archive_is_bad_input_and_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("out");
    let (code, stdout, err) = segment(&folder.path().join("900099"), &out);
    assert_eq!((code, stdout.as_str()), (3, ""), "{err}");
    assert!(err.contains("900099"), "the archive is named: {err}");
    assert_eq!(std::fs::read_dir(folder.path()).expect("readable").count(), 0, "nothing is left");
}

#[test]
fn a_device_that_is_not_there_is_not_passed_over_in_silence() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (code, _, err) = run(herscope()
        .arg("segment")
        .arg(grid())
        .args(["--device", "no such adapter", "--out"])
        .arg(folder.path().join("out")));
    assert_eq!(code, 5, "{err}");
}

#[test]
fn one_frame_file_is_a_sample_of_its_own() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("out");
    let frame = grid().join("900011.1.1/processed/900011_008.tif");
    let (code, stdout, err) = segment(&frame, &out);
    assert_eq!(code, 0, "{err}");
    let document: Value = serde_json::from_str(&stdout).expect("one JSON document");
    assert_eq!(document["samples"][0]["sample_id"], "900011_008", "the file's name");
    assert_eq!(document["samples"][0]["n_frames"], 1, "one frame");
}
