//! What is measured on each object, in each channel.

use std::borrow::Cow;

use super::bit_mask::BitMask;
use super::exact_sum::{in_units, of_units};
use super::frame::{Channel, Frame, LabelImage, Mask, Plane};
use super::levels::without;
use super::median::{median, medians_without};
use super::outline::Silhouette;
use super::pixel_box::PixelBox;
use super::pixel_noise::PixelNoise;
use super::region_sums::RegionSums;
use crate::units::MicronsPerPixel;

/// Measures of one object in one channel: inside the channel's own outline unless said otherwise.
///
/// Intensities are in camera units above the channel's background. A channel in which the object
/// has no pixel has intensities, area and shape 0, and no `sd`, `p2a`.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ChannelProperties {
    /// Mean, at least 0. Like all intensities `None` when the frame has no background pixel.
    pub mean: Option<f64>,
    /// Maximum, at least 0.
    pub max: Option<f64>,
    /// Median, at least 0.
    pub median: Option<f64>,
    /// Sum, at least 0.
    pub mass: Option<f64>,
    /// Sample standard deviation (n - 1); 0 for one pixel, `None` for none.
    pub sd: Option<f64>,
    /// Pixels.
    pub area_px: u64,
    /// Area in square micrometres; `None` without a pixel size.
    pub size_um2: Option<f64>,
    /// Length of the outer outline of the first piece, in pixels.
    pub perimeter_px: f64,
    /// 0 for a disc, towards 1 for a line.
    pub eccentricity: f64,
    /// Perimeter squared over 4 pi area: 1 for a disc.
    pub p2a: Option<f64>,
    /// Share of the object's DAPI pixels that this channel has too; `None` for DAPI itself, without
    /// a DAPI channel, or where the object has no DAPI pixel.
    pub overlap_dapi: Option<f64>,
    /// Mean over the **union** outline above the median of pixels of no object; may be negative.
    /// Weak markers have a value here even where their channel's outline is empty.
    pub union_mean: Option<f64>,
}

/// One object of a frame.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ObjectProperties {
    /// Its number in the label image, 1-based.
    pub label: u32,
    /// Mean row of its pixels, 0-based.
    pub row_centroid_px: f64,
    /// Mean column of its pixels, 0-based.
    pub col_centroid_px: f64,
    /// Smallest box around its pixels in all channels.
    pub bbox: PixelBox,
    /// Box of its thumbnail; `None` where it does not fit into the frame.
    pub thumbnail_box: Option<PixelBox>,
    /// Pixels of its union outline.
    pub union_area_px: u64,
    /// It has a pixel in the frame's first or last row or column.
    pub edge_touching: bool,
    /// Pixels between its box and the nearest side of the frame.
    pub border_distance_px: usize,
    /// Share of its union pixels that are saturated in any channel; `None` when no channel has a
    /// saturation value.
    pub saturated_fraction: Option<f64>,
    /// Noise of the HER2 pixels of no object; `None` without that channel or where they are equal.
    pub her2_noise: Option<PixelNoise>,
    /// Mean of HER2 inside cytokeratin's outline, not clamped, against pixels of no object; `None`
    /// without such pixels.
    pub her2_in_ck_mean: Option<f64>,
    /// One entry a channel, in the frame's order.
    pub channels: Vec<ChannelProperties>,
}

/// What measuring needs to know beside pixels and labels.
#[derive(Clone, Copy, Debug, Default)]
pub struct MeasureSettings<'a> {
    /// Edge of a pixel.
    pub pixel_size: Option<MicronsPerPixel>,
    /// For each channel the intensity at and above which a pixel is saturated; may be empty.
    pub saturation: &'a [Option<f32>],
    /// Pixels outside the chamber, which are no background.
    pub edge_mask: Option<&'a Mask>,
}

/// Medians that intensities are measured against.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Background {
    /// Of pixels the channel's own mask leaves out, in camera units.
    pub channel: Option<f64>,
    /// Of pixels of no object, in camera units.
    pub no_object: Option<f64>,
}

/// The background of a channel: medians outside the edge mask.
pub fn background(
    plane: &Plane,
    mask: &Mask,
    labels: &LabelImage,
    edge_mask: Option<&Mask>,
) -> Background {
    let [own, objects] = [BitMask::of(mask), BitMask::of_labels(labels)];
    let outside = |set: &BitMask| match edge_mask {
        Some(edge) => set.minus(&BitMask::of(edge)),
        None => set.clone(),
    };
    match plane.levels() {
        Some(levels) => {
            let edge = edge_mask.map(|edge| levels.counts_in(&BitMask::of(edge)));
            let all = edge.map_or(levels.counts(), |edge| without(&levels.counts(), &edge));
            let rest = |set| levels.median(&without(&all, &levels.counts_in(&outside(set))));
            Background { channel: rest(&own), no_object: rest(&objects) }
        }
        None => {
            let values = |set: &BitMask| -> Vec<f32> {
                set.places().map(|(row, col)| plane.pixels[row * plane.cols + col]).collect()
            };
            let everything = match edge_mask {
                None => Cow::Borrowed(&plane.pixels[..]),
                Some(edge) => Cow::Owned(values(&BitMask::of(edge).inverted())),
            };
            let [own, objects] = [values(&outside(&own)), values(&outside(&objects))];
            let [channel, no_object] = medians_without(&everything, [&own, &objects]);
            Background { channel, no_object }
        }
    }
}

/// Indices of the few entries for which `is_set`: looks at 64 at once.
fn places_where<T>(entries: &[T], is_set: impl Fn(&T) -> bool) -> Vec<usize> {
    let mut places = Vec::new();
    for (chunk, first) in entries.chunks(64).zip((0..).step_by(64)) {
        if chunk.iter().fold(false, |any, entry| any | is_set(entry)) {
            places.extend((first..).zip(chunk).filter(|(_, e)| is_set(e)).map(|(place, _)| place));
        }
    }
    places
}

/// Measures every object of a label image in every channel.
///
/// `masks` and `backgrounds` have one entry a channel of the frame, all of the labels' size; an
/// object's pixels in a channel are its labelled pixels that the channel's mask has.
///
/// # Source
/// Feature table of ACCEPT (Zeune et al. 2017, PLoS ONE 12:e0186562), shape measures of MATLAB's
/// `regionprops`. `union_mean`, `saturated_fraction` and `edge_touching` are additions.
pub fn measure_objects(
    frame: &Frame,
    masks: &[&Mask],
    labels: &LabelImage,
    backgrounds: &[Background],
    settings: MeasureSettings<'_>,
) -> Vec<ObjectProperties> {
    let dapi = dapi_of(frame).map(|dapi| masks[dapi]);
    let limits: Vec<(&Plane, f32)> = saturation_limits(frame, settings.saturation).collect();
    let is_saturated =
        |index: usize| limits.iter().any(|(plane, limit)| plane.pixels[index] >= *limit);
    let pixels_of = pixels_of_objects(labels);
    let place = |index: usize| (index / labels.cols, index % labels.cols);
    let channels = frame.planes.iter().zip(masks).map(|(plane, mask)| {
        let of_object = |pixels: &Vec<usize>| {
            let mut sums = RegionSums::NONE;
            for &index in pixels {
                let shared = dapi.is_some_and(|dapi| dapi.pixels[index]);
                sums.add(place(index), plane.pixels[index], mask.pixels[index], shared);
            }
            sums
        };
        pixels_of.iter().map(of_object).collect()
    });
    let channels = channels.collect();
    let of_union = |pixels: &Vec<usize>| {
        let mut sums = RegionSums::NONE;
        pixels.iter().for_each(|&index| sums.add(place(index), 0.0, true, is_saturated(index)));
        sums
    };
    let sums = FrameSums { channels, union: pixels_of.iter().map(of_union).collect() };
    finish_objects(frame, masks, labels, backgrounds, &sums, settings)
}

/// Sums over the objects of a frame; object `label` is at `label - 1`.
#[derive(Clone, Debug, PartialEq)]
pub struct FrameSums {
    /// For each channel those over the channel's mask; shared with DAPI's.
    pub channels: Vec<Vec<RegionSums>>,
    /// Those over the whole objects, shared with the pixels saturated in any channel. Intensities
    /// are not looked at.
    pub union: Vec<RegionSums>,
}

/// The measures of every object, from their sums: what [`measure_objects`] gives.
///
/// Medians, standard deviations and perimeters are found here, from the pixels.
pub fn finish_objects(
    frame: &Frame,
    masks: &[&Mask],
    labels: &LabelImage,
    backgrounds: &[Background],
    sums: &FrameSums,
    settings: MeasureSettings<'_>,
) -> Vec<ObjectProperties> {
    let dapi = dapi_of(frame);
    let has_saturation = saturation_limits(frame, settings.saturation).next().is_some();
    let her2 = frame.channels.iter().position(|channel| *channel == Channel::Her2);
    let her2_noise = her2.and_then(|her2| {
        let median = backgrounds[her2].no_object?;
        PixelNoise::of_background(&frame.planes[her2], labels, settings.edge_mask, median)
    });
    (1..)
        .zip(pixels_of_objects(labels).iter().zip(&sums.union))
        .filter(|(_, (_, union))| union.n > 0)
        .map(|(label, (pixels, union))| {
            let of_object = |channel: usize| &sums.channels[channel][label as usize - 1];
            let channels = (0..frame.planes.len())
                .map(|channel| {
                    let mask = masks[channel];
                    let own: Vec<usize> =
                        pixels.iter().copied().filter(|&index| mask.pixels[index]).collect();
                    let own =
                        OwnPixels { pixels: &own, cols: labels.cols, sums: of_object(channel) };
                    let n_dapi = dapi.filter(|&dapi| dapi != channel).map(|dapi| of_object(dapi).n);
                    ChannelProperties {
                        overlap_dapi: n_dapi
                            .filter(|&n| n > 0)
                            .map(|n| own.sums.n_shared as f64 / n as f64),
                        union_mean: backgrounds[channel]
                            .no_object
                            .map(|level| own.sums.union_intensity() / union.n as f64 - level),
                        ..own.properties(&frame.planes[channel], backgrounds[channel], settings)
                    }
                })
                .collect();
            let bbox = union.bbox.expect("an object has a pixel");
            let border_distance_px = bbox.distance_to_border(labels.rows, labels.cols);
            let (row_centroid_px, col_centroid_px) = union.centroid();
            ObjectProperties {
                label,
                row_centroid_px,
                col_centroid_px,
                bbox,
                thumbnail_box: thumbnail_box(bbox, labels.rows, labels.cols),
                union_area_px: union.n,
                edge_touching: border_distance_px == 0,
                border_distance_px,
                her2_noise,
                her2_in_ck_mean: her2_in_ck(frame, masks, backgrounds, pixels),
                saturated_fraction: has_saturation.then(|| union.n_shared as f64 / union.n as f64),
                channels,
            }
        })
        .collect()
}

fn dapi_of(frame: &Frame) -> Option<usize> {
    frame.channels.iter().position(|channel| *channel == Channel::Dapi)
}

/// A weak cell's HER2 has no outline of its own, but its cytokeratin often has.
fn her2_in_ck(
    frame: &Frame,
    masks: &[&Mask],
    backgrounds: &[Background],
    pixels: &[usize],
) -> Option<f64> {
    let place = |role| frame.channels.iter().position(|channel| *channel == role);
    let (her2, ck) = (place(Channel::Her2)?, place(Channel::Cytokeratin)?);
    let level = backgrounds[her2].no_object?;
    let inside = pixels.iter().filter(|&&index| masks[ck].pixels[index]);
    let (n, sum) = inside.fold((0_u64, 0_i128), |(n, sum), &index| {
        (n + 1, sum + in_units(frame.planes[her2].pixels[index]) as i128)
    });
    (n > 0).then(|| of_units(sum) / n as f64 - level)
}

/// Planes with a saturation value, and that value.
fn saturation_limits<'a>(
    frame: &'a Frame,
    saturation: &'a [Option<f32>],
) -> impl Iterator<Item = (&'a Plane, f32)> {
    let planes = frame.planes.iter().zip(saturation);
    planes.filter_map(|(plane, limit)| limit.map(|limit| (plane, limit)))
}

/// Pixel indices of each object, in row-major order; object `label` is at `label - 1`.
fn pixels_of_objects(labels: &LabelImage) -> Vec<Vec<usize>> {
    let mut pixels_of = vec![Vec::new(); labels.n_labels as usize];
    for index in places_where(&labels.labels, |&label| label > 0) {
        pixels_of[labels.labels[index] as usize - 1].push(index);
    }
    pixels_of
}

/// An object's pixels in one channel of a frame `cols` wide, and their sums.
struct OwnPixels<'a> {
    pixels: &'a [usize],
    cols: usize,
    sums: &'a RegionSums,
}

impl OwnPixels<'_> {
    /// The measures within the channel's outline.
    fn properties(
        &self,
        plane: &Plane,
        background: Background,
        settings: MeasureSettings<'_>,
    ) -> ChannelProperties {
        let area_px = self.sums.n;
        let intensities = background.channel.map(|level| self.intensities_above(level, plane));
        let places = self.pixels.iter().map(|&index| (index / self.cols, index % self.cols));
        let perimeter_px =
            self.sums.bbox.map_or(0.0, |bbox| Silhouette::new(bbox, places).perimeter_px());
        let p2a = (area_px > 0)
            .then(|| perimeter_px * perimeter_px / (4.0 * std::f64::consts::PI * area_px as f64));
        ChannelProperties {
            mean: intensities.map(|i| i.mean),
            max: intensities.map(|i| i.max),
            median: intensities.map(|i| i.median),
            mass: intensities.map(|i| i.mass),
            sd: intensities.and_then(|i| i.sd),
            area_px,
            size_um2: settings.pixel_size.map(|size| size.area_um2(area_px)),
            perimeter_px,
            eccentricity: self.sums.eccentricity(),
            p2a,
            overlap_dapi: None,
            union_mean: None,
        }
    }

    fn intensities_above(&self, background: f64, plane: &Plane) -> Intensities {
        let mut values: Vec<f64> =
            self.pixels.iter().map(|&index| f64::from(plane.pixels[index]) - background).collect();
        let n = self.sums.n as f64;
        let mass = self.sums.intensity() - n * background;
        let mean = mass / n;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let sd = match self.sums.n {
            0 => None,
            1 => Some(0.0),
            _ => Some((squares / (n - 1.0)).sqrt()),
        };
        Intensities {
            // of no pixel: 0, as the largest of 0 and not-a-number
            mean: mean.max(0.0),
            max: (f64::from(self.sums.range.1) - background).max(0.0),
            median: median(&mut values).unwrap_or(0.0).max(0.0),
            mass: mass.max(0.0),
            sd,
        }
    }
}

/// Intensities above a background level.
#[derive(Clone, Copy)]
struct Intensities {
    mean: f64,
    max: f64,
    median: f64,
    mass: f64,
    sd: Option<f64>,
}

/// The box of an object's thumbnail: its own box and a fifth of it on each side, at least five
/// pixels wide; `None` if it does not fit into the frame.
///
/// # Source
/// Behaviour of ACCEPT: in 1-based pixels of a box x0+1..x0+w, from
/// `min(max(x0 - round(0.2 w), 1), W)` to `max(min(x0 + round(1.2 w), W), from + 4)`.
pub fn thumbnail_box(bbox: PixelBox, rows: usize, cols: usize) -> Option<PixelBox> {
    let (row0, row1) = thumbnail_range(bbox.row0, bbox.rows(), rows)?;
    let (col0, col1) = thumbnail_range(bbox.col0, bbox.cols(), cols)?;
    Some(PixelBox { row0, col0, row1, col1 })
}

/// The half-open range of one side; `start` is 0-based.
fn thumbnail_range(start: usize, length: usize, side: usize) -> Option<(usize, usize)> {
    let margin = (0.2 * length as f64).round() as usize;
    let reach = (1.2 * length as f64).round() as usize;
    let first = start.saturating_sub(margin).max(1).min(side);
    let last = (start + reach).min(side).max(first + 4);
    (last <= side).then_some((first - 1, last))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::drawing::{label_image, mask};

    fn one_channel(plane: Plane, channel: Channel) -> Frame {
        Frame { number: 1, channels: vec![channel], planes: vec![plane] }
    }

    #[test]
    fn measures_of_a_small_object_are_those_by_hand() {
        let drawn = mask!("......" ".##..." ".##..." "......");
        let labels = label_image!("......" ".11..." ".11..." "......");
        let mut plane = Plane::new(4, 6, vec![10.0; 24]);
        for (index, value) in [(7, 12.0), (8, 14.0), (13, 16.0), (14, 22.0)] {
            plane.pixels[index] = value;
        }
        let level = background(&plane, &drawn, &labels, None);
        assert_eq!(level.channel, Some(10.0), "twenty pixels of 10");
        let frame = one_channel(plane, Channel::Cytokeratin);
        let settings = MeasureSettings {
            pixel_size: Some(MicronsPerPixel(0.5)),
            saturation: &[Some(16.0)],
            edge_mask: None,
        };
        let objects = measure_objects(&frame, &[&drawn], &labels, &[level], settings);
        let [object] = &objects[..] else { panic!("one object: {objects:?}") };
        let ck = &object.channels[0];
        assert_eq!(ck.mean, Some(6.0), "(2 + 4 + 6 + 12) / 4");
        assert_eq!(ck.max, Some(12.0), "22 - 10");
        assert_eq!(ck.median, Some(5.0), "between 4 and 6");
        assert_eq!(ck.mass, Some(24.0), "2 + 4 + 6 + 12");
        let sd = ck.sd.expect("four pixels have one");
        assert!((sd - (56.0_f64 / 3.0).sqrt()).abs() < 1e-12, "16 + 4 + 0 + 36 over 3: {sd}");
        assert_eq!((ck.area_px, ck.size_um2), (4, Some(1.0)), "four quarter square micrometres");
        assert_eq!(ck.eccentricity, 0.0, "a square");
        assert_eq!(ck.union_mean, Some(6.0), "the same pixels");
        assert_eq!((object.row_centroid_px, object.col_centroid_px), (1.5, 1.5), "0-based");
        assert_eq!(object.saturated_fraction, Some(0.5), "16 and 22");
        assert!(!object.edge_touching, "a pixel away");
    }

    #[test]
    fn a_channel_without_pixels_has_zeros_and_no_sd() {
        let dapi = mask!("##...." "##....");
        let ck = mask!("......" "......");
        let labels = label_image!("11...." "11....");
        let planes: Vec<Plane> = (0..2).map(|_| Plane::new(2, 6, vec![5.0; 12])).collect();
        let backgrounds: Vec<Background> = [&dapi, &ck]
            .iter()
            .zip(&planes)
            .map(|(mask, plane)| background(plane, mask, &labels, None))
            .collect();
        let channels = vec![Channel::Dapi, Channel::Cytokeratin];
        let frame = Frame { number: 1, channels, planes };
        let objects = measure_objects(
            &frame,
            &[&dapi, &ck],
            &labels,
            &backgrounds,
            MeasureSettings::default(),
        );
        let in_ck = &objects[0].channels[1];
        assert_eq!((in_ck.mean, in_ck.max, in_ck.mass), (Some(0.0), Some(0.0), Some(0.0)), "0");
        assert_eq!((in_ck.sd, in_ck.p2a, in_ck.size_um2), (None, None, None), "undefined");
        assert_eq!(objects[0].her2_in_ck_mean, None, "no HER2 in this frame");
        assert_eq!(in_ck.overlap_dapi, Some(0.0), "no DAPI pixel has CK");
        assert_eq!(objects[0].channels[0].overlap_dapi, None, "DAPI with itself is no feature");
        assert!(objects[0].edge_touching, "in the first row");
    }

    #[test]
    fn her2_inside_cytokeratin_is_measured_without_an_outline_of_its_own() {
        let (ck, none) = (mask!("##.." "...."), mask!("...." "...."));
        let labels = label_image!("111." "....");
        let her2 = Plane::new(2, 4, vec![9.0, 12.0, 90.0, 5.0, 5.0, 5.0, 5.0, 5.0]);
        let planes = vec![Plane::new(2, 4, vec![1.0; 8]), her2];
        let channels = vec![Channel::Cytokeratin, Channel::Her2];
        let masks = [&ck, &none];
        let level = |index: usize| background(&planes[index], masks[index], &labels, None);
        let backgrounds = [level(0), level(1)];
        let frame = Frame { number: 1, channels, planes: planes.clone() };
        let objects =
            measure_objects(&frame, &masks, &labels, &backgrounds, MeasureSettings::default());
        assert_eq!(objects[0].her2_in_ck_mean, Some(5.5), "(9 + 12) / 2 - 5");
        assert_eq!(objects[0].channels[1].mean, Some(0.0), "its own outline is empty");
    }

    #[test]
    fn without_background_there_are_no_intensities() {
        let all = mask!("##" "##");
        let labels = label_image!("11" "11");
        let frame = one_channel(Plane::new(2, 2, vec![9.0; 4]), Channel::Dapi);
        let level = background(&frame.planes[0], &all, &labels, None);
        let settings = MeasureSettings::default();
        let objects = measure_objects(&frame, &[&all], &labels, &[level], settings);
        assert_eq!(objects[0].channels[0].mean, None, "above what?");
        assert_eq!(objects[0].channels[0].area_px, 4, "the shape is there");
    }

    #[test]
    fn thumbnails_have_a_margin_and_are_dropped_when_they_do_not_fit() {
        let bbox = PixelBox { row0: 20, col0: 30, row1: 30, col1: 50 };
        let expected = PixelBox { row0: 17, col0: 25, row1: 32, col1: 54 };
        // rows 20 - 2 = 18 to 20 + 12 = 32, columns 30 - 4 = 26 to 30 + 24 = 54, 1-based
        assert_eq!(thumbnail_box(bbox, 100, 100), Some(expected), "by hand");
        let corner = PixelBox { row0: 98, col0: 98, row1: 100, col1: 100 };
        assert_eq!(thumbnail_box(corner, 100, 100), None, "98..102 is not in the frame");
    }
}
