//! Domain, files and backend together; still no terminal.

pub mod rule;
pub mod study_file;
