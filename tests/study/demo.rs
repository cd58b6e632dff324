//! The demo study finds every published figure again from its cell table.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use herscope::compute::CpuEngine;
use herscope::io::output_folder::OutputFolder;
use herscope::pipeline::demo::{DemoCartridges, DemoCells, write_demo};
use herscope::pipeline::study::{StudySettings, StudySummary, run_study, summary_text};

/// The demo that takes its cells from the table, written to a temporary folder.
pub(crate) fn demo_inputs() -> (tempfile::TempDir, PathBuf) {
    let (folder, study, _) = demo_of(DemoCells::Table);
    (folder, study)
}

/// The demo that begins at the pixels.
pub(crate) fn pixel_demo() -> (tempfile::TempDir, PathBuf, DemoCartridges) {
    let (folder, study, cartridges) = demo_of(DemoCells::Pixels { seed: 1 });
    (folder, study, cartridges.expect("cartridges were rendered"))
}

fn demo_of(cells: DemoCells) -> (tempfile::TempDir, PathBuf, Option<DemoCartridges>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let demo = write_demo(&folder.path().join("demo"), false, cells, &|_, _| true);
    let demo = demo.expect("the demo is written");
    (folder, demo.study, demo.cartridges)
}

/// Runs a study without bootstrap into `target`.
pub(crate) fn run(study: &Path, target: &Path) -> Result<StudySummary, herscope::Error> {
    let settings = StudySettings { replicates: Some(0), ..StudySettings::default() };
    let out = OutputFolder::create(target, false)?;
    let summary = run_study(study, &settings, &CpuEngine::new(), &|_, _, _| true, &out)?;
    out.commit()?;
    Ok(summary)
}

/// The demo, run once for all tests that only look at it.
struct DemoRun {
    _folder: tempfile::TempDir,
    target: PathBuf,
    summary: StudySummary,
}

fn demo_run() -> &'static DemoRun {
    static RUN: OnceLock<DemoRun> = OnceLock::new();
    RUN.get_or_init(|| {
        let (folder, study) = demo_inputs();
        let target = folder.path().join("out");
        let summary = run(&study, &target).expect("the demo runs");
        DemoRun { _folder: folder, target, summary }
    })
}

/// All 30 figures of the abstract are found again, and nothing failed.
pub(crate) fn assert_every_figure_agrees(summary: &StudySummary) {
    let different: Vec<String> = summary
        .checks
        .iter()
        .filter(|check| !check.agrees)
        .map(|check| format!("{}: {} / {}", check.id, check.published_text, check.computed_text))
        .collect();
    assert_eq!(summary.checks.len(), 30, "every figure of the abstract is checked");
    assert!(different.is_empty(), "published / computed: {different:?}");
    assert!(!summary.is_partial(), "nothing failed: {:?}", summary.failures);
}

#[test]
fn every_published_figure_is_found_again_at_its_printed_precision() {
    assert_every_figure_agrees(&demo_run().summary);
}

/// Values of R 4.2.2, survival 3.5-3, on the unrounded months (days / 30.4375) with log-log limits,
/// and of `wilcox.test(exact = FALSE, correct = TRUE)`.
#[test]
fn unrounded_figures_equal_r() {
    let summary = &demo_run().summary;
    let computed = |id: &str| {
        let check = summary.checks.iter().find(|check| check.id == id).expect("a check");
        check.computed.expect("a figure")
    };
    let expected = [
        ("followup.median", 17.215_605_749_486_7),
        ("followup.lower95", 11.597_535_934_291_6),
        ("followup.upper95", 21.716_632_443_531_8),
        ("pfs_ctc_pos.upper95", 25.396_303_901_437_4),
        ("pfs_ctc_logrank_p", 0.406_209_786_861_748),
        ("pfs_her2ctc_logrank_p", 0.220_727_973_131_871),
        ("pfs_her2ctc_hr", 0.477_788_075_531_063),
        ("prior_cyto_wilcoxon_p", 0.009_746_963_372_317_96),
    ];
    for (id, value) in expected {
        let difference = (computed(id) - value).abs();
        // R prints 15 digits; the sums differ in their order.
        assert!(difference < 1e-9, "{id}: {} against {value}", computed(id));
    }
}

#[test]
fn the_output_holds_every_table_document_and_figure() {
    let DemoRun { target, summary, .. } = demo_run();
    for name in [
        "cells.csv",
        "samples.csv",
        "patients.csv",
        "heterogeneity.csv",
        "shifts.csv",
        "patient_rules.csv",
        "trajectories.csv",
        "patients_status.csv",
        "agreement.csv",
        "summary.json",
        "figures/survival_ctc_t1.svg",
        "figures/survival_her2_ctc.svg",
        "report.html",
        "manifest.json",
    ] {
        assert!(target.join(name).is_file(), "{name} is written");
    }
    assert_eq!(summary.cells.n_ctc, 397, "one row a CTC in the cell table");
    assert_eq!(summary.cells.n_her2_high, 21, "class high of the cell table");
    let manifest = std::fs::read(target.join("manifest.json")).expect("readable");
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).expect("JSON");
    let outputs = manifest["outputs"].as_array().expect("a list").len();
    assert!(outputs >= 7, "{outputs} outputs have a hash");
    let samples = std::fs::read_to_string(target.join("samples.csv")).expect("readable");
    let cells = std::fs::read_to_string(target.join("cells.csv")).expect("readable");
    let first = cells.lines().nth(1).expect("a cell");
    assert!(first.ends_with(",neg,0,,,no_std_err"), "the table has no errors: {first}");
    assert!(samples.contains("P001-T1,P001,T1,cell table,,2,1,1,0,0,"), "first sample counted");
}

#[test]
fn tables_of_her2_follow_from_the_cells_of_the_samples() {
    let DemoRun { target, .. } = demo_run();
    let read = |name: &str| std::fs::read_to_string(target.join(name)).expect("readable");
    // Cells 41.1 and 194.6 of P001 at T1: sd / mean = 108.54 / 117.85, R has 0.921008832517056.
    let spread = read("heterogeneity.csv");
    let row = spread.lines().find(|row| row.starts_with("P001-T1,P001,T1,2,cv,"));
    let fields: Vec<&str> = row.expect("a row of this sample").split(',').collect();
    let cv: f64 = fields[5].parse().expect("a number");
    assert!((cv - 0.921_008_832_517_056).abs() < 1e-12, "{cv}");
    let rules = read("patient_rules.csv");
    let positive = |rule: &str| {
        let of_rule = rules.lines().filter(|row| row.contains(&format!(",T1,{rule},")));
        of_rule.filter(|row| row.split(',').nth(5) == Some("1")).count()
    };
    assert_eq!(positive("any_high"), 7, "seven patients have a HER2-high CTC at T1");
    assert_eq!(positive("half_positive"), 0, "in none of them it is half of the cells");
    assert!(!rules.contains("at_least_"), "a rule without a source is not reported");
    let shifts = read("shifts.csv");
    let gone = shifts.lines().find(|row| row.starts_with("P001,T1,T2,"));
    assert_eq!(gone, Some("P001,T1,T2,2,0,0,,,,"), "two cells, then none");
}

/// Cross tables counted by hand from `patients.csv`: 10, 43, 0, 7 patients, and 5, 8, 0, 7 among those
/// with a CTC at T1.
#[test]
fn agreement_with_the_tissue_is_that_of_the_cross_table() {
    let DemoRun { target, summary, .. } = demo_run();
    let [all, positive] = summary.agreements.as_slice() else { panic!("two agreements") };
    assert_eq!((all.counts, all.n), ([[10, 43], [0, 7]], 60), "all patients");
    assert_eq!((positive.counts, positive.n), ([[5, 8], [0, 7]], 20), "with a CTC at T1");
    let kappa = |one: Option<f64>| one.expect("both readings know two classes");
    // (17/60 - 11/45) / (1 - 11/45) and (0.6 - 0.425) / 0.575
    assert!((kappa(all.kappa) - 7.0 / 136.0).abs() < 1e-12, "{all:?}");
    assert!((kappa(positive.kappa) - 7.0 / 23.0).abs() < 1e-12, "{positive:?}");
    assert!(kappa(all.lower) < kappa(all.kappa) && kappa(all.kappa) < kappa(all.upper), "{all:?}");
    let table = std::fs::read_to_string(target.join("agreement.csv")).expect("readable");
    let row = "tissue_her2,her2_ctc,no HER2+ CTC,tissue_her2,3+,43,";
    assert!(table.lines().any(|line| line.starts_with(row)), "{table}");
    let text = summary_text(summary);
    assert!(text.contains("17 of 60 (28.3%) agree, kappa 0.05 (95% CI"), "{text}");
}

/// p of `wilcox.test(exact = FALSE)` from the golden values; rho from midranks computed apart.
#[test]
fn the_number_of_ctcs_does_not_go_with_her2_positive_ones() {
    let summary = &demo_run().summary;
    let wilcoxon = summary.comparisons.iter().find(|one| one.name == "ctc_number");
    let p = wilcoxon.expect("asked for").p.expect("both levels have patients");
    assert!((p - 0.351_420_288_681_54).abs() < 1e-12, "{p}");
    let [spearman] = summary.correlations.as_slice() else { panic!("one correlation") };
    let rho = spearman.rho.expect("spread");
    assert!((rho - -0.154_839_410_444_189_64).abs() < 1e-12, "{rho}");
    assert_eq!((spearman.n, spearman.method), (20, Some("t")), "with ties");
}

#[test]
fn counts_over_time_and_status_are_ready_for_other_commands() {
    let DemoRun { target, .. } = demo_run();
    let read = |name: &str| std::fs::read_to_string(target.join(name)).expect("readable");
    let long = read("trajectories.csv");
    let mut lines = long.lines();
    let header = "patient_id,timepoint,visit_months,n_ctc,n_her2pos_ctc";
    assert_eq!(lines.next(), Some(header), "long form");
    assert_eq!(lines.clone().count(), 138, "one row a sample");
    let second = lines.nth(1).expect("P001 at T2");
    // 21 days of 30.4375 a month
    let month: f64 = second.split(',').nth(2).expect("a field").parse().expect("a number");
    assert!(second.starts_with("P001,T2,") && (month - 21.0 / 30.4375).abs() < 1e-12, "{second}");
    let status = read("patients_status.csv");
    let mut lines = status.lines();
    let header = "patient_id,follow_up_months,pfs_event,t1_ctc_pos,t1_her2_ctc_pos,t2_ctc_pos,\
                  t2_her2_ctc_pos,t3_ctc_pos,t3_her2_ctc_pos,ctc_pos,her2_ctc_pos,ever_ctc_pos,\
                  ever_her2_ctc_pos";
    assert_eq!(lines.next(), Some(header), "status at each time point and ever");
    let first = lines.next().expect("P001");
    assert!(first.ends_with(",1,0,0,0,,,1,0,1,0"), "a CTC at T1, none at T2, no T3: {first}");
    let second = lines.next().expect("P002");
    assert!(second.ends_with(",0,0,0,0,0,0,0,0,0,0"), "three samples without a CTC: {second}");
    assert_eq!(lines.count(), 58, "one row a patient");
}

#[test]
fn columns_of_the_patient_file_agree_with_the_cells() {
    let summary = &demo_run().summary;
    let replaced: Vec<_> =
        summary.warnings.iter().filter(|warning| warning.code == "column_replaced").collect();
    assert!(replaced.is_empty(), "t1_ctc and the others are the counts of cells: {replaced:?}");
}

#[test]
fn the_text_names_each_published_figure_beside_the_computed_one() {
    let summary = &demo_run().summary;
    let text = summary_text(summary);
    assert!(text.contains("Published figures: 30 of 30 found again"), "{text}");
    for check in &summary.checks {
        assert!(text.contains(&check.title), "{} is in the text", check.id);
    }
}

#[test]
fn a_bootstrap_that_is_asked_for_is_in_summary_and_report() {
    let (folder, study) = demo_inputs();
    let target = folder.path().join("out");
    let settings = StudySettings { replicates: Some(2000), ..StudySettings::default() };
    let out = OutputFolder::create(&target, false).expect("a new folder");
    let summary = run_study(&study, &settings, &CpuEngine::new(), &|_, _, _| true, &out)
        .expect("the demo runs");
    out.commit().expect("moved into place");
    for grouping in &summary.groupings {
        let bootstrap = grouping.bootstrap.as_ref().expect("asked for");
        assert_eq!(bootstrap.replicates.requested, 2000, "as many as asked for");
        let cox = grouping.survive.cox.as_ref().expect("a Cox model");
        let (one, other) = (bootstrap.estimate.hazard_ratio(), cox.terms[0].hazard_ratio);
        let difference = one.expect("finite") - other.expect("finite");
        assert!(difference.abs() < 1e-12, "one estimate in both: {difference}");
    }
    let report = std::fs::read_to_string(target.join("report.html")).expect("readable");
    assert!(report.contains("Bootstrap hazard ratios"), "the histogram is drawn");
}

#[test]
fn a_caller_can_stop_the_run() {
    let (folder, study) = demo_inputs();
    let target = folder.path().join("out");
    let out = OutputFolder::create(&target, false).expect("a new folder");
    let settings = StudySettings::default();
    let error = run_study(&study, &settings, &CpuEngine::new(), &|_, _, _| false, &out)
        .expect_err("stopped at once");
    assert!(error.is_interrupted(), "{error}");
    drop(out);
    assert!(!target.exists(), "nothing is left half-written");
}
