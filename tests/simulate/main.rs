//! Simulated cartridges: that they are what was asked for, and what segmentation makes of them.
//!
//! The accuracy block of `docs/validation.md` is written by
//! `HERSCOPE_WRITE_DOCS=1 cargo test --release --no-default-features --test simulate`; without the
//! variable some of its rows are computed again and compared.

mod accuracy;
mod archive;
mod noise;
mod page;
mod scenario;
mod score;
