//! Laws that hold for any data.

mod association;
mod cox_models;
mod simulated_trials;
mod survival_curves;

use proptest::test_runner::{Config, RngSeed};

/// As many cases as given, the same ones in every run.
pub(crate) fn cases(n: u32) -> Config {
    Config { rng_seed: RngSeed::Fixed(20_240_501), ..Config::with_cases(n) }
}
