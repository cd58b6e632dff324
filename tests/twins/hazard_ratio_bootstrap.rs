use crate::{Noise, gpu};
use herscope::compute::{Backend, CpuEngine};
use herscope::kernels::hazard_ratio_bootstrap::{POISON, Plan, Replicate, Status, TOLERANCE};

fn cohort(n: usize, whole_times: bool, share: f64, stratified: bool) -> Plan {
    let mut noise = Noise(n as u64 * 1000);
    let mut time: Vec<f64> = (0..n).map(|_| noise.next() * 24.0).collect();
    if whole_times {
        time.iter_mut().for_each(|t| *t = (*t / 4.0).ceil());
    }
    let event: Vec<bool> = (0..n).map(|_| noise.next() < 0.47).collect();
    let arm: Vec<bool> = (0..n).map(|_| noise.next() < share).collect();
    let strata: Vec<usize> = arm.iter().map(|&arm| usize::from(arm)).collect();
    Plan::new(&time, &event, &arm, stratified.then_some(&strata), 1.0, 42)
}

/// Equal words, or within the kernel's tolerance where a real GPU divides less exactly.
fn agree(cpu: &[Replicate], gpu: &[Replicate], exact: bool) -> Result<(), String> {
    for (index, (cpu, gpu)) in cpu.iter().zip(gpu).enumerate() {
        if cpu == gpu {
            continue;
        }
        let difference = (cpu.log_hazard_ratio() - gpu.log_hazard_ratio()).abs();
        let same_kind = cpu.status() == gpu.status();
        if exact || !same_kind || cpu.status() != Some(Status::Estimable) || difference > TOLERANCE
        {
            return Err(format!(
                "replicate {index}: {cpu:?} against {gpu:?}, {difference:e} apart"
            ));
        }
    }
    Ok(())
}

#[test]
fn replicates_are_equal_on_cpu_and_gpu() {
    let Some(gpu) = gpu("replicates_are_equal_on_cpu_and_gpu") else { return };
    let software = gpu.device().name.contains("llvmpipe");
    let cpu = CpuEngine::new();
    let cases = [
        (2, false, 0.5, 64, false),
        (7, true, 0.4, 65, false),
        (60, false, 0.12, 20_011, false),
        (60, true, 0.3, 4_099, true),
        (255, false, 0.5, 1_009, false),
        (256, true, 0.5, 63, true),
        (300, false, 0.3, 1_009, false),
        (4_100, false, 0.4, 64, false),
    ];
    for (n, whole, share, replicates, stratified) in cases {
        let plan = cohort(n, whole, share, stratified);
        // Across the boundary of the replicate number's low word.
        let first = u64::from(u32::MAX) - replicates as u64 / 2;
        let (mut a, mut b) = (vec![POISON; replicates], vec![POISON; replicates]);
        cpu.hazard_ratio_bootstrap(&plan, first, &mut a).expect("the CPU engine does not fail");
        gpu.hazard_ratio_bootstrap(&plan, first, &mut b).expect("the device works");
        let compared = agree(&a, &b, software);
        assert!(compared.is_ok(), "n {n}, whole times {whole}: {compared:?}");
        let estimable = a.iter().filter(|r| r.status() == Some(Status::Estimable)).count();
        assert!(n < 60 || estimable * 2 > replicates, "n {n}: only {estimable} are estimable");
    }
}

#[test]
fn resamples_of_resamples_are_equal_on_cpu_and_gpu() {
    let Some(gpu) = gpu("resamples_of_resamples_are_equal_on_cpu_and_gpu") else { return };
    let software = gpu.device().name.contains("llvmpipe");
    for (n, n_outer, per_outer, first) in [(60, 7, 101, 0), (300, 3, 64, 5), (4_100, 2, 9, 1)] {
        let plan = cohort(n, false, 0.3, false).nested(first, n_outer, per_outer);
        let size = n_outer * per_outer as usize;
        let (mut a, mut b) = (vec![POISON; size], vec![POISON; size]);
        CpuEngine::new().hazard_ratio_bootstrap(&plan, 0, &mut a).expect("the CPU does not fail");
        gpu.hazard_ratio_bootstrap(&plan, 0, &mut b).expect("the device works");
        let compared = agree(&a, &b, software);
        assert!(compared.is_ok(), "n {n}: {compared:?}");
    }
}

#[test]
fn one_changed_bit_is_noticed() {
    let plan = cohort(60, false, 0.3, false);
    let mut words = vec![POISON; 128];
    CpuEngine::new().hazard_ratio_bootstrap(&plan, 0, &mut words).expect("the CPU does not fail");
    let mut other = words.clone();
    other[100].step ^= 1;
    assert!(agree(&words, &words.clone(), true).is_ok(), "equal words agree");
    assert!(agree(&words, &other, true).is_err(), "one changed bit is noticed");
    other[100].code = 3;
    assert!(agree(&words, &other, false).is_err(), "another status is noticed");
}

#[test]
fn an_unwritten_replicate_cannot_pass_for_a_result() {
    assert_eq!(POISON.status(), None, "poison has no status");
    let zeros = Replicate { mantissa: 0, code: 0, step: 0, information: 0 };
    assert_eq!(zeros.status(), None, "a buffer's zeros have no status");
}
