//! Files in and out; the only module that opens files.

pub mod atomic;
pub mod cell_table;
pub mod celltracks;
mod celltracks_channels;
mod celltracks_folder;
mod celltracks_xml;
mod clock;
pub mod cohort;
pub mod hash;
pub mod manifest;
pub mod marker_table;
pub mod output_folder;
pub mod picture_file;
pub mod png;
pub mod replicate_file;
pub mod sample_table;
pub mod state_file;
pub mod streamed_file;
pub mod table;
mod table_cells;
mod table_lines;
pub mod table_writer;
pub mod text;
pub mod tiff;
mod tiff_directory;
