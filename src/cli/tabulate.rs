//! `herscope tabulate`.

use super::args::Shared;
use super::exit::ExitCode;
use super::output::{json, note, print_document};
use crate::Error;
use crate::io::manifest::{Manifest, ManifestFile};
use crate::io::output_folder::OutputFolder;
use crate::io::table::Table;
use crate::pipeline::tabulate::{
    Adjustment, CorrelationChoice, ShareInterval, TabulateSettings, TestChoice, run_tabulate,
    tabulate_csv,
};
use crate::report::number_format::PStyle;
use crate::report::{Baseline, TabulateDocument, baseline_text};
use clap::Args;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What a column is, and what it is tested by.
const RULES: &str = "\
Kinds: a column of text is categorical. A column of numbers is continuous, but with exactly two
distinct values among the rows in the table it is categorical. --continuous, --categorical and a
test that suits one kind only say otherwise.

Tests: continuous, two groups: Wilcoxon's rank-sum test, exact with fewer than 50 values in each
group and no ties, else normal with tie and continuity correction (as R's wilcox.test); W is of the
first group against the second. Continuous, three or more groups: Kruskal-Wallis. Categorical:
Fisher's exact test; where that would take too long, p comes from drawn tables, with its seed and
error. --test NAME=TEST takes wilcoxon, wilcoxon_exact, wilcoxon_normal, t (Welch), t_pooled,
kruskal, fisher, chisq, chisq_yates or none.

Groups: the texts of --by, or its numbers if there are at most 10. Rows without a value of --by are
dropped and counted; a variable is tested over the rows that have a value of it.

Examples:
  herscope tabulate patients.csv --by ctc_pos_t1 --vars age_years,ecog,hr_status --test ecog=fisher
  herscope tabulate patients.csv --by t1_ctc --correlate spearman --vars age_years,prior_lines_mbc";

#[derive(Debug, Args)]
#[command(after_help = RULES)]
pub(crate) struct TabulateArgs {
    /// The cohort: a CSV file with one row a subject, - for stdin
    pub(crate) cohort: PathBuf,
    /// Column whose levels are compared
    #[arg(long, value_name = "COL")]
    pub(crate) by: String,
    /// Columns to summarise and test
    #[arg(long, value_name = "A,B,C", value_delimiter = ',', required = true)]
    pub(crate) vars: Vec<String>,
    /// Another test for a variable; may be repeated
    #[arg(long = "test", value_name = "NAME=TEST", value_delimiter = ',')]
    pub(crate) tests: Vec<String>,
    /// Number columns to take as continuous although they have two values
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    pub(crate) continuous: Vec<String>,
    /// Number columns to take as categorical; also --by with more than 10 numbers
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    pub(crate) categorical: Vec<String>,
    /// Level of --by to put first; the first in sort order without it
    #[arg(long, value_name = "LEVEL")]
    pub(crate) reference: Option<String>,
    /// Correlate each variable with --by, a column of numbers, instead of comparing its levels
    #[arg(long, value_name = "METHOD", value_parser = ["spearman", "kendall", "pearson"])]
    pub(crate) correlate: Option<String>,
    /// Adjust p for the number of tests: family-wise error (holm) or false discovery rate (bh)
    #[arg(long, value_name = "METHOD", value_parser = ["holm", "bh"])]
    pub(crate) adjust: Option<String>,
    /// Add standardised differences of two groups
    #[arg(long)]
    pub(crate) smd: bool,
    /// Add limits of the shares of categorical variables
    #[arg(long, value_name = "METHOD", value_parser = ["clopper-pearson", "wilson"])]
    pub(crate) ci: Option<String>,
    /// Add a column for all rows
    #[arg(long)]
    pub(crate) overall: bool,
    /// Print mean (SD) instead of median (quartiles); the CSV file and --json have both
    #[arg(long)]
    pub(crate) mean: bool,
}

/// Runs the command.
pub(super) fn tabulate(args: &TabulateArgs, shared: &Shared) -> Result<ExitCode, Error> {
    let settings = settings(args, shared)?;
    let out = shared.out.as_deref().map(|out| OutputFolder::create(out, shared.force));
    let out = out.transpose()?;
    let table = Table::read(&args.cohort, "reading the cohort")?;
    let document = run_tabulate(&table, &settings)?;
    let drew = document.variables.iter().any(|variable| variable.drawn.is_some());
    if drew && shared.seed.is_none() {
        note(shared.quiet, &format!("seed: {} (chosen; set it with --seed)", settings.seed));
    }
    let text = text(&document, args.mean);
    if let Some(out) = out {
        out.write("tabulate.json", json(&document)?)?;
        out.write("tabulate.csv", tabulate_csv(&document))?;
        out.write("tabulate.txt", &text)?;
        manifest(&args.cohort, &settings, &document, drew)?.write(&out)?;
        out.commit()?;
    }
    print_document(shared, &document.warnings, &document, &text)?;
    Ok(ExitCode::Done)
}

fn settings(args: &TabulateArgs, shared: &Shared) -> Result<TabulateSettings, Error> {
    let defaults = TabulateSettings::default();
    Ok(TabulateSettings {
        by: args.by.clone(),
        vars: args.vars.clone(),
        tests: tests(&args.tests)?,
        continuous: args.continuous.clone(),
        categorical: args.categorical.clone(),
        reference: args.reference.clone(),
        correlate: args.correlate.as_deref().map(|method| match method {
            "kendall" => CorrelationChoice::Kendall,
            "pearson" => CorrelationChoice::Pearson,
            _ => CorrelationChoice::Spearman,
        }),
        adjust: args.adjust.as_deref().map(|method| match method {
            "bh" => Adjustment::Bh,
            _ => Adjustment::Holm,
        }),
        smd: args.smd,
        ci: args.ci.as_deref().map(|method| match method {
            "wilson" => ShareInterval::Wilson,
            _ => ShareInterval::ClopperPearson,
        }),
        overall: args.overall,
        conf_level: shared.conf_level.unwrap_or(defaults.conf_level),
        seed: shared.seed.unwrap_or(defaults.seed),
    })
}

/// `NAME=TEST`; a name may hold an equals sign.
fn tests(given: &[String]) -> Result<BTreeMap<String, TestChoice>, Error> {
    let usage = |found: String, expected: &str| {
        Error::usage("reading --test").found(found).expected(expected)
    };
    let mut tests = BTreeMap::new();
    for text in given {
        let (name, test) = text
            .rsplit_once('=')
            .ok_or_else(|| usage(format!("{text:?}"), "NAME=TEST, such as age=t"))?;
        if tests.insert(name.to_owned(), test.parse()?).is_some() {
            return Err(usage(format!("two tests of {name:?}"), "one test a variable"));
        }
    }
    Ok(tests)
}

/// The document as a table for a paper.
fn text(document: &TabulateDocument, shows_means: bool) -> String {
    let title = if document.correlate.is_some() {
        format!("Correlation with {}", document.by)
    } else {
        format!("Baseline characteristics by {}", document.by)
    };
    let baseline =
        Baseline { title, shows_means, document: document.clone(), ..Baseline::default() };
    let software = env!("CARGO_PKG_VERSION");
    format!("{}herscope {software}\n", baseline_text(&baseline, PStyle::default()))
}

fn manifest(
    cohort: &Path,
    settings: &TabulateSettings,
    document: &TabulateDocument,
    drew: bool,
) -> Result<Manifest, Error> {
    let values = serde_json::to_value(settings)
        .map_err(|error| Error::output("writing the manifest").caused_by(error))?;
    Ok(Manifest {
        seed: drew.then_some(settings.seed),
        inputs: ManifestFile::of_inputs([cohort])?,
        warnings: document.warnings.clone(),
        ..Manifest::of(&document.command, values)
    })
}
