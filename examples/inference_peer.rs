//! Our side of `bench/inference.py`: reads models as lines of JSON, answers each with the seconds of its predictions.
//!
//! A line is `{"definition": …, "rows": 256, "calls": 100}`; the answer is `{"seconds": […]}`, one number a call, of inference
//! alone: rows in memory to the outputs in memory.

use epoca::engine::{
    kernel::Team,
    network::Network,
    spec::{Definition, Limits},
};
use ndarray::Array2;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{error::Error, hint::black_box, io, time::Instant};

#[derive(Deserialize)]
struct Question {
    definition: Value,
    rows: usize,
    calls: usize,
    threads: usize,
}

#[derive(Serialize)]
struct Answer {
    seconds: Vec<f64>,
}

fn main() -> Result<(), Box<dyn Error>> {
    for line in io::stdin().lines() {
        let question: Question = serde_json::from_str(&line?)?;
        println!("{}", serde_json::to_string(&answer(&question)?)?);
    }
    Ok(())
}

fn answer(question: &Question) -> Result<Answer, Box<dyn Error>> {
    let definition = Definition::from_value(&question.definition).map_err(|errors| errors[0].clone())?;
    let shapes = definition.known_input_shapes().ok_or("expected the shape of every input")?;
    let architecture = definition.resolve(&shapes, &Limits::default()).map_err(|errors| errors[0].clone())?;
    let cells = architecture.input_elements();
    let network = Network::<f32>::initialize(architecture, 1);
    let x = Array2::from_shape_fn((question.rows, cells), |(row, column)| ((row * 31 + column * 7) as f32).sin());
    let team = Team::new(question.threads);
    let seconds = (0..question.calls).map(|_| {
        let started = Instant::now();
        black_box(network.predict_on(&team, black_box(x.view())));
        started.elapsed().as_secs_f64()
    });
    Ok(Answer { seconds: seconds.collect() })
}
