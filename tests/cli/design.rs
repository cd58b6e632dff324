//! `herscope design`: its document, its determinism, its refusals.

use crate::{cohort, herscope, run};
use serde_json::Value;

fn design(extra: &[&str]) -> (i32, String, String) {
    run(herscope()
        .arg("design")
        .arg(cohort())
        .args(["--time", "pfs_months", "--event", "pfs_event", "--group", "her2_ctc_pos"])
        .args(["--simulations", "200"])
        .args(extra))
}

fn document(extra: &[&str]) -> Value {
    let (code, out, err) = design(&[&["--json", "--seed", "5"], extra].concat());
    assert_eq!(code, 0, "{err}");
    serde_json::from_str(&out).expect("one JSON document on stdout")
}

fn number(value: &Value, name: &str) -> f64 {
    value[name].as_f64().unwrap_or_else(|| panic!("{name} is a number in {value}"))
}

#[test]
fn every_combination_is_a_cell_with_power_width_and_schoenfeld() {
    let document = document(&["--hr", "0.5,1", "--n", "60,240", "--prevalence", "0.117,0.3"]);
    assert_eq!(document["schema_version"], 1, "schema");
    assert_eq!(document["command"], "design", "command");
    let cells = document["cells"].as_array().expect("cells");
    assert_eq!(cells.len(), 8, "two ratios, two sizes, two prevalences");
    assert_eq!(cells[0]["arm_sizes"], serde_json::json!([53, 7]), "60 * 0.117, rounded");
    for cell in cells {
        let tests: Vec<&Value> =
            cell["power"].as_array().expect("tests").iter().map(|one| &one["test"]).collect();
        assert_eq!(tests, ["logrank", "wald", "likelihood_ratio"], "three tests");
        for one in cell["power"].as_array().expect("tests") {
            assert!((0.0..=1.0).contains(&number(one, "power")), "a share: {one}");
        }
        for one in cell["widths"].as_array().expect("widths") {
            let is_null = one["median_width_log"].is_null();
            assert_eq!(is_null, one["reason"].is_string(), "null has its reason: {one}");
        }
    }
    // The cohort's own design expects its events: 7 against 53 under either ratio, to bisection.
    assert!((number(&cells[0], "expected_events") - 28.0).abs() < 1e-9, "28 under 0.5");
    assert!((number(&cells[4], "expected_events") - 28.0).abs() < 1e-9, "28 under 1");
    // Under a ratio of 1 the formula gives alpha, up to the rounding of a normal tail.
    assert!((number(&cells[4], "schoenfeld_power") - 0.05).abs() < 1e-9, "alpha");
    let width = |cell: &Value| number(&cell["widths"][0], "median_width_log");
    assert!(width(&cells[7]) < width(&cells[5]), "four times the subjects know it better");
}

#[test]
fn threads_and_further_cells_do_not_change_a_cell() {
    let one = document(&["--hr", "0.5", "--n", "90", "--prevalence", "0.2", "--threads", "1"]);
    let many = document(&["--hr", "1,0.5", "--n", "60,90", "--prevalence", "0.2,0.4"]);
    assert_eq!(one["cells"][0], many["cells"][6], "0.5, 90 subjects, 0.2");
}

#[test]
fn longer_follow_up_expects_more_events_and_is_warned_of() {
    let base = ["--hr", "1", "--n", "60", "--prevalence", "0.5"];
    let short = document(&base);
    let long = document(&[&base[..], &["--followup-factor", "2"]].concat());
    let events = |document: &Value| number(&document["cells"][0], "expected_events");
    assert!(events(&long) > events(&short), "more time, more events");
    assert_eq!(long["warnings"][0]["code"], "beyond_follow_up", "the tail is not observed");
}

#[test]
fn a_folder_and_a_table_come_out() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("out");
    let path = out.to_str().expect("a path of text");
    let (code, text, err) =
        design(&["--hr", "0.5", "--n", "60", "--prevalence", "0.2", "--out", path]);
    assert_eq!(code, 0, "{err}");
    assert!(text.contains("Schoenfeld") && text.contains("12 / 48"), "{text}");
    for name in ["design.json", "design.csv", "design.txt", "manifest.json"] {
        assert!(out.join(name).is_file(), "{name} is written");
    }
}

#[test]
fn requests_that_cannot_be_right_are_usage_errors() {
    let good = ["--hr", "0.5", "--n", "60", "--prevalence", "0.2"];
    let cases: [&[&str]; 8] = [
        &["--hr", "0.5", "--n", "60"],
        &["--hr", "-1", "--n", "60", "--prevalence", "0.2"],
        &["--hr", "0.5", "--n", "1", "--prevalence", "0.2"],
        &["--hr", "0.5", "--n", "60", "--prevalence", "1"],
        &["--hr", "0.5", "--n", "10", "--prevalence", "0.01"],
        &[&good[..], &["--alpha", "0"]].concat(),
        &[&good[..], &["--followup-factor", "0"]].concat(),
        &[&good[..], &["--simulations", "0"]].concat(),
    ];
    for extra in cases {
        let (code, out, err) = run(herscope()
            .arg("design")
            .arg(cohort())
            .args(["--time", "pfs_months", "--event", "pfs_event", "--group", "her2_ctc_pos"])
            .args(extra));
        assert_eq!((code, out.as_str()), (2, ""), "{extra:?}: {err}");
    }
    let (code, _, err) = design(&[&good[..], &["--device", "gpu"]].concat());
    assert_eq!(code, 5, "{err}");
}
