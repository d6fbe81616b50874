"""Numbers with derivatives, of two kinds: with many digits (`Exact`), and in binary64 with bounds on their errors
(`Machine`). Both note the decisions that depend on them."""

import math
from fractions import Fraction

import mpmath

try:
    import gmpy2
except ImportError:
    gmpy2 = None

# How far the operands of a decision must be apart, in units of their errors.
ERRORS = 100.0


# Elementary functions of the number types

class Gmpy:
    """Names of functions as below, over numbers of gmpy2."""

    def __getattr__(self, name):
        return getattr(gmpy2, name)


class Mpmath:
    """The same over numbers of mpmath."""

    def __getattr__(self, name):
        return getattr(mpmath, name)

    def exp2(self, x):
        return mpmath.mpf(2) ** x

    def log2(self, x):
        return mpmath.log(x) / mpmath.log(mpmath.mpf(2))


# Value and slopes of elementwise functions. `m` has the elementary functions of the number type.

def power(m, a, b, fixed):
    """x to the power y. The exponent has no slope where it is constant."""
    y = a ** b
    by_base = b * a ** (b - 1) if b != 0 else b * 0
    return y, (by_base, 0 if fixed or y == 0 else y * m.log(a))


ELEMENTARY = {
    "exp": lambda m, x: (m.exp(x), m.exp(x)),
    "exp2": lambda m, x: (m.exp2(x), m.exp2(x) * m.log(0 * x + 2)),
    "expm1": lambda m, x: (m.expm1(x), m.exp(x)),
    "log": lambda m, x: (m.log(x), 1 / x),
    "log2": lambda m, x: (m.log2(x), 1 / (x * m.log(0 * x + 2))),
    "log10": lambda m, x: (m.log10(x), 1 / (x * m.log(0 * x + 10))),
    "log1p": lambda m, x: (m.log1p(x), 1 / (1 + x)),
    "sin": lambda m, x: (m.sin(x), m.cos(x)),
    "cos": lambda m, x: (m.cos(x), -m.sin(x)),
    "tan": lambda m, x: (m.tan(x), 1 + m.tan(x) ** 2),
    "asin": lambda m, x: (m.asin(x), 1 / m.sqrt(1 - x * x)),
    "acos": lambda m, x: (m.acos(x), -1 / m.sqrt(1 - x * x)),
    "atan": lambda m, x: (m.atan(x), 1 / (1 + x * x)),
    "sinh": lambda m, x: (m.sinh(x), m.cosh(x)),
    "cosh": lambda m, x: (m.cosh(x), m.sinh(x)),
    "tanh": lambda m, x: (m.tanh(x), 1 / m.cosh(x) ** 2),
    "cbrt": lambda m, x: (m.cbrt(x), 1 / (3 * m.cbrt(x) ** 2)),
    "erf": lambda m, x: (m.erf(x), 2 / m.sqrt(m.acos(0 * x - 1)) * m.exp(-x * x)),
}


def truncate(x):
    """The integer part; `int` of gmpy2's numbers would round."""
    return int(x) if isinstance(x, (float, mpmath.mpf)) else int(math.trunc(x))


def floor(x):
    t = truncate(x)
    return t - (x < t)


def nearest(x):
    """The nearest integer, the even one of two."""
    low = floor(x)
    rest = x - low
    return low + (rest > 0.5 or rest == 0.5 and low % 2)


ROUNDING = {"floor": floor, "ceiling": lambda x: -floor(-x), "truncate": truncate, "round": nearest}
ORDER = {
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
    "=": lambda a, b: a == b,
    "==": lambda a, b: a == b,
}


class Dual:
    """A number and its partial derivatives by all input elements."""

    __slots__ = ("v", "d")

    def __init__(self, v, d):
        self.v, self.d = v, d


class Decisions:
    """What a program's control flow depended on, in order."""

    def __init__(self):
        self.taken = bytearray()

    def note(self, truth):
        self.taken.append(truth)
        return truth


class Exact(Decisions):
    """Numbers with many digits and their derivatives. `gmpy2` keeps its precision per thread."""

    def __init__(self, digits):
        super().__init__()
        mpmath.mp.dps = digits
        if gmpy2:
            gmpy2.get_context().precision = mpmath.mp.prec
        self.m = Gmpy() if gmpy2 else Mpmath()
        self.of = gmpy2.mpfr if gmpy2 else mpmath.mpf

    def constant(self, x):
        return Dual(self.of(x), {})

    def input(self, x, k):
        return Dual(self.of(x), {k: self.of(1)})

    def combine(self, value, *terms):
        """A value whose derivative is the sum of `slope * dual.d` over terms."""
        d = {}
        for slope, x in terms:
            for k, dx in x.d.items():
                d[k] = d[k] + slope * dx if k in d else slope * dx
        return Dual(value, d)

    def add(self, a, b):
        return self.combine(a.v + b.v, (1, a), (1, b))

    def sub(self, a, b):
        return self.combine(a.v - b.v, (1, a), (-1, b))

    def mul(self, a, b):
        return self.combine(a.v * b.v, (b.v, a), (a.v, b))

    def div(self, a, b):
        y = a.v / b.v
        return self.combine(y, (1 / b.v, a), (-y / b.v, b))

    def neg(self, a):
        return self.combine(-a.v, (-1, a))

    def sqrt(self, a):
        y = self.m.sqrt(a.v)
        return self.combine(y, (1 / (2 * y), a)) if a.d else Dual(y, {})

    def pow(self, a, b):
        y, (by_base, by_exponent) = power(self.m, a.v, b.v, not b.d)
        return self.combine(y, (by_base, a), (by_exponent, b))

    def elementary(self, name, a):
        value, slope = ELEMENTARY[name](self.m, a.v)
        return self.combine(value, (slope, a))

    def linear(self, value, *terms):
        """An exact function with constant slopes."""
        return self.combine(value, *terms)

    def compare(self, order, a, b):
        return self.note(ORDER[order](a.v, b.v))

    def steps(self, value, ratio, *operands):
        """A result that jumps: the decision is the step that was taken."""
        self.taken += str(truncate(ratio)).encode()
        return self.constant(value)


HALF = 2.0 ** -53


class Bounded:
    """A binary64 number, a bound on its error, and for each input element the sum over all paths of the sizes of the
    products of slopes, with a bound on the error of that sum in whichever order it is made."""

    __slots__ = ("v", "e", "d")

    def __init__(self, v, e, d):
        self.v, self.e, self.d = v, e, d


class Machine(Decisions):
    """Binary64 numbers with bounds of first order on their errors and on those of derivatives."""

    m = math

    def __init__(self):
        super().__init__()
        self.margin = math.inf
        self.unsure = None

    def constant(self, x):
        return Bounded(x, 0.0, {})

    def input(self, x, k):
        return Bounded(x, 0.0, {k: (1.0, 0.0)})

    def combine(self, value, local, *terms):
        """Terms are slope, the error of the slope, operand."""
        error, d = local, {}
        for slope, slope_error, x in terms:
            slope = abs(slope)
            if x.e:
                error += slope * x.e
            # Rounding of the slope, of the product, and of sums.
            loose = slope_error + 6 * HALF * slope
            for k, (size, wrong) in x.d.items():
                more = (slope * size, slope * wrong + loose * size)
                d[k] = (d[k][0] + more[0], d[k][1] + more[1]) if k in d else more
        return Bounded(value, error, d)

    def rounded(self, value, exact, *operands):
        """What rounding to the value adds: nothing if the operands and the result are exact."""
        if any(x.e for x in operands) or Fraction(value) != exact():
            return 0.5 * math.ulp(value)
        return 0.0

    def add(self, a, b):
        y = a.v + b.v
        local = self.rounded(y, lambda: Fraction(a.v) + Fraction(b.v), a, b)
        return self.combine(y, local, (1, 0.0, a), (1, 0.0, b))

    def sub(self, a, b):
        y = a.v - b.v
        local = self.rounded(y, lambda: Fraction(a.v) - Fraction(b.v), a, b)
        return self.combine(y, local, (1, 0.0, a), (1, 0.0, b))

    def mul(self, a, b):
        y = a.v * b.v
        local = self.rounded(y, lambda: Fraction(a.v) * Fraction(b.v), a, b)
        return self.combine(y, local, (b.v, b.e, a), (a.v, a.e, b))

    def div(self, a, b):
        y = a.v / b.v
        local = self.rounded(y, lambda: Fraction(a.v) / Fraction(b.v), a, b)
        square = b.v * b.v
        by_top, by_bottom = b.e / square, (a.e + 2 * abs(y) * b.e) / square
        return self.combine(y, local, (1 / b.v, by_top, a), (y / b.v, by_bottom, b))

    def neg(self, a):
        return self.combine(-a.v, 0.0, (1, 0.0, a))

    def sqrt(self, a):
        y = math.sqrt(a.v)
        local = 0.0 if not a.e and Fraction(y) ** 2 == Fraction(a.v) else 0.5 * math.ulp(y)
        if not a.e and not a.d:
            return Bounded(y, local, {})
        return self.combine(y, local, (0.5 / y, a.e / (4 * y ** 3), a))

    def bent(self, function, *operands):
        """A function of 1 ULP. How its slopes change is found by stepping to both sides."""
        values = [x.v for x in operands]
        y, slopes = function(*values)
        errors = [0.0] * len(slopes)
        for k, x in enumerate(operands):
            if x.e:
                h = 1e-6 * abs(x.v) or 1e-6
                for side in (h, -h):
                    moved = function(*(v + side if i == k else v for i, v in enumerate(values)))[1]
                    for i, (near, far) in enumerate(zip(slopes, moved)):
                        errors[i] = max(errors[i], abs(far - near) / h * x.e * 1.5)
        # Slopes are elementary functions themselves, of arguments that may have been rounded.
        errors = [e + 8 * HALF * abs(s) for e, s in zip(errors, slopes)]
        return self.combine(y, math.ulp(y), *zip(slopes, errors, operands))

    def pow(self, a, b):
        return self.bent(lambda x, y: power(math, x, y, not b.d and not b.e), a, b)

    def elementary(self, name, a):
        def function(x):
            y, slope = ELEMENTARY[name](math, x)
            return y, (slope,)
        return self.bent(function, a)

    def linear(self, value, *terms):
        return self.combine(value, 0.0, *((slope, 0.0, x) for slope, x in terms))

    def check(self, distance, size, error, what):
        if error == 0.0:
            return
        self.margin = min(self.margin, distance / size if size else 0.0)
        if distance < ERRORS * error:
            self.unsure = f"{what}: {distance:.3g} with errors of {error:.3g}"

    def compare(self, order, a, b):
        self.check(abs(a.v - b.v), max(abs(a.v), abs(b.v)), a.e + b.e, f"{a.v!r} {order} {b.v!r}")
        return self.note(ORDER[order](a.v, b.v))

    def steps(self, value, ratio, *operands):
        self.taken += str(truncate(ratio)).encode()
        if any(x.e for x in operands):
            error = sum(x.e / max(abs(x.v), 1e-300) for x in operands) * abs(ratio)
            self.check(abs(ratio - round(ratio)), max(abs(ratio), 1.0), error, f"a step at {ratio!r}")
        return self.constant(float(value))
