//! Replicates a second of the hazard-ratio bootstrap and of statistics of curves, by cohort size and
//! instruction set.
//!
//! `cargo bench --bench bootstrap`; `HERSCOPE_BENCH_LIGHT=1` takes small runs.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use herscope::compute::{Backend, CpuEngine};
use herscope::kernels::InstructionSet;
use herscope::kernels::cox_bootstrap::{self, Scheme, UNWRITTEN};
use herscope::kernels::curve_bootstrap::{self, CurveDraws, CurvePlan, CurveStatistic};
use herscope::kernels::hazard_ratio_bootstrap::{POISON, Plan, draw_only};
use herscope::numeric::philox::philox4x32;
use herscope::numeric::resampling::Resampling;
use herscope::survival::{CovariateColumn, CoxData, CoxOptions, Outcome, Ties, fit_cox};
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
    for (n, size) in [(60, 400_000), (300, 80_000), (3_000, 8_000), (10_000, 2_000), (65_000, 400)]
    {
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
        let set = InstructionSet::best();
        group.bench_function(BenchmarkId::new("draws_only", n), |bencher| {
            bencher.iter(|| black_box(draw_only(&plan, set, size)));
        });
    }
    group.finish();
}

/// A cohort of `n` with 47 % events, an arm and four further columns, two of them 0/1.
fn five_columns(n: usize) -> cox_bootstrap::Plan {
    let uniform = |i: usize, which: usize| {
        let words = philox4x32([2, 0], [i as u32, which as u32 / 4, 0, 0]);
        (f64::from(words[which % 4]) + 0.5) / 4_294_967_296.0
    };
    let column = |k: usize, value: &dyn Fn(f64) -> f64| CovariateColumn {
        name: format!("x{k}"),
        values: (0..n).map(|i| value(uniform(i, 2 + k))).collect(),
    };
    let binary = |share: f64| move |u: f64| f64::from(u < share);
    let covariates = vec![
        column(0, &binary(0.3)),
        column(1, &binary(0.5)),
        column(2, &binary(0.6)),
        column(3, &|u| 40.0 + 40.0 * u),
        column(4, &|u| -u.ln()),
    ];
    let time = (0..n).map(|i| -uniform(i, 0).ln() * 20.0).collect();
    let event = (0..n).map(|i| uniform(i, 1) < 0.47).collect();
    let outcome = Outcome::right_censored(time, event).expect("valid rows");
    let data = CoxData { outcome, covariates, strata: None, cluster: None };
    let fit = fit_cox(&data, &CoxOptions::default()).expect("valid data");
    let start = fit.finite_coefs();
    let resampling = Resampling::new(n, None, None, 1);
    cox_bootstrap::Plan::new(&data, 0, Ties::Efron, start.as_deref(), resampling, Scheme::Copies)
}

fn cox_replicates(criterion: &mut Criterion) {
    let light = std::env::var_os("HERSCOPE_BENCH_LIGHT").is_some();
    let mut group = criterion.benchmark_group("cox_bootstrap");
    group.sample_size(10);
    for (n, size) in [(60, 20_000), (300, 4_000), (3_000, 400)] {
        let size = if light { size / 100 } else { size };
        let plan = five_columns(n);
        let mut out = vec![UNWRITTEN; size];
        group.throughput(Throughput::Elements(size as u64));
        for set in InstructionSet::available() {
            group.bench_function(BenchmarkId::new(set.name(), n), |bencher| {
                bencher.iter(|| cox_bootstrap::cpu(&plan, set, 0, black_box(&mut out)));
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

criterion_group!(benches, replicates, cox_replicates, curves);
criterion_main!(benches);
