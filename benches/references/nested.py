"""Programs with derivatives, solvers and functions inside, beside closed forms in 50 digits.

    python benches/references/nested.py

writes corpus/nested: a program for each entry below and reference.json, in the format of corpus/closed. The second text of an entry knows nothing of
the program: it is the closed form, and its derivatives by the inputs are taken from it by differences in 200 digits. Tolerances are those of the
entries: of direct programs 1e-14 of the value and its conditioning; of those that iterate or integrate what their documentation promises. Needs mpmath.
"""

import json
from pathlib import Path

from mpmath import mp, mpf

mp.dps = 60
POINTS = 12
DIRECT, SOLVED = None, {"value": 1e-12, "absolute": 1e-13, "gradient": 1e-11}

# Name, program of x and a, closed form, ranges of x and a, tolerance.
ENTRIES = [
    ("derivative-of-a-product", "((D (lambda (u) (* u (sin (* a u))))) x)", "sin(a*x) + a*x*cos(a*x)", (0.1, 1.4), (0.2, 1.0), DIRECT),
    ("second-derivative", "((D (D (lambda (u) (exp (* a u u))))) x)", "(2*a + 4*a*a*x*x)*exp(a*x*x)", (0.1, 1.2), (0.2, 1.0), DIRECT),
    ("third-derivative", "((D (D (D (lambda (u) (log (+ a u)))))) x)", "2/(a+x)**3", (0.1, 2), (0.2, 2), DIRECT),
    ("fourth-derivative", "((D (D (D (D (lambda (u) (sqrt (+ a u))))))) x)", "-mpf(15)/16*(a+x)**(-mpf(7)/2)", (0.1, 2), (0.5, 2), DIRECT),
    ("perturbation-confusion", "((D (lambda (u) (* u ((D (lambda (v) (+ u (* a v v)))) 1)))) x)", "2*a", (0.1, 2), (0.2, 2), DIRECT),
    ("inner-by-outer", "((D (lambda (u) ((D (lambda (v) (* (exp (* u v)) a))) 1))) x)", "a*exp(x)*(1+x)", (0.1, 1.5), (0.2, 2), DIRECT),
    ("derivative-of-a-derivative-parameter", "((D (lambda (k) ((D (lambda (u) (pow u k))) x))) a)", "x**(a-1)*(1+a*log(x))", (1.1, 2), (1.2, 3), DIRECT),
    ("mixed-partial", "(((partial 0) (lambda (u v) (((partial 1) (lambda (p q) (* (sin p) (exp (* p q))))) u v))) x a)", "exp(a*x)*(x*cos(x) + sin(x)*(1 + a*x))", (0.1, 1.2), (0.2, 1), DIRECT),
    ("laplacian", "(let ((g (lambda (r) (exp (* -1 (dot r r)))))) (let ((H ((D (D g)) [x a]))) (+ (ref H 0 0) (ref H 1 1))))", "(4*(x*x+a*a)-4)*exp(-x*x-a*a)", (1.1, 1.6), (0.9, 1.5), DIRECT),
    ("gradient-norm", "(let ((g ((D (lambda (r) (* (ref r 0) (exp (ref r 1))))) [x a]))) (dot g g))", "exp(2*a)*(1+x*x)", (0.1, 2), (0.2, 1.5), DIRECT),
    ("directional", "(jvp (lambda (r) (* (ref r 0) (ref r 0) (ref r 1))) [x a] [1 2])", "2*x*a + 2*x*x", (0.1, 2), (0.2, 2), DIRECT),
    ("jacobian-direction", "(ref (jvp (lambda (r) [(* (ref r 0) (ref r 1)) (sin (ref r 0))]) [x a] [3 -1]) 0)", "3*a - x", (0.1, 1), (1, 2), DIRECT),
    ("covector", "(ref (vjp (lambda (r) [(* (ref r 0) (ref r 1)) (exp (ref r 0))]) [x a] [2 1]) 0)", "2*a + exp(x)", (0.1, 2), (0.2, 2), DIRECT),
    ("derivative-through-a-jvp", "((D (lambda (u) (jvp (lambda (v) (exp (* v v))) u 1))) x)", "(2+4*x*x)*exp(x*x) + 0*a", (0.1, 1.2), (0.2, 2), DIRECT),
    ("derivative-through-a-vjp", "((D (lambda (u) (vjp (lambda (v) (sin (* a v))) u 1))) x)", "-a*a*sin(a*x)", (0.1, 1.4), (0.2, 1.5), DIRECT),
    ("stopped", "((D (lambda (u) (* (detach (exp u)) u a))) x)", "a*E", (0.1, 1.5), (0.2, 2), "detached"),
    ("branch", "((D (lambda (u) (if (> u 1) (* a u u) (* u u u)))) x)", "2*a*x if x > 1 else 3*x*x", (0.2, 0.9), (0.2, 2), DIRECT),
    ("loop-power", "((D (lambda (u) (loop ((k 0) (p 1)) (if (< k 5) (recur (+ k 1) (* p u)) (* a p))))) x)", "5*a*x**4", (0.3, 1.6), (0.2, 2), DIRECT),
    ("recursive-power", "(define (power u n) (if (< n 1) 1 (* u (power u (- n 1))))) ((D (lambda (u) (* a (power u 6)))) x)", "6*a*x**5", (0.3, 1.6), (0.2, 2), DIRECT),
    ("newton-step", "(let ((g (lambda (u) (- (* u u) a)))) (- x (/ (g x) ((D g) x))))", "(x + a/x)/2", (0.5, 2), (0.2, 2), DIRECT),
    ("iterated-newton", "(iterate (lambda (u) (- u (/ (- (* u u u) a) (* 3 u u)))) 8 x)", "cbrt(a) + 0*x", (0.9, 1.1), (0.8, 1.3), {"value": 1e-14, "absolute": 1e-14, "gradient": 1e-12}),
    ("root-square", "(root (lambda (u) (- (* u u) (+ x a))) 1)", "sqrt(x+a)", (0.5, 3), (0.5, 2), SOLVED),
    ("root-transcendental", "(root (lambda (u) (- (* u (exp u)) (* a x))) 0.5)", "lambertw(a*x).real", (0.3, 2), (0.3, 2), SOLVED),
    ("root-of-a-system", "(dot [1 2] (root (lambda (r) [(- (+ (ref r 0) (ref r 1)) x) (- (* 2 (ref r 0)) a)]) [1 1]))", "2*x - a/2", (0.5, 3), (0.2, 0.9), SOLVED),
    ("root-in-a-bracket", "(root-in (lambda (u) (- (exp u) (* a x))) -5 5)", "log(a*x)", (1.2, 4), (1.1, 2), SOLVED),
    ("derivative-of-a-root", "((D (lambda (p) (root (lambda (u) (- (* u u u) p)) 1))) (* a x))", "1/(3*(a*x)**(mpf(2)/3))", (0.5, 2), (0.5, 2), SOLVED),
    ("fixed-point", "(fixed-point (lambda (u) (/ (+ u (/ (* x a) u)) 2)) 1)", "sqrt(a*x)", (0.5, 3), (0.5, 2), SOLVED),
    ("minimum", "(minimum (lambda (u) (- (exp u) (* a x u))) 0.1)", "log(a*x)", (1.1, 3), (1.1, 2), {"value": 1e-7, "absolute": 1e-8, "gradient": 1e-6}),
    ("integral-of-a-power", "(integrate (lambda (u) (pow u a)) 0.5 x)", "(x**(a+1) - mpf('0.5')**(a+1))/(a+1)", (1, 3), (0.3, 2), SOLVED),
    ("integral-by-a-parameter", "((D (lambda (k) (integrate (lambda (u) (exp (* k u))) 0 x))) a)", "exp(a*x)*(x/a - 1/a**2) + 1/a**2", (0.5, 2), (0.5, 1.5), SOLVED),
    ("integral-of-a-derivative", "(integrate (lambda (u) ((D (lambda (v) (sin (* a v v)))) u)) 0 x)", "sin(a*x*x)", (0.3, 1.2), (0.3, 1), SOLVED),
    ("gauss-of-a-polynomial", "(gauss-legendre 6 (lambda (u) (* a (pow u 5))) 0 x)", "a*x**6/6", (0.3, 2), (0.3, 2), {"value": 1e-14, "absolute": 1e-15, "gradient": 1e-13}),
    ("exponential-growth", "(odeint (lambda (t y) (* a y)) 1 0 x 1e-12 1e-14)", "exp(a*x)", (0.5, 2), (0.3, 1.2), {"value": 1e-10, "absolute": 1e-11, "gradient": 1e-9}),
    ("logistic-growth", "(odeint (lambda (t y) (* a y (- 1 y))) 0.2 0 x 1e-12 1e-14)", "1/(1+4*exp(-a*x))", (0.5, 3), (0.3, 1.5), {"value": 1e-10, "absolute": 1e-11, "gradient": 1e-9}),
    ("oscillator", "(ref (odeint (lambda (t y) [(ref y 1) (* -1 a a (ref y 0))]) [1 0] 0 x 1e-12 1e-14) 0)", "cos(a*x)", (0.2, 0.9), (0.3, 1.2), {"value": 1e-10, "absolute": 1e-11, "gradient": 1e-9}),
    ("linear-system", "(let ((s (solve [[x 1] [1 (+ 2 a)]] [1 a]))) (+ (ref s 0) (* 2 (ref s 1))))", "(2 + a - a)/(x*(2+a)-1) + 2*(x*a - 1)/(x*(2+a)-1)", (1.5, 3), (1.2, 2), {"value": 1e-13, "absolute": 1e-14, "gradient": 1e-12}),
    ("determinant", "(det [[x a 1] [a 3 x] [1 x 4]])", "x*(12 - x*x) - a*(4*a - x) + (a*x - 3)", (1, 2), (0.2, 1), {"value": 1e-14, "absolute": 1e-13, "gradient": 1e-13}),
    ("derivative-of-a-determinant", "((D (lambda (u) (det [[u a] [1 (* u u)]]))) x)", "3*x*x + 0*a", (0.5, 2), (0.2, 2), {"value": 1e-14, "absolute": 1e-14, "gradient": 1e-13}),
    ("cholesky-corner", "(ref (cholesky [[(* x x) (* a x)] [(* a x) (+ 4 (* a a))]]) 1 0)", "a + 0*x", (0.5, 2), (0.2, 2), {"value": 1e-14, "absolute": 1e-14, "gradient": 1e-13}),
    ("tridiagonal", "(ref (solve-tridiagonal [1 1] [(+ 3 x) (+ 3 a) 4] [1 1] [1 0 0]) 0)", "((3+a)*4 - 1)/((3+x)*((3+a)*4 - 1) - 4)", (0.2, 2), (0.2, 2), {"value": 1e-14, "absolute": 1e-15, "gradient": 1e-13}),
    ("sum-of-powers", "(sum 6 (lambda (k) (* a (pow x k))))", "a*(1-x**6)/(1-x)", (0.2, 0.7), (0.2, 2), DIRECT),
    ("product-of-sums", "(product 4 (lambda (k) (+ x (* k a))))", "x*(x+a)*(x+2*a)*(x+3*a)", (0.3, 2), (0.2, 1), DIRECT),
    ("built-and-mapped", "(vsum (map (lambda (u) (* u u a)) (build 5 (lambda (k) (+ x k)))))", "a*(5*x*x + 20*x + 30)", (0.2, 2), (0.2, 2), DIRECT),
    ("folded-horner", "(fold (lambda (s c) (+ (* s x) c)) 0 [1 a 3 a])", "x**3 + a*x**2 + 3*x + a", (0.2, 2), (0.2, 2), DIRECT),
    ("variance-of-shifts", "(variance [x (* 2 x) (+ a (* 3 x))])", "(x**2 + (2*x)**2 + (a+3*x)**2)/3 - ((6*x+a)/3)**2", (0.5, 2), (0.5, 2), {"value": 1e-14, "absolute": 1e-15, "gradient": 1e-13}),
    ("soft-maximum", "(log-sum-exp [x a (+ x a)])", "log(exp(x)+exp(a)+exp(x+a))", (0.2, 2), (0.2, 2), DIRECT),
    ("special-derivatives", "(+ ((D gamma) (+ 1 x)) ((D erf) a) ((D lambert-w) (* a x)))", "gamma(1+x)*digamma(1+x) + 2/sqrt(pi)*exp(-a*a) + 1/(exp(lambertw(a*x).real)*(1+lambertw(a*x).real))", (0.8, 2), (0.3, 1.5), {"value": 1e-13, "absolute": 1e-14, "gradient": 1e-12}),
    ("equation-of-motion", "(ref ((lagrangian->acceleration (lambda (t q v) (- (* 1/2 a (dot v v)) (* a 9.81 (- 1 (cos (ref q 0))))))) 0 [x] [0]) 0)", "-mpf(9.81)*sin(x) + 0*a", (0.2, 2), (0.5, 2), {"value": 1e-14, "absolute": 1e-14, "gradient": 1e-13}),
]


def closed(text):
    names = {name: getattr(mp, name) for name in "sin cos exp log sqrt cbrt lambertw gamma digamma pi".split()}
    return eval(f"lambda x, a: mpf({text})", {**names, "mpf": mpf})


def gradient(f, x, a):
    return [mp.diff(lambda u: f(u, a), x), mp.diff(lambda u: f(x, u), a)]


def main():
    root = Path(__file__).resolve().parents[2] / "corpus" / "nested"
    root.mkdir(exist_ok=True)
    references = {}
    for number, (name, program, formula, xs, parameters, tolerance) in enumerate(ENTRIES):
        if tolerance == "detached":
            # The exponential is held, so that derivatives of the result miss its own.
            f, slopes = closed("a*exp(x)"), lambda x, a: [mpf(0), mp.exp(x)]
            tolerance = DIRECT
        else:
            f = closed(formula)
            slopes = lambda x, a, f=f: gradient(f, x, a)
        definitions, _, last = program.rpartition("))) (") if program.startswith("(define (power") else ("", "", "")
        text = program if not definitions else None
        if text is None:
            head, body = definitions + ")))", "(" + last
            text = f"{head}\n(define (f x a)\n  {body})"
        else:
            text = f"(define (f x a)\n  {text})"
        ranges = [xs, parameters]
        lines = [f"; {name}", "; inputs:"] + [f";   {n} in [{low}, {high}]" for n, (low, high) in zip("xa", ranges)]
        (root / f"{name}.scm").write_text("\n".join(lines) + f"\n{text}\n")
        points, values, gradients, conditioning = [], [], [], []
        for k in range(POINTS):
            # Kronecker's sequence, rounded so that points read as written.
            fractions = [((k + 1 + number) * step) % 1 for step in (0.6180339887498949, 0.7548776662466927)]
            point = [round(low + (high - low) * u, 6) for (low, high), u in zip(ranges, fractions)]
            x, a = (mpf(p) for p in point)
            with mp.workdps(200):
                value, slope = f(x, a), slopes(x, a)
            points.append(point)
            values.append(float(value))
            gradients.append([float(s) for s in slope])
            conditioning.append(float(sum(abs(p * s) for p, s in zip((x, a), slope)) / abs(value)))
        entry = {
            "inputs": [{"name": n, "low": low, "high": high} for n, (low, high) in zip("xa", ranges)],
            "points": points, "values": values, "gradients": gradients, "conditioning": conditioning,
            "naive_f64": {"value_rel": 1e-15, "gradient_normwise": 1e-15},
        }
        if tolerance:
            entry["tolerance"] = tolerance
        references[f"{name}.scm"] = entry
    (root / "reference.json").write_text(json.dumps(references, indent=1) + "\n")
    print(len(references), "programs")


if __name__ == "__main__":
    main()
