//! Second pass over the frames of a sample: objects, their classes, pictures.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::segment::{BorderObjects, FrameContext, PriorMatch, SegmentMode, Steps};
use super::segment_crops::{event_crops, thumbnail};
use super::segment_output::{FramePictures, thumbnail_name};
use super::segment_resume::{finished_frame, keep_frame};
use super::segment_survey::choose_threshold;
use crate::imaging::{
    BorderContact, Frame, FrameInput, FrameSegmentation, FrameSettings, GateSet, Histogram,
    LabelImage, MarginMissing, Mask, Picture, PixelBox, border_contacts, match_prior,
};
use crate::io::archive::{ArchiveFrame, Layout, PriorEvent};
use crate::io::cell_table::{CellRow, FrameRow};
use crate::{Error, Warning};

/// The objects of all frames.
pub(super) struct SegmentedFrames {
    pub(super) cells: Vec<CellRow>,
    pub(super) frames: Vec<FrameRow>,
    pub(super) prior_matches: Vec<PriorMatch>,
    pub(super) failed: BTreeMap<u32, String>,
    /// Where objects touch the border of their frame, by the frame's number.
    pub(super) contacts: BTreeMap<u32, Vec<BorderContact>>,
    pub(super) warnings: Vec<Warning>,
}

/// The objects of one frame.
#[derive(Serialize, Deserialize)]
pub(super) struct FrameRows {
    pub(super) cells: Vec<CellRow>,
    pub(super) rows: Vec<FrameRow>,
    /// Label of each of the frame's prior events, in the archive's order.
    pub(super) prior_labels: Vec<Option<u32>>,
    /// Where objects touch the border of a whole frame.
    pub(super) contacts: Vec<BorderContact>,
    /// What had to be made up to read it.
    pub(super) warnings: Vec<String>,
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
                    None => match read_frame(context, number) {
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
        contacts: BTreeMap::new(),
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
                all.contacts.insert(number, frame.contacts);
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

fn read_frame(context: &FrameContext<'_>, number: u32) -> Result<ArchiveFrame, Error> {
    context.cache.take(number).map_or_else(|| context.archive.read_frame(number), Ok)
}

pub(super) fn priors_of<'a>(
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
        contour: context.settings.contour(context.archive.layout),
        clear_border: context.settings.mode == SegmentMode::Full
            && context.settings.border_objects == BorderObjects::Cleared
            && context.archive.layout != Layout::Thumbnails,
        split_touching: context.settings.split_touching,
        edge_mask: edge_mask.as_ref(),
        pixel_size: context.archive.pixel_size,
        saturation: read.saturation.clone(),
    };
    let mut found = match context.settings.mode {
        _ if context.archive.layout == Layout::Thumbnails => {
            thumbnail(context, frame, read.outlines.as_deref(), &settings)
        }
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
pub(super) fn size_of(frame: &Frame) -> (usize, usize) {
    frame.planes.first().map_or((0, 0), |plane| (plane.rows, plane.cols))
}

/// Every object of the frame.
fn whole_frame(
    context: &FrameContext<'_>,
    frame: &Frame,
    settings: &FrameSettings<'_>,
) -> Result<FrameRows, Error> {
    let input = FrameInput::new(frame, settings)?;
    let found = context.backend.segment_frame(&input)?;
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
                her2_std_err: None,
                her2_class_distance: Err(MarginMissing::NoCutoffs),
                prior_match: matching
                    .filter(|(_, label)| **label == Some(object.label))
                    .map(|(event, _)| event.rid.clone())
                    .collect(),
                continues_in: Vec::new(),
                excluded_because: object.thumbnail_box.is_none().then_some("box_leaves_frame"),
                object,
            }
        })
        .collect();
    let contacts = border_contacts(&found.labels);
    let cells = draw(context, frame, &found.labels, cells)?;
    Ok(FrameRows { cells, rows, prior_labels, contacts, warnings: Vec::new() })
}

pub(super) fn frame_rows(
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

/// Objects with a pixel in a channel.
pub(super) fn n_objects_in(channel: usize, found: &[FrameSegmentation]) -> usize {
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

pub(super) fn empty_row(frame: u32, channel: String) -> FrameRow {
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
pub(super) fn draw(
    context: &FrameContext<'_>,
    frame: &Frame,
    labels: &LabelImage,
    mut cells: Vec<CellRow>,
) -> Result<Vec<CellRow>, Error> {
    let sample_id = &*context.archive.sample_id;
    let overlay = context.sink.wants_overlays().then(|| {
        let mut picture = Picture::composite(frame, context.frame_ranges);
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
