//! Log-rank and Peto-Peto tests against R survival 3.5-3 `survdiff`.

use herscope::survival::fit_logrank;

use crate::reference_set::{Comparisons, ReferenceSet, SETS};

#[test]
fn both_tests_of_every_set_equal_survdiff() {
    let mut compared = Comparisons::default();
    for name in SETS {
        let set = ReferenceSet::read(name);
        let groups = set.group_codes();
        for (block, rho) in [("rho0", 0.0), ("rho1", 1.0)] {
            let expected = &set.expected["logrank"][block];
            let test = fit_logrank(&set.outcome, &groups, None, rho).expect("valid groups");
            let what = |field: &str| format!("{name} {block} {field}");
            if expected["undefined"] == true {
                assert_eq!((test.chisq, test.p), (None, None), "{}", what("is undefined"));
                compared.count += 2;
                continue;
            }
            compared.check(&what("chisq"), test.chisq, &expected["chisq"], (0.0, 1e-8));
            compared.check(&what("p"), test.p, &expected["p"], (0.0, 1e-6));
            compared.check(&what("df"), Some(test.df as f64), &expected["df"], (0.0, 0.0));
            for g in 0..2 {
                let n = Some(test.n[g] as f64);
                compared.check(&what("n"), n, &expected["n"][g], (0.0, 0.0));
                let (observed, mean) = (Some(test.observed[g]), Some(test.expected[g]));
                compared.check(&what("observed"), observed, &expected["observed"][g], (1e-9, 1e-8));
                compared.check(&what("expected"), mean, &expected["expected"][g], (1e-9, 1e-8));
                for h in 0..2 {
                    let variance = Some(test.variance[g * 2 + h]);
                    compared.check(&what("var"), variance, &expected["var"][g][h], (1e-9, 1e-8));
                }
            }
        }
    }
    // Ten sets with 13 values a test, one without an event with 2.
    assert_eq!(compared.count, 2 * (10 * 13 + 2), "values compared");
}
