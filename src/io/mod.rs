//! Files in and out; the only module that opens files.

pub mod atomic;
pub mod celltracks;
mod celltracks_xml;
pub mod cohort;
pub mod hash;
pub mod output_folder;
pub mod png;
pub mod table;
pub mod tiff;
mod tiff_directory;
