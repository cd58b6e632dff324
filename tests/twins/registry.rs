//! What can be said of every shader without a device.

use herscope::kernels::{
    self, Binding, attribute_opening, class_histogram, contour_mask, contour_start, cox_bootstrap,
    curve_bootstrap, hazard_ratio_bootstrap, her2_threshold, joint_likelihood, label_components,
    mask_union, max_selected_logrank, perimeter_removal, region_sums, resample_draws,
    stored_threshold, thicken, tv_contour,
};
use naga::back::{glsl, hlsl, msl, spv};
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use std::collections::BTreeSet;
use std::path::Path;

fn stems(folder: &str, ending: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = std::fs::read_dir(&folder).expect("the folder is part of the package");
    entries
        .map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned())
        .filter_map(|name| name.strip_suffix(ending).map(str::to_owned))
        .collect()
}

fn module(kernel: &kernels::KernelInfo) -> (naga::Module, ModuleInfo) {
    let module = naga::front::wgsl::parse_str(&kernel.wgsl())
        .unwrap_or_else(|error| panic!("{}: {error}", kernel.name));
    // No capability beyond core WebGPU: the shader runs on every adapter.
    let info = Validator::new(ValidationFlags::all(), Capabilities::empty())
        .validate(&module)
        .unwrap_or_else(|error| panic!("{}: {error:?}", kernel.name));
    (module, info)
}

#[test]
fn every_shader_is_registered_has_its_rust_file_and_its_twin_test() {
    let shaders = stems("shaders", ".wgsl");
    let registered: BTreeSet<String> =
        kernels::ALL.iter().map(|kernel| kernel.name.to_owned()).collect();
    assert_eq!(shaders, registered, "shaders/ and kernels::ALL");
    let mut sources = stems("src/kernels", ".rs");
    sources.remove("mod");
    sources.remove("lanes");
    sources.remove("packing");
    sources.remove("scatter");
    assert_eq!(shaders, sources, "shaders/ and src/kernels/");
    let mut tests = stems("tests/twins", ".rs");
    tests.remove("archive");
    tests.remove("frame");
    tests.remove("images");
    tests.remove("main");
    tests.remove("registry");
    assert_eq!(shaders, tests, "shaders/ and tests/twins/");
}

#[test]
fn every_shader_validates_and_declares_what_the_registry_says() {
    for kernel in kernels::ALL {
        let (module, _) = module(kernel);
        let entry = &module.entry_points[0];
        assert_eq!(module.entry_points.len(), 1, "{}: one entry point a file", kernel.name);
        assert_eq!(entry.name, kernel.name, "the entry point has the file's name");
        assert_eq!(entry.workgroup_size, [kernel.workgroup_size, 1, 1], "{}", kernel.name);
        let mut declared: Vec<(u32, String, &str)> = module
            .global_variables
            .iter()
            .filter_map(|(_, variable)| {
                let binding = variable.binding.as_ref()?.binding;
                let kind = match variable.space {
                    naga::AddressSpace::Uniform => "uniform",
                    naga::AddressSpace::Storage { access }
                        if access.contains(naga::StorageAccess::STORE) =>
                    {
                        "output"
                    }
                    _ => "storage",
                };
                Some((binding, variable.name.clone().unwrap_or_default(), kind))
            })
            .collect();
        declared.sort();
        let registered: Vec<(u32, String, &str)> = (0..)
            .zip(kernel.bindings)
            .map(|(binding, kind)| match kind {
                Binding::Storage { name } => (binding, (*name).to_owned(), "storage"),
                Binding::Uniform { name, .. } => (binding, (*name).to_owned(), "uniform"),
                Binding::Output { name } => (binding, (*name).to_owned(), "output"),
            })
            .collect();
        assert_eq!(declared, registered, "{}: bindings", kernel.name);
    }
}

/// Name and offset of the members of a struct of a kernel's shader, and its size.
fn layout(kernel: &kernels::KernelInfo, name: &str) -> (Vec<(String, u32)>, u32) {
    let (module, _) = module(kernel);
    let found = module.types.iter().find(|(_, ty)| ty.name.as_deref() == Some(name));
    let (_, ty) = found.unwrap_or_else(|| panic!("{} has no struct {name}", kernel.name));
    let naga::TypeInner::Struct { members, span } = &ty.inner else {
        panic!("{name} is no struct");
    };
    let members = members.iter().map(|m| (m.name.clone().unwrap_or_default(), m.offset)).collect();
    (members, *span)
}

/// Asserts that each field of a Rust struct lies where the shader expects it.
macro_rules! assert_layout {
    ($kernel:expr, $name:literal, $type:ty, $($field:ident),+) => {{
        let (members, span) = layout(&$kernel, $name);
        let rust = vec![
            $((stringify!($field).to_owned(), std::mem::offset_of!($type, $field) as u32)),+
        ];
        assert_eq!(members, rust, "{}::{}", $kernel.name, $name);
        assert_eq!(span as usize, size_of::<$type>(), "{}::{} size", $kernel.name, $name);
    }};
}

#[test]
fn structs_lie_in_memory_as_the_shaders_read_them() {
    assert_layout!(
        curve_bootstrap::KERNEL,
        "Uniforms",
        curve_bootstrap::Uniforms,
        key_0,
        key_1,
        first_low,
        first_high,
        n_replicates,
        n_slots,
        n_times,
        words_per_time,
        narrow,
        stride,
        stream,
        per_outer,
        first_outer,
        mode,
        n_shuffled,
        doubt,
        upper_high,
        upper_low,
        lower_high,
        lower_low
    );
    assert_layout!(
        hazard_ratio_bootstrap::KERNEL,
        "Uniforms",
        hazard_ratio_bootstrap::Uniforms,
        key_0,
        key_1,
        first_low,
        first_high,
        n_replicates,
        n_slots,
        n_times,
        words_per_time,
        narrow,
        start,
        stride,
        stream,
        per_outer,
        first_outer,
        padding_0,
        padding_1
    );
    assert_layout!(
        cox_bootstrap::KERNEL,
        "Uniforms",
        cox_bootstrap::Uniforms,
        key_0,
        key_1,
        first_low,
        first_high,
        n_replicates,
        n_slots,
        narrow,
        stride,
        stream,
        per_outer,
        first_outer,
        n_rows,
        n_times,
        efron,
        weighted,
        leavers
    );
    assert_layout!(
        hazard_ratio_bootstrap::KERNEL,
        "Slot",
        hazard_ratio_bootstrap::Slot,
        bound,
        threshold,
        base
    );
    assert_layout!(
        hazard_ratio_bootstrap::KERNEL,
        "Unit",
        hazard_ratio_bootstrap::Unit,
        word,
        increment
    );
    assert_layout!(
        resample_draws::KERNEL,
        "Uniforms",
        resample_draws::Uniforms,
        key_0,
        key_1,
        first_low,
        first_high,
        n_replicates,
        n_slots,
        narrow,
        stream
    );
    assert_layout!(
        max_selected_logrank::KERNEL,
        "Uniforms",
        max_selected_logrank::Uniforms,
        key_0,
        key_1,
        first_low,
        first_high,
        n_permutations,
        n_scores,
        n_slots,
        n_cuts,
        narrow,
        stride,
        stream,
        padding_0
    );
    assert_layout!(
        max_selected_logrank::KERNEL,
        "Cut",
        max_selected_logrank::Cut,
        n_upper,
        centre,
        weight
    );
    assert_layout!(
        tv_contour::KERNEL,
        "Uniforms",
        tv_contour::Uniforms,
        rows,
        cols,
        pass_number,
        stop_factor
    );
    assert_layout!(
        joint_likelihood::KERNEL,
        "Uniforms",
        joint_likelihood::Uniforms,
        first,
        n_contributions,
        n_points,
        point_stride,
        n_fixed,
        n_covariates,
        n_links,
        basis_width,
        n_outer,
        n_inner,
        poisson,
        timed,
        most_visits,
        most_masses,
        stride,
        padding_0
    );
    assert_layout!(
        joint_likelihood::KERNEL,
        "Subject",
        joint_likelihood::Subject,
        visits,
        n_visits,
        nodes,
        n_nodes,
        covariates,
        event,
        mode_0,
        mode_1
    );
    assert_layout!(
        her2_threshold::KERNEL,
        "Uniforms",
        her2_threshold::Uniforms,
        n_pixels,
        threshold,
        padding_0,
        padding_1
    );
}

#[test]
fn structs_of_imaging_kernels_lie_in_memory_as_the_shaders_read_them() {
    assert_layout!(
        attribute_opening::KERNEL,
        "Uniforms",
        attribute_opening::Uniforms,
        rows,
        cols,
        words_per_row,
        min_area,
        clear_border,
        padding_0,
        padding_1,
        padding_2
    );
    assert_layout!(
        class_histogram::KERNEL,
        "Uniforms",
        class_histogram::Uniforms,
        n_words,
        words_per_row,
        cols,
        bits,
        n_levels,
        padding_0,
        padding_1,
        padding_2
    );
    assert_layout!(
        contour_mask::KERNEL,
        "Uniforms",
        contour_mask::Uniforms,
        rows,
        cols,
        words_per_row,
        padding
    );
    assert_layout!(
        contour_start::KERNEL,
        "Uniforms",
        contour_start::Uniforms,
        rows,
        cols,
        words_per_row,
        bits,
        n_levels,
        padding_0,
        padding_1,
        padding_2
    );
    assert_layout!(
        label_components::KERNEL,
        "Uniforms",
        label_components::Uniforms,
        rows,
        cols,
        words_per_row,
        diagonal,
        pass_number,
        padding_0,
        padding_1,
        padding_2
    );
    assert_layout!(
        mask_union::KERNEL,
        "Uniforms",
        mask_union::Uniforms,
        n_words,
        padding_0,
        padding_1,
        padding_2
    );
    assert_layout!(
        perimeter_removal::KERNEL,
        "Uniforms",
        perimeter_removal::Uniforms,
        n_words,
        words_per_row,
        padding_0,
        padding_1
    );
    assert_layout!(
        region_sums::KERNEL,
        "Uniforms",
        region_sums::Uniforms,
        rows,
        cols,
        words_per_row,
        bits
    );
    assert_layout!(
        stored_threshold::KERNEL,
        "Uniforms",
        stored_threshold::Uniforms,
        n_words,
        words_per_row,
        cols,
        bits,
        level,
        padding_0,
        padding_1,
        padding_2
    );
    assert_layout!(
        thicken::KERNEL,
        "Uniforms",
        thicken::Uniforms,
        rows,
        cols,
        words_per_row,
        pass_number
    );
}

#[test]
fn every_shader_translates_to_every_driver_language() {
    for kernel in kernels::ALL {
        let (module, info) = module(kernel);
        let name = kernel.name;
        spv::write_vec(&module, &info, &spv::Options::default(), None)
            .unwrap_or_else(|error| panic!("{name} to SPIR-V: {error}"));
        let options = msl::Options { fake_missing_bindings: true, ..Default::default() };
        msl::write_string(&module, &info, &options, &msl::PipelineOptions::default())
            .unwrap_or_else(|error| panic!("{name} to MSL: {error}"));
        let options = hlsl::Options { fake_missing_bindings: true, ..Default::default() };
        let pipeline = hlsl::PipelineOptions::default();
        let mut text = String::new();
        hlsl::Writer::new(&mut text, &options, &pipeline)
            .write(&module, &info, None)
            .unwrap_or_else(|error| panic!("{name} to HLSL: {error}"));
        let options = glsl::Options { version: glsl::Version::Desktop(430), ..Default::default() };
        let pipeline = glsl::PipelineOptions {
            shader_stage: naga::ShaderStage::Compute,
            entry_point: name.to_owned(),
            multiview: None,
        };
        let mut text = String::new();
        let policies = naga::proc::BoundsCheckPolicies::default();
        glsl::Writer::new(&mut text, &module, &info, &options, &pipeline, policies)
            .and_then(|mut writer| writer.write())
            .unwrap_or_else(|error| panic!("{name} to GLSL: {error}"));
    }
}
