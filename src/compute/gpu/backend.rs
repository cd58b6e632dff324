//! What [`Backend`] asks, kernel by kernel: each operation is a list of buffers.

use super::{Argument, GpuEngine, MOST_REPLICATES, copy_words};
use crate::compute::backend::{Backend, ComputeError, DeviceInfo};
use crate::compute::cpu::CpuEngine;
use crate::compute::select::Adapter;
use crate::imaging::{ContourInput, ContourSettings, FrameInput, FrameSegmentation};
use crate::kernels::curve_bootstrap::{self, CurvePlan};
use crate::kernels::hazard_ratio_bootstrap::{self, Plan, Replicate};
use crate::kernels::her2_threshold::{self, Thresholded};
use crate::kernels::max_selected_logrank::{self, Maximum};
use crate::kernels::tv_contour::Outlined;
use crate::kernels::{InstructionSet, cox_bootstrap, joint_likelihood, resample_draws};
use bytemuck::Zeroable;
use rayon::prelude::*;
use std::time::Instant;

impl Backend for GpuEngine {
    fn device(&self) -> DeviceInfo {
        let Adapter { name, api, driver, .. } = &self.info;
        DeviceInfo { backend: "gpu", name: format!("{name} ({api}, {driver})") }
    }

    fn hazard_ratio_bootstrap(
        &self,
        plan: &Plan,
        first: u64,
        out: &mut [Replicate],
    ) -> Result<(), ComputeError> {
        let fits = self.replicates_that_fit(plan.n_words());
        let mut done = 0;
        while done < out.len() {
            let left = (out.len() - done).min(u32::MAX as usize) as u32;
            let n = self.replicates.next().min(fits).min(left);
            let uniforms = plan.uniforms(first + done as u64, n, n);
            let begin = Instant::now();
            let outputs = self.dispatch(
                &hazard_ratio_bootstrap::KERNEL,
                &[
                    Argument::Input(bytemuck::cast_slice(&plan.slots)),
                    Argument::Input(bytemuck::cast_slice(&plan.units)),
                    Argument::Input(bytemuck::bytes_of(&uniforms)),
                    Argument::Scratch(4 * plan.n_words() as u64 * u64::from(n)),
                    Argument::Output(16 * u64::from(n)),
                ],
                n.div_ceil(hazard_ratio_bootstrap::KERNEL.workgroup_size),
            )?;
            self.replicates.learn(n, begin.elapsed());
            let part = &mut out[done..done + n as usize];
            copy_words(&outputs[0], part);
            let unwritten = part.iter().filter(|replicate| replicate.status().is_none()).count();
            if unwritten > 0 {
                return Err(ComputeError::Unwritten(unwritten));
            }
            done += n as usize;
        }
        Ok(())
    }

    fn cox_bootstrap(
        &self,
        plan: &cox_bootstrap::Plan,
        first: u64,
        out: &mut [cox_bootstrap::Replicate],
    ) -> Result<(), ComputeError> {
        let Some(inputs) = cox_bootstrap::on_device(plan) else {
            return CpuEngine::new().cox_bootstrap(plan, first, out);
        };
        let bytes = 4 * inputs.n_words as u64;
        let fits = self.limits.max_storage_buffer_binding_size / bytes;
        let fits = fits.min(u64::from(MOST_REPLICATES)) as u32;
        let mut done = 0;
        while done < out.len() {
            let left = (out.len() - done).min(u32::MAX as usize) as u32;
            let n = self.cox_replicates.next().min(fits).min(left);
            let uniforms = inputs.uniforms(first + done as u64, n);
            let begin = Instant::now();
            let outputs = self.dispatch_for(
                &cox_bootstrap::KERNEL,
                plan.p,
                &[
                    Argument::Input(bytemuck::cast_slice(&inputs.slots)),
                    Argument::Input(bytemuck::cast_slice(&inputs.units)),
                    Argument::Input(bytemuck::cast_slice(&inputs.members)),
                    Argument::Input(bytemuck::cast_slice(&inputs.numbers)),
                    Argument::Input(bytemuck::cast_slice(&inputs.times)),
                    Argument::Input(bytemuck::bytes_of(&uniforms)),
                    Argument::Scratch(bytes * u64::from(n)),
                    Argument::Output(16 * u64::from(n)),
                ],
                n.div_ceil(cox_bootstrap::KERNEL.workgroup_size),
            )?;
            self.cox_replicates.learn(n, begin.elapsed());
            let mut words = vec![[0_u32; 4]; n as usize];
            copy_words(&outputs[0], &mut words);
            for (out, words) in out[done..].iter_mut().zip(words) {
                *out = cox_bootstrap::of_words(plan, words);
            }
            done += n as usize;
        }
        solve_handed_back(plan, first, out)
    }

    fn curve_bootstrap(
        &self,
        plan: &CurvePlan,
        first: u64,
        out: &mut [curve_bootstrap::Replicate],
    ) -> Result<(), ComputeError> {
        let fits = self.replicates_that_fit(plan.n_scratch());
        let widths = plan.ticks();
        let mut done = 0;
        while done < out.len() {
            let left = (out.len() - done).min(u32::MAX as usize) as u32;
            let n = self.replicates.next().min(fits).min(left);
            let uniforms = plan.uniforms(first + done as u64, n, n);
            let begin = Instant::now();
            let outputs = self.dispatch(
                &curve_bootstrap::KERNEL,
                &[
                    Argument::Input(bytemuck::cast_slice(&plan.draws.slots)),
                    Argument::Input(bytemuck::cast_slice(&plan.draws.units)),
                    Argument::Input(bytemuck::cast_slice(&plan.begin)),
                    Argument::Input(bytemuck::cast_slice(&widths)),
                    Argument::Input(bytemuck::bytes_of(&uniforms)),
                    Argument::Scratch(4 * plan.n_scratch() as u64 * u64::from(n)),
                    Argument::Output(16 * u64::from(n)),
                ],
                n.div_ceil(curve_bootstrap::KERNEL.workgroup_size),
            )?;
            self.replicates.learn(n, begin.elapsed());
            let mut words = vec![[0_u32; 4]; n as usize];
            copy_words(&outputs[0], &mut words);
            let part = &mut out[done..done + n as usize];
            let mut unwritten = 0;
            for (replicate, words) in part.iter_mut().zip(words) {
                *replicate = plan.decode(words);
                unwritten += usize::from(*replicate == curve_bootstrap::Replicate::Unwritten);
            }
            if unwritten > 0 {
                return Err(ComputeError::Unwritten(unwritten));
            }
            done += n as usize;
        }
        Ok(())
    }

    fn max_selected_logrank(
        &self,
        plan: &max_selected_logrank::Plan,
        first: u64,
        out: &mut [Maximum],
    ) -> Result<(), ComputeError> {
        self.permute_scores(plan, first, out)
    }

    fn joint_likelihood(
        &self,
        plan: &joint_likelihood::Plan,
        points: &joint_likelihood::Points,
        out: &mut [f32],
    ) -> Result<(), ComputeError> {
        self.contributions(plan, points, out)
    }

    fn resample_draws(
        &self,
        plan: &Plan,
        first: u64,
        units: &mut [u32],
    ) -> Result<(), ComputeError> {
        let n_slots = plan.slots.len().max(1);
        let row_bytes = 4 * n_slots as u64;
        let rows = (self.limits.max_storage_buffer_binding_size / row_bytes).clamp(1, 65_536);
        for (chunk, units) in units.chunks_mut(rows as usize * n_slots).enumerate() {
            let n = (units.len() / n_slots) as u32;
            let uniforms = resample_draws::uniforms(plan, first + chunk as u64 * rows, n);
            let outputs = self.dispatch(
                &resample_draws::KERNEL,
                &[
                    Argument::Input(bytemuck::cast_slice(&plan.slots)),
                    Argument::Input(bytemuck::bytes_of(&uniforms)),
                    Argument::Output(size_of_val(units) as u64),
                ],
                n.div_ceil(resample_draws::KERNEL.workgroup_size),
            )?;
            copy_words(&outputs[0], units);
        }
        Ok(())
    }

    fn her2_threshold(&self, pixels: &[f32], threshold: f32) -> Result<Thresholded, ComputeError> {
        let mut mask = vec![0_u32; pixels.len().div_ceil(32)];
        let mut histogram = vec![0_u32; her2_threshold::N_BINS];
        let mut n_above = [0_u32];
        if pixels.is_empty() {
            return Ok(Thresholded { mask, histogram, n_above: 0 });
        }
        let uniforms = her2_threshold::Uniforms {
            n_pixels: pixels.len() as u32,
            threshold,
            ..her2_threshold::Uniforms::zeroed()
        };
        let outputs = self.dispatch(
            &her2_threshold::KERNEL,
            &[
                Argument::Input(bytemuck::cast_slice(pixels)),
                Argument::Input(bytemuck::bytes_of(&uniforms)),
                Argument::Output(size_of_val(mask.as_slice()) as u64),
                Argument::Output(size_of_val(histogram.as_slice()) as u64),
                Argument::Output(4),
            ],
            pixels.len().div_ceil(her2_threshold::PIXELS_PER_WORKGROUP) as u32,
        )?;
        copy_words(&outputs[0], &mut mask);
        copy_words(&outputs[1], &mut histogram);
        copy_words(&outputs[2], &mut n_above);
        Ok(Thresholded { mask, histogram, n_above: n_above[0] })
    }

    fn tv_contour(
        &self,
        input: &ContourInput,
        settings: ContourSettings,
    ) -> Result<Outlined, ComputeError> {
        self.evolve_contour(input, settings)
    }

    fn segment_frame(&self, input: &FrameInput<'_>) -> Result<FrameSegmentation, ComputeError> {
        self.segment_on_device(input)
    }
}

/// Solves on the CPU what singles could not, or says how much was never written.
fn solve_handed_back(
    plan: &cox_bootstrap::Plan,
    first: u64,
    out: &mut [cox_bootstrap::Replicate],
) -> Result<(), ComputeError> {
    use cox_bootstrap::{Status, UNWRITTEN};
    let is = |status| move |one: &&cox_bootstrap::Replicate| one.status == status;
    let unwritten = out.iter().filter(is(Status::Unwritten)).count();
    if unwritten > 0 {
        return Err(ComputeError::Unwritten(unwritten));
    }
    let places: Vec<usize> =
        (0..out.len()).filter(|&place| out[place].status == Status::NeedsHost).collect();
    let solved: Vec<Vec<cox_bootstrap::Replicate>> = places
        .par_chunks(64)
        .map(|places| {
            let numbers: Vec<u64> = places.iter().map(|&place| first + place as u64).collect();
            let mut solved = vec![UNWRITTEN; places.len()];
            cox_bootstrap::cpu_of(plan, InstructionSet::best(), &numbers, &mut solved);
            solved
        })
        .collect();
    for (&place, solved) in places.iter().zip(solved.into_iter().flatten()) {
        out[place] = solved;
    }
    Ok(())
}
