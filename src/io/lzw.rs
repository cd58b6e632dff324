//! LZW strips of TIFF pages, decoded where they will lie.

/// Code that empties the table, code that ends the data, and the first that stands for a string.
const CLEAR: u32 = 256;
const END: u32 = 257;
const FIRST: usize = 258;

/// Codes have 9 to 12 bits.
const WIDTHS: std::ops::RangeInclusive<u32> = 9..=12;

/// Strings of at most this many bytes are copied as so many.
const SHORT: usize = 16;

/// Fills `strip` from TIFF's LZW codes (most significant bit first, a code becomes wider one entry
/// early); false when the codes end before it is full or name a string that does not exist.
///
/// Every string of the table is a piece of what was already written, so that the table holds
/// places. What follows the last byte of the strip is not looked at.
///
/// # Source
/// TIFF revision 6.0, section 13.
pub(super) fn fill_strip(codes: &[u8], strip: &mut [u8]) -> bool {
    // start and length of each string
    let mut table = [(0_u32, 0_u32); 1 << 12];
    let mut bits = Bits { bytes: codes, buffer: 0, n_bits: 0 };
    let (mut next, mut width) = (FIRST, *WIDTHS.start());
    let mut previous: Option<(usize, usize)> = None;
    let mut end = 0;
    while end < strip.len() {
        let Some(code) = bits.take(width) else { return false };
        if code == CLEAR {
            (next, width, previous) = (FIRST, *WIDTHS.start(), None);
            continue;
        }
        if let Some((start, length)) = previous
            && next < table.len()
        {
            // the string before and the first byte of this one, which follows it
            table[next] = (start as u32, length as u32 + 1);
            next += 1;
            width += u32::from(next + 1 == 1 << width && width < *WIDTHS.end());
        }
        let length = if code < CLEAR {
            strip[end] = code as u8;
            1
        } else {
            if code == END || code as usize >= next {
                return false;
            }
            let (start, length) = table[code as usize];
            let (start, length) = (start as usize, (length as usize).min(strip.len() - end));
            copy_string(strip, start, end, length);
            length
        };
        previous = Some((end, length));
        end += length;
    }
    true
}

/// Copies `length` bytes from `start` to `end`, one after the other where the two overlap.
#[inline(always)]
fn copy_string(strip: &mut [u8], start: usize, end: usize, length: usize) {
    if start + length > end {
        for offset in 0..length {
            strip[end + offset] = strip[start + offset];
        }
    } else if length <= SHORT && end + SHORT <= strip.len() {
        // what is copied too much is overwritten by the strings that follow
        let mut string = [0; SHORT];
        string.copy_from_slice(&strip[start..start + SHORT]);
        strip[end..end + SHORT].copy_from_slice(&string);
    } else {
        strip.copy_within(start..start + length, end);
    }
}

/// Bits of some bytes, most significant first.
struct Bits<'a> {
    bytes: &'a [u8],
    /// Bits at hand, in the lowest places.
    buffer: u64,
    n_bits: u32,
}

impl Bits<'_> {
    #[inline(always)]
    fn take(&mut self, width: u32) -> Option<u32> {
        if self.n_bits < width {
            if let Some((four, rest)) = self.bytes.split_first_chunk::<4>() {
                self.buffer = self.buffer << 32 | u64::from(u32::from_be_bytes(*four));
                self.n_bits += 32;
                self.bytes = rest;
            } else {
                while self.n_bits < width {
                    let (&byte, rest) = self.bytes.split_first()?;
                    self.buffer = self.buffer << 8 | u64::from(byte);
                    self.n_bits += 8;
                    self.bytes = rest;
                }
            }
        }
        self.n_bits -= width;
        Some((self.buffer >> self.n_bits) as u32 & ((1 << width) - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;
    use tiff::decoder::Decoder;
    use tiff::encoder::{Compression, TiffEncoder, colortype::Gray8};
    use tiff::tags::Tag;

    /// The codes that another program's writer makes of one strip.
    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut file = Cursor::new(Vec::new());
        let mut encoder =
            TiffEncoder::new(&mut file).expect("memory").with_compression(Compression::Lzw);
        let mut image = encoder.new_image::<Gray8>(bytes.len() as u32, 1).expect("an image");
        image.rows_per_strip(1).expect("one strip");
        image.write_data(bytes).expect("memory");
        let bytes = file.into_inner();
        let mut decoder = Decoder::new(Cursor::new(&bytes)).expect("a TIFF");
        let mut place = |tag| decoder.get_tag_u32_vec(tag).expect("a tag")[0] as usize;
        let (start, length) = (place(Tag::StripOffsets), place(Tag::StripByteCounts));
        bytes[start..start + length].to_vec()
    }

    #[test]
    fn the_string_that_is_just_being_made_is_known() {
        for n in [1, 2, 3, 100, 5_000, 400_000] {
            let bytes = vec![7; n];
            let mut found = vec![0; n];
            assert!(fill_strip(&packed(&bytes), &mut found), "{n} equal bytes");
            assert!(found == bytes, "{n} equal bytes");
        }
    }

    #[test]
    fn codes_that_end_early_or_do_not_exist_are_refused() {
        let mut strip = [0; 100];
        let codes = packed(&(0..100).collect::<Vec<u8>>());
        assert!(!fill_strip(&codes[..40], &mut strip), "cut");
        assert!(!fill_strip(&[], &mut strip), "nothing");
        // clear, then 300, which nothing stands for
        assert!(!fill_strip(&[0b1000_0000, 0b0100_1011, 0b0000_0000], &mut strip), "unknown");
    }

    proptest! {
        #[test]
        fn what_another_writer_packed_comes_back(
            seeds in prop::collection::vec((any::<u8>(), 1..40_usize), 1..3_000),
            few in 1..255_u8,
        ) {
            let bytes: Vec<u8> =
                seeds.iter().flat_map(|&(value, n)| vec![value % few; n % 5 + 1]).collect();
            let mut found = vec![0; bytes.len()];
            prop_assert!(fill_strip(&packed(&bytes), &mut found), "sound");
            prop_assert!(found == bytes, "the same bytes");
        }

        #[test]
        fn no_codes_make_it_fail_otherwise(codes in prop::collection::vec(any::<u8>(), 0..3_000)) {
            fill_strip(&codes, &mut [0; 2_000]);
        }
    }
}
