//! Which engine a run takes.

use super::backend::{Backend, ComputeError, DeviceInfo};
use super::cpu::CpuEngine;
use crate::Warning;
use crate::imaging::{ContourInput, ContourSettings, FrameInput, FrameSegmentation};
use crate::kernels::cox_bootstrap;
use crate::kernels::curve_bootstrap::{self, CurvePlan};
use crate::kernels::hazard_ratio_bootstrap::{Plan, Replicate};
use crate::kernels::her2_threshold::Thresholded;
use crate::kernels::joint_likelihood;
use crate::kernels::max_selected_logrank::{self, Maximum};
use crate::kernels::tv_contour::Outlined;
use serde::Serialize;
use std::str::FromStr;
use std::sync::OnceLock;

/// What the user asked for with `--device`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DeviceRequest {
    /// A real GPU if there is one, else the CPU engine; falls back to the CPU if the GPU fails.
    #[default]
    Auto,
    /// The CPU engine.
    Cpu,
    /// A GPU adapter, a software one too; failure is an error.
    Gpu,
    /// The adapter whose name holds this text.
    Name(String),
}

impl FromStr for DeviceRequest {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "auto" => Self::Auto,
            "cpu" => Self::Cpu,
            "gpu" => Self::Gpu,
            name => Self::Name(name.to_owned()),
        })
    }
}

/// An adapter of this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Adapter {
    /// The driver's name for it.
    pub name: String,
    /// `discrete_gpu`, `integrated_gpu`, `virtual_gpu`, `cpu` (a software driver) or `other`.
    pub kind: &'static str,
    /// `vulkan`, `metal` or `dx12`.
    pub api: String,
    /// Driver and its version.
    pub driver: String,
    /// Largest storage buffer a kernel may bind, in bytes.
    pub max_storage_buffer_bytes: u64,
    /// Most workgroups in one dimension.
    pub max_workgroups_per_dimension: u32,
    /// Memory a workgroup may share, in bytes.
    pub max_workgroup_memory_bytes: u32,
}

impl Adapter {
    /// A software driver: proves shaders right, is slower than the CPU engine, never `auto`'s choice.
    pub fn is_software(&self) -> bool {
        self.kind == "cpu"
    }
}

/// The adapters of this machine; none without the `gpu` feature or a driver.
pub fn adapters() -> Vec<Adapter> {
    #[cfg(feature = "gpu")]
    {
        super::gpu::adapters()
    }
    #[cfg(not(feature = "gpu"))]
    Vec::new()
}

/// An engine and why it was taken.
pub struct Selection {
    /// The engine.
    pub backend: Box<dyn Backend>,
    /// A sentence for the user.
    pub reason: String,
}

/// The engine for a request.
///
/// # Errors
/// The device asked for is not there, or gives no access. `auto` never fails.
pub fn select(request: &DeviceRequest) -> Result<Selection, ComputeError> {
    let cpu = |reason: String| Selection { backend: Box::new(CpuEngine::new()), reason };
    match request {
        DeviceRequest::Cpu => Ok(cpu("asked for".into())),
        DeviceRequest::Auto => {
            let adapters = adapters();
            let Some(gpu) = adapters.iter().find(|adapter| !adapter.is_software()) else {
                return Ok(cpu(match adapters.first() {
                    None => "no GPU adapter was found".into(),
                    Some(software) => format!(
                        "the only adapter, {}, is a software driver, slower than the CPU engine",
                        software.name
                    ),
                }));
            };
            Ok(match open(Some(&gpu.name)) {
                Ok(backend) => Selection {
                    backend: Box::new(WithFallback { gpu: backend, failure: OnceLock::new() }),
                    reason: format!("{} is a real GPU", gpu.name),
                },
                Err(error) => cpu(error.to_string()),
            })
        }
        DeviceRequest::Gpu => Ok(Selection { backend: open(None)?, reason: "asked for".into() }),
        DeviceRequest::Name(name) => {
            Ok(Selection { backend: open(Some(name))?, reason: "asked for by name".into() })
        }
    }
}

/// Opens the adapter whose name holds `name`, else the best one.
fn open(name: Option<&str>) -> Result<Box<dyn Backend>, ComputeError> {
    #[cfg(feature = "gpu")]
    {
        Ok(Box::new(super::gpu::GpuEngine::open(name)?))
    }
    #[cfg(not(feature = "gpu"))]
    {
        let _ = name;
        Err(ComputeError::NoAdapter)
    }
}

/// A GPU until it fails, then the CPU engine for the rest of the run.
struct WithFallback {
    gpu: Box<dyn Backend>,
    failure: OnceLock<ComputeError>,
}

impl WithFallback {
    fn run<T>(
        &self,
        mut work: impl FnMut(&dyn Backend) -> Result<T, ComputeError>,
    ) -> Result<T, ComputeError> {
        if self.failure.get().is_none() {
            match work(self.gpu.as_ref()) {
                Ok(done) => return Ok(done),
                Err(error) => {
                    let _ = self.failure.set(error);
                }
            }
        }
        work(&CpuEngine::new())
    }
}

impl Backend for WithFallback {
    fn device(&self) -> DeviceInfo {
        match self.failure.get() {
            None => self.gpu.device(),
            Some(_) => CpuEngine::new().device(),
        }
    }

    fn hazard_ratio_bootstrap(
        &self,
        plan: &Plan,
        first: u64,
        out: &mut [Replicate],
    ) -> Result<(), ComputeError> {
        self.run(|backend| backend.hazard_ratio_bootstrap(plan, first, out))
    }

    fn cox_bootstrap(
        &self,
        plan: &cox_bootstrap::Plan,
        first: u64,
        out: &mut [cox_bootstrap::Replicate],
    ) -> Result<(), ComputeError> {
        self.run(|backend| backend.cox_bootstrap(plan, first, out))
    }

    fn curve_bootstrap(
        &self,
        plan: &CurvePlan,
        first: u64,
        out: &mut [curve_bootstrap::Replicate],
    ) -> Result<(), ComputeError> {
        self.run(|backend| backend.curve_bootstrap(plan, first, out))
    }

    fn max_selected_logrank(
        &self,
        plan: &max_selected_logrank::Plan,
        first: u64,
        out: &mut [Maximum],
    ) -> Result<(), ComputeError> {
        self.run(|backend| backend.max_selected_logrank(plan, first, out))
    }

    fn joint_likelihood(
        &self,
        plan: &joint_likelihood::Plan,
        points: &joint_likelihood::Points,
        out: &mut [f32],
    ) -> Result<(), ComputeError> {
        self.run(|backend| backend.joint_likelihood(plan, points, out))
    }

    fn resample_draws(
        &self,
        plan: &Plan,
        first: u64,
        units: &mut [u32],
    ) -> Result<(), ComputeError> {
        self.run(|backend| backend.resample_draws(plan, first, units))
    }

    fn her2_threshold(&self, pixels: &[f32], threshold: f32) -> Result<Thresholded, ComputeError> {
        self.run(|backend| backend.her2_threshold(pixels, threshold))
    }

    fn tv_contour(
        &self,
        input: &ContourInput,
        settings: ContourSettings,
    ) -> Result<Outlined, ComputeError> {
        self.run(|backend| backend.tv_contour(input, settings))
    }

    fn segment_frame(&self, input: &FrameInput<'_>) -> Result<FrameSegmentation, ComputeError> {
        self.run(|backend| backend.segment_frame(input))
    }

    fn warnings(&self) -> Vec<Warning> {
        self.failure
            .get()
            .map(|error| {
                let message = format!("the GPU failed and the CPU engine went on: {error}");
                Warning::new("device_fallback", message)
            })
            .into_iter()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A device that always fails, to see the fall-back.
    struct Broken;

    impl Backend for Broken {
        fn device(&self) -> DeviceInfo {
            DeviceInfo { backend: "gpu", name: "broken".into() }
        }
        fn hazard_ratio_bootstrap(
            &self,
            _: &Plan,
            _: u64,
            _: &mut [Replicate],
        ) -> Result<(), ComputeError> {
            Err(ComputeError::DeviceLost("pulled out".into()))
        }
        fn cox_bootstrap(
            &self,
            _: &cox_bootstrap::Plan,
            _: u64,
            _: &mut [cox_bootstrap::Replicate],
        ) -> Result<(), ComputeError> {
            Err(ComputeError::OutOfMemory)
        }
        fn curve_bootstrap(
            &self,
            _: &CurvePlan,
            _: u64,
            _: &mut [curve_bootstrap::Replicate],
        ) -> Result<(), ComputeError> {
            Err(ComputeError::OutOfMemory)
        }
        fn max_selected_logrank(
            &self,
            _: &max_selected_logrank::Plan,
            _: u64,
            _: &mut [Maximum],
        ) -> Result<(), ComputeError> {
            Err(ComputeError::OutOfMemory)
        }
        fn joint_likelihood(
            &self,
            _: &joint_likelihood::Plan,
            _: &joint_likelihood::Points,
            _: &mut [f32],
        ) -> Result<(), ComputeError> {
            Err(ComputeError::OutOfMemory)
        }
        fn resample_draws(&self, _: &Plan, _: u64, _: &mut [u32]) -> Result<(), ComputeError> {
            Err(ComputeError::OutOfMemory)
        }
        fn her2_threshold(&self, _: &[f32], _: f32) -> Result<Thresholded, ComputeError> {
            Err(ComputeError::OutOfMemory)
        }
        fn tv_contour(
            &self,
            _: &ContourInput,
            _: ContourSettings,
        ) -> Result<Outlined, ComputeError> {
            Err(ComputeError::OutOfMemory)
        }
        fn segment_frame(&self, _: &FrameInput<'_>) -> Result<FrameSegmentation, ComputeError> {
            Err(ComputeError::OutOfMemory)
        }
    }

    #[test]
    fn a_lost_device_is_replaced_by_the_cpu_and_the_user_is_told() {
        let backend = WithFallback { gpu: Box::new(Broken), failure: OnceLock::new() };
        let done = backend.her2_threshold(&[1.0, 5.0], 2.0).expect("the CPU goes on");
        assert_eq!(done.n_above, 1, "the CPU's answer");
        assert_eq!(backend.device().backend, "cpu", "documents name the device that worked");
        assert_eq!(backend.warnings()[0].code, "device_fallback", "the change is a warning");
    }
}
