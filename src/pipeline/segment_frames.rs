//! Second pass over the frames of a sample: objects, their classes, pictures.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::segment::{FrameContext, PriorMatch, SegmentMode, Steps};
use super::segment_output::{FramePictures, thumbnail_name};
use super::segment_resume::{finished_frame, keep_frame};
use super::segment_survey::choose_threshold;
use crate::imaging::{
    CropSegmentation, EventClass, Frame, FrameSegmentation, FrameSettings, GateSet, Histogram,
    LabelImage, Mask, ObjectProperties, Picture, PixelBox, match_prior, segment_crop,
    segment_frame,
};
use crate::io::archive::{ArchiveFrame, PriorEvent};
use crate::io::cell_table::{CellRow, FrameRow};
use crate::{Error, Warning};

/// The objects of all frames.
pub(super) struct SegmentedFrames {
    pub(super) cells: Vec<CellRow>,
    pub(super) frames: Vec<FrameRow>,
    pub(super) prior_matches: Vec<PriorMatch>,
    pub(super) failed: BTreeMap<u32, String>,
    pub(super) warnings: Vec<Warning>,
}

/// The objects of one frame.
#[derive(Serialize, Deserialize)]
pub(super) struct FrameRows {
    cells: Vec<CellRow>,
    rows: Vec<FrameRow>,
    /// Label of each of the frame's prior events, in the archive's order.
    prior_labels: Vec<Option<u32>>,
    /// What had to be made up to read it.
    warnings: Vec<String>,
}

/// Segments the target frames in parallel; frames known or found to be unreadable are left out.
pub(super) fn segment_frames(
    context: &FrameContext<'_>,
    targets: &[u32],
    mut failed: BTreeMap<u32, String>,
    steps: &Steps<'_>,
) -> Result<SegmentedFrames, Error> {
    let archive = context.archive;
    let known = &failed;
    let results: Vec<(u32, Result<FrameRows, String>)> = targets
        .par_iter()
        .map(|&number| {
            let result = match known.get(&number) {
                Some(message) => Err(message.clone()),
                None => match finished_frame(context, number) {
                    Some(frame) => Ok(frame),
                    None => match archive.read_frame(number) {
                        Ok(read) => {
                            let frame = one_frame(context, &read)?;
                            keep_frame(context, number, &frame)?;
                            Ok(frame)
                        }
                        Err(error) => Err(error.to_string()),
                    },
                },
            };
            steps.advance()?;
            Ok((number, result))
        })
        .collect::<Result<_, Error>>()?;

    let mut all = SegmentedFrames {
        cells: Vec::new(),
        frames: Vec::new(),
        prior_matches: Vec::new(),
        failed: BTreeMap::new(),
        warnings: Vec::new(),
    };
    let mut prior_labels = vec![None; archive.priors.len()];
    for (number, result) in results {
        match result {
            Ok(frame) => {
                let here = archive.priors.iter().zip(&mut prior_labels);
                let here = here.filter(|(event, _)| event.frame == number);
                for ((_, label), found) in here.zip(frame.prior_labels) {
                    *label = found;
                }
                let made_up = |message| Warning::new("pages_made_up", message);
                all.warnings.extend(frame.warnings.into_iter().map(made_up));
                all.cells.extend(frame.cells);
                all.frames.extend(frame.rows);
            }
            Err(message) => {
                failed.entry(number).or_insert(message);
            }
        }
    }
    for (number, message) in &failed {
        all.frames.extend(unread_rows(context, *number, message));
        all.warnings.push(Warning::new("frame_not_read", message.clone()));
    }
    all.frames.sort_by_key(|row| row.frame);
    let matches = archive.priors.iter().zip(prior_labels);
    all.prior_matches = matches
        .map(|(event, label)| PriorMatch { rid: event.rid.clone(), frame: event.frame, label })
        .collect();
    all.failed = failed;
    Ok(all)
}

fn priors_of<'a>(
    context: &FrameContext<'a>,
    number: u32,
) -> impl Iterator<Item = &'a PriorEvent> + use<'a> {
    context.archive.priors.iter().filter(move |event| event.frame == number)
}

fn one_frame(context: &FrameContext<'_>, read: &ArchiveFrame) -> Result<FrameRows, Error> {
    let frame = &read.frame;
    let (rows, cols) = size_of(frame);
    let edge_mask: Option<Mask> =
        context.edge.and_then(|edge| edge.of_frame(frame.number, rows, cols));
    let thresholds = match context.thresholds {
        Some(thresholds) => thresholds.to_vec(),
        None => {
            let of_plane =
                |plane| choose_threshold(context.settings.threshold, &Histogram::of_plane(plane));
            frame.planes.iter().map(of_plane).collect()
        }
    };
    let settings = FrameSettings {
        thresholds,
        contour: context.settings.contour(),
        clear_border: context.settings.mode == SegmentMode::Full,
        split_touching: context.settings.split_touching,
        edge_mask: edge_mask.as_ref(),
        pixel_size: context.archive.pixel_size,
        saturation: read.saturation.clone(),
    };
    let mut found = match context.settings.mode {
        SegmentMode::Full => whole_frame(context, frame, &settings),
        SegmentMode::Marker => event_crops(context, frame, &settings),
    }?;
    for row in &mut found.rows {
        row.warnings.extend(read.warnings.iter().cloned());
    }
    found.warnings.clone_from(&read.warnings);
    Ok(found)
}

/// Rows and columns of a frame.
fn size_of(frame: &Frame) -> (usize, usize) {
    frame.planes.first().map_or((0, 0), |plane| (plane.rows, plane.cols))
}

/// Every object of the frame.
fn whole_frame(
    context: &FrameContext<'_>,
    frame: &Frame,
    settings: &FrameSettings<'_>,
) -> Result<FrameRows, Error> {
    let found = segment_frame(frame, settings, &context.contour())?;
    let fitting: Vec<(u32, PixelBox)> = found
        .objects
        .iter()
        .filter_map(|object| Some((object.label, object.thumbnail_box?)))
        .collect();
    let boxes: Vec<PixelBox> = fitting.iter().map(|(_, bbox)| *bbox).collect();
    let prior_labels: Vec<Option<u32>> = priors_of(context, frame.number)
        .map(|event| match_prior(event.bbox, &boxes).map(|index| fitting[index].0))
        .collect();
    let gates = context.settings.gates.clone().unwrap_or_else(GateSet::breast);
    let rows = frame_rows(context, frame.number, &found, settings);
    let cells: Vec<CellRow> = found
        .objects
        .into_iter()
        .map(|object| {
            let matching = priors_of(context, frame.number).zip(&prior_labels);
            CellRow {
                frame: frame.number,
                thumbnail: None,
                event_class: gates.classify(&object, &frame.channels),
                her2_class: None,
                prior_match: matching
                    .filter(|(_, label)| **label == Some(object.label))
                    .map(|(event, _)| event.rid.clone())
                    .collect(),
                excluded_because: object.thumbnail_box.is_none().then_some("box_leaves_frame"),
                object,
            }
        })
        .collect();
    let cells = draw(context, frame, &found.labels, cells)?;
    Ok(FrameRows { cells, rows, prior_labels, warnings: Vec::new() })
}

/// The objects at the events of the original analysis, numbered through over the frame.
fn event_crops(
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
            let object = in_frame(object, label, &crop);
            cells.push(CellRow {
                frame: frame.number,
                thumbnail: None,
                event_class: match &context.settings.gates {
                    Some(gates) => gates.classify(&object, &frame.channels),
                    None if is_event => EventClass::Ctc,
                    None => EventClass::Other,
                },
                her2_class: None,
                prior_match: if is_event { vec![event.rid.clone()] } else { Vec::new() },
                excluded_because: (!is_event).then_some("beside_the_event"),
                object,
            });
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
    Ok(FrameRows { cells, rows, prior_labels, warnings: Vec::new() })
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
fn in_frame(object: &ObjectProperties, label: u32, crop: &CropSegmentation) -> ObjectProperties {
    let (row0, col0) = (crop.bbox.row0, crop.bbox.col0);
    let bbox = object.bbox;
    ObjectProperties {
        label,
        row_centroid_px: object.row_centroid_px + row0 as f64,
        col_centroid_px: object.col_centroid_px + col0 as f64,
        bbox: PixelBox {
            row0: bbox.row0 + row0,
            col0: bbox.col0 + col0,
            row1: bbox.row1 + row0,
            col1: bbox.col1 + col0,
        },
        thumbnail_box: Some(crop.bbox),
        ..object.clone()
    }
}

fn frame_rows(
    context: &FrameContext<'_>,
    number: u32,
    found: &FrameSegmentation,
    settings: &FrameSettings<'_>,
) -> Vec<FrameRow> {
    let channels = context.archive.channels.iter().enumerate();
    channels
        .map(|(index, channel)| {
            let result = &found.channels[index];
            FrameRow {
                frame: number,
                channel: channel.column_name(),
                threshold: Some(settings.thresholds[index]),
                mu0: Some(result.outline.mu0),
                mu1: Some(result.outline.mu1),
                iterations: Some(result.outline.iterations),
                background: result.background.channel,
                n_objects: Some(n_objects_in(index, std::slice::from_ref(found))),
                warnings: Vec::new(),
            }
        })
        .collect()
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

/// Objects with a pixel in a channel.
fn n_objects_in(channel: usize, found: &[FrameSegmentation]) -> usize {
    let objects = found.iter().flat_map(|found| &found.objects);
    objects.filter(|object| object.channels[channel].area_px > 0).count()
}

fn unread_rows(context: &FrameContext<'_>, number: u32, message: &str) -> Vec<FrameRow> {
    let channels = context.archive.channels.iter();
    channels
        .map(|channel| FrameRow {
            warnings: vec![message.to_owned()],
            ..empty_row(number, channel.column_name())
        })
        .collect()
}

fn empty_row(frame: u32, channel: String) -> FrameRow {
    FrameRow {
        frame,
        channel,
        threshold: None,
        mu0: None,
        mu1: None,
        iterations: None,
        background: None,
        n_objects: None,
        warnings: Vec::new(),
    }
}

/// Hands the frame's pictures to the sink and notes the thumbnails in the rows.
fn draw(
    context: &FrameContext<'_>,
    frame: &Frame,
    labels: &LabelImage,
    mut cells: Vec<CellRow>,
) -> Result<Vec<CellRow>, Error> {
    let sample_id = &*context.archive.sample_id;
    let overlay = context.sink.wants_overlays().then(|| {
        let mut picture = Picture::composite(frame, context.ranges);
        picture.outline_objects(labels);
        picture
    });
    let mut thumbnails = Vec::new();
    if context.sink.wants_thumbnails() {
        for cell in &mut cells {
            let label = cell.object.label;
            if let Some(bbox) = cell.object.thumbnail_box {
                thumbnails.push((label, Picture::strip(frame, bbox, context.ranges)));
                cell.thumbnail = Some(thumbnail_name(sample_id, frame.number, label));
            }
        }
    }
    let number = frame.number;
    context.sink.take(&FramePictures { sample_id, number, labels, overlay, thumbnails })?;
    Ok(cells)
}
