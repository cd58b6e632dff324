//! Joint models of a marker over visits and the time to an event, tied by shared random effects.
//!
//! Pure `f64` statistics: no file, clock, thread pool or device.

mod device_table;
mod fit;
mod likelihood;
mod marker;
mod maximise;
mod model;
mod parameters;
mod permutation;
mod planned_cohort;
mod prediction;
mod prepared;
mod profile;
mod quadrature;
mod random;
mod refit;
mod residuals;
mod simulator;
mod splines;
mod status;
mod subject;
#[cfg(test)]
mod tests;
mod two_stage;

pub use device_table::LikelihoodTable;
pub use fit::{
    AssociationTests, JointFit, JointOptions, JointParameter, MOST_NODES, SubjectEffects, fit_joint,
};
pub use model::{
    Association, Baseline, Family, FixedTerm, JointData, JointModel, RandomEffects, TimeShape,
};
pub use permutation::AssociationScore;
pub use planned_cohort::CohortPlan;
pub use prediction::{PredictedSurvival, PredictionDraws, predict_survival};
pub use profile::{JointProfile, OpenSide, ProfilePoint, profile};
pub use refit::{Refit, Refitter, refit_data};
pub use residuals::{JointResiduals, joint_residuals};
pub use simulator::JointTruth;
pub use splines::{CubicSplines, NaturalSplines};
pub use status::JointStatus;
pub use two_stage::{TwoStageTerm, two_stage};
