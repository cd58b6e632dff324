// Adds the pixels of a mask to another.
//
// Twin: imaging::label_union joins masks the same way, see src/kernels/mask_union.rs.
//
//   mask     [n_words]   one bit a pixel
//   joined   [n_words]   changed in place

struct Uniforms {
    n_words: u32,
    padding_0: u32,
    padding_1: u32,
    padding_2: u32,
}

@group(0) @binding(0)
var<storage, read> mask: array<u32>;

@group(0) @binding(1)
var<uniform> uniforms: Uniforms;

@group(0) @binding(2)
var<storage, read_write> joined: array<u32>;

@compute @workgroup_size(256)
fn mask_union(@builtin(global_invocation_id) global: vec3<u32>) {
    if global.x < uniforms.n_words {
        joined[global.x] |= mask[global.x];
    }
}
