//! The elementary functions in binary32: what differs from binary64 in more than a few constants.
//!
//! They compute in binary32 and 32-bit integer lanes alone, without tables. The errors are stated with the
//! public recipes and are, for functions of one argument, the largest over all 2³² arguments; none of these
//! functions decreases (increases) from one argument to the next where it should not.

pub mod erf;
pub mod exp;
pub mod hyperbolic;
pub mod inverse;
pub mod log;
pub mod pow;
pub mod trig;

/// `1.5 · 2^23`: a sum with it is rounded to an integer, found in the low bits.
pub(super) const ROUND: f64 = 12_582_912.0;
