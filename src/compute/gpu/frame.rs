//! A frame on the device: its pages go there once, and what comes back are outlines, labels and
//! sums.
//!
//! 1. First guesses and counts of stored values; the host finds class means and tables of forces.
//! 2. For each channel its contour, tidied.
//! 3. The union of the channels and its labels.
//! 4. Sums over the objects, and the counts that backgrounds are medians of.
//!
//! The host waits once in 1, 3 and 4, and in 2 where the contour's stop flag is looked at. It
//! finishes objects from sums and labels as the CPU engine does, by the same function.

use super::GpuEngine;
use super::frame_buffers::{ChannelBuffers, FrameBuffers};
use super::pixels::{Grid, Labelling, Page};
use crate::compute::backend::ComputeError;
use crate::imaging::{
    Background, Channel, ChannelContour, ChannelResult, ClassSums, Connectivity, FrameInput,
    FrameSegmentation, FrameSums, IntensityScaling, LabelImage, MIN_AREA_PX, Mask, MeasureSettings,
    StoredPlane, finish_objects, median_of_counts, range_of_counts, segment_frame, split_touching,
};
use crate::kernels::class_histogram::{ClassHistogram, N_CLASSES};
use crate::kernels::contour_start::force_table;
use crate::kernels::packing::{packed_mask, unpacked_mask};
use crate::kernels::region_sums::{RECORD, of_records, units};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

/// Frames on the device at once: while the host waits for one, the device works on the other.
const FRAMES_IN_FLIGHT: usize = 2;

/// Buffers kept from frame to frame.
#[derive(Default)]
pub(super) struct FramePool {
    slots: [Mutex<Option<FrameBuffers>>; FRAMES_IN_FLIGHT],
}

impl FramePool {
    /// A slot that is free, or the next to become so.
    fn slot(&self) -> MutexGuard<'_, Option<FrameBuffers>> {
        for slot in &self.slots {
            match slot.try_lock() {
                Ok(guard) => return guard,
                Err(TryLockError::Poisoned(poisoned)) => return poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => {}
            }
        }
        let turn = rayon::current_thread_index().unwrap_or(0) % FRAMES_IN_FLIGHT;
        self.slots[turn].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The class means of a channel and its forces.
struct Classes {
    /// Outside the edge mask all pixels have one intensity: there is no first guess.
    is_flat: bool,
    mu0: f64,
    mu1: f64,
    forces: Vec<f32>,
}

impl Classes {
    /// From counts in the classes of the edge mask (1) and the first guess (2).
    fn of(page: &StoredPlane, counts: &ClassHistogram, lambda: f32) -> Self {
        let values = page.values();
        let all = counts.over(|_| true);
        let of_levels = |counts: &[u32]| {
            range_of_counts(counts).map(|(least, greatest)| (values[least], values[greatest]))
        };
        let none = (f32::INFINITY, f32::NEG_INFINITY);
        let whole = of_levels(&all).unwrap_or(none);
        let range = of_levels(&counts.over(|class| class & 1 == 0)).unwrap_or(whole);
        let Some(scale) = IntensityScaling::of_range(range) else {
            let forces = force_table(page, range, (0.0, 0.0), lambda);
            return Self { is_flat: true, mu0: 0.0, mu1: 0.0, forces };
        };
        let mut sums = ClassSums::default();
        for guess in [0, 1] {
            let levels = counts.over(|class| class >> 1 & 1 == guess);
            for (&value, &n) in values.iter().zip(&levels).filter(|(_, n)| **n > 0) {
                sums.add(guess, value, n);
            }
        }
        let (mu0, mu1) = sums.means(scale, || whole);
        let forces = force_table(page, range, (mu0, mu1), lambda);
        Self { is_flat: false, mu0, mu1, forces }
    }
}

/// A frame on its way over the device.
struct FrameRun<'a> {
    engine: &'a GpuEngine,
    input: &'a FrameInput<'a>,
    grid: Grid,
    buffers: &'a FrameBuffers,
    pages: Vec<Page<'a>>,
}

/// What the third step brings back.
struct Outlines {
    contours: Vec<Mask>,
    masks: Vec<Mask>,
    labels: LabelImage,
}

impl GpuEngine {
    /// Segments and measures a frame.
    pub(super) fn segment_on_device(
        &self,
        input: &FrameInput<'_>,
    ) -> Result<FrameSegmentation, ComputeError> {
        let Some(first) = input.stored().first().filter(|page| page.rows() * page.cols() > 0)
        else {
            return self.segment_nothing(input);
        };
        let grid = Grid::new(first.rows(), first.cols())?;
        let mut slot = self.frames.slot();
        let n_channels = input.stored().len();
        if slot.as_ref().is_none_or(|kept| !kept.fits(grid, n_channels)) {
            // the old ones go first
            *slot = None;
            *slot = Some(self.scoped(|| FrameBuffers::new(self, grid, n_channels))??);
        }
        let buffers = slot.as_ref().expect("made above");
        let pages = self.scoped(|| {
            let pages = input.stored().iter().zip(&buffers.channels);
            pages.map(|(page, channel)| Page::upload(self, page, &channel.stored)).collect()
        })?;
        let run = FrameRun { engine: self, input, grid, buffers, pages };
        let classes = run.first_guesses()?;
        let iterations = run.contours(&classes)?;
        let mut outlines = run.labels()?;
        if input.settings().split_touching {
            run.split(&mut outlines)?;
        }
        let (sums, backgrounds) = run.measure(&outlines.labels)?;
        // the device is free for the next frame
        drop(slot);
        Ok(finish(input, &classes, &iterations, outlines, &sums, backgrounds))
    }

    /// A frame without pixels: there is nothing for a device to do.
    fn segment_nothing(&self, input: &FrameInput<'_>) -> Result<FrameSegmentation, ComputeError> {
        let evolve = |input: &_, settings| Ok(self.evolve_contour(input, settings)?.contour);
        segment_frame(input.frame(), input.settings(), &evolve)
            .map_err(|error| ComputeError::Refused(error.to_string()))
    }
}

impl FrameRun<'_> {
    /// Saturated pixels, first guesses, and the counts that class means come from.
    fn first_guesses(&self) -> Result<Vec<Classes>, ComputeError> {
        let Self { engine, input, grid, buffers, .. } = *self;
        let settings = input.settings();
        match settings.edge_mask {
            Some(edge) => {
                let words = packed_mask(edge);
                engine.queue.write_buffer(&buffers.edge, 0, bytemuck::cast_slice(&words));
            }
            None => engine
                .record(|recorder| {
                    recorder.clear(&buffers.edge);
                    Ok(())
                })
                .map(drop)?,
        }
        let counts: Vec<wgpu::Buffer> =
            self.pages.iter().map(|page| engine.storage(N_CLASSES * page.n_levels)).collect();
        let counted = engine.record(|recorder| {
            recorder.clear(&buffers.saturated);
            recorder.clear(&buffers.labelling.state);
            for (index, page) in self.pages.iter().enumerate() {
                let stored = &input.stored()[index];
                if let Some(limit) = settings.saturation.get(index).copied().flatten() {
                    let bright = &buffers.work[0];
                    recorder.stored_threshold(grid, page, stored.level_at(limit), bright)?;
                    recorder.mask_union(grid, bright, &buffers.saturated)?;
                }
                let initial = &buffers.channels[index].initial;
                let level = stored.level_above(settings.thresholds[index]);
                recorder.stored_threshold(grid, page, level, initial)?;
                recorder.attribute_opening(
                    grid,
                    initial,
                    MIN_AREA_PX,
                    false,
                    &buffers.labelling,
                )?;
                let masks = [&buffers.edge, initial, &buffers.empty];
                recorder.class_histogram(grid, page, masks, &counts[index])?;
                recorder.take(&counts[index], N_CLASSES * page.n_levels);
            }
            Ok(())
        })?;
        let classes = input.stored().iter().zip(counted).map(|(page, counts)| {
            let counts = ClassHistogram { n_levels: page.values().len(), counts };
            Classes::of(page, &counts, settings.contour.lambda)
        });
        Ok(classes.collect())
    }

    /// Every channel's contour and its tidied mask stay on the device; iterations come back.
    fn contours(&self, classes: &[Classes]) -> Result<Vec<u32>, ComputeError> {
        let Self { engine, input, grid, buffers, .. } = *self;
        let settings = input.settings();
        let channels = self.pages.iter().zip(classes).zip(&buffers.channels);
        let of_channel = |((page, classes), channel): ((&Page<'_>, &Classes), &ChannelBuffers)| {
            let ChannelBuffers { initial, contour, mask, .. } = channel;
            let forces = engine.storage_of(&classes.forces);
            let on = &buffers.contour;
            engine.record(|recorder| {
                let guess = if classes.is_flat { &buffers.empty } else { initial };
                recorder.contour_start(
                    grid,
                    page,
                    [&forces, &buffers.edge, guess],
                    [&on.force, &on.indicator, &on.extrapolated],
                )
            })?;
            let state = engine.run_contour(on, settings.contour)?;
            engine.record(|recorder| {
                recorder.contour_mask(grid, &on.indicator, contour)?;
                buffers.tidy(recorder, grid, contour, settings.clear_border, mask)
            })?;
            Ok(state.iterations)
        };
        channels.map(of_channel).collect()
    }

    /// Objects of all channels together.
    fn labels(&self) -> Result<Outlines, ComputeError> {
        let Self { engine, grid, buffers, .. } = *self;
        let n_channels = self.pages.len();
        let mut words = engine
            .record(|recorder| {
                recorder.clear(&buffers.joined);
                for channel in &buffers.channels[..n_channels] {
                    recorder.mask_union(grid, &channel.mask, &buffers.joined)?;
                }
                let four = Connectivity::Four;
                recorder.label_components(grid, &buffers.joined, four, &buffers.labelling)?;
                for channel in &buffers.channels[..n_channels] {
                    recorder.take(&channel.contour, grid.n_words());
                    recorder.take(&channel.mask, grid.n_words());
                }
                recorder.take(&buffers.labelling.labels, grid.n_pixels());
                recorder.take(&buffers.labelling.state, 2);
                Ok(())
            })?
            .into_iter();
        let unpacked = |words: Option<Vec<u32>>| {
            unpacked_mask(grid.rows, grid.cols, &words.expect("taken above"))
        };
        let pairs: Vec<(Mask, Mask)> =
            (0..n_channels).map(|_| (unpacked(words.next()), unpacked(words.next()))).collect();
        let (contours, masks) = pairs.into_iter().unzip();
        let labels = words.next().expect("taken above");
        let n_labels = Labelling::n_components(&words.next().expect("taken above"))?;
        let labels = LabelImage { rows: grid.rows, cols: grid.cols, labels, n_labels };
        Ok(Outlines { contours, masks, labels })
    }

    /// Takes touching cells apart on the host and gives the device the new labels.
    fn split(&self, outlines: &mut Outlines) -> Result<(), ComputeError> {
        let nuclei = self.dapi().map(|dapi| &outlines.masks[dapi]);
        outlines.labels = split_touching(&outlines.labels, nuclei);
        let bytes = bytemuck::cast_slice(&outlines.labels.labels);
        self.engine.scoped(|| {
            self.engine.queue.write_buffer(&self.buffers.labelling.labels, 0, bytes);
        })
    }

    fn dapi(&self) -> Option<usize> {
        self.input.frame().channels.iter().position(|channel| *channel == Channel::Dapi)
    }

    /// Sums over every object, and the levels of every channel's background.
    fn measure(&self, labels: &LabelImage) -> Result<(FrameSums, Vec<Background>), ComputeError> {
        let Self { engine, input, grid, buffers, .. } = *self;
        let n_words = labels.n_labels as usize * RECORD;
        let limit = engine.limits.max_storage_buffer_binding_size;
        if 4 * n_words as u64 > limit {
            let (what, needed) = ("bytes in a buffer", 4 * n_words as u64);
            return Err(ComputeError::Limit { what, needed, limit });
        }
        let dapi = self.dapi().map_or(&buffers.empty, |dapi| &buffers.channels[dapi].mask);
        // each channel in its own mask, and last the whole objects with the first channel's page
        let n_channels = self.pages.len();
        let regions = (0..n_channels)
            .map(|index| (index, [&buffers.channels[index].mask, dapi]))
            .chain([(0, [&buffers.joined, &buffers.saturated])]);
        let mut words = engine
            .record(|recorder| {
                for (index, page) in self.pages.iter().enumerate() {
                    let counts = engine.storage(N_CLASSES * page.n_levels);
                    let own = &buffers.channels[index].mask;
                    let masks = [own, &buffers.joined, &buffers.edge];
                    recorder.class_histogram(grid, page, masks, &counts)?;
                    recorder.take(&counts, N_CLASSES * page.n_levels);
                }
                for (index, masks) in regions.filter(|_| n_words > 0) {
                    let units = engine.storage_of(&units(input.stored()[index]));
                    let records = engine.storage(n_words);
                    let labels = &buffers.labelling.labels;
                    recorder.region_sums(
                        grid,
                        &self.pages[index],
                        &units,
                        labels,
                        masks,
                        &records,
                    )?;
                    recorder.take(&records, n_words);
                }
                Ok(())
            })?
            .into_iter();
        let backgrounds = input.stored().iter().zip(words.by_ref()).map(|(page, counts)| {
            let counts = ClassHistogram { n_levels: page.values().len(), counts };
            let median = |inside: usize| {
                // neither in this mask nor in the edge mask
                median_of_counts(&counts.over(|class| class & (inside | 4) == 0), page.values())
            };
            Background { channel: median(1), no_object: median(2) }
        });
        let backgrounds = backgrounds.collect();
        let mut sums = |page: &StoredPlane| of_records(&words.next().unwrap_or_default(), page);
        let channels = input.stored().iter().map(|page| sums(page)).collect();
        let union = sums(input.stored()[0]);
        Ok((FrameSums { channels, union }, backgrounds))
    }
}

/// The segmentation from what came back.
fn finish(
    input: &FrameInput<'_>,
    classes: &[Classes],
    iterations: &[u32],
    outlines: Outlines,
    sums: &FrameSums,
    backgrounds: Vec<Background>,
) -> FrameSegmentation {
    let Outlines { contours, masks, labels } = outlines;
    let settings = input.settings();
    let measure = MeasureSettings {
        pixel_size: settings.pixel_size,
        saturation: &settings.saturation,
        edge_mask: settings.edge_mask,
    };
    let mask_refs: Vec<&Mask> = masks.iter().collect();
    let objects = finish_objects(input.frame(), &mask_refs, &labels, &backgrounds, sums, measure);
    let channels = contours
        .into_iter()
        .zip(masks)
        .zip(backgrounds)
        .enumerate()
        .map(|(index, ((contour, mask), background))| ChannelResult {
            outline: ChannelContour {
                threshold: settings.thresholds[index],
                mu0: classes[index].mu0,
                mu1: classes[index].mu1,
                iterations: iterations[index],
                contour,
            },
            mask,
            background,
        })
        .collect();
    FrameSegmentation { channels, labels, objects }
}
