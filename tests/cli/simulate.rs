use crate::{herscope, run};
use serde_json::Value;
use std::path::Path;

/// Runs `simulate cartridge` on a small grid.
fn simulate(out: &Path, flags: &[&str]) -> (i32, String, String) {
    run(herscope()
        .args(["simulate", "cartridge", "--grid", "2x2", "--rows", "120", "--cols", "150"])
        .args(["--edge-px", "0"])
        .args(flags)
        .arg("--out")
        .arg(out))
}

fn n_entries(folder: &Path) -> usize {
    std::fs::read_dir(folder).expect("readable").count()
}

#[test]
fn a_simulated_archive_can_be_segmented_and_its_manifest_holds_the_parameters() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let sample = folder.path().join("900013.1.2");
    let flags = ["--n-ctc", "6", "--n-leukocytes", "8", "--n-debris", "0", "--seed", "4", "--json"];
    let (code, stdout, err) = simulate(&sample, &flags);
    assert_eq!(code, 0, "{err}");
    let document: Value = serde_json::from_str(&stdout).expect("one JSON document");
    assert_eq!(document["n_ctc"], 6, "as asked for");
    let manifest = std::fs::read_to_string(sample.join("manifest.json")).expect("a manifest");
    let manifest: Value = serde_json::from_str(&manifest).expect("JSON");
    assert_eq!(manifest["seed"], 4, "the seed");
    assert_eq!(manifest["settings"]["cells"]["n_leukocytes"], 8, "the population");
    assert_eq!(manifest["outputs"].as_array().map(Vec::len), Some(6), "frames, XML, truth");
    let (code, stdout, err) = run(herscope()
        .arg("segment")
        .arg(&sample)
        .args(["--json", "--out"])
        .arg(folder.path().join("cells")));
    assert_eq!(code, 0, "{err}");
    let document: Value = serde_json::from_str(&stdout).expect("one JSON document");
    assert_eq!(document["samples"][0]["sample_id"], "900013.1.2", "named after the folder");
}

#[test]
fn bad_parameters_are_usage_errors_and_leave_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (flags, named) in [
        (&["--crowding", "2"][..], "crowding 2"),
        (&["--background", "1,2"], "2 levels"),
        (&["--frames", "7"], "7 frames"),
        (&["--rows", "3"], "3 x 150"),
        (&["--edge-px", "900"], "900 px"),
        (&["--her2-levels", "1,2", "--her2-shares", "1"], "2 HER2 levels"),
        (&["--assigned", "1.5"], "1.5"),
        (&["--read-noise", "nan"], "NaN"),
    ] {
        let (code, stdout, err) = simulate(&folder.path().join("900013"), flags);
        assert_eq!((code, stdout.as_str()), (2, ""), "{flags:?}: {err}");
        assert!(err.contains(named), "{flags:?}: {err}");
    }
    let (code, _, err) = simulate(&folder.path().join(".hidden"), &[]);
    assert_eq!(code, 2, "{err}");
    assert_eq!(n_entries(folder.path()), 0, "nothing is left");
}

#[test]
fn a_bad_table_is_bad_input_with_its_row() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let table = folder.path().join("cells.csv");
    for (text, named) in [
        ("frame,row_px,col_px\n1,2,3\n", "length_px"),
        ("frame,row_px,col_px,length_px\n1,2,3,9\n5,2,3,9\n", "row 3"),
        ("frame,row_px,col_px,length_px,class\n1,2,3,9,wbc\n", "leukocyte"),
        ("frame,row_px,col_px,length_px\n1,2,x,9\n", "col_px"),
    ] {
        std::fs::write(&table, text).expect("written");
        let path = table.display().to_string();
        let (code, _, err) = simulate(&folder.path().join("900013"), &["--cells", &path]);
        assert_eq!(code, 3, "{err}");
        assert!(err.contains(named), "{named} in: {err}");
    }
    assert_eq!(n_entries(folder.path()), 1, "the table alone");
}

#[test]
fn an_existing_folder_is_refused_and_kept() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let sample = folder.path().join("900013");
    std::fs::create_dir(&sample).expect("made");
    std::fs::write(sample.join("mine.txt"), "keep").expect("written");
    let (code, _, err) = simulate(&sample, &["--n-ctc", "1"]);
    assert_eq!(code, 4, "{err}");
    assert_eq!(n_entries(&sample), 1, "as before");
}
