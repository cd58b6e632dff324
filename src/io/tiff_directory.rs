//! The directories of a TIFF file, read before any pixel: every count, size and offset a file
//! declares is checked here, so that decoding never allocates or seeks on an untested number.

use std::collections::{BTreeMap, HashSet};
use std::io::{Read, Seek, SeekFrom};

/// Entries a directory may have. Frames have about a dozen; a corrupt count can be 65535.
const MAX_ENTRIES: u16 = 512;

/// Values one entry may hold: one offset a row of the tallest page accepted.
const MAX_VALUES: u32 = 65_536;

/// TIFF tags by number.
pub(super) mod tag {
    pub(in crate::io) const IMAGE_WIDTH: u16 = 256;
    pub(in crate::io) const IMAGE_LENGTH: u16 = 257;
    pub(in crate::io) const BITS_PER_SAMPLE: u16 = 258;
    pub(in crate::io) const COMPRESSION: u16 = 259;
    pub(in crate::io) const PHOTOMETRIC: u16 = 262;
    pub(in crate::io) const IMAGE_DESCRIPTION: u16 = 270;
    pub(in crate::io) const STRIP_OFFSETS: u16 = 273;
    pub(in crate::io) const SAMPLES_PER_PIXEL: u16 = 277;
    pub(in crate::io) const ROWS_PER_STRIP: u16 = 278;
    pub(in crate::io) const STRIP_BYTE_COUNTS: u16 = 279;
    pub(in crate::io) const PREDICTOR: u16 = 317;
    pub(in crate::io) const TILE_WIDTH: u16 = 322;
    pub(in crate::io) const TILE_LENGTH: u16 = 323;
    pub(in crate::io) const TILE_OFFSETS: u16 = 324;
    pub(in crate::io) const TILE_BYTE_COUNTS: u16 = 325;
    pub(in crate::io) const SAMPLE_FORMAT: u16 = 339;
    /// Private: camera value of a stored 0.
    pub(in crate::io) const STRETCH_LOW: u16 = 755;
    /// Private: camera value of the largest stored value.
    pub(in crate::io) const STRETCH_HIGH: u16 = 756;
}

/// What was found in the file that must not be there, as a phrase for an error message.
pub(super) type Finding = String;

#[derive(Clone, Copy, Debug)]
struct Entry {
    kind: u16,
    count: u32,
    value: [u8; 4],
}

/// The tags of one page.
#[derive(Debug)]
pub(super) struct Directory {
    entries: BTreeMap<u16, Entry>,
}

/// A file being scanned: byte order, length and where the next directory lies.
pub(super) struct Scanner<R> {
    reader: R,
    big_endian: bool,
    file_len: u64,
    next: u64,
    seen: HashSet<u64>,
}

impl<R: Read + Seek> Scanner<R> {
    /// Reads the 8 bytes of the header.
    pub(super) fn new(mut reader: R, file_len: u64) -> Result<Self, Finding> {
        let mut header = [0; 8];
        reader
            .read_exact(&mut header)
            .map_err(|_| format!("{file_len} bytes, too few for a TIFF header"))?;
        let big_endian = match &header[..2] {
            b"II" => false,
            b"MM" => true,
            _ => return Err("no TIFF signature".into()),
        };
        let mut scanner = Self { reader, big_endian, file_len, next: 0, seen: HashSet::new() };
        match scanner.u16_of([header[2], header[3]]) {
            42 => {}
            43 => return Err("a BigTIFF file".into()),
            other => return Err(format!("TIFF version {other}")),
        }
        scanner.next = u64::from(scanner.u32_of([header[4], header[5], header[6], header[7]]));
        if scanner.next == 0 {
            return Err("a TIFF file without pages".into());
        }
        Ok(scanner)
    }

    /// Length of the file in bytes.
    pub(super) fn file_len(&self) -> u64 {
        self.file_len
    }

    /// The next page's directory; `None` after the last.
    pub(super) fn next_directory(&mut self) -> Result<Option<Directory>, Finding> {
        if self.next == 0 {
            return Ok(None);
        }
        let at = self.next;
        if !self.seen.insert(at) {
            return Err(format!("a directory chain that returns to offset {at}"));
        }
        let mut count = [0; 2];
        self.read_at(at, &mut count, "a directory")?;
        let count = self.u16_of(count);
        if count == 0 || count > MAX_ENTRIES {
            return Err(format!("a directory of {count} entries"));
        }
        let mut bytes = vec![0; usize::from(count) * 12 + 4];
        self.read_at(at + 2, &mut bytes, "a directory")?;
        let (table, next) = bytes.split_at(usize::from(count) * 12);
        self.next = u64::from(self.u32_of([next[0], next[1], next[2], next[3]]));
        let entries = table
            .chunks_exact(12)
            .map(|raw| {
                let entry = Entry {
                    kind: self.u16_of([raw[2], raw[3]]),
                    count: self.u32_of([raw[4], raw[5], raw[6], raw[7]]),
                    value: [raw[8], raw[9], raw[10], raw[11]],
                };
                (self.u16_of([raw[0], raw[1]]), entry)
            })
            .collect();
        Ok(Some(Directory { entries }))
    }

    /// The SHORT or LONG values of a tag; `None` when the tag is absent or empty.
    pub(super) fn values(
        &mut self,
        directory: &Directory,
        number: u16,
    ) -> Result<Option<Vec<u32>>, Finding> {
        let Some(&entry) = directory.entries.get(&number) else { return Ok(None) };
        let size = match entry.kind {
            1 => 1,
            3 => 2,
            4 => 4,
            other => return Err(format!("tag {number} of type {other}, neither SHORT nor LONG")),
        };
        if entry.count == 0 {
            return Ok(None);
        }
        if entry.count > MAX_VALUES {
            return Err(format!("tag {number} with {} values", entry.count));
        }
        let n_bytes = entry.count as usize * size;
        let mut bytes = entry.value.to_vec();
        if n_bytes > bytes.len() {
            bytes.resize(n_bytes, 0);
            let at = u64::from(self.u32_of(entry.value));
            self.read_at(at, &mut bytes, &format!("the values of tag {number}"))?;
        }
        let values = bytes[..n_bytes].chunks_exact(size).map(|raw| match raw {
            &[a, b, c, d] => self.u32_of([a, b, c, d]),
            &[a, b] => u32::from(self.u16_of([a, b])),
            other => u32::from(other[0]),
        });
        Ok(Some(values.collect()))
    }

    /// The first value of a tag.
    pub(super) fn value(
        &mut self,
        directory: &Directory,
        number: u16,
    ) -> Result<Option<u32>, Finding> {
        Ok(self.values(directory, number)?.map(|values| values[0]))
    }

    /// The bytes of a text up to its first zero; `None` when the tag is absent.
    pub(super) fn bytes(
        &mut self,
        directory: &Directory,
        number: u16,
        most: u32,
    ) -> Result<Option<Vec<u8>>, Finding> {
        let Some(&Entry { kind, count, value }) = directory.entries.get(&number) else {
            return Ok(None);
        };
        // BYTE, ASCII or UNDEFINED
        if !matches!(kind, 1 | 2 | 7) {
            return Err(format!("tag {number} of type {kind}, which is no text"));
        }
        let at = u64::from(self.u32_of(value));
        if count > most || (count > 4 && at + u64::from(count) > self.file_len) {
            return Err(format!("tag {number} with {count} bytes"));
        }
        let mut text = value.to_vec();
        if count > 4 {
            text.resize(count as usize, 0);
            self.read_at(at, &mut text, &format!("the text of tag {number}"))?;
        }
        text.truncate(count as usize);
        if let Some(end) = text.iter().position(|&byte| byte == 0) {
            text.truncate(end);
        }
        Ok(Some(text))
    }

    fn read_at(&mut self, at: u64, bytes: &mut [u8], what: &str) -> Result<(), Finding> {
        let outside = |_| format!("{what} at offset {at} beyond the end of the file");
        if at.saturating_add(bytes.len() as u64) > self.file_len {
            return Err(outside(std::io::ErrorKind::UnexpectedEof.into()));
        }
        self.reader.seek(SeekFrom::Start(at)).map_err(outside)?;
        self.reader.read_exact(bytes).map_err(outside)
    }

    fn u16_of(&self, bytes: [u8; 2]) -> u16 {
        if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
    }

    fn u32_of(&self, bytes: [u8; 4]) -> u32 {
        if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }
}
