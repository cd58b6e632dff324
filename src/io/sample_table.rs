//! The table of samples of a `segment` run, `samples.csv`. What is not defined is an empty field.

use super::cell_table::CsvTable;
use super::table_writer::field;
use crate::Error;
use crate::imaging::{Her2Cutoffs, Her2Heterogeneity};

/// Cells needed before a spread is reported.
const MIN_CELLS_FOR_SPREAD: usize = 2;

/// Counts and HER2 of one sample. Excluded objects are counted nowhere but in `n_excluded`.
#[derive(Clone, Debug, PartialEq)]
pub struct SampleSummary {
    /// `full` or `marker`.
    pub mode: &'static str,
    /// Frames of the sample.
    pub n_frames: usize,
    /// Frames that could not be read.
    pub n_frames_failed: usize,
    /// Objects that are counted.
    pub n_events: usize,
    /// Tumour cells.
    pub n_ctc: usize,
    /// Leukocytes.
    pub n_wbc: usize,
    /// Neither.
    pub n_other: usize,
    /// Objects left out of everything else.
    pub n_excluded: usize,
    /// Assigned events of the original analysis.
    pub n_prior: usize,
    /// Those at which an object was found.
    pub n_prior_matched: usize,
    /// Column of `cells.csv` that the HER2 of the tumour cells is taken from; `None` without the
    /// channel.
    pub her2_measure: Option<&'static str>,
    /// Cut-offs of the HER2 classes; `None` when none were given or could be found.
    pub her2_cutoffs: Option<Her2Cutoffs>,
    /// HER2 of the tumour cells; class counts mean something only with cut-offs.
    pub her2: Option<Her2Heterogeneity>,
}

/// Writes `samples.csv`: one row a sample.
#[derive(Debug)]
pub struct SampleTable {
    table: CsvTable,
}

const COLUMNS: [&str; 32] = [
    "sample_id",
    "mode",
    "n_frames",
    "n_frames_failed",
    "n_events",
    "n_ctc",
    "n_wbc",
    "n_other",
    "n_excluded",
    "n_prior",
    "n_prior_matched",
    "her2_measure",
    "her2_cutoff_med",
    "her2_cutoff_high",
    "her2_n",
    "her2_median",
    "her2_mean",
    "her2_min",
    "her2_q25",
    "her2_q75",
    "her2_max",
    "her2_n_neg",
    "her2_n_med",
    "her2_n_high",
    "her2_fraction_positive",
    "her2_fraction_positive_lower",
    "her2_fraction_positive_upper",
    "her2_sd",
    "her2_cv",
    "her2_iqr_over_median",
    "her2_gini",
    "her2_entropy_bits",
];

impl SampleTable {
    /// A table without rows.
    ///
    /// # Errors
    /// None in practice: the table is in memory.
    pub fn new() -> Result<Self, Error> {
        Ok(Self { table: CsvTable::new(&COLUMNS.map(str::to_owned))? })
    }

    /// Adds a sample. Class counts and shares are empty without cut-offs, measures of spread with
    /// fewer than two tumour cells.
    ///
    /// # Errors
    /// None in practice: the table is in memory.
    pub fn push(&mut self, sample_id: &str, summary: &SampleSummary) -> Result<(), Error> {
        let mut fields = vec![sample_id.to_owned(), summary.mode.to_owned()];
        let counts = [
            summary.n_frames,
            summary.n_frames_failed,
            summary.n_events,
            summary.n_ctc,
            summary.n_wbc,
            summary.n_other,
            summary.n_excluded,
            summary.n_prior,
            summary.n_prior_matched,
        ];
        fields.extend(counts.map(|count| count.to_string()));
        fields.push(field(summary.her2_measure));
        fields.push(field(summary.her2_cutoffs.map(|cutoffs| cutoffs.med)));
        fields.push(field(summary.her2_cutoffs.map(|cutoffs| cutoffs.high)));
        fields.extend(her2_fields(summary));
        self.table.push(&fields)
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// None in practice: the table is in memory.
    pub fn finish(self) -> Result<Vec<u8>, Error> {
        self.table.finish()
    }
}

fn her2_fields(summary: &SampleSummary) -> [String; 18] {
    let Some(her2) = &summary.her2 else { return Default::default() };
    let classed = summary.her2_cutoffs.map(|_| her2);
    let count = |class: usize| field(classed.map(|her2| her2.class_counts[class]));
    let positive = classed.and_then(|her2| her2.positive);
    let spread = |value: Option<f64>| field(value.filter(|_| her2.n >= MIN_CELLS_FOR_SPREAD));
    [
        her2.n.to_string(),
        field(her2.median),
        field(her2.mean),
        field(her2.min),
        field(her2.q25),
        field(her2.q75),
        field(her2.max),
        count(0),
        count(1),
        count(2),
        field(positive.map(|share| share.fraction)),
        field(positive.map(|share| share.lower)),
        field(positive.map(|share| share.upper)),
        spread(her2.sd),
        spread(her2.cv),
        spread(her2.iqr_over_median),
        spread(her2.gini),
        spread(classed.and_then(|her2| her2.entropy_bits)),
    ]
}
