//! Scales, ticks and text widths: everything that decides where a figure puts things.

/// Maps a data interval to a pixel interval, linearly or by logarithm.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    domain: (f64, f64),
    pixels: (f64, f64),
    kind: ScaleKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ScaleKind {
    Linear,
    Log,
}

impl Scale {
    /// Linear from `domain` to `pixels`. An empty domain maps to the first pixel.
    pub(crate) fn linear(domain: (f64, f64), pixels: (f64, f64)) -> Self {
        Self { domain, pixels, kind: ScaleKind::Linear }
    }

    /// Logarithmic; both ends of `domain` are > 0.
    pub(crate) fn log(domain: (f64, f64), pixels: (f64, f64)) -> Self {
        Self { domain: (domain.0.ln(), domain.1.ln()), pixels, kind: ScaleKind::Log }
    }

    /// The pixel of `value`, clamped to the ends of the scale; what has no place (a non-positive
    /// value on a log scale, NaN) is at the lower end.
    pub(crate) fn at(self, value: f64) -> f64 {
        let value = match self.kind {
            ScaleKind::Linear => value,
            ScaleKind::Log => value.ln(),
        };
        let span = self.domain.1 - self.domain.0;
        if span.is_nan() || span <= 0.0 || value.is_nan() {
            return self.pixels.0;
        }
        let fraction = ((value - self.domain.0) / span).clamp(0.0, 1.0);
        self.pixels.0 + fraction * (self.pixels.1 - self.pixels.0)
    }
}

/// Steps in which clinicians count, by time unit; each list continues by doubling its last step.
fn preferred_steps(unit: &str) -> &'static [f64] {
    match unit.trim().to_lowercase().as_str() {
        "month" | "months" => &[0.5, 1.0, 2.0, 3.0, 6.0, 12.0, 24.0, 60.0, 120.0],
        "week" | "weeks" => &[1.0, 2.0, 4.0, 8.0, 13.0, 26.0, 52.0, 104.0, 260.0],
        "day" | "days" => &[1.0, 7.0, 14.0, 30.0, 60.0, 90.0, 180.0, 365.0, 730.0, 1825.0],
        _ => &[],
    }
}

/// Ticks from 0 to the first multiple of a round step that is >= `max`, at most `max_count + 1`
/// of them. Months go in 3, 6, 12, ..., days in 30, 90, 180, 365, ..., other units in 1-2-5 steps.
pub(crate) fn time_ticks(max: f64, unit: &str, max_count: usize) -> Vec<f64> {
    let max = if max.is_finite() && max > 0.0 { max } else { 1.0 };
    let max_count = max_count.max(1) as f64;
    let preferred = preferred_steps(unit).iter().copied().find(|step| max / step <= max_count);
    let step = preferred.unwrap_or_else(|| round_step(max / max_count));
    ticks_to(max, step)
}

/// Ticks 0, `step`, 2 `step`, ... up to the first that is >= `max`.
pub(crate) fn ticks_to(max: f64, step: f64) -> Vec<f64> {
    // A multiple of the step may miss `max` by rounding error only; that is not another tick.
    let n_steps = (max / step - 1e-9).ceil().clamp(1.0, 1000.0) as usize;
    (0..=n_steps).map(|index| index as f64 * step).collect()
}

/// The smallest of 1, 2, 5 times a power of ten that is >= `rough`.
pub(crate) fn round_step(rough: f64) -> f64 {
    if !(rough.is_finite() && rough > 0.0) {
        return 1.0;
    }
    let decade = 10_f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|f| f * decade >= rough * (1.0 - 1e-9));
    factor.unwrap_or(10.0) * decade
}

/// Ticks for a log axis that covers `lower..upper` (both > 0): 1-2-5 in each decade, thinned to
/// 1 and 3, then to powers of ten, until at most `max_count` remain.
pub(crate) fn log_ticks(lower: f64, upper: f64, max_count: usize) -> Vec<f64> {
    let decades = lower.log10().floor() as i32..=upper.log10().ceil() as i32;
    let tolerance = 1e-9;
    let within =
        |tick: &f64| *tick >= lower * (1.0 - tolerance) && *tick <= upper * (1.0 + tolerance);
    for mantissas in [&[1.0, 2.0, 5.0][..], &[1.0, 3.0], &[1.0]] {
        let ticks: Vec<f64> = decades
            .clone()
            .flat_map(|decade| mantissas.iter().map(move |m| m * 10_f64.powi(decade)))
            .filter(within)
            .collect();
        if ticks.len() <= max_count {
            return ticks;
        }
    }
    let powers: Vec<f64> = decades.map(|d| 10_f64.powi(d)).filter(within).collect();
    let stride = powers.len().div_ceil(max_count.max(1));
    powers.into_iter().step_by(stride.max(1)).collect()
}

/// Widths of the printable ASCII characters of Helvetica in thousandths of the type size, from
/// space (0x20) to tilde (0x7e).
///
/// # Source
/// Adobe Font Metrics of Helvetica, which Arial and Liberation Sans repeat.
const HELVETICA: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
    611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
    667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500,
    222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];

/// Room for bold type and for fallback faces wider than Helvetica.
const WIDTH_MARGIN: f64 = 1.06;

/// Estimated width in pixels of one line of text at a type size in pixels.
pub(crate) fn text_width(text: &str, size: f64) -> f64 {
    let thousandths: f64 = text.chars().map(character_width).sum();
    thousandths / 1000.0 * size * WIDTH_MARGIN
}

fn character_width(character: char) -> f64 {
    let code = character as u32;
    match code {
        0x20..=0x7e => f64::from(HELVETICA[(code - 0x20) as usize]),
        0x300..=0x36f | 0x200b..=0x200f | 0xfe00..=0xfe0f => 0.0,
        0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff => 1000.0,
        0xfe30..=0xfe4f | 0xff00..=0xff60 | 0x1f300..=0x1faff | 0x20000..=0x3fffd => 1000.0,
        0x2009 | 0x202f => 200.0,
        _ => 620.0,
    }
}

/// `text`, cut with an ellipsis where it would be wider than `max_width`.
pub(crate) fn fit_text(text: &str, size: f64, max_width: f64) -> String {
    if text_width(text, size) <= max_width {
        return text.to_owned();
    }
    let mut fitted = String::new();
    for character in text.chars() {
        fitted.push(character);
        if text_width(&format!("{fitted}…"), size) > max_width {
            fitted.pop();
            break;
        }
    }
    format!("{}…", fitted.trim_end())
}

/// `text` in lines no wider than `max_width`, broken at spaces; a longer word is cut.
pub(crate) fn wrap_text(text: &str, size: f64, max_width: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    // not at the thin spaces between thousands
    for word in text.split([' ', '\n']).filter(|word| !word.is_empty()) {
        let word = fit_text(word, size, max_width);
        match lines.last_mut() {
            Some(line) if text_width(&format!("{line} {word}"), size) <= max_width => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}

/// Moves labels wanted at `wanted` pixels apart to at least `gap`, in order, inside `lower..upper`
/// where there is room; returns a position for each, in the order given.
pub(crate) fn spread(wanted: &[f64], gap: f64, lower: f64, upper: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|&a, &b| wanted[a].total_cmp(&wanted[b]));
    let mut placed = vec![lower; wanted.len()];
    let mut floor = lower;
    for &index in &order {
        placed[index] = wanted[index].max(floor);
        floor = placed[index] + gap;
    }
    let mut ceiling = upper;
    for &index in order.iter().rev() {
        placed[index] = placed[index].min(ceiling);
        ceiling = placed[index] - gap;
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_counted_in_threes_sixes_and_twelves() {
        assert_eq!(time_ticks(40.2, "months", 10), [0., 6., 12., 18., 24., 30., 36., 42.], "40");
        assert_eq!(time_ticks(12.0, "months", 10).last(), Some(&12.0), "no tick beyond the end");
        assert_eq!(time_ticks(7.0, "", 8), [0., 1., 2., 3., 4., 5., 6., 7.], "no unit");
    }

    #[test]
    fn degenerate_axes_still_have_two_ticks() {
        for max in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-9, 1e12] {
            let ticks = time_ticks(max, "months", 8);
            assert!((2..=1001).contains(&ticks.len()), "max {max}: {} ticks", ticks.len());
        }
    }

    #[test]
    fn log_ticks_stay_within_the_axis_and_their_number() {
        assert_eq!(log_ticks(0.1, 10.0, 8), [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0], "two decades");
        for (lower, upper) in [(0.01, 100.0), (1e-9, 1e9), (0.4, 0.6)] {
            assert!(log_ticks(lower, upper, 9).len() <= 9, "{lower} to {upper}");
        }
    }

    #[test]
    fn cut_text_is_never_wider_than_its_place() {
        let text = "HER2-positive circulating tumour cells at baseline";
        for width in [5.0, 30.0, 80.0, 1000.0] {
            let fitted = fit_text(text, 11.0, width);
            assert!(text_width(&fitted, 11.0) <= width.max(text_width("…", 11.0)), "{fitted}");
        }
    }

    #[test]
    fn labels_are_moved_apart_and_keep_their_order() {
        let placed = spread(&[50.0, 51.0, 10.0, 50.5], 12.0, 0.0, 100.0);
        assert_eq!(placed, [50.0, 74.0, 10.0, 62.0], "each 12 pixels below the last");
        let bottom = spread(&[99.0, 98.0], 12.0, 0.0, 100.0);
        assert_eq!(bottom, [100.0, 88.0], "pushed back from the lower edge");
    }

    #[test]
    fn numbers_are_not_wrapped_between_their_thousands() {
        let lines =
            wrap_text("about 20\u{202f}000 times", 10.0, text_width("about 20", 10.0) + 1.0);
        assert_eq!(lines[0], "about", "the number goes to the next line: {lines:?}");
        assert!(lines[1].starts_with("20\u{202f}000"), "whole: {lines:?}");
    }

    #[test]
    fn a_log_scale_places_the_geometric_middle_in_the_middle() {
        let scale = Scale::log((0.1, 10.0), (0.0, 200.0));
        assert!((scale.at(1.0) - 100.0).abs() < 1e-9, "rounding error only");
        assert_eq!(scale.at(0.0), 0.0, "zero is drawn at the lower end");
        assert_eq!(scale.at(1e9), 200.0, "clamped");
    }
}
