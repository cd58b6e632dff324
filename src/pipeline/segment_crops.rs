//! Events in crops: at the places of the original analysis, or cut out before.

use super::segment::{FrameContext, SegmentMode};
use super::segment_frames::{
    FrameRows, draw, empty_row, frame_rows, n_objects_in, priors_of, size_of,
};
use crate::Error;
use crate::imaging::{
    CropSegmentation, EventClass, Frame, FrameSegmentation, FrameSettings, GateSet, LabelImage,
    MarginMissing, Mask, ObjectProperties, PixelBox, segment_crop, segment_thumbnail,
};
use crate::io::cell_table::{CellRow, FrameRow};

/// The objects at the events of the original analysis, numbered through over the frame.
pub(super) fn event_crops(
    context: &FrameContext<'_>,
    frame: &Frame,
    settings: &FrameSettings<'_>,
) -> Result<FrameRows, Error> {
    let (rows, cols) = size_of(frame);
    let mut labels = LabelImage { rows, cols, labels: vec![0; rows * cols], n_labels: 0 };
    let mut cells = Vec::new();
    let mut prior_labels = Vec::new();
    let mut crops = Vec::new();
    for event in priors_of(context, frame.number) {
        let Some(crop) = segment_crop(frame, event.bbox, settings, &context.contour())? else {
            prior_labels.push(None);
            continue;
        };
        let mut event_label = None;
        for (index, object) in crop.segmentation.objects.iter().enumerate() {
            labels.n_labels += 1;
            let label = labels.n_labels;
            let is_event = crop.kept.contains(&index);
            if is_event {
                event_label.get_or_insert(label);
            }
            paint(&mut labels, &crop, object.label, label);
            let row =
                event_row(context, frame, in_frame(object, label, &crop, (rows, cols)), is_event);
            let prior_match = if is_event { vec![event.rid.clone()] } else { Vec::new() };
            cells.push(CellRow { prior_match, ..row });
        }
        prior_labels.push(event_label);
        crops.push(crop.segmentation);
    }
    let mut rows = match &crops[..] {
        [only] => frame_rows(context, frame.number, only, settings),
        several => crop_rows(context, frame.number, several, settings),
    };
    for row in &mut rows {
        row.warnings.push(format!("{} crops", crops.len()));
    }
    let cells = draw(context, frame, &labels, cells)?;
    Ok(FrameRows { cells, rows, prior_labels, contacts: Vec::new(), warnings: Vec::new() })
}

/// Writes an object of a crop into the frame's label image; pixels of earlier objects stay.
fn paint(labels: &mut LabelImage, crop: &CropSegmentation, of_crop: u32, label: u32) {
    let tile = &crop.segmentation.labels;
    for (index, _) in tile.labels.iter().enumerate().filter(|(_, found)| **found == of_crop) {
        let (row, col) = (index / tile.cols + crop.bbox.row0, index % tile.cols + crop.bbox.col0);
        let pixel = &mut labels.labels[row * labels.cols + col];
        if *pixel == 0 {
            *pixel = label;
        }
    }
}

/// The measures of a crop's object with places in the frame; its thumbnail is the crop.
fn in_frame(
    object: &ObjectProperties,
    label: u32,
    crop: &CropSegmentation,
    (rows, cols): (usize, usize),
) -> ObjectProperties {
    let (row0, col0) = (crop.bbox.row0, crop.bbox.col0);
    let bbox = object.bbox;
    let bbox = PixelBox {
        row0: bbox.row0 + row0,
        col0: bbox.col0 + col0,
        row1: bbox.row1 + row0,
        col1: bbox.col1 + col0,
    };
    ObjectProperties {
        label,
        row_centroid_px: object.row_centroid_px + row0 as f64,
        col_centroid_px: object.col_centroid_px + col0 as f64,
        bbox,
        border_distance_px: bbox.distance_to_border(rows, cols),
        thumbnail_box: Some(crop.bbox),
        ..object.clone()
    }
}

fn crop_rows(
    context: &FrameContext<'_>,
    number: u32,
    crops: &[FrameSegmentation],
    settings: &FrameSettings<'_>,
) -> Vec<FrameRow> {
    let channels = context.archive.channels.iter().enumerate();
    channels
        .map(|(index, channel)| FrameRow {
            threshold: Some(settings.thresholds[index]),
            n_objects: Some(n_objects_in(index, crops)),
            ..empty_row(number, channel.column_name())
        })
        .collect()
}

/// The objects of a thumbnail, one of which (or several together) is the event.
pub(super) fn thumbnail(
    context: &FrameContext<'_>,
    frame: &Frame,
    outlines: Option<&[Mask]>,
    settings: &FrameSettings<'_>,
) -> Result<FrameRows, Error> {
    let found = segment_thumbnail(frame, outlines, settings, &context.contour())?;
    let is_given = outlines.is_some();
    let mut rows = frame_rows(context, frame.number, &found.segmentation, settings);
    for (row, channel) in rows.iter_mut().zip(&found.segmentation.channels) {
        row.threshold = Some(channel.outline.threshold);
        if is_given {
            (row.threshold, row.mu0, row.mu1, row.iterations) = (None, None, None, None);
            row.warnings.push("outlines as given".to_owned());
        }
    }
    let objects = found.segmentation.objects.iter().enumerate();
    let cells = objects
        .map(|(index, object)| {
            let object = in_frame(object, object.label, &found, size_of(frame));
            event_row(context, frame, object, found.kept.contains(&index))
        })
        .collect();
    let cells = draw(context, frame, &found.segmentation.labels, cells)?;
    let (prior_labels, contacts) = (Vec::new(), Vec::new());
    Ok(FrameRows { cells, rows, prior_labels, contacts, warnings: Vec::new() })
}

/// The row of an object that is the event, or lies beside it.
fn event_row(
    context: &FrameContext<'_>,
    frame: &Frame,
    object: ObjectProperties,
    is_event: bool,
) -> CellRow {
    // at the operator's places and with --mode marker every event was called a tumour cell
    let is_called = context.settings.mode == SegmentMode::Marker;
    let event_class = match &context.settings.gates {
        Some(gates) => gates.classify(&object, &frame.channels),
        None if is_called && is_event => EventClass::Ctc,
        None if is_called => EventClass::Other,
        None => GateSet::breast().classify(&object, &frame.channels),
    };
    CellRow {
        frame: frame.number,
        thumbnail: None,
        event_class,
        her2_class: None,
        her2_std_err: None,
        her2_class_distance: Err(MarginMissing::NoCutoffs),
        prior_match: Vec::new(),
        continues_in: Vec::new(),
        excluded_because: (!is_event).then_some("beside_the_event"),
        object,
    }
}
