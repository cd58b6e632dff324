//! Which units the slots of replicates draw, written out: for hashing a run's draws and for
//! proving that every device draws alike.
//!
//! # Source
//! The draw layout of [`crate::numeric::draw`]. Twin and shader must agree bit for bit.

use super::hazard_ratio_bootstrap::Plan;
use super::{Binding, KernelInfo};
use crate::numeric::draw::Width;
use crate::numeric::philox;
use bytemuck::{Pod, Zeroable};

/// Units are integers: no difference is allowed.
pub const TOLERANCE: u32 = 0;

/// What the registry and the GPU engine need to know.
pub static KERNEL: KernelInfo = KernelInfo {
    name: "resample_draws",
    source: include_str!("../../shaders/resample_draws.wgsl"),
    common: &[include_str!("../../shaders/common/philox.wgsl")],
    workgroup_size: 64,
    bindings: &[
        Binding::Storage { name: "slots" },
        Binding::Uniform { name: "uniforms", size: size_of::<Uniforms>() as u64 },
        Binding::Output { name: "units" },
    ],
};

/// Settings of one dispatch.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Uniforms {
    /// Low word of the seed.
    pub key_0: u32,
    /// High word of the seed.
    pub key_1: u32,
    /// Low word of the first replicate's number.
    pub first_low: u32,
    /// High word of the first replicate's number.
    pub first_high: u32,
    /// Number of replicates.
    pub n_replicates: u32,
    /// Number of draws a replicate.
    pub n_slots: u32,
    /// 1: 16-bit draws, 0: 32-bit draws.
    pub narrow: u32,
    /// Purpose of the draws ([`Stream`](crate::numeric::draw::Stream)).
    pub stream: u32,
}

/// The uniforms of a dispatch of `n_replicates` of `plan` from `first`.
pub fn uniforms(plan: &Plan, first: u64, n_replicates: u32) -> Uniforms {
    let [key_0, key_1] = philox::key_of_seed(plan.seed);
    Uniforms {
        key_0,
        key_1,
        first_low: first as u32,
        first_high: (first >> 32) as u32,
        n_replicates,
        n_slots: plan.slots.len() as u32,
        narrow: u32::from(plan.width == Width::Narrow),
        stream: plan.stream as u32,
    }
}

/// CPU twin: `units` is `[n_replicates x n_slots]`, row-major, from replicate `first`.
pub fn cpu(plan: &Plan, first: u64, units: &mut [u32]) {
    let n_slots = plan.slots.len();
    if n_slots == 0 {
        return;
    }
    for (row, units) in units.chunks_mut(n_slots).enumerate() {
        for (slot, unit) in units.iter_mut().enumerate() {
            *unit = plan.draw(first + row as u64, slot);
        }
    }
}
