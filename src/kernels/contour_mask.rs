//! The foreground of a contour as a bit mask.
//!
//! # Source
//! Behaviour of ACCEPT: indicator at least 0.5.
//!
//! # Twin and shader
//! The twin is the last step of [`tv_contour::cpu`](super::tv_contour::cpu).

use super::{Binding, KernelInfo};
use bytemuck::{Pod, Zeroable};

/// Whole numbers: no difference is allowed.
pub const TOLERANCE: u32 = 0;

/// What the registry and the GPU engine need to know.
pub static KERNEL: KernelInfo = KernelInfo {
    name: "contour_mask",
    source: include_str!("../../shaders/contour_mask.wgsl"),
    common: &[],
    workgroup_size: 256,
    bindings: &[
        Binding::Storage { name: "indicator" },
        Binding::Uniform { name: "uniforms", size: size_of::<Uniforms>() as u64 },
        Binding::Output { name: "mask" },
    ],
};

/// Settings of one dispatch.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Uniforms {
    /// Rows of the image.
    pub rows: u32,
    /// Columns of the image.
    pub cols: u32,
    /// Words of a row of a mask.
    pub words_per_row: u32,
    /// Unused; keeps the struct at 16 bytes.
    pub padding: u32,
}
