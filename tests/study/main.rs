//! The study command's library side, on the embedded demo and on broken copies of it.

mod demo;
mod refusals;
