//! The herscope binary: parse, run, exit code.

fn main() {}
