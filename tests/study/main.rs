//! The study command's library side, on the embedded demo, from its pixels and from its table, and
//! on broken copies of it.

mod demo;
mod pixels;
mod refusals;
