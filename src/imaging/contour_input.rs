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
        let (mu0, mu1) = class_means(plane, &initial, scale);
        let mut scaled: Vec<f32> = plane.pixels.iter().map(|&value| scale(value) as f32).collect();
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
    let range = |values: &mut dyn Iterator<Item = f32>| {
        values.fold((f32::INFINITY, f32::NEG_INFINITY), |(least, greatest), value| {
            (least.min(value), greatest.max(value))
        })
    };
    let mut found = (f32::INFINITY, f32::NEG_INFINITY);
    if let Some(edge) = edge_mask {
        let outside = plane.pixels.iter().zip(&edge.pixels).filter(|(_, in_edge)| !**in_edge);
        found = range(&mut outside.map(|(&value, _)| value));
    }
    if found.0 > found.1 {
        found = range(&mut plane.pixels.iter().copied());
    }
    (f64::from(found.0), f64::from(found.1))
}

/// `(mu0, mu1)` of the scaled intensities.
fn class_means(plane: &Plane, initial: &Mask, scale: impl Fn(f32) -> f64) -> (f64, f64) {
    let (mut sums, mut counts) = ([0.0_f64; 2], [0_u64; 2]);
    let (mut least, mut greatest) = (f64::INFINITY, f64::NEG_INFINITY);
    for (&value, &set) in plane.pixels.iter().zip(&initial.pixels) {
        let f = scale(value);
        sums[usize::from(set)] += f;
        counts[usize::from(set)] += 1;
        least = least.min(f);
        greatest = greatest.max(f);
    }
    let mean = |class: usize| (sums[class] / counts[class] as f64).max(0.0);
    match counts {
        [_, 0] => (mean(0), greatest.max(0.0)),
        [0, _] => (least.max(0.0), mean(1)),
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
