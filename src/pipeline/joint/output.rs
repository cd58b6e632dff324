//! `joint` as text and as an output folder.

use super::document::{CoefBlock, HazardBlock, JointDocument, TestBlock};
use crate::Error;
use crate::io::manifest::{Manifest, ManifestFile, json_bytes};
use crate::io::output_folder::OutputFolder;
use crate::io::table_writer::{csv_bytes, field};
use crate::report::number_format::{
    PStyle, level, p_statement, p_value, plural, ratio, ratio_limits, significant,
};
use crate::report::{Align, TextTable};

/// Writes everything a run has to say into `folder`, the manifest last.
///
/// # Errors
/// An output error: the disk refuses.
pub fn write_joint(
    folder: &OutputFolder,
    (document, text): (&JointDocument, &str),
    settings: serde_json::Value,
    inputs: Vec<ManifestFile>,
) -> Result<(), Error> {
    folder.write("joint.json", json_bytes(document)?)?;
    folder.write("joint.txt", text)?;
    folder.write("parameters.csv", parameters_csv(document))?;
    let manifest = Manifest {
        inputs,
        warnings: document.warnings.clone(),
        ..Manifest::of(document.command, settings)
    };
    manifest.write(folder)
}

fn parameters_csv(document: &JointDocument) -> Vec<u8> {
    let rows = document
        .parameters
        .iter()
        .map(|one| vec![one.name.clone(), field(one.estimate), field(one.se)]);
    csv_bytes(&["parameter", "estimate", "se"], rows)
}

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
    text += &format!(
        "\nTimes in {}. {}; {} nodes a random effect.\n{}\n",
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
