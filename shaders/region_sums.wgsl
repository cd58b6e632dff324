// Sums over the pixels of each object in one channel, in whole numbers.
//
// Twin: imaging::region_sums, see src/kernels/region_sums.rs.
//
//   stored    [rows x 32 words_per_row]   pixels of 8 or 16 bits, rows padded
//   units     [n_levels]                  intensity of each stored value in units of 2^-24, 64 bits
//   labels    [rows x cols]               0 background, 1.. the objects
//   own       [rows x words_per_row]      the channel's mask, one bit a pixel
//   shared_mask [rows x words_per_row]      a second mask
//   records   [n_labels x 22]             see below; all 0 before
//
// Workgroup (x, y) takes segment x, 256 pixels, of row y. The invocation at which a run of one label
// begins within a word adds the run up and then to the object's record: one set of atomics a run.
// Additions of whole numbers: their order is of no importance.

struct Uniforms {
    rows: u32,
    cols: u32,
    words_per_row: u32,
    bits: u32,
}

@group(0) @binding(0)
var<storage, read> stored: array<u32>;

@group(0) @binding(1)
var<storage, read> units: array<vec2<u32>>;

@group(0) @binding(2)
var<storage, read> labels: array<u32>;

@group(0) @binding(3)
var<storage, read> own: array<u32>;

@group(0) @binding(4)
var<storage, read> shared_mask: array<u32>;

@group(0) @binding(5)
var<uniform> uniforms: Uniforms;

@group(0) @binding(6)
var<storage, read_write> records: array<atomic<u32>>;

const RECORD: u32 = 22u;
const N: u32 = 0u;
const N_SHARED: u32 = 1u;
// least things as complements, greatest ones plus 1: maxima that begin at 0
const LEAST: u32 = 2u;
const GREATEST: u32 = 3u;
const FIRST_ROW: u32 = 4u;
const LAST_ROW: u32 = 5u;
const FIRST_COL: u32 = 6u;
const LAST_COL: u32 = 7u;
// two words each, low first
const SUM: u32 = 8u;
const UNION_SUM: u32 = 10u;
const ROWS: u32 = 12u;
const COLS: u32 = 14u;
const ROWS_SQUARED: u32 = 16u;
const COLS_SQUARED: u32 = 18u;
const ROWS_COLS: u32 = 20u;

fn bit_of(word: u32, bit: u32) -> u32 {
    return (word >> bit) & 1u;
}

// The carry is the adder's whose low word overflowed.
fn add_wide(entry: u32, value: vec2<u32>) {
    let before = atomicAdd(&records[entry], value.x);
    let high = value.y + select(0u, 1u, before > 0xFFFFFFFFu - value.x);
    if high != 0u {
        atomicAdd(&records[entry + 1u], high);
    }
}

@compute @workgroup_size(256)
fn region_sums(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let row = group.y;
    let begin = group.x * 256u + local.x;
    if begin >= uniforms.cols {
        return;
    }
    let row_begin = row * uniforms.cols;
    let label = labels[row_begin + begin];
    if label == 0u {
        return;
    }
    if (begin & 31u) != 0u {
        if labels[row_begin + begin - 1u] == label {
            return;
        }
    }
    let word = row * uniforms.words_per_row + (begin >> 5u);
    let own_word = own[word];
    let shared_word = shared_mask[word];
    let end = min((begin | 31u) + 1u, uniforms.cols);
    var n = 0u;
    var n_shared = 0u;
    var least = 0u;
    var greatest = 0u;
    var first_col = 0u;
    var last_col = 0u;
    var cols = 0u;
    var sum = vec2(0u, 0u);
    var union_sum = vec2(0u, 0u);
    var cols_squared = vec2(0u, 0u);
    for (var col = begin; col < end; col++) {
        if labels[row_begin + col] != label {
            break;
        }
        let value = stored_value(row, col);
        let intensity = units[value];
        union_sum = wide_sum(union_sum, intensity);
        if bit_of(own_word, col & 31u) == 1u {
            n += 1u;
            n_shared += bit_of(shared_word, col & 31u);
            sum = wide_sum(sum, intensity);
            least = max(least, 0xFFFFFFFFu - value);
            greatest = max(greatest, value + 1u);
            first_col = max(first_col, 0xFFFFFFFFu - col);
            last_col = col + 1u;
            cols += col;
            cols_squared = wide_sum(cols_squared, vec2(col * col, 0u));
        }
    }
    let record = (label - 1u) * RECORD;
    add_wide(record + UNION_SUM, union_sum);
    if n == 0u {
        return;
    }
    atomicAdd(&records[record + N], n);
    atomicAdd(&records[record + N_SHARED], n_shared);
    atomicMax(&records[record + LEAST], least);
    atomicMax(&records[record + GREATEST], greatest);
    atomicMax(&records[record + FIRST_ROW], 0xFFFFFFFFu - row);
    atomicMax(&records[record + LAST_ROW], row + 1u);
    atomicMax(&records[record + FIRST_COL], first_col);
    atomicMax(&records[record + LAST_COL], last_col);
    add_wide(record + SUM, sum);
    add_wide(record + ROWS, wide_product(row, n));
    add_wide(record + COLS, vec2(cols, 0u));
    add_wide(record + ROWS_SQUARED, wide_product(row * row, n));
    add_wide(record + COLS_SQUARED, cols_squared);
    add_wide(record + ROWS_COLS, wide_product(row, cols));
}
