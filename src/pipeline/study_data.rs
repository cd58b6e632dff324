//! A study's cells, samples and patients, joined and counted.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use super::study_file::{CellTable, Her2CutOffs, PositiveFrom, StudyFile};
use crate::imaging::{Her2Cutoffs, MarginMissing, her2_class_distance};
use crate::io::table::Table;
use crate::io::table_writer::csv_bytes;
use crate::units::TimeUnit;
use crate::{Error, Warning};

/// HER2 classes from low to high, as tables name them.
const CLASSES: [&str; 3] = ["neg", "med", "high"];

/// A cell called a CTC.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StudyCell {
    /// Identifier, unique within its sample.
    pub(crate) id: String,
    /// Mean HER2 intensity on the scale of its cut-offs; `None` where it could not be measured.
    pub(crate) her2_mean: Option<f64>,
    /// Standard error of that intensity, where known.
    pub(crate) her2_std_err: Option<f64>,
    /// Distance from the nearest cut-off in standard errors, or why there is none.
    pub(crate) her2_class_distance: Result<f64, MarginMissing>,
    /// Class by the cut-offs, an index into neg, med, high.
    pub(crate) her2_class: Option<usize>,
    /// True from the lowest positive class up.
    pub(crate) her2_positive: bool,
    /// Where it lies, for cells measured from an archive: frame and centre in pixels.
    pub(crate) place: Option<CellPlace>,
}

/// Where a cell lies in its cartridge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct CellPlace {
    /// Frame number, 1-based.
    pub(crate) frame: u32,
    /// Label in the frame's label image.
    pub(crate) label: u32,
    /// Centre, rows from the top of the frame.
    pub(crate) row_centroid_px: f64,
    /// Centre, columns from the left of the frame.
    pub(crate) col_centroid_px: f64,
}

/// A blood sample drawn.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StudySample {
    /// Identifier: patient and time point, or the archive's name for a control.
    pub(crate) id: String,
    /// The patient; `None` for a control.
    pub(crate) patient: Option<String>,
    /// The time point.
    pub(crate) timepoint: String,
    /// When it was drawn, on the clock of the follow-up and in the patient table's unit of time.
    pub(crate) visit_time: Option<f64>,
    /// The archive, where the sheet names one: as written there, and resolved.
    pub(crate) archive: Option<(String, PathBuf)>,
    /// Why its archive could not be used; then its cells are not known.
    pub(crate) failure: Option<String>,
    /// Its CTCs.
    pub(crate) cells: Vec<StudyCell>,
}

/// Numbers of cells by HER2 class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CellCounts {
    /// CTCs.
    pub n_ctc: usize,
    /// Class neg.
    pub n_her2_neg: usize,
    /// Class med.
    pub n_her2_med: usize,
    /// Class high.
    pub n_her2_high: usize,
    /// Class at or above the lowest positive one.
    pub n_her2pos: usize,
}

impl Her2CutOffs {
    /// Class of a cell, an index into neg, med, high, and whether it is HER2-positive.
    pub(crate) fn classify(&self, her2_mean: f64) -> (usize, bool) {
        let class = usize::from(her2_mean >= self.med) + usize::from(her2_mean >= self.high);
        let lowest_positive = match self.positive {
            PositiveFrom::Med => 1,
            PositiveFrom::High => 2,
        };
        (class, class >= lowest_positive)
    }
}

impl StudyCell {
    /// A cell with its class by `cut_offs`.
    pub(crate) fn classed(
        id: String,
        (her2_mean, her2_std_err): (Option<f64>, Option<f64>),
        cut_offs: &Her2CutOffs,
        place: Option<CellPlace>,
    ) -> Self {
        let Her2CutOffs { med, high, .. } = *cut_offs;
        let cutoffs = Some(Her2Cutoffs { med, high });
        let class = her2_mean.map(|mean| cut_offs.classify(mean));
        Self {
            id,
            her2_mean,
            her2_std_err,
            her2_class_distance: her2_class_distance(her2_mean, her2_std_err, cutoffs),
            her2_class: class.map(|(class, _)| class),
            her2_positive: class.is_some_and(|(_, positive)| positive),
            place,
        }
    }

    /// The name of its class.
    pub(crate) fn class_name(&self) -> Option<&'static str> {
        self.her2_class.map(|class| CLASSES[class])
    }
}

impl StudySample {
    /// Its cells counted; `None` where its archive failed.
    pub(crate) fn counts(&self) -> Option<CellCounts> {
        self.failure.is_none().then(|| CellCounts::of(&self.cells))
    }
}

impl CellCounts {
    /// Counts of `cells`.
    pub(crate) fn of<'a>(cells: impl IntoIterator<Item = &'a StudyCell>) -> Self {
        let mut counts = Self::default();
        for cell in cells {
            counts.n_ctc += 1;
            counts.n_her2pos += usize::from(cell.her2_positive);
            match cell.her2_class {
                Some(0) => counts.n_her2_neg += 1,
                Some(1) => counts.n_her2_med += 1,
                Some(_) => counts.n_her2_high += 1,
                None => {}
            }
        }
        counts
    }
}

/// The samples of the sheet, without cells yet.
///
/// # Errors
/// An unknown patient, an empty time point, one patient and time point twice.
pub(crate) fn read_samples(
    study: &StudyFile,
    folder: &std::path::Path,
    patients: &Table,
) -> Result<Vec<StudySample>, Error> {
    let sheet = &study.cartridges;
    let table = Table::read(&folder.join(&sheet.sample_sheet), "reading the sample sheet")?;
    let (patient, timepoint) = (table.column(&sheet.patient)?, table.column(&sheet.timepoint)?);
    let archive =
        if table.has_column(&sheet.archive) { Some(table.column(&sheet.archive)?) } else { None };
    let visit_time = sheet.visit_time.as_deref().map(|name| table.column(name)).transpose()?;
    let known = patient_rows(study, patients)?;
    let mut seen: BTreeMap<(String, String), u64> = BTreeMap::new();
    let mut samples = Vec::new();
    for row in 0..table.n_rows() {
        let Some(time) = table.value(row, timepoint) else {
            return Err(table.bad_cell(row, timepoint, "the time point of the sample"));
        };
        let visit_time = visit_time
            .map(|column| table.number(row, column, "the time of the sample, a finite number"))
            .transpose()?
            .flatten();
        let name = archive.and_then(|column| table.value(row, column)).map(str::to_owned);
        let owner = table.value(row, patient).map(str::to_owned);
        if let Some(owner) = &owner {
            if !known.contains_key(owner.as_str()) {
                let expected =
                    format!("a patient of {}, or nothing for a control", patients.source());
                return Err(table.bad_cell(row, patient, &expected));
            }
            let line = table.line(row);
            if let Some(first) = seen.insert((owner.clone(), time.to_owned()), line) {
                let expected = format!("one row a patient and time point; row {first} is the same");
                return Err(table.bad_cell(row, patient, &expected));
            }
        } else if name.is_none() {
            return Err(table.bad_cell(row, patient, "a patient, or an archive for a control"));
        }
        let archive_name =
            name.as_deref().and_then(|name| name.trim_end_matches('/').rsplit('/').next());
        let id = match (&owner, archive_name) {
            (Some(owner), _) => format!("{owner}-{time}"),
            (None, archive) => format!("{}-{time}", archive.unwrap_or("control")),
        };
        samples.push(StudySample {
            id,
            patient: owner,
            timepoint: time.to_owned(),
            visit_time,
            archive: name.map(|name| (name.clone(), folder.join(name))),
            failure: None,
            cells: Vec::new(),
        });
    }
    Ok(samples)
}

/// Puts the cells of the ready-made table into their samples.
///
/// # Errors
/// A cell of no sample in the sheet, or of a sample that has an archive; a HER2 value that is no
/// number.
pub(crate) fn read_cells(
    request: &CellTable,
    cut_offs: &Her2CutOffs,
    folder: &std::path::Path,
    samples: &mut [StudySample],
) -> Result<Vec<Warning>, Error> {
    let table = Table::read(&folder.join(&request.table), "reading the cell table")?;
    let patient = table.column(&request.patient)?;
    let timepoint = table.column(&request.timepoint)?;
    let (cell, her2) = (table.column(&request.cell)?, table.column(&request.her2)?);
    let std_err = request.her2_std_err.as_deref();
    let std_err = std_err.map(|name| table.column(name)).transpose()?;
    let by_name: BTreeMap<(String, String), usize> = samples
        .iter()
        .enumerate()
        .filter_map(|(i, s)| Some(((s.patient.clone()?, s.timepoint.clone()), i)))
        .collect();
    let mut n_unmeasured = 0;
    for row in 0..table.n_rows() {
        let key = (table.cell(row, patient).to_owned(), table.cell(row, timepoint).to_owned());
        let Some(&index) = by_name.get(&key) else {
            let expected = format!("a sample of the sheet at time point {:?}", key.1);
            return Err(table.bad_cell(row, patient, &expected));
        };
        let sample = &mut samples[index];
        if let Some((archive, _)) = &sample.archive {
            let expected =
                format!("no cells in this table for a sample with the archive {archive:?}");
            return Err(table.bad_cell(row, patient, &expected));
        }
        let mean = table.number(row, her2, "a mean intensity")?;
        n_unmeasured += usize::from(mean.is_none());
        let id = table.cell(row, cell).to_owned();
        let error = std_err.map(|column| table.number(row, column, "a standard error"));
        let error = error.transpose()?.flatten();
        sample.cells.push(StudyCell::classed(id, (mean, error), cut_offs, None));
    }
    Ok(unmeasured_warning(n_unmeasured).into_iter().collect())
}

/// Says that cells without a HER2 value have no class, if there are any.
pub(crate) fn unmeasured_warning(n_unmeasured: usize) -> Option<Warning> {
    (n_unmeasured > 0).then(|| {
        Warning::new(
            "her2_not_measured",
            format!("{n_unmeasured} cells have no HER2 intensity; they count as CTCs of no class"),
        )
    })
}

/// The row of each patient.
fn patient_rows<'a>(
    study: &StudyFile,
    patients: &'a Table,
) -> Result<BTreeMap<&'a str, usize>, Error> {
    let id = patients.column(&study.patients.id)?;
    let mut rows = BTreeMap::new();
    for row in 0..patients.n_rows() {
        let Some(name) = patients.value(row, id) else {
            return Err(patients.bad_cell(row, id, "the patient's identifier"));
        };
        if rows.insert(name, row).is_some() {
            return Err(patients.bad_cell(row, id, "one row a patient"));
        }
    }
    Ok(rows)
}

/// The patient table with what the samples add.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PatientColumns {
    /// Column names.
    pub(crate) names: Vec<String>,
    /// One list a column, one text a patient; empty where missing.
    pub(crate) cells: Vec<Vec<String>>,
}

impl PatientColumns {
    /// The table as read.
    pub(crate) fn of(table: &Table) -> Self {
        let column = |index| -> Vec<String> {
            (0..table.n_rows()).map(|row| table.cell(row, index).to_owned()).collect()
        };
        Self {
            names: table.columns().to_vec(),
            cells: (0..table.columns().len()).map(column).collect(),
        }
    }

    /// Number of patients.
    pub(crate) fn n_rows(&self) -> usize {
        self.cells.first().map_or(0, Vec::len)
    }

    /// A column by name.
    pub(crate) fn column(&self, name: &str) -> Option<&[String]> {
        let index = self.names.iter().position(|known| known == name)?;
        Some(&self.cells[index])
    }

    /// Adds a derived column. One of that name in the file is replaced; if it said something else,
    /// a warning tells for how many patients.
    pub(crate) fn derive(&mut self, name: &str, cells: Vec<String>) -> Option<Warning> {
        let Some(index) = self.names.iter().position(|known| known == name) else {
            self.names.push(name.to_owned());
            self.cells.push(cells);
            return None;
        };
        let differs = |(old, new): &(&String, &String)| !same_cell(old, new);
        let n_different = self.cells[index].iter().zip(&cells).filter(differs).count();
        self.cells[index] = cells;
        (n_different > 0).then(|| {
            Warning::new(
                "column_replaced",
                format!(
                    "the patient table's column {name} says something else than the samples for \
                     {n_different} patients; what the samples say is used"
                ),
            )
        })
    }

    /// The table as CSV.
    pub(crate) fn to_csv(&self) -> Vec<u8> {
        let row = |row: usize| self.cells.iter().map(move |column| column[row].as_str());
        csv_bytes(&self.names, (0..self.n_rows()).map(row))
    }
}

fn same_cell(old: &str, new: &str) -> bool {
    let missing = crate::io::table::is_missing;
    match (old.parse::<f64>(), new.parse::<f64>()) {
        (Ok(old), Ok(new)) => old == new,
        _ => old == new || (missing(old) && missing(new)),
    }
}

/// Adds to each patient the cells at each time point, over the status time points and ever, and
/// the follow-up in the unit of the analysis. Returns the name of the follow-up column.
///
/// # Errors
/// A status time point that no sample has; a follow-up time that is no number.
pub(crate) fn derive_status(
    study: &StudyFile,
    table: &Table,
    samples: &[StudySample],
    columns: &mut PatientColumns,
    warnings: &mut Vec<Warning>,
) -> Result<String, Error> {
    let rows = patient_rows(study, table)?;
    let timepoints = timepoints_of(samples);
    for wanted in &study.status.timepoints {
        if !timepoints.contains(wanted) {
            return Err(Error::input("reading the study")
                .at("[status] timepoints")
                .found(format!("{wanted:?}, which no sample has"))
                .expected(format!("some of {}", timepoints.join(", "))));
        }
    }
    let counted = |wanted: &dyn Fn(&str) -> bool| -> Vec<(Option<CellCounts>, usize)> {
        let mut sums = vec![(None::<CellCounts>, 0); table.n_rows()];
        for sample in samples.iter().filter(|sample| wanted(&sample.timepoint)) {
            let row = sample.patient.as_deref().and_then(|patient| rows.get(patient));
            let (Some(&row), Some(counts)) = (row, sample.counts()) else { continue };
            let (sum, n_samples) = &mut sums[row];
            let sum = sum.get_or_insert_default();
            sum.n_ctc += counts.n_ctc;
            sum.n_her2pos += counts.n_her2pos;
            *n_samples += 1;
        }
        sums
    };
    let mut add = |ctc: &str, her2: &str, sums: &[(Option<CellCounts>, usize)]| {
        let text = |get: fn(&CellCounts) -> usize| -> Vec<String> {
            let cell = |(sum, _): &(Option<CellCounts>, usize)| {
                sum.as_ref().map_or_else(String::new, |sum| get(sum).to_string())
            };
            sums.iter().map(cell).collect()
        };
        warnings.extend(columns.derive(ctc, text(|sum| sum.n_ctc)));
        warnings.extend(columns.derive(her2, text(|sum| sum.n_her2pos)));
    };
    for timepoint in &timepoints {
        let prefix = timepoint.to_lowercase();
        let sums = counted(&|name| name == timepoint);
        add(&format!("{prefix}_ctc"), &format!("{prefix}_her2pos_ctc"), &sums);
    }
    let status = counted(&|name| study.status.timepoints.iter().any(|wanted| wanted == name));
    add("ctc", "her2pos_ctc", &status);
    add("ever_ctc", "ever_her2pos_ctc", &counted(&|_| true));
    let n_wanted = study.status.timepoints.len();
    let n_incomplete = status.iter().filter(|(_, n)| (1..n_wanted).contains(n)).count();
    if n_incomplete > 0 {
        warnings.push(Warning::new(
            "status_incomplete",
            format!(
                "{n_incomplete} patients lack a sample at one of {}; their status rests on the others",
                study.status.timepoints.join(", ")
            ),
        ));
    }
    derive_follow_up(study, table, columns)
}

/// The time points of patients' samples, in order of appearance.
pub(crate) fn timepoints_of(samples: &[StudySample]) -> Vec<String> {
    let mut timepoints: Vec<String> = Vec::new();
    for sample in samples.iter().filter(|sample| sample.patient.is_some()) {
        if !timepoints.contains(&sample.timepoint) {
            timepoints.push(sample.timepoint.clone());
        }
    }
    timepoints
}

/// Adds the follow-up in the unit of the analysis, unless the file's column is in it already.
fn derive_follow_up(
    study: &StudyFile,
    table: &Table,
    columns: &mut PatientColumns,
) -> Result<String, Error> {
    let (from, to): (TimeUnit, TimeUnit) = (study.patients.time_unit, study.analysis.time_unit);
    if from == to {
        return Ok(study.patients.time.clone());
    }
    let column = table.column(&study.patients.time)?;
    let mut cells = Vec::new();
    for row in 0..table.n_rows() {
        let time = table.number(row, column, "a finite time >= 0")?;
        let text = |time: f64| (time * from.days() / to.days()).to_string();
        cells.push(time.map_or_else(String::new, text));
    }
    let name = format!("follow_up_{}", to.name());
    columns.derive(&name, cells);
    Ok(name)
}
