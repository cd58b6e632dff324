//! What every engine can do.

use crate::Error;
use crate::imaging::{ContourInput, ContourSettings, FrameInput, FrameSegmentation};
use crate::kernels::cox_bootstrap;
use crate::kernels::curve_bootstrap::{self, CurvePlan};
use crate::kernels::hazard_ratio_bootstrap::{Plan, Replicate};
use crate::kernels::her2_threshold::Thresholded;
use crate::kernels::joint_likelihood;
use crate::kernels::max_selected_logrank::{self, Maximum};
use crate::kernels::tv_contour::Outlined;
use serde::Serialize;

/// The device a result was made on, as written into every document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeviceInfo {
    /// `cpu` or `gpu`.
    pub backend: &'static str,
    /// Adapter or engine, with driver or instruction set.
    pub name: String,
}

/// An engine that runs the kernels. The same inputs give the same integers on every engine, and
/// the same floats within each kernel's stated tolerance.
pub trait Backend: Send + Sync {
    /// The device in words.
    fn device(&self) -> DeviceInfo;

    /// Fills `out` with the replicates of `plan` from number `first`.
    ///
    /// # Errors
    /// The device failed; `out` then holds nothing of use.
    fn hazard_ratio_bootstrap(
        &self,
        plan: &Plan,
        first: u64,
        out: &mut [Replicate],
    ) -> Result<(), ComputeError>;

    /// Fills `out` with the Cox replicates of `plan` from number `first`.
    ///
    /// # Errors
    /// The device failed; `out` then holds nothing of use.
    fn cox_bootstrap(
        &self,
        plan: &cox_bootstrap::Plan,
        first: u64,
        out: &mut [cox_bootstrap::Replicate],
    ) -> Result<(), ComputeError>;

    /// Fills `out` with the replicates of `plan` from number `first`.
    ///
    /// # Errors
    /// The device failed; `out` then holds nothing of use.
    fn curve_bootstrap(
        &self,
        plan: &CurvePlan,
        first: u64,
        out: &mut [curve_bootstrap::Replicate],
    ) -> Result<(), ComputeError>;

    /// Fills `out` with the permutations of `plan` from number `first`.
    ///
    /// # Errors
    /// The device failed; `out` then holds nothing of use.
    fn max_selected_logrank(
        &self,
        plan: &max_selected_logrank::Plan,
        first: u64,
        out: &mut [Maximum],
    ) -> Result<(), ComputeError>;

    /// Fills `out`, `[n_subjects x n_points]` with parameter vectors fastest, with the log likelihood
    /// contributions of each subject under each of `points`, less its constant
    /// ([`joint_likelihood::Plan::log_likelihoods`] adds them up).
    ///
    /// # Errors
    /// The device failed, or the vectors are larger than its buffers; `out` then holds nothing of use.
    ///
    /// # Panics
    /// `out` has another length.
    fn joint_likelihood(
        &self,
        plan: &joint_likelihood::Plan,
        points: &joint_likelihood::Points,
        out: &mut [f32],
    ) -> Result<(), ComputeError>;

    /// Fills `units`, `[n_replicates x n_slots]`, with the draws of `plan` from replicate `first`.
    ///
    /// # Errors
    /// The device failed.
    fn resample_draws(
        &self,
        plan: &Plan,
        first: u64,
        units: &mut [u32],
    ) -> Result<(), ComputeError>;

    /// Thresholds a plane.
    ///
    /// # Errors
    /// The device failed, or the plane is larger than its buffers.
    fn her2_threshold(&self, pixels: &[f32], threshold: f32) -> Result<Thresholded, ComputeError>;

    /// Evolves the first guess of a channel to its contour.
    ///
    /// # Errors
    /// The device failed, or the plane is larger than its buffers.
    fn tv_contour(
        &self,
        input: &ContourInput,
        settings: ContourSettings,
    ) -> Result<Outlined, ComputeError>;

    /// Segments and measures a frame. A GPU gets its pages once and gives back outlines, labels and
    /// sums.
    ///
    /// # Errors
    /// The device failed, or the frame is larger than its buffers.
    fn segment_frame(&self, input: &FrameInput<'_>) -> Result<FrameSegmentation, ComputeError>;

    /// What happened on the way that the user must know, such as a change of device.
    fn warnings(&self) -> Vec<crate::Warning> {
        Vec::new()
    }
}

/// Why a device could not do its work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ComputeError {
    /// There is no adapter at all.
    #[error("no GPU adapter was found (Vulkan, Metal or DX12 driver missing?)")]
    NoAdapter,
    /// No adapter has the name asked for.
    #[error("no adapter is called {name:?}; there are: {available}")]
    UnknownAdapter {
        /// What was asked for.
        name: String,
        /// What there is.
        available: String,
    },
    /// The adapter gave no device.
    #[error("the adapter {adapter} gave no device: {reason}")]
    NoDevice {
        /// Adapter name.
        adapter: String,
        /// The driver's words.
        reason: String,
    },
    /// The device was lost during the run.
    #[error("the device was lost: {0}")]
    DeviceLost(String),
    /// The device has no memory left.
    #[error("the device is out of memory")]
    OutOfMemory,
    /// The work needs more than the device's limits.
    #[error("the work needs {needed} {what}, the device allows {limit}")]
    Limit {
        /// What is limited.
        what: &'static str,
        /// What the work needs.
        needed: u64,
        /// What the device allows.
        limit: u64,
    },
    /// The driver refused the work.
    #[error("the driver refused the work: {0}")]
    Refused(String),
    /// The device ended without writing all of its output.
    #[error("the device left {0} results unwritten")]
    Unwritten(usize),
}

impl From<ComputeError> for Error {
    fn from(error: ComputeError) -> Self {
        Self::device(format!("using the device: {error}")).caused_by(error)
    }
}
