// Reading a page of stored values, `stored`: rows of `words_per_row` times 32 pixels, lowest bits
// first, `bits` (8 or 16) a pixel.

fn stored_value(row: u32, col: u32) -> u32 {
    let pixel = row * uniforms.words_per_row * 32u + col;
    let per_word = 32u / uniforms.bits;
    let word = stored[pixel / per_word];
    return (word >> (pixel % per_word * uniforms.bits)) & ((1u << uniforms.bits) - 1u);
}

