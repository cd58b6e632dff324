//! What each command computes, from typed input to a document; no terminal.

pub mod rule;
mod study_data;
pub mod study_file;
pub mod survive;
mod survive_document;
