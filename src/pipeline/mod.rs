//! What each command computes, from typed input to a document; no terminal.

mod cox_blocks;
pub mod survive;
mod survive_document;
mod survive_report;
