//! The tables of a `segment` run: `cells.csv`, `frames.csv`. What is not defined is an empty field.

use serde::{Deserialize, Deserializer, Serialize};

#[cfg(any(test, feature = "parquet"))]
use super::parquet_table::ColumnType;
use super::table_writer::field;
use crate::Error;
use crate::imaging::{ChannelProperties, EventClass, Her2Class, MarginMissing, ObjectProperties};

/// Why an object takes no part in counts and summaries.
pub type Exclusion = &'static str;

/// One object of a sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CellRow {
    /// Frame number, 1-based.
    pub frame: u32,
    /// Path of its thumbnail in the output folder, where one was made.
    pub thumbnail: Option<String>,
    /// Its measures; places are in pixels of the frame.
    pub object: ObjectProperties,
    /// What it is.
    pub event_class: EventClass,
    /// HER2 class, where cut-offs were given.
    pub her2_class: Option<Her2Class>,
    /// Standard error of the classed HER2 intensity.
    pub her2_std_err: Option<f64>,
    /// Its distance from the nearest cut-off in standard errors, or why there is none.
    pub her2_class_distance: Result<f64, MarginMissing>,
    /// Ids of the original analysis' events found here.
    pub prior_match: Vec<String>,
    /// Objects of neighbouring frames that it goes on in, as `(frame, label)`; sought only where
    /// objects at the border are kept.
    pub continues_in: Vec<(u32, u32)>,
    /// Why it takes no part in counts and summaries, if so.
    #[serde(deserialize_with = "reason")]
    pub excluded_because: Option<Exclusion>,
}

/// A reason of [`CellRow::excluded_because`].
fn reason<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Exclusion>, D::Error> {
    let known = ["box_leaves_frame", "beside_the_event", "part_of_another"];
    let Some(text) = Option::<String>::deserialize(from)? else { return Ok(None) };
    let found = known.into_iter().find(|reason| *reason == text);
    found.map(Some).ok_or_else(|| serde::de::Error::unknown_variant(&text, &[]))
}

/// One channel of one frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrameRow {
    /// Frame number, 1-based.
    pub frame: u32,
    /// Column name of the channel.
    pub channel: String,
    /// Threshold of the first guess.
    pub threshold: Option<f64>,
    /// Mean scaled intensity of the first guess's background; not for several crops.
    pub mu0: Option<f64>,
    /// Mean scaled intensity of the first guess's foreground; not for several crops.
    pub mu1: Option<f64>,
    /// Iterations of the contour; not for several crops.
    pub iterations: Option<u32>,
    /// Median of the pixels outside the channel's outlines; not for several crops.
    pub background: Option<f64>,
    /// Objects with a pixel in this channel.
    pub n_objects: Option<usize>,
    /// What a reader of the row must know.
    pub warnings: Vec<String>,
}

/// A table under construction.
#[derive(Debug)]
pub(crate) struct CsvTable {
    writer: csv::Writer<Vec<u8>>,
}

impl CsvTable {
    pub(crate) fn new(columns: &[String]) -> Result<Self, Error> {
        let mut table = Self { writer: csv::Writer::from_writer(Vec::new()) };
        table.push(columns)?;
        Ok(table)
    }

    pub(crate) fn push(&mut self, fields: &[String]) -> Result<(), Error> {
        self.writer.write_record(fields).map_err(|error| {
            Error::output("writing a table").found(error.to_string()).caused_by(error)
        })
    }

    pub(crate) fn finish(self) -> Result<Vec<u8>, Error> {
        self.writer
            .into_inner()
            .map_err(|error| Error::output("writing a table").found(error.to_string()))
    }
}

/// Columns that every channel has in `cells.csv`, each after `CHANNEL_`.
const CHANNEL_COLUMNS: [&str; 12] = [
    "mean",
    "max",
    "median",
    "sd",
    "mass",
    "area_px",
    "size_um2",
    "perimeter_px",
    "eccentricity",
    "p2a",
    "overlap_dapi",
    "union_mean",
];

fn channel_fields(channel: &ChannelProperties) -> [String; CHANNEL_COLUMNS.len()] {
    [
        field(channel.mean),
        field(channel.max),
        field(channel.median),
        field(channel.sd),
        field(channel.mass),
        channel.area_px.to_string(),
        field(channel.size_um2),
        channel.perimeter_px.to_string(),
        channel.eccentricity.to_string(),
        field(channel.p2a),
        field(channel.overlap_dapi),
        field(channel.union_mean),
    ]
}

/// What a column of `cells.csv` holds.
#[cfg(any(test, feature = "parquet"))]
pub fn column_type(name: &str) -> ColumnType {
    match name {
        "sample_id"
        | "thumbnail"
        | "event_class"
        | "her2_class"
        | "prior_match"
        | "excluded_because"
        | "continues_in"
        | "her2_class_distance_missing" => ColumnType::Text,
        "edge_touching" => ColumnType::Flag,
        "frame" | "label" | "border_distance_px" => ColumnType::Integer,
        _ if name.starts_with("bbox_") || name.ends_with("_area_px") => ColumnType::Integer,
        _ => ColumnType::Number,
    }
}

/// Writes `cells.csv`: samples one after the other. A sample without one of the table's channels
/// has empty fields there.
#[derive(Debug)]
pub struct CellTable {
    channels: Vec<String>,
    table: CsvTable,
}

impl CellTable {
    /// A table without rows; `channels` are the column names of all samples' channels.
    ///
    /// # Errors
    /// None in practice: the table is in memory.
    pub fn new(channels: &[String]) -> Result<Self, Error> {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let mut columns = names(&[
            "sample_id",
            "frame",
            "label",
            "thumbnail",
            "row_centroid_px",
            "col_centroid_px",
            "bbox_row0",
            "bbox_col0",
            "bbox_row1",
            "bbox_col1",
        ]);
        for channel in channels {
            columns.extend(CHANNEL_COLUMNS.iter().map(|column| format!("{channel}_{column}")));
        }
        columns.extend(names(&[
            "event_class",
            "her2_class",
            "edge_touching",
            "saturated_fraction",
            "prior_match",
            "excluded_because",
            "border_distance_px",
            "continues_in",
            "her2_in_ck_mean",
            "her2_mean_std_err",
            "her2_class_distance",
            "her2_class_distance_missing",
        ]));
        Ok(Self { channels: channels.to_vec(), table: CsvTable::new(&columns)? })
    }

    /// Adds the objects of a sample whose channels are, in the order of the measures, `channels`.
    ///
    /// # Errors
    /// None in practice: the table is in memory.
    pub fn push_sample(
        &mut self,
        sample_id: &str,
        channels: &[String],
        cells: &[CellRow],
    ) -> Result<(), Error> {
        let position = |name| channels.iter().position(|channel| channel == name);
        let positions: Vec<Option<usize>> = self.channels.iter().map(position).collect();
        for cell in cells {
            let object = &cell.object;
            let pieces: Vec<String> =
                cell.continues_in.iter().map(|(frame, label)| format!("{frame}:{label}")).collect();
            let mut fields = vec![
                sample_id.to_owned(),
                cell.frame.to_string(),
                object.label.to_string(),
                cell.thumbnail.clone().unwrap_or_default(),
                object.row_centroid_px.to_string(),
                object.col_centroid_px.to_string(),
                object.bbox.row0.to_string(),
                object.bbox.col0.to_string(),
                object.bbox.row1.to_string(),
                object.bbox.col1.to_string(),
            ];
            for index in &positions {
                let channel = index.and_then(|index| object.channels.get(index));
                fields.extend(channel.map(channel_fields).unwrap_or_default());
            }
            fields.extend([
                cell.event_class.name().to_owned(),
                field(cell.her2_class.map(|class| class.name())),
                object.edge_touching.to_string(),
                field(object.saturated_fraction),
                cell.prior_match.join(";"),
                cell.excluded_because.unwrap_or_default().to_owned(),
                object.border_distance_px.to_string(),
                pieces.join(";"),
                field(object.her2_in_ck_mean),
                field(cell.her2_std_err),
                field(cell.her2_class_distance.ok()),
                field(cell.her2_class_distance.err().map(MarginMissing::name)),
            ]);
            self.table.push(&fields)?;
        }
        Ok(())
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// None in practice: the table is in memory.
    pub fn finish(self) -> Result<Vec<u8>, Error> {
        self.table.finish()
    }
}

/// Writes `frames.csv`: one row a frame and channel, samples one after the other.
#[derive(Debug)]
pub struct FrameTable {
    table: CsvTable,
}

impl FrameTable {
    /// A table without rows.
    ///
    /// # Errors
    /// None in practice: the table is in memory.
    pub fn new() -> Result<Self, Error> {
        let columns = [
            "sample_id",
            "frame",
            "channel",
            "threshold",
            "mu0",
            "mu1",
            "iterations",
            "background",
            "n_objects",
            "warnings",
        ];
        Ok(Self { table: CsvTable::new(&columns.map(str::to_owned))? })
    }

    /// Adds the frames of a sample.
    ///
    /// # Errors
    /// None in practice: the table is in memory.
    pub fn push_sample(&mut self, sample_id: &str, frames: &[FrameRow]) -> Result<(), Error> {
        for frame in frames {
            self.table.push(&[
                sample_id.to_owned(),
                frame.frame.to_string(),
                frame.channel.clone(),
                field(frame.threshold),
                field(frame.mu0),
                field(frame.mu1),
                field(frame.iterations),
                field(frame.background),
                field(frame.n_objects),
                frame.warnings.join("; "),
            ])?;
        }
        Ok(())
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// None in practice: the table is in memory.
    pub fn finish(self) -> Result<Vec<u8>, Error> {
        self.table.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::PixelBox;
    use crate::io::parquet_table::encode_parquet;

    fn object() -> ObjectProperties {
        let channel = ChannelProperties {
            mean: Some(0.0),
            max: Some(0.0),
            median: Some(0.0),
            mass: Some(0.0),
            sd: None,
            area_px: 0,
            size_um2: Some(0.0),
            perimeter_px: 0.0,
            eccentricity: 0.0,
            p2a: None,
            overlap_dapi: None,
            union_mean: Some(-1.25),
        };
        ObjectProperties {
            label: 7,
            row_centroid_px: 1.5,
            col_centroid_px: 2.0,
            bbox: PixelBox { row0: 1, col0: 2, row1: 3, col1: 4 },
            thumbnail_box: None,
            union_area_px: 4,
            edge_touching: false,
            border_distance_px: 1,
            her2_noise: None,
            her2_in_ck_mean: Some(-0.5),
            saturated_fraction: None,
            channels: vec![channel],
        }
    }

    #[test]
    fn an_undefined_value_is_an_empty_field_and_never_nan() {
        let channels = ["her2".to_owned()];
        let mut table = CellTable::new(&channels).expect("in memory");
        let row = CellRow {
            frame: 3,
            thumbnail: None,
            object: object(),
            event_class: EventClass::Other,
            her2_class: None,
            her2_std_err: Some(0.25),
            her2_class_distance: Err(MarginMissing::NoCutoffs),
            prior_match: vec!["4".into(), "9".into()],
            continues_in: vec![(4, 2)],
            excluded_because: None,
        };
        table.push_sample("s, 1", &channels, &[row]).expect("one channel");
        let bytes = table.finish().expect("in memory");
        let text = String::from_utf8(bytes).expect("UTF-8");
        let row = text.lines().nth(1).expect("a row");
        let expected = "\"s, 1\",3,7,,1.5,2,1,2,3,4,0,0,0,,0,0,0,0,0,,,-1.25,other,,false,,4;9,,1,4:2,-0.5,0.25,,\
             no_cutoffs";
        assert_eq!(row, expected, "fields in the order of the header");
        let n_columns = text.lines().next().map(|header| header.split(',').count());
        assert_eq!(n_columns, Some(10 + 12 + 12), "one channel");
        encode_parquet(text.as_bytes(), column_type).expect("every field is of its column's type");
    }
}
