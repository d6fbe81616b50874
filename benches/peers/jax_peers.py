"""Four programs with nested derivatives and loops, beside JAX: compile time and time per row with gradients, one thread each.

    python -m venv ENV && ENV/bin/pip install jax numpy
    cargo build --release -p nc-cli
    ENV/bin/python benches/peers/jax_peers.py --nc target/release/nc

Both get the same kind of inputs (|x| + 0.1 with normally distributed x) in batches of the same size, run on one core, in binary64,
and have to agree on a batch before they are timed. JAX is jitted and vectorised by vmap; its loops are lax.while_loop where their
length is data, which only forward mode can differentiate, and lax.scan where it is fixed. A time is the best of many evaluations.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["JAX_PLATFORMS"] = "cpu"
# Threads of JAX inherit it; so does `nc`.
os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[0]})

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

jax.config.update("jax_enable_x64", True)


def saddle(a):
    def F(x, y):
        return x @ x - y @ y + a * x[0] * y[1] + jnp.sin(x[1] * y[0])

    def highest(x):
        ascend = lambda y, _: (y + 0.25 * jax.grad(lambda y: F(x, y))(y), None)
        return lax.scan(ascend, jnp.ones(2), length=10)[0]

    descend = lambda x, _: (x - 0.25 * jax.grad(lambda x: F(x, highest(x)))(x), None)
    x = lax.scan(descend, jnp.ones(2), length=10)[0]
    return F(x, highest(x))


def particle(u):
    w = (1 + u) / (2 + u)

    def p(x):
        one, other = jnp.stack([jnp.array(10.0), 10.0 - w]), jnp.array([10.0, 0.0])
        return 1 / jnp.linalg.norm(x - one) + 1 / jnp.linalg.norm(x - other)

    def body(state):
        x, v = state
        return x + 0.1 * v, v - 0.1 * jax.grad(p)(x)

    x, v = lax.while_loop(lambda s: s[0][1] > 0, body, (jnp.array([0.0, 8.0]), jnp.array([0.75, 0.0])))
    return (x[0] - v[0] * (x[1] / v[1])) ** 2


def kepler(q, m):
    e = q / (1 + q)
    f = lambda E: E - e * jnp.sin(E) - m
    newton = lambda E: f(E) / jax.grad(f)(E)
    state = (m + e, newton(m + e))
    E, step = lax.while_loop(lambda s: jnp.abs(s[1]) >= 1e-13, lambda s: (s[0] - s[1], newton(s[0] - s[1])), state)
    return E - step


def pendulum(k, c, angle):
    field = lambda y: jnp.stack([y[1], -k * jnp.sin(y[0]) - c * y[1]])
    h = 0.02

    def step(y, _):
        k1 = field(y)
        k2 = field(y + 0.5 * h * k1)
        k3 = field(y + 0.5 * h * k2)
        k4 = field(y + h * k3)
        return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4), None

    return lax.scan(step, jnp.stack([angle, jnp.zeros_like(angle)]), length=100)[0][0]


# Each with the inputs in the order of the program, and the mode in which JAX can differentiate it by all of them at once.
PROGRAMS = [
    (saddle, ["a"], "reverse"),
    (particle, ["u"], "forward"),
    (kepler, ["q", "m"], "forward"),
    (pendulum, ["k", "c", "angle"], "reverse"),
]


def of_jax(function, count, mode):
    """Value and gradient of a batch, by columns."""
    by = tuple(range(count))
    if mode == "reverse":
        return jax.vmap(jax.value_and_grad(function, argnums=by))
    slopes = jax.jacfwd(lambda *x: (function(*x),) * 2, argnums=by, has_aux=True)

    def both(*x):
        gradient, value = slopes(*x)
        return value, gradient

    return jax.vmap(both)


def best(work, seconds):
    """The shortest of as many runs as the time allows, of three at least."""
    times, end = [], time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def main():
    here = Path(__file__).parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nc", default="nc", help="the command line to be timed")
    parser.add_argument("--rows", type=int, default=10_000, help="rows of a batch")
    parser.add_argument("--seconds", type=float, default=2.0, help="how long each is timed")
    args = parser.parse_args()
    print(f"JAX {jax.__version__}, {args.rows} rows, value and gradient, one core")
    print(f"{'program':<10} {'compile ms':>22} {'ns a row':>24} {'ratios':>18}")
    print(f"{'':<10} {'nc':>11}{'JAX':>11} {'nc':>12}{'JAX':>12} {'compile':>9}{'row':>9}")
    for function, names, mode in PROGRAMS:
        name = function.__name__
        program = str(here / f"{name}.scm")
        rng = np.random.default_rng(1)
        inputs = [np.abs(rng.standard_normal(args.rows)) + 0.1 for _ in names]
        batched = of_jax(function, len(names), mode)
        start = time.perf_counter()
        compiled = jax.jit(batched).lower(*inputs).compile()
        jax_compile = time.perf_counter() - start
        value, gradient = compiled(*inputs)
        with tempfile.TemporaryDirectory() as folder:
            batch, out, grad = (os.path.join(folder, file) for file in ("in.npz", "out.npy", "grad.npz"))
            np.savez(batch, **dict(zip(names, inputs)))
            run = [args.nc, "run", program, "--batch", batch, "-o", out, "--grad", grad]
            subprocess.run(run, check=True, capture_output=True)
            ours, slopes = np.load(out), np.load(grad)
            np.testing.assert_allclose(ours.ravel(), value, rtol=1e-8, err_msg=name)
            for key, slope in zip(names, gradient):
                np.testing.assert_allclose(slopes[key].ravel(), slope, rtol=1e-6, atol=1e-8, err_msg=f"{name} by {key}")
        held = [jnp.asarray(column) for column in inputs]
        jax_row = best(lambda: jax.block_until_ready(compiled(*held)), args.seconds) / args.rows * 1e9
        bench = [args.nc, "bench", program, "--grad", "--threads", "1", "--batch-size", str(args.rows), "--json"]
        report = json.loads(subprocess.run(bench, check=True, capture_output=True, text=True).stdout)
        nc_compile, nc_row = report["compile_us"] / 1e3, report["ns_per_row"]
        print(
            f"{name:<10} {nc_compile:11.2f}{jax_compile * 1e3:11.1f} {nc_row:12.1f}{jax_row:12.1f}"
            f" {jax_compile * 1e3 / nc_compile:9.0f}{jax_row / nc_row:9.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
