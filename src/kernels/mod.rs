//! Every kernel: one WGSL file in `shaders/` and one Rust file here with the same stem, holding the
//! uniforms, the CPU twin, the tolerance between the two and the registry entry.

pub mod attribute_opening;
pub mod class_histogram;
pub mod contour_mask;
pub mod contour_start;
pub mod cox_bootstrap;
pub mod curve_bootstrap;
pub mod hazard_ratio_bootstrap;
pub mod her2_threshold;
pub mod joint_likelihood;
pub mod label_components;
mod lanes;
pub mod mask_union;
pub mod max_selected_logrank;
pub mod packing;
pub mod perimeter_removal;
pub mod region_sums;
pub mod resample_draws;
mod scatter;
pub mod stored_threshold;
pub mod thicken;
pub mod tv_contour;

pub use lanes::InstructionSet;

/// Every kernel. A test holds this list against the files in `shaders/` and here.
pub static ALL: &[&KernelInfo] = &[
    &attribute_opening::KERNEL,
    &class_histogram::KERNEL,
    &contour_mask::KERNEL,
    &contour_start::KERNEL,
    &cox_bootstrap::KERNEL,
    &curve_bootstrap::KERNEL,
    &hazard_ratio_bootstrap::KERNEL,
    &her2_threshold::KERNEL,
    &joint_likelihood::KERNEL,
    &label_components::KERNEL,
    &mask_union::KERNEL,
    &max_selected_logrank::KERNEL,
    &perimeter_removal::KERNEL,
    &region_sums::KERNEL,
    &resample_draws::KERNEL,
    &stored_threshold::KERNEL,
    &thicken::KERNEL,
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
