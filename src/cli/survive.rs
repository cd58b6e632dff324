//! `herscope survive`.

use super::args::{CohortArgs, Shared, SurviveArgs, TiesArg};
use super::exit::ExitCode;
use super::output::{json, print_json, print_result, print_warnings};
use crate::Error;
use crate::io::cohort::{CohortRequest, read_cohort};
use crate::io::output_folder::OutputFolder;
use crate::pipeline::survive::{SurviveDocument, SurviveSettings, run_survive};
use crate::report::number_format::PStyle;
use crate::report::{Analysis, survive_text};
use crate::survival::{ConfLevel, ConfType, Confidence, Ties, TimeTransform};

impl CohortArgs {
    /// The columns asked for.
    pub(super) fn request(&self) -> CohortRequest {
        CohortRequest {
            id: self.id.clone(),
            time: self.time.clone(),
            event: self.event.clone(),
            event_value: self.event_value.clone(),
            entry: self.entry.clone(),
            group: self.group.clone(),
            reference: self.reference.clone(),
            covariates: self.covariates.clone(),
            strata: self.strata.clone(),
            weights: self.weights.clone(),
            cluster: self.cluster.clone(),
            adtte: self.adtte,
        }
    }
}

/// Runs the command.
pub(super) fn survive(args: &SurviveArgs, shared: &Shared) -> Result<ExitCode, Error> {
    let settings = settings(args, shared)?;
    let out = shared.out.as_deref().map(|out| OutputFolder::create(out, shared.force));
    let out = out.transpose()?;
    let cohort = read_cohort(&args.cohort.cohort, &args.cohort.request())?;
    let document = run_survive(&cohort, &settings)?;
    if let Some(out) = out {
        out.write("survive.json", json(&document)?)?;
        out.write("survive.txt", text(&document, args))?;
        out.commit()?;
    }
    print_warnings(&document.warnings);
    if shared.json {
        print_json(&document)?;
    } else {
        print_result(&text(&document, args))?;
    }
    Ok(if args.strict && !is_trustworthy(&document) { ExitCode::Untrusted } else { ExitCode::Done })
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
    };
    Ok(SurviveSettings {
        confidence: Confidence { level, kind },
        ties,
        rho: args.rho,
        rmst_tau: args.rmst,
        zph: args.zph.as_deref().map_or(Ok(TimeTransform::default()), str::parse)?,
        firth: args.firth,
    })
}

/// The document as tables for a person.
fn text(document: &SurviveDocument, args: &SurviveArgs) -> String {
    // The file does not say the unit; the column's name is what a reader knows it by.
    let time_unit = args.cohort.time.clone().unwrap_or_else(|| "AVAL".to_owned());
    let analysis =
        Analysis { survive: document.without_curves(), time_unit, ..Analysis::default() };
    format!(
        "{}\nMedians by Kaplan-Meier with {:.0} % limits on the {} scale, follow-up by reverse Kaplan-Meier, hazard ratios with Wald limits. herscope {}\n",
        survive_text(&analysis, PStyle::default()),
        100.0 * document.conf_level,
        document.conf_type,
        env!("CARGO_PKG_VERSION"),
    )
}
