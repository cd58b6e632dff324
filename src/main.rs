//! The herscope binary: parse, run, exit code.

fn main() -> std::process::ExitCode {
    herscope::cli::run()
}
