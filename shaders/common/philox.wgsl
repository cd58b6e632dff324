// Philox4x32-10 (Salmon et al., SC'11), the twin of src/numeric/philox.rs, and the draw layout,
// version 1, of src/numeric/draw.rs.

// High and low word of a * b, from 16-bit halves: WGSL has no 64-bit product.
fn multiply_wide(a: u32, b: u32) -> vec2<u32> {
    let a_low = a & 0xFFFFu;
    let a_high = a >> 16u;
    let b_low = b & 0xFFFFu;
    let b_high = b >> 16u;
    let low = a_low * b_low;
    let middle = a_high * b_low + (low >> 16u);
    let carry = a_low * b_high + (middle & 0xFFFFu);
    return vec2<u32>(a_high * b_high + (middle >> 16u) + (carry >> 16u), a * b);
}

fn philox4x32(key: vec2<u32>, counter: vec4<u32>) -> vec4<u32> {
    var k = key;
    var c = counter;
    for (var round = 0u; round < 10u; round++) {
        let product_0 = multiply_wide(0xD2511F53u, c.x);
        let product_1 = multiply_wide(0xCD9E8D57u, c.z);
        c = vec4<u32>(
            product_1.x ^ c.y ^ k.x,
            product_1.y,
            product_0.x ^ c.w ^ k.y,
            product_0.y,
        );
        k = k + vec2<u32>(0x9E3779B9u, 0xBB67AE85u);
    }
    return c;
}

// The unit that `slot` of a replicate draws below `bound`; `block` is that slot's Philox block at
// attempt 0. A rejected draw is taken from the same place of the next attempt's block.
fn draw_unit(
    key: vec2<u32>,
    replicate: vec2<u32>,
    stream: u32,
    slot: u32,
    bound: u32,
    threshold: u32,
    narrow: bool,
    block: vec4<u32>,
) -> u32 {
    var words = block;
    var attempt = 0u;
    var unit = 0u;
    loop {
        var fraction = 0u;
        if narrow {
            let bits = (words[(slot >> 1u) & 3u] >> (16u * (slot & 1u))) & 0xFFFFu;
            let product = bits * bound;
            unit = product >> 16u;
            fraction = product & 0xFFFFu;
        } else {
            let product = multiply_wide(words[slot & 3u], bound);
            unit = product.x;
            fraction = product.y;
        }
        if fraction >= threshold {
            break;
        }
        attempt++;
        let number = select(slot >> 2u, slot >> 3u, narrow);
        words = philox4x32(
            key,
            vec4<u32>(number, replicate.x, replicate.y, (stream << 16u) | attempt),
        );
    }
    return unit;
}
