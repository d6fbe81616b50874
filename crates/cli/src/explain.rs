//! `nc explain`: what the code of an error or a warning means.

use neural_compiler::Dialect;
use serde_json::{Value as Json, json};

use super::report::Failure;
use super::{closest, print, print_json};

/// Say what the code of an error or a warning means, with an example and the remedy
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    nc explain shape\n  \
    nc explain\n\n\
    The code stands in brackets in front of a message, and as \"code\" in what --json prints. Without a code, all are listed.")]
pub struct Args {
    /// The code, such as unknown-name
    #[arg(value_name = "CODE")]
    code: Option<String>,
}

/// What brings a code about.
#[derive(Debug, Clone, Copy)]
enum Example {
    /// A program in a dialect, which `nc check` has the code for.
    Program(Dialect, &'static str),
    /// A command line.
    Command(&'static str),
}

/// What there is to say about a code.
struct Page {
    code: &'static str,
    meaning: &'static str,
    example: Example,
    remedy: &'static str,
}

const fn scheme(
    code: &'static str,
    meaning: &'static str,
    example: &'static str,
    remedy: &'static str,
) -> Page {
    Page { code, meaning, example: Example::Program(Dialect::Scheme, example), remedy }
}

const fn infix(
    code: &'static str,
    meaning: &'static str,
    example: &'static str,
    remedy: &'static str,
) -> Page {
    Page { code, meaning, example: Example::Program(Dialect::Infix, example), remedy }
}

const fn tree(
    code: &'static str,
    meaning: &'static str,
    example: &'static str,
    remedy: &'static str,
) -> Page {
    let dialect = Dialect::Eml(neural_compiler::Mode::Real);
    Page { code, meaning, example: Example::Program(dialect, example), remedy }
}

const fn command(
    code: &'static str,
    meaning: &'static str,
    example: &'static str,
    remedy: &'static str,
) -> Page {
    Page { code, meaning, example: Example::Command(example), remedy }
}

/// All codes, those of programs first, in the order of the alphabet.
const PAGES: &[Page] = &[
    scheme(
        "arity",
        "A function, a primitive or `recur` has a wrong number of operands.",
        "(sin x y)",
        "Give it as many as it takes. `nc ops NAME` says how a primitive is written.",
    ),
    scheme(
        "constant",
        "A constant of mathematics is used that is not predefined, and so is an input.",
        "(* e x)",
        "Define it, `(define e 2.718281828459045)`, or rename the input if it is meant to be one.",
    ),
    scheme(
        "derivative",
        "The derivative of a function of several arguments, of functions, or by an argument that it does not have.",
        "((D (lambda (x y) (* x y))) 1)",
        "`D` takes a function of one number, vector or matrix; `((partial 1) f)` is the derivative by argument 1 of several, from 0.",
    ),
    scheme(
        "duplicate",
        "A name is bound twice where it can mean one thing only: at the top of a program, among parameters, inputs or results.",
        "(define k 1) (define k 2) (* k x)",
        "Rename one of them. `let` may bind a name again.",
    ),
    scheme("empty", "There is no expression.", "; only a comment", "Write one: the last one is the result."),
    command(
        "data",
        "The columns of data do not go together: lengths, numbers in a row, a σ or weight that is none.",
        "",
        "`nc fit --help` says what data are.",
    ),
    command(
        "encoding",
        "The program is no UTF-8 text.",
        "nc check law.bin",
        "Save it as UTF-8; programs are plain text.",
    ),
    scheme(
        "endless",
        "A function that calls itself makes a new function for it each time, so that specialising it to its operands does not end.",
        "(define (grow f n) (if (= n 0) (f 0) (grow (lambda (x) (f (+ x n))) (- n 1)))) (grow sin n)",
        "Pass the function on unchanged, and what changes as a number. `; nc: --max-specialisations N` raises the limit.",
    ),
    scheme(
        "first-order",
        "A function stands where a number is wanted, or a number where a function is, or a row of data would choose between functions.",
        "(define (f x) x) (+ f 1)",
        "Call the function. Functions are operands and results of functions, and no data: `(if c (f x) (g x))` chooses between values.",
    ),
    scheme(
        "form",
        "A form such as `let`, `if` or `cond` is not written as it has to be.",
        "(let (x 1) x)",
        "The message shows how the form is written.",
    ),
    scheme(
        "header",
        "A comment `nc:` at the head of a program asks for something unknown.",
        "; nc: --max-loops 5\nx",
        "Options there are `--max-iterations`, `--max-depth`, `--max-steps` and `--max-specialisations`, each with a number.",
    ),
    scheme(
        "import",
        "A file cannot be imported: there is none, it is outside the folders that may be, computes a result, or imports itself.",
        "(import \"gas.scm\") (pressure 2 t)",
        "Paths are relative to the file they stand in and stay in its program's folder; `--library DIR` adds a folder. An imported \
         file has definitions only.",
    ),
    command(
        "fit",
        "What is asked of a fit does not go together, such as a start outside the bounds.",
        "",
        "The message names the parameter; `--param NAME=START:LOW..HIGH` says where it starts and may be.",
    ),
    command(
        "imported-input",
        "A function of an imported file uses a name that nothing in that file binds, so that it is an input of the program.",
        "nc check law.scm",
        "Define it in the imported file, or make it a parameter of the function.",
    ),
    tree(
        "infix",
        "A tree of `eml` has infix arithmetic, which its grammar does not.",
        "x+1",
        "Everything is a call: `add(x,1)`. Formulas in infix notation are files `.nci`, or `--dialect infix`.",
    ),
    scheme(
        "like-formula",
        "A name with operators between letters is an input, and may have been meant as a formula.",
        "m*v^2/2",
        "Formulas in infix notation are files `.nci`, or `--dialect infix`. In Scheme a product is `(* m v)`.",
    ),
    scheme(
        "literal",
        "A number in the program is too large or too small for binary64: it is infinite or 0.",
        "(* 1e400 x)",
        "Scale the quantities, or write `+inf.0` or `0` if that is meant.",
    ),
    scheme(
        "look-alike",
        "A name has a sign that only looks like an operator or a digit, such as the minus sign U+2212 that text is typeset with.",
        "(* −1 x)",
        "Type the sign of the keyboard: `-1`.",
    ),
    tree(
        "member-access",
        "A tree of `eml` has a member access, as in another language.",
        "math.exp(x)",
        "Write the call alone: `exp(x)`.",
    ),
    scheme(
        "mismatched",
        "A bracket is closed by another kind of bracket.",
        "(+ [x 1) 2]",
        "Close brackets in the order in which they were opened.",
    ),
    scheme(
        "near-miss",
        "An input has nearly the name of a variable of the program.",
        "(define lambda0 2) (define theta 3) (* thta theta)",
        "Correct the name; if it is an input, the warning does no harm.",
    ),
    tree(
        "not-a-primitive",
        "A tree of `eml` calls something that its grammar does not have.",
        "gamma(x)",
        "`nc eml calculator` lists the functions that trees are known for.",
    ),
    command(
        "nan",
        "A number of the data is a NaN or infinite, or missing.",
        "",
        "`--skip-nan` leaves such rows out.",
    ),
    command(
        "not-finite",
        "The residuals of a fit, or their derivatives, are not finite at the start, nor anywhere else where it was tried.",
        "",
        "`--param NAME=START` says where a parameter starts, `NAME=START:LOW..HIGH` where it may be.",
    ),
    command(
        "not-strict",
        "A tree has more than the strict grammar: `eml`, the leaf 1 and variables.",
        "nc eml check --strict 'exp(x)'",
        "`nc eml expand` writes a program as a tree of the strict grammar.",
    ),
    scheme(
        "number",
        "Something that begins like a number is none.",
        "(* 1.2.3 x)",
        "Numbers are written `2`, `-0.5`, `6.674e-11`, `1/3`, `1+2i`.",
    ),
    scheme("open-comment", "A comment `#|` does not end.", "#| note\nx", "End it with `|#`."),
    command(
        "ode",
        "What is asked of a trajectory does not go together.",
        "",
        "`nc help ode` says what its options mean.",
    ),
    infix(
        "operand",
        "An operator has no operand where it wants one.",
        "2 * ",
        "Write the operand, or remove the operator.",
    ),
    scheme(
        "order",
        "A value is used before its definition.",
        "(define a (+ b 1)) (define b 2) (* a x)",
        "Define it further up.",
    ),
    command(
        "outside-domain",
        "An operation is outside its safe domain: its value is what IEEE 754 gives, infinite or a NaN.",
        "nc eval -e '(log x)' --set x=0 --check-domain",
        "`nc check` lists the conditions of a program. Choose inputs within, or guard the operation by `if`.",
    ),
    scheme(
        "recur",
        "`recur` stands where there is no next iteration: outside a loop, or where its value is used.",
        "(+ 1 (recur 2))",
        "Let `recur` be the last thing that happens in an iteration; keep sums in a further variable of the loop.",
    ),
    scheme(
        "refused",
        "The program asks for something that the language leaves out: mutation, output, lists, strings.",
        "(set! x 1)",
        "The message says what to write instead, docs/language.md why.",
    ),
    command(
        "plot",
        "A picture could not be drawn.",
        "",
        "The message says what the drawing library could not do.",
    ),
    command(
        "replay",
        "A fit that was carried out once more did not come out as in its report.",
        "",
        "The message names what differs: the program, the data, or a number.",
    ),
    command(
        "report",
        "A file is no report of a fit.",
        "",
        "`--replay` takes what `-o` of `nc fit` has written.",
    ),
    command(
        "result",
        "The program has no result of this name.",
        "",
        "`--target COLUMN` is for a program with one result, `--target RESULT=COLUMN` for named ones.",
    ),
    command(
        "results",
        "The results do not fit the file that they go to: it holds one array, or two of them would have one name.",
        "nc run two-results.scm --batch in.npy -o out.npy",
        "An npz file holds an array for each result; other names keep them apart.",
    ),
    scheme(
        "shape",
        "Operands have shapes that do not go together.",
        "(+ [1 2] [1 2 3])",
        "Inputs are scalars unless `--inputs 'r[3],A[3,3]'` says otherwise, or the values given for them do.",
    ),
    command(
        "source-too-long",
        "The program has more bytes than are read.",
        "nc check generated.scm",
        "Programs of 64 MiB are read. Data belong into the batch.",
    ),
    infix(
        "token",
        "A character is not part of the language.",
        "a % b",
        "The message says what the language has in its place.",
    ),
    command(
        "too-deep",
        "Brackets or calls are nested deeper than can be.",
        "nc check --max-depth 2000000 f.scm",
        "A million levels are read; calls are nested as deep as `--max-depth` says.",
    ),
    command(
        "too-large",
        "A program, a value or a derivative would have more elements or operations than there can be.",
        "nc check generated.scm",
        "Give results that are used twice a name. `--memory MIB` allows more operations, `--wrt` fewer derivatives.",
    ),
    command(
        "too-many",
        "There are so many errors that the rest of the text is not read.",
        "nc eml check broken.eml",
        "Correct the first ones.",
    ),
    command(
        "trajectory",
        "The solution of a differential equation cannot be followed to the last time.",
        "nc ode -e '(* x x)' --state x=1 --t 0:2",
        "The message has the time, the state, and the operation that leaves its domain, if one does.",
    ),
    tree(
        "top-level-comma",
        "A comma stands outside of any call.",
        "eml(x,1),1",
        "A program is one expression.",
    ),
    tree(
        "trailing",
        "Something follows a complete operand.",
        "eml(x,1) y",
        "Operands are separated by commas.",
    ),
    scheme("unclosed", "A bracket is not closed where the text ends.", "(+ x 1", "Close it."),
    scheme(
        "unknown-name",
        "There is no function of this name.",
        "(sine x)",
        "`nc ops --find TEXT` looks through the primitives. A function of the program is defined by `(define (f x) …)`.",
    ),
    scheme("unopened", "A bracket closes nothing.", "(+ x 1))", "Remove it, or open it further up."),
    command(
        "unsayable",
        "A program cannot be written in this dialect.",
        "nc ir loop.scm --stage eml",
        "Trees of `eml` have no choices and no loops; the other dialects have everything.",
    ),
    command(
        "batch",
        "A batch does not fit the kernel.",
        "nc run law.scm --batch in.npy",
        "`nc check` says what the program takes.",
    ),
    command(
        "board",
        "The board of trees cannot be read or written.",
        "nc eml board old.db",
        "The message says what the file lacks.",
    ),
    command(
        "codegen",
        "The tier that was asked for does not work on this machine.",
        "nc run law.scm --batch in.npy --tier avx512",
        "`--tier auto` takes the fastest that works.",
    ),
    command(
        "columns",
        "The columns of a batch are not those that the program takes.",
        "nc run -e '(* x y)' --batch one-column.npy",
        "`--inputs m,r[3]` gives order and shapes, `--column nu=freq` another name, `--param` one value for all rows.",
    ),
    command(
        "complex",
        "An input is complex, and the program is over the real numbers.",
        "nc eval tree.eml --set x=1+2i",
        "`--over complex` evaluates a tree over the complex numbers; other programs take complex inputs.",
    ),
    command("error", "The library has found something wrong that has no code.", "", "The message says what."),
    command(
        "file",
        "A file cannot be read or written, or is not what its name says.",
        "nc run law.scm --batch missing.csv",
        "The message names the place in the file. docs/files.md says what is read.",
    ),
    command(
        "gradient",
        "A derivative has no shape: that of a complex result by a vector.",
        "nc eval -e '(* z (ref v 0))' --set z=1+i --set 'v=[1,2]' --grad",
        "`--wrt` leaves the input out.",
    ),
    command(
        "hessian",
        "A Hessian is asked for where there is none: of several results, or by a complex input.",
        "nc eval -e '[x y]' --set x=1 --set y=2 --hessian",
        "Ask for one result at a time; `--grad` has the Jacobian matrix.",
    ),
    command(
        "internal",
        "The compiler has broken one of its own rules.",
        "",
        "Please report it, with the program.",
    ),
    command(
        "kink",
        "A row is at a kink: the derivative there is a convention.",
        "nc eval -e '(abs x)' --set x=0 --grad --check-kinks",
        "`nc ops NAME` says what it is. A smooth function has no kink: `(hypot x 1e-6)`.",
    ),
    command(
        "memory",
        "Compiling, or a row, needs more memory than it may.",
        "nc eval -e '(ref (outer (ones 60000) (ones 60000)) 0 0)'",
        "`--memory MIB` allows more, `--batch-memory MIB` for a batch.",
    ),
    command(
        "missing-input",
        "An input of the program has no value.",
        "nc eval -e '(* x y)' --set x=1",
        "`--set NAME=VALUE` gives one, in a run a column or `--param NAME=VALUE`.",
    ),
    command(
        "no-domain",
        "A tree has no value for any input.",
        "nc eml raise 'eml(1,eml(eml(1,1),1))'",
        "Its logarithm is of a number below 0: over the complex numbers, `--over complex`.",
    ),
    command(
        "no-tree",
        "No tree of `eml` is known for an operation.",
        "nc eml expand floor.scm",
        "Trees have the operations of a calculator; choices and loops are not among them.",
    ),
    command(
        "no-value",
        "A tree has no value at this point.",
        "nc eml eval 'eml(1,x)' --set x=-1",
        "`--over complex` or `--over extended` gives values to more points, `--scaled` to larger ones.",
    ),
    command(
        "not-priced",
        "An operation has no price in operators of the family.",
        "nc eml cost floor.scm",
        "Prices are those of operations that have trees.",
    ),
    command(
        "not-verified",
        "High precision has not shown that two trees are the same function.",
        "nc eml raise tree.eml",
        "The message says why; a tree that is too deep for the precision cannot be compared.",
    ),
    command(
        "picture-too-large",
        "A picture would have too many nodes to be looked at.",
        "nc ir large.scm --stage svg",
        "`--max-nodes N` allows more.",
    ),
    command(
        "row-failed",
        "A row has no value: an index is out of range, or a loop or recursive function does not end within the limits.",
        "nc eval -e '(ref [1 2] i)' --set i=2",
        "`--max-iterations`, `--max-depth` and `--max-steps` raise limits; `--keep-going` writes the other rows of a batch.",
    ),
    command(
        "singular-derivative",
        "A derivative is infinite or a NaN: the operation has a value there and no finite derivative.",
        "nc eval -e '(sqrt x)' --set x=0 --grad",
        "Leave the point out, or use a function that is smooth there: `(sqrt (+ x 1e-12))`, `(hypot x 1e-6)`.",
    ),
    command(
        "threads",
        "Threads cannot be started.",
        "nc run law.scm --batch in.npy --threads 100000",
        "`--threads N` asks for fewer.",
    ),
    command(
        "time-limit",
        "The time that `--time-limit` allows is over.",
        "nc run slow.scm --batch in.npy --time-limit 5",
        "`--time-limit SECONDS` allows more; `--max-iterations` bounds the loops of a row.",
    ),
    command(
        "too-many-steps",
        "A binary32 program cannot count so many steps.",
        "nc eval f.scm --dtype f32 --max-steps 10000000000",
        "`--max-steps N` sets a smaller limit, and `--dtype f64` counts further.",
    ),
    command(
        "unknown-family",
        "There is no family of primitives of this name.",
        "nc ops --family trig",
        "`nc ops` lists them.",
    ),
    command(
        "unknown-input",
        "The program has no input of this name.",
        "nc eval -e '(sin x)' --set y=1",
        "`nc check` lists the inputs.",
    ),
    command(
        "unknown-primitive",
        "There is no primitive of this name.",
        "nc ops sinus",
        "`nc ops --find TEXT` looks through names and descriptions.",
    ),
    command(
        "unknown-result",
        "The program has no result of this name.",
        "nc eval two.scm --vjp 'c=1'",
        "`nc check` lists the results.",
    ),
    command(
        "unknown-variable",
        "A tree has a variable that the target does not.",
        "nc eml check --target neg 'eml(1,y)'",
        "The target's variables are x, and y if it takes two.",
    ),
    command(
        "usage",
        "The command line makes no sense.",
        "nc eval",
        "`nc help` and `nc help COMMAND` say what there is.",
    ),
];

/// Runs the subcommand.
pub fn run(args: &Args, json: bool) -> Result<(), Failure> {
    let Some(code) = &args.code else {
        if json {
            return print_json(&PAGES.iter().map(object).collect());
        }
        let width = PAGES.iter().map(|page| page.code.len()).max().unwrap_or(0);
        let lines = PAGES.iter().map(|page| format!("{:width$}  {}\n", page.code, page.meaning));
        return print(&lines.collect::<String>());
    };
    let Some(page) = PAGES.iter().find(|page| page.code == code) else {
        let codes: Vec<&str> = PAGES.iter().map(|page| page.code).collect();
        let failure = Failure::message("usage", format!("there is no code `{code}`"));
        return Err(match closest(code, &codes) {
            Some(close) => failure.note(format!("is it `{close}`?")),
            None => failure.note("`nc explain` lists them all"),
        });
    };
    if json {
        return print_json(&object(page));
    }
    let (example, indent) = match page.example {
        Example::Program(_, text) | Example::Command(text) => (text, "\n    "),
    };
    let example = match example {
        "" => String::new(),
        text => format!("\n  Example:\n    {}\n", text.replace('\n', indent)),
    };
    print(&format!("{}\n\n  {}\n{example}\n  {}\n", page.code, page.meaning, page.remedy))
}

fn object(page: &Page) -> Json {
    let (example, dialect) = match page.example {
        Example::Program(dialect, text) => (text, Some(dialect.name())),
        Example::Command(text) => (text, None),
    };
    json!({
        "code": page.code,
        "meaning": page.meaning,
        "example": example,
        "dialect": dialect,
        "remedy": page.remedy,
    })
}
