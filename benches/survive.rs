//! One fit of each kind and the reading of its table, by size of the cohort: `herscope survive` in
//! its parts.
//!
//! `cargo bench --bench survive`; `HERSCOPE_BENCH_LIGHT=1` takes small cohorts.

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use herscope::io::cohort::{CohortRequest, cohort_of};
use herscope::io::table::Table;
use herscope::numeric::philox::philox4x32;
use herscope::survival::{
    Cohort, CoxData, CoxOptions, KaplanMeier, TimeTransform, cox_zph, design_matrix, fit_cox,
};

const COVARIATES: [&str; 5] = ["x1", "x2", "x3", "x4", "x5"];

fn uniform(row: usize, block: u32) -> [f64; 4] {
    philox4x32([1, 0], [row as u32, 0, block, 0])
        .map(|word| (f64::from(word) + 0.5) / 4_294_967_296.0)
}

/// A table of `n` rows: continuous times, 60 % events, five covariates with effects.
fn table_text(n: usize) -> String {
    let mut text = format!("time,event,{}\n", COVARIATES.join(","));
    for row in 0..n {
        let ([u, v, a, b], [c, d, e, _]) = (uniform(row, 0), uniform(row, 1));
        let hazard = (a - 0.5 * b + 0.3 * c + 0.2 * d - 0.4 * e).exp() / 20.0;
        let (failure, censoring) = (-u.ln() / hazard, -v.ln() * 30.0);
        let event = u8::from(failure <= censoring);
        writeln!(text, "{},{event},{a},{b},{c},{d},{e}", failure.min(censoring))
            .expect("a string takes all");
    }
    text
}

fn read(text: &str) -> Cohort {
    let request = CohortRequest {
        time: Some("time".into()),
        event: Some("event".into()),
        covariates: COVARIATES.map(String::from).to_vec(),
        ..CohortRequest::default()
    };
    let table = Table::parse(text.as_bytes(), "bench", "reading").expect("a valid table");
    cohort_of(&table, &request).expect("valid rows")
}

fn survive(criterion: &mut Criterion) {
    let light = std::env::var_os("HERSCOPE_BENCH_LIGHT").is_some();
    let mut group = criterion.benchmark_group("survive");
    group.sample_size(10);
    for n in if light { [1_000, 10_000] } else { [10_000, 100_000] } {
        group.throughput(Throughput::Elements(n as u64));
        let text = table_text(n);
        group.bench_function(BenchmarkId::new("read", n), |bencher| {
            bencher.iter(|| read(black_box(&text)));
        });
        let cohort = read(&text);
        let rows = cohort.complete_rows();
        let data = CoxData {
            outcome: cohort.outcome.select(&rows),
            covariates: design_matrix(&cohort, &rows).columns,
            strata: None,
            cluster: None,
        };
        group.bench_function(BenchmarkId::new("kaplan_meier", n), |bencher| {
            bencher.iter(|| KaplanMeier::fit(black_box(&data.outcome)));
        });
        let options = CoxOptions::default();
        group.bench_function(BenchmarkId::new("fit_cox", n), |bencher| {
            bencher.iter(|| fit_cox(black_box(&data), &options).expect("valid data"));
        });
        let fit = fit_cox(&data, &options).expect("valid data");
        group.bench_function(BenchmarkId::new("concordance", n), |bencher| {
            bencher.iter(|| fit.concordance(black_box(&data)).expect("the data of the fit"));
        });
        group.bench_function(BenchmarkId::new("cox_zph", n), |bencher| {
            bencher.iter(|| cox_zph(black_box(&data), &fit, TimeTransform::KaplanMeier));
        });
    }
    group.finish();
}

criterion_group!(benches, survive);
criterion_main!(benches);
