"""The accuracy of library words on problems with closed forms, against mpmath: what the table in docs/library.md says.

    python -m pip install mpmath
    cargo build --release -p nc-cli
    python benches/references/library.py --nc target/release/nc

Each line is a program whose first element is a value and whose others are derivatives by `D`; errors are the largest of a batch of points
of a fixed multiplicative sequence, relative to the reference or, where the line says so, absolute. In units of what rounding of the inputs
alone makes of a result, an error is relative to 2**-53 (1 + the condition number), which is the sum of |x f'(x) / f(x)| over the inputs.
"""

import argparse
import csv
import os
import subprocess
import tempfile

from mpmath import asin, cos, ellipfun, ellipk, diff, findroot, mp, mpf, sin

mp.dps = 40


def points(count, *ranges):
    """Numbers of multiplicative sequences modulo 1, stretched to ranges."""
    steps = (0.6180339887498949, 0.4142135623730951, 0.7320508075688772)
    return [[low + (high - low) * (k * step % 1.0) for (low, high), step in zip(ranges, steps)] for k in range(1, count + 1)]


def kepler(e, m):
    anomaly = findroot(lambda E: E - e * sin(E) - m, m + e * sin(m))
    slope = 1 / (1 - e * cos(anomaly))
    return [anomaly, sin(anomaly) * slope, slope]


def condition(reference, row):
    """The condition number of each number that a reference gives."""
    results = range(len(reference(*row)))
    numbers = []
    for k in results:
        of = lambda *x: reference(*x)[k]
        orders = [tuple(int(i == j) for j in range(len(row))) for i in range(len(row))]
        slopes = (abs(x * diff(of, row, order)) for x, order in zip(row, orders))
        numbers.append(sum(slopes) / abs(of(*row)))
    return numbers


def period(a):
    of = lambda a: 4 * ellipk(sin(a / 2) ** 2)
    return [of(a), diff(of, a)]


def swing(a, t):
    """The angle of a pendulum that starts at rest at a, with its derivatives by a, by the frequency, which is 1, and by the time."""
    def of(a, k, t):
        s = sin(a / 2)
        return 2 * asin(s * ellipfun("cd", k * t, m=s * s))

    at = (a, mpf(1), t)
    return [of(*at), *(diff(of, at, order) for order in ((1, 0, 0), (0, 1, 0), (0, 0, 1)))]


CASES = [
    (
        "Kepler's equation by root, e in [0, 0.99]", ["e", "m"], points(2000, (0, 0.99), (0.01, 6.27)), kepler, "relative",
        "(define (anomaly e m) (root (lambda (E) (- E (* e (sin E)) m)) m))"
        "[(anomaly e m) (((partial 0) anomaly) e m) (((partial 1) anomaly) e m)]",
    ),
    (
        "the period of a pendulum by integrate, amplitudes from 0.01 to 2.5", ["a"], points(300, (0.01, 2.5)), period, "relative",
        "(define (period a) (integrate (lambda (u) (/ 4 (sqrt (- 1 (square (* (sin (/ a 2)) (sin u))))))) 0 (/ pi 2)))"
        "[(period a) ((D period) a)]",
    ),
    (
        "a pendulum by odeint, tolerances 1e-10, amplitudes from 0.1 to 2.5, times up to 20", ["a", "t"],
        points(200, (0.1, 2.5), (0.1, 20)), swing, "absolute",
        "(define (swing a k t) (ref (odeint (lambda (t y) [(ref y 1) (- (* k k (sin (ref y 0))))]) [a 0] 0 t 1e-10 1e-10) 0))"
        "[(swing a 1 t) (((partial 0) swing) a 1 t) (((partial 1) swing) a 1 t) (((partial 2) swing) a 1 t)]",
    ),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nc", default="nc", help="the command line to be measured")
    args = parser.parse_args()
    for name, inputs, rows, reference, kind, program in CASES:
        with tempfile.TemporaryDirectory() as folder:
            batch, out = os.path.join(folder, "in.csv"), os.path.join(folder, "out.csv")
            with open(batch, "w", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(inputs)
                writer.writerows([[repr(x) for x in row] for row in rows])
            # An output beside its inputs: a program of the same order of inputs as the file's columns.
            run = [args.nc, "run", "-e", program, "--batch", batch, "-o", out]
            subprocess.run(run, check=True, capture_output=True, text=True)
            with open(out, newline="") as file:
                results = [[float(x) for x in row] for row in list(csv.reader(file))[1:]]
        worst = [mpf(0)] * len(results[0])
        units = [mpf(0)] * len(results[0])
        for row, result in zip(rows, results):
            row = [mpf(x) for x in row]
            conditions = condition(reference, row) if kind == "relative" else []
            for k, exact in enumerate(reference(*row)):
                error = abs(mpf(result[k]) - exact)
                worst[k] = max(worst[k], error / abs(exact) if kind == "relative" else error)
                if kind == "relative":
                    units[k] = max(units[k], error / abs(exact) / (1 + conditions[k]) * 2**53)
        value, *slopes = (f"{float(error):.1e}" for error in worst)
        print(f"{name}: value {value}, derivatives {', '.join(slopes)} ({kind})")
        if kind == "relative":
            print(f"    in units of rounding times conditioning: {', '.join(f'{float(unit):.1f}' for unit in units)}")


if __name__ == "__main__":
    main()
