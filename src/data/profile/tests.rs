use super::*;
use crate::data::read::{ReadOptions, TableLimits, inspect};
use std::io::Cursor;

const LIMITS: TableLimits = TableLimits { rows: 10_000, columns: 100, cell_bytes: 1000 };

fn profiled(csv: &str, target: Option<&str>) -> Profile {
    let format = Format::named("csv").unwrap();
    let inspection = inspect(&mut csv.as_bytes(), format, &ReadOptions::default(), &LIMITS).unwrap();
    let bytes = csv.as_bytes().to_vec();
    let mut open = || Ok(Box::new(Cursor::new(bytes.clone())) as Box<dyn BufRead>);
    let (dialect, columns, rows) = (&inspection.dialect, &inspection.columns, inspection.rows);
    let table = Profiled { format, dialect, columns, rows, open: &mut open };
    profile(table, target.map(|target| columns.iter().find(|column| column.name == target).unwrap())).unwrap()
}

/// SciPy 1.17.1: `pearsonr`, `contingency.association`; the correlation ratio from NumPy 2.4.6.
#[test]
fn associations_are_those_of_scipy() {
    let row = |n: u64| {
        let (a, c) = (n * 37 % 23, ["x", "y", "z"][(n * 7 % 5 % 3) as usize]);
        format!("{a},{},{c},{}\n", a as f64 * 0.5 + (n * 11 % 7) as f64, if n * 13 % 11 > 4 { "q" } else { "p" })
    };
    let csv: String = (0..60).map(row).collect();
    let csv = format!("a,b,c,d\n{csv},1,x,p\n2,,,q\n");
    let of = |target: &str, column: &str| {
        let profile = profiled(&csv, Some(target));
        assert!(profile.columns.iter().all(|it| it.name != target));
        profile.columns.iter().find(|it| it.name == column).unwrap().association.unwrap()
    };
    for (target, column, measure, value, rows) in [
        ("a", "b", Measure::Pearson, 0.880_708_793_254_667_1, 60),
        ("a", "c", Measure::CorrelationRatio, 0.218_315_593_357_825_2, 60),
        ("c", "a", Measure::CorrelationRatio, 0.218_315_593_357_825_2, 60),
    ] {
        let found = of(target, column);
        assert!((found.value - value).abs() < 1e-12, "{target} {column}: {found:?}");
        assert_eq!((found.measure, found.rows), (measure, rows), "{target} {column}");
    }
    let csv: String = (0..60).map(row).collect();
    let found = profiled(&format!("a,b,c,d\n{csv}"), Some("d"));
    assert_eq!((found.columns[2].name.as_str(), found.duplicate_rows), ("c", Some(0)));
    let of_c = found.columns[2].association.unwrap();
    assert!((of_c.value - 0.033_407_655_239_053_05).abs() < 1e-12 && of_c.measure == Measure::CramersV, "{of_c:?}");
}

#[test]
fn what_to_look_at_is_named() {
    let mut csv = "id,name,one,empty,mostly,copy,kind,good,y\n".to_owned();
    for n in 0..100 {
        let class = if n % 10 == 0 {
            "a"
        } else if n == 7 {
            "rare"
        } else {
            "b"
        };
        let kind = match class {
            "a" => "k1",
            "b" => ["k2", "k3"][n % 2],
            _ => "k4",
        };
        let mostly = if n % 3 == 0 { "1" } else { "" };
        let copy = match class {
            "a" => 1.0 + n as f64 * 1e-3,
            "b" => 2.0 + n as f64 * 1e-3,
            _ => 3.0,
        };
        csv += &format!("{},n{n},5,,{mostly},{copy},{kind},{},{class}\n", n + 1000, n * 7 % 13);
    }
    let codes = |profile: &Profile| -> Vec<(String, &'static str)> {
        let of = |it: &ProfileWarning| (it.column.clone().unwrap_or_default(), it.code);
        profile.warnings.iter().map(of).collect()
    };
    let profile = profiled(&csv, Some("y"));
    let expected = [
        ("y", "rare_class"),
        ("id", "id_like"),
        ("name", "id_like"),
        ("one", "constant"),
        ("empty", "constant"),
        ("mostly", "mostly_missing"),
        ("mostly", "constant"),
        ("copy", "leaks_target"),
        ("kind", "leaks_target"),
    ];
    assert_eq!(codes(&profile), expected.map(|(column, code)| (column.to_owned(), code)));
    let target = profile.target.unwrap();
    let shares: Vec<_> = target.classes.iter().map(|it| (it.value.as_str().unwrap(), it.count, it.share)).collect();
    assert_eq!(shares, [("a", 10, 0.1), ("b", 89, 0.89), ("rare", 1, 0.01)]);

    let twice: String = (0..40).map(|n| format!("{},{}\n", n % 20, f64::from(n % 20 * 2) + 0.5)).collect();
    let profile = profiled(&format!("x,y\n{twice}"), Some("y"));
    assert_eq!(profile.duplicate_rows, Some(20));
    assert_eq!(codes(&profile), [(String::new(), "duplicate_rows"), ("x".to_owned(), "leaks_target")]);
    let profile = profiled("x,y\n1,2\n1.0,2\n01,3\n", None);
    assert_eq!((profile.duplicate_rows, profile.target), (Some(1), None));
}
