//! Tables and sentences for the parts of a survival document that were asked for.

use super::model::Analysis;
use super::number_format::{
    NOT_ESTIMABLE, PStyle, Rounding, fixed, level, p_value, percent, ratio_limits, significant,
    time, time_limits,
};
use super::result_table::ResultTable;
use super::survive_document::Group;

/// Landmark and marker, in sentences.
pub(crate) fn timing_lines(analysis: &Analysis) -> Vec<String> {
    let survive = &analysis.survive;
    let unit = &analysis.time_unit;
    let mut lines = Vec::new();
    if let Some(landmark) = survive.landmark {
        lines.push(format!(
            "Landmark at {} {unit}, times counted from it: {} of {} rows take part; left out {} \
             with an earlier event, {} censored earlier, {} not yet under observation, {} of \
             unknown status.",
            significant(landmark.time, 4),
            survive.n,
            landmark.n,
            landmark.n_events_before,
            landmark.n_censored_before,
            landmark.n_not_entered,
            landmark.n_unknown
        ));
    }
    if let Some(marker) = &survive.marker {
        let used_as = match marker.used_as.as_str() {
            "time_dependent" => "a covariate that changes with time",
            "group" => "the group",
            _ => "a covariate",
        };
        let carry = match marker.carry.as_str() {
            "ever" => "the largest value so far",
            _ => "the last value",
        };
        lines.push(format!(
            "{} is {used_as} ({carry} holds): {} of {} visits used, {} too late; {} rows without \
             a visit in time.",
            marker.term,
            marker.n_visits_used,
            marker.n_visits,
            marker.n_visits_late,
            marker.n_without_visit
        ));
    }
    lines
}

/// Quantiles of each group, the level of each as its heading.
pub(crate) fn quantiles_table(analysis: &Analysis) -> Option<ResultTable> {
    let first = analysis.survive.groups.first()?.quantiles.as_ref()?;
    let headings: Vec<String> = first
        .iter()
        .map(|quantile| {
            let share = percent(quantile.probability, 1, Rounding::HalfUp);
            format!("{} had the event by, {}", share, analysis.time_unit)
        })
        .collect();
    let columns: Vec<&str> =
        ["Group"].into_iter().chain(headings.iter().map(String::as_str)).collect();
    let mut table = ResultTable::new("Quantiles of survival time", &columns);
    for group in &analysis.survive.groups {
        let mut cells = vec![analysis.label(&group.level).to_owned()];
        cells.extend(group.quantiles.iter().flatten().map(|quantile| {
            format!("{} ({})", time(quantile.time), time_limits(quantile.lower, quantile.upper))
        }));
        table.push(cells);
    }
    Some(table)
}

/// Survival at the chosen times, a row a group and time.
pub(crate) fn survival_at_table(analysis: &Analysis) -> Option<ResultTable> {
    analysis.survive.groups.first()?.survival_at.as_ref()?;
    let heading = format!("Survival ({} CI)", level(analysis.survive.conf_level));
    let time_heading = format!("Time, {}#", analysis.time_unit);
    let mut table = ResultTable::new(
        "Survival at chosen times",
        &["Group", time_heading.as_str(), "At risk#", heading.as_str()],
    );
    for group in &analysis.survive.groups {
        for (index, at) in group.survival_at.iter().flatten().enumerate() {
            let share = |value: Option<f64>| {
                value.map_or_else(|| "–".to_owned(), |v| percent(v, 1, Rounding::HalfUp))
            };
            let name = if index == 0 { analysis.label(&group.level) } else { "" };
            let survival = match at.survival {
                None => "after the last follow-up".to_owned(),
                Some(_) => {
                    format!("{} ({} to {})", share(at.survival), share(at.lower), share(at.upper))
                }
            };
            table.push([
                name.to_owned(),
                significant(at.time, 4),
                significant(at.n_at_risk, 6),
                survival,
            ]);
        }
    }
    Some(table)
}

/// The test of each pair of groups.
pub(crate) fn pairwise_table(analysis: &Analysis, style: PStyle) -> Option<ResultTable> {
    let pairs = analysis.survive.pairwise.as_ref()?;
    let headings = ["Groups", "χ²#", "df#", "p#", "p (Holm)#"];
    let mut table = ResultTable::new("Pairs of groups", &headings);
    for pair in pairs {
        let [first, second] = &pair.levels;
        let chisq = pair.chisq.map(|chisq| fixed(chisq, 2, Rounding::HalfUp));
        table.push([
            format!("{} and {}", analysis.label(first), analysis.label(second)),
            chisq.unwrap_or_else(|| NOT_ESTIMABLE.to_owned()),
            pair.df.to_string(),
            p_value(pair.p, style),
            p_value(pair.p_holm, style),
        ]);
    }
    Some(table)
}

/// Profile likelihood limits beside the estimates.
pub(crate) fn profile_table(analysis: &Analysis) -> Option<ResultTable> {
    let cox = analysis.survive.cox.as_ref()?;
    let heading = format!("{} CI by profile likelihood", level(analysis.survive.conf_level));
    let mut table = ResultTable::new("Profile likelihood", &["Term", heading.as_str()]);
    for term in &cox.terms {
        let limits = term.profile?;
        let text = ratio_limits(term.hazard_ratio, limits.lower, limits.upper);
        table.push([analysis.term_label(&term.name), text]);
    }
    Some(table)
}

/// The last value of the cumulative hazard of each group.
pub(crate) fn cumulative_hazard_table(analysis: &Analysis) -> Option<ResultTable> {
    analysis.survive.groups.first()?.cumulative_hazard.as_ref()?;
    let headings = ["Group", "Last time#", "Cumulative hazard (SE)"];
    let mut table = ResultTable::new("Nelson-Aalen estimate", &headings);
    let row = |group: &Group| {
        let last = group.cumulative_hazard.as_ref()?.last()?;
        Some([
            analysis.label(&group.level).to_owned(),
            significant(last.time, 4),
            format!(
                "{} ({})",
                fixed(last.cumulative_hazard, 3, Rounding::HalfUp),
                fixed(last.std_err, 3, Rounding::HalfUp)
            ),
        ])
    };
    analysis.survive.groups.iter().filter_map(row).for_each(|cells| table.push(cells));
    Some(table)
}
