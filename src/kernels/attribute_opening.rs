//! Components of a mask that are dropped: too small, or at the image's border.
//!
//! # Source
//! Area opening (Vincent 1993) and border clearing as ACCEPT has them before and after the contour.
//! Both ask an attribute of a component that `label_components` has at its root.
//!
//! # Twin and shader
//! The twins are [`open_area`](crate::imaging::open_area) and
//! [`clear_border`](crate::imaging::clear_border).

use super::{Binding, KernelInfo};
use bytemuck::{Pod, Zeroable};

/// Whole numbers: no difference is allowed.
pub const TOLERANCE: u32 = 0;

/// What the registry and the GPU engine need to know.
pub static KERNEL: KernelInfo = KernelInfo {
    name: "attribute_opening",
    source: include_str!("../../shaders/attribute_opening.wgsl"),
    common: &[],
    workgroup_size: 256,
    bindings: &[
        Binding::Storage { name: "parents" },
        Binding::Storage { name: "areas" },
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
    /// Fewest pixels of a component that is kept.
    pub min_area: u32,
    /// 1 to drop components at the image's border, else 0.
    pub clear_border: u32,
    /// Unused; keeps the struct at whole 16 bytes.
    pub padding_0: u32,
    /// Unused.
    pub padding_1: u32,
    /// Unused.
    pub padding_2: u32,
}
