//! Sums over each object's pixels in a channel: intensities, extremes, places.
//!
//! # Source
//! What the feature table of ACCEPT (Zeune et al. 2017, PLoS ONE 12:e0186562) needs, as whole
//! numbers: counts, sums of intensities in units of 2^-24, least and greatest, box, first and second
//! moments. Medians, standard deviations and perimeters the host finds on the labels.
//!
//! # Twin and shader
//! The twin is [`region_sums`](crate::imaging::region_sums()). Additions of whole numbers, 64 bits in
//! two words in the shader: up to 2^23 pixels of 16 bits.

use crate::imaging::{PixelBox, RegionSums, StoredPlane};

use super::{Binding, KernelInfo};
use bytemuck::{Pod, Zeroable};

/// Whole numbers: no difference is allowed.
pub const TOLERANCE: u32 = 0;

/// What the registry and the GPU engine need to know.
pub static KERNEL: KernelInfo = KernelInfo {
    name: "region_sums",
    source: include_str!("../../shaders/region_sums.wgsl"),
    common: &[
        include_str!("../../shaders/common/wide.wgsl"),
        include_str!("../../shaders/common/stored_page.wgsl"),
    ],
    workgroup_size: 256,
    bindings: &[
        Binding::Storage { name: "stored" },
        Binding::Storage { name: "units" },
        Binding::Storage { name: "labels" },
        Binding::Storage { name: "own" },
        Binding::Storage { name: "shared_mask" },
        Binding::Uniform { name: "uniforms", size: size_of::<Uniforms>() as u64 },
        Binding::Output { name: "records" },
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
}

/// Words of an object's record.
pub const RECORD: usize = 22;

/// The intensities of a page's stored values in units of 2^-24, as the shader adds them.
pub fn units(plane: &StoredPlane) -> Vec<[u32; 2]> {
    plane.units().map(|units| [units as u32, (units >> 32) as u32]).collect()
}

/// The sums of each object from the shader's `records`.
pub fn of_records(records: &[u32], plane: &StoredPlane) -> Vec<RegionSums> {
    let (records, _) = records.as_chunks::<RECORD>();
    records.iter().map(|record| of_record(record, plane)).collect()
}

fn of_record(record: &[u32; RECORD], plane: &StoredPlane) -> RegionSums {
    let wide = |entry: usize| u64::from(record[entry + 1]) << 32 | u64::from(record[entry]);
    let intensity = |entry: usize| i128::from(wide(entry).cast_signed());
    let n = u64::from(record[0]);
    let union_sum = intensity(10);
    if n == 0 {
        return RegionSums { union_sum, ..RegionSums::NONE };
    }
    let value = |level: u32| plane.values()[level as usize];
    RegionSums {
        n,
        n_shared: u64::from(record[1]),
        sum: intensity(8),
        union_sum,
        range: (value(!record[2]), value(record[3] - 1)),
        bbox: Some(PixelBox {
            row0: !record[4] as usize,
            row1: record[5] as usize,
            col0: !record[6] as usize,
            col1: record[7] as usize,
        }),
        first_moments: [wide(12), wide(14)],
        second_moments: [wide(16), wide(18), wide(20)],
    }
}
