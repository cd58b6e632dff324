//! The hazard ratio of a group that cells make: patients drawn as ever, and in each draw of a
//! patient its cells too.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::DOING;
use super::binary_source::BinarySource;
use super::patient_cells::PatientCells;
use super::replicate::{Reason, ReplicateValue};
use super::settings::{BootstrapSettings, Resample};
use super::source::{ReplicateSource, SourceFacts};
use super::summary::BLOCK;
use crate::Error;
use crate::compute::Backend;
use crate::kernels::hazard_ratio_bootstrap::{Plan, Status, solve_sample, status_of_sample};
use crate::survival::Cohort;

/// Most subjects: each stands twice in the plan of both groups, whose counts hold 16 bits.
const MOST_SUBJECTS: usize = 32_767;

/// Replicates whose group changes in a draw, solved in `f64`; the others are the plain bootstrap's.
pub(super) struct CellSource<'a> {
    plain: BinarySource<'a>,
    /// Every subject in group 0, then every subject in group 1.
    both: Plan,
    cells: &'a PatientCells,
    facts: SourceFacts,
}

/// How often draws of patients changed their group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct GroupChanges {
    /// Draws of each patient that can change.
    pub(super) drawn: BTreeMap<usize, u64>,
    /// Draws of it in the other group.
    pub(super) changed: BTreeMap<usize, u64>,
}

impl GroupChanges {
    fn join(mut self, other: Self) -> Self {
        for (mine, theirs) in [(&mut self.drawn, other.drawn), (&mut self.changed, other.changed)] {
            for (patient, n) in theirs {
                *mine.entry(patient).or_default() += n;
            }
        }
        self
    }
}

impl<'a> CellSource<'a> {
    /// The cohort's one 0/1 column, its patients' cells in the order of its complete rows.
    ///
    /// # Errors
    /// A cohort or a resample that the kernel of one column does not resample; more subjects or
    /// cells than the draw layout numbers.
    pub(super) fn new(
        cohort: &Cohort,
        cells: &'a PatientCells,
        settings: &BootstrapSettings,
        backend: &'a dyn Backend,
    ) -> Result<Self, Error> {
        let refuse = |found: &str, right: &str| {
            Err(Error::usage(DOING).found(found.to_owned()).expected(right.to_owned()))
        };
        if settings.resample != Resample::Case || !BinarySource::fits(cohort, settings) {
            return refuse(
                "--propagate cells beside another model or way of resampling",
                "one --group of two levels: no covariates, strata, weights, entry times, clusters, \
                 Firth's penalty or Breslow's ties, and --resample case",
            );
        }
        let plain = BinarySource::new(cohort, settings, backend)?;
        let outcome = plain.outcome();
        let n = outcome.len();
        let blocks = (n as u64 * cells.most_cells() as u64).saturating_mul(4);
        if n > MOST_SUBJECTS || blocks > u64::from(u32::MAX) {
            return refuse(
                &format!("{n} patients with up to {} cells", cells.most_cells()),
                "at most 32767 patients, and 2^30 as patients times most cells of one",
            );
        }
        let twice = |values: &[f64]| [values, values].concat();
        let events = [outcome.event(), outcome.event()].concat();
        let arms: Vec<bool> = (0..2 * n).map(|row| row >= n).collect();
        let both = Plan::new(&twice(outcome.time()), &events, &arms, None, 1.0, settings.seed);
        let facts = plain.facts().clone();
        Ok(Self { plain, both, cells, facts })
    }

    /// The patient that each slot of a replicate draws, and whether it is positive there.
    fn drawn(&self, replicate: u64) -> impl Iterator<Item = (usize, bool)> + '_ {
        let plan = self.plain.plan();
        (0..plan.slots.len()).map(move |slot| {
            let patient = plan.draw(replicate, slot) as usize;
            (patient, self.cells.drawn_group(patient, plan.seed, replicate, slot))
        })
    }

    /// The replicate whose groups are those of the cells drawn; `None` where they are as given.
    fn changed_replicate(&self, replicate: u64) -> Option<ReplicateValue> {
        let drawn: Vec<(usize, bool)> = self.drawn(replicate).collect();
        if drawn.iter().all(|&(patient, group)| group == self.cells.given()[patient]) {
            return None;
        }
        let n = self.facts.n;
        let units = || drawn.iter().map(|&(patient, group)| patient + n * usize::from(group));
        Some(match status_of_sample(&self.both, units()) {
            Status::MonotoneUp => ReplicateValue::PlusInfinity,
            Status::MonotoneDown => ReplicateValue::MinusInfinity,
            Status::SingleGroup => ReplicateValue::Lost(Reason::SingleGroup),
            Status::NoEvents => ReplicateValue::Lost(Reason::NoEvents),
            Status::Estimable | Status::NeedsHost => {
                let (value, information) = solve_sample(&self.both, units());
                ReplicateValue::Finite { value, std_err: Some(1.0 / information.sqrt()) }
            }
        })
    }

    /// How often the draws of the first `replicates` changed a group.
    pub(super) fn changes(&self, replicates: u64) -> GroupChanges {
        (0..replicates.div_ceil(BLOCK as u64))
            .into_par_iter()
            .map(|block| {
                let first = block * BLOCK as u64;
                let mut changes = GroupChanges::default();
                for replicate in first..replicates.min(first + BLOCK as u64) {
                    for (patient, group) in self.drawn(replicate) {
                        if self.cells.can_change()[patient] {
                            let is_changed = group != self.cells.given()[patient];
                            *changes.drawn.entry(patient).or_default() += 1;
                            *changes.changed.entry(patient).or_default() += u64::from(is_changed);
                        }
                    }
                }
                changes
            })
            .reduce(GroupChanges::default, GroupChanges::join)
    }
}

impl ReplicateSource for CellSource<'_> {
    fn facts(&self) -> &SourceFacts {
        &self.facts
    }

    fn fill(&self, first: u64, out: &mut [ReplicateValue]) -> Result<(), Error> {
        self.plain.fill(first, out)?;
        out.par_chunks_mut(BLOCK).enumerate().for_each(|(block, out)| {
            for (number, out) in (first + (block * BLOCK) as u64..).zip(out) {
                if let Some(value) = self.changed_replicate(number) {
                    *out = value;
                }
            }
        });
        Ok(())
    }

    /// None: leaving a patient out says nothing of its cells.
    fn jackknife(&self) -> Option<(Vec<f64>, Option<Vec<usize>>)> {
        None
    }

    fn draws(&self, first: u64, units: &mut [u32]) -> Result<(), Error> {
        self.plain.draws(first, units)
    }

    fn n_draws(&self) -> usize {
        self.plain.n_draws()
    }

    fn inner_shares(&self, _: u64, _: u32, _: f64, _: &mut [Option<f64>]) -> Result<(), Error> {
        Err(Error::usage(DOING)
            .found("a calibrated interval of --propagate cells")
            .expected("percentile, basic or normal"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::patient_cells::MeasuredCell;
    use super::*;
    use crate::compute::CpuEngine;
    use crate::imaging::PatientRule;
    use crate::io::cohort::{CohortRequest, cohort_of};
    use crate::io::table::Table;
    use crate::survival::{CovariateColumn, CoxData, CoxOptions, fit_cox};

    /// Twelve patients, five of them positive: by one cell of three, of two, of one.
    fn cohort_and_cells() -> (Cohort, PatientCells) {
        let mut text = "id,time,event,her2\n".to_owned();
        let mut patients = Vec::new();
        for patient in 0..12_u32 {
            let high = patient % 5 < 2;
            let time = f64::from((patient * 7) % 12 + 1) + f64::from(patient % 2);
            let event = u8::from(patient % 3 != 0);
            text += &format!("P{patient:02},{time},{event},{}\n", u8::from(high));
            let mut cells = vec![MeasuredCell { her2: 20.0, std_err: Some(3.0) }; 2];
            cells.truncate(patient as usize % 3);
            if high {
                cells.push(MeasuredCell { her2: 104.0, std_err: Some(5.0) });
            }
            patients.push(cells);
        }
        let table = Table::parse(text.as_bytes(), "twelve", "testing").expect("a table");
        let request = CohortRequest {
            id: Some("id".into()),
            time: Some("time".into()),
            event: Some("event".into()),
            group: Some("her2".into()),
            ..CohortRequest::default()
        };
        let cohort = cohort_of(&table, &request).expect("a cohort");
        (cohort, PatientCells::new(PatientRule::AnyHigh, 100.0, patients))
    }

    fn filled(source: &CellSource<'_>, first: u64, n: usize) -> Vec<ReplicateValue> {
        let mut out = vec![ReplicateValue::Lost(Reason::NotConverged); n];
        source.fill(first, &mut out).expect("filled");
        out
    }

    #[test]
    fn a_replicate_is_the_cox_model_of_the_patients_and_groups_drawn() {
        let (cohort, cells) = cohort_and_cells();
        let (engine, settings) = (CpuEngine::new(), BootstrapSettings::default());
        let source = CellSource::new(&cohort, &cells, &settings, &engine).expect("a source");
        let (mut finite, mut changed) = (0, 0);
        for (number, value) in (0..).zip(filled(&source, 0, 300)) {
            let drawn: Vec<(usize, bool)> = source.drawn(number).collect();
            changed += usize::from(drawn.iter().any(|&(p, group)| group != cells.given()[p]));
            let ReplicateValue::Finite { value, .. } = value else { continue };
            let rows: Vec<usize> = drawn.iter().map(|&(patient, _)| patient).collect();
            let group = drawn.iter().map(|&(_, group)| f64::from(u8::from(group))).collect();
            let column = CovariateColumn { name: "her2".into(), values: group };
            let data = CoxData {
                outcome: cohort.outcome.select(&rows),
                covariates: vec![column],
                strata: None,
                cluster: None,
            };
            let fit = fit_cox(&data, &CoxOptions::default()).expect("a fit");
            let expected = fit.terms[0].coef.expect("the kernel says it is finite");
            // The kernel's own tolerance; groups that changed are solved in f64.
            assert!((value - expected).abs() < 1e-9, "replicate {number}: {value}, {expected}");
            finite += 1;
        }
        assert!(finite > 200 && changed > 200, "{finite} finite, {changed} with a change");
    }

    #[test]
    fn a_replicate_does_not_depend_on_where_a_chunk_begins() {
        let (cohort, cells) = cohort_and_cells();
        let (engine, settings) = (CpuEngine::new(), BootstrapSettings::default());
        let source = CellSource::new(&cohort, &cells, &settings, &engine).expect("a source");
        let whole = filled(&source, 0, 250);
        assert_eq!(filled(&source, 130, 120), whole[130..], "bit-equal values");
    }
}
