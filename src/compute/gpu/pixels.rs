//! What imaging kernels work on, and one dispatch of each.

use super::GpuEngine;
use super::recorder::Recorder;
use crate::compute::backend::ComputeError;
use crate::imaging::{Connectivity, StoredPlane};
use crate::kernels::packing::{bits_per_pixel, packed_page, words_per_row};
use crate::kernels::{
    attribute_opening, class_histogram, contour_mask, contour_start, label_components, mask_union,
    perimeter_removal, region_sums, stored_threshold, thicken,
};
use bytemuck::Zeroable;

/// Pixels of an image for which every 64-bit sum is exact, and every buffer within the limits that
/// all adapters have.
const MOST_PIXELS: usize = 1 << 23;
/// Rows and columns whose squares fit a word.
const LONGEST_SIDE: usize = (1 << 16) - 1;

/// Size of an image that has pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grid {
    pub(super) rows: usize,
    pub(super) cols: usize,
}

impl Grid {
    /// # Errors
    /// More pixels than the kernels can count.
    pub(super) fn new(rows: usize, cols: usize) -> Result<Self, ComputeError> {
        let checks = [
            ("pixels", rows * cols, MOST_PIXELS),
            ("rows or columns", rows.max(cols), LONGEST_SIDE),
        ];
        match checks.into_iter().find(|(_, needed, limit)| needed > limit) {
            None => Ok(Self { rows, cols }),
            Some((what, needed, limit)) => {
                Err(ComputeError::Limit { what, needed: needed as u64, limit: limit as u64 })
            }
        }
    }

    pub(super) fn n_pixels(self) -> usize {
        self.rows * self.cols
    }

    /// Words of a bit mask.
    pub(super) fn n_words(self) -> usize {
        self.rows * words_per_row(self.cols)
    }

    /// One workgroup for each segment of 256 pixels of a row.
    fn segments(self) -> [usize; 2] {
        [self.cols.div_ceil(256), self.rows]
    }

    /// One invocation for each of `n` words.
    fn words(n: usize) -> [usize; 2] {
        [n.div_ceil(256), 1]
    }

    fn sides(self) -> [u32; 3] {
        [self.rows, self.cols, words_per_row(self.cols)].map(|side| side as u32)
    }
}

/// A page on the device.
pub(super) struct Page<'a> {
    pub(super) stored: &'a wgpu::Buffer,
    pub(super) bits: u32,
    pub(super) n_levels: usize,
}

impl<'a> Page<'a> {
    /// Writes a page into a buffer of [`Page::most_words`].
    pub(super) fn upload(
        engine: &GpuEngine,
        plane: &StoredPlane,
        stored: &'a wgpu::Buffer,
    ) -> Self {
        engine.queue.write_buffer(stored, 0, bytemuck::cast_slice(&packed_page(plane)));
        Self { stored, bits: bits_per_pixel(plane), n_levels: plane.values().len() }
    }

    /// Words of a page of 16 bits.
    pub(super) fn most_words(grid: Grid) -> usize {
        16 * grid.n_words()
    }
}

/// What labelling works on.
pub(super) struct Labelling {
    parents: wgpu::Buffer,
    areas: wgpu::Buffer,
    firsts: wgpu::Buffer,
    flags: wgpu::Buffer,
    ranks: wgpu::Buffer,
    pub(super) labels: wgpu::Buffer,
    /// Number of components; whether a search was given up since it was cleared.
    pub(super) state: wgpu::Buffer,
}

impl Labelling {
    pub(super) fn new(engine: &GpuEngine, grid: Grid) -> Self {
        let n = grid.n_pixels();
        Self {
            parents: engine.storage(n),
            areas: engine.storage(n),
            firsts: engine.storage(n),
            flags: engine.storage(label_components::n_flags(n)),
            ranks: engine.storage(label_components::n_ranks(n)),
            labels: engine.storage(n),
            state: engine.storage(2),
        }
    }

    /// The number of components, from the two words of `state`.
    pub(super) fn n_components(state: &[u32]) -> Result<u32, ComputeError> {
        match state {
            [n, 0, ..] => Ok(*n),
            _ => Err(ComputeError::Refused("a search in labelling took too many steps".into())),
        }
    }
}

/// Dispatches on images of one size.
impl Recorder<'_> {
    pub(super) fn stored_threshold(
        &mut self,
        grid: Grid,
        page: &Page<'_>,
        level: u32,
        mask: &wgpu::Buffer,
    ) -> Result<(), ComputeError> {
        let [_, cols, words_per_row] = grid.sides();
        let uniforms = stored_threshold::Uniforms {
            n_words: grid.n_words() as u32,
            words_per_row,
            cols,
            bits: page.bits,
            level,
            ..stored_threshold::Uniforms::zeroed()
        };
        let workgroups = [stored_threshold::n_workgroups(grid.n_words(), page.bits), 1];
        self.run(&stored_threshold::KERNEL, &uniforms, &[page.stored, mask], workgroups)
    }

    /// Adds to `counts`.
    pub(super) fn class_histogram(
        &mut self,
        grid: Grid,
        page: &Page<'_>,
        [first, second, third]: [&wgpu::Buffer; 3],
        counts: &wgpu::Buffer,
    ) -> Result<(), ComputeError> {
        let [_, cols, words_per_row] = grid.sides();
        let uniforms = class_histogram::Uniforms {
            n_words: grid.n_words() as u32,
            words_per_row,
            cols,
            bits: page.bits,
            n_levels: page.n_levels as u32,
            ..class_histogram::Uniforms::zeroed()
        };
        let buffers = [page.stored, first, second, third, counts];
        let workgroups = [class_histogram::n_workgroups(grid.n_words(), page.bits), 1];
        self.run(&class_histogram::KERNEL, &uniforms, &buffers, workgroups)
    }

    fn label_passes(
        &mut self,
        grid: Grid,
        mask: &wgpu::Buffer,
        connectivity: Connectivity,
        on: &Labelling,
        passes: std::ops::Range<u32>,
    ) -> Result<(), ComputeError> {
        let [rows, cols, words_per_row] = grid.sides();
        let buffers =
            [mask, &on.parents, &on.areas, &on.firsts, &on.flags, &on.ranks, &on.labels, &on.state];
        let n_flags = label_components::n_flags(grid.n_pixels());
        for pass_number in passes {
            let uniforms = label_components::Uniforms {
                rows,
                cols,
                words_per_row,
                diagonal: u32::from(connectivity == Connectivity::Eight),
                pass_number,
                ..label_components::Uniforms::zeroed()
            };
            let workgroups = match pass_number {
                4 => Grid::words(n_flags),
                5 => [1, 1],
                _ => grid.segments(),
            };
            self.run(&label_components::KERNEL, &uniforms, &buffers, workgroups)?;
        }
        Ok(())
    }

    /// Labels and number of the components of a mask, into `on.labels` and `on.state`.
    pub(super) fn label_components(
        &mut self,
        grid: Grid,
        mask: &wgpu::Buffer,
        connectivity: Connectivity,
        on: &Labelling,
    ) -> Result<(), ComputeError> {
        let passes = label_components::ROOTS.start..label_components::NUMBERS.end;
        self.label_passes(grid, mask, connectivity, on, passes)
    }

    /// Drops 8-connected components of a mask in place.
    pub(super) fn attribute_opening(
        &mut self,
        grid: Grid,
        mask: &wgpu::Buffer,
        min_area_px: usize,
        clear_border: bool,
        on: &Labelling,
    ) -> Result<(), ComputeError> {
        self.label_passes(grid, mask, Connectivity::Eight, on, label_components::ROOTS)?;
        let [rows, cols, words_per_row] = grid.sides();
        let uniforms = attribute_opening::Uniforms {
            rows,
            cols,
            words_per_row,
            min_area: min_area_px as u32,
            clear_border: u32::from(clear_border),
            ..attribute_opening::Uniforms::zeroed()
        };
        let buffers = [&on.parents, &on.areas, mask];
        let workgroups = Grid::words(grid.n_words());
        self.run(&attribute_opening::KERNEL, &uniforms, &buffers, workgroups)
    }

    pub(super) fn perimeter_removal(
        &mut self,
        grid: Grid,
        mask: &wgpu::Buffer,
        inner: &wgpu::Buffer,
    ) -> Result<(), ComputeError> {
        let uniforms = perimeter_removal::Uniforms {
            n_words: grid.n_words() as u32,
            words_per_row: grid.sides()[2],
            ..perimeter_removal::Uniforms::zeroed()
        };
        let workgroups = Grid::words(grid.n_words());
        self.run(&perimeter_removal::KERNEL, &uniforms, &[mask, inner], workgroups)
    }

    pub(super) fn thicken(
        &mut self,
        grid: Grid,
        mask: &wgpu::Buffer,
        scratch: &wgpu::Buffer,
        thickened: &wgpu::Buffer,
    ) -> Result<(), ComputeError> {
        let [rows, cols, words_per_row] = grid.sides();
        let n_words = thicken::n_wide_words(grid.rows, grid.cols);
        for pass_number in thicken::PASSES {
            let uniforms = thicken::Uniforms { rows, cols, words_per_row, pass_number };
            let buffers = [mask, scratch, thickened];
            self.run(&thicken::KERNEL, &uniforms, &buffers, Grid::words(n_words))?;
        }
        Ok(())
    }

    /// Adds the pixels of `mask` to `joined`.
    pub(super) fn mask_union(
        &mut self,
        grid: Grid,
        mask: &wgpu::Buffer,
        joined: &wgpu::Buffer,
    ) -> Result<(), ComputeError> {
        let n_words = grid.n_words();
        let uniforms =
            mask_union::Uniforms { n_words: n_words as u32, ..mask_union::Uniforms::zeroed() };
        self.run(&mask_union::KERNEL, &uniforms, &[mask, joined], Grid::words(n_words))
    }

    /// `outputs` are force, indicator and its extrapolation.
    pub(super) fn contour_start(
        &mut self,
        grid: Grid,
        page: &Page<'_>,
        [forces, edge, initial]: [&wgpu::Buffer; 3],
        [force, indicator, extrapolated]: [&wgpu::Buffer; 3],
    ) -> Result<(), ComputeError> {
        let [rows, cols, words_per_row] = grid.sides();
        let uniforms = contour_start::Uniforms {
            rows,
            cols,
            words_per_row,
            bits: page.bits,
            n_levels: page.n_levels as u32,
            ..contour_start::Uniforms::zeroed()
        };
        let buffers = [page.stored, forces, edge, initial, force, indicator, extrapolated];
        self.run(&contour_start::KERNEL, &uniforms, &buffers, grid.segments())
    }

    pub(super) fn contour_mask(
        &mut self,
        grid: Grid,
        indicator: &wgpu::Buffer,
        mask: &wgpu::Buffer,
    ) -> Result<(), ComputeError> {
        let [rows, cols, words_per_row] = grid.sides();
        let uniforms = contour_mask::Uniforms { rows, cols, words_per_row, padding: 0 };
        self.run(&contour_mask::KERNEL, &uniforms, &[indicator, mask], grid.segments())
    }

    /// Adds to `records`; the masks are the channel's own and the shared one.
    pub(super) fn region_sums(
        &mut self,
        grid: Grid,
        page: &Page<'_>,
        units: &wgpu::Buffer,
        labels: &wgpu::Buffer,
        [own, shared]: [&wgpu::Buffer; 2],
        records: &wgpu::Buffer,
    ) -> Result<(), ComputeError> {
        let [rows, cols, words_per_row] = grid.sides();
        let uniforms = region_sums::Uniforms { rows, cols, words_per_row, bits: page.bits };
        let buffers = [page.stored, units, labels, own, shared, records];
        self.run(&region_sums::KERNEL, &uniforms, &buffers, grid.segments())
    }
}
