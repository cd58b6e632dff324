//! One cohort beside R's maxstat: `tests/data/maxstat`.

use crate::docs_block::check_or_write;
use crate::repository;
use herscope::compute::CpuEngine;
use herscope::io::cohort::{CohortRequest, read_cohort};
use herscope::pipeline::sweep::{SweepSettings, run_sweep};
use herscope::pipeline::sweep_document::SweepDocument;
use serde_json::Value;

fn sweep() -> SweepDocument {
    let column = |name: &str| Some(name.to_owned());
    let request = CohortRequest {
        id: column("id"),
        time: column("time"),
        event: column("event"),
        covariates: vec!["marker".to_owned()],
        ..CohortRequest::default()
    };
    let cohort = read_cohort(&repository("tests/data/maxstat/cohort.csv"), &request)
        .expect("the cohort is readable");
    let settings =
        SweepSettings { permutations: 100_000, replicates: 200, ..SweepSettings::default() };
    run_sweep(&cohort, &settings, &CpuEngine::new(), &|_, _| true).expect("a document")
}

#[test]
fn statistic_cut_and_formulas_are_those_of_maxstat() {
    let text = std::fs::read_to_string(repository("tests/data/maxstat/expected.json"))
        .expect("what R found is in the repository");
    let expected: Value = serde_json::from_str(&text).expect("JSON");
    let number = |value: &Value| value.as_f64().expect("a number");
    let document = sweep();
    let selected = &document.selected;
    // Scores of 25 fraction bits (49 events): rounding 80 of them moves a sum by 80 / 2^26 = 1.2e-6 at
    // worst, and the sum's standard deviation is above 2.
    let statistic = number(&expected["statistic"]);
    assert!((selected.statistic - statistic).abs() < 1e-6, "{} {statistic}", selected.statistic);
    // maxstat names the last value of the lower group, herscope the first of the upper.
    let below = number(&expected["lower_group_up_to"]);
    assert!(selected.cut > below, "{} above {below}", selected.cut);
    let formulas = [
        ("Miller-Siegmund", selected.approximations.miller_siegmund, number(&expected["lau92"])),
        ("Lausen", selected.approximations.lausen, number(&expected["lau94"])),
    ];
    for (name, found, expected) in formulas {
        // A derivative of the tail: about three times the error of the statistic.
        assert!((found - expected).abs() < 1e-6, "{name}: {found} beside {expected}");
    }
    let best = document.cuts.iter().find(|one| one.cut == selected.cut).expect("among the cuts");
    let cox = &expected["cox"];
    let fitted = [
        ("coef", best.log_hazard_ratio, &cox["coef"]),
        ("se", best.se, &cox["se"]),
        ("lower", best.lower, &cox["lower"]),
        ("upper", best.upper, &cox["upper"]),
        ("chisq", best.logrank.chisq, &expected["logrank_chisq"]),
    ];
    for (name, found, expected) in fitted {
        let (found, expected) = (found.expect("finite"), number(expected));
        assert!((found - expected).abs() < 1e-8 * expected.abs(), "{name}: {found} {expected}");
    }
    // Two Monte-Carlo estimates of one p, each with an error of 0.0009.
    let drawn = number(&expected["cond_mc"]["p"]);
    let apart = (selected.adjusted.p - drawn).abs();
    assert!(apart < 5.0 * selected.adjusted.mcse, "{} beside {drawn}", selected.adjusted.p);
    check_or_write("maxstat", &render(&document, &expected));
}

fn render(document: &SweepDocument, expected: &Value) -> String {
    let selected = &document.selected;
    let of_r = |value: &Value| value.as_f64().expect("a number");
    let row = |name: &str, r: f64, ours: f64| format!("| {name} | {r:.6} | {ours:.6} |\n");
    let mut text = format!(
        "\n| 80 simulated subjects, {} events | maxstat 0.7-25 | herscope |\n| --- | ---: | ---: |\n",
        document.n_events
    );
    text +=
        &row("largest standardised statistic", of_r(&expected["statistic"]), selected.statistic);
    let approximations = &selected.approximations;
    text += &row(
        "p, Miller-Siegmund (Lau92)",
        of_r(&expected["lau92"]),
        approximations.miller_siegmund,
    );
    text += &row("p, Lausen (Lau94)", of_r(&expected["lau94"]), approximations.lausen);
    let drawn = of_r(&expected["cond_mc"]["p"]);
    text += &row("p, 100 000 permutations (condMC)", drawn, selected.adjusted.p);
    text.push('\n');
    text
}
