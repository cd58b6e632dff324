// Drops components of a mask by an attribute: too few pixels, or a pixel at the image's border.
//
// Twins: imaging::open_area and imaging::clear_border, see src/kernels/attribute_opening.rs.
//
//   parents   [rows x cols]            root of each set pixel, after passes 0 to 2 of
//   areas     [rows x cols]            label_components; at roots: pixels, top bit at the border
//   mask      [rows x words_per_row]   changed in place
//
// An invocation takes a word and looks at each run of set bits in it.

struct Uniforms {
    rows: u32,
    cols: u32,
    words_per_row: u32,
    min_area: u32,
    clear_border: u32,
    padding_0: u32,
    padding_1: u32,
    padding_2: u32,
}

@group(0) @binding(0)
var<storage, read> parents: array<u32>;

@group(0) @binding(1)
var<storage, read> areas: array<u32>;

@group(0) @binding(2)
var<uniform> uniforms: Uniforms;

@group(0) @binding(3)
var<storage, read_write> mask: array<u32>;

@compute @workgroup_size(256)
fn attribute_opening(@builtin(global_invocation_id) global: vec3<u32>) {
    let index = global.x;
    if index >= uniforms.rows * uniforms.words_per_row {
        return;
    }
    let first_pixel = index / uniforms.words_per_row * uniforms.cols
        + index % uniforms.words_per_row * 32u;
    let word = mask[index];
    var kept = 0u;
    var left = word;
    while left != 0u {
        let start = firstTrailingBit(left);
        let end = start + min(firstTrailingBit(~(left >> start)), 32u - start);
        // bits start..end; a shift by 32 is not defined
        let run = (0xFFFFFFFFu << start) & (0xFFFFFFFFu >> (32u - end));
        let area = areas[parents[first_pixel + start]];
        let at_border = (area >> 31u) == 1u;
        let is_large = (area & 0x7FFFFFFFu) >= uniforms.min_area;
        if is_large && !(at_border && uniforms.clear_border == 1u) {
            kept |= run;
        }
        left &= ~run;
    }
    if kept != word {
        mask[index] = kept;
    }
}
