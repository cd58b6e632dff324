//! What each command computes, from typed input to a document; no terminal.

pub mod bootstrap;
mod bootstrap_intervals;
mod cox_blocks;
pub mod demo;
pub mod order_statistics;
pub mod rule;
pub mod segment;
mod segment_frames;
pub mod segment_output;
mod segment_summary;
mod segment_survey;
pub mod study;
mod study_analysis;
mod study_cartridges;
mod study_checks;
mod study_data;
pub mod study_file;
mod study_report;
mod study_summary;
pub mod survive;
mod survive_curve;
mod survive_document;
mod survive_report;

pub use bootstrap_intervals::IntervalKind;
