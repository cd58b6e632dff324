//! Runs kernels on a CPU engine or a GPU; knows no biology.
//!
//! A pipeline takes a [`Backend`] by reference and never asks which one it is. [`select`] makes one
//! from what the user asked for.

mod backend;
mod chunk;
mod cpu;
#[cfg(feature = "gpu")]
mod gpu;
mod pixel_kernels;
mod select;

pub use backend::{Backend, ComputeError, DeviceInfo};
pub use chunk::ChunkSizer;
pub use cpu::CpuEngine;
#[cfg(feature = "gpu")]
pub use gpu::GpuEngine;
pub use pixel_kernels::PixelKernels;
pub use select::{Adapter, DeviceRequest, Selection, adapters, select};
