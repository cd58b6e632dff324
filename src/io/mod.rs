//! Files in and out; the only module that opens files.

pub mod archive;
pub mod atomic;
pub mod cell_table;
pub mod cells_of_patients;
pub mod celltracks_writer;
mod clock;
pub mod cohort;
pub mod control_cells;
pub mod frame_store;
pub mod gate_file;
pub mod hash;
mod joint_fixed;
pub mod joint_tables;
mod joint_terms;
pub mod label_tiff;
pub mod manifest;
pub mod marker_table;
pub mod output_folder;
#[cfg(any(test, feature = "parquet"))]
pub mod parquet_table;
pub mod picture_file;
pub mod png;
pub mod replicate_file;
pub mod sample_table;
pub mod simulated_cells;
pub mod state_file;
pub mod streamed_file;
pub mod table;
mod table_cells;
mod table_lines;
pub mod table_writer;
pub mod text;
pub mod tiff;
mod tiff_decode;
mod tiff_directory;
mod tiff_layout;
pub mod tiff_writer;
