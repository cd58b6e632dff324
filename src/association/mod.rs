//! Pure tests of association between a column and a group: no file, clock, thread pool or device.

mod rank_sum;

pub use rank_sum::{RankSum, median, rank_sum_test};
