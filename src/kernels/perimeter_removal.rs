//! A mask without its perimeter.
//!
//! # Source
//! Behaviour of ACCEPT: perimeter pixels have an unset 4-neighbour; outside counts as unset.
//!
//! # Twin and shader
//! The twin is [`without_perimeter`](crate::imaging::without_perimeter); the shader takes 32 pixels
//! at once.

use super::{Binding, KernelInfo};
use bytemuck::{Pod, Zeroable};

/// Whole numbers: no difference is allowed.
pub const TOLERANCE: u32 = 0;

/// What the registry and the GPU engine need to know.
pub static KERNEL: KernelInfo = KernelInfo {
    name: "perimeter_removal",
    source: include_str!("../../shaders/perimeter_removal.wgsl"),
    common: &[],
    workgroup_size: 256,
    bindings: &[
        Binding::Storage { name: "mask" },
        Binding::Uniform { name: "uniforms", size: size_of::<Uniforms>() as u64 },
        Binding::Output { name: "inner" },
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
    /// Unused; keeps the struct at whole 16 bytes.
    pub padding_0: u32,
    /// Unused.
    pub padding_1: u32,
}
