//! What all layouts have in common: from the files that were found to an [`Archive`].

use std::path::PathBuf;

use super::celltracks_channels::analysis_order;
use super::celltracks_xml::AssignedEvent;
use super::grid_choice::{Declared, choose_grid};
use super::prior_events::{PriorEvent, prior_locations};
use super::{Archive, ArchiveOptions, FrameSource, Layout, doing, missing_limits};
use crate::imaging::{Channel, IntensityScale};
use crate::io::tiff::{FrameRequest, FrameShape};
use crate::units::MicronsPerPixel;
use crate::{Error, Warning};

/// A sample as its layout found it; pages and channels in the order of the files.
pub(super) struct FoundSample {
    pub(super) sample_id: String,
    pub(super) layout: Layout,
    /// The file or folder that messages name.
    pub(super) place: PathBuf,
    pub(super) frames: Vec<FrameSource>,
    pub(super) described_by: Vec<PathBuf>,
    pub(super) grid: Declared,
    /// Whether the frames are a cartridge, and whether its edge is to be looked for.
    pub(super) is_cartridge: bool,
    pub(super) has_edge: bool,
    pub(super) channels: Vec<Channel>,
    /// `(rows, cols)` of every frame; `None` where each has its own.
    pub(super) frame_size: Option<(usize, usize)>,
    /// Events by their corners in the cartridge, and events by their boxes in the frames.
    pub(super) events: Vec<AssignedEvent>,
    pub(super) priors: Vec<PriorEvent>,
    /// Edge of a pixel as the layout has it.
    pub(super) pixel_size: Option<MicronsPerPixel>,
    pub(super) scale: IntensityScale,
    pub(super) warnings: Vec<Warning>,
}

impl FoundSample {
    /// Pages in analysis order, the grid checked, events as boxes.
    pub(super) fn into_archive(self, options: &ArchiveOptions) -> Result<Archive, Error> {
        let Self { mut frames, mut warnings, .. } = self;
        let (channels, order) = analysis_order(self.channels)?;
        let grid = choose_grid(&self.place, self.grid, frames.len(), options, &mut warnings)?;
        for frame in &mut frames {
            frame.reorder(&order);
        }
        let mut priors = self.priors;
        if let Some(size) = self.frame_size {
            priors.extend(prior_locations(&self.place, &self.events, grid, size, &mut warnings));
        }
        let pixel_size = options.pixel_size.or(self.pixel_size);
        if pixel_size.is_none() {
            warnings.push(Warning::new(
                "no_pixel_size",
                format!(
                    "{}: the size of a pixel is not known, so sizes are in pixels only and columns \
                     in square micrometres are empty; --pixel-size-um gives it",
                    self.sample_id
                ),
            ));
        }
        Ok(Archive {
            sample_id: self.sample_id,
            layout: self.layout,
            frames,
            described_by: self.described_by,
            grid,
            is_cartridge: self.is_cartridge,
            has_edge: self.has_edge,
            channels,
            frame_size: self.frame_size,
            priors,
            pixel_size,
            scale: self.scale,
            compat: options.compat,
            warnings,
        })
    }
}

/// Shape of the first frame whose directories are sound.
pub(super) fn first_shape<'a>(
    frames: impl IntoIterator<Item = &'a FrameSource>,
    scale: IntensityScale,
    options: &ArchiveOptions,
    shape: impl Fn(&FrameSource, &FrameRequest) -> Result<FrameShape, Error>,
) -> Result<FrameShape, Error> {
    let request = FrameRequest {
        missing_limits: missing_limits(scale, options.compat),
        ..FrameRequest::default()
    };
    let mut first_error = None;
    for frame in frames {
        match shape(frame, &request) {
            Ok(shape) => return Ok(shape),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    Err(first_error.unwrap_or_else(|| Error::input(doing()).found("no frames")))
}
