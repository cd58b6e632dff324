// One pass of an iteration of the total-variation contour.
//
// Twin: src/kernels/tv_contour.rs.
//
//   force         [rows x cols]   of the intensities on the indicator
//   steps         [64]            step sizes: sigma, tau, theta; iteration i takes entry i mod 64
//   indicator     [rows x cols]   u, 0..1
//   extrapolated  [rows x cols]   ubar
//   dual          [rows x cols]   p: to the right, down
//   state         [12]            see below
//
// A workgroup of 64 takes 64 neighbours of a row: workgroup (x, y) is segment x of row y. Pass 0 is
// the dual step, pass 1 the primal step, which adds up how much it changed, and pass 2, one
// workgroup, decides whether to go on. Once stopped, nothing is written any more, so the host may
// submit iterations ahead and look seldom.

struct Uniforms {
    rows: u32,
    cols: u32,
    pass_number: u32,
    stop_factor: u32,
}

@group(0) @binding(0)
var<storage, read> force: array<f32>;

@group(0) @binding(1)
var<storage, read> steps: array<vec4<f32>>;

@group(0) @binding(2)
var<uniform> uniforms: Uniforms;

@group(0) @binding(3)
var<storage, read_write> indicator: array<f32>;

@group(0) @binding(4)
var<storage, read_write> extrapolated: array<f32>;

@group(0) @binding(5)
var<storage, read_write> dual: array<vec2<f32>>;

@group(0) @binding(6)
var<storage, read_write> state: array<atomic<u32>>;

// Entries of `state`. Sums are 64-bit integers, low word first: squared changes in units of 2^-40,
// squared indicators in units of 2^-24.
const ITERATIONS: u32 = 0u;
const STOPPED: u32 = 1u;
const CHANGE: u32 = 2u;
const SQUARED: u32 = 4u;
const LAST_CHANGE: u32 = 6u;
const LAST_SQUARED: u32 = 8u;

var<workgroup> changes: array<f32, 64>;
var<workgroup> squares: array<u32, 64>;

// Adds to a sum of `state`. The carry is the adder's whose low word overflowed.
fn add_wide(entry: u32, low: u32, high: u32) {
    let before = atomicAdd(&state[entry], low);
    let carry = select(0u, 1u, before > 0xFFFFFFFFu - low);
    if high + carry != 0u {
        atomicAdd(&state[entry + 1u], high + carry);
    }
}

// Low and high words of a product.
fn mul_wide(a: u32, b: u32) -> vec2<u32> {
    let low = (a & 0xFFFFu) * (b & 0xFFFFu);
    let middle_a = (a >> 16u) * (b & 0xFFFFu) + (low >> 16u);
    let middle_b = (a & 0xFFFFu) * (b >> 16u) + (middle_a & 0xFFFFu);
    return vec2((middle_b << 16u) | (low & 0xFFFFu),
        (a >> 16u) * (b >> 16u) + (middle_a >> 16u) + (middle_b >> 16u));
}

fn dual_step(row: u32, col: u32, sigma: f32) {
    let index = row * uniforms.cols + col;
    let here = extrapolated[index];
    var grad = vec2(0.0, 0.0);
    if col + 1u < uniforms.cols {
        grad.x = extrapolated[index + 1u] - here;
    }
    if row + 1u < uniforms.rows {
        grad.y = extrapolated[index + uniforms.cols] - here;
    }
    let p = dual[index];
    let right = p.x + sigma * grad.x;
    let down = p.y + sigma * grad.y;
    let squared = right * right + down * down;
    let shrink = 1.0 / sqrt(select(1.0, squared, squared > 1.0));
    dual[index] = vec2(right * shrink, down * shrink);
}

// Steps one pixel and leaves what it adds to the sums in workgroup memory.
fn primal_step(row: u32, col: u32, lane: u32, sizes: vec4<f32>) {
    let index = row * uniforms.cols + col;
    let p = dual[index];
    var left = 0.0;
    var above = 0.0;
    if col > 0u {
        left = dual[index - 1u].x;
    }
    if row > 0u {
        above = dual[index - uniforms.cols].y;
    }
    let divergence = (p.x - left) + (p.y - above);
    let old = indicator[index];
    let moved_to = old + sizes.y * (divergence - force[index]);
    let positive = select(0.0, moved_to, moved_to > 0.0);
    let stepped = select(1.0, positive, positive < 1.0);
    let moved = stepped - old;
    indicator[index] = stepped;
    extrapolated[index] = stepped + sizes.z * moved;
    changes[lane] = moved * moved;
    squares[lane] = u32(old * old * 16777216.0);
}

fn decide() {
    let change = vec2(atomicLoad(&state[CHANGE]), atomicLoad(&state[CHANGE + 1u]));
    let squared = vec2(atomicLoad(&state[SQUARED]), atomicLoad(&state[SQUARED + 1u]));
    // change 2^32 < squared stop_factor, in three words
    let low = mul_wide(squared.x, uniforms.stop_factor);
    let high = mul_wide(squared.y, uniforms.stop_factor);
    let middle = low.y + high.x;
    let top = high.y + select(0u, 1u, middle < high.x);
    let is_below = change.y < top
        || (change.y == top && (change.x < middle || (change.x == middle && low.x > 0u)));
    if is_below || (change.x | change.y) == 0u {
        atomicStore(&state[STOPPED], 1u);
    }
    for (var word = 0u; word < 2u; word++) {
        atomicStore(&state[LAST_CHANGE + word], change[word]);
        atomicStore(&state[LAST_SQUARED + word], squared[word]);
        atomicStore(&state[CHANGE + word], 0u);
        atomicStore(&state[SQUARED + word], 0u);
    }
    atomicAdd(&state[ITERATIONS], 1u);
}

@compute @workgroup_size(64)
fn tv_contour(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let lane = local.x;
    let row = group.y;
    let col = group.x * 64u + lane;
    let goes_on = atomicLoad(&state[STOPPED]) == 0u;
    let sizes = steps[atomicLoad(&state[ITERATIONS]) % 64u];
    if uniforms.pass_number == 2u {
        if goes_on && lane == 0u {
            decide();
        }
        return;
    }
    let works = goes_on && col < uniforms.cols;
    if uniforms.pass_number == 0u {
        if works {
            dual_step(row, col, sizes.x);
        }
        return;
    }
    changes[lane] = 0.0;
    squares[lane] = 0u;
    if works {
        primal_step(row, col, lane, sizes);
    }
    workgroupBarrier();
    // the twin's order: 8 lanes over the 8 vectors of the segment, then halves, quarters, pairs
    var change = 0.0;
    var squared = 0u;
    if lane < 8u {
        for (var vector = 0u; vector < 8u; vector++) {
            change += changes[vector * 8u + lane];
            squared += squares[vector * 8u + lane];
        }
    }
    workgroupBarrier();
    if lane < 8u {
        changes[lane] = change;
        squares[lane] = squared;
    }
    workgroupBarrier();
    if goes_on && lane == 0u {
        let total = ((changes[0] + changes[4]) + (changes[2] + changes[6]))
            + ((changes[1] + changes[5]) + (changes[3] + changes[7]));
        if total > 0.0 {
            // both products with powers of two and the difference are exact
            let high = u32(total * 256.0);
            let low = u32((total - f32(high) * 0.00390625) * 1099511627776.0);
            add_wide(CHANGE, low, high);
        }
        var of_all = 0u;
        for (var vector = 0u; vector < 8u; vector++) {
            of_all += squares[vector];
        }
        if of_all > 0u {
            add_wide(SQUARED, of_all, 0u);
        }
    }
}
