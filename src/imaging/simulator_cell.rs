//! The light of one simulated cell.

use super::frame::Channel;
use super::pixel_box::PixelBox;

/// Channels of a simulated frame in the page order of CellTracks; levels of cells and background
/// are in this order.
pub const SIMULATED_CHANNELS: [Channel; 4] =
    [Channel::Dapi, Channel::Her2, Channel::Cytokeratin, Channel::Cd45];

/// Half width of the soft rim that optics give an outline, in pixels.
pub(super) const RIM_PX: f64 = 1.5;

/// What a simulated object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CellKind {
    /// Circulating tumour cell.
    Ctc,
    /// Leukocyte.
    Leukocyte,
    /// A speck of something else.
    Debris,
}

impl CellKind {
    /// The name in tables: `ctc`, `leukocyte` or `debris`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ctc => "ctc",
            Self::Leukocyte => "leukocyte",
            Self::Debris => "debris",
        }
    }

    /// The kind of a name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Ctc, Self::Leukocyte, Self::Debris].into_iter().find(|kind| kind.name() == name)
    }
}

/// One cell of a simulated cartridge: an ellipse, or a rounded triangle of it, with a nucleus of
/// the same shape in its middle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SimulatedCell {
    /// What it is.
    pub kind: CellKind,
    /// Frame number, 1-based.
    pub frame: u32,
    /// Row of its centre; the centre of the first pixel is at 0.
    pub row_px: f64,
    /// Column of its centre.
    pub col_px: f64,
    /// Axis along its angle, from rim to rim.
    pub length_px: f64,
    /// Axis across.
    pub width_px: f64,
    /// Direction of the length, from the columns' axis towards growing rows.
    pub angle_deg: f64,
    /// Size of the nucleus: its axes over those of the cell, in (0, 1].
    pub nucleus_share: f64,
    /// Depth of three lobes over the radius, 0 for an ellipse.
    pub lobe: f64,
    /// Mean light over the background in camera units, for DAPI inside the nucleus, for the other
    /// channels inside the cell; in the order of [`SIMULATED_CHANNELS`].
    pub levels: [f64; 4],
}

/// Where a pixel lies in a cell.
#[derive(Clone, Copy)]
struct Place {
    /// Distance from the centre over that of the rim in this direction.
    share: f64,
    /// Pixels to the rim along the ray from the centre; negative outside.
    inside_px: f64,
    /// The same for the nucleus.
    inside_nucleus_px: f64,
}

/// A pixel of a cell's patch.
#[derive(Clone, Copy, Debug)]
pub(super) struct CellPixel {
    pub(super) row: i64,
    pub(super) col: i64,
    /// Inside the outline of the cell.
    pub(super) in_cell: bool,
    /// Inside the outline of the nucleus.
    pub(super) in_nucleus: bool,
    /// Light over the background, in the order of [`SIMULATED_CHANNELS`].
    pub(super) light: [f32; 4],
}

impl SimulatedCell {
    /// Radius of the circle of the same area.
    pub fn radius_px(&self) -> f64 {
        (0.25 * self.length_px * self.width_px * (1.0 + 0.5 * self.lobe * self.lobe)).sqrt()
    }

    /// Farthest that any light of the cell reaches from its centre.
    fn reach_px(&self) -> f64 {
        0.5 * self.length_px.max(self.width_px) * (1.0 + self.lobe) + RIM_PX
    }

    /// Every pixel that gets light from the cell, those outside the frame too: row by row.
    ///
    /// The light falls to the rim by a shape of the channel (DAPI and cytokeratin are brightest in
    /// the middle, membrane markers at the rim) with a soft edge, and is scaled so that its mean
    /// over the pixels of the outline is the level exactly.
    pub(super) fn pixels(&self) -> Vec<CellPixel> {
        let reach = self.reach_px();
        let first = |centre: f64| (centre - reach).ceil() as i64;
        let last = |centre: f64| (centre + reach).floor() as i64;
        let (sin, cos) = self.angle_deg.to_radians().sin_cos();
        let mut pixels = Vec::new();
        for row in first(self.row_px)..=last(self.row_px) {
            for col in first(self.col_px)..=last(self.col_px) {
                let (down, right) = (row as f64 - self.row_px, col as f64 - self.col_px);
                let place = self.place(right * cos + down * sin, down * cos - right * sin);
                let shapes = place.shapes(self.nucleus_share);
                if shapes.iter().any(|&shape| shape > 0.0) {
                    pixels.push(CellPixel {
                        row,
                        col,
                        in_cell: place.inside_px >= 0.0,
                        in_nucleus: place.inside_nucleus_px >= 0.0,
                        light: shapes,
                    });
                }
            }
        }
        self.scale(&mut pixels);
        pixels
    }

    /// Place of a point `along` the length and `across` it, from the centre.
    fn place(&self, along: f64, across: f64) -> Place {
        let (x, y) = (2.0 * along / self.length_px, 2.0 * across / self.width_px);
        let ellipse = x.hypot(y);
        if ellipse == 0.0 {
            let inside_px = 0.5 * self.length_px.min(self.width_px);
            let inside_nucleus_px = inside_px * self.nucleus_share;
            return Place { share: 0.0, inside_px, inside_nucleus_px };
        }
        let cosine = x / ellipse;
        // cos of three times the angle: three lobes without trigonometry
        let lobes = cosine * (4.0 * cosine * cosine - 3.0);
        let share = ellipse / (1.0 + self.lobe * lobes);
        let distance = along.hypot(across);
        let rim = distance / share;
        Place {
            share,
            inside_px: rim - distance,
            inside_nucleus_px: rim * self.nucleus_share - distance,
        }
    }

    fn scale(&self, pixels: &mut [CellPixel]) {
        for (channel, stain) in SIMULATED_CHANNELS.iter().enumerate() {
            let is_dapi = *stain == Channel::Dapi;
            let inside = pixels.iter().filter(|p| if is_dapi { p.in_nucleus } else { p.in_cell });
            let (sum, n) = inside
                .fold((0.0, 0_usize), |(sum, n), p| (sum + f64::from(p.light[channel]), n + 1));
            // a speck between pixel centres has no outline and keeps its shape as it is
            let mean = if n > 0 && sum > 0.0 { sum / n as f64 } else { 1.0 };
            let factor = (self.levels[channel] / mean) as f32;
            pixels.iter_mut().for_each(|pixel| pixel.light[channel] *= factor);
        }
    }

    /// The smallest box around the outline's pixels in a frame of `rows x cols`; `None` for a speck
    /// between pixel centres and for a cell beyond the frame.
    pub fn bbox(&self, rows: usize, cols: usize) -> Option<PixelBox> {
        let pixels = self.pixels().into_iter().filter(|pixel| pixel.in_cell);
        let places = pixels.filter_map(|pixel| {
            let row = usize::try_from(pixel.row).ok().filter(|&row| row < rows)?;
            let col = usize::try_from(pixel.col).ok().filter(|&col| col < cols)?;
            Some(PixelBox { row0: row, col0: col, row1: row + 1, col1: col + 1 })
        });
        places.reduce(|a, b| PixelBox {
            row0: a.row0.min(b.row0),
            col0: a.col0.min(b.col0),
            row1: a.row1.max(b.row1),
            col1: a.col1.max(b.col1),
        })
    }
}

impl Place {
    /// Light of each channel before it is scaled to the levels.
    fn shapes(self, nucleus_share: f64) -> [f32; 4] {
        let nucleus = (self.share / nucleus_share).min(1.0);
        let cell = self.share.min(1.0);
        let soft = |inside_px: f64| {
            let t = ((inside_px + RIM_PX) / (2.0 * RIM_PX)).clamp(0.0, 1.0);
            t * t * (3.0 - 2.0 * t)
        };
        let (rim, nuclear_rim) = (soft(self.inside_px), soft(self.inside_nucleus_px));
        let membrane = rim * (0.5 + 0.5 * cell * cell);
        [
            nuclear_rim * (1.0 - 0.5 * nucleus * nucleus),
            membrane,
            rim * (1.0 - 0.7 * cell * cell),
            membrane,
        ]
        .map(|shape| shape as f32)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::imaging) fn round_cell() -> SimulatedCell {
        SimulatedCell {
            kind: CellKind::Ctc,
            frame: 1,
            row_px: 30.0,
            col_px: 40.0,
            length_px: 20.0,
            width_px: 20.0,
            angle_deg: 0.0,
            nucleus_share: 0.6,
            lobe: 0.0,
            levels: [500.0, 200.0, 400.0, 0.0],
        }
    }

    #[test]
    fn the_mean_inside_the_outline_is_the_level() {
        for cell in [
            round_cell(),
            SimulatedCell { width_px: 13.0, angle_deg: 37.0, lobe: 0.1, ..round_cell() },
        ] {
            let pixels = cell.pixels();
            let mean = |channel: usize, inside: fn(&CellPixel) -> bool| {
                let lights: Vec<f64> = pixels
                    .iter()
                    .filter(|p| inside(p))
                    .map(|p| f64::from(p.light[channel]))
                    .collect();
                lights.iter().sum::<f64>() / lights.len() as f64
            };
            // f32 light: seven digits.
            assert!((mean(0, |p| p.in_nucleus) - 500.0).abs() < 1e-3, "DAPI in the nucleus");
            assert!((mean(1, |p| p.in_cell) - 200.0).abs() < 1e-3, "HER2 in the cell");
            assert!((mean(2, |p| p.in_cell) - 400.0).abs() < 1e-3, "cytokeratin in the cell");
            assert!(pixels.iter().all(|p| p.light[3] == 0.0), "no CD45");
        }
    }

    #[test]
    fn the_outline_has_the_area_of_its_shape() {
        let lobed = SimulatedCell { lobe: 0.2, width_px: 16.0, angle_deg: 20.0, ..round_cell() };
        for cell in [round_cell(), lobed] {
            let n = cell.pixels().iter().filter(|p| p.in_cell).count() as f64;
            let area = std::f64::consts::PI * cell.radius_px().powi(2);
            // Pixels counted by their centres: within half the rim's length, far less as a rule.
            assert!((n - area).abs() < 0.03 * area, "{n} pixels for an area of {area:.1}");
        }
        let bbox = round_cell().bbox(60, 80).expect("inside the frame");
        assert_eq!((bbox.row0, bbox.row1, bbox.col0, bbox.col1), (20, 41, 30, 51), "10 px around");
    }

    #[test]
    fn an_angle_turns_the_length_from_columns_to_rows() {
        let cell = SimulatedCell { width_px: 8.0, angle_deg: 90.0, ..round_cell() };
        let bbox = cell.bbox(60, 80).expect("inside the frame");
        assert!(bbox.rows() > 2 * bbox.cols(), "{bbox:?} stands upright");
    }
}
