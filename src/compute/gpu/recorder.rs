//! Several dispatches in one submission, on buffers that stay on the device.

use super::GpuEngine;
use crate::compute::backend::ComputeError;
use crate::kernels::{Binding, KernelInfo};
use bytemuck::Pod;
use wgpu::BufferUsages;

/// Bytes from one dispatch's uniforms to the next: the alignment that every adapter allows.
const UNIFORM_STRIDE: usize = 256;
/// Dispatches of a submission at most; a frame of six channels takes some 300.
const MOST_DISPATCHES: usize = 1_024;

/// A submission being put together.
pub(super) struct Recorder<'a> {
    engine: &'a GpuEngine,
    encoder: wgpu::CommandEncoder,
    /// Uniforms of all dispatches, [`UNIFORM_STRIDE`] bytes each.
    uniforms: Vec<u8>,
    on_device: wgpu::Buffer,
    staged: Vec<wgpu::Buffer>,
}

impl<'a> Recorder<'a> {
    pub(super) fn new(engine: &'a GpuEngine) -> Self {
        let usage = BufferUsages::UNIFORM | BufferUsages::COPY_DST;
        Self {
            engine,
            encoder: engine.device.create_command_encoder(&Default::default()),
            uniforms: Vec::new(),
            on_device: engine.buffer((UNIFORM_STRIDE * MOST_DISPATCHES) as u64, usage),
            staged: Vec::new(),
        }
    }

    /// Adds a dispatch of `kernel` over `buffers`, in binding order without the uniforms.
    pub(super) fn run(
        &mut self,
        kernel: &'static KernelInfo,
        uniforms: &impl Pod,
        buffers: &[&wgpu::Buffer],
        [x, y]: [usize; 2],
    ) -> Result<(), ComputeError> {
        let limit = u64::from(self.engine.limits.max_compute_workgroups_per_dimension);
        let needed = x.max(y) as u64;
        if needed > limit {
            return Err(ComputeError::Limit { what: "workgroups", needed, limit });
        }
        let compiled = self.engine.compile(kernel, 0)?;
        let offset = self.uniforms.len();
        if offset == UNIFORM_STRIDE * MOST_DISPATCHES {
            let (needed, limit) = (MOST_DISPATCHES as u64 + 1, MOST_DISPATCHES as u64);
            return Err(ComputeError::Limit { what: "dispatches in a submission", needed, limit });
        }
        let bytes = bytemuck::bytes_of(uniforms);
        self.uniforms.extend_from_slice(bytes);
        self.uniforms.resize(offset + UNIFORM_STRIDE, 0);
        let mut buffers = buffers.iter();
        let entries: Vec<wgpu::BindGroupEntry<'_>> = (0..)
            .zip(kernel.bindings)
            .map(|(binding, kind)| wgpu::BindGroupEntry {
                binding,
                resource: match kind {
                    Binding::Uniform { .. } => wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                        buffer: &self.on_device,
                        offset: offset as u64,
                        size: std::num::NonZero::new(bytes.len() as u64),
                    }),
                    _ => buffers
                        .next()
                        .expect("as many buffers as the kernel binds")
                        .as_entire_binding(),
                },
            })
            .collect();
        let group = self.engine.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some(kernel.name),
            layout: &compiled.layout,
            entries: &entries,
        });
        let mut pass = self.encoder.begin_compute_pass(&Default::default());
        pass.set_pipeline(&compiled.pipeline);
        pass.set_bind_group(0, &group, &[]);
        pass.dispatch_workgroups(x as u32, y as u32, 1);
        Ok(())
    }

    /// Fills a buffer with zeros.
    pub(super) fn clear(&mut self, buffer: &wgpu::Buffer) {
        self.encoder.clear_buffer(buffer, 0, None);
    }

    /// Copies the first `n_words` of a buffer to another.
    pub(super) fn copy(&mut self, from: &wgpu::Buffer, to: &wgpu::Buffer, n_words: usize) {
        self.encoder.copy_buffer_to_buffer(from, 0, to, 0, 4 * n_words as u64);
    }

    /// Has the first `n_words` of a buffer copied for the host: the next of what [`Self::submit`]
    /// returns.
    pub(super) fn take(&mut self, buffer: &wgpu::Buffer, n_words: usize) {
        let n_bytes = 4 * n_words as u64;
        let usage = BufferUsages::MAP_READ | BufferUsages::COPY_DST;
        let copy = self.engine.buffer(n_bytes, usage);
        self.encoder.copy_buffer_to_buffer(buffer, 0, &copy, 0, n_bytes);
        self.staged.push(copy);
    }

    /// Submits everything; the copies are for [`GpuEngine::read_after`].
    pub(super) fn submit(self) -> (wgpu::SubmissionIndex, Vec<wgpu::Buffer>) {
        let Self { engine, encoder, uniforms, on_device, staged } = self;
        engine.queue.write_buffer(&on_device, 0, &uniforms);
        let submission = engine.queue.submit([encoder.finish()]);
        for copy in &staged {
            // The result is looked at in `read`, through the mapped range.
            copy.map_async(wgpu::MapMode::Read, .., |_| {});
        }
        (submission, staged)
    }
}

impl GpuEngine {
    /// Records with `work` and submits; returns what was taken, each as words.
    pub(super) fn record(
        &self,
        work: impl FnOnce(&mut Recorder<'_>) -> Result<(), ComputeError>,
    ) -> Result<Vec<Vec<u32>>, ComputeError> {
        let (submission, staged) = self.scoped(|| {
            let mut recorder = Recorder::new(self);
            work(&mut recorder)?;
            Ok(recorder.submit())
        })??;
        let words = |copy| {
            let bytes = self.read_after(Some(submission.clone()), copy)?;
            let (words, _) = bytes.as_chunks::<4>();
            Ok(words.iter().map(|&word| u32::from_ne_bytes(word)).collect())
        };
        staged.iter().map(words).collect()
    }

    /// Memory of so many words that kernels read and write; zeros at first.
    pub(super) fn storage(&self, n_words: usize) -> wgpu::Buffer {
        let usage = BufferUsages::STORAGE | BufferUsages::COPY_DST | BufferUsages::COPY_SRC;
        self.buffer(4 * n_words.max(4) as u64, usage)
    }

    /// The same with these contents.
    pub(super) fn storage_of<T: Pod>(&self, contents: &[T]) -> wgpu::Buffer {
        let buffer = self.storage(size_of_val(contents).div_ceil(4));
        self.queue.write_buffer(&buffer, 0, bytemuck::cast_slice(contents));
        buffer
    }
}
