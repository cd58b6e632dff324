//! Pure tests of association between a column and a group: no file, clock, thread pool or device.
//!
//! For the baseline table: two or more samples ([`rank_sum`], [`kruskal_wallis`], [`t_test`]),
//! contingency tables ([`pearson_chi_squared`], [`fisher_2x2`], [`fisher_exact`]), pairs of columns
//! ([`pearson`], [`spearman`], [`kendall`]), proportions with intervals and
//! standardised differences.

mod agreement;
mod contingency;
mod correlation;
mod fisher;
mod fisher_table;
mod kruskal;
mod proportion;
mod rank_correlation;
mod rank_sum;
mod ranks;
mod student;
mod summary;
mod wasserstein;

pub use agreement::{Kappa, cohen_kappa};
pub use contingency::{Contingency, pearson_chi_squared};
pub use correlation::{Correlation, CorrelationMethod, pearson};
pub use fisher::{Fisher2x2, fisher_2x2};
pub use fisher_table::{FisherTable, MonteCarlo, fisher_exact};
pub use kruskal::{KruskalWallis, kruskal_wallis};
pub use proportion::{ProportionInterval, binomial_test, clopper_pearson, wilson};
pub use rank_correlation::{kendall, kendall_exact, kendall_normal, spearman, spearman_t};
pub use rank_sum::{
    HodgesLehmann, RankSum, RankSumExact, hodges_lehmann, rank_sum, rank_sum_exact, rank_sum_test,
};
pub use student::{TTest, Variances, t_test};
pub use summary::{
    Summary, median, quantile, standardised_difference, standardised_difference_of_shares,
};
pub use wasserstein::wasserstein_1;
