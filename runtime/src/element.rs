//! The numbers that columns hold: `f64` and `f32`.

use std::fmt::Debug;
use std::num::ParseFloatError;
use std::str::FromStr;

use crate::abi::Status;
use crate::batch::Workspace;
use crate::batch::workspace::{Plain, Spaces};
use crate::lanes::Precision;

/// A number of a column: `f64` or `f32`, and nothing else.
///
/// A kernel works on columns of one kind. Its rows have status words of the same size.
///
/// # Safety
/// [`Element::PRECISION`] says what the type is: kernels write numbers of that format, and words of as many bits, where
/// there are numbers and words of these types.
pub unsafe trait Element:
    Plain + Default + PartialEq + Debug + FromStr<Err = ParseFloatError> + Send + Sync + 'static
{
    /// The number format.
    const PRECISION: Precision;
    /// The canonical NaN.
    const NAN: Self;
    /// A status word.
    type Word: Plain + Default + PartialEq + Debug + Send + Sync + 'static;

    /// The nearest number to `value`.
    fn from_f64(value: f64) -> Self;
    /// The nearest number to an integer.
    fn from_integer(value: i128) -> Self;
    /// The same number.
    fn to_f64(self) -> f64;
    /// The sum, rounded.
    fn plus(self, other: Self) -> Self;
    /// The product, rounded.
    fn times(self, other: Self) -> Self;
    /// Appends its bytes, in this machine's order.
    fn write_bytes(self, bytes: &mut Vec<u8>);
    /// A status word from the one for binary64, whose check is below 2³¹.
    fn word(double: u64) -> Self::Word;
    /// What a status word says.
    fn status(word: Self::Word) -> Status;

    /// The part of a workspace for evaluations of such columns.
    #[doc(hidden)]
    fn spaces(workspace: &mut Workspace) -> &mut Spaces<Self>;
}

// SAFETY: binary64, and words of 64 bits.
unsafe impl Element for f64 {
    const PRECISION: Precision = Precision::Double;
    const NAN: f64 = f64::NAN;
    type Word = u64;

    #[inline]
    fn from_f64(value: f64) -> f64 {
        value
    }
    fn from_integer(value: i128) -> f64 {
        value as f64
    }
    #[inline]
    fn to_f64(self) -> f64 {
        self
    }
    #[inline]
    fn plus(self, other: f64) -> f64 {
        self + other
    }
    #[inline]
    fn times(self, other: f64) -> f64 {
        self * other
    }
    fn write_bytes(self, bytes: &mut Vec<u8>) {
        bytes.extend(self.to_ne_bytes());
    }
    #[inline]
    fn word(double: u64) -> u64 {
        double
    }
    #[inline]
    fn status(word: u64) -> Status {
        Status::from_word(word)
    }
    fn spaces(workspace: &mut Workspace) -> &mut Spaces<f64> {
        &mut workspace.double
    }
}

// SAFETY: binary32, and words of 32 bits.
unsafe impl Element for f32 {
    const PRECISION: Precision = Precision::Single;
    const NAN: f32 = f32::NAN;
    type Word = u32;

    #[inline]
    fn from_f64(value: f64) -> f32 {
        value as f32
    }
    fn from_integer(value: i128) -> f32 {
        value as f32
    }
    #[inline]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
    #[inline]
    fn plus(self, other: f32) -> f32 {
        self + other
    }
    #[inline]
    fn times(self, other: f32) -> f32 {
        self * other
    }
    fn write_bytes(self, bytes: &mut Vec<u8>) {
        bytes.extend(self.to_ne_bytes());
    }
    #[inline]
    fn word(double: u64) -> u32 {
        (double >> 32) as u32 | double as u32
    }
    #[inline]
    fn status(word: u32) -> Status {
        let note = u64::from(word >> 31) << 63;
        Status::from_word(note | u64::from(word & !Status::NOTE_32))
    }
    fn spaces(workspace: &mut Workspace) -> &mut Spaces<f32> {
        &mut workspace.single
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_status_words_say_the_same() {
        for word in
            [0, Status::SLOW_PATH, Status::FIRST_CHECK, Status::FIRST_CHECK + 0x7FFF_0000, Status::NOTE]
                .into_iter()
                .chain([Status::NOTE + 5])
        {
            assert_eq!(f32::status(f32::word(word)), f64::status(word));
        }
    }
}
