//! What `--fixed` and `--marker` say.

use crate::Error;

const DOING: &str = "reading the terms of the marker";

/// One factor of a fixed effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TermPart {
    /// The time of the visit.
    Time,
    /// A natural spline of the time with this many functions.
    Spline(usize),
    /// A column.
    Column(String),
}

/// A fixed effect: the parts that are multiplied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Term {
    /// As given.
    pub(super) name: String,
    pub(super) parts: Vec<TermPart>,
}

impl Term {
    /// Reads `A`, `A:B` or `ns(TIME,DF)`, where `visit_time` is the column of the time.
    ///
    /// # Errors
    /// A usage error: an empty part; more than one spline, or a spline times the time, in one term.
    pub(super) fn parse(text: &str, visit_time: &str) -> Result<Self, Error> {
        let parts = text.split(':').map(|part| Self::part(part.trim(), visit_time));
        let parts = parts.collect::<Result<Vec<_>, _>>()?;
        let n_splines = parts.iter().filter(|part| matches!(part, TermPart::Spline(_))).count();
        if n_splines > 1 || (n_splines == 1 && parts.contains(&TermPart::Time)) {
            return Err(Error::usage(DOING).found(text).expected("one function of time a term"));
        }
        Ok(Self { name: text.to_owned(), parts })
    }

    fn part(text: &str, visit_time: &str) -> Result<TermPart, Error> {
        if text == visit_time {
            return Ok(TermPart::Time);
        }
        let inside = text.strip_prefix("ns(").and_then(|rest| rest.strip_suffix(')'));
        let Some(inside) = inside else {
            if text.is_empty() {
                return Err(Error::usage(DOING)
                    .found("an empty term")
                    .expected("--fixed A,B,A:B with names of columns"));
            }
            return Ok(TermPart::Column(text.to_owned()));
        };
        let wrong = || {
            Error::usage(DOING)
                .found(text)
                .expected(format!("ns({visit_time},DF) with DF from 2 to 10"))
        };
        let (column, df) = inside.split_once(',').ok_or_else(wrong)?;
        match df.trim().parse() {
            Ok(df @ 2..=10) if column.trim() == visit_time => Ok(TermPart::Spline(df)),
            _ => Err(wrong()),
        }
    }
}

/// The terms of a comma-separated list; the comma inside of `ns(TIME,DF)` separates nothing.
pub(super) fn parse_terms(given: &[String], visit_time: &str) -> Result<Vec<Term>, Error> {
    let mut joined: Vec<String> = Vec::new();
    for piece in given {
        match joined.last_mut() {
            Some(open) if open.matches('(').count() > open.matches(')').count() => {
                open.push(',');
                open.push_str(piece);
            }
            _ => joined.push(piece.clone()),
        }
    }
    joined.iter().map(|text| Term::parse(text.trim(), visit_time)).collect()
}

/// A column and what is made of its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MarkerScale {
    /// As they are.
    Plain,
    /// Natural logarithm.
    Log,
    /// Natural logarithm of 1 + x.
    Log1p,
    /// Square root.
    Sqrt,
}

impl MarkerScale {
    /// Reads `COL`, `log(COL)`, `log1p(COL)` or `sqrt(COL)`.
    pub(super) fn parse(text: &str) -> (&str, Self) {
        for (name, scale) in [("log", Self::Log), ("log1p", Self::Log1p), ("sqrt", Self::Sqrt)] {
            let inside = text.strip_prefix(name).and_then(|rest| rest.strip_prefix('('));
            if let Some(column) = inside.and_then(|inside| inside.strip_suffix(')')) {
                return (column.trim(), scale);
            }
        }
        (text, Self::Plain)
    }

    /// `None` where the number has no such value.
    pub(super) fn of(self, x: f64) -> Option<f64> {
        let value = match self {
            Self::Plain => x,
            Self::Log => x.ln(),
            Self::Log1p => x.ln_1p(),
            Self::Sqrt => x.sqrt(),
        };
        value.is_finite().then_some(value)
    }

    /// What the numbers must be.
    pub(super) fn expected(self) -> &'static str {
        match self {
            Self::Plain => "a finite number",
            Self::Log => "a number above 0, since its logarithm is the marker",
            Self::Log1p => "a number above -1, since the logarithm of 1 + x is the marker",
            Self::Sqrt => "a number from 0, since its root is the marker",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn terms_are_read_with_the_comma_of_a_spline() {
        // as an argument split at its commas arrives
        let terms = parse_terms(&strings(&["month", "her2:month", "ns(month", "3)"]), "month")
            .expect("three terms");
        assert_eq!(terms[0].parts, [TermPart::Time], "{terms:?}");
        assert_eq!(terms[1].parts, [TermPart::Column("her2".into()), TermPart::Time], "{terms:?}");
        assert_eq!(terms[2].parts, [TermPart::Spline(3)], "{terms:?}");
    }

    #[test]
    fn a_spline_of_another_column_or_times_time_is_refused() {
        for text in ["ns(age,3)", "ns(month)", "ns(month,1)", "ns(month,3):month", "month:"] {
            assert!(Term::parse(text, "month").is_err(), "{text}");
        }
    }

    #[test]
    fn markers_are_read_with_their_function() {
        assert_eq!(MarkerScale::parse("log1p(n_ctc)"), ("n_ctc", MarkerScale::Log1p));
        assert_eq!(MarkerScale::parse("log(bili)"), ("bili", MarkerScale::Log));
        assert_eq!(MarkerScale::parse("logit"), ("logit", MarkerScale::Plain));
        assert_eq!(MarkerScale::Log.of(0.0), None, "no logarithm of 0");
    }
}
