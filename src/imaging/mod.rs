//! Pure pixel maths on frames of a cartridge: no file, clock, thread pool or device.

mod frame;

pub use frame::{Channel, Frame, LabelImage, Mask, Plane};
