//! CellTracksXp, the older analyser: CellTracks frames with tables in place of the XML.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::celltracks_folder::{Level, list_folders};
use super::dlm_table::read_dlm;
use super::prior_events::PriorEvent;
use super::refusal;
use crate::imaging::{PriorLocation, ScanOrder, prior_box};
use crate::{Error, Warning};

/// Frames of a cartridge whose rows are counted from the bottom.
const FROM_BELOW: usize = 140;

/// What the tables say.
pub(super) struct XpTables {
    pub(super) files: Vec<PathBuf>,
    /// Selected cells: id, frame, centre `(x, y)` and `(width, height)` in pixels of the frame.
    cells: Vec<XpCell>,
    /// Names of the filters in page order; empty where they cannot be told.
    pub(super) filters: Vec<String>,
    pub(super) warnings: Vec<Warning>,
}

struct XpCell {
    rid: String,
    frame: u32,
    centre: (f64, f64),
    size: (f64, f64),
}

/// The folder with `pic.dlm`: one of the levels or directly below one.
pub(super) fn find_tables(levels: &[Level]) -> Result<Option<PathBuf>, Error> {
    for level in levels {
        let below = list_folders(&level.path)?;
        for folder in std::iter::once(level.path.clone()).chain(below) {
            if folder.join("pic.dlm").is_file() {
                return Ok(Some(folder));
            }
        }
    }
    Ok(None)
}

/// In which order the frames were taken.
pub(super) fn scan_order(n_frames: usize) -> ScanOrder {
    if n_frames == FROM_BELOW { ScanOrder::SerpentineFromBelow } else { ScanOrder::Serpentine }
}

/// Reads `pic.dlm` and `cells.dlm`, and `frames.dlm` if it is there.
///
/// # Source
/// Behaviour of ACCEPT's loader: `pic.dlm` has the time stamp in column 1 and the frame in column 4;
/// `cells.dlm` the time stamp in column 2, centre in 3 and 4, width and height in 5 and 6, `Y` for a
/// selected cell in column 11; column 3 of every second row of `frames.dlm` is a channel's name.
pub(super) fn read_tables(folder: &Path) -> Result<XpTables, Error> {
    let (pictures, cells) = (folder.join("pic.dlm"), folder.join("cells.dlm"));
    let mut frame_of: BTreeMap<String, u32> = BTreeMap::new();
    for row in read_dlm(&pictures)? {
        // a header has no number there
        let frame = row.get(3).and_then(|text| text.parse::<u32>().ok());
        if let (Some(stamp), Some(frame)) = (row.first(), frame)
            && let Some(other) = frame_of.insert(stamp.clone(), frame)
            && other != frame
        {
            return Err(refusal(&pictures)
                .found(format!("time stamp {stamp} for frames {other} and {frame}"))
                .expected("a time stamp a frame"));
        }
    }
    if frame_of.is_empty() {
        return Err(refusal(&pictures)
            .found("no row with a frame number in column 4")
            .expected("a row a picture"));
    }
    let mut tables = XpTables {
        files: vec![pictures, cells.clone()],
        cells: Vec::new(),
        filters: Vec::new(),
        warnings: Vec::new(),
    };
    for (row, number) in read_dlm(&cells)?.iter().zip(1..) {
        if row.get(10).map(String::as_str) != Some("Y") {
            continue;
        }
        match cell(row, number, &frame_of) {
            Ok(cell) => tables.cells.push(cell),
            Err(why) => {
                let message =
                    format!("{}, row {number}: {why}; the cell is left out", cells.display());
                tables.warnings.push(Warning::new("event_skipped", message));
            }
        }
    }
    let names = folder.join("frames.dlm");
    if names.is_file() {
        tables.filters = channel_names(&read_dlm(&names)?);
        tables.files.push(names);
    }
    Ok(tables)
}

fn cell(row: &[String], number: u32, frame_of: &BTreeMap<String, u32>) -> Result<XpCell, String> {
    let stamp = &row[1];
    let Some(&frame) = frame_of.get(stamp) else {
        return Err(format!("time stamp {stamp:?} is of no picture"));
    };
    let at = |column: usize| {
        let value = row[column].replace(',', ".").parse::<f64>().ok();
        value
            .filter(|value| value.is_finite())
            .ok_or_else(|| format!("column {} is {:?}, not a number", column + 1, row[column]))
    };
    let (centre, size) = ((at(2)?, at(3)?), (at(4)?, at(5)?));
    if size.0 <= 0.0 || size.1 <= 0.0 {
        return Err(format!("a box of {} x {} pixels", size.0, size.1));
    }
    Ok(XpCell { rid: number.to_string(), frame, centre, size })
}

/// Column 3 of every second row; the second row is the first unless only the other rows hold text.
fn channel_names(rows: &[Vec<String>]) -> Vec<String> {
    let column = |start: usize| -> Vec<String> {
        let every_second = rows.iter().skip(start).step_by(2);
        every_second.filter_map(|row| row.get(2)).cloned().collect()
    };
    let is_text = |names: &Vec<String>| {
        !names.is_empty()
            && names.iter().all(|name| !name.is_empty() && name.parse::<f64>().is_err())
    };
    [1, 0].map(column).into_iter().find(is_text).unwrap_or_default()
}

impl XpTables {
    /// Selected cells as boxes in their frames, with the margin of CellTracks events.
    pub(super) fn priors(&mut self, n_frames: usize, size: (usize, usize)) -> Vec<PriorEvent> {
        let (rows, cols) = size;
        let mut priors = Vec::new();
        for XpCell { rid, frame, centre, size } in &self.cells {
            let (half_x, half_y) = (size.0 / 2.0, size.1 / 2.0);
            // saturates for numbers far beyond any frame
            let location = PriorLocation {
                far_x: (centre.0 + half_x).round() as i64,
                far_y: (centre.1 + half_y).round() as i64,
                near_x: (centre.0 - half_x).round() as i64,
                near_y: (centre.1 - half_y).round() as i64,
            };
            let is_frame = (1..=n_frames as u64).contains(&u64::from(*frame));
            match prior_box(location, (0, 0), rows, cols).filter(|_| is_frame) {
                Some(bbox) => priors.push(PriorEvent { rid: rid.clone(), frame: *frame, bbox }),
                None => self.warnings.push(Warning::new(
                    "event_skipped",
                    format!("cell {rid} lies outside the frames or frame {frame}; it is left out"),
                )),
            }
        }
        priors
    }
}
