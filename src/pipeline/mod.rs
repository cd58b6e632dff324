//! What each command computes, from typed input to a document; no terminal.

mod cox_blocks;
pub mod demo;
pub mod rule;
pub mod study;
mod study_analysis;
mod study_checks;
mod study_data;
pub mod study_file;
mod study_report;
mod study_summary;
pub mod survive;
mod survive_document;
mod survive_report;
