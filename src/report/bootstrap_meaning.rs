//! What a bootstrap interval means and how stable it is, in two sentences.

use super::bootstrap_tables::statistic_limits;
use super::documents::{BootstrapDocument, BootstrapInterval};
use super::figures::interval_name;
use super::number_format::{Rounding, count, fixed, level, percent};

/// Relative move of a limit by another seed below which it is called settled: invisible at the two
/// significant figures that papers print.
const SETTLED: f64 = 0.005;

/// The interval to trust in words, and how far another seed would move what is resampled; `None`
/// without an interval that has a limit.
pub(crate) fn meaning(document: &BootstrapDocument) -> Option<String> {
    let has_limit = |one: &&BootstrapInterval| one.lower.is_some() || one.upper.is_some();
    let trusted = document.default_interval.as_ref().filter(has_limit);
    let interval = trusted.or_else(|| document.intervals.iter().find(has_limit))?;
    let share = level(document.conf_level);
    let is_resampled = document.intervals.iter().any(|one| one.kind == interval.kind);
    let mut text = format!(
        "{} interval {}: of intervals made this way in repetitions of such a study, about \
         {share} would hold the true {}",
        match interval.kind.as_str() {
            "firth_profile" => "Firth's profile".to_owned(),
            kind => format!("The {}", interval_name(kind)),
        },
        statistic_limits(document, interval.lower, interval.upper),
        document.statistic.replace('-', " "),
    );
    if is_resampled {
        text.push_str(&format!(
            ", as far as resampling {} subjects stands for drawing new ones. ",
            document.n
        ));
        text.push_str(&stability(document, interval));
        return Some(text);
    }
    text.push_str(", and no seed moves it. ");
    let beside = document.intervals.iter().find(has_limit);
    match beside {
        Some(beside) => {
            let name = interval_name(&beside.kind);
            let stability = stability(document, beside).replace("its limits", "the limits");
            text.push_str(&format!("Of the {name} interval beside it: {stability}"));
        }
        None => text.push_str("No bootstrap interval has a limit."),
    }
    Some(text)
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
