"""Fits of classical models beside their peers, two threads each, by turns; prints medians and their ratios. Of k_neighbors the
fit and 10,000 queries.

    cargo build --release --example classical_fit
    pip install numpy scikit-learn==1.9.1 lightgbm xgboost
    python bench/classical.py [TASK ...]
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

os.environ.update(OMP_NUM_THREADS="2", RAYON_NUM_THREADS="2")

import lightgbm
import numpy as np
import xgboost
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

PROGRAM = pathlib.Path(__file__).parent.parent / "target/release/examples/classical_fit"
TURNS = 3


class Task:
    """A model on a table of `rows` and `columns`; of `queries` rows the predictions count too."""

    def __init__(self, model, rows, peers, columns=28, queries=0):
        self.model, self.rows, self.columns, self.queries, self.peers = model, rows, columns, queries, peers


def sklearn(estimator, **settings):
    return {"scikit-learn": lambda: estimator(**settings)}


NEIGHBORS = sklearn(KNeighborsClassifier, n_jobs=2)
BOOSTED = {
    **sklearn(HistGradientBoostingClassifier, early_stopping=False),
    "lightgbm": lambda: lightgbm.LGBMClassifier(n_estimators=100, n_jobs=2, verbose=-1),
    "xgboost": lambda: xgboost.XGBClassifier(n_estimators=100, tree_method="hist", n_jobs=2, learning_rate=0.1),
}
TASKS = {
    "decision_tree": Task({"type": "decision_tree"}, 100_000, sklearn(DecisionTreeClassifier, random_state=0)),
    "random_forest": Task({"type": "random_forest"}, 20_000, sklearn(RandomForestClassifier, random_state=0, n_jobs=2)),
    "extra_trees": Task({"type": "extra_trees"}, 20_000, sklearn(ExtraTreesClassifier, random_state=0, n_jobs=2)),
    "gradient_boosting": Task({"type": "gradient_boosting", "early_stopping": False}, 500_000, BOOSTED),
    "svm": Task({"type": "svm"}, 10_000, sklearn(SVC)),
    "k_neighbors": Task({"type": "k_neighbors"}, 100_000, NEIGHBORS, queries=10_000),
    "k_neighbors of 8 columns": Task({"type": "k_neighbors"}, 100_000, NEIGHBORS, columns=8, queries=10_000),
    "logistic_regression": Task({"type": "logistic_regression"}, 500_000, sklearn(LogisticRegression)),
}


def table(task):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(task.rows, task.columns))
    noise = rng.normal(size=task.rows) * 0.8
    score = x[:, 0] + x[:, 1] * x[:, 2] + np.sin(2 * x[:, 3]) + 0.5 * x[:, 4] ** 2 - 0.5 + noise
    return x, (score > 0).astype(int)


def timed(make, x, y, queries):
    start = time.perf_counter()
    fitted = make().fit(x, y)
    if queries:
        fitted.predict(x[:queries])
    return time.perf_counter() - start


def main():
    print("| task | rows x columns | epoca s | peer | peer s | ratio |\n| --- | --- | --- | --- | --- | --- |")
    for name in sys.argv[1:] or TASKS:
        task = TASKS[name]
        x, y = table(task)
        times = {"epoca": [], **{peer: [] for peer in task.peers}}
        with tempfile.NamedTemporaryFile() as file:
            np.concatenate([x.ravel(order="F"), y.astype(float)]).tofile(file.name)
            size = [str(number) for number in (task.rows, task.columns, task.queries)]
            for _ in range(TURNS):
                command = [PROGRAM, file.name, *size, json.dumps(task.model)]
                answer = json.loads(subprocess.check_output(command))
                times["epoca"].append(answer["fit"] + answer["predict"])
                for peer, make in task.peers.items():
                    times[peer].append(timed(make, x, y, task.queries))
        medians = {peer: statistics.median(all_times) for peer, all_times in times.items()}
        for peer in task.peers:
            print(f"| {name} | {task.rows} x {task.columns} | {medians['epoca']:.3f} | {peer} | {medians[peer]:.3f} | "
                  f"{medians[peer] / medians['epoca']:.2f} |", flush=True)


main()
