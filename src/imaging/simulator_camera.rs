//! From light to stored pixels: noise, 12 bits, the stretch of a page.

use super::rescale::{CAMERA_MAXIMUM, RawPage, Samples, StretchLimits};
use crate::numeric::draw::Stream;
use crate::numeric::normal_table::NormalTable;
use crate::numeric::philox::{key_of_seed, philox4x32};

/// Numbers that one block of random words gives.
const NUMBERS_PER_BLOCK: usize = 8;

/// Noise of the camera, in camera units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Camera {
    /// Standard deviation of reading a pixel.
    pub read_noise: f64,
    /// Variance of a pixel per unit of light: camera units per photoelectron.
    pub shot_noise: f64,
}

/// Bits of a stored sample.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StorageDepth {
    /// 8 bits, as CellTracks stores: a page loses all but 256 levels of its range.
    #[default]
    Eight,
    /// 16 bits.
    Sixteen,
}

impl Camera {
    /// Standard deviation of the noise of a pixel at this light, in camera units; rounding is left
    /// out.
    pub fn noise_sd(&self, light: f64) -> f64 {
        (self.read_noise * self.read_noise + self.shot_noise * light.max(0.0)).sqrt()
    }

    /// What the camera reads, whole numbers in 0..=4095.
    ///
    /// `light` is a page, row-major. The noise of pixel `i` is half `i mod 8` (low half of a word
    /// first) of the Philox block at counter `(i / 8, frame, page, 5 << 16 | 1)`, as a quantile of
    /// the normal distribution: shot noise is approximated by a normal of the variance of a
    /// Poisson count.
    pub(super) fn read(
        &self,
        light: &[f32],
        (frame, page): (u32, u32),
        seed: u64,
        normals: &NormalTable,
    ) -> Vec<u16> {
        let digitize = |value: f32| value.round().clamp(0.0, CAMERA_MAXIMUM as f32) as u16;
        if self.read_noise == 0.0 && self.shot_noise == 0.0 {
            return light.iter().map(|&value| digitize(value)).collect();
        }
        let key = key_of_seed(seed);
        let (read, shot) = ((self.read_noise * self.read_noise) as f32, self.shot_noise as f32);
        let tag = (Stream::Cartridge as u32) << 16 | 1;
        let mut values = Vec::with_capacity(light.len());
        for (block, chunk) in light.chunks(NUMBERS_PER_BLOCK).enumerate() {
            let words = philox4x32(key, [block as u32, frame, page, tag]);
            for (place, &value) in chunk.iter().enumerate() {
                let bits = (words[place / 2] >> (16 * (place % 2))) as u16;
                let sd = (read + shot * value.max(0.0)).sqrt();
                values.push(digitize(value + sd * normals.at(bits)));
            }
        }
        values
    }
}

/// A page as it is stored: stretched from its smallest and largest camera value to the whole depth,
/// the two limits kept beside it.
pub(super) fn store(camera: &[u16], rows: usize, cols: usize, depth: StorageDepth) -> RawPage {
    let low = camera.iter().copied().min().unwrap_or(0);
    let high = camera.iter().copied().max().unwrap_or(0);
    let full = match depth {
        StorageDepth::Eight => u32::from(u8::MAX),
        StorageDepth::Sixteen => u32::from(u16::MAX),
    };
    let span = u32::from(high - low).max(1);
    // rounded to the nearest, halves up
    let stretch = |value: u16| (2 * u32::from(value - low) * full + span) / (2 * span);
    let samples = match depth {
        StorageDepth::Eight => Samples::U8(camera.iter().map(|&v| stretch(v) as u8).collect()),
        StorageDepth::Sixteen => Samples::U16(camera.iter().map(|&v| stretch(v) as u16).collect()),
    };
    RawPage { rows, cols, samples, limits: Some(StretchLimits { low, high }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::{IntensityScale, rescale};

    #[test]
    fn noise_has_the_variance_of_reading_and_counting() {
        let camera = Camera { read_noise: 3.0, shot_noise: 0.25 };
        let light = vec![400.0_f32; 40_000];
        let read = camera.read(&light, (1, 0), 9, &NormalTable::new());
        let n = read.len() as f64;
        let mean = read.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        let variance = read.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n;
        // 9 + 100, and 1/12 of rounding; five standard errors of each estimate.
        assert!((mean - 400.0).abs() < 5.0 * (109.1 / n).sqrt(), "{mean}");
        assert!((variance - 109.1).abs() < 5.0 * 109.1 * (2.0 / n).sqrt(), "{variance}");
        let other = camera.read(&light, (1, 1), 9, &NormalTable::new());
        assert_ne!(read, other, "another page has other noise");
    }

    #[test]
    fn the_camera_ends_at_zero_and_twelve_bits() {
        let silent = Camera { read_noise: 0.0, shot_noise: 0.0 };
        let read = silent.read(&[-3.0, 0.4, 0.5, 5_000.0], (1, 0), 1, &NormalTable::new());
        assert_eq!(read, [0, 0, 1, 4_095], "clamped and rounded");
    }

    #[test]
    fn a_stored_page_comes_back_within_half_a_step() {
        let camera: Vec<u16> = (0..600).map(|i| 40 + (i * 37 % 1_500) as u16).collect();
        let span = f32::from(*camera.iter().max().expect("pixels") - 40);
        for (depth, steps) in [(StorageDepth::Eight, 255.0), (StorageDepth::Sixteen, 65_535.0)] {
            let page = store(&camera, 20, 30, depth);
            let plane = rescale(&page, IntensityScale::PageMaximum).expect("limits are there");
            for (&found, &value) in plane.pixels.iter().zip(&camera) {
                let error = (found - f32::from(value)).abs();
                // 1e-3 for the f32 of the plane
                assert!(error <= 0.5 * span / steps + 1e-3, "{found} for {value}");
            }
        }
        let flat = store(&[70; 6], 2, 3, StorageDepth::Eight);
        let plane = rescale(&flat, IntensityScale::PageMaximum).expect("limits are there");
        assert_eq!(plane.pixels, [70.0; 6], "a page without range is its lower limit");
    }
}
