//! `simulate joint`: a cohort whose joint model is known, as two tables.

use serde::Serialize;

use crate::Error;
use crate::io::manifest::{Manifest, json_bytes, software};
use crate::io::output_folder::OutputFolder;
use crate::io::table_writer::csv_bytes;
use crate::joint::{CohortPlan, Family, JointData, JointTruth};
use crate::numeric::draw::LAYOUT_VERSION;

/// What is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct SimulateJointSettings {
    /// Subjects, visits, follow-up.
    pub plan: CohortPlan,
    /// The model and its parameters.
    pub truth: JointTruth,
    /// Names of the parameters, in their order.
    pub names: Vec<String>,
    /// Seed.
    pub seed: u64,
}

/// What `simulate joint --json` prints.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the command-line page documents the fields by name")]
pub struct SimulateJointDocument {
    pub schema_version: u32,
    pub command: &'static str,
    pub n: usize,
    pub n_events: usize,
    pub n_observations: usize,
    pub seed: u64,
    pub truth: serde_json::Map<String, serde_json::Value>,
    pub draw_layout: u32,
    pub version: String,
}

/// Draws the cohort and writes `visits.csv`, `subjects.csv` and `truth.json` into `folder`.
///
/// # Errors
/// As [`JointTruth::draw`]; an output error.
pub fn simulate_joint(
    folder: &OutputFolder,
    settings: &SimulateJointSettings,
    manifest_settings: serde_json::Value,
) -> Result<SimulateJointDocument, Error> {
    let plan = settings.plan.draw(settings.seed, 0);
    let data = settings.truth.draw(&plan, settings.seed, 0)?;
    folder.write("visits.csv", visits_csv(&data, settings.truth.model.family))?;
    folder.write("subjects.csv", subjects_csv(&data))?;
    let values = settings.truth.parameters.iter().map(|value| serde_json::json!(value));
    let document = SimulateJointDocument {
        schema_version: 1,
        command: "simulate",
        n: data.n_subjects(),
        n_events: data.n_events(),
        n_observations: data.marker.len(),
        seed: settings.seed,
        truth: settings.names.iter().cloned().zip(values).collect(),
        draw_layout: LAYOUT_VERSION,
        version: software(),
    };
    folder.write("truth.json", json_bytes(&document)?)?;
    let manifest =
        Manifest { seed: Some(settings.seed), ..Manifest::of("simulate", manifest_settings) };
    manifest.write(folder)?;
    Ok(document)
}

fn visits_csv(data: &JointData, family: Family) -> Vec<u8> {
    let name = if family == Family::Gaussian { "marker" } else { "ctc" };
    let rows = (0..data.n_subjects()).flat_map(|i| data.visits(i).map(move |visit| (i, visit)));
    let rows = rows.map(|(i, visit)| {
        [(i + 1).to_string(), data.visit_time[visit].to_string(), data.marker[visit].to_string()]
    });
    csv_bytes(&["id", "month", name], rows)
}

fn subjects_csv(data: &JointData) -> Vec<u8> {
    let rows = (0..data.n_subjects()).map(|i| {
        [
            (i + 1).to_string(),
            data.time[i].to_string(),
            u8::from(data.event[i]).to_string(),
            data.covariates[0].values[i].to_string(),
        ]
    });
    csv_bytes(&["id", "time", "event", "her2"], rows)
}
