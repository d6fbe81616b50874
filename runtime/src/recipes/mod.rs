//! Elementary functions, each written once over [`Lanes`](crate::lanes::Lanes).

pub mod cbrt;
pub mod double;
pub mod erf;
pub mod exp;
pub mod fmod;
pub mod full_range;
pub mod hyperbolic;
pub mod hypot;
pub mod inverse;
pub mod log;
mod poly;
pub mod pow;
pub mod trig;
