use crate::{Noise, gpu};
use herscope::compute::{Backend, CpuEngine};
use herscope::kernels::InstructionSet;
use herscope::kernels::curve_bootstrap::{
    CurveDraws, CurvePlan, CurveStatistic, Replicate, solve_on_host,
};
use herscope::survival::{Confidence, KaplanMeier, Outcome, Rmst, fit_logrank};

/// Follow-up, events, and arms of `n` subjects.
fn columns(n: usize, whole_times: bool, share: f64) -> (Vec<f64>, Vec<bool>, Vec<bool>) {
    let mut noise = Noise(n as u64 * 1000);
    let mut time: Vec<f64> = (0..n).map(|_| noise.next() * 24.0).collect();
    if whole_times {
        time.iter_mut().for_each(|t| *t = (*t / 4.0).ceil());
    }
    let event = (0..n).map(|_| noise.next() < 0.6).collect();
    let mut arm: Vec<bool> = (0..n).map(|_| noise.next() < share).collect();
    arm[0] = false;
    arm[n - 1] = true;
    (time, event, arm)
}

const STATISTICS: [CurveStatistic; 5] = [
    CurveStatistic::Quantile { level: 0.5 },
    CurveStatistic::Quantile { level: 0.7 },
    CurveStatistic::RestrictedMean { tau: 9.5 },
    CurveStatistic::SurvivalAt { time: 4.0 },
    CurveStatistic::LogRank,
];

fn plan(
    n: usize,
    whole_times: bool,
    share: f64,
    statistic: CurveStatistic,
    how: &str,
) -> CurvePlan {
    let (time, event, arm) = columns(n, whole_times, share);
    let strata: Vec<usize> = arm.iter().map(|&arm| usize::from(arm)).collect();
    let how = match how {
        "case" => CurveDraws::Resample(None),
        "stratified" => CurveDraws::Resample(Some(&strata)),
        _ => CurveDraws::Permute,
    };
    CurvePlan::new(&time, &event, &arm, statistic, how, 42)
}

/// The survival module's answer for replicate `number` of `plan`, made of the rows of `data` that
/// its sample names.
fn by_survival(
    plan: &CurvePlan,
    (time, event, order): (&[f64], &[bool], &[usize]),
    number: u64,
) -> Option<(f64, Option<f64>)> {
    let sample = plan.sample(number);
    let rows: Vec<usize> = sample.iter().map(|&(place, _)| order[place]).collect();
    let outcome = |wanted: Option<bool>| {
        let rows =
            rows.iter().zip(&sample).filter(|(_, own)| wanted.is_none_or(|arm| own.1 == arm));
        let rows: Vec<usize> = rows.map(|(&row, _)| row).collect();
        let (time, event) = (rows.iter().map(|&i| time[i]), rows.iter().map(|&i| event[i]));
        Outcome::right_censored(time.collect(), event.collect()).expect("valid rows")
    };
    let arms = [outcome(Some(false)), outcome(Some(true))];
    if arms.iter().any(Outcome::is_empty) {
        return None;
    }
    let curves = [0, 1].map(|arm: usize| KaplanMeier::fit(&arms[arm]));
    let confidence = Confidence::default();
    let both = |values: [Option<f64>; 2]| values[1].zip(values[0]);
    match plan.statistic {
        CurveStatistic::Quantile { level } => {
            let time = |curve: &KaplanMeier| {
                curve.quantile(1.0 - level, confidence).expect("a share").estimate
            };
            both([time(&curves[0]), time(&curves[1])]).map(|(a, b)| (a - b, None))
        }
        CurveStatistic::RestrictedMean { tau } => {
            let mean = |curve: &KaplanMeier| Rmst::fit(curve, tau).expect("a horizon");
            let [a, b] = [mean(&curves[1]), mean(&curves[0])];
            let std_err = a.std_err.hypot(b.std_err);
            Some((a.estimate - b.estimate, Some(std_err).filter(|&se| se > 0.0)))
        }
        CurveStatistic::SurvivalAt { time } => {
            let at = |arm: usize| curves[arm].survival_at(&[time], confidence)[0];
            let std_err = both([at(0).std_err, at(1).std_err]).map(|(a, b)| a.hypot(b));
            let value = both([at(0).survival, at(1).survival]).map(|(a, b)| a - b)?;
            Some((value, std_err.filter(|&se| se > 0.0)))
        }
        CurveStatistic::LogRank => {
            let codes: Vec<usize> = sample.iter().map(|&(_, arm)| usize::from(arm)).collect();
            let test = fit_logrank(&outcome(None), &codes, None, 0.0).expect("one code a row");
            let excess = test.observed[1] - test.expected[1];
            Some((test.chisq?.sqrt().copysign(excess), None))
        }
    }
}

#[test]
fn replicates_are_what_the_survival_module_gives_for_the_expanded_rows() {
    let mut compared = 0;
    for (n, whole, share) in [(12, true, 0.5), (60, false, 0.2), (60, true, 0.4), (300, true, 0.5)]
    {
        let (time, event, arm) = columns(n, whole, share);
        let in_order: Vec<usize> = (0..n).collect();
        let mut by_arm = in_order.clone();
        by_arm.sort_by_key(|&i| arm[i]);
        for statistic in STATISTICS {
            for how in ["case", "stratified", "permutation"] {
                let plan = plan(n, whole, share, statistic, how);
                let order = if how == "stratified" { &by_arm } else { &in_order };
                let mut left = vec![Replicate::Unwritten; 200];
                CpuEngine::new().curve_bootstrap(&plan, 7, &mut left).expect("no failure");
                for (number, left) in (7..).zip(&left) {
                    let ours = plan.value(number, left);
                    let theirs = by_survival(&plan, (&time, &event, order), number);
                    let name = format!("n {n}, {statistic:?}, {how}, replicate {number}");
                    let (Some((a, se)), Some((b, expected))) = (ours, theirs) else {
                        assert_eq!(ours, theirs, "{name}");
                        continue;
                    };
                    compared += 1;
                    match statistic {
                        // The same time of the data, to the last bit.
                        CurveStatistic::Quantile { .. } => assert_eq!(a, b, "{name}"),
                        // Sums in another order: some hundred roundings of numbers below 100.
                        _ => assert!((a - b).abs() < 1e-11, "{name}: {a} against {b}"),
                    }
                    assert_eq!(se.is_some(), expected.is_some(), "{name}");
                    if let (Some(se), Some(expected)) = (se, expected) {
                        assert!((se - expected).abs() < 1e-11, "{name}: {se} against {expected}");
                    }
                }
            }
        }
    }
    assert!(compared > 9_000, "{compared} replicates of 12 000 have a value");
}

#[test]
fn every_instruction_set_gives_the_same_replicates_wherever_they_begin() {
    for statistic in STATISTICS {
        for (n, how) in [(60, "case"), (60, "permutation"), (300, "stratified"), (4_100, "case")] {
            let plan = plan(n, false, 0.4, statistic, how);
            let first = u64::from(u32::MAX) - 100;
            let run = |set: InstructionSet, begin: usize, end: usize| {
                let mut out = vec![Replicate::Unwritten; end - begin];
                let engine = CpuEngine::with_instruction_set(set);
                engine.curve_bootstrap(&plan, first + begin as u64, &mut out).expect("no failure");
                out
            };
            let scalar = run(InstructionSet::Scalar, 0, 203);
            for set in InstructionSet::available() {
                let name = format!("n {n}, {statistic:?}, {how}, {}", set.name());
                assert_eq!(scalar, run(set, 0, 203), "{name}");
                assert_eq!(scalar[77..], run(set, 77, 203), "{name}, from the middle");
            }
        }
    }
}

#[test]
fn a_resample_of_a_resample_is_the_resample_of_its_subjects() {
    for statistic in STATISTICS {
        let plan = plan(60, true, 0.4, statistic, "case");
        let nested = plan.nested(3, 2, 50);
        let mut left = vec![Replicate::Unwritten; 100];
        CpuEngine::new().curve_bootstrap(&nested, 0, &mut left).expect("no failure");
        for (number, left) in (0..).zip(&left) {
            let subjects: Vec<usize> = nested.sample(number).iter().map(|own| own.0).collect();
            let of_outer: Vec<usize> =
                plan.sample(3 + number / 50).iter().map(|own| own.0).collect();
            assert!(subjects.iter().all(|subject| of_outer.contains(subject)), "{number}");
            let expected = plan.value_of_sample(&subjects);
            assert_eq!(nested.value(number, left), expected, "{statistic:?}, replicate {number}");
        }
    }
}

#[test]
fn a_shuffle_keeps_everyone_and_the_sizes_of_the_arms() {
    for share in [0.2, 0.8] {
        let plan = plan(30, false, share, CurveStatistic::LogRank, "permutation");
        let (_, _, arm) = columns(30, false, share);
        let n_1 = arm.iter().filter(|&&arm| arm).count();
        let mut in_arm_1 = [0; 30];
        for number in 0..2_000 {
            let mut sample = plan.sample(number);
            assert_eq!(sample.iter().filter(|own| own.1).count(), n_1, "replicate {number}");
            sample.sort_unstable();
            assert!(sample.iter().map(|own| own.0).eq(0..30), "replicate {number}");
            sample.iter().filter(|own| own.1).for_each(|own| in_arm_1[own.0] += 1);
        }
        // Binomial with share n_1 / 30; five standard deviations, 30 times looked at.
        let p = n_1 as f64 / 30.0;
        let allowed = 5.0 * (2_000.0 * p * (1.0 - p)).sqrt();
        for (subject, &count) in in_arm_1.iter().enumerate() {
            assert!((f64::from(count) - 2_000.0 * p).abs() < allowed, "subject {subject}: {count}");
        }
    }
}

/// The same status, numbers of quantiles bit for bit, others within the plan's tolerance; the
/// largest share of the tolerance used.
fn agree(
    plan: &CurvePlan,
    first: u64,
    cpu: &[Replicate],
    gpu: &[Replicate],
) -> Result<f64, String> {
    let (allowed, allowed_variance) = plan.tolerance();
    let mut worst = 0.0_f64;
    for ((number, cpu), gpu) in (first..).zip(cpu).zip(gpu) {
        let on_host = (*gpu == Replicate::NeedsHost).then(|| solve_on_host(plan, number));
        let gpu = on_host.as_ref().unwrap_or(gpu);
        match (*cpu, *gpu) {
            (
                Replicate::Moments { value: a, variance: v },
                Replicate::Moments { value: b, variance: w },
            ) => {
                let off =
                    ((a - b).abs() / allowed).max((v - w).abs() / (allowed_variance * v + 1e-300));
                if off.is_nan() || off > 1.0 {
                    return Err(format!("replicate {number}: {cpu:?} against {gpu:?}"));
                }
                worst = worst.max(off);
            }
            (cpu, gpu) if cpu == gpu => {}
            (cpu, gpu) => return Err(format!("replicate {number}: {cpu:?} against {gpu:?}")),
        }
    }
    Ok(worst)
}

#[test]
fn curve_replicates_agree_on_cpu_and_gpu() {
    let Some(gpu) = gpu("curve_replicates_agree_on_cpu_and_gpu") else { return };
    let cases = [
        (2, false, 0.5, 64, "case"),
        (7, true, 0.4, 65, "permutation"),
        (60, false, 0.3, 4_099, "case"),
        (60, true, 0.3, 1_009, "permutation"),
        (255, false, 0.5, 257, "stratified"),
        (256, true, 0.5, 63, "case"),
        (4_100, false, 0.4, 33, "case"),
        (4_100, false, 0.6, 17, "permutation"),
    ];
    for (n, whole, share, replicates, how) in cases {
        for statistic in STATISTICS {
            let plan = plan(n, whole, share, statistic, how);
            // Across the boundary of the replicate number's low word.
            let first = u64::from(u32::MAX) - replicates as u64 / 2;
            let mut a = vec![Replicate::Unwritten; replicates];
            let mut b = a.clone();
            CpuEngine::new().curve_bootstrap(&plan, first, &mut a).expect("the CPU does not fail");
            gpu.curve_bootstrap(&plan, first, &mut b).expect("the device works");
            let handed_back = b.iter().filter(|left| **left == Replicate::NeedsHost).count();
            assert!(handed_back * 20 <= replicates, "n {n}, {statistic:?}: {handed_back}");
            let compared = agree(&plan, first, &a, &b);
            assert!(compared.is_ok(), "n {n}, {statistic:?}, {how}: {compared:?}");
            let estimable = a
                .iter()
                .filter(|left| matches!(left, Replicate::Crossings(_) | Replicate::Moments { .. }));
            assert!(n < 60 || estimable.count() * 2 > replicates, "n {n}, {statistic:?}, {how}");
        }
    }
}

#[test]
fn curve_resamples_of_resamples_agree_on_cpu_and_gpu() {
    let Some(gpu) = gpu("curve_resamples_of_resamples_agree_on_cpu_and_gpu") else { return };
    for statistic in STATISTICS {
        let plan = plan(60, true, 0.4, statistic, "case").nested(5, 3, 101);
        let mut a = vec![Replicate::Unwritten; 303];
        let mut b = a.clone();
        CpuEngine::new().curve_bootstrap(&plan, 0, &mut a).expect("the CPU does not fail");
        gpu.curve_bootstrap(&plan, 0, &mut b).expect("the device works");
        let compared = agree(&plan, 0, &a, &b);
        assert!(compared.is_ok(), "{statistic:?}: {compared:?}");
    }
}

#[test]
fn shuffles_are_drawn_alike_on_cpu_and_gpu() {
    let Some(gpu) = gpu("shuffles_are_drawn_alike_on_cpu_and_gpu") else { return };
    for n in [60, 4_100] {
        let plan = plan(n, false, 0.4, CurveStatistic::LogRank, "permutation");
        let mut a = vec![u32::MAX; 40 * plan.draws.slots.len()];
        let mut b = a.clone();
        CpuEngine::new().resample_draws(&plan.draws, 11, &mut a).expect("the CPU does not fail");
        gpu.resample_draws(&plan.draws, 11, &mut b).expect("the device works");
        assert_eq!(a, b, "n {n}");
    }
}

#[test]
fn a_changed_number_or_a_value_beyond_the_tolerance_is_noticed() {
    for statistic in [STATISTICS[0], STATISTICS[2]] {
        let plan = plan(60, false, 0.4, statistic, "case");
        let mut left = vec![Replicate::Unwritten; 64];
        CpuEngine::new().curve_bootstrap(&plan, 0, &mut left).expect("the CPU does not fail");
        assert!(agree(&plan, 0, &left, &left.clone()).is_ok(), "equal replicates agree");
        let mut other = left.clone();
        other[40] = match other[40] {
            Replicate::Crossings([[at, below], arm]) => {
                Replicate::Crossings([[at, below ^ 1], arm])
            }
            Replicate::Moments { value, variance } => {
                Replicate::Moments { value: value + 2.0 * plan.tolerance().0, variance }
            }
            _ => panic!("replicate 40 has a value: {:?}", other[40]),
        };
        assert!(agree(&plan, 0, &left, &other).is_err(), "{statistic:?}");
        other[40] = Replicate::NotReached;
        assert!(agree(&plan, 0, &left, &other).is_err(), "another status is noticed");
    }
}

#[test]
fn words_that_no_shader_wrote_are_no_result() {
    let plan = plan(60, false, 0.4, CurveStatistic::LogRank, "case");
    for words in [[0; 4], [u32::MAX; 4], [7, 0, 0, 0]] {
        assert_eq!(plan.decode(words), Replicate::Unwritten, "{words:?}");
    }
}
