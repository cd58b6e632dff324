//! Likelihood contributions of joint models on the device.

use super::{Argument, GpuEngine, copy_words};
use crate::compute::backend::{Backend, ComputeError};
use crate::compute::cpu::CpuEngine;
use crate::kernels::joint_likelihood::{KERNEL, Plan, Points};
use std::time::Instant;

/// Turns of all loops of an invocation at most: Mesa's llvmpipe ends them, without a word, after
/// 65 535. A model with the default nodes takes some thousands.
const MOST_TURNS: u64 = 60_000;

impl GpuEngine {
    /// Fills `out` with the contributions of `plan` under `points`.
    pub(super) fn contributions(
        &self,
        plan: &Plan,
        points: &Points,
        out: &mut [f32],
    ) -> Result<(), ComputeError> {
        assert_eq!(out.len(), plan.n_subjects() * points.len(), "a cell a subject and vector");
        if plan.most_turns() > MOST_TURNS {
            return CpuEngine::new().joint_likelihood(plan, points, out);
        }
        if u32::try_from(out.len()).is_err() {
            let (needed, limit) = (out.len() as u64, u64::from(u32::MAX));
            return Err(ComputeError::Limit { what: "contributions", needed, limit });
        }
        let fits = self.replicates_that_fit(plan.n_scratch());
        let mut done = 0;
        while done < out.len() {
            let left = (out.len() - done) as u32;
            let n = self.contributions.next().min(fits).min(left);
            let uniforms = plan.uniforms(points, done as u32, n);
            let begin = Instant::now();
            let outputs = self.dispatch(
                &KERNEL,
                &[
                    Argument::Input(bytemuck::cast_slice(plan.subjects())),
                    Argument::Input(bytemuck::cast_slice(plan.numbers())),
                    Argument::Input(bytemuck::cast_slice(points.words())),
                    Argument::Input(bytemuck::bytes_of(&uniforms)),
                    Argument::Scratch(4 * plan.n_scratch() as u64 * u64::from(n)),
                    Argument::Output(4 * u64::from(n)),
                ],
                n.div_ceil(KERNEL.workgroup_size),
            )?;
            self.contributions.learn(n, begin.elapsed());
            let part = &mut out[done..done + n as usize];
            copy_words(&outputs[0], part);
            for cell in part.iter_mut() {
                *cell = f32::from_bits(!cell.to_bits());
            }
            let unwritten = part.iter().filter(|cell| cell.is_nan()).count();
            if unwritten > 0 {
                return Err(ComputeError::Unwritten(unwritten));
            }
            done += n as usize;
        }
        Ok(())
    }
}
