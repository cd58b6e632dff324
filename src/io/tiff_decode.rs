//! Pixels of pages whose directories were checked.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use tiff::decoder::{Decoder, DecodingResult, Limits};

use super::tiff::{open, refusal};
use super::tiff_layout::PageLayout;
use crate::Error;
use crate::imaging::{Mask, RawPage, Samples};

/// Decodes pages whose layout was checked; buffers are bounded by it.
pub(super) struct PageDecoder<'a> {
    path: &'a Path,
    decoder: Decoder<BufReader<File>>,
}

impl<'a> PageDecoder<'a> {
    pub(super) fn open<'b>(
        path: &'a Path,
        layouts: impl Iterator<Item = &'b PageLayout>,
    ) -> Result<Self, Error> {
        let (reader, file_len) = open(path)?;
        let largest_page = layouts.map(PageLayout::n_bytes).max().unwrap_or(0);
        let mut limits = Limits::default();
        limits.decoding_buffer_size = usize::try_from(largest_page).unwrap_or(usize::MAX);
        limits.intermediate_buffer_size = usize::try_from(file_len).unwrap_or(usize::MAX);
        let decoder = Decoder::new(reader).map_err(|error| undecodable(path, 0, error))?;
        Ok(Self { path, decoder: decoder.with_limits(limits) })
    }

    fn decode(&mut self, page: usize, n_samples: u64) -> Result<Samples, Error> {
        let failed = |error| undecodable(self.path, page, error);
        self.decoder.seek_to_image(page).map_err(failed)?;
        let samples = match self.decoder.read_image().map_err(failed)? {
            DecodingResult::U8(values) => Samples::U8(values),
            DecodingResult::U16(values) => Samples::U16(values),
            _ => return Err(refusal(self.path, Some(page + 1)).found("samples of another depth")),
        };
        if samples.len() as u64 != n_samples {
            return Err(refusal(self.path, Some(page + 1))
                .found(format!("{} samples", samples.len()))
                .expected(n_samples.to_string()));
        }
        Ok(samples)
    }

    /// Stored intensities of page `page` (0-based).
    pub(super) fn intensities(
        &mut self,
        page: usize,
        layout: &PageLayout,
    ) -> Result<RawPage, Error> {
        let (rows, cols) = (layout.rows as usize, layout.cols as usize);
        let samples = self.decode(page, (rows * cols) as u64)?;
        Ok(RawPage { rows, cols, samples, limits: layout.limits })
    }

    /// Page `page` (0-based) as a set of pixels.
    pub(super) fn mask(&mut self, page: usize, layout: &PageLayout) -> Result<Mask, Error> {
        let (rows, cols) = (layout.rows as usize, layout.cols as usize);
        let Samples::U8(bytes) = self.decode(page, layout.n_bytes())? else {
            return Err(refusal(self.path, Some(page + 1)).found("samples of another depth"));
        };
        if layout.bits == 8 {
            return Ok(Mask { rows, cols, pixels: bytes.iter().map(|&byte| byte != 0).collect() });
        }
        let stride = cols.div_ceil(8);
        let is_set =
            |row: usize, col: usize| bytes[row * stride + col / 8] << (col % 8) & 0x80 != 0;
        let pixels = (0..rows).flat_map(|row| (0..cols).map(move |col| (row, col)));
        Ok(Mask { rows, cols, pixels: pixels.map(|(row, col)| is_set(row, col)).collect() })
    }
}

fn undecodable(path: &Path, page: usize, error: tiff::TiffError) -> Error {
    refusal(path, Some(page + 1))
        .found(format!("data that cannot be decoded ({error})"))
        .expected("a readable page")
        .caused_by(error)
}
