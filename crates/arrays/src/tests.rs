//! Files written by NumPy, files written here, and files that are wrong in every way.

use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;
use tempfile::tempdir;

use super::*;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn numbers(source: &Source<'_>, rows: usize) -> Vec<f64> {
    match source {
        Source::Column(data) => data.to_vec(),
        Source::Matrix { data, columns: 1, row_stride } => {
            (0..rows).map(|row| data[row * row_stride]).collect()
        }
        Source::Constant(number) => vec![*number; rows],
        other => panic!("{other:?} is no column"),
    }
}

/// The columns of a whole dataset.
fn all(dataset: &Dataset) -> Vec<Vec<f64>> {
    dataset.all_columns().map(|column| numbers(&column, dataset.rows())).collect()
}

fn found(dataset: &Dataset, name: &str, shape: &[usize]) -> Vec<Vec<f64>> {
    dataset.find(name, shape).unwrap().iter().map(|column| numbers(column, dataset.rows())).collect()
}

fn open(name: &str) -> Dataset {
    Dataset::open(data(name)).unwrap()
}

/// The message of an error about a file, without its directory.
fn message(path: &Path) -> String {
    let message = Dataset::<f64>::open(path).unwrap_err().to_string();
    let directory = format!("{}/", path.parent().unwrap().display());
    message.strip_prefix(&directory).unwrap().to_owned()
}

const BASE: [[f64; 4]; 3] = [[0.0, 3.0, 6.0, 9.0], [1.0, 100.0, 7.0, 10.0], [2.0, 5.0, 8.0, 127.0]];

/// A dataset from bytes.
fn read_bytes(name: &str, bytes: Vec<u8>, format: Format) -> Result<Dataset, FileError> {
    let budget = Budget::new(1 << 30);
    Dataset::from_contents(Path::new(name), Contents::Read(bytes), format, &ReadOptions::default(), &budget)
}

fn bits(columns: &[Vec<f64>]) -> Vec<Vec<u64>> {
    columns.iter().map(|column| column.iter().map(|number| number.to_bits()).collect()).collect()
}

#[test]
fn every_type_and_order() {
    let types =
        ["little_f8", "big_f8", "little_f4", "big_f4", "little_f2", "i1", "u1", "little_i2", "big_i2"];
    for dtype in types.iter().chain(&["little_u4", "big_i4", "little_i8", "big_u8"]) {
        assert_eq!(all(&open(&format!("plain_{dtype}.npy"))), BASE, "{dtype}");
    }
    for name in ["column_order.npy", "column_order_i4.npy"] {
        let dataset = open(name);
        assert_eq!(all(&dataset), BASE);
        assert!(dataset.all_columns().all(|column| matches!(column, Source::Column(_))));
    }
    let expected = BASE.map(|column| column.map(|number| f64::from(u8::from(number > 5.0))));
    assert_eq!(all(&open("plain_bool.npy")), expected);
    assert_eq!(all(&open("one_column.npy")), [BASE[1]]);
    let expected: Vec<Vec<f64>> =
        (0..6).map(|element| (0..4).map(|row| f64::from(row * 6 + element)).collect()).collect();
    for name in ["matrices.npy", "matrices_column_order.npy", "matrices_column_order_big.npy"] {
        let dataset = open(name);
        assert_eq!(dataset.fields()[0].form().dims, [2, 3]);
        assert_eq!(all(&dataset), expected, "{name}");
    }
    let dataset = open("no_rows.npy");
    assert_eq!((dataset.rows(), all(&dataset)), (0, vec![vec![]; 3]));
}

#[test]
fn special_numbers() {
    let expected = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 5e-324].to_vec();
    assert_eq!(bits(&all(&open("special.npy"))), bits(&[expected]));
    let halves = [0.0, -0.0, 2f64.powi(-24), 1.5, -2.0, 65504.0, f64::INFINITY, f64::NAN].to_vec();
    assert_eq!(bits(&all(&open("halves.npy"))), bits(&[halves]));
    let two = 2f64;
    let large = [two.powi(53), -two.powi(53), two.powi(60), two.powi(53) + 2.0];
    assert_eq!(all(&open("large_integers.npy")), [large]);
}

#[test]
fn structured_arrays() {
    let dataset = open("records.npy");
    assert!(matches!(dataset.storage[0], Storage::InFile { .. }));
    assert_eq!(found(&dataset, "m", &[]), BASE[..1]);
    assert_eq!(found(&dataset, "r", &[3]), BASE);
    assert_eq!(found(&dataset, "A", &[2, 2])[2], [2.0, 6.0, 10.0, 14.0]);
    let dataset = open("records_mixed.npy");
    let names: Vec<_> = dataset.fields().iter().map(|field| field.name().unwrap()).collect();
    assert_eq!(names, ["flag", "m", "r", "n"]);
    assert_eq!(found(&dataset, "flag", &[]), [[0.0, 0.0, 1.0, 1.0]]);
    assert_eq!(found(&dataset, "m", &[]), BASE[..1]);
    assert_eq!(found(&dataset, "r", &[3]), BASE);
    assert_eq!(found(&dataset, "n", &[1]), [BASE[2].map(|number| -number)]);
}

#[test]
fn archives() {
    for name in ["named.npz", "named_compressed.npz"] {
        let dataset = open(name);
        assert_eq!(found(&dataset, "m", &[]), BASE[..1]);
        assert_eq!(found(&dataset, "r", &[3]), BASE);
        assert_eq!(found(&dataset, "A", &[2, 2])[1], [1.0, 5.0, 9.0, 13.0]);
        let error = dataset.find("A", &[4]).unwrap_err().to_string();
        assert_eq!(error, r#""A" has rows of shape [2, 2] where [4] is needed"#);
        let error = dataset.find("x", &[]).unwrap_err().to_string();
        assert_eq!(error, r#"there is no column "x"; there are m, r, A"#);
    }
}

#[test]
fn text_files() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("a.csv");
    let text = "\u{feff}x,\"y, z\" ,r[0],r[1]\r\n1,2,3,4\n\n-0,+1e3,nan,-inf\n\"5\" ,6 ,7, 8.25\n";
    fs::write(&path, text).unwrap();
    let dataset = Dataset::open(&path).unwrap();
    assert_eq!(dataset.rows(), 3);
    assert_eq!(bits(&found(&dataset, "x", &[])), bits(&[vec![1.0, -0.0, 5.0]]));
    assert_eq!(found(&dataset, "y, z", &[]), [[2.0, 1000.0, 6.0]]);
    assert_eq!(found(&dataset, "r", &[2])[1], [4.0, f64::NEG_INFINITY, 8.25]);
    assert_eq!(dataset.find("r", &[3]).unwrap_err().to_string(), {
        r#"there is no column "r[2]"; there are x, y, z, r[0], r[1]"#
    });
    let refused: [(&[u8], &str); 9] = [
        (b"", "the first line must name the columns, such as x,y"),
        (b"1,2\n3,4\n", "the first line must name the columns, such as x,y"),
        (b"x,x\n3,4\n", "the name \"x\" stands for two columns"),
        (b"x,y\r\n\r\n1,2\r\n\n3\n", "line 5 has 1 fields where the line of names has 2"),
        (b"x,y\n1,2,3\n", "line 2 has 3 fields where the line of names has 2"),
        (b"x,y\n1,\n", "line 2, column 2 (\"y\") has no number, but \"\""),
        (b"x,y\n1,2\n1,2m\n", "line 3, column 2 (\"y\"): \"2m\" is not a number"),
        (b"x,y\n1,\xff\n", "line 2, column 2 is not UTF-8 text; save the file in UTF-8"),
        (b"x,y\n1,2e\n", "line 2, column 2 (\"y\"): \"2e\" is not a number"),
    ];
    for (text, expected) in refused {
        fs::write(&path, text).unwrap();
        assert_eq!(message(&path), format!("a.csv: {expected}"));
    }
    fs::write(&path, "x,y\n").unwrap();
    assert_eq!(all(&Dataset::open(&path).unwrap()), vec![Vec::<f64>::new(); 2]);
}

#[test]
fn complex_numbers() {
    let dataset: Dataset = Dataset::open(data("complex.npy")).unwrap();
    let field = &dataset.fields()[0];
    assert_eq!(*field.form(), Form { dims: vec![], complex: true });
    assert_eq!(all(&dataset), [[0.0], [1.0]]);
    // Written and read again, in all formats and both types; two complex numbers in a row.
    let folder = tempdir().unwrap();
    let form = Form { dims: vec![2], complex: true };
    let (double, single) =
        ([1.0, -0.0, 0.1, 2.5, f64::INFINITY, -3.0, 1e-310, 7.0], [0.1f32, 2.0, -3.5, 4.0]);
    for name in ["z.npy", "z.npz", "z.csv"] {
        let path = folder.path().join(name);
        write_arrays(&path, &[NamedArray { name: "z", rows: Some(2), form: &form, data: &double }]).unwrap();
        let dataset: Dataset = Dataset::open(&path).unwrap();
        let columns: Vec<Vec<f64>> = match name {
            "z.npy" => all(&dataset),
            _ => dataset.find("z", form.clone()).unwrap().iter().map(|c| numbers(c, 2)).collect(),
        };
        let expected: Vec<Vec<f64>> = (0..4).map(|k| vec![double[k], double[4 + k]]).collect();
        assert_eq!(format!("{columns:?}"), format!("{expected:?}"), "{name}");
        write_arrays(&path, &[NamedArray { name: "z", rows: Some(1), form: &form, data: &single }]).unwrap();
        let dataset: Dataset<f32> = Dataset::open(&path).unwrap();
        let columns: Vec<f32> = dataset.all_columns().map(|c| row_of(&c)).collect();
        assert_eq!(columns, single, "{name}");
    }
    // The other way round than asked for.
    let path = folder.path().join("z.npz");
    let dataset: Dataset = Dataset::open(&path).unwrap();
    let error = dataset.find("z", &[2]).unwrap_err().to_string();
    assert_eq!(error, r#""z" is complex, and the input is real"#);
    let error = dataset.find("z", Form { dims: vec![3], complex: true });
    assert!(matches!(error, Err(MissingColumn::Shape { .. })));
}

/// The number of a column of one row.
fn row_of<T: Element>(column: &Source<'_, T>) -> T {
    match *column {
        Source::Column(numbers) | Source::Matrix { data: numbers, .. } => numbers[0],
        Source::Constant(number) => number,
    }
}

#[test]
fn complex_numbers_in_other_layouts() {
    // A Fortran-ordered array of shape (2, 2) of big-endian complex64, and a structured one.
    let numbers: [f32; 8] = [1.0, -1.0, 2.0, -2.0, 3.0, -3.0, 4.0, -4.0];
    let file = |descr: &str, order: &str, shape: &str, bytes: &[u8]| {
        let text = format!("{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}");
        let padding = 127 - 10 - text.len();
        let mut file = b"\x93NUMPY\x01\x00".to_vec();
        file.extend(118u16.to_le_bytes());
        file.extend(format!("{text}{:padding$}\n", "").bytes());
        file.extend(bytes);
        file
    };
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.npy");
    let big: Vec<u8> = numbers.iter().flat_map(|x| x.to_be_bytes()).collect();
    fs::write(&path, file("'>c8'", "True", "(2, 2)", &big)).unwrap();
    let columns = |path| all(&Dataset::open(path).unwrap());
    // Columns in the file are rows of the array: elements (0, 0), (1, 0), (0, 1), (1, 1).
    assert_eq!(columns(&path), [[1.0, 2.0], [-1.0, -2.0], [3.0, 4.0], [-3.0, -4.0]]);
    let mut records = Vec::new();
    for (x, z) in [(10.0f64, [1.0f64, 2.0]), (20.0, [3.0, 4.0])] {
        records.extend([x, z[0], z[1]].iter().flat_map(|x| x.to_le_bytes()));
    }
    fs::write(&path, file("[('x', '<f8'), ('z', '<c16')]", "False", "(2,)", &records)).unwrap();
    assert_eq!(columns(&path), [[10.0, 20.0], [1.0, 3.0], [2.0, 4.0]]);
    let dataset: Dataset = Dataset::open(&path).unwrap();
    assert!(dataset.fields()[1].form().complex && !dataset.fields()[0].form().complex);
}

#[test]
fn what_numpy_writes_and_we_refuse() {
    let expected = [
        ("single_number.npy", ": the array is a single number; it needs a dimension of rows"),
        (
            "inexact_integers.npy",
            ": the integer 9007199254740993 in row 1, element 1 has no exact binary64 value",
        ),
        (
            "inexact_unsigned.npy",
            ": the integer 18446744073709551615 in row 0, element 0 has no exact binary64 value",
        ),
        ("objects.npy", r#": elements of type "|O" cannot be read: Python objects are not numbers"#),
        ("text.npy", r#": elements of type "<U3" cannot be read: text is not a number"#),
        (
            "records_nested.npy",
            r#", array "a": elements of type "structured" cannot be read: fields within fields are not supported"#,
        ),
        (
            "records_2d.npy",
            r#": elements of type "structured" cannot be read: a structured array must have rows as its only dimension"#,
        ),
        ("unequal.npz", r#", array "b": the array has 4 rows, but "a" has 3"#),
        ("records_inside.npz", r#", array "a": a structured array cannot be one of several arrays"#),
        ("make.py", ": the name of the file has to end in .npy, .npz or .csv"),
    ];
    for (name, expected) in expected {
        assert_eq!(message(&data(name)), format!("{name}{expected}"));
    }
    assert!(message(&data("dates.npy")).contains("dates and times have no unit"));
    assert!(message(&data("absent.npy")).starts_with("absent.npy: cannot open the file: "));
}

/// An npy file with this header text.
fn npy_file(header: &str, data: &[u8]) -> Vec<u8> {
    let mut file = b"\x93NUMPY\x02\x00".to_vec();
    file.extend((header.len() as u32).to_le_bytes());
    file.extend(header.bytes());
    file.extend(data);
    file
}

fn read_npy(bytes: &[u8]) -> Result<Dataset, String> {
    read_bytes("a.npy", bytes.to_vec(), Format::Npy).map_err(|error| error.problem.to_string())
}

#[test]
fn hostile_headers() {
    let ok = "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }";
    assert_eq!(all(&read_npy(&npy_file(ok, &[0; 8])).unwrap()), [[0.0]]);
    let python_2 = "{'descr': [((u'a', 'b'), '<f8', (1L,)), ], 'fortran_order': False, 'shape': (1L,)}";
    assert!(read_npy(&npy_file(python_2, &[0; 8])).unwrap_err().contains("a title in quotes expected"));

    let shaped = |shape: &str| format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}}}");
    let typed = |descr: &str| format!("{{'descr': {descr}, 'fortran_order': False, 'shape': (1,)}}");
    let nested = "(".repeat(500_000);
    let dimensions = "1,".repeat(500_000);
    let refused = [
        (String::new(), "the header is malformed at byte 12 of the file: '{' expected"),
        ("{".into(), "the header is malformed at byte 13 of the file: a key in quotes expected"),
        ("{'descr': '<f8'}".into(), "the header must have exactly one entry \"fortran_order\""),
        (format!("{ok}x"), "the header is malformed at byte 69 of the file: the end of the header expected"),
        (ok.replace("False", "0"), "the header is malformed at byte 46 of the file: True or False expected"),
        (ok.replace("fortran_order", "descr"), "a type in quotes or a list of fields expected"),
        (shaped("(2,)"), "an array of shape [2] needs 16 bytes of data; there are 8"),
        (shaped("(0,)"), "an array of shape [0] needs 0 bytes of data; there are 8"),
        (shaped("(1, 0)"), "the rows of the array have no elements (its shape is [1, 0])"),
        (shaped("(9223372036854775808, 0)"), "the rows of the array have no elements"),
        (shaped("(9223372036854775808, 2)"), "an array of shape [9223372036854775808, 2] is too large"),
        (shaped("(2, 9223372036854775808)"), "is too large for any memory"),
        (shaped("(1, 99999999999999999999)"), "a size expected"),
        (shaped("(-1,)"), "a size expected"),
        (shaped("4"), "a shape in parentheses expected"),
        (shaped(&nested), "a size expected"),
        (shaped(&format!("({dimensions})")), "no more than 64 dimensions expected"),
        (typed("'<f16'"), "it has more precision than binary64"),
        (typed("'<q8'"), "elements of type \"<q8\" cannot be read: the type is not known"),
        (typed("''"), "the type is not known"),
        (typed("'\u{e9}'"), "the type is not known"),
        (typed("[]"), "the rows of the array have no elements"),
        (typed(&format!("[('a', {nested}")), "a type in quotes expected"),
        (typed(&"[('a', ".repeat(17)), "no more than 16 levels of fields expected"),
        (typed("[('a', '<f8', (0,))]"), "the rows of the array have no elements"),
        (typed("[('a', '<f8', (9223372036854775807, 2))]"), "is too large for any memory"),
        (typed("[('', '|V18446744073709551615'), ('a', '<f8')]"), "is too large for any memory"),
        (typed("[('a', '<f4'), ('a', '<f4')]"), "the name \"a\" stands for two columns"),
        (typed("'<f8\\n'"), "a string with no other escapes"),
        (typed("'<f8"), "expected"),
    ];
    for (header, expected) in refused {
        let error = read_npy(&npy_file(&header, &[0; 8])).unwrap_err();
        assert!(error.contains(expected), "{error}: {expected}");
    }
    let idle = "{'descr': '<f8', 'fortran_order': False, 'shape': (0, 1000000000000)}";
    assert!(read_npy(&npy_file(idle, &[])).unwrap_err().contains("is too large"));

    for (bytes, expected) in [
        (&b""[..], "this is no npy file"),
        (b"\x93NUMPY", "the header is said to have 2 bytes; 0 are possible"),
        (b"\x93NUMPY\x01\x00\x00", "the header is said to have 4 bytes"),
        (b"\x93NUMPY\x04\x00\x00\x00", "the version 4.0 of the npy format is not known"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff", "the header is said to have 4294967295 bytes; 0 are possible"),
        (b"\x93NUMPY\x02\x00\xff\xff", "the header is said to have 6 bytes; 4 are possible"),
    ] {
        let error = read_npy(bytes).unwrap_err();
        assert!(error.contains(expected), "{error}: {expected}");
    }
}

#[test]
fn misaligned_data_is_copied() {
    let header = "{'descr': '<f8', 'fortran_order': False, 'shape': (2,)} ";
    for padding in 0..8 {
        let header = format!("{header}{}", " ".repeat(padding));
        let data: Vec<u8> = [1.5f64, -2.5].iter().flat_map(|number| number.to_le_bytes()).collect();
        assert_eq!(all(&read_npy(&npy_file(&header, &data)).unwrap()), [[1.5, -2.5]]);
    }
}

#[test]
fn large_files_are_mapped() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("large.npy");
    let rows = 100_000;
    let mut output = NpyOutput::create(&path, rows, &[3]).unwrap();
    for (i, number) in output.numbers_mut().iter_mut().enumerate() {
        *number = i as f64;
    }
    assert!(!path.exists());
    output.finish().unwrap();
    let dataset = Dataset::open(&path).unwrap();
    assert!(matches!(dataset.storage[0], Storage::InFile { contents: Contents::Mapped(_), .. }));
    let expected: Vec<f64> = (0..rows).map(|row| (row * 3 + 2) as f64).collect();
    assert_eq!(all(&dataset)[2], expected);
}

#[test]
fn written_files_read_back_and_others_read_them() {
    let directory = tempdir().unwrap();
    let x = [1.0, f64::NAN, -0.0, 1e300];
    let r: Vec<f64> = (0..24).map(|i| f64::from(i) / 3.0).collect();
    let arrays = [
        NamedArray { name: "x", rows: Some(4), form: &Form::from(&[]), data: &x },
        NamedArray { name: "A", rows: Some(4), form: &Form::from(&[2, 3]), data: &r },
    ];
    let columns = |start: usize, width: usize, data: &[f64]| -> Vec<f64> {
        data.iter().skip(start).step_by(width).copied().collect()
    };
    for name in ["a.npz", "a.csv"] {
        let path = directory.path().join(name);
        write_arrays(&path, &arrays).unwrap();
        let dataset = Dataset::open(&path).unwrap();
        assert_eq!(bits(&found(&dataset, "x", &[])), bits(&[x.to_vec()]));
        for (element, column) in found(&dataset, "A", &[2, 3]).iter().enumerate() {
            assert_eq!(*column, columns(element, 6, &r));
        }
    }
    let text = fs::read_to_string(directory.path().join("a.csv")).unwrap();
    assert_eq!(text.lines().next().unwrap(), r#"x,"A[0,0]","A[0,1]","A[0,2]","A[1,0]","A[1,1]","A[1,2]""#);
    assert!(text.lines().nth(4).unwrap().starts_with("1e300,6.0,"));

    let path = directory.path().join("a.npy");
    write_arrays(&path, &arrays[1..]).unwrap();
    assert_eq!(all(&Dataset::open(&path).unwrap())[4], columns(4, 6, &r));
    let bytes = fs::read(&path).unwrap();
    let other = npyz::NpyFile::new(&bytes[..]).unwrap();
    assert_eq!(other.shape(), [4, 2, 3]);
    assert_eq!(other.into_vec::<f64>().unwrap(), r);
    let mut other = zip::ZipArchive::new(fs::File::open(directory.path().join("a.npz")).unwrap()).unwrap();
    let entry = npyz::NpyFile::new(other.by_name("A.npy").unwrap()).unwrap();
    assert_eq!(entry.into_vec::<f64>().unwrap(), r);

    write_arrays(&path, &[NamedArray::<f64> { name: "", rows: Some(0), form: &Form::from(&[3]), data: &[] }])
        .unwrap();
    assert_eq!(all(&Dataset::open(&path).unwrap()), vec![Vec::<f64>::new(); 3]);
    NpyOutput::<f64>::create(&path, 0, &[]).unwrap().finish().unwrap();
    assert_eq!(all(&Dataset::open(&path).unwrap()), vec![Vec::<f64>::new(); 1]);
}

#[test]
fn files_appear_whole_or_not_at_all() {
    let directory = tempdir().unwrap();
    let files = || fs::read_dir(directory.path()).unwrap().count();
    let form = Form::default();
    let array = |rows, data| NamedArray { name: "x", rows: Some(rows), form: &form, data };
    let path = directory.path().join("a.npy");
    assert!(write_arrays::<f64>(&path, &[]).is_err());
    assert!(write_arrays(&path, &[array(2, &[1.0])]).is_err());
    assert!(write_arrays(&path, &[array(usize::MAX, &[1.0])]).is_err());
    assert!(write_arrays(directory.path().join("a.txt"), &[array(1, &[1.0])]).is_err());
    assert!(write_arrays(directory.path().join("b/a.npy"), &[array(1, &[1.0])]).is_err());
    assert!(write_arrays(directory.path().join("a.npz"), &[array(1, &[1.0]); 2]).is_err());
    assert!(write_arrays(directory.path().join("a.csv"), &[array(1, &[1.0]), array(0, &[])]).is_err());
    let single = NamedArray { rows: None, ..array(1, &[1.0]) };
    assert!(write_arrays(&path, &[single]).is_err());
    assert!(write_arrays(directory.path().join("a.csv"), &[single]).is_err());
    assert!(NpyOutput::<f64>::create(&path, usize::MAX, &[2]).is_err());
    assert!(NpyOutput::<f64>::create(&path, 1 << 59, &[]).is_err());
    drop(NpyOutput::<f64>::create(&path, 10, &[]).unwrap());
    assert_eq!(files(), 0);
    fs::create_dir(&path).unwrap();
    assert!(
        write_arrays(&path, &[array(1, &[1.0])]).unwrap_err().to_string().contains("directory or device")
    );
    fs::remove_dir(&path).unwrap();

    write_arrays(&path, &[array(1, &[1.0])]).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let plain = directory.path().join("plain");
        fs::write(&plain, "").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&path), mode(&plain));
        fs::remove_file(plain).unwrap();

        let link = directory.path().join("link.npy");
        std::os::unix::fs::symlink("a.npy", &link).unwrap();
        write_arrays(&link, &[array(2, &[2.0, 3.0])]).unwrap();
        assert!(link.is_symlink());
        assert_eq!(all(&Dataset::open(&path).unwrap()), [[2.0, 3.0]]);
    }
}

/// Everything there is to read from some file; must not panic.
fn exhaust(bytes: Vec<u8>, format: Format) {
    let Ok(dataset) = read_bytes("a", bytes, format) else { return };
    for field in dataset.fields() {
        for column in dataset.find(field.name().unwrap_or_default(), field.form().clone()).unwrap() {
            assert_eq!(numbers(&column, dataset.rows()).len(), dataset.rows());
        }
    }
}

fn damage() -> impl Strategy<Value = Vec<(prop::sample::Index, u8, u8)>> {
    prop::collection::vec((any::<prop::sample::Index>(), 0u8..5, any::<u8>()), 1..8)
}

fn damaged(mut bytes: Vec<u8>, damage: &[(prop::sample::Index, u8, u8)]) -> Vec<u8> {
    for (index, kind, byte) in damage {
        if bytes.is_empty() {
            break;
        }
        let at = index.index(bytes.len());
        match kind {
            0 => bytes[at] = *byte,
            1 => bytes[at] ^= 1 << (byte % 8),
            2 => drop(bytes.remove(at)),
            3 => bytes.insert(at, b"0123456789()[]{}',<>|\xff"[usize::from(*byte) % 22]),
            _ => bytes.truncate(at),
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn damaged_npy_files(
        name in prop::sample::select(vec!["plain_little_f8", "column_order", "records_mixed", "records", "text"]),
        damage in damage(),
        header_only: bool,
    ) {
        let bytes = fs::read(data(&format!("{name}.npy"))).unwrap();
        // Half of the time, only the text of the header suffers, and its length stays right.
        let text = if header_only { 10..bytes.len().min(128) } else { 0..bytes.len() };
        let mut hurt = damaged(bytes[text.clone()].to_vec(), &damage);
        if header_only {
            hurt.resize(text.len(), b' ');
        }
        exhaust([&bytes[..text.start], &hurt, &bytes[text.end..]].concat(), Format::Npy);
    }

    #[test]
    fn damaged_archives(
        name in prop::sample::select(vec!["named", "named_compressed"]),
        damage in damage(),
    ) {
        exhaust(damaged(fs::read(data(&format!("{name}.npz"))).unwrap(), &damage), Format::Npz);
    }

    #[test]
    fn damaged_text(damage in damage()) {
        let text = b"x,y,\"z\"\n1,2,3\n4.5,-6e7,nan\n\"8\",9,10\n";
        exhaust(damaged(text.to_vec(), &damage), Format::Csv);
    }

    #[test]
    fn any_header(text in "[{}()\\[\\],:' descrfortan_oshpTFl<>|0-9V]{0,80}") {
        exhaust(npy_file(&text, &[0; 16]), Format::Npy);
        let wrapped = format!("{{'descr': {text}, 'fortran_order': False, 'shape': (2,)}}");
        exhaust(npy_file(&wrapped, &[0; 16]), Format::Npy);
    }

    #[test]
    fn text_keeps_every_bit(numbers in prop::collection::vec(any::<f64>(), 1..50)) {
        let directory = tempdir().unwrap();
        let path = directory.path().join("a.csv");
        let rows = Some(numbers.len());
        write_arrays(&path, &[NamedArray { name: "x", rows, form: &Form::from(&[]), data: &numbers }]).unwrap();
        let read = all(&Dataset::open(&path).unwrap());
        for (read, number) in read[0].iter().zip(&numbers) {
            prop_assert!(read.to_bits() == number.to_bits() || read.is_nan() && number.is_nan());
        }
    }
}

#[test]
fn only_what_is_wanted_is_read() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("a.csv");
    fs::write(&path, "t,freq,note,v[0],v[1]\n2024-01-01,1,\"a,b\",3,4\n,2,,5,6\n").unwrap();
    let take = |name: &str| match name {
        "freq" => Some("nu".to_string()),
        _ => name.starts_with('v').then(|| name.to_string()),
    };
    let options = ReadOptions::default().take(&take);
    let dataset = Dataset::open_with(&path, &options).unwrap();
    assert_eq!(dataset.left_aside(), ["t", "note"]);
    assert_eq!(found(&dataset, "nu", &[]), [[1.0, 2.0]]);
    assert_eq!(found(&dataset, "v", &[2]), [[3.0, 5.0], [4.0, 6.0]]);
    assert!(dataset.remarks().is_empty());
}

#[test]
fn rows_without_a_number() {
    let text = "x,y\n1,2\n,3\n4,NA\n5,6\n7,\n";
    let read = |missing| {
        let options = ReadOptions::default().missing(missing).format(Format::Csv);
        Dataset::<f64>::from_reader("standard input", text.as_bytes(), &options)
    };
    let error = read(Missing::Refuse).unwrap_err().to_string();
    assert_eq!(error, "standard input: line 3, column 1 (\"x\") has no number, but \"\"");
    let dataset = read(Missing::Nan).unwrap();
    let nan = f64::NAN;
    assert_eq!(bits(&all(&dataset)), bits(&[vec![1.0, nan, 4.0, 5.0, 7.0], vec![2.0, 3.0, nan, 6.0, nan]]));
    assert_eq!(dataset.remarks(), [Remark::NoNumbers(3)]);
    let dataset = read(Missing::FailRow).unwrap();
    assert_eq!(all(&dataset), [[1.0, 5.0], [2.0, 6.0]]);
    let incomplete = dataset.incomplete();
    assert_eq!(incomplete.rows(), [1, 2, 4]);
    let first = IncompleteRow { row: 1, line: 3, column: "x".into() };
    assert_eq!(incomplete.first()[0], first);
    assert_eq!([0, 1].map(|row| incomplete.in_file(row)), [0, 3]);
    let mut numbers = [1.0, 2.0, 5.0, 6.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    incomplete.spread(&mut numbers, 2);
    let expected = [1.0, 2.0, nan, nan, nan, nan, 5.0, 6.0, nan, nan];
    assert_eq!(bits(&[numbers.to_vec()]), bits(&[expected.to_vec()]));
}

/// An archive of these entries, compressed.
fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    use std::io::Write;
    use zip::write::SimpleFileOptions;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, data) in entries {
        let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        zip.start_file(*name, options).unwrap();
        zip.write_all(data).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn archives_that_unpack_to_more_than_they_say() {
    let header = |shape: &str| {
        let text = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}}}");
        // The numbers stand at a multiple of their size.
        npy_file(&format!("{text:<116}"), &[])
    };
    let padded = [header("(2,)"), vec![0; 16 << 20]].concat();
    let honest = [header("(2097152,)"), vec![0; 16 << 20]].concat();
    let open = |bytes: Vec<u8>, memory: u64| {
        let options = ReadOptions::default().memory(memory);
        Dataset::<f64>::from_reader("a.npz", &bytes[..], &options).map_err(|error| error.to_string())
    };
    let bomb = archive(&[("a.npy", &padded)]);
    assert!(bomb.len() < 100_000);
    let error = open(bomb, 1 << 30).unwrap_err();
    assert!(error.contains("its header needs ") && error.contains("unpacks to 16777"), "{error}");
    let large = archive(&[("a.npy", &honest), ("b.npy", &honest)]);
    assert_eq!(open(large.clone(), 1 << 30).unwrap().rows(), 1 << 21);
    let error = open(large.clone(), 20 << 20).unwrap_err();
    assert!(error.contains(r#"array "b": 16777"#) && error.contains("20971520 are allowed"), "{error}");
    // The entry that says so is not unpacked if nobody wants it.
    let take = |name: &str| (name == "b").then(|| name.to_string());
    let options = ReadOptions::default().memory(20 << 20).take(&take);
    let dataset = Dataset::<f64>::from_reader("a.npz", &large[..], &options).unwrap();
    assert_eq!((dataset.left_aside(), dataset.rows()), (&["a".to_string()][..], 1 << 21));
}

#[test]
fn what_has_no_end_is_bounded() {
    // A reader without an end behind an npy file is read no further than the header says.
    let header = npy_file("{'descr': '<f8', 'fortran_order': False, 'shape': (2,)}", &[]);
    let endless = Read::chain(&header[..], std::io::repeat(0));
    let error = Dataset::<f64>::from_reader("pipe", endless, &ReadOptions::default()).unwrap_err();
    assert_eq!(error.to_string(), "pipe: an array of shape [2] needs 16 bytes of data; there are 17");
    let options = ReadOptions::default().memory(1 << 20);
    for start in ["x,y\n", "PK\x03\x04", "x"] {
        let endless = Read::chain(start.as_bytes(), std::io::repeat(b'1'));
        let error = Dataset::<f64>::from_reader("pipe", endless, &options).unwrap_err();
        assert!(error.to_string().contains("1048576 are allowed in all"), "{error}");
    }
    #[cfg(target_os = "linux")]
    {
        let dir = tempdir().unwrap();
        let link = dir.path().join("a.npy");
        std::os::unix::fs::symlink("/dev/zero", &link).unwrap();
        assert_eq!(message(&link), "a.npy: it is a device, which may have no end");
    }
}

#[test]
fn space_that_is_not_promised() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("a.npy");
    let unpromised = |_: &fs::File, _: u64| Ok(false);
    let mut output = NpyOutput::<f64>::create_by(&path, 3, &Form::from(&[2]), unpromised).unwrap();
    output.numbers_mut().copy_from_slice(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    output.finish().unwrap();
    assert_eq!(all(&Dataset::open(&path).unwrap()), [[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]]);
    let full = |_: &fs::File, _: u64| Err(std::io::ErrorKind::StorageFull.into());
    let error = NpyOutput::<f64>::create_by(&path, 3, &Form::from(&[2]), full).unwrap_err();
    assert!(error.to_string().contains("cannot make room for the file"), "{error}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[cfg(unix)]
#[test]
fn names_of_one_file() {
    use std::os::unix::fs::symlink;
    let dir = tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::create_dir(at("d")).unwrap();
    fs::write(at("a"), "").unwrap();
    fs::hard_link(at("a"), at("hard")).unwrap();
    symlink("a", at("soft")).unwrap();
    symlink("d/new", at("dangling")).unwrap();
    symlink("../dangling", at("d/chain")).unwrap();
    symlink("loop", at("loop")).unwrap();
    symlink("d", at("e")).unwrap();
    let same = |a: &str, b: &str| FileIdentity::of(at(a)).unwrap() == FileIdentity::of(at(b)).unwrap();
    for (a, b) in [
        ("a", "hard"),
        ("a", "soft"),
        ("a", "d/../a"),
        ("d/new", "dangling"),
        ("d/new", "d/chain"),
        ("d/new", "e/new"),
    ] {
        assert!(same(a, b), "{a} {b}");
    }
    assert!(!same("a", "b") && !same("d/new", "new"));
    assert!(FileIdentity::of(at("loop")).is_err() && FileIdentity::of(at("none/a")).is_err());
    // Writing through links that lead to nothing makes what they lead to.
    let form = Form::default();
    symlink("d/made.npy", at("x.npy")).unwrap();
    write_arrays(at("x.npy"), &[NamedArray { name: "", rows: Some(1), form: &form, data: &[1.0] }]).unwrap();
    assert!(at("x.npy").is_symlink() && at("d/made.npy").is_file());
    let error = NpyOutput::<f64>::create(at("loop"), 1, form).unwrap_err();
    assert!(error.to_string().contains("lead in a circle"), "{error}");
}

#[cfg(unix)]
#[test]
fn files_left_behind_and_permissions() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let stale = [".nc-1-AbCdEf.part", ".nc-999999999-x.part"];
    let others = [".nc-x.part", ".nc--a.part", ".AbCdEf.part", "nc-1-a.part", ".nc-1-a.part.npy"];
    for name in stale.iter().chain(&others) {
        fs::write(at(name), "").unwrap();
    }
    // A live process has its file locked.
    let live = at(".nc-7-live.part");
    let held = fs::File::create(&live).unwrap();
    held.lock().unwrap();
    let mode = |name: &str| fs::metadata(at(name)).unwrap().permissions().mode() & 0o7777;
    fs::write(at("a.npy"), "").unwrap();
    for bits in [0o600, 0o640, 0o444] {
        fs::set_permissions(at("a.npy"), fs::Permissions::from_mode(bits)).unwrap();
        let output = NpyOutput::<f64>::create(at("a.npy"), 1, Form::default()).unwrap();
        let temporary = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let prefix = format!(".nc-{}-", std::process::id());
        let temporary: Vec<String> = temporary
            .map(|name| name.into_string().unwrap())
            .filter(|name| name.starts_with(&prefix))
            .collect();
        assert_eq!(temporary.len(), 1);
        assert_eq!(mode(&temporary[0]), bits);
        output.finish().unwrap();
        assert_eq!(mode("a.npy"), bits);
    }
    assert!(stale.iter().all(|name| !at(name).exists()));
    assert!(others.iter().all(|name| at(name).exists()) && live.exists());
}

#[test]
fn binary32_numbers() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("a.npy");
    let numbers = [0.1f32, -0.0, f32::MAX, 1e-45, f32::INFINITY, 7.0];
    let mut output = NpyOutput::<f32>::create(&path, 2, &[3]).unwrap();
    output.numbers_mut().copy_from_slice(&numbers);
    output.finish().unwrap();
    assert!(String::from_utf8_lossy(&fs::read(&path).unwrap()).contains("'<f4'"));
    let single = Dataset::<f32>::open(&path).unwrap();
    assert!(!single.is_rounded() && matches!(single.storage[0], Storage::InFile { .. }));
    let bits = |source: Source<'_, f32>| [0, 1].map(|row| source.row(row)[0].to_bits());
    let found: Vec<[u32; 2]> = single.all_columns().map(bits).collect();
    assert_eq!(found, [0, 1, 2].map(|k| [numbers[k].to_bits(), numbers[k + 3].to_bits()]));
    // An f64 program reads these numbers as they are.
    let wide = all(&Dataset::open(&path).unwrap());
    assert_eq!(wide[0], [f64::from(0.1f32), f64::from(1e-45f32)]);
    // Rounded once, and the data set says so.
    for (numbers, rounded) in [([0.1, 1.0], true), ([0.5, f64::NAN], false), ([1e300, 0.0], true)] {
        write_arrays(
            &path,
            &[NamedArray { name: "", rows: Some(2), form: &Form::from(&[]), data: &numbers }],
        )
        .unwrap();
        let dataset = Dataset::<f32>::open(&path).unwrap();
        assert_eq!(dataset.is_rounded(), rounded, "{numbers:?}");
        let Some(Source::Column(column)) = dataset.all_columns().next() else { panic!("a column") };
        assert!(column.iter().zip(numbers).all(|(x, y)| x.to_bits() == (y as f32).to_bits()), "{numbers:?}");
    }
    // Fields beside each other are used in place if all are of the type and stand at multiples of its size.
    let mut header =
        b"{'descr': [('a', '<f4'), ('b', '<f4', (2,))], 'fortran_order': False, 'shape': (2,), }".to_vec();
    header.resize(64 * 2 - 10, b' ');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header);
    bytes.extend([1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0].iter().flat_map(|x| x.to_le_bytes()));
    fs::write(&path, bytes).unwrap();
    let dataset = Dataset::<f32>::open(&path).unwrap();
    assert!(matches!(dataset.storage[0], Storage::InFile { .. }));
    let found: Vec<f32> = dataset.find("b", &[2]).unwrap().iter().map(|column| column.row(1)[0]).collect();
    assert_eq!(found, [5.0, 6.0]);
    assert_eq!(dataset.find("a", &[]).unwrap()[0].row(1), [4.0]);
    // Decimal text is no f64 number in between.
    let csv = dir.path().join("a.csv");
    fs::write(&csv, "x\n1.00000005960464477539062500001\n").unwrap();
    let dataset = Dataset::<f32>::open(&csv).unwrap();
    assert_eq!(dataset.all_columns().next().unwrap().row(0), [1.000_000_1]);
    let arrays = [NamedArray { name: "x", rows: Some(1), form: &Form::from(&[]), data: &[0.1f32] }];
    write_arrays(&csv, &arrays).unwrap();
    assert_eq!(fs::read_to_string(&csv).unwrap(), "x\n0.1\n");
}

#[test]
fn a_column_of_texts_is_places_in_their_order() {
    let text = b"run,x\nnorth,1\n\"south, far\",2\nnorth,3\neast,4\n";
    let options = ReadOptions::default().labels("run");
    let dataset: Dataset = Dataset::from_reader("text", text.as_slice(), &options).unwrap();
    assert_eq!(dataset.labels(), ["east", "north", "south, far"]);
    assert_eq!(all(&dataset), [[1.0, 2.0, 1.0, 0.0], [1.0, 2.0, 3.0, 4.0]]);
    // Without, such a column is refused; a missing text is as a missing number.
    let plain = Dataset::<f64>::from_reader("text", text.as_slice(), &ReadOptions::default());
    assert!(matches!(plain.unwrap_err().problem, FileProblem::NotANumber { line: 2, .. }));
    let gap = Dataset::<f64>::from_reader("text", b"run,x\na,1\n,2\n".as_slice(), &options);
    assert!(matches!(gap.unwrap_err().problem, FileProblem::NoNumber { line: 3, .. }));
    let gap = Dataset::<f64>::from_reader(
        "text",
        b"run,x\nb,1\n,2\na,1\n".as_slice(),
        &options.missing(Missing::Nan),
    );
    assert!(all(&gap.unwrap())[0][1].is_nan());
}

#[test]
fn arrays_of_any_shapes_are_read_as_they_were_written() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("w.npz");
    let (matrix, vector, number) = (Form::from(&[3, 2]), Form::from(&[5]), Form::default());
    let data = [1.5, -0.0, f64::MIN_POSITIVE, 1e300, 5e-324, 7.0];
    let written = [
        NamedArray { name: "n.w1", rows: None, form: &matrix, data: &data },
        NamedArray { name: "n.b1", rows: None, form: &vector, data: &data[..5] },
        NamedArray { name: "k", rows: None, form: &number, data: &data[..1] },
    ];
    write_arrays(&path, &written).unwrap();
    let read = read_whole_arrays::<f64>(&path).unwrap();
    assert_eq!(read.len(), 3);
    for (array, written) in read.iter().zip(written) {
        assert_eq!((array.name.as_str(), &array.form), (written.name, written.form));
        let bits = |data: &[f64]| data.iter().map(|x| x.to_bits()).collect::<Vec<u64>>();
        assert_eq!(bits(&array.data), bits(written.data));
    }
    // As a batch they do not go together.
    assert!(matches!(Dataset::<f64>::open(&path).unwrap_err().problem, FileProblem::RowCounts { .. }));
    let other = directory.path().join("w.npy");
    assert!(matches!(read_whole_arrays::<f64>(&other).unwrap_err().problem, FileProblem::NotNpz));
}
