//! herscope: circulating tumour cells from CellSearch cartridge images, HER2 on each of them, and
//! what that says about progression-free survival.
//!
//! The modules, from the bottom up (an arrow in `docs/architecture.md` says who may use whom):
//!
//! - [`numeric`]: counter-based random words, the draw layout, a logarithm. Uses nothing.
//! - [`survival`]: right-censored outcomes, Kaplan-Meier, log-rank, Cox. Pure `f64` statistics.
//! - [`association`]: tests and intervals of a baseline table. Pure `f64` statistics.
//! - [`joint`]: a marker over visits and the time to an event, tied by random effects. Pure `f64`.
//! - [`imaging`]: frames, thresholds, labels, region properties, HER2 classes. Pure pixel maths.
//! - [`kernels`]: each WGSL shader with its uniforms, CPU twin and tolerance.
//! - [`compute`]: runs kernels on a CPU engine or a GPU; knows no biology.
//! - [`io`]: the only module that opens files.
//! - [`report`]: figures, tables and the HTML document, made from result types.
//! - [`pipeline`]: domain + backend + files; still no terminal.
//! - [`cli`]: the only module that prints.
//!
//! # Example
//!
//! Six subjects; the third leaves without an event.
//!
//! ```
//! use herscope::survival::Outcome;
//!
//! let outcome = Outcome::right_censored(
//!     vec![2.0, 3.0, 4.0, 6.0, 7.0, 9.0],
//!     vec![true, true, false, true, true, false],
//! )?;
//! assert_eq!(outcome.len(), 6);
//! assert_eq!(outcome.n_events(), 4);
//! # Ok::<(), herscope::Error>(())
//! ```

pub mod association;
pub mod cli;
pub mod compute;
pub mod error;
pub mod imaging;
pub mod io;
pub mod joint;
pub mod kernels;
pub mod numeric;
pub mod pipeline;
pub mod report;
pub mod survival;
pub mod units;

pub use error::{Error, Warning};
