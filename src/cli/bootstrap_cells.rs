//! `herscope bootstrap --propagate cells`: the cells behind a group.

use std::path::PathBuf;

use clap::Args;

use super::args::BootstrapArgs;
use crate::Error;
use crate::imaging::PatientRule;
use crate::io::cells_of_patients::{CellColumns, read_cells_of_patients};
use crate::io::table::Table;
use crate::pipeline::bootstrap::PropagationRequest;

const DOING: &str = "reading --propagate";

/// Flags of `--propagate cells`.
#[derive(Debug, Args)]
pub(crate) struct PropagateArgs {
    /// cells: repeat the run with the cells that made the group drawn too, and give both intervals
    #[arg(long, value_parser = ["cells"], requires_all = ["cells", "her2_high"])]
    pub(crate) propagate: Option<String>,
    /// Table of the cells of the patients, such as the cells.csv of a study
    #[arg(long, value_name = "CELLS.csv", requires = "propagate")]
    pub(crate) cells: Option<PathBuf>,
    /// When a patient is positive: her2-high>=K, any_high_of_five, half_positive, most_positive
    #[arg(long, value_name = "RULE", default_value = "her2-high>=1")]
    pub(crate) cell_rule: String,
    /// HER2 intensity from which a cell is high
    #[arg(long, value_name = "X", requires = "propagate")]
    pub(crate) her2_high: Option<f64>,
    /// Time points whose cells count [all]
    #[arg(long, value_name = "T1,T2", value_delimiter = ',', requires = "propagate")]
    pub(crate) timepoint: Vec<String>,
    /// Column of the patient in the table of cells
    #[arg(long, value_name = "COL", default_value = "patient_id")]
    pub(crate) cells_id: String,
    /// Column of the time point in the table of cells
    #[arg(long, value_name = "COL", default_value = "timepoint")]
    pub(crate) cells_timepoint: String,
    /// Column of the HER2 intensity in the table of cells
    #[arg(long, value_name = "COL", default_value = "her2_mean")]
    pub(crate) cells_her2: String,
    /// Column of its standard error [her2_mean_std_err, where there is one]
    #[arg(long, value_name = "COL", requires = "propagate")]
    pub(crate) cells_std_err: Option<String>,
}

/// Column of standard errors in the tables that herscope writes.
const STD_ERR: &str = "her2_mean_std_err";

/// The cells asked for; `None` without `--propagate`.
///
/// # Errors
/// What does not go with it; a rule that is no yes or no by high cells; a table that cannot be read.
pub(super) fn propagation(args: &BootstrapArgs) -> Result<Option<PropagationRequest>, Error> {
    let flags = &args.propagate;
    let (Some(_), Some(path), Some(her2_high)) = (&flags.propagate, &flags.cells, flags.her2_high)
    else {
        return Ok(None);
    };
    let usage = |found: &str, right: &str| {
        Err(Error::usage(DOING).found(found.to_owned()).expected(right.to_owned()))
    };
    let beside = [
        ("--range", args.range.is_some()),
        ("--replicates-out", args.replicates_out.is_some()),
        ("--firth", args.firth),
        ("--statistic", args.statistic != super::args::StatisticArg::HazardRatio),
    ];
    if let Some((flag, _)) = beside.into_iter().find(|(_, is_given)| *is_given) {
        return usage(
            &format!("{flag} beside --propagate cells"),
            "one of them: cells are drawn for the hazard ratio of one group, in one whole run",
        );
    }
    if !her2_high.is_finite() {
        return usage(&format!("--her2-high {her2_high}"), "a finite intensity");
    }
    let known = PatientRule::named(&flags.cell_rule)
        .filter(|rule| !matches!(rule, PatientRule::HScore200 | PatientRule::NPhenotypes));
    let Some(rule) = known else {
        return usage(
            &format!("--cell-rule {}", flags.cell_rule),
            "her2-high>=K, any_high, any_high_of_five, half_positive or most_positive: the others \
             take more than one cut-off, or give a number",
        );
    };
    let std_err = match &flags.cells_std_err {
        Some(name) => Some(name.clone()),
        None => {
            let table = Table::read(path, DOING)?;
            table.has_column(STD_ERR).then(|| STD_ERR.to_owned())
        }
    };
    let columns = CellColumns {
        patient: flags.cells_id.clone(),
        timepoint: flags.cells_timepoint.clone(),
        her2: flags.cells_her2.clone(),
        std_err,
    };
    let cells = read_cells_of_patients(path, &columns, &flags.timepoint)?;
    let timepoints = flags.timepoint.clone();
    Ok(Some(PropagationRequest { cells, timepoints, rule, her2_high }))
}
