//! A marker measured repeatedly, and what is known of it at a time.

use std::collections::BTreeMap;

use super::cohort::{Cohort, Factor};
use super::outcome::{Outcome, TieRepair, TimeRuns};
use crate::Error;

/// The visits of each subject, in ascending time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MarkerSeries {
    /// Name of the marker.
    pub name: String,
    visits: BTreeMap<String, Vec<Visit>>,
}

/// One measurement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Visit {
    /// When, on the clock of follow-up; before 0 is before its start.
    pub time: f64,
    /// What was measured.
    pub value: f64,
}

/// How earlier visits make the value at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Carry {
    /// The last one holds until the next.
    #[default]
    Last,
    /// The largest so far: once positive, positive.
    Ever,
}

/// From visits to the covariate.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MarkerRule {
    /// Which visits count.
    pub carry: Carry,
    /// With a cut the covariate is 1 from this value up and 0 below; without it, the value.
    pub from: Option<f64>,
}

/// A cohort with the marker as a covariate that changes with time.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeDependent {
    /// One (entry, time] row a stretch of constant value; the marker is the last covariate.
    pub cohort: Cohort,
    /// Visits that take part: before the end of their subject's follow-up.
    pub n_visits_used: usize,
    /// Visits at or after the end of follow-up, which say nothing of what came before.
    pub n_visits_after: usize,
    /// Rows of the cohort without any visit in time.
    pub n_without_visit: usize,
}

impl MarkerRule {
    /// The covariate's name: `marker`, or `marker>=1`.
    pub fn name(&self, marker: &str) -> String {
        self.from.map_or_else(|| marker.to_owned(), |from| format!("{marker}>={from}"))
    }

    /// The covariate after `visits`; `None` without any.
    fn value(&self, visits: &[Visit]) -> Option<f64> {
        let value = match self.carry {
            Carry::Last => visits.last()?.value,
            Carry::Ever => visits.iter().map(|visit| visit.value).reduce(f64::max)?,
        };
        Some(self.from.map_or(value, |from| f64::from(u8::from(value >= from))))
    }
}

impl Carry {
    /// The name used on the command line and in documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::Last => "last",
            Self::Ever => "ever",
        }
    }
}

impl MarkerSeries {
    /// A series without visits.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), visits: BTreeMap::new() }
    }

    /// Adds a visit; false if the subject already has one at that time.
    #[must_use]
    pub fn insert(&mut self, subject: &str, visit: Visit) -> bool {
        let visits = self.visits.entry(subject.to_owned()).or_default();
        let at = visits.partition_point(|other| other.time < visit.time);
        let taken = visits.get(at).is_some_and(|other| other.time == visit.time);
        if !taken {
            visits.insert(at, visit);
        }
        !taken
    }

    /// Number of visits.
    pub fn n_visits(&self) -> usize {
        self.visits.values().map(Vec::len).sum()
    }

    /// Subjects with a visit.
    pub fn subjects(&self) -> impl Iterator<Item = &str> {
        self.visits.keys().map(String::as_str)
    }

    /// Visits of the subjects of `cohort` at or before `time`.
    pub fn n_visits_at(&self, cohort: &Cohort, time: f64) -> usize {
        let ids = cohort.ids.iter().flatten();
        let visits = ids.flat_map(|id| self.of(id.as_ref()));
        visits.filter(|visit| visit.time <= time).count()
    }

    fn of(&self, subject: Option<&String>) -> &[Visit] {
        subject.and_then(|subject| self.visits.get(subject)).map_or(&[], Vec::as_slice)
    }

    /// The value of each row of `cohort` from the visits at or before `time`; `None` for a subject
    /// without one.
    ///
    /// # Errors
    /// A cohort without identifiers.
    pub fn values_at(
        &self,
        cohort: &Cohort,
        time: f64,
        rule: MarkerRule,
    ) -> Result<Vec<Option<f64>>, Error> {
        let value = |id: &Option<String>| {
            let visits = self.of(id.as_ref());
            rule.value(&visits[..visits.partition_point(|visit| visit.time <= time)])
        };
        Ok(identifiers(cohort)?.iter().map(value).collect())
    }

    /// `cohort` with the follow-up of each row cut where the covariate changes.
    ///
    /// A value holds after its visit, so that an event at the very time of a visit is predicted
    /// by the visits before. Visits at or before the start count as known from the start.
    /// Before the first visit the covariate is missing, and the regression leaves that stretch out.
    ///
    /// # Source
    /// Counting-process rows, as in Therneau and Grambsch 2000, section 3.7.
    ///
    /// # Errors
    /// A cohort without identifiers, or with two rows of one subject.
    pub fn time_dependent(
        &self,
        cohort: &Cohort,
        rule: MarkerRule,
    ) -> Result<TimeDependent, Error> {
        cohort.require_one_row_a_subject("following the marker over time")?;
        let outcome = &cohort.outcome;
        let entries = outcome.entry().unwrap_or_default().iter();
        let visit_times = self.visits.values().flatten().map(|visit| visit.time);
        let runs = TimeRuns::of(outcome.time().iter().chain(entries).copied().chain(visit_times));
        let mut pieces = Pieces::default();
        let (mut n_visits_used, mut n_visits_after, mut n_without_visit) = (0, 0, 0);
        for (row, id) in identifiers(cohort)?.iter().enumerate() {
            let end = runs.repaired(outcome.time()[row]);
            // A row that enters at no particular time is at risk before any.
            let entry = outcome.entry().map(|entry| runs.repaired(entry[row]));
            let start = entry.unwrap_or(BEFORE_ANY_TIME);
            let known_from_start = entry.unwrap_or(0.0);
            let all = self.of(id.as_ref());
            let visits = &all[..all.partition_point(|visit| runs.repaired(visit.time) < end)];
            n_visits_used += visits.len();
            n_visits_after += all.len() - visits.len();
            n_without_visit += usize::from(visits.is_empty());
            let mut seen =
                visits.partition_point(|visit| runs.repaired(visit.time) <= known_from_start);
            let (mut from, mut value) = (start, rule.value(&visits[..seen]));
            while seen < visits.len() {
                seen += 1;
                let next = rule.value(&visits[..seen]);
                if next != value {
                    let cut = runs.repaired(visits[seen - 1].time);
                    // Two visits that rounding has made one leave no stretch between them.
                    if cut > from {
                        pieces.push(row, (from, cut), false, value);
                    }
                    (from, value) = (cut, next);
                }
            }
            pieces.push(row, (from, end), outcome.event()[row], value);
        }
        Ok(TimeDependent {
            cohort: pieces.cohort(cohort, &rule.name(&self.name))?,
            n_visits_used,
            n_visits_after,
            n_without_visit,
        })
    }
}

/// Entry of a row that is not truncated: before every time.
const BEFORE_ANY_TIME: f64 = -1.0;

/// Stretches of constant value.
#[derive(Default)]
struct Pieces {
    rows: Vec<usize>,
    entry: Vec<f64>,
    time: Vec<f64>,
    event: Vec<bool>,
    value: Vec<Option<f64>>,
}

impl Pieces {
    fn push(&mut self, row: usize, (entry, time): (f64, f64), event: bool, value: Option<f64>) {
        self.rows.push(row);
        self.entry.push(entry);
        self.time.push(time);
        self.event.push(event);
        self.value.push(value);
    }

    fn cohort(self, whole: &Cohort, name: &str) -> Result<Cohort, Error> {
        let weight = whole.outcome.weight();
        let weight = weight.map(|weight| self.rows.iter().map(|&row| weight[row]).collect());
        let outcome =
            Outcome::new(self.time, self.event, Some(self.entry), weight, TieRepair::Keep)?;
        let mut cohort = whole.with_rows(&self.rows, outcome);
        cohort.push_number(name, self.value);
        Ok(cohort)
    }
}

/// Makes the 0/1 covariate `values` the group of `cohort`.
pub(crate) fn group_by_marker(cohort: &mut Cohort, name: &str, values: &[Option<f64>]) {
    let text = |value: &Option<f64>| value.map(|value| if value > 0.0 { "1" } else { "0" });
    let texts: Vec<Option<&str>> = values.iter().map(text).collect();
    cohort.group = Some(Factor::new(name, &texts, None));
}

fn identifiers(cohort: &Cohort) -> Result<&[Option<String>], Error> {
    cohort.ids.as_deref().ok_or_else(|| {
        Error::usage("joining the marker's visits to the cohort")
            .found("a cohort without identifiers")
            .expected("--id COLUMN, the same identifiers in both tables")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::survival::Covariate;

    fn cohort() -> Cohort {
        let outcome = Outcome::right_censored(vec![10.0, 4.0, 0.0], vec![true, false, true]);
        let mut cohort = Cohort::of_outcome(outcome.expect("valid rows"));
        cohort.ids = Some(["a", "b", "c"].map(|id| Some(id.to_owned())).to_vec());
        cohort
    }

    fn series(visits: &[(&str, f64, f64)]) -> MarkerSeries {
        let mut series = MarkerSeries::new("ctc");
        for &(subject, time, value) in visits {
            assert!(series.insert(subject, Visit { time, value }), "one visit a time");
        }
        series
    }

    fn rows(of: &TimeDependent) -> Vec<(f64, f64, bool, Option<f64>)> {
        let outcome = &of.cohort.outcome;
        let entry = outcome.entry().expect("cut rows have entries");
        let Some(Covariate::Number { values, .. }) = of.cohort.covariates.last() else {
            panic!("the marker is a number")
        };
        (0..outcome.len())
            .map(|i| (entry[i], outcome.time()[i], outcome.event()[i], values.get(i)))
            .collect()
    }

    #[test]
    fn a_row_is_cut_where_the_value_changes_and_the_last_piece_has_the_event() {
        let series = series(&[("a", 0.0, 3.0), ("a", 2.0, 3.0), ("a", 5.0, 0.0), ("b", 4.0, 9.0)]);
        let cut = series.time_dependent(&cohort(), MarkerRule::default()).expect("valid visits");
        let expected = [
            (-1.0, 5.0, false, Some(3.0)),
            (5.0, 10.0, true, Some(0.0)),
            (-1.0, 4.0, false, None),
            (-1.0, 0.0, true, None),
        ];
        assert_eq!(
            rows(&cut),
            expected,
            "the visit at 2 changes nothing, the one at the end either"
        );
        assert_eq!(
            (cut.n_visits_used, cut.n_visits_after, cut.n_without_visit),
            (3, 1, 2),
            "counted"
        );
    }

    #[test]
    fn ever_positive_stays_positive_and_a_cut_makes_it_zero_or_one() {
        let series = series(&[("a", 0.0, 0.0), ("a", 2.0, 3.0), ("a", 5.0, 0.0)]);
        let rule = MarkerRule { carry: Carry::Ever, from: Some(1.0) };
        let cut = series.time_dependent(&cohort(), rule).expect("valid visits");
        assert_eq!(
            rows(&cut)[..2],
            [(-1.0, 2.0, false, Some(0.0)), (2.0, 10.0, true, Some(1.0))],
            "positive from month 2 on"
        );
        let values = series.values_at(&cohort(), 1.0, rule).expect("identifiers");
        assert_eq!(values, [Some(0.0), None, None], "what is known at 1");
        assert_eq!(rule.name("ctc"), "ctc>=1", "the name says the cut");
    }

    #[test]
    fn a_second_visit_at_one_time_is_not_taken() {
        let mut series = series(&[("a", 1.0, 2.0)]);
        assert!(!series.insert("a", Visit { time: 1.0, value: 3.0 }), "already there");
        assert_eq!(series.n_visits(), 1, "one visit");
    }
}
