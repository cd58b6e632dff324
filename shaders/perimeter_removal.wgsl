// A mask without its perimeter: set pixels with an unset neighbour above, below, left or right.
//
// Twin: imaging::without_perimeter, see src/kernels/perimeter_removal.rs.
//
//   mask     [n_words]   rows of words_per_row words, one bit a pixel; bits beyond a row are unset
//   inner    [n_words]
//
// An invocation takes a word. What lies outside the image counts as unset.

struct Uniforms {
    n_words: u32,
    words_per_row: u32,
    padding_0: u32,
    padding_1: u32,
}

@group(0) @binding(0)
var<storage, read> mask: array<u32>;

@group(0) @binding(1)
var<uniform> uniforms: Uniforms;

@group(0) @binding(2)
var<storage, read_write> inner: array<u32>;

@compute @workgroup_size(256)
fn perimeter_removal(@builtin(global_invocation_id) global: vec3<u32>) {
    let index = global.x;
    let width = uniforms.words_per_row;
    if index >= uniforms.n_words {
        return;
    }
    let here = mask[index];
    var above = 0u;
    var below = 0u;
    var left = 0u;
    var right = 0u;
    if index >= width {
        above = mask[index - width];
    }
    if index + width < uniforms.n_words {
        below = mask[index + width];
    }
    if index % width > 0u {
        left = mask[index - 1u] >> 31u;
    }
    if index % width + 1u < width {
        right = mask[index + 1u] << 31u;
    }
    inner[index] = here & above & below & ((here << 1u) | left) & ((here >> 1u) | right);
}
