//! Figures, tables and the HTML report, made from plain result documents.
//!
//! Pure: data in, strings out. Nothing here reads a file, a clock or the environment, so the same
//! results always give the same bytes.

mod asked_for;
mod asked_for_tables;
mod base64;
mod baseline_notes;
mod baseline_table;
mod bootstrap_meaning;
mod bootstrap_tables;
mod curve;
mod documents;
mod figures;
mod forest_plot;
mod gallery;
mod her2_plot;
mod histogram_plot;
mod html;
mod html_views;
mod km_plot;
mod km_steps;
mod layout;
mod marker_path_plot;
mod methods;
mod model;
pub mod number_format;
#[cfg(test)]
mod overlap_tests;
mod result_table;
mod study_tables;
mod survival_tables;
mod survive_csv;
mod survive_document;
mod svg;
mod sweep_plot;
mod tabulate_document;
mod text_summary;
mod text_table;
mod theme;

pub use asked_for::{
    EventResidual, HazardRatioLimits, HazardStep, LandmarkCounts, MarkerUse, PairwiseTest,
    PredictedCurve, PredictedPoint, Quantile, Residuals, RmstRatio, RowResidual, SurvivalAtTime,
};
pub use curve::Curve;
pub use documents::{
    BootstrapDocument, BootstrapEstimate, BootstrapInterval, Device, JointDocument,
    JointLongitudinal, JointSurvival, Replicates,
};
pub(crate) use figures::interval_name;
pub use figures::{forest_figure, km_figure, replicate_histogram};
pub use forest_plot::{ForestFigure, ForestMark, ForestRow, forest_plot};
pub use gallery::outline_path;
pub use her2_plot::{
    Cutoff, IntensityAxis, StripCell, StripFigure, StripRow, Trajectory, TrajectoryFigure,
    her2_strip_plot, trajectory_plot,
};
pub use histogram_plot::{HistogramFigure, HistogramInterval, bin_log_ratios, histogram_plot};
pub use html::render_html;
pub use km_plot::{KmCurve, KmFigure, KmOptions, RiskTable, km_plot};
pub use marker_path_plot::{MarkerPath, MarkerPathFigure, marker_path_plot};
pub use methods::{methods_text, missing_information};
pub use model::{
    Analysis, Baseline, Bootstrap, CellSection, Check, Checks, Fact, Flow, GalleryCell,
    Her2Section, InputFile, Joint, Mask, Panel, Report,
};
pub use survive_csv::{CsvTable, survive_csv};
pub use survive_document::{
    ChiSquared, Concordance, Cox, CoxTests, CurvePoint, Firth, FirthTerm, Group, LogRank, Median,
    PhTerm, PhTest, Rmst, RmstDifference, SCHEMA_VERSION, SurviveDocument, Term,
};
pub use sweep_plot::{SweepFigure, SweepPoint, sweep_plot};
pub use tabulate_document::{
    DrawnTables, Moments, NoResult, OrderedMap, SummaryValues, TabulateCorrelation,
    TabulateDocument, TabulateGroup, TabulateOddsRatio, TabulateShare, TabulateSummary,
    TabulateVariable, VariableKind,
};
pub use text_summary::{baseline_text, bootstrap_text, checks_text, joint_text, survive_text};
pub use text_table::{Align, TextTable, display_width};
