//! The contour on the device: many passes over buffers that stay there.

use super::{Compiled, GpuEngine};
use crate::compute::backend::ComputeError;
use crate::imaging::{Contour, ContourInput, ContourSettings, Mask, Plane};
use crate::kernels::tv_contour::{
    KERNEL, Outlined, STEPS_AT_HAND, State, Step, StepSizes, Uniforms, forces, stop_factor,
    without_pixels,
};
use bytemuck::Zeroable;
use std::time::Instant;
use wgpu::BufferUsages;

/// Pixels, `[rows x cols]`, for which 64-bit sums cannot overflow.
const MOST_PIXELS: u64 = 1 << 24;

/// The buffers of a contour, in binding order, and what is bound in each of the three passes.
struct Bound {
    steps: wgpu::Buffer,
    indicator: wgpu::Buffer,
    state: wgpu::Buffer,
    passes: Vec<wgpu::BindGroup>,
    /// Segments of a row and rows.
    workgroups: [u32; 2],
}

impl GpuEngine {
    /// Evolves a contour; looks at the device's stop flag once a submission.
    pub(super) fn evolve_contour(
        &self,
        input: &ContourInput,
        settings: ContourSettings,
    ) -> Result<Outlined, ComputeError> {
        if input.scaled.pixels.is_empty() {
            return Ok(without_pixels(input, settings));
        }
        self.check_size(&input.scaled)?;
        let compiled = self.compile(&KERNEL, 0)?;
        let bound = self.scoped(|| self.bind(&compiled, input, settings.lambda))?;
        let mut step_sizes = StepSizes::start();
        let mut state = State::zeroed();
        while state.stopped == 0 && state.iterations < settings.max_iterations {
            let left = settings.max_iterations - state.iterations;
            let n = self.contour_iterations.next().min(left);
            let begin = Instant::now();
            let steps: Vec<Step> = step_sizes.by_ref().take(n as usize).collect();
            let copy = self.scoped(|| self.iterate(&compiled, &bound, state.iterations, &steps))?;
            let read: State = bytemuck::pod_read_unaligned(&self.read(&copy)?);
            if read.stopped == 0 && read.iterations != state.iterations + n {
                return Err(ComputeError::Unwritten(n as usize));
            }
            state = read;
            self.contour_iterations.learn(n, begin.elapsed());
        }
        let mask = self.foreground(&bound, &input.scaled)?;
        let contour = Contour { mask, iterations: state.iterations };
        Ok(Outlined { contour, last_change: state.last_change() })
    }

    fn check_size(&self, plane: &Plane) -> Result<(), ComputeError> {
        let n = plane.pixels.len() as u64;
        let rows_or_segments = plane.rows.max(plane.cols.div_ceil(64)) as u64;
        let checks = [
            ("pixels", n, MOST_PIXELS),
            ("bytes in a buffer", 8 * n, self.limits.max_storage_buffer_binding_size),
            (
                "workgroups",
                rows_or_segments,
                u64::from(self.limits.max_compute_workgroups_per_dimension),
            ),
        ];
        match checks.into_iter().find(|(_, needed, limit)| needed > limit) {
            None => Ok(()),
            Some((what, needed, limit)) => Err(ComputeError::Limit { what, needed, limit }),
        }
    }

    fn bind(&self, compiled: &Compiled, input: &ContourInput, lambda: f32) -> Bound {
        let Plane { rows, cols, .. } = input.scaled;
        let n_bytes = 4 * (rows * cols).max(4) as u64;
        let storage = BufferUsages::STORAGE | BufferUsages::COPY_DST | BufferUsages::COPY_SRC;
        let filled = |bytes: &[u8], usage| {
            let buffer = self.buffer((bytes.len() as u64).max(16), usage);
            self.queue.write_buffer(&buffer, 0, bytes);
            buffer
        };
        let force = filled(bytemuck::cast_slice(&forces(input, lambda)), storage);
        let guess: Vec<f32> =
            input.initial.pixels.iter().map(|&set| f32::from(u8::from(set))).collect();
        let indicator = filled(bytemuck::cast_slice(&guess), storage);
        let extrapolated = filled(bytemuck::cast_slice(&guess), storage);
        let steps = self.buffer((STEPS_AT_HAND * size_of::<Step>()) as u64, storage);
        // new buffers hold zeros
        let dual = self.buffer(2 * n_bytes, storage);
        let state = self.buffer(size_of::<State>() as u64, storage);
        let passes = (0..3)
            .map(|pass_number| {
                let uniforms = Uniforms {
                    rows: rows as u32,
                    cols: cols as u32,
                    pass_number,
                    stop_factor: stop_factor(rows * cols) as u32,
                };
                let usage = BufferUsages::UNIFORM | BufferUsages::COPY_DST;
                let uniforms = filled(bytemuck::bytes_of(&uniforms), usage);
                let buffers = [&force, &steps, &uniforms, &indicator, &extrapolated, &dual, &state];
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
        let workgroups = [cols.div_ceil(64) as u32, rows as u32];
        Bound { steps, indicator, state, passes, workgroups }
    }

    /// Submits an iteration a step and returns a mappable copy of the state after them.
    fn iterate(
        &self,
        compiled: &Compiled,
        bound: &Bound,
        first: u32,
        steps: &[Step],
    ) -> wgpu::Buffer {
        for (iteration, step) in (first as usize..).zip(steps) {
            let offset = iteration % STEPS_AT_HAND * size_of::<Step>();
            self.queue.write_buffer(&bound.steps, offset as u64, bytemuck::bytes_of(step));
        }
        let mut encoder = self.device.create_command_encoder(&Default::default());
        {
            let mut pass = encoder.begin_compute_pass(&Default::default());
            pass.set_pipeline(&compiled.pipeline);
            for _ in steps {
                let [segments, rows] = bound.workgroups;
                for (group, [x, y]) in
                    bound.passes.iter().zip([[segments, rows], [segments, rows], [1, 1]])
                {
                    pass.set_bind_group(0, group, &[]);
                    pass.dispatch_workgroups(x, y, 1);
                }
            }
        }
        self.copy_out(encoder, &bound.state, size_of::<State>() as u64)
    }

    /// Submits `encoder` and a copy of `n_bytes` of `buffer` for the host.
    fn copy_out(
        &self,
        mut encoder: wgpu::CommandEncoder,
        buffer: &wgpu::Buffer,
        n_bytes: u64,
    ) -> wgpu::Buffer {
        let copy = self.buffer(n_bytes, BufferUsages::MAP_READ | BufferUsages::COPY_DST);
        encoder.copy_buffer_to_buffer(buffer, 0, &copy, 0, n_bytes);
        self.queue.submit([encoder.finish()]);
        // The result is looked at in `read`, through the mapped range.
        copy.map_async(wgpu::MapMode::Read, .., |_| {});
        copy
    }

    fn foreground(&self, bound: &Bound, plane: &Plane) -> Result<Mask, ComputeError> {
        let n_bytes = 4 * plane.pixels.len() as u64;
        let copy = self.scoped(|| {
            let encoder = self.device.create_command_encoder(&Default::default());
            self.copy_out(encoder, &bound.indicator, n_bytes)
        })?;
        let bytes = self.read(&copy)?;
        let is_set = |single: &[u8; 4]| f32::from_ne_bytes(*single) >= 0.5;
        let pixels = bytes.as_chunks::<4>().0.iter().map(is_set).collect();
        Ok(Mask { rows: plane.rows, cols: plane.cols, pixels })
    }
}
