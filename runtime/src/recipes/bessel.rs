//! Bessel functions of the first kind, of whole and of half order.

use super::constants::{FRAC_2_PI, FRAC_PI_4};
use super::double::{fast_two_sum, mul, two_prod, two_sum};
use super::format::by_format;
use super::poly::{flip, sign_of};
use super::sums::{Pair, by_order, by_pairs_of, led_by, quotient};
use super::trig::{self, half_turn, odd, unrounded_kernels};
use crate::lanes::Lanes;

/// What an order is computed from: polynomials in `t = x²/32 − 1` up to 8, the first coefficients in two numbers, and beyond the relative
/// amplitude and the phase as polynomials in `1/x²`.
struct Fit {
    lead: [(f64, f64); 7],
    rest: &'static [f64],
    /// `√(πx/2)·√(J² + Y²) = 1 + Σ AMPLITUDE[i]/x^(2i + 2)`.
    amplitude: &'static [f64],
    /// `x·(θ − x + order·π/2 + π/4) = Σ PHASE[i]/x^2i` for `tan θ = Y/J`.
    phase: &'static [f64],
}

/// `J₀`; absolute errors below 2^−60, from 8 on below 2^−57 of the amplitude.
const ZERO: Fit = Fit {
    lead: [
        (0.04582966485981377, 1.609281175673015e-18),
        (0.9303012472958572, -4.893037661501394e-17),
        (-0.6484692830871837, 1.7681184512309087e-17),
        (-0.808088807669687, -2.079092807618598e-17),
        (1.0383794611437211, -7.946042446499674e-17),
        (-0.507468045847102, 1.2646639022420413e-17),
        (0.14598884856759264, -6.644755838302114e-18),
    ],
    rest: &[
        -0.028472718610869575,
        0.004058078989140991,
        -0.00044354592247271616,
        3.8473197855944406e-05,
        -2.7177491450348606e-06,
        1.595610910454382e-07,
        -7.91540772613074e-09,
        3.363447579149498e-10,
        -1.238464418210802e-11,
        4.003763198544757e-13,
        -1.1380595432215676e-14,
    ],
    amplitude: &[
        -0.06249999999999966,
        0.10351562499266675,
        -0.5428466528368017,
        5.848660222546042,
        -106.85615851120367,
        2953.518803087518,
        -111861.33934210912,
        5077665.3039955655,
        -232803380.46890315,
        9145616609.427904,
        -266867313294.892,
        4934336656075.603,
        -42535710449388.62,
    ],
    phase: &[
        -0.125,
        0.06510416666661933,
        -0.20957031226975187,
        1.6380654343409722,
        -23.474661651183546,
        535.3424949841096,
        -17709.165705425265,
        777338.0941998401,
        -40104324.78964573,
        2099414166.6503997,
        -97404050266.70871,
        3589043193027.491,
        -94834924719720.47,
        1568129224103794.2,
        -1.207208148059291e+16,
    ],
};
/// `J₁/x` and the amplitude and phase of `J₁`.
const ONE: Fit = Fit {
    lead: [
        (-0.05814382795599107, 3.0582044584202038e-18),
        (0.08105866038589796, -2.2546037545359945e-18),
        (0.15151665143806634, -9.987541439307232e-18),
        (-0.2595948652859303, 2.2236179651113115e-17),
        (0.15858376432721938, 3.17471742099219e-18),
        (-0.054745818212847276, 6.704179573391686e-19),
        (0.012456814392255438, -4.872074718498814e-19),
    ],
    rest: &[
        -0.002029039494570245,
        0.0002494945813909099,
        -2.4045748660869506e-05,
        1.8684525371950885e-06,
        -1.1967081644265458e-07,
        6.431268798326299e-09,
        -2.9430378793535847e-10,
        1.1610590176624424e-11,
        -3.9908120700697754e-13,
        1.2095547763548495e-14,
        -3.237828825886891e-16,
    ],
    amplitude: &[
        0.1874999999999996,
        -0.19335937499183722,
        0.8052978216789738,
        -7.7399102156662964,
        132.7277534288936,
        -3527.050698821569,
        130201.49267963879,
        -5816186.134432432,
        264197912.97435054,
        -10324994651.379728,
        300380534960.42993,
        -5543925526059.94,
        47734932418225.836,
    ],
    phase: &[
        0.375,
        -0.16406249999994746,
        0.37089843724446103,
        -2.369397346651837,
        30.623494981264063,
        -658.8548057981897,
        21014.377287597672,
        -900741.6166803088,
        45782814.71881286,
        -2375704937.620405,
        109666900853.8361,
        -4028877390758.598,
        106261135116290.12,
        -1754958588900915.8,
        1.3499264317536568e+16,
    ],
};
/// `J₀` in binary32; absolute errors below 2^−31.
const ZERO_SINGLE: Fit = Fit {
    lead: [
        (0.045829665, -1.343908e-10),
        (0.93030125, -1.7275119e-09),
        (-0.64846927, -8.166561e-09),
        (-0.8080888, -2.8499803e-08),
        (1.0383794, -3.547505e-08),
        (-0.50746804, 2.1721236e-09),
        (0.14598913, -5.4769016e-09),
    ],
    rest: &[-0.028472733, 0.0040575378, -0.0004435191, 3.8953778e-05, -2.7415651e-06],
    amplitude: &[-0.0625, 0.10350969, -0.5396586, 5.21368, -47.833836],
    phase: &[-0.125, 0.06510403, -0.20946187, 1.6061568, -18.911455, 177.98091],
};
const ONE_SINGLE: Fit = Fit {
    lead: [
        (-0.058143828, 1.0505488e-10),
        (0.08105866, 1.7265841e-09),
        (0.15151665, 5.5186127e-09),
        (-0.25959486, -7.6036e-09),
        (0.15858376, 1.4139537e-09),
        (-0.05474582, 1.3279634e-09),
        (0.012456826, -2.310766e-10),
    ],
    rest: &[-0.00202904, 0.00024947277, -2.4044752e-05, 1.8878118e-06, -1.2055598e-07],
    amplitude: &[0.1875, -0.1933521, 0.80139655, -6.965188, 61.183887],
    phase: &[0.375, -0.16406232, 0.3707656, -2.3303976, 25.068943, -227.488],
};

/// A power of two and its reciprocal: 2^256, in binary32 2^32.
fn scales<L: Lanes>(l: &L) -> (L::F, L::F) {
    let up = l.f(by_format(l, 1.157920892373162e77, 4_294_967_296.0));
    let down = l.f(by_format(l, 8.636168555094445e-78, 2.3283064365386963e-10));
    (up, down)
}

/// `J_n(a)` for `n` = 0 or 1 and `a ≥ 0`, and `J_n(a)/a^n` up to 8.
fn of_order<L: Lanes>(l: &L, a: L::F, first: bool) -> Pair<L> {
    let fit = if first { by_format(l, &ONE, &ONE_SINGLE) } else { by_format(l, &ZERO, &ZERO_SINGLE) };
    let limit = l.f(8.0);
    let near = l.lt(a, limit);
    let x = l.select(near, a, limit);
    let (square, square_low) = two_prod(l, x, x);
    let scale = l.f(1.0 / 32.0);
    let (t, t_low) = two_sum(l, l.mul(square, scale), l.f(-1.0));
    let t = fast_two_sum(l, t, l.fma(square_low, scale, t_low));
    let mut close = led_by(l, t, &fit.lead, by_pairs_of(l, t.0, fit.rest));
    if first {
        close = mul(l, close, (x, l.f(0.0)));
    }
    let x = l.select(near, limit, a);
    // 1/x times a power of two, and without: of the largest x its low part would be subnormal, and in binary32 it itself.
    let (up, down) = scales(l);
    let (large, large_low) = quotient(l, (l.mul(up, up), l.f(0.0)), (x, l.f(0.0)));
    let inverse = l.mul(l.mul(large, down), down);
    let w = l.mul(inverse, inverse);
    let shift = l.mul(inverse, by_pairs_of(l, w, fit.phase));
    let (hi, tail, quadrant) = trig::reduce(l, x, 0.0);
    let (angle, error) = two_sum(l, hi, shift);
    let low = l.sub(error, tail);
    // Less π/4, and where that leaves the range of the polynomials a quarter turn more.
    let positive = l.lt(l.f(0.0), angle);
    let (eighth, eighth_low) = FRAC_PI_4.parts(l);
    let signed = |x: f64| l.select(positive, l.f(-x), l.f(x));
    let (angle, error) = two_sum(l, angle, signed(eighth));
    let low = l.add(l.add(low, error), signed(eighth_low));
    let turn = l.isub(quadrant, l.i(i64::from(first)));
    let quadrant = l.iselect(positive, turn, l.isub(turn, l.i(1)));
    let kernels = unrounded_kernels(l, angle, l.neg(low));
    let sine = (kernels.sin, l.sub(l.sub(angle, kernels.sin), kernels.cubic));
    let cosine = (kernels.cos, l.add(l.sub(kernels.top, kernels.cos), kernels.rest));
    let swap = odd(l, quadrant);
    let sign = half_turn(l, l.iadd(quadrant, l.i(1)));
    let wave =
        (flip(l, l.select(swap, sine.0, cosine.0), sign), flip(l, l.select(swap, sine.1, cosine.1), sign));
    let (two_over_pi, two_over_pi_low) = FRAC_2_PI.parts(l);
    let (size, size_low) = mul(l, (large, large_low), (l.f(two_over_pi), l.f(two_over_pi_low)));
    let root = l.sqrt(size);
    let rest = l.add(l.fma(l.neg(root), root, size), size_low);
    let root = fast_two_sum(l, root, l.div(rest, l.add(root, root)));
    let amplitude = fast_two_sum(l, l.f(1.0), l.mul(w, by_pairs_of(l, w, fit.amplitude)));
    let far = mul(l, mul(l, root, amplitude), wave);
    let far = (l.mul(far.0, down), l.mul(far.1, down));
    let infinite = l.eq(a, l.f(f64::INFINITY));
    let zero = l.f(0.0);
    let far = (l.select(infinite, zero, far.0), l.select(infinite, zero, far.1));
    (l.select(near, close.0, far.0), l.select(near, close.1, far.1))
}

/// The Bessel function of the first kind of order 0.
///
/// Near zeros half of the last bit of x is more than a unit of the result: the error stays below 1 ULP and half of one for each unit of the
/// condition number. Measured: 0.58 of that (binary32: 0.59). 1 at ±0, 0 at ±∞, NaN for NaN. Fast
/// range: that of sine and cosine.
pub fn bessel_j0<L: Lanes>(l: &L, x: L::F) -> L::F {
    let (high, low) = of_order(l, l.abs(x), false);
    l.add(high, low)
}

/// The Bessel function of the first kind of order 1, an odd function.
///
/// Measured: 0.50 of the bound of [`bessel_j0`] (binary32: 0.50). `±0` at `±0` and `±∞`, NaN for NaN. Fast range: that of sine and cosine.
pub fn bessel_j1<L: Lanes>(l: &L, x: L::F) -> L::F {
    let (high, low) = of_order(l, l.abs(x), true);
    // A product with a subnormal number has no low part.
    let a = l.abs(x);
    let small = l.lt(a, l.f(by_format(l, 1e-100, 1e-12)));
    let value = l.select(small, l.mul(a, l.f(0.5)), l.add(high, low));
    flip(l, value, sign_of(l, x))
}

/// The highest order of the families below.
pub const ORDERS: u32 = 12;

/// A quotient of integers in two numbers, `1/denominator` times the sign.
fn reciprocal<L: Lanes>(l: &L, sign: f64, denominator: f64) -> (f64, f64) {
    let high = sign / denominator;
    let high = by_format(l, high, f64::from(high as f32));
    (high, f64::mul_add(-high, denominator, sign) / denominator)
}

/// `(1 − z/(4(ν + 1))·(1 − z/(8(ν + 2))·(…)))/scale`, with ν twice `n`, plus one for half orders. The first two terms, which are most of it,
/// and z, the square of x, are in two numbers.
fn series<L: Lanes>(l: &L, x: L::F, n: u32, half: bool) -> L::F {
    let twice = 2 * n + u32::from(half);
    let terms = 14 + n;
    let one = l.f(1.0);
    let (square, square_low) = two_prod(l, x, x);
    let divisor = |k: u32| f64::from(2 * k * (twice + 2 * k));
    let sum = (3..=terms).rev().fold(one, |sum, k| l.fma(l.mul(square, l.f(-1.0 / divisor(k))), sum, one));
    let scale: f64 = (1..=n).map(|k| f64::from(2 * k + u32::from(half))).product();
    let lead = [reciprocal(l, 1.0, scale), reciprocal(l, -1.0, scale * divisor(1))];
    let rest = l.mul(l.f(1.0 / (scale * divisor(1) * divisor(2))), sum);
    let (high, low) = led_by(l, (square, square_low), &lead, rest);
    l.add(high, low)
}

/// The members of a family from the second on, by `f_{k+1} = ((2k + 1)·f_k − f_{k−1})/x²`, with `2k` for whole orders. They vanish at ∞.
fn upward<L: Lanes>(l: &L, x: L::F, n: u32, half: bool, first: Pair<L>) -> L::F {
    let (mut before, mut last) = first;
    let inverse = l.div(l.f(1.0), x);
    for k in 1..n {
        let factor = l.f(f64::from(2 * k + u32::from(half)));
        let next = l.mul(l.mul(l.fma(factor, last, l.neg(before)), inverse), inverse);
        (before, last) = (last, next);
    }
    l.select(l.lt(x, l.f(f64::INFINITY)), last, l.f(0.0))
}

/// `j_n(x)/x^n` of the spherical Bessel functions, for n from 1 to [`ORDERS`]: `sinc x` is the one for 0, and the derivative of each is the
/// next one times −x. NaN for other n.
///
/// A series up to n + 1, which does not cancel, and beyond the recurrence upwards from sine and cosine.
///
/// The error stays below 1 ULP and half of one for each unit of the condition number for n = 1, below twice that for n = 2. 0 at ±∞, NaN for NaN. Fast range: that of sine and cosine.
pub fn spherical_over<L: Lanes>(l: &L, x: L::F, n: L::F) -> L::F {
    by_order(l, n, ORDERS, |n| {
        let a = l.abs(x);
        let limit = l.f(f64::from(n + 1));
        let near = l.lt(a, limit);
        let x = l.select(near, a, limit);
        let close = series(l, x, n, true);
        let x = l.select(near, limit, a);
        let (sine, cosine) = trig::sincos(l, x);
        // (sin x / x − cos x)/x² without rounding the first quotient.
        let (wave, low) = quotient(l, (sine, l.f(0.0)), (x, l.f(0.0)));
        let (high, rest) = two_sum(l, wave, l.neg(cosine));
        let difference = fast_two_sum(l, high, l.add(rest, low));
        let by = (x, l.f(0.0));
        let (high, low) = quotient(l, quotient(l, difference, by), by);
        let first = l.add(high, low);
        let far = upward(l, x, n, true, (wave, first));
        let value = l.select(near, close, far);
        l.select(l.is_nan(a), a, value)
    })
}

/// `J_n(x)/x^n` for n from 1 to [`ORDERS`]: the derivative of each is the next one times −x. NaN for other n.
///
/// A series up to n + 1, which does not cancel, and beyond the recurrence upwards from J₀ and J₁.
///
/// The error stays below 1 ULP and half of one for each unit of the condition number for n = 1, below twice that for n = 2. 0 at ±∞, NaN for NaN. Fast range: that of sine and cosine.
pub fn bessel_over<L: Lanes>(l: &L, x: L::F, n: L::F) -> L::F {
    by_order(l, n, ORDERS, |n| {
        let a = l.abs(x);
        let limit = l.f(f64::from(n + 1));
        let near = l.lt(a, limit);
        let x = l.select(near, a, limit);
        let close = series(l, x, n, false);
        let x = l.select(near, limit, a);
        let zero = of_order(l, x, false);
        let one = quotient(l, of_order(l, x, true), (x, l.f(0.0)));
        let (zero, one) = (l.add(zero.0, zero.1), l.add(one.0, one.1));
        let far = upward(l, x, n, false, (zero, one));
        let value = l.select(near, close, far);
        l.select(l.is_nan(a), a, value)
    })
}

/// `sin x / x`.
///
/// The sine before its last rounding, divided with one rounding.
///
/// Measured: 0.74 ULP (binary32: 0.89). 1 at ±0, 0 at ±∞, NaN for NaN. Fast range: that of sine.
pub fn sinc<L: Lanes>(l: &L, x: L::F) -> L::F {
    let (hi, tail, quadrant) = trig::reduce(l, x, 0.0);
    let kernels = unrounded_kernels(l, hi, tail);
    let sine = (kernels.sin, l.sub(l.sub(hi, kernels.sin), kernels.cubic));
    let cosine = (kernels.cos, l.add(l.sub(kernels.top, kernels.cos), kernels.rest));
    let swap = odd(l, quadrant);
    let sine = (l.select(swap, cosine.0, sine.0), l.select(swap, cosine.1, sine.1));
    // Of the largest x the low part of the quotient would be subnormal.
    let (up, down) = scales(l);
    let (high, low) = quotient(l, (l.mul(sine.0, up), l.mul(sine.1, up)), (x, l.f(0.0)));
    let value = flip(l, l.mul(l.add(high, low), down), half_turn(l, quadrant));
    let near = l.lt(l.abs(x), l.f(by_format(l, 1e-9, 1e-5)));
    let value = l.select(near, l.f(1.0), value);
    l.select(l.eq(l.abs(x), l.f(f64::INFINITY)), l.f(0.0), value)
}
