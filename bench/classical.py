"""Fits of classical models beside their peers, two threads each, by turns; prints medians and their ratios.

    cargo build --release --example classical_fit
    pip install numpy scikit-learn==1.9.1 lightgbm xgboost
    python bench/classical.py [decision_tree] [random_forest] [extra_trees] [gradient_boosting]
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
from sklearn.tree import DecisionTreeClassifier

PROGRAM = pathlib.Path(__file__).parent.parent / "target/release/examples/classical_fit"
COLUMNS = 28
TURNS = 3
TASKS = {
    "decision_tree": (100_000, {}, {"scikit-learn": lambda: DecisionTreeClassifier(random_state=0)}),
    "random_forest": (20_000, {}, {"scikit-learn": lambda: RandomForestClassifier(random_state=0, n_jobs=2)}),
    "extra_trees": (20_000, {}, {"scikit-learn": lambda: ExtraTreesClassifier(random_state=0, n_jobs=2)}),
    "gradient_boosting": (
        500_000,
        {"early_stopping": False},
        {
            "scikit-learn": lambda: HistGradientBoostingClassifier(early_stopping=False),
            "lightgbm": lambda: lightgbm.LGBMClassifier(n_estimators=100, n_jobs=2, verbose=-1),
            "xgboost": lambda: xgboost.XGBClassifier(n_estimators=100, tree_method="hist", n_jobs=2, learning_rate=0.1),
        },
    ),
}


def rows(count):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(count, COLUMNS))
    score = x[:, 0] + x[:, 1] * x[:, 2] + np.sin(2 * x[:, 3]) + 0.5 * x[:, 4] ** 2 - 0.5 + rng.normal(size=count) * 0.8
    return x, (score > 0).astype(int)


def main():
    for task in sys.argv[1:] or TASKS:
        count, settings, peers = TASKS[task]
        x, y = rows(count)
        times = {"epoca": [], **{name: [] for name in peers}}
        with tempfile.NamedTemporaryFile() as file:
            np.concatenate([x.ravel(order="F"), y.astype(float)]).tofile(file.name)
            model = json.dumps({"type": task, **settings})
            for _ in range(TURNS):
                command = [PROGRAM, file.name, str(count), str(COLUMNS), model]
                times["epoca"].append(json.loads(subprocess.check_output(command))["fit"])
                for name, make in peers.items():
                    start = time.perf_counter()
                    make().fit(x, y)
                    times[name].append(time.perf_counter() - start)
        medians = {name: statistics.median(all_times) for name, all_times in times.items()}
        for name in peers:
            print(f"{task}, {count} x {COLUMNS}: epoca {medians['epoca']:.2f} s, {name} {medians[name]:.2f} s, "
                  f"ratio {medians[name] / medians['epoca']:.2f}", flush=True)


main()
