//! The GPU engine: with the files below, the only place that knows wgpu. Generic over kernels; what
//! [`Backend`](super::backend::Backend) asks of it is in `gpu/backend`.

mod backend;
mod contour;
mod frame;
mod frame_buffers;
mod joint_likelihood;
mod max_selected;
mod pixels;
mod recorder;
mod single_kernels;

use super::backend::ComputeError;
use super::chunk::ChunkSizer;
use super::select::Adapter;
use crate::kernels::tv_contour::STEPS_AT_HAND;
use crate::kernels::{Binding, KernelInfo, cox_bootstrap};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Replicates of the first submission; the second is sized by its time.
const FIRST_REPLICATES: u32 = 4_096;
/// The same for Cox models, which take some ten times longer.
const FIRST_COX_REPLICATES: u32 = 1_024;
/// Contributions to joint likelihoods of the first submission.
const FIRST_CONTRIBUTIONS: u32 = 1_024;
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
    contributions: ChunkSizer,
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
            contributions: ChunkSizer::new(FIRST_CONTRIBUTIONS, MOST_REPLICATES),
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

fn copy_words<T: bytemuck::Pod>(bytes: &[u8], out: &mut [T]) {
    bytemuck::cast_slice_mut::<T, u8>(out).copy_from_slice(bytes);
}
