// The log likelihood contribution of one subject under one parameter vector an invocation.
//
// Twin: src/kernels/joint_likelihood.rs, which says the method; the names are those of its files.
//
//   subjects       [n_subjects]
//   numbers        [n_inner][n_inner][n_outer][n_outer]..   nodes and weights of both effects, then
//                  what subjects point to: visits (time, residual, mean, fixed effects), times of the
//                  hazard (time, log mass, first baseline parameter, basis, then value and design of
//                  each link), covariates of the hazard
//   points         [n_words x point_stride]   parameter vectors, a column each: effects on the marker
//                  and on the hazard (on w0, on w1, on time times w1), their changes, inverse scale,
//                  log scale; changes of fixed effects and covariates; coefficient and its change of
//                  each link; changes of the baseline
//   scratch        [n_words x stride]         column i belongs to invocation i: changes (then residuals)
//                  and means of visits, (logs of) masses, tails of the inner nodes in the hazard and in the mean
//   contributions  [n_contributions]          complements of the bits; parameter vectors fastest
//
// A sum is never of two products with a common factor, nor of two products and then something that is
// none, nor of a sum and then a constant: Mesa would rewrite it.

struct Uniforms {
    first: u32,
    n_contributions: u32,
    n_points: u32,
    point_stride: u32,
    n_fixed: u32,
    n_covariates: u32,
    n_links: u32,
    basis_width: u32,
    n_outer: u32,
    n_inner: u32,
    poisson: u32,
    timed: u32,
    most_visits: u32,
    most_masses: u32,
    stride: u32,
    padding_0: u32,
}

struct Subject {
    visits: u32,
    n_visits: u32,
    nodes: u32,
    n_nodes: u32,
    covariates: u32,
    event: f32,
    mode_0: f32,
    mode_1: f32,
}

// Log density at a place of the random effects, its slopes and negative curvature.
struct State {
    value: f32,
    g0: f32,
    g1: f32,
    c00: f32,
    c01: f32,
    c11: f32,
}

// Newton's step, half of what it promises, cross curvature over that of the first effect, and what is
// left of the second's.
struct Step {
    by0: f32,
    by1: f32,
    gain: f32,
    ratio: f32,
    left: f32,
}

@group(0) @binding(0)
var<storage, read> subjects: array<Subject>;

@group(0) @binding(1)
var<storage, read> numbers: array<f32>;

@group(0) @binding(2)
var<storage, read> points: array<f32>;

@group(0) @binding(3)
var<uniform> uniforms: Uniforms;

@group(0) @binding(4)
var<storage, read_write> scratch: array<f32>;

@group(0) @binding(5)
var<storage, read_write> contributions: array<u32>;

const MOST_STEPS: u32 = 40u;
const ENOUGH_GAIN: f32 = 1e-9;
const TOLERATED_GAIN: f32 = 1e-4;
const ROUNDING: f32 = 1e-6;
const FAIR_START: f32 = -1e3;
const LEAST_START: f32 = -1e9;
const BEYOND: f32 = -3.4028234663852886e38;

// Words of a parameter vector before its fixed effects; of a row before its design or basis.
const HEAD: u32 = 14u;
const ROW_HEAD: u32 = 3u;

var<private> column: u32;
var<private> k: u32;
var<private> subject: Subject;
var<private> visit_width: u32;
var<private> node_width: u32;
var<private> n_masses: u32;

fn word(w: u32) -> f32 {
    return points[w * uniforms.point_stride + k];
}

fn visit_at(j: u32) -> u32 {
    return j * uniforms.stride + column;
}

fn mean_at(j: u32) -> u32 {
    return (uniforms.most_visits + j) * uniforms.stride + column;
}

fn mass_at(q: u32) -> u32 {
    return (2u * uniforms.most_visits + q) * uniforms.stride + column;
}

fn hazard_tail_at(node: u32) -> u32 {
    let before = 2u * uniforms.most_visits + uniforms.most_masses;
    return (before + node) * uniforms.stride + column;
}

fn mean_tail_at(node: u32) -> u32 {
    let before = 2u * uniforms.most_visits + uniforms.most_masses + uniforms.n_inner;
    return (before + node) * uniforms.stride + column;
}

// exp(x) and exp(x) - 1 - x, x brought to -80 ..= 40 first.
fn exponential(unbounded: f32) -> vec2<f32> {
    let x = min(max(unbounded, -80.0), 40.0);
    let shifted = u32(x * 1.4426950408889634 + 128.5);
    let whole = f32(shifted) - 128.0;
    let high = x - whole * 0.693359375;
    let r = high + whole * 2.1219444e-4;
    var series = 1.984127e-4;
    series = series * r + 1.3888889e-3;
    series = series * r + 8.333333e-3;
    series = series * r + 4.1666668e-2;
    series = series * r + 0.16666667;
    series = series * r + 0.5;
    let tail = (r * r) * series;
    let power = (r + 1.0) + tail;
    let exp = bitcast<f32>(bitcast<u32>(power) + ((shifted - 128u) << 23u));
    let rest = (exp - 1.0) - x;
    return vec2<f32>(exp, select(rest, tail, shifted == 128u));
}

// ln(x) of a positive normal x.
fn logarithm(x: f32) -> f32 {
    let bits = bitcast<u32>(x);
    let biased = (bits + 0x004AFB0Du) >> 23u;
    let mantissa = bitcast<f32>(bits + 0x3F800000u - (biased << 23u));
    let exponent = f32(biased) - 127.0;
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let square = s * s;
    var series = 0.22222222;
    series = series * square + 0.2857143;
    series = series * square + 0.4;
    series = series * square + 0.6666667;
    series = series * square + 2.0;
    let small = series * s - exponent * 2.1219444e-4;
    return small + exponent * 0.693359375;
}

fn step(state: State) -> Step {
    let ratio = state.c01 / state.c00;
    let left = max(state.c11 - state.c01 * ratio, 1.0);
    let by1 = (state.g1 - ratio * state.g0) / left;
    let by0 = (state.g0 - state.c01 * by1) / state.c00;
    var gain = by0 * state.g0;
    gain = (gain + by1 * state.g1) * 0.5;
    return Step(by0, by1, gain, ratio, left);
}

// Brings visits and hazard from the reference to the parameter vector, at the reference's modes;
// returns what no random effect changes of the log density.
fn begin() -> f32 {
    var constant = word(13u) * f32(subject.n_visits);
    let level_0 = word(6u) * subject.mode_0;
    let level = level_0 + word(7u) * subject.mode_1;
    let trend = word(8u) * subject.mode_1;
    for (var j = 0u; j < subject.n_visits; j++) {
        let row = subject.visits + j * visit_width;
        var change = level + trend * numbers[row];
        for (var x = 0u; x < uniforms.n_fixed; x++) {
            change = change + word(HEAD + x) * numbers[row + ROW_HEAD + x];
        }
        scratch[visit_at(j)] = change;
    }
    let first_covariate = HEAD + uniforms.n_fixed;
    let first_link = first_covariate + uniforms.n_covariates;
    let first_baseline = first_link + 2u * uniforms.n_links;
    let hazard_level_0 = word(9u) * subject.mode_0;
    let hazard_level = hazard_level_0 + word(10u) * subject.mode_1;
    var proportional = 0.0;
    for (var c = 0u; c < uniforms.n_covariates; c++) {
        proportional = proportional + word(first_covariate + c) * numbers[subject.covariates + c];
    }
    let hazard_trend = word(11u) * subject.mode_1;
    var sum = 0.0;
    for (var q = 0u; q <= subject.n_nodes; q++) {
        let row = subject.nodes + q * node_width;
        var change = proportional + hazard_trend * numbers[row];
        let first = first_baseline + u32(numbers[row + 2u]);
        for (var b = 0u; b < uniforms.basis_width; b++) {
            change = change + word(first + b) * numbers[row + ROW_HEAD + b];
        }
        var at = row + ROW_HEAD + uniforms.basis_width;
        for (var link = 0u; link < uniforms.n_links; link++) {
            change = change + word(first_link + 2u * link + 1u) * numbers[at];
            var moved = 0.0;
            for (var x = 0u; x < uniforms.n_fixed; x++) {
                moved = moved + word(HEAD + x) * numbers[at + 1u + x];
            }
            change = change + word(first_link + 2u * link) * moved;
            at = at + 1u + uniforms.n_fixed;
        }
        if q == subject.n_nodes {
            let end = change + hazard_level;
            constant = constant + end * subject.event;
        } else if uniforms.timed == 1u {
            scratch[mass_at(q)] = (change + numbers[row + 1u]) + hazard_level;
        } else {
            sum = sum + exponential(change + numbers[row + 1u]).x;
        }
    }
    if uniforms.timed == 0u {
        scratch[mass_at(0u)] = logarithm(sum) + hazard_level;
    }
    return constant;
}

// What multiplies the second effect in the log hazard at the end of follow-up.
fn along_hazard_at_end() -> f32 {
    return word(4u) + word(5u) * numbers[subject.nodes + subject.n_nodes * node_width];
}

// The log density (v0, v1) away from the reference's modes; `keep` brings visits and hazard there.
fn evaluate(v0: f32, v1: f32, constant: f32, keep: bool) -> State {
    let m0 = word(0u);
    let m1 = word(1u);
    let mt = word(2u);
    let h0 = word(3u);
    let h1 = word(4u);
    let ht = word(5u);
    let inverse_scale = word(12u);
    // standard normal effects
    var value = constant - subject.mode_0 * v0;
    value = value - subject.mode_1 * v1;
    let halved_0 = 0.5 * v0;
    value = value - halved_0 * v0;
    let halved_1 = 0.5 * v1;
    value = value - halved_1 * v1;
    var g0 = -subject.mode_0 - v0;
    var g1 = -subject.mode_1 - v1;
    var c11 = 1.0;
    // the marker
    let level = m0 * v0;
    var sum = 0.0;
    var sum_time = 0.0;
    var bend = 0.0;
    var bend_time = 0.0;
    for (var j = 0u; j < subject.n_visits; j++) {
        let row = subject.visits + j * visit_width;
        let along = m1 + mt * numbers[row];
        let at_level = scratch[visit_at(j)] + level;
        let change = at_level + along * v1;
        var slope = 0.0;
        var weight = inverse_scale;
        if uniforms.poisson == 1u {
            let e = exponential(change);
            let residual = numbers[row + 1u];
            let mean = numbers[row + 2u];
            value = value + residual * change;
            value = value - mean * e.y;
            slope = residual - mean * (change + e.y);
            weight = mean * e.x;
            if keep {
                scratch[visit_at(j)] = slope;
                scratch[mean_at(j)] = weight;
            }
        } else {
            let residual = numbers[row + 1u] - change;
            slope = residual * inverse_scale;
            value = value - (0.5 * residual) * slope;
            if keep {
                scratch[visit_at(j)] = residual;
            }
        }
        sum = sum + slope;
        sum_time = sum_time + slope * along;
        bend = bend + weight;
        let weighted = weight * along;
        bend_time = bend_time + weighted;
        c11 = c11 + weighted * along;
    }
    g0 = g0 + m0 * sum;
    g1 = g1 + sum_time;
    let scaled = m0 * bend;
    var c00 = 1.0 + m0 * scaled;
    var c01 = m0 * bend_time;
    // the hazard
    let hazard_level = h0 * v0;
    var hazard = 0.0;
    var hazard_time = 0.0;
    for (var q = 0u; q < n_masses; q++) {
        let along = h1 + ht * numbers[subject.nodes + q * node_width];
        let at_level = scratch[mass_at(q)] + hazard_level;
        let mass = exponential(at_level + along * v1).x;
        if keep {
            scratch[mass_at(q)] = mass;
        }
        hazard = hazard + mass;
        let weighted = mass * along;
        hazard_time = hazard_time + weighted;
        c11 = c11 + weighted * along;
    }
    value = value - hazard;
    let hazard_scaled = h0 * hazard;
    g0 = g0 - hazard_scaled;
    g1 = g1 - hazard_time;
    c00 = c00 + h0 * hazard_scaled;
    c01 = c01 + h0 * hazard_time;
    // the event
    let along = along_hazard_at_end();
    let change = hazard_level + along * v1;
    value = value + subject.event * change;
    g0 = g0 + subject.event * h0;
    g1 = g1 + subject.event * along;
    return State(value, g0, g1, c00, c01, c11);
}

// Newton's method with halved steps.
fn find_mode(first: vec2<f32>, start: State, constant: f32) -> vec2<f32> {
    var at = first;
    var here = start;
    var share = 1.0;
    for (var turn = 0u; turn < MOST_STEPS; turn++) {
        let by = step(here);
        if by.gain <= ENOUGH_GAIN {
            break;
        }
        let next = vec2<f32>(at.x + share * by.by0, at.y + share * by.by1);
        let there = evaluate(next.x, next.y, constant, false);
        let rounding = ROUNDING * max(abs(here.value), 1.0);
        if here.value - rounding <= there.value {
            at = next;
            here = there;
            share = 1.0;
        } else {
            share = share * 0.5;
        }
    }
    return at;
}

// The integral over the random effects of the density over that at the mode, less what is the same for
// all subjects.
fn integrate(mode: State, last: Step, at: vec2<f32>) -> f32 {
    let poisson = uniforms.poisson == 1u;
    let m0 = word(0u);
    let m1 = word(1u);
    let mt = word(2u);
    let h0 = word(3u);
    let h1 = word(4u);
    let ht = word(5u);
    let inverse_scale = word(12u);
    let n_inner = uniforms.n_inner;
    let n_outer = uniforms.n_outer;
    let spread0 = 1.0 / sqrt(mode.c00);
    let spread1 = 1.0 / sqrt(last.left);
    let place0 = subject.mode_0 + at.x;
    let place1 = subject.mode_1 + at.y;
    // of w0 the centre moves by -ratio as w1 moves by 1
    let marker_turn = m0 * last.ratio;
    let hazard_turn = h0 * last.ratio;
    for (var node = 0u; node < n_inner; node++) {
        let away = spread0 * numbers[node];
        scratch[hazard_tail_at(node)] = exponential(h0 * away).y;
        if poisson {
            scratch[mean_tail_at(node)] = exponential(m0 * away).y;
        }
    }
    // sums of normal markers, the same at each outer node
    var sum = 0.0;
    var sum_along = 0.0;
    var bend_along = 0.0;
    var bend_both = 0.0;
    var bend = 1.0;
    if !poisson {
        for (var j = 0u; j < subject.n_visits; j++) {
            let straight = m1 + mt * numbers[subject.visits + j * visit_width];
            let along = straight - marker_turn;
            let slope = scratch[visit_at(j)] * inverse_scale;
            sum = sum + slope;
            sum_along = sum_along + slope * along;
            let weighted = inverse_scale * along;
            bend_along = bend_along + weighted;
            bend_both = bend_both + weighted * along;
        }
        let scaled = (m0 * inverse_scale) * m0;
        bend = bend + scaled * f32(subject.n_visits);
    }
    let end_along = along_hazard_at_end() - hazard_turn;
    let halved_bend = 0.5 * bend;
    var total = 0.0;
    for (var outer = 0u; outer < n_outer; outer++) {
        let x1 = spread1 * numbers[2u * n_inner + outer];
        let turned = last.ratio * x1;
        // the density at the centre of w0, over that at the mode
        let towards = place0 * turned;
        var centre = towards - place1 * x1;
        let halved_0 = 0.5 * turned;
        centre = centre - halved_0 * turned;
        let halved_1 = 0.5 * x1;
        centre = centre - halved_1 * x1;
        var slope = sum;
        var mean_sum = 0.0;
        if poisson {
            for (var j = 0u; j < subject.n_visits; j++) {
                let straight = m1 + mt * numbers[subject.visits + j * visit_width];
                let along = straight - marker_turn;
                let change = along * x1;
                let e = exponential(change);
                let residual = scratch[visit_at(j)];
                let mean = scratch[mean_at(j)];
                centre = centre + residual * change;
                centre = centre - mean * e.y;
                slope = slope + residual;
                slope = slope - mean * (change + e.y);
                mean_sum = mean_sum + mean * e.x;
            }
        } else {
            centre = centre + sum_along * x1;
            let halved = 0.5 * (bend_both * x1);
            centre = centre - halved * x1;
            slope = slope - bend_along * x1;
        }
        var hazard = 0.0;
        for (var q = 0u; q < n_masses; q++) {
            let straight = h1 + ht * numbers[subject.nodes + q * node_width];
            let change = (straight - hazard_turn) * x1;
            let e = exponential(change);
            let mass = scratch[mass_at(q)];
            centre = centre - mass * (change + e.y);
            hazard = hazard + mass * e.x;
        }
        centre = centre + subject.event * (end_along * x1);
        // the slope in w0 there
        var linear = turned - place0;
        linear = linear + m0 * slope;
        linear = linear + h0 * (subject.event - hazard);
        var inner_sum = 0.0;
        for (var node = 0u; node < n_inner; node++) {
            let away = spread0 * numbers[node];
            var log_ratio = centre + linear * away;
            let bent = halved_bend * away;
            log_ratio = log_ratio - bent * away;
            log_ratio = log_ratio - hazard * scratch[hazard_tail_at(node)];
            if poisson {
                log_ratio = log_ratio - mean_sum * scratch[mean_tail_at(node)];
            }
            inner_sum = inner_sum + numbers[n_inner + node] * exponential(log_ratio).x;
        }
        total = total + numbers[2u * n_inner + n_outer + outer] * inner_sum;
    }
    return (total * spread0) * spread1;
}

@compute @workgroup_size(64)
fn joint_likelihood(@builtin(global_invocation_id) id: vec3<u32>) {
    column = id.x;
    if column >= uniforms.n_contributions {
        return;
    }
    let number = uniforms.first + column;
    k = number % uniforms.n_points;
    subject = subjects[number / uniforms.n_points];
    visit_width = ROW_HEAD + uniforms.n_fixed;
    node_width = ROW_HEAD + uniforms.basis_width + uniforms.n_links * (1u + uniforms.n_fixed);
    n_masses = select(1u, subject.n_nodes, uniforms.timed == 1u);
    let constant = begin();
    // where the search begins: at the reference's mode, or, where that is poor, at the middle of the
    // random effects if that is better
    var first = vec2<f32>(0.0, 0.0);
    var start = evaluate(0.0, 0.0, constant, false);
    if !(FAIR_START <= start.value) {
        let middle = vec2<f32>(-subject.mode_0, -subject.mode_1);
        let other = evaluate(middle.x, middle.y, constant, false);
        if !(other.value <= start.value) {
            first = middle;
            start = other;
        }
    }
    let at = find_mode(first, start, constant);
    let mode = evaluate(at.x, at.y, constant, true);
    let last = step(mode);
    let area = integrate(mode, last, at);
    var contribution = BEYOND;
    if LEAST_START <= start.value && 1.1754944e-38 <= word(12u) && last.gain <= TOLERATED_GAIN
        && 1e-30 <= area && area <= 1e30 {
        contribution = mode.value + logarithm(area);
    }
    contributions[column] = ~bitcast<u32>(contribution);
}
