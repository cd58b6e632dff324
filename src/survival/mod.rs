//! Pure statistics of right-censored outcomes in `f64`: no file, clock, thread pool or device.

mod cohort;
mod confidence;
mod cox;
mod cox_fit;
mod cox_likelihood;
mod design_matrix;
mod exact_ties;
mod groups;
mod intervals;
mod kaplan_meier;
mod logrank;
mod nelson_aalen;
mod outcome;
mod residuals;
mod risk_set;
mod risk_table;
mod rmst;
mod tails;

pub use cohort::{Cohort, Covariate, DroppedRows, Factor, TermColumn};
pub use confidence::{ConfLevel, ConfType, Confidence};
pub use cox::{
    ChiSquaredTest, CoefLimit, CovariateColumn, CoxData, CoxFit, CoxOptions, CoxStatus, CoxTerm,
    Ties,
};
pub use cox_fit::fit_cox;
pub use design_matrix::{DesignMatrix, design_matrix};
pub use intervals::{JoinedIntervals, join_intervals};
pub use kaplan_meier::{KaplanMeier, KaplanMeierRow, QuantileEstimate, SurvivalAt};
pub use logrank::{LogRank, PairwiseLogRank, fit_logrank, fit_pairwise_logrank, holm};
pub use nelson_aalen::{NelsonAalenRow, nelson_aalen};
pub use outcome::{Outcome, TieRepair};
pub use residuals::{CoxResiduals, SchoenfeldResidual, cox_residuals};
pub use rmst::{Rmst, RmstContrast, fit_rmst};
pub(crate) use tails::normal_two_sided;
