//! Pixels above a threshold as a bit mask, their number, and the histogram of the plane.
//!
//! # Source
//! Initial mask and histogram of ACCEPT (Zeune et al., PLoS ONE 12 (2017) e0186562) as
//! `docs/methods.md` states them: bin `k` counts `k <= v < k + 1` for `k` in 1..=65535, values
//! below 1 are not counted, foreground is `v > threshold`. A value that is not finite is neither
//! counted nor foreground. Only comparisons and integers: twin and shader agree bit for bit.

use super::{Binding, KernelInfo};
use bytemuck::{Pod, Zeroable};

/// Masks and counts are integers: no difference is allowed.
pub const TOLERANCE: u32 = 0;

/// Number of histogram bins, bin 0 among them.
pub const N_BINS: usize = 65_536;

/// Pixels a workgroup takes.
pub const PIXELS_PER_WORKGROUP: usize = 8_192;

/// What the registry and the GPU engine need to know.
pub static KERNEL: KernelInfo = KernelInfo {
    name: "her2_threshold",
    source: include_str!("../../shaders/her2_threshold.wgsl"),
    common: &[],
    workgroup_size: 256,
    bindings: &[
        Binding::Storage { name: "pixels" },
        Binding::Uniform { name: "uniforms", size: size_of::<Uniforms>() as u64 },
        Binding::Output { name: "mask" },
        Binding::Output { name: "histogram" },
        Binding::Output { name: "n_above" },
    ],
};

/// Settings of one dispatch.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Uniforms {
    /// Number of pixels.
    pub n_pixels: u32,
    /// Foreground lies above this, in the plane's intensity units.
    pub threshold: f32,
    /// Unused; keeps the struct at 16 bytes.
    pub padding_0: u32,
    /// Unused.
    pub padding_1: u32,
}

/// What thresholding a plane gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thresholded {
    /// `[ceil(n_pixels / 32)]`: bit `i` of word `w` is pixel `32 w + i`.
    pub mask: Vec<u32>,
    /// `[65536]` counts.
    pub histogram: Vec<u32>,
    /// Number of foreground pixels.
    pub n_above: u32,
}

impl Thresholded {
    /// Whether pixel `index` is foreground.
    pub fn is_above(&self, index: usize) -> bool {
        self.mask[index / 32] >> (index % 32) & 1 == 1
    }
}

/// CPU twin on `pixels` in any order.
///
/// ```
/// use herscope::kernels::her2_threshold::cpu;
/// let done = cpu(&[0.5, 3.0, 3.9, 200.0], 3.0);
/// assert_eq!((done.n_above, done.histogram[3], done.mask[0]), (2, 2, 0b1100));
/// ```
pub fn cpu(pixels: &[f32], threshold: f32) -> Thresholded {
    let mut histogram = vec![0_u32; N_BINS];
    let mut n_above = 0;
    let mask = pixels
        .chunks(32)
        .map(|chunk| {
            let mut word = 0_u32;
            for (bit, &value) in chunk.iter().enumerate() {
                let finite = value.is_finite();
                if finite && value >= 1.0 {
                    histogram[(value.min(65_535.0) as usize).min(N_BINS - 1)] += 1;
                }
                word |= u32::from(finite && value > threshold) << bit;
            }
            n_above += word.count_ones();
            word
        })
        .collect();
    Thresholded { mask, histogram, n_above }
}
