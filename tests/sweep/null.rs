//! Cohorts without any effect: the adjusted p-value is uniform, the one of the best cut-off is not.

use crate::docs_block::check_or_write;
use herscope::compute::{Backend, CpuEngine};
use herscope::kernels::max_selected_logrank::{POISON, Plan, Selection};
use herscope::numeric::philox::{key_of_seed, philox4x32};
use herscope::survival::lausen_p;
use statrs::distribution::{ContinuousCDF, Normal};

const COHORTS: u64 = 1_000;
const N: usize = 60;
const PERMUTATIONS: usize = 999;

/// Three p-values of null cohort `number`: by permutation, as if the cut-off had been fixed, by
/// formula.
fn p_values(number: u64) -> [f64; 3] {
    let word = |i: usize, which: usize| {
        let words = philox4x32(key_of_seed(number), [i as u32, 7, 7, u32::MAX]);
        (f64::from(words[which]) + 0.5) / 4_294_967_296.0
    };
    // Exponential times, uniform censoring, about half of them events; a marker of 40 values.
    let failure = |i: usize| -word(i, 0).ln();
    let censoring = |i: usize| 2.0 * word(i, 1);
    let time: Vec<f64> = (0..N).map(|i| failure(i).min(censoring(i))).collect();
    let event: Vec<bool> = (0..N).map(|i| failure(i) <= censoring(i)).collect();
    let marker: Vec<f64> = (0..N).map(|i| (40.0 * word(i, 2)).floor()).collect();
    let selection = Selection::new(&time, &event, &marker, N / 10).expect("cuts and events");
    let (observed, _) = selection.maximum();
    let statistic = selection.statistic(observed);
    let sizes: Vec<usize> = selection.cuts.iter().map(|cut| cut.n_upper as usize).collect();
    let threshold = observed - selection.slack();
    let plan = Plan::new(selection, number);
    let mut maxima = vec![POISON; PERMUTATIONS];
    CpuEngine::new().max_selected_logrank(&plan, 0, &mut maxima).expect("the CPU works");
    let reached = maxima.iter().filter(|m| m.value().expect("written").0 >= threshold).count();
    [
        (reached + 1) as f64 / (PERMUTATIONS + 1) as f64,
        2.0 * Normal::standard().sf(statistic),
        lausen_p(statistic, N, &sizes),
    ]
}

/// Kolmogorov and Smirnov's distance from the uniform distribution and its p-value.
///
/// # Source
/// Limiting distribution with Stephens' correction for the sample's size (JRSS B 32 (1970) 115).
fn kolmogorov_smirnov(values: &[f64]) -> (f64, f64) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len() as f64;
    let distance = sorted
        .iter()
        .enumerate()
        .map(|(i, p)| (p - i as f64 / n).abs().max(((i + 1) as f64 / n - p).abs()))
        .fold(0.0, f64::max);
    let scaled = (n.sqrt() + 0.12 + 0.11 / n.sqrt()) * distance;
    let term = |k: i32| {
        let sign = if k % 2 == 1 { 2.0 } else { -2.0 };
        sign * (-2.0 * f64::from(k * k) * scaled * scaled).exp()
    };
    (distance, (1..=100).map(term).sum::<f64>().clamp(0.0, 1.0))
}

#[test]
fn the_adjusted_p_of_null_cohorts_is_uniform() {
    let all: Vec<[f64; 3]> = (0..COHORTS).map(p_values).collect();
    let of = |which: usize| -> Vec<f64> { all.iter().map(|p| p[which]).collect() };
    let (_, uniform) = kolmogorov_smirnov(&of(0));
    assert!(uniform > 0.01, "adjusted p-values are not uniform: {uniform}");
    let (_, unadjusted) = kolmogorov_smirnov(&of(1));
    assert!(unadjusted < 1e-6, "the test does not notice p-values that ignore the choice");
    let below = |which: usize, level: f64| {
        100.0 * of(which).iter().filter(|&&p| p <= level).count() as f64 / COHORTS as f64
    };
    let names = ["permutation", "log-rank at the best cut-off, choice ignored", "Lausen's formula"];
    let mut block = String::from(
        "\n| p-value | p <= 0.05 | p <= 0.01 | Kolmogorov-Smirnov distance | its p |\n\
         | --- | ---: | ---: | ---: | ---: |\n",
    );
    for (which, name) in names.into_iter().enumerate() {
        let (distance, p) = kolmogorov_smirnov(&of(which));
        let p = if p < 1e-6 { "< 1e-6".to_owned() } else { format!("{p:.2}") };
        let (five, one) = (below(which, 0.05), below(which, 0.01));
        block += &format!("| {name} | {five:.1} % | {one:.1} % | {distance:.3} | {p} |\n");
    }
    block.push('\n');
    check_or_write("null cohorts", &block);
}
