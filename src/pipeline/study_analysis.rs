//! The statistics of a study, on the patient table with what the samples add to it.

use super::bootstrap::{BootstrapDocument, BootstrapSettings, run_bootstrap};
use super::rule::Rule;
use super::study::StudyProgress;
use super::study_associations::{
    AgreementResult, CorrelationResult, agreement, correlation, looked_at,
};
use super::study_data::PatientColumns;
use super::study_file::{Agreement, Comparison, Correlation, Grouping, PatientCount, StudyFile};
use super::study_summary::{ComparisonResult, CountResult, GroupingResult, LevelSummary};
use super::survive::{SurviveDocument, SurviveSettings, run_survive};
use crate::association::{median, rank_sum_test};
use crate::compute::Backend;
use crate::io::cohort::{CohortRequest, cohort_of};
use crate::io::table::{Table, closest_name, is_missing};
use crate::survival::{Cohort, ConfLevel, Confidence, Factor, Ties};
use crate::{Error, Warning};

const DOING: &str = "analysing the study";

/// The patients as every analysis sees them.
pub(crate) struct Patients<'a> {
    study: &'a StudyFile,
    table: Table,
    columns: &'a PatientColumns,
    time: &'a str,
}

impl<'a> Patients<'a> {
    /// The table `columns`, named `source` in errors, with follow-up in column `time`.
    pub(crate) fn new(
        study: &'a StudyFile,
        source: &str,
        columns: &'a PatientColumns,
        time: &'a str,
    ) -> Result<Self, Error> {
        let table = Table::parse(&columns.to_csv(), source, DOING)?;
        Ok(Self { study, table, columns, time })
    }

    fn cohort(&self, grouping: Option<&Grouping>) -> Result<Cohort, Error> {
        let request = CohortRequest {
            id: Some(self.study.patients.id.clone()),
            time: Some(self.time.to_owned()),
            event: Some(self.study.patients.event.clone()),
            event_value: self.study.patients.event_value.clone(),
            group: grouping.map(|grouping| grouping.name.clone()),
            ..CohortRequest::default()
        };
        let mut cohort = cohort_of(&self.table, &request)?;
        if let (Some(grouping), Some(group)) = (grouping, &mut cohort.group) {
            reference_first(group, &grouping.negative);
        }
        Ok(cohort)
    }

    /// Follow-up and survival of all patients.
    pub(crate) fn overall(&self) -> Result<SurviveDocument, Error> {
        run_survive(&self.cohort(None)?, &survive_settings(self.study)?)
    }

    /// Survival by a grouping whose column is in the table.
    pub(crate) fn by(
        &self,
        grouping: &Grouping,
        backend: &dyn Backend,
        progress: StudyProgress<'_>,
    ) -> Result<GroupingResult, Error> {
        let cohort = self.cohort(Some(grouping))?;
        let survive = run_survive(&cohort, &survive_settings(self.study)?)?;
        let column = self.columns.column(&grouping.name).unwrap_or_default();
        Ok(GroupingResult {
            name: grouping.name.clone(),
            title: grouping.title.clone().unwrap_or_else(|| grouping.rule.clone()),
            rule: grouping.rule.clone(),
            n_undecided: column.iter().filter(|cell| is_missing(cell)).count(),
            survive,
            bootstrap: self.bootstrap(&cohort, grouping, backend, progress)?,
        })
    }

    /// The bootstrapped hazard ratio; `None` where none was asked for or a level is empty.
    fn bootstrap(
        &self,
        cohort: &Cohort,
        grouping: &Grouping,
        backend: &dyn Backend,
        progress: StudyProgress<'_>,
    ) -> Result<Option<BootstrapDocument>, Error> {
        let analysis = &self.study.analysis;
        let n_levels = cohort.group.as_ref().map_or(0, |group| group.levels.len());
        if analysis.replicates == 0 || n_levels != 2 {
            return Ok(None);
        }
        let settings = BootstrapSettings {
            replicates: analysis.replicates,
            conf_level: analysis.conf_level,
            seed: analysis.seed,
            ..BootstrapSettings::default()
        };
        let stage = format!("resampling {}", grouping.name);
        let step = |done, total| progress(&stage, done, total);
        run_bootstrap(cohort, &settings, backend, &step).map(Some)
    }

    /// Medians of a column by the levels of a grouping, and the rank-sum test between them.
    pub(crate) fn compare(&self, comparison: &Comparison) -> Result<ComparisonResult, Error> {
        let variable = self.table.column(&comparison.variable)?;
        let group = self.table.column(&comparison.grouping)?;
        let grouping =
            self.study.groupings.iter().find(|grouping| grouping.name == comparison.grouping);
        let levels =
            grouping.map_or_else(Vec::new, |one| vec![one.negative.clone(), one.positive.clone()]);
        let looked_at = looked_at(comparison.among.as_ref(), self.columns)?;
        let mut samples = vec![Vec::new(); levels.len()];
        for row in (0..self.table.n_rows()).filter(|&row| looked_at[row]) {
            let value =
                self.table.number(row, variable, "a number, since it is compared by rank")?;
            let level = levels.iter().position(|level| level == self.table.cell(row, group));
            if let (Some(value), Some(level)) = (value, level) {
                samples[level].push(value);
            }
        }
        let test = match samples.as_slice() {
            [reference, other] => rank_sum_test(reference, other),
            _ => None,
        };
        let summary = |(level, values): (&String, &Vec<f64>)| LevelSummary {
            level: level.clone(),
            n: values.len(),
            median: median(values),
        };
        Ok(ComparisonResult {
            name: comparison.name.clone(),
            title: comparison.title.clone(),
            variable: comparison.variable.clone(),
            grouping: comparison.grouping.clone(),
            among: comparison.among.clone(),
            summaries: levels.iter().zip(&samples).map(summary).collect(),
            test: "wilcoxon_normal".to_owned(),
            statistic: test.map(|test| test.w),
            p: test.and_then(|test| test.p),
        })
    }
}

impl Patients<'_> {
    /// Agreement of a grouping with a column.
    pub(crate) fn agree(&self, asked: &Agreement) -> Result<AgreementResult, Error> {
        agreement(asked, self.study, &self.table, self.columns)
    }

    /// Rank correlation of two columns.
    pub(crate) fn correlate(&self, asked: &Correlation) -> Result<CorrelationResult, Error> {
        correlation(asked, &self.table, self.columns)
    }
}

/// Puts the level `reference` first, if it occurs.
fn reference_first(group: &mut Factor, reference: &str) {
    let texts: Vec<Option<&str>> =
        group.codes.iter().map(|code| code.map(|code| group.levels[code].as_str())).collect();
    *group = Factor::new(&group.name, &texts, Some(reference));
}

fn survive_settings(study: &StudyFile) -> Result<SurviveSettings, Error> {
    let analysis = &study.analysis;
    let confidence = Confidence {
        level: ConfLevel::new(analysis.conf_level)?,
        kind: analysis.conf_type.parse()?,
    };
    let ties = if analysis.ties == "breslow" { Ties::Breslow } else { Ties::Efron };
    Ok(SurviveSettings { confidence, ties, ..SurviveSettings::default() })
}

/// Adds the column of each grouping: its levels, empty where the rule cannot be told.
pub(crate) fn derive_groupings(
    study: &StudyFile,
    columns: &mut PatientColumns,
) -> Result<Vec<Warning>, Error> {
    let mut warnings = Vec::new();
    for grouping in &study.groupings {
        let decided = decide(&grouping.rule, columns)?;
        let level = |holds: &Option<bool>| match holds {
            Some(true) => grouping.positive.clone(),
            Some(false) => grouping.negative.clone(),
            None => String::new(),
        };
        let cells: Vec<String> = decided.iter().map(level).collect();
        warnings.extend(columns.derive(&grouping.name, cells));
    }
    Ok(warnings)
}

/// Counts the patients for whom a rule holds.
pub(crate) fn count_patients(
    count: &PatientCount,
    columns: &PatientColumns,
) -> Result<CountResult, Error> {
    let decided = decide(&count.rule, columns)?;
    let n = decided.iter().filter(|holds| **holds == Some(true)).count();
    let of = decided.iter().flatten().count();
    Ok(CountResult {
        name: count.name.clone(),
        title: count.title.clone(),
        rule: count.rule.clone(),
        n,
        of,
        percent: percent(n, of),
    })
}

/// `100 n / of`, `None` when `of` is 0.
pub(crate) fn percent(n: usize, of: usize) -> Option<f64> {
    (of > 0).then(|| 100.0 * n as f64 / of as f64)
}

/// Whether the rule holds for each patient.
pub(crate) fn decide(rule: &str, columns: &PatientColumns) -> Result<Vec<Option<bool>>, Error> {
    let rule = Rule::parse(rule)?;
    for name in rule.columns() {
        if columns.column(name).is_none() {
            let hint = closest_name(name, &columns.names)
                .map_or_else(String::new, |close| format!(" (did you mean {close:?}?)"));
            return Err(Error::input(DOING)
                .at(format!("rule {:?}", rule.text()))
                .found(format!("no column {name:?}"))
                .expected(format!("one of {}{hint}", columns.names.join(", "))));
        }
    }
    let cell = |row: usize, name: &str| {
        let text = &columns.column(name)?[row];
        (!is_missing(text)).then(|| text.clone())
    };
    (0..columns.n_rows()).map(|row| rule.holds(|name| cell(row, name))).collect()
}
