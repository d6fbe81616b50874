"""Derivatives of stiff trajectories to thirty digits.

    python -m venv ENV && ENV/bin/pip install mpmath gmpy2
    ENV/bin/python benches/references/stiff_gradients.py [robertson] [van-der-pol] [oregonator]

Gauss's collocation with twenty stages in numbers of sixty digits, steps chosen so that the last Legendre coefficients of the slopes of states and derivatives are small; the
derivatives by start values and constants are those of the collocation equations, exactly (implicit differentiation), so they converge as the states do. Each problem
is solved with two tolerances, and the digits on which both agree are printed: `crates/model/tests/ode.rs` compares with them.
"""

import sys

from mpmath import mp, mpf, matrix, lu_solve, legendre

mp.dps = 60
STAGES = 20


def collocation():
    """Nodes, weights and coefficients of Gauss's method on [0, 1], and values of the last Legendre polynomial."""
    nodes = []
    for k in range(STAGES):
        x = mp.cos(mp.pi * (mpf(k) + mpf(3) / 4) / (STAGES + mpf(1) / 2))
        for _ in range(8):
            value, before = legendre(STAGES, x), legendre(STAGES - 1, x)
            x -= value * (x * x - 1) / (STAGES * (x * value - before))
        nodes.append(x)
    nodes = sorted((x + 1) / 2 for x in nodes)

    def product(roots):
        coefficients = [mpf(1)]
        for root in roots:
            shifted = [mpf(0)] + coefficients
            for k, c in enumerate(coefficients):
                shifted[k] -= root * c
            coefficients = shifted
        return coefficients

    a = matrix(STAGES, STAGES)
    b = [mpf(0)] * STAGES
    for j in range(STAGES):
        others = nodes[:j] + nodes[j + 1:]
        scale = mpf(1)
        for other in others:
            scale *= nodes[j] - other
        basis = [c / scale for c in product(others)]

        def integral(x):
            return sum(c * x ** (k + 1) / (k + 1) for k, c in enumerate(basis))

        b[j] = integral(mpf(1))
        for i in range(STAGES):
            a[i, j] = integral(nodes[i])
    last = [b[i] * legendre(STAGES - 1, 2 * nodes[i] - 1) * (2 * STAGES - 1) for i in range(STAGES)]
    return nodes, a, b, last


NODES, A, B, LAST = collocation()


class Problem:
    """y' = f(y, p) with its Jacobians."""

    def __init__(self, start, constants, end, first, f, by_state, by_constant):
        self.start, self.constants, self.end, self.first = start, constants, end, first
        self.f, self.by_state, self.by_constant = f, by_state, by_constant


def robertson():
    def f(y, k):
        r1, r2, r3 = k[0] * y[0], k[1] * y[1] * y[2], k[2] * y[1] ** 2
        return [-r1 + r2, r1 - r2 - r3, r3]

    def by_state(y, k):
        return [[-k[0], k[1] * y[2], k[1] * y[1]],
                [k[0], -k[1] * y[2] - 2 * k[2] * y[1], -k[1] * y[1]],
                [0, 2 * k[2] * y[1], 0]]

    def by_constant(y, k):
        return [[-y[0], y[1] * y[2], 0], [y[0], -y[1] * y[2], -y[1] ** 2], [0, 0, y[1] ** 2]]

    return Problem([1, 0, 0], [mpf(4) / 100, mpf(10) ** 4, 3 * mpf(10) ** 7], 40, mpf(10) ** -6, f, by_state, by_constant)


def van_der_pol():
    def f(y, k):
        return [y[1], k[0] * (1 - y[0] ** 2) * y[1] - y[0]]

    def by_state(y, k):
        return [[0, 1], [-2 * k[0] * y[0] * y[1] - 1, k[0] * (1 - y[0] ** 2)]]

    def by_constant(y, k):
        return [[0], [(1 - y[0] ** 2) * y[1]]]

    return Problem([2, 0], [mpf(1000)], 500, mpf(10) ** -6, f, by_state, by_constant)


def oregonator():
    def f(y, k):
        s, w, q = k
        return [s * (y[1] + y[0] * (1 - q * y[0] - y[1])), (y[2] - (1 + y[0]) * y[1]) / s, w * (y[0] - y[2])]

    def by_state(y, k):
        s, w, q = k
        return [[s * (1 - 2 * q * y[0] - y[1]), s * (1 - y[0]), 0], [-y[1] / s, -(1 + y[0]) / s, 1 / s], [w, 0, -w]]

    def by_constant(y, k):
        s, w, q = k
        return [[y[1] + y[0] * (1 - q * y[0] - y[1]), 0, -s * y[0] ** 2],
                [-(y[2] - (1 + y[0]) * y[1]) / s ** 2, 0, 0], [0, y[0] - y[2], 0]]

    constants = [mpf("77.27"), mpf("0.161"), mpf("8.375e-6")]
    return Problem([1, 2, 3], constants, 30, mpf(10) ** -6, f, by_state, by_constant)


def solve(problem, tolerance):
    """The end state, and its derivatives by start values and constants, a row for each state."""
    n, m = len(problem.start), len(problem.constants)
    k = problem.constants
    y = [mpf(v) for v in problem.start]
    columns = n + m
    s = [[mpf(1) if i == j else mpf(0) for j in range(columns)] for i in range(n)]
    t, h, end, steps = mpf(0), problem.first, mpf(problem.end), 0
    slopes = [problem.f(y, k)] * STAGES
    while t < end:
        h = min(h, end - t)
        slopes = [problem.f(y, k)] * STAGES
        converged = False
        for _ in range(15):
            states = [[y[c] + h * sum(A[i, j] * slopes[j][c] for j in range(STAGES)) for c in range(n)] for i in range(STAGES)]
            jacobians = [problem.by_state(state, k) for state in states]
            system = matrix(STAGES * n, STAGES * n)
            rest = matrix(STAGES * n, 1)
            for i in range(STAGES):
                value = problem.f(states[i], k)
                for c in range(n):
                    rest[i * n + c] = value[c] - slopes[i][c]
                    for j in range(STAGES):
                        for d in range(n):
                            system[i * n + c, j * n + d] = -h * A[i, j] * jacobians[i][c][d]
                    system[i * n + c, i * n + c] += 1
            change = lu_solve(system, rest)
            slopes = [[slopes[i][c] + change[i * n + c] for c in range(n)] for i in range(STAGES)]
            size = max(abs(change[i]) for i in range(STAGES * n)) * h
            if size < mpf(10) ** -52 * max(abs(v) for v in y):
                converged = True
                break
        error = max(abs(h * sum(LAST[i] * slopes[i][c] for i in range(STAGES))) / max(abs(y[c]), mpf(10) ** -8) for c in range(n))
        if not converged or error > tolerance:
            h /= 2
            continue
        by_constant = [problem.by_constant(state, k) for state in states]
        sums = [[mpf(0)] * columns for _ in range(n)]
        for q in range(columns):
            right = matrix(STAGES * n, 1)
            for i in range(STAGES):
                for c in range(n):
                    right[i * n + c] = sum(jacobians[i][c][d] * s[d][q] for d in range(n))
                    if q >= n:
                        right[i * n + c] += by_constant[i][c][q - n]
            found = lu_solve(system, right)
            largest = max(abs(s[c][q]) for c in range(n)) or mpf(1)
            for c in range(n):
                sums[c][q] = sum(B[i] * found[i * n + c] for i in range(STAGES))
                missed = abs(h * sum(LAST[i] * found[i * n + c] for i in range(STAGES)))
                error = max(error, missed / max(abs(s[c][q]), largest * mpf(10) ** -8))
        if error > tolerance:
            h /= 2
            continue
        for c in range(n):
            y[c] += h * sum(B[i] * slopes[i][c] for i in range(STAGES))
            for q in range(columns):
                s[c][q] += h * sums[c][q]
        t += h
        steps += 1
        h *= min(mpf(2), max(mpf(1) / 2, (tolerance / error / 4) ** (mpf(1) / STAGES))) if error else 2
    return y, s, steps


def agreed(a, b):
    """The digits that two numbers have in common."""
    if a == b:
        return 40
    return int(-mp.log10(abs(a - b) / max(abs(a), abs(b))))


def main():
    problems = {"robertson": robertson, "van-der-pol": van_der_pol, "oregonator": oregonator}
    for name in sys.argv[1:] or problems:
        problem = problems[name]()
        (y, s, coarse), (fine_y, fine_s, fine) = (solve(problem, mpf(10) ** -e) for e in (30, 32))
        print(f"{name}: {coarse} and {fine} steps")
        digits = 40
        for a, b in zip([*y, *(x for row in s for x in row)], [*fine_y, *(x for row in fine_s for x in row)]):
            digits = min(digits, agreed(a, b))
        print(f"  digits agreed: {digits}")
        for c in range(len(y)):
            print(f"  y{c} = {mp.nstr(fine_y[c], 34)}")
            names = [f"y{d}(0)" for d in range(len(y))] + [f"k{d}" for d in range(len(problem.constants))]
            for q, by in enumerate(names):
                print(f"    by {by}: {mp.nstr(fine_s[c][q], 34)}", flush=True)


main()
