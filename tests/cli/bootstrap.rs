use crate::{cohort, herscope, run};
use serde_json::Value;

fn bootstrap(extra: &[&str]) -> (i32, String, String) {
    run(herscope()
        .arg("bootstrap")
        .arg(cohort())
        .args(["--time", "pfs_months", "--event", "pfs_event", "--group", "ctc_pos_t1"])
        .args(["--seed", "1", "--json"])
        .args(extra))
}

fn document(extra: &[&str]) -> Value {
    let (code, out, err) = bootstrap(extra);
    assert_eq!(code, 0, "{err}");
    serde_json::from_str(&out).expect("one JSON document on stdout")
}

/// Without the fields that may differ between two runs.
fn comparable(mut document: Value) -> Value {
    let fields = document.as_object_mut().expect("an object");
    for name in ["elapsed_seconds", "replicates_per_second", "device"] {
        assert!(fields.remove(name).is_some(), "the document has {name}");
    }
    document
}

#[test]
fn threads_do_not_change_the_document() {
    let base = ["--replicates", "30000", "--device", "cpu", "--hash-draws"];
    let one = document(&[&base[..], &["--threads", "1"]].concat());
    let two = document(&[&base[..], &["--threads", "2"]].concat());
    assert_eq!(comparable(one.clone()), comparable(two), "threads 1 and 2");
    let seeded = document(&[&base[..], &["--seed", "2"]].concat());
    assert_ne!(one["draws_sha256"], seeded["draws_sha256"], "another seed draws otherwise");
}

#[test]
fn the_gpu_gives_the_cpu_document() {
    let (code, gpu, err) = bootstrap(&["--replicates", "30000", "--device", "gpu", "--hash-draws"]);
    if code == 5 {
        let required = std::env::var_os("HERSCOPE_REQUIRE_GPU").is_some_and(|v| v == "1");
        assert!(!required, "HERSCOPE_REQUIRE_GPU=1, but there is no GPU: {err}");
        assert!(err.contains("no GPU adapter"), "one clear sentence: {err}");
        use std::io::Write;
        let _ = writeln!(std::io::stderr(), "skipped: no adapter: the_gpu_gives_the_cpu_document");
        return;
    }
    assert_eq!(code, 0, "{err}");
    let gpu: Value = serde_json::from_str(&gpu).expect("one JSON document");
    let cpu = document(&["--replicates", "30000", "--device", "cpu", "--hash-draws"]);
    assert_eq!(gpu["draws_sha256"], cpu["draws_sha256"], "identical draws on any device");
    let name = gpu["device"]["name"].as_str().expect("a device name").to_owned();
    if name.contains("llvmpipe") {
        assert_eq!(comparable(gpu), comparable(cpu), "identical on an exact device");
        return;
    }
    // A real GPU may round a division otherwise: each replicate within 1e-9, so their mean too.
    for field in ["bias", "std_err"] {
        let of = |document: &Value| document[field].as_f64().expect("a number");
        assert!((of(&gpu) - of(&cpu)).abs() < 2e-9, "{field} on {name}");
    }
}

#[test]
fn intervals_hold_the_values_of_a_million_replicates_in_r() {
    // tests/data/survival/ctc60.expected.json, computed in R with real copies and Efron ties.
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/survival");
    let expected: Value = serde_json::from_slice(
        &std::fs::read(format!("{data}/ctc60.expected.json")).expect("the data are in the tests"),
    )
    .expect("JSON");
    let (code, out, err) = run(herscope()
        .args(["bootstrap", &format!("{data}/ctc60.csv"), "--time", "time", "--event", "event"])
        .args(["--covariates", "arm01", "--seed", "3", "--replicates", "400000", "--json"]));
    assert_eq!(code, 0, "{err}");
    let ours: Value = serde_json::from_str(&out).expect("one JSON document");
    let block = &expected["bootstrap"]["case_efron"];
    assert!(block.is_object(), "the expected values hold a case bootstrap under Efron");
    let theirs = block["replicates"].as_f64().expect("a count");
    // The data set's rule: four Monte-Carlo errors of the difference of two runs.
    let allowed = |mc_se: f64| 4.0 * mc_se * (1.0 + theirs / 400_000.0).sqrt();
    let mut compared = 0;
    let mut compare = |name: &str, ours: &Value| {
        let value = block["value"][name].as_f64().unwrap_or_else(|| panic!("{name} in the data"));
        let mc_se = block["mc_se"][name].as_f64().unwrap_or_else(|| panic!("error of {name}"));
        let ours = ours.as_f64().unwrap_or_else(|| panic!("{name} is a number"));
        assert!((ours - value).abs() <= allowed(mc_se), "{name}: {ours} against {value}");
        compared += 1;
    };
    compare("se", &ours["std_err"]);
    compare("bias", &ours["bias"]);
    let intervals = ours["intervals"].as_array().expect("intervals");
    for kind in ["percentile", "percentile_keepinf", "basic", "normal", "bca"] {
        let found = intervals.iter().find(|interval| interval["kind"] == kind);
        let interval = found.unwrap_or_else(|| panic!("{kind} is printed"));
        for (side, log) in [("lower", "log_lower"), ("upper", "log_upper")] {
            compare(&format!("{kind}_{side}"), &interval[log]);
        }
    }
    // Binomial counts of replicates without an estimate, and why.
    let lost = &ours["replicates"]["inestimable"];
    let count = |name: &str| lost[name].as_f64().unwrap_or(0.0);
    let total = count("monotone_likelihood") + count("single_group") + count("no_events");
    let share = block["inestimable"]["exact_fraction"].as_f64().expect("a fraction");
    let mc_se = block["inestimable"]["exact_fraction_mc_se"].as_f64().expect("its error");
    assert!((total / 400_000.0 - share).abs() <= allowed(mc_se), "{total} without an estimate");
    assert_eq!(compared, 12, "values compared");
}

#[test]
fn several_covariates_and_every_option_give_one_document_on_any_number_of_threads() {
    let columns =
        ["--covariates", "age_years,hr_status", "--replicates", "1200", "--device", "cpu"];
    let cases: [&[&str]; 5] = [
        &[
            "--hash-draws",
            "--intervals",
            "percentile,bca,studentized,calibrated",
            "--calibrate",
            "6x40",
        ],
        &["--ties", "breslow", "--resample", "stratified"],
        &["--term", "age_years", "--strata", "hr_status", "--covariates", "age_years"],
        &["--firth"],
        &["--resample", "bayesian"],
    ];
    for case in cases {
        let columns = if case.contains(&"--covariates") { &columns[2..] } else { &columns[..] };
        let one = document(&[columns, case, &["--threads", "1"]].concat());
        let two = document(&[columns, case, &["--threads", "2"]].concat());
        assert_eq!(comparable(one.clone()), comparable(two), "{case:?}: threads 1 and 2");
        let ties = if case.contains(&"breslow") { "breslow" } else { "efron" };
        assert_eq!(one["ties"], ties, "{case:?}");
        let penalty = case.contains(&"--firth").then_some("firth");
        assert_eq!(one["penalty"].as_str(), penalty, "{case:?}");
        let estimable = one["replicates"]["estimable"].as_u64().expect("a count");
        assert!(estimable > 1_100, "{case:?}: {estimable} of 1200 are estimable");
        let spread = one["std_err"].as_f64().expect("a number");
        let se = one["estimate"]["se"].as_f64().expect("a number");
        assert!((0.5..2.0).contains(&(spread / se)), "{case:?}: {spread} beside {se} by the model");
    }
    let (code, _, err) = bootstrap(&["--covariates", "age_years", "--term", "age"]);
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("age_years"), "the terms there are: {err}");
    let (code, _, err) = bootstrap(&["--cluster", "hr_status"]);
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("--resample cluster"), "what would be right: {err}");
}
