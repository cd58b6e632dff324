//! `herscope bootstrap --propagate cells`: what misclassified cells cost.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{cohort, herscope, run};

const REPLICATES: f64 = 20_000.0;

/// The golden cohort's cells.
fn golden_cells() -> PathBuf {
    cohort().with_file_name("cells.csv")
}

fn bootstrap(cells: &Path, flags: &[&str]) -> (i32, String, String) {
    let settings = ["--id", "patient_id", "--time", "pfs_months", "--event", "pfs_event"];
    run(herscope()
        .arg("bootstrap")
        .arg(cohort())
        .args(settings)
        .args(["--group", "her2_ctc_pos", "--replicates", "20000", "--seed", "3", "--json"])
        .args(["--device", "cpu", "--propagate", "cells", "--her2-high", "450", "--cells"])
        .arg(cells)
        .args(flags))
}

fn document(cells: &Path, flags: &[&str]) -> Value {
    let (code, out, err) = bootstrap(cells, flags);
    assert_eq!(code, 0, "{err}");
    serde_json::from_str(&out).expect("one JSON document")
}

fn refused(cells: &Path, flags: &[&str], code: i32) -> String {
    let (found, out, err) = bootstrap(cells, flags);
    assert_eq!(found, code, "{err}");
    assert!(out.is_empty(), "nothing on stdout: {out}");
    err
}

const GOLDEN: [&str; 4] = ["--cells-her2", "her2_mean_au", "--timepoint", "T1,T2"];

#[test]
fn as_many_patients_change_as_draws_of_their_cells_lose_the_high_ones() {
    let found = document(&golden_cells(), &GOLDEN);
    let with = &found["propagation"];
    // A patient with k high cells of n, drawn n times, has none with probability ((n - k) / n)^n; a
    // patient is drawn once a replicate on average. Cells as the golden table has them: patients
    // with a high cell at T1 or T2.
    let mut reader = csv::Reader::from_path(golden_cells()).expect("the table");
    let mut cells: std::collections::BTreeMap<String, (f64, f64)> = Default::default();
    for row in reader.records() {
        let row = row.expect("a row");
        if &row[1] != "T3" {
            let (n, high) = cells.entry(row[0].to_owned()).or_default();
            *n += 1.0;
            *high += f64::from(u8::from(row[3].parse::<f64>().expect("a number") >= 450.0));
        }
    }
    let positive = cells.values().filter(|(_, high)| *high > 0.0);
    let expected: f64 = positive.clone().map(|(n, high)| ((n - high) / n).powf(*n)).sum();
    assert_eq!(positive.count(), 7, "as published");
    let mean = with["mean_patients_changed"].as_f64().expect("a number");
    // About a Poisson count a replicate; four standard errors of its mean.
    let error = (expected / REPLICATES).sqrt();
    assert!((mean - expected).abs() < 4.0 * error, "{mean} for {expected}");
    assert_eq!(with["n_patients_with_cells"], 21, "with a CTC at T1 or T2");
    let wider = |block: &Value| block["std_err"].as_f64().expect("a number");
    assert!(wider(with) > wider(&found), "groups that are unsure cost precision");
    let warnings = found["warnings"].as_array().expect("a list");
    let says = |code: &str| warnings.iter().any(|warning| warning["code"] == code);
    assert!(says("no_cell_errors"), "the table has no standard errors: {warnings:?}");
}

/// One cell a patient, far from the cut-off on its side.
fn sure_cells(folder: &Path) -> PathBuf {
    let mut reader = csv::Reader::from_path(cohort()).expect("the cohort");
    let header = reader.headers().expect("a header").clone();
    let place = |name: &str| header.iter().position(|column| column == name).expect("a column");
    let (id, group) = (place("patient_id"), place("her2_ctc_pos"));
    let mut text = "patient_id,her2_mean,her2_mean_std_err\n".to_owned();
    for row in reader.records() {
        let row = row.expect("a row");
        let her2 = if &row[group] == "1" { 900.0 } else { 20.0 };
        for _ in 0..3 {
            text += &format!("{},{her2},4\n", &row[id]);
        }
    }
    let path = folder.join("sure.csv");
    std::fs::write(&path, text).expect("writable");
    path
}

#[test]
fn cells_far_from_the_cut_off_change_no_bit() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let found = document(&sure_cells(folder.path()), &[]);
    let with = &found["propagation"];
    assert_eq!(
        (&with["n_patients_can_change"], &with["mean_patients_changed"]),
        (&Value::from(0), &Value::from(0.0))
    );
    assert_eq!(with["n_cells_with_std_err"], 180, "three of each of 60");
    let plain = found["intervals"].as_array().expect("a list");
    for one in with["intervals"].as_array().expect("a list") {
        let other = plain.iter().find(|other| other["kind"] == one["kind"]).expect("the same kind");
        assert_eq!(one, other, "bit-equal");
    }
    assert_eq!((&with["std_err"], &with["bias"]), (&found["std_err"], &found["bias"]));
}

#[test]
fn threads_change_no_bit_and_a_seed_does() {
    let of = |flags: &[&str]| {
        let flags: Vec<&str> = GOLDEN.iter().chain(flags).copied().collect();
        document(&golden_cells(), &flags)["propagation"].take()
    };
    assert_eq!(of(&["--threads", "1"]), of(&["--threads", "3"]), "one result");
    assert_ne!(of(&["--seed", "3"]), of(&["--seed", "4"]), "other draws");
}

#[test]
fn a_group_that_the_cells_do_not_make_is_refused_with_the_patient() {
    let flags = [&GOLDEN[..2], &["--her2-high", "300"]].concat();
    let err = refused(&golden_cells(), &flags, 3);
    assert!(err.contains("her2_ctc_pos = \"0\"") && err.contains("differ"), "{err}");
    assert!(err.contains("patients differ") && err.contains("--reference"), "{err}");
}

#[test]
fn what_does_not_go_with_cells_is_refused_by_name() {
    for flags in [
        &["--firth"][..],
        &["--statistic", "logrank"],
        &["--replicates-out", "replicates.csv"],
        &["--resample", "stratified"],
        &["--covariates", "age_years"],
        &["--cell-rule", "h_score_200"],
        &["--cell-rule", "her2-high>=0"],
    ] {
        let all: Vec<&str> = GOLDEN.iter().chain(flags).copied().collect();
        let err = refused(&golden_cells(), &all, 2);
        assert!(
            err.contains(flags[0]) || err.contains("--group of two levels"),
            "{flags:?}: {err}"
        );
    }
    let err = refused(&golden_cells(), &["--cells-her2", "her2_mean_au", "--timepoint", "T9"], 3);
    assert!(err.contains("\"T9\""), "{err}");
    let err = refused(&golden_cells(), &["--cells-her2", "her2"], 3);
    assert!(err.contains("did you mean"), "{err}");
}

#[test]
fn the_folder_holds_both_intervals_and_the_patients_in_doubt() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("out");
    let target = out.to_str().expect("a plain path");
    let flags = [&GOLDEN[..], &["--out", target]].concat();
    document(&golden_cells(), &flags);
    let read = |name: &str| std::fs::read_to_string(out.join(name)).expect("readable");
    assert!(read("intervals_with_cells.csv").contains("percentile"), "the other intervals");
    let patients = read("propagation.csv");
    assert!(patients.starts_with("id,n_cells,n_high,positive,share_changed\n"), "{patients}");
    assert!(read("bootstrap.txt").contains("patients drawn"), "side by side");
    assert!(read("manifest.json").contains("cells.csv"), "the cells are an input");
}
