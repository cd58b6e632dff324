// Pixels above a threshold as a bit mask, their number, and the histogram of the plane.
//
// Twin: src/kernels/her2_threshold.rs.
//
//   pixels      [n_pixels]              intensities in camera units
//   mask        [ceil(n_pixels / 32)]   bit i of word w is pixel 32 w + i
//   histogram   [65536]                 bin k counts k <= v < k + 1; bin 0 stays empty
//   n_above     [1]
//
// A workgroup of 256 takes 8192 pixels, 256 neighbours at a time, and gathers their bits in its
// own memory, so that reads and writes are coalesced.

struct Uniforms {
    n_pixels: u32,
    threshold: f32,
    padding_0: u32,
    padding_1: u32,
}

@group(0) @binding(0)
var<storage, read> pixels: array<f32>;

@group(0) @binding(1)
var<uniform> uniforms: Uniforms;

@group(0) @binding(2)
var<storage, read_write> mask: array<u32>;

@group(0) @binding(3)
var<storage, read_write> histogram: array<atomic<u32>>;

@group(0) @binding(4)
var<storage, read_write> n_above: array<atomic<u32>>;

const LAST_BIN: u32 = 65535u;

var<workgroup> bits: array<atomic<u32>, 256>;

@compute @workgroup_size(256)
fn her2_threshold(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let base = group.x * 8192u;
    atomicStore(&bits[local.x], 0u);
    workgroupBarrier();
    for (var row = 0u; row < 32u; row++) {
        let offset = row * 256u + local.x;
        let index = base + offset;
        if index < uniforms.n_pixels {
            let value = pixels[index];
            // Infinities and NaN by their exponent: comparisons with NaN are not portable.
            let finite = (bitcast<u32>(value) & 0x7F800000u) != 0x7F800000u;
            if finite && value >= 1.0 {
                atomicAdd(&histogram[min(u32(min(value, 65535.0)), LAST_BIN)], 1u);
            }
            if finite && value > uniforms.threshold {
                atomicOr(&bits[offset >> 5u], 1u << (offset & 31u));
            }
        }
    }
    workgroupBarrier();
    let word = atomicLoad(&bits[local.x]);
    let index = (base >> 5u) + local.x;
    if index * 32u < uniforms.n_pixels {
        mask[index] = word;
        if word != 0u {
            atomicAdd(&n_above[0], countOneBits(word));
        }
    }
}
