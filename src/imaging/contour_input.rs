//! What the contour of a channel starts from: scaled intensities, first guess, class means.

use super::bit_mask::BitMask;
use super::exact_sum::{chunk_sum, in_units, of_units};
use super::frame::{Mask, Plane};
use super::levels::{LevelCounts, without};
use super::morphology::{MIN_AREA_PX, drop_small};
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
    /// Behaviour of ACCEPT; means are exact sums of intensities, scaled.
    pub fn prepare(plane: &Plane, threshold: f64, edge_mask: Option<&Mask>) -> Self {
        let mut initial = match plane.levels() {
            Some(levels) => levels.above(threshold, plane.rows, plane.cols),
            None => BitMask::of(&initial_mask(plane, threshold)),
        };
        drop_small(&mut initial, MIN_AREA_PX);
        let edge = edge_mask.map(BitMask::of);
        let counts = plane.levels().map(|levels| levels.counts());
        let range_of_f = range_outside(plane, counts.as_ref(), edge.as_ref());
        let Some(scale) = IntensityScaling::of_range(range_of_f) else {
            return Self::flat(plane);
        };
        let (mut scaled, classes) = match plane.levels().zip(counts) {
            Some((levels, counts)) => {
                let foreground = levels.counts_in(&initial);
                let classes = [without(&counts, &foreground), foreground];
                let scaled = levels.values().map(|value| scale.f(value));
                (levels.looked_up(&scaled), ClassSums::of_levels(levels.values(), classes))
            }
            None => scaled_and_summed(plane, &initial.to_mask(), scale),
        };
        let (mu0, mu1) = classes.means(scale, || range(&plane.pixels));
        if let Some(edge) = edge {
            for (row, col) in edge.places() {
                scaled[row * plane.cols + col] = mu0 as f32;
            }
            initial = initial.minus(&edge);
        }
        let scaled = Plane::new(plane.rows, plane.cols, scaled);
        Self { scaled, initial: initial.to_mask(), mu0, mu1 }
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
        let (least, greatest) = range(&plane.pixels);
        let halfway = f64::midpoint(f64::from(least), f64::from(greatest));
        let Some(scale) = IntensityScaling::of_range((least, greatest)) else {
            return (Self::flat(plane), if least.is_finite() { f64::from(least) } else { 0.0 });
        };
        let is_bright = |&value: &f32| scale.of(f64::from(value)) > 0.5;
        let bright = Mask {
            rows: plane.rows,
            cols: plane.cols,
            pixels: plane.pixels.iter().map(is_bright).collect(),
        };
        let (scaled, classes) = scaled_and_summed(plane, &bright, scale);
        let (mu0, mu1) = classes.means(scale, || (least, greatest));
        let input = Self {
            scaled: Plane::new(plane.rows, plane.cols, scaled),
            initial: Mask::empty(plane.rows, plane.cols),
            mu0,
            mu1,
        };
        (input, halfway)
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

/// Least and greatest intensity outside the edge mask; of all pixels when it covers everything.
fn range_outside(
    plane: &Plane,
    counts: Option<&LevelCounts>,
    edge_mask: Option<&BitMask>,
) -> (f32, f32) {
    let levels = plane.levels().zip(counts);
    let outside = edge_mask.and_then(|edge| match levels {
        Some((levels, counts)) => levels.range(&without(counts, &levels.counts_in(edge))),
        None => {
            let places = edge.inverted();
            let values: Vec<f32> =
                places.places().map(|(row, col)| plane.pixels[row * plane.cols + col]).collect();
            (!values.is_empty()).then(|| range(&values))
        }
    });
    let everywhere = || levels.and_then(|(levels, counts)| levels.range(counts));
    outside.or_else(everywhere).unwrap_or_else(|| range(&plane.pixels))
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

/// How intensities become `f`: 0 at the least, 1 at the greatest of a range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IntensityScaling {
    least: f64,
    range: f64,
}

impl IntensityScaling {
    /// The scaling of a range of intensities; `None` when it is a single one or none.
    pub fn of_range((least, greatest): (f32, f32)) -> Option<Self> {
        let range = f64::from(greatest) - f64::from(least);
        (range > 0.0).then_some(Self { least: f64::from(least), range })
    }

    fn of(self, value: f64) -> f64 {
        (value - self.least) / self.range
    }

    /// `f` of an intensity.
    pub fn f(self, value: f32) -> f32 {
        self.of(f64::from(value)) as f32
    }
}

/// Sum of the intensities of background and foreground, in units of 2^-24, and pixels of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClassSums {
    sums: [i128; 2],
    counts: [usize; 2],
}

impl ClassSums {
    /// Sums of counted levels of background and foreground.
    fn of_levels(values: &[f32], classes: [LevelCounts; 2]) -> Self {
        let mut sums = Self::default();
        for (class, counts) in classes.iter().enumerate() {
            for (&value, &count) in values.iter().zip(counts) {
                sums.add(class, value, count);
            }
        }
        sums
    }

    /// Adds `n` pixels of one intensity to the background (0) or the foreground (1).
    pub fn add(&mut self, class: usize, value: f32, n: u32) {
        self.sums[class] += in_units(value) as i128 * i128::from(n);
        self.counts[class] += n as usize;
    }

    /// `(mu0, mu1)`: see [`ContourInput::prepare`]; `whole` is the range of all intensities.
    pub fn means(&self, scale: IntensityScaling, whole: impl Fn() -> (f32, f32)) -> (f64, f64) {
        let mean = |class: usize| {
            let of_intensities = of_units(self.sums[class]) / self.counts[class] as f64;
            scale.of(of_intensities).max(0.0)
        };
        match self.counts {
            // scaling keeps the order
            [_, 0] => (mean(0), scale.of(f64::from(whole().1)).max(0.0)),
            [0, _] => (scale.of(f64::from(whole().0)).max(0.0), mean(1)),
            _ => (mean(0), mean(1)),
        }
    }
}

/// The scaled intensities, and the sums of the intensities.
fn scaled_and_summed(
    plane: &Plane,
    initial: &Mask,
    scale: IntensityScaling,
) -> (Vec<f32>, ClassSums) {
    const CHUNK: usize = 32;
    let mut scaled = Vec::with_capacity(plane.pixels.len());
    let mut all = 0;
    let mut foreground = 0;
    let mut n_foreground = 0;
    for (values, set) in plane.pixels.chunks(CHUNK).zip(initial.pixels.chunks(CHUNK)) {
        let mut units = [0.0_f64; CHUNK];
        for (unit, &value) in units.iter_mut().zip(values) {
            *unit = in_units(value);
        }
        scaled.extend(values.iter().map(|&value| scale.f(value)));
        all += chunk_sum(&units) as i128;
        if set.iter().fold(false, |any, &set| any | set) {
            for (unit, &set) in units.iter_mut().zip(set) {
                *unit = if set { *unit } else { 0.0 };
                n_foreground += usize::from(set);
            }
            foreground += chunk_sum(&units) as i128;
        }
    }
    let counts = [plane.pixels.len() - n_foreground, n_foreground];
    (scaled, ClassSums { sums: [all - foreground, foreground], counts })
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
