//! The contour on the device: many passes over buffers that stay there.

use super::GpuEngine;
use super::pixels::Grid;
use crate::compute::backend::ComputeError;
use crate::imaging::{Contour, ContourInput, ContourSettings};
use crate::kernels::packing::unpacked_mask;
use crate::kernels::tv_contour::{
    KERNEL, Outlined, STEPS_AT_HAND, State, Step, StepSizes, Uniforms, forces, stop_factor,
    without_pixels,
};
use bytemuck::Zeroable;
use std::time::Instant;
use wgpu::BufferUsages;

/// The buffers of a contour, and what is bound in each of the three passes.
pub(super) struct ContourBuffers {
    /// `[rows x cols]` singles: what the contour starts from.
    pub(super) force: wgpu::Buffer,
    /// `[rows x cols]` singles: the first guess, then the contour's.
    pub(super) indicator: wgpu::Buffer,
    /// `[rows x cols]` singles: the first guess once more.
    pub(super) extrapolated: wgpu::Buffer,
    steps: wgpu::Buffer,
    dual: wgpu::Buffer,
    state: wgpu::Buffer,
    passes: Vec<wgpu::BindGroup>,
    /// Segments of a row and rows.
    workgroups: [u32; 2],
}

impl GpuEngine {
    /// Evolves a contour from the host's memory.
    pub(super) fn evolve_contour(
        &self,
        input: &ContourInput,
        settings: ContourSettings,
    ) -> Result<Outlined, ComputeError> {
        if input.scaled.pixels.is_empty() {
            return Ok(without_pixels(input, settings));
        }
        let grid = Grid::new(input.scaled.rows, input.scaled.cols)?;
        let buffers = self.contour_buffers(grid)?;
        let force = forces(input, settings.lambda);
        let guess: Vec<f32> =
            input.initial.pixels.iter().map(|&set| f32::from(u8::from(set))).collect();
        for (buffer, values) in [
            (&buffers.force, &force),
            (&buffers.indicator, &guess),
            (&buffers.extrapolated, &guess),
        ] {
            self.queue.write_buffer(buffer, 0, bytemuck::cast_slice(values));
        }
        let state = self.run_contour(&buffers, settings)?;
        let foreground = self.storage(grid.n_words());
        let words = self.record(|recorder| {
            recorder.contour_mask(grid, &buffers.indicator, &foreground)?;
            recorder.take(&foreground, grid.n_words());
            Ok(())
        })?;
        let mask = unpacked_mask(grid.rows, grid.cols, &words[0]);
        let contour = Contour { mask, iterations: state.iterations };
        Ok(Outlined { contour, last_change: state.last_change() })
    }

    /// Iterates from the force and first guess that the buffers hold; looks at the device's stop
    /// flag once a submission.
    pub(super) fn run_contour(
        &self,
        buffers: &ContourBuffers,
        settings: ContourSettings,
    ) -> Result<State, ComputeError> {
        let mut step_sizes = StepSizes::start();
        let mut state = State::zeroed();
        while state.stopped == 0 && state.iterations < settings.max_iterations {
            let left = settings.max_iterations - state.iterations;
            let n = self.contour_iterations.next().min(left);
            let begin = Instant::now();
            let steps: Vec<Step> = step_sizes.by_ref().take(n as usize).collect();
            let (submission, copy) = self.iterate(buffers, state.iterations, &steps)?;
            let bytes = self.read_after(Some(submission), &copy)?;
            let read: State = bytemuck::pod_read_unaligned(&bytes);
            if read.stopped == 0 && read.iterations != state.iterations + n {
                return Err(ComputeError::Unwritten(n as usize));
            }
            state = read;
            self.contour_iterations.learn(n, begin.elapsed());
        }
        Ok(state)
    }

    /// Memory for contours of images of one size.
    pub(super) fn contour_buffers(&self, grid: Grid) -> Result<ContourBuffers, ComputeError> {
        let compiled = self.compile(&KERNEL, 0)?;
        self.scoped(|| {
            let n = grid.n_pixels();
            let [force, indicator, extrapolated] = [(); 3].map(|()| self.storage(n));
            let steps = self.storage(STEPS_AT_HAND * size_of::<Step>() / 4);
            let (dual, state) = (self.storage(2 * n), self.storage(size_of::<State>() / 4));
            let passes = (0..3)
                .map(|pass_number| {
                    let uniforms = Uniforms {
                        rows: grid.rows as u32,
                        cols: grid.cols as u32,
                        pass_number,
                        stop_factor: stop_factor(n) as u32,
                    };
                    let bytes = bytemuck::bytes_of(&uniforms);
                    let usage = BufferUsages::UNIFORM | BufferUsages::COPY_DST;
                    let uniforms = self.buffer(bytes.len() as u64, usage);
                    self.queue.write_buffer(&uniforms, 0, bytes);
                    let buffers =
                        [&force, &steps, &uniforms, &indicator, &extrapolated, &dual, &state];
                    let entries: Vec<wgpu::BindGroupEntry<'_>> = (0..)
                        .zip(buffers)
                        .map(|(binding, buffer)| wgpu::BindGroupEntry {
                            binding,
                            resource: buffer.as_entire_binding(),
                        })
                        .collect();
                    self.device.create_bind_group(&wgpu::BindGroupDescriptor {
                        label: Some(KERNEL.name),
                        layout: &compiled.layout,
                        entries: &entries,
                    })
                })
                .collect();
            let workgroups = [grid.cols.div_ceil(64) as u32, grid.rows as u32];
            ContourBuffers {
                force,
                indicator,
                extrapolated,
                steps,
                dual,
                state,
                passes,
                workgroups,
            }
        })
    }

    /// Submits an iteration a step and returns a mappable copy of the state after them.
    fn iterate(
        &self,
        buffers: &ContourBuffers,
        first: u32,
        steps: &[Step],
    ) -> Result<(wgpu::SubmissionIndex, wgpu::Buffer), ComputeError> {
        let compiled = self.compile(&KERNEL, 0)?;
        self.scoped(|| {
            for (iteration, step) in (first as usize..).zip(steps) {
                let offset = iteration % STEPS_AT_HAND * size_of::<Step>();
                self.queue.write_buffer(&buffers.steps, offset as u64, bytemuck::bytes_of(step));
            }
            let mut encoder = self.device.create_command_encoder(&Default::default());
            if first == 0 {
                encoder.clear_buffer(&buffers.dual, 0, None);
                encoder.clear_buffer(&buffers.state, 0, None);
            }
            {
                let mut pass = encoder.begin_compute_pass(&Default::default());
                pass.set_pipeline(&compiled.pipeline);
                for _ in steps {
                    let [segments, rows] = buffers.workgroups;
                    for (group, [x, y]) in
                        buffers.passes.iter().zip([[segments, rows], [segments, rows], [1, 1]])
                    {
                        pass.set_bind_group(0, group, &[]);
                        pass.dispatch_workgroups(x, y, 1);
                    }
                }
            }
            let n_bytes = size_of::<State>() as u64;
            let copy = self.buffer(n_bytes, BufferUsages::MAP_READ | BufferUsages::COPY_DST);
            encoder.copy_buffer_to_buffer(&buffers.state, 0, &copy, 0, n_bytes);
            let submission = self.queue.submit([encoder.finish()]);
            // The result is looked at in `read_after`, through the mapped range.
            copy.map_async(wgpu::MapMode::Read, .., |_| {});
            (submission, copy)
        })
    }
}
