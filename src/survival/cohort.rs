//! A cohort ready for analysis: plain columns, no file.

use std::collections::HashMap;

use super::{Numbers, Outcome};
use crate::{Error, Warning};

/// The rows of a study that have what every analysis needs (time, event, and entry, group and
/// weight where asked for), with the further columns that single analyses use.
///
/// All columns have one value a row of `outcome`. Covariates, strata and clusters may be missing
/// in a row; the analysis that uses them takes [`complete_rows`](Self::complete_rows).
#[derive(Clone, Debug, PartialEq)]
pub struct Cohort {
    /// Follow-up of the rows kept.
    pub outcome: Outcome,
    /// The line of the file each row stands on.
    pub lines: Vec<u64>,
    /// Subject identifiers.
    pub ids: Option<Vec<Option<String>>>,
    /// The column that splits curves and tests; no row lacks it.
    pub group: Option<Factor>,
    /// Columns named by the covariate terms, each once.
    pub covariates: Vec<Covariate>,
    /// Covariate terms in the order asked for; more than one column is an interaction.
    pub terms: Vec<Vec<TermColumn>>,
    /// Strata of the baseline hazard and of the log-rank test.
    pub strata: Option<Factor>,
    /// Clusters of correlated rows.
    pub cluster: Option<Factor>,
    /// When the group of each row became known, on the clock of the outcome.
    pub known_at: Option<Vec<Option<f64>>>,
    /// Rows of the file that are not in the cohort, by the column that lacks a value.
    pub dropped: Vec<DroppedRows>,
    /// What reading noticed.
    pub warnings: Vec<Warning>,
}

/// A column of a covariate term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TermColumn {
    /// The group.
    Group,
    /// Index into [`Cohort::covariates`].
    Covariate(usize),
}

/// A categorical column: levels in order, the reference first.
#[derive(Clone, Debug, PartialEq)]
pub struct Factor {
    /// Name of the column.
    pub name: String,
    /// The texts of the levels as in the file.
    pub levels: Vec<String>,
    /// Index into `levels` of each row, `None` where missing.
    pub codes: Vec<Option<usize>>,
}

/// A covariate column.
#[derive(Clone, Debug, PartialEq)]
pub enum Covariate {
    /// Numbers, used as they are.
    Number {
        /// Name of the column.
        name: String,
        /// Value of each row.
        values: Numbers,
    },
    /// Text, used through indicators of its levels but the first.
    Factor(Factor),
}

/// Rows left out because a column has no value there.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct DroppedRows {
    /// The first column asked for that lacks a value.
    pub column: String,
    /// Number of rows.
    pub n: usize,
}

impl Factor {
    /// A factor of `texts`. Levels are sorted, as numbers if all are numbers, else by code point;
    /// `reference`, if it is a level, comes first.
    ///
    /// ```
    /// use herscope::survival::Factor;
    /// let arm = Factor::new("arm", &[Some("b"), Some("a"), None], Some("b"));
    /// assert_eq!(arm.levels, ["b", "a"]);
    /// assert_eq!(arm.codes, [Some(0), Some(1), None]);
    /// ```
    pub fn new<'a>(name: &str, texts: &[Option<&'a str>], reference: Option<&str>) -> Self {
        // Places in order of appearance first: a table may have as many levels as rows.
        let mut place_of: HashMap<&str, usize> = HashMap::new();
        let mut levels: Vec<&str> = Vec::new();
        let mut place = |text: &'a str| {
            *place_of.entry(text).or_insert_with(|| {
                levels.push(text);
                levels.len() - 1
            })
        };
        let places: Vec<Option<usize>> = texts.iter().map(|text| text.map(&mut place)).collect();
        let mut order: Vec<usize> = (0..levels.len()).collect();
        order.sort_unstable_by_key(|&place| levels[place]);
        let numbers: Option<Vec<f64>> = levels.iter().map(|level| level.parse().ok()).collect();
        if let Some(numbers) = numbers
            && numbers.iter().all(|number| number.is_finite())
        {
            order.sort_by(|&a, &b| numbers[a].total_cmp(&numbers[b]));
        }
        if let Some(at) = order.iter().position(|&place| Some(levels[place]) == reference) {
            order[..=at].rotate_right(1);
        }
        let mut code_of = vec![0; order.len()];
        for (code, &place) in order.iter().enumerate() {
            code_of[place] = code;
        }
        Self {
            name: name.to_owned(),
            codes: places.into_iter().map(|place| place.map(|place| code_of[place])).collect(),
            levels: order.iter().map(|&place| levels[place].to_owned()).collect(),
        }
    }

    /// The codes of `rows`, `None` if one of them is missing.
    pub fn codes_of(&self, rows: &[usize]) -> Option<Vec<usize>> {
        rows.iter().map(|&row| self.codes[row]).collect()
    }
}

impl Covariate {
    /// Name of the column.
    pub fn name(&self) -> &str {
        match self {
            Self::Number { name, .. } => name,
            Self::Factor(factor) => &factor.name,
        }
    }

    /// The factor, where the column is one.
    pub fn as_factor(&self) -> Option<&Factor> {
        match self {
            Self::Factor(factor) => Some(factor),
            Self::Number { .. } => None,
        }
    }

    /// True if `row` has a value.
    pub fn has_value(&self, row: usize) -> bool {
        match self {
            Self::Number { values, .. } => values.get(row).is_some(),
            Self::Factor(factor) => factor.codes[row].is_some(),
        }
    }
}

impl Cohort {
    /// Number of rows.
    pub fn n(&self) -> usize {
        self.outcome.len()
    }

    /// A cohort of nothing but follow-up.
    pub fn of_outcome(outcome: Outcome) -> Self {
        Self {
            lines: vec![0; outcome.len()],
            outcome,
            ids: None,
            group: None,
            covariates: Vec::new(),
            terms: Vec::new(),
            strata: None,
            cluster: None,
            known_at: None,
            dropped: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// # Errors
    /// Two rows with one identifier.
    pub(super) fn require_one_row_a_subject(&self, doing: &str) -> Result<(), Error> {
        let mut seen = std::collections::HashSet::new();
        let ids = self.ids.iter().flatten().flatten();
        match ids.into_iter().find(|id| !seen.insert(id.as_str())) {
            None => Ok(()),
            Some(again) => Err(Error::input(doing)
                .at(format!("subject {again}"))
                .found("more than one row")
                .expected("one row a subject")),
        }
    }

    /// Number of rows of the file that are not in the cohort.
    pub fn n_dropped(&self) -> usize {
        self.dropped.iter().map(|dropped| dropped.n).sum()
    }

    /// The rows at `rows`, repeats allowed, with `outcome` for their follow-up.
    ///
    /// # Panics
    /// When an index is not below [`n`](Self::n).
    pub(super) fn with_rows(&self, rows: &[usize], outcome: Outcome) -> Self {
        fn pick<T: Clone>(rows: &[usize], column: &[T]) -> Vec<T> {
            rows.iter().map(|&row| column[row].clone()).collect()
        }
        let factor =
            |factor: &Factor| Factor { codes: pick(rows, &factor.codes), ..factor.clone() };
        let covariate = |covariate: &Covariate| match covariate {
            Covariate::Factor(one) => Covariate::Factor(factor(one)),
            Covariate::Number { name, values } => {
                Covariate::Number { name: name.clone(), values: values.select(rows) }
            }
        };
        Self {
            outcome,
            lines: pick(rows, &self.lines),
            ids: self.ids.as_ref().map(|ids| pick(rows, ids)),
            group: self.group.as_ref().map(factor),
            covariates: self.covariates.iter().map(covariate).collect(),
            terms: self.terms.clone(),
            strata: self.strata.as_ref().map(factor),
            cluster: self.cluster.as_ref().map(factor),
            known_at: self.known_at.as_ref().map(|known| pick(rows, known)),
            dropped: self.dropped.clone(),
            warnings: self.warnings.clone(),
        }
    }

    /// The rows at `rows`, repeats allowed.
    ///
    /// # Panics
    /// When an index is not below [`n`](Self::n).
    pub(crate) fn rows_at(&self, rows: &[usize]) -> Self {
        self.with_rows(rows, self.outcome.select(rows))
    }

    /// Adds a number as the last covariate term.
    pub(crate) fn push_number(&mut self, name: &str, values: Vec<Option<f64>>) {
        let values = values.into_iter().collect();
        self.covariates.push(Covariate::Number { name: name.to_owned(), values });
        self.terms.push(vec![TermColumn::Covariate(self.covariates.len() - 1)]);
    }

    /// The rows a regression can use: covariates, stratum and cluster are all there.
    pub fn complete_rows(&self) -> Vec<usize> {
        (0..self.n()).filter(|&row| self.is_complete(row)).collect()
    }

    /// Whether `row` is one of the [`complete_rows`](Self::complete_rows).
    ///
    /// # Panics
    /// When `row` is not below [`n`](Self::n).
    pub fn is_complete(&self, row: usize) -> bool {
        self.covariates.iter().all(|covariate| covariate.has_value(row))
            && self.has_stratum(row)
            && self.cluster.as_ref().is_none_or(|cluster| cluster.codes[row].is_some())
    }

    /// Whether a stratified test can use `row`: it can use all of them without strata.
    ///
    /// # Panics
    /// As [`is_complete`](Self::is_complete).
    pub fn has_stratum(&self, row: usize) -> bool {
        self.strata.as_ref().is_none_or(|strata| strata.codes[row].is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_that_are_all_numbers_are_sorted_as_numbers() {
        let texts = [Some("10"), Some("9"), Some("-1")];
        assert_eq!(Factor::new("dose", &texts, None).levels, ["-1", "9", "10"], "by value");
        let texts = [Some("10"), Some("9"), Some("x")];
        assert_eq!(Factor::new("dose", &texts, None).levels, ["10", "9", "x"], "by text");
    }
}
