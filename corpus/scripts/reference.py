#!/usr/bin/env python3
"""High-precision references of the corpus.

    python3 reference.py write DIR...   make DIR/reference.json anew
    python3 reference.py check DIR...   compare every value, gradient and point with DIR/reference.json

Programs are evaluated with 60 digits in forward mode (value and all partial derivatives together). Every number
literal is the binary64 number that it reads as (`pi` spelt 3.141592653589793 is that number, not the circle's).
A result is the binary64 number nearest to the exact one.

A program that repeats anything (loops, recursion) is evaluated once more in binary64, beside a bound of first order
on the errors of value and derivatives. Its points are those where both evaluations take the same decisions, each
with a margin. Where long cancellation makes that bound useless, it is SAFETY times the largest error of four
evaluations with 53 bits and different directions of rounding. Needs mpmath; gmpy2 makes it fast, and is needed
to write programs that repeat.
"""

import json
import math
import os
import random
import re
import sys
import threading
from collections import Counter
from fractions import Fraction

import mpmath

try:
    import gmpy2
except ImportError:
    gmpy2 = None

DIGITS = 60
POINTS = 32
# How far the operands of a decision must be apart: relative to the larger, and in units of their errors.
MARGIN = 1e-9
ERRORS = 100.0
# Bounds above this part of a result say nothing.
USELESS = 1e-6
SAFETY = 32.0


# Programs

def tokens(text):
    text = re.sub(r";.*", "", text)
    return re.findall(r"[()\[\]]|[^\s()\[\]]+", text)


def number(token):
    """The exact value of a literal, or None."""
    if token in ("#t", "#true", "#f", "#false"):
        return float(token[1] == "t")
    if re.fullmatch(r"[+-]?\d+/\d+", token):
        top, bottom = token.split("/")
        return int(top) / int(bottom)
    if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", token):
        return float(token)
    return None


def read(text):
    """The expressions of a program."""
    stack = [[]]
    for token in tokens(text):
        if token == "(":
            stack.append([])
        elif token == "[":
            stack.append(["vec"])
        elif token in ")]":
            done = stack.pop()
            stack[-1].append(done)
        else:
            value = number(token)
            stack[-1].append(token if value is None else value)
    assert len(stack) == 1
    return stack[0]


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


# Evaluation. A vector is a list of numbers, a matrix a list of vectors.

class Operations:
    """The primitives over one number type."""

    def __init__(self, numbers):
        self.n = numbers
        n = numbers
        arithmetic = {"+": n.add, "-": n.sub, "*": n.mul, "/": n.div}
        self.table = {
            "not": lambda a: n.constant(float(not self.truth(a))),
            "pow": lambda a, b: self.each(n.pow, a, b),
            "expt": lambda a, b: self.each(n.pow, a, b),
            "sqrt": lambda a: self.each(n.sqrt, a),
            "square": lambda a: self.each(n.mul, a, a),
            "abs": lambda a: self.each(self.abs, a),
            "sign": lambda a: self.each(self.sign, a),
            "min": lambda *a: self.fold(lambda x, y: self.smaller(x, y, "<"), a),
            "max": lambda *a: self.fold(lambda x, y: self.smaller(x, y, ">"), a),
            "hypot": lambda a, b: self.each(lambda x, y: n.sqrt(n.add(n.mul(x, x), n.mul(y, y))), a, b),
            "quotient": lambda a, b: self.each(self.quotient, a, b),
            "remainder": lambda a, b: self.each(self.remainder, a, b),
            "modulo": lambda a, b: self.each(self.modulo, a, b),
            "exact->inexact": lambda a: a,
            "vec": lambda *a: list(a),
            "vlen": lambda v: n.constant(float(len(v))),
            "zeros": lambda *k: self.filled(0.0, *k),
            "eye": lambda k: [[n.constant(float(i == j)) for j in range(int(k.v))] for i in range(int(k.v))],
            "ones": lambda *k: self.filled(1.0, *k),
            "scale": lambda s, v: self.each(n.mul, s, v),
            "vsum": self.total,
            "dot": self.dot,
            "norm": lambda v: n.sqrt(self.dot(v, v)),
            "normalize": lambda v: self.each(n.div, v, n.sqrt(self.dot(v, v))),
            "matvec": lambda a, v: [self.dot(row, v) for row in a],
            "matmul": lambda a, b: [[self.dot(row, list(column)) for column in zip(*b)] for row in a],
            "outer": lambda a, b: [[n.mul(x, y) for y in b] for x in a],
            "transpose": lambda a: [list(column) for column in zip(*a)],
            "trace": lambda a: self.total([row[i] for i, row in enumerate(a)]),
            "mat": lambda *rows: list(rows),
            "cross": self.cross,
            "ref": self.ref,
        }
        for name in ELEMENTARY:
            self.table[name] = lambda a, name=name: self.each(lambda x: n.elementary(name, x), a)
        for name, f in ROUNDING.items():
            self.table[name] = lambda a, f=f: self.each(lambda x: n.steps(f(x.v), x.v, x), a)
        for name, f in arithmetic.items():
            self.table[name] = lambda *a, f=f, name=name: self.arithmetic(name, f, a)
        for name in ORDER:
            self.table[name] = lambda *a, name=name: self.chain(name, a)

    def truth(self, a):
        return self.n.compare("=", a, self.n.constant(0.0)) is False

    def each(self, f, *args):
        """An elementwise function; scalars broadcast."""
        length = next((len(a) for a in args if type(a) is list), None)
        if length is None:
            return f(*args)
        assert all(len(a) == length for a in args if type(a) is list)
        return [self.each(f, *(a[i] if type(a) is list else a for a in args)) for i in range(length)]

    def fold(self, f, args):
        result = args[0]
        for a in args[1:]:
            result = self.each(f, result, a)
        return result

    def arithmetic(self, name, f, args):
        if len(args) == 2:
            a, b = args
            return f(a, b) if type(a) is not list and type(b) is not list else self.each(f, a, b)
        if len(args) == 1 and name == "-":
            return self.each(self.n.neg, args[0])
        if len(args) == 1 and name == "/":
            return self.each(f, self.n.constant(1.0), args[0])
        return self.fold(f, args)

    def chain(self, name, args):
        # All operands are compared, as all are evaluated.
        truths = [self.n.compare(name, a, b) for a, b in zip(args, args[1:])]
        return self.n.constant(float(all(truths)))

    def abs(self, a):
        zero = self.n.constant(0.0)
        slope = -1 if self.n.compare("<", a, zero) else 1 if self.n.compare(">", a, zero) else 0
        return self.n.linear(abs(a.v), (slope, a))

    def sign(self, a):
        zero = self.n.constant(0.0)
        return self.n.constant(float(self.n.compare(">", a, zero) - self.n.compare("<", a, zero)))

    def smaller(self, a, b, order):
        if self.n.compare("=", a, b):
            return self.n.linear(a.v, (0.5, a), (0.5, b))
        return a if self.n.compare(order, a, b) else b

    def quotient(self, a, b):
        ratio = a.v / b.v
        return self.n.steps(truncate(ratio), ratio, a, b)

    def remainder(self, a, b):
        q = truncate(a.v / b.v)
        self.n.steps(q, a.v / b.v, a, b)
        return self.n.linear(a.v - b.v * q if not isinstance(a.v, float) else math.fmod(a.v, b.v), (1, a), (-q, b))

    def modulo(self, a, b):
        rest = self.remainder(a, b)
        different = self.n.compare("<", rest, self.n.constant(0.0)) != self.n.compare("<", b, self.n.constant(0.0))
        return self.n.add(rest, b) if rest.v != 0 and different else rest

    def filled(self, x, n, m=None):
        row = lambda k: [self.n.constant(x) for _ in range(int(k.v))]
        return row(n) if m is None else [row(m) for _ in range(int(n.v))]

    def total(self, items):
        result = items[0]
        for item in items[1:]:
            result = self.total([result, self.total(item)]) if type(item) is list else self.n.add(result, item)
        return result

    def dot(self, a, b):
        return self.total([self.n.mul(x, y) for x, y in zip(a, b, strict=True)])

    def cross(self, a, b):
        part = lambda i, j: self.n.sub(self.n.mul(a[i], b[j]), self.n.mul(a[j], b[i]))
        return [part(1, 2), part(2, 0), part(0, 1)]

    def ref(self, v, *indices):
        for index in indices:
            i = int(index.v)
            assert i == index.v and 0 <= i < len(v), "index out of range"
            self.n.steps(i, index.v, index)
            v = v[i]
        return v


class Function:
    """A function of the program. Its frames are lists: the frame around the definition, then the variables."""

    def __init__(self, name, params, level):
        self.name, self.params, self.level = name, params, level
        self.size, self.body = 1 + len(params), None


class Scope:
    """What names mean: a `Function`, or a variable as its level and place in the frame."""

    def __init__(self, parent, function):
        self.parent, self.function, self.names = parent, function, {}

    def find(self, name):
        scope = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.parent
        return None

    def inner(self):
        return Scope(self, self.function)

    def bind(self, name):
        """A new variable of this frame."""
        slot = self.function.size
        self.function.size += 1
        self.names[name] = (self.function.level, slot)
        return slot


class Evaluator:
    """Makes closures of expressions, each over a frame. A call in tail position returns the function and its frame as
    a tuple: iterations take no stack."""

    def __init__(self, numbers):
        self.n = numbers
        self.ops = Operations(numbers)
        self.calls = self.depth = self.deepest = self.longest = 0
        self.repeats = False

    def program(self, forms, inputs):
        top = Function("program", [], 0)
        scope = Scope(None, top)
        places = {name: scope.bind(name) for name in inputs}
        final = forms[-1]
        if isinstance(final, list) and final[0] == "define" and isinstance(final[1], list):
            # The program is the function's body; its parameters are inputs.
            forms = forms[:-1] + final[2:]
        body = self.body(forms, scope, False)
        frame = [None] * top.size
        for name, slot in places.items():
            frame[slot] = inputs[name]
        return body(frame)

    def body(self, forms, scope, tail):
        """Definitions, then an expression."""
        functions, values = [], []
        for form in forms[:-1]:
            assert form[0] == "define", form
            if isinstance(form[1], list):
                functions.append((form[1][0], form[1][1:], form[2:]))
            elif isinstance(form[2], list) and form[2][0] == "lambda":
                functions.append((form[1], form[2][1], form[2][2:]))
            else:
                values.append((form[1], form[2]))
        return self.bindings(functions, values, [forms[-1]], scope, scope.inner(), tail)

    def bindings(self, functions, values, body, outer, inner, tail):
        """Functions that see all names, values that see the ones before them, and what is computed with both."""
        made = [self.declare(name, params, inner) for name, params, _ in functions]
        slots = [inner.bind(name) for name, _ in values]
        for (_, _, text), function in zip(functions, made):
            self.define(function, text, inner)
        steps = [(slot, self.expression(value, inner, False)) for slot, (_, value) in zip(slots, values)]
        if len(body) > 1:
            result = self.body(body, inner, tail)
        else:
            result = self.expression(body[0], inner, tail)
        if not steps:
            return result

        def run(frame):
            for slot, value in steps:
                frame[slot] = value(frame)
            return result(frame)
        return run

    def declare(self, name, params, scope):
        function = Function(name, params, scope.function.level + 1)
        scope.names[name] = function
        return function

    def define(self, function, text, scope):
        inner = Scope(scope, function)
        for k, param in enumerate(function.params):
            inner.names[param] = (function.level, 1 + k)
        function.body = self.body(text, inner, True)

    def repeat(self, name, params, inits, text, scope, tail):
        """A call of a function that is defined here, seen by its own body only."""
        inner = scope.inner()
        function = self.declare(name, params, inner)
        self.define(function, text, inner)
        return self.call(function, [self.expression(e, scope, False) for e in inits], scope, tail)

    def call(self, function, args, scope, tail):
        assert len(args) == len(function.params), function.name
        up = scope.function.level - function.level + 1

        def frame_of(frame):
            home = frame
            for _ in range(up):
                home = home[0]
            new = [home]
            for arg in args:
                new.append(arg(frame))
            new.extend([None] * (function.size - len(new)))
            return new
        # A function that calls itself, perhaps by way of others, is called somewhere before its body is known.
        self.repeats |= function.body is None
        if tail:
            return lambda frame: (function, frame_of(frame))

        def run(frame):
            inside = frame_of(frame)
            self.calls += 1
            self.depth += 1
            self.deepest = max(self.deepest, self.depth)
            result, iterations = function.body(inside), 0
            while type(result) is tuple:
                iterations += 1
                result = result[0].body(result[1])
            if iterations:
                self.calls += iterations
                self.longest = max(self.longest, iterations)
            self.depth -= 1
            return result
        return run

    def expression(self, e, scope, tail):
        if isinstance(e, float):
            constant = self.n.constant(e)
            return lambda frame: constant
        if isinstance(e, str):
            level, slot = scope.find(e)
            up = scope.function.level - level
            if up == 0:
                return lambda frame: frame[slot]
            if up == 1:
                return lambda frame: frame[0][slot]

            def outer(frame):
                for _ in range(up):
                    frame = frame[0]
                return frame[slot]
            return outer
        head, args = e[0], e[1:]
        if isinstance(head, list):
            assert head[0] == "lambda"
            return self.repeat("lambda", head[1], args, head[2:], scope, tail)
        known = scope.find(head)
        if isinstance(known, Function):
            return self.call(known, [self.expression(a, scope, False) for a in args], scope, tail)
        form = getattr(self, "form_" + FORMS[head], None) if head in FORMS else None
        if form:
            return form(args, scope, tail)
        primitive = self.ops.table[head]
        parts = [self.expression(a, scope, False) for a in args]
        if len(parts) == 2:
            one, two = parts
            return lambda frame: primitive(one(frame), two(frame))
        if len(parts) == 1:
            (one,) = parts
            return lambda frame: primitive(one(frame))
        return lambda frame: primitive(*[part(frame) for part in parts])

    def form_begin(self, args, scope, tail):
        (only,) = args
        return self.expression(only, scope, tail)

    def form_let(self, args, scope, tail):
        if isinstance(args[0], str):
            names, inits = zip(*args[1]) if args[1] else ((), ())
            return self.repeat(args[0], list(names), inits, args[2:], scope, tail)
        inner = scope.inner()
        steps = []
        bound = []
        for name, value in args[0]:
            if isinstance(value, list) and value[0] == "lambda":
                function = Function(name, value[1], scope.function.level + 1)
                self.define(function, value[2:], scope)
                bound.append((name, function))
            else:
                slot = scope.function.size
                scope.function.size += 1
                steps.append((slot, self.expression(value, scope, False)))
                bound.append((name, (scope.function.level, slot)))
        inner.names.update(bound)
        body = self.body(args[1:], inner, tail)

        def run(frame):
            for slot, value in steps:
                frame[slot] = value(frame)
            return body(frame)
        return run

    def form_let_star(self, args, scope, tail):
        if len(args[0]) <= 1:
            return self.form_let(args, scope, tail)
        return self.form_let([args[0][:1], ["let*", args[0][1:], *args[1:]]], scope, tail)

    def form_letrec(self, args, scope, tail):
        functions, values = [], []
        for name, value in args[0]:
            if isinstance(value, list) and value[0] == "lambda":
                functions.append((name, value[1], value[2:]))
            else:
                values.append((name, value))
        return self.bindings(functions, values, args[1:], scope, scope.inner(), tail)

    def form_loop(self, args, scope, tail):
        names, inits = zip(*args[0]) if args[0] else ((), ())
        return self.repeat("recur", list(names), inits, args[1:], scope, tail)

    def form_do(self, args, scope, tail):
        (test, result), rest = args[1], args[2:]
        assert not rest
        names = [v[0] for v in args[0]]
        again = ["recur"] + [v[2] if len(v) == 3 else v[0] for v in args[0]]
        return self.form_loop([[v[:2] for v in args[0]], ["if", test, result, again]], scope, tail)

    def form_if(self, args, scope, tail):
        test, truth = self.expression(args[0], scope, False), self.ops.truth
        one, two = (self.expression(a, scope, tail) for a in args[1:])
        return lambda frame: one(frame) if truth(test(frame)) else two(frame)

    def form_cond(self, args, scope, tail):
        (test, value), rest = args[0], args[1:]
        if test == "else":
            return self.expression(value, scope, tail)
        return self.form_if([test, value, ["cond", *rest]], scope, tail)

    def form_and(self, args, scope, tail):
        parts = [self.expression(a, scope, False) for a in args]
        return lambda frame: self.n.constant(float(all(self.ops.truth(p(frame)) for p in parts)))

    def form_or(self, args, scope, tail):
        parts = [self.expression(a, scope, False) for a in args]
        return lambda frame: self.n.constant(float(any(self.ops.truth(p(frame)) for p in parts)))


FORMS = {"begin": "begin", "let": "let", "let*": "let_star", "letrec": "letrec", "letrec*": "letrec", "loop": "loop",
         "do": "do", "if": "if", "cond": "cond", "and": "and", "or": "or"}


# Headers

def laplacian(rows, columns):
    """The second difference over points 1/9 apart, ends fixed."""
    matrix = [[0.0] * columns for _ in range(rows)]
    for i in range(1, rows - 1):
        matrix[i][i - 1 : i + 2] = [81.0, -162.0, 81.0]
    return [x for row in matrix for x in row]


def header(text):
    """Name, inputs with shapes and how to draw them, and the rest of the comments in front of a program."""
    lines = [l[1:].rstrip() for l in text.splitlines() if l.startswith(";")]
    about = dict(id="", name="", law="", description="", note="", trainable=[], inputs=[], points=POINTS)
    about["id"], about["name"] = lines[0].split(None, 1)
    notes = []
    for line in lines[1:]:
        entry = re.fullmatch(r"   (.+?)(?: in \[(.+), (.+)\]( log| integer)?| (\w+))", line)
        if entry and not line.startswith(" trainable"):
            names, low, high, how, given = entry.groups()
            run = re.fullmatch(r"([A-Za-z_]+)(\d+) \.\.\. \1(\d+)", names)
            names = [f"{run[1]}{k}" for k in range(int(run[2]), int(run[3]) + 1)] if run else [names]
            for name in names:
                shape = []
                if "[" in name:
                    name, dims = name[:-1].split("[")
                    shape = [int(n) for n in dims.split(",")]
                item = dict(name=name)
                if given:
                    item["given"] = given
                else:
                    item.update(low=float(low), high=float(high))
                    if how:
                        item[how.strip()] = True
                if shape:
                    item["shape"] = shape
                about["inputs"].append(item)
            continue
        key, _, rest = line.strip().partition(":")
        if key == "law":
            about["law"] = rest.strip()
        elif key == "trainable":
            about["trainable"] = rest.split()
        elif key in ("points", "digits"):
            about[key] = int(rest)
        elif key == "nc":
            about["nc"] = rest.strip()
        elif key == "note":
            about["note"] = rest.strip()
        elif key != "inputs":
            notes.append(line.strip())
    about["description"] = " ".join(notes)
    return about


def size(item):
    n = 1
    for k in item.get("shape", []):
        n *= k
    return n


def draw(rng, item):
    if item.get("given") == "laplacian":
        return laplacian(*item["shape"])
    low, high = item["low"], item["high"]
    def one():
        if item.get("integer"):
            return float(rng.randint(int(low), int(high)))
        return float(mpmath.fp.exp(rng.uniform(mpmath.fp.log(low), mpmath.fp.log(high)))) \
            if item.get("log") else rng.uniform(low, high)
    return [one() for _ in range(size(item))]


def evaluate(forms, items, point, numbers):
    """The elements of the value, the evaluator, and the length of a value that is no scalar."""
    inputs, k = {}, 0
    for item in items:
        elements = []
        for _ in range(size(item)):
            elements.append(numbers.input(point[k], k))
            k += 1
        shape = item.get("shape", [])
        if not shape:
            elements = elements[0]
        elif len(shape) == 2:
            n = shape[1]
            elements = [elements[r * n : r * n + n] for r in range(shape[0])]
        inputs[item["name"]] = elements
    evaluator = Evaluator(numbers)
    result = evaluator.program(forms, inputs)
    flat = lambda x: [z for y in x for z in flat(y)] if isinstance(x, list) else [x]
    elements = flat(result)
    return elements, evaluator, None if not isinstance(result, list) else len(elements)


def sampled(forms, items, point, values, derivatives):
    """Bounds on the errors of values and derivatives from evaluations with several directions of rounding. Errors
    of derivatives are compared as what they contribute along their input: adjoints spread them otherwise."""
    errors = [0.0] * len(values)
    spread = [0.0] * len(values)
    for direction in (gmpy2.RoundToNearest, gmpy2.RoundUp, gmpy2.RoundDown, gmpy2.RoundToZero):
        numbers = Exact(15)
        gmpy2.get_context().round = direction
        found, _, _ = evaluate(forms, items, point, numbers)
        gmpy2.get_context().round = gmpy2.RoundToNearest
        for i, x in enumerate(found):
            errors[i] = max(errors[i], abs(float(x.v) - values[i]))
            for k, right in enumerate(derivatives[i]):
                spread[i] = max(spread[i], abs(float(x.d.get(k, 0)) - right) * abs(point[k]))
    value_bounds = [SAFETY * (e + 2 * HALF * abs(v)) for e, v in zip(errors, values)]
    gradient_bounds = []
    for row, worst in zip(derivatives, spread):
        all_of = SAFETY * (worst + 2 * HALF * sum(abs(d * x) for d, x in zip(row, point)))
        gradient_bounds.append([all_of / max(abs(x), 1e-3) for x in point])
    return value_bounds, gradient_bounds


def useless(bounds, results):
    """Whether a bound is large beside the largest of the results."""
    largest = max((abs(x) for x in results), default=0.0)
    return any(bound > USELESS * largest for bound in bounds) and largest > 0.0


def limit(about, name):
    found = re.search(rf"--{name} (\d+)", about.get("nc", ""))
    return int(found[1]) if found else 10_000


def above(x):
    """A bound with three digits."""
    return float(f"{x * 1.001:.2e}")


def reference(path, points=None):
    text = open(path).read()
    about, forms = header(text), read(text)
    rng = random.Random(about["name"])
    wanted = about.pop("points")
    digits = about.get("digits", DIGITS)
    uses_of = Counter(tokens(text))
    most_uses = max((count for name, count in uses_of.items() if name not in "()[]"), default=1)
    given = iter(points) if points is not None else None
    keys = ("points", "values", "gradients", "conditioning", "value_bounds", "gradient_bounds")
    rows = {key: [] for key in keys}
    bounds, exact_rows, running = [], [], True
    repeats, longest, deepest, margin, refused, length = False, 0, 0, math.inf, 0, None
    while len(rows["points"]) < (wanted if points is None else len(points)):
        point = next(given) if given else [x for item in about["inputs"] for x in draw(rng, item)]
        exact = Exact(digits)
        elements, run, length = evaluate(forms, about["inputs"], point, exact)
        derivatives = [[x.d.get(i, 0) for i in range(len(point))] for x in elements]
        one = (lambda x: x[0]) if length is None else (lambda x: x)
        repeats = run.repeats
        if repeats:
            machine = Machine()
            bounded, again, _ = evaluate(forms, about["inputs"], point, machine)
            why = machine.unsure or (machine.margin < MARGIN and f"a margin of {machine.margin:.3g}")
            if not why and machine.taken != exact.taken:
                why = "decisions differ"
            if why:
                assert points is None, f"{path}: {why} at {point}"
                refused += 1
                print(f"{path}: {why} at {point}", file=sys.stderr)
                assert refused < 10 * wanted, f"{path}: too many points refused"
                continue
            longest, deepest = max(longest, run.longest), max(deepest, run.deepest)
            margin = min(margin, machine.margin)
            assert longest <= limit(about, "max-iterations") and deepest <= limit(about, "max-depth"), path
            # What comes from outside a loop collects its derivative from all iterations.
            uses = HALF * most_uses * (run.calls + 1)
            bounds.append(([x.e for x in bounded], [
                [wrong + uses * all_paths for all_paths, wrong in
                 (x.d.get(i, (0.0, 0.0)) for i in range(len(point)))] for x in bounded]))
        total = float(sum(abs(x.v) for x in elements))
        reached = float(sum(abs(x * d) for row in derivatives for x, d in zip(point, row)))
        rows["points"].append(point)
        values, gradients = [float(x.v) for x in elements], [[float(d) for d in row] for row in derivatives]
        if repeats and (useless(bounds[-1][0], values) or any(map(useless, bounds[-1][1], gradients))):
            running = False
        exact_rows.append((values, gradients))
        rows["values"].append(one(values))
        rows["gradients"].append(one(gradients))
        rows["conditioning"].append(float(f"{reached / total:.6g}") if total else 0.0)
    result = dict(about, output_len=length)
    if repeats:
        if not running and gmpy2:
            bounds = [sampled(forms, about["inputs"], point, *exact)
                      for point, exact in zip(rows["points"], exact_rows)]
        for values, gradients in bounds:
            rows["value_bounds"].append(one([above(e) for e in values]))
            rows["gradient_bounds"].append(one([[above(e) for e in row] for row in gradients]))
        result.update(iterations=longest, depth=deepest, bounds="running" if running else "sampled")
        if margin < math.inf:
            result["margin"] = float(f"{margin:.3g}")
    return dict(result, **{key: rows[key] for key in keys if repeats or not key.endswith("bounds")})


def dump(entries):
    """JSON with one line per point: `git diff` of it can be read."""
    out = []
    for name, entry in entries.items():
        fields = []
        for key, value in entry.items():
            if key in ("points", "gradients", "inputs", "gradient_bounds") and value:
                rows = ",\n   ".join(json.dumps(row) for row in value)
                fields.append(f'  "{key}": [\n   {rows}]')
            else:
                fields.append(f'  "{key}": {json.dumps(value)}')
        out.append(f' "{name}": {{\n' + ",\n".join(fields) + "\n }")
    return "{\n" + ",\n".join(out) + "\n}\n"


def programs(directory):
    return sorted(f for f in os.listdir(directory) if f.endswith(".scm"))


def check(directory):
    known = json.load(open(os.path.join(directory, "reference.json")))
    assert sorted(known) == programs(directory), "files and entries differ"
    for name, entry in known.items():
        path = os.path.join(directory, name)
        about = header(open(path).read())
        assert [i["name"] for i in about["inputs"]] == [i["name"] for i in entry["inputs"]], name
        again = reference(path, entry["points"])
        for key in ("values", "gradients"):
            assert again[key] == entry[key], f"{name}: {key} differ"
    print(f"{directory}: {len(known)} programs, every value and derivative reproduced")


def main():
    command, *paths = sys.argv[1:] or [""]
    if command == "check" and paths:
        for directory in paths:
            check(directory)
    elif command == "write" and paths:
        for directory in paths:
            entries = {name: reference(os.path.join(directory, name)) for name in programs(directory)}
            with open(os.path.join(directory, "reference.json"), "w") as file:
                file.write(dump(entries))
    else:
        sys.exit(__doc__)


def guarded(failed):
    try:
        main()
    except BaseException as error:
        failed.append(error)


if __name__ == "__main__":
    # Recursion of programs is recursion here.
    sys.setrecursionlimit(1_000_000)
    threading.stack_size(512 << 20)
    errors = []
    thread = threading.Thread(target=guarded, args=[errors])
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
