//! Frames kept between the two passes over a sample, as they are stored, within a bound.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::imaging::{Frame, Plane, StoredPlane};
use crate::io::archive::ArchiveFrame;

/// Bytes of stored pixels that are kept at most; the rest is read again. A cartridge of 175 frames
/// has twice as many.
const MAX_BYTES: usize = 512 << 20;

/// Frames that the first pass read and the second need not.
#[derive(Default)]
pub(super) struct FrameCache {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    frames: HashMap<u32, KeptFrame>,
    n_bytes: usize,
}

/// A frame without the intensities, which its pages give again.
struct KeptFrame {
    frame: ArchiveFrame,
    pages: Vec<StoredPlane>,
}

impl FrameCache {
    /// Keeps a frame if there is room.
    pub(super) fn keep(&self, mut frame: ArchiveFrame) {
        let number = frame.frame.number;
        let planes = std::mem::take(&mut frame.frame.planes);
        let n_planes = planes.len();
        let pages: Vec<StoredPlane> = planes.into_iter().filter_map(Plane::into_stored).collect();
        let n_bytes: usize = pages.iter().map(StoredPlane::n_bytes).sum();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if pages.len() == n_planes && kept.n_bytes + n_bytes <= MAX_BYTES {
            kept.n_bytes += n_bytes;
            kept.frames.insert(number, KeptFrame { frame, pages });
        }
    }

    /// Gives a kept frame out, once.
    pub(super) fn take(&self, number: u32) -> Option<ArchiveFrame> {
        let kept = {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            let found = kept.frames.remove(&number)?;
            kept.n_bytes -= found.pages.iter().map(StoredPlane::n_bytes).sum::<usize>();
            found
        };
        let planes = kept.pages.into_iter().map(Plane::of_stored).collect();
        let frame = Frame { planes, ..kept.frame.frame };
        Some(ArchiveFrame { frame, ..kept.frame })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::{Channel, IntensityScale, RawPage, Samples};

    #[test]
    fn a_kept_frame_comes_back_once_as_it_was() {
        let samples = Samples::U8(vec![3, 1, 4, 1]);
        let page = RawPage { rows: 2, cols: 2, samples, limits: None };
        let page = StoredPlane::new(page, IntensityScale::Stored).expect("no limits needed");
        let frame = Frame { number: 5, channels: vec![Channel::Dapi], planes: vec![page.plane()] };
        let saturation = vec![Some(4.0)];
        let read = ArchiveFrame { frame, saturation, outlines: None, warnings: Vec::new() };
        let cache = FrameCache::default();
        cache.keep(read.clone());
        assert_eq!(cache.take(4).map(|frame| frame.frame.number), None, "another frame");
        assert_eq!(cache.take(5), Some(read), "as it was");
        assert_eq!(cache.take(5), None, "once");
    }
}
