#!/usr/bin/env python3
"""High-precision references of the corpus.

    python3 reference.py write DIR...   make DIR/reference.json anew
    python3 reference.py check DIR...   compare every value, gradient and point with DIR/reference.json

Programs are evaluated with 60 digits in forward mode (value and all partial derivatives together). Every number
literal is the binary64 number that it reads as (`pi` spelt 3.141592653589793 is that number, not the circle's).
A result is the binary64 number nearest to the exact one. Needs mpmath.
"""

import json
import os
import random
import re
import sys

import mpmath

mpmath.mp.dps = 60
POINTS = 32


# Programs

def tokens(text):
    text = re.sub(r";.*", "", text)
    return re.findall(r"[()\[\]]|[^\s()\[\]]+", text)


def number(token):
    """The exact value of a literal, or None."""
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


# Forward mode. A number is a pair of a value and its partial derivatives by all input elements; a vector is a list of
# numbers, a matrix a list of vectors.

class Dual:
    __slots__ = ("v", "d")

    def __init__(self, v, d):
        self.v, self.d = v, d


class Evaluator:
    def __init__(self, ctx, inputs):
        self.m = ctx
        self.inputs = inputs

    def constant(self, x):
        return Dual(self.m.mpf(x), {})

    def combine(self, value, *terms):
        """A value whose derivative is the sum of `slope * dual.d` over terms."""
        d = {}
        for slope, x in terms:
            for k, dx in x.d.items():
                d[k] = d.get(k, 0) + slope * dx
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

    def pow(self, a, b):
        m = self.m
        y = a.v ** b.v
        terms = [(b.v * a.v ** (b.v - 1), a)] if b.v != 0 else []
        if b.d:
            terms.append((y * m.log(a.v), b))
        return self.combine(y, *terms)

    def sqrt(self, a):
        y = self.m.sqrt(a.v)
        return self.combine(y, (1 / (2 * y), a)) if a.d else Dual(y, {})

    def function(self, name, a):
        m, x = self.m, a.v
        one = m.mpf(1)
        value, slope = {
            "exp": lambda: (m.exp(x), m.exp(x)),
            "exp2": lambda: (m.mpf(2) ** x, m.mpf(2) ** x * m.log(m.mpf(2))),
            "expm1": lambda: (m.expm1(x), m.exp(x)),
            "log": lambda: (m.log(x), 1 / x),
            "log2": lambda: (m.log(x) / m.log(m.mpf(2)), 1 / (x * m.log(m.mpf(2)))),
            "log10": lambda: (m.log(x) / m.log(m.mpf(10)), 1 / (x * m.log(m.mpf(10)))),
            "log1p": lambda: (m.log(one + x), 1 / (one + x)),
            "sin": lambda: (m.sin(x), m.cos(x)),
            "cos": lambda: (m.cos(x), -m.sin(x)),
            "tan": lambda: (m.tan(x), 1 + m.tan(x) ** 2),
            "asin": lambda: (m.asin(x), 1 / m.sqrt(1 - x * x)),
            "acos": lambda: (m.acos(x), -1 / m.sqrt(1 - x * x)),
            "atan": lambda: (m.atan(x), 1 / (1 + x * x)),
            "sinh": lambda: (m.sinh(x), m.cosh(x)),
            "cosh": lambda: (m.cosh(x), m.sinh(x)),
            "tanh": lambda: (m.tanh(x), 1 / m.cosh(x) ** 2),
            "cbrt": lambda: (m.cbrt(x), 1 / (3 * m.cbrt(x) ** 2)),
            "erf": lambda: (m.erf(x), 2 / m.sqrt(m.pi) * m.exp(-x * x)),
            "abs": lambda: (abs(x), -one if x < 0 else one if x > 0 else 0 * one),
            "square": lambda: (x * x, 2 * x),
        }[name]()
        return self.combine(value, (slope, a))

    # Shapes

    def each(self, f, *args):
        """An elementwise function; scalars broadcast."""
        lengths = {len(a) for a in args if isinstance(a, list)}
        if not lengths:
            return f(*args)
        (n,) = lengths
        return [self.each(f, *(a[i] if isinstance(a, list) else a for a in args)) for i in range(n)]

    def total(self, items):
        result = items[0]
        for item in items[1:]:
            result = self.add(result, item)
        return result

    def dot(self, a, b):
        return self.total([self.mul(x, y) for x, y in zip(a, b, strict=True)])

    def matvec(self, a, v):
        return [self.dot(row, v) for row in a]

    def cross(self, a, b):
        part = lambda i, j: self.sub(self.mul(a[i], b[j]), self.mul(a[j], b[i]))
        return [part(1, 2), part(2, 0), part(0, 1)]

    # Evaluation

    def program(self, forms):
        scope = dict(self.inputs)
        result = None
        for form in forms:
            if isinstance(form, list) and form[0] == "define":
                head = form[1]
                if isinstance(head, list):
                    scope[head[0]] = (head[1:], form[2], scope)
                else:
                    scope[head] = self.eval(form[2], scope)
            else:
                result = self.eval(form, scope)
        return result

    def eval(self, e, scope):
        if isinstance(e, float):
            return self.constant(e)
        if isinstance(e, str):
            return scope[e]
        head, args = e[0], e[1:]
        if head in ("let", "let*"):
            inner = dict(scope)
            for name, bound in args[0]:
                inner[name] = self.eval(bound, inner if head == "let*" else scope)
            return self.eval(args[1], inner)
        if head == "if":
            return self.eval(args[1] if self.eval(args[0], scope).v != 0 else args[2], scope)
        if head == "cond":
            for test, value in args:
                if test == "else" or self.eval(test, scope).v != 0:
                    return self.eval(value, scope)
        args = [self.eval(a, scope) for a in args]
        if head in scope and isinstance(scope[head], tuple):
            params, body, home = scope[head]
            return self.eval(body, {**home, **dict(zip(params, args, strict=True))})
        return self.primitive(head, args)

    def primitive(self, head, args):
        arithmetic = {"+": self.add, "-": self.sub, "*": self.mul, "/": self.div}
        if head in arithmetic:
            if len(args) == 1:
                if head == "-":
                    return self.each(self.neg, args[0])
                return self.each(self.div, self.constant(1), args[0]) if head == "/" else args[0]
            result = args[0]
            for a in args[1:]:
                result = self.each(arithmetic[head], result, a)
            return result
        if head in ("<", ">", "<=", ">=", "="):
            a, b = args[0].v, args[1].v
            truth = {"<": a < b, ">": a > b, "<=": a <= b, ">=": a >= b, "=": a == b}[head]
            return self.constant(1 if truth else 0)
        special = {
            "pow": lambda a, b: self.each(self.pow, a, b),
            "expt": lambda a, b: self.each(self.pow, a, b),
            "sqrt": lambda a: self.each(self.sqrt, a),
            "vec": lambda *a: list(a),
            "scale": lambda s, v: self.each(self.mul, s, v),
            "vsum": self.total,
            "dot": self.dot,
            "norm": lambda v: self.sqrt(self.dot(v, v)),
            "normalize": lambda v: self.each(self.div, v, self.sqrt(self.dot(v, v))),
            "matvec": self.matvec,
            "cross": self.cross,
            "ref": lambda v, i: v[int(i.v)],
        }
        if head in special:
            return special[head](*args)
        return self.each(lambda x: self.function(head, x), args[0])


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
        entry = re.fullmatch(r"   (.+?)(?: in \[(.+), (.+)\]( log)?| (\w+))", line)
        if entry and not line.startswith(" trainable"):
            names, low, high, log, given = entry.groups()
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
                    if log:
                        item["log"] = True
                if shape:
                    item["shape"] = shape
                about["inputs"].append(item)
            continue
        key, _, rest = line.strip().partition(":")
        if key == "law":
            about["law"] = rest.strip()
        elif key == "trainable":
            about["trainable"] = rest.split()
        elif key == "points":
            about["points"] = int(rest)
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
        return float(mpmath.fp.exp(rng.uniform(mpmath.fp.log(low), mpmath.fp.log(high)))) \
            if item.get("log") else rng.uniform(low, high)
    return [one() for _ in range(size(item))]


def evaluate(forms, items, point, ctx):
    """Value (a number or a list) and Jacobian rows (one per element of the value)."""
    inputs, k = {}, 0
    for item in items:
        elements = []
        for _ in range(size(item)):
            elements.append(Dual(ctx.mpf(point[k]), {k: ctx.mpf(1)}))
            k += 1
        shape = item.get("shape", [])
        if not shape:
            elements = elements[0]
        elif len(shape) == 2:
            n = shape[1]
            elements = [elements[r * n : r * n + n] for r in range(shape[0])]
        inputs[item["name"]] = elements
    result = Evaluator(ctx, inputs).program(forms)
    flat = lambda x: [z for y in x for z in flat(y)] if isinstance(x, list) else [x]
    duals = flat(result)
    rows = [[d.d.get(i, ctx.mpf(0)) for i in range(k)] for d in duals]
    values = [d.v for d in duals]
    return (values, rows, None if not isinstance(result, list) else len(duals))


def nodes(e):
    return 1 if not isinstance(e, list) else sum(nodes(x) for x in e[1:]) + 1


def reference(path, points=None):
    text = open(path).read()
    about, forms = header(text), read(text)
    rng = random.Random(about["name"])
    if points is None:
        points = [[x for item in about["inputs"] for x in draw(rng, item)] for _ in range(about["points"])]
    about.pop("points")
    values, gradients, conditioning, length = [], [], [], None
    for point in points:
        value, rows, length = evaluate(forms, about["inputs"], point, mpmath.mp)
        total = sum(abs(v) for v in value)
        reach = sum(abs(x * d) for row in rows for x, d in zip(point, row))
        conditioning.append(float(mpmath.nstr(reach / total, 6)) if total else 0.0)
        rounded = [[float(d) for d in row] for row in rows]
        values.append(float(value[0]) if length is None else [float(v) for v in value])
        gradients.append(rounded[0] if length is None else rounded)
    return dict(about, output_len=length, points=points, values=values, gradients=gradients,
                conditioning=conditioning)


def dump(entries):
    """JSON with one line per point: `git diff` of it can be read."""
    out = []
    for name, entry in entries.items():
        fields = []
        for key, value in entry.items():
            if key in ("points", "gradients", "inputs") and value:
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
    command, *directories = sys.argv[1:] or [""]
    if command == "check" and directories:
        for directory in directories:
            check(directory)
    elif command == "write" and directories:
        for directory in directories:
            entries = {name: reference(os.path.join(directory, name)) for name in programs(directory)}
            with open(os.path.join(directory, "reference.json"), "w") as file:
                file.write(dump(entries))
    else:
        sys.exit(__doc__)


main()
