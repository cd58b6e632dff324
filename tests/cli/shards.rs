//! Runs in pieces: shards, merges, kills and resumes give the document of the run in one go.

use crate::{cohort, herscope, run};
use assert_cmd::cargo::CommandCargoExt;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// More than two chunks of the CPU engine, so that a cut run has something to keep.
const TOTAL: u64 = 300_000;

/// The bootstrap of the golden cohort, every kind of interval with a small second level.
fn arguments() -> Vec<String> {
    let cohort = cohort();
    let fixed = ["--time", "pfs_months", "--event", "pfs_event", "--group", "her2_ctc_pos"];
    let more = ["--seed", "5", "--device", "cpu", "--quiet", "--calibrate", "40x50", "--intervals"];
    let kinds = "percentile,basic,normal,bca,studentized,calibrated";
    let mut all = vec!["bootstrap".to_owned(), cohort.display().to_string()];
    all.extend(fixed.into_iter().chain(more).map(str::to_owned));
    all.push(kinds.to_owned());
    all
}

/// Runs the bootstrap; its intervals come last, and `extra` must not name others.
fn bootstrap(extra: &[&str]) -> (i32, String, String) {
    run(herscope().args(arguments()).args(extra))
}

/// The document without the fields that may differ between two runs.
fn comparable(text: &str) -> Value {
    let mut document: Value = serde_json::from_str(text).expect("one JSON document");
    let fields = document.as_object_mut().expect("an object");
    for name in ["elapsed_seconds", "replicates_per_second"] {
        assert!(fields.remove(name).is_some(), "the document has {name}");
    }
    document
}

fn whole() -> Value {
    let (code, out, err) = bootstrap(&["--replicates", &TOTAL.to_string(), "--json"]);
    assert_eq!(code, 0, "{err}");
    comparable(&out)
}

/// Writes the shard `first..last` of the run of `TOTAL` replicates.
fn shard(folder: &Path, first: u64, last: u64, extra: &[&str]) -> PathBuf {
    let path = folder.join(format!("{first}-{last}.shard"));
    let range = format!("{first}..{last}");
    let total = TOTAL.to_string();
    let mut flags = vec!["--replicates", &total, "--range", &range, "--shard-out"];
    flags.push(path.to_str().expect("a path"));
    flags.extend(extra);
    let (code, _, err) = bootstrap(&flags);
    assert_eq!(code, 0, "{first}..{last}: {err}");
    path
}

fn merge(shards: &[PathBuf]) -> (i32, String, String) {
    run(herscope().arg("merge").args(shards).arg("--json"))
}

/// Cuts that are no multiples of anything.
fn cuts(n_shards: u64) -> Vec<(u64, u64)> {
    let cut = |i: u64| if i == n_shards { TOTAL } else { TOTAL * i / n_shards + 7 * (i % 2) };
    (0..n_shards).map(|i| (cut(i), cut(i + 1))).collect()
}

#[test]
fn shards_merged_in_any_order_are_the_run_in_one_go() {
    let whole = whole();
    let folder = tempfile::tempdir().expect("a temporary folder");
    for n_shards in [1, 2, 7, 64] {
        let mut shards: Vec<PathBuf> = cuts(n_shards)
            .into_iter()
            .map(|(first, last)| shard(folder.path(), first, last, &["--force"]))
            .collect();
        // Any order: the middle to the front, the rest backwards.
        shards.rotate_left(n_shards as usize / 2);
        shards.reverse();
        let (code, out, err) = merge(&shards);
        assert_eq!(code, 0, "{err}");
        assert_eq!(comparable(&out), whole, "{n_shards} shards");
    }
}

#[test]
fn merging_refuses_gaps_overlaps_and_other_runs_and_says_which() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let half = TOTAL / 2;
    let first = shard(folder.path(), 0, half, &[]);
    let second = shard(folder.path(), half, TOTAL, &[]);
    let late = shard(folder.path(), half + 1, TOTAL, &[]);
    let early = shard(folder.path(), half - 1, TOTAL, &[]);
    let other = folder.path().join("other");
    std::fs::create_dir(&other).expect("made");
    let seeded = shard(&other, half, TOTAL, &["--seed", "6"]);
    let levels = folder.path().join("levels");
    std::fs::create_dir(&levels).expect("made");
    let level = shard(&levels, half, TOTAL, &["--conf-level", "0.9"]);
    let cases: [(&[&PathBuf], &str); 6] = [
        (&[&first, &late], "a gap"),
        (&[&first, &early], "an overlap"),
        (&[&first, &seeded], "seed 6"),
        (&[&first, &level], "conf_level 0.9"),
        (&[&second], "a gap"),
        (&[&first], "the whole run"),
    ];
    for (shards, part) in cases {
        let shards: Vec<PathBuf> = shards.iter().map(|path| (*path).clone()).collect();
        let (code, out, err) = merge(&shards);
        assert_eq!((code, out.as_str()), (3, ""), "{part}: {err}");
        assert!(err.contains(part), "{part:?} is in {err}");
    }
    let mut bytes = std::fs::read(&second).expect("readable");
    bytes[5_000] ^= 4;
    std::fs::write(&second, bytes).expect("written");
    let (code, _, err) = merge(&[first, second]);
    assert_eq!(code, 3, "{err}");
    assert!(err.contains("hash"), "a changed byte is noticed: {err}");
}

/// Kills the run some milliseconds after its start; true if it was still running.
fn killed_after(milliseconds: u64, flags: &[&str]) -> bool {
    let mut command = std::process::Command::cargo_bin("herscope").expect("the binary is built");
    let mut child = command
        .args(arguments())
        .args(flags)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("the binary starts");
    std::thread::sleep(std::time::Duration::from_millis(milliseconds));
    let running = child.try_wait().expect("a status").is_none();
    child.kill().expect("killed or gone");
    child.wait().expect("a status");
    running
}

#[test]
fn a_run_killed_at_any_moment_goes_on_to_the_same_document() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let total = (3 * TOTAL).to_string();
    let (code, out, err) = bootstrap(&["--replicates", &total, "--json"]);
    assert_eq!(code, 0, "{err}");
    let whole = comparable(&out);
    let mut killed = 0;
    for (turn, milliseconds) in
        [3, 20, 60, 110, 190, 260, 340, 430, 520, 640].into_iter().enumerate()
    {
        let place = folder.path().join(format!("run{turn}"));
        let place = place.to_str().expect("a path");
        let range = format!("0..{total}");
        let flags: Vec<&str> = if turn % 2 == 0 {
            vec!["--replicates", &total, "--out", place, "--resume"]
        } else {
            vec!["--replicates", &total, "--range", &range, "--shard-out", place, "--resume"]
        };
        killed += usize::from(killed_after(milliseconds, &flags));
        let (code, out, err) = bootstrap(&[&flags[..], &["--force", "--json"]].concat());
        assert_eq!(code, 0, "{err}");
        let mut found = comparable(&out);
        if turn % 2 == 1 {
            let range = found.as_object_mut().and_then(|fields| fields.remove("range"));
            assert!(range.is_some(), "a shard says its range");
        }
        assert_eq!(found, whole, "killed after {milliseconds} ms");
        assert!(!folder.path().join(format!("run{turn}.resume")).exists(), "no state is left");
        assert!(!folder.path().join(format!("run{turn}.part")).exists(), "no part is left");
    }
    assert!(killed > 0, "no run was still going when it was to be killed");
}

#[test]
fn replicates_are_written_as_a_table_that_says_what_became_of_each() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("replicates.csv");
    let place = path.to_str().expect("a path");
    let (code, out, err) =
        bootstrap(&["--replicates", "5000", "--json", "--replicates-out", place]);
    assert_eq!(code, 0, "{err}");
    let document: Value = serde_json::from_str(&out).expect("JSON");
    let text = std::fs::read_to_string(&path).expect("written");
    let rows: Vec<Vec<&str>> = text.lines().skip(1).map(|row| row.split(',').collect()).collect();
    assert_eq!(rows.len(), 5000, "one row a replicate");
    let values: Vec<f64> = rows
        .iter()
        .filter(|row| row[3] == "estimable")
        .map(|row| row[1].parse().expect("a number"))
        .collect();
    assert_eq!(document["replicates"]["estimable"], values.len(), "as the document counts");
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let estimate = document["estimate"]["log_hazard_ratio"].as_f64().expect("finite");
    let bias = document["bias"].as_f64().expect("finite");
    assert!((mean - estimate - bias).abs() < 1e-12, "the mean of the table is the document's");
}

#[test]
fn precision_that_was_asked_for_is_reached() {
    let mut arguments = arguments();
    // A second level of 40 x 50 calibrates to levels that no run is precise at.
    arguments.truncate(arguments.len() - 1);
    arguments.push("basic,bca".to_owned());
    let more = ["--replicates", "20000", "--until-mcse", "0.006", "--json"];
    let (code, out, err) = run(herscope().args(arguments).args(more));
    assert_eq!(code, 0, "{err}");
    let document: Value = serde_json::from_str(&out).expect("JSON");
    let requested = document["replicates"]["requested"].as_u64().expect("a count");
    let doublings = requested / 20_000;
    assert!(doublings > 1 && doublings.is_power_of_two(), "{requested} by doubling");
    let binary = ["--until-mcse", "0.006", "--replicates-out", "replicates.bin"];
    let (code, _, err) = bootstrap(&binary);
    assert_eq!((code, err.contains(".csv")), (2, true), "its number is not known: {err}");
    for interval in document["intervals"].as_array().expect("intervals") {
        for side in ["mcse_lower", "mcse_upper"] {
            let error = interval[side].as_f64().unwrap_or(0.0);
            assert!(error <= 0.006, "{interval}");
        }
    }
}
