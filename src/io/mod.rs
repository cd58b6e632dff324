//! Files in and out; the only module that opens files.

pub mod tiff;
mod tiff_directory;
