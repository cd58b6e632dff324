//! From the columns of a table to the groups and variables of a baseline table.

use std::collections::BTreeMap;

use super::tabulate_settings::{TabulateSettings, TestChoice};
use crate::Error;
use crate::io::table::{ColumnValues, Table, closest_name};
use crate::survival::Factor;

const DOING: &str = "reading the cohort";

/// Number columns split the rows while they have at most this many distinct values: more groups
/// than fit a page are a sign of a measurement.
const MOST_NUMBER_LEVELS: usize = 10;

/// The rows in the table, and what they are split by or correlated with.
pub(super) struct Rows {
    /// Rows of the file with a value of `by`.
    pub(super) rows: Vec<usize>,
    pub(super) by: By,
}

/// The part of the `by` column.
pub(super) enum By {
    Groups { levels: Vec<String>, codes: Vec<usize> },
    Numbers(Vec<f64>),
}

/// A variable over the rows in the table.
pub(super) enum Values {
    Continuous(Vec<Option<f64>>),
    Categorical { levels: Vec<String>, codes: Vec<Option<usize>> },
}

impl Rows {
    pub(super) fn read(table: &Table, settings: &TabulateSettings) -> Result<Self, Error> {
        let column = table.column(&settings.by)?;
        let rows: Vec<usize> =
            (0..table.n_rows()).filter(|&row| table.value(row, column).is_some()).collect();
        if rows.is_empty() {
            return Err(Error::input(DOING)
                .at(format!("{}, column {}", table.source(), settings.by))
                .found(format!("no value in {} rows", table.n_rows()))
                .expected("at least one row with a value"));
        }
        let by = if settings.correlate.is_some() {
            By::Numbers(numbers(table, &rows, column, "a number, as --correlate needs")?)
        } else {
            groups(table, &rows, column, settings)?
        };
        Ok(Self { rows, by })
    }
}

fn groups(
    table: &Table,
    rows: &[usize],
    column: usize,
    settings: &TabulateSettings,
) -> Result<By, Error> {
    let name = &table.columns()[column];
    let factor = match table.values(column)? {
        ColumnValues::Text(_) => factor_of_texts(table, rows, column),
        ColumnValues::Number(_) => {
            let factor = factor_of_numbers(table, rows, column)?;
            if factor.levels.len() > MOST_NUMBER_LEVELS && !settings.categorical.contains(name) {
                return Err(Error::input(DOING)
                    .at(format!("{}, column {name}", table.source()))
                    .found(format!("{} distinct numbers to split by", factor.levels.len()))
                    .expected(format!(
                        "at most {MOST_NUMBER_LEVELS}; --correlate METHOD compares numbers, \
                         --categorical {name} splits by each of them"
                    )));
            }
            factor
        }
    };
    let mut factor = factor;
    if let Some(reference) = &settings.reference {
        put_first(&mut factor, reference, table)?;
    }
    // Rows without a value are not among `rows`.
    let codes = factor.codes.iter().flatten().copied().collect();
    Ok(By::Groups { levels: factor.levels, codes })
}

fn put_first(factor: &mut Factor, reference: &str, table: &Table) -> Result<(), Error> {
    let Some(at) = factor.levels.iter().position(|level| level == reference) else {
        let hint = closest_name(reference, &factor.levels)
            .map_or_else(String::new, |close| format!(" (did you mean {close:?}?)"));
        return Err(Error::input(DOING)
            .at(format!("{}, column {}", table.source(), factor.name))
            .found(format!("no level {reference:?}, which --reference names"))
            .expected(format!("one of {}{hint}", factor.levels.join(", "))));
    };
    factor.levels[..=at].rotate_right(1);
    for code in factor.codes.iter_mut().flatten() {
        match (*code).cmp(&at) {
            std::cmp::Ordering::Less => *code += 1,
            std::cmp::Ordering::Equal => *code = 0,
            std::cmp::Ordering::Greater => {}
        }
    }
    Ok(())
}

/// Reads a variable as what it is shown and tested as.
pub(super) fn read_variable(
    table: &Table,
    rows: &[usize],
    name: &str,
    settings: &TabulateSettings,
) -> Result<Values, Error> {
    let column = table.column(name)?;
    let named = |names: &[String]| names.iter().any(|one| one == name);
    let test = settings.tests.get(name);
    let wants_numbers = settings.correlate.is_some()
        || named(&settings.continuous)
        || test.is_some_and(|test| test.is_of_numbers());
    let wants_levels =
        named(&settings.categorical) || test.is_some_and(|test: &TestChoice| test.is_of_counts());
    let values = match table.values(column)? {
        ColumnValues::Text(_) if wants_numbers => {
            let expected = "a number: the variable was asked for as continuous";
            // The first text among all rows is what made it a column of text.
            let all: Vec<usize> = (0..table.n_rows()).collect();
            return Err(numbers(table, &all, column, expected).err().unwrap_or_else(|| {
                Error::input(DOING).at(table.source()).found("text").expected(expected)
            }));
        }
        ColumnValues::Text(_) => return Ok(categorical(factor_of_texts(table, rows, column))),
        ColumnValues::Number(values) => values,
    };
    let values: Vec<Option<f64>> = rows.iter().map(|&row| values[row]).collect();
    if wants_levels || (!wants_numbers && is_dichotomous(&values)) {
        return Ok(categorical(factor_of_numbers(table, rows, column)?));
    }
    Ok(Values::Continuous(values))
}

fn categorical(factor: Factor) -> Values {
    Values::Categorical { levels: factor.levels, codes: factor.codes }
}

fn is_dichotomous(values: &[Option<f64>]) -> bool {
    let mut present: Vec<f64> = values.iter().flatten().copied().collect();
    present.sort_by(f64::total_cmp);
    present.dedup();
    present.len() == 2
}

/// The numbers of `rows` that have one.
fn numbers(
    table: &Table,
    rows: &[usize],
    column: usize,
    expected: &str,
) -> Result<Vec<f64>, Error> {
    let read = |&row: &usize| table.number(row, column, expected).transpose();
    rows.iter().filter_map(read).collect()
}

fn factor_of_texts(table: &Table, rows: &[usize], column: usize) -> Factor {
    let texts: Vec<Option<&str>> = rows.iter().map(|&row| table.value(row, column)).collect();
    Factor::new(&table.columns()[column], &texts, None)
}

/// Levels are the distinct numbers, named as the first row with each writes it: 1 and 1.0 are one.
fn factor_of_numbers(table: &Table, rows: &[usize], column: usize) -> Result<Factor, Error> {
    let mut names: BTreeMap<u64, &str> = BTreeMap::new();
    let mut texts = Vec::with_capacity(rows.len());
    for &row in rows {
        let number = table.number(row, column, "a finite number")?;
        // Adding zero makes -0 the same as 0.
        let key = number.map(|number| (number + 0.0).to_bits());
        texts.push(key.zip(table.value(row, column)).map(|(key, text)| {
            let name: &str = names.entry(key).or_insert(text);
            name
        }));
    }
    Ok(Factor::new(&table.columns()[column], &texts, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Table {
        Table::parse(text.as_bytes(), "c.csv", DOING).expect("a valid file")
    }

    fn groups_of(text: &str, change: impl Fn(&mut TabulateSettings)) -> Result<Rows, Error> {
        let mut settings =
            TabulateSettings { by: "by".into(), vars: vec!["x".into()], ..Default::default() };
        change(&mut settings);
        Rows::read(&table(text), &settings)
    }

    #[test]
    fn numbers_written_differently_are_one_level_in_the_order_of_numbers() {
        let rows = groups_of("by\n10\n2.0\n2\n-0\n0\n", |_| ()).expect("three groups");
        let By::Groups { levels, codes } = rows.by else { panic!("groups were asked for") };
        assert_eq!(levels, ["-0", "2.0", "10"], "named as first written");
        assert_eq!(codes, [2, 1, 1, 0, 0], "one group a number");
    }

    #[test]
    fn a_reference_moves_to_the_front_and_its_codes_with_it() {
        let rows = groups_of("by\nb\na\nc\nb\n", |s| s.reference = Some("c".into()));
        let By::Groups { levels, codes } = rows.expect("a level").by else {
            panic!("groups were asked for")
        };
        assert_eq!(levels, ["c", "a", "b"], "the others keep their order");
        assert_eq!(codes, [2, 1, 0, 2], "each row keeps its level");
        let error = groups_of("by\nb\na\n", |s| s.reference = Some("A".into()));
        let error = error.err().expect("no such level");
        assert!(error.is_input() && error.to_string().contains("did you mean \"a\""), "{error}");
    }

    #[test]
    fn eleven_numbers_are_no_groups_unless_named_categorical() {
        let text: String = std::iter::once("by\n".to_owned())
            .chain((0..11).map(|number| format!("{number}\n")))
            .collect();
        let error = groups_of(&text, |_| ()).err().expect("a measurement");
        assert!(error.is_input() && error.to_string().contains("11 distinct"), "{error}");
        let split = groups_of(&text, |s| s.categorical = vec!["by".into()]).expect("asked for");
        assert!(matches!(split.by, By::Groups { levels, .. } if levels.len() == 11), "eleven");
    }

    #[test]
    fn two_distinct_numbers_are_a_categorical_variable_unless_tested_as_numbers() {
        let table = table("x\n0\n1\n1.0\nNA\n");
        let kind = |change: &dyn Fn(&mut TabulateSettings)| {
            let mut settings = TabulateSettings::default();
            change(&mut settings);
            match read_variable(&table, &[0, 1, 2, 3], "x", &settings).expect("numbers") {
                Values::Continuous(_) => "continuous".to_owned(),
                Values::Categorical { levels, .. } => levels.join("|"),
            }
        };
        assert_eq!(kind(&|_| ()), "0|1", "dichotomous");
        assert_eq!(kind(&|s| s.continuous = vec!["x".into()]), "continuous", "as asked for");
        assert_eq!(
            kind(&|s| s.tests = BTreeMap::from([("x".to_owned(), TestChoice::Wilcoxon)])),
            "continuous",
            "a rank-sum test is of numbers"
        );
    }
}
