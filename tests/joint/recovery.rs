//! Simulated cohorts with known truth: bias, standard errors, coverage of both kinds of limits.

use herscope::joint::{
    Association, Baseline, CohortPlan, Family, JointModel, JointOptions, JointTruth, RandomEffects,
    Refitter, fit_joint,
};
use rayon::prelude::*;

use crate::docs_block::check_or_write;

/// Cohorts of each size.
const COHORTS: u64 = 500;

/// What [`truth`] says of the association: its place is the last.
const ALPHA: f64 = 0.35;

fn truth() -> JointTruth {
    JointTruth {
        model: JointModel {
            family: Family::Poisson,
            random: RandomEffects::Intercept,
            association: Association::Value,
            baseline: Baseline::Weibull,
        },
        parameters: vec![1.0, -0.1, 0.4, 1.3_f64.ln(), 1.3_f64.ln(), -3.6, 0.3, ALPHA],
    }
}

/// One cohort: estimate, standard error, whether Wald's and the likelihood's 95 % limits hold the
/// truth. `None` where the fit did not converge.
fn one(n: usize, cohort: u64) -> Option<(f64, f64, bool, bool)> {
    let plan =
        CohortPlan { n, visits: vec![0.0, 1.5, 3.0], prevalence: 0.3, follow_up: (6.0, 24.0) };
    let truth = truth();
    let data = truth.draw(&plan.draw(n as u64, cohort), n as u64, cohort).expect("a valid plan");
    let options = JointOptions { nodes: 9 };
    let fit = fit_joint(&truth.model, &data, &options).expect("valid data");
    let last = fit.parameters.len() - 1;
    let (estimate, se) = (fit.parameters[last].estimate?, fit.parameters[last].se?);
    let refitter = Refitter::new(&truth.model, &data, &fit).expect("it was fitted before");
    let all: Option<Vec<f64>> = fit.parameters.iter().map(|parameter| parameter.estimate).collect();
    let held = refitter.held(last, ALPHA, &all?);
    let deviance = 2.0 * (fit.log_likelihood - held.log_likelihood);
    let wald = ((estimate - ALPHA) / se).abs() < 1.959_964;
    Some((estimate, se, wald, deviance < 3.841_459))
}

struct Recovery {
    converged: usize,
    bias: f64,
    bias_error: f64,
    sd: f64,
    mean_se: f64,
    wald: f64,
    likelihood: f64,
}

fn recover(n: usize) -> Recovery {
    let all: Vec<_> = (0..COHORTS).into_par_iter().filter_map(|cohort| one(n, cohort)).collect();
    let count = all.len() as f64;
    let mean = all.iter().map(|one| one.0).sum::<f64>() / count;
    let sd = (all.iter().map(|one| (one.0 - mean).powi(2)).sum::<f64>() / (count - 1.0)).sqrt();
    let share = |holds: fn(&(f64, f64, bool, bool)) -> bool| {
        100.0 * all.iter().filter(|one| holds(one)).count() as f64 / count
    };
    Recovery {
        converged: all.len(),
        bias: mean - ALPHA,
        bias_error: sd / count.sqrt(),
        sd,
        mean_se: all.iter().map(|one| one.1).sum::<f64>() / count,
        wald: share(|one| one.2),
        likelihood: share(|one| one.3),
    }
}

#[test]
fn simulated_cohorts_give_back_their_association() {
    let mut block = String::from(
        "\n| subjects | converged | bias of the association (MC error) | SD of the estimates | mean SE | \
         Wald 95 % | likelihood 95 % |\n| ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for n in [300, 60] {
        let found = recover(n);
        block += &format!(
            "| {n} | {} of {COHORTS} | {:+.3} ({:.3}) | {:.3} | {:.3} | {:.1} % | {:.1} % |\n",
            found.converged,
            found.bias,
            found.bias_error,
            found.sd,
            found.mean_se,
            found.wald,
            found.likelihood
        );
        assert!(found.converged as u64 >= COHORTS * 9 / 10, "{n}: {} converged", found.converged);
        if n == 300 {
            // 500 cohorts: a coverage of 95 % has an error of 1 %; three of them
            for coverage in [found.wald, found.likelihood] {
                assert!((coverage - 95.0).abs() < 3.0, "{n}: {coverage} %");
            }
            assert!(found.bias.abs() < 4.0 * found.bias_error + 0.01, "{n}: bias {}", found.bias);
            // the SD of 500 estimates is known to 3 %
            assert!((found.mean_se / found.sd - 1.0).abs() < 0.1, "{n}: SE {}", found.mean_se);
        }
    }
    block.push('\n');
    check_or_write("joint recovery", &block);
}
