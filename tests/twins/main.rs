//! Every kernel on the GPU against its CPU twin, and every shader without a GPU.

mod archive;
mod attribute_opening;
mod class_histogram;
mod contour_mask;
mod contour_start;
mod cox_bootstrap;
mod curve_bootstrap;
mod frame;
mod hazard_ratio_bootstrap;
mod her2_threshold;
mod images;
mod joint_likelihood;
mod label_components;
mod mask_union;
mod max_selected_logrank;
mod perimeter_removal;
mod region_sums;
mod registry;
mod resample_draws;
mod stored_threshold;
mod thicken;
mod tv_contour;

use herscope::compute::{Backend, ComputeError, PixelKernels};
use std::io::Write;

/// A GPU, or `None` after saying by name what is skipped. `HERSCOPE_REQUIRE_GPU=1` makes the lack
/// of one a failure.
pub(crate) fn gpu(test: &str) -> Option<Box<dyn Backend>> {
    #[cfg(feature = "gpu")]
    let opened = herscope::compute::GpuEngine::open(None).map(|gpu| Box::new(gpu) as Box<_>);
    #[cfg(not(feature = "gpu"))]
    let opened = Err(ComputeError::NoAdapter);
    opened_or_skipped(test, opened)
}

/// The same, to run imaging kernels one at a time.
pub(crate) fn pixel_kernels(test: &str) -> Option<Box<dyn PixelKernels>> {
    #[cfg(feature = "gpu")]
    let opened = herscope::compute::GpuEngine::open(None).map(|gpu| Box::new(gpu) as Box<_>);
    #[cfg(not(feature = "gpu"))]
    let opened = Err(ComputeError::NoAdapter);
    opened_or_skipped(test, opened)
}

fn opened_or_skipped<T>(test: &str, opened: Result<T, ComputeError>) -> Option<T> {
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
