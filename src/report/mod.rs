//! Figures, tables and the HTML document.

pub mod number_format;
