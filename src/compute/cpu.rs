//! The CPU engine: every kernel's twin, on all cores, with the widest lanes the processor has.

use super::backend::{Backend, ComputeError, DeviceInfo};
use crate::imaging::{ContourInput, ContourSettings, FrameInput, FrameSegmentation, segment_frame};
use crate::kernels::curve_bootstrap::{self, CurvePlan};
use crate::kernels::hazard_ratio_bootstrap::{self, Plan, Replicate};
use crate::kernels::her2_threshold::{self, Thresholded};
use crate::kernels::max_selected_logrank::{self, Maximum};
use crate::kernels::tv_contour::{self, Outlined};
use crate::kernels::{InstructionSet, cox_bootstrap, joint_likelihood, resample_draws};
use rayon::prelude::*;

/// Replicates a task takes: long enough to hide the hand-over (about 0.5 ms at n = 60), short
/// enough that 16 cores share a small run.
const REPLICATES_PER_TASK: usize = 2_048;

/// The same for Cox models, whose replicates take some ten times longer.
const COX_REPLICATES_PER_TASK: usize = 256;

/// Contributions to joint likelihoods a task takes, about a millisecond's.
const CONTRIBUTIONS_PER_TASK: usize = 1_024;

/// Runs the CPU twins with rayon's current thread pool.
#[derive(Clone, Copy, Debug)]
pub struct CpuEngine {
    set: InstructionSet,
}

impl CpuEngine {
    /// The engine with the widest lanes of this processor.
    pub fn new() -> Self {
        Self { set: InstructionSet::best() }
    }

    /// The engine with the lanes of `set`, to compare them.
    pub fn with_instruction_set(set: InstructionSet) -> Self {
        Self { set }
    }
}

impl Default for CpuEngine {
    fn default() -> Self {
        Self::new()
    }
}

impl Backend for CpuEngine {
    fn device(&self) -> DeviceInfo {
        DeviceInfo { backend: "cpu", name: format!("CPU engine ({})", self.set.name()) }
    }

    fn hazard_ratio_bootstrap(
        &self,
        plan: &Plan,
        first: u64,
        out: &mut [Replicate],
    ) -> Result<(), ComputeError> {
        out.par_chunks_mut(REPLICATES_PER_TASK).enumerate().for_each(|(task, out)| {
            let first = first + (task * REPLICATES_PER_TASK) as u64;
            hazard_ratio_bootstrap::cpu(plan, self.set, first, out);
        });
        Ok(())
    }

    fn cox_bootstrap(
        &self,
        plan: &cox_bootstrap::Plan,
        first: u64,
        out: &mut [cox_bootstrap::Replicate],
    ) -> Result<(), ComputeError> {
        out.par_chunks_mut(COX_REPLICATES_PER_TASK).enumerate().for_each(|(task, out)| {
            let first = first + (task * COX_REPLICATES_PER_TASK) as u64;
            cox_bootstrap::cpu(plan, self.set, first, out);
        });
        Ok(())
    }

    fn curve_bootstrap(
        &self,
        plan: &CurvePlan,
        first: u64,
        out: &mut [curve_bootstrap::Replicate],
    ) -> Result<(), ComputeError> {
        out.par_chunks_mut(REPLICATES_PER_TASK).enumerate().for_each(|(task, out)| {
            let first = first + (task * REPLICATES_PER_TASK) as u64;
            curve_bootstrap::cpu(plan, self.set, first, out);
        });
        Ok(())
    }

    fn max_selected_logrank(
        &self,
        plan: &max_selected_logrank::Plan,
        first: u64,
        out: &mut [Maximum],
    ) -> Result<(), ComputeError> {
        out.par_chunks_mut(REPLICATES_PER_TASK).enumerate().for_each(|(task, out)| {
            let first = first + (task * REPLICATES_PER_TASK) as u64;
            max_selected_logrank::cpu(plan, self.set, first, out);
        });
        Ok(())
    }

    fn joint_likelihood(
        &self,
        plan: &joint_likelihood::Plan,
        points: &joint_likelihood::Points,
        out: &mut [f32],
    ) -> Result<(), ComputeError> {
        assert_eq!(out.len(), plan.n_subjects() * points.len(), "a cell a subject and vector");
        out.par_chunks_mut(CONTRIBUTIONS_PER_TASK).enumerate().for_each(|(task, out)| {
            let first = task * CONTRIBUTIONS_PER_TASK;
            joint_likelihood::cpu(plan, points, self.set, first, out);
        });
        Ok(())
    }

    fn resample_draws(
        &self,
        plan: &Plan,
        first: u64,
        units: &mut [u32],
    ) -> Result<(), ComputeError> {
        let task = REPLICATES_PER_TASK * plan.slots.len().max(1);
        units.par_chunks_mut(task).enumerate().for_each(|(index, units)| {
            resample_draws::cpu(plan, first + (index * REPLICATES_PER_TASK) as u64, units);
        });
        Ok(())
    }

    fn her2_threshold(&self, pixels: &[f32], threshold: f32) -> Result<Thresholded, ComputeError> {
        Ok(her2_threshold::cpu(pixels, threshold))
    }

    /// One image is one thread's work: frames are many.
    fn tv_contour(
        &self,
        input: &ContourInput,
        settings: ContourSettings,
    ) -> Result<Outlined, ComputeError> {
        Ok(tv_contour::cpu(input, settings, self.set))
    }

    /// The imaging functions one after the other, on this thread: frames are many.
    fn segment_frame(&self, input: &FrameInput<'_>) -> Result<FrameSegmentation, ComputeError> {
        let evolve = |input: &ContourInput, settings: ContourSettings| {
            Ok(tv_contour::cpu(input, settings, self.set).contour)
        };
        segment_frame(input.frame(), input.settings(), &evolve)
            .map_err(|error| ComputeError::Refused(error.to_string()))
    }
}
