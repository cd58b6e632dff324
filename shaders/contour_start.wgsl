// What the contour of a channel starts from: the force on each pixel and the first guess.
//
// Twin: imaging::ContourInput::prepare and tv_contour::forces, see src/kernels/contour_start.rs.
//
//   stored         [rows x 32 words_per_row]   pixels of 8 or 16 bits, rows padded
//   forces         [n_levels + 1]              force of each stored value; the last: of edge pixels
//   edge           [rows x words_per_row]      edge mask, one bit a pixel
//   initial        [rows x words_per_row]      first guess, one bit a pixel
//   force          [rows x cols]
//   indicator      [rows x cols]               1 in the first guess outside the edge mask, else 0
//   extrapolated   [rows x cols]               the same
//
// Workgroup (x, y) takes segment x, 256 pixels, of row y.

struct Uniforms {
    rows: u32,
    cols: u32,
    words_per_row: u32,
    bits: u32,
    n_levels: u32,
    padding_0: u32,
    padding_1: u32,
    padding_2: u32,
}

@group(0) @binding(0)
var<storage, read> stored: array<u32>;

@group(0) @binding(1)
var<storage, read> forces: array<f32>;

@group(0) @binding(2)
var<storage, read> edge: array<u32>;

@group(0) @binding(3)
var<storage, read> initial: array<u32>;

@group(0) @binding(4)
var<uniform> uniforms: Uniforms;

@group(0) @binding(5)
var<storage, read_write> force: array<f32>;

@group(0) @binding(6)
var<storage, read_write> indicator: array<f32>;

@group(0) @binding(7)
var<storage, read_write> extrapolated: array<f32>;

@compute @workgroup_size(256)
fn contour_start(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let row = group.y;
    let col = group.x * 256u + local.x;
    if col >= uniforms.cols {
        return;
    }
    let index = row * uniforms.cols + col;
    let word = row * uniforms.words_per_row + (col >> 5u);
    let in_edge = ((edge[word] >> (col & 31u)) & 1u) == 1u;
    let is_set = ((initial[word] >> (col & 31u)) & 1u) == 1u && !in_edge;
    force[index] = forces[select(stored_value(row, col), uniforms.n_levels, in_edge)];
    let guess = select(0.0, 1.0, is_set);
    indicator[index] = guess;
    extrapolated[index] = guess;
}
