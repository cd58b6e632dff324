//! What the shader reads and writes.

use super::{EventTime, KERNEL, Plan, Replicate, Scheme, Status, UNWRITTEN, Uniforms};
use crate::numeric::draw::{self, Stream, Width};
use crate::numeric::philox;

/// Most columns the shader takes: more of them spill its registers.
pub const MOST_COLUMNS_ON_DEVICE: usize = 8;

/// Most rows the shader takes: beyond, sums of singles lose the digits the tolerance promises.
pub const MOST_ROWS_ON_DEVICE: usize = 20_000;

/// The inputs of the shader.
#[derive(Clone, Debug)]
pub struct DeviceInputs {
    /// `[n_slots]` bound, rejection threshold, first unit.
    pub slots: Vec<[u32; 3]>,
    /// Units of the outer resamples; one word otherwise.
    pub units: Vec<u32>,
    /// Offsets, rows, leavers.
    pub members: Vec<u32>,
    /// Columns, weights, start, spans.
    pub numbers: Vec<f32>,
    /// `[n_times]` opens stratum, joining, failing, joined, leaving, left.
    pub times: Vec<[u32; 6]>,
    /// Words of scratch a replicate takes.
    pub n_words: usize,
    /// All but the range of replicates.
    uniforms: Uniforms,
}

/// The inputs of the shader for `plan`; `None` where only the twin solves it: more columns or rows
/// than fit, weights in the place of draws, or a penalised likelihood.
pub fn on_device(plan: &Plan) -> Option<DeviceInputs> {
    let draws = matches!(plan.scheme, Scheme::Copies | Scheme::Nested { .. });
    let fits = plan.p <= MOST_COLUMNS_ON_DEVICE && plan.n_rows() <= MOST_ROWS_ON_DEVICE;
    if !draws || !fits || plan.firth || plan.times.is_empty() {
        return None;
    }
    let width = plan.resampling.width();
    let slots: Vec<[u32; 3]> = (plan.resampling.slots().iter())
        .map(|&(base, bound)| [bound, draw::rejection_threshold(width, bound), base])
        .collect();
    let n_offsets = plan.first_member.len() as u32;
    let mut members: Vec<u32> = plan.first_member.iter().map(|at| at + n_offsets).collect();
    members.extend(&plan.members);
    let leavers = if plan.leavers.is_empty() { 0 } else { members.len() as u32 };
    members.extend(&plan.leavers);
    let numbers = (plan.x.iter())
        .chain(plan.weight.iter().flatten())
        .chain(&plan.start)
        .chain(&plan.span)
        .map(|&value| value as f32)
        .collect();
    let times = (plan.times.iter())
        .map(|time| {
            let EventTime { opens_stratum, joining, failing, leaving } = time;
            let places = [joining.start, *failing, joining.end, leaving.start, leaving.end];
            let [joining, failing, joined, leaving, left] = places.map(|place| place as u32);
            [u32::from(*opens_stratum), joining, failing, joined, leaving, left]
        })
        .collect();
    let (stream, per_outer, first_outer, units) = match &plan.scheme {
        Scheme::Nested { first_outer, per_outer, outer_units } => {
            (Stream::Nested, *per_outer, *first_outer, outer_units.clone())
        }
        _ => (Stream::Resample, 0, 0, vec![0]),
    };
    let [key_0, key_1] = philox::key_of_seed(plan.resampling.seed());
    let uniforms = Uniforms {
        key_0,
        key_1,
        first_low: 0,
        first_high: 0,
        n_replicates: 0,
        n_slots: slots.len() as u32,
        narrow: u32::from(width == Width::Narrow),
        stride: 0,
        stream: stream as u32,
        per_outer,
        first_outer,
        n_rows: plan.n_rows() as u32,
        n_times: plan.times.len() as u32,
        efron: u32::from(plan.efron),
        weighted: u32::from(plan.weight.is_some()),
        leavers,
    };
    let n_words = (2 + usize::from(leavers > 0)) * plan.n_rows() + 2 * plan.times.len();
    Some(DeviceInputs { slots, units, members, numbers, times, n_words, uniforms })
}

impl DeviceInputs {
    /// The uniforms of a dispatch of `n` replicates from `first`.
    pub fn uniforms(&self, first: u64, n: u32) -> Uniforms {
        Uniforms {
            first_low: first as u32,
            first_high: (first >> 32) as u32,
            n_replicates: n,
            stride: n,
            ..self.uniforms
        }
    }
}

/// The shader's text for `p` columns.
pub fn wgsl(p: usize) -> String {
    KERNEL.wgsl().replace("const COLUMNS: u32 = 8u;", &format!("const COLUMNS: u32 = {p}u;"))
}

/// A replicate from the words the shader wrote.
pub fn of_words(plan: &Plan, words: [u32; 4]) -> Replicate {
    let [coef, information] = [words[0], words[1]].map(|word| f64::from(f32::from_bits(word)));
    match words[2] {
        1 => Replicate {
            coef: coef / plan.scale,
            std_err: 1.0 / (information.sqrt() * plan.scale),
            status: Status::Estimable,
        },
        2 => Replicate { status: Status::NeedsHost, ..UNWRITTEN },
        _ => UNWRITTEN,
    }
}
