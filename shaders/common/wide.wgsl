// Whole numbers of 64 bits in two words, low word first; sums wrap, so that negative numbers are
// their complements.

fn wide_sum(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    let low = a.x + b.x;
    return vec2(low, a.y + b.y + select(0u, 1u, low < a.x));
}

fn wide_product(a: u32, b: u32) -> vec2<u32> {
    let low = (a & 0xFFFFu) * (b & 0xFFFFu);
    let middle_a = (a >> 16u) * (b & 0xFFFFu) + (low >> 16u);
    let middle_b = (a & 0xFFFFu) * (b >> 16u) + (middle_a & 0xFFFFu);
    return vec2((middle_b << 16u) | (low & 0xFFFFu),
        (a >> 16u) * (b >> 16u) + (middle_a >> 16u) + (middle_b >> 16u));
}

