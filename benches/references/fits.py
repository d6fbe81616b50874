"""Digits that `nc fit` says hold, against fits in 50-digit arithmetic.

    python -m venv ENV && ENV/bin/pip install mpmath
    cargo build --release -p nc-cli
    ENV/bin/python benches/references/fits.py --nc target/release/nc [--problems 20] [--seed 1]

Random problems of five families with data of random size and noise. The data are binary64 numbers, exactly those of the csv file. From the
values of `nc fit`, Newton's method on the gradient of the sum of squares goes on in 50 digits, with derivatives by complex steps of
the model in mpmath. A digit that is said to hold and does not is a fault, and the script ends with status 1.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from mpmath import mp, mpf

mp.dps = 50

FAMILIES = {
    "exponential": ("(+ a (* b (exp (* k x))))", ["a", "b", "k"],
                    lambda r: (r.uniform(-2, 2), r.uniform(1, 5), -r.uniform(0.1, 1.5)),
                    lambda x, p: p[0] + p[1] * mp.exp(p[2] * x)),
    "peak": ("(* h (exp (* -1/2 (square (/ (- x c) w)))))", ["h", "c", "w"],
             lambda r: (r.uniform(1, 100), r.uniform(2, 6), r.uniform(0.7, 2)),
             lambda x, p: p[0] * mp.exp(-((x - p[1]) / p[2]) ** 2 / 2)),
    "rational": ("(/ (+ a (* b x)) (+ 1 (* c x)))", ["a", "b", "c"],
                 lambda r: (r.uniform(1, 3), r.uniform(1, 3), r.uniform(0.1, 0.9)),
                 lambda x, p: (p[0] + p[1] * x) / (1 + p[2] * x)),
    "two decays": ("(+ (* a (exp (* (- k) x))) (* b (exp (* (- m) x))))", ["a", "k", "b", "m"],
                   lambda r: (r.uniform(1, 3), r.uniform(1.5, 3), r.uniform(1, 3), r.uniform(0.1, 0.5)),
                   lambda x, p: p[0] * mp.exp(-p[1] * x) + p[2] * mp.exp(-p[3] * x)),
    "oscillation": ("(* A (exp (* (- d) x)) (cos (+ (* w x) phi)))", ["A", "d", "w", "phi"],
                    lambda r: (r.uniform(1, 3), r.uniform(0.02, 0.2), r.uniform(1, 3), r.uniform(-1, 1)),
                    lambda x, p: p[0] * mp.exp(-p[1] * x) * mp.cos(p[2] * x + p[3])),
}


def gradient_and_hessian(model, xs, ys, p):
    """Of half the sum of squares: Jacobian and second derivatives by central differences of 50-digit values with steps of 1e-12."""
    n, h = len(p), mpf(10) ** -12
    g, H = mp.zeros(n, 1), mp.zeros(n, n)
    for x, y in zip(xs, ys):
        shifted = {}
        def f(*steps):
            if steps not in shifted:
                shifted[steps] = model(x, [a + s * h * max(abs(a), mpf(1)) for a, s in zip(p, steps)])
            return shifted[steps]
        unit = lambda *at: tuple(sum(v for k, v in at if k == i) for i in range(n))
        size = [h * max(abs(a), mpf(1)) for a in p]
        r = f(*unit()) - y
        J = [(f(*unit((i, 1))) - f(*unit((i, -1)))) / (2 * size[i]) for i in range(n)]
        for i in range(n):
            g[i] += r * J[i]
            for j in range(i, n):
                if i == j:
                    second = (f(*unit((i, 1))) - 2 * f(*unit()) + f(*unit((i, -1)))) / size[i] ** 2
                else:
                    second = (f(*unit((i, 1), (j, 1))) - f(*unit((i, 1), (j, -1))) - f(*unit((i, -1), (j, 1)))
                              + f(*unit((i, -1), (j, -1)))) / (4 * size[i] * size[j])
                H[i, j] += J[i] * J[j] + r * second
                H[j, i] = H[i, j]
    return g, H


def refined(model, xs, ys, p):
    # The error of the differences' gradient, about 1e-24, is far below what is asked.
    for _ in range(8):
        g, H = gradient_and_hessian(model, xs, ys, p)
        step = mp.lu_solve(H, -g)
        p = [a + s for a, s in zip(p, step)]
        if max(abs(s) / max(abs(a), mpf(1)) for a, s in zip(p, step)) < mpf(10) ** -22:
            break
    return p


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--nc", required=True)
    parser.add_argument("--problems", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    r = random.Random(arguments.seed)
    false, least = 0, 99
    print(f"{'family':12} {'rows':>5} {'noise':>8}   digits said to hold, and those that do")
    with tempfile.TemporaryDirectory() as folder:
        for k in range(arguments.problems):
            name = list(FAMILIES)[k % len(FAMILIES)]
            source, names, draw, model = FAMILIES[name]
            truth = [mpf(v) for v in draw(r)]
            rows, noise = r.choice([8, 20, 60]), r.choice([0.0, 1e-6, 1e-2, 0.1])
            xs = [8 * r.random() for _ in range(rows)]
            ys = [float(model(mpf(x), truth)) + noise * r.gauss(0, 1) for x in xs]
            path = Path(folder) / "data.csv"
            path.write_text("x,y\n" + "".join(f"{x!r},{y!r}\n" for x, y in zip(xs, ys)))
            done = subprocess.run([arguments.nc, "fit", "-e", source, "--data", str(path), "--target", "y", "--json"]
                                  + [f"--param={n}={float(t) * 1.1!r}" for n, t in zip(names, truth)],
                                  capture_output=True, text=True)
            report = json.loads(done.stdout)
            found = [report["parameters"][n] for n in names]
            exact = refined(model, [mpf(x) for x in xs], [mpf(y) for y in ys], [mpf(p["value"]) for p in found])
            cells = []
            for p, e in zip(found, exact):
                off = abs(mpf(p["value"]) - e) / abs(e)
                holds = 99.0 if off == 0 else float(-mp.log10(off))
                said = p["digits"]
                if said is not None:
                    least = min(least, holds - said)
                    false += holds < said
                cells.append(f"{said}/{min(holds, 17):.1f}" + ("  FALSE" if said is not None and holds < said else ""))
            print(f"{name:12} {rows:5} {noise:8.0e}   " + "  ".join(cells))
    print(f"\n{false} digits that are said to hold do not; the least margin is {least:.1f} digits")
    sys.exit(1 if false else 0)


main()
