//! The hard files of `tests/data/survival/hard` through the binary.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{herscope, run};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/survival/hard")
}

/// The CSV files of the folder, sorted.
fn files() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder()).expect("the folder is in the repository");
    let mut files: Vec<PathBuf> =
        entries.map(|entry| entry.expect("a readable entry").path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "csv"));
    files.sort();
    files
}

/// The options that the columns of a file stand for.
fn options(file: &Path) -> Vec<String> {
    let mut reader = csv::Reader::from_path(file).expect("a CSV file");
    let names = reader.headers().expect("a header").clone();
    let mut options = vec!["--group".to_owned(), "arm".to_owned()];
    for name in &names {
        let option = match name {
            "id" | "time" | "event" | "entry" | "cluster" => format!("--{name}"),
            "weight" => "--weights".to_owned(),
            "stratum" => "--strata".to_owned(),
            covariate if covariate.starts_with('x') => "--covariates".to_owned(),
            _ => continue,
        };
        match options.iter().position(|known| *known == option) {
            Some(at) => options[at + 1] = format!("{},{name}", options[at + 1]),
            None => options.extend([option, name.to_owned()]),
        }
    }
    options
}

fn survive(file: &Path, extra: &[&str]) -> (i32, String, String) {
    run(herscope().arg("survive").arg(file).args(options(file)).args(extra))
}

#[test]
fn every_hard_file_gives_a_document_and_a_text() {
    let files = files();
    assert_eq!(files.len(), 24, "files of the folder");
    for file in files {
        let name = file.display();
        let every = ["--json", "--firth", "--rmst", "7.5", "--rho", "1", "--conf-type", "log-log"];
        let (code, out, err) = survive(&file, &every);
        assert_eq!(code, 0, "{name}: {err}");
        let document: Value = serde_json::from_str(&out).expect("stdout is one JSON document");
        let statuses =
            ["converged", "monotone_likelihood", "not_identified", "singular", "max_iterations"];
        let status = document["cox"]["status"].as_str().expect("a status");
        assert!(statuses.contains(&status), "{name}: {status} is one of the contract's");
        for group in document["groups"].as_array().expect("a list of groups") {
            let level = group["level"].as_str().expect("a level");
            assert!(group["rmst"]["estimate"].is_number(), "{name}, {level}: a restricted mean");
            for row in group["curve"].as_array().expect("a curve") {
                for key in ["time", "n_at_risk", "n_events", "n_censored", "survival"] {
                    assert!(row[key].is_number(), "{name}, {level}: {key} in {row}");
                }
            }
        }
        let (code, out, err) = survive(&file, &["--firth"]);
        assert_eq!(code, 0, "{name}: {err}");
        for bad in ["NaN", "inf ", "inf)", "inf;", "inf–", "–inf"] {
            assert!(!out.contains(bad), "{name}: {bad} in\n{out}");
        }
    }
}

#[test]
fn strict_says_which_hard_files_have_no_trustworthy_estimate() {
    for (name, expected) in [
        ("rounded_times", 0),
        ("extreme_weights", 0),
        ("arm_without_event", 6),
        ("identical_covariates", 6),
        ("one_subject", 6),
    ] {
        let (code, _, err) = survive(&folder().join(format!("{name}.csv")), &["--strict"]);
        assert_eq!(code, expected, "{name}: {err}");
    }
}
