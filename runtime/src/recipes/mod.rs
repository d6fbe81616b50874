//! Elementary functions, each written once over [`Lanes`](crate::lanes::Lanes).

pub mod bessel;
pub mod cbrt;
pub mod complex;
mod constants;
pub mod double;
pub mod erf;
pub mod exp;
pub mod fmod;
mod format;
pub mod full_range;
pub mod gamma;
pub mod hyperbolic;
pub mod hypot;
pub mod inverse;
pub mod lambert;
mod large_angle;
pub mod lead;
pub mod log;
mod poly;
pub mod pow;
pub mod scale;
mod single;
pub mod slope;
mod sums;
pub mod trig;
