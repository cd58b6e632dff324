//! Small numeric tools with sources: random words, draws, logarithms, exponentials, adjusted p-values. Uses nothing above.

pub mod adjustment;
pub mod draw;
pub mod exp;
pub mod log;
pub mod normal_table;
pub mod philox;
pub mod resampling;
