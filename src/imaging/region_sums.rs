//! Sums over the pixels of each object, in whole numbers: equal on every device, in any order.

use super::exact_sum::{in_units, of_units};
use super::frame::{LabelImage, Mask, Plane};
use super::pixel_box::PixelBox;

/// Sums over one object's pixels in one channel's mask ("own" pixels), and over all of its pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RegionSums {
    /// Own pixels.
    pub n: u64,
    /// Own pixels that a second mask has too.
    pub n_shared: u64,
    /// Sum of the intensities of the own pixels, in units of 2^-24.
    pub sum: i128,
    /// The same over all pixels of the object.
    pub union_sum: i128,
    /// Least and greatest intensity of the own pixels; infinite and crossed without any.
    pub range: (f32, f32),
    /// Smallest box around the own pixels; `None` without any.
    pub bbox: Option<PixelBox>,
    /// Sums of rows and columns of the own pixels.
    pub first_moments: [u64; 2],
    /// Sums of row squared, column squared, row times column of the own pixels.
    pub second_moments: [u64; 3],
}

impl RegionSums {
    /// Of no pixel.
    pub const NONE: Self = Self {
        n: 0,
        n_shared: 0,
        sum: 0,
        union_sum: 0,
        range: (f32::INFINITY, f32::NEG_INFINITY),
        bbox: None,
        first_moments: [0; 2],
        second_moments: [0; 3],
    };

    /// Adds a pixel of the object; `own` if it is in the channel's mask, `shared` if in both.
    pub(crate) fn add(&mut self, (row, col): (usize, usize), value: f32, own: bool, shared: bool) {
        let units = i128::from(in_units(value) as i64);
        self.union_sum += units;
        if !own {
            return;
        }
        self.n += 1;
        self.n_shared += u64::from(shared);
        self.sum += units;
        self.range = (self.range.0.min(value), self.range.1.max(value));
        let grown = self.bbox.unwrap_or(PixelBox { row0: row, col0: col, row1: 0, col1: 0 });
        self.bbox = Some(PixelBox {
            row0: grown.row0.min(row),
            col0: grown.col0.min(col),
            row1: grown.row1.max(row + 1),
            col1: grown.col1.max(col + 1),
        });
        let (y, x) = (row as u64, col as u64);
        for (moment, more) in self.first_moments.iter_mut().zip([y, x]) {
            *moment += more;
        }
        for (moment, more) in self.second_moments.iter_mut().zip([y * y, x * x, x * y]) {
            *moment += more;
        }
    }

    /// Sum of the intensities of the own pixels.
    pub(super) fn intensity(&self) -> f64 {
        of_units(self.sum)
    }

    /// Sum of the intensities of all pixels of the object.
    pub(super) fn union_intensity(&self) -> f64 {
        of_units(self.union_sum)
    }

    /// Mean row and column of the own pixels, 0-based; not a number without any.
    pub(super) fn centroid(&self) -> (f64, f64) {
        let [rows, cols] = self.first_moments.map(|sum| sum as f64 / self.n as f64);
        (rows, cols)
    }

    /// Eccentricity of the ellipse with the same second moments as the own pixels, each a unit
    /// square; 0 without any.
    ///
    /// # Source
    /// MATLAB's `regionprops`: second central moments over n, plus 1/12 along both axes.
    pub(super) fn eccentricity(&self) -> f64 {
        if self.n == 0 {
            return 0.0;
        }
        let n = i128::from(self.n);
        // n^2 times the central moments is a whole number
        let central = |second: u64, first: u64, other: u64| {
            let whole = n * i128::from(second) - i128::from(first) * i128::from(other);
            whole as f64 / (n * n) as f64
        };
        let ([y, x], [yy, xx, xy]) = (self.first_moments, self.second_moments);
        let (rows, cols) = (central(yy, y, y) + 1.0 / 12.0, central(xx, x, x) + 1.0 / 12.0);
        let both = central(xy, x, y);
        let common = ((cols - rows).powi(2) + 4.0 * both * both).sqrt();
        // (major^2 - minor^2) / major^2 with major^2, minor^2 = 8 (rows + cols +- common)
        (2.0 * common / (rows + cols + common)).sqrt()
    }
}

/// Sums over every object of a label image in one channel; object `label` is at `label - 1`.
///
/// Own pixels are those of `mask`, or all without one. `shared` is the second mask that own pixels
/// are counted in: DAPI's for overlaps, the saturated pixels' for the whole object.
///
/// ```
/// use herscope::imaging::{LabelImage, Plane, region_sums};
/// let labels = LabelImage { rows: 1, cols: 4, labels: vec![0, 1, 1, 2], n_labels: 2 };
/// let plane = Plane::new(1, 4, vec![9.0, 2.0, 5.0, 7.0]);
/// let sums = region_sums(&plane, None, None, &labels);
/// assert_eq!((sums[0].n, sums[0].sum >> 24, sums[0].range), (2, 7, (2.0, 5.0)));
/// assert_eq!(sums[1].first_moments, [0, 3]);
/// ```
pub fn region_sums(
    plane: &Plane,
    mask: Option<&Mask>,
    shared: Option<&Mask>,
    labels: &LabelImage,
) -> Vec<RegionSums> {
    let mut sums = vec![RegionSums::NONE; labels.n_labels as usize];
    let labelled = labels.labels.iter().enumerate().filter(|(_, label)| **label > 0);
    for (index, &label) in labelled {
        let place = (index / labels.cols, index % labels.cols);
        let own = mask.is_none_or(|mask| mask.pixels[index]);
        let is_shared = shared.is_some_and(|shared| shared.pixels[index]);
        sums[label as usize - 1].add(place, plane.pixels[index], own, is_shared);
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::drawing::{label_image, mask};

    fn all_of(drawn: &LabelImage) -> RegionSums {
        let plane = Plane::new(drawn.rows, drawn.cols, vec![1.0; drawn.labels.len()]);
        region_sums(&plane, None, None, drawn)[0]
    }

    #[test]
    fn a_line_is_more_eccentric_than_a_block() {
        // moments 99/12 + 1/12 and 1/12: minor/major = 1/10
        let found = all_of(&label_image!("1111111111")).eccentricity();
        assert!((found - 0.99_f64.sqrt()).abs() < 1e-12, "by hand: {found}");
        assert_eq!(all_of(&label_image!("...." "...1")).eccentricity(), 0.0, "one pixel");
        assert_eq!(RegionSums::NONE.eccentricity(), 0.0, "none");
    }

    #[test]
    fn own_and_shared_pixels_are_those_of_the_masks() {
        let labels = label_image!("11.2" "1.22");
        let plane = Plane::new(2, 4, (1..=8).map(|value| value as f32).collect());
        let (own, other) = (mask!("##.." "..##"), mask!(".#.." "...."));
        let sums = region_sums(&plane, Some(&own), Some(&other), &labels);
        assert_eq!((sums[0].n, sums[0].n_shared), (2, 1), "1 and 2, of which 2 is shared");
        assert_eq!(
            (sums[0].intensity(), sums[0].union_intensity()),
            (3.0, 8.0),
            "1 + 2, 1 + 2 + 5"
        );
        assert_eq!(sums[0].bbox, Some(PixelBox { row0: 0, col0: 0, row1: 1, col1: 2 }), "own");
        assert_eq!((sums[1].range, sums[1].centroid()), ((7.0, 8.0), (1.0, 2.5)), "7 and 8");
        assert_eq!(sums[1].second_moments, [2, 13, 5], "1 + 1, 4 + 9, 2 + 3");
    }
}
