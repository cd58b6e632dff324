//! The GPU engine: with the files below, the only place that knows wgpu. Generic over kernels; each
//! operation in this file is a list of buffers.

mod contour;
mod frame;
mod frame_buffers;
mod max_selected;
mod pixels;
mod recorder;
mod single_kernels;

use super::backend::{Backend, ComputeError, DeviceInfo};
use super::chunk::ChunkSizer;
use super::cpu::CpuEngine;
use super::select::Adapter;
use crate::imaging::{ContourInput, ContourSettings, FrameInput, FrameSegmentation};
use crate::kernels::curve_bootstrap::{self, CurvePlan};
use crate::kernels::hazard_ratio_bootstrap::{self, Plan, Replicate};
use crate::kernels::her2_threshold::{self, Thresholded};
use crate::kernels::max_selected_logrank::{self, Maximum};
use crate::kernels::tv_contour::{Outlined, STEPS_AT_HAND};
use crate::kernels::{Binding, InstructionSet, KernelInfo, cox_bootstrap, resample_draws};
use bytemuck::Zeroable;
use rayon::prelude::*;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Replicates of the first submission; the second is sized by its time.
const FIRST_REPLICATES: u32 = 4_096;
/// The same for Cox models, which take some ten times longer.
const FIRST_COX_REPLICATES: u32 = 1_024;
/// Iterations of a contour's first submission.
const FIRST_ITERATIONS: u32 = 4;
/// Most replicates a submission: 65 535 workgroups of 64.
const MOST_REPLICATES: u32 = 4_194_240;

fn instance() -> wgpu::Instance {
    wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle().with_env())
}

fn found_adapters() -> Vec<wgpu::Adapter> {
    let mut found = pollster::block_on(instance().enumerate_adapters(wgpu::Backends::PRIMARY));
    found.sort_by_key(|adapter| match adapter.get_info().device_type {
        wgpu::DeviceType::DiscreteGpu => 0,
        wgpu::DeviceType::IntegratedGpu => 1,
        wgpu::DeviceType::VirtualGpu => 2,
        wgpu::DeviceType::Other => 3,
        wgpu::DeviceType::Cpu => 4,
    });
    found
}

/// The adapters of this machine, best first.
pub(super) fn adapters() -> Vec<Adapter> {
    found_adapters().iter().map(describe).collect()
}

fn describe(adapter: &wgpu::Adapter) -> Adapter {
    let (info, limits) = (adapter.get_info(), adapter.limits());
    Adapter {
        name: info.name,
        kind: match info.device_type {
            wgpu::DeviceType::DiscreteGpu => "discrete_gpu",
            wgpu::DeviceType::IntegratedGpu => "integrated_gpu",
            wgpu::DeviceType::VirtualGpu => "virtual_gpu",
            wgpu::DeviceType::Cpu => "cpu",
            wgpu::DeviceType::Other => "other",
        },
        api: info.backend.to_str().to_owned(),
        driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
        max_storage_buffer_bytes: limits.max_storage_buffer_binding_size,
        max_workgroups_per_dimension: limits.max_compute_workgroups_per_dimension,
        max_workgroup_memory_bytes: limits.max_compute_workgroup_storage_size,
    }
}

/// A compiled kernel.
struct Compiled {
    pipeline: wgpu::ComputePipeline,
    layout: wgpu::BindGroupLayout,
}

/// One buffer of a dispatch, in binding order.
enum Argument<'a> {
    /// Bytes the kernel reads.
    Input(&'a [u8]),
    /// Memory of so many bytes the kernel uses and nobody reads.
    Scratch(u64),
    /// So many bytes to read back.
    Output(u64),
}

/// A device with its compiled kernels.
pub struct GpuEngine {
    device: wgpu::Device,
    queue: wgpu::Queue,
    info: Adapter,
    limits: wgpu::Limits,
    /// By name and, for kernels compiled for a number of columns, that number.
    compiled: Mutex<HashMap<(&'static str, usize), Arc<Compiled>>>,
    lost: Arc<Mutex<Option<String>>>,
    replicates: ChunkSizer,
    cox_replicates: ChunkSizer,
    permutations: ChunkSizer,
    contour_iterations: ChunkSizer,
    frames: frame::FramePool,
}

impl GpuEngine {
    /// Opens the adapter whose name holds `name` (any case), or the best one.
    ///
    /// # Errors
    /// There is no such adapter, or it gives no device.
    pub fn open(name: Option<&str>) -> Result<Self, ComputeError> {
        let found = found_adapters();
        let wanted = |adapter: &&wgpu::Adapter| {
            name.is_none_or(|name| {
                adapter.get_info().name.to_lowercase().contains(&name.to_lowercase())
            })
        };
        let Some(adapter) = found.iter().find(wanted) else {
            let names: Vec<String> = found.iter().map(|a| a.get_info().name).collect();
            return Err(match name {
                Some(name) if !names.is_empty() => ComputeError::UnknownAdapter {
                    name: name.to_owned(),
                    available: names.join(", "),
                },
                _ => ComputeError::NoAdapter,
            });
        };
        let info = describe(adapter);
        // Default limits only: what runs here runs on every WebGPU adapter.
        let descriptor = wgpu::DeviceDescriptor { label: Some("herscope"), ..Default::default() };
        let opened = pollster::block_on(adapter.request_device(&descriptor));
        let (device, queue) = opened.map_err(|error| ComputeError::NoDevice {
            adapter: info.name.clone(),
            reason: error.to_string(),
        })?;
        let lost = Arc::new(Mutex::new(None));
        let note = Arc::clone(&lost);
        device.set_device_lost_callback(move |_, reason| {
            *note.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
        });
        Ok(Self {
            limits: device.limits(),
            device,
            queue,
            info,
            compiled: Mutex::default(),
            lost,
            replicates: ChunkSizer::new(FIRST_REPLICATES, MOST_REPLICATES),
            cox_replicates: ChunkSizer::new(FIRST_COX_REPLICATES, MOST_REPLICATES),
            permutations: ChunkSizer::new(FIRST_REPLICATES, MOST_REPLICATES),
            contour_iterations: ChunkSizer::new(FIRST_ITERATIONS, STEPS_AT_HAND as u32),
            frames: frame::FramePool::default(),
        })
    }

    /// The adapter in words.
    pub fn adapter(&self) -> &Adapter {
        &self.info
    }

    /// Runs `work` in error scopes and turns what they caught into a typed error.
    fn scoped<T>(&self, work: impl FnOnce() -> T) -> Result<T, ComputeError> {
        let memory = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let validation = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let internal = self.device.push_error_scope(wgpu::ErrorFilter::Internal);
        let done = work();
        let caught = [internal, validation, memory].map(|scope| pollster::block_on(scope.pop()));
        if let Some(reason) = self.lost.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            return Err(ComputeError::DeviceLost(reason));
        }
        match caught.into_iter().flatten().next() {
            None => Ok(done),
            Some(wgpu::Error::OutOfMemory { .. }) => Err(ComputeError::OutOfMemory),
            Some(error) => Err(ComputeError::Refused(error.to_string())),
        }
    }

    fn compile(
        &self,
        kernel: &'static KernelInfo,
        columns: usize,
    ) -> Result<Arc<Compiled>, ComputeError> {
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ready) = compiled.get(&(kernel.name, columns)) {
            return Ok(Arc::clone(ready));
        }
        let text = if columns > 0 { cox_bootstrap::wgsl(columns) } else { kernel.wgsl() };
        let ready = Arc::new(self.scoped(|| self.build(kernel, text))?);
        compiled.insert((kernel.name, columns), Arc::clone(&ready));
        Ok(ready)
    }

    fn build(&self, kernel: &KernelInfo, text: String) -> Compiled {
        let module = self.device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some(kernel.name),
            source: wgpu::ShaderSource::Wgsl(text.into()),
        });
        let entries: Vec<wgpu::BindGroupLayoutEntry> = (0..)
            .zip(kernel.bindings)
            .map(|(binding, kind)| wgpu::BindGroupLayoutEntry {
                binding,
                visibility: wgpu::ShaderStages::COMPUTE,
                ty: wgpu::BindingType::Buffer {
                    ty: match kind {
                        Binding::Storage { .. } => {
                            wgpu::BufferBindingType::Storage { read_only: true }
                        }
                        Binding::Uniform { .. } => wgpu::BufferBindingType::Uniform,
                        Binding::Output { .. } => {
                            wgpu::BufferBindingType::Storage { read_only: false }
                        }
                    },
                    has_dynamic_offset: false,
                    min_binding_size: None,
                },
                count: None,
            })
            .collect();
        let layout = self.device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some(kernel.name),
            entries: &entries,
        });
        let pipeline_layout = self.device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some(kernel.name),
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        let pipeline = self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(kernel.name),
            layout: Some(&pipeline_layout),
            module: &module,
            entry_point: Some(kernel.name),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            cache: None,
        });
        Compiled { pipeline, layout }
    }

    /// Runs `n_workgroups` of `kernel` and returns its outputs' bytes, in binding order.
    fn dispatch(
        &self,
        kernel: &'static KernelInfo,
        arguments: &[Argument<'_>],
        n_workgroups: u32,
    ) -> Result<Vec<Vec<u8>>, ComputeError> {
        self.dispatch_for(kernel, 0, arguments, n_workgroups)
    }

    /// The same with the kernel compiled for so many columns (0: as it stands).
    fn dispatch_for(
        &self,
        kernel: &'static KernelInfo,
        columns: usize,
        arguments: &[Argument<'_>],
        n_workgroups: u32,
    ) -> Result<Vec<Vec<u8>>, ComputeError> {
        self.check_limits(arguments, n_workgroups)?;
        let compiled = self.compile(kernel, columns)?;
        let staged = self.scoped(|| self.submit(kernel, &compiled, arguments, n_workgroups))?;
        staged.iter().map(|buffer| self.read(buffer)).collect()
    }

    fn check_limits(&self, arguments: &[Argument<'_>], groups: u32) -> Result<(), ComputeError> {
        let largest = arguments.iter().map(Argument::len).max().unwrap_or(0);
        let checks = [
            ("bytes in a buffer", largest, self.limits.max_storage_buffer_binding_size),
            (
                "workgroups",
                u64::from(groups),
                u64::from(self.limits.max_compute_workgroups_per_dimension),
            ),
        ];
        match checks.into_iter().find(|(_, needed, limit)| needed > limit) {
            None => Ok(()),
            Some((what, needed, limit)) => Err(ComputeError::Limit { what, needed, limit }),
        }
    }

    /// Encodes and submits; returns one mappable buffer an output.
    fn submit(
        &self,
        kernel: &KernelInfo,
        compiled: &Compiled,
        arguments: &[Argument<'_>],
        n_workgroups: u32,
    ) -> Vec<wgpu::Buffer> {
        let buffers: Vec<wgpu::Buffer> = kernel
            .bindings
            .iter()
            .zip(arguments)
            .map(|(binding, argument)| {
                let kind = match binding {
                    Binding::Uniform { .. } => wgpu::BufferUsages::UNIFORM,
                    _ => wgpu::BufferUsages::STORAGE,
                };
                let buffer = self.buffer(
                    argument.len().max(16),
                    kind | wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::COPY_SRC,
                );
                if let Argument::Input(bytes) = argument {
                    self.queue.write_buffer(&buffer, 0, bytes);
                }
                buffer
            })
            .collect();
        let entries: Vec<wgpu::BindGroupEntry<'_>> = (0..)
            .zip(&buffers)
            .map(|(binding, buffer)| wgpu::BindGroupEntry {
                binding,
                resource: buffer.as_entire_binding(),
            })
            .collect();
        let group = self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some(kernel.name),
            layout: &compiled.layout,
            entries: &entries,
        });
        let mut encoder = self.device.create_command_encoder(&Default::default());
        {
            let mut pass = encoder.begin_compute_pass(&Default::default());
            pass.set_pipeline(&compiled.pipeline);
            pass.set_bind_group(0, &group, &[]);
            pass.dispatch_workgroups(n_workgroups, 1, 1);
        }
        let mut staged = Vec::new();
        for (argument, buffer) in arguments.iter().zip(&buffers) {
            if let Argument::Output(len) = argument {
                let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
                let copy = self.buffer(*len, usage);
                encoder.copy_buffer_to_buffer(buffer, 0, &copy, 0, *len);
                staged.push(copy);
            }
        }
        self.queue.submit([encoder.finish()]);
        for buffer in &staged {
            // The result is looked at in `read`, through the mapped range.
            buffer.map_async(wgpu::MapMode::Read, .., |_| {});
        }
        staged
    }

    fn buffer(&self, size: u64, usage: wgpu::BufferUsages) -> wgpu::Buffer {
        let descriptor =
            wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false };
        self.device.create_buffer(&descriptor)
    }

    fn read(&self, buffer: &wgpu::Buffer) -> Result<Vec<u8>, ComputeError> {
        self.read_after(None, buffer)
    }

    /// Reads a buffer that is being mapped, once a submission (`None`: all so far) is done.
    fn read_after(
        &self,
        submission: Option<wgpu::SubmissionIndex>,
        buffer: &wgpu::Buffer,
    ) -> Result<Vec<u8>, ComputeError> {
        let wait = wgpu::PollType::Wait { submission_index: submission, timeout: None };
        let waited = self.device.poll(wait);
        waited.map_err(|error| ComputeError::DeviceLost(error.to_string()))?;
        let lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(reason) = lost {
            return Err(ComputeError::DeviceLost(reason));
        }
        let view = buffer
            .get_mapped_range(..)
            .map_err(|error| ComputeError::DeviceLost(error.to_string()))?;
        Ok(view.to_vec())
    }

    /// Largest number of replicates whose scratch fits one buffer.
    fn replicates_that_fit(&self, scratch_words: usize) -> u32 {
        let bytes = 4 * scratch_words.max(4) as u64;
        (self.limits.max_storage_buffer_binding_size / bytes).min(u64::from(MOST_REPLICATES)) as u32
    }
}

impl Argument<'_> {
    fn len(&self) -> u64 {
        match self {
            Self::Input(bytes) => bytes.len() as u64,
            Self::Scratch(len) | Self::Output(len) => *len,
        }
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

fn copy_words<T: bytemuck::Pod>(bytes: &[u8], out: &mut [T]) {
    bytemuck::cast_slice_mut::<T, u8>(out).copy_from_slice(bytes);
}

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
