// Ten programs of the bench set, value and value with gradient, as one writes them by hand.
#include <math.h>
#include <stddef.h>

// Columns in the order of the program's inputs; the value, then the derivative by each input.
#define FUNCTION(name) void name(const double *const *in, double *const *out, size_t n)
#define IN(name, k) const double *restrict name##_ = in[k]
#define OUT(name, k) double *restrict name##_ = out[k]
#define ROWS _Pragma("omp simd") for (size_t i = 0; i < n; i++)
#define LOAD(name) const double name = name##_[i]
#define STORE(name, value) name##_[i] = (value)

static const double pi = 3.141592653589793;

#define GRAVITY IN(G, 0); IN(m1, 1); IN(m2, 2); IN(r, 3); OUT(F, 0)
FUNCTION(feynman_table7_04_gravity_value) {
  GRAVITY;
  ROWS { STORE(F, G_[i] * m1_[i] * m2_[i] / (r_[i] * r_[i])); }
}
FUNCTION(feynman_table7_04_gravity_gradient) {
  GRAVITY;
  OUT(dG, 1); OUT(dm1, 2); OUT(dm2, 3); OUT(dr, 4);
  ROWS {
    LOAD(G); LOAD(m1); LOAD(m2); LOAD(r);
    const double by_r = 1 / r, by_r2 = by_r * by_r, q = m1 * m2 * by_r2, f = G * q, g = G * by_r2;
    STORE(F, f);
    STORE(dG, q);
    STORE(dm1, g * m2);
    STORE(dm2, g * m1);
    STORE(dr, -2 * f * by_r);
  }
}

#define GAUSSIAN IN(x, 0); IN(mu, 1); IN(sigma, 2); OUT(p, 0)
FUNCTION(feynman_table7_09_gaussian_value) {
  GAUSSIAN;
  const double norm = 1 / sqrt(2 * pi);
  ROWS {
    const double by_sigma = 1 / sigma_[i], z = (x_[i] - mu_[i]) * by_sigma;
    STORE(p, norm * by_sigma * exp(-0.5 * z * z));
  }
}
FUNCTION(feynman_table7_09_gaussian_gradient) {
  GAUSSIAN;
  OUT(dx, 1); OUT(dmu, 2); OUT(dsigma, 3);
  const double norm = 1 / sqrt(2 * pi);
  ROWS {
    const double by_sigma = 1 / sigma_[i], z = (x_[i] - mu_[i]) * by_sigma;
    const double density = norm * by_sigma * exp(-0.5 * z * z), slope = density * by_sigma;
    STORE(p, density);
    STORE(dx, -slope * z);
    STORE(dmu, slope * z);
    STORE(dsigma, slope * (z * z - 1));
  }
}

#define PLANCK IN(h, 0); IN(omega, 1); IN(kb, 2); IN(T, 3); IN(c, 4); OUT(I, 0)
FUNCTION(feynman_I_41_16_planck_radiation_value) {
  PLANCK;
  ROWS {
    LOAD(h); LOAD(omega); LOAD(kb); LOAD(T); LOAD(c);
    const double hbar = h * (0.5 / pi), x = hbar * omega / (kb * T);
    STORE(I, hbar * omega * omega * omega / (pi * pi * c * c * (exp(x) - 1)));
  }
}
FUNCTION(feynman_I_41_16_planck_radiation_gradient) {
  PLANCK;
  OUT(dh, 1); OUT(domega, 2); OUT(dkb, 3); OUT(dT, 4); OUT(dc, 5);
  ROWS {
    LOAD(h); LOAD(omega); LOAD(kb); LOAD(T); LOAD(c);
    const double by_kb = 1 / kb, by_T = 1 / T, by_c = 1 / c;
    const double slope = (0.5 / pi) * by_kb * by_T, x = h * omega * slope, e = exp(x), by_e = 1 / (e - 1);
    const double per_h = (0.5 / pi) / (pi * pi) * omega * omega * omega * by_c * by_c * by_e;
    const double value = h * per_h, by_x = -value * e * by_e;
    STORE(I, value);
    STORE(dh, per_h + by_x * omega * slope);
    STORE(domega, 3 * value / omega + by_x * h * slope);
    STORE(dkb, -by_x * x * by_kb);
    STORE(dT, -by_x * x * by_T);
    STORE(dc, -2 * value * by_c);
  }
}

#define CONTRACTION IN(L, 0); IN(v, 1); IN(c, 2); OUT(l, 0)
FUNCTION(contraction_value) {
  CONTRACTION;
  ROWS {
    const double beta = v_[i] / c_[i];
    STORE(l, L_[i] * sqrt(1 - beta * beta));
  }
}
FUNCTION(contraction_gradient) {
  CONTRACTION;
  OUT(dL, 1); OUT(dv, 2); OUT(dc, 3);
  ROWS {
    LOAD(L); LOAD(v); LOAD(c);
    const double by_c = 1 / c, beta = v * by_c, root = sqrt(1 - beta * beta);
    const double slope = -L * beta * by_c / root;
    STORE(l, L * root);
    STORE(dL, root);
    STORE(dv, slope);
    STORE(dc, -slope * beta);
  }
}

#define BAROMETRIC IN(P0, 0); IN(m, 1); IN(g, 2); IN(h, 3); IN(kB, 4); IN(T, 5); OUT(P, 0)
FUNCTION(feynman_table7_12_barometric_value) {
  BAROMETRIC;
  ROWS { STORE(P, P0_[i] * exp(-m_[i] * g_[i] * h_[i] / (kB_[i] * T_[i]))); }
}
FUNCTION(feynman_table7_12_barometric_gradient) {
  BAROMETRIC;
  OUT(dP0, 1); OUT(dm, 2); OUT(dg, 3); OUT(dh, 4); OUT(dkB, 5); OUT(dT, 6);
  ROWS {
    LOAD(P0); LOAD(m); LOAD(g); LOAD(h); LOAD(kB); LOAD(T);
    const double by_kB = 1 / kB, by_T = 1 / T, gh = g * h, by_kT = by_kB * by_T;
    const double e = exp(-m * gh * by_kT), p = P0 * e, slope = p * by_kT, up = slope * m * gh;
    STORE(P, p);
    STORE(dP0, e);
    STORE(dm, -slope * gh);
    STORE(dg, -slope * m * h);
    STORE(dh, -slope * m * g);
    STORE(dkB, up * by_kB);
    STORE(dT, up * by_T);
  }
}

#define QUADRATIC IN(a, 0); IN(x, 1); IN(b, 2); IN(c, 3); OUT(y, 0)
FUNCTION(throughput_quadratic_value) {
  QUADRATIC;
  ROWS { STORE(y, (a_[i] * x_[i] + b_[i]) * x_[i] + c_[i]); }
}
FUNCTION(throughput_quadratic_gradient) {
  QUADRATIC;
  OUT(da, 1); OUT(dx, 2); OUT(db, 3); OUT(dc, 4);
  ROWS {
    LOAD(a); LOAD(x); LOAD(b); LOAD(c);
    const double inner = a * x + b;
    STORE(y, inner * x + c);
    STORE(da, x * x);
    STORE(dx, a * x + inner);
    STORE(db, x);
    STORE(dc, 1);
  }
}

#define DOT4 \
  IN(a1, 0); IN(b1, 1); IN(a2, 2); IN(b2, 3); IN(a3, 4); IN(b3, 5); IN(a4, 6); IN(b4, 7); OUT(y, 0)
FUNCTION(throughput_dot4_value) {
  DOT4;
  ROWS { STORE(y, a1_[i] * b1_[i] + a2_[i] * b2_[i] + a3_[i] * b3_[i] + a4_[i] * b4_[i]); }
}
FUNCTION(throughput_dot4_gradient) {
  DOT4;
  OUT(da1, 1); OUT(db1, 2); OUT(da2, 3); OUT(db2, 4); OUT(da3, 5); OUT(db3, 6); OUT(da4, 7); OUT(db4, 8);
  ROWS {
    LOAD(a1); LOAD(b1); LOAD(a2); LOAD(b2); LOAD(a3); LOAD(b3); LOAD(a4); LOAD(b4);
    STORE(y, a1 * b1 + a2 * b2 + a3 * b3 + a4 * b4);
    STORE(da1, b1); STORE(db1, a1);
    STORE(da2, b2); STORE(db2, a2);
    STORE(da3, b3); STORE(db3, a3);
    STORE(da4, b4); STORE(db4, a4);
  }
}

#define ADD IN(x, 0); IN(y, 1); OUT(z, 0)
FUNCTION(throughput_add_value) {
  ADD;
  ROWS { STORE(z, x_[i] + y_[i]); }
}
FUNCTION(throughput_add_gradient) {
  ADD;
  OUT(dx, 1); OUT(dy, 2);
  ROWS {
    STORE(z, x_[i] + y_[i]);
    STORE(dx, 1);
    STORE(dy, 1);
  }
}

#define MULADD IN(x, 0); IN(a, 1); IN(b, 2); OUT(y, 0)
FUNCTION(muladd_32_value) {
  MULADD;
  ROWS {
    LOAD(a); LOAD(b);
    double s = x_[i];
#pragma GCC unroll 32
    for (int k = 0; k < 32; k++) s = s * a + b;
    STORE(y, s);
  }
}
FUNCTION(muladd_32_gradient) {
  MULADD;
  OUT(dx, 1); OUT(da, 2); OUT(db, 3);
  ROWS {
    LOAD(a); LOAD(b);
    double s = x_[i], by_x = 1, by_a = 0, by_b = 0;
#pragma GCC unroll 32
    for (int k = 0; k < 32; k++) {
      by_a = by_a * a + s;
      by_b = by_b * a + 1;
      by_x = by_x * a;
      s = s * a + b;
    }
    STORE(y, s);
    STORE(dx, by_x);
    STORE(da, by_a);
    STORE(db, by_b);
  }
}

#define OSCILLATOR IN(A, 0); IN(omega, 1); IN(t, 2); IN(phi, 3); OUT(x, 0)
FUNCTION(feynman_table7_14_oscillator_value) {
  OSCILLATOR;
  ROWS { STORE(x, A_[i] * sin(omega_[i] * t_[i] + phi_[i])); }
}
FUNCTION(feynman_table7_14_oscillator_gradient) {
  OSCILLATOR;
  OUT(dA, 1); OUT(domega, 2); OUT(dt, 3); OUT(dphi, 4);
  ROWS {
    LOAD(A); LOAD(omega); LOAD(t); LOAD(phi);
    const double s = sin(omega * t + phi), slope = A * cos(omega * t + phi);
    STORE(x, A * s);
    STORE(dA, s);
    STORE(domega, slope * t);
    STORE(dt, slope * omega);
    STORE(dphi, slope);
  }
}
