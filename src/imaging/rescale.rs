//! Stored page values back to camera units.
//!
//! A CellTracks camera writes 12 bits; each page is stretched when it is saved, and two private
//! tags keep the limits of that stretch. This module undoes it.

use std::cmp::Ordering;

use super::Plane;
use super::stored_plane::StoredPlane;
use crate::Error;

/// Offset that some camera files carry on every value (16-bit words with the top bit set).
const CAMERA_OFFSET: f64 = 32_768.0;

/// Largest value of the 12-bit CellTracks camera; at this value a pixel is saturated.
pub(super) const CAMERA_MAXIMUM: f64 = 4_095.0;

/// Stored values of a page, in the depth of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Samples {
    /// 8 bits a sample.
    U8(Vec<u8>),
    /// 16 bits a sample.
    U16(Vec<u16>),
}

impl Samples {
    /// Number of samples.
    pub fn len(&self) -> usize {
        match self {
            Self::U8(values) => values.len(),
            Self::U16(values) => values.len(),
        }
    }

    /// True without samples.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Largest value the depth can hold.
    pub fn full_scale(&self) -> u16 {
        match self {
            Self::U8(_) => u16::from(u8::MAX),
            Self::U16(_) => u16::MAX,
        }
    }

    fn maximum(&self) -> u16 {
        match self {
            Self::U8(values) => values.iter().copied().max().map_or(0, u16::from),
            Self::U16(values) => values.iter().copied().max().unwrap_or(0),
        }
    }

    /// What `table` says of each value.
    pub(super) fn looked_up(&self, table: &[f32]) -> Vec<f32> {
        match self {
            Self::U8(values) => values.iter().map(|&p| table[usize::from(p)]).collect(),
            Self::U16(values) => values.iter().map(|&p| table[usize::from(p)]).collect(),
        }
    }

    /// True when every column has a value of at least `least`.
    fn every_column_reaches(&self, least: u16, cols: usize) -> bool {
        fn reaches<T: Copy + Into<u16>>(values: &[T], least: u16, cols: usize) -> bool {
            let column = |col: usize| values[col..].iter().step_by(cols);
            (0..cols).all(|col| column(col).any(|&value| value.into() >= least))
        }
        match self {
            Self::U8(values) => reaches(values, least, cols),
            Self::U16(values) => reaches(values, least, cols),
        }
    }
}

/// The camera values that the smallest and the largest stored value stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StretchLimits {
    /// Camera value of a stored 0 (tag 755).
    pub low: u16,
    /// Camera value of the largest stored value (tag 756); not below `low`.
    pub high: u16,
}

/// One page of a frame as it is stored, `[rows x cols]` row-major.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawPage {
    /// Height in pixels.
    pub rows: usize,
    /// Width in pixels.
    pub cols: usize,
    /// `rows * cols` stored values.
    pub samples: Samples,
    /// The limits of the stretch, where the page has them.
    pub limits: Option<StretchLimits>,
}

impl RawPage {
    /// A page of 8-bit zeros without stretch limits.
    pub fn zeros(rows: usize, cols: usize) -> Self {
        Self { rows, cols, samples: Samples::U8(vec![0; rows * cols]), limits: None }
    }
}

/// How stored values become intensities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IntensityScale {
    /// `low + p (high - low) / max(p)`: what ACCEPT does, the largest stored value of the page is
    /// the upper limit.
    #[default]
    PageMaximum,
    /// `low + p (high - low) / 255` (or 65535): the stretch was to the full depth.
    FullScale,
    /// The stored value itself; the limits are not looked at.
    Stored,
}

/// The page in camera units: real values, not rounded, with the 2^15 offset taken off.
///
/// The divisor is the largest stored value of the whole page ([`IntensityScale::PageMaximum`]) or
/// of the depth ([`IntensityScale::FullScale`]); a page of zeros becomes `low` everywhere. Where
/// every column reaches beyond 32767, 32768 is subtracted from the page.
///
/// # Errors
/// A scale that needs stretch limits and a page without them; `low` above `high`.
///
/// # Source
/// Behaviour of the ACCEPT loader for CellTracks (Zeune et al. 2017, PLoS ONE 12:e0186562), whose
/// 0/0 on a page of zeros is replaced by `low`. Values are computed in `f64` as
/// `low + p ((high - low) / max(p))` and rounded to `f32` without crossing a whole number.
///
/// ```
/// use herscope::imaging::{IntensityScale, RawPage, Samples, StretchLimits, rescale};
///
/// let page = RawPage {
///     rows: 1,
///     cols: 3,
///     samples: Samples::U8(vec![0, 50, 200]),
///     limits: Some(StretchLimits { low: 20, high: 420 }),
/// };
/// // 20 + p * 400 / 200
/// assert_eq!(rescale(&page, IntensityScale::PageMaximum)?.pixels, [20.0, 120.0, 420.0]);
/// assert_eq!(rescale(&page, IntensityScale::Stored)?.pixels, [0.0, 50.0, 200.0]);
/// # Ok::<(), herscope::Error>(())
/// ```
pub fn rescale(page: &RawPage, scale: IntensityScale) -> Result<Plane, Error> {
    Ok(Plane::of_stored(StoredPlane::new(page.clone(), scale)?))
}

/// The intensity of each stored value of a page, ascending, from 0 to the largest that occurs: what
/// [`rescale`] looks up.
///
/// # Errors
/// As [`rescale`].
pub fn camera_values(page: &RawPage, scale: IntensityScale) -> Result<Vec<f32>, Error> {
    let maximum = page.samples.maximum();
    let (low, span, divisor) = match scale {
        IntensityScale::Stored => (0.0, 1.0, 1.0),
        IntensityScale::PageMaximum => stretch(page, maximum)?,
        IntensityScale::FullScale => stretch(page, page.samples.full_scale())?,
    };
    // the quotient comes first, as in the reader of the original analysis: that decides on which
    // side of a whole number, hence in which bin of a histogram, a value comes to lie
    let step = if divisor > 0.0 { span / divisor } else { 0.0 };
    // a page has few stored values and many pixels
    let mut values: Vec<f64> = (0..=maximum).map(|stored| low + f64::from(stored) * step).collect();
    if scale != IntensityScale::Stored && carries_camera_offset(page, &values) {
        values.iter_mut().for_each(|value| *value -= CAMERA_OFFSET);
    }
    Ok(values.into_iter().map(round_beside_whole_numbers).collect())
}

/// The intensity at and above which a pixel of this page counts as saturated.
///
/// In camera units that is 4095, the end of the 12-bit camera; a page whose upper limit lies
/// beyond it (after the 2^15 offset) comes from another camera and is saturated at 65535. Stored
/// values saturate at the end of their depth.
pub fn saturation_level(page: &RawPage, scale: IntensityScale) -> f32 {
    let full_scale = f32::from(page.samples.full_scale());
    let Some(limits) = page.limits.filter(|_| scale != IntensityScale::Stored) else {
        return full_scale;
    };
    let high = f64::from(limits.high);
    let without_offset = if high >= CAMERA_OFFSET { high - CAMERA_OFFSET } else { high };
    if without_offset <= CAMERA_MAXIMUM { CAMERA_MAXIMUM as f32 } else { f32::from(u16::MAX) }
}

/// `low`, `high - low` and the divisor of a stretch.
fn stretch(page: &RawPage, divisor: u16) -> Result<(f64, f64, f64), Error> {
    let doing = "rescaling a page to camera units";
    let limits = page.limits.ok_or_else(|| {
        Error::input(doing)
            .found("no stretch limits")
            .expected("tags 755 and 756, or the intensity scale \"stored\"")
    })?;
    if limits.low > limits.high {
        return Err(Error::input(doing)
            .found(format!("lower limit {} above upper limit {}", limits.low, limits.high))
            .expected("low <= high"));
    }
    Ok((f64::from(limits.low), f64::from(limits.high - limits.low), f64::from(divisor)))
}

/// The nearest `f32` on the same side of every whole number, so that single precision changes
/// neither the bin of a histogram nor the comparison with a threshold.
fn round_beside_whole_numbers(value: f64) -> f32 {
    let rounded = value as f32;
    let is_whole = rounded.fract() == 0.0;
    match f64::from(rounded).partial_cmp(&value) {
        Some(Ordering::Greater) if is_whole => rounded.next_down(),
        Some(Ordering::Less) if is_whole => rounded.next_up(),
        _ => rounded,
    }
}

/// True when every column has a value above 32767; `values` are those of the stored ones, ascending.
fn carries_camera_offset(page: &RawPage, values: &[f64]) -> bool {
    let least = values.iter().position(|&value| value > CAMERA_OFFSET - 1.0);
    page.cols > 0
        && !page.samples.is_empty()
        && least.is_some_and(|least| page.samples.every_column_reaches(least as u16, page.cols))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(samples: Samples, cols: usize, low: u16, high: u16) -> RawPage {
        RawPage {
            rows: samples.len() / cols,
            cols,
            samples,
            limits: Some(StretchLimits { low, high }),
        }
    }

    #[test]
    fn a_page_of_zeros_is_the_lower_limit_everywhere() {
        let flat = page(Samples::U8(vec![0; 6]), 3, 30, 30);
        let plane = rescale(&flat, IntensityScale::PageMaximum).expect("limits are given");
        assert_eq!(plane.pixels, [30.0; 6], "0/0 becomes the lower limit");
    }

    #[test]
    fn eight_and_sixteen_bits_of_one_stretch_agree() {
        let eight = page(Samples::U8(vec![0, 51, 255]), 3, 20, 275);
        let sixteen = page(Samples::U16(vec![0, 51 * 257, 65_535]), 3, 20, 275);
        assert_eq!(
            rescale(&eight, IntensityScale::PageMaximum).expect("limits are given"),
            rescale(&sixteen, IntensityScale::PageMaximum).expect("limits are given"),
            "20 + 51 = 71 in both depths"
        );
    }

    #[test]
    fn the_divisor_is_the_page_maximum_unless_full_scale_is_asked_for() {
        let dim = page(Samples::U8(vec![0, 127]), 2, 0, 255);
        let accept = rescale(&dim, IntensityScale::PageMaximum).expect("limits are given");
        let full = rescale(&dim, IntensityScale::FullScale).expect("limits are given");
        assert_eq!(accept.pixels, [0.0, 255.0], "the brightest pixel is the upper limit");
        assert_eq!(full.pixels, [0.0, 127.0], "255 would be the upper limit");
    }

    #[test]
    fn the_camera_offset_goes_only_when_every_column_has_it() {
        let every = page(Samples::U8(vec![0, 255, 255, 0]), 2, 32_768, 33_023);
        let plane = rescale(&every, IntensityScale::PageMaximum).expect("limits are given");
        assert_eq!(plane.pixels, [0.0, 255.0, 255.0, 0.0], "both columns lie above 32767");

        let one = page(Samples::U8(vec![0, 255, 0, 0]), 2, 0, 40_000);
        let plane = rescale(&one, IntensityScale::PageMaximum).expect("limits are given");
        assert_eq!(plane.pixels, [0.0, 40_000.0, 0.0, 0.0], "the first column stays below");

        let between = page(Samples::U8(vec![0, 3, 2, 0]), 2, 32_767, 32_768);
        let plane = rescale(&between, IntensityScale::PageMaximum).expect("limits are given");
        let second = (2.0_f64 / 3.0 - 1.0) as f32;
        assert_eq!(plane.pixels, [-1.0, 0.0, second, -1.0], "32767.67 is above 32767");
    }

    #[test]
    fn a_page_without_limits_or_with_crossed_ones_is_refused() {
        let mut bare = page(Samples::U8(vec![1, 2]), 2, 0, 9);
        bare.limits = None;
        assert!(rescale(&bare, IntensityScale::PageMaximum).is_err(), "no limits");
        assert!(rescale(&bare, IntensityScale::Stored).is_ok(), "stored values need none");
        let crossed = page(Samples::U8(vec![1, 2]), 2, 900, 20);
        assert!(rescale(&crossed, IntensityScale::PageMaximum).is_err(), "low above high");
    }

    #[test]
    fn single_precision_does_not_carry_a_value_over_a_whole_number() {
        let below = 249.0 - 3e-14;
        assert_eq!(round_beside_whole_numbers(below).floor(), 248.0, "stays in its bin");
        assert!(round_beside_whole_numbers(249.0 + 3e-14) > 249.0, "stays above");
        assert_eq!(round_beside_whole_numbers(249.0), 249.0, "whole numbers are exact");
        assert_eq!(round_beside_whole_numbers(0.1), 0.1, "others are rounded to the nearest");
    }

    #[test]
    fn saturation_is_the_end_of_the_camera() {
        let celltracks = page(Samples::U8(vec![255]), 1, 10, 4_095);
        assert_eq!(saturation_level(&celltracks, IntensityScale::PageMaximum), 4_095.0, "12 bits");
        let offset = page(Samples::U8(vec![255]), 1, 32_778, 36_863);
        assert_eq!(saturation_level(&offset, IntensityScale::PageMaximum), 4_095.0, "with 2^15");
        assert_eq!(saturation_level(&celltracks, IntensityScale::Stored), 255.0, "stored depth");
    }
}
