// The damped pendulum of corpus/classic/pendulum-scalars.scm, rows side by side, and its adjoint by hand.
#include <math.h>
#include <stddef.h>

#define ROWS 16
#define STEPS 1000

static const double h = 0.005;

void value(const double *const *in, double *const *out, size_t n) {
  for (size_t from = 0; from < n; from += ROWS) {
    const double *restrict g = in[2] + from, *restrict b = in[3] + from;
    double t[ROWS], w[ROWS];
    for (int r = 0; r < ROWS; r++) {
      t[r] = in[0][from + r];
      w[r] = in[1][from + r];
    }
    for (int i = 0; i < STEPS; i++)
#pragma omp simd
      for (int r = 0; r < ROWS; r++) {
        double a1 = -g[r] * sin(t[r]) - b[r] * w[r];
        double w2 = w[r] + 0.5 * h * a1;
        double a2 = -g[r] * sin(t[r] + 0.5 * h * w[r]) - b[r] * w2;
        double w3 = w[r] + 0.5 * h * a2;
        double a3 = -g[r] * sin(t[r] + 0.5 * h * w2) - b[r] * w3;
        double w4 = w[r] + h * a3;
        double a4 = -g[r] * sin(t[r] + h * w3) - b[r] * w4;
        t[r] = t[r] + h / 6 * (w[r] + 2 * w2 + 2 * w3 + w4);
        w[r] = w[r] + h / 6 * (a1 + 2 * a2 + 2 * a3 + a4);
      }
    for (int r = 0; r < ROWS; r++) out[0][from + r] = t[r];
  }
}

void gradient(const double *const *in, double *const *out, size_t n) {
  static double ts[STEPS + 1][ROWS], ws[STEPS + 1][ROWS];
  for (size_t from = 0; from < n; from += ROWS) {
    const double *restrict g = in[2] + from, *restrict b = in[3] + from;
    double dt[ROWS], dw[ROWS], dg[ROWS], db[ROWS];
    for (int r = 0; r < ROWS; r++) {
      ts[0][r] = in[0][from + r];
      ws[0][r] = in[1][from + r];
      dt[r] = 1;
      dw[r] = dg[r] = db[r] = 0;
    }
    for (int i = 0; i < STEPS; i++)
#pragma omp simd
      for (int r = 0; r < ROWS; r++) {
        double t = ts[i][r], w = ws[i][r];
        double a1 = -g[r] * sin(t) - b[r] * w;
        double w2 = w + 0.5 * h * a1;
        double a2 = -g[r] * sin(t + 0.5 * h * w) - b[r] * w2;
        double w3 = w + 0.5 * h * a2;
        double a3 = -g[r] * sin(t + 0.5 * h * w2) - b[r] * w3;
        double w4 = w + h * a3;
        double a4 = -g[r] * sin(t + h * w3) - b[r] * w4;
        ts[i + 1][r] = t + h / 6 * (w + 2 * w2 + 2 * w3 + w4);
        ws[i + 1][r] = w + h / 6 * (a1 + 2 * a2 + 2 * a3 + a4);
      }
    for (int i = STEPS - 1; i >= 0; i--)
#pragma omp simd
      for (int r = 0; r < ROWS; r++) {
        double t = ts[i][r], w = ws[i][r];
        double s1 = sin(t), c1 = cos(t);
        double a1 = -g[r] * s1 - b[r] * w, w2 = w + 0.5 * h * a1, t2 = t + 0.5 * h * w;
        double s2 = sin(t2), c2 = cos(t2);
        double a2 = -g[r] * s2 - b[r] * w2, w3 = w + 0.5 * h * a2, t3 = t + 0.5 * h * w2;
        double s3 = sin(t3), c3 = cos(t3);
        double a3 = -g[r] * s3 - b[r] * w3, t4 = t + h * w3;
        double s4 = sin(t4), c4 = cos(t4);
        double dT = dt[r], dW = dw[r];
        double da4 = h / 6 * dW, da3 = h / 3 * dW, da2 = h / 3 * dW, da1 = h / 6 * dW;
        double dw4 = h / 6 * dT - b[r] * da4, dw3 = h / 3 * dT, dw2 = h / 3 * dT;
        double dt4 = -g[r] * c4 * da4;
        dw3 += h * dt4;
        da3 += h * dw4;
        dw3 -= b[r] * da3;
        double dt3 = -g[r] * c3 * da3;
        dw2 += 0.5 * h * dt3;
        da2 += 0.5 * h * dw3;
        dw2 -= b[r] * da2;
        double dt2 = -g[r] * c2 * da2;
        da1 += 0.5 * h * dw2;
        double dt1 = -g[r] * c1 * da1;
        dg[r] -= s1 * da1 + s2 * da2 + s3 * da3 + s4 * da4;
        db[r] -= w * da1 + w2 * da2 + w3 * da3 + (w + h * a3) * da4;
        dt[r] = dT + dt1 + dt2 + dt3 + dt4;
        dw[r] = dW + h / 6 * dT + dw4 + dw3 + dw2 + 0.5 * h * dt2 - b[r] * da1;
      }
    for (int r = 0; r < ROWS; r++) {
      out[0][from + r] = ts[STEPS][r];
      out[1][from + r] = dt[r];
      out[2][from + r] = dw[r];
      out[3][from + r] = dg[r];
      out[4][from + r] = db[r];
    }
  }
}
