//! The memory of a frame on the device, kept for the next one of its size.

use super::GpuEngine;
use super::contour::ContourBuffers;
use super::pixels::{Grid, Labelling, Page};
use super::recorder::Recorder;
use crate::compute::backend::ComputeError;
use crate::imaging::MIN_AREA_PX;
use crate::kernels::thicken;

/// What each channel has of its own; masks are bits.
pub(super) struct ChannelBuffers {
    /// The page.
    pub(super) stored: wgpu::Buffer,
    /// The first guess.
    pub(super) initial: wgpu::Buffer,
    /// The contour's foreground.
    pub(super) contour: wgpu::Buffer,
    /// The foreground after tidying.
    pub(super) mask: wgpu::Buffer,
}

/// All buffers of a frame. For 1384 x 1036 pixels and four channels that is about 67 MB, most of it in the
/// contour and the labelling, which channels use one after the other.
pub(super) struct FrameBuffers {
    grid: Grid,
    pub(super) channels: Vec<ChannelBuffers>,
    /// Pixels outside the chamber.
    pub(super) edge: wgpu::Buffer,
    /// No pixel; never written.
    pub(super) empty: wgpu::Buffer,
    /// Pixels saturated in any channel.
    pub(super) saturated: wgpu::Buffer,
    /// Pixels of any channel's mask.
    pub(super) joined: wgpu::Buffer,
    /// Masks on the way.
    pub(super) work: [wgpu::Buffer; 2],
    scratch: wgpu::Buffer,
    pub(super) labelling: Labelling,
    pub(super) contour: ContourBuffers,
}

impl FrameBuffers {
    pub(super) fn new(
        engine: &GpuEngine,
        grid: Grid,
        n_channels: usize,
    ) -> Result<Self, ComputeError> {
        let mask = || engine.storage(grid.n_words());
        let channels = (0..n_channels).map(|_| ChannelBuffers {
            stored: engine.storage(Page::most_words(grid)),
            initial: mask(),
            contour: mask(),
            mask: mask(),
        });
        Ok(Self {
            grid,
            channels: channels.collect(),
            edge: mask(),
            empty: mask(),
            saturated: mask(),
            joined: mask(),
            work: [mask(), mask()],
            scratch: engine.storage(thicken::n_scratch(grid.rows, grid.cols)),
            labelling: Labelling::new(engine, grid),
            contour: engine.contour_buffers(grid)?,
        })
    }

    /// Whether frames of this size and number of channels can use these.
    pub(super) fn fits(&self, grid: Grid, n_channels: usize) -> bool {
        self.grid == grid && self.channels.len() >= n_channels
    }

    /// A channel's objects from its contour: [`tidy`](crate::imaging::tidy) on the device.
    pub(super) fn tidy(
        &self,
        recorder: &mut Recorder<'_>,
        grid: Grid,
        contour: &wgpu::Buffer,
        clear_border: bool,
        tidied: &wgpu::Buffer,
    ) -> Result<(), ComputeError> {
        let [here, inner] = &self.work;
        recorder.copy(contour, here, grid.n_words());
        if clear_border {
            recorder.attribute_opening(grid, here, 0, true, &self.labelling)?;
        }
        for result in [here, tidied] {
            recorder.perimeter_removal(grid, here, inner)?;
            recorder.attribute_opening(grid, inner, MIN_AREA_PX, false, &self.labelling)?;
            recorder.thicken(grid, inner, &self.scratch, result)?;
        }
        Ok(())
    }
}
