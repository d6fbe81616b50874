"""Trajectories beside diffrax (JAX): digits at the end and times, in one run, on one processor.

    python -m venv ENV && ENV/bin/pip install diffrax jax
    ENV/bin/python benches/peers/diffrax_peers.py --nc target/release/nc [--rows 10000]

For each problem of corpus/trajectories: `nc ode` as a whole process, compilation and files included, beside a compiled function of JAX in binary64 that
solves it by Dopri8, or Kvaerno5 where the problem is stiff, with the same tolerances; what JAX takes to compile it is printed by itself. First one row, then a
batch of different rows, by `vmap`. Digits are the least over the states of -log10(|y - ref| / (0.01 + |ref|)).
"""

import argparse
import json
import os
import pathlib
import subprocess
import tempfile
import time

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

import diffrax
import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)

ROOT = pathlib.Path(__file__).parents[2]
CORPUS = ROOT / "corpus" / "trajectories"


def arenstorf(t, s, _):
    x, y, u, v = s
    moon = 0.012277471
    earth = 1 - moon
    d1 = ((x + moon) ** 2 + y * y) ** 1.5
    d2 = ((x - earth) ** 2 + y * y) ** 1.5
    return jnp.array([u, v, x + 2 * v - earth * (x + moon) / d1 - moon * (x - earth) / d2,
                      y - 2 * u - earth * y / d1 - moon * y / d2])


def robertson(t, y, _):
    slow, back, fast = 0.04 * y[0], 1e4 * y[1] * y[2], 3e7 * y[1] ** 2
    return jnp.array([back - slow, slow - back - fast, fast])


def hires(t, y, _):
    a, b, c, d, e, f, g, h = y
    bound, released = 280 * f * h, 1.81 * g
    return jnp.array([-1.71 * a + 0.43 * b + 8.32 * c + 0.0007, 1.71 * a - 8.75 * b, -10.03 * c + 0.43 * d + 0.035 * e,
                      8.32 * b + 1.71 * c - 1.12 * d, -1.745 * e + 0.43 * f + 0.43 * g,
                      -bound + 0.69 * d + 1.71 * e - 0.43 * f + 0.69 * g, bound - released, released - bound])


# Name, program, states, parameters, end, right-hand side, stiff, reference.
PROBLEMS = [
    ("pendulum", "pendulum", dict(theta=1, omega=0), dict(k=9.81, b=0), 10,
     lambda t, y, _: jnp.array([y[1], -9.81 * jnp.sin(y[0])]), False, [-.463252768731787313, 2.636549513549629339]),
    ("Lotka-Volterra", "lotka-volterra", dict(x=4, y=1), dict(alpha=1, beta=.5, gamma=.5, delta=.25), 12,
     lambda t, y, _: jnp.array([y[0] - .5 * y[0] * y[1], .25 * y[0] * y[1] - .5 * y[1]]), False,
     [2.33039040350396261, 4.132134401010998200]),
    ("Arenstorf", "arenstorf", dict(x=.994, y=0, u=0, v=-2.00158510637908252240537862224), {}, 17.0652165601579625588917206249,
     arenstorf, False, [.994, 0, 0, -2.00158510637908252240537862224]),
    ("Robertson, 40", "robertson", dict(y1=1, y2=0, y3=0), {}, 40, robertson, True,
     [0.7158270687194, 9.185534764558e-6, 0.2841637457458]),
    ("van der Pol, 1000", "van-der-pol", dict(x=2, v=0), dict(mu=1000), 2000,
     lambda t, y, _: jnp.array([y[1], 1000 * (1 - y[0] ** 2) * y[1] - y[0]]), True, [1.706167732170469, -.8928097010248125e-3]),
    ("HIRES", "hires", dict(y=[1, 0, 0, 0, 0, 0, 0, .0057]), {}, 321.8122, hires, True,
     [.7371312573325668e-3, .1442485726316185e-3, .5888729740967575e-4, .1175651343283149e-2, .2386356198831331e-2,
      .6238968252742796e-2, .2849998395185769e-2, .2850001604814231e-2]),
]


def said(values):
    return ",".join(f"{name}={json.dumps(value)}" for name, value in values.items())


def digits(found, reference):
    found, reference = np.asarray(found, float), np.asarray(reference, float)
    return float(np.min(-np.log10(np.abs(found - reference) / (1e-2 + np.abs(reference)) + 1e-17)))


def solver(rhs, stiff, end, rtol, atol):
    """The end state from a start."""
    method = diffrax.Kvaerno5() if stiff else diffrax.Dopri8()
    term, steps = diffrax.ODETerm(rhs), diffrax.PIDController(rtol=rtol, atol=atol)

    def solve(y0):
        found = diffrax.diffeqsolve(term, method, 0.0, end, None, y0, stepsize_controller=steps, max_steps=1_000_000,
                                    adjoint=diffrax.ForwardMode(),
                                    throw=False)
        return found.ys[-1]

    return solve


def timed(function, *operands):
    begin = time.perf_counter()
    found = jax.block_until_ready(function(*operands))
    return found, time.perf_counter() - begin


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--nc", default=str(ROOT / "target" / "release" / "nc"))
    parser.add_argument("--rtol", type=float, default=1e-8)
    parser.add_argument("--rows", type=int, default=10_000)
    args = parser.parse_args()
    atol = args.rtol * 1e-2
    rng = np.random.default_rng(1)
    print(f"rtol {args.rtol:g}, atol {atol:g}; diffrax {diffrax.__version__}, jax {jax.__version__}; seconds")
    print(f"{'':18} {'nc':>8} {'digits':>6} {'diffrax':>9} {'digits':>6} {'compile':>8}   a row of {args.rows}: "
          f"{'nc':>9} {'diffrax':>9} {'ratio':>6}")
    for name, program, states, parameters, end, rhs, stiff, reference in PROBLEMS:
        y0 = np.concatenate([np.atleast_1d(np.asarray(value, float)) for value in states.values()])
        command = [args.nc, "ode", str(CORPUS / f"{program}.scm"), "--state", said(states), "--t", f"0,{end!r}",
                   "--rtol", repr(args.rtol), "--atol", repr(atol), "--threads", "1"]
        if parameters:
            command += ["--param", said(parameters)]
        begin = time.perf_counter()
        run = subprocess.run(command + ["--json"], capture_output=True, text=True, check=True)
        seconds = time.perf_counter() - begin
        report = json.loads(run.stdout)
        found = np.concatenate([np.atleast_1d(report["states"][state][-1]) for state in states])
        solve = solver(rhs, stiff, float(end), args.rtol, atol)
        compiled, compiling = timed(lambda: jax.jit(solve).lower(y0).compile())
        timed(compiled, y0)
        peer, peers = timed(compiled, y0)
        line = (f"{name:18} {seconds:8.4f} {digits(found, reference):6.1f} {peers:9.5f} {digits(peer, reference):6.1f} "
                f"{compiling:8.2f}")
        with tempfile.TemporaryDirectory() as folder:
            starts = {state: np.asarray(value, float) * (1 + 1e-3 * rng.standard_normal((args.rows,) + np.shape(value)))
                      for state, value in states.items()}
            np.savez(f"{folder}/starts.npz", **starts)
            begin = time.perf_counter()
            subprocess.run(command + ["--batch", f"{folder}/starts.npz", "-o", f"{folder}/out.npz"], check=True,
                           capture_output=True)
            seconds = (time.perf_counter() - begin) / args.rows
        y0 = np.concatenate([value.reshape(args.rows, -1) for value in starts.values()], axis=1)
        batch = jax.jit(jax.vmap(solve)).lower(y0).compile()
        _, peers = timed(batch, y0)
        peers /= args.rows
        print(f"{line}   {'':{len('a row of ') + len(str(args.rows))}} {seconds:9.2e} {peers:9.2e} {peers / seconds:6.1f}", flush=True)


if __name__ == "__main__":
    main()
