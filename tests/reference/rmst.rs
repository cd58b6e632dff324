//! Restricted means against the area and Greenwood-type variance that R's rmean and survRM2 confirm.

use herscope::survival::{ConfLevel, Rmst, fit_rmst};
use serde_json::Value;

use crate::reference_set::{Comparisons, ReferenceSet, SETS};

const TOLERANCE: (f64, f64) = (1e-10, 1e-8);

fn check_mean(compared: &mut Comparisons, what: &str, rmst: &Rmst, expected: &Value) {
    let (lower, upper) = rmst.limits(ConfLevel::default());
    let values = [
        ("rmst", rmst.estimate),
        ("se", rmst.std_err),
        ("lower", lower),
        ("upper", upper),
        ("rmtl", rmst.tau - rmst.estimate),
    ];
    for (field, value) in values {
        compared.check(&format!("{what} {field}"), Some(value), &expected[field], TOLERANCE);
    }
}

#[test]
fn means_differences_and_ratios_of_every_set_equal_the_reference() {
    let mut compared = Comparisons::default();
    for name in SETS {
        let set = ReferenceSet::read(name);
        let expected = &set.expected["rmst"];
        let tau = expected["tau"].as_f64().expect("a horizon");
        let [reference, second] = [0, 1].map(|code| {
            let rows = set.arm_rows(&set.levels()[code]);
            fit_rmst(&set.outcome.select(&rows), tau).expect("a valid horizon")
        });
        check_mean(&mut compared, &format!("{name} arm 0"), &reference, &expected["arm01_0"]);
        check_mean(&mut compared, &format!("{name} arm 1"), &second, &expected["arm01_1"]);

        let level = ConfLevel::default();
        let difference = second.difference(&reference, level);
        let ratio = second.ratio(&reference, level).expect("both means are above 0");
        let blocks = [
            ("difference_1_minus_0", difference, "se", true),
            ("ratio_1_over_0", ratio, "log_se", false),
        ];
        for (block, contrast, std_err, with_p) in blocks {
            let expected = &expected[block];
            let values = [
                ("estimate", contrast.estimate),
                (std_err, contrast.std_err),
                ("lower", contrast.lower),
                ("upper", contrast.upper),
            ];
            for (field, value) in values {
                let what = format!("{name} {block} {field}");
                compared.check(&what, Some(value), &expected[field], TOLERANCE);
            }
            if with_p {
                let what = format!("{name} {block} p");
                compared.check(&what, contrast.p, &expected["p"], (1e-12, 1e-6));
            }
        }
    }
    // Two arms with 5 values, a difference with 5, a ratio with 4.
    assert_eq!(compared.count, 11 * 19, "values compared");
}
