//! What each command computes, from typed input to a document; no terminal.

pub mod segment;
mod segment_frames;
pub mod segment_output;
mod segment_summary;
mod segment_survey;
