//! Pixels of a stored page at and above a level, as a bit mask: first guesses and saturated pixels.
//!
//! # Source
//! First guess of ACCEPT, `v > threshold` (Zeune et al. 2017, PLoS ONE 12:e0186562). Intensities ascend
//! with the stored value, so that a threshold is a level: [`StoredPlane::level_above`] finds it.
//!
//! [`StoredPlane::level_above`]: crate::imaging::StoredPlane::level_above
//!
//! # Twin and shader
//! The twin is [`initial_mask`](crate::imaging::initial_mask) on intensities; the shader compares
//! stored values with the level.

use super::{Binding, KernelInfo};
use bytemuck::{Pod, Zeroable};

/// Whole numbers: no difference is allowed.
pub const TOLERANCE: u32 = 0;

/// What the registry and the GPU engine need to know.
pub static KERNEL: KernelInfo = KernelInfo {
    name: "stored_threshold",
    source: include_str!("../../shaders/stored_threshold.wgsl"),
    common: &[],
    workgroup_size: 256,
    bindings: &[
        Binding::Storage { name: "stored" },
        Binding::Uniform { name: "uniforms", size: size_of::<Uniforms>() as u64 },
        Binding::Output { name: "mask" },
    ],
};

/// Settings of one dispatch.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Uniforms {
    /// Words of a mask: rows times words a row.
    pub n_words: u32,
    /// Words of a row of a mask.
    pub words_per_row: u32,
    /// Columns of the image.
    pub cols: u32,
    /// Bits a pixel of the page, 8 or 16.
    pub bits: u32,
    /// Least stored value of the foreground; above all values for none.
    pub level: u32,
    /// Unused; keeps the struct at whole 16 bytes.
    pub padding_0: u32,
    /// Unused.
    pub padding_1: u32,
    /// Unused.
    pub padding_2: u32,
}

/// Workgroups for a mask of `n_words` and a page of `bits` a pixel.
pub fn n_workgroups(n_words: usize, bits: u32) -> usize {
    (n_words * bits as usize).div_ceil(2_048)
}
