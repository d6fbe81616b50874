//! Reduction of large angles by π/2.
//!
//! Payne and Hanek, "Radian reduction for trigonometric functions" (1983): of `2/π`, the leading digits contribute multiples
//! of four to `x·2/π` and need not be there, and those far behind do not matter. What is in between stands in tables, by the
//! size of x, in four parts that are multiplied with x exactly.

use super::constants::FRAC_PI_2;
use super::format::{Format, by_format};
use crate::lanes::{Lanes, Precision};

/// `2/π` after the binary point, most significant word first.
const TWO_OVER_PI: [u64; 20] = [
    0xa2f9_836e_4e44_1529,
    0xfc27_57d1_f534_ddc0,
    0xdb62_9599_3c43_9041,
    0xfe51_63ab_debb_c561,
    0xb724_6e3a_424d_d2e0,
    0x0649_2eea_09d1_921c,
    0xfe1d_eb1c_b129_a73e,
    0xe882_35f5_2ebb_4484,
    0xe99c_7026_b45f_7e41,
    0x3991_d639_8353_39f4,
    0x9c84_5f8b_bdf9_283b,
    0x1ff8_97ff_de05_980f,
    0xef2f_118b_5a0a_6d1f,
    0x6d36_7ecf_27cb_09b7,
    0x4f46_3f66_9e5f_ea2d,
    0x7527_bac7_ebe5_f17b,
    0x3d07_39f7_8a52_92ea,
    0x6bfb_5fb1_1f8d_5d08,
    0x5603_3046_fc7b_6bab,
    0xf0cf_bc20_9af4_361d,
];

/// The parts of `2/π`.
const PARTS: usize = 4;

/// Of a table for one format.
struct Layout {
    /// Bits of a number, its first one included.
    digits: i64,
    bias: i64,
    /// Exponent fields that differ in so many low bits only share an entry.
    shared_bits: u32,
}

const DOUBLE: Layout = Layout { digits: 53, bias: 1023, shared_bits: 4 };
const SINGLE: Layout = Layout { digits: 24, bias: 127, shared_bits: 2 };

/// Entry k is for numbers whose exponent field, without its shared bits, is k modulo the number of entries: 2^26 and above.
static DOUBLE_PARTS: [[f64; 64]; PARTS] =
    [table(&DOUBLE, 0), table(&DOUBLE, 1), table(&DOUBLE, 2), table(&DOUBLE, 3)];

/// The parts of `2/π` for binary32. Entry k is for numbers whose exponent field, without its shared bits, is k modulo the number of
/// entries: 2^25 and above.
static SINGLE_PARTS: [[f64; 32]; PARTS] =
    [table(&SINGLE, 0), table(&SINGLE, 1), table(&SINGLE, 2), table(&SINGLE, 3)];

/// A part of `2/π · 2^f`, by f, the exponent that the numbers of an entry have in common: as many bits as a number has,
/// part 0 from the first one on whose product with the last place of such a number can be no multiple of four.
const fn table<const N: usize>(layout: &Layout, part: i64) -> [f64; N] {
    let mut entries = [0.0; N];
    let mut k = 0;
    while k < N {
        // Entries of the upper half of all exponents.
        let group = (N + k) as i64;
        let exponent = (group << layout.shared_bits) - layout.bias;
        // The weight of the first bit is 2^digits, and bit j of 2/π weighs 2^(exponent − j).
        let first = exponent - layout.digits + part * layout.digits;
        let mut digits = 0_u64;
        let mut j = first;
        while j < first + layout.digits {
            let bit = if j < 1 { 0 } else { TWO_OVER_PI[(j as usize - 1) / 64] >> (63 - (j - 1) % 64) & 1 };
            digits = digits << 1 | bit;
            j += 1;
        }
        // The weight of the last bit.
        let last = 1 - part * layout.digits;
        entries[k] = digits as f64 * f64::from_bits(((1023 + last) as u64) << 52);
        k += 1;
    }
    entries
}

/// `a + b` rounded, and the rounding error (Knuth).
#[inline]
fn two_sum<L: Lanes>(l: &L, a: L::F, b: L::F) -> (L::F, L::F) {
    let sum = l.add(a, b);
    let there = l.sub(sum, a);
    (sum, l.add(l.sub(a, l.sub(sum, there)), l.sub(b, there)))
}

/// A finite number beyond the fast range as `n·π/2 + hi − tail`, `|hi| ≤ π/4` or a hair more; the low bits of the third
/// result are `n + shift`. For other operands it means nothing.
///
/// The tables end 142 (binary32: 67) bits behind the binary point of `x·2/π`, of which no number is nearer to an integer
/// than 2^−62 (2^−30). `hi − tail` is off by about 2^−105 (2^−47) of itself, and by 2^−79 (2^−36) where it is smallest.
pub(super) fn reduce<L: Lanes>(l: &L, x: L::F, shift: f64) -> (L::F, L::F, L::I) {
    let layout = by_format(l, &DOUBLE, &SINGLE);
    let format = Format::of(l);
    // x without what its entry stands for: the shared bits of its exponent field stay.
    let exponents = by_format(l, 0x7ff << 52, 0xff << 23);
    let kept = !exponents | ((1 << layout.shared_bits) - 1) << format.fraction;
    let bits = l.bits(x);
    let near = l.float(l.iadd(l.iand(bits, l.i(kept)), l.i(format.bias << format.fraction)));
    let entry = l.shr(bits, format.fraction + layout.shared_bits);
    let part = |k: usize| match l.precision() {
        Precision::Double => l.lookup(&DOUBLE_PARTS[k], entry),
        Precision::Single => l.lookup(&SINGLE_PARTS[k], entry),
    };
    let [a, b, c, d] = [part(0), part(1), part(2), part(3)];
    let product = |part| {
        let high = l.mul(near, part);
        (high, l.fma(near, part, l.neg(high)))
    };
    let ((a, a_low), (b, b_low), (c, c_low)) = (product(a), product(b), product(c));
    let d = l.fma(near, d, c_low);
    // Without multiples of four, the sum of the first two is exact.
    let turned = |a| l.fma(l.round_even(l.mul(a, l.f(0.25))), l.f(-4.0), a);
    let top = l.add(turned(a), turned(a_low));
    let (turns, turns_low) = two_sum(l, top, turned(b));
    let n = l.round_even(turns);
    let fraction = l.sub(turns, n);
    // What is left may cancel twice.
    let (next, next_low) = two_sum(l, b_low, c);
    let (sum, sum_low) = two_sum(l, fraction, next);
    let (sum, rest) = two_sum(l, sum, turns_low);
    let rest = l.add(rest, l.add(sum_low, l.add(next_low, d)));
    // Times π/2.
    let (half_pi, half_pi_low) = FRAC_PI_2.parts(l);
    let high = l.mul(sum, l.f(half_pi));
    let low = l.fma(sum, l.f(half_pi), l.neg(high));
    let low = l.fma(sum, l.f(half_pi_low), l.fma(rest, l.f(half_pi), low));
    let hi = l.add(high, low);
    let tail = l.sub(l.sub(hi, high), low);
    (hi, tail, l.bits(l.add(n, l.f(format.round() + shift))))
}
