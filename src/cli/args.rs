//! What was typed. Nothing here is resolved; pipelines take settings, not arguments.

use clap::{Args, Parser, Subcommand, ValueEnum};
use serde::Serialize;
use std::path::PathBuf;

use crate::Error;

/// From CellSearch cartridge pixels and a cohort table to HER2 on circulating tumour cells and a
/// survival report.
#[derive(Debug, Parser)]
#[command(
    name = "herscope",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    args_override_self = true
)]
#[command(
    after_help = "Examples:\n  herscope demo\n  herscope survive patients.csv --time pfs_months --event pfs_event --group her2_ctc_pos\n  herscope bootstrap patients.csv --time pfs_months --event pfs_event --group ctc_pos_t1 --replicates 1000000\n  herscope segment 900011.1.1 --out cells --her2-med 30 --her2-high 200\n\nExit codes: 0 done, 1 some inputs failed, 2 usage, 3 bad input, 4 output problem,\n5 device not available, 6 not trustworthy (--strict), 130 interrupted."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) shared: Shared,
}

/// Flags of every command.
#[derive(Clone, Debug, Args)]
pub(crate) struct Shared {
    /// Folder for everything the command writes
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Print one JSON document on stdout
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// auto, cpu, gpu, or part of an adapter's name
    #[arg(long, global = true, default_value = "auto", env = "HERSCOPE_DEVICE")]
    pub(crate) device: String,
    /// Number of CPU threads; all cores without it. Results do not depend on it
    #[arg(long, global = true, value_name = "N", env = "HERSCOPE_THREADS")]
    pub(crate) threads: Option<usize>,
    /// Seed of every random draw
    #[arg(long, global = true, value_name = "S", env = "HERSCOPE_SEED")]
    pub(crate) seed: Option<u64>,
    /// Level of all intervals
    #[arg(long, global = true, value_name = "LEVEL")]
    pub(crate) conf_level: Option<f64>,
    /// Replace an existing output
    #[arg(long, global = true)]
    pub(crate) force: bool,
    /// Go on where an interrupted run stopped
    #[arg(long, global = true)]
    pub(crate) resume: bool,
    /// No progress and no notes on stderr; errors and warnings stay
    #[arg(long, global = true)]
    pub(crate) quiet: bool,
}

impl Shared {
    /// # Errors
    /// A GPU asked for by name, of a command that runs on the CPU; `why` says what of it does.
    pub(crate) fn refuse_gpu(&self, doing: &str, why: &str) -> Result<(), Error> {
        match self.device.as_str() {
            "auto" | "cpu" => Ok(()),
            other => Err(Error::device(doing)
                .found(format!("--device {other}"))
                .expected(format!("auto or cpu: {why}"))),
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write the embedded demo study, run it, and compare with the published figures
    Demo(DemoArgs),
    /// Run a whole study from one file
    Study(StudyArgs),
    /// Find and measure the cells of cartridge images
    Segment(SegmentArgs),
    /// Follow-up, Kaplan-Meier, log-rank and Cox of a cohort
    Survive(Box<SurviveArgs>),
    /// Resample the hazard ratio or another statistic of a cohort
    Bootstrap(Box<BootstrapArgs>),
    /// Simulate trials like a cohort: which intervals for the hazard ratio hold the truth
    Coverage(Box<super::coverage::CoverageArgs>),
    /// Power and precision of larger studies like a cohort, by size, prevalence and hazard ratio
    Design(Box<super::design::DesignArgs>),
    /// Hazard ratio over every cut-off of a marker, and what choosing the best one costs
    Sweep(Box<super::sweep::SweepArgs>),
    /// Make data whose truth is known
    Simulate(super::simulate::SimulateArgs),
    /// A marker over visits and the event, tied by shared random effects: a joint model
    Joint(Box<super::joint::JointArgs>),
    /// Baseline table of a cohort with tests between its groups
    Tabulate(super::tabulate::TabulateArgs),
    /// Put the shards of a bootstrap together: the document of the run on one machine
    Merge(MergeArgs),
    /// List adapters and say which one auto takes
    Devices,
    /// Print shell completions
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write man pages into a folder
    Man {
        /// Folder for the pages
        folder: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Folder for the demo's inputs and results
    #[arg(default_value = "herscope-demo")]
    pub(crate) folder: PathBuf,
    /// Take the cells from the ready-made table instead of rendering and segmenting cartridges
    #[arg(long)]
    pub(crate) quick: bool,
    /// Bootstrap replicates instead of the study file's
    #[arg(long, value_name = "N")]
    pub(crate) replicates: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct StudyArgs {
    /// The study file
    pub(crate) study: PathBuf,
    /// Bootstrap replicates instead of the study file's
    #[arg(long, value_name = "N")]
    pub(crate) replicates: Option<u64>,
}

/// Columns of a cohort table.
#[derive(Clone, Debug, Args, Serialize)]
pub(crate) struct CohortArgs {
    /// The cohort: a CSV file with one row a subject, - for stdin
    pub(crate) cohort: PathBuf,
    /// Column of subject identifiers
    #[arg(long, value_name = "COL")]
    pub(crate) id: Option<String>,
    /// Column of follow-up times
    #[arg(long, value_name = "COL")]
    pub(crate) time: Option<String>,
    /// Column of dates (YYYY-MM-DD) at which the clock starts, instead of --time
    #[arg(long, value_name = "COL", requires = "end_date", conflicts_with = "time")]
    pub(crate) start_date: Option<String>,
    /// Column of dates at which follow-up ends
    #[arg(long, value_name = "COL", requires = "start_date")]
    pub(crate) end_date: Option<String>,
    /// Unit of the times: days, weeks, months (30.4375 d) or years (365.25 d)
    #[arg(long, default_value = "months", value_name = "UNIT")]
    pub(crate) time_unit: String,
    /// Take times that differ by rounding only as they stand (R: timefix = FALSE)
    #[arg(long)]
    pub(crate) no_timefix: bool,
    /// Column that is 1 or true where follow-up ended in an event
    #[arg(long, value_name = "COL")]
    pub(crate) event: Option<String>,
    /// Text in the event column that means an event
    #[arg(long, value_name = "V")]
    pub(crate) event_value: Option<String>,
    /// Column of entry times (left truncation); of dates beside --start-date
    #[arg(long, value_name = "COL")]
    pub(crate) entry: Option<String>,
    /// Column that splits curves and tests
    #[arg(long, value_name = "COL")]
    pub(crate) group: Option<String>,
    /// Reference level of the group
    #[arg(long, value_name = "LEVEL", requires = "group")]
    pub(crate) reference: Option<String>,
    /// Further Cox terms, A:B for an interaction
    #[arg(long, value_name = "A,B,C", value_delimiter = ',')]
    pub(crate) covariates: Vec<String>,
    /// Column of strata
    #[arg(long, value_name = "COL")]
    pub(crate) strata: Option<String>,
    /// Column of case weights
    #[arg(long, value_name = "COL")]
    pub(crate) weights: Option<String>,
    /// Column of clusters
    #[arg(long, value_name = "COL")]
    pub(crate) cluster: Option<String>,
    /// Read AVAL, CNSR (0 is an event) and USUBJID
    #[arg(long)]
    pub(crate) adtte: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TiesArg {
    Efron,
    Breslow,
    /// The discrete partial likelihood
    Exact,
}

#[derive(Debug, Args)]
pub(crate) struct SurviveArgs {
    #[command(flatten)]
    pub(crate) cohort: CohortArgs,
    /// Scale of the limits of the curves: log, log-log, plain or logit
    #[arg(long, default_value = "log", value_name = "TYPE")]
    pub(crate) conf_type: String,
    /// Treatment of tied events
    #[arg(long, value_enum, default_value = "efron")]
    pub(crate) ties: TiesArg,
    /// Exponent of the log-rank weights (0: log-rank, 1: Peto-Peto)
    #[arg(long, default_value_t = 0.0, value_name = "R")]
    pub(crate) rho: f64,
    /// Restricted mean survival up to this time
    #[arg(long, value_name = "TAU")]
    pub(crate) rmst: Option<f64>,
    /// Clock of the proportional-hazards test: km, identity, rank or log
    #[arg(long, value_name = "CLOCK")]
    pub(crate) zph: Option<String>,
    /// Also fit with Firth's penalty
    #[arg(long)]
    pub(crate) firth: bool,
    #[command(flatten)]
    pub(crate) more: SurviveExtras,
    #[command(flatten)]
    pub(crate) timing: TimingArgs,
    /// Exit with 6 when a model has no finite or converged estimate
    #[arg(long)]
    pub(crate) strict: bool,
}

/// What `survive` gives when asked.
#[derive(Debug, Args, Serialize)]
pub(crate) struct SurviveExtras {
    /// The ratio of restricted means beside their difference
    #[arg(long, requires = "rmst")]
    pub(crate) rmst_ratio: bool,
    /// Quantiles of survival time, such as 0.25,0.75
    #[arg(long, value_name = "P,Q", value_delimiter = ',')]
    pub(crate) quantiles: Vec<f64>,
    /// Survival at these times
    #[arg(long, value_name = "T,U", value_delimiter = ',')]
    pub(crate) times: Vec<f64>,
    /// Also give Nelson-Aalen's cumulative hazard
    #[arg(long)]
    pub(crate) nelson_aalen: bool,
    /// Test each pair of groups, p-values corrected by Holm
    #[arg(long, requires = "group")]
    pub(crate) pairwise: bool,
    /// Standard errors from the sandwich variance (--cluster implies it)
    #[arg(long)]
    pub(crate) robust: bool,
    /// Profile likelihood limits of hazard ratios beside Wald's
    #[arg(long)]
    pub(crate) profile: bool,
    /// The curve of a subject with every covariate 0
    #[arg(long)]
    pub(crate) baseline: bool,
    /// Curves of new subjects: a CSV file with the group and the covariates as columns
    #[arg(long, value_name = "FILE")]
    pub(crate) predict: Option<PathBuf>,
    /// Martingale, deviance, score and Schoenfeld residuals
    #[arg(long)]
    pub(crate) residuals: bool,
}

/// Landmarks, and markers that change.
#[derive(Debug, Args, Serialize)]
pub(crate) struct TimingArgs {
    /// Only subjects still at risk at T, their time counted from T
    #[arg(long, value_name = "T")]
    pub(crate) landmark: Option<f64>,
    /// Column of the time at which a row's group became known (a date beside --start-date)
    #[arg(long, value_name = "COL", requires = "group")]
    pub(crate) known_at: Option<String>,
    /// Long table of a marker's visits, one row a sample, with the cohort's --id column
    #[arg(long, value_name = "FILE", requires_all = ["id", "visit_time", "marker"])]
    pub(crate) long: Option<PathBuf>,
    /// Column of visit times in the long table
    #[arg(long, value_name = "COL", requires = "long")]
    pub(crate) visit_time: Option<String>,
    /// Unit of the visit times; that of the follow-up without it
    #[arg(long, value_name = "UNIT", requires = "long")]
    pub(crate) visit_unit: Option<String>,
    /// Column of the marker in the long table: known by the landmark, or changing with time
    #[arg(long, value_name = "COL", requires = "long")]
    pub(crate) marker: Option<String>,
    /// The marker counts as 1 from this value up, as 0 below
    #[arg(long, value_name = "X", requires = "long")]
    pub(crate) marker_from: Option<f64>,
    /// last: a visit's value holds until the next; ever: the largest value so far
    #[arg(long, default_value = "last", value_parser = ["last", "ever"])]
    pub(crate) marker_carry: String,
}

#[derive(Debug, Args)]
pub(crate) struct BootstrapArgs {
    #[command(flatten)]
    pub(crate) cohort: CohortArgs,
    /// Number of replicates [100000]
    #[arg(long, value_name = "N")]
    pub(crate) replicates: Option<u64>,
    /// Only replicates A to B - 1, for --shard-out
    #[arg(long, value_name = "A..B", requires = "shard_out")]
    pub(crate) range: Option<String>,
    /// File of the replicates of the range, for `herscope merge`
    #[arg(long, value_name = "FILE", requires = "range")]
    pub(crate) shard_out: Option<PathBuf>,
    /// File of all replicates: a table if its name ends in .csv, else binary
    #[arg(long, value_name = "FILE", conflicts_with = "range")]
    pub(crate) replicates_out: Option<PathBuf>,
    /// How subjects are drawn
    #[arg(long, value_enum, default_value = "case")]
    pub(crate) resample: ResampleArg,
    /// Tied deaths: efron, breslow
    #[arg(long, default_value = "efron", value_parser = ["efron", "breslow"])]
    pub(crate) ties: String,
    /// The Cox term whose hazard ratio is resampled [the first]
    #[arg(long, value_name = "NAME")]
    pub(crate) term: Option<String>,
    /// Fit every replicate by Firth's penalised likelihood, which is always finite
    #[arg(long)]
    pub(crate) firth: bool,
    /// What is resampled
    #[arg(long, value_enum, default_value = "hazard-ratio")]
    pub(crate) statistic: StatisticArg,
    /// Horizon of --statistic rmst-difference
    #[arg(long, value_name = "TAU")]
    pub(crate) rmst: Option<f64>,
    /// Time of --statistic survival-difference
    #[arg(long, value_name = "T")]
    pub(crate) at: Option<f64>,
    /// Share with the event of --statistic median-difference [0.5: the median]
    #[arg(long, value_name = "P")]
    pub(crate) quantile: Option<f64>,
    /// percentile, percentile_keepinf, basic, normal, bca, studentized, calibrated
    #[arg(long, value_name = "A,B,C", value_delimiter = ',')]
    pub(crate) intervals: Vec<String>,
    /// Resamples, and resamples of each, that the calibrated interval takes [10000x1000]
    #[arg(long, value_name = "OUTERxINNER")]
    pub(crate) calibrate: Option<String>,
    /// Double the replicates until no limit has a larger Monte-Carlo error
    #[arg(long, value_name = "X")]
    pub(crate) until_mcse: Option<f64>,
    /// Also print the SHA-256 of all drawn indices
    #[arg(long)]
    pub(crate) hash_draws: bool,
    /// Exit with 6 when the estimate of the data as given is not finite
    #[arg(long)]
    pub(crate) strict: bool,
    #[command(flatten)]
    pub(crate) propagate: super::bootstrap_cells::PropagateArgs,
}

#[derive(Debug, Args)]
pub(crate) struct MergeArgs {
    /// Files that `bootstrap --shard-out` wrote, in any order
    #[arg(required = true, value_name = "SHARD")]
    pub(crate) shards: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ResampleArg {
    Case,
    Stratified,
    Cluster,
    Bayesian,
    /// Arms shuffled: a test
    Permutation,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StatisticArg {
    HazardRatio,
    MedianDifference,
    RmstDifference,
    SurvivalDifference,
    Logrank,
    Concordance,
}

#[derive(Debug, Args)]
pub(crate) struct SegmentArgs {
    /// CellTracks archive folders, OME-TIFF, multi-page TIFF frames, or folders of another layout
    #[arg(required = true)]
    pub(crate) archives: Vec<PathBuf>,
    /// full: whole frames; marker: crops at the operator's locations
    #[arg(long, default_value = "full", value_parser = ["full", "marker"])]
    pub(crate) mode: String,
    /// triangle, otsu, or one intensity for all channels
    #[arg(long, default_value = "triangle", value_name = "RULE")]
    pub(crate) threshold: String,
    /// Whose pixels choose the threshold
    #[arg(long, default_value = "cartridge", value_parser = ["cartridge", "frame"])]
    pub(crate) scope: String,
    /// Weight of the data against the length of the outline
    #[arg(long, value_name = "L")]
    pub(crate) lambda: Option<f32>,
    /// Look for no chamber's edge: the scan does not reach it
    #[arg(long)]
    pub(crate) no_edge_mask: bool,
    /// Split objects that hold two or more touching cells; only with --mode full
    #[arg(long)]
    pub(crate) split_touching: bool,
    /// Write cells.parquet beside cells.csv; needs a build with `--features parquet`.
    #[arg(long)]
    pub(crate) parquet: bool,
    /// Write label images as 16- or 32-bit TIFF too.
    #[arg(long)]
    pub(crate) label_tiff: bool,
    /// What becomes of objects that the border of their frame cuts: dropped as in ACCEPT, or kept,
    /// with the pieces of one cell in neighbouring frames counted once.
    #[arg(long, value_name = "WHAT", default_value = "cleared", value_parser = ["cleared", "flagged"])]
    pub(crate) border_objects: String,
    /// breast, prostate, cell-line, or a file of conditions
    #[arg(long, value_name = "GATES")]
    pub(crate) gates: Option<String>,
    /// HER2 cut-off between neg and med; there is no default
    #[arg(long, value_name = "X", requires = "her2_high")]
    pub(crate) her2_med: Option<f64>,
    /// HER2 cut-off between med and high; there is no default
    #[arg(long, value_name = "Y", requires = "her2_med")]
    pub(crate) her2_high: Option<f64>,
    /// leukocytes:Q, a quantile of the sample's own leukocytes; control:CELLS.csv[:MED,HIGH],
    /// quantiles (0.95 and 0.99) of a control sample's cells
    #[arg(long, value_name = "SOURCE", conflicts_with = "her2_med")]
    pub(crate) her2_from: Option<String>,
    /// Which HER2 mean the cut-offs are applied to
    #[arg(long, default_value = "union", value_parser = ["union", "channel"])]
    pub(crate) her2_measure: String,
    /// Edge of a pixel in micrometres
    #[arg(long, value_name = "V")]
    pub(crate) pixel_size_um: Option<f64>,
    /// Rows and columns of frames, such as 5x35
    #[arg(long, value_name = "ROWSxCOLS")]
    pub(crate) grid: Option<String>,
    /// What each page shows, in the order of the file, such as dapi,her2,ck,cd45
    #[arg(long, value_name = "A,B,C", value_delimiter = ',')]
    pub(crate) channels: Vec<String>,
    /// Files of each channel where a folder has one a frame and channel, such as
    /// DAPI=*_DAPI.tif,CK=*_PE.tif; what * stands for tells the frame
    #[arg(long, value_name = "CHANNEL=PATTERN,...", value_delimiter = ',', conflicts_with_all = ["channels", "compat"])]
    pub(crate) channel_pattern: Vec<String>,
    /// In which order the frames were taken: rows in turns, or each from the left
    #[arg(long, value_parser = ["serpentine", "raster"])]
    pub(crate) scan: Option<String>,
    /// accept: divide by the page's maximum (default); full: by the largest storable value;
    /// stored: values as they are stored, stretch limits not looked at
    #[arg(long, default_value = "accept", value_parser = ["accept", "full", "stored"])]
    pub(crate) intensity_scale: String,
    /// accept: what herscope repairs in ACCEPT's reading of archives comes back
    #[arg(long, value_parser = ["accept"], conflicts_with_all = ["pixel_size_um", "intensity_scale", "scan"])]
    pub(crate) compat: Option<String>,
}
