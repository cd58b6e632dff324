//! Completions and man pages, from the parser.

use super::args::Arguments;
use super::exit::ExitCode;
use super::output::print_result;
use crate::Error;
use crate::io::output_folder::OutputFolder;
use clap::CommandFactory;
use std::path::Path;

/// `herscope completions SHELL`.
pub(super) fn completions(shell: clap_complete::Shell) -> Result<ExitCode, Error> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "herscope", &mut text);
    print_result(&String::from_utf8_lossy(&text))?;
    Ok(ExitCode::Done)
}

/// `herscope man DIR`.
pub(super) fn man(folder: &Path) -> Result<ExitCode, Error> {
    let out = OutputFolder::create(folder, false)?;
    let command = Arguments::command();
    let mut pages = vec![("herscope.1".to_owned(), command.clone())];
    for sub in command.get_subcommands() {
        pages.push((format!("herscope-{}.1", sub.get_name()), sub.clone()));
    }
    for (name, command) in pages {
        let mut text = Vec::new();
        clap_mangen::Man::new(command)
            .render(&mut text)
            .map_err(|source| Error::output("writing the man pages").caused_by(source))?;
        out.write(&name, text)?;
    }
    out.commit()?;
    Ok(ExitCode::Done)
}
