//! First pass over the frames of a sample: histograms, overview, edge, thresholds.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::frame_cache::FrameCache;
use super::segment::{SegmentMode, SegmentSettings, Steps, ThresholdRule};
use crate::Error;
use crate::imaging::{
    Channel, EdgeMask, Histogram, Overview, Plane, otsu_threshold, reduce_eighth,
    triangle_threshold,
};
use crate::io::archive::Archive;

/// What all frames of a sample say together.
pub(super) struct Survey {
    /// Of all pixels, one a channel.
    pub(super) full: Vec<Histogram>,
    /// Of the frames reduced to an eighth, one a channel.
    down: Vec<Histogram>,
    /// The reduced frames side by side, one a channel; none where frames differ in size.
    overviews: Vec<Overview>,
    /// Frames that could not be read, with the reason.
    pub(super) failed: BTreeMap<u32, String>,
}

impl Survey {
    /// Reads every frame once and keeps those of the second pass, as far as there is room. Counts are whole numbers, so the order of the frames is of no
    /// importance.
    pub(super) fn of_archive(
        archive: &Archive,
        cache: &FrameCache,
        is_target: impl Fn(u32) -> bool + Sync,
        steps: &Steps<'_>,
    ) -> Result<Self, Error> {
        let n_channels = archive.channels.len();
        let overview =
            archive.frame_size.map(|(rows, cols)| Overview::new(archive.grid, rows, cols));
        let survey = Mutex::new(Self {
            full: vec![Histogram::new(); n_channels],
            down: vec![Histogram::new(); n_channels],
            overviews: overview.map_or_else(Vec::new, |overview| vec![overview; n_channels]),
            failed: BTreeMap::new(),
        });
        let first_error = Mutex::new(None);
        let numbers = 1..=archive.n_frames() as u32;
        numbers.into_par_iter().try_for_each(|number| {
            match archive.read_frame(number) {
                Ok(read) => {
                    let counted = CountedFrame::of_planes(&read.frame.planes);
                    let mut survey = survey.lock().unwrap_or_else(PoisonError::into_inner);
                    survey.add_frame(number, &counted);
                    drop(survey);
                    if is_target(number) {
                        cache.keep(read);
                    }
                }
                Err(error) => {
                    let message = error.to_string();
                    let mut survey = survey.lock().unwrap_or_else(PoisonError::into_inner);
                    survey.failed.insert(number, message);
                    let mut first = first_error.lock().unwrap_or_else(PoisonError::into_inner);
                    first.get_or_insert(error);
                }
            }
            steps.advance()
        })?;
        let survey = survey.into_inner().unwrap_or_else(PoisonError::into_inner);
        if survey.failed.len() == archive.n_frames() {
            let first = first_error.into_inner().unwrap_or_else(PoisonError::into_inner);
            return Err(Error::input("segmenting a sample")
                .at(&*archive.sample_id)
                .found(format!("none of {} frames that can be read", archive.n_frames()))
                .expected("at least one")
                .caused_by(first.map_or_else(String::new, |error| error.to_string())));
        }
        Ok(survey)
    }

    fn add_frame(&mut self, number: u32, frame: &CountedFrame) {
        for (channel, reduced) in frame.reduced.iter().enumerate() {
            self.full[channel].merge(&frame.full[channel]);
            self.down[channel].add_plane(reduced);
            if let Some(overview) = self.overviews.get_mut(channel) {
                overview.set_tile(number, reduced);
            }
        }
    }

    /// The chamber's edge, found on CD45; `None` without that channel.
    pub(super) fn find_edge(&self, archive: &Archive) -> Option<EdgeMask> {
        let cd45 = archive.channels.iter().position(|channel| *channel == Channel::Cd45)?;
        Some(EdgeMask::find(&self.overviews[cd45]))
    }

    /// One threshold a channel. Whole frames of a cartridge take it from the reduced frames
    /// without the edge, crops and single frames from all pixels.
    pub(super) fn thresholds(
        &self,
        archive: &Archive,
        settings: &SegmentSettings,
        edge: Option<&EdgeMask>,
    ) -> Vec<f64> {
        let takes_reduced = settings.mode == SegmentMode::Full && archive.is_cartridge;
        (0..archive.channels.len())
            .map(|channel| {
                if !takes_reduced {
                    return choose_threshold(settings.threshold, &self.full[channel]);
                }
                let mut inside = self.down[channel].clone();
                if let Some(edge) = edge {
                    self.overviews[channel].subtract_edge(&mut inside, edge);
                }
                choose_threshold(settings.threshold, &inside)
            })
            .collect()
    }
}

/// What one frame adds, counted before the survey is locked.
struct CountedFrame {
    full: Vec<Histogram>,
    reduced: Vec<Plane>,
}

impl CountedFrame {
    fn of_planes(planes: &[Plane]) -> Self {
        Self {
            full: planes.iter().map(Histogram::of_plane).collect(),
            reduced: planes.iter().map(reduce_eighth).collect(),
        }
    }
}

/// The threshold of a histogram by a rule.
pub(super) fn choose_threshold(rule: ThresholdRule, histogram: &Histogram) -> f64 {
    match rule {
        ThresholdRule::Triangle => triangle_threshold(histogram),
        ThresholdRule::Otsu => otsu_threshold(histogram),
        ThresholdRule::Value(value) => value,
    }
}
