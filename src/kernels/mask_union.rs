//! The pixels of one mask added to another: objects are those of all channels together.
//!
//! # Source
//! Behaviour of ACCEPT: objects are components of the union of its channels' masks.
//!
//! # Twin and shader
//! The twin joins masks in [`label_union`](crate::imaging::label_union).

use super::{Binding, KernelInfo};
use bytemuck::{Pod, Zeroable};

/// Whole numbers: no difference is allowed.
pub const TOLERANCE: u32 = 0;

/// What the registry and the GPU engine need to know.
pub static KERNEL: KernelInfo = KernelInfo {
    name: "mask_union",
    source: include_str!("../../shaders/mask_union.wgsl"),
    common: &[],
    workgroup_size: 256,
    bindings: &[
        Binding::Storage { name: "mask" },
        Binding::Uniform { name: "uniforms", size: size_of::<Uniforms>() as u64 },
        Binding::Output { name: "joined" },
    ],
};

/// Settings of one dispatch.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Uniforms {
    /// Words of a mask: rows times words a row.
    pub n_words: u32,
    /// Unused; keeps the struct at whole 16 bytes.
    pub padding_0: u32,
    /// Unused.
    pub padding_1: u32,
    /// Unused.
    pub padding_2: u32,
}
