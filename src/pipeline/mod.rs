//! What each command computes, from typed input to a document; no terminal.

pub mod bootstrap;
mod bootstrap_intervals;
mod cox_blocks;
pub use bootstrap_intervals::IntervalKind;
pub mod survive;
mod survive_document;
mod survive_report;
