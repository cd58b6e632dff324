//! Every kernel on the GPU against its CPU twin, and every shader without a GPU.

mod cox_bootstrap;
mod curve_bootstrap;
mod hazard_ratio_bootstrap;
mod her2_threshold;
mod max_selected_logrank;
mod registry;
mod resample_draws;
mod tv_contour;

use herscope::compute::Backend;
use std::io::Write;

/// A GPU, or `None` after saying by name what is skipped. `HERSCOPE_REQUIRE_GPU=1` makes the lack
/// of one a failure.
pub(crate) fn gpu(test: &str) -> Option<Box<dyn Backend>> {
    #[cfg(feature = "gpu")]
    let opened =
        herscope::compute::GpuEngine::open(None).map(|gpu| Box::new(gpu) as Box<dyn Backend>);
    #[cfg(not(feature = "gpu"))]
    let opened: Result<Box<dyn Backend>, _> = Err(herscope::compute::ComputeError::NoAdapter);
    match opened {
        Ok(gpu) => Some(gpu),
        Err(error) => {
            let required = std::env::var_os("HERSCOPE_REQUIRE_GPU").is_some_and(|v| v == "1");
            assert!(!required, "HERSCOPE_REQUIRE_GPU=1, but {test} has no GPU: {error}");
            // Not eprintln: the test harness would hide it in a test that passes.
            let _ = writeln!(std::io::stderr(), "skipped: no adapter: {test} ({error})");
            None
        }
    }
}

/// A small deterministic source of test numbers in [0, 1).
pub(crate) struct Noise(pub(crate) u64);

impl Noise {
    pub(crate) fn next(&mut self) -> f64 {
        self.0 += 1;
        let words = herscope::numeric::philox::philox4x32([7, 7], [self.0 as u32, 0, 0, 0]);
        f64::from(words[0]) / 4_294_967_296.0
    }
}
