"""Fitting and applying the recipe on 1,000,000 rows of 28 columns beside scikit-learn's ColumnTransformer on the same kind of table,
in one run: medians, and the ratio for two threads.

    pip install numpy pandas scikit-learn==1.9.1
    python bench/recipe.py
"""

import pathlib
import re
import statistics
import subprocess
import time

import numpy
import pandas
import sklearn
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import StandardScaler

ROWS, COLUMNS, ROUNDS = 1_000_000, 28, 7


def main():
    command = ["cargo", "bench", "--bench", "recipe"]
    text = subprocess.run(command, cwd=pathlib.Path(__file__).parent, capture_output=True, text=True, check=True).stdout
    print(text)
    fit, encode = map(float, re.search(r"threads: 2\..*fit ([\d.]+) s, encode ([\d.]+) s", text).groups())
    random = numpy.random.default_rng(5)
    table = pandas.DataFrame(random.uniform(-1, 1, (ROWS, COLUMNS)).round(5), columns=[f"c{column}" for column in range(COLUMNS)])
    times = []
    for _ in range(ROUNDS):
        transformer = ColumnTransformer([("numbers", StandardScaler(), list(table.columns))], n_jobs=2)
        started = time.perf_counter()
        transformer.fit(table).transform(table)
        times.append(time.perf_counter() - started)
    other = statistics.median(times)
    print(f"fit and apply: epoca {fit + encode:.3f} s, scikit-learn {sklearn.__version__} {other:.3f} s, ratio {other / (fit + encode):.2f}")


main()
