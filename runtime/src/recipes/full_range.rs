//! Scalar references on the whole domain, for the recipes whose fast range is not everything.
//!
//! Each function runs its recipe over one lane and, if the recipe reports the argument, once more over a
//! [complete](crate::lanes::Lanes::complete) one. On the fast range both agree bit for bit.

use super::{complex, fmod as remainder, trig};
use crate::lanes::{Lanes, Scalar, Scalar32};

/// A number of one lane: `f64` or `f32`.
pub trait Number: Copy {
    /// The one-lane implementation.
    type Lane: Lanes<F = Self, M = bool> + Default;

    /// What `recipe` gives, complete if it has to be.
    fn wholly<T>(recipe: impl Fn(&Self::Lane) -> T) -> T;
}

impl Number for f64 {
    type Lane = Scalar;

    fn wholly<T>(recipe: impl Fn(&Scalar) -> T) -> T {
        let lane = Scalar::new();
        let result = recipe(&lane);
        if lane.take_outside() { recipe(&Scalar::completing()) } else { result }
    }
}

impl Number for f32 {
    type Lane = Scalar32;

    fn wholly<T>(recipe: impl Fn(&Scalar32) -> T) -> T {
        let lane = Scalar32::new();
        let result = recipe(&lane);
        if lane.take_outside() { recipe(&Scalar32::completing()) } else { result }
    }
}

/// [`trig::sincos`] of any number.
pub fn sincos<N: Number>(x: N) -> (N, N) {
    N::wholly(|l| trig::sincos(l, x))
}

/// [`trig::sin`] of any number.
pub fn sin<N: Number>(x: N) -> N {
    N::wholly(|l| trig::sin(l, x))
}

/// [`trig::cos`] of any number.
pub fn cos<N: Number>(x: N) -> N {
    N::wholly(|l| trig::cos(l, x))
}

/// [`trig::tan`] of any number.
pub fn tan<N: Number>(x: N) -> N {
    N::wholly(|l| trig::tan(l, x))
}

/// [`complex::exp_cos`] of any numbers.
pub fn exp_cos<N: Number>(x: N, y: N) -> N {
    N::wholly(|l| complex::exp_cos(l, x, y))
}

/// [`complex::exp_sin`] of any numbers.
pub fn exp_sin<N: Number>(x: N, y: N) -> N {
    N::wholly(|l| complex::exp_sin(l, x, y))
}

/// [`fmod`](remainder::fmod) of any numbers.
pub fn fmod<N: Number>(x: N, y: N) -> N {
    N::wholly(|l| remainder::fmod(l, x, y))
}

/// [`modulo`](remainder::modulo) of any numbers.
pub fn modulo<N: Number>(x: N, y: N) -> N {
    N::wholly(|l| remainder::modulo(l, x, y))
}

/// [`quotient`](remainder::quotient) of any numbers.
pub fn quotient<N: Number>(x: N, y: N) -> N {
    N::wholly(|l| remainder::quotient(l, x, y))
}
