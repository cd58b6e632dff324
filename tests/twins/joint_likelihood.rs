#[path = "joint_likelihood/data.rs"]
mod data;

use crate::{Noise, gpu};
use data::{Case, ctcjm, demo, in_days, made_up_cases, pbcseq};
use herscope::compute::{Backend, CpuEngine};
use herscope::joint::{Association, Family, JointData, JointOptions, RandomEffects};
use herscope::kernels::InstructionSet;
use herscope::kernels::joint_likelihood::{self, BEYOND, POISON, Plan, Points, TOLERANCE};

fn plan(case: &Case, nodes: usize) -> Plan {
    Plan::new(&case.model, &case.data, &JointOptions { nodes }, &case.reference)
        .expect("data that the model can be fitted to")
        .expect("a family the kernel takes")
}

/// The reference and `n - 1` vectors up to `width` spreads away from it in each parameter.
fn cloud(case: &Case, n: usize, width: f64) -> Vec<Vec<f64>> {
    let mut noise = Noise(n as u64 * 1_000);
    let mut vectors = vec![case.reference.clone()];
    vectors.resize_with(n, || {
        let moved = case.reference.iter().zip(&case.spreads);
        moved.map(|(x, spread)| x + width * spread * (2.0 * noise.next() - 1.0)).collect()
    });
    vectors
}

fn points(plan: &Plan, cloud: &[Vec<f64>]) -> Points {
    plan.points(cloud.iter().map(Vec::as_slice))
}

fn evaluated(backend: &dyn Backend, plan: &Plan, points: &Points) -> Vec<f32> {
    let mut out = vec![POISON; plan.n_subjects() * points.len()];
    backend.joint_likelihood(plan, points, &mut out).expect("the device works");
    assert!(out.iter().all(|cell| !cell.is_nan()), "every cell is written");
    out
}

fn cases() -> Vec<Case> {
    use Association::{Shared, Value};
    let mut cases = made_up_cases();
    cases.push(in_days());
    cases.extend(["A", "B", "C"].map(|which| ctcjm(which).0));
    cases.push(pbcseq().0);
    cases.push(demo(RandomEffects::Intercept, Shared));
    cases.push(demo(RandomEffects::InterceptSlope, Value));
    cases
}

/// Asserts that each contribution is as near to the doubles as stated.
fn assert_near(name: &str, plan: &Plan, cloud: &[Vec<f64>], contributions: &[f32]) {
    let constants = plan.constants();
    let at_reference = plan.table().by_subject(&cloud[0]);
    for (k, theta) in cloud.iter().enumerate() {
        for (i, expected) in plan.table().by_subject(theta).into_iter().enumerate() {
            let found = constants[i] + f64::from(contributions[i * cloud.len() + k]);
            let error = (found - expected).abs();
            let allowed = TOLERANCE * (1.0 + (expected - at_reference[i]).abs());
            assert!(
                error <= allowed,
                "{name}, vector {k}, subject {i}: {found} for {expected}, {error:e} > {allowed:e}"
            );
        }
    }
}

#[test]
fn contributions_are_equal_bit_for_bit_on_cpu_and_gpu() {
    let Some(gpu) = gpu("contributions_are_equal_bit_for_bit_on_cpu_and_gpu") else { return };
    let software = gpu.device().name.contains("llvmpipe");
    for (number, case) in cases().iter().enumerate() {
        let plan = plan(case, [15, 5, 4][number % 3]);
        let n = if plan.n_subjects() > 100 { 7 } else { [1, 37, 64][number % 3] };
        let mut cloud = cloud(case, n, 3.0);
        if n == 64 {
            cloud.push(case.reference.iter().map(|x| x + 35.0).collect());
        }
        let points = points(&plan, &cloud);
        let twin = evaluated(&CpuEngine::new(), &plan, &points);
        let device = evaluated(gpu.as_ref(), &plan, &points);
        if software {
            let differing = twin.iter().zip(&device).position(|(a, b)| a.to_bits() != b.to_bits());
            let pair = differing.map(|at| (at, twin[at], device[at]));
            assert_eq!(pair, None, "{}: first differing contribution", case.name);
        } else {
            // a driver may fuse products and sums: within the kernel's own tolerance then
            assert_near(&case.name, &plan, &cloud[..n], &device_rows(&device, n, cloud.len()));
        }
    }
}

/// The first `n` of every `n_points` contributions.
fn device_rows(contributions: &[f32], n: usize, n_points: usize) -> Vec<f32> {
    contributions.chunks_exact(n_points).flat_map(|row| &row[..n]).copied().collect()
}

#[test]
fn contributions_are_as_near_to_the_doubles_as_stated() {
    for (number, case) in cases().iter().enumerate() {
        let plan = plan(case, [15, 9, 4][number % 3]);
        // up to 12 standard errors in every parameter at once
        for width in [0.1, 1.0, 3.0] {
            let cloud = cloud(case, 6, width);
            let out = evaluated(&CpuEngine::new(), &plan, &points(&plan, &cloud));
            assert_near(&case.name, &plan, &cloud, &out);
        }
    }
}

#[test]
fn lanes_and_chunks_do_not_change_a_contribution() {
    for (number, case) in cases().iter().enumerate().filter(|(_, case)| case.data.time.len() < 100)
    {
        let plan = plan(case, 4 + number % 3);
        let points = points(&plan, &cloud(case, 37, 3.0));
        let whole = evaluated(&CpuEngine::new(), &plan, &points);
        let bits = |cells: &[f32]| cells.iter().map(|cell| cell.to_bits()).collect::<Vec<_>>();
        for set in InstructionSet::available() {
            let mut pieces = vec![POISON; whole.len()];
            let mut first = 0;
            for piece in pieces.chunks_mut(23) {
                joint_likelihood::cpu(&plan, &points, set, first, piece);
                first += piece.len();
            }
            assert_eq!(bits(&whole), bits(&pieces), "{}, {}", case.name, set.name());
        }
    }
}

#[test]
fn sums_equal_log_likelihoods_computed_elsewhere() {
    let cases = [(pbcseq(), 15), (ctcjm("A"), 31), (ctcjm("B"), 31), (ctcjm("C"), 31)];
    for ((case, expected), nodes) in cases {
        let plan = plan(&case, nodes);
        let out = evaluated(
            &CpuEngine::new(),
            &plan,
            &points(&plan, std::slice::from_ref(&case.reference)),
        );
        let found = plan.log_likelihoods(&out, None)[0].expect("every subject is possible");
        // what log likelihoods of the reference sets are held to
        assert!((found - expected).abs() < 0.01, "{}: {found} for {expected}", case.name);
    }
}

#[test]
fn weights_count_subjects_and_a_subject_without_weight_does_not_count() {
    let case = in_days();
    let plan = plan(&case, 7);
    let n = plan.n_subjects();
    let cloud = cloud(&case, 5, 1.0);
    let mut out = evaluated(&CpuEngine::new(), &plan, &points(&plan, &cloud));
    let weights: Vec<f64> = (0..n).map(|i| (i % 3) as f64).collect();
    let sums = plan.log_likelihoods(&out, Some(&weights));
    for (k, sum) in sums.iter().enumerate() {
        let doubles = plan.table().by_subject(&cloud[k]);
        let expected: f64 =
            weights.iter().zip(&doubles).map(|(weight, value)| weight * value).sum();
        let found = sum.expect("every subject is possible");
        let allowed = TOLERANCE * (2 * n) as f64 * (1.0 + expected.abs());
        assert!((found - expected).abs() < allowed, "vector {k}: {found} for {expected}");
    }
    out[0] = BEYOND;
    assert_eq!(plan.log_likelihoods(&out, Some(&weights)), sums, "subject 0 has no weight");
    out[5] = BEYOND;
    let without = plan.log_likelihoods(&out, Some(&weights));
    assert_eq!((without[0], &without[1..]), (None, &sums[1..]), "subject 1 of vector 0 counts");
    out[6] = POISON;
    assert_eq!(plan.log_likelihoods(&out, Some(&weights))[1], None, "never written");
}

#[test]
fn vectors_far_off_are_handed_back_and_so_are_models_the_kernel_does_not_take() {
    for case in made_up_cases().iter().step_by(5) {
        let plan = plan(case, 7);
        let (n, p) = (plan.n_subjects(), case.reference.len());
        // a random effect wider than singles, a hazard of e^35
        let scale = usize::from(case.model.family == Family::Gaussian);
        let (mut wide, mut doomed) = (case.reference.clone(), case.reference.clone());
        wide[case.data.fixed.len() + scale] = 30.0;
        doomed.iter_mut().skip(p - 4).for_each(|x| *x += 35.0);
        let cloud = [case.reference.clone(), wide, doomed];
        let out = evaluated(&CpuEngine::new(), &plan, &points(&plan, &cloud));
        let sums = plan.log_likelihoods(&out, None);
        assert!(sums[0].is_some(), "{}: the reference", case.name);
        assert_eq!(&sums[1..], [None, None], "{}", case.name);
        assert!((0..n).all(|i| out[3 * i + 1] == BEYOND), "{}: no subject fits", case.name);
    }
    let mut case = in_days();
    let options = JointOptions::default();
    let late = JointData {
        entry: Some(case.data.time.iter().map(|time| 0.1 * time).collect()),
        ..case.data.clone()
    };
    let plan = Plan::new(&case.model, &late, &options, &case.reference).expect("fine data");
    assert!(plan.is_none(), "late entries have a second integral: left to the host");
    case.model.family = Family::NegativeBinomial;
    case.reference.insert(3, 0.0);
    let plan = Plan::new(&case.model, &case.data, &options, &case.reference).expect("fine data");
    assert!(plan.is_none(), "left to the host");
    let refused = Plan::new(&in_days().model, &case.data, &options, &case.reference);
    assert!(refused.is_err_and(|error| error.is_input()), "a reference of another length");
}
