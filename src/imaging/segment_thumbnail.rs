//! An event that was cut out before: its outlines are given, or found without a threshold.

use super::contour::ContourFn;
use super::contour_input::ContourInput;
use super::frame::{Frame, Mask};
use super::pixel_box::PixelBox;
use super::segment_frame::{
    ChannelContour, CropSegmentation, FrameSettings, check_sizes, finish_frame, measure_frame,
    objects_of_event,
};
use crate::Error;

/// Segments a thumbnail, all of which is one crop.
///
/// Given `outlines`, one mask a channel, are taken as they are. Without them each channel's contour
/// starts from nothing, with the classes of [`ContourInput::split_halfway`], and is tidied; thresholds
/// of `settings` are not looked at. Objects of the event are chosen as in
/// [`segment_crop`](super::segment_crop).
///
/// The contours of given outlines have no threshold (not-a-number), no class means and no iterations.
///
/// # Errors
/// Sizes or numbers that do not go together (an input error); the engine of the contour failed (a
/// device error).
///
/// # Source
/// Behaviour of ACCEPT for folders of thumbnails. That given outlines are not tidied, and that the
/// contour is that of crops, is inferred.
pub fn segment_thumbnail(
    frame: &Frame,
    outlines: Option<&[Mask]>,
    settings: &FrameSettings<'_>,
    evolve: &ContourFn<'_>,
) -> Result<CropSegmentation, Error> {
    check_sizes(frame, settings)?;
    let (rows, cols) = frame.planes.first().map_or((0, 0), |plane| (plane.rows, plane.cols));
    let segmentation = match outlines {
        Some(masks) => {
            let fits = |mask: &Mask| (mask.rows, mask.cols) == (rows, cols);
            if masks.len() != frame.planes.len() || !masks.iter().all(fits) {
                return Err(Error::input("segmenting a thumbnail")
                    .at(format!("frame {}", frame.number))
                    .found(format!("{} outlines", masks.len()))
                    .expected(format!("{} of {rows} x {cols} pixels", frame.planes.len())));
            }
            let as_given = |mask: &Mask| ChannelContour {
                threshold: f64::NAN,
                mu0: f64::NAN,
                mu1: f64::NAN,
                iterations: 0,
                contour: mask.clone(),
            };
            let contours = masks.iter().map(as_given).collect();
            measure_frame(frame, contours, masks.to_vec(), settings)
        }
        None => {
            let mut contours = Vec::with_capacity(frame.planes.len());
            for plane in &frame.planes {
                let (input, threshold) = ContourInput::split_halfway(plane);
                let contour = evolve(&input, settings.contour)?;
                contours.push(ChannelContour {
                    threshold,
                    mu0: input.mu0,
                    mu1: input.mu1,
                    iterations: contour.iterations,
                    contour: contour.mask,
                });
            }
            finish_frame(frame, contours, settings)?
        }
    };
    let kept = objects_of_event(&segmentation.objects, &frame.channels);
    let bbox = PixelBox { row0: 0, col0: 0, row1: rows, col1: cols };
    Ok(CropSegmentation { bbox, segmentation, kept })
}
