//! Polynomials of the inverse trigonometric functions.

/// What binary32 lacks of π, relative to π: `π = PI + PI·LACK`, also for π/2, π/4 and 3π/4, to within `2^−49`.
pub const LACK: f64 = -2.7827534e-8;

/// `atan z ≈ z + z³·Σ ATAN[i]·z^2i` on `[0, 1/2]`, relative error below 2^−31.7 (Sollya `fpminimax`,
/// coefficients in binary32, the first term fixed at z).
pub const ATAN: [f64; 6] =
    [-0.333333284, 0.199995548, -0.142731071, 0.109484099, -0.0800906941, 0.0390420035];

/// `asin r ≈ r + r³·Σ ASIN[i]·r^2i` on `[0, 1/2]`, relative error below 2^−31.6 (Sollya `fpminimax`,
/// coefficients in binary32, the first term fixed at r).
pub const ASIN: [f64; 6] =
    [0.166666597, 0.0750051662, 0.0445149951, 0.0318218246, 0.0143912192, 0.0375767685];
