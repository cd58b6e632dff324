//! Replicates a second of the hazard-ratio bootstrap and of statistics of curves, by cohort size and
//! instruction set.
//!
//! `cargo bench --bench bootstrap`; `HERSCOPE_BENCH_LIGHT=1` takes small runs.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use herscope::compute::{Backend, CpuEngine};
use herscope::kernels::InstructionSet;
use herscope::kernels::curve_bootstrap::{self, CurveDraws, CurvePlan, CurveStatistic};
use herscope::kernels::hazard_ratio_bootstrap::{POISON, Plan};
use herscope::numeric::philox::philox4x32;
use std::hint::black_box;

/// Follow-up, events and arms of `n`: 47 % events, 30 % in arm 1, continuous times.
fn columns(n: usize) -> (Vec<f64>, Vec<bool>, Vec<bool>) {
    let uniform = |i: usize, which: usize| {
        (f64::from(philox4x32([1, 0], [i as u32, 0, 0, 0])[which]) + 0.5) / 4_294_967_296.0
    };
    let time = (0..n).map(|i| -uniform(i, 0).ln() * 20.0).collect();
    let event = (0..n).map(|i| uniform(i, 1) < 0.47).collect();
    let arm = (0..n).map(|i| uniform(i, 2) < 0.3).collect();
    (time, event, arm)
}

fn cohort(n: usize) -> Plan {
    let (time, event, arm) = columns(n);
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

fn curves(criterion: &mut Criterion) {
    let light = std::env::var_os("HERSCOPE_BENCH_LIGHT").is_some();
    let mut group = criterion.benchmark_group("curve_bootstrap");
    group.sample_size(10);
    let (case, permute) = (CurveDraws::Resample(None), CurveDraws::Permute);
    let cases = [
        ("median", CurveStatistic::Quantile { level: 0.5 }, case),
        ("rmst", CurveStatistic::RestrictedMean { tau: 20.0 }, case),
        ("survival", CurveStatistic::SurvivalAt { time: 20.0 }, case),
        ("logrank", CurveStatistic::LogRank, case),
        ("logrank_permuted", CurveStatistic::LogRank, permute),
    ];
    for (n, size) in [(60, 200_000), (300, 40_000), (10_000, 1_000)] {
        let size = if light { size / 100 } else { size };
        let (time, event, arm) = columns(n);
        group.throughput(Throughput::Elements(size as u64));
        for (name, statistic, how) in cases {
            let plan = CurvePlan::new(&time, &event, &arm, statistic, how, 1);
            let mut out = vec![curve_bootstrap::Replicate::Unwritten; size];
            for set in [InstructionSet::Scalar, InstructionSet::best()] {
                let engine = CpuEngine::with_instruction_set(set);
                let id = BenchmarkId::new(format!("{name}/{}", set.name()), n);
                group.bench_function(id, |bencher| {
                    bencher.iter(|| {
                        engine.curve_bootstrap(&plan, 0, black_box(&mut out)).expect("no failure")
                    });
                });
            }
        }
    }
    group.finish();
}

criterion_group!(benches, replicates, curves);
criterion_main!(benches);
