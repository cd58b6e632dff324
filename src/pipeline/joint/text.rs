//! `joint` as text.

use super::document::{CoefBlock, HazardBlock, JointDocument, TestBlock};
use super::resampling::{JointBootstrap, JointPermutation};
use crate::report::number_format::{
    PStyle, count, level, p_statement, p_value, plural, ratio, ratio_limits, significant,
};
use crate::report::{Align, TextTable};

/// The document for a person.
pub fn joint_text(document: &JointDocument) -> String {
    let mut text = format!(
        "Joint model of {} and the event: {}, {}, {}.\n",
        document.marker,
        plural(document.n as u64, "subject"),
        plural(document.n_events as u64, "event"),
        plural(document.n_observations as u64, "visit"),
    );
    text += &format!("Status: {}: {}.\n", document.status, document.status_reason);
    if let (Some(l), Some(aic), Some(bic)) = (document.log_likelihood, document.aic, document.bic) {
        text += &format!(
            "Log likelihood {l:.3} ({} parameters), AIC {aic:.1}, BIC {bic:.1}.\n",
            document.n_parameters
        );
    }
    let limits = format!("{} CI", level(document.conf_level));
    text += &marker_table(document, &limits);
    text += &hazard_table(document, &limits);
    text += &tests_table(document);
    text += &format!("\n{}\n", document.association_tests.note);
    text += &profile_text(document, &limits);
    text += &document.permutation.map_or(String::new(), permutation_text);
    text += &document.bootstrap.as_ref().map_or(String::new(), |one| bootstrap_text(one, &limits));
    text += &prediction_text(document, &limits);
    text += &comparison_text(document);
    text += &format!(
        "\nTimes in {}. Method: {}; {} nodes a random effect.\n{}\n",
        document.time_unit, document.method, document.nodes, document.version
    );
    text
}

fn marker_table(document: &JointDocument, limits: &str) -> String {
    let marker = &document.longitudinal;
    let mut table = TextTable::new([
        ("Marker", Align::Left),
        ("coef", Align::Right),
        ("SE", Align::Right),
        (limits, Align::Right),
        ("p", Align::Right),
    ]);
    for CoefBlock { name, coef, se, p, lower, upper, .. } in &marker.terms {
        table.row([
            name.clone(),
            number(*coef),
            number(*se),
            interval(*lower, *upper),
            p_value(*p, PStyle::default()),
        ]);
    }
    let sd = &marker.random_effects.sd;
    table.note(format!(
        "{} marker, {} link. SD of the random intercept {}{}{}{}.",
        marker.family,
        marker.link,
        number(sd.intercept),
        sd.slope.map_or(String::new(), |slope| format!(
            ", of the random slope {}, correlation {}",
            significant(slope, 4),
            number(marker.random_effects.correlation)
        )),
        marker
            .residual_sd
            .map_or(String::new(), |sd| format!("; residual SD {}", significant(sd, 4))),
        marker.dispersion.map_or(String::new(), |dispersion| format!(
            "; dispersion {} (variance = mean + mean^2 / dispersion)",
            significant(dispersion, 4)
        )),
    ));
    format!("\n{}", table.render())
}

fn hazard_table(document: &JointDocument, limits: &str) -> String {
    let hazard = &document.survival;
    let mut table = TextTable::new([
        ("Hazard", Align::Left),
        ("coef", Align::Right),
        ("SE", Align::Right),
        ("hazard ratio", Align::Right),
        (limits, Align::Right),
        ("p", Align::Right),
    ]);
    let mut row = |name: String, one: &HazardBlock| {
        table.row([
            name,
            number(one.coef),
            number(one.se),
            ratio(one.hazard_ratio),
            ratio_limits(one.hazard_ratio, one.lower, one.upper),
            p_value(one.p, PStyle::default()),
        ]);
    };
    for one in &hazard.terms {
        row(one.name.clone(), one);
    }
    for one in &hazard.association {
        row(format!("association: {}", one.name), one);
    }
    let baseline: Vec<String> = (hazard.baseline_parameters.iter())
        .map(|(name, value)| format!("{name} {}", number(value["estimate"].as_f64())))
        .collect();
    table.note(format!("Baseline {}: {}.", hazard.baseline, baseline.join(", ")));
    format!("\n{}", table.render())
}

fn tests_table(document: &JointDocument) -> String {
    let tests = &document.association_tests;
    let line = |name: &str, test: Option<TestBlock>| match test {
        Some(TestBlock { chisq, df, p }) => format!(
            "  {name:<18} chi-squared {} on {df}, {}\n",
            significant(chisq, 4),
            p_statement(Some(p), PStyle::LeadingZero)
        ),
        None => format!("  {name:<18} not available\n"),
    };
    format!(
        "\nNo association:\n{}{}{}",
        line("Wald", tests.wald),
        line("likelihood ratio", tests.likelihood_ratio),
        line("score", tests.score)
    )
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "n/a".to_owned(), |value| significant(value, 4))
}

fn interval(lower: Option<f64>, upper: Option<f64>) -> String {
    match (lower, upper) {
        (Some(lower), Some(upper)) => {
            format!("{} to {}", significant(lower, 4), significant(upper, 4))
        }
        _ => "n/a".to_owned(),
    }
}

fn profile_text(document: &JointDocument, limits: &str) -> String {
    let line = |one: &super::extras::ProfileBlock| {
        let note = one.note.as_ref().map_or(String::new(), |note| format!(" ({note})"));
        let limit =
            |value: Option<f64>| value.map_or_else(|| "none".to_owned(), |v| significant(v, 4));
        format!(
            "Profile likelihood, {limits} of {}: {} to {}{note}.\n",
            one.name,
            limit(one.lower),
            limit(one.upper)
        )
    };
    document.profile.iter().flatten().map(line).collect()
}

fn permutation_text(one: JointPermutation) -> String {
    format!(
        "Permutation test of the association: {} ({} exchanges of markers between subjects, seed {}).\n",
        p_statement(Some(one.p), PStyle::LeadingZero),
        count(one.permutations),
        one.seed
    )
}

fn bootstrap_text(bootstrap: &JointBootstrap, limits: &str) -> String {
    let how = match bootstrap.resample {
        super::JointResample::Case => "subjects with their visits",
        super::JointResample::Parametric => "cohorts drawn from the fit",
    };
    let mut table = TextTable::new([
        ("Bootstrap", Align::Left),
        ("median", Align::Right),
        ("SE", Align::Right),
        (limits, Align::Right),
    ]);
    for one in &bootstrap.parameters {
        table.row([
            one.name.clone(),
            number(one.median),
            number(one.std_err),
            interval(one.lower, one.upper),
        ]);
    }
    let lost: Vec<String> =
        bootstrap.inestimable.iter().map(|(reason, n)| format!("{n} {reason}")).collect();
    table.note(format!(
        "{} of {} replicates of {how} estimable{}{}; percentile limits; seed {}.",
        count(bootstrap.estimable as u64),
        count(bootstrap.requested as u64),
        if lost.is_empty() { "" } else { "; left out: " },
        lost.join(", "),
        bootstrap.seed
    ));
    format!("\n{}", table.render())
}

fn prediction_text(document: &JointDocument, limits: &str) -> String {
    let mut text = String::new();
    for one in document.predictions.iter().flatten() {
        text += &format!(
            "\nSubject {}, {} up to {}: survival beyond it\n",
            one.id,
            plural(one.n_visits_used as u64, "visit"),
            significant(one.landmark, 4)
        );
        for row in &one.survival {
            text += &format!(
                "  to {:<8} {} ({limits} {})\n",
                significant(row.time, 4),
                significant(row.survival, 3),
                interval(row.lower, row.upper)
            );
        }
    }
    text
}

fn comparison_text(document: &JointDocument) -> String {
    let comparison = &document.comparison;
    let term = |one: &super::ComparedTerm| {
        format!(
            "{} (SE {}, {})",
            significant(one.coef, 4),
            significant(one.se, 4),
            p_statement(Some(one.p), PStyle::LeadingZero)
        )
    };
    let stages = comparison.two_stage.as_ref().map_or_else(
        || "not available".to_owned(),
        |terms| terms.iter().map(term).collect::<Vec<_>>().join("; "),
    );
    let cox = comparison.time_dependent_cox.as_ref().map_or("not available".to_owned(), term);
    format!(
        "\nThe same association in two stages: {stages}; in a Cox model, a unit of the last measured marker: {cox}.\n{}\n",
        comparison.note
    )
}
