// Hazard ratio of one binary covariate under Efron ties, one resample an invocation.
//
// Twin: src/kernels/hazard_ratio_bootstrap.rs, which says the method, its source and its accuracy.
//
//   slots       [n_slots]                how each slot draws
//   units       [n_outer x n_slots]      what drawing a unit adds to which count word; one row but
//                                        where resamples are resampled, then one an outer resample
//   counts      [n_words x stride]       scratch: column i belongs to invocation i, so that
//                                        neighbouring invocations read neighbouring words
//   replicates  [n_replicates]           mantissa, code, step, information
//
// Sums run over the event times from the last to the first, over the terms of a time in order,
// gathered in blocks of 32 terms.

struct Uniforms {
    key_0: u32,
    key_1: u32,
    first_low: u32,
    first_high: u32,
    n_replicates: u32,
    n_slots: u32,
    n_times: u32,
    words_per_time: u32,
    narrow: u32,
    start: f32,
    stride: u32,
    stream: u32,
    per_outer: u32,
    first_outer: u32,
    padding_0: u32,
    padding_1: u32,
}

struct Slot {
    bound: u32,
    threshold: u32,
    base: u32,
}

struct Unit {
    word: u32,
    increment: u32,
}

struct Moments {
    first: f32,
    second: f32,
    third: f32,
}

struct Step {
    step: f32,
    information: f32,
}

// The running numbers at risk and the terms of the event time reached.
struct Walk {
    at_risk_0: u32,
    at_risk_1: u32,
    d0: u32,
    d1: u32,
    deaths: u32,
    factor: u32,
    step_0: u32,
    step_1: u32,
}

@group(0) @binding(0)
var<storage, read> slots: array<Slot>;

@group(0) @binding(1)
var<storage, read> units: array<Unit>;

@group(0) @binding(2)
var<uniform> uniforms: Uniforms;

@group(0) @binding(3)
var<storage, read_write> counts: array<u32>;

@group(0) @binding(4)
var<storage, read_write> replicates: array<vec4<u32>>;

const ESTIMABLE: u32 = 0u;
const MONOTONE_UP: u32 = 1u;
const MONOTONE_DOWN: u32 = 2u;
const SINGLE_GROUP: u32 = 3u;
const NO_EVENTS: u32 = 4u;
const NEEDS_HOST: u32 = 5u;
const SWAPPED: u32 = 0x100u;
const MIN_RATIO: f32 = 0.0000152587890625;
const MAX_RATIO: f32 = 65536.0;
const MAX_STEP: f32 = 1.5;
const LAST_STEP: f32 = 0.03125;
const MAX_ITERATIONS: u32 = 16u;
const MAX_POLISH: f32 = 0.001;
const MIN_INFORMATION: f32 = 1e-4;
const SUM_BLOCK: u32 = 32u;
const QUOTIENT_UNIT: f32 = 16777216.0;

// d0, d1, c0, c1 of an event time: deaths and leavers of the two arms.
fn unpack(at: u32, column: u32) -> vec4<u32> {
    if uniforms.words_per_time == 1u {
        let word = counts[at * uniforms.stride + column];
        return vec4<u32>(word & 0xFFu, (word >> 8u) & 0xFFu, (word >> 16u) & 0xFFu, word >> 24u);
    }
    let deaths = counts[2u * at * uniforms.stride + column];
    let leavers = counts[(2u * at + 1u) * uniforms.stride + column];
    return vec4<u32>(deaths & 0xFFFFu, deaths >> 16u, leavers & 0xFFFFu, leavers >> 16u);
}

fn walk_to(at: u32, column: u32, before: Walk) -> Walk {
    let c = unpack(at, column);
    var w = before;
    w.at_risk_0 = w.at_risk_0 + c.x + c.z;
    w.at_risk_1 = w.at_risk_1 + c.y + c.w;
    w.d0 = c.x;
    w.d1 = c.y;
    w.deaths = c.x + c.y;
    let mixed = c.x > 0u && c.y > 0u;
    w.factor = select(1u, w.deaths, mixed);
    w.step_0 = select(min(c.x, 1u), c.x, mixed);
    w.step_1 = select(min(c.y, 1u), c.y, mixed);
    return w;
}

fn add_moments(sums: Moments, p: f32) -> Moments {
    let square = p * p;
    return Moments(sums.first + p, sums.second + square, sums.third + square * p);
}

fn join_moments(total: Moments, block: Moments) -> Moments {
    return Moments(
        total.first + block.first,
        total.second + block.second,
        total.third + block.third,
    );
}

fn halley(score: f32, sums: Moments) -> Step {
    let information = sums.first - sums.second;
    let skew = (sums.first - 3.0 * sums.second) + 2.0 * sums.third;
    let square = information * information;
    var denominator = 2.0 * square + score * skew;
    denominator = max(max(denominator, square), 1e-20);
    return Step((2.0 * (score * information)) / denominator, information);
}

// Halley's method in singles. Returns the ratio; `settled` says whether it may be polished.
fn iterate(column: u32, deaths_1: f32, settled: ptr<function, bool>) -> f32 {
    var ratio = uniforms.start;
    for (var iteration = 0u; iteration < MAX_ITERATIONS; iteration++) {
        var sums = Moments();
        var block = Moments();
        var term = 0u;
        var w = Walk();
        for (var k = 0u; k < uniforms.n_times; k++) {
            w = walk_to(uniforms.n_times - k, column, w);
            var a = w.at_risk_1 * w.factor;
            var b = w.at_risk_0 * w.factor;
            for (var l = 0u; l < w.deaths; l++) {
                let num = f32(a) * ratio;
                block = add_moments(block, num / (f32(b) + num));
                a -= w.step_1;
                b -= w.step_0;
                term++;
                if term % SUM_BLOCK == 0u {
                    sums = join_moments(sums, block);
                    block = Moments();
                }
            }
        }
        sums = join_moments(sums, block);
        let exact = halley(deaths_1 - sums.first, sums).step;
        let step = min(max(exact, -MAX_STEP), MAX_STEP);
        let next = (ratio * (2.0 + step)) / (2.0 - step);
        ratio = min(max(next, MIN_RATIO), MAX_RATIO);
        if step <= LAST_STEP && -LAST_STEP <= step {
            *settled = true;
            break;
        }
    }
    return ratio;
}

// One Halley step whose score is exact; returns the words of the replicate.
fn polish(
    column: u32,
    total: Walk,
    all_deaths: u32,
    deaths_1: u32,
    factor: u32,
    found: f32,
    settled: bool,
) -> vec4<u32> {
    let swapped = bitcast<u32>(found) < bitcast<u32>(1.0);
    var ratio = found;
    if swapped {
        ratio = 1.0 / found;
    }
    let own = f32(select(total.at_risk_1, total.at_risk_0, swapped));
    let other = f32(select(total.at_risk_0, total.at_risk_1, swapped));
    let deaths = select(deaths_1, all_deaths - deaths_1, swapped);
    let widest = f32(factor) * (other + own * ratio);
    let exponent = (bitcast<u32>(widest) >> 23u) - 127u;
    let ratio_exponent = (bitcast<u32>(ratio) >> 23u) - 127u;
    let room = exponent < 27u;
    let shift = min(select(0u, 27u - exponent, room), 20u);
    let fine = shift + ratio_exponent > 9u;
    let scale = bitcast<f32>((shift + 127u) << 23u);
    let mantissa = u32(ratio * scale + 0.5);

    var quotients = 0u;
    var remainders = 0.0;
    var rests = 0.0;
    var sums = Moments();
    var block = Moments();
    var term = 0u;
    var w = Walk();
    for (var k = 0u; k < uniforms.n_times; k++) {
        w = walk_to(uniforms.n_times - k, column, w);
        var a = w.at_risk_1 * w.factor;
        var b = w.at_risk_0 * w.factor;
        for (var l = 0u; l < w.deaths; l++) {
            let num = select(a, b, swapped) * mantissa;
            let den = (select(b, a, swapped) << shift) + num;
            let inverse = 1.0 / f32(den);
            let p = f32(num) * inverse;
            let quotient = u32(p * QUOTIENT_UNIT);
            quotients += quotient;
            rests = rests + f32(bitcast<i32>((num << 24u) - quotient * den)) * inverse;
            block = add_moments(block, p);
            a -= w.step_1;
            b -= w.step_0;
            term++;
            if term % SUM_BLOCK == 0u {
                sums = join_moments(sums, block);
                remainders = remainders + rests;
                block = Moments();
                rests = 0.0;
            }
        }
    }
    sums = join_moments(sums, block);
    remainders = remainders + rests;
    let whole = f32(bitcast<i32>((deaths << 24u) - quotients));
    let score = (whole - remainders) * (1.0 / QUOTIENT_UNIT);
    let last = halley(score, sums);
    let short = last.step <= MAX_POLISH && -MAX_POLISH <= last.step;
    if settled && short && MIN_INFORMATION <= last.information && fine && room {
        let code = (shift << 16u) + select(0u, SWAPPED, swapped);
        return vec4<u32>(mantissa, code, bitcast<u32>(last.step), bitcast<u32>(last.information));
    }
    return vec4<u32>(0u, NEEDS_HOST, 0u, 0u);
}

fn scatter(column: u32) {
    let n_words = (uniforms.n_times + 1u) * uniforms.words_per_time;
    for (var word = 0u; word < n_words; word++) {
        counts[word * uniforms.stride + column] = 0u;
    }
    let key = vec2<u32>(uniforms.key_0, uniforms.key_1);
    let low = uniforms.first_low + column;
    var replicate = vec2<u32>(low, uniforms.first_high + select(0u, 1u, low < column));
    var first_unit = 0u;
    if uniforms.per_outer > 0u {
        let outer = low / uniforms.per_outer;
        replicate = vec2<u32>(low % uniforms.per_outer, uniforms.first_outer + outer);
        first_unit = outer * uniforms.n_slots;
    }
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
        let unit = units[first_unit + s.base + drawn];
        counts[unit.word * uniforms.stride + column] += unit.increment;
    }
}

@compute @workgroup_size(64)
fn hazard_ratio_bootstrap(@builtin(global_invocation_id) id: vec3<u32>) {
    let column = id.x;
    if column >= uniforms.n_replicates {
        return;
    }
    scatter(column);
    var total = Walk();
    var deaths = 0u;
    var deaths_1 = 0u;
    var with_arm_1 = 0u;
    var without_arm_0 = 0u;
    var factor = 1u;
    for (var k = 0u; k < uniforms.n_times; k++) {
        total = walk_to(uniforms.n_times - k, column, total);
        deaths += total.deaths;
        deaths_1 += total.d1;
        with_arm_1 += select(0u, total.deaths, total.at_risk_1 > 0u);
        without_arm_0 += select(0u, total.deaths, total.at_risk_0 == 0u);
        factor = max(factor, total.factor);
    }
    let before = unpack(0u, column);
    let up = deaths_1 >= with_arm_1;
    let down = deaths_1 <= without_arm_0;
    var status = ESTIMABLE;
    if total.at_risk_0 + before.z == 0u || total.at_risk_1 + before.w == 0u {
        status = SINGLE_GROUP;
    } else if up && down {
        status = NO_EVENTS;
    } else if up {
        status = MONOTONE_UP;
    } else if down {
        status = MONOTONE_DOWN;
    }
    if status != ESTIMABLE {
        replicates[column] = vec4<u32>(0u, status, 0u, 0u);
        return;
    }
    var settled = false;
    let ratio = iterate(column, f32(deaths_1), &settled);
    replicates[column] = polish(column, total, deaths, deaths_1, factor, ratio, settled);
}
