//! What the outline of a channel's foreground is asked for and given as. The contour itself is a
//! kernel.

use super::contour_input::ContourInput;
use super::frame::Mask;
use crate::Error;

/// How the contour is evolved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ContourSettings {
    /// Weight of the outline's length against the intensities; smaller follows more detail. 0.01
    /// for whole frames and 0.0005 for crops in ACCEPT.
    pub lambda: f32,
    /// The contour stops here at the latest; 200 in ACCEPT.
    pub max_iterations: u32,
}

impl ContourSettings {
    /// For whole frames: lambda 0.01, at most 200 iterations.
    pub const FULL_DETECTION: Self = Self { lambda: 0.01, max_iterations: 200 };
    /// For crops around known events: lambda 0.0005, at most 200 iterations.
    pub const MARKER_CHARACTERIZATION: Self = Self { lambda: 0.0005, max_iterations: 200 };
}

/// The foreground of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contour {
    /// Foreground pixels: where the relaxed indicator is at least 0.5.
    pub mask: Mask,
    /// Iterations done.
    pub iterations: u32,
}

/// Evolves the first guess of a channel to its contour, on whatever engine the caller has.
pub type ContourFn<'a> =
    dyn Fn(&ContourInput, ContourSettings) -> Result<Contour, Error> + Sync + 'a;
