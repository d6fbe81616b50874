//! Numbers as a mantissa and an exponent, for products whose factors are far apart in size.

use super::format::{Format, by_format, power_of_two};
use crate::lanes::Lanes;

/// `m` and `e` with `x = m · 2^e` exactly: `1/2 ≤ |m| < 1` and an integer `e`.
///
/// For `±0`, `±∞` and NaN `m = x` and `e = 0`.
pub fn split<L: Lanes>(l: &L, x: L::F) -> (L::F, L::F) {
    let a = l.abs(x);
    let Format { fraction, bias } = Format::of(l);
    let integer = Format::of(l).integer();
    let up = by_format(l, 54, 24);
    let subnormal = l.lt(a, power_of_two(l, 1 - bias));
    let scaled = l.bits(l.select(subnormal, l.mul(x, power_of_two(l, up)), x));
    let offset = integer + (bias - 1) as f64;
    let offset = l.select(subnormal, l.f(offset + up as f64), l.f(offset));
    let field = l.iand(l.shr(scaled, fraction), l.i(2 * bias + 1));
    let exponent = l.sub(l.float(l.ior(field, l.bits(l.f(integer)))), offset);
    let kept = l.i(!((2 * bias + 1) << fraction));
    let mantissa = l.float(l.ior(l.iand(scaled, kept), l.bits(l.f(0.5))));
    let usual = l.and(l.gt(a, l.f(0.0)), l.lt(a, l.f(f64::INFINITY)));
    (l.select(usual, mantissa, x), l.select(usual, exponent, l.f(0.0)))
}

/// `m` and `f` with `x = m · 2^(f − base)` exactly, for the [`base`] of the format: an integer f, not negative, and `1/8 ≤ |m| < 32`, or
/// `|m| < 1/4` if x is subnormal. `m = x` for `±0`, `±∞` and NaN. In fewer operations than [`split`].
fn split_roughly<L: Lanes>(l: &L, x: L::F) -> (L::F, L::I) {
    let Format { fraction, bias } = Format::of(l);
    // The exponent field without its lowest bits, so that the power of two of its opposite is a number for all of them.
    let field = l.iand(l.bits(x), l.i((2 * bias + 1 - 7) << fraction));
    let factor = l.float(l.isub(l.i((bias + base(l)) << fraction), field));
    (l.mul(x, factor), l.shr(field, fraction))
}

/// See [`split_roughly`].
fn base<L: Lanes>(l: &L) -> i64 {
    Format::of(l).bias - 3
}

/// So many factors are multiplied without a look at the size of their product.
const FEW: u32 = 4;

/// The product of numbers, rounded after each factor, as if exponents had no bounds: only the result overflows or loses bits.
///
/// There are at least two factors, and how many is known from the beginning.
pub struct Product<L: Lanes> {
    /// It is `mantissa · 2^(exponent − the bases of all that was split)`.
    pub mantissa: L::F,
    /// A sum of exponents, as an integer.
    pub exponent: L::I,
}

impl<L: Lanes> Product<L> {
    /// The product of one number.
    pub fn of(l: &L, x: L::F) -> Product<L> {
        let (mantissa, exponent) = split_roughly(l, x);
        Product { mantissa, exponent }
    }

    /// With another factor, of `count` in all.
    pub fn times(self, l: &L, x: L::F, count: u32) -> Product<L> {
        let (factor, above) = split_roughly(l, x);
        let (mantissa, exponent) = (l.mul(self.mantissa, factor), l.iadd(self.exponent, above));
        if count <= FEW {
            return Product { mantissa, exponent };
        }
        let (mantissa, carried) = split_roughly(l, mantissa);
        Product { mantissa, exponent: l.iadd(exponent, carried) }
    }

    /// With the last of `count` factors, as a number.
    pub fn ending_with(self, l: &L, x: L::F, count: u32) -> L::F {
        let Format { fraction, bias } = Format::of(l);
        let (factor, above) = split_roughly(l, x);
        let mantissa = l.mul(self.mantissa, factor);
        let splits = if count <= FEW { count } else { 2 * count - 2 };
        let integer = Format::of(l).integer();
        let exponent = l.float(l.ior(l.iadd(self.exponent, above), l.bits(l.f(integer))));
        let exponent = l.sub(exponent, l.f(integer + (i64::from(splits) * base(l)) as f64));
        // In two steps, of which the first one is exact. Beyond these bounds the result is infinite or zero.
        let bound = by_format(l, 1400.0, 200.0);
        let exponent = l.select(l.lt(l.f(bound), exponent), l.f(bound), exponent);
        let exponent = l.select(l.lt(exponent, l.f(-bound)), l.f(-bound), exponent);
        let half = l.round_even(l.mul(exponent, l.f(0.5)));
        let rest = l.sub(exponent, half);
        let shifted = |e: L::F| l.bits(l.add(e, l.f(Format::of(l).round() + bias as f64)));
        let power = |e: L::F| l.float(l.shl(shifted(e), fraction));
        l.mul(l.mul(mantissa, power(half)), power(rest))
    }
}

/// `x · 2^e` for an integer `e`. It is exact unless the result is subnormal, and there off by at most 1 ULP; it is infinite or zero
/// only where the product is.
pub fn scale<L: Lanes>(l: &L, x: L::F, e: L::F) -> L::F {
    let format = Format::of(l);
    let most = (format.bias - 1) as f64;
    // The smallest number becomes infinite in three steps, the largest zero.
    (0..3)
        .fold((x, e), |(x, left), _| {
            let step = l.select(l.gt(left, l.f(most)), l.f(most), left);
            let step = l.select(l.lt(step, l.f(-most)), l.f(-most), step);
            let shifted = l.add(step, l.f(format.round() + format.bias as f64));
            (l.mul(x, l.float(l.shl(l.bits(shifted), format.fraction))), l.sub(left, step))
        })
        .0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::{Scalar, Scalar32};

    #[test]
    fn a_number_is_its_mantissa_times_a_power_of_two() {
        let numbers =
            [1.0, -1.5, f64::MAX, f64::MIN_POSITIVE, 5e-324, -3.0e-310, 0.75, 1024.0, 2f64.powi(-1074 + 51)];
        for x in numbers {
            let (m, e) = split(&Scalar::new(), x);
            assert!((0.5..1.0).contains(&m.abs()), "{x:e}: {m}");
            assert_eq!(scale(&Scalar::new(), m, e).to_bits(), x.to_bits(), "{x:e}: {m} {e}");
            let x = x as f32;
            let (m, e) = split(&Scalar32::new(), x);
            assert_eq!(scale(&Scalar32::new(), m, e).to_bits(), x.to_bits(), "{x:e}: {m} {e}");
        }
        for x in [0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY] {
            let (m, e) = split(&Scalar::new(), x);
            assert_eq!((m.to_bits(), e), (x.to_bits(), 0.0));
        }
        assert!(split(&Scalar::new(), f64::NAN).0.is_nan());
    }

    #[test]
    fn products_overflow_or_lose_bits_at_their_end_only() {
        let l = &Scalar::new();
        let product = |factors: &[f64]| {
            let count = factors.len() as u32;
            let (last, others) = factors.split_last().expect("there are factors");
            let (first, others) = others.split_first().expect("there are two");
            let product =
                others.iter().fold(Product::of(l, *first), |product, &x| product.times(l, x, count));
            product.ending_with(l, *last, count)
        };
        let huge = [1e200, 1e200, 1e-200, 1e-200];
        assert!((product(&huge) - 1.0).abs() < 1e-15);
        assert!((product(&[1e-200, 1e-200, 1e200, 1e200]) - 1.0).abs() < 1e-15);
        assert_eq!(product(&[f64::MAX, 5e-324, 4.0]), f64::MAX * 5e-324 * 4.0);
        assert_eq!(product(&[5e-324, 5e-324, 2f64.powi(1000), 2f64.powi(1000)]), 2f64.powi(2000 - 2148));
        assert_eq!(product(&[1e300, -1e300, 0.0]).to_bits(), (-0.0_f64).to_bits());
        assert_eq!(product(&[1e300, -1e300, 1e300]), f64::NEG_INFINITY);
        assert_eq!(product(&[1e-300, 1e-300, 1e-300]), 0.0);
        assert_eq!(product(&[1e300, f64::INFINITY, 1e-300]), f64::INFINITY);
        assert!(product(&[1.0, f64::INFINITY, 0.0]).is_nan() && product(&[1.0, f64::NAN, 1.0]).is_nan());
        assert_eq!(product(&[3e-310, 1.5, 7.0]), 3e-310 * 10.5);
        // Where nothing overflows on the way, these are the bits of the plain product.
        let (mut x, mut plain) = (0.37, 1.0);
        let factors: Vec<f64> = (0..60)
            .map(|_| {
                x = 4.0 * x * (1.0 - x);
                x - 0.41
            })
            .collect();
        factors.iter().for_each(|x| plain *= x);
        assert_eq!(product(&factors).to_bits(), plain.to_bits());
        let l = &Scalar32::new();
        let found = Product::of(l, 1e30_f32).times(l, 1e30, 4).times(l, 1e-30, 4).ending_with(l, 1e-30, 4);
        assert!((found - 1.0).abs() < 1e-5);
        let subnormal = f32::from_bits(1);
        assert_eq!(Product::of(l, subnormal).ending_with(l, f32::MAX, 2), subnormal * f32::MAX);
    }

    #[test]
    fn a_scaled_number_is_infinite_or_zero_only_where_the_product_is() {
        let l = &Scalar::new();
        assert_eq!(scale(l, 5e-324, 2097.0), 2f64.powi(1023));
        assert_eq!(scale(l, 5e-324, 2098.0), f64::INFINITY);
        assert_eq!(scale(l, f64::MAX, -2098.0), 5e-324);
        assert_eq!(scale(l, f64::MAX, -3000.0), 0.0);
        assert_eq!(scale(l, -1.5, -5000.0).to_bits(), (-0.0_f64).to_bits());
        let l = &Scalar32::new();
        assert_eq!(scale(l, f32::from_bits(1), 276.0), 2f32.powi(127));
        assert_eq!(scale(l, f32::MAX, -500.0), 0.0);
    }
}
