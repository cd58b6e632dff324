//! Connected components of a mask: their roots and areas, then their numbers.
//!
//! # Source
//! Union-find on a grid: Playne and Hawick 2018, IEEE Trans. Parallel Distrib. Syst. 29:1217, and
//! Jaiganesh and Burtscher 2018 (HPDC) for paths halved on the way. Runs of a word are joined from the
//! start; numbers go by the first pixel down the columns, as ACCEPT's.
//!
//! # Twin and shader
//! The twin is [`label_components`](crate::imaging::label_components), run by run in one thread. The
//! root of a component is its least pixel and its number a rank, whatever order the joins come in. A
//! search that takes more steps than a driver may allow is an error, not another label.

use super::{Binding, KernelInfo};
use bytemuck::{Pod, Zeroable};

/// Whole numbers: no difference is allowed.
pub const TOLERANCE: u32 = 0;

/// What the registry and the GPU engine need to know.
pub static KERNEL: KernelInfo = KernelInfo {
    name: "label_components",
    source: include_str!("../../shaders/label_components.wgsl"),
    common: &[],
    workgroup_size: 256,
    bindings: &[
        Binding::Storage { name: "mask" },
        Binding::Uniform { name: "uniforms", size: size_of::<Uniforms>() as u64 },
        Binding::Output { name: "parents" },
        Binding::Output { name: "areas" },
        Binding::Output { name: "firsts" },
        Binding::Output { name: "flags" },
        Binding::Output { name: "ranks" },
        Binding::Output { name: "labels" },
        Binding::Output { name: "state" },
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
    /// 1 where diagonal neighbours are connected, else 0.
    pub diagonal: u32,
    /// Which pass, 0 to 6: see the shader.
    pub pass_number: u32,
    /// Unused; keeps the struct at whole 16 bytes.
    pub padding_0: u32,
    /// Unused.
    pub padding_1: u32,
    /// Unused.
    pub padding_2: u32,
}

/// Passes after which roots and areas are known.
pub const ROOTS: std::ops::Range<u32> = 0..3;

/// Passes that number the components.
pub const NUMBERS: std::ops::Range<u32> = 3..7;

/// Words of the shader's `flags` for an image of `n_pixels`.
pub fn n_flags(n_pixels: usize) -> usize {
    n_pixels.div_ceil(32)
}

/// Words of the shader's `ranks`.
pub fn n_ranks(n_pixels: usize) -> usize {
    n_flags(n_pixels) + n_flags(n_pixels).div_ceil(256)
}
