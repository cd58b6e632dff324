//! How much to give a device at once.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Aim for one submission, in seconds: long enough to hide the submission, far below the 2 s after
/// which a desktop's watchdog resets the device.
const TARGET_SECONDS: f64 = 0.075;
/// A measurement changes the size by this factor at most: one odd timing must not do harm.
const LARGEST_CHANGE: f64 = 4.0;

/// Sizes submissions by the time the last one took. Sizes never change results.
#[derive(Debug)]
pub struct ChunkSizer {
    size: AtomicU32,
    largest: u32,
}

impl ChunkSizer {
    /// Starts at `first` items and never exceeds `largest`.
    pub fn new(first: u32, largest: u32) -> Self {
        let largest = largest.max(1);
        Self { size: AtomicU32::new(first.clamp(1, largest)), largest }
    }

    /// Items for the next submission.
    pub fn next(&self) -> u32 {
        self.size.load(Ordering::Relaxed)
    }

    /// Learns that `n` items took `elapsed`.
    ///
    /// ```
    /// use herscope::compute::ChunkSizer;
    /// use std::time::Duration;
    /// let sizer = ChunkSizer::new(1000, 1_000_000);
    /// sizer.learn(1000, Duration::from_millis(150));
    /// assert_eq!(sizer.next(), 500);
    /// ```
    pub fn learn(&self, n: u32, elapsed: Duration) {
        let ratio = (TARGET_SECONDS / elapsed.as_secs_f64().max(1e-6))
            .clamp(1.0 / LARGEST_CHANGE, LARGEST_CHANGE);
        let size = (f64::from(n) * ratio) as u32;
        self.size.store(size.clamp(1, self.largest), Ordering::Relaxed);
    }
}
