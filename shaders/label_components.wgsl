// One pass of labelling the connected components of a mask, numbered by their first pixel down the
// columns.
//
// Twin: imaging::label_components, see src/kernels/label_components.rs.
//
//   mask      [rows x words_per_row]     one bit a pixel
//   parents   [rows x cols]              forest over pixels; a pixel's parent never comes after it
//   areas     [rows x cols]              at roots: pixels, and the top bit at the image's border
//   firsts    [rows x cols]              at roots: first pixel of the component, as col rows + row
//   flags     [ceil(rows cols / 32)]     bit col rows + row: a component begins there
//   ranks     [n_flags + n_blocks]       set bits before each word of `flags` in its block of 256
//                                        words, then set bits before each block
//   labels    [rows x cols]              0 background, 1.. the components
//   state     [2]                        number of components; whether a search was given up
//
// Passes: 0 each run of a word is a tree; 1 touching runs are joined; 2 every pixel learns its root,
// roots learn area and first pixel; 3 first pixels are flagged; 4 and 5 flags are counted; 6 labels.
// Attributes of components need passes 0 to 2 only. Passes 0 to 3 and 6: workgroup (x, y) is segment
// x of row y. The forest is joined by atomic minima: whichever order they come in, the root is the
// component's least pixel in row-major order.

struct Uniforms {
    rows: u32,
    cols: u32,
    words_per_row: u32,
    diagonal: u32,
    pass_number: u32,
    padding_0: u32,
    padding_1: u32,
    padding_2: u32,
}

@group(0) @binding(0)
var<storage, read> mask: array<u32>;

@group(0) @binding(1)
var<uniform> uniforms: Uniforms;

@group(0) @binding(2)
var<storage, read_write> parents: array<atomic<u32>>;

@group(0) @binding(3)
var<storage, read_write> areas: array<atomic<u32>>;

@group(0) @binding(4)
var<storage, read_write> firsts: array<atomic<u32>>;

@group(0) @binding(5)
var<storage, read_write> flags: array<atomic<u32>>;

@group(0) @binding(6)
var<storage, read_write> ranks: array<u32>;

@group(0) @binding(7)
var<storage, read_write> labels: array<u32>;

@group(0) @binding(8)
var<storage, read_write> state: array<atomic<u32>>;

const AT_BORDER: u32 = 0x80000000u;

// Steps to a root or of a join, far more than paths that are halved on the way have. Some drivers
// end loops after 65535 steps; here that is an error, not a wrong label.
const MOST_STEPS: u32 = 60000u;

var<workgroup> partial_sums: array<u32, 256>;

fn give_up() {
    atomicStore(&state[1], 1u);
}

fn root_of(pixel: u32) -> u32 {
    var here = pixel;
    for (var step = 0u; step < MOST_STEPS; step++) {
        let parent = atomicLoad(&parents[here]);
        if parent == here {
            return here;
        }
        let grandparent = atomicLoad(&parents[parent]);
        if grandparent == parent {
            return parent;
        }
        atomicMin(&parents[here], grandparent);
        here = grandparent;
    }
    give_up();
    return here;
}

fn join(one: u32, other: u32) {
    var a = one;
    var b = other;
    for (var step = 0u; step < MOST_STEPS; step++) {
        a = root_of(a);
        b = root_of(b);
        if a == b {
            return;
        }
        let greater = max(a, b);
        let less = min(a, b);
        let before = atomicMin(&parents[greater], less);
        if before == greater {
            return;
        }
        // somebody else gave it a parent in the meantime: that one is joined instead
        a = before;
        b = less;
    }
    give_up();
}

fn is_set(row: u32, col: u32) -> bool {
    return ((mask[row * uniforms.words_per_row + (col >> 5u)] >> (col & 31u)) & 1u) == 1u;
}

// First column of a set pixel's run within its word.
fn run_start(word: u32, bit: u32) -> u32 {
    let unset_before = ~word & ((1u << bit) - 1u);
    // the highest unset bit before it, 0xFFFFFFFF for none
    return firstLeadingBit(unset_before) + 1u;
}

fn join_neighbours(row: u32, col: u32) {
    let index = row * uniforms.cols + col;
    let with_left = col > 0u && is_set(row, col - 1u);
    if (col & 31u) == 0u && with_left {
        join(index, index - 1u);
    }
    if row == 0u {
        return;
    }
    let above = is_set(row - 1u, col);
    let above_left = col > 0u && is_set(row - 1u, col - 1u);
    if above {
        // the left neighbour joins the same two runs
        if !(with_left && above_left) {
            join(index, index - uniforms.cols);
        }
        return;
    }
    if uniforms.diagonal == 1u {
        if above_left && !with_left {
            join(index, index - uniforms.cols - 1u);
        }
        if col + 1u < uniforms.cols && is_set(row - 1u, col + 1u) {
            join(index, index - uniforms.cols + 1u);
        }
    }
}

fn settle(row: u32, col: u32, word: u32) {
    let index = row * uniforms.cols + col;
    let root = root_of(index);
    atomicMin(&parents[index], root);
    let bit = col & 31u;
    if run_start(word, bit) != bit {
        return;
    }
    // lowest unset bit from here on
    let length = min(firstTrailingBit(~(word >> bit)), 32u - bit);
    atomicAdd(&areas[root], length);
    atomicMin(&firsts[root], col * uniforms.rows + row);
    let at_border = row == 0u || row + 1u == uniforms.rows || col == 0u
        || col + length == uniforms.cols;
    if at_border {
        atomicOr(&areas[root], AT_BORDER);
    }
}

// Exclusive sums over a workgroup's lanes; the sum of all comes back too.
fn sums_before(lane: u32, value: u32) -> vec2<u32> {
    partial_sums[lane] = value;
    workgroupBarrier();
    for (var reach = 1u; reach < 256u; reach *= 2u) {
        var more = 0u;
        if lane >= reach {
            more = partial_sums[lane - reach];
        }
        workgroupBarrier();
        partial_sums[lane] += more;
        workgroupBarrier();
    }
    let found = vec2(partial_sums[lane] - value, partial_sums[255]);
    workgroupBarrier();
    return found;
}

fn count_flags(block: u32, lane: u32, n_flags: u32) {
    let index = block * 256u + lane;
    var count = 0u;
    if index < n_flags {
        count = countOneBits(atomicLoad(&flags[index]));
    }
    let sums = sums_before(lane, count);
    if index < n_flags {
        ranks[index] = sums.x;
    }
    if lane == 0u {
        ranks[n_flags + block] = sums.y;
    }
}

fn count_blocks(lane: u32, n_flags: u32) {
    let n_blocks = (n_flags + 255u) / 256u;
    var before = 0u;
    for (var begin = 0u; begin < n_blocks; begin += 256u) {
        let block = begin + lane;
        var count = 0u;
        if block < n_blocks {
            count = ranks[n_flags + block];
        }
        let sums = sums_before(lane, count);
        if block < n_blocks {
            ranks[n_flags + block] = before + sums.x;
        }
        before += sums.y;
    }
    if lane == 0u {
        atomicStore(&state[0], before);
    }
}

@compute @workgroup_size(256)
fn label_components(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let n_flags = (uniforms.rows * uniforms.cols + 31u) / 32u;
    if uniforms.pass_number == 4u {
        count_flags(group.x, local.x, n_flags);
        return;
    }
    if uniforms.pass_number == 5u {
        count_blocks(local.x, n_flags);
        return;
    }
    let row = group.y;
    let col = group.x * 256u + local.x;
    if col >= uniforms.cols {
        return;
    }
    let index = row * uniforms.cols + col;
    let word = mask[row * uniforms.words_per_row + (col >> 5u)];
    let bit = col & 31u;
    let is_member = ((word >> bit) & 1u) == 1u;
    if uniforms.pass_number == 0u {
        let start = select(bit, run_start(word, bit), is_member);
        atomicStore(&parents[index], index - bit + start);
        atomicStore(&areas[index], 0u);
        atomicStore(&firsts[index], 0xFFFFFFFFu);
        if index < n_flags {
            atomicStore(&flags[index], 0u);
        }
        return;
    }
    if uniforms.pass_number == 6u && !is_member {
        labels[index] = 0u;
    }
    if !is_member {
        return;
    }
    if uniforms.pass_number == 1u {
        join_neighbours(row, col);
    } else if uniforms.pass_number == 2u {
        settle(row, col, word);
    } else {
        let root = atomicLoad(&parents[index]);
        let first = atomicLoad(&firsts[root]);
        if uniforms.pass_number == 3u {
            if root == index {
                atomicOr(&flags[first >> 5u], 1u << (first & 31u));
            }
        } else {
            let before = atomicLoad(&flags[first >> 5u]) & ((1u << (first & 31u)) - 1u);
            let flag_word = first >> 5u;
            labels[index] = ranks[n_flags + flag_word / 256u] + ranks[flag_word]
                + countOneBits(before) + 1u;
        }
    }
}
