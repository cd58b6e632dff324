//! The cells behind a group: drawn again, each with its measurement error, and the group they give.

use crate::imaging::{CellStatus, Her2Class, PatientRule};
use crate::numeric::draw::{Stream, Width, draw};
use crate::numeric::normal_table::NormalTable;
use crate::numeric::philox::{key_of_seed, philox4x32};

/// Farther out no normal number of [`NormalTable`] lies: 4.33 standard deviations, rounded up.
const FARTHEST_SDS: f64 = 4.34;

/// One tumour cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct MeasuredCell {
    /// HER2 intensity.
    pub(super) her2: f64,
    /// Its standard error; `None` where it is not known, and the intensity is taken as it is.
    pub(super) std_err: Option<f64>,
}

/// The cells of patients and the rule that makes a group of them. A patient without cells, or with
/// fewer than the rule asks for, counts as not positive.
#[derive(Clone, Debug)]
pub(super) struct PatientCells {
    rule: PatientRule,
    her2_high: f64,
    patients: Vec<Vec<MeasuredCell>>,
    /// Whether a patient's group can change at all.
    can_change: Vec<bool>,
    given: Vec<bool>,
    normals: NormalTable,
}

impl PatientCells {
    /// The cells of each patient; a cell is high from `her2_high` up.
    pub(super) fn new(rule: PatientRule, her2_high: f64, patients: Vec<Vec<MeasuredCell>>) -> Self {
        let of = |cells: &[MeasuredCell]| positive(rule, her2_high, cells.iter().map(|c| c.her2));
        let given = patients.iter().map(|cells| of(cells)).collect();
        let can_change = patients.iter().map(|cells| can_change(her2_high, cells)).collect();
        Self { rule, her2_high, patients, can_change, given, normals: NormalTable::new() }
    }

    /// The rule.
    pub(super) fn rule(&self) -> PatientRule {
        self.rule
    }

    /// The intensity from which a cell is high.
    pub(super) fn her2_high(&self) -> f64 {
        self.her2_high
    }

    /// The cells of each patient.
    pub(super) fn patients(&self) -> &[Vec<MeasuredCell>] {
        &self.patients
    }

    /// Whether each patient is positive by the cells as measured.
    pub(super) fn given(&self) -> &[bool] {
        &self.given
    }

    /// Whether each patient's group can change when cells are drawn again: not where no draw and no
    /// error can make one cell of another class than the rest.
    pub(super) fn can_change(&self) -> &[bool] {
        &self.can_change
    }

    /// Blocks of random words that a slot takes at most: one a cell.
    pub(super) fn most_cells(&self) -> usize {
        self.patients.iter().map(Vec::len).max().unwrap_or(0)
    }

    /// Whether `patient`, drawn by `slot` of `replicate`, is positive by as many of its cells as it
    /// has, drawn with replacement, each intensity moved by a normal number times its standard
    /// error.
    ///
    /// Cell `k` of slot `j` takes the wide draw of slot `4 (j m + k)` of the replicate from stream
    /// [`Stream::Cells`], m being [`most_cells`](Self::most_cells), and its normal number the low
    /// half of the next word of the same Philox block.
    ///
    /// # Panics
    /// When `4 m` times the slot leaves 32 bits: the caller checks.
    pub(super) fn drawn_group(
        &self,
        patient: usize,
        seed: u64,
        replicate: u64,
        slot: usize,
    ) -> bool {
        if !self.can_change[patient] {
            return self.given[patient];
        }
        let cells = &self.patients[patient];
        let first = slot * self.most_cells();
        let drawn = (0..cells.len()).map(|place| {
            let block = u32::try_from(first + place).expect("slots times cells fit in 30 bits");
            let n = cells.len() as u32;
            let index = draw(seed, Stream::Cells, replicate, 4 * block, n, Width::Wide);
            let cell = cells[index as usize];
            cell.std_err.map_or(cell.her2, |error| {
                let (low, high) = (replicate as u32, (replicate >> 32) as u32);
                let counter = [block, low, high, (Stream::Cells as u32) << 16];
                let bits = philox4x32(key_of_seed(seed), counter)[1] as u16;
                cell.her2 + error * f64::from(self.normals.at(bits))
            })
        });
        positive(self.rule, self.her2_high, drawn)
    }
}

/// What the rule says of cells of these intensities; without an answer they are not positive.
fn positive(rule: PatientRule, her2_high: f64, her2: impl Iterator<Item = f64>) -> bool {
    let status = |her2: f64| CellStatus {
        her2_class: if her2 >= her2_high { Her2Class::High } else { Her2Class::Neg },
        grade: None,
        ck_positive: None,
    };
    let cells: Vec<CellStatus> = her2.map(status).collect();
    rule.apply(&cells, Her2Class::High).positive.unwrap_or(false)
}

/// Whether cells can come out of two classes: they do, or the error of one reaches the cut-off.
fn can_change(her2_high: f64, cells: &[MeasuredCell]) -> bool {
    let lowest = |cell: &MeasuredCell| cell.her2 - FARTHEST_SDS * cell.std_err.unwrap_or(0.0);
    let highest = |cell: &MeasuredCell| cell.her2 + FARTHEST_SDS * cell.std_err.unwrap_or(0.0);
    let all_high = cells.iter().all(|cell| lowest(cell) >= her2_high);
    let all_below = cells.iter().all(|cell| highest(cell) < her2_high);
    !(all_high || all_below)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(her2: &[f64], std_err: Option<f64>) -> Vec<MeasuredCell> {
        her2.iter().map(|&her2| MeasuredCell { her2, std_err }).collect()
    }

    fn any_high(patients: Vec<Vec<MeasuredCell>>) -> PatientCells {
        PatientCells::new(PatientRule::AnyHigh, 100.0, patients)
    }

    /// Share of draws in which the first patient is positive.
    fn share(cells: &PatientCells, n: u64) -> f64 {
        let positive = (0..n).filter(|&replicate| cells.drawn_group(0, 3, replicate, 0)).count();
        positive as f64 / n as f64
    }

    #[test]
    fn the_only_high_cell_of_four_is_lost_as_often_as_probability_says() {
        let one_of_four = any_high(vec![cells(&[150.0, 20.0, 20.0, 20.0], None)]);
        assert_eq!(one_of_four.given(), [true], "one is high");
        // Four draws of four cells miss one with probability (3/4)^4 = 0.31640625.
        let found = 1.0 - share(&one_of_four, 40_000);
        let error = (0.316_406_25_f64 * 0.683_593_75 / 40_000.0).sqrt();
        assert!((found - 0.316_406_25).abs() < 4.0 * error, "{found}");
    }

    #[test]
    fn a_cell_on_its_error_beside_the_cut_off_changes_as_the_normal_law_says() {
        let below = any_high(vec![cells(&[95.0], Some(5.0))]);
        assert_eq!((below.given(), below.can_change()), (&[false][..], &[true][..]), "one error");
        // P(Z >= 1) = 0.158655
        let found = share(&below, 40_000);
        let error = (0.158_655_f64 * 0.841_345 / 40_000.0).sqrt();
        assert!((found - 0.158_655).abs() < 4.0 * error, "{found}");
    }

    #[test]
    fn cells_far_from_the_cut_off_cannot_change_a_group() {
        let far = any_high(vec![
            cells(&[200.0, 300.0], Some(20.0)),
            cells(&[10.0, 20.0, 30.0], Some(10.0)),
            cells(&[50.0, 51.0], None),
            Vec::new(),
            cells(&[10.0, 200.0], None),
        ]);
        assert_eq!(far.given(), [true, false, false, false, true], "by the cells");
        assert_eq!(far.can_change(), [false, false, false, false, true], "the last has both");
        for patient in 0..4 {
            let groups = (0..200).map(|replicate| far.drawn_group(patient, 9, replicate, 1));
            assert!(groups.into_iter().all(|group| group == far.given()[patient]), "{patient}");
        }
    }

    #[test]
    fn a_rule_that_does_not_apply_makes_nobody_positive() {
        let few = PatientCells::new(
            PatientRule::AnyHighOfFive,
            100.0,
            vec![cells(&[200.0; 4], None), cells(&[200.0; 5], None)],
        );
        assert_eq!(few.given(), [false, true], "five cells are asked for");
    }

    #[test]
    fn slots_and_replicates_draw_for_themselves() {
        let two = any_high(vec![cells(&[150.0, 20.0], None)]);
        let of = |slot: usize| -> Vec<bool> {
            (0..64).map(|replicate| two.drawn_group(0, 5, replicate, slot)).collect()
        };
        assert_ne!(of(0), of(1), "two copies of a patient have cells of their own");
        assert_eq!(of(2), of(2), "and always the same");
    }
}
