// The foreground of a contour: pixels whose indicator is at least one half, as a bit mask.
//
// Twin: the last step of tv_contour, see src/kernels/contour_mask.rs.
//
//   indicator   [rows x cols]             0..1
//   mask        [rows x words_per_row]    bit i of word w of a row is column 32 w + i
//
// Workgroup (x, y) takes segment x, 256 pixels, of row y, and gathers its bits in its own memory.

struct Uniforms {
    rows: u32,
    cols: u32,
    words_per_row: u32,
    padding: u32,
}

@group(0) @binding(0)
var<storage, read> indicator: array<f32>;

@group(0) @binding(1)
var<uniform> uniforms: Uniforms;

@group(0) @binding(2)
var<storage, read_write> mask: array<u32>;

var<workgroup> gathered: array<atomic<u32>, 8>;

@compute @workgroup_size(256)
fn contour_mask(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let row = group.y;
    let col = group.x * 256u + local.x;
    if local.x < 8u {
        atomicStore(&gathered[local.x], 0u);
    }
    workgroupBarrier();
    if col < uniforms.cols {
        if indicator[row * uniforms.cols + col] >= 0.5 {
            atomicOr(&gathered[local.x >> 5u], 1u << (local.x & 31u));
        }
    }
    workgroupBarrier();
    let word = group.x * 8u + local.x;
    if local.x < 8u && word < uniforms.words_per_row {
        mask[row * uniforms.words_per_row + word] = atomicLoad(&gathered[local.x]);
    }
}
