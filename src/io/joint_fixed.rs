//! Fixed effects of the marker: columns of two tables, coded, multiplied, and shaped in time.

use std::collections::HashMap;

use super::joint_tables::{DOING, Visit};
use super::joint_terms::{Term, TermPart};
use super::table::Table;
use crate::Error;
use crate::association::quantile;
use crate::joint::{FixedTerm, NaturalSplines, TimeShape};
use crate::survival::{Cohort, Factor};

/// Where a covariate of the marker stands.
#[derive(Clone, Copy)]
pub(super) enum Place {
    Long(usize),
    Subjects(usize),
}

/// A covariate of the marker.
pub(super) struct Column {
    pub(super) name: String,
    pub(super) place: Place,
}

/// The tables with the visits and subjects that are kept.
pub(super) struct Places<'a> {
    pub(super) long: &'a Table,
    pub(super) subjects: &'a Table,
    pub(super) lines: &'a HashMap<u64, usize>,
    pub(super) cohort: &'a Cohort,
    pub(super) rows: &'a [usize],
    pub(super) ordered: &'a [&'a Visit],
    pub(super) visit_begin: &'a [usize],
}

impl Places<'_> {
    /// Text of a covariate at each visit.
    fn texts(&self, place: Place) -> Vec<&str> {
        let mut texts = Vec::with_capacity(self.ordered.len());
        for (i, &row) in self.rows.iter().enumerate() {
            for visit in &self.ordered[self.visit_begin[i]..self.visit_begin[i + 1]] {
                texts.push(match place {
                    Place::Long(column) => self.long.cell(visit.row, column),
                    Place::Subjects(column) => {
                        self.subjects.cell(self.lines[&self.cohort.lines[row]], column)
                    }
                });
            }
        }
        texts
    }

    /// The value of each subject, if it is the same at all of its visits.
    fn constant(&self, at_visits: &[f64]) -> Option<Vec<f64>> {
        let of_subject = |pair: &[usize]| {
            let own = &at_visits[pair[0]..pair[1]];
            own.iter().all(|value| *value == own[0]).then_some(own[0])
        };
        self.visit_begin.windows(2).map(of_subject).collect()
    }
}

/// Every column that a term names, once.
pub(super) fn columns_of(
    long: &Table,
    subjects: &Table,
    terms: &[Term],
) -> Result<Vec<Column>, Error> {
    let mut columns: Vec<Column> = Vec::new();
    for part in terms.iter().flat_map(|term| &term.parts) {
        let TermPart::Column(name) = part else { continue };
        if columns.iter().any(|column| column.name == *name) {
            continue;
        }
        let place = if long.has_column(name) || !subjects.has_column(name) {
            Place::Long(long.column(name)?)
        } else {
            Place::Subjects(subjects.column(name)?)
        };
        columns.push(Column { name: name.clone(), place });
    }
    Ok(columns)
}

/// The intercept and the terms, factors as indicators.
pub(super) fn fixed_terms(
    terms: &[Term],
    columns: &[Column],
    places: &Places<'_>,
    visit_time: &[f64],
) -> Result<Vec<FixedTerm>, Error> {
    let mut fixed = vec![FixedTerm {
        name: "(Intercept)".into(),
        shape: TimeShape::Power(0),
        at_visits: vec![1.0; visit_time.len()],
        of_subjects: Some(vec![1.0; places.rows.len()]),
    }];
    for term in terms {
        // names and values at visits of the product of the columns
        let mut products: Vec<(Vec<String>, Vec<f64>)> =
            vec![(Vec::new(), vec![1.0; visit_time.len()])];
        for (part, text) in term.parts.iter().zip(term.name.split(':')) {
            let factors = match part {
                TermPart::Column(name) => {
                    let column = columns.iter().find(|column| column.name == *name);
                    coded(name, &places.texts(column.expect("collected before").place))?
                }
                TermPart::Time | TermPart::Spline(_) => {
                    vec![(text.trim().to_owned(), vec![1.0; visit_time.len()])]
                }
            };
            products = (factors.iter())
                .flat_map(|(name, values)| {
                    products.iter().map(move |(names, product)| {
                        let mut names = names.clone();
                        names.push(name.clone());
                        (names, product.iter().zip(values).map(|(a, b)| a * b).collect())
                    })
                })
                .collect();
        }
        for (names, at_visits) in products {
            for (suffix, shape) in shapes(term, visit_time)? {
                fixed.push(FixedTerm {
                    name: format!("{}{suffix}", names.join(":")),
                    shape,
                    of_subjects: places.constant(&at_visits),
                    at_visits: at_visits.clone(),
                });
            }
        }
    }
    Ok(fixed)
}

/// The functions of time in a term, with what their names end in.
fn shapes(term: &Term, visit_time: &[f64]) -> Result<Vec<(String, TimeShape)>, Error> {
    let df = term.parts.iter().find_map(|part| match part {
        TermPart::Spline(df) => Some(*df),
        _ => None,
    });
    let Some(df) = df else {
        let power = term.parts.iter().filter(|part| **part == TermPart::Time).count();
        return Ok(vec![(String::new(), TimeShape::Power(power as u32))]);
    };
    let knots: Vec<f64> =
        (0..=df).filter_map(|k| quantile(visit_time, k as f64 / df as f64)).collect();
    if knots.windows(2).any(|pair| pair[1] <= pair[0]) {
        return Err(Error::input(DOING)
            .found(format!("{} with knots at {knots:?}", term.name))
            .expected("fewer functions: the times of visits are too few for so many knots"));
    }
    let splines = NaturalSplines::new(knots);
    let shape = |function| TimeShape::Natural { splines: splines.clone(), function };
    Ok((0..df).map(|function| ((function + 1).to_string(), shape(function))).collect())
}

/// A column as numbers, or as indicators of its levels but the first.
fn coded(name: &str, texts: &[&str]) -> Result<Vec<(String, Vec<f64>)>, Error> {
    let numbers: Option<Vec<f64>> = texts.iter().map(|text| text.parse().ok()).collect();
    if let Some(numbers) = numbers {
        if let Some(bad) = numbers.iter().find(|number| !number.is_finite()) {
            return Err(Error::input(DOING)
                .at(format!("column {name}"))
                .found(bad.to_string())
                .expected("finite numbers"));
        }
        return Ok(vec![(name.to_owned(), numbers)]);
    }
    let texts: Vec<Option<&str>> = texts.iter().map(|text| Some(*text)).collect();
    let factor = Factor::new(name, &texts, None);
    let indicator = |level: usize| {
        let is_level = |code: &Option<usize>| f64::from(u8::from(*code == Some(level)));
        (format!("{name}={}", factor.levels[level]), factor.codes.iter().map(is_level).collect())
    };
    Ok((1..factor.levels.len()).map(indicator).collect())
}
