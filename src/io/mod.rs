//! Files in and out; the only module that opens files.

pub mod celltracks;
mod celltracks_xml;
pub mod tiff;
mod tiff_directory;
