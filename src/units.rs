//! Numbers that must not be mixed up.

use serde::{Deserialize, Serialize};

/// The edge of a square pixel in micrometres.
///
/// ```
/// use herscope::units::MicronsPerPixel;
/// assert_eq!(MicronsPerPixel(0.64).area_um2(100), 100.0 * 0.64 * 0.64);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MicronsPerPixel(pub f64);

impl MicronsPerPixel {
    /// Area in square micrometres of `n_pixels` pixels.
    pub fn area_um2(self, n_pixels: u64) -> f64 {
        n_pixels as f64 * self.0 * self.0
    }
}

/// Days in a month of follow-up: 365.25 / 12. Medical time axes use it; it is written into outputs.
pub const DAYS_PER_MONTH: f64 = 30.4375;
