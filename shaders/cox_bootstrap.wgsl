// Cox model of several columns, one resample an invocation, in singles.
//
// Twin: src/kernels/cox_bootstrap.rs, which says the method, its source, and how far singles may
// be off. The host replaces the number of columns below before it compiles.
//
//   slots       [n_slots]                     how each slot draws
//   units       [n_outer x n_slots]           units of the outer resamples; unused otherwise
//   members     [n_slots + 1][..][..]         where the rows of each unit begin; the rows; rows in
//                                             the order in which they leave the risk set
//   numbers     [n_rows x COLUMNS][n_rows if weighted][COLUMNS][COLUMNS]
//                                             standardised columns; weights; start; largest values
//   times       [n_times]                     event times by stratum, falling
//   scratch     [n_words x stride]            column i belongs to invocation i: copies and risk of
//                                             each row, hazard and spared hazard of each event
//                                             time, hazard at entry of each row
//   replicates  [n_replicates]                coefficient, information left, status, 0
//
// Sums run over the event times from the last to the first of each stratum, over the rows of a
// time in order; the sum over rows then runs the other way.

const COLUMNS: u32 = 8u;
const PAIRS: u32 = COLUMNS * (COLUMNS + 1u) / 2u;

struct Uniforms {
    key_0: u32,
    key_1: u32,
    first_low: u32,
    first_high: u32,
    n_replicates: u32,
    n_slots: u32,
    narrow: u32,
    stride: u32,
    stream: u32,
    per_outer: u32,
    first_outer: u32,
    n_rows: u32,
    n_times: u32,
    efron: u32,
    weighted: u32,
    leavers: u32,
}

struct Slot {
    bound: u32,
    threshold: u32,
    base: u32,
}

struct EventTime {
    opens_stratum: u32,
    joining: u32,
    failing: u32,
    joined: u32,
    leaving: u32,
    left: u32,
}

struct Solved {
    distance: f32,
    left: f32,
    definite: bool,
}

@group(0) @binding(0)
var<storage, read> slots: array<Slot>;

@group(0) @binding(1)
var<storage, read> units: array<u32>;

@group(0) @binding(2)
var<storage, read> members: array<u32>;

@group(0) @binding(3)
var<storage, read> numbers: array<f32>;

@group(0) @binding(4)
var<storage, read> times: array<EventTime>;

@group(0) @binding(5)
var<uniform> uniforms: Uniforms;

@group(0) @binding(6)
var<storage, read_write> scratch: array<u32>;

@group(0) @binding(7)
var<storage, read_write> replicates: array<vec4<u32>>;

const ESTIMABLE: u32 = 1u;
const NEEDS_HOST: u32 = 2u;
const MOST_EVALUATIONS: u32 = 12u;
const ARRIVED: f32 = 1e-7;
const SHORT_STEP: f32 = 1e-3;
const LONGEST_STEP: f32 = 2.0;
const OVERSHOT: f32 = -0.5;
const LARGEST_PREDICTOR: f32 = 25.0;
const LEAST_SHARE: f32 = 0.01;
const LEAST_INFORMATION: f32 = 0.5;
const LEAST_LEFT: f32 = 0.01;

var<private> beta: array<f32, COLUMNS>;
var<private> base: array<f32, COLUMNS>;
var<private> step: array<f32, COLUMNS>;
var<private> newton: array<f32, COLUMNS>;
var<private> score: array<f32, COLUMNS>;
var<private> information: array<f32, PAIRS>;
var<private> column: u32;
var<private> lost: bool;

fn pair(a: u32, b: u32) -> u32 {
    return a * COLUMNS - a * (a + 1u) / 2u + b;
}

// exp(x) for |x| <= 80: x = k ln 2 + r, the series to r^7 leaves 5e-9.
fn exponential(x: f32) -> f32 {
    let k = i32(u32(x * 1.442695 + 128.5)) - 128;
    let r = (x - f32(k) * 0.693359375) + f32(k) * 0.00021219444;
    var series = 0.00019841270;
    series = series * r + 0.0013888889;
    series = series * r + 0.0083333333;
    series = series * r + 0.041666667;
    series = series * r + 0.16666667;
    series = series * r + 0.5;
    let power = (r * r * series + r) + 1.0;
    return power * bitcast<f32>(u32(k + 127) << 23u);
}

fn copies(row: u32) -> f32 {
    return f32(scratch[row * uniforms.stride + column]);
}

fn mass(row: u32) -> f32 {
    let n = copies(row);
    if uniforms.weighted == 1u {
        return n * numbers[uniforms.n_rows * COLUMNS + row];
    }
    return n;
}

fn kept(word: u32) -> f32 {
    return bitcast<f32>(scratch[word * uniforms.stride + column]);
}

fn keep(word: u32, value: f32) {
    scratch[word * uniforms.stride + column] = bitcast<u32>(value);
}

// Words of a row or an event time.
fn risk_of(row: u32) -> u32 {
    return uniforms.n_rows + row;
}

fn hazard_of(time: u32) -> u32 {
    return 2u * uniforms.n_rows + 2u * time;
}

fn entry_of(row: u32) -> u32 {
    return 2u * (uniforms.n_rows + uniforms.n_times) + row;
}

fn scatter() {
    for (var row = 0u; row < uniforms.n_rows; row++) {
        scratch[row * uniforms.stride + column] = 0u;
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
            let tag = uniforms.stream << 16u;
            block = philox4x32(key, vec4<u32>(slot / per_block, replicate.x, replicate.y, tag));
        }
        let s = slots[slot];
        var unit = s.base + draw_unit(
            key, replicate, uniforms.stream, slot, s.bound, s.threshold, narrow, block,
        );
        if uniforms.per_outer > 0u {
            unit = units[first_unit + unit];
        }
        for (var member = members[unit]; member < members[unit + 1u]; member++) {
            scratch[members[member] * uniforms.stride + column] += 1u;
        }
    }
}

// The terms of an event time: their means leave score and information.
// Returns their number.
fn add_terms(index: u32, time: EventTime, s0: f32, s1: array<f32, COLUMNS>) -> f32 {
    var sums = s1;
    var deaths = 0.0;
    var weight = 0.0;
    var f0 = 0.0;
    var f1 = array<f32, COLUMNS>();
    for (var row = time.failing; row < time.joined; row++) {
        let m = mass(row);
        let risk = kept(risk_of(row));
        deaths += copies(row);
        weight += m;
        f0 += risk;
        for (var k = 0u; k < COLUMNS; k++) {
            let x = numbers[row * COLUMNS + k];
            score[k] += m * x;
            f1[k] += risk * x;
        }
    }
    var terms = deaths;
    if uniforms.efron == 0u {
        terms = min(deaths, 1.0);
    }
    var hazard = 0.0;
    var spared = 0.0;
    if terms > 0.0 {
        weight = weight / terms;
        for (var term = 0.0; term < terms; term += 1.0) {
            let out = term / terms;
            let inverse = 1.0 / (s0 - out * f0);
            hazard += weight * inverse;
            spared += out * (weight * inverse);
            var mean = array<f32, COLUMNS>();
            for (var a = 0u; a < COLUMNS; a++) {
                mean[a] = (sums[a] - out * f1[a]) * inverse;
            }
            for (var a = 0u; a < COLUMNS; a++) {
                let weighted = weight * mean[a];
                score[a] -= weighted;
                for (var b = a; b < COLUMNS; b++) {
                    information[pair(a, b)] -= weighted * mean[b];
                }
            }
        }
    }
    keep(hazard_of(index), hazard);
    keep(hazard_of(index) + 1u, spared);
    return terms;
}

// Score and information at beta.
fn derivatives() {
    score = array<f32, COLUMNS>();
    information = array<f32, PAIRS>();
    var s0 = 0.0;
    var s1 = array<f32, COLUMNS>();
    var peak = 0.0;
    for (var index = 0u; index < uniforms.n_times; index++) {
        let time = times[index];
        if time.opens_stratum == 1u {
            s0 = 0.0;
            s1 = array<f32, COLUMNS>();
            peak = 0.0;
        }
        for (var row = time.joining; row < time.joined; row++) {
            var predictor = 0.0;
            for (var k = 0u; k < COLUMNS; k++) {
                predictor += beta[k] * numbers[row * COLUMNS + k];
            }
            let risk = mass(row) * exponential(predictor);
            keep(risk_of(row), risk);
            s0 += risk;
            for (var k = 0u; k < COLUMNS; k++) {
                s1[k] += risk * numbers[row * COLUMNS + k];
            }
        }
        if uniforms.leavers > 0u {
            peak = max(peak, s0);
            for (var leaver = time.leaving; leaver < time.left; leaver++) {
                let row = members[uniforms.leavers + leaver];
                let risk = kept(risk_of(row));
                s0 -= risk;
                for (var k = 0u; k < COLUMNS; k++) {
                    s1[k] -= risk * numbers[row * COLUMNS + k];
                }
            }
        }
        let terms = add_terms(index, time, s0, s1);
        if terms > 0.0 && s0 < peak * LEAST_LEFT {
            lost = true;
        }
    }
    add_rows();
}

// The rows' r H x x', walking up from the first event time of each stratum.
fn add_rows() {
    var hazard = 0.0;
    var opens = true;
    for (var step_up = 0u; step_up < uniforms.n_times; step_up++) {
        let index = uniforms.n_times - 1u - step_up;
        let time = times[index];
        if opens {
            hazard = 0.0;
        }
        opens = time.opens_stratum == 1u;
        hazard += kept(hazard_of(index));
        let spared = kept(hazard_of(index) + 1u);
        if uniforms.leavers > 0u {
            for (var leaver = time.leaving; leaver < time.left; leaver++) {
                keep(entry_of(members[uniforms.leavers + leaver]), hazard);
            }
        }
        for (var row = time.joining; row < time.joined; row++) {
            var own = hazard;
            if uniforms.leavers > 0u {
                own -= kept(entry_of(row));
            }
            if row >= time.failing {
                own -= spared;
            }
            let expected = kept(risk_of(row)) * own;
            for (var a = 0u; a < COLUMNS; a++) {
                let weighted = expected * numbers[row * COLUMNS + a];
                for (var b = a; b < COLUMNS; b++) {
                    information[pair(a, b)] += weighted * numbers[row * COLUMNS + b];
                }
            }
        }
    }
}

// Solves information * newton = score by the factors L D L'.
fn solve() -> Solved {
    var lower = information;
    var half = score;
    var solved = Solved(0.0, 0.0, true);
    for (var k = 0u; k < COLUMNS; k++) {
        let pivot = lower[pair(k, k)];
        let enough = max(information[pair(k, k)] * LEAST_SHARE, LEAST_INFORMATION);
        if !(pivot >= enough) {
            solved.definite = false;
            return solved;
        }
        for (var i = k + 1u; i < COLUMNS; i++) {
            let factor = lower[pair(k, i)] / pivot;
            for (var j = i; j < COLUMNS; j++) {
                lower[pair(i, j)] -= factor * lower[pair(k, j)];
            }
            half[i] -= factor * half[k];
        }
        solved.distance += half[k] * half[k] / pivot;
    }
    for (var back = 0u; back < COLUMNS; back++) {
        let k = COLUMNS - 1u - back;
        var sum = half[k];
        for (var i = k + 1u; i < COLUMNS; i++) {
            sum -= lower[pair(k, i)] * newton[i];
        }
        newton[k] = sum / lower[pair(k, k)];
    }
    solved.left = lower[pair(COLUMNS - 1u, COLUMNS - 1u)];
    return solved;
}

@compute @workgroup_size(64)
fn cox_bootstrap(@builtin(global_invocation_id) id: vec3<u32>) {
    column = id.x;
    if column >= uniforms.n_replicates {
        return;
    }
    lost = false;
    scatter();
    if uniforms.leavers > 0u {
        for (var row = 0u; row < uniforms.n_rows; row++) {
            keep(entry_of(row), 0.0);
        }
    }
    let weights = select(0u, uniforms.n_rows, uniforms.weighted == 1u);
    let tail = uniforms.n_rows * COLUMNS + weights;
    for (var k = 0u; k < COLUMNS; k++) {
        beta[k] = numbers[tail + k];
        base[k] = beta[k];
        step[k] = 0.0;
    }
    var slope = 0.0;
    var factor = 1.0;
    var result = vec4<u32>(0u, 0u, NEEDS_HOST, 0u);
    for (var evaluation = 0u; evaluation < MOST_EVALUATIONS; evaluation++) {
        derivatives();
        if lost {
            break;
        }
        var along = 0.0;
        for (var k = 0u; k < COLUMNS; k++) {
            along += score[k] * step[k];
        }
        if along < slope * OVERSHOT {
            factor *= 0.5;
        } else {
            let solved = solve();
            if !solved.definite {
                break;
            }
            var longest = 0.0;
            for (var k = 0u; k < COLUMNS; k++) {
                longest = max(longest, max(newton[k], -newton[k]));
            }
            if solved.distance < ARRIVED && longest < SHORT_STEP {
                let coefficient = beta[COLUMNS - 1u] + newton[COLUMNS - 1u];
                result = vec4<u32>(
                    bitcast<u32>(coefficient), bitcast<u32>(solved.left), ESTIMABLE, 0u,
                );
                break;
            }
            let shorten = LONGEST_STEP / max(longest, LONGEST_STEP);
            slope = solved.distance * shorten;
            factor = 1.0;
            for (var k = 0u; k < COLUMNS; k++) {
                base[k] = beta[k];
                step[k] = newton[k] * shorten;
            }
        }
        var largest = 0.0;
        for (var k = 0u; k < COLUMNS; k++) {
            beta[k] = base[k] + factor * step[k];
            largest += max(beta[k], -beta[k]) * numbers[tail + COLUMNS + k];
        }
        if !(largest < LARGEST_PREDICTOR) {
            break;
        }
    }
    replicates[column] = result;
}
