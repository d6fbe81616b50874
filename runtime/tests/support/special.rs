//! References of special functions, from series that know nothing of the recipes.

use super::{Big, RM};
use astro_float::{BigFloat, Sign};
use std::sync::OnceLock;

/// Bits of intermediate results: sums near zeros cancel.
const P: usize = 320;

/// An integer or a binary64 number.
fn n(x: f64) -> BigFloat {
    BigFloat::from_f64(x, P)
}
fn add(a: &BigFloat, b: &BigFloat) -> BigFloat {
    a.add(b, P, RM)
}
fn sub(a: &BigFloat, b: &BigFloat) -> BigFloat {
    a.sub(b, P, RM)
}
fn mul(a: &BigFloat, b: &BigFloat) -> BigFloat {
    a.mul(b, P, RM)
}
fn div(a: &BigFloat, b: &BigFloat) -> BigFloat {
    a.div(b, P, RM)
}
fn pi(b: &mut Big) -> BigFloat {
    b.cc.pi(P, RM)
}
fn exp(b: &mut Big, x: &BigFloat) -> BigFloat {
    if x.is_zero() { n(1.0) } else { x.exp(P, RM, &mut b.cc) }
}
fn ln(b: &mut Big, x: &BigFloat) -> BigFloat {
    x.ln(P, RM, &mut b.cc)
}

/// Whether a term no longer counts beside a sum.
fn negligible(term: &BigFloat, sum: &BigFloat) -> bool {
    term.is_zero() || term.exponent() < sum.exponent().map(|e| e - P as i32)
}

/// `2/√π·e^(−x²)`.
fn density(b: &mut Big, x: &BigFloat) -> BigFloat {
    let root = pi(b).sqrt(P, RM);
    let bell = exp(b, &mul(x, x).neg());
    div(&mul(&n(2.0), &bell), &root)
}

/// `erfc x`: by the series of erf, and a continued fraction from 3 on.
pub fn erfc(b: &mut Big, x: &BigFloat) -> BigFloat {
    if x.is_negative() {
        return sub(&n(2.0), &erfc(b, &x.neg()));
    }
    if x.cmp(&n(3.0)).is_some_and(|order| order > 0) {
        let t = (1..=500).rev().fold(x.clone(), |t, k| add(x, &div(&n(f64::from(k) / 2.0), &t)));
        return div(&div(&density(b, x), &n(2.0)), &t);
    }
    let twice = mul(&mul(x, x), &n(2.0));
    let (mut term, mut sum) = (x.clone(), x.clone());
    for k in 1.. {
        term = div(&mul(&term, &twice), &n(f64::from(2 * k + 1)));
        sum = add(&sum, &term);
        if negligible(&term, &sum) {
            break;
        }
    }
    sub(&n(1.0), &mul(&sum, &density(b, x)))
}

/// The standard normal distribution function.
pub fn normal_cdf(b: &mut Big, x: &BigFloat) -> BigFloat {
    let scaled = div(x, &n(2.0).sqrt(P, RM)).neg();
    div(&erfc(b, &scaled), &n(2.0))
}

/// The standard normal density.
pub fn normal_pdf(b: &mut Big, x: &BigFloat) -> BigFloat {
    let bell = exp(b, &div(&mul(x, x), &n(-2.0)));
    div(&bell, &mul(&pi(b), &n(2.0)).sqrt(P, RM))
}

/// `B_2j`, from `j = 0` on.
fn bernoulli() -> &'static [BigFloat] {
    static NUMBERS: OnceLock<Vec<BigFloat>> = OnceLock::new();
    NUMBERS.get_or_init(|| {
        let bits = 4 * P;
        let number = |x: f64| BigFloat::from_f64(x, bits);
        let mut all: Vec<BigFloat> = vec![number(1.0)];
        for m in 1..=80_u32 {
            let (mut sum, mut choose) = (number(0.0), number(1.0));
            for k in 0..m {
                sum = sum.add(&choose.mul(&all[k as usize], bits, RM), bits, RM);
                choose = choose.mul(&number(f64::from(m + 1 - k)), bits, RM);
                choose = choose.div(&number(f64::from(k + 1)), bits, RM);
            }
            all.push(sum.div(&number(-f64::from(m + 1)), bits, RM));
        }
        all.into_iter().step_by(2).collect()
    })
}

/// From where on asymptotic series are summed.
const FAR: f64 = 50.0;

/// `x, x + 1, …` up to before [`FAR`], and the first number beyond.
fn shifted(x: &BigFloat) -> (Vec<BigFloat>, BigFloat) {
    let (mut steps, mut y) = (Vec::new(), x.clone());
    while y.cmp(&n(FAR)).is_some_and(|order| order < 0) {
        steps.push(y.clone());
        y = add(&y, &n(1.0));
    }
    (steps, y)
}

/// `ln |Γ(x)|`, and whether Γ is negative.
pub fn lgamma(b: &mut Big, x: &BigFloat) -> (BigFloat, bool) {
    // The zeros that are numbers.
    if [1.0, 2.0].iter().any(|&zero| x.cmp(&n(zero)) == Some(0)) {
        return (n(0.0), false);
    }
    let (steps, y) = shifted(x);
    let log = ln(b, &y);
    let mut sum = sub(&mul(&sub(&y, &n(0.5)), &log), &y);
    let two_pi = mul(&pi(b), &n(2.0));
    sum = add(&sum, &div(&ln(b, &two_pi), &n(2.0)));
    let square = mul(&y, &y);
    let mut power = y.clone();
    for (j, number) in (1..).zip(&bernoulli()[1..]) {
        let j = f64::from(j);
        sum = add(&sum, &div(number, &mul(&n(2.0 * j * (2.0 * j - 1.0)), &power)));
        power = mul(&power, &square);
    }
    let product = steps.iter().fold(n(1.0), |product, step| mul(&product, step));
    let negative = product.sign() == Some(Sign::Neg);
    (sub(&sum, &ln(b, &product.abs())), negative)
}

/// `Γ(x)`.
pub fn gamma(b: &mut Big, x: &BigFloat) -> BigFloat {
    let (log, negative) = lgamma(b, x);
    let size = exp(b, &log);
    if negative { size.neg() } else { size }
}

/// The derivative of ψ of order `m`, ψ itself for 0.
pub fn polygamma(b: &mut Big, m: u32, x: &BigFloat) -> BigFloat {
    let (steps, y) = shifted(x);
    let power = |x: &BigFloat, k: u32| (0..k).fold(n(1.0), |power, _| mul(&power, x));
    let factorial = |k: u32| (1..=k).fold(n(1.0), |product, k| mul(&product, &n(f64::from(k))));
    let top = factorial(m);
    // (−1)^(m + 1) times it is positive for positive x and m.
    let mut sum = if m == 0 { ln(b, &y).neg() } else { div(&factorial(m - 1), &power(&y, m)) };
    sum = add(&sum, &div(&factorial(m), &mul(&n(2.0), &power(&y, m + 1))));
    // (2j + m − 1)!/(2j)!/y^(2j + m)
    let square = mul(&y, &y);
    let mut factor = div(&div(&factorial(m + 1), &n(2.0)), &power(&y, m + 2));
    for (j, number) in (1_u32..).zip(&bernoulli()[1..]) {
        sum = add(&sum, &mul(number, &factor));
        let up = f64::from(2 * j + m) * f64::from(2 * j + m + 1);
        let down = f64::from(2 * j + 1) * f64::from(2 * j + 2);
        factor = div(&mul(&factor, &n(up)), &mul(&n(down), &square));
    }
    for step in &steps {
        sum = add(&sum, &div(&top, &power(step, m + 1)));
    }
    if m.is_multiple_of(2) { sum.neg() } else { sum }
}

/// From where on Hankel's series of Bessel functions are summed, whose smallest terms are about e^(−2x).
const WIDE: f64 = 150.0;

/// `J_order(x)`: by its power series, and by Hankel's series from [`WIDE`] on.
pub fn bessel(b: &mut Big, order: u32, x: &BigFloat) -> BigFloat {
    if x.is_negative() {
        let value = bessel(b, order, &x.neg());
        return if order.is_multiple_of(2) { value } else { value.neg() };
    }
    if x.cmp(&n(WIDE)).is_some_and(|order| order > 0) { hankel(b, order, x) } else { series(order, x) }
}

/// `√(2/πx)·(P·cos χ − Q·sin χ)` for `χ = x − (order/2 + ¼)·π`, with `P + iQ = Σ iᵏ·Π_{j ≤ k} (4·order² − (2j − 1)²)/(8jx)`.
fn hankel(b: &mut Big, order: u32, x: &BigFloat) -> BigFloat {
    let square = 4.0 * f64::from(order * order);
    let mut term = n(1.0);
    let mut sums = [n(0.0), n(0.0)];
    for k in 0_u32.. {
        let sum = &mut sums[(k % 2) as usize];
        *sum = if k % 4 < 2 { add(sum, &term) } else { sub(sum, &term) };
        if k > 0 && negligible(&term, &n(1.0)) {
            break;
        }
        let j = f64::from(k + 1);
        let factor = n(square - (2.0 * j - 1.0) * (2.0 * j - 1.0));
        term = div(&mul(&term, &factor), &mul(x, &n(8.0 * j)));
    }
    let bits = 2 * P;
    let pi = b.cc.pi(bits, RM);
    let turned = pi.mul(&BigFloat::from_f64(f64::from(2 * order + 1) / 4.0, bits), bits, RM);
    let phase = x.sub(&turned, bits, RM);
    let (sine, cosine) = (phase.sin(bits, RM, &mut b.cc), phase.cos(bits, RM, &mut b.cc));
    let wave = sub(&mul(&sums[0], &cosine), &mul(&sums[1], &sine));
    mul(&wave, &div(&n(2.0), &mul(&pi, x)).sqrt(P, RM))
}

/// `J_order(x)` for moderate x, by its power series.
fn series(order: u32, x: &BigFloat) -> BigFloat {
    let bits = 3 * P;
    let number = |x: f64| BigFloat::from_f64(x, bits);
    let half = x.div(&number(2.0), bits, RM);
    let square = half.mul(&half, bits, RM).neg();
    let mut term = (1..=order)
        .fold(number(1.0), |term, k| term.mul(&half, bits, RM).div(&number(f64::from(k)), bits, RM));
    let mut sum = term.clone();
    for k in 1..4000_u32 {
        term = term.mul(&square, bits, RM).div(&number(f64::from(k) * f64::from(k + order)), bits, RM);
        sum = sum.add(&term, bits, RM);
        if term.is_zero() || term.exponent() < sum.exponent().map(|e| e - P as i32) {
            break;
        }
    }
    sum
}

/// `sin x / x` and its derivative.
pub fn sinc(b: &mut Big, x: &BigFloat) -> (BigFloat, BigFloat) {
    // Where it would cancel beyond all bits.
    if x.exponent().is_none_or(|exponent| exponent < -90) {
        return (n(1.0), div(x, &n(-3.0)));
    }
    let (sine, cosine) = (x.sin(2 * P, RM, &mut b.cc), x.cos(2 * P, RM, &mut b.cc));
    let value = sine.div(x, 2 * P, RM);
    let slope = cosine.sub(&value, 2 * P, RM).div(x, P, RM);
    (value, slope)
}

/// The `w` with `w·e^w = x` near a start that is nearly right, by Newton's method.
pub fn lambert(b: &mut Big, x: &BigFloat, start: f64) -> BigFloat {
    let mut w = n(start);
    for _ in 0..9 {
        let power = exp(b, &w);
        let rest = sub(&mul(&w, &power), x);
        let slope = mul(&power, &add(&w, &n(1.0)));
        if rest.is_zero() || slope.is_zero() {
            break;
        }
        w = sub(&w, &div(&rest, &slope));
    }
    w
}
