//! HER2 of the tumour cells of the golden cohort: patients by each rule, and their spread.

mod heterogeneity;
mod patient_rules;

use herscope::imaging::{CellStatus, Her2Class, Her2Cutoffs};
use herscope::io::table::Table;
use std::path::PathBuf;

/// Cut-offs of the golden cohort's own, invented scale.
pub(crate) const CUTOFFS: Her2Cutoffs = Her2Cutoffs { med: 150.0, high: 450.0 };

/// Intensities from which a cell of that scale is taken as 1+, 2+, 3+: as invented as the scale.
pub(crate) const GRADES_FROM: [f64; 3] = [75.0, 150.0, 450.0];

/// A cell of the golden cohort.
pub(crate) struct Cell {
    pub(crate) patient: String,
    pub(crate) timepoint: String,
    pub(crate) her2: f64,
}

impl Cell {
    /// What the rules look at. Every CellSearch CTC is cytokeratin-positive by its definition.
    pub(crate) fn status(&self) -> CellStatus {
        CellStatus {
            her2_class: CUTOFFS.classify(self.her2),
            grade: Some(GRADES_FROM.iter().filter(|&&from| self.her2 >= from).count() as u8),
            ck_positive: Some(true),
        }
    }
}

pub(crate) fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The cells of the golden cohort, in the order of the file.
pub(crate) fn golden_cells() -> Vec<Cell> {
    let file = repository("tests/data/tdxd-cohort/cells.csv");
    let table = Table::read(&file, "reading the golden cells").expect("the file is there");
    let column = |name: &str| table.column(name).expect("the column is there");
    let (patient, timepoint) = (column("patient_id"), column("timepoint"));
    let (her2, class) = (column("her2_mean_au"), column("her2_class"));
    let cell = |row| {
        let value = table.number(row, her2, "an intensity").expect("a number").expect("measured");
        assert_eq!(CUTOFFS.classify(value).name(), table.cell(row, class), "row {row}'s class");
        Cell {
            patient: table.cell(row, patient).to_owned(),
            timepoint: table.cell(row, timepoint).to_owned(),
            her2: value,
        }
    };
    (0..table.n_rows()).map(cell).collect()
}

/// The lowest class that counts as positive in the golden cohort.
pub(crate) const POSITIVE_FROM: Her2Class = Her2Class::High;
