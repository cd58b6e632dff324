//! What is wrong in a study is said with its place; what can be done without it is done.

use std::path::Path;

use super::demo::{demo_inputs, run};

fn edit(path: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(path).expect("readable");
    assert!(text.contains(from), "{} holds {from:?}", path.display());
    std::fs::write(path, text.replacen(from, to, 1)).expect("writable");
}

#[test]
fn an_unknown_key_is_refused_with_line_and_suggestion() {
    let (folder, study) = demo_inputs();
    edit(&study, "conf_type", "conftype");
    let target = folder.path().join("out");
    let error = run(&study, &target).expect_err("an unknown key");
    let text = error.to_string();
    assert!(error.is_input(), "{text}");
    assert!(text.contains("study.toml, line ") && text.contains("\"conftype\""), "{text}");
    assert!(text.contains("did you mean \"conf_type\"?"), "{text}");
    assert!(!target.exists(), "nothing is left half-written");
}

#[test]
fn a_missing_archive_is_listed_and_the_rest_goes_on() {
    let (folder, study) = demo_inputs();
    let sheet = study.with_file_name("samples.csv");
    let text = std::fs::read_to_string(&sheet).expect("readable");
    let mut lines: Vec<String> = text.lines().map(|line| format!("{line},")).collect();
    lines[0] += "archive";
    let n_columns = lines[0].split(',').count();
    lines.push(format!(",control{}archives/absent", ",".repeat(n_columns - 2)));
    std::fs::write(&sheet, lines.join("\n")).expect("writable");
    let target = folder.path().join("out");
    let summary = run(&study, &target).expect("the rest goes on");
    assert!(summary.is_partial(), "exit code 1");
    let failure = summary.failures.last().expect("one failure");
    assert!(failure.message.contains("archives/absent"), "{failure:?}");
    assert!(summary.all_agree(), "the patients' figures do not depend on the control");
    assert!(target.join("report.html").is_file(), "the report is written");
}

#[test]
fn a_rule_over_a_column_that_is_not_there_is_refused() {
    let (folder, study) = demo_inputs();
    edit(&study, "rule = \"t1_ctc >= 1\"", "rule = \"t1_ctcs >= 1\"");
    let error = run(&study, &folder.path().join("out")).expect_err("no such column");
    assert!(error.to_string().contains("did you mean \"t1_ctc\"?"), "{error}");
}

#[test]
fn a_cell_of_an_unknown_sample_is_refused_with_its_row() {
    let (folder, study) = demo_inputs();
    edit(&study.with_file_name("cells.csv"), "P001,T1,P001-T1-002", "P001,T9,P001-T1-002");
    let error = run(&study, &folder.path().join("out")).expect_err("no such sample");
    assert!(error.is_input() && error.to_string().contains("cells.csv, row 3"), "{error}");
}

#[test]
fn a_negative_time_is_refused_with_its_row() {
    let (folder, study) = demo_inputs();
    edit(&study.with_file_name("patients.csv"), ",773,25.396304", ",-773,25.396304");
    let error = run(&study, &folder.path().join("out")).expect_err("a negative time");
    let text = error.to_string();
    assert!(text.contains("patients.csv, row 2, column pfs_days"), "{text}");
}

#[test]
fn a_patient_column_that_contradicts_the_cells_is_replaced_with_a_warning() {
    let (folder, study) = demo_inputs();
    edit(&study.with_file_name("patients.csv"), "25.396304,1,2,0", "25.396304,1,3,0");
    let summary = run(&study, &folder.path().join("out")).expect("it runs");
    let warning = summary.warnings.iter().find(|one| one.code == "column_replaced");
    let warning = warning.expect("said");
    assert!(warning.message.contains("t1_ctc") && warning.message.contains('1'), "{warning:?}");
}
