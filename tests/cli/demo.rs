//! `herscope demo`: from pixels, and `--quick` from the table.

use std::path::Path;

use serde_json::Value;

use crate::{herscope, run};

fn demo(folder: &Path, flags: &[&str]) -> (i32, String, String) {
    run(herscope()
        .arg("demo")
        .arg(folder)
        .args(["--device", "cpu", "--replicates", "0"])
        .args(flags))
}

fn bytes_below(folder: &Path) -> u64 {
    let entries =
        std::fs::read_dir(folder).expect("readable").map(|entry| entry.expect("an entry"));
    let size = |path: &Path| match path.is_dir() {
        true => bytes_below(path),
        false => path.metadata().expect("a file").len(),
    };
    entries.map(|entry| size(&entry.path())).sum()
}

#[test]
fn the_demo_segments_what_it_rendered_and_finds_all_figures() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let target = folder.path().join("demo");
    let (code, out, err) = demo(&target, &[]);
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("rendered 36 cartridges"), "what was rendered is said: {err}");
    assert!(out.contains("Samples: 36 measured from images, 102 from the sample sheet"), "{out}");
    assert!(out.contains("Published figures: 30 of 30 found again"), "{out}");
    assert!(!out.contains("DIFFERENT"), "{out}");
    assert!(target.join("results/report.html").is_file(), "the report");
    let bytes = bytes_below(&target);
    assert!(bytes < 100_000_000, "{bytes} bytes, promised to be below 100 MB");
}

#[test]
fn the_quick_demo_takes_the_table_and_renders_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let target = folder.path().join("demo");
    let (code, out, err) = demo(&target, &["--quick"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("Samples: 138 from the cell table"), "{out}");
    assert!(out.contains("Published figures: 30 of 30 found again"), "{out}");
    assert!(!target.join("archives").exists(), "no images");
    assert!(!err.contains("rendered"), "{err}");
}

#[test]
fn cells_of_the_demo_do_not_depend_on_the_number_of_threads() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let target = folder.path().join("demo");
    let (code, out, err) = demo(&target, &["--threads", "1", "--json", "--seed", "5"]);
    assert_eq!(code, 0, "{err}");
    let summary: Value = serde_json::from_str(&out).expect("one JSON document");
    assert_eq!(summary["sources"]["n_archive"], 36, "from pixels");
    let again = folder.path().join("again");
    let (code, _, err) = run(herscope()
        .arg("study")
        .arg(target.join("study.toml"))
        .args(["--device", "cpu", "--replicates", "0", "--threads", "3", "--out"])
        .arg(&again));
    assert_eq!(code, 0, "{err}");
    let cells = |folder: &Path| std::fs::read(folder.join("cells.csv")).expect("readable");
    assert_eq!(cells(&target.join("results")), cells(&again), "bit-equal intensities");
}
