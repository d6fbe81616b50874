"""Trajectories beside SciPy: digits at the end, steps, and times, in one run.

    python benches/peers/ode_peers.py --nc target/release/nc

For each problem of corpus/trajectories: the digits of the end state against its reference (the least over the states of
-log10(|y - ref| / (atol / rtol + |ref|)), atol / rtol being 1e-2 here), by `nc ode` and by SciPy at the same tolerances, with the
seconds that the integration takes: for nc those of its whole process, compilation included. Then 10,000 different rows of some of
them: seconds per trajectory in one batch on one thread, beside SciPy's loop over 20 of them.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile
import time

import numpy as np
from scipy.integrate import solve_ivp

ROOT = pathlib.Path(__file__).parents[2]
CORPUS = ROOT / "corpus" / "trajectories"


def robertson(t, y):
    slow, back, fast = 0.04 * y[0], 1e4 * y[1] * y[2], 3e7 * y[1] ** 2
    return [back - slow, slow - back - fast, fast]


def hires(t, y):
    a, b, c, d, e, f, g, h = y
    bound, released = 280 * f * h, 1.81 * g
    return [-1.71 * a + 0.43 * b + 8.32 * c + 0.0007, 1.71 * a - 8.75 * b, -10.03 * c + 0.43 * d + 0.035 * e,
            8.32 * b + 1.71 * c - 1.12 * d, -1.745 * e + 0.43 * f + 0.43 * g,
            -bound + 0.69 * d + 1.71 * e - 0.43 * f + 0.69 * g, bound - released, released - bound]


def arenstorf(t, s):
    x, y, u, v = s
    moon = 0.012277471
    earth = 1 - moon
    d1 = ((x + moon) ** 2 + y * y) ** 1.5
    d2 = ((x - earth) ** 2 + y * y) ** 1.5
    return [u, v, x + 2 * v - earth * (x + moon) / d1 - moon * (x - earth) / d2, y - 2 * u - earth * y / d1 - moon * y / d2]


def pleiades(t, s):
    x, y, u, v = s.reshape(4, 7)
    dx, dy = x[None] - x[:, None], y[None] - y[:, None]
    d = (dx * dx + dy * dy) ** 1.5
    np.fill_diagonal(d, 1)
    m = np.arange(1, 8)
    return np.concatenate([u, v, (m * dx / d).sum(1), (m * dy / d).sum(1)])


RATES = [float(k) for k in ".35 .266e2 .123e5 .86e-3 .82e-3 .15e5 .13e-3 .24e5 .165e5 .9e4 .22e-1 .12e5 .188e1 .163e5 .48e7 "
         ".35e-3 .175e-1 .1e9 .444e12 .124e4 .21e1 .578e1 .474e-1 .178e4 .312e1".split()]
OF = [[int(k) for k in of.split(",")] for of in
      "1|2,4|5,2|7|7|7,6|9|9,6|11,2|11,1|13|10,2|14|1,6|3|4|4|16|16|17,6|19|19|1,4|19,1|20".split("|")]
BALANCE = [[int(k) for k in line.split()] for line in (
    "-1 -10 -14 -23 -24 2 3 9 11 12 22 25|-2 -3 -9 -12 1 21|-15 1 17 19 22|-2 -16 -17 -23 15|-3 4 4 6 7 13 20|"
    "-6 -8 -14 -20 3 18 18|-4 -5 -6 13|4 5 6 7|-7 -8|-12 7 9|-9 -10 8 11|9|-11 10|-13 12|14|-18 -19 16|-20|20|"
    "-21 -22 -24 23 25|-25 24").split("|")]


def pollution(t, y):
    r = [k * np.prod([y[i - 1] for i in of]) for k, of in zip(RATES, OF)]
    return [sum(np.sign(k) * r[abs(k) - 1] for k in line) for line in BALANCE]


POLLUTED = np.zeros(20)
POLLUTED[[1, 3, 6, 7, 8, 16]] = 0.2, 0.04, 0.1, 0.3, 0.01, 0.007
STARS = dict(x=[3, 3, -1, -3, 2, -2, 2], y=[3, -3, 2, 0, 0, -4, 4], u=[0, 0, 0, 0, 0, 1.75, -1.5], v=[0, 0, 0, -1.25, 1, 0, 0])

# Name, program, states, parameters, end, right-hand side, SciPy's method, reference (nothing: SciPy's at the least tolerance).
PROBLEMS = [
    ("pendulum", "pendulum", dict(theta=1, omega=0), dict(k=9.81, b=0), 10,
     lambda t, y: [y[1], -9.81 * np.sin(y[0])], "DOP853", [-.463252768731787313, 2.636549513549629339]),
    ("Lotka-Volterra", "lotka-volterra", dict(x=4, y=1), dict(alpha=1, beta=.5, gamma=.5, delta=.25), 12,
     lambda t, y: [y[0] - .5 * y[0] * y[1], .25 * y[0] * y[1] - .5 * y[1]], "DOP853", [2.33039040350396261, 4.132134401010998200]),
    ("Arenstorf", "arenstorf", dict(x=.994, y=0, u=0, v=-2.00158510637908252240537862224), {}, 17.0652165601579625588917206249,
     arenstorf, "DOP853", [.994, 0, 0, -2.00158510637908252240537862224]),
    ("Pleiades", "pleiades", STARS, {}, 3, pleiades, "DOP853", None),
    ("Robertson, 40", "robertson", dict(y1=1, y2=0, y3=0), {}, 40, robertson, "Radau",
     [0.7158270687194, 9.185534764558e-6, 0.2841637457458]),
    ("Robertson, 1e11", "robertson", dict(y1=1, y2=0, y3=0), {}, 1e11, robertson, "Radau",
     [.2083340149701255e-7, .8333360770334713e-13, .9999999791665050]),
    ("van der Pol, 1000", "van-der-pol", dict(x=2, v=0), dict(mu=1000), 2000,
     lambda t, y: [y[1], 1000 * (1 - y[0] ** 2) * y[1] - y[0]], "Radau", [1.706167732170469, -.8928097010248125e-3]),
    ("HIRES", "hires", dict(y=[1, 0, 0, 0, 0, 0, 0, .0057]), {}, 321.8122, hires, "Radau",
     [.7371312573325668e-3, .1442485726316185e-3, .5888729740967575e-4, .1175651343283149e-2, .2386356198831331e-2,
      .6238968252742796e-2, .2849998395185769e-2, .2850001604814231e-2]),
    ("Oregonator", "oregonator", dict(x=1, y=2, z=3), {}, 360,
     lambda t, s: [77.27 * (s[1] + s[0] * (1 - 8.375e-6 * s[0] - s[1])), (s[2] - (1 + s[0]) * s[1]) / 77.27, .161 * (s[0] - s[2])],
     "Radau", None),
    ("pollution", "pollution", dict(y=POLLUTED.tolist()), {}, 60, pollution, "Radau", None),
]


def said(values):
    return ",".join(f"{name}={json.dumps(value)}" for name, value in values.items())


def digits(found, reference, small):
    found, reference = np.asarray(found, float), np.asarray(reference, float)
    return float(np.min(-np.log10(np.abs(found - reference) / (small + np.abs(reference)) + 1e-17)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--nc", default=str(ROOT / "target" / "release" / "nc"))
    parser.add_argument("--rtol", type=float, default=1e-10)
    args = parser.parse_args()
    small = 1e-2
    atol = args.rtol * small
    print(f"rtol {args.rtol:g}, atol {atol:g}")
    print(f"{'':18} {'method':8} {'digits':>6} {'steps':>7} {'seconds':>9}   {'SciPy':7} {'digits':>6} {'evals':>7} {'seconds':>9}")
    for name, program, states, parameters, end, rhs, method, reference in PROBLEMS:
        y0 = np.concatenate([np.atleast_1d(np.asarray(value, float)) for value in states.values()])
        if reference is None:
            reference = solve_ivp(rhs, (0, end), y0, method, rtol=1e-13, atol=1e-16, t_eval=[end]).y[:, -1]
        command = [args.nc, "ode", str(CORPUS / f"{program}.scm"), "--state", said(states), "--t", f"0,{end!r}",
                   "--rtol", repr(args.rtol), "--atol", repr(atol), "--json", "--threads", "1"]
        if parameters:
            command += ["--param", said(parameters)]
        begin = time.perf_counter()
        run = subprocess.run(command, capture_output=True, text=True)
        seconds = time.perf_counter() - begin
        report = json.loads(run.stdout)
        found = np.concatenate([np.atleast_1d(report["states"][state][-1]) for state in states])
        begin = time.perf_counter()
        peer = solve_ivp(rhs, (0, end), y0, method, rtol=args.rtol, atol=atol, t_eval=[end])
        peers = time.perf_counter() - begin
        print(f"{name:18} {report['method']:8} {digits(found, reference, small):6.1f} {report['steps']:7d} {seconds:9.4f}   "
              f"{method:7} {digits(peer.y[:, -1], reference, small):6.1f} {peer.nfev:7d} {peers:9.4f}")
    rng = np.random.default_rng(1)
    print("\n10,000 different rows, one thread, seconds per trajectory")
    for name, program, states, parameters, end, rhs, method, _ in PROBLEMS:
        if name not in ("pendulum", "Lotka-Volterra", "Arenstorf", "van der Pol, 1000", "HIRES"):
            continue
        rows = 10_000
        with tempfile.TemporaryDirectory() as folder:
            starts = {state: np.asarray(value, float) * (1 + 1e-3 * rng.standard_normal((rows,) + np.shape(value)))
                      for state, value in states.items()}
            np.savez(f"{folder}/starts.npz", **starts)
            command = [args.nc, "ode", str(CORPUS / f"{program}.scm"), "--state", said(states), "--t", f"0,{end!r}",
                       "--rtol", repr(args.rtol), "--atol", repr(atol), "--threads", "1", "--batch", f"{folder}/starts.npz",
                       "-o", f"{folder}/out.npz"]
            if parameters:
                command += ["--param", said(parameters)]
            begin = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            seconds = (time.perf_counter() - begin) / rows
            few = 20
            begin = time.perf_counter()
            for row in range(few):
                y0 = np.concatenate([np.atleast_1d(value[row]) for value in starts.values()])
                solve_ivp(rhs, (0, end), y0, method, rtol=args.rtol, atol=atol, t_eval=[end])
            peers = (time.perf_counter() - begin) / few
            print(f"{name:18} nc {seconds:.3e}   SciPy {method} {peers:.3e}   ratio {peers / seconds:.0f}")


if __name__ == "__main__":
    main()
