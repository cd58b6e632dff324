//! How numbers are printed for people: p-values, ratios with their interval, months, percentages.
//!
//! Raw values stay unrounded in CSV and JSON; only tables, figures and the report pass through
//! here. A value that is not available is `None` and becomes a word, never `NaN`.

use serde::{Deserialize, Serialize};

/// Printed where a number does not exist and no better word is known.
pub const NOT_AVAILABLE: &str = "not available";

/// Printed for a median, or a limit of one, that the curve does not reach.
pub const NOT_REACHED: &str = "Not reached";

/// Printed for a ratio or a limit that the data do not determine.
pub const NOT_ESTIMABLE: &str = "not estimable";

/// Significant decimal digits a value is taken to before it is rounded for print. Binary noise
/// (`0.29 * 100 = 28.999999999999996`) lies beyond the 15th digit, so it disappears; a value
/// would have to lie within 1e-12 (relative) of a rounding boundary to be moved across it.
const CLEAN_DIGITS: i32 = 12;

/// Ratios at or above this are printed as a power of ten: they come from near-monotone
/// likelihoods, where more digits would pretend precision.
const SCIENTIFIC_FROM: f64 = 1e6;

/// What becomes of the digits that are not printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// To nearest, ties away from zero, as a person with a pencil does: 0.125 becomes 0.13.
    #[default]
    HalfUp,
    /// Towards zero: 6.667 becomes 6.6. Some published percentages were made so.
    Truncate,
}

/// How a journal wants its p-values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PStyle {
    /// `0.03`
    #[default]
    LeadingZero,
    /// `.03`
    NoLeadingZero,
}

/// `value` with exactly `decimals` digits after the point. A value that rounds to zero has no
/// sign; a minus is U+2212. Not finite: [`NOT_AVAILABLE`].
///
/// ```
/// use herscope::report::number_format::{fixed, Rounding};
///
/// assert_eq!(fixed(0.125, 2, Rounding::HalfUp), "0.13");
/// assert_eq!(fixed(100.0 * 4.0 / 60.0, 1, Rounding::HalfUp), "6.7");
/// assert_eq!(fixed(100.0 * 4.0 / 60.0, 1, Rounding::Truncate), "6.6");
/// assert_eq!(fixed(-0.001, 2, Rounding::HalfUp), "0.00");
/// ```
pub fn fixed(value: f64, decimals: usize, rounding: Rounding) -> String {
    if !value.is_finite() {
        return NOT_AVAILABLE.to_owned();
    }
    let Some(scaled) = scaled_integer(value.abs(), decimals, rounding) else {
        return format!("{value:.decimals$}").replace('-', "\u{2212}");
    };
    let sign = if value < 0.0 && scaled != 0 { "\u{2212}" } else { "" };
    let digits = format!("{scaled:0width$}", width = decimals + 1);
    let (whole, fraction) = digits.split_at(digits.len() - decimals);
    if decimals == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// `magnitude * 10^decimals` as an integer under `rounding`; `None` where it would not fit.
fn scaled_integer(magnitude: f64, decimals: usize, rounding: Rounding) -> Option<u128> {
    let precision = (CLEAN_DIGITS - 1) as usize;
    let text = format!("{magnitude:.precision$e}");
    let (mantissa, exponent) = text.split_once('e')?;
    let digits: u128 = mantissa.replace('.', "").parse().ok()?;
    let exponent: i32 = exponent.parse().ok()?;
    let shift = exponent - (CLEAN_DIGITS - 1) + i32::try_from(decimals).ok()?;
    if shift >= 0 {
        let factor = 10_u128.checked_pow(shift.unsigned_abs())?;
        return digits.checked_mul(factor);
    }
    let Some(divisor) = 10_u128.checked_pow(shift.unsigned_abs()) else { return Some(0) };
    let half = if rounding == Rounding::HalfUp { divisor / 2 } else { 0 };
    Some((digits + half) / divisor)
}

/// A p-value alone: two decimals from 0.01 up, three from 0.001, `<0.001` below, `>0.99` where
/// two decimals would say one. `None` or outside [0, 1]: [`NOT_AVAILABLE`].
///
/// # Source
/// New England Journal of Medicine, statistical reporting guidelines; the option without the
/// leading zero and `>.99` are the AMA Manual of Style's.
///
/// ```
/// use herscope::report::number_format::{p_value, PStyle};
///
/// assert_eq!(p_value(Some(0.2207), PStyle::LeadingZero), "0.22");
/// assert_eq!(p_value(Some(0.00974), PStyle::LeadingZero), "0.010");
/// assert_eq!(p_value(Some(0.0003), PStyle::NoLeadingZero), "<.001");
/// ```
pub fn p_value(p: Option<f64>, style: PStyle) -> String {
    let Some(p) = p.filter(|p| (0.0..=1.0).contains(p)) else {
        return NOT_AVAILABLE.to_owned();
    };
    let text = if p < 0.001 {
        "<0.001".to_owned()
    } else if p < 0.01 {
        fixed(p, 3, Rounding::HalfUp)
    } else if p >= 0.995 {
        ">0.99".to_owned()
    } else {
        fixed(p, 2, Rounding::HalfUp)
    };
    match style {
        PStyle::LeadingZero => text,
        PStyle::NoLeadingZero => text.replacen("0.", ".", 1),
    }
}

/// A p-value in a sentence: `p = 0.22`, `p < 0.001`, `p not available`.
pub fn p_statement(p: Option<f64>, style: PStyle) -> String {
    let text = p_value(p, style);
    if let Some(bound) = text.strip_prefix('<') {
        format!("p < {bound}")
    } else if let Some(bound) = text.strip_prefix('>') {
        format!("p > {bound}")
    } else if text == NOT_AVAILABLE {
        format!("p {text}")
    } else {
        format!("p = {text}")
    }
}

/// A confidence level as a percentage: 0.95 is `95%`, 0.975 is `97.5%`.
pub fn level(conf_level: f64) -> String {
    let text = fixed(100.0 * conf_level, 2, Rounding::HalfUp);
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

/// Decimals for a ratio: two, or as many as three significant figures need when it is below 0.1.
fn ratio_decimals(estimate: f64) -> usize {
    let magnitude = estimate.abs();
    if magnitude >= 0.1 || magnitude == 0.0 || !magnitude.is_finite() {
        return 2;
    }
    let first_digit = -magnitude.log10().floor();
    (first_digit as usize + 2).min(6)
}

/// One ratio with `decimals`; a positive one that would print as zero is `<0.01`, a huge one a
/// power of ten.
fn ratio_text(value: f64, decimals: usize) -> String {
    if value.abs() >= SCIENTIFIC_FROM {
        return power_of_ten(value);
    }
    let text = fixed(value, decimals, Rounding::HalfUp);
    let is_zero = text.bytes().all(|byte| byte == b'0' || byte == b'.');
    if is_zero && value > 0.0 && decimals > 0 {
        format!("<0.{}1", "0".repeat(decimals - 1))
    } else {
        text
    }
}

/// `1.2×10⁹`.
pub(super) fn power_of_ten(value: f64) -> String {
    let text = format!("{value:.1e}");
    let Some((mantissa, exponent)) = text.split_once('e') else { return text };
    let superscript: String = exponent
        .chars()
        .map(|digit| match digit {
            '-' => '⁻',
            '1' => '¹',
            '2' => '²',
            '3' => '³',
            '4'..='9' => char::from_u32(0x2070 + digit as u32 - '0' as u32).unwrap_or(digit),
            _ => '⁰',
        })
        .collect();
    format!("{mantissa}×10{superscript}")
}

fn finite(value: Option<f64>) -> Option<f64> {
    value.filter(|value| value.is_finite())
}

/// Two limits, `missing` in place of one that is not there: `0.14–1.60`. With a negative limit
/// the mark between them is ` to `, so that no dash is read as a sign.
fn limits(
    lower: Option<f64>,
    upper: Option<f64>,
    missing: &str,
    print: impl Fn(f64) -> String,
) -> String {
    let (lower, upper) = (finite(lower), finite(upper));
    let negative = lower.is_some_and(|v| v < 0.0) || upper.is_some_and(|v| v < 0.0);
    let mark = if negative { " to " } else { "–" };
    let text = |limit: Option<f64>| limit.map_or_else(|| missing.to_owned(), &print);
    format!("{}{mark}{}", text(lower), text(upper))
}

/// A hazard ratio (or other ratio) alone, [`NOT_ESTIMABLE`] where there is none.
pub fn ratio(value: Option<f64>) -> String {
    finite(value)
        .map_or_else(|| NOT_ESTIMABLE.to_owned(), |value| ratio_text(value, ratio_decimals(value)))
}

/// The limits of a ratio with the digits that suit `estimate`: `0.14–1.60`.
pub fn ratio_limits(estimate: Option<f64>, lower: Option<f64>, upper: Option<f64>) -> String {
    if finite(lower).is_none() && finite(upper).is_none() {
        return NOT_ESTIMABLE.to_owned();
    }
    let decimals = finite(estimate).map_or(2, ratio_decimals);
    limits(lower, upper, NOT_ESTIMABLE, |limit| ratio_text(limit, decimals))
}

/// A ratio with its interval, the same digits in all three numbers.
///
/// ```
/// use herscope::report::number_format::ratio_with_interval;
///
/// let text = ratio_with_interval(Some(0.4778), Some(0.1428), Some(1.5991), 0.95);
/// assert_eq!(text, "0.48 (95% CI 0.14–1.60)");
/// ```
pub fn ratio_with_interval(
    estimate: Option<f64>,
    lower: Option<f64>,
    upper: Option<f64>,
    conf_level: f64,
) -> String {
    match finite(estimate) {
        None => NOT_ESTIMABLE.to_owned(),
        Some(_) => format!(
            "{} ({} CI {})",
            ratio(estimate),
            level(conf_level),
            ratio_limits(estimate, lower, upper)
        ),
    }
}

/// A difference or coefficient with its interval at `decimals`: `−0.74 (95% CI −1.95 to 0.47)`.
pub fn difference_with_interval(
    estimate: Option<f64>,
    lower: Option<f64>,
    upper: Option<f64>,
    conf_level: f64,
    decimals: usize,
) -> String {
    let Some(estimate) = finite(estimate) else { return NOT_ESTIMABLE.to_owned() };
    let print = |value: f64| fixed(value, decimals, Rounding::HalfUp);
    format!(
        "{} ({} CI {})",
        print(estimate),
        level(conf_level),
        limits(lower, upper, NOT_ESTIMABLE, print)
    )
}

/// A time to one decimal, [`NOT_REACHED`] where the curve does not come down to it.
pub fn time(value: Option<f64>) -> String {
    finite(value).map_or_else(|| NOT_REACHED.to_owned(), |value| fixed(value, 1, Rounding::HalfUp))
}

/// The limits of a median: `7.5–25.4`, `8.1–not reached`.
pub fn time_limits(lower: Option<f64>, upper: Option<f64>) -> String {
    if finite(lower).is_none() && finite(upper).is_none() {
        return NOT_REACHED.to_lowercase();
    }
    limits(lower, upper, &NOT_REACHED.to_lowercase(), |v| fixed(v, 1, Rounding::HalfUp))
}

/// A median with its interval: `13.6 (95% CI 7.5–25.4)`.
pub fn time_with_interval(
    median: Option<f64>,
    lower: Option<f64>,
    upper: Option<f64>,
    conf_level: f64,
) -> String {
    format!("{} ({} CI {})", time(median), level(conf_level), time_limits(lower, upper))
}

/// A fraction in [0, 1] as a percentage: `percent(0.116667, 1, Rounding::Truncate)` is `11.6%`.
pub fn percent(fraction: f64, decimals: usize, rounding: Rounding) -> String {
    if !fraction.is_finite() {
        return NOT_AVAILABLE.to_owned();
    }
    format!("{}%", fixed(100.0 * fraction, decimals, rounding))
}

/// A share in [0, 1] to a tenth of a percent, halves up.
pub(crate) fn share(fraction: f64) -> String {
    percent(fraction, 1, Rounding::HalfUp)
}

/// A number of things: `1 event`, `28 events`.
///
/// ```
/// use herscope::report::number_format::plural;
/// assert_eq!((plural(1, "event"), plural(2, "event")), ("1 event".into(), "2 events".into()));
/// ```
pub fn plural(n: u64, thing: &str) -> String {
    format!("{} {thing}{}", count(n), if n == 1 { "" } else { "s" })
}

/// A count with its share: `7 of 60 (11.7%)`; of none at all, `0 of 0`.
pub fn count_of(count: u64, total: u64) -> String {
    let text = format!("{} of {}", self::count(count), self::count(total));
    if total == 0 {
        return text;
    }
    let share = percent(count as f64 / total as f64, 1, Rounding::HalfUp);
    format!("{text} ({share})")
}

/// A count with thin-space groups of three from 10 000 up: `10 000`.
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    if digits.len() < 5 {
        return digits;
    }
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    grouped
}

/// A number of `digits` significant figures without trailing zeros, for axis and settings text.
pub fn significant(value: f64, digits: usize) -> String {
    if !value.is_finite() {
        return NOT_AVAILABLE.to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    let decimals = (digits as i32 - 1 - value.abs().log10().floor() as i32).clamp(0, 12) as usize;
    let text = fixed(value, decimals, Rounding::HalfUp);
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p_values_follow_the_journal_rule_at_each_boundary() {
        let cases = [
            (0.0, "<0.001"),
            (0.000_999_9, "<0.001"),
            (0.001, "0.001"),
            (0.001_49, "0.001"),
            (0.009_746_96, "0.010"),
            (0.009_999, "0.010"),
            (0.01, "0.01"),
            (0.049_6, "0.05"),
            (0.220_728, "0.22"),
            (0.406_21, "0.41"),
            (0.994_9, "0.99"),
            (0.995, ">0.99"),
            (1.0, ">0.99"),
        ];
        for (p, expected) in cases {
            assert_eq!(p_value(Some(p), PStyle::LeadingZero), expected, "p = {p}");
        }
    }

    #[test]
    fn p_values_without_leading_zero_keep_their_inequality_sign() {
        let cases = [(0.0004, "<.001"), (0.0042, ".004"), (0.31, ".31"), (0.999, ">.99")];
        for (p, expected) in cases {
            assert_eq!(p_value(Some(p), PStyle::NoLeadingZero), expected, "p = {p}");
        }
    }

    #[test]
    fn a_p_value_that_does_not_exist_is_said_in_words() {
        for p in [None, Some(f64::NAN), Some(-0.1), Some(1.1)] {
            assert_eq!(p_value(p, PStyle::LeadingZero), NOT_AVAILABLE, "p = {p:?}");
        }
        assert_eq!(p_statement(None, PStyle::LeadingZero), "p not available", "in a sentence");
        assert_eq!(p_statement(Some(1e-9), PStyle::LeadingZero), "p < 0.001", "in a sentence");
    }

    #[test]
    fn decimal_ties_go_up_although_the_binary_value_lies_below_them() {
        let cases = [(2.675, 2, "2.68"), (0.285, 2, "0.29"), (1.005, 2, "1.01"), (0.5, 0, "1")];
        for (value, decimals, expected) in cases {
            assert_eq!(fixed(value, decimals, Rounding::HalfUp), expected, "value {value}");
        }
    }

    #[test]
    fn truncation_is_not_fooled_by_binary_noise() {
        assert_eq!(fixed(0.29 * 100.0, 1, Rounding::Truncate), "29.0", "0.29 * 100");
        assert_eq!(fixed(100.0 * 7.0 / 60.0, 1, Rounding::Truncate), "11.6", "7 of 60");
        assert_eq!(fixed(-1.99, 1, Rounding::Truncate), "\u{2212}1.9", "towards zero");
    }

    #[test]
    fn extreme_values_neither_panic_nor_print_nan() {
        assert_eq!(fixed(f64::NAN, 2, Rounding::HalfUp), NOT_AVAILABLE, "NaN");
        assert_eq!(fixed(f64::INFINITY, 2, Rounding::HalfUp), NOT_AVAILABLE, "infinity");
        assert_eq!(fixed(f64::MIN_POSITIVE, 3, Rounding::HalfUp), "0.000", "tiny");
        assert_eq!(fixed(f64::MAX, 1, Rounding::HalfUp).len(), 311, "309 digits, a point, one");
        assert_eq!(fixed(123_456_789.25, 1, Rounding::HalfUp), "123456789.3", "large");
    }

    #[test]
    fn ratios_print_two_decimals_and_three_figures_when_small() {
        let cases = [
            (0.477_788, 0.142_756, 1.599_104, "0.48 (95% CI 0.14–1.60)"),
            (1.373_300, 0.647_741, 2.911_586, "1.37 (95% CI 0.65–2.91)"),
            (0.047_81, 0.001_2, 0.31, "0.0478 (95% CI 0.0012–0.3100)"),
            (0.35, 0.003, 41.2, "0.35 (95% CI <0.01–41.20)"),
            (3.2e8, 0.5, 4.0e17, "3.2×10⁸ (95% CI 0.50–4.0×10¹⁷)"),
        ];
        for (estimate, lower, upper, expected) in cases {
            let text = ratio_with_interval(Some(estimate), Some(lower), Some(upper), 0.95);
            assert_eq!(text, expected, "ratio {estimate}");
        }
    }

    #[test]
    fn a_missing_limit_is_named() {
        assert_eq!(
            ratio_with_interval(Some(0.4), None, Some(1.2), 0.9),
            "0.40 (90% CI not estimable–1.20)",
            "ratio"
        );
        assert_eq!(ratio_with_interval(None, None, None, 0.95), NOT_ESTIMABLE, "nothing");
        assert_eq!(
            time_with_interval(Some(25.264), Some(8.115), None, 0.95),
            "25.3 (95% CI 8.1–not reached)",
            "median"
        );
        assert_eq!(
            time_with_interval(None, Some(8.115), None, 0.95),
            "Not reached (95% CI 8.1–not reached)",
            "median not reached"
        );
    }

    #[test]
    fn a_negative_limit_is_separated_by_a_word() {
        assert_eq!(
            difference_with_interval(Some(-0.7386), Some(-1.9466), Some(0.4694), 0.95, 2),
            "\u{2212}0.74 (95% CI \u{2212}1.95 to 0.47)",
            "log hazard ratio"
        );
    }

    #[test]
    fn counts_shares_and_levels_read_as_in_print() {
        assert_eq!(count_of(7, 60), "7 of 60 (11.7%)", "share");
        assert_eq!(count_of(0, 0), "0 of 0", "no share of nothing");
        assert_eq!(count(9999), "9999", "no group below 10 000");
        assert_eq!(count(10_000), "10\u{202f}000", "thin space");
        assert_eq!(level(0.95), "95%", "whole level");
        assert_eq!(level(0.975), "97.5%", "broken level");
        assert_eq!(significant(0.5, 3), "0.5", "no trailing zeros");
        assert_eq!(significant(4096.0, 3), "4096", "integers are not rounded to figures");
    }
}
