//! Every kernel: one WGSL file in `shaders/` and one Rust file here with the same stem, holding the
//! uniforms, the CPU twin, the tolerance between the two and the registry entry.

pub mod cox_bootstrap;
pub mod curve_bootstrap;
pub mod hazard_ratio_bootstrap;
pub mod her2_threshold;
mod lanes;
pub mod max_selected_logrank;
pub mod resample_draws;
mod scatter;
pub mod tv_contour;

pub use lanes::InstructionSet;

/// Every kernel. A test holds this list against the files in `shaders/` and here.
pub static ALL: &[&KernelInfo] = &[
    &cox_bootstrap::KERNEL,
    &curve_bootstrap::KERNEL,
    &hazard_ratio_bootstrap::KERNEL,
    &her2_threshold::KERNEL,
    &max_selected_logrank::KERNEL,
    &resample_draws::KERNEL,
    &tv_contour::KERNEL,
];

/// A buffer a kernel is bound to, in binding order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    /// Read-only storage.
    Storage {
        /// Name of the variable in the shader.
        name: &'static str,
    },
    /// Uniforms.
    Uniform {
        /// Name of the variable in the shader.
        name: &'static str,
        /// Size of the struct in bytes.
        size: u64,
    },
    /// Storage the kernel writes.
    Output {
        /// Name of the variable in the shader.
        name: &'static str,
    },
}

/// What the registry, the tests and the GPU engine know of a kernel.
#[derive(Debug)]
pub struct KernelInfo {
    /// Stem of its files, and its entry point.
    pub name: &'static str,
    /// Text of `shaders/NAME.wgsl`.
    pub source: &'static str,
    /// Texts of `shaders/common/` it is prepended with.
    pub common: &'static [&'static str],
    /// Invocations a workgroup.
    pub workgroup_size: u32,
    /// Buffers in binding order of group 0.
    pub bindings: &'static [Binding],
}

impl KernelInfo {
    /// The whole WGSL text.
    pub fn wgsl(&self) -> String {
        let mut text = self.common.concat();
        text.push_str(self.source);
        text
    }
}
