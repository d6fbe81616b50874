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

import mpmath

from duals import HALF, Exact, Machine, gmpy2
from scheme import Evaluator, read, tokens

DIGITS = 60
POINTS = 32
# How far the operands of a decision must be apart, relative to the larger.
MARGIN = 1e-9
# Bounds above this part of a result say nothing.
USELESS = 1e-6
SAFETY = 32.0


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


def sampled(forms, items, point, scales, values, derivatives):
    """Bounds on the errors of values and derivatives from evaluations with several directions of rounding. Errors
    of derivatives are compared as what a change of their input by its scale makes of them: adjoints spread them
    otherwise."""
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
                spread[i] = max(spread[i], abs(float(x.d.get(k, 0)) - right) * scales[k])
    value_bounds = [SAFETY * (e + 2 * HALF * abs(v)) for e, v in zip(errors, values)]
    gradient_bounds = []
    for row, worst in zip(derivatives, spread):
        all_of = SAFETY * (worst + 2 * HALF * sum(abs(d) * x for d, x in zip(row, scales)))
        gradient_bounds.append([all_of / x for x in scales])
    return value_bounds, gradient_bounds


def largest(items, points):
    """For each number of a point, the largest of its input in any point."""
    scales, start = [], 0
    for item in items:
        n = size(item)
        scales += [max(abs(x) for point in points for x in point[start : start + n]) or 1.0] * n
        start += n
    return scales


def useless(bounds, results):
    """Whether a bound is large beside the largest of the results."""
    top = max((abs(x) for x in results), default=0.0)
    return any(bound > USELESS * top for bound in bounds) and top > 0.0


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
        if not running and points is None:
            scales = largest(about["inputs"], rows["points"])
            bounds = [sampled(forms, about["inputs"], point, scales, *exact)
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
