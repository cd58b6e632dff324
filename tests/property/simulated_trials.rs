//! Simulated trials that are large enough for the textbook to be right.

use herscope::pipeline::coverage::{CoverageSettings, TrueRatio, run_coverage};
use herscope::pipeline::design::{DesignSettings, run_design};
use herscope::survival::{Cohort, Factor, Outcome};

const SIMULATIONS: u64 = 1_000;

/// 300 subjects in equal arms: exponential quantiles for times, every third censored earlier.
fn large_cohort() -> Cohort {
    let n = 300;
    let time = |i: usize| -(1.0 - (i as f64 + 0.5) / n as f64).ln();
    let is_censored = |i: usize| i % 3 == 2;
    let times = (0..n).map(|i| if is_censored(i) { 0.8 * time(i) } else { time(i) }).collect();
    let events = (0..n).map(|i| !is_censored(i)).collect();
    let outcome = Outcome::right_censored(times, events).expect("valid rows");
    let arms: Vec<Option<&str>> =
        (0..n).map(|i| Some(if (i / 3) % 2 == 0 { "a" } else { "b" })).collect();
    Cohort { group: Some(Factor::new("arm", &arms, None)), ..Cohort::of_outcome(outcome) }
}

/// Four Monte-Carlo errors: passed by chance once in 16 000.
fn four_errors(share: f64) -> f64 {
    4.0 * (share * (1.0 - share) / SIMULATIONS as f64).sqrt()
}

#[test]
fn model_limits_of_a_large_balanced_trial_cover_as_they_claim() {
    let settings = CoverageSettings {
        true_ratios: vec![TrueRatio::Given(1.0), TrueRatio::Given(1.7)],
        simulations: SIMULATIONS,
        intervals: Vec::new(),
        ..CoverageSettings::default()
    };
    let document = run_coverage(&large_cohort(), &settings, &|_, _| true).expect("a document");
    for scenario in &document.scenarios {
        // 200 events of 300 subjects, each trial's number with a variance below 300 / 4.
        let error = 4.0 * (75.0 / SIMULATIONS as f64).sqrt();
        assert!((scenario.mean_events - 200.0).abs() < error, "{} events", scenario.mean_events);
        assert_eq!(scenario.methods.len(), 3, "Wald, profile, Firth");
        for method in &scenario.methods {
            let off = method.coverage - 0.95;
            assert!(off.abs() < four_errors(0.95), "{}: {}", method.method, method.coverage);
        }
    }
}

#[test]
fn power_is_alpha_without_an_effect_and_near_schoenfeld_with_one() {
    let settings = DesignSettings {
        hazard_ratios: vec![1.0, 0.7],
        sizes: vec![300],
        prevalences: vec![0.5],
        simulations: SIMULATIONS,
        alpha: 0.05,
        follow_up_factor: 1.0,
        conf_level: 0.95,
        seed: 11,
    };
    let document = run_design(&large_cohort(), &settings, &|_, _| true).expect("a document");
    let [null, effect] = &document.cells[..] else { panic!("two cells") };
    for one in &null.power {
        assert!((one.power - 0.05).abs() < four_errors(0.05), "{}: {}", one.test, one.power);
    }
    // The formula holds in the limit of small effects: its mean is too large by a share of
    // (log HR)^2 / 24 and the loss of balance as events happen, some 2 % of power here.
    for one in &effect.power {
        let off = one.power - effect.schoenfeld_power;
        assert!(
            off.abs() < four_errors(effect.schoenfeld_power) + 0.02,
            "{}: {} against {}",
            one.test,
            one.power,
            effect.schoenfeld_power
        );
    }
    assert!(effect.schoenfeld_power > 0.6, "an effect worth comparing");
}

#[test]
fn an_interrupt_ends_the_run() {
    let settings = CoverageSettings {
        simulations: 1_000,
        intervals: Vec::new(),
        ..CoverageSettings::default()
    };
    let error = run_coverage(&large_cohort(), &settings, &|_, _| false).expect_err("stopped");
    assert!(error.is_interrupted(), "{error}");
}
