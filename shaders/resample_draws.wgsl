// The units each slot of each replicate draws, one replicate an invocation.
//
// Twin: src/kernels/resample_draws.rs.
//
//   slots    [n_slots]                  bound, threshold, base
//   units    [n_replicates x n_slots]   drawn units, row-major

struct Uniforms {
    key_0: u32,
    key_1: u32,
    first_low: u32,
    first_high: u32,
    n_replicates: u32,
    n_slots: u32,
    narrow: u32,
    stream: u32,
}

struct Slot {
    bound: u32,
    threshold: u32,
    base: u32,
}

@group(0) @binding(0)
var<storage, read> slots: array<Slot>;

@group(0) @binding(1)
var<uniform> uniforms: Uniforms;

@group(0) @binding(2)
var<storage, read_write> units: array<u32>;

@compute @workgroup_size(64)
fn resample_draws(@builtin(global_invocation_id) id: vec3<u32>) {
    let row = id.x;
    if row >= uniforms.n_replicates {
        return;
    }
    let key = vec2<u32>(uniforms.key_0, uniforms.key_1);
    let low = uniforms.first_low + row;
    let replicate = vec2<u32>(low, uniforms.first_high + select(0u, 1u, low < row));
    let narrow = uniforms.narrow == 1u;
    let per_block = select(4u, 8u, narrow);
    var block = vec4<u32>();
    for (var slot = 0u; slot < uniforms.n_slots; slot++) {
        if slot % per_block == 0u {
            let number = slot / per_block;
            let tag = uniforms.stream << 16u;
            block = philox4x32(key, vec4<u32>(number, replicate.x, replicate.y, tag));
        }
        let s = slots[slot];
        let drawn = draw_unit(
            key, replicate, uniforms.stream, slot, s.bound, s.threshold, narrow, block,
        );
        units[row * uniforms.n_slots + slot] = s.base + drawn;
    }
}
