//! How noisy the pixels of a channel are, and what that does to the mean of an object.

use super::frame::{LabelImage, Mask, Plane};

/// Noise of the pixels of no object.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct PixelNoise {
    /// Standard deviation about the median, in camera units; above 0.
    pub sd: f64,
    /// Pixels that the background is the median of.
    pub n_background: u64,
    /// From the median to the next lower value that occurs, in camera units: the step in which
    /// stored intensities, and so the median, are known.
    pub step: f64,
}

impl PixelNoise {
    /// The noise of the pixels outside all objects and outside the edge, around their `median`;
    /// `None` where no such pixel differs from it.
    ///
    /// Only pixels below the median are looked at, those equal to it counting half: light that no
    /// outline holds lies above. Sum in `f64` in row-major order.
    pub(crate) fn of_background(
        plane: &Plane,
        labels: &LabelImage,
        edge_mask: Option<&Mask>,
        median: f64,
    ) -> Option<Self> {
        let (mut n_below, mut n_equal, mut n_background) = (0_u64, 0_u64, 0_u64);
        let (mut squares, mut step) = (0.0, f64::INFINITY);
        for (place, (&value, &label)) in plane.pixels.iter().zip(&labels.labels).enumerate() {
            if label > 0 || edge_mask.is_some_and(|edge| edge.pixels[place]) {
                continue;
            }
            n_background += 1;
            let below = median - f64::from(value);
            if below > 0.0 {
                n_below += 1;
                squares += below * below;
                step = step.min(below);
            } else if below == 0.0 {
                n_equal += 1;
            }
        }
        let n = n_below as f64 + 0.5 * n_equal as f64;
        (squares > 0.0).then(|| Self { sd: (squares / n).sqrt(), n_background, step })
    }

    /// Standard error of the mean of `area_px` pixels above the background, of the pixels' noise and
    /// of the background's median: the root of `sd^2 (1 / area + pi / (2 n_background)) + step^2 /
    /// 12`; `None` without a pixel.
    ///
    /// It leaves out the shot noise of the object's own light, which takes the camera's gain to
    /// know, a background that is not level, and where the outline runs.
    ///
    /// ```
    /// use herscope::imaging::PixelNoise;
    /// let noise = PixelNoise { sd: 6.0, n_background: 1_000_000, step: 0.1 };
    /// assert!((noise.mean_std_err(144).unwrap() - 0.5).abs() < 1e-2); // 6 / sqrt(144)
    /// assert_eq!(noise.mean_std_err(0), None);
    /// ```
    pub fn mean_std_err(&self, area_px: u64) -> Option<f64> {
        let of_median = std::f64::consts::FRAC_PI_2 / self.n_background as f64;
        let of_noise = self.sd * self.sd * (1.0 / area_px as f64 + of_median);
        (area_px > 0).then(|| (of_noise + self.step * self.step / 12.0).sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::drawing::{label_image, mask};

    #[test]
    fn noise_is_that_of_the_dark_half_outside_objects_and_edge() {
        // background 8, 10, 10, 12 and an unseen light of 90; an object of 50s; an edge of 1
        let plane = Plane::new(2, 4, vec![8.0, 10.0, 50.0, 1.0, 12.0, 10.0, 50.0, 90.0]);
        let labels = label_image!("..1." "..1.");
        let edge = mask!("...#" "....");
        let noise = PixelNoise::of_background(&plane, &labels, Some(&edge), 10.0);
        let noise = noise.expect("one pixel is below the median");
        // 8 is 2 below; half of the two 10s count: 4 / (1 + 1)
        assert!((noise.sd - 2.0_f64.sqrt()).abs() < 1e-15, "{noise:?}");
        assert_eq!((noise.n_background, noise.step), (5, 2.0), "all but the object and the edge");
        // (2 (1/8 + pi/10) + 4/12) of an object of eight pixels
        let expected = (0.25 + 0.2 * std::f64::consts::PI + 1.0 / 3.0_f64).sqrt();
        let found = noise.mean_std_err(8).expect("pixels");
        assert!((found - expected).abs() < 1e-12, "{found} for {expected}");
    }

    #[test]
    fn a_flat_background_has_no_noise_to_tell() {
        let flat = Plane::new(1, 3, vec![7.0, 7.0, 9.0]);
        let none = PixelNoise::of_background(&flat, &label_image!("..."), None, 7.0);
        assert_eq!(none, None, "nothing lies below");
    }
}
