//! Numbers from outside: R survival, survRM2 and a published abstract, against this crate.

mod bootstrap;
mod kaplan_meier;
mod logrank;
mod reference_set;
mod rmst;
mod survive_document;
mod survive_models;
mod survive_timing;
mod tdxd_survival;
mod traps;
