// The maximally selected log-rank statistic of one shuffle of the scores an invocation.
//
// Twin: src/kernels/max_selected_logrank.rs, which says the method and its source.
//
//   slots    [n_slots]          how each place draws
//   scores   [n_scores]         log-rank scores by falling marker, signed integers
//   cuts     [n_cuts]           by growing upper group
//   scratch  [n_scores x stride] shuffled scores; column i belongs to invocation i
//   maxima   [n_permutations]   two words of the maximum, its cut, 1
//
// Integers only: sums of scores wrap like those of the twin, products have 64 bits.

struct Uniforms {
    key_0: u32,
    key_1: u32,
    first_low: u32,
    first_high: u32,
    n_permutations: u32,
    n_scores: u32,
    n_slots: u32,
    n_cuts: u32,
    narrow: u32,
    stride: u32,
    stream: u32,
    padding_0: u32,
}

struct Slot {
    bound: u32,
    threshold: u32,
    base: u32,
}

struct Cut {
    n_upper: u32,
    centre: i32,
    weight: u32,
}

@group(0) @binding(0)
var<storage, read> slots: array<Slot>;

@group(0) @binding(1)
var<storage, read> scores: array<i32>;

@group(0) @binding(2)
var<storage, read> cuts: array<Cut>;

@group(0) @binding(3)
var<uniform> uniforms: Uniforms;

@group(0) @binding(4)
var<storage, read_write> scratch: array<i32>;

@group(0) @binding(5)
var<storage, read_write> maxima: array<vec4<u32>>;

@compute @workgroup_size(64)
fn max_selected_logrank(@builtin(global_invocation_id) id: vec3<u32>) {
    let column = id.x;
    if column >= uniforms.n_permutations {
        return;
    }
    for (var place = 0u; place < uniforms.n_scores; place++) {
        scratch[place * uniforms.stride + column] = scores[place];
    }
    let key = vec2<u32>(uniforms.key_0, uniforms.key_1);
    let low = uniforms.first_low + column;
    let number = vec2<u32>(low, uniforms.first_high + select(0u, 1u, low < column));
    let narrow = uniforms.narrow == 1u;
    let per_block = select(4u, 8u, narrow);
    var block = vec4<u32>();
    var sum = 0i;
    var cut = 0u;
    var largest = vec2<u32>();
    var best = 0u;
    for (var slot = 0u; slot < uniforms.n_slots; slot++) {
        if slot % per_block == 0u {
            let tag = uniforms.stream << 16u;
            block = philox4x32(key, vec4<u32>(slot / per_block, number.x, number.y, tag));
        }
        let s = slots[slot];
        let drawn = s.base + draw_unit(
            key, number, uniforms.stream, slot, s.bound, s.threshold, narrow, block,
        );
        // Fisher and Yates: what lay here goes where the drawn score was.
        let here = slot * uniforms.stride + column;
        let there = drawn * uniforms.stride + column;
        sum += scratch[there];
        scratch[there] = scratch[here];
        if cut < uniforms.n_cuts {
            let c = cuts[cut];
            if c.n_upper == slot + 1u {
                let z = multiply_wide(u32(abs(sum - c.centre)), c.weight);
                if z.x > largest.x || (z.x == largest.x && z.y > largest.y) {
                    largest = z;
                    best = cut;
                }
                cut++;
            }
        }
    }
    maxima[column] = vec4<u32>(largest.x, largest.y, best, 1u);
}
