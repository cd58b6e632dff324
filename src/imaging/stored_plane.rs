//! A channel as it is stored, with the intensity of each stored value.

use super::exact_sum::in_units;
use super::frame::Plane;
use super::rescale::{IntensityScale, RawPage, Samples, camera_values};
use crate::Error;

/// A channel of a frame as it is stored, `[rows x cols]` row-major, with the intensities of its
/// stored values: everything that is a function of the intensity is a table of the stored value,
/// which a device need not compute.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredPlane {
    rows: usize,
    cols: usize,
    samples: Samples,
    /// Ascending; the intensity of stored value p at p.
    values: Vec<f32>,
}

impl StoredPlane {
    /// A page and the intensities that a scale gives its stored values.
    ///
    /// # Errors
    /// As [`rescale`](super::rescale).
    pub fn new(page: RawPage, scale: IntensityScale) -> Result<Self, Error> {
        let values = camera_values(&page, scale)?;
        let RawPage { rows, cols, samples, .. } = page;
        Ok(Self { rows, cols, samples, values })
    }

    /// Height in pixels.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Width in pixels.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// The stored values.
    pub fn samples(&self) -> &Samples {
        &self.samples
    }

    /// Memory that the stored values take.
    pub fn n_bytes(&self) -> usize {
        match &self.samples {
            Samples::U8(values) => values.len(),
            Samples::U16(values) => 2 * values.len(),
        }
    }

    /// The intensities of the stored values 0, 1, .. in camera units, ascending.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The same in units of 2^-24, in which sums are whole numbers.
    pub fn units(&self) -> impl Iterator<Item = i64> {
        self.values.iter().map(|&value| in_units(value) as i64)
    }

    /// The intensities of the pixels.
    pub(super) fn pixels(&self) -> Vec<f32> {
        self.samples.looked_up(&self.values)
    }

    /// The intensities of the pixels, as a plane that keeps a copy of the page.
    pub fn plane(&self) -> Plane {
        Plane::of_stored(self.clone())
    }

    /// The least stored value whose intensity is above `threshold`: foreground starts there.
    ///
    /// ```
    /// use herscope::imaging::{IntensityScale, RawPage, Samples, StoredPlane};
    /// let samples = Samples::U8(vec![0, 3, 9]);
    /// let page = RawPage { rows: 1, cols: 3, samples, limits: None };
    /// let stored = StoredPlane::new(page, IntensityScale::Stored)?;
    /// assert_eq!(stored.level_above(3.0), 4);
    /// assert_eq!(stored.level_above(9.0), 10, "no pixel");
    /// # Ok::<(), herscope::Error>(())
    /// ```
    pub fn level_above(&self, threshold: f64) -> u32 {
        self.values.partition_point(|&value| f64::from(value) <= threshold) as u32
    }

    /// The least stored value whose intensity is at least `intensity`.
    pub fn level_at(&self, intensity: f32) -> u32 {
        self.values.partition_point(|&value| value < intensity) as u32
    }
}
