//! The output folder of `joint`.

use super::JointRun;
use super::document::JointDocument;
use crate::Error;
use crate::io::joint_tables::JointTables;
use crate::io::manifest::{Manifest, ManifestFile, json_bytes};
use crate::io::output_folder::OutputFolder;
use crate::io::table_writer::{csv_bytes, field};
use crate::joint::{JointFit, joint_residuals};
use crate::report::{MarkerPath, MarkerPathFigure, marker_path_plot};

/// Writes everything a run has to say into `folder`, the manifest last.
///
/// # Errors
/// An output error: the disk refuses.
pub fn write_joint(
    folder: &OutputFolder,
    (run, text): (&JointRun, &str),
    tables: &JointTables,
    settings: serde_json::Value,
    inputs: Vec<ManifestFile>,
) -> Result<(), Error> {
    let document = &run.document;
    folder.write("joint.json", json_bytes(document)?)?;
    folder.write("joint.txt", text)?;
    folder.write("parameters.csv", parameters_csv(document))?;
    folder.write("random_effects.csv", effects_csv(tables, &run.fit))?;
    if let Some(residuals) = joint_residuals(&run.model, &tables.data, &run.fit)? {
        let visits = (0..tables.ids.len())
            .flat_map(|i| tables.data.visits(i).map(move |visit| (i, visit)))
            .map(|(i, visit)| {
                vec![
                    tables.ids[i].clone(),
                    tables.data.visit_time[visit].to_string(),
                    tables.data.marker[visit].to_string(),
                    residuals.fitted[visit].to_string(),
                    residuals.marker[visit].to_string(),
                ]
            });
        let header = ["id", "visit_time", "marker", "fitted", "pearson_residual"];
        folder.write("marker_residuals.csv", csv_bytes(&header, visits))?;
        let subjects = tables.ids.iter().enumerate().map(|(i, id)| {
            vec![
                id.clone(),
                tables.data.time[i].to_string(),
                u8::from(tables.data.event[i]).to_string(),
                residuals.cox_snell[i].to_string(),
                residuals.martingale[i].to_string(),
            ]
        });
        let header = ["id", "time", "event", "cox_snell_residual", "martingale_residual"];
        folder.write("survival_residuals.csv", csv_bytes(&header, subjects))?;
    }
    if let Some(bootstrap) = &document.bootstrap {
        let names = document.parameters.iter().map(|parameter| parameter.name.clone());
        let header: Vec<String> = std::iter::once("replicate".to_owned()).chain(names).collect();
        let rows = bootstrap.replicates.iter().enumerate().map(|(replicate, estimate)| {
            let number = std::iter::once(replicate.to_string());
            let values = (0..document.parameters.len())
                .map(|k| field(estimate.as_ref().map(|estimate| estimate[k])));
            number.chain(values).collect::<Vec<_>>()
        });
        folder.write("replicates.csv", csv_bytes(&header, rows))?;
    }
    folder.write("figures/marker_paths.svg", marker_path_plot(&figure(document, tables)))?;
    let drew = document.bootstrap.is_some()
        || document.permutation.is_some()
        || document.predictions.is_some();
    let manifest = Manifest {
        seed: drew.then_some(document.seed),
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

/// Empirical-Bayes random effects, empty where there is no fit to take them from.
fn effects_csv(tables: &JointTables, fit: &JointFit) -> Vec<u8> {
    let known = fit.has_estimates();
    let rows = tables.ids.iter().zip(&fit.effects).map(|(id, effects)| {
        let value = |values: &[f64], k: usize| field(values.get(k).filter(|_| known));
        vec![
            id.clone(),
            value(&effects.mean, 0),
            value(&effects.sd, 0),
            value(&effects.mean, 1),
            value(&effects.sd, 1),
        ]
    });
    csv_bytes(&["id", "intercept", "intercept_sd", "slope", "slope_sd"], rows)
}

fn figure(document: &JointDocument, tables: &JointTables) -> MarkerPathFigure {
    let data = &tables.data;
    let subject = |(i, id): (usize, &String)| MarkerPath {
        id: id.clone(),
        event: data.event[i],
        visits: data.visits(i).map(|visit| (data.visit_time[visit], data.marker[visit])).collect(),
    };
    MarkerPathFigure {
        title: format!("{} over visits, by outcome", document.marker),
        x_title: format!("Time since the start of follow-up ({})", document.time_unit),
        y_title: document.marker.clone(),
        subjects: tables.ids.iter().enumerate().map(subject).collect(),
        caption: vec![format!(
            "Measured values, a line a subject. Status of the joint model: {}.",
            document.status
        )],
    }
}
