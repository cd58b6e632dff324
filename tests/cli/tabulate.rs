use crate::{cohort, herscope, run};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// The document as its readers know it: a field that is not listed here, or is missing, fails.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Document {
    schema_version: u32,
    command: String,
    warnings: Vec<Warning>,
    by: String,
    correlate: Option<String>,
    n: u64,
    n_dropped: u64,
    conf_level: f64,
    ci: Option<String>,
    adjust: Option<String>,
    groups: Vec<Group>,
    variables: Vec<Variable>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Warning {
    code: String,
    message: String,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Group {
    level: String,
    n: u64,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Continuous,
    Categorical,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Variable {
    name: String,
    kind: Kind,
    #[serde(deserialize_with = "nullable")]
    test: Option<String>,
    #[serde(deserialize_with = "nullable")]
    statistic: Option<f64>,
    #[serde(deserialize_with = "nullable")]
    p: Option<f64>,
    p_adjusted: Option<f64>,
    reason: Option<String>,
    df: Option<f64>,
    seed: Option<u64>,
    n_tables: Option<u64>,
    mcse: Option<f64>,
    estimate: Option<f64>,
    statistic_name: Option<String>,
    p_method: Option<String>,
    odds_ratio: Option<OddsRatio>,
    standardised_difference: Option<f64>,
    n_missing: u64,
    summaries: Vec<Summary>,
    overall: Option<Summary>,
}

/// May be null, must be there.
fn nullable<'de, T: Deserialize<'de>, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Option::deserialize(deserializer)
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct OddsRatio {
    #[serde(deserialize_with = "nullable")]
    estimate: Option<f64>,
    lower: f64,
    #[serde(deserialize_with = "nullable")]
    upper: Option<f64>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(untagged)]
enum Summary {
    Numbers(Numbers),
    Counts(Counts),
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Numbers {
    level: String,
    n: u64,
    n_missing: u64,
    #[serde(deserialize_with = "nullable")]
    median: Option<f64>,
    #[serde(deserialize_with = "nullable")]
    q1: Option<f64>,
    #[serde(deserialize_with = "nullable")]
    q3: Option<f64>,
    #[serde(deserialize_with = "nullable")]
    mean: Option<f64>,
    #[serde(deserialize_with = "nullable")]
    sd: Option<f64>,
    #[serde(deserialize_with = "nullable")]
    min: Option<f64>,
    #[serde(deserialize_with = "nullable")]
    max: Option<f64>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Counts {
    level: String,
    n: u64,
    n_missing: u64,
    counts: BTreeMap<String, u64>,
    shares: Option<BTreeMap<String, Share>>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Share {
    #[serde(deserialize_with = "nullable")]
    share: Option<f64>,
    #[serde(deserialize_with = "nullable")]
    lower: Option<f64>,
    #[serde(deserialize_with = "nullable")]
    upper: Option<f64>,
}

/// Runs on the golden cohort.
fn golden(extra: &[&str]) -> (i32, String, String) {
    run(herscope().arg("tabulate").arg(cohort()).args(extra))
}

fn document(extra: &[&str]) -> Document {
    let (code, out, err) = golden(&[extra, &["--json"]].concat());
    assert_eq!(code, 0, "{err}");
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error} in {out}"))
}

/// Runs on a cohort of this text, given on standard input.
fn tabulate(text: &str, extra: &[&str]) -> (i32, String, String) {
    run(herscope().args(["tabulate", "-"]).args(extra).write_stdin(text))
}

const EVERYTHING: &[&str] = &[
    "--by",
    "ctc_pos_t1",
    "--vars",
    "age_years,ecog,hr_status,visceral,centre,t3_ctc",
    "--test",
    "ecog=fisher,age_years=t",
    "--test",
    "visceral=chisq_yates",
    "--overall",
    "--smd",
    "--adjust",
    "holm",
    "--ci",
    "wilson",
];

#[test]
fn the_document_keeps_to_its_schema() {
    let found = document(EVERYTHING);
    assert_eq!((found.schema_version, found.command.as_str()), (1, "tabulate"), "{found:?}");
    assert_eq!((found.n, found.n_dropped, found.conf_level), (60, 0, 0.95), "{found:?}");
    let groups: Vec<(&str, u64)> = found.groups.iter().map(|g| (g.level.as_str(), g.n)).collect();
    assert_eq!(groups, [("0", 40), ("1", 20)], "in order of numbers");
    let tests: Vec<Option<&str>> = found.variables.iter().map(|v| v.test.as_deref()).collect();
    let expected = ["t", "fisher", "fisher", "chisq_yates", "fisher", "wilcoxon_normal"];
    assert_eq!(tests, expected.map(Some), "as asked for, or by default");
    for variable in &found.variables {
        let name = &variable.name;
        assert_eq!(variable.summaries.len(), 2, "{name}: one summary a group");
        let adjusted = variable.p_adjusted.expect("asked for");
        assert!(variable.p.expect("a p") <= adjusted && adjusted <= 1.0, "{name}: {variable:?}");
        assert!(variable.standardised_difference.is_some(), "{name}: asked for");
        let is_numbers = matches!(variable.overall, Some(Summary::Numbers(_)));
        assert_eq!(is_numbers, variable.kind == Kind::Continuous, "{name}: {variable:?}");
    }
    let hr = &found.variables[2];
    assert!(hr.odds_ratio.is_some() && hr.statistic.is_none(), "Fisher's test of 2x2: {hr:?}");
    assert_eq!(found.variables[5].n_missing, 42, "no third sample");
    let Summary::Counts(counts) = &found.variables[1].summaries[0] else {
        panic!("counts on request of Fisher's test")
    };
    assert_eq!(counts.counts.values().sum::<u64>(), 40, "every patient has an ECOG status");
    assert!(counts.shares.is_some(), "asked for");
}

#[test]
fn what_was_not_asked_for_is_not_in_the_document() {
    let found = document(&["--by", "ctc_pos_t1", "--vars", "age_years,hr_status"]);
    assert_eq!((&found.ci, &found.adjust, &found.correlate), (&None, &None, &None), "{found:?}");
    for variable in &found.variables {
        assert_eq!(variable.overall, None, "{variable:?}");
        assert_eq!(variable.standardised_difference, None, "{variable:?}");
    }
}

#[test]
fn correlations_have_their_estimate_and_no_groups() {
    let vars = "age_years,visceral";
    let found = document(&["--by", "t1_ctc", "--correlate", "kendall", "--vars", vars]);
    assert_eq!((found.groups[0].level.as_str(), found.groups[0].n), ("all", 60), "{found:?}");
    for variable in &found.variables {
        assert_eq!(variable.kind, Kind::Continuous, "also of two values: {variable:?}");
        assert_eq!(variable.test.as_deref(), Some("kendall"), "{variable:?}");
        let names = (variable.statistic_name.as_deref(), variable.p_method.as_deref());
        assert_eq!(names, (Some("z"), Some("normal")), "60 pairs with ties");
        assert!(variable.estimate.is_some_and(|tau| tau.abs() < 1.0), "{variable:?}");
    }
}

#[test]
fn usage_and_input_errors_have_their_exit_codes() {
    let cases: [(&[&str], i32, &str); 11] = [
        (&["--by", "arm", "--vars", "age_years"], 3, "no column \"arm\""),
        (&["--by", "centre", "--vars", "age"], 3, "age_years"),
        (&["--by", "t1_ctc", "--vars", "age_years"], 3, "--correlate"),
        (&["--by", "centre", "--vars", "age_years", "--reference", "D"], 3, "no level \"D\""),
        (&["--by", "centre", "--correlate", "pearson", "--vars", "age_years"], 3, "column centre"),
        (&["--by", "centre", "--vars", "age_years", "--test", "age_years=f"], 2, "fisher"),
        (&["--by", "centre", "--vars", "age_years", "--test", "age_years"], 2, "NAME=TEST"),
        (&["--by", "centre", "--vars", "age_years", "--test", "ecog=t"], 2, "age_years"),
        (&["--by", "centre", "--vars", "age_years", "--test", "age_years=t"], 2, "3 groups"),
        (&["--by", "centre"], 2, "--vars"),
        (&["--by", "centre", "--vars", "age_years", "--conf-level", "95"], 2, "0.95"),
    ];
    for (args, expected, part) in cases {
        let (code, out, err) = golden(args);
        assert_eq!((code, out.as_str()), (expected, ""), "{args:?}: {err}");
        assert!(err.contains(part), "{args:?}: {part:?} is in {err:?}");
    }
}

#[test]
fn one_group_or_an_empty_group_is_a_table_without_p() {
    let of = |text: &str| -> Document {
        let (code, out, err) = tabulate(text, &["--by", "g", "--vars", "v", "--json"]);
        assert_eq!(code, 0, "{err}");
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error} in {out}"))
    };
    let single = of("g,v\na,1\na,2\na,3\n");
    let variable = &single.variables[0];
    assert_eq!((variable.p, variable.test.as_deref()), (None, None), "{variable:?}");
    assert_eq!(variable.reason.as_deref(), Some("single_group"), "{variable:?}");
    assert_eq!(single.warnings[0].code, "single_group", "{single:?}");
    let empty = of("g,v\na,1\na,2\nb,\nb,NA\n");
    let variable = &empty.variables[0];
    assert_eq!(variable.reason.as_deref(), Some("empty_group"), "{variable:?}");
    let all_missing = of("g,v\na,\nb,\n");
    let variable = &all_missing.variables[0];
    assert_eq!(variable.reason.as_deref(), Some("no_values"), "{variable:?}");
    let Summary::Numbers(numbers) = &variable.summaries[0] else { panic!("no text is in it") };
    assert_eq!((numbers.n, numbers.median), (0, None), "null, not zero: {numbers:?}");
}

#[test]
fn a_grouping_column_without_values_is_bad_input() {
    let (code, _, err) = tabulate("g,v\n,1\nNA,2\n", &["--by", "g", "--vars", "v"]);
    assert_eq!(code, 3, "{err}");
    assert!(err.contains("column g") && err.contains("2 rows"), "{err}");
}

#[test]
fn the_output_folder_has_table_document_and_manifest_and_is_not_overwritten() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("out");
    let to = out.to_str().expect("a path of text");
    let base: &[&str] = &["--by", "ctc_pos_t1", "--vars", "age_years,hr_status", "--out", to];
    let (code, text, err) = golden(base);
    assert_eq!(code, 0, "{err}");
    let read = |name: &str| std::fs::read(Path::new(&out).join(name)).expect("written");
    assert_eq!(read("tabulate.txt"), text.as_bytes(), "the printed table");
    let found: Document = serde_json::from_slice(&read("tabulate.json")).expect("the document");
    assert_eq!(found.variables.len(), 2, "{found:?}");
    let csv = String::from_utf8(read("tabulate.csv")).expect("text");
    // Two groups of one row for the number, of two for the factor of two values.
    assert_eq!(csv.lines().count(), 1 + 2 + 4, "{csv}");
    let manifest: serde_json::Value =
        serde_json::from_slice(&read("manifest.json")).expect("the manifest");
    assert_eq!(manifest["command"], "tabulate", "{manifest}");
    assert_eq!(manifest["settings"]["by"], "ctc_pos_t1", "{manifest}");
    assert_eq!(manifest["settings"]["conf_level"], 0.95, "defaults are settings: {manifest}");
    assert!(manifest["seed"].is_null(), "nothing was drawn: {manifest}");
    assert_eq!(manifest["inputs"].as_array().map(Vec::len), Some(1), "{manifest}");
    assert_eq!(manifest["outputs"].as_array().map(Vec::len), Some(3), "{manifest}");

    let before = read("tabulate.json");
    let (code, _, err) = golden(&[base, &["--overall"]].concat());
    assert_eq!(code, 4, "{err}");
    assert_eq!(read("tabulate.json"), before, "nothing changed");
    assert_eq!(golden(&[base, &["--overall", "--force"]].concat()).0, 0, "--force replaces");
    assert_ne!(read("tabulate.json"), before, "replaced");
}

#[test]
fn a_drawn_p_prints_its_seed_and_is_the_same_on_every_number_of_threads() {
    let mut text = "g,v\n".to_owned();
    for i in 0_u64..240 {
        text.push_str(&format!("g{},{:02}x\n", i % 3, (i.pow(3) + 11 * i) % 1009 % 12));
    }
    let base: &[&str] = &["--by", "g", "--vars", "v", "--json"];
    let of = |extra: &[&str]| {
        let (code, out, err) = tabulate(&text, &[base, extra].concat());
        assert_eq!(code, 0, "{err}");
        let found: Document = serde_json::from_str(&out).expect("the document");
        (found, err)
    };
    let (one, err) = of(&["--threads", "1"]);
    assert!(err.contains("seed: 1 (chosen"), "a seed nobody gave is named: {err:?}");
    let variable = &one.variables[0];
    assert_eq!(variable.test.as_deref(), Some("fisher_monte_carlo"), "{variable:?}");
    assert!(variable.mcse.is_some_and(|error| error < 0.0017), "{variable:?}");
    let (two, err) = of(&["--threads", "2", "--seed", "1"]);
    assert_eq!((err.as_str(), &two), ("", &one), "the same seed, given");
}

#[test]
fn the_printed_table_is_as_committed() {
    let args = [EVERYTHING, &["--conf-level", "0.9"]].concat();
    let (code, out, err) = golden(&args);
    assert_eq!(code, 0, "{err}");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/snapshots/tabulate.txt");
    let found = out.replace(concat!("herscope ", env!("CARGO_PKG_VERSION")), "herscope VERSION");
    if std::env::var_os("HERSCOPE_REGENERATE_GOLDEN").is_some_and(|value| value == "1") {
        std::fs::write(path, &found).expect("the snapshot folder can be written");
        panic!("tabulate.txt was rewritten; review it and run again without the variable");
    }
    let expected = std::fs::read_to_string(path).expect("the snapshot is committed");
    assert_eq!(expected.replace("\r\n", "\n"), found, "tests/cli/snapshots/tabulate.txt");
}
