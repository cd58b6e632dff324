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
fn the_interval_to_trust_is_the_penalised_profile_of_survive() {
    let found = document(&["--replicates", "2000", "--device", "cpu"]);
    let trusted = &found["default_interval"];
    assert_eq!(trusted["kind"], "firth_profile");
    let (code, out, err) = run(herscope()
        .arg("survive")
        .arg(cohort())
        .args(["--time", "pfs_months", "--event", "pfs_event", "--group", "ctc_pos_t1"])
        .args(["--firth", "--json"]));
    assert_eq!(code, 0, "{err}");
    let survive: Value = serde_json::from_str(&out).expect("one JSON document");
    for limit in ["lower", "upper"] {
        let expected = survive["firth"]["terms"][0][limit].as_f64().expect("a finite limit");
        let found = trusted[limit].as_f64().expect("a finite limit");
        // Limits are roots that both commands find to 1e-11 of a standard error.
        assert!((found / expected - 1.0).abs() < 1e-10, "{limit}: {found} and {expected}");
    }
    let medians =
        document(&["--statistic", "median-difference", "--replicates", "2000", "--device", "cpu"]);
    let kind = medians["default_interval"]["kind"].as_str();
    assert!(kind.is_some_and(|kind| kind != "firth_profile"), "no likelihood of medians: {kind:?}");
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

fn ctc60(extra: &[&str]) -> (i32, String, String) {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/survival/ctc60.csv");
    run(herscope()
        .args(["bootstrap", data, "--time", "time", "--event", "event", "--group", "arm"])
        .args(["--seed", "5", "--device", "cpu"])
        .args(extra))
}

fn ctc60_document(extra: &[&str]) -> Value {
    let (code, out, err) = ctc60(&[extra, &["--json"]].concat());
    assert_eq!(code, 0, "{err}");
    serde_json::from_str(&out).expect("one JSON document on stdout")
}

#[test]
fn statistics_of_curves_start_from_what_survive_prints() {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/survival/ctc60.csv");
    let (code, out, err) = run(herscope()
        .args(["survive", data, "--time", "time", "--event", "event", "--group", "arm"])
        .args(["--rmst", "300", "--json"]));
    assert_eq!(code, 0, "{err}");
    let survive: Value = serde_json::from_str(&out).expect("one JSON document");
    let number = |value: &Value| value.as_f64().expect("a number");
    let base = ["--replicates", "4000"];
    let of = |statistic: &[&str]| ctc60_document(&[&base[..], statistic].concat());

    let rmst = of(&["--statistic", "rmst-difference", "--rmst", "300"]);
    let given = &survive["rmst_difference"];
    assert!((number(&rmst["estimate"]["value"]) - number(&given["estimate"])).abs() < 1e-10);
    assert!((number(&rmst["estimate"]["se"]) - number(&given["std_err"])).abs() < 1e-10);
    assert_eq!(rmst["tau"], 300.0, "the horizon is in the document");
    assert_eq!(rmst["intervals"][0]["log_lower"], Value::Null, "no log scale");

    let median = of(&["--statistic", "median-difference"]);
    let of_group = |group: usize| number(&survive["groups"][group]["median"]);
    assert_eq!(
        number(&median["estimate"]["value"]),
        of_group(1) - of_group(0),
        "second less first"
    );
    assert_eq!(median["estimate"]["se"], Value::Null, "a median has no standard error");

    let logrank = of(&["--statistic", "logrank"]);
    let z = number(&logrank["estimate"]["value"]);
    assert!((z * z - number(&survive["logrank"]["chisq"])).abs() < 1e-10, "its square: {z}");

    let concordance = of(&["--statistic", "concordance"]);
    let c = &survive["cox"]["concordance"];
    assert!((number(&concordance["estimate"]["value"]) - number(&c["estimate"])).abs() < 1e-12);
    assert!((number(&concordance["estimate"]["se"]) - number(&c["std_err"])).abs() < 1e-12);
    assert_eq!(concordance["device"]["backend"], "cpu", "it has no GPU kernel");
}

#[test]
fn threads_change_no_statistic_and_no_permutation_test() {
    let cases: [&[&str]; 5] = [
        &["--statistic", "median-difference", "--hash-draws"],
        &["--statistic", "rmst-difference", "--rmst", "250", "--intervals", "studentized"],
        &["--statistic", "survival-difference", "--at", "200", "--resample", "stratified"],
        &["--statistic", "logrank", "--resample", "permutation", "--hash-draws"],
        &["--statistic", "concordance", "--intervals", "bca,calibrated", "--calibrate", "50x40"],
    ];
    for case in cases {
        let of = |threads: &str| {
            let base = ["--replicates", "20000", "--threads", threads];
            comparable(ctc60_document(&[&base[..], case].concat()))
        };
        let one = of("1");
        assert_eq!(one, of("2"), "{case:?}");
        if one["permutation"].is_null() {
            let interval = &one["intervals"][0];
            assert!(
                interval["lower"].is_f64() && interval["upper"].is_f64(),
                "{case:?}: {interval}"
            );
        } else {
            assert_eq!(one["intervals"], serde_json::json!([]), "a test has no interval");
            assert_eq!(one["bias"], Value::Null, "shuffles are no resamples");
        }
    }
}

#[test]
fn a_studentized_interval_needs_a_standard_error() {
    let base = ["--replicates", "3000", "--intervals", "studentized", "--statistic"];
    let median = ctc60_document(&[&base[..], &["median-difference"]].concat());
    assert_eq!(median["intervals"][0]["reason"], "no_standard_error", "a median has none");
    let survival = ctc60_document(&[&base[..], &["survival-difference", "--at", "200"]].concat());
    assert!(survival["intervals"][0]["lower"].is_f64(), "{}", survival["intervals"][0]);
}

#[test]
fn calibrated_intervals_of_curves_resample_the_resamples() {
    let base = ["--replicates", "2000", "--intervals", "calibrated", "--calibrate", "200x100"];
    let rmst =
        ctc60_document(&[&base[..], &["--statistic", "rmst-difference", "--rmst", "300"]].concat());
    let level = rmst["calibration"]["lower_level"].as_f64().expect("a level");
    assert!(level > 0.0 && level < 0.2, "a level near 0.025: {level}");
}

#[test]
fn flags_of_statistics_are_asked_for_and_refused_elsewhere() {
    let cases: [(&[&str], &str); 8] = [
        (&["--statistic", "rmst-difference"], "--rmst TIME"),
        (&["--statistic", "survival-difference"], "--at TIME"),
        (&["--rmst", "12"], "rmst-difference"),
        (&["--statistic", "logrank", "--quantile", "0.3"], "median-difference"),
        (&["--statistic", "rmst-difference", "--rmst", "0"], "above 0"),
        (&["--statistic", "median-difference", "--quantile", "1"], "below 1"),
        (&["--resample", "permutation"], "a permutation of logrank"),
        (
            &["--statistic", "logrank", "--resample", "permutation", "--intervals", "bca"],
            "shuffles make a test",
        ),
    ];
    for (flags, right) in cases {
        let (code, _, err) = ctc60(flags);
        assert_eq!(code, 2, "{flags:?}: {err}");
        assert!(err.contains(right), "{flags:?}: {err}");
    }
}

#[test]
fn text_names_the_statistic_and_its_unit() {
    let base = ["--replicates", "2000", "--time-unit", "days", "--statistic"];
    let text = |more: &[&str]| {
        let (code, out, err) = ctc60(&[&base[..], more].concat());
        assert_eq!(code, 0, "{err}");
        out
    };
    let median = text(&["median-difference"]);
    assert!(median.starts_with("Bootstrap: difference of medians (days), arm=HER2pos"), "{median}");
    assert!(!median.contains("log scale"), "a difference has no log scale: {median}");
    let rmst = text(&["rmst-difference", "--rmst", "300"]);
    assert!(rmst.contains("difference of restricted means up to 300 days"), "{rmst}");
    let test = text(&["logrank", "--resample", "permutation"]);
    assert!(test.starts_with("Permutation test: signed root of the log-rank"), "{test}");
    assert!(test.contains("p, two-sided") && !test.contains("interval"), "{test}");
}

#[test]
fn a_permutation_p_is_that_of_all_splits() {
    // tests/data/survival/permutation10.csv: ten subjects, five an arm. All 252 splits, each with
    // the log-rank statistic of the survival module.
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/survival/permutation10.csv");
    let text = std::fs::read_to_string(data).expect("the data are in the tests");
    let rows: Vec<Vec<&str>> = text.lines().skip(1).map(|line| line.split(',').collect()).collect();
    let time: Vec<f64> = rows.iter().map(|row| row[1].parse().expect("a time")).collect();
    let event: Vec<bool> = rows.iter().map(|row| row[2] == "1").collect();
    let outcome =
        herscope::survival::Outcome::right_censored(time, event).expect("valid follow-up");
    let chisq = |arms: u32| {
        let codes: Vec<usize> = (0..10).map(|i| (arms >> i & 1) as usize).collect();
        let test = herscope::survival::fit_logrank(&outcome, &codes, None, 0.0).expect("codes");
        test.chisq.expect("both arms are at risk at the first death")
    };
    let given = (0..10).fold(0, |arms, i| arms | u32::from(rows[i][3] == "b") << i);
    let splits: Vec<f64> =
        (0..1_u32 << 10).filter(|arms| arms.count_ones() == 5).map(chisq).collect();
    assert_eq!(splits.len(), 252, "all splits of ten into five and five");
    let extreme = splits.iter().filter(|&&split| split >= chisq(given) * (1.0 - 1e-9)).count();
    let exact = extreme as f64 / 252.0;
    assert!((0.02..0.5).contains(&exact), "a p-value worth comparing: {exact}");
    let (code, out, err) = run(herscope()
        .args(["bootstrap", data, "--time", "time", "--event", "event", "--group", "arm"])
        .args(["--statistic", "logrank", "--resample", "permutation", "--seed", "8", "--json"])
        .args(["--replicates", "200000", "--device", "cpu"]));
    assert_eq!(code, 0, "{err}");
    let document: Value = serde_json::from_str(&out).expect("one JSON document");
    let test = &document["permutation"];
    let p = test["p"].as_f64().expect("a p-value");
    let n_as_extreme = test["n_as_extreme"].as_f64().expect("a count");
    assert_eq!(p, (1.0 + n_as_extreme) / 200_001.0, "p counts the data themselves");
    // Four binomial standard errors of 200 000 shuffles.
    let allowed = 4.0 * (exact * (1.0 - exact) / 200_000.0).sqrt();
    assert!((p - exact).abs() < allowed, "{p} against {exact} of all splits");
}

#[test]
fn statistics_of_curves_hold_the_values_of_a_bootstrap_in_r() {
    // tests/data/curve_bootstrap: 5000 resamples and shuffles of ctc60 in R's survival.
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/curve_bootstrap");
    let text = std::fs::read(format!("{data}/curve_bootstrap.expected.json")).expect("test data");
    let expected: Value = serde_json::from_slice(&text).expect("JSON");
    let theirs = expected["replicates"].as_f64().expect("a count");
    let cases: [(&str, &[&str]); 4] = [
        ("median_difference", &["--statistic", "median-difference"]),
        ("rmst_difference", &["--statistic", "rmst-difference", "--rmst", "300"]),
        ("survival_difference", &["--statistic", "survival-difference", "--at", "200"]),
        ("logrank", &["--statistic", "logrank"]),
    ];
    for (name, flags) in cases {
        let block = &expected[name];
        let r = |field: &str| block[field].as_f64().unwrap_or_else(|| panic!("{name}: {field}"));
        let base = ["--replicates", "200000", "--intervals", "percentile"];
        let ours = ctc60_document(&[&base[..], flags].concat());
        let number = |value: &Value| value.as_f64().unwrap_or_else(|| panic!("{name}: {value}"));
        let near = |what: &str, ours: f64, theirs: f64, allowed: f64| {
            assert!((ours - theirs).abs() <= allowed, "{name} {what}: {ours} against {theirs}");
        };
        near(
            "estimate",
            number(&ours["estimate"]["value"]),
            r("estimate"),
            1e-9 * r("estimate").abs(),
        );
        // Four Monte-Carlo errors of the difference of the two runs.
        let ratio = (1.0 + theirs / 200_000.0_f64).sqrt();
        near(
            "standard error",
            number(&ours["std_err"]),
            r("std_err"),
            4.0 * ratio * r("mcse_std_err"),
        );
        near("bias", number(&ours["bias"]), r("bias"), 4.0 * ratio * r("mcse_bias"));
        let estimable = number(&ours["replicates"]["estimable"]) / 200_000.0;
        let share = r("estimable") / theirs;
        // Of a share near 1 the binomial error is taken at one lost replicate at least.
        let lost = (1.0 - share).max(1.0 / theirs);
        near("estimable", estimable, share, 4.0 * ratio * (lost / theirs).sqrt());
        if name == "rmst_difference" || name == "logrank" {
            // The others take few values: their quantiles have no error of this kind.
            for side in ["lower", "upper"] {
                let limit = number(&ours["intervals"][0][side]);
                near(side, limit, r(side), 4.0 * ratio * r(&format!("mcse_{side}")));
            }
        }
        let base = ["--replicates", "200000", "--resample", "permutation"];
        let test = ctc60_document(&[&base[..], flags].concat());
        near("p", number(&test["permutation"]["p"]), r("p"), 4.0 * ratio * r("mcse_p"));
    }
}
