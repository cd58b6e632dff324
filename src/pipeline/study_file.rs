//! `STUDY.toml`: which files a study is made of and what is asked of them.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::rule::Rule;
use crate::Error;
use crate::io::table::closest_name;
use crate::io::text::read_text;
use crate::survival::{ConfLevel, ConfType};
use crate::units::TimeUnit;

const DOING: &str = "reading the study";

/// A study as its file describes it. Paths are relative to the folder of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudyFile {
    /// Title of the report.
    pub title: String,
    /// What a reader must know about the data; printed at the top of the report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Blood samples and the cartridge archive of each.
    pub cartridges: Cartridges,
    /// Cells measured before, one a row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cells: Option<CellTable>,
    /// The patients and their follow-up.
    pub patients: PatientTable,
    /// How HER2 of a cell is classed.
    pub her2: Her2CutOffs,
    /// What of the samples counts for a patient's status.
    pub status: StatusSettings,
    /// Statistical settings.
    #[serde(default)]
    pub analysis: AnalysisSettings,
    /// Splits of the patients, each analysed.
    #[serde(default, rename = "grouping", skip_serializing_if = "Vec::is_empty")]
    pub groupings: Vec<Grouping>,
    /// Numbers of patients of interest.
    #[serde(default, rename = "count", skip_serializing_if = "Vec::is_empty")]
    pub counts: Vec<PatientCount>,
    /// Comparisons of a column between the levels of a grouping.
    #[serde(default, rename = "comparison", skip_serializing_if = "Vec::is_empty")]
    pub comparisons: Vec<Comparison>,
    /// Agreement of groupings with columns.
    #[serde(default, rename = "agreement", skip_serializing_if = "Vec::is_empty")]
    pub agreements: Vec<Agreement>,
    /// Rank correlations of columns.
    #[serde(default, rename = "correlation", skip_serializing_if = "Vec::is_empty")]
    pub correlations: Vec<Correlation>,
    /// Published figures to hold the computed ones against.
    #[serde(default, rename = "check", skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
}

/// The sample sheet: one row a blood sample drawn, whether or not it held cells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cartridges {
    /// The CSV file.
    pub sample_sheet: PathBuf,
    /// Column of the patient's identifier; empty for a control sample of no patient.
    #[serde(default = "patient_column")]
    pub patient: String,
    /// Column of the time point.
    #[serde(default = "timepoint_column")]
    pub timepoint: String,
    /// Column of the archive folder, relative to the study file; empty where cells come from the
    /// cell table. The column itself may be absent.
    #[serde(default = "archive_column")]
    pub archive: String,
    /// Column of the time of the sample on the clock of the follow-up, in the unit of the patient
    /// table's times; may be below 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visit_time: Option<String>,
    /// How archives are segmented.
    #[serde(default)]
    pub mode: SegmentMode,
    /// What counts as a tumour cell: breast, prostate, cell-line or a file of gates. Without it
    /// breast in whole frames, and every event in crops.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gates: Option<String>,
    /// Whether the chamber's edge is looked for and left out.
    #[serde(default = "edge_mask")]
    pub edge_mask: bool,
    /// Cut-offs of cells measured from archives, where their scale is not that of `[her2]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub her2: Option<Her2CutOffs>,
}

/// How much of a cartridge is segmented.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SegmentMode {
    /// Every object of every frame.
    #[default]
    Full,
    /// The events an operator called tumour cells.
    Marker,
}

/// A ready-made table of cells, one row a cell called a CTC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellTable {
    /// The CSV file.
    pub table: PathBuf,
    /// Column of the patient's identifier.
    #[serde(default = "patient_column")]
    pub patient: String,
    /// Column of the time point.
    #[serde(default = "timepoint_column")]
    pub timepoint: String,
    /// Column of the cell's identifier.
    #[serde(default = "cell_column")]
    pub cell: String,
    /// Column of the mean HER2 intensity, on the scale of the cut-offs.
    pub her2: String,
    /// Column of its standard error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub her2_std_err: Option<String>,
}

/// The patient table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PatientTable {
    /// The CSV file.
    pub table: PathBuf,
    /// Column of the patient's identifier.
    #[serde(default = "patient_column")]
    pub id: String,
    /// Column of the follow-up time.
    pub time: String,
    /// Unit of that column.
    pub time_unit: TimeUnit,
    /// Column of the event indicator.
    pub event: String,
    /// The text that means an event; without it 1 and true do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_value: Option<String>,
    /// What the follow-up measures, for titles: "Progression-free survival".
    #[serde(default = "endpoint")]
    pub endpoint: String,
}

/// Cut-offs on the mean HER2 intensity of a cell. They depend on the staining and the camera, so
/// there is no default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Her2CutOffs {
    /// From here up a cell is `med`; below it is `neg`.
    pub med: f64,
    /// From here up a cell is `high`.
    pub high: f64,
    /// The lowest class that counts as HER2-positive.
    pub positive: PositiveFrom,
    /// Where the scale and the cut-offs come from; printed beside them.
    pub scale: String,
}

/// The lowest class that counts as HER2-positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PositiveFrom {
    /// `med` and `high` are positive.
    Med,
    /// Only `high` is.
    High,
}

/// What of the samples counts for a patient's status.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusSettings {
    /// The time points whose cells make up `ctc` and `her2pos_ctc` of a patient.
    pub timepoints: Vec<String>,
}

/// Statistical settings; a command-line option wins over the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AnalysisSettings {
    /// Unit of times in results.
    pub time_unit: TimeUnit,
    /// Scale of the limits of survival curves: log, log-log, plain.
    pub conf_type: String,
    /// How tied event times enter the Cox likelihood: efron, breslow.
    pub ties: String,
    /// Level of every interval.
    pub conf_level: f64,
    /// Bootstrap replicates of each hazard ratio; 0 for none.
    pub replicates: u64,
    /// Seed of the bootstrap.
    pub seed: u64,
}

impl Default for AnalysisSettings {
    fn default() -> Self {
        Self {
            time_unit: TimeUnit::Months,
            conf_type: ConfType::default().name().to_owned(),
            ties: "efron".to_owned(),
            conf_level: ConfLevel::DEFAULT.get(),
            replicates: 10_000,
            seed: 1,
        }
    }
}

/// A split of the patients in two by a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grouping {
    /// Name of the column it makes in `patients.csv`.
    pub name: String,
    /// The rule; patients for whom it cannot be told are left out.
    pub rule: String,
    /// Level of the patients for whom it holds.
    pub positive: String,
    /// Level of the others, the reference of the hazard ratio.
    pub negative: String,
    /// Title of its figure and section.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// A number of patients, with its share of those who can be told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PatientCount {
    /// Its name in the summary.
    pub name: String,
    /// The rule that is counted.
    pub rule: String,
    /// What it counts, in words.
    pub title: String,
}

/// A column of the patient table between the levels of a grouping: medians and the rank-sum test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// Its name in the summary.
    pub name: String,
    /// The column, numbers.
    pub variable: String,
    /// Name of the grouping.
    pub grouping: String,
    /// A rule: only patients for whom it holds are compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub among: Option<String>,
    /// What it compares, in words.
    pub title: String,
}

/// Agreement of a grouping with a column of the patient table: cross table and Cohen's kappa.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreement {
    /// Its name in the summary.
    pub name: String,
    /// Name of the grouping.
    pub grouping: String,
    /// The column.
    pub column: String,
    /// The text in it that goes with the grouping's positive level; all other texts go with the
    /// negative one.
    pub positive: String,
    /// A rule: only patients for whom it holds are looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub among: Option<String>,
    /// What agrees with what, in words.
    pub title: String,
}

/// Spearman's rank correlation of two columns of numbers of the patient table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Correlation {
    /// Its name in the summary.
    pub name: String,
    /// One column.
    pub x: String,
    /// The other.
    pub y: String,
    /// A rule: only patients for whom it holds are looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub among: Option<String>,
    /// What is correlated, in words.
    pub title: String,
}

/// A published figure and the place of the computed one in `summary.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// Identifier.
    pub id: String,
    /// The figure in words.
    pub title: String,
    /// Place in the summary, names and levels joined by `/`: `groupings/her2_ctc/logrank/p`.
    pub quantity: String,
    /// The figure as published, a number or "not reached".
    pub published: Published,
    /// Digits after the point it was printed with.
    pub digits: usize,
    /// How it was brought to these digits.
    #[serde(default)]
    pub rule: CheckRule,
}

/// A published figure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Published {
    /// A number.
    Number(f64),
    /// A median or limit that was not reached.
    NotReached(NotReached),
}

/// The words for a median or limit that was not reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NotReached {
    /// "not reached".
    #[serde(rename = "not reached")]
    NotReached,
}

/// How a figure was brought to its printed digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckRule {
    /// To nearest.
    #[default]
    Round,
    /// Cut off.
    Truncate,
}

fn patient_column() -> String {
    "patient_id".to_owned()
}

fn timepoint_column() -> String {
    "timepoint".to_owned()
}

fn edge_mask() -> bool {
    true
}

fn archive_column() -> String {
    "archive".to_owned()
}

fn cell_column() -> String {
    "cell_id".to_owned()
}

fn endpoint() -> String {
    "Survival".to_owned()
}

impl StudyFile {
    /// Reads and checks a study file.
    ///
    /// # Errors
    /// An input error with file and line: a key that is unknown (with the closest known one), a
    /// value of the wrong kind, cut-offs out of order, a rule that cannot be read, a name used
    /// twice.
    pub fn read(path: &Path) -> Result<Self, Error> {
        Self::parse(&read_text(path, DOING)?, &path.display().to_string())
    }

    /// As [`read`](Self::read), from memory; `source` names the file in errors.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn parse(text: &str, source: &str) -> Result<Self, Error> {
        let study: Self = toml::from_str(text).map_err(|error| toml_error(text, source, &error))?;
        study.check().map_err(|(place, found, expected)| {
            Error::input(DOING).at(format!("{source}, {place}")).found(found).expected(expected)
        })?;
        for rule in study.groupings.iter().map(|grouping| &grouping.rule) {
            Rule::parse(rule)?;
        }
        let among = study.comparisons.iter().filter_map(|one| one.among.as_ref());
        let among = among.chain(study.agreements.iter().filter_map(|one| one.among.as_ref()));
        let among = among.chain(study.correlations.iter().filter_map(|one| one.among.as_ref()));
        for rule in study.counts.iter().map(|count| &count.rule).chain(among) {
            Rule::parse(rule)?;
        }
        Ok(study)
    }

    /// The cut-offs for cells measured from archives.
    pub fn archive_cut_offs(&self) -> &Her2CutOffs {
        self.cartridges.her2.as_ref().unwrap_or(&self.her2)
    }

    /// What serde cannot say: place, found, expected.
    fn check(&self) -> Result<(), (String, String, String)> {
        let cut_offs =
            [("her2", Some(&self.her2)), ("cartridges.her2", self.cartridges.her2.as_ref())];
        for (place, cut_offs) in cut_offs {
            let Some(cut_offs) = cut_offs else { continue };
            let ordered = cut_offs.med <= cut_offs.high;
            if !(ordered && cut_offs.med.is_finite() && cut_offs.high.is_finite()) {
                return Err((
                    format!("[{place}]"),
                    format!("med = {} and high = {}", cut_offs.med, cut_offs.high),
                    "finite cut-offs, med not above high".to_owned(),
                ));
            }
        }
        let analysis = &self.analysis;
        let refuse = |key: &str, found: String, expected: &str| {
            Err((format!("[analysis] {key}"), found, expected.to_owned()))
        };
        if ConfLevel::new(analysis.conf_level).is_err() {
            return refuse(
                "conf_level",
                analysis.conf_level.to_string(),
                "a fraction such as 0.95",
            );
        }
        if analysis.conf_type.parse::<ConfType>().is_err() {
            return refuse("conf_type", analysis.conf_type.clone(), "log, log-log or plain");
        }
        if !matches!(analysis.ties.as_str(), "efron" | "breslow") {
            return refuse("ties", analysis.ties.clone(), "efron or breslow");
        }
        for grouping in &self.groupings {
            if grouping.positive == grouping.negative {
                return Err((
                    format!("[[grouping]] {}", grouping.name),
                    format!("both levels named {:?}", grouping.positive),
                    "two different names".to_owned(),
                ));
            }
        }
        let groupings: Vec<String> = self.groupings.iter().map(|g| g.name.clone()).collect();
        let comparisons = self.comparisons.iter().map(|c| ("comparison", &c.name, &c.grouping));
        let agreements = self.agreements.iter().map(|a| ("agreement", &a.name, &a.grouping));
        for (list, name, grouping) in comparisons.chain(agreements) {
            if !groupings.contains(grouping) {
                return Err((
                    format!("[[{list}]] {name}"),
                    format!("the grouping {grouping:?}"),
                    format!("one of {}", groupings.join(", ")),
                ));
            }
        }
        unique("grouping", self.groupings.iter().map(|g| &g.name))?;
        unique("count", self.counts.iter().map(|count| &count.name))?;
        unique("comparison", self.comparisons.iter().map(|c| &c.name))?;
        unique("agreement", self.agreements.iter().map(|one| &one.name))?;
        unique("correlation", self.correlations.iter().map(|one| &one.name))?;
        unique("check", self.checks.iter().map(|check| &check.id))
    }
}

fn unique<'a>(
    list: &str,
    names: impl Iterator<Item = &'a String>,
) -> Result<(), (String, String, String)> {
    let mut seen: Vec<&str> = Vec::new();
    for name in names {
        if seen.contains(&name.as_str()) {
            return Err((
                format!("[[{list}]]"),
                format!("{name:?} twice"),
                "one name each".to_owned(),
            ));
        }
        seen.push(name);
    }
    Ok(())
}

/// A TOML error with file, line and, for an unknown key, the closest known one.
fn toml_error(text: &str, source: &str, error: &toml::de::Error) -> Error {
    let place = error.span().map_or_else(
        || source.to_owned(),
        |span| {
            let before = &text.as_bytes()[..span.start.min(text.len())];
            let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
            format!("{source}, line {line}")
        },
    );
    let base = Error::input(DOING).at(place);
    let message = error.message();
    // serde's words: unknown field `x`, expected one of `a`, `b`
    let mut quoted = message.split('`').skip(1).step_by(2).map(str::to_owned);
    match (message.starts_with("unknown field"), quoted.next()) {
        (true, Some(key)) => {
            let known: Vec<String> = quoted.collect();
            let hint = closest_name(&key, &known)
                .map_or_else(String::new, |close| format!(" (did you mean {close:?}?)"));
            base.found(format!("the unknown key {key:?}"))
                .expected(format!("one of {}{hint}", known.join(", ")))
        }
        _ => base.found(message.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = r#"
title = "A study"
[cartridges]
sample_sheet = "samples.csv"
[patients]
table = "patients.csv"
time = "days"
time_unit = "days"
event = "event"
[her2]
med = 150
high = 450
positive = "high"
scale = "arbitrary"
[status]
timepoints = ["T1"]
[[grouping]]
name = "ctc"
rule = "t1_ctc >= 1"
positive = "CTC+"
negative = "CTC-"
"#;

    fn refused(text: &str) -> String {
        let error = StudyFile::parse(text, "study.toml").expect_err("a bad study");
        assert!(error.is_input(), "{error}");
        error.to_string()
    }

    #[test]
    fn a_small_study_has_the_usual_settings() {
        let study = StudyFile::parse(SMALL, "study.toml").expect("a study");
        assert_eq!(study.analysis.conf_level, 0.95, "the usual level");
        assert_eq!(study.cartridges.patient, "patient_id", "the usual column");
        assert_eq!(study.archive_cut_offs(), &study.her2, "one scale");
    }

    #[test]
    fn an_unknown_key_is_refused_with_line_and_closest_key() {
        let text = refused(&SMALL.replace("sample_sheet", "samplesheet"));
        assert!(text.contains("study.toml, line 4"), "{text}");
        assert!(text.contains("did you mean \"sample_sheet\"?"), "{text}");
        let text = refused(&SMALL.replace("[[grouping]]", "[[groupings]]"));
        assert!(text.contains("did you mean \"grouping\"?"), "{text}");
    }

    #[test]
    fn cut_offs_have_no_default_and_an_order() {
        let text = refused(&SMALL.replace("med = 150\n", ""));
        assert!(text.contains("`med`"), "{text}");
        let text = refused(&SMALL.replace("med = 150", "med = 500"));
        assert!(text.contains("med not above high"), "{text}");
    }

    #[test]
    fn names_and_rules_are_checked_when_read() {
        let twice = SMALL.split_once("[[grouping]]").expect("it has one").1;
        let text = refused(&format!("{SMALL}[[grouping]]{twice}"));
        assert!(text.contains("twice"), "{text}");
        let text = refused(&SMALL.replace("t1_ctc >= 1", "t1_ctc >= many"));
        assert!(text.contains("without quotes"), "{text}");
    }
}
