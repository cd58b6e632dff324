//! `survive` where time matters to what is known: landmarks, and markers that change.

use super::survive::{SurviveDocument, SurviveSettings, run_survive};
use crate::report::{LandmarkCounts, MarkerUse};
use crate::survival::{Cohort, Landmark, MarkerRule, MarkerSeries, at_landmark, group_by_marker};
use crate::{Error, Warning};

/// When things are known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timing {
    /// The landmark, in the unit of the follow-up.
    pub landmark: Option<f64>,
    /// A marker measured repeatedly, and how its visits make a covariate.
    pub marker: Option<(MarkerSeries, MarkerRule)>,
}

/// [`run_survive`] on what `timing` makes of `cohort`.
///
/// With a landmark only those still at risk take part, and the marker is what was known by then:
/// the group if a cut makes it 0/1 and there is no other group, a covariate otherwise. Without a
/// landmark the marker is a covariate that changes with time.
///
/// # Errors
/// As [`run_survive`], [`at_landmark`] and [`MarkerSeries::time_dependent`]; a marker none of whose
/// subjects is in the cohort.
pub fn run_survive_in_time(
    cohort: &Cohort,
    timing: &Timing,
    settings: &SurviveSettings,
) -> Result<SurviveDocument, Error> {
    let mut warnings = Vec::new();
    if let Some((series, _)) = &timing.marker {
        warnings.extend(check_subjects(cohort, series)?);
    }
    let (cohort, landmark, marker) = match (timing.landmark, &timing.marker) {
        (Some(time), marker) => {
            let mut landmark = at_landmark(cohort, time)?;
            let n = cohort.n();
            let marker = marker
                .as_ref()
                .map(|(series, rule)| join_at(&mut landmark, cohort, series, *rule, time))
                .transpose()?;
            let counts = LandmarkCounts {
                time,
                n,
                n_events_before: landmark.n_events_before,
                n_censored_before: landmark.n_censored_before,
                n_not_entered: landmark.n_not_entered,
                n_unknown: landmark.n_group_unknown,
            };
            (landmark.cohort, Some(counts), marker)
        }
        (None, Some((series, rule))) => {
            let (cohort, marker) = follow(cohort, series, *rule)?;
            (cohort, None, Some(marker))
        }
        (None, None) => return run_survive(cohort, settings),
    };
    let mut document = run_survive(&cohort, settings)?;
    document.landmark = landmark;
    document.marker = marker;
    document.warnings.splice(0..0, warnings);
    Ok(document)
}

/// Joins what is known of the marker at the landmark; rows of unknown marker leave.
fn join_at(
    landmark: &mut Landmark,
    whole: &Cohort,
    series: &MarkerSeries,
    rule: MarkerRule,
    time: f64,
) -> Result<MarkerUse, Error> {
    let values = series.values_at(&landmark.cohort, time, rule)?;
    let n_used = series.n_visits_at(whole, time);
    let term = rule.name(&series.name);
    let known: Vec<usize> = (0..values.len()).filter(|&row| values[row].is_some()).collect();
    let n_without = values.len() - known.len();
    if known.is_empty() {
        return Err(Error::input("joining the marker at the landmark")
            .found(format!("no visit by {time} of anybody still at risk"))
            .expected("a landmark after the first visits"));
    }
    let mut cohort = landmark.cohort.rows_at(&known);
    let values: Vec<Option<f64>> = known.iter().map(|&row| values[row]).collect();
    let as_group = rule.from.is_some() && cohort.group.is_none();
    if as_group {
        group_by_marker(&mut cohort, &term, &values);
    } else {
        cohort.push_number(&term, values);
    }
    landmark.cohort = cohort;
    landmark.n_group_unknown += n_without;
    Ok(MarkerUse {
        term,
        used_as: if as_group { "group" } else { "covariate" }.to_owned(),
        carry: rule.carry.name().to_owned(),
        from: rule.from,
        n_visits: series.n_visits(),
        n_visits_used: n_used,
        n_visits_late: series.n_visits() - n_used,
        n_without_visit: n_without,
    })
}

fn follow(
    cohort: &Cohort,
    series: &MarkerSeries,
    rule: MarkerRule,
) -> Result<(Cohort, MarkerUse), Error> {
    let followed = series.time_dependent(cohort, rule)?;
    let marker = MarkerUse {
        term: rule.name(&series.name),
        used_as: "time_dependent".to_owned(),
        carry: rule.carry.name().to_owned(),
        from: rule.from,
        n_visits: series.n_visits(),
        n_visits_used: followed.n_visits_used,
        n_visits_late: followed.n_visits_after,
        n_without_visit: followed.n_without_visit,
    };
    Ok((followed.cohort, marker))
}

/// Identifiers that do not meet: none in common is an error, some is a warning.
fn check_subjects(cohort: &Cohort, series: &MarkerSeries) -> Result<Option<Warning>, Error> {
    let known: std::collections::HashSet<&str> =
        cohort.ids.iter().flatten().flatten().map(String::as_str).collect();
    let strangers: Vec<&str> = series.subjects().filter(|id| !known.contains(id)).collect();
    let n = series.subjects().count();
    if cohort.ids.is_some() && strangers.len() == n {
        return Err(Error::input("joining the marker's visits to the cohort")
            .found(format!("none of {n} subjects in the cohort"))
            .expected("the same identifiers in both tables"));
    }
    Ok((!strangers.is_empty() && cohort.ids.is_some()).then(|| {
        let message = format!(
            "{} of {n} subjects with visits are not in the cohort, {:?} among them",
            strangers.len(),
            strangers[0]
        );
        Warning::new("visits_of_strangers", message)
    }))
}
