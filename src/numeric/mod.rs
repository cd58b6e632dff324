//! Small numeric tools with sources: random words, draws, logarithms. Uses nothing above.

pub mod draw;
pub mod log;
pub mod philox;
pub mod resampling;
