use crate::{cohort, herscope, run};
use std::path::Path;

/// Runs `survive` on a cohort of this text and returns exit code and stderr; stdout stays empty.
fn survive(text: &str, extra: &[&str]) -> (i32, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("cohort.csv");
    std::fs::write(&file, text).expect("the file is written");
    let out = folder.path().join("out");
    let (code, stdout, err) = run(herscope()
        .arg("survive")
        .arg(&file)
        .args(["--time", "months", "--event", "event", "--out"])
        .arg(&out)
        .args(extra));
    assert_eq!(stdout, "", "a failed run prints no result");
    assert!(!out.exists(), "a failed run leaves no output");
    let names: Vec<_> = std::fs::read_dir(folder.path()).expect("readable").collect();
    assert_eq!(names.len(), 1, "and nothing half-written beside it");
    (code, err)
}

fn mentions(err: &str, parts: &[&str]) {
    for part in parts {
        assert!(err.contains(part), "{part:?} is in {err:?}");
    }
}

#[test]
fn a_wrong_column_name_is_bad_input_with_a_suggestion() {
    let (code, err) = survive("month,event\n1,1\n2,0\n", &[]);
    assert_eq!(code, 3, "{err}");
    mentions(&err, &["cohort.csv", "months", "month"]);
}

#[test]
fn an_empty_file_is_bad_input() {
    let (code, err) = survive("", &[]);
    assert_eq!(code, 3, "{err}");
    mentions(&err, &["cohort.csv", "expected"]);
}

#[test]
fn text_in_a_time_column_is_named_by_row_and_column() {
    let (code, err) = survive("months,event\n1,1\nsoon,0\n", &[]);
    assert_eq!(code, 3, "{err}");
    mentions(&err, &["cohort.csv", "3", "months", "soon", "expected"]);
}

#[test]
fn a_negative_time_is_bad_input() {
    let (code, err) = survive("months,event\n1,1\n-2,0\n", &[]);
    assert_eq!(code, 3, "{err}");
    mentions(&err, &["cohort.csv", "3", "-2", ">= 0"]);
}

#[test]
fn an_unknown_flag_and_a_bad_level_are_usage_errors() {
    let (code, _, err) = run(herscope().args(["survive", "x.csv", "--frobnicate"]));
    assert_eq!(code, 2, "{err}");
    let (code, err) = survive("months,event\n1,1\n2,0\n", &["--conf-level", "95"]);
    assert_eq!(code, 2, "{err}");
}

#[test]
fn a_device_that_is_not_there_exits_with_5() {
    let (code, out, err) = run(herscope()
        .arg("bootstrap")
        .arg(cohort())
        .args(["--time", "pfs_months", "--event", "pfs_event", "--group", "ctc_pos_t1"])
        .args(["--device", "no such adapter", "--replicates", "10"]));
    assert_eq!((code, out.as_str()), (5, ""), "{err}");
}

#[test]
fn without_a_driver_auto_takes_the_cpu_and_says_so() {
    let (code, out, err) = run(herscope()
        .args(["devices"])
        .env("VK_ICD_FILENAMES", "/nonexistent.json")
        .env("VK_DRIVER_FILES", "/nonexistent.json"));
    assert_eq!(code, 0, "{err}");
    mentions(&out, &["auto takes: CPU engine", "no GPU adapter was found"]);
}

#[test]
fn an_existing_output_is_refused_without_force() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("out");
    let survive = |extra: &[&str]| {
        run(herscope()
            .arg("survive")
            .arg(cohort())
            .args(["--time", "pfs_months", "--event", "pfs_event", "--out"])
            .arg(&out)
            .args(extra))
    };
    assert_eq!(survive(&[]).0, 0, "the first run writes");
    let before = std::fs::read(Path::new(&out).join("survive.json")).expect("written");
    let (code, _, err) = survive(&["--conf-level", "0.9"]);
    assert_eq!(code, 4, "{err}");
    assert_eq!(before, std::fs::read(out.join("survive.json")).expect("kept"), "nothing changed");
    assert_eq!(survive(&["--conf-level", "0.9", "--force"]).0, 0, "--force replaces");
    assert_ne!(before, std::fs::read(out.join("survive.json")).expect("written"), "replaced");
}

#[test]
fn version_and_help_are_results() {
    let (code, out, _) = run(herscope().arg("--version"));
    assert_eq!((code, out.lines().count()), (0, 1), "one clean line: {out}");
    let (code, out, _) = run(herscope().args(["bootstrap", "--help"]));
    assert!(code == 0 && out.contains("--replicates"), "help on stdout");
    let (code, out, _) = run(herscope().args(["completions", "bash"]));
    assert!(code == 0 && out.contains("herscope"), "completions on stdout");
}
