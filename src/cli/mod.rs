//! The command line: parse, run a pipeline, print. The only module that prints.
#![allow(clippy::print_stderr, reason = "the CLI is where users are spoken to")]

mod args;
mod bootstrap;
mod bootstrap_cells;
mod coverage;
mod design;
mod devices;
mod exit;
mod generate;
mod joint;
mod memory;
mod output;
mod progress;
mod segment;
mod segment_archive;
mod segment_her2;
mod simulate;
mod simulate_joint;
mod study;
mod survive;
mod sweep;
mod tabulate;

use crate::Error;
use args::{Arguments, Command};
use clap::Parser;
use exit::ExitCode;

/// Runs the command line of this process and returns its exit code.
pub fn run() -> std::process::ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are results; anything else is a usage error.
            let code = if error.use_stderr() { ExitCode::Usage } else { ExitCode::Done };
            let _ = error.print();
            return code.into();
        }
    };
    if matches!(arguments.command, Command::Segment(_)) {
        memory::keep_freed_memory();
    }
    let outcome = with_threads(arguments.shared.threads, || dispatch(&arguments));
    match outcome {
        Ok(code) => code.into(),
        Err(error) => {
            output::print_error(&error);
            exit::code_of(&error).into()
        }
    }
}

fn dispatch(arguments: &Arguments) -> Result<ExitCode, Error> {
    let shared = &arguments.shared;
    match &arguments.command {
        Command::Demo(args) => study::demo(args, shared),
        Command::Study(args) => study::study(args, shared),
        Command::Segment(args) => segment::segment(args, shared),
        Command::Survive(args) => survive::survive(args, shared),
        Command::Bootstrap(args) => bootstrap::bootstrap(args, shared),
        Command::Coverage(args) => coverage::coverage(args, shared),
        Command::Design(args) => design::design(args, shared),
        Command::Sweep(args) => sweep::sweep(args, shared),
        Command::Simulate(args) => simulate::simulate(args, shared),
        Command::Merge(args) => bootstrap::merge(args, shared),
        Command::Joint(args) => joint::joint(args, shared),
        Command::Tabulate(args) => tabulate::tabulate(args, shared),
        Command::Devices => devices::devices(shared),
        Command::Completions { shell } => generate::completions(*shell),
        Command::Man { folder } => generate::man(folder),
    }
}

/// Runs `work` on a pool of `threads` threads; without a number, one a core.
fn with_threads<T: Send>(
    threads: Option<usize>,
    work: impl FnOnce() -> Result<T, Error> + Send,
) -> Result<T, Error> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.unwrap_or(0)).build();
    let pool = pool.map_err(|source| {
        Error::usage("starting the worker threads")
            .found(format!("--threads {}", threads.unwrap_or(0)))
            .expected("a number of threads this machine can start")
            .caused_by(source)
    })?;
    pool.install(work)
}
