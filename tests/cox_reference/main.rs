//! Cox models beside the values of R's survival package (and, for Firth, coxphf and own code):
//! see `tests/data/survival/README.md` for how each value was made and its tolerance.

mod coxph;
mod cross;
mod firth;
mod hard;
mod ph_test;
mod profile;
mod properties;
mod support;
