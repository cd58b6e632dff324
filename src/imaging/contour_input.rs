//! What the contour of a channel starts from: scaled intensities, first guess, class means.

use super::frame::{Mask, Plane};
use super::morphology::{MIN_AREA_PX, open_area};
use super::threshold::initial_mask;

/// A channel ready for its contour.
#[derive(Clone, Debug)]
pub struct ContourInput {
    /// Intensities `f` scaled to 0..1 (pixels of the edge mask are `mu0`), `[rows x cols]`.
    pub scaled: Plane,
    /// First guess of the foreground.
    pub initial: Mask,
    /// Mean of `f` over the background of the first guess, at least 0.
    pub mu0: f64,
    /// Mean of `f` over the foreground of the first guess, at least 0.
    pub mu1: f64,
}

impl ContourInput {
    /// Prepares a channel of a frame, or of a crop of one.
    ///
    /// The first guess is `v > threshold` without 8-connected components of fewer than 10 pixels.
    /// `f` is scaled by the least and greatest intensity outside the edge mask, so pixels in it may
    /// be below 0 or above 1; they still count in the class means and are then set to background.
    /// Without any background, `mu0` is the least `f`; without any foreground, `mu1` is the
    /// greatest and `mu0` the mean. A plane of one intensity has no classes: its first guess is
    /// empty and both means are 0.
    ///
    /// # Source
    /// Behaviour of ACCEPT; means are summed in `f64`.
    pub fn prepare(plane: &Plane, threshold: f64, edge_mask: Option<&Mask>) -> Self {
        let mut initial = initial_mask(plane, threshold);
        open_area(&mut initial, MIN_AREA_PX);
        let (least, greatest) = range_outside(plane, edge_mask);
        let range = greatest - least;
        if range.is_nan() || range <= 0.0 {
            return Self::flat(plane);
        }
        let scale = |value: f32| (f64::from(value) - least) / range;
        let (mut scaled, classes) = scaled_and_summed(plane, &initial, scale);
        let (mu0, mu1) = class_means(plane, &classes, scale);
        if let Some(edge) = edge_mask {
            for ((f, set), _) in scaled
                .iter_mut()
                .zip(&mut initial.pixels)
                .zip(&edge.pixels)
                .filter(|(_, in_edge)| **in_edge)
            {
                *f = mu0 as f32;
                *set = false;
            }
        }
        Self { scaled: Plane::new(plane.rows, plane.cols, scaled), initial, mu0, mu1 }
    }

    /// Prepares an event that was cut out and whose channel has no histogram to choose a threshold
    /// from: nothing is foreground at first, and the classes are split halfway between the least
    /// and the greatest intensity, which is returned too. A plane of one intensity is as in
    /// [`Self::prepare`].
    ///
    /// # Source
    /// Behaviour of ACCEPT for folders of thumbnails.
    ///
    /// ```
    /// use herscope::imaging::{ContourInput, Plane};
    /// let plane = Plane::new(1, 4, vec![10.0, 14.0, 28.0, 30.0]);
    /// let (input, halfway) = ContourInput::split_halfway(&plane);
    /// assert_eq!((halfway, input.initial.count()), (20.0, 0));
    /// assert_eq!((input.mu0, input.mu1), (0.1, 0.95)); // of 0, 0.2 and 0.9, 1
    /// ```
    pub fn split_halfway(plane: &Plane) -> (Self, f64) {
        let (least, greatest) = range_outside(plane, None);
        let range = greatest - least;
        if range.is_nan() || range <= 0.0 {
            return (Self::flat(plane), if least.is_finite() { least } else { 0.0 });
        }
        let scale = |value: f32| (f64::from(value) - least) / range;
        let is_bright = plane.pixels.iter().map(|&value| scale(value) > 0.5).collect();
        let bright = Mask { rows: plane.rows, cols: plane.cols, pixels: is_bright };
        let (scaled, classes) = scaled_and_summed(plane, &bright, scale);
        let (mu0, mu1) = class_means(plane, &classes, scale);
        let input = Self {
            scaled: Plane::new(plane.rows, plane.cols, scaled),
            initial: Mask::empty(plane.rows, plane.cols),
            mu0,
            mu1,
        };
        (input, least + range / 2.0)
    }

    fn flat(plane: &Plane) -> Self {
        let (rows, cols) = (plane.rows, plane.cols);
        Self {
            scaled: Plane::new(rows, cols, vec![0.0; rows * cols]),
            initial: Mask::empty(rows, cols),
            mu0: 0.0,
            mu1: 0.0,
        }
    }
}

/// Least and greatest intensity outside the edge mask; of the whole plane if it covers everything.
fn range_outside(plane: &Plane, edge_mask: Option<&Mask>) -> (f64, f64) {
    let mut found = (f32::INFINITY, f32::NEG_INFINITY);
    if let Some(edge) = edge_mask {
        let pixels = plane.pixels.iter().zip(&edge.pixels);
        let outside: Vec<f32> =
            pixels.filter(|(_, in_edge)| !**in_edge).map(|(&value, _)| value).collect();
        found = range(&outside);
    }
    if found.0 > found.1 {
        found = range(&plane.pixels);
    }
    (f64::from(found.0), f64::from(found.1))
}

/// Least and greatest value, not-a-numbers left out; infinite and crossed without any.
fn range(values: &[f32]) -> (f32, f32) {
    // comparisons written so that sixteen of them are one or two instructions
    let lower = |a: f32, b: f32| if a < b { a } else { b };
    let higher = |a: f32, b: f32| if a > b { a } else { b };
    let (mut least, mut greatest) = ([f32::INFINITY; 16], [f32::NEG_INFINITY; 16]);
    let (chunks, rest) = values.as_chunks::<16>();
    for chunk in chunks {
        for lane in 0..16 {
            least[lane] = lower(chunk[lane], least[lane]);
            greatest[lane] = higher(chunk[lane], greatest[lane]);
        }
    }
    let all = |lanes: [f32; 16], of: fn(f32, f32) -> f32, start: f32| {
        rest.iter().chain(&lanes).fold(start, |found, &value| of(value, found))
    };
    (all(least, lower, f32::INFINITY), all(greatest, higher, f32::NEG_INFINITY))
}

/// Sum of the scaled intensities of background and foreground, and pixels of each.
struct Classes {
    sums: [f64; 2],
    counts: [usize; 2],
}

/// The scaled intensities, and their sums in row-major order.
fn scaled_and_summed(
    plane: &Plane,
    initial: &Mask,
    scale: impl Fn(f32) -> f64,
) -> (Vec<f32>, Classes) {
    const CHUNK: usize = 32;
    let mut scaled = Vec::with_capacity(plane.pixels.len());
    let mut sums = [0.0_f64; 2];
    let mut n_foreground = 0;
    for (values, set) in plane.pixels.chunks(CHUNK).zip(initial.pixels.chunks(CHUNK)) {
        let mut of_chunk = [0.0_f64; CHUNK];
        for (f, &value) in of_chunk.iter_mut().zip(values) {
            *f = scale(value);
        }
        let of_chunk = &of_chunk[..values.len()];
        scaled.extend(of_chunk.iter().map(|&f| f as f32));
        if set.iter().fold(false, |any, &set| any | set) {
            for (&f, &set) in of_chunk.iter().zip(set) {
                sums[usize::from(set)] += f;
                n_foreground += usize::from(set);
            }
        } else {
            for f in of_chunk {
                sums[0] += f;
            }
        }
    }
    (scaled, Classes { sums, counts: [plane.pixels.len() - n_foreground, n_foreground] })
}

/// `(mu0, mu1)` of the scaled intensities.
fn class_means(plane: &Plane, classes: &Classes, scale: impl Fn(f32) -> f64) -> (f64, f64) {
    let Classes { sums, counts } = classes;
    let mean = |class: usize| (sums[class] / counts[class] as f64).max(0.0);
    match counts {
        // scaling keeps the order
        [_, 0] => (mean(0), scale(range(&plane.pixels).1).max(0.0)),
        [0, _] => (scale(range(&plane.pixels).0).max(0.0), mean(1)),
        _ => (mean(0), mean(1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plane_of(bright: usize) -> Plane {
        let pixels = (0..40).map(|index| if index < bright { 30.0 } else { 10.0 }).collect();
        Plane::new(4, 10, pixels)
    }

    #[test]
    fn specks_do_not_count_as_foreground() {
        let input = ContourInput::prepare(&plane_of(9), 20.0, None);
        assert_eq!(input.initial.count(), 0, "nine pixels are too few");
        assert!((input.mu0 - 9.0 / 40.0).abs() < 1e-15, "mean of everything: {}", input.mu0);
        assert_eq!(input.mu1, 1.0, "the greatest f");
        let input = ContourInput::prepare(&plane_of(10), 20.0, None);
        assert_eq!(input.initial.count(), 10, "ten are enough");
        assert_eq!((input.mu0, input.mu1), (0.0, 1.0), "the classes are pure");
    }

    #[test]
    fn a_threshold_below_everything_makes_all_foreground() {
        let input = ContourInput::prepare(&plane_of(10), 0.0, None);
        assert_eq!((input.mu0, input.mu1), (0.0, 0.25), "least and mean");
    }

    #[test]
    fn the_edge_mask_is_background_and_does_not_set_the_scale() {
        let mut plane = plane_of(20);
        plane.pixels[39] = 110.0;
        let mut edge = Mask::empty(4, 10);
        edge.pixels[39] = true;
        edge.pixels[0] = true;
        let input = ContourInput::prepare(&plane, 20.0, Some(&edge));
        assert_eq!(input.mu1, 1.0, "scaled to 10..30; the bright pixel alone was dropped");
        assert!((input.mu0 - 5.0 / 20.0).abs() < 1e-15, "f = 5 counts in mu0: {}", input.mu0);
        assert_eq!(input.scaled.pixels[39], 0.25, "set to mu0");
        assert!(!input.initial.pixels[0], "and taken out of the first guess");
    }

    #[test]
    fn a_flat_plane_has_no_classes() {
        let input = ContourInput::prepare(&Plane::new(4, 4, vec![7.0; 16]), 3.0, None);
        assert_eq!(
            (input.initial.count(), input.mu0, input.mu1),
            (0, 0.0, 0.0),
            "nothing to split"
        );
    }
}
