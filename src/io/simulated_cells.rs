//! Tables of simulated cells: what is to be rendered, and what was.

use std::path::Path;

use super::table::Table;
use super::table_writer::csv_bytes;
use super::table_writer::field;
use crate::Error;
use crate::imaging::{CellKind, CellTruth, Illumination, SimulatedCell};

const DOING: &str = "reading the cells to simulate";

/// Columns of the table that say what a cell is to be; `truth.csv` has them too, so that it can be
/// rendered again.
const COLUMNS: [&str; 13] = [
    "frame",
    "row_px",
    "col_px",
    "class",
    "length_px",
    "width_px",
    "angle_deg",
    "nucleus_share",
    "lobe",
    "dapi",
    "her2",
    "ck",
    "cd45",
];

/// Columns of `truth.csv` that say what the cell is in the picture.
const FOUND: [&str; 13] = [
    "area_px",
    "nucleus_area_px",
    "dapi_mean",
    "her2_mean",
    "ck_mean",
    "cd45_mean",
    "dapi_max",
    "her2_max",
    "ck_max",
    "cd45_max",
    "gap_px",
    "cut_by_frame",
    "event_rid",
];

/// Reads a table of cells: `frame`, `row_px`, `col_px` and `length_px` are needed; `class` is `ctc`
/// where it is not given, `width_px` the length, `angle_deg` 0, `nucleus_share` 0.65, `lobe` 0, the
/// levels `dapi`, `her2`, `ck`, `cd45` 0. Other columns are not looked at.
///
/// # Errors
/// An input error with file, row and column: a column that is missing, a value that cannot be in
/// this cartridge.
pub fn read_simulated_cells(
    path: &Path,
    illumination: &Illumination,
) -> Result<Vec<SimulatedCell>, Error> {
    let table = Table::read(path, DOING)?;
    for name in ["frame", "row_px", "col_px", "length_px"] {
        table.column(name)?;
    }
    (0..table.n_rows()).map(|row| cell_of_row(&table, row, illumination)).collect()
}

fn cell_of_row(
    table: &Table,
    row: usize,
    illumination: &Illumination,
) -> Result<SimulatedCell, Error> {
    let number = |name: &str, default: Option<f64>| -> Result<f64, Error> {
        let column = match default {
            Some(default) if !table.has_column(name) => return Ok(default),
            _ => table.column(name)?,
        };
        let found = table.number(row, column, "a number")?.or(default);
        found.ok_or_else(|| table.bad_cell(row, column, "a number"))
    };
    let frame = number("frame", None)?;
    if !(frame.fract() == 0.0 && (0.0..=1e6).contains(&frame)) {
        return Err(table.bad_cell(row, table.column("frame")?, "a frame number"));
    }
    let kind = match table.has_column("class").then(|| table.column("class")).transpose()? {
        None => CellKind::Ctc,
        Some(column) => match table.value(row, column) {
            None => CellKind::Ctc,
            Some(name) => CellKind::named(name)
                .ok_or_else(|| table.bad_cell(row, column, "ctc, leukocyte or debris"))?,
        },
    };
    let length_px = number("length_px", None)?;
    let level = |name: &str| number(name, Some(0.0));
    let cell = SimulatedCell {
        kind,
        frame: frame as u32,
        row_px: number("row_px", None)?,
        col_px: number("col_px", None)?,
        length_px,
        width_px: number("width_px", Some(length_px))?,
        angle_deg: number("angle_deg", Some(0.0))?,
        nucleus_share: number("nucleus_share", Some(0.65))?,
        lobe: number("lobe", Some(0.0))?,
        levels: [level("dapi")?, level("her2")?, level("ck")?, level("cd45")?],
    };
    illumination.check_cell(&cell).map_err(|(found, expected)| {
        Error::input(DOING)
            .at(format!("{}, row {}", table.source(), table.line(row)))
            .found(found)
            .expected(expected)
    })?;
    Ok(cell)
}

/// `truth.csv`: one row a rendered cell, in the order of the cells, numbers unrounded.
///
/// `truths` has an entry a cell; `rids` the event of the XML that a cell is, if any.
pub fn truth_csv(cells: &[SimulatedCell], truths: &[CellTruth], rids: &[Option<usize>]) -> Vec<u8> {
    let header: Vec<&str> = std::iter::once("cell").chain(COLUMNS).chain(FOUND).collect();
    let rows = truths.iter().map(|truth| {
        let cell = &cells[truth.cell];
        let mut row = vec![
            (truth.cell + 1).to_string(),
            cell.frame.to_string(),
            cell.row_px.to_string(),
            cell.col_px.to_string(),
            cell.kind.name().to_owned(),
            cell.length_px.to_string(),
            cell.width_px.to_string(),
            cell.angle_deg.to_string(),
            cell.nucleus_share.to_string(),
            cell.lobe.to_string(),
        ];
        row.extend(cell.levels.map(|level| level.to_string()));
        row.push(truth.area_px.to_string());
        row.push(truth.nucleus_area_px.to_string());
        row.extend(truth.mean.map(field));
        row.extend(truth.max.map(field));
        row.push(field(truth.gap_px));
        row.push(truth.is_cut.to_string());
        row.push(field(rids[truth.cell]));
        row
    });
    csv_bytes(&header, rows)
}
