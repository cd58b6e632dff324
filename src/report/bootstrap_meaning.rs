//! What a bootstrap interval means and how stable it is, in two sentences.

use super::bootstrap_tables::statistic_limits;
use super::documents::{BootstrapDocument, BootstrapInterval};
use super::figures::interval_name;
use super::number_format::{Rounding, count, fixed, level, percent};

/// Relative move of a limit by another seed below which it is called settled: invisible at the two
/// significant figures that papers print.
const SETTLED: f64 = 0.005;

/// The interval in words, and how far another seed would move it; `None` without an interval that
/// has a limit.
pub(crate) fn meaning(document: &BootstrapDocument) -> Option<String> {
    let interval = preferred(document)?;
    let share = level(document.conf_level);
    let mut text = format!(
        "The {} interval {}: of intervals made this way in repetitions of such a study, about \
         {share} would hold the true {}, as far as resampling {} subjects stands for drawing new \
         ones.",
        interval_name(&interval.kind),
        statistic_limits(document, interval.lower, interval.upper),
        document.statistic.replace('-', " "),
        document.n,
    );
    text.push(' ');
    text.push_str(&stability(document, interval));
    Some(text)
}

/// BCa if it has a limit, else the first interval that has one.
fn preferred(document: &BootstrapDocument) -> Option<&BootstrapInterval> {
    let has_limit = |one: &&BootstrapInterval| one.lower.is_some() || one.upper.is_some();
    let mut intervals = document.intervals.iter().filter(has_limit);
    let bca = intervals.clone().find(|interval| interval.kind == "bca");
    bca.or_else(|| intervals.next())
}

fn stability(document: &BootstrapDocument, interval: &BootstrapInterval) -> String {
    let errors = [interval.mcse_lower, interval.mcse_upper];
    let Some(largest) = errors.into_iter().flatten().reduce(f64::max) else {
        return "Its Monte-Carlo error is not available.".to_owned();
    };
    let replicates = count(document.replicates.requested);
    if document.statistic != "hazard-ratio" {
        let moved = fixed(largest, 3, Rounding::HalfUp);
        return format!(
            "With {replicates} replicates another seed would move its limits by about {moved}."
        );
    }
    let moved = percent(largest.exp_m1(), 1, Rounding::HalfUp);
    if largest.exp_m1() <= SETTLED {
        format!(
            "With {replicates} replicates it is settled: another seed would move its limits by about {moved}."
        )
    } else {
        format!(
            "With {replicates} replicates another seed would move its limits by about {moved}; \
             four times as many halve that."
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Replicates;

    fn document(mcse: f64) -> BootstrapDocument {
        BootstrapDocument {
            n: 60,
            statistic: "hazard-ratio".into(),
            conf_level: 0.95,
            replicates: Replicates { requested: 100_000, ..Replicates::default() },
            intervals: vec![BootstrapInterval {
                kind: "percentile".into(),
                lower: Some(0.2),
                upper: Some(1.5),
                mcse_lower: Some(mcse),
                mcse_upper: Some(mcse / 2.0),
                ..BootstrapInterval::default()
            }],
            ..BootstrapDocument::default()
        }
    }

    #[test]
    fn two_sentences_name_interval_level_and_stability() {
        let text = meaning(&document(0.02)).expect("an interval");
        for part in ["Percentile interval", "about 95%", "60 subjects", "about 2.0%", "four times"]
        {
            assert!(text.contains(part), "{part:?} in {text}");
        }
        assert!(meaning(&document(0.001)).expect("an interval").contains("settled"), "small error");
        assert_eq!(meaning(&BootstrapDocument::default()), None, "nothing to explain");
    }
}
