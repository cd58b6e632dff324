//! What is said and where: results on stdout, everything else on stderr.

use super::args::Shared;
use crate::{Error, Warning};
use serde::Serialize;
use std::io::{BufWriter, ErrorKind, Write};

/// Prints a result. A reader that has gone away is no failure.
pub(crate) fn print_result(text: &str) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    printed(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// Prints a document as JSON, piece by piece: a curve may have a row a subject.
pub(crate) fn print_json(document: &impl Serialize) -> Result<(), Error> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let written = serde_json::to_writer_pretty(&mut out, document)
        .map_err(std::io::Error::from)
        .and_then(|()| out.write_all(b"\n"))
        .and_then(|()| out.flush());
    printed(written)
}

fn printed(written: std::io::Result<()>) -> Result<(), Error> {
    match written {
        Err(source) if source.kind() != ErrorKind::BrokenPipe => {
            Err(Error::output("printing the result").found(source.to_string()).caused_by(source))
        }
        _ => Ok(()),
    }
}

/// A document as indented JSON.
pub(crate) fn json(document: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string_pretty(document)
        .map_err(|source| Error::output("writing the document as JSON").caused_by(source))
}

/// Prints warnings, once, on stderr.
pub(crate) fn print_warnings(warnings: &[Warning]) {
    for Warning { code, message } in warnings {
        eprintln!("warning: {message} [{code}]");
    }
}

/// Prints a finished run: warnings on stderr, the document or its text on stdout.
pub(crate) fn print_document(
    shared: &Shared,
    warnings: &[Warning],
    document: &impl Serialize,
    text: &str,
) -> Result<(), Error> {
    print_warnings(warnings);
    if shared.json { print_json(document) } else { print_result(text) }
}

/// Prints an error with what caused it.
pub(crate) fn print_error(error: &Error) {
    let mut text = format!("error: {error}");
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(&format!("\n  because: {cause_text}"));
        }
        source = cause.source();
    }
    eprintln!("{text}");
}

/// A note for a person, unless quiet.
pub(crate) fn note(quiet: bool, text: &str) {
    if !quiet {
        eprintln!("{text}");
    }
}
