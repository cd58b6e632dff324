//! A cohort's group and covariates as the named numeric columns of a regression.

use super::cohort::{Cohort, Covariate, Factor, TermColumn};
use super::cox::CovariateColumn;
use super::numbers::Numbers;
use crate::Warning;

/// The columns of a regression on some rows of a cohort, without an intercept.
#[derive(Clone, Debug, PartialEq)]
pub struct DesignMatrix {
    /// Columns `[n]` in the order of the terms, the group before the covariates, named `COL=LEVEL`
    /// for a factor, `COL` for a number, joined with `:` in an interaction.
    pub columns: Vec<CovariateColumn>,
    /// Levels that no row has, and that therefore have no column.
    pub warnings: Vec<Warning>,
}

/// The design of `cohort` on `rows`, which must be among its
/// [`complete_rows`](Cohort::complete_rows).
///
/// A factor contributes an indicator of each level but the first that occurs in `rows`; a number
/// contributes itself; an interaction `A:B` the products of A's and B's columns. A factor with one
/// level in `rows` contributes nothing.
///
/// # Panics
/// When a row lacks a covariate: `rows` are then not complete rows.
///
/// ```
/// # use herscope::io::{cohort::{CohortRequest, cohort_of}, table::Table};
/// use herscope::survival::design_matrix;
/// # let text = b"time,event,arm,age\n1,1,a,50\n2,0,b,60\n3,1,c,70\n";
/// # let request = CohortRequest {
/// #     time: Some("time".into()),
/// #     event: Some("event".into()),
/// #     group: Some("arm".into()),
/// #     covariates: vec!["age".into(), "arm:age".into()],
/// #     ..CohortRequest::default()
/// # };
/// # let cohort = cohort_of(&Table::parse(text, "c.csv", "reading the cohort")?, &request)?;
/// // Arms a, b, c of patients aged 50, 60, 70; covariates age and arm:age.
/// let design = design_matrix(&cohort, &cohort.complete_rows());
/// let names: Vec<_> = design.columns.iter().map(|column| column.name.as_str()).collect();
/// assert_eq!(names, ["arm=b", "arm=c", "age", "arm=b:age", "arm=c:age"]);
/// assert_eq!(design.columns[3].values, [0.0, 60.0, 0.0]);
/// # Ok::<(), herscope::Error>(())
/// ```
pub fn design_matrix(cohort: &Cohort, rows: &[usize]) -> DesignMatrix {
    let factors = (cohort.group.iter())
        .chain(cohort.covariates.iter().filter_map(Covariate::as_factor))
        .filter_map(|factor| warn_of_absent_levels(factor, rows));
    DesignMatrix { warnings: factors.collect(), columns: columns_of(cohort, rows, cohort, rows) }
}

/// The columns that new subjects have in the regression of `fitted` on `fitted_rows`: the same
/// names in the same order, with the levels that occur there.
///
/// The factors of `subjects` must have the levels of those of `fitted`, in the same order.
///
/// # Panics
/// When a subject lacks a covariate.
pub fn design_of_new_subjects(
    subjects: &Cohort,
    fitted: &Cohort,
    fitted_rows: &[usize],
) -> Vec<CovariateColumn> {
    let all: Vec<usize> = (0..subjects.n()).collect();
    columns_of(subjects, &all, fitted, fitted_rows)
}

/// The columns of `rows` of `cohort`, coded by the levels that occur in `coding_rows` of `coding`.
fn columns_of(
    cohort: &Cohort,
    rows: &[usize],
    coding: &Cohort,
    coding_rows: &[usize],
) -> Vec<CovariateColumn> {
    let coded = |factor: &Factor, coding: &Factor| {
        indicators(factor, rows, &levels_in(coding, coding_rows))
    };
    // Made anew for each term: most columns stand in one, and are too long to keep a second copy.
    let columns_of = |column: &TermColumn| match column {
        TermColumn::Group => match (&cohort.group, &coding.group) {
            (Some(group), Some(coding)) => coded(group, coding),
            _ => Vec::new(),
        },
        TermColumn::Covariate(index) => {
            match (&cohort.covariates[*index], &coding.covariates[*index]) {
                (Covariate::Factor(factor), Covariate::Factor(coding)) => coded(factor, coding),
                (Covariate::Number { name, values }, _) => vec![number_column(name, values, rows)],
                (Covariate::Factor(_), Covariate::Number { .. }) => Vec::new(),
            }
        }
    };
    let mut columns = columns_of(&TermColumn::Group);
    for term in &coding.terms {
        let product = term.iter().map(columns_of).reduce(|product, part| products(&product, &part));
        columns.extend(product.unwrap_or_default());
    }
    columns
}

/// Levels of `factor` that occur in `rows`, as codes in order.
fn levels_in(factor: &Factor, rows: &[usize]) -> Vec<usize> {
    let mut has_row = vec![false; factor.levels.len()];
    for code in rows.iter().filter_map(|&row| factor.codes[row]) {
        has_row[code] = true;
    }
    (0..factor.levels.len()).filter(|&level| has_row[level]).collect()
}

/// Indicators of `levels` but the first.
fn indicators(factor: &Factor, rows: &[usize], levels: &[usize]) -> Vec<CovariateColumn> {
    let indicator = |level: &usize| CovariateColumn {
        name: format!("{}={}", factor.name, factor.levels[*level]),
        values: rows.iter().map(|&row| f64::from(factor.codes[row] == Some(*level))).collect(),
    };
    levels.iter().skip(1).map(indicator).collect()
}

fn number_column(name: &str, values: &Numbers, rows: &[usize]) -> CovariateColumn {
    let value = |&row: &usize| values.get(row).expect("complete rows have every covariate");
    CovariateColumn { name: name.to_owned(), values: rows.iter().map(value).collect() }
}

/// Every column of `left` times every column of `right`, the left one running fastest.
fn products(left: &[CovariateColumn], right: &[CovariateColumn]) -> Vec<CovariateColumn> {
    let product = |a: &CovariateColumn, b: &CovariateColumn| CovariateColumn {
        name: format!("{}:{}", a.name, b.name),
        values: a.values.iter().zip(&b.values).map(|(a, b)| a * b).collect(),
    };
    right.iter().flat_map(|b| left.iter().map(move |a| product(a, b))).collect()
}

fn warn_of_absent_levels(factor: &Factor, rows: &[usize]) -> Option<Warning> {
    let present = levels_in(factor, rows);
    let absent: Vec<&str> = (0..factor.levels.len())
        .filter(|level| present.binary_search(level).is_err())
        .map(|level| factor.levels[level].as_str())
        .collect();
    (!absent.is_empty()).then(|| {
        Warning::new(
            "level_without_rows",
            format!("no row of the regression has {} = {}", factor.name, absent.join(", ")),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::survival::Outcome;

    fn cohort_with(group: Factor, age: Vec<Option<f64>>) -> Cohort {
        let n = age.len();
        let outcome = Outcome::right_censored(vec![1.0; n], vec![true; n]).expect("valid rows");
        Cohort {
            group: Some(group),
            covariates: vec![Covariate::Number {
                name: "age".into(),
                values: age.into_iter().collect(),
            }],
            terms: vec![vec![TermColumn::Covariate(0)]],
            ..Cohort::of_outcome(outcome)
        }
    }

    #[test]
    fn a_level_lost_with_its_incomplete_rows_has_no_column_and_a_warning() {
        let arm = Factor::new("arm", &[Some("a"), Some("b"), Some("c")], None);
        let cohort = cohort_with(arm, vec![None, Some(60.0), Some(70.0)]);
        let design = design_matrix(&cohort, &cohort.complete_rows());
        let names: Vec<_> = design.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["arm=c", "age"], "b is the first level left, so the reference");
        assert_eq!(design.warnings[0].code, "level_without_rows", "{:?}", design.warnings);
    }

    #[test]
    fn a_factor_with_one_level_contributes_no_column() {
        let cohort =
            cohort_with(Factor::new("arm", &[Some("a"); 2], None), vec![Some(1.0), Some(2.0)]);
        let design = design_matrix(&cohort, &[0, 1]);
        assert_eq!(design.columns.len(), 1, "only age");
    }
}
