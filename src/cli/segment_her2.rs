//! Where the HER2 cut-offs of `herscope segment` come from.

use std::path::Path;

use super::args::SegmentArgs;
use crate::Error;
use crate::imaging::{Her2Cutoffs, control_cutoffs};
use crate::io::control_cells::read_control_her2;
use crate::pipeline::segment::Her2Rule;

/// Quantiles of a control that a `control:FILE` without any takes. They are no published choice.
const CONTROL_LEVELS: [f64; 2] = [0.95, 0.99];

/// The rule that the flags ask for.
///
/// # Errors
/// Cut-offs in the wrong order; a source of another form; a control that cannot be read or has too
/// few cells.
pub(super) fn her2_rule(args: &SegmentArgs) -> Result<Her2Rule, Error> {
    let source = match (args.her2_med, args.her2_high, args.her2_from.as_deref()) {
        (Some(med), Some(high), _) => return Ok(Her2Rule::Cutoffs(Her2Cutoffs::new(med, high)?)),
        (_, _, Some(source)) => source,
        _ => return Ok(Her2Rule::Unclassified),
    };
    if let Some((file, levels)) = control(source) {
        let column = if args.her2_measure == "channel" { "her2_mean" } else { "her2_union_mean" };
        let cells = read_control_her2(Path::new(file), column)?;
        return Ok(Her2Rule::Cutoffs(control_cutoffs(&cells, levels)?));
    }
    let level = source.strip_prefix("leukocytes:").and_then(|level| level.parse().ok());
    level.map(Her2Rule::Leukocytes).ok_or_else(|| {
        Error::usage("reading --her2-from")
            .found(format!("{source:?}"))
            .expected("leukocytes:Q with Q between 0 and 1, or control:CELLS.csv[:MED,HIGH]")
    })
}

/// `--her2-from` as used, the quantiles of a control included.
pub(super) fn her2_source(args: &SegmentArgs) -> Option<String> {
    let source = args.her2_from.as_deref()?;
    Some(match control(source) {
        Some((file, [med, high])) => format!("control:{file}:{med},{high}"),
        None => source.to_owned(),
    })
}

/// File and quantiles of `control:CELLS.csv` or `control:CELLS.csv:MED,HIGH`.
fn control(source: &str) -> Option<(&str, [f64; 2])> {
    let rest = source.strip_prefix("control:")?;
    let levels = |text: &str| {
        let (med, high) = text.split_once(',')?;
        Some([med.trim().parse().ok()?, high.trim().parse().ok()?])
    };
    let given = rest.rsplit_once(':').and_then(|(file, text)| Some((file, levels(text)?)));
    Some(given.unwrap_or((rest, CONTROL_LEVELS)))
}
