//! Pure statistics of right-censored outcomes in `f64`: no file, clock, thread pool or device.

mod cohort;
mod confidence;
mod design_matrix;
mod groups;
mod intervals;
mod kaplan_meier;
mod logrank;
mod nelson_aalen;
mod outcome;
mod risk_table;
mod rmst;
mod chi_square;

pub use cohort::{Cohort, Covariate, DroppedRows, Factor, TermColumn};
pub use confidence::{ConfLevel, ConfType, Confidence};
pub use design_matrix::{DesignColumn, DesignMatrix, design_matrix};
pub use intervals::{JoinedIntervals, join_intervals};
pub use kaplan_meier::{KaplanMeier, KaplanMeierRow, QuantileEstimate, SurvivalAt};
pub use logrank::{LogRank, PairwiseLogRank, fit_logrank, fit_pairwise_logrank, holm};
pub use nelson_aalen::{NelsonAalenRow, nelson_aalen};
pub use outcome::{Outcome, TieRepair};
pub use rmst::{Rmst, RmstContrast, fit_rmst};
pub use chi_square::{chi_square_p, two_sided_normal_p};
