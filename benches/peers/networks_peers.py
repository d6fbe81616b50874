"""A training step of networks beside NumPy (BLAS) and, if it is installed, PyTorch: the squared error of a batch with its gradient by all
weights, one thread each, in turns in one run.

    cargo build --profile bench --bench networks
    python3 benches/peers/networks_peers.py PATH_OF_THE_BENCH

The path is that of the executable that the first command builds, in target/release/deps/networks-….
"""

import json
import os
import subprocess
import sys
import time

# NumPy's own choice of kernels, one thread.
for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np  # noqa: E402

ROUNDS = 5
REPEATS = 60


def numpy_step(sizes, dtype, rows):
    """A function that computes the loss and its gradients."""
    rng = np.random.default_rng(0)
    weights = [rng.uniform(-0.5, 0.5, (m, n)).astype(dtype) for n, m in zip(sizes, sizes[1:])]
    biases = [np.zeros(m, dtype) for m in sizes[1:]]
    x = rng.uniform(-0.5, 0.5, (rows, sizes[0])).astype(dtype)
    y = rng.uniform(-0.5, 0.5, (rows, sizes[-1])).astype(dtype)

    def step():
        layers = [x]
        for k, (w, b) in enumerate(zip(weights, biases)):
            z = layers[-1] @ w.T
            z += b
            layers.append(np.tanh(z, out=z) if k + 1 < len(weights) else z)
        error = layers[-1] - y
        loss = np.vdot(error, error)
        t = 2 * error
        gradients = []
        for k in range(len(weights) - 1, -1, -1):
            gradients.append((t.T @ layers[k], t.sum(axis=0)))
            if k:
                t = t @ weights[k]
                t *= 1 - layers[k] * layers[k]
        return loss, gradients

    return step


def torch_step(sizes, dtype, rows):
    try:
        import torch
    except ImportError:
        return None
    torch.set_num_threads(1)
    kind = {"f64": torch.float64, "f32": torch.float32}[dtype]
    parts = []
    for k, (n, m) in enumerate(zip(sizes, sizes[1:])):
        parts.append(torch.nn.Linear(n, m, dtype=kind))
        if k + 2 < len(sizes):
            parts.append(torch.nn.Tanh())
    net = torch.nn.Sequential(*parts)
    x, y = torch.rand(rows, sizes[0], dtype=kind), torch.rand(rows, sizes[-1], dtype=kind)

    def step():
        net.zero_grad(set_to_none=True)
        ((net(x) - y) ** 2).sum().backward()

    return step


def best(step):
    """The best time of a call, in microseconds."""
    step()
    least = float("inf")
    for _ in range(REPEATS):
        start = time.perf_counter()
        step()
        least = min(least, time.perf_counter() - start)
    return least * 1e6


def main():
    bench = sys.argv[1]
    best_of = {}
    for _ in range(ROUNDS):
        for line in json.loads(subprocess.run([bench, "--json"], capture_output=True, check=True).stdout):
            key = (line["network"], line["dtype"])
            sizes = [int(size) for size in line["network"].split("-")]
            kind = {"f64": np.float64, "f32": np.float32}[line["dtype"]]
            times = {"nc": line["step_us"], "numpy": best(numpy_step(sizes, kind, line["rows"]))}
            torch = torch_step(sizes, line["dtype"], line["rows"])
            if torch:
                times["torch"] = best(torch)
            known = best_of.setdefault(key, {"share": 0.0})
            known["share"] = max(known["share"], line["step_share"])
            for name, value in times.items():
                known[name] = min(value, known.get(name, float("inf")))
    print(f"NumPy {np.__version__}; µs for a step of 1024 rows, one thread, best of {ROUNDS} rounds")
    print(f"{'network':<16}{'dtype':>6}{'nc':>10}{'share of peak':>15}{'NumPy':>10}{'ratio':>8}{'torch':>10}")
    for (network, dtype), times in best_of.items():
        torch = f"{times['torch']:10.0f}" if "torch" in times else "         -"
        ratio = times["nc"] / times["numpy"]
        print(f"{network:<16}{dtype:>6}{times['nc']:10.0f}{times['share']:14.0%} {times['numpy']:10.0f}{ratio:8.2f}{torch}")


if __name__ == "__main__":
    main()
