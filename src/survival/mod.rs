//! Pure statistics of right-censored outcomes in `f64`: no file, clock, thread pool or device.

mod baseline_hazard;
mod cohort;
mod concordance;
mod confidence;
mod cox;
mod cox_checks;
mod cox_fit;
mod cox_likelihood;
mod design_matrix;
mod direction;
mod exact_ties;
mod firth;
mod groups;
mod intervals;
mod kaplan_meier;
mod landmark;
mod logrank;
mod logrank_scores;
mod marker_series;
mod maximal_selection;
mod nelson_aalen;
mod numbers;
mod outcome;
mod profile;
mod residuals;
mod risk_set;
mod risk_table;
mod rmst;
mod row_order;
mod tails;
mod trial_simulator;

pub use baseline_hazard::{BaselineHazard, PredictedStep, baseline_hazard};
pub use cohort::{Cohort, Covariate, DroppedRows, Factor, TermColumn};
pub use concordance::{Concordance, concordance};
pub use confidence::{ConfLevel, ConfType, Confidence};
pub use cox::{
    ChiSquaredTest, CoefLimit, CovariateColumn, CoxData, CoxFit, CoxOptions, CoxStatus, CoxTerm,
    Ties,
};
pub use cox_checks::{PhTest, TimeTransform, cox_zph};
pub use cox_fit::fit_cox;
pub use design_matrix::{DesignMatrix, design_matrix, design_of_new_subjects};
pub(crate) use firth::estimate_firth;
pub use firth::{FirthFit, FirthTerm, fit_firth};
pub use intervals::{JoinedIntervals, join_intervals};
pub use kaplan_meier::{KaplanMeier, KaplanMeierRow, QuantileEstimate, SurvivalAt};
pub use landmark::{Landmark, at_landmark};
pub use logrank::{LogRank, PairwiseLogRank, fit_logrank, fit_pairwise_logrank};
pub use logrank_scores::logrank_scores;
pub(crate) use marker_series::group_by_marker;
pub use marker_series::{Carry, MarkerRule, MarkerSeries, TimeDependent, Visit};
pub use maximal_selection::{lausen_p, miller_siegmund_p};
pub use nelson_aalen::{NelsonAalenRow, nelson_aalen};
pub use numbers::Numbers;
pub use outcome::{Outcome, TieRepair};
pub use profile::{ProfileLimits, profile_limits};
pub use residuals::{CoxResiduals, SchoenfeldResidual, cox_residuals};
pub use rmst::{Rmst, RmstContrast, fit_rmst};
pub(crate) use tails::{chi_squared_upper, normal_quantile, normal_two_sided};
pub(crate) use trial_simulator::seed_of_trial;
pub use trial_simulator::{SimulatedTrial, TrialDesign, TrialModel, schoenfeld_power};
