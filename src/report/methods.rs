//! The methods footnote, generated from the settings the results carry, and the list of what a
//! reader would look for and does not find.

use super::documents::BootstrapDocument;
use super::model::{Analysis, Report};
use super::number_format::{count, level, significant};
use super::survive_document::{Cox, PhTest, SurviveDocument};

/// Sentences on how the figures of one analysis were computed, its bootstraps left out.
pub(crate) fn analysis_methods(analysis: &Analysis) -> Vec<String> {
    let mut sentences = Vec::new();
    survival_sentences(analysis, &mut sentences);
    sentences
}

/// Sentences on how the figures of `report` were computed, without repeats, then the caller's.
pub fn methods_text(report: &Report) -> Vec<String> {
    let mut sentences = Vec::new();
    for analysis in &report.analyses {
        survival_sentences(analysis, &mut sentences);
        for bootstrap in &analysis.bootstraps {
            sentences.push(bootstrap_sentence(&bootstrap.document));
        }
    }
    for model in &report.joint_models {
        sentences.push(format!(
            "Joint model of the marker ({}) and the time to the event ({} baseline hazard), linked \
             through random effects; maximum likelihood with {} quadrature nodes.",
            model.document.longitudinal.family,
            model.document.survival.baseline,
            model.document.nodes
        ));
    }
    if !report.analyses.is_empty() {
        sentences.push(
            "p-values are two-sided and not adjusted for multiple comparisons; they have two \
             decimals from 0.01 up and three below. Figures are rounded half up for print only."
                .to_owned(),
        );
    }
    sentences.extend(report.methods.iter().cloned());
    let mut seen = std::collections::BTreeSet::new();
    sentences.retain(|sentence| seen.insert(sentence.clone()));
    sentences
}

fn survival_sentences(analysis: &Analysis, sentences: &mut Vec<String>) {
    let survive = &analysis.survive;
    sentences.push(format!(
        "Survival curves and medians: Kaplan-Meier, pointwise {} intervals on the {} scale. The \
         median is the first time the curve is at or below one half.",
        level(survive.conf_level),
        conf_type_name(&survive.conf_type)
    ));
    if survive.follow_up.is_some() {
        sentences.push("Follow-up: reverse Kaplan-Meier median.".to_owned());
    }
    if survive.logrank.is_some() {
        sentences.push(format!("Curves were compared with the {}.", logrank_name(survive)));
    }
    if survive.pairwise.is_some() {
        sentences.push(
            "Pairs of groups: the same test of two groups alone, p-values corrected by Holm over \
             all pairs."
                .to_owned(),
        );
    }
    if survive.groups.iter().any(|group| group.cumulative_hazard.is_some()) {
        sentences.push("Cumulative hazard: Nelson-Aalen, standard error by Aalen.".to_owned());
    }
    if let Some(cox) = &survive.cox {
        sentences.push(cox_sentence(cox, survive.conf_level));
    }
    if let Some(test) = &survive.ph_test {
        sentences.push(ph_sentence(test));
    }
    if survive.firth.is_some() {
        sentences.push(
            "Firth hazard ratios maximise the likelihood penalised by the Jeffreys prior; limits \
             and p are by profile penalised likelihood."
                .to_owned(),
        );
    }
    if let Some(difference) = &survive.rmst_difference {
        sentences.push(format!(
            "Restricted mean survival time: area under the curve up to {} {}.",
            significant(difference.tau, 4),
            analysis.time_unit
        ));
    }
}

fn conf_type_name(conf_type: &str) -> &str {
    match conf_type {
        "log-log" => "log(-log)",
        "plain" => "survival (plain)",
        other => other,
    }
}

/// The test by name: `log-rank test`, or the Fleming-Harrington test with its exponent.
pub(crate) fn logrank_name(survive: &SurviveDocument) -> String {
    match survive.logrank.map_or(0.0, |test| test.rho) {
        0.0 => "log-rank test".to_owned(),
        1.0 => "Peto-Peto test (Fleming-Harrington, rho = 1)".to_owned(),
        rho => format!("Fleming-Harrington test (rho = {})", significant(rho, 3)),
    }
}

/// `Efron` from `efron`.
pub(crate) fn capitalised(word: &str) -> String {
    let mut characters = word.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => String::new(),
    }
}

fn cox_sentence(cox: &Cox, conf_level: f64) -> String {
    let ties = match cox.ties.as_str() {
        "exact" => "discrete (exact) partial likelihood for ties".to_owned(),
        ties => format!("{} approximation for ties", capitalised(ties)),
    };
    let robust = cox.terms.iter().any(|term| term.naive_se.is_some());
    let variance = if robust { ", sandwich (robust) standard errors" } else { "" };
    format!(
        "Hazard ratios: Cox proportional-hazards model, {ties}{variance}, Wald {} \
         intervals and p-values.",
        level(conf_level)
    )
}

fn ph_sentence(test: &PhTest) -> String {
    let transform = match test.transform.as_str() {
        "km" => "the Kaplan-Meier transform of time",
        "identity" => "time",
        "rank" => "the rank of time",
        "log" => "log time",
        other => other,
    };
    format!("Proportional hazards: score test of scaled Schoenfeld residuals against {transform}.")
}

fn bootstrap_sentence(document: &BootstrapDocument) -> String {
    let unit = match document.resample.as_str() {
        "case" => "subjects were drawn with replacement",
        "stratified" => "subjects were drawn with replacement within groups",
        "cluster" => "clusters were drawn with replacement",
        "permutation" => {
            return format!(
                "Permutation test: {} shuffles of the groups, counter-based generator with seed {}; \
                 two-sided p = (1 + as extreme) / (1 + estimable shuffles).",
                count(document.replicates.requested),
                document.seed
            );
        }
        _ => "resampling as named in the table",
    };
    format!(
        "Bootstrap: {} replicates, {unit}, counter-based generator with seed {}; quantile \
         limits interpolate order statistics k and k+1 of (R+1)\u{3b1} on the normal-quantile scale.",
        count(document.replicates.requested),
        document.seed
    )
}

/// What `report` does not say, each with the REMARK item that asks for it where there is one; then
/// what the caller found missing. Nothing is filled in.
///
/// # Source
/// REMARK: McShane LM et al., J Natl Cancer Inst 2005;97:1180; item numbers as in Altman DG et
/// al., PLoS Med 2012;9:e1001216.
pub fn missing_information(report: &Report) -> Vec<String> {
    let has_boot = report.analyses.iter().any(|analysis| !analysis.bootstraps.is_empty());
    let any_origin = report.analyses.iter().all(|analysis| analysis.time_origin.is_some());
    let any_plan = report.analyses.iter().all(|analysis| analysis.prespecified.is_some());
    let any_cox =
        report.analyses.iter().all(|a| a.survive.cox.is_none() || a.survive.ph_test.is_some());
    let expected = [
        (report.date.is_some(), "Date of the report."),
        (report.command.is_some(), "Command that made the report."),
        (!report.inputs.is_empty(), "Input files and their digests."),
        (!report.summary.is_empty(), "Description of the study and its patients (REMARK 2)."),
        (report.her2.is_some(), "HER2 assay, scoring and cut-offs (REMARK 5, 11)."),
        (any_origin, "Start of follow-up time for every endpoint (REMARK 7)."),
        (any_cox, "Check of proportional hazards (REMARK 10)."),
        (any_plan, "Whether groupings were fixed in advance (REMARK 11)."),
        (report.flow.is_some(), "Patient flow with exclusions (REMARK 12)."),
        (!report.baselines.is_empty(), "Baseline characteristics by marker (REMARK 13, 14)."),
        (!report.analyses.is_empty(), "Survival by marker (REMARK 15)."),
        (has_boot, "Internal validation or sensitivity analysis (REMARK 18)."),
        (report.cells.is_some(), "Cells on which the marker was measured."),
    ];
    let own = expected.into_iter().filter(|(given, _)| !given).map(|(_, text)| text.to_owned());
    own.chain(report.not_given.iter().cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_report_lists_what_is_missing_and_claims_no_methods() {
        let report = Report::default();
        assert!(methods_text(&report).is_empty(), "nothing was computed");
        let missing = missing_information(&report);
        assert!(missing.iter().any(|line| line.contains("REMARK 15")), "{missing:?}");
    }

    #[test]
    fn equal_settings_of_two_analyses_are_said_once() {
        let survive = SurviveDocument {
            conf_level: 0.95,
            conf_type: "log-log".to_owned(),
            ..SurviveDocument::default()
        };
        let analysis = Analysis { survive, ..Analysis::default() };
        let report = Report { analyses: vec![analysis.clone(), analysis], ..Report::default() };
        let text = methods_text(&report);
        assert_eq!(
            text.iter().filter(|line| line.contains("Kaplan-Meier,")).count(),
            1,
            "{text:?}"
        );
    }
}
