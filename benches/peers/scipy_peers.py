"""Fits beside SciPy: times of `nc fit` and of curve_fit and least_squares on the same data, in one run.

    python -m venv ENV && ENV/bin/pip install scipy
    cargo build --release -p nc-cli
    ENV/bin/python benches/peers/scipy_peers.py --nc target/release/nc [--groups 100000]

Three tables. Laws: 10,000 rows with 2 % noise; `nc fit` as a process, with 64 starts, reading the data from an npy file and compiling
included, beside SciPy called in this process from one start, with exact derivatives where it takes them. Reference sets: digits and
times over both starts of the sets in corpus/nist, SciPy with its defaults and with tolerances of 1e-15. Groups: Gaussian peaks
of 32 points with three parameters, fits per second of `nc fit --group` and of a loop over curve_fit.
"""

import argparse
import json
import math
import re
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy.optimize import curve_fit, least_squares

ROOT = Path(__file__).resolve().parents[2]


def best(of, repeats):
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = of()
        times.append(time.perf_counter() - start)
    return min(times), result


def structured(path, columns):
    table = np.zeros(len(next(iter(columns.values()))), dtype=[(name, "f8") for name in columns])
    for name, column in columns.items():
        table[name] = column
    np.save(path, table)


def nc_fit(nc, *arguments):
    done = subprocess.run([nc, "fit", *map(str, arguments), "--json"], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def laws(nc, folder):
    rng = np.random.default_rng(1)
    n = 10_000
    u = lambda low, high: rng.uniform(low, high, n)
    cases = {
        "gravity": ("(/ (* G (* m1 m2)) (pow r 2))", {"m1": u(0.5, 5), "m2": u(0.5, 5), "r": u(0.5, 5)},
                    lambda x, G: G * x["m1"] * x["m2"] / x["r"] ** 2, [6.674], [1.0]),
        "barometric": ("(* n0 (exp (/ (* (- 0 m) (* g x)) (* kB T))))",
                       {"m": u(0.5, 2), "g": u(5, 15), "x": u(0, 3), "T": u(1, 5)},
                       lambda x, n0, kB: n0 * np.exp(-x["m"] * x["g"] * x["x"] / (kB * x["T"])), [5.0, 1.381], [1.0, 1.0]),
        "oscillator": ("(* A (sin (+ (* omega t) phi)))", {"t": u(0, 6)},
                       lambda x, A, omega, phi: A * np.sin(omega * x["t"] + phi), [2.0, 3.0, 0.5], [1.0, 1.0, 1.0]),
        "decay": ("(+ (* a (exp (* k t))) c)", {"t": u(0, 5)},
                  lambda x, a, k, c: a * np.exp(k * x["t"]) + c, [3.0, -0.7, 0.5], [1.0, -1.0, 1.0]),
    }
    print("Laws: milliseconds, and the ratio to `nc fit`\n")
    print(f"{'law':12} {'nc fit':>8} {'curve_fit':>10} {'':>6} {'least_squares':>14} {'':>6}  found the truth: nc, curve_fit, least_squares")
    for name, (source, columns, law, truth, start) in cases.items():
        y = law(columns, *truth)
        y = y + 0.02 * np.abs(y).mean() * rng.normal(size=n)
        path = folder / f"{name}.npy"
        structured(path, {**columns, "y": y})
        mine, report = best(lambda: nc_fit(nc, "-e", source, "--data", path, "--target", "y"), 5)
        def scipy_curve():
            try:
                return curve_fit(law, columns, y, p0=start)[0]
            except RuntimeError:
                return np.full(len(start), np.nan)
        theirs, curve = best(scipy_curve, 5)
        others, squares = best(lambda: least_squares(lambda p: law(columns, *p) - y, start).x, 5)
        values = [parameter["value"] for parameter in report["parameters"].values()]
        near = lambda found: np.allclose(np.sort(np.abs(found)), np.sort(np.abs(truth)), rtol=0.05)
        print(f"{name:12} {1e3 * mine:8.2f} {1e3 * theirs:10.2f} {theirs / mine:6.2f} {1e3 * others:14.2f} {others / mine:6.2f}  "
              f"{near(values)}, {near(curve)}, {near(squares)}")
    print()


MODELS = {
    "BoxBOD": lambda x, b: b[0] * (1 - np.exp(-b[1] * x)),
    "Chwirut2": lambda x, b: np.exp(-b[0] * x) / (b[1] + b[2] * x),
    "Gauss1": lambda x, b: b[0] * np.exp(-b[1] * x) + b[2] * np.exp(-((x - b[3]) / b[4]) ** 2) + b[5] * np.exp(-((x - b[6]) / b[7]) ** 2),
    "Kirby2": lambda x, b: (b[0] + b[1] * x + b[2] * x * x) / (1 + b[3] * x + b[4] * x * x),
    "Lanczos3": lambda x, b: b[0] * np.exp(-b[1] * x) + b[2] * np.exp(-b[3] * x) + b[4] * np.exp(-b[5] * x),
    "MGH17": lambda x, b: b[0] + b[1] * np.exp(-b[3] * x) + b[2] * np.exp(-b[4] * x),
    "Misra1a": lambda x, b: b[0] * (1 - np.exp(-b[1] * x)),
    "Rat43": lambda x, b: b[0] / (1 + np.exp(b[1] - b[2] * x)) ** (1 / b[3]),
    "Roszman1": lambda x, b: b[0] - b[1] * x - np.arctan(b[2] / (x - b[3])) / np.pi,
}


def reference_set(path):
    lines = path.read_text().splitlines()
    starts, certified = [], []
    for line in lines[40:60]:
        match = re.match(r"\s*b\d+\s*=\s*(.*)", line)
        if match:
            numbers = [float(word) for word in match[1].split()]
            starts.append(numbers[:2])
            certified.append(numbers[2])
    rows = np.array([[float(word) for word in line.split()] for line in lines[60:] if line.strip()])
    return starts, certified, rows[:, 0], rows[:, 1]


def digits(found, certified):
    off = [abs(a - c) / abs(c) for a, c in zip(found, certified)]
    return min(11.0 if o == 0 else min(11.0, max(0.0, -math.log10(o))) if math.isfinite(o) else 0.0 for o in off)


def sets(nc, folder):
    print("NIST reference sets: least digits over the parameters, start 1 and start 2; milliseconds of both\n")
    print(f"{'set':10} {'nc fit':>12} {'ms':>7}  {'trf, defaults':>14} {'ms':>7}  {'trf, 1e-15':>12} {'ms':>7}")
    solved = [0, 0, 0]
    for path in sorted((ROOT / "corpus/nist").glob("*.dat")):
        starts, certified, y, x = reference_set(path)
        model = MODELS[path.stem]
        data = folder / f"{path.stem}.npy"
        structured(data, {"x": x, "y": y})
        cells = []
        for k, fit in enumerate(["nc", "defaults", "tight"]):
            found, spent = [], 0.0
            for start in (0, 1):
                first = [s[start] for s in starts]
                if fit == "nc":
                    params = [f"--param=b{i + 1}={value!r}" for i, value in enumerate(first)]
                    seconds, report = best(lambda: nc_fit(nc, path.with_suffix(".scm"), "--data", data, "--target", "y", *params), 3)
                    values = [report["parameters"][f"b{i + 1}"]["value"] for i in range(len(first))]
                else:
                    options = {} if fit == "defaults" else dict(xtol=1e-15, ftol=1e-15, gtol=1e-15, max_nfev=5000)
                    def solve():
                        with np.errstate(all="ignore"):
                            try:
                                return least_squares(lambda b: model(x, b) - y, first, x_scale="jac", jac="3-point", **options).x
                            except ValueError:
                                return [math.nan] * len(first)
                    seconds, values = best(solve, 3)
                found.append(digits(values, certified))
                solved[k] += found[-1] >= 6
                spent += seconds
            cells.append(f"{found[0]:5.1f} {found[1]:5.1f} {1e3 * spent:8.1f}")
        print(f"{path.stem:10} " + "   ".join(cells))
    print(f"\nruns of {2 * len(MODELS)} with six digits: nc {solved[0]}, SciPy with its defaults {solved[1]}, with 1e-15 {solved[2]}\n")


def groups(nc, folder, count):
    rng = np.random.default_rng(2)
    x = np.linspace(-4, 4, 32)
    height, centre, width = rng.uniform(20, 60, count), rng.uniform(-1, 1, count), rng.uniform(0.8, 1.6, count)
    y = height[:, None] * np.exp(-0.5 * ((x - centre[:, None]) / width[:, None]) ** 2) + rng.normal(size=(count, 32))
    path, out = folder / "peaks.npy", folder / "peaks.npz"
    structured(path, {"peak": np.repeat(np.arange(count), 32), "x": np.tile(x, count), "y": y.ravel()})
    source = "(* height (exp (* -1/2 (square (/ (- x centre) width)))))"
    arguments = ["-e", source, "--data", path, "--target", "y", "--group", "peak", "--param", "height=30", "--param", "centre=0", "-o", out]
    mine, report = best(lambda: nc_fit(nc, *arguments), 1)
    some = min(count, 500)
    peak = lambda x, height, centre, width: height * np.exp(-0.5 * ((x - centre) / width) ** 2)
    def loop():
        return np.array([curve_fit(peak, x, y[k], p0=[30.0, 0.0, 1.0])[0] for k in range(some)])
    theirs, found = best(loop, 1)
    table = np.load(out)
    columns = np.stack([table["height"], table["centre"], table["width"]], axis=1)[:some]
    apart = np.abs(np.abs(columns) / np.abs(found) - 1).max()
    rate, other = count / mine, some / theirs
    print(f"Groups: {count} peaks of 32 points: nc fit --group {rate:.0f} fits per second (reading and writing included), "
          f"curve_fit in a loop {other:.0f}: ratio {rate / other:.0f}; converged {report['converged']}, largest relative difference {apart:.1e}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--nc", required=True)
    parser.add_argument("--groups", type=int, default=100_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        laws(arguments.nc, folder)
        sets(arguments.nc, folder)
        groups(arguments.nc, folder, arguments.groups)


main()
