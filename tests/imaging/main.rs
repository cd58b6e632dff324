//! Whole frames against tables of an independent reference implementation.

mod compare;
mod events;
mod frames;
mod real;
mod reference;
