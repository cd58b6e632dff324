//! What the contour of a channel starts from: forces and first guess, from the stored page.
//!
//! # Source
//! As `tv_contour`. The force is a function of the intensity, so the host makes a table of it: no
//! device rounds a division of its own.
//!
//! # Twin and shader
//! The twin is [`ContourInput::prepare`](crate::imaging::ContourInput::prepare) with
//! [`forces`](super::tv_contour::forces).

use super::tv_contour::force;
use super::{Binding, KernelInfo};
use crate::imaging::{IntensityScaling, StoredPlane};
use bytemuck::{Pod, Zeroable};

/// Values looked up in a table: no difference is allowed.
pub const TOLERANCE: u32 = 0;

/// What the registry and the GPU engine need to know.
pub static KERNEL: KernelInfo = KernelInfo {
    name: "contour_start",
    source: include_str!("../../shaders/contour_start.wgsl"),
    common: &[include_str!("../../shaders/common/stored_page.wgsl")],
    workgroup_size: 256,
    bindings: &[
        Binding::Storage { name: "stored" },
        Binding::Storage { name: "forces" },
        Binding::Storage { name: "edge" },
        Binding::Storage { name: "initial" },
        Binding::Uniform { name: "uniforms", size: size_of::<Uniforms>() as u64 },
        Binding::Output { name: "force" },
        Binding::Output { name: "indicator" },
        Binding::Output { name: "extrapolated" },
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
    /// Bits a pixel of the page, 8 or 16.
    pub bits: u32,
    /// Stored values with a force; the force of edge pixels follows them.
    pub n_levels: u32,
    /// Unused; keeps the struct at whole 16 bytes.
    pub padding_0: u32,
    /// Unused.
    pub padding_1: u32,
    /// Unused.
    pub padding_2: u32,
}

/// The force of each stored value and, after them, that of edge pixels, `[n_levels + 1]`.
///
/// `range` is that of the intensities outside the edge mask, `(mu0, mu1)` the class means. A range
/// of one intensity has no classes: all forces are 0.
pub fn force_table(
    page: &StoredPlane,
    range: (f32, f32),
    (mu0, mu1): (f64, f64),
    lambda: f32,
) -> Vec<f32> {
    let Some(scale) = IntensityScaling::of_range(range) else {
        return vec![0.0; page.values().len() + 1];
    };
    let scaled = page.values().iter().map(|&value| scale.f(value));
    // edge pixels are set to the background's mean
    let with_edge = scaled.chain([mu0 as f32]);
    with_edge.map(|f| force(f, (mu0, mu1), lambda)).collect()
}
