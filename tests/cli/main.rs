//! The command line as a user meets it: exit codes, messages, documents, atomic output.

mod bootstrap;
mod coverage;
mod demo;
mod design;
mod errors;
mod hard;
mod joint;
mod propagate;
mod segment;
mod segment_layouts;
mod segment_resume;
mod shards;
mod simulate;
mod survive;
mod sweep;
mod tabulate;

use assert_cmd::Command;
use std::path::PathBuf;

/// The binary under test, on the CPU engine, deaf to the environment's settings.
pub(crate) fn herscope() -> Command {
    let mut command = Command::cargo_bin("herscope").expect("the binary is built");
    for name in ["HERSCOPE_DEVICE", "HERSCOPE_SEED", "HERSCOPE_THREADS"] {
        command.env_remove(name);
    }
    command
}

/// A file of the golden cohort.
pub(crate) fn cohort() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/tdxd-cohort/patients.csv")
}

/// Exit code, stdout and stderr of a run.
pub(crate) fn run(command: &mut Command) -> (i32, String, String) {
    let output = command.output().expect("the binary starts");
    (
        output.status.code().expect("the process ends by itself"),
        String::from_utf8(output.stdout).expect("stdout is text"),
        String::from_utf8(output.stderr).expect("stderr is text"),
    )
}
