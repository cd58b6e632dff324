//! Laws that hold for any data.

mod survival_curves;
