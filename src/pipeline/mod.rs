//! What each command computes, from typed input to a document; no terminal.

pub mod survive;
mod survive_document;
mod survive_report;
