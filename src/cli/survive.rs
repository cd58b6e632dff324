//! `herscope survive`.

use std::path::PathBuf;

use super::args::{CohortArgs, Shared, SurviveArgs, TiesArg, TimingArgs};
use super::exit::ExitCode;
use super::output::{print_json, print_result, print_warnings};
use crate::io::cohort::{CohortRequest, read_cohort, read_new_subjects};
use crate::io::manifest::ManifestFile;
use crate::io::marker_table::{MarkerRequest, read_marker_series};
use crate::io::output_folder::OutputFolder;
use crate::pipeline::survive::{SurviveDocument, SurviveSettings};
use crate::pipeline::survive_output::write_survive;
use crate::pipeline::survive_timing::{Timing, run_survive_in_time};
use crate::report::number_format::PStyle;
use crate::report::{Analysis, survive_text};
use crate::survival::{
    Carry, Cohort, ConfLevel, ConfType, Confidence, MarkerRule, TieRepair, Ties, TimeTransform,
};
use crate::units::TimeUnit;
use crate::{Error, Warning};

impl CohortArgs {
    /// The columns asked for.
    ///
    /// # Errors
    /// A unit of time that is none.
    pub(super) fn request(&self) -> Result<CohortRequest, Error> {
        Ok(CohortRequest {
            id: self.id.clone(),
            time: self.time.clone(),
            start_date: self.start_date.clone(),
            end_date: self.end_date.clone(),
            time_unit: self.unit()?,
            tie_repair: if self.no_timefix { TieRepair::Keep } else { TieRepair::Merge },
            event: self.event.clone(),
            event_value: self.event_value.clone(),
            entry: self.entry.clone(),
            known_at: None,
            group: self.group.clone(),
            reference: self.reference.clone(),
            covariates: self.covariates.clone(),
            strata: self.strata.clone(),
            weights: self.weights.clone(),
            cluster: self.cluster.clone(),
            adtte: self.adtte,
        })
    }

    fn unit(&self) -> Result<TimeUnit, Error> {
        self.time_unit.parse()
    }
}

/// Runs the command.
pub(super) fn survive(args: &SurviveArgs, shared: &Shared) -> Result<ExitCode, Error> {
    let out = shared.out.as_deref().map(|out| OutputFolder::create(out, shared.force));
    let out = out.transpose()?;
    let request =
        CohortRequest { known_at: args.timing.known_at.clone(), ..args.cohort.request()? };
    let settings = settings(args, shared)?;
    let cohort = read_cohort(&args.cohort.cohort, &request)?;
    let (timing, warnings) = timing(&args.timing, &args.cohort)?;
    let settings = SurviveSettings { new_subjects: new_subjects(args, &cohort)?, ..settings };
    let mut document = run_survive_in_time(&cohort, &timing, &settings)?;
    document.warnings.splice(0..0, warnings);
    print_warnings(&document.warnings);
    let trusted = is_trustworthy(&document);
    let marker_group = document.marker.as_ref().filter(|marker| marker.used_as == "group");
    let group_column = marker_group.map(|marker| marker.term.clone()).or(request.group);
    let analysis = Analysis {
        survive: document,
        time_unit: time_unit(&args.cohort),
        group_column,
        ..Analysis::default()
    };
    if let Some(out) = out {
        let inputs = input_files(args)?;
        write_survive(&out, &analysis, settings_json(args, shared), inputs)?;
        out.commit()?;
    }
    if shared.json {
        print_json(&analysis.survive)?;
    } else {
        print_result(&survive_text(&analysis, PStyle::default()))?;
    }
    Ok(if args.strict && !trusted { ExitCode::Untrusted } else { ExitCode::Done })
}

fn new_subjects(args: &SurviveArgs, cohort: &Cohort) -> Result<Option<Cohort>, Error> {
    let path = args.more.predict.as_deref();
    if path.is_some() && args.timing.long.is_some() {
        return Err(Error::usage("predicting the curves of new subjects")
            .found("--predict beside --long")
            .expected("one of the two: a curve needs covariates that stay as they are"));
    }
    path.map(|path| read_new_subjects(path, cohort)).transpose()
}

fn timing(args: &TimingArgs, cohort: &CohortArgs) -> Result<(Timing, Vec<Warning>), Error> {
    let landmark = args.landmark;
    let (Some(path), Some(id), Some(visit_time), Some(marker)) =
        (&args.long, &cohort.id, &args.visit_time, &args.marker)
    else {
        return Ok((Timing { landmark, marker: None }, Vec::new()));
    };
    let request = MarkerRequest {
        id: id.clone(),
        visit_time: visit_time.clone(),
        visit_unit: args.visit_unit.as_deref().map(str::parse).transpose()?,
        marker: marker.clone(),
    };
    let (series, warnings) = read_marker_series(path, &request, cohort.unit()?)?;
    let carry = if args.marker_carry == "ever" { Carry::Ever } else { Carry::Last };
    let rule = MarkerRule { carry, from: args.marker_from };
    Ok((Timing { landmark, marker: Some((series, rule)) }, warnings))
}

fn is_trustworthy(document: &SurviveDocument) -> bool {
    document.cox.as_ref().is_none_or(|cox| cox.status == "converged")
}

fn settings(args: &SurviveArgs, shared: &Shared) -> Result<SurviveSettings, Error> {
    let level = shared.conf_level.map_or(Ok(ConfLevel::DEFAULT), ConfLevel::new)?;
    let kind: ConfType = args.conf_type.parse()?;
    let ties = match args.ties {
        TiesArg::Efron => Ties::Efron,
        TiesArg::Breslow => Ties::Breslow,
        TiesArg::Exact => Ties::Exact,
    };
    Ok(SurviveSettings {
        confidence: Confidence { level, kind },
        ties,
        rho: args.rho,
        rmst_tau: args.rmst,
        zph: args.zph.as_deref().map_or(Ok(TimeTransform::default()), str::parse)?,
        firth: args.firth,
        quantiles: args.more.quantiles.clone(),
        times: args.more.times.clone(),
        rmst_ratio: args.more.rmst_ratio,
        nelson_aalen: args.more.nelson_aalen,
        pairwise: args.more.pairwise,
        robust: args.more.robust,
        profile: args.more.profile,
        baseline: args.more.baseline,
        residuals: args.more.residuals,
        new_subjects: None,
    })
}

/// Where times come from dates their unit is known; a column's name is what a reader knows it by.
fn time_unit(cohort: &CohortArgs) -> String {
    match &cohort.time {
        None if cohort.start_date.is_some() => cohort.time_unit.clone(),
        None => "AVAL".to_owned(),
        Some(column) => column.clone(),
    }
}

/// Every file read.
fn input_files(args: &SurviveArgs) -> Result<Vec<ManifestFile>, Error> {
    let more = args.timing.long.iter().chain(&args.more.predict);
    ManifestFile::of_inputs(std::iter::once(&args.cohort.cohort).chain(more).map(PathBuf::as_path))
}

/// The settings as used, defaults included.
fn settings_json(args: &SurviveArgs, shared: &Shared) -> serde_json::Value {
    let (cohort, more, timing) = (&args.cohort, &args.more, &args.timing);
    serde_json::json!({
        "cohort": cohort,
        "conf_level": shared.conf_level.unwrap_or(ConfLevel::DEFAULT.get()),
        "conf_type": args.conf_type,
        "ties": args.ties,
        "rho": args.rho,
        "rmst": args.rmst,
        "zph": args.zph.as_deref().unwrap_or(TimeTransform::default().name()),
        "firth": args.firth,
        "options": more,
        "timing": timing,
    })
}
