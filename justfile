# What CI runs, line for line.
check:
    .ci/run

# The study that is embedded in the binary, into ./herscope-demo.
demo:
    cargo run --release -- demo --force

# Fast checks while writing: no GPU library is built.
quick:
    cargo fmt --check
    cargo clippy --no-default-features --all-targets -- -D warnings
    cargo test --no-default-features

bench:
    cargo bench
