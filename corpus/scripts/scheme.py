"""Programs: their text, and their evaluation over any kind of number."""

import math
import re

from duals import ELEMENTARY, ORDER, ROUNDING, truncate


# Text

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
