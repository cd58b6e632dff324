//! Counts of stored values in the eight classes that three masks make of a page's pixels.
//!
//! # Source
//! Everything of a channel that is a sum or an order statistic over many pixels is read off these
//! counts: the range outside the edge mask, the class means of the first guess, the medians that
//! intensities are measured against (ACCEPT, Zeune et al. 2017, PLoS ONE 12:e0186562). The host
//! combines them with the page's table of intensities, exactly.
//!
//! # Twin and shader
//! The same counts; the shader gathers pages of 8 bits in workgroup memory first.

use crate::imaging::{Mask, Samples, StoredPlane};

use super::{Binding, KernelInfo};
use bytemuck::{Pod, Zeroable};

/// Whole numbers: no difference is allowed.
pub const TOLERANCE: u32 = 0;

/// What the registry and the GPU engine need to know.
pub static KERNEL: KernelInfo = KernelInfo {
    name: "class_histogram",
    source: include_str!("../../shaders/class_histogram.wgsl"),
    common: &[],
    workgroup_size: 256,
    bindings: &[
        Binding::Storage { name: "stored" },
        Binding::Storage { name: "first" },
        Binding::Storage { name: "second" },
        Binding::Storage { name: "third" },
        Binding::Uniform { name: "uniforms", size: size_of::<Uniforms>() as u64 },
        Binding::Output { name: "counts" },
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
    /// Levels of `counts`; stored values are less.
    pub n_levels: u32,
    /// Unused; keeps the struct at whole 16 bytes.
    pub padding_0: u32,
    /// Unused.
    pub padding_1: u32,
    /// Unused.
    pub padding_2: u32,
}

/// Classes of pixels.
pub const N_CLASSES: usize = 8;

/// Workgroups for masks of `n_words` and a page of `bits` a pixel.
pub fn n_workgroups(n_words: usize, bits: u32) -> usize {
    (n_words * bits as usize).div_ceil(2_048)
}

/// Counts of stored values by class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassHistogram {
    /// Levels a class.
    pub n_levels: usize,
    /// `[8 x n_levels]`: class is 1 for pixels of the first mask, + 2 for the second, + 4 for the
    /// third.
    pub counts: Vec<u32>,
}

impl ClassHistogram {
    /// Counts over the classes for which `takes` is true, `[n_levels]`.
    pub fn over(&self, takes: impl Fn(usize) -> bool) -> Vec<u32> {
        let mut sums = vec![0; self.n_levels];
        let classes = self.counts.chunks_exact(self.n_levels.max(1)).enumerate();
        for (_, counts) in classes.filter(|(class, _)| takes(*class)) {
            for (sum, count) in sums.iter_mut().zip(counts) {
                *sum += count;
            }
        }
        sums
    }
}

/// CPU twin; the masks have the page's size.
///
/// ```
/// use herscope::imaging::{IntensityScale, Mask, RawPage, Samples, StoredPlane};
/// use herscope::kernels::class_histogram::cpu;
/// let samples = Samples::U8(vec![5, 5, 7]);
/// let page = RawPage { rows: 1, cols: 3, samples, limits: None };
/// let page = StoredPlane::new(page, IntensityScale::Stored)?;
/// let (none, last) = (Mask::empty(1, 3), Mask { rows: 1, cols: 3, pixels: vec![false, false, true] });
/// let found = cpu(&page, [&last, &none, &last]);
/// assert_eq!((found.over(|class| class == 0)[5], found.over(|class| class == 5)[7]), (2, 1));
/// # Ok::<(), herscope::Error>(())
/// ```
pub fn cpu(plane: &StoredPlane, masks: [&Mask; 3]) -> ClassHistogram {
    let n_levels = n_levels(plane);
    let mut counts = vec![0; N_CLASSES * n_levels];
    let class_of = |index: usize| {
        let bits = masks.iter().rev();
        bits.fold(0, |class, mask| class << 1 | usize::from(mask.pixels[index]))
    };
    let mut count = |index: usize, value: usize| counts[class_of(index) * n_levels + value] += 1;
    match plane.samples() {
        Samples::U8(values) => {
            values.iter().enumerate().for_each(|(index, &value)| count(index, value.into()));
        }
        Samples::U16(values) => {
            values.iter().enumerate().for_each(|(index, &value)| count(index, value.into()));
        }
    }
    ClassHistogram { n_levels, counts }
}

/// Levels of a page's counts: as many as it has intensities.
pub fn n_levels(plane: &StoredPlane) -> usize {
    plane.values().len()
}
