//! The elementary functions in binary32: the bodies of the public recipes for [`Precision::Single`] lanes.
//!
//! They compute in binary32 and 32-bit integer lanes alone, without tables. The errors that they state are the largest
//! over all 2³² arguments.
//!
//! [`Precision::Single`]: crate::lanes::Precision::Single

pub mod erf;
pub mod exp;
pub mod hyperbolic;
pub mod inverse;
pub mod log;
pub mod pow;
pub mod trig;

/// `1.5 · 2^23`: a sum with it is rounded to an integer, found in the low bits.
const ROUND: f64 = 12_582_912.0;
/// `2^23`; with an integer below `2^23` in the low bits it is the sum of both.
const TWO_23: f64 = 8_388_608.0;
/// The bits of 1.0.
const ONE: i64 = 0x3f80_0000;
/// The bits of a mantissa.
const MANTISSA: i64 = 0x007f_ffff;
/// The smallest normal number.
const MIN_NORMAL: f64 = 1.1754944e-38;
