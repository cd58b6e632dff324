//! Small numeric tools with sources: random words, draws, logarithms, exponentials. Uses nothing above.

pub mod draw;
pub mod exp;
pub mod log;
pub mod normal_table;
pub mod philox;
pub mod resampling;
