//! Pure pixel maths on frames of a cartridge: no file, clock, thread pool or device.

mod frame;
mod rescale;

pub use frame::{Channel, Frame, LabelImage, Mask, Plane};
pub use rescale::{IntensityScale, RawPage, Samples, StretchLimits, rescale, saturation_level};
