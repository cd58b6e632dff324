//! Pure statistics of right-censored outcomes in `f64`: no file, clock, thread pool or device.

mod baseline_hazard;
mod concordance;
mod cox;
mod cox_checks;
mod cox_fit;
mod cox_likelihood;
mod exact_ties;
mod firth;
mod outcome;
mod profile;
mod residuals;
mod risk_set;
mod tails;

pub use baseline_hazard::{BaselineHazard, PredictedStep, baseline_hazard};
pub use concordance::{Concordance, concordance};
pub use cox::{
    ChiSquaredTest, CoefLimit, CovariateColumn, CoxData, CoxFit, CoxOptions, CoxStatus, CoxTerm,
    Ties,
};
pub use cox_checks::{PhTest, TimeTransform, cox_zph};
pub use cox_fit::fit_cox;
pub use firth::{FirthFit, FirthTerm, fit_firth};
pub use outcome::{Outcome, TieRepair};
pub use profile::{ProfileLimits, profile_limits};
pub use residuals::{CoxResiduals, SchoenfeldResidual, cox_residuals};
