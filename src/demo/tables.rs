//! The tables of the demo with their models.

use anyhow::Context;
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value, json};

/// One table and its model.
#[derive(Debug)]
pub struct Table {
    /// Of the dataset, and of the model with `-mlp` behind it.
    pub name: &'static str,
    /// The file, as it lies in `examples/data/`.
    pub csv: &'static str,
    /// The column that is learned.
    pub target: &'static str,
    /// Rows that are held out, a fraction of them all.
    pub held_out: f64,
    /// `definition` of the model.
    pub definition: fn() -> Value,
    /// `training` of the job.
    pub training: fn() -> Value,
    /// What such a network reaches on rows that it has not seen.
    pub min_accuracy: f64,
}

/// From the smallest to the largest.
pub const TABLES: [Table; 3] = [
    Table {
        name: "iris",
        csv: include_str!("../../examples/data/iris.csv"),
        target: "species",
        held_out: 0.3,
        definition: || {
            json!({"layers": [
                {"type": "dense", "units": 16, "activation": "relu"},
                {"type": "dense", "units": 3, "activation": "softmax"},
            ]})
        },
        training: || json!({"epochs": 60, "batch_size": 16, "optimizer": {"type": "adam", "learning_rate": 0.01}, "seed": 7}),
        min_accuracy: 0.93,
    },
    Table {
        name: "breast_cancer",
        csv: include_str!("../../examples/data/breast_cancer.csv"),
        target: "target",
        held_out: 0.25,
        definition: || {
            json!({"layers": [
                {"type": "dense", "units": 32, "activation": "relu"},
                {"type": "dropout", "rate": 0.3},
                {"type": "dense", "units": 1, "activation": "sigmoid"},
            ]})
        },
        training: || json!({"epochs": 40, "batch_size": 32, "validation_split": 0.1, "metrics": ["accuracy", "auc"], "seed": 7}),
        min_accuracy: 0.93,
    },
    Table {
        name: "digits",
        csv: include_str!("../../examples/data/digits.csv"),
        target: "target",
        held_out: 0.25,
        definition: || {
            json!({"layers": [
                {"type": "dense", "units": 128, "activation": "relu"},
                {"type": "batch_normalization"},
                {"type": "dropout", "rate": 0.2},
                {"type": "dense", "units": 10, "activation": "softmax"},
            ]})
        },
        training: || {
            json!({"epochs": 40, "batch_size": 32, "validation_split": 0.1, "seed": 7,
                   "early_stopping": {"monitor": "val_loss", "patience": 8, "restore_best_weights": true}})
        },
        min_accuracy: 0.94,
    },
];

/// A table cut in two: what is uploaded, and what the model never sees.
#[derive(Debug)]
pub struct Cut {
    /// CSV with the header.
    pub training: String,
    /// Records without the target.
    pub instances: Vec<Value>,
    /// The target of each, as the file writes it.
    pub labels: Vec<String>,
}

impl Table {
    /// Holds rows out by a fixed seed.
    pub fn cut(&self) -> anyhow::Result<Cut> {
        let mut lines = self.csv.lines();
        let header = lines.next().context("the table has no header")?;
        let mut rows: Vec<&str> = lines.collect();
        rows.shuffle(&mut ChaCha8Rng::seed_from_u64(5));
        let held_out = rows.split_off(rows.len() - (rows.len() as f64 * self.held_out).round() as usize);
        let columns: Vec<&str> = header.split(',').collect();
        let mut cut =
            Cut { training: format!("{header}\n{}\n", rows.join("\n")), instances: Vec::new(), labels: Vec::new() };
        for row in held_out {
            let mut record = Map::new();
            // No cell of these files is quoted.
            for (column, cell) in columns.iter().zip(row.split(',')) {
                if *column == self.target {
                    cut.labels.push(cell.to_owned());
                } else {
                    let number: f64 = cell.parse().with_context(|| format!("{column} is {cell:?}"))?;
                    record.insert((*column).to_owned(), number.into());
                }
            }
            cut.instances.push(Value::Object(record));
        }
        Ok(cut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn held_out_rows_are_not_uploaded_and_none_is_lost() {
        for table in &TABLES {
            let cut = table.cut().unwrap();
            let uploaded: Vec<&str> = cut.training.lines().skip(1).collect();
            assert_eq!(uploaded.len() + cut.instances.len(), table.csv.lines().count() - 1, "{}", table.name);
            assert_eq!(cut.instances.len(), cut.labels.len());
            assert!(cut.instances.iter().all(|record| record.get(table.target).is_none()));
            assert_eq!(cut.training, table.cut().unwrap().training, "the cut is the same each time");
        }
    }
}
