//! The document of `herscope tabulate`: what its JSON holds, in the order printed.

use serde::{Serialize, Serializer};

use crate::Warning;

/// Everything `tabulate` reports. `null` means not available; a field that was not asked for is
/// left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TabulateDocument {
    /// Version of the documents' shape.
    pub schema_version: u32,
    /// `tabulate`.
    pub command: String,
    /// What the reader must know although the results stand.
    pub warnings: Vec<Warning>,
    /// The column that splits the rows, or that the variables are correlated with.
    pub by: String,
    /// `spearman`, `kendall` or `pearson`, where correlations were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlate: Option<String>,
    /// Rows in the table.
    pub n: u64,
    /// Rows left out because they have no value of `by`.
    pub n_dropped: u64,
    /// Level of all intervals.
    pub conf_level: f64,
    /// `clopper-pearson` or `wilson`, where limits of shares were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ci: Option<String>,
    /// `holm` or `bh`, where adjusted p-values were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adjust: Option<String>,
    /// Columns, in order; one, named `all`, beside correlations.
    pub groups: Vec<TabulateGroup>,
    /// Rows, in the order asked for.
    pub variables: Vec<TabulateVariable>,
}

/// One column of a baseline table.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TabulateGroup {
    /// As written in the cohort file.
    pub level: String,
    /// Subjects.
    pub n: u64,
}

/// One variable of a baseline table.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TabulateVariable {
    /// Column.
    pub name: String,
    /// What it is shown and tested as.
    pub kind: VariableKind,
    /// How `statistic` and `p` were found; null where nothing could be tested.
    pub test: Option<&'static str>,
    /// W of the first group against the second, H, chi-squared, t, or of a correlation S, T, z or
    /// t. Fisher's test has none.
    pub statistic: Option<f64>,
    /// Two-sided.
    pub p: Option<f64>,
    /// Over the variables that have a p; null for one without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p_adjusted: Option<Option<f64>>,
    /// Why a number above is null.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<NoResult>,
    /// Degrees of freedom of the statistic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub df: Option<f64>,
    /// How a drawn p was found.
    #[serde(flatten)]
    pub drawn: Option<DrawnTables>,
    /// Correlation with `by`.
    #[serde(flatten)]
    pub correlation: Option<TabulateCorrelation>,
    /// Of Fisher's test of a 2x2 table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub odds_ratio: Option<TabulateOddsRatio>,
    /// First group less second in standard deviations (of shares: its size); null without spread.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standardised_difference: Option<Option<f64>>,
    /// Subjects without a value.
    pub n_missing: u64,
    /// One a group.
    pub summaries: Vec<TabulateSummary>,
    /// All rows together, where asked for; its level is `all`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overall: Option<TabulateSummary>,
}

/// What a variable is shown and tested as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum VariableKind {
    /// By quantiles and moments.
    #[default]
    Continuous,
    /// By counts.
    Categorical,
}

/// Why a variable has no test, no p or no statistic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NoResult {
    /// `--test NAME=none`.
    NotRequested,
    /// `by` has one level.
    SingleGroup,
    /// Nobody has a value.
    NoValues,
    /// Fewer than two groups have values.
    EmptyGroup,
    /// There is one value only.
    AllEqual,
    /// Each group has one value only.
    NoSpread,
    /// A group has fewer than two values.
    TooFewValues,
    /// Fewer than three pairs.
    TooFewPairs,
    /// The exact distribution would take too long.
    TooLargeForExact,
    /// The correlation is -1 or 1, so t is infinite and p is 0.
    PerfectCorrelation,
    /// Out of the range of double precision.
    NotFinite,
}

/// How a drawn p-value was found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct DrawnTables {
    /// Of the draws.
    pub seed: u64,
    /// Tables drawn.
    pub n_tables: u64,
    /// Monte-Carlo standard error of p.
    pub mcse: f64,
}

/// A correlation beside its statistic and p; null where there is none, with the reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct TabulateCorrelation {
    /// rho, tau or r.
    pub estimate: Option<f64>,
    /// `S`, `T`, `z` or `t`, as R's `cor.test` names it.
    pub statistic_name: Option<&'static str>,
    /// `exact`, `edgeworth`, `normal` or `student_t`.
    pub p_method: Option<&'static str>,
}

/// A conditional odds ratio: of the second value, in the second group against the first.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TabulateOddsRatio {
    /// Maximum likelihood; null where infinite.
    pub estimate: Option<f64>,
    /// Exact lower limit.
    pub lower: f64,
    /// Exact upper limit; null where unbounded.
    pub upper: Option<f64>,
}

/// One variable in one group.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TabulateSummary {
    /// Of the grouping column.
    pub level: String,
    /// Subjects with a value.
    pub n: u64,
    /// Subjects without.
    pub n_missing: u64,
    /// What is shown of them.
    #[serde(flatten)]
    pub values: SummaryValues,
}

/// What is shown of a variable in a group.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum SummaryValues {
    /// Of a continuous variable.
    Continuous(Moments),
    /// Of a categorical variable.
    Categorical {
        /// Subjects of each value, in the order of the values.
        counts: OrderedMap<u64>,
        /// Share of each value among `n`, with limits; where asked for.
        #[serde(skip_serializing_if = "Option::is_none")]
        shares: Option<OrderedMap<TabulateShare>>,
    },
}

impl Default for SummaryValues {
    fn default() -> Self {
        Self::Continuous(Moments::default())
    }
}

/// Quantiles (type 7) and moments; null without values, `sd` also for one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Moments {
    /// Median.
    pub median: Option<f64>,
    /// First quartile.
    pub q1: Option<f64>,
    /// Third quartile.
    pub q3: Option<f64>,
    /// Arithmetic mean.
    pub mean: Option<f64>,
    /// Standard deviation with n - 1.
    pub sd: Option<f64>,
    /// Least value.
    pub min: Option<f64>,
    /// Largest value.
    pub max: Option<f64>,
}

/// A share with its limits; null of nobody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct TabulateShare {
    /// Count over `n`, in [0, 1].
    pub share: Option<f64>,
    /// Lower limit.
    pub lower: Option<f64>,
    /// Upper limit.
    pub upper: Option<f64>,
}

/// Names with values, printed as a JSON object in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderedMap<V>(pub Vec<(String, V)>);

impl<V> OrderedMap<V> {
    /// The value of `name`.
    pub fn get(&self, name: &str) -> Option<&V> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }
}

impl<V: Serialize> Serialize for OrderedMap<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}
