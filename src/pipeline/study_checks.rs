//! Published figures beside the computed ones, found by their place in the summary.

use serde::Serialize;
use serde_json::Value;

use super::study_file::{Check, CheckRule, Published};
use crate::Error;
use crate::io::table::closest_name;
use crate::report::number_format::{Rounding, fixed};

/// Printed for a median or limit that was not reached.
const NOT_REACHED: &str = "not reached";

/// Keys by which an entry of a list is named in a place.
const NAMING_KEYS: [&str; 5] = ["name", "level", "timepoint", "kind", "sample_id"];

/// A published figure beside the computed one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CheckResult {
    /// Identifier.
    pub id: String,
    /// The figure in words.
    pub title: String,
    /// Its place in the summary.
    pub quantity: String,
    /// As published; `None` for not reached.
    pub published: Option<f64>,
    /// As computed, unrounded; `None` for not reached or not available.
    pub computed: Option<f64>,
    /// As published, at the printed precision.
    pub published_text: String,
    /// As computed, at the printed precision.
    pub computed_text: String,
    /// Digits after the point.
    pub digits: usize,
    /// How the figure was brought to these digits.
    pub rule: CheckRule,
    /// Whether both are printed alike.
    pub agrees: bool,
}

/// Looks up the figure of `check` in `summary` and compares it at the printed precision.
///
/// # Errors
/// An input error that names the check and the part of its place that is not there, with what is.
pub(crate) fn check_figure(check: &Check, summary: &Value) -> Result<CheckResult, Error> {
    let computed = match find(summary, check)? {
        Value::Null => None,
        Value::Number(number) => number.as_f64(),
        other => {
            let found = match other {
                Value::Object(_) | Value::Array(_) => "a part of the summary with several values",
                _ => "a text",
            };
            return Err(refusal(check, &check.quantity).found(found).expected("a number"));
        }
    };
    let published = match check.published {
        Published::Number(number) => Some(number),
        Published::NotReached(_) => None,
    };
    let rounding = match check.rule {
        CheckRule::Round => Rounding::HalfUp,
        CheckRule::Truncate => Rounding::Truncate,
    };
    let text = |value: Option<f64>, rounding| {
        value.map_or_else(|| NOT_REACHED.to_owned(), |value| fixed(value, check.digits, rounding))
    };
    let published_text = text(published, Rounding::HalfUp);
    let computed_text = text(computed, rounding);
    Ok(CheckResult {
        id: check.id.clone(),
        title: check.title.clone(),
        quantity: check.quantity.clone(),
        agrees: published_text == computed_text,
        published,
        computed,
        published_text,
        computed_text,
        digits: check.digits,
        rule: check.rule,
    })
}

fn refusal(check: &Check, place: &str) -> Error {
    Error::input("reading the study").at(format!("[[check]] {}, quantity {place:?}", check.id))
}

/// Walks the place, part by part: a key of an object, the name or index of a list's entry.
fn find<'a>(summary: &'a Value, check: &Check) -> Result<&'a Value, Error> {
    let mut here = summary;
    for part in check.quantity.split('/') {
        here = step(here, part).ok_or_else(|| {
            let names = names_in(here);
            let hint = closest_name(part, &names)
                .map_or_else(String::new, |close| format!(" (did you mean {close:?}?)"));
            let known = if names.is_empty() {
                "nothing below a single value".to_owned()
            } else {
                format!("one of {}{hint}", names.join(", "))
            };
            refusal(check, &check.quantity).found(format!("no {part:?}")).expected(known)
        })?;
    }
    Ok(here)
}

fn step<'a>(here: &'a Value, part: &str) -> Option<&'a Value> {
    match here {
        Value::Object(map) => map.get(part),
        Value::Array(list) => list
            .iter()
            .find(|entry| name_of(entry) == Some(part))
            .or_else(|| list.get(part.parse::<usize>().ok()?)),
        _ => None,
    }
}

fn name_of(entry: &Value) -> Option<&str> {
    NAMING_KEYS.iter().find_map(|key| entry.get(key)?.as_str())
}

fn names_in(here: &Value) -> Vec<String> {
    match here {
        Value::Object(map) => map.keys().cloned().collect(),
        Value::Array(list) => list
            .iter()
            .enumerate()
            .map(|(index, entry)| name_of(entry).map_or_else(|| index.to_string(), str::to_owned))
            .collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(quantity: &str, published: Published, digits: usize, rule: CheckRule) -> Check {
        Check {
            id: "x".into(),
            title: "x".into(),
            quantity: quantity.into(),
            published,
            digits,
            rule,
        }
    }

    fn summary() -> Value {
        json!({"groupings": [{"name": "ctc", "groups": [{"level": "CTC+", "median": 13.5688, "upper": null}]}]})
    }

    #[test]
    fn a_figure_is_found_by_names_and_compared_as_printed() {
        let place = "groupings/ctc/groups/CTC+/median";
        let one = check(place, Published::Number(13.6), 1, CheckRule::Round);
        assert!(check_figure(&one, &summary()).expect("there").agrees, "13.57 prints as 13.6");
        let cut = check(place, Published::Number(13.6), 1, CheckRule::Truncate);
        let cut = check_figure(&cut, &summary()).expect("there");
        assert_eq!((cut.agrees, cut.computed_text.as_str()), (false, "13.5"), "cut off");
        let open = check(
            "groupings/ctc/groups/CTC+/upper",
            Published::NotReached(super::super::study_file::NotReached::NotReached),
            1,
            CheckRule::Round,
        );
        assert!(check_figure(&open, &summary()).expect("there").agrees, "neither is reached");
    }

    #[test]
    fn a_place_that_is_not_there_is_refused_with_the_closest_one() {
        let wrong =
            check("groupings/ctc/groups/CTC-/median", Published::Number(1.0), 1, CheckRule::Round);
        let text = check_figure(&wrong, &summary()).expect_err("no such level").to_string();
        assert!(text.contains("no \"CTC-\"") && text.contains("CTC+"), "{text}");
        let part = check("groupings/ctc", Published::Number(1.0), 1, CheckRule::Round);
        assert!(check_figure(&part, &summary()).is_err(), "no single number");
    }
}
