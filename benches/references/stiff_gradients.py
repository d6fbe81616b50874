"""Derivatives of stiff trajectories to thirty digits.

    python -m venv ENV && ENV/bin/pip install mpmath python-flint
    ENV/bin/python benches/references/stiff_gradients.py [robertson] [van-der-pol] [oregonator]

Gauss's collocation with twenty stages in numbers of sixty digits, steps chosen so that the last Legendre coefficients of the slopes of states and derivatives are small; the
derivatives by start values and constants are those of the collocation equations, exactly (implicit differentiation), so they converge as the states do. Each problem
is solved with two tolerances, and the digits on which both agree are printed: `crates/model/tests/ode.rs` compares with them.
"""

import math
import sys

from flint import arb, arb_mat, ctx
from mpmath import legendre, matrix, mp, mpf

mp.dps = 70
ctx.dps = 60
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


def number(x):
    """A number of mpmath as one of FLINT."""
    return arb(mp.nstr(x, 65)).mid()


NODES, A, B, LAST = collocation()
A = [[number(A[i, j]) for j in range(STAGES)] for i in range(STAGES)]
B, LAST = [number(b) for b in B], [number(x) for x in LAST]


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

    return Problem([1, 0, 0], [arb(4) / 100, arb(10) ** 4, 3 * arb(10) ** 7], 40, arb(10) ** -6, f, by_state, by_constant)


def van_der_pol():
    def f(y, k):
        return [y[1], k[0] * (1 - y[0] ** 2) * y[1] - y[0]]

    def by_state(y, k):
        return [[0, 1], [-2 * k[0] * y[0] * y[1] - 1, k[0] * (1 - y[0] ** 2)]]

    def by_constant(y, k):
        return [[0], [(1 - y[0] ** 2) * y[1]]]

    return Problem([2, 0], [arb(1000)], 500, arb(10) ** -6, f, by_state, by_constant)


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

    constants = [arb("77.27"), arb("0.161"), arb("8.375e-6")]
    return Problem([1, 2, 3], constants, 30, arb(10) ** -6, f, by_state, by_constant)


def middle(x):
    return arb(x).mid()


def solved(system, rights):
    """Solutions of linear equations, rounded."""
    size = len(system)
    found = arb_mat(system).solve(arb_mat([[right[i] for right in rights] for i in range(size)]))
    return [[found[i, q].mid() for i in range(size)] for q in range(len(rights))]


def solve(problem, tolerance):
    """The end state, and its derivatives by start values and constants, a row for each state."""
    n, m = len(problem.start), len(problem.constants)
    k = problem.constants
    y = [arb(v) for v in problem.start]
    columns = n + m
    s = [[arb(1) if i == j else arb(0) for j in range(columns)] for i in range(n)]
    t, h, end, steps = arb(0), problem.first, arb(problem.end), 0
    slopes = [problem.f(y, k)] * STAGES
    while t < end:
        h = middle(min(h, end - t))
        slopes = [problem.f(y, k)] * STAGES
        converged = False
        for _ in range(15):
            states = [[y[c] + h * sum(A[i][j] * slopes[j][c] for j in range(STAGES)) for c in range(n)] for i in range(STAGES)]
            jacobians = [problem.by_state(state, k) for state in states]
            system = [[arb(0)] * (STAGES * n) for _ in range(STAGES * n)]
            rest = [arb(0)] * (STAGES * n)
            for i in range(STAGES):
                value = problem.f(states[i], k)
                for c in range(n):
                    rest[i * n + c] = value[c] - slopes[i][c]
                    for j in range(STAGES):
                        for d in range(n):
                            system[i * n + c][j * n + d] = -h * A[i][j] * jacobians[i][c][d]
                    system[i * n + c][i * n + c] += 1
            change = solved(system, [rest])[0]
            slopes = [[middle(slopes[i][c] + change[i * n + c]) for c in range(n)] for i in range(STAGES)]
            size = max(abs(change[i]) for i in range(STAGES * n)) * h
            if size < arb(10) ** -50 * max(abs(v) for v in y):
                converged = True
                break
        error = max(abs(h * sum(LAST[i] * slopes[i][c] for i in range(STAGES))) / max(abs(y[c]), arb(10) ** -8) for c in range(n))
        if not converged or error > tolerance:
            h /= 2
            continue
        by_constant = [problem.by_constant(state, k) for state in states]
        sums = [[arb(0)] * columns for _ in range(n)]
        rights = []
        for q in range(columns):
            right = [arb(0)] * (STAGES * n)
            rights.append(right)
            for i in range(STAGES):
                for c in range(n):
                    right[i * n + c] = sum(jacobians[i][c][d] * s[d][q] for d in range(n))
                    if q >= n:
                        right[i * n + c] += by_constant[i][c][q - n]
        for q, found in enumerate(solved(system, rights)):
            largest = max(abs(s[c][q]) for c in range(n))
            largest = largest if largest > 0 else arb(1)
            for c in range(n):
                sums[c][q] = sum(B[i] * found[i * n + c] for i in range(STAGES))
                missed = abs(h * sum(LAST[i] * found[i * n + c] for i in range(STAGES)))
                error = max(error, missed / max(abs(s[c][q]), largest * arb(10) ** -8))
        if error > tolerance:
            h /= 2
            continue
        for c in range(n):
            y[c] += h * sum(B[i] * slopes[i][c] for i in range(STAGES))
            for q in range(columns):
                s[c][q] += h * sums[c][q]
        y = [middle(v) for v in y]
        s = [[middle(v) for v in row] for row in s]
        t = middle(t + h)
        steps += 1
        h = middle(h * float(min(2, max(0.5, (float(tolerance) / float(error) / 4) ** (1 / STAGES)))) if error > 0 else h * 2)
    return y, s, steps


def agreed(a, b):
    """The digits that two numbers have in common."""
    if a == b:
        return 40
    apart = float(abs(a - b) / max(abs(a), abs(b)))
    return int(-math.log10(apart)) if apart > 0 else 60


def main():
    problems = {"robertson": robertson, "van-der-pol": van_der_pol, "oregonator": oregonator}
    for name in sys.argv[1:] or problems:
        problem = problems[name]()
        (y, s, coarse), (fine_y, fine_s, fine) = (solve(problem, arb(10) ** -e) for e in (30, 32))
        print(f"{name}: {coarse} and {fine} steps")
        digits = 40
        for a, b in zip([*y, *(x for row in s for x in row)], [*fine_y, *(x for row in fine_s for x in row)]):
            digits = min(digits, agreed(a, b))
        print(f"  digits agreed: {digits}")
        for c in range(len(y)):
            print(f"  y{c} = {fine_y[c].str(34, radius=False)}")
            names = [f"y{d}(0)" for d in range(len(y))] + [f"k{d}" for d in range(len(problem.constants))]
            for q, by in enumerate(names):
                print(f"    by {by}: {fine_s[c][q].str(34, radius=False)}", flush=True)


main()
