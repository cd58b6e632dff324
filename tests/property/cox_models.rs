//! Cox models, their tests and checks under changes of the data that must not matter, and where two
//! methods must meet.

use herscope::survival::{
    CovariateColumn, CoxData, CoxFit, CoxOptions, CoxStatus, Outcome, TieRepair, Ties,
    TimeTransform, cox_residuals, cox_zph, fit_cox, fit_logrank,
};
use proptest::prelude::*;

/// Entry, time, event, group and covariate of a row.
#[derive(Clone, Debug)]
struct Row {
    entry: f64,
    time: f64,
    event: bool,
    group: usize,
    x: f64,
}

fn row() -> impl Strategy<Value = Row> {
    (0_u8..5, 1_u8..14, any::<bool>(), 0_usize..2, -12_i8..12).prop_map(
        |(entry, length, event, group, x)| Row {
            entry: f64::from(entry),
            time: f64::from(entry + length),
            event,
            group,
            x: f64::from(x) / 4.0,
        },
    )
}

/// Whole times from a short range: many ties.
fn tied_rows() -> impl Strategy<Value = Vec<Row>> {
    prop::collection::vec(row(), 10..40)
}

/// No two rows end at one time: each ends a different small fraction after a whole time.
fn untied_rows() -> impl Strategy<Value = Vec<Row>> {
    tied_rows().prop_map(|mut rows| {
        for (i, row) in rows.iter_mut().enumerate() {
            row.time += i as f64 / 64.0;
        }
        rows
    })
}

fn outcome(rows: &[Row]) -> Outcome {
    Outcome::new(
        rows.iter().map(|row| row.time).collect(),
        rows.iter().map(|row| row.event).collect(),
        Some(rows.iter().map(|row| row.entry).collect()),
        None,
        TieRepair::Keep,
    )
    .expect("generated rows are valid")
}

fn model(rows: &[Row]) -> CoxData {
    let column = |name: &str, pick: fn(&Row) -> f64| CovariateColumn {
        name: name.into(),
        values: rows.iter().map(pick).collect(),
    };
    CoxData {
        outcome: outcome(rows),
        covariates: vec![column("group", |row| row.group as f64), column("x", |row| row.x)],
        strata: None,
        cluster: None,
    }
}

fn fit(data: &CoxData, ties: Ties) -> CoxFit {
    fit_cox(data, &CoxOptions { ties, ..CoxOptions::default() }).expect("valid rows")
}

/// Newton's climb ends within 1e-11 standard errors, or a millionth where rounding rules.
fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-6 * (1.0 + a.abs())
}

fn same(a: &CoxFit, b: &CoxFit) -> Result<(), TestCaseError> {
    prop_assert_eq!(&a.status, &b.status, "status");
    prop_assert!(close(a.partial_log_likelihood, b.partial_log_likelihood), "{:?} {:?}", a, b);
    prop_assert!(close(a.score.chisq, b.score.chisq), "score: {:?} {:?}", a, b);
    for (a, b) in a.terms.iter().zip(&b.terms) {
        prop_assert_eq!(a.limit, b.limit, "limit of {}", a.name);
        let pairs = [(a.coef, b.coef), (a.se, b.se)];
        for (a, b) in pairs {
            prop_assert_eq!(a.is_some(), b.is_some(), "{:?} {:?}", a, b);
            prop_assert!(close(a.unwrap_or(0.0), b.unwrap_or(0.0)), "{:?} {:?}", a, b);
        }
    }
    Ok(())
}

const WITH_TIES: [Ties; 3] = [Ties::Efron, Ties::Breslow, Ties::Exact];

proptest! {
    #![proptest_config(crate::cases(150))]

    #[test]
    fn without_ties_all_treatments_of_ties_agree(rows in untied_rows()) {
        let data = model(&rows);
        let [efron, breslow, exact] = WITH_TIES.map(|ties| fit(&data, ties));
        same(&efron, &breslow)?;
        same(&efron, &exact)?;
    }

    #[test]
    fn without_ties_the_score_test_of_a_group_is_the_log_rank_test(rows in untied_rows()) {
        let mut data = model(&rows);
        data.covariates.truncate(1);
        data.strata = Some(rows.iter().map(|row| usize::from(row.x > 0.0)).collect());
        let groups: Vec<usize> = rows.iter().map(|row| row.group).collect();
        for strata in [None, data.strata.clone()] {
            let logrank = fit_logrank(&data.outcome, &groups, strata.as_deref(), 0.0).expect("valid");
            let score = fit(&CoxData { strata, ..data.clone() }, Ties::Efron).score;
            prop_assert_eq!(logrank.df, score.df, "degrees of freedom");
            prop_assert!(
                close(logrank.chisq.unwrap_or(0.0), score.chisq), "{:?} {:?}", logrank, score
            );
        }
    }

    #[test]
    fn a_single_stratum_is_none(rows in tied_rows(), label in 0_usize..5) {
        let data = model(&rows);
        let one = CoxData { strata: Some(vec![label; rows.len()]), ..data.clone() };
        for ties in WITH_TIES {
            same(&fit(&data, ties), &fit(&one, ties))?;
        }
    }

    #[test]
    fn the_other_reference_group_turns_the_sign(rows in tied_rows()) {
        let turned: Vec<Row> =
            rows.iter().map(|row| Row { group: 1 - row.group, ..row.clone() }).collect();
        for ties in WITH_TIES {
            let (a, mut b) = (fit(&model(&rows), ties), fit(&model(&turned), ties));
            let term = &mut b.terms[0];
            term.coef = term.coef.map(|coef| -coef);
            prop_assert_eq!(a.terms[0].limit.is_some(), term.limit.is_some(), "limit");
            if let (Some(own), Some(turned)) = (a.terms[0].limit, term.limit) {
                prop_assert_ne!(own, turned, "towards the other side");
            }
            term.limit = a.terms[0].limit;
            same(&a, &b)?;
        }
    }

    #[test]
    fn another_unit_of_a_covariate_divides_its_coefficient(rows in tied_rows(), unit in 0.001..1e3_f64) {
        let data = model(&rows);
        let mut scaled = data.clone();
        scaled.covariates[1].values.iter_mut().for_each(|x| *x *= unit);
        for ties in WITH_TIES {
            let (a, mut b) = (fit(&data, ties), fit(&scaled, ties));
            let term = &mut b.terms[1];
            term.coef = term.coef.map(|coef| coef * unit);
            term.se = term.se.map(|se| se * unit);
            same(&a, &b)?;
        }
    }

    #[test]
    fn another_unit_of_time_changes_no_check(rows in tied_rows(), unit in 0.001..1e3_f64) {
        let scaled: Vec<Row> = rows
            .iter()
            .map(|row| Row { entry: row.entry * unit, time: row.time * unit, ..row.clone() })
            .collect();
        let (a, b) = (model(&rows), model(&scaled));
        let fits = [fit(&a, Ties::Efron), fit(&b, Ties::Efron)];
        for transform in [TimeTransform::KaplanMeier, TimeTransform::Identity, TimeTransform::Rank] {
            let tests = (cox_zph(&a, &fits[0], transform), cox_zph(&b, &fits[1], transform));
            if let (Some(a), Some(b)) = tests {
                prop_assert!(close(a.global.chisq, b.global.chisq), "{:?} {:?}", a, b);
            }
        }
        let concordance = [
            fits[0].concordance(&a).expect("its own data"),
            fits[1].concordance(&b).expect("its own data"),
        ];
        prop_assert_eq!(concordance[0], concordance[1], "pairs are of ranks");
    }

    #[test]
    fn martingale_residuals_add_up_to_zero(rows in tied_rows()) {
        let data = model(&rows);
        for ties in [Ties::Efron, Ties::Breslow] {
            let fit = fit(&data, ties);
            if let Some(residuals) = cox_residuals(&data, &fit) {
                let sum: f64 = residuals.martingale.iter().sum();
                prop_assert!(sum.abs() < 1e-9, "{}", sum);
            }
        }
    }

    #[test]
    fn copies_with_the_weight_of_one_are_a_larger_cohort(rows in tied_rows()) {
        // Three copies: the same coefficients under Breslow, a third of the variance.
        let thrice: Vec<Row> = rows.iter().flat_map(|row| [row, row, row]).cloned().collect();
        let (a, b) = (fit(&model(&rows), Ties::Breslow), fit(&model(&thrice), Ties::Breslow));
        prop_assert_eq!(&a.status, &b.status, "status");
        for (a, b) in a.terms.iter().zip(&b.terms) {
            prop_assert!(close(a.coef.unwrap_or(0.0), b.coef.unwrap_or(0.0)), "{:?} {:?}", a, b);
            let errors = (a.se.unwrap_or(0.0), b.se.unwrap_or(0.0) * 3.0_f64.sqrt());
            prop_assert!(close(errors.0, errors.1), "{:?} {:?}", a, b);
        }
        if a.status == CoxStatus::Converged {
            let chisq = (3.0 * a.likelihood_ratio.chisq, b.likelihood_ratio.chisq);
            prop_assert!(close(chisq.0, chisq.1), "{:?}", chisq);
        }
    }
}
