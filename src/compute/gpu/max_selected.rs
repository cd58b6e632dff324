//! Maximally selected statistics on the device.

use super::{Argument, GpuEngine, copy_words};
use crate::compute::backend::ComputeError;
use crate::kernels::max_selected_logrank::{KERNEL, Maximum, Plan};
use std::time::Instant;

impl GpuEngine {
    /// Fills `out` with the permutations of `plan` from number `first`.
    pub(super) fn permute_scores(
        &self,
        plan: &Plan,
        first: u64,
        out: &mut [Maximum],
    ) -> Result<(), ComputeError> {
        let n_scores = plan.selection.scores.len();
        let fits = self.replicates_that_fit(n_scores);
        let mut done = 0;
        while done < out.len() {
            let left = (out.len() - done).min(u32::MAX as usize) as u32;
            let n = self.permutations.next().min(fits).min(left);
            let uniforms = plan.uniforms(first + done as u64, n, n);
            let begin = Instant::now();
            let outputs = self.dispatch(
                &KERNEL,
                &[
                    Argument::Input(bytemuck::cast_slice(plan.slots())),
                    Argument::Input(bytemuck::cast_slice(&plan.selection.scores)),
                    Argument::Input(bytemuck::cast_slice(&plan.selection.cuts)),
                    Argument::Input(bytemuck::bytes_of(&uniforms)),
                    Argument::Scratch(4 * n_scores as u64 * u64::from(n)),
                    Argument::Output(size_of::<Maximum>() as u64 * u64::from(n)),
                ],
                n.div_ceil(KERNEL.workgroup_size),
            )?;
            self.permutations.learn(n, begin.elapsed());
            let part = &mut out[done..done + n as usize];
            copy_words(&outputs[0], part);
            let unwritten = part.iter().filter(|maximum| maximum.value().is_none()).count();
            if unwritten > 0 {
                return Err(ComputeError::Unwritten(unwritten));
            }
            done += n as usize;
        }
        Ok(())
    }
}
