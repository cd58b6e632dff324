//! Exit codes, as the contract fixes them.

use crate::Error;

/// Exit code of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum ExitCode {
    /// Everything was done.
    Done = 0,
    /// Some inputs failed; the rest is written.
    Partial = 1,
    /// The command line cannot be right.
    Usage = 2,
    /// Bad input data.
    Input = 3,
    /// The output cannot be written.
    Output = 4,
    /// The device asked for is not available.
    Device = 5,
    /// A result is not trustworthy, and strictness was asked for.
    Untrusted = 6,
    /// The user stopped the run.
    Interrupted = 130,
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}

/// The exit code of an error.
pub(crate) fn code_of(error: &Error) -> ExitCode {
    if error.is_usage() {
        ExitCode::Usage
    } else if error.is_output() {
        ExitCode::Output
    } else if error.is_device() {
        ExitCode::Device
    } else if error.is_numeric() {
        ExitCode::Untrusted
    } else if error.is_interrupted() {
        ExitCode::Interrupted
    } else {
        ExitCode::Input
    }
}
