// One pass of growing objects by one pixel without letting them meet.
//
// Twin: imaging::thicken, see src/kernels/thicken.rs.
//
//   mask        [rows x words_per_row]          one bit a pixel
//   scratch     [3 x (rows + 4) x wide_words]   images with a margin of two pixels on all sides,
//                                               wide_words = ceil((cols + 4) / 32) words a row
//   thickened   [rows x words_per_row]
//
// An invocation takes 32 pixels of a row as the bits of a word; what the twin looks up in a table of
// neighbourhoods is written here as bitwise logic. Passes: 0 isolated pixels, to image 0; 1 the
// background of the mask with isolated pixels grown, to image 1; 2 and 3 its thinning, to images 2
// and 0; 4 the thinned background mended and inverted, without the margin.

struct Uniforms {
    rows: u32,
    cols: u32,
    words_per_row: u32,
    pass_number: u32,
}

// The words around one, and the eight neighbours of its pixels.
struct Around {
    here: u32,
    x1: u32,
    x2: u32,
    x3: u32,
    x4: u32,
    x5: u32,
    x6: u32,
    x7: u32,
    x8: u32,
}

@group(0) @binding(0)
var<storage, read> mask: array<u32>;

@group(0) @binding(1)
var<uniform> uniforms: Uniforms;

@group(0) @binding(2)
var<storage, read_write> scratch: array<u32>;

@group(0) @binding(3)
var<storage, read_write> thickened: array<u32>;

const MARGIN: u32 = 2u;
// An image that `at` reads: the mask itself with its margin.
const THE_MASK: u32 = 3u;

fn wide_words() -> u32 {
    return (uniforms.cols + 2u * MARGIN + 31u) / 32u;
}

fn mask_word(row: u32, word: u32) -> u32 {
    if word >= uniforms.words_per_row {
        return 0u;
    }
    return mask[row * uniforms.words_per_row + word];
}

// Word of an image with margin; unset outside. Rows and words wrap below 0.
fn at(image: u32, row: u32, word: u32) -> u32 {
    let wide = wide_words();
    let n_rows = uniforms.rows + 2u * MARGIN;
    if row >= n_rows || word >= wide {
        return 0u;
    }
    if image != THE_MASK {
        return scratch[(image * n_rows + row) * wide + word];
    }
    if row < MARGIN || row >= uniforms.rows + MARGIN {
        return 0u;
    }
    // word - 1 of the first word is none
    return (mask_word(row - MARGIN, word) << MARGIN)
        | (mask_word(row - MARGIN, word - 1u) >> (32u - MARGIN));
}

fn around(image: u32, row: u32, word: u32) -> Around {
    let above = at(image, row - 1u, word);
    let here = at(image, row, word);
    let below = at(image, row + 1u, word);
    let before = vec3(at(image, row - 1u, word - 1u), at(image, row, word - 1u),
        at(image, row + 1u, word - 1u)) >> vec3(31u);
    let after = vec3(at(image, row - 1u, word + 1u), at(image, row, word + 1u),
        at(image, row + 1u, word + 1u)) << vec3(31u);
    var found: Around;
    found.here = here;
    found.x1 = (here >> 1u) | after.y;
    found.x2 = (above >> 1u) | after.x;
    found.x3 = above;
    found.x4 = (above << 1u) | before.x;
    found.x5 = (here << 1u) | before.y;
    found.x6 = (below << 1u) | before.z;
    found.x7 = below;
    found.x8 = (below >> 1u) | after.z;
    return found;
}

// Bits of a word whose columns are `first` to `end` - 1.
fn columns(word: u32, first: u32, end: u32) -> u32 {
    var bits = 0xFFFFFFFFu;
    let begin = word * 32u;
    if first >= begin + 32u || end <= begin {
        return 0u;
    }
    if first > begin {
        bits &= 0xFFFFFFFFu << (first - begin);
    }
    if end < begin + 32u {
        bits &= (1u << (end - begin)) - 1u;
    }
    return bits;
}

// Where exactly one of the eight neighbours is set.
fn has_one_neighbour(a: Around) -> u32 {
    var one = 0u;
    var more = 0u;
    let neighbours = array<u32, 8>(a.x1, a.x2, a.x3, a.x4, a.x5, a.x6, a.x7, a.x8);
    for (var index = 0u; index < 8u; index++) {
        more |= one & neighbours[index];
        one |= neighbours[index];
    }
    return one & ~more;
}

fn any_neighbour(a: Around) -> u32 {
    return a.x1 | a.x2 | a.x3 | a.x4 | a.x5 | a.x6 | a.x7 | a.x8;
}

fn at_least_two(a: u32, b: u32, c: u32, d: u32) -> u32 {
    return (a & b) | (c & d) | ((a | b) & (c | d));
}

// One thinning sub-iteration, conditions G1, G2 and G3 of Lam, Lee and Suen: G3 for the first, G3'
// for the second.
fn thinned(image: u32, row: u32, word: u32, second: bool) -> u32 {
    let a = around(image, row, word);
    let n_cols = uniforms.cols + 2u * MARGIN;
    // the outermost ring stays
    if row == 0u || row + 1u == uniforms.rows + 2u * MARGIN {
        return a.here;
    }
    // G1: exactly one change from unset to set over the sides
    let c1 = ~a.x1 & (a.x2 | a.x3);
    let c2 = ~a.x3 & (a.x4 | a.x5);
    let c3 = ~a.x5 & (a.x6 | a.x7);
    let c4 = ~a.x7 & (a.x8 | a.x1);
    let g1 = ((c1 ^ c2) ^ (c3 ^ c4)) & ~(c1 & c2) & ~(c3 & c4);
    // G2: the fewer of two counts of set pairs is two or three
    let d1 = a.x1 | a.x2;
    let d2 = a.x3 | a.x4;
    let d3 = a.x5 | a.x6;
    let d4 = a.x7 | a.x8;
    let e1 = a.x2 | a.x3;
    let e2 = a.x4 | a.x5;
    let e3 = a.x6 | a.x7;
    let e4 = a.x8 | a.x1;
    let all_set = d1 & d2 & d3 & d4 & e1 & e2 & e3 & e4;
    let g2 = at_least_two(d1, d2, d3, d4) & at_least_two(e1, e2, e3, e4) & ~all_set;
    var g3 = ~((a.x2 | a.x3 | ~a.x8) & a.x1);
    if second {
        g3 = ~((a.x6 | a.x7 | ~a.x4) & a.x5);
    }
    return a.here & ~(g1 & g2 & g3 & columns(word, 1u, n_cols - 1u));
}

// Squares of 2 x 2, by their upper left pixels, of which one diagonal alone is set in image 0.
fn cuts(row: u32, word: u32) -> u32 {
    let upper = at(0u, row, word);
    let lower = at(0u, row + 1u, word);
    let upper_right = (upper >> 1u) | (at(0u, row, word + 1u) << 31u);
    let lower_right = (lower >> 1u) | (at(0u, row + 1u, word + 1u) << 31u);
    let diagonal = (upper ^ upper_right) & (lower ^ lower_right) & (upper ^ lower);
    return diagonal & columns(word, 0u, uniforms.cols + 2u * MARGIN - 1u);
}

// The thinned background (image 0) with pixels of the whole one (image 1) put back at cuts; rows of
// the mask only.
fn mended(row: u32, word: u32) -> u32 {
    let here = cuts(row, word) | cuts(row - 1u, word);
    let before = cuts(row, word - 1u) | cuts(row - 1u, word - 1u);
    let touched = here | (here << 1u) | (before >> 31u);
    return at(0u, row, word) | (touched & at(1u, row, word));
}

@compute @workgroup_size(256)
fn thicken(@builtin(global_invocation_id) global: vec3<u32>) {
    let wide = wide_words();
    let n_rows = uniforms.rows + 2u * MARGIN;
    let n_cols = uniforms.cols + 2u * MARGIN;
    let index = global.x;
    if uniforms.pass_number == 4u {
        if index < uniforms.rows * uniforms.words_per_row {
            let row = index / uniforms.words_per_row + MARGIN;
            let word = index % uniforms.words_per_row;
            let background = (mended(row, word) >> MARGIN)
                | (mended(row, word + 1u) << (32u - MARGIN));
            thickened[index] = ~background & columns(word, 0u, uniforms.cols);
        }
        return;
    }
    if index >= n_rows * wide {
        return;
    }
    let row = index / wide;
    let word = index % wide;
    if uniforms.pass_number == 0u {
        let a = around(THE_MASK, row, word);
        scratch[index] = a.here & ~any_neighbour(a);
    } else if uniforms.pass_number == 1u {
        let a = around(THE_MASK, row, word);
        let beside_isolated = any_neighbour(around(0u, row, word));
        let grown = a.here | (beside_isolated & has_one_neighbour(a));
        scratch[n_rows * wide + index] = ~grown & columns(word, 0u, n_cols);
    } else if uniforms.pass_number == 2u {
        scratch[2u * n_rows * wide + index] = thinned(1u, row, word, false);
    } else {
        scratch[index] = thinned(2u, row, word, true);
    }
}
