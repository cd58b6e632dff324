//! All channels of a frame, from pixels to measured objects.

use super::contour::{ContourFn, ContourSettings};
use super::contour_input::ContourInput;
use super::frame::{Channel, Frame, LabelImage, Mask, Plane};
use super::label::label_union;
use super::morphology::tidy;
use super::pixel_box::PixelBox;
use super::regionprops::{
    Background, MeasureSettings, ObjectProperties, background, measure_objects,
};
use super::stored_plane::StoredPlane;
use super::watershed::split_touching;
use crate::Error;
use crate::units::MicronsPerPixel;

/// How a frame, or a crop of one, is segmented and measured.
#[derive(Clone, Debug)]
pub struct FrameSettings<'a> {
    /// One threshold a channel, in camera units; foreground starts from what lies above.
    pub thresholds: Vec<f64>,
    /// How the contour is evolved.
    pub contour: ContourSettings,
    /// Whether objects at the border of the frame are dropped.
    pub clear_border: bool,
    /// Whether objects that hold two or more cells are taken apart; ACCEPT does not.
    pub split_touching: bool,
    /// Pixels outside the chamber, of the frame's size; for frames at the cartridge's border.
    pub edge_mask: Option<&'a Mask>,
    /// Edge of a pixel; without it sizes in square micrometres are not available.
    pub pixel_size: Option<MicronsPerPixel>,
    /// For each channel the intensity at and above which a pixel is saturated; may be empty.
    pub saturation: Vec<Option<f32>>,
}

impl FrameSettings<'_> {
    /// Whole frames: lambda 0.01, objects at the border cleared.
    pub fn full_detection(thresholds: Vec<f64>) -> Self {
        Self {
            thresholds,
            contour: ContourSettings::FULL_DETECTION,
            clear_border: true,
            split_touching: false,
            edge_mask: None,
            pixel_size: None,
            saturation: Vec::new(),
        }
    }

    /// Crops around known events: lambda 0.0005, objects at the border kept.
    pub fn marker_characterization(thresholds: Vec<f64>) -> Self {
        Self {
            contour: ContourSettings::MARKER_CHARACTERIZATION,
            clear_border: false,
            ..Self::full_detection(thresholds)
        }
    }
}

/// The outline of one channel before it is tidied, and how it was found.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelContour {
    /// Threshold of the first guess.
    pub threshold: f64,
    /// Mean scaled intensity of the first guess's background.
    pub mu0: f64,
    /// Mean scaled intensity of the first guess's foreground.
    pub mu1: f64,
    /// Iterations of the contour.
    pub iterations: u32,
    /// Foreground before tidying.
    pub contour: Mask,
}

/// One channel of a segmented frame.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelResult {
    /// The channel's outline and how it was found.
    pub outline: ChannelContour,
    /// Foreground after tidying.
    pub mask: Mask,
    /// Levels that intensities are measured against.
    pub background: Background,
}

/// A segmented frame.
#[derive(Clone, Debug, PartialEq)]
pub struct FrameSegmentation {
    /// One result a channel, in the frame's order.
    pub channels: Vec<ChannelResult>,
    /// Objects of all channels together.
    pub labels: LabelImage,
    /// Every object with its measures, in the order of its label.
    pub objects: Vec<ObjectProperties>,
}

/// A frame whose planes come from stored pages, and how it is segmented; all sizes go together.
#[derive(Clone, Debug)]
pub struct FrameInput<'a> {
    frame: &'a Frame,
    stored: Vec<&'a StoredPlane>,
    settings: &'a FrameSettings<'a>,
}

impl<'a> FrameInput<'a> {
    /// A frame to be segmented.
    ///
    /// # Errors
    /// Sizes or numbers that do not go together, planes without their pages (an input error).
    pub fn new(frame: &'a Frame, settings: &'a FrameSettings<'a>) -> Result<Self, Error> {
        check_sizes(frame, settings)?;
        let stored: Vec<&StoredPlane> = frame.planes.iter().filter_map(Plane::stored).collect();
        if stored.len() != frame.planes.len() {
            return Err(mismatch(frame, "stored pages", stored.len(), frame.planes.len()));
        }
        Ok(Self { frame, stored, settings })
    }

    /// The frame in camera units.
    pub fn frame(&self) -> &'a Frame {
        self.frame
    }

    /// Its pages, one a channel.
    pub fn stored(&self) -> &[&'a StoredPlane] {
        &self.stored
    }

    /// How it is segmented.
    pub fn settings(&self) -> &'a FrameSettings<'a> {
        self.settings
    }
}

/// Outlines one channel: first guess, class means, contour.
///
/// # Errors
/// The engine of the contour failed (a device error).
pub fn outline_channel(
    plane: &Plane,
    threshold: f64,
    edge_mask: Option<&Mask>,
    settings: ContourSettings,
    evolve: &ContourFn<'_>,
) -> Result<ChannelContour, Error> {
    let input = ContourInput::prepare(plane, threshold, edge_mask);
    let contour = evolve(&input, settings)?;
    Ok(ChannelContour {
        threshold,
        mu0: input.mu0,
        mu1: input.mu1,
        iterations: contour.iterations,
        contour: contour.mask,
    })
}

/// Objects of a frame whose channels are outlined: tidied, labelled, measured.
///
/// `outlines` has one entry a channel of the frame, as [`outline_channel`] gives it.
///
/// # Errors
/// Sizes or numbers that do not go together (an input error).
pub fn finish_frame(
    frame: &Frame,
    outlines: Vec<ChannelContour>,
    settings: &FrameSettings<'_>,
) -> Result<FrameSegmentation, Error> {
    check_sizes(frame, settings)?;
    if outlines.len() != frame.planes.len() {
        return Err(mismatch(frame, "outlined channels", outlines.len(), frame.planes.len()));
    }
    let masks: Vec<Mask> =
        outlines.iter().map(|outline| tidy(&outline.contour, settings.clear_border)).collect();
    Ok(measure_frame(frame, outlines, masks, settings))
}

/// Objects of a frame whose masks are as they are to be: labelled and measured.
pub(super) fn measure_frame(
    frame: &Frame,
    outlines: Vec<ChannelContour>,
    masks: Vec<Mask>,
    settings: &FrameSettings<'_>,
) -> FrameSegmentation {
    let mask_refs: Vec<&Mask> = masks.iter().collect();
    let mut labels = label_union(&mask_refs);
    if settings.split_touching {
        let dapi = frame.channels.iter().position(|channel| *channel == Channel::Dapi);
        labels = split_touching(&labels, dapi.map(|dapi| mask_refs[dapi]));
    }
    let backgrounds: Vec<Background> = frame
        .planes
        .iter()
        .zip(&masks)
        .map(|(plane, mask)| background(plane, mask, &labels, settings.edge_mask))
        .collect();
    let measure = MeasureSettings {
        pixel_size: settings.pixel_size,
        saturation: &settings.saturation,
        edge_mask: settings.edge_mask,
    };
    let objects = measure_objects(frame, &mask_refs, &labels, &backgrounds, measure);
    let channels = outlines
        .into_iter()
        .zip(masks)
        .zip(backgrounds)
        .map(|((outline, mask), background)| ChannelResult { outline, mask, background })
        .collect();
    FrameSegmentation { channels, labels, objects }
}

/// Segments a frame: every channel is outlined and tidied, objects are labelled over all channels
/// together and measured in each.
///
/// # Errors
/// Planes, edge mask, thresholds or saturation values whose sizes or numbers do not go together
/// (an input error); the engine of the contour failed (a device error).
///
/// # Source
/// Zeune et al. 2017, PLoS ONE 12:e0186562 (ACCEPT); behaviour of its sample processors.
pub fn segment_frame(
    frame: &Frame,
    settings: &FrameSettings<'_>,
    evolve: &ContourFn<'_>,
) -> Result<FrameSegmentation, Error> {
    check_sizes(frame, settings)?;
    let outlines = frame
        .planes
        .iter()
        .zip(&settings.thresholds)
        .map(|(plane, &threshold)| {
            outline_channel(plane, threshold, settings.edge_mask, settings.contour, evolve)
        })
        .collect::<Result<_, _>>()?;
    finish_frame(frame, outlines, settings)
}

/// What was found in a crop around a known event.
#[derive(Clone, Debug, PartialEq)]
pub struct CropSegmentation {
    /// The crop in the frame.
    pub bbox: PixelBox,
    /// The segmentation of the crop; all places are relative to it, not to the frame.
    pub segmentation: FrameSegmentation,
    /// Which of its objects are the event (indices into `segmentation.objects`).
    pub kept: Vec<usize>,
}

/// Segments a crop around a known event; `None` when no pixel of the box lies on the frame.
///
/// The intensities are scaled by the crop's own range. When a crop holds several objects, those
/// without cytokeratin are left out, then those without DAPI, but never all of them.
///
/// # Errors
/// As [`segment_frame`]; an edge mask must have the frame's size and is cropped too.
pub fn segment_crop(
    frame: &Frame,
    bbox: PixelBox,
    settings: &FrameSettings<'_>,
    evolve: &ContourFn<'_>,
) -> Result<Option<CropSegmentation>, Error> {
    check_sizes(frame, settings)?;
    let (rows, cols) = frame.planes.first().map_or((0, 0), |plane| (plane.rows, plane.cols));
    let Some(bbox) = bbox.clamped(rows, cols) else { return Ok(None) };
    let edge_mask = settings.edge_mask.map(|edge| bbox.cut_mask(edge));
    let settings = FrameSettings { edge_mask: edge_mask.as_ref(), ..settings.clone() };
    let segmentation = segment_frame(&bbox.cut_frame(frame), &settings, evolve)?;
    let kept = objects_of_event(&segmentation.objects, &frame.channels);
    Ok(Some(CropSegmentation { bbox, segmentation, kept }))
}

/// Leaves out objects without cytokeratin, then those without DAPI, unless none would remain.
pub(super) fn objects_of_event(objects: &[ObjectProperties], channels: &[Channel]) -> Vec<usize> {
    let mut kept: Vec<usize> = (0..objects.len()).collect();
    for marker in [Channel::Cytokeratin, Channel::Dapi] {
        let Some(index) = channels.iter().position(|channel| *channel == marker) else { continue };
        let with_marker: Vec<usize> = kept
            .iter()
            .copied()
            .filter(|&object| objects[object].channels[index].area_px > 0)
            .collect();
        if !with_marker.is_empty() {
            kept = with_marker;
        }
    }
    kept
}

pub(super) fn check_sizes(frame: &Frame, settings: &FrameSettings<'_>) -> Result<(), Error> {
    let n = frame.planes.len();
    if frame.channels.len() != n {
        return Err(mismatch(frame, "channel names", frame.channels.len(), n));
    }
    if settings.thresholds.len() != n {
        return Err(mismatch(frame, "thresholds", settings.thresholds.len(), n));
    }
    if !settings.saturation.is_empty() && settings.saturation.len() != n {
        return Err(mismatch(frame, "saturation values", settings.saturation.len(), n));
    }
    let Some(first) = frame.planes.first() else { return Ok(()) };
    let edge_size = settings.edge_mask.map(|edge| (edge.rows, edge.cols));
    let sizes = frame.planes.iter().map(|plane| (plane.rows, plane.cols)).chain(edge_size);
    for (rows, cols) in sizes {
        if (rows, cols) != (first.rows, first.cols) {
            return Err(Error::input("segmenting a frame")
                .at(format!("frame {}", frame.number))
                .found(format!("a plane or edge mask of {rows} x {cols} pixels"))
                .expected(format!("{} x {} as the first plane", first.rows, first.cols)));
        }
    }
    Ok(())
}

fn mismatch(frame: &Frame, what: &str, found: usize, planes: usize) -> Error {
    Error::input("segmenting a frame")
        .at(format!("frame {}", frame.number))
        .found(format!("{found} {what}"))
        .expected(format!("{planes}, one a plane"))
}

#[cfg(test)]
mod tests {
    use super::super::contour::Contour;
    use super::*;

    /// Stands in for the contour: on clear discs the first guess is the outline.
    fn first_guess(input: &ContourInput, _: ContourSettings) -> Result<Contour, Error> {
        Ok(Contour { mask: input.initial.clone(), iterations: 0 })
    }

    /// Bright discs on a dark ground: (row, col, radius).
    fn discs(places: &[(f64, f64, f64)]) -> Plane {
        let pixels = (0..60 * 80).map(|index| {
            let (row, col) = ((index / 80) as f64, (index % 80) as f64);
            let inside = places.iter().any(|&(y, x, r)| (row - y).hypot(col - x) < r);
            if inside { 400.0 } else { 20.0 + ((index * 31) % 7) as f32 }
        });
        Plane::new(60, 80, pixels.collect())
    }

    fn two_cells() -> Frame {
        let nuclei = discs(&[(20.0, 20.0, 6.0), (40.0, 60.0, 6.0)]);
        let bodies = discs(&[(20.0, 20.0, 10.0)]);
        Frame {
            number: 3,
            channels: vec![Channel::Dapi, Channel::Cytokeratin],
            planes: vec![nuclei, bodies],
        }
    }

    #[test]
    fn a_cell_has_one_number_in_all_channels() {
        let settings = FrameSettings::full_detection(vec![100.0, 100.0]);
        let found = segment_frame(&two_cells(), &settings, &first_guess).expect("sizes agree");
        assert_eq!(found.objects.len(), 2, "a cell and a nucleus without body");
        let [cell, nucleus] = &found.objects[..] else { panic!("two objects") };
        assert!((cell.row_centroid_px - 20.0).abs() < 0.2, "{}", cell.row_centroid_px);
        assert!(cell.channels[1].area_px > cell.channels[0].area_px, "the body is larger");
        assert_eq!(cell.channels[1].overlap_dapi, Some(1.0), "the nucleus lies in the body");
        assert_eq!(nucleus.channels[1].area_px, 0, "no body");
    }

    #[test]
    fn a_crop_keeps_objects_with_cytokeratin_when_there_are_any() {
        let settings = FrameSettings::marker_characterization(vec![100.0, 100.0]);
        let both = PixelBox { row0: 0, col0: 0, row1: 60, col1: 200 };
        let crop = segment_crop(&two_cells(), both, &settings, &first_guess).expect("sizes agree");
        let crop = crop.expect("on the frame");
        assert_eq!(crop.bbox.col1, 80, "clamped to the frame");
        assert_eq!(crop.kept, [0], "the nucleus alone is left out");
        let outside = PixelBox { row0: 60, col0: 0, row1: 70, col1: 10 };
        let crop =
            segment_crop(&two_cells(), outside, &settings, &first_guess).expect("sizes agree");
        assert_eq!(crop, None, "nothing to segment");
    }

    #[test]
    fn numbers_that_do_not_go_together_are_an_input_error() {
        let settings = FrameSettings::full_detection(vec![100.0]);
        let error = segment_frame(&two_cells(), &settings, &first_guess)
            .expect_err("one threshold is missing");
        assert!(error.is_input(), "{error}");
        assert!(error.to_string().contains("1 thresholds"), "{error}");
    }
}
