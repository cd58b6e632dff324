use crate::gpu;
use herscope::compute::{Backend, CpuEngine};
use herscope::kernels::hazard_ratio_bootstrap::Plan;

#[test]
fn draws_are_equal_on_cpu_and_gpu() {
    let Some(gpu) = gpu("draws_are_equal_on_cpu_and_gpu") else { return };
    // 4095 and 5000 units reject often; 5000 takes the wide layout.
    for n in [1_usize, 2, 60, 257, 4_095, 5_000] {
        let time: Vec<f64> = (0..n).map(|i| i as f64).collect();
        let strata: Vec<usize> = (0..n).map(|i| i % 2).collect();
        for strata in [None, Some(strata.as_slice())] {
            let plan = Plan::new(&time, &vec![true; n], &vec![false; n], strata, 1.0, 9);
            let replicates = (200_000 / n).clamp(17, 1_031);
            let first = u64::from(u32::MAX) - 8;
            let mut cpu = vec![u32::MAX; n * replicates];
            let mut device = vec![u32::MAX; n * replicates];
            CpuEngine::new().resample_draws(&plan, first, &mut cpu).expect("no failure");
            gpu.resample_draws(&plan, first, &mut device).expect("the device works");
            let differs = cpu.iter().zip(&device).position(|(a, b)| a != b);
            assert_eq!(differs, None, "n {n}, stratified {}: first difference", strata.is_some());
            assert!(cpu.iter().all(|&unit| (unit as usize) < n), "every unit exists");
        }
    }
}
