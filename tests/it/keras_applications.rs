//! Models of `keras.applications` as Keras prints them, which `tests/fixtures/applications/make.py` wrote: each has the
//! parameters that Keras counts.

use epoca::{
    engine::shape::Shape,
    engine::spec::{InputShape, Limits},
    keras,
};
use flate2::read::GzDecoder;
use serde::Deserialize;
use serde_json::Value;
use std::{fs, path::Path};

/// Room for the largest of them; a service has less where nothing else is set.
const LARGEST: Limits = Limits { layers: 4000, parameters: 400_000_000, memory_bytes: 64 << 30 };

#[derive(Deserialize)]
struct Counts {
    models: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    keras: String,
    name: String,
    parameters: usize,
    trainable: usize,
}

/// The parameters of a model of Keras's, all of them and those that train.
fn counted(document: &Value) -> Result<(usize, usize), String> {
    let (definition, _) =
        keras::import(document).map_err(|errors| format!("{} errors: {}", errors.len(), errors[0]))?;
    let whole = |shape: &InputShape| Shape(shape.0.iter().map(|axis| axis.unwrap_or(32)).collect());
    let shapes = match definition.inputs.as_slice() {
        [] => vec![whole(definition.input_shape.as_ref().unwrap())],
        inputs => inputs.iter().map(|input| whole(input.shape.as_ref().unwrap())).collect(),
    };
    let architecture =
        definition.resolve(&shapes, &LARGEST).map_err(|errors| format!("{} errors: {}", errors.len(), errors[0]))?;
    let parameters = architecture.parameters();
    let cells = |trainable: bool| {
        parameters.iter().filter(move |it| it.spec.trainable || !trainable).map(|it| it.range.len()).sum::<usize>()
    };
    Ok((cells(false), cells(true)))
}

#[test]
fn models_of_applications_have_the_parameters_of_keras() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/applications");
    let counts: Counts = serde_json::from_str(&fs::read_to_string(folder.join("counts.json")).unwrap()).unwrap();
    let mut tried = 0;
    for Row { keras, name, parameters, trainable } in counts.models {
        let module = keras.split(' ').next().unwrap();
        let Ok(file) = fs::File::open(folder.join(format!("{module}-{name}.json.gz"))) else { continue };
        let document: Value = serde_json::from_reader(GzDecoder::new(file)).unwrap();
        assert_eq!(counted(&document), Ok((parameters, trainable)), "{name} of {keras}");
        tried += 1;
    }
    assert_eq!(tried, 11, "models that were kept");
}

/// Every model, where a folder is named to which `make.py` wrote them.
#[test]
fn every_model_that_was_made_has_the_parameters_of_keras() {
    let Ok(made) = std::env::var("EPOCA_APPLICATIONS") else { return };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/applications");
    let counts: Counts = serde_json::from_str(&fs::read_to_string(folder.join("counts.json")).unwrap()).unwrap();
    let mut wrong = Vec::new();
    for Row { keras, name, parameters, trainable } in counts.models {
        let module = keras.split(' ').next().unwrap();
        let text = fs::read_to_string(Path::new(&made).join(format!("{module}-{name}.json"))).unwrap();
        let received = counted(&serde_json::from_str(&text).unwrap());
        if received != Ok((parameters, trainable)) {
            wrong.push(format!("{keras} {name}: {received:?}, expected {parameters} and {trainable}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
