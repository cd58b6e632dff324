//! Joint models of a marker over visits and the time to an event, tied by shared random effects.
//!
//! Pure `f64` statistics: no file, clock, thread pool or device.

mod device_table;
mod fit;
mod likelihood;
mod maximise;
mod model;
mod parameters;
mod prepared;
mod quadrature;
mod splines;
mod status;
mod subject;
#[cfg(test)]
mod tests;

pub use device_table::LikelihoodTable;
pub use fit::{
    AssociationTests, JointFit, JointOptions, JointParameter, MOST_NODES, SubjectEffects, fit_joint,
};
pub use model::{
    Association, Baseline, Family, FixedTerm, JointData, JointModel, RandomEffects, TimeShape,
};
pub use splines::{CubicSplines, NaturalSplines};
pub use status::JointStatus;
