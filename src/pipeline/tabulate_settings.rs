//! Choices of a `tabulate` run.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::Serialize;

use crate::Error;
use crate::io::table::closest_name;
use crate::survival::ConfLevel;

const DOING: &str = "setting up the table";

/// What is tabulated, and how.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TabulateSettings {
    /// The column that splits the rows, or that the variables are correlated with.
    pub by: String,
    /// The variables, in order.
    pub vars: Vec<String>,
    /// Tests other than the default, by variable.
    pub tests: BTreeMap<String, TestChoice>,
    /// Number columns to take as continuous although they have two values.
    pub continuous: Vec<String>,
    /// Number columns to take as categorical; `by` among them may have any number of values.
    pub categorical: Vec<String>,
    /// Level of `by` to put first.
    pub reference: Option<String>,
    /// Correlate with `by` instead of comparing its levels.
    pub correlate: Option<CorrelationChoice>,
    /// Adjustment of the p-values for their number.
    pub adjust: Option<Adjustment>,
    /// Whether to give standardised differences of two groups.
    pub smd: bool,
    /// Limits of the shares of categorical variables.
    pub ci: Option<ShareInterval>,
    /// Whether to summarise all rows together too.
    pub overall: bool,
    /// Level of all intervals.
    pub conf_level: f64,
    /// Seed of drawn tables.
    pub seed: u64,
}

impl Default for TabulateSettings {
    fn default() -> Self {
        Self {
            by: String::new(),
            vars: Vec::new(),
            tests: BTreeMap::new(),
            continuous: Vec::new(),
            categorical: Vec::new(),
            reference: None,
            correlate: None,
            adjust: None,
            smd: false,
            ci: None,
            overall: false,
            conf_level: ConfLevel::DEFAULT.get(),
            seed: 1,
        }
    }
}

/// A test asked for by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TestChoice {
    /// Rank-sum, exact as R's `wilcox.test` decides.
    Wilcoxon,
    /// Rank-sum, exact, also with ties.
    WilcoxonExact,
    /// Rank-sum by the normal approximation.
    WilcoxonNormal,
    /// Welch.
    T,
    /// Student, one variance.
    TPooled,
    /// Kruskal-Wallis.
    Kruskal,
    /// Fisher, exact.
    Fisher,
    /// Pearson.
    Chisq,
    /// Pearson with Yates' correction.
    ChisqYates,
    /// No test.
    None,
}

impl TestChoice {
    const NAMES: [(&'static str, Self); 10] = [
        ("wilcoxon", Self::Wilcoxon),
        ("wilcoxon_exact", Self::WilcoxonExact),
        ("wilcoxon_normal", Self::WilcoxonNormal),
        ("t", Self::T),
        ("t_pooled", Self::TPooled),
        ("kruskal", Self::Kruskal),
        ("fisher", Self::Fisher),
        ("chisq", Self::Chisq),
        ("chisq_yates", Self::ChisqYates),
        ("none", Self::None),
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, choice)| *choice == self).map_or("none", |(name, _)| name)
    }

    /// True for a test of counts, which makes a number column categorical.
    pub fn is_of_counts(self) -> bool {
        matches!(self, Self::Fisher | Self::Chisq | Self::ChisqYates)
    }

    /// True for a test of numbers, which makes a number column continuous.
    pub fn is_of_numbers(self) -> bool {
        !self.is_of_counts() && self != Self::None
    }

    /// True for a test of two groups and no more.
    pub fn is_of_two_groups(self) -> bool {
        self.is_of_numbers() && self != Self::Kruskal
    }
}

impl FromStr for TestChoice {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let found = Self::NAMES.iter().find(|(name, _)| *name == text);
        found.map(|(_, choice)| *choice).ok_or_else(|| {
            let names = Self::NAMES.map(|(name, _)| name.to_owned());
            unknown("the test", text, &names)
        })
    }
}

/// A correlation asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CorrelationChoice {
    /// Of ranks.
    Spearman,
    /// Of orders of pairs.
    Kendall,
    /// Of values.
    Pearson,
}

impl CorrelationChoice {
    /// The name on the command line and in the document.
    pub fn name(self) -> &'static str {
        match self {
            Self::Spearman => "spearman",
            Self::Kendall => "kendall",
            Self::Pearson => "pearson",
        }
    }
}

/// How p-values are adjusted for their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Adjustment {
    /// Family-wise error.
    Holm,
    /// False discovery rate (Benjamini and Hochberg).
    Bh,
}

impl Adjustment {
    /// The name on the command line and in the document.
    pub fn name(self) -> &'static str {
        match self {
            Self::Holm => "holm",
            Self::Bh => "bh",
        }
    }
}

/// How limits of a share are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ShareInterval {
    /// Exact.
    ClopperPearson,
    /// From the score test.
    Wilson,
}

impl ShareInterval {
    /// The name on the command line and in the document.
    pub fn name(self) -> &'static str {
        match self {
            Self::ClopperPearson => "clopper-pearson",
            Self::Wilson => "wilson",
        }
    }
}

impl TabulateSettings {
    /// Refuses settings that cannot go together.
    pub(super) fn check(&self) -> Result<(), Error> {
        ConfLevel::new(self.conf_level)?;
        if self.vars.is_empty() {
            return Err(usage("no variable", "--vars A,B,C"));
        }
        for (i, name) in self.vars.iter().enumerate() {
            if self.vars[..i].contains(name) {
                return Err(usage(&format!("{name:?} twice in --vars"), "each variable once"));
            }
            if *name == self.by {
                return Err(usage(
                    &format!("{name:?} as --by and in --vars"),
                    "variables other than the one that splits them",
                ));
            }
        }
        let by = &self.by;
        self.check_names("--test", self.tests.keys(), None)?;
        self.check_names("--continuous", self.continuous.iter(), None)?;
        self.check_names("--categorical", self.categorical.iter(), Some(by))?;
        self.check_kinds()?;
        self.check_correlate()
    }

    fn check_names<'a>(
        &self,
        flag: &str,
        names: impl Iterator<Item = &'a String>,
        further: Option<&String>,
    ) -> Result<(), Error> {
        for name in names {
            if !self.vars.contains(name) && further != Some(name) {
                return Err(unknown(&format!("{flag} of a variable"), name, &self.vars));
            }
        }
        Ok(())
    }

    fn check_kinds(&self) -> Result<(), Error> {
        let both = self.continuous.iter().find(|name| self.categorical.contains(name));
        if let Some(name) = both {
            let found = format!("{name:?} in --continuous and in --categorical");
            return Err(usage(&found, "one of both"));
        }
        for (name, test) in &self.tests {
            let clash = if self.continuous.contains(name) && test.is_of_counts() {
                "--continuous"
            } else if self.categorical.contains(name) && test.is_of_numbers() {
                "--categorical"
            } else {
                continue;
            };
            let found = format!("--test {name}={} and {clash} {name}", test.name());
            return Err(usage(&found, "a test of the variable's kind"));
        }
        Ok(())
    }

    fn check_correlate(&self) -> Result<(), Error> {
        if self.correlate.is_none() {
            return Ok(());
        }
        let clashes = [
            ("--test", !self.tests.is_empty()),
            ("--categorical", !self.categorical.is_empty()),
            ("--reference", self.reference.is_some()),
            ("--smd", self.smd),
            ("--ci", self.ci.is_some()),
            ("--overall", self.overall),
        ];
        match clashes.iter().find(|(_, given)| *given) {
            Some((flag, _)) => Err(usage(
                &format!("--correlate and {flag}"),
                "one of both: correlations have no groups",
            )),
            None => Ok(()),
        }
    }
}

pub(super) fn usage(found: &str, expected: &str) -> Error {
    Error::usage(DOING).found(found).expected(expected)
}

/// A usage error of a name that is not among `known`, with the closest.
fn unknown(what: &str, name: &str, known: &[String]) -> Error {
    let hint = closest_name(name, known)
        .map_or_else(String::new, |close| format!(" (did you mean {close:?}?)"));
    usage(&format!("{what} {name:?}"), &format!("one of {}{hint}", known.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> TabulateSettings {
        TabulateSettings {
            by: "arm".into(),
            vars: vec!["age".into(), "ecog".into()],
            ..TabulateSettings::default()
        }
    }

    #[test]
    fn settings_that_cannot_go_together_are_usage_errors() {
        let tested = |name: &str, test| BTreeMap::from([(name.to_owned(), test)]);
        let base = settings;
        let age = || vec!["age".to_owned()];
        let cases = [
            TabulateSettings { vars: Vec::new(), ..base() },
            TabulateSettings { vars: vec!["age".into(), "age".into()], ..base() },
            TabulateSettings { vars: vec!["arm".into()], ..base() },
            TabulateSettings { conf_level: 95.0, ..base() },
            TabulateSettings { tests: tested("agee", TestChoice::T), ..base() },
            TabulateSettings { continuous: vec!["arm".into()], ..base() },
            TabulateSettings { continuous: age(), categorical: age(), ..base() },
            TabulateSettings {
                continuous: age(),
                tests: tested("age", TestChoice::Fisher),
                ..base()
            },
            TabulateSettings { categorical: age(), tests: tested("age", TestChoice::T), ..base() },
            TabulateSettings {
                correlate: Some(CorrelationChoice::Spearman),
                overall: true,
                ..base()
            },
        ];
        for case in cases {
            let error = case.check().expect_err("cannot be right");
            assert!(error.is_usage(), "{error} of {case:?}");
        }
        assert!(settings().check().is_ok(), "the base itself is right");
        let by_may_be_categorical =
            TabulateSettings { categorical: vec!["arm".into()], ..settings() };
        assert!(by_may_be_categorical.check().is_ok(), "the splitting column may be named");
    }

    #[test]
    fn every_test_has_a_name_that_is_read_back() {
        for (name, choice) in TestChoice::NAMES {
            assert_eq!(name.parse::<TestChoice>().expect("a known name"), choice, "{name}");
            assert_eq!(choice.name(), name, "{choice:?}");
        }
        let error = "fischer".parse::<TestChoice>().expect_err("no such test");
        assert!(error.is_usage() && error.to_string().contains("did you mean"), "{error}");
    }
}
