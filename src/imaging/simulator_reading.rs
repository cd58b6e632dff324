//! What segmentation reads of a simulated cell that stands alone.

use super::morphology::MIN_AREA_PX;
use super::simulator::Illumination;
use super::simulator_cell::{CellPixel, SIMULATED_CHANNELS, SimulatedCell};

/// Place of HER2 in [`SIMULATED_CHANNELS`].
const HER2: usize = 1;

/// Light that stands out of the background, in standard deviations of the background's noise.
const FLOOR_SDS: f64 = 2.0;

impl Illumination {
    /// The mean HER2 that segmentation is expected to read of a cell that stands alone, over the
    /// level that it was drawn with; `None` for a cell in which nothing is outlined and for one
    /// without HER2.
    ///
    /// The level is the mean inside the true rim. Outlines do not run along it: a contour between
    /// two classes runs where the light is halfway between their means. So a channel's outline is
    /// taken to hold the pixels brighter than half of the cell's mean light, the mean being over
    /// the pixels that stand out of the background by two standard deviations of its noise; a
    /// channel with fewer than 10 such pixels has none. The reading is the mean of HER2 over the
    /// union of the outlines. Noise, the smoothing of the contour, its tidying and neighbours in
    /// the frame, with which a cell shares the class means, are left out.
    pub fn her2_reading_share(&self, cell: &SimulatedCell) -> Option<f64> {
        let pixels = cell.pixels();
        let mut is_outlined = vec![false; pixels.len()];
        for channel in 0..SIMULATED_CHANNELS.len() {
            let light = |pixel: &CellPixel| f64::from(pixel.light[channel]);
            let floor = FLOOR_SDS * self.camera.noise_sd(self.background[channel]);
            let bright = pixels.iter().map(light).filter(|&light| light > floor);
            let (sum, n) = bright.fold((0.0, 0_usize), |(sum, n), light| (sum + light, n + 1));
            if n < MIN_AREA_PX {
                continue;
            }
            let halfway = 0.5 * sum / n as f64;
            for (outlined, pixel) in is_outlined.iter_mut().zip(&pixels) {
                *outlined |= light(pixel) > halfway;
            }
        }
        let inside = pixels.iter().zip(&is_outlined).filter(|(_, outlined)| **outlined);
        let (sum, n) = inside.fold((0.0, 0_usize), |(sum, n), (pixel, _)| {
            (sum + f64::from(pixel.light[HER2]), n + 1)
        });
        (n > 0 && cell.levels[HER2] > 0.0).then(|| sum / n as f64 / cell.levels[HER2])
    }

    /// The cell with the HER2 level at which `reading` is expected to be read of it; the level is
    /// `reading` itself where nothing is expected to be outlined.
    ///
    /// The share is that of a cell of level `reading`: it depends on the level only where HER2 is
    /// near the noise.
    pub fn with_her2_reading(&self, cell: SimulatedCell, reading: f64) -> SimulatedCell {
        let mut cell = cell;
        cell.levels[HER2] = reading;
        if let Some(share) = self.her2_reading_share(&cell) {
            cell.levels[HER2] = reading / share;
        }
        cell
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame_grid::FrameGrid;
    use super::super::simulator_camera::{Camera, StorageDepth};
    use super::super::simulator_cell::tests::round_cell;
    use super::super::simulator_chamber::Chamber;
    use super::*;

    fn illumination(read_noise: f64) -> Illumination {
        Illumination {
            grid: FrameGrid::serpentine(1, 1),
            frame_size: (60, 80),
            background: [100.0; 4],
            gradient: 0.0,
            chamber: Chamber { edge_px: 0.0, outside: 1.0 },
            camera: Camera { read_noise, shot_noise: 0.0 },
            depth: StorageDepth::Sixteen,
            seed: 1,
        }
    }

    #[test]
    fn the_share_is_the_mean_inside_half_of_the_mean_light() {
        // HER2 alone: a membrane of mean 100 inside the rim
        let cell = SimulatedCell { levels: [0.0, 100.0, 0.0, 0.0], ..round_cell() };
        let lights: Vec<f64> = cell.pixels().iter().map(|p| f64::from(p.light[1])).collect();
        let mean = |above: f64| {
            let bright: Vec<f64> = lights.iter().copied().filter(|&light| light > above).collect();
            bright.iter().sum::<f64>() / bright.len() as f64
        };
        let expected = mean(0.5 * mean(2.0)) / 100.0;
        let found = illumination(1.0).her2_reading_share(&cell).expect("an outline");
        assert!((found - expected).abs() < 1e-12, "{found} for {expected}");
        // the rim is soft, so that some of what is brighter than half lies beyond it
        assert!(found < 1.0, "the outline of a membrane runs outside its rim: {found}");
    }

    #[test]
    fn a_cell_drawn_for_a_reading_has_it() {
        let light = illumination(3.0);
        let cell = light.with_her2_reading(round_cell(), 450.0);
        let share = light.her2_reading_share(&cell).expect("an outline");
        // Far above the noise the outline does not depend on the level: f32 light.
        assert!((cell.levels[HER2] * share - 450.0).abs() < 0.01, "{share}");
    }

    #[test]
    fn a_cell_in_the_noise_has_no_outline_and_no_share() {
        let dark = SimulatedCell { levels: [1.0; 4], ..round_cell() };
        assert_eq!(illumination(50.0).her2_reading_share(&dark), None, "nothing stands out");
        let drawn = illumination(50.0).with_her2_reading(dark, 1.0);
        assert_eq!(drawn.levels[HER2], 1.0, "drawn as it is to be read");
    }
}
