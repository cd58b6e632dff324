//! Small numeric tools with sources: random words, sums, quantiles, logarithms. Uses nothing above.

pub mod draw;
pub mod log;
pub mod order_statistics;
pub mod philox;
