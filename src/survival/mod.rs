//! Pure statistics of right-censored outcomes in `f64`: no file, clock, thread pool or device.

mod outcome;

pub use outcome::{Outcome, TieRepair};
