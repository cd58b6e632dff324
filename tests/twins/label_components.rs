use crate::images::{assert_same, masks};
use crate::pixel_kernels;
use herscope::imaging::{Connectivity, label_components};

#[test]
fn labels_are_equal_on_cpu_and_gpu() {
    let Some(gpu) = pixel_kernels("labels_are_equal_on_cpu_and_gpu") else { return };
    for (name, mask) in masks() {
        for connectivity in [Connectivity::Four, Connectivity::Eight] {
            let twin = label_components(&mask, connectivity);
            let device = gpu.label_components(&mask, connectivity).expect("the device works");
            let what = format!("{name}, {connectivity:?}");
            assert_eq!(twin.n_labels, device.n_labels, "{what}: number of components");
            assert_same(&twin.labels, &device.labels, mask.cols, &what);
        }
    }
}
