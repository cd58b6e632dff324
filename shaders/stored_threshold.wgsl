// Pixels whose stored value is at least a level, as a bit mask.
//
// Twin: imaging::initial_mask, see src/kernels/stored_threshold.rs.
//
//   stored   [rows x 32 words_per_row]   pixels of 8 or 16 bits, rows padded
//   mask     [rows x words_per_row]      bit i of word w of a row is column 32 w + i
//
// A workgroup of 256 takes 2048 words of `stored`, 256 neighbours at a time, and gathers their bits
// in its own memory, so that reads and writes are coalesced.

struct Uniforms {
    n_words: u32,
    words_per_row: u32,
    cols: u32,
    bits: u32,
    level: u32,
    padding_0: u32,
    padding_1: u32,
    padding_2: u32,
}

@group(0) @binding(0)
var<storage, read> stored: array<u32>;

@group(0) @binding(1)
var<uniform> uniforms: Uniforms;

@group(0) @binding(2)
var<storage, read_write> mask: array<u32>;

var<workgroup> gathered: array<atomic<u32>, 256>;

@compute @workgroup_size(256)
fn stored_threshold(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let bits = uniforms.bits;
    let per_word = 32u / bits;
    // a word of the mask has `bits` words of stored values
    let n_stored = uniforms.n_words * bits;
    atomicStore(&gathered[local.x], 0u);
    workgroupBarrier();
    for (var row = 0u; row < 8u; row++) {
        let offset = row * 256u + local.x;
        let index = group.x * 2048u + offset;
        if index < n_stored {
            let word = stored[index];
            let first = index * per_word;
            let col = first % (uniforms.words_per_row * 32u);
            var above = 0u;
            for (var pixel = 0u; pixel < per_word; pixel++) {
                let value = (word >> (pixel * bits)) & ((1u << bits) - 1u);
                if value >= uniforms.level && col + pixel < uniforms.cols {
                    above |= 1u << ((first + pixel) & 31u);
                }
            }
            if above != 0u {
                atomicOr(&gathered[offset / bits], above);
            }
        }
    }
    workgroupBarrier();
    let n_gathered = 2048u / bits;
    let index = group.x * n_gathered + local.x;
    if local.x < n_gathered && index < uniforms.n_words {
        mask[index] = atomicLoad(&gathered[local.x]);
    }
}
