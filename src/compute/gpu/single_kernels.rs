//! The imaging kernels one at a time, from and to the host.

use super::GpuEngine;
use super::pixels::{Grid, Labelling, Page};
use crate::compute::backend::ComputeError;
use crate::compute::pixel_kernels::PixelKernels;
use crate::imaging::{Connectivity, LabelImage, Mask, Plane, RegionSums, StoredPlane};
use crate::kernels::class_histogram::{ClassHistogram, N_CLASSES, n_levels};
use crate::kernels::packing::{packed_mask, unpacked_mask};
use crate::kernels::{region_sums, thicken};

/// What outputs hold before a kernel writes them: a word never written is noticed.
const POISON: u32 = 0xDEAD_BEEF;

impl GpuEngine {
    fn grid_of(&self, mask: &Mask) -> Result<Grid, ComputeError> {
        Grid::new(mask.rows, mask.cols)
    }

    fn mask_on_device(&self, mask: &Mask) -> wgpu::Buffer {
        self.storage_of(&packed_mask(mask))
    }

    fn poisoned(&self, n_words: usize) -> wgpu::Buffer {
        self.storage_of(&vec![POISON; n_words])
    }

    fn page_buffer(&self, grid: Grid) -> wgpu::Buffer {
        self.storage(Page::most_words(grid))
    }
}

fn mask_of(grid: Grid, words: &[Vec<u32>]) -> Mask {
    unpacked_mask(grid.rows, grid.cols, &words[0])
}

fn singles(words: &[u32]) -> Vec<f32> {
    words.iter().map(|&word| f32::from_bits(word)).collect()
}

impl PixelKernels for GpuEngine {
    fn stored_threshold(&self, page: &StoredPlane, level: u32) -> Result<Mask, ComputeError> {
        let grid = Grid::new(page.rows(), page.cols())?;
        if grid.n_pixels() == 0 {
            return Ok(Mask::empty(grid.rows, grid.cols));
        }
        let buffer = self.page_buffer(grid);
        let page = Page::upload(self, page, &buffer);
        let mask = self.poisoned(grid.n_words());
        let words = self.record(|recorder| {
            recorder.stored_threshold(grid, &page, level, &mask)?;
            recorder.take(&mask, grid.n_words());
            Ok(())
        })?;
        Ok(mask_of(grid, &words))
    }

    fn class_histogram(
        &self,
        page: &StoredPlane,
        masks: [&Mask; 3],
    ) -> Result<ClassHistogram, ComputeError> {
        let grid = Grid::new(page.rows(), page.cols())?;
        let n_levels = n_levels(page);
        if grid.n_pixels() == 0 {
            return Ok(ClassHistogram { n_levels, counts: vec![0; N_CLASSES * n_levels] });
        }
        let buffer = self.page_buffer(grid);
        let page = Page::upload(self, page, &buffer);
        let [first, second, third] = masks.map(|mask| self.mask_on_device(mask));
        let counts = self.storage(N_CLASSES * n_levels);
        let words = self.record(|recorder| {
            recorder.class_histogram(grid, &page, [&first, &second, &third], &counts)?;
            recorder.take(&counts, N_CLASSES * n_levels);
            Ok(())
        })?;
        Ok(ClassHistogram { n_levels, counts: words.concat() })
    }

    fn label_components(
        &self,
        mask: &Mask,
        connectivity: Connectivity,
    ) -> Result<LabelImage, ComputeError> {
        let grid = self.grid_of(mask)?;
        let (rows, cols) = (grid.rows, grid.cols);
        if grid.n_pixels() == 0 {
            return Ok(LabelImage { rows, cols, labels: Vec::new(), n_labels: 0 });
        }
        let on_device = self.mask_on_device(mask);
        let mut on = Labelling::new(self, grid);
        on.labels = self.poisoned(grid.n_pixels());
        let words = self.record(|recorder| {
            recorder.label_components(grid, &on_device, connectivity, &on)?;
            recorder.take(&on.labels, grid.n_pixels());
            recorder.take(&on.state, 2);
            Ok(())
        })?;
        let n_labels = Labelling::n_components(&words[1])?;
        Ok(LabelImage { rows, cols, labels: words[0].clone(), n_labels })
    }

    fn attribute_opening(
        &self,
        mask: &Mask,
        min_area_px: usize,
        clear_border: bool,
    ) -> Result<Mask, ComputeError> {
        let grid = self.grid_of(mask)?;
        if grid.n_pixels() == 0 {
            return Ok(mask.clone());
        }
        let on_device = self.mask_on_device(mask);
        let on = Labelling::new(self, grid);
        let words = self.record(|recorder| {
            recorder.attribute_opening(grid, &on_device, min_area_px, clear_border, &on)?;
            recorder.take(&on_device, grid.n_words());
            recorder.take(&on.state, 2);
            Ok(())
        })?;
        Labelling::n_components(&words[1])?;
        Ok(mask_of(grid, &words))
    }

    fn perimeter_removal(&self, mask: &Mask) -> Result<Mask, ComputeError> {
        let grid = self.grid_of(mask)?;
        if grid.n_pixels() == 0 {
            return Ok(mask.clone());
        }
        let (on_device, inner) = (self.mask_on_device(mask), self.poisoned(grid.n_words()));
        let words = self.record(|recorder| {
            recorder.perimeter_removal(grid, &on_device, &inner)?;
            recorder.take(&inner, grid.n_words());
            Ok(())
        })?;
        Ok(mask_of(grid, &words))
    }

    fn thicken(&self, mask: &Mask) -> Result<Mask, ComputeError> {
        let grid = self.grid_of(mask)?;
        if grid.n_pixels() == 0 {
            return Ok(mask.clone());
        }
        let (on_device, thickened) = (self.mask_on_device(mask), self.poisoned(grid.n_words()));
        let scratch = self.poisoned(thicken::n_scratch(grid.rows, grid.cols));
        let words = self.record(|recorder| {
            recorder.thicken(grid, &on_device, &scratch, &thickened)?;
            recorder.take(&thickened, grid.n_words());
            Ok(())
        })?;
        Ok(mask_of(grid, &words))
    }

    fn mask_union(&self, one: &Mask, other: &Mask) -> Result<Mask, ComputeError> {
        let grid = self.grid_of(one)?;
        if grid.n_pixels() == 0 {
            return Ok(one.clone());
        }
        let (joined, other) = (self.mask_on_device(one), self.mask_on_device(other));
        let words = self.record(|recorder| {
            recorder.mask_union(grid, &other, &joined)?;
            recorder.take(&joined, grid.n_words());
            Ok(())
        })?;
        Ok(mask_of(grid, &words))
    }

    fn contour_start(
        &self,
        page: &StoredPlane,
        forces: &[f32],
        edge: &Mask,
        initial: &Mask,
    ) -> Result<[Vec<f32>; 2], ComputeError> {
        let grid = Grid::new(page.rows(), page.cols())?;
        let n = grid.n_pixels();
        if n == 0 {
            return Ok([Vec::new(), Vec::new()]);
        }
        let buffer = self.page_buffer(grid);
        let page = Page::upload(self, page, &buffer);
        let inputs =
            [self.storage_of(forces), self.mask_on_device(edge), self.mask_on_device(initial)];
        let [force, indicator, extrapolated] = [(); 3].map(|()| self.poisoned(n));
        let words = self.record(|recorder| {
            let outputs = [&force, &indicator, &extrapolated];
            recorder.contour_start(grid, &page, inputs.each_ref(), outputs)?;
            outputs.into_iter().for_each(|output| recorder.take(output, n));
            Ok(())
        })?;
        match words[1] == words[2] {
            true => Ok([singles(&words[0]), singles(&words[1])]),
            false => Err(ComputeError::Unwritten(n)),
        }
    }

    fn contour_mask(&self, indicator: &Plane) -> Result<Mask, ComputeError> {
        let grid = Grid::new(indicator.rows, indicator.cols)?;
        if grid.n_pixels() == 0 {
            return Ok(Mask::empty(grid.rows, grid.cols));
        }
        let on_device = self.storage_of(&indicator.pixels);
        let mask = self.poisoned(grid.n_words());
        let words = self.record(|recorder| {
            recorder.contour_mask(grid, &on_device, &mask)?;
            recorder.take(&mask, grid.n_words());
            Ok(())
        })?;
        Ok(mask_of(grid, &words))
    }

    fn region_sums(
        &self,
        page: &StoredPlane,
        own: &Mask,
        shared: &Mask,
        labels: &LabelImage,
    ) -> Result<Vec<RegionSums>, ComputeError> {
        let grid = Grid::new(page.rows(), page.cols())?;
        let n_words = labels.n_labels as usize * region_sums::RECORD;
        if n_words == 0 {
            return Ok(Vec::new());
        }
        let buffer = self.page_buffer(grid);
        let on_device = Page::upload(self, page, &buffer);
        let (own, shared) = (self.mask_on_device(own), self.mask_on_device(shared));
        let units = self.storage_of(&region_sums::units(page));
        let labels = self.storage_of(&labels.labels);
        let records = self.storage(n_words);
        let words = self.record(|recorder| {
            let masks = [&own, &shared];
            recorder.region_sums(grid, &on_device, &units, &labels, masks, &records)?;
            recorder.take(&records, n_words);
            Ok(())
        })?;
        Ok(region_sums::of_records(&words[0], page))
    }
}
