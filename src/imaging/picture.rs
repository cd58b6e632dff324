//! Frames as people look at them: a colour composite, object outlines, gray strips.

use super::{Channel, Frame, Histogram, LabelImage, PixelBox, Plane};

/// A colour picture, `[rows x cols]` row-major.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Height in pixels.
    pub rows: usize,
    /// Width in pixels.
    pub cols: usize,
    /// Red, green and blue of each pixel.
    pub pixels: Vec<[u8; 3]>,
}

/// Colour of object outlines.
const OUTLINE: [u8; 3] = [255, 255, 255];

/// Columns between the tiles of a strip, and their colour.
const GAP_PX: usize = 2;
const GAP: [u8; 3] = [128, 128, 128];

/// Share of the counted pixels of a cartridge that are black in pictures of single events.
const BLACK_SHARE: f64 = 0.5;

/// The same in pictures of whole frames, which are mostly ground: its noise would be most of what is
/// seen, and of the file.
const BLACK_SHARE_OF_FRAMES: f64 = 0.98;

/// Share of the pixels that are not yet white.
const WHITE_SHARE: f64 = 0.999;

/// The intensities of one channel that are shown black and white.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DisplayRange {
    /// Shown black, as is everything below.
    pub black: f64,
    /// Shown white, as is everything above; greater than `black`.
    pub white: f64,
}

impl DisplayRange {
    /// For events: from the median to the 99.9 % quantile of a channel, so that all pictures of a
    /// cartridge can be compared. An empty histogram gives 0 to 1.
    pub fn of_events(histogram: &Histogram) -> Self {
        Self::between(histogram, BLACK_SHARE)
    }

    /// For whole frames: from the 98 % quantile, which leaves the noise of the ground black.
    pub fn of_frames(histogram: &Histogram) -> Self {
        Self::between(histogram, BLACK_SHARE_OF_FRAMES)
    }

    fn between(histogram: &Histogram, black_share: f64) -> Self {
        let counts = histogram.counts();
        let total: i64 = counts.iter().map(|&count| count.max(0)).sum();
        let quantile = |share: f64| {
            let mut below = 0;
            // bin k is at k - 1
            let reached = counts.iter().position(|&count| {
                below += count.max(0);
                below > 0 && below as f64 >= share * total as f64
            });
            reached.map_or(0.0, |index| (index + 1) as f64)
        };
        let black = quantile(black_share);
        Self { black, white: quantile(WHITE_SHARE).max(black + 1.0) }
    }

    /// The shade of every pixel.
    fn shades(self, plane: &Plane) -> Vec<u8> {
        match plane.levels() {
            Some(levels) => levels.looked_up(&levels.values().map(|value| self.shade(value))),
            None => plane.pixels.iter().map(|&value| self.shade(value)).collect(),
        }
    }

    /// 0 at black, 255 at white.
    fn shade(self, intensity: f32) -> u8 {
        let share = (f64::from(intensity) - self.black) / (self.white - self.black);
        // saturates below 0 and above 255; halves are rounded up
        let value = share * 255.0;
        let whole = value as u8;
        whole.saturating_add(u8::from(value - f64::from(whole) >= 0.5))
    }
}

impl Picture {
    /// HER2 in red, cytokeratin in green and DAPI in blue; absent channels stay dark. `ranges` has
    /// one entry a channel of the frame.
    pub fn composite(frame: &Frame, ranges: &[DisplayRange]) -> Self {
        let (rows, cols) = frame.planes.first().map_or((0, 0), |plane| (plane.rows, plane.cols));
        let mut pixels = vec![[0; 3]; rows * cols];
        for (colour, role) in
            [Channel::Her2, Channel::Cytokeratin, Channel::Dapi].iter().enumerate()
        {
            let Some(index) = frame.channels.iter().position(|channel| channel == role) else {
                continue;
            };
            let shades = ranges[index].shades(&frame.planes[index]);
            for (pixel, shade) in pixels.iter_mut().zip(shades) {
                pixel[colour] = shade;
            }
        }
        Self { rows, cols, pixels }
    }

    /// One plane in gray.
    pub fn gray(plane: &Plane, range: DisplayRange) -> Self {
        let pixels = range.shades(plane).into_iter().map(|shade| [shade; 3]).collect();
        Self { rows: plane.rows, cols: plane.cols, pixels }
    }

    /// Draws the rim of every object: its pixels with a 4-neighbour of another label. The label
    /// image has the picture's size.
    pub fn outline_objects(&mut self, labels: &LabelImage) {
        let label = |row: usize, col: usize| labels.labels[row * labels.cols + col];
        for row in 0..labels.rows {
            for col in 0..labels.cols {
                let own = label(row, col);
                let is_rim = own > 0
                    && ((row > 0 && label(row - 1, col) != own)
                        || (col > 0 && label(row, col - 1) != own)
                        || (row + 1 < labels.rows && label(row + 1, col) != own)
                        || (col + 1 < labels.cols && label(row, col + 1) != own));
                if is_rim {
                    self.pixels[row * self.cols + col] = OUTLINE;
                }
            }
        }
    }

    /// An event as a strip: its composite, then each channel in gray in the frame's order.
    pub fn strip(frame: &Frame, bbox: PixelBox, ranges: &[DisplayRange]) -> Self {
        let crop = bbox.cut_frame(frame);
        let mut tiles = vec![Self::composite(&crop, ranges)];
        tiles
            .extend(crop.planes.iter().zip(ranges).map(|(plane, &range)| Self::gray(plane, range)));
        Self::side_by_side(&tiles)
    }

    /// Pictures of one height beside each other with a gap between them.
    fn side_by_side(tiles: &[Self]) -> Self {
        let rows = tiles.first().map_or(0, |tile| tile.rows);
        let mut pixels = Vec::new();
        for row in 0..rows {
            for (index, tile) in tiles.iter().enumerate() {
                if index > 0 {
                    pixels.extend([GAP; GAP_PX]);
                }
                pixels.extend(&tile.pixels[row * tile.cols..(row + 1) * tile.cols]);
            }
        }
        let cols = pixels.len().checked_div(rows).unwrap_or(0);
        Self { rows, cols, pixels }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANGE: DisplayRange = DisplayRange { black: 100.0, white: 200.0 };

    fn frame() -> Frame {
        Frame {
            number: 1,
            channels: vec![Channel::Dapi, Channel::Cytokeratin],
            planes: vec![
                Plane::new(1, 3, vec![100.0, 200.0, 5000.0]),
                Plane::new(1, 3, vec![0.0, 120.0, f32::NAN]),
            ],
        }
    }

    #[test]
    fn channels_have_their_colours_and_stay_in_range() {
        let picture = Picture::composite(&frame(), &[RANGE; 2]);
        // 120 lies a fifth of the way: 51 of 255
        assert_eq!(picture.pixels, [[0, 0, 0], [0, 51, 255], [0, 0, 255]], "CK green, DAPI blue");
    }

    #[test]
    fn rims_are_drawn_inside_the_object() {
        let mut labels = LabelImage { rows: 5, cols: 5, labels: vec![0; 25], n_labels: 1 };
        for row in 1..4 {
            for col in 1..4 {
                labels.labels[row * 5 + col] = 1;
            }
        }
        let mut picture = Picture { rows: 5, cols: 5, pixels: vec![[0; 3]; 25] };
        picture.outline_objects(&labels);
        let white = picture.pixels.iter().filter(|pixel| **pixel == OUTLINE).count();
        assert_eq!(white, 8, "3 x 3 pixels without the middle one");
    }

    #[test]
    fn a_strip_holds_the_composite_and_each_channel() {
        let bbox = PixelBox { row0: 0, col0: 1, row1: 1, col1: 3 };
        let strip = Picture::strip(&frame(), bbox, &[RANGE; 2]);
        assert_eq!((strip.rows, strip.cols), (1, 3 * 2 + 2 * GAP_PX), "three tiles of two columns");
        assert_eq!(strip.pixels[4..6], [[255; 3]; 2], "DAPI in gray");
    }

    #[test]
    fn the_range_is_that_of_the_counted_pixels() {
        let values: Vec<f32> = (1..=1000).map(|value| value as f32).collect();
        let histogram = Histogram::of_plane(&Plane::new(1, 1000, values));
        let range = DisplayRange::of_events(&histogram);
        assert_eq!(range, DisplayRange { black: 500.0, white: 999.0 }, "of 1 to 1000");
        assert_eq!(DisplayRange::of_frames(&histogram).black, 980.0, "less of the ground");
        let empty = DisplayRange::of_events(&Histogram::new());
        assert_eq!(empty, DisplayRange { black: 0.0, white: 1.0 }, "nothing counted");
    }
}
