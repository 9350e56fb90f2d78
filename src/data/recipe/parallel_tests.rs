//! Recipes have the same bits at any number of threads.

use super::{
    Recipe, RecipeProfile, Scale, Task,
    tests::{output, read},
};
use ndarray::Array2;
use serde_json::json;

#[test]
fn recipes_and_inputs_have_the_same_bits_at_any_number_of_threads() {
    // several blocks of rows, the last one shorter
    let rows = (0..5000u32).map(|n| {
        let number = if n.is_multiple_of(13) { String::new() } else { (f64::from(n * 7919 % 5003) / 3.0).to_string() };
        format!("{number},k{},{},2024-{:02}-{:02},{}\n", n % 37, n.is_multiple_of(3), n % 12 + 1, n % 28 + 1, n % 17)
    });
    let csv = format!("x,kind,flag,day,y\n{}", rows.collect::<String>());
    let (inspection, table) = read(&csv);
    let standardize: Scale = serde_json::from_value(json!("standardize")).unwrap();
    let names: Vec<String> = inspection.columns.iter().map(|column| column.name.clone()).collect();
    let (target, features) = names.split_last().unwrap();
    let columns = inspection.columns.iter().take(features.len());
    let preparations: Vec<_> = columns.map(|column| RecipeProfile::Network.preparation(column, &standardize)).collect();
    let rows: Vec<usize> = (0..table.rows).rev().collect();
    let prepare = |threads: usize| -> (Recipe, Vec<u32>) {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let outputs = [output(Task::Regression, std::slice::from_ref(target))];
            let fitted =
                Recipe::fit(&table, &inspection.columns, features, &outputs, &preparations, &rows[..4000]).unwrap();
            let inputs: Array2<f32> = fitted.recipe.inputs(&table, &rows);
            assert!(inputs.nrows() == 5000 && inputs.iter().any(|input| *input != 0.0));
            (fitted.recipe, inputs.iter().map(|input| input.to_bits()).collect())
        })
    };
    let (recipe, inputs) = prepare(1);
    for threads in [2, 3, 8] {
        let (other, others) = prepare(threads);
        assert_eq!(serde_json::to_string(&other).unwrap(), serde_json::to_string(&recipe).unwrap());
        assert!(others == inputs, "{threads} threads");
    }
    // a row alone has the elements that it has among others
    let row: Array2<f32> = recipe.inputs(&table, &rows[4321..4322]);
    let width = row.ncols();
    let alone: Vec<u32> = row.iter().map(|input| input.to_bits()).collect();
    assert_eq!(alone, inputs[4321 * width..4322 * width]);
}
