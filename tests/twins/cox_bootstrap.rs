use crate::{Noise, gpu};
use herscope::compute::{Backend, CpuEngine};
use herscope::kernels::InstructionSet;
use herscope::kernels::cox_bootstrap::{
    MOST_COLUMNS_ON_DEVICE, Plan, Replicate, Scheme, Status, TOLERANCE, UNWRITTEN, cpu, cpu_of,
    wgsl,
};
use herscope::numeric::resampling::Resampling;
use herscope::survival::{
    CovariateColumn, CoxData, CoxOptions, CoxStatus, Outcome, TieRepair, Ties, fit_cox,
};

/// Rows of a reference set with a value in every column of `names`.
fn read(set: &str, names: &[&str]) -> CoxData {
    let path = format!("{}/tests/data/survival/{set}.csv", env!("CARGO_MANIFEST_DIR"));
    let mut reader = csv::Reader::from_path(path).expect("the set is in the repository");
    let header = reader.headers().expect("a header").clone();
    let place = |name: &str| header.iter().position(|column| column == name).expect("a column");
    let wanted: Vec<usize> =
        ["time", "event"].iter().chain(names).map(|name| place(name)).collect();
    let rows: Vec<Vec<f64>> = reader
        .records()
        .map(|record| record.expect("a whole row"))
        .filter(|record| wanted.iter().all(|&column| !record[column].is_empty()))
        .map(|record| {
            wanted.iter().map(|&column| record[column].parse().expect("a number")).collect()
        })
        .collect();
    let column = |k: usize| rows.iter().map(|row| row[k]).collect::<Vec<f64>>();
    let event = column(1).iter().map(|&event| event == 1.0).collect();
    CoxData {
        outcome: Outcome::right_censored(column(0), event).expect("valid rows"),
        covariates: names
            .iter()
            .enumerate()
            .map(|(k, name)| CovariateColumn { name: (*name).to_owned(), values: column(k + 2) })
            .collect(),
        strata: None,
        cluster: None,
    }
}

/// The same rows with made-up entry times or weights.
fn with(data: CoxData, entries: bool, weights: bool) -> CoxData {
    let mut noise = Noise(77);
    let (time, event) = (data.outcome.time().to_vec(), data.outcome.event().to_vec());
    let entry = time.iter().map(|t| if noise.next() < 0.5 { 0.0 } else { t * noise.next() });
    let entry: Vec<f64> = entry.map(f64::floor).collect();
    let entry = entries.then(|| time.iter().zip(entry).map(|(t, e)| e.min(t - 1.0)).collect());
    let weight = weights.then(|| time.iter().map(|_| (noise.next() * 4.0).ceil() / 2.0).collect());
    let outcome = Outcome::new(time, event, entry, weight, TieRepair::Keep).expect("valid rows");
    CoxData { outcome, ..data }
}

fn plan(data: &CoxData, ties: Ties, resampling: Resampling, scheme: Scheme) -> Plan {
    let fit = fit_cox(data, &CoxOptions { ties, ..CoxOptions::default() }).expect("valid data");
    Plan::new(data, 0, ties, fit.finite_coefs().as_deref(), resampling, scheme)
}

/// The data of replicate `number`, every copy a row.
fn sample(data: &CoxData, plan: &Plan, number: u64) -> CoxData {
    let mut rows = Vec::new();
    let mut weight = None;
    if plan.scheme == Scheme::Weights {
        let mut of_unit = vec![0.0; plan.resampling.n_draws()];
        plan.resampling.weights(number, &mut of_unit);
        rows.extend(0..data.outcome.len());
        weight = Some(rows.iter().map(|&row| of_unit[row] * data.outcome.weight_of(row)).collect());
    } else {
        plan.each_unit(number, |unit| {
            rows.extend(plan.resampling.members(unit).iter().map(|&row| row as usize));
        });
    }
    let drawn = data.outcome.select(&rows);
    let weight = weight.or_else(|| drawn.weight().map(<[f64]>::to_vec));
    let (time, event) = (drawn.time().to_vec(), drawn.event().to_vec());
    let entry = drawn.entry().map(<[f64]>::to_vec);
    CoxData {
        outcome: Outcome::new(time, event, entry, weight, TieRepair::Keep).expect("valid rows"),
        covariates: data
            .covariates
            .iter()
            .map(|column| CovariateColumn {
                name: column.name.clone(),
                values: rows.iter().map(|&row| column.values[row]).collect(),
            })
            .collect(),
        strata: data.strata.as_ref().map(|strata| rows.iter().map(|&row| strata[row]).collect()),
        cluster: None,
    }
}

/// Every replicate against the general fit of its rows; returns how many were handed back.
fn assert_as_fit_cox(
    name: &str,
    data: &CoxData,
    plan: &Plan,
    ties: Ties,
    first: u64,
    n: u64,
) -> u64 {
    let mut found = vec![UNWRITTEN; n as usize];
    cpu(plan, InstructionSet::best(), first, &mut found);
    let mut handed_back = 0;
    for (number, found) in (first..).zip(&found) {
        if found.status == Status::NeedsHost {
            handed_back += 1;
            continue;
        }
        let rows = sample(data, plan, number);
        // A fit that stops within 1e-11 standard errors of the maximum, not the usual 1e-8.
        let options = CoxOptions { ties, tolerance: 1e-11, ..CoxOptions::default() };
        let fit = fit_cox(&rows, &options).expect("valid rows");
        assert_eq!(fit.status, CoxStatus::Converged, "{name}, replicate {number} has a maximum");
        let coef = fit.terms[0].coef.expect("a converged fit has coefficients");
        let se = fit.terms[0].se.expect("and standard errors");
        assert!((found.coef - coef).abs() < 1e-9, "{name}, {number}: {} and {coef}", found.coef);
        let off = (found.std_err / se - 1.0).abs();
        assert!(off < 1e-7, "{name}, {number}: standard errors differ by {off}");
    }
    handed_back
}

#[test]
fn replicates_are_the_cox_fits_of_their_rows() {
    let veteran = ["arm01", "karno", "age", "diagtime", "smallcell", "adeno", "large"];
    let lung = with(read("lung", &["arm01", "age", "ecog"]), false, true);
    let ecog: Vec<usize> = lung.covariates[2].values.iter().map(|&ecog| ecog as usize).collect();
    let stratified_lung = CoxData {
        covariates: lung.covariates[..2].to_vec(),
        strata: Some(ecog.iter().map(|ecog| ecog / 2).collect()),
        ..lung.clone()
    };
    let cases = [
        ("veteran", read("veteran", &veteran)),
        ("ties60", read("ties60", &["arm01", "age", "ecog"])),
        ("lung, weights", lung),
        ("lung, weights and strata", stratified_lung),
        ("veteran, entries", with(read("veteran", &veteran[..3]), true, false)),
        ("ties60, entries and weights", with(read("ties60", &["arm01", "age"]), true, true)),
    ];
    for (name, data) in &cases {
        let n = data.outcome.len();
        let arms: Vec<usize> = data.covariates[0].values.iter().map(|&arm| arm as usize).collect();
        for ties in [Ties::Efron, Ties::Breslow] {
            let case = plan(data, ties, Resampling::new(n, None, None, 3), Scheme::Copies);
            let back = assert_as_fit_cox(name, data, &case, ties, u64::from(u32::MAX) - 50, 151);
            assert!(back <= 8, "{name}: {back} of 151 handed back");
            let within = Resampling::new(n, Some(&arms), None, 4);
            let within = plan(data, ties, within, Scheme::Copies);
            let back = assert_as_fit_cox(name, data, &within, ties, 0, 40);
            assert!(back <= 4, "{name}, within arms: {back} of 40 handed back");
            let weights = Resampling::new(n, None, None, 5);
            let weights = plan(data, ties, weights, Scheme::Weights);
            let back = assert_as_fit_cox(name, data, &weights, ties, 0, 40);
            assert!(back <= 2, "{name}, weights: {back} of 40 handed back");
            let nested = case.nested(3, 2, 20);
            let back = assert_as_fit_cox(name, data, &nested, ties, 0, 40);
            assert!(back <= 12, "{name}, resamples of resamples: {back} of 40 handed back");
            let without_one = case.leave_one_out();
            let back = assert_as_fit_cox(name, data, &without_one, ties, 0, n as u64);
            assert_eq!(back, 0, "{name}: without one row there still is a maximum");
        }
    }
}

#[test]
fn whole_clusters_are_drawn_together() {
    let data = read("kidney", &["arm01", "age", "GN"]);
    let patient: Vec<usize> = (0..data.outcome.len()).map(|row| row / 2).collect();
    let resampling = Resampling::new(patient.len(), None, Some(&patient), 8);
    assert_eq!(resampling.n_draws(), 38, "two rows a patient");
    for ties in [Ties::Efron, Ties::Breslow] {
        let plan = plan(&data, ties, resampling.clone(), Scheme::Copies);
        let back = assert_as_fit_cox("kidney", &data, &plan, ties, 0, 200);
        assert!(back <= 8, "{back} of 200 handed back");
    }
}

#[test]
fn replicates_do_not_depend_on_instructions_threads_or_neighbours() {
    for (entries, weights) in [(false, false), (true, true)] {
        let data = with(read("ties60", &["arm01", "age", "ecog"]), entries, weights);
        let resampling = Resampling::new(60, None, None, 11);
        let plan = plan(&data, Ties::Efron, resampling, Scheme::Copies);
        let bits = |found: &[Replicate]| -> Vec<(u64, u64, Status)> {
            found.iter().map(|r| (r.coef.to_bits(), r.std_err.to_bits(), r.status)).collect()
        };
        let mut all = vec![UNWRITTEN; 603];
        cpu(&plan, InstructionSet::Scalar, 10, &mut all);
        for set in InstructionSet::available() {
            let mut found = vec![UNWRITTEN; 603];
            cpu(&plan, set, 10, &mut found);
            assert_eq!(bits(&found), bits(&all), "{}", set.name());
        }
        let mut found = vec![UNWRITTEN; 603];
        CpuEngine::new().cox_bootstrap(&plan, 10, &mut found).expect("the CPU does not fail");
        assert_eq!(bits(&found), bits(&all), "on all threads");
        let odd: Vec<u64> = (0..603).filter(|i| i % 3 == 1).collect();
        let numbers: Vec<u64> = odd.iter().map(|i| i + 10).collect();
        let mut found = vec![UNWRITTEN; odd.len()];
        cpu_of(&plan, InstructionSet::best(), &numbers, &mut found);
        let expected: Vec<Replicate> = odd.iter().map(|&i| all[i as usize]).collect();
        assert_eq!(bits(&found), bits(&expected), "every third one alone");
    }
}

#[test]
fn what_has_no_maximum_is_never_called_estimable() {
    // Seven patients in the small arm, two of them with an event: many resamples are monotone.
    let data = read("ctc60few", &["arm01"]);
    let resampling = Resampling::new(60, None, None, 2);
    let plan = plan(&data, Ties::Efron, resampling, Scheme::Copies);
    let back = assert_as_fit_cox("ctc60few", &data, &plan, Ties::Efron, 0, 2_000);
    assert!(back > 150, "{back} of 2000 handed back: some 13 % have no event in the small arm");
    // A column three times the other: one of them is superfluous in every replicate.
    let mut twice = read("ties60", &["arm01", "age"]);
    let copy = twice.covariates[1].values.iter().map(|age| 3.0 * age).collect();
    twice.covariates.push(CovariateColumn { name: "again".into(), values: copy });
    let resampling = Resampling::new(60, None, None, 2);
    let plan = self::plan(&twice, Ties::Efron, resampling, Scheme::Copies);
    let mut found = vec![UNWRITTEN; 64];
    cpu(&plan, InstructionSet::best(), 0, &mut found);
    assert!(found.iter().all(|one| one.status == Status::NeedsHost), "never definite");
}

/// Agreement within the kernel's tolerance, in standard deviations of the column; returns the worst
/// difference and how many replicates the device itself solved.
fn agree(plan: &Plan, cpu: &[Replicate], gpu: &[Replicate]) -> Result<(f64, usize), String> {
    let (mut worst, mut on_device) = (0.0_f64, 0);
    for (index, (cpu, gpu)) in cpu.iter().zip(gpu).enumerate() {
        let apart = (cpu.coef - gpu.coef).abs() * plan.scale;
        let errors = (cpu.std_err - gpu.std_err).abs() > 1e-3 * cpu.std_err;
        if cpu.status != gpu.status || apart > TOLERANCE || errors {
            return Err(format!("replicate {index}: {cpu:?} against {gpu:?}, {apart:e} apart"));
        }
        on_device += usize::from(cpu != gpu);
        worst = worst.max(apart);
    }
    Ok((worst, on_device))
}

/// Made-up rows: exponential times (in steps, if asked for), `p` columns, 0/1 and continuous.
fn made_up(n: usize, p: usize, whole_times: bool) -> CoxData {
    let mut noise = Noise(1_000 * n as u64 + p as u64);
    let time = (0..n).map(|_| -(1.0 - noise.next()).ln() * 20.0);
    let time = time.map(|t| if whole_times { t.ceil() } else { t + 0.01 }).collect();
    let event = (0..n).map(|_| noise.next() < 0.5).collect();
    let mut column = |k: usize| CovariateColumn {
        name: format!("x{k}"),
        values: (0..n)
            .map(|_| {
                if k.is_multiple_of(2) {
                    f64::from(noise.next() < 0.4)
                } else {
                    50.0 + 30.0 * noise.next()
                }
            })
            .collect(),
    };
    CoxData {
        covariates: (0..p).map(&mut column).collect(),
        outcome: Outcome::new(time, event, None, None, TieRepair::Keep).expect("valid rows"),
        strata: None,
        cluster: None,
    }
}

#[test]
fn replicates_agree_on_cpu_and_gpu_within_the_tolerance() {
    let Some(gpu) = gpu("replicates_agree_on_cpu_and_gpu_within_the_tolerance") else { return };
    let lung = with(read("lung", &["arm01", "age", "ecog"]), false, true);
    let strata = lung.covariates[2].values.iter().map(|&ecog| ecog as usize / 2).collect();
    let lung = CoxData { covariates: lung.covariates[..2].to_vec(), strata: Some(strata), ..lung };
    let cases = [
        ("veteran", read("veteran", &["arm01", "karno", "age", "diagtime", "large"]), 257),
        ("lung, strata and weights", lung, 65),
        ("lung, entries", with(read("lung", &["arm01", "age"]), true, false), 64),
        ("one column", made_up(60, 1, true), 1_009),
        ("five columns", made_up(60, 5, false), 1_009),
        ("five columns, larger", made_up(300, 5, true), 63),
        ("eight columns", made_up(300, 8, false), 65),
        ("wide draws", made_up(4_100, 3, false), 5),
        ("a single replicate", made_up(60, 2, false), 1),
        ("none", made_up(60, 2, false), 0),
    ];
    for (name, data, replicates) in &cases {
        for ties in [Ties::Efron, Ties::Breslow] {
            let n = data.outcome.len();
            let plan = plan(data, ties, Resampling::new(n, None, None, 42), Scheme::Copies);
            let nested = plan.nested(3, 2, 33);
            let first = u64::from(u32::MAX) - *replicates as u64 / 2;
            for (plan, first, size) in [(&plan, first, *replicates), (&nested, 0, 66)] {
                let (mut a, mut b) = (vec![UNWRITTEN; size], vec![UNWRITTEN; size]);
                CpuEngine::new().cox_bootstrap(plan, first, &mut a).expect("the CPU does not fail");
                gpu.cox_bootstrap(plan, first, &mut b).expect("the device works");
                let compared = agree(plan, &a, &b);
                assert!(compared.is_ok(), "{name}, {ties:?}: {compared:?}");
                let (_, on_device) = compared.expect("looked at above");
                // Else the CPU would be compared with itself.
                assert!(2 * on_device >= size, "{name}, {ties:?}: {on_device} of {size} on it");
            }
        }
    }
}

#[test]
fn one_changed_replicate_is_noticed() {
    let data = made_up(60, 2, false);
    let plan = plan(&data, Ties::Efron, Resampling::new(60, None, None, 1), Scheme::Copies);
    let mut found = vec![UNWRITTEN; 64];
    cpu(&plan, InstructionSet::best(), 0, &mut found);
    let mut other = found.clone();
    assert!(agree(&plan, &found, &other).is_ok(), "equal replicates agree");
    other[40].coef += 1e-3 / plan.scale;
    assert!(agree(&plan, &found, &other).is_err(), "a wrong coefficient is noticed");
    other[40] = UNWRITTEN;
    assert!(agree(&plan, &found, &other).is_err(), "an unwritten one is noticed");
}

#[test]
fn the_shader_is_valid_for_every_number_of_columns() {
    for p in 1..=MOST_COLUMNS_ON_DEVICE {
        let text = wgsl(p);
        assert!(text.contains(&format!("const COLUMNS: u32 = {p}u;")), "{p} columns");
        let module = naga::front::wgsl::parse_str(&text).expect("the shader is WGSL");
        naga::valid::Validator::new(
            naga::valid::ValidationFlags::all(),
            naga::valid::Capabilities::empty(),
        )
        .validate(&module)
        .expect("the shader is valid");
    }
}
