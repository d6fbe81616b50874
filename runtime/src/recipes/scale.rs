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
