//! Objects grown by one pixel without letting them meet.
//!
//! # Source
//! Lam, Lee and Suen 1992, IEEE Trans. PAMI 14:869, on the background; see [`thicken`].
//!
//! # Twin and shader
//! The twin is [`thicken`], which looks neighbourhoods up in tables; the shader evaluates the same
//! conditions as bitwise logic, 32 pixels at once.
//!
//! [`thicken`]: crate::imaging::thicken()

use super::{Binding, KernelInfo};
use bytemuck::{Pod, Zeroable};

/// Whole numbers: no difference is allowed.
pub const TOLERANCE: u32 = 0;

/// What the registry and the GPU engine need to know.
pub static KERNEL: KernelInfo = KernelInfo {
    name: "thicken",
    source: include_str!("../../shaders/thicken.wgsl"),
    common: &[],
    workgroup_size: 256,
    bindings: &[
        Binding::Storage { name: "mask" },
        Binding::Uniform { name: "uniforms", size: size_of::<Uniforms>() as u64 },
        Binding::Output { name: "scratch" },
        Binding::Output { name: "thickened" },
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
    /// Which pass, 0 to 4: see the shader.
    pub pass_number: u32,
}

/// Passes of a thickening.
pub const PASSES: std::ops::Range<u32> = 0..5;

/// Words of one image with its margin.
pub fn n_wide_words(rows: usize, cols: usize) -> usize {
    (rows + 4) * (cols + 4).div_ceil(32)
}

/// Words of the shader's `scratch`.
pub fn n_scratch(rows: usize, cols: usize) -> usize {
    3 * n_wide_words(rows, cols)
}
