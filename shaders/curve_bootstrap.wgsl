// Statistics of the survival curves of two arms, one resample or shuffle an invocation.
//
// Twin: src/kernels/curve_bootstrap.rs, which says the method, its source and its accuracy.
//
//   slots       [n_slots]            how each slot draws
//   units       [n_outer x n_slots]  what a unit adds to which count word; one row but where
//                                    resamples are resampled; [n_shuffled] where arms are shuffled
//   begin       [n_words]            counts before anything is drawn
//   widths      [n_times + 1]        from each grid time to the next, in ticks
//   scratch     [n_scratch x stride] counts, then the shuffled order; column i belongs to
//                                    invocation i
//   replicates  [n_replicates]       code, two words of the value, variance
//
// S is an integer multiple of 2^-48 in three parts of 17, 16 and 16 bits, and is cut after each
// factor. Walks for a value run forward over the grid times; sums of singles run back over them,
// those of the log-rank variance gathered in blocks of 32 times.

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
    stride: u32,
    stream: u32,
    per_outer: u32,
    first_outer: u32,
    mode: u32,
    n_shuffled: u32,
    doubt: u32,
    upper_high: u32,
    upper_low: u32,
    lower_high: u32,
    lower_low: u32,
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

@group(0) @binding(0)
var<storage, read> slots: array<Slot>;

@group(0) @binding(1)
var<storage, read> units: array<Unit>;

@group(0) @binding(2)
var<storage, read> begin: array<u32>;

@group(0) @binding(3)
var<storage, read> widths: array<u32>;

@group(0) @binding(4)
var<uniform> uniforms: Uniforms;

@group(0) @binding(5)
var<storage, read_write> scratch: array<u32>;

@group(0) @binding(6)
var<storage, read_write> replicates: array<vec4<u32>>;

const SINGLE_GROUP: u32 = 1u;
const NOT_REACHED: u32 = 2u;
const NO_EVENTS: u32 = 3u;
const NEEDS_HOST: u32 = 4u;
const CROSSINGS: u32 = 5u;
const MOMENTS: u32 = 6u;
const QUANTILE: u32 = 0u;
const RESTRICTED_MEAN: u32 = 1u;
const SURVIVAL_AT: u32 = 2u;
const SUM_BLOCK: u32 = 32u;
// Ticks of tau, 2^31.
const TICK: f32 = 4.656612873077393e-10;

// d0, d1, c0, c1 of a grid time: deaths and leavers of the two arms.
fn unpack(at: u32, column: u32) -> vec4<u32> {
    if uniforms.words_per_time == 1u {
        let word = scratch[at * uniforms.stride + column];
        return vec4<u32>(word & 0xFFu, (word >> 8u) & 0xFFu, (word >> 16u) & 0xFFu, word >> 24u);
    }
    let deaths = scratch[2u * at * uniforms.stride + column];
    let leavers = scratch[(2u * at + 1u) * uniforms.stride + column];
    return vec4<u32>(deaths & 0xFFFFu, deaths >> 16u, leavers & 0xFFFFu, leavers >> 16u);
}

// 64-bit integers as high and low word.
fn add_wide(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    let low = a.y + b.y;
    return vec2<u32>(a.x + b.x + select(0u, 1u, low < a.y), low);
}

fn subtract_wide(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    return vec2<u32>(a.x - b.x - select(0u, 1u, a.y < b.y), a.y - b.y);
}

// S (n - d) / n, cut to a multiple of 2^-48; n is not 0.
fn fall(s: vec3<u32>, n: u32, d: u32) -> vec3<u32> {
    let left = n - d;
    let low = s.z * left;
    let middle = s.y * left + (low >> 16u);
    let high = s.x * left + (middle >> 16u);
    let q_high = high / n;
    let rest = ((high % n) << 16u) | (middle & 0xFFFFu);
    let q_middle = rest / n;
    let last = ((rest % n) << 16u) | (low & 0xFFFFu);
    return vec3<u32>(q_high, q_middle, last / n);
}

fn as_wide(s: vec3<u32>) -> vec2<u32> {
    return vec2<u32>(s.x, (s.y << 16u) | s.z);
}

// 1 where S is above an edge, 0 where it is not, 2 where that is in doubt.
fn is_above(s: vec3<u32>, edge: vec2<u32>) -> u32 {
    let off = subtract_wide(as_wide(s), edge);
    let near_above = off.x == 0u && off.y <= uniforms.doubt;
    let near_below = off.x == 0xFFFFFFFFu && off.y >= 0u - uniforms.doubt;
    if near_above || near_below {
        return 2u;
    }
    return select(1u, 0u, off.x >= 0x80000000u);
}

// Numbers of grid times, from 1, of which `before` come first; 0 where there is none.
fn number_after(before: u32) -> u32 {
    return select(before + 1u, 0u, before == uniforms.n_times);
}

fn crossings(column: u32, all: vec2<u32>) -> vec4<u32> {
    let upper = vec2<u32>(uniforms.upper_high, uniforms.upper_low);
    let lower = vec2<u32>(uniforms.lower_high, uniforms.lower_low);
    var words = vec2<u32>();
    for (var arm = 0u; arm < 2u; arm++) {
        var at_risk = all[arm] - unpack(0u, column)[arm + 2u];
        var s = vec3<u32>(65536u, 0u, 0u);
        var above = 0u;
        var not_below = 0u;
        for (var at = 1u; at <= uniforms.n_times; at++) {
            let c = unpack(at, column);
            if c[arm] > 0u {
                s = fall(s, at_risk, c[arm]);
            }
            let over_upper = is_above(s, upper);
            let over_lower = is_above(s, lower);
            if over_upper == 2u || over_lower == 2u {
                return vec4<u32>(NEEDS_HOST, 0u, 0u, 0u);
            }
            above += over_upper;
            not_below += over_lower;
            at_risk -= c[arm] + c[arm + 2u];
        }
        words[arm] = number_after(above) | (number_after(not_below) << 16u);
    }
    if (words.x & 0xFFFFu) == 0u || (words.y & 0xFFFFu) == 0u {
        return vec4<u32>(NOT_REACHED, 0u, 0u, 0u);
    }
    return vec4<u32>(CROSSINGS, words.x, words.y, 0u);
}

// The variance of one arm's area or survival, back from the last grid time.
fn variance_of(arm: u32, column: u32) -> f32 {
    var after = select(0.0, 1.0, uniforms.mode == SURVIVAL_AT);
    var variance = 0.0;
    var at_risk = 0u;
    for (var k = 0u; k < uniforms.n_times; k++) {
        let at = uniforms.n_times - k;
        let c = unpack(at, column);
        at_risk += c[arm] + c[arm + 2u];
        after = after + f32(widths[at]) * TICK;
        if c[arm] > 0u {
            let n = f32(at_risk);
            let d = f32(c[arm]);
            let q = f32(at_risk - c[arm]) / n;
            let own = (after * after) * ((d * q) / (n * n));
            variance = (q * q) * variance + own;
            after = q * after;
        }
    }
    return variance;
}

fn differences(column: u32, all: vec2<u32>) -> vec4<u32> {
    let is_area = uniforms.mode == RESTRICTED_MEAN;
    var values = array<vec2<u32>, 2>();
    var has_variance = true;
    for (var arm = 0u; arm < 2u; arm++) {
        var at_risk = all[arm];
        var s = vec3<u32>(65536u, 0u, 0u);
        var area = vec2<u32>();
        for (var at = 0u; at <= uniforms.n_times; at++) {
            let c = unpack(at, column);
            if at == uniforms.n_times && !is_area {
                // Beyond its last follow-up a curve is known only at 0.
                if at_risk == 0u && any(s != vec3<u32>()) {
                    return vec4<u32>(NOT_REACHED, 0u, 0u, 0u);
                }
            }
            if c[arm] > 0u {
                s = fall(s, at_risk, c[arm]);
            }
            if is_area {
                let height = (s.x << 15u) | (s.y >> 1u);
                area = add_wide(area, multiply_wide(height, widths[at]));
            }
            at_risk -= c[arm] + c[arm + 2u];
        }
        if is_area {
            values[arm] = area;
        } else {
            values[arm] = as_wide(s);
            has_variance = has_variance && any(s != vec3<u32>());
        }
    }
    var variance = 0.0;
    if has_variance {
        variance = variance_of(0u, column) + variance_of(1u, column);
    }
    let value = subtract_wide(values[1], values[0]);
    return vec4<u32>(MOMENTS, value.x, value.y, bitcast<u32>(variance));
}

fn log_rank(column: u32, all: vec2<u32>) -> vec4<u32> {
    var at_risk = vec2<u32>();
    // Deaths of arm 1 less those expected, in units of 2^-32.
    var excess = vec2<u32>();
    var variance = 0.0;
    var block = 0.0;
    for (var k = 0u; k < uniforms.n_times; k++) {
        let c = unpack(uniforms.n_times - k, column);
        at_risk += c.xy + c.zw;
        let d = c.x + c.y;
        let n = at_risk.x + at_risk.y;
        if d > 0u {
            let product = d * at_risk.y;
            let first = (product % n) << 16u;
            let second = (first % n) << 16u;
            let expected = vec2<u32>(product / n, ((first / n) << 16u) | (second / n));
            excess = subtract_wide(add_wide(excess, vec2<u32>(c.y, 0u)), expected);
            if n > 1u {
                let share = f32(at_risk.x) / f32(n);
                let of_others = f32(n - d) / f32(n - 1u);
                block = block + ((f32(d) * of_others) * share) * (f32(at_risk.y) / f32(n));
            }
        }
        if k % SUM_BLOCK == SUM_BLOCK - 1u {
            variance = variance + block;
            block = 0.0;
        }
    }
    variance = variance + block;
    if variance == 0.0 {
        return vec4<u32>(NO_EVENTS, 0u, 0u, 0u);
    }
    return vec4<u32>(MOMENTS, excess.x, excess.y, bitcast<u32>(variance));
}

fn scatter(column: u32) {
    let n_words = (uniforms.n_times + 1u) * uniforms.words_per_time;
    for (var word = 0u; word < n_words; word++) {
        scratch[word * uniforms.stride + column] = begin[word];
    }
    for (var place = 0u; place < uniforms.n_shuffled; place++) {
        scratch[(n_words + place) * uniforms.stride + column] = place;
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
        var drawn = s.base + draw_unit(
            key, replicate, uniforms.stream, slot, s.bound, s.threshold, narrow, block,
        );
        if uniforms.n_shuffled > 0u {
            let here = (n_words + slot) * uniforms.stride + column;
            let there = (n_words + drawn) * uniforms.stride + column;
            drawn = scratch[there];
            scratch[there] = scratch[here];
            scratch[here] = drawn;
        }
        let unit = units[first_unit + drawn];
        scratch[unit.word * uniforms.stride + column] += unit.increment;
    }
}

@compute @workgroup_size(64)
fn curve_bootstrap(@builtin(global_invocation_id) id: vec3<u32>) {
    let column = id.x;
    if column >= uniforms.n_replicates {
        return;
    }
    scatter(column);
    var all = vec2<u32>();
    for (var at = 0u; at <= uniforms.n_times; at++) {
        let c = unpack(at, column);
        all += c.xy + c.zw;
    }
    if all.x == 0u || all.y == 0u {
        replicates[column] = vec4<u32>(SINGLE_GROUP, 0u, 0u, 0u);
    } else if uniforms.mode == QUANTILE {
        replicates[column] = crossings(column, all);
    } else if uniforms.mode == RESTRICTED_MEAN || uniforms.mode == SURVIVAL_AT {
        replicates[column] = differences(column, all);
    } else {
        replicates[column] = log_rank(column, all);
    }
}
