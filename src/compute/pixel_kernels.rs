//! The imaging kernels one at a time.

use super::backend::ComputeError;
use crate::imaging::{Connectivity, LabelImage, Mask, Plane, RegionSums, StoredPlane};
use crate::kernels::class_histogram::ClassHistogram;

/// The imaging kernels one at a time, from and to the host's memory: how a device is held against
/// the CPU's functions. A run uses [`Backend::segment_frame`](super::Backend::segment_frame), whose
/// data stay on the device between kernels.
///
/// Every method fails when the device does, or when the image is larger than its buffers.
pub trait PixelKernels: Send + Sync {
    /// The pixels whose stored value is at least `level`.
    ///
    /// # Errors
    /// See [`PixelKernels`].
    fn stored_threshold(&self, page: &StoredPlane, level: u32) -> Result<Mask, ComputeError>;

    /// Counts of stored values in the classes that three masks make.
    ///
    /// # Errors
    /// See [`PixelKernels`].
    fn class_histogram(
        &self,
        page: &StoredPlane,
        masks: [&Mask; 3],
    ) -> Result<ClassHistogram, ComputeError>;

    /// Components numbered by their first pixels down the columns.
    ///
    /// # Errors
    /// See [`PixelKernels`].
    fn label_components(
        &self,
        mask: &Mask,
        connectivity: Connectivity,
    ) -> Result<LabelImage, ComputeError>;

    /// The mask without 8-connected components of fewer than `min_area_px` pixels and, where
    /// `clear_border`, without those at the border.
    ///
    /// # Errors
    /// See [`PixelKernels`].
    fn attribute_opening(
        &self,
        mask: &Mask,
        min_area_px: usize,
        clear_border: bool,
    ) -> Result<Mask, ComputeError>;

    /// The mask without its perimeter.
    ///
    /// # Errors
    /// See [`PixelKernels`].
    fn perimeter_removal(&self, mask: &Mask) -> Result<Mask, ComputeError>;

    /// The mask with every object grown by one pixel.
    ///
    /// # Errors
    /// See [`PixelKernels`].
    fn thicken(&self, mask: &Mask) -> Result<Mask, ComputeError>;

    /// The pixels of either mask; both have one size.
    ///
    /// # Errors
    /// See [`PixelKernels`].
    fn mask_union(&self, one: &Mask, other: &Mask) -> Result<Mask, ComputeError>;

    /// The force on each pixel and the first indicator. `forces` has one entry a level of the page
    /// and one for the pixels of `edge`.
    ///
    /// # Errors
    /// See [`PixelKernels`].
    fn contour_start(
        &self,
        page: &StoredPlane,
        forces: &[f32],
        edge: &Mask,
        initial: &Mask,
    ) -> Result<[Vec<f32>; 2], ComputeError>;

    /// The pixels whose indicator is at least one half.
    ///
    /// # Errors
    /// See [`PixelKernels`].
    fn contour_mask(&self, indicator: &Plane) -> Result<Mask, ComputeError>;

    /// Sums over every object of `labels`: see [`region_sums`](crate::imaging::region_sums()).
    ///
    /// # Errors
    /// See [`PixelKernels`].
    fn region_sums(
        &self,
        page: &StoredPlane,
        own: &Mask,
        shared: &Mask,
        labels: &LabelImage,
    ) -> Result<Vec<RegionSums>, ComputeError>;
}
