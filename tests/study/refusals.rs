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
    let mut lines = text.lines();
    let header = lines.next().expect("a header");
    let n_columns = header.split(',').count();
    let named = header.split(',').any(|name| name == "archive");
    let mut control = vec![""; n_columns];
    let timepoint = header.split(',').position(|name| name == "timepoint").expect("a column");
    control[timepoint] = "control";
    let mut sheet_text = if named { format!("{header}\n") } else { format!("{header},archive\n") };
    for line in lines {
        sheet_text += &if named { format!("{line}\n") } else { format!("{line},\n") };
    }
    match header.split(',').position(|name| name == "archive") {
        Some(column) => {
            control[column] = "archives/absent";
            sheet_text += &format!("{}\n", control.join(","));
        }
        None => sheet_text += &format!("{},archives/absent\n", control.join(",")),
    }
    std::fs::write(&sheet, sheet_text).expect("writable");
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

#[test]
fn a_truncated_frame_is_listed_and_its_sample_is_not_known() {
    let (folder, study) = demo_inputs();
    let frame = study.with_file_name("archives").join("900011.9.1/processed/900011_003.tif");
    let bytes = std::fs::read(&frame).expect("readable");
    std::fs::write(&frame, &bytes[..bytes.len() / 2]).expect("writable");
    let summary = run(&study, &folder.path().join("out")).expect("the rest goes on");
    assert!(summary.is_partial(), "exit code 1");
    let failure = &summary.failures[0];
    assert!(failure.message.contains("900011_003.tif"), "{failure:?}");
    assert_eq!(summary.controls[0].cells, None, "a count without a frame is no count");
}
