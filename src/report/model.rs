//! What the HTML report is made from.
//!
//! Every part is optional except the title: a part that is not there is listed under "Not given"
//! where a reader would expect it (see [`missing_information`](super::missing_information)).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::documents::{BootstrapDocument, Device, JointDocument};
use super::forest_plot::ForestFigure;
use super::her2_plot::{StripFigure, TrajectoryFigure};
use super::histogram_plot::HistogramFigure;
use super::km_plot::KmOptions;
use super::number_format::{NOT_AVAILABLE, PStyle, Rounding, fixed};
use super::survive_document::SurviveDocument;
use super::tabulate_document::TabulateDocument;
use crate::Warning;

/// A whole report.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Of the study.
    pub title: String,
    /// One line below the title.
    pub subtitle: Option<String>,
    /// Shown in a frame at the top: `Synthetic data. No patient data.`
    pub notice: Option<String>,
    /// As the caller wants it printed; this library has no clock.
    pub date: Option<String>,
    /// The program and its version: `herscope 0.1.0 (a1b2c3d)`.
    pub software: String,
    /// The command line that made the report.
    pub command: Option<String>,
    /// Of the resampling.
    pub seed: Option<u64>,
    /// Where kernels ran.
    pub device: Option<Device>,
    /// Label and value, in order: cohort, centres, endpoint, cutoff date.
    pub summary: Vec<Fact>,
    /// Who was excluded and why.
    pub flow: Option<Flow>,
    /// Published or otherwise expected figures beside those computed here.
    pub checks: Option<Checks>,
    /// One a grouping.
    pub analyses: Vec<Analysis>,
    /// Baseline tables.
    pub baselines: Vec<Baseline>,
    /// Joint models.
    pub joint_models: Vec<Joint>,
    /// Circulating tumour cells found.
    pub cells: Option<CellSection>,
    /// HER2 on them.
    pub her2: Option<Her2Section>,
    /// Sentences added to the generated methods.
    pub methods: Vec<String>,
    /// Collected over the whole run.
    pub warnings: Vec<Warning>,
    /// Files read, with their digests.
    pub inputs: Vec<InputFile>,
    /// What the study file should have said and did not; added to what the report itself misses.
    pub not_given: Vec<String>,
    /// How p-values are printed throughout.
    pub p_style: PStyle,
}

/// A label and its value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// `Patients analysed`
    pub label: String,
    /// `60`
    pub value: String,
}

impl Fact {
    /// A label and its value.
    pub fn new(label: impl Into<String>, value: impl Into<String>) -> Self {
        Self { label: label.into(), value: value.into() }
    }
}

/// From rows read to subjects analysed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// Rows of the cohort file.
    pub n_read: u64,
    /// Reason and number left out, in order.
    pub excluded: Vec<(String, u64)>,
    /// Subjects analysed.
    pub n_analysed: u64,
}

/// A table of expected against computed figures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checks {
    /// `Published and computed figures`
    pub title: String,
    /// Heading of the second column: `Published`.
    pub expected_heading: String,
    /// Where the expected figures come from.
    pub source: Option<String>,
    /// In order.
    pub rows: Vec<Check>,
}

/// One expected figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What is compared.
    pub quantity: String,
    /// As printed by its source.
    pub expected: String,
    /// Computed here, rounded the same way.
    pub computed: String,
    /// Whether the two agree.
    pub agrees: bool,
    /// `truncated in print`
    pub note: Option<String>,
}

impl Check {
    /// A figure printed with `decimals`, rounded by `rounding`; both `None` agree as "not
    /// reached".
    ///
    /// ```
    /// use herscope::report::{Check, number_format::Rounding};
    ///
    /// let check = Check::numeric("T2, percent", Some(6.6), Some(6.6667), 1, Rounding::Truncate);
    /// assert!(check.agrees);
    /// assert_eq!(check.note.as_deref(), Some("truncated in print"));
    /// ```
    pub fn numeric(
        quantity: impl Into<String>,
        expected: Option<f64>,
        computed: Option<f64>,
        decimals: usize,
        rounding: Rounding,
    ) -> Self {
        let text = |value: Option<f64>, rounding: Rounding| match value {
            Some(value) => fixed(value, decimals, rounding),
            None => "not reached".to_owned(),
        };
        let (expected, computed) = (text(expected, Rounding::HalfUp), text(computed, rounding));
        let note = (rounding == Rounding::Truncate).then(|| "truncated in print".to_owned());
        let agrees = expected == computed && computed != NOT_AVAILABLE;
        Self { quantity: quantity.into(), agrees, expected, computed, note }
    }
}

/// Survival by one grouping.
#[derive(Clone, Debug, Default)]
pub struct Analysis {
    /// Section heading: `By HER2 status of CTCs`.
    pub title: String,
    /// `Progression-free survival`
    pub endpoint: String,
    /// Start of time: `enrolment`.
    pub time_origin: Option<String>,
    /// `months`
    pub time_unit: String,
    /// The grouping column, as in the names of Cox terms.
    pub group_column: Option<String>,
    /// Level in the file to label in print.
    pub labels: BTreeMap<String, String>,
    /// Whether the grouping was fixed before the outcomes were seen; `None` is listed as not given.
    pub prespecified: Option<bool>,
    /// The result.
    pub survive: SurviveDocument,
    /// Resampled results with their histograms.
    pub bootstraps: Vec<Bootstrap>,
    /// Multivariable or subgroup results the caller has laid out.
    pub forest: Option<ForestFigure>,
    /// Of the Kaplan-Meier figure.
    pub figure: KmOptions,
    /// Printed below the results.
    pub notes: Vec<String>,
}

/// A bootstrap result and the distribution of its replicates.
#[derive(Clone, Debug, Default)]
pub struct Bootstrap {
    /// The result.
    pub document: BootstrapDocument,
    /// Drawn where given.
    pub histogram: Option<HistogramFigure>,
}

/// A baseline table.
#[derive(Clone, Debug, Default)]
pub struct Baseline {
    /// Heading.
    pub title: String,
    /// Level in the file to label in print.
    pub labels: BTreeMap<String, String>,
    /// Mean and standard deviation in place of median and quartiles.
    pub shows_means: bool,
    /// The result.
    pub document: TabulateDocument,
}

/// A joint model.
#[derive(Clone, Debug, Default)]
pub struct Joint {
    /// Heading.
    pub title: String,
    /// The result.
    pub document: JointDocument,
}

/// Cells found in the images.
#[derive(Clone, Debug, Default)]
pub struct CellSection {
    /// Label and value: cartridges, frames, objects, CTCs.
    pub facts: Vec<Fact>,
    /// One row a sample, under these headings.
    pub sample_headings: Vec<String>,
    /// Cells of the table as text; numbers are set right where every row has one.
    pub sample_rows: Vec<Vec<String>>,
    /// Linked from the gallery: `cells.csv`.
    pub cells_file: Option<String>,
    /// Thumbnails in the order shown.
    pub gallery: Vec<GalleryCell>,
    /// Cells that would be in the gallery were it not cut.
    pub n_not_shown: u64,
}

/// One cell of the gallery.
#[derive(Clone, Debug, Default)]
pub struct GalleryCell {
    /// Row of the cell table, unique in the report.
    pub row_id: String,
    /// Sample or patient.
    pub sample_id: String,
    /// From 1.
    pub frame: u64,
    /// In the label image of its frame.
    pub label: u64,
    /// HER2 intensity.
    pub her2_mean: Option<f64>,
    /// `neg`, `med`, `high`
    pub her2_class: Option<String>,
    /// `ctc`, `wbc`, `other`
    pub event_class: Option<String>,
    /// One a channel.
    pub panels: Vec<Panel>,
    /// Pixels inside the outline, drawn over every panel.
    pub mask: Option<Mask>,
}

/// One channel of a thumbnail.
#[derive(Clone, Debug, Default)]
pub struct Panel {
    /// `HER2`
    pub channel: String,
    /// The file's bytes.
    pub png: Vec<u8>,
}

/// A binary image, row-major.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mask {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `width * height` values, true inside.
    pub inside: Vec<bool>,
}

/// HER2 results.
#[derive(Clone, Debug, Default)]
pub struct Her2Section {
    /// Label and value: cut-offs and where they come from, patients with positive cells.
    pub facts: Vec<Fact>,
    /// Intensities by patient.
    pub strips: Option<StripFigure>,
    /// Counts by time point.
    pub trajectories: Option<TrajectoryFigure>,
    /// Printed below.
    pub notes: Vec<String>,
}

/// A file that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    /// As the user named it.
    pub path: String,
    /// In hexadecimal.
    pub sha256: String,
    /// Size.
    pub n_bytes: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_agrees_only_when_the_printed_figures_are_the_same() {
        let half_up =
            |expected, computed| Check::numeric("x", expected, computed, 1, Rounding::HalfUp);
        assert!(half_up(Some(13.6), Some(13.5688)).agrees, "13.5688 prints as 13.6");
        assert!(!half_up(Some(13.6), Some(13.54)).agrees, "13.54 prints as 13.5");
        assert!(!half_up(Some(6.6), Some(6.6667)).agrees, "not without truncation");
        assert!(half_up(None, None).agrees, "neither is reached");
        assert!(!half_up(None, Some(30.0)).agrees, "one is reached");
        assert!(!half_up(Some(f64::NAN), Some(f64::NAN)).agrees, "NaN is no agreement");
    }
}
