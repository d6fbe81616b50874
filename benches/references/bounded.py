"""Fits with bounds, `nc fit` beside SciPy's least_squares.

    python -m venv ENV && ENV/bin/pip install numpy scipy
    cargo build --release -p nc-cli
    ENV/bin/python benches/references/bounded.py --nc target/release/nc [--problems 300] [--seed 1]

Random problems of nine families with data of random size and noise, and with bounds on a random choice of the parameters: around the truth,
on one side, or so that they cut it off. `nc fit` is given the bounds only; least_squares (the trust-region reflective method with all
tolerances at 1e-15) starts at the truth, near it twelve times, and where `nc fit` ended, and the lowest of these counts. Counted are sums of squares that are
higher than that by more than 1e-6 of themselves, fits that are not said to have converged, and values outside the bounds, which are a fault: the script then
ends with status 1.
"""

import argparse
import json
import math
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from scipy.optimize import least_squares

FAMILIES = {
    "two decays": ("(+ (* a1 (exp (- (* k1 x)))) (* a2 (exp (- (* k2 x)))))", ["a1", "k1", "a2", "k2"], (0, 5),
                   lambda r: [r.uniform(1, 5), r.uniform(.2, 1), r.uniform(1, 5), r.uniform(1.5, 4)],
                   lambda p, x: p[0] * np.exp(-p[1] * x) + p[2] * np.exp(-p[3] * x)),
    "decay": ("(+ c (* a (exp (- (* k x)))))", ["c", "a", "k"], (0, 10),
              lambda r: [r.uniform(-5, 5), r.uniform(1, 50), r.uniform(.1, 2)],
              lambda p, x: p[0] + p[1] * np.exp(-p[2] * x)),
    "rational": ("(/ (+ a (* b x)) (+ 1 (* c x) (* d x x)))", ["a", "b", "c", "d"], (0, 5),
                 lambda r: [r.uniform(1, 3), r.uniform(-1, 3), r.uniform(.1, 2), r.uniform(.1, 2)],
                 lambda p, x: (p[0] + p[1] * x) / (1 + p[2] * x + p[3] * x * x)),
    "two peaks": ("(+ (* h1 (exp (- (square (/ (- x c1) w1))))) (* h2 (exp (- (square (/ (- x c2) w2))))))",
                  ["h1", "c1", "w1", "h2", "c2", "w2"], (-5, 5),
                  lambda r: [r.uniform(2, 5), r.uniform(-3, -.5), r.uniform(.5, 1), r.uniform(2, 5), r.uniform(.5, 3), r.uniform(.5, 1)],
                  lambda p, x: p[0] * np.exp(-((x - p[1]) / p[2]) ** 2) + p[3] * np.exp(-((x - p[4]) / p[5]) ** 2)),
    "Lorentz": ("(+ b (/ h (+ 1 (square (/ (- x c) w)))))", ["b", "h", "c", "w"], (-10, 10),
                lambda r: [r.uniform(0, 2), r.uniform(3, 9), r.uniform(-6, 6), r.uniform(.3, 2)],
                lambda p, x: p[0] + p[1] / (1 + ((x - p[2]) / p[3]) ** 2)),
    "sine": ("(+ c (* a (sin (+ f (* w x)))))", ["c", "a", "f", "w"], (0, 10),
             lambda r: [r.uniform(-1, 1), r.uniform(1, 3), r.uniform(-1.5, 1.5), r.uniform(.5, 6)],
             lambda p, x: p[0] + p[1] * np.sin(p[2] + p[3] * x)),
    "saturation": ("(/ (* v x) (+ k x))", ["v", "k"], (.05, 10),
                   lambda r: [r.uniform(1, 100), r.uniform(.1, 8)], lambda p, x: p[0] * x / (p[1] + x)),
    "logistic": ("(/ a (+ 1 (exp (- b (* c x)))))", ["a", "b", "c"], (0, 10),
                 lambda r: [r.uniform(1, 100), r.uniform(1, 5), r.uniform(.5, 2)],
                 lambda p, x: p[0] / (1 + np.exp(p[1] - p[2] * x))),
    "step": ("(+ a (* b (atan (* c (- x d)))))", ["a", "b", "c", "d"], (-5, 5),
             lambda r: [r.uniform(-2, 2), r.uniform(1, 4), r.uniform(.5, 3), r.uniform(-2, 2)],
             lambda p, x: p[0] + p[1] * np.arctan(p[2] * (x - p[3]))),
}


def bounds(r, value):
    """Bounds of a parameter."""
    size = abs(value)
    return {
        "none": (-math.inf, math.inf),
        "around": (value - size * r.uniform(.1, 2), value + size * r.uniform(.1, 2)),
        "cut": (value + .05 * size, value + size * r.uniform(.5, 3)),
        "below": (value - .01 * size, math.inf),
    }[r.choice(["none", "none", "around", "cut", "below"])]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--nc", required=True)
    parser.add_argument("--problems", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    higher = lower = unconverged = outside = 0
    np.seterr(all="ignore")
    for number in range(arguments.problems):
        r = random.Random(f"{arguments.seed}/{number}")
        name = list(FAMILIES)[number % len(FAMILIES)]
        source, names, span, truth_of, model = FAMILIES[name]
        truth = truth_of(r)
        count = r.choice([4 * len(names), 30, 60])
        x = np.array([r.uniform(*span) for _ in range(count)])
        exact = model(truth, x)
        noise = r.choice([.001, .05, .3, 1]) * (np.std(exact) or 1)
        y = exact + noise * np.array([r.gauss(0, 1) for _ in x])
        data = folder / "data.csv"
        data.write_text("x,y\n" + "".join(f"{a!r},{b!r}\n" for a, b in zip(x.tolist(), y.tolist())))
        box = [bounds(r, value) for value in truth]
        command = [arguments.nc, "fit", "-e", source, "--data", str(data), "--target", "y", "--json"]
        for key, (low, high) in zip(names, box):
            if math.isfinite(low):
                command += ["--param", f"{key}:{low!r}..{high!r}" if math.isfinite(high) else f"{key}:{low!r}.."]
        run = subprocess.run(command, capture_output=True, text=True)
        report = json.loads(run.stdout)
        found = np.array([report["parameters"][key]["value"] for key in names])
        low, high = np.array(box).T
        outside += bool(np.any(found < low) or np.any(found > high))

        def residuals(p):
            r = model(p, x) - y
            return np.where(np.isfinite(r), r, 1e150)

        width = np.where(np.isfinite(high - low), high - low, 1.0) * 1e-6
        starts = [found, truth] + [[value * math.exp(r.gauss(0, .5)) for value in truth] for _ in range(12)]
        best = math.inf
        for start in starts:
            start = np.clip(start, low + width, high - width)
            try:
                fit = least_squares(residuals, start, bounds=(low, high), xtol=1e-15, ftol=1e-15, gtol=1e-15, x_scale="jac", max_nfev=300)
            except ValueError:
                continue
            best = min(best, 2 * fit.cost)
        ratio = report["rss"] / best - 1
        higher += ratio > 1e-6
        lower += ratio < -1e-6
        unconverged += not report["converged"]
        if ratio > 1e-6 or not report["converged"]:
            print(f"{name}, problem {number}: {report['rss']:.9g} beside {best:.9g}; {report['reason']}, {report['iterations']} steps", flush=True)
    print(f"{arguments.problems} problems: {higher} higher than SciPy's best, {lower} lower, {unconverged} not converged, {outside} outside the bounds")
    return 1 if outside else 0


if __name__ == "__main__":
    sys.exit(main())
