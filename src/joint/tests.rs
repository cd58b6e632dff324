//! Derivatives against differences, quadrature against more of itself.

use super::fit::Problem;
use super::likelihood::Likelihood;
use super::model::{
    Association, Baseline, Family, FixedTerm, JointData, JointModel, RandomEffects, TimeShape,
};
use super::prepared::Prepared;
use super::splines::CubicSplines;
use super::{JointOptions, fit_joint};
use crate::survival::CovariateColumn;

/// Twelve subjects, some followed from later than 0, one without an event early, counts or levels.
fn data(family: Family) -> JointData {
    let n = 12;
    let mut data = JointData {
        visit_begin: vec![0],
        visit_time: Vec::new(),
        marker: Vec::new(),
        offset: None,
        fixed: Vec::new(),
        entry: Some((0..n).map(|i| if i % 4 == 3 { 0.2 } else { 0.0 }).collect()),
        time: (0..n).map(|i| 0.5 + 0.2 * ((i * 7) % 12) as f64).collect(),
        event: (0..n).map(|i| i % 3 != 1).collect(),
        covariates: vec![CovariateColumn {
            name: "her2".into(),
            values: (0..n).map(|i| f64::from(u8::from(i % 2 == 0))).collect(),
        }],
    };
    let mut age = Vec::new();
    for i in 0..n {
        for visit in 0..1 + i % 3 {
            let t = 0.5 * visit as f64;
            data.visit_time.push(t);
            let level = 0.8 + 0.15 * ((i * 5) % 12) as f64 - 0.2 * t;
            data.marker.push(match family {
                Family::Gaussian => level + 0.1 * ((i + 3 * visit) % 5) as f64,
                _ => (level * 3.0).round() + ((i + visit) % 3) as f64,
            });
            age.push(0.1 * i as f64);
        }
        data.visit_begin.push(data.visit_time.len());
    }
    let n_visits = data.visit_time.len();
    data.offset = Some((0..n_visits).map(|j| 0.05 * (j % 3) as f64).collect());
    let term = |name: &str, shape, at_visits: Vec<f64>, of_subjects: Vec<f64>| FixedTerm {
        name: name.into(),
        shape,
        at_visits,
        of_subjects: Some(of_subjects),
    };
    let ages: Vec<f64> = (0..n).map(|i| 0.1 * i as f64).collect();
    data.fixed = vec![
        term("(Intercept)", TimeShape::Power(0), vec![1.0; n_visits], vec![1.0; n]),
        term("t", TimeShape::Power(1), vec![1.0; n_visits], vec![1.0; n]),
        term("t:age", TimeShape::Power(1), age, ages),
    ];
    data
}

/// Every combination of family, random effects, association and baseline.
fn models() -> Vec<JointModel> {
    let mut models = Vec::new();
    for family in [Family::Gaussian, Family::Poisson, Family::NegativeBinomial] {
        for random in [RandomEffects::Intercept, RandomEffects::InterceptSlope] {
            for association in [
                Association::Value,
                Association::Slope,
                Association::ValueAndSlope,
                Association::Shared,
            ] {
                for baseline in [
                    Baseline::Weibull,
                    Baseline::Piecewise { knots: vec![0.9, 1.8] },
                    Baseline::Spline { basis: CubicSplines::new((0.0, 3.0), &[1.2]) },
                ] {
                    models.push(JointModel { family, random, association, baseline });
                }
            }
        }
    }
    models
}

/// A point of moderate values with a correlation and an association in it.
fn point(n: usize) -> Vec<f64> {
    (0..n).map(|k| [0.3, -0.2, 0.15, -0.4, -0.6, 0.25][k % 6] - 0.02 * k as f64).collect()
}

#[test]
fn gradients_match_differences_of_the_log_likelihood() {
    for model in models() {
        let data = data(model.family);
        // so many nodes that what the rule is off by does not show beside the differences
        let problem = Problem::new(&model, &data, &JointOptions { nodes: 40 })
            .expect("data that the model can be fitted to");
        let mut likelihood = problem.likelihood();
        let theta = point(problem.layout.len());
        let mut gradient = vec![0.0; theta.len()];
        likelihood.at(&theta, Some(&mut gradient));
        for k in 0..theta.len() {
            let mut at = |shift: f64| {
                let mut theta = theta.clone();
                theta[k] += shift;
                likelihood.at(&theta, None)
            };
            // fourth order: off by 1e-12 of the fifth derivative, and by rounding, 1e-13 / 1e-3
            let h = 1e-3;
            let slope = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
            let error = (slope - gradient[k]).abs() / (1.0 + slope.abs());
            assert!(error < 2e-7, "{model:?}, parameter {k}: {} beside {slope}", gradient[k]);
        }
    }
}

#[test]
fn doubling_the_nodes_moves_the_log_likelihood_of_a_subject_by_less_than_a_thousandth() {
    for model in models() {
        let data = data(model.family);
        let of = |nodes: usize| {
            let problem = Problem::new(&model, &data, &JointOptions { nodes })
                .expect("data that the model can be fitted to");
            let theta = point(problem.layout.len());
            problem.likelihood().by_subject(&theta)
        };
        let (few, many) = (of(15), of(30));
        for (few, many) in few.iter().zip(&many) {
            assert!((few - many).abs() < 1e-3, "{model:?}: {few} beside {many}");
        }
    }
}

#[test]
fn doubling_the_times_under_the_hazard_moves_nothing_that_is_printed() {
    for model in models() {
        let data = data(model.family);
        let problem = Problem::new(&model, &data, &JointOptions::default())
            .expect("data that the model can be fitted to");
        let theta = point(problem.layout.len());
        let plain = problem.likelihood().at(&theta, None);
        let finer = Prepared::with_time_nodes(&data, &model, 48, 24);
        let finer =
            Likelihood::new(&finer, &model, &problem.layout, &problem.rule).at(&theta, None);
        // a thousandth of the 0.01 that a log likelihood is held to
        assert!((plain - finer).abs() < 1e-5, "{model:?}: {plain} beside {finer}");
    }
}

#[test]
fn one_marker_without_association_has_the_closed_form_of_a_mixed_model() {
    let model = JointModel {
        family: Family::Gaussian,
        random: RandomEffects::Intercept,
        association: Association::Shared,
        baseline: Baseline::Weibull,
    };
    let mut data = data(Family::Gaussian);
    data.entry = None;
    let problem = Problem::new(&model, &data, &JointOptions { nodes: 7 }).expect("fine data");
    let mut theta = point(problem.layout.len());
    theta[problem.layout.alpha.start] = 0.0;
    let found = problem.likelihood().by_subject(&theta);
    let (variance, between) =
        ((2.0 * theta[3]).exp(), (2.0 * theta[problem.layout.covariance.start]).exp());
    let (shape, intercept) =
        (theta[problem.layout.baseline.start].exp(), theta[problem.layout.baseline.start + 1]);
    for (i, found) in found.iter().enumerate() {
        let r: Vec<f64> = data
            .visits(i)
            .map(|j| {
                let fixed = data.fixed.iter().zip(&theta[..3]).map(|(term, beta)| {
                    beta * term.at_visits[j] * term.shape.at(data.visit_time[j]).0
                });
                data.marker[j] - data.offset.as_ref().expect("given")[j] - fixed.sum::<f64>()
            })
            .collect();
        let n = r.len() as f64;
        let (sum, squares) = (r.iter().sum::<f64>(), r.iter().map(|r| r * r).sum::<f64>());
        let total = variance + n * between;
        let marker = -0.5
            * (n * std::f64::consts::TAU.ln()
                + (n - 1.0) * variance.ln()
                + total.ln()
                + (squares - between * sum * sum / total) / variance);
        let proportional = theta[problem.layout.gamma.start] * data.covariates[0].values[i];
        let time: f64 = data.time[i];
        let log_hazard = shape.ln() + (shape - 1.0) * time.ln() + intercept + proportional;
        let hazard = f64::from(u8::from(data.event[i])) * log_hazard
            - time.powf(shape) * (intercept + proportional).exp();
        // the shape is 0.56 here: the integral of t^(shape - 1) is good to six digits
        assert!((found - marker - hazard).abs() < 1e-5, "subject {i}: {found}");
    }
}

/// A hazard that does not depend on the effects knows only the time at risk after entry; one that does
/// is conditional on having been there to enter, which a brute-force sum over the effect shows.
#[test]
fn late_entry_is_conditional_on_survival_to_entry() {
    let model = JointModel {
        family: Family::Gaussian,
        random: RandomEffects::Intercept,
        association: Association::Shared,
        baseline: Baseline::Weibull,
    };
    let data = data(Family::Gaussian);
    let problem = Problem::new(&model, &data, &JointOptions { nodes: 40 }).expect("fine data");
    let mut theta = point(problem.layout.len());
    theta[problem.layout.alpha.start] = 1.2;
    let found = problem.likelihood().by_subject(&theta);
    let sd = theta[problem.layout.covariance.start].exp();
    let (shape, intercept) =
        (theta[problem.layout.baseline.start].exp(), theta[problem.layout.baseline.start + 1]);
    for i in (0..data.n_subjects()).filter(|i| i % 4 == 3) {
        let level = intercept + theta[problem.layout.gamma.start] * data.covariates[0].values[i];
        let integral = |f: &dyn Fn(f64) -> f64| {
            let density =
                |b: f64| (-0.5 * (b / sd).powi(2)).exp() / (sd * std::f64::consts::TAU.sqrt());
            // trapezoids over +-9 SD: exponentially accurate for a smooth integrand
            (-3600..=3600)
                .map(|k| {
                    0.0025
                        * sd
                        * f(0.0025 * sd * f64::from(k))
                        * density(0.0025 * sd * f64::from(k))
                })
                .sum::<f64>()
        };
        let hazard = |t: f64, b: f64| t.powf(shape) * (level + 1.2 * b).exp();
        let markers = |b: f64| -> f64 {
            data.visits(i)
                .map(|j| {
                    let t = data.visit_time[j];
                    let fixed = data.fixed.iter().zip(&theta[..3]);
                    let mean: f64 = fixed
                        .map(|(term, beta)| beta * term.at_visits[j] * term.shape.at(t).0)
                        .sum();
                    let r = data.marker[j] - data.offset.as_ref().expect("given")[j] - mean - b;
                    let s = theta[3].exp();
                    (-0.5 * (r / s).powi(2)).exp() / (s * std::f64::consts::TAU.sqrt())
                })
                .product()
        };
        let time = data.time[i];
        let event = |b: f64| {
            if data.event[i] {
                shape * time.powf(shape - 1.0) * (level + 1.2 * b).exp()
            } else {
                1.0
            }
        };
        let whole = integral(&|b| markers(b) * event(b) * (-hazard(time, b)).exp());
        let entry = data.entry.as_ref().expect("given")[i];
        let entered = integral(&|b| (-hazard(entry, b)).exp());
        let expected = (whole / entered).ln();
        assert!((found[i] - expected).abs() < 1e-5, "subject {i}: {} beside {expected}", found[i]);
    }
}

#[test]
fn without_events_nothing_is_estimated_and_the_reason_is_given() {
    let mut data = data(Family::Gaussian);
    data.event.fill(false);
    let model = models().remove(0);
    let fit = fit_joint(&model, &data, &JointOptions::default()).expect("a status, not an error");
    assert_eq!(fit.status.name(), "not_identified", "{:?}", fit.status);
    assert!(fit.status.reason().contains("no subject has an event"), "{}", fit.status.reason());
    assert!(fit.parameters.iter().all(|parameter| parameter.estimate.is_none()), "none reported");
}
