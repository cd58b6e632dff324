// Counts of stored values in eight classes of pixels: by membership in three masks.
//
// Twin: src/kernels/class_histogram.rs.
//
//   stored   [rows x 32 words_per_row]   pixels of 8 or 16 bits, rows padded
//   first, second, third                 masks, [rows x words_per_row], one bit a pixel
//   counts   [8 x n_levels]              class is 1 for the first mask + 2 for the second + 4
//
// A workgroup of 256 takes 2048 words of `stored`, 256 neighbours at a time. Pages of 8 bits are
// counted in the workgroup's memory first; those of 16 bits have too many levels for that.

struct Uniforms {
    n_words: u32,
    words_per_row: u32,
    cols: u32,
    bits: u32,
    n_levels: u32,
    padding_0: u32,
    padding_1: u32,
    padding_2: u32,
}

@group(0) @binding(0)
var<storage, read> stored: array<u32>;

@group(0) @binding(1)
var<storage, read> first: array<u32>;

@group(0) @binding(2)
var<storage, read> second: array<u32>;

@group(0) @binding(3)
var<storage, read> third: array<u32>;

@group(0) @binding(4)
var<uniform> uniforms: Uniforms;

@group(0) @binding(5)
var<storage, read_write> counts: array<atomic<u32>>;

var<workgroup> gathered: array<atomic<u32>, 2048>;

@compute @workgroup_size(256)
fn class_histogram(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let bits = uniforms.bits;
    let per_word = 32u / bits;
    let n_stored = uniforms.n_words * bits;
    for (var class_index = 0u; class_index < 8u; class_index++) {
        atomicStore(&gathered[class_index * 256u + local.x], 0u);
    }
    workgroupBarrier();
    for (var row = 0u; row < 8u; row++) {
        let index = group.x * 2048u + row * 256u + local.x;
        if index < n_stored {
            let word = stored[index];
            let begin = index * per_word;
            let col = begin % (uniforms.words_per_row * 32u);
            let in_masks = vec3(first[begin >> 5u], second[begin >> 5u], third[begin >> 5u]);
            for (var pixel = 0u; pixel < per_word; pixel++) {
                if col + pixel < uniforms.cols {
                    let value = (word >> (pixel * bits)) & ((1u << bits) - 1u);
                    let member = (in_masks >> vec3((begin + pixel) & 31u)) & vec3(1u);
                    let class_index = member.x + 2u * member.y + 4u * member.z;
                    if bits == 8u {
                        atomicAdd(&gathered[class_index * 256u + value], 1u);
                    } else if value < uniforms.n_levels {
                        atomicAdd(&counts[class_index * uniforms.n_levels + value], 1u);
                    }
                }
            }
        }
    }
    workgroupBarrier();
    for (var class_index = 0u; class_index < 8u; class_index++) {
        let count = atomicLoad(&gathered[class_index * 256u + local.x]);
        if count != 0u && local.x < uniforms.n_levels {
            atomicAdd(&counts[class_index * uniforms.n_levels + local.x], count);
        }
    }
}
