//! Constants in two numbers: the nearest one, and what it lacks.

use super::format::by_format;
use crate::lanes::Lanes;

/// A constant in both formats.
pub(super) struct Constant {
    double: (f64, f64),
    single: (f64, f64),
}

impl Constant {
    /// Both numbers in the format of `l`, that of binary32 up to rounding.
    #[inline]
    pub(super) fn parts<L: Lanes>(&self, l: &L) -> (f64, f64) {
        by_format(l, self.double, self.single)
    }
}

/// e
pub(super) const E: Constant = Constant {
    double: (std::f64::consts::E, 1.4456468917292502e-16),
    single: (2.7182817459106445, 8.254840366541066e-8),
};

/// π
pub(super) const PI: Constant = Constant {
    double: (std::f64::consts::PI, 1.2246467991473532e-16),
    single: (3.1415927410125732, -8.742277657347586e-8),
};

/// π/2
pub(super) const FRAC_PI_2: Constant = Constant {
    double: (std::f64::consts::FRAC_PI_2, 6.123233995736766e-17),
    single: (1.5707963705062866, -4.371139000186243e-8),
};

/// π/4
pub(super) const FRAC_PI_4: Constant = Constant {
    double: (std::f64::consts::FRAC_PI_4, 3.061616997868383e-17),
    single: (0.7853981852531433, -2.1855694143368964e-8),
};

/// 2/π
pub(super) const FRAC_2_PI: Constant = Constant {
    double: (std::f64::consts::FRAC_2_PI, -3.935735335036497e-17),
    single: (0.6366197466850281, 2.5682552973194106e-8),
};

/// 1/√2
pub(super) const FRAC_1_SQRT_2: Constant = Constant {
    double: (std::f64::consts::FRAC_1_SQRT_2, -4.833646656726457e-17),
    single: (0.7071067690849304, 1.2101617485882343e-8),
};

/// ln π
pub(super) const LN_PI: Constant =
    Constant { double: (1.1447298858494002, 1.0265951162707826e-17), single: (1.1447299, 3.317301e-8) };

/// ln 1/√2π
pub(super) const LN_FRAC_1_SQRT_2PI: Constant =
    Constant { double: (-0.9189385332046728, 3.8782941580672414e-17), single: (-0.9189385, -1.5634177e-8) };

/// ln √2π − ½
pub(super) const LN_SQRT_2PI_LESS_HALF: Constant =
    Constant { double: (0.4189385332046727, 1.6728209650585413e-17), single: (0.41893855, -1.4168145e-8) };

/// ln 2/√π
pub(super) const LN_FRAC_2_SQRT_PI: Constant = Constant {
    double: (0.12078223763524522, 4.179704749294626e-18),
    single: (0.12078224122524261, -3.589997392400575e-9),
};

#[cfg(test)]
mod tests {
    use astro_float::{BigFloat, Consts, Radix, RoundingMode};

    use super::*;

    /// The first number is the nearest one, and the second is what it lacks up to a unit in its last place, in each format.
    #[test]
    fn two_numbers_are_the_constant() {
        let mut cache = Consts::new().expect("the cache of constants is small");
        for (digits, constant) in [
            ("2.7182818284590452353602874713526624977572", &E),
            ("3.1415926535897932384626433832795028841972", &PI),
            ("1.5707963267948966192313216916397514420986", &FRAC_PI_2),
            ("0.7853981633974483096156608458198757210493", &FRAC_PI_4),
            ("0.6366197723675813430755350534900574481378", &FRAC_2_PI),
            ("0.7071067811865475244008443621048490392848", &FRAC_1_SQRT_2),
            ("1.1447298858494001741434273513530587116473", &LN_PI),
            ("-0.9189385332046727417803297364056176398614", &LN_FRAC_1_SQRT_2PI),
            ("0.4189385332046727417803297364056176398614", &LN_SQRT_2PI_LESS_HALF),
            ("0.1207822376352452223455184457816472122519", &LN_FRAC_2_SQRT_PI),
        ] {
            let exact = BigFloat::parse(digits, Radix::Dec, 192, RoundingMode::ToEven, &mut cache);
            let lacks = |high: f64| {
                let rest = exact.sub(&BigFloat::from_f64(high, 192), 192, RoundingMode::ToEven);
                rest.to_string().parse::<f64>().expect("a decimal number")
            };
            let nearest: f64 = digits.parse().expect("a decimal number");
            let (high, low) = constant.double;
            assert_eq!(high, nearest, "{digits}");
            assert!(
                (low - lacks(high)).abs() <= f64::EPSILON * low.abs(),
                "{digits}: {low:e}, not {:e}",
                lacks(high)
            );
            let (high, low) = (constant.single.0 as f32, constant.single.1 as f32);
            assert_eq!(high, nearest as f32, "{digits}");
            let lacks = lacks(high.into()) as f32;
            assert!((low - lacks).abs() <= f32::EPSILON * low.abs(), "{digits}: {low:e}, not {lacks:e}");
        }
    }
}
