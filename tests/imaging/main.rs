//! Whole frames against tables of an independent reference implementation.

mod frames;
mod reference;
