"""One-row predictions of a forest of 100 trees through HTTP, beside a FastAPI handler around scikit-learn's: answers a second with
one connection, by turns; prints medians and their ratio.

    cargo build --release
    pip install numpy scikit-learn==1.9.1 fastapi uvicorn
    python bench/classical_http.py [--rounds 5] [--seconds 3]
"""

import argparse
import http.client
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

from service import Service

ROWS, COLUMNS = 5_000, 28
PEER = """
import pickle, sys
import numpy as np, uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

class Body(BaseModel):
    instances: list[list[float]]

app, model = FastAPI(), pickle.load(open(sys.argv[1], "rb"))

@app.post("/predict")
def predict(body: Body):
    probabilities = model.predict_proba(np.asarray(body.instances))
    return {"predictions": [{"label": int(model.classes_[row.argmax()]), "probabilities": row.tolist()} for row in probabilities]}

uvicorn.run(app, port=int(sys.argv[2]), log_level="warning")
"""


def answers(port, path, body, seconds):
    """Answers a second."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        connection.request("POST", path, body, {"content-type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        assert answer.status == 200, text
        count += 1
    connection.close()
    return count / (time.perf_counter() - start)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--seconds", type=float, default=3)
    arguments = arguments.parse_args()
    import pickle

    from sklearn.ensemble import RandomForestClassifier

    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, COLUMNS)).round(5)
    y = (x[:, 0] + x[:, 1] * x[:, 2] + rng.normal(size=ROWS) * 0.5 > 0).astype(int)
    names = [f"c{column}" for column in range(COLUMNS)]
    lines = [",".join([*names, "y"])] + [",".join([*map(str, row), "yes" if label else "no"]) for row, label in zip(x.tolist(), y)]
    body = json.dumps({"instances": [x[0].tolist()]})
    with Service(threads=2) as service, tempfile.TemporaryDirectory() as folder:
        service.request("POST", "/v1/datasets?name=t", "\n".join(lines).encode(), "text/csv")
        service.request("POST", "/v1/models", {"name": "f", "definition": {"type": "random_forest", "random_state": 0}})
        service.train({"model": "f", "dataset": "t", "target": "y", "baselines": False})
        model = pathlib.Path(folder) / "model"
        model.write_bytes(pickle.dumps(RandomForestClassifier(random_state=0).fit(x, y)))
        peer = subprocess.Popen([sys.executable, "-c", PEER, model, "8765"])
        ours, theirs = [], []
        try:
            time.sleep(4)
            port = int(service.address.rsplit(":", 1)[1])
            for _ in range(arguments.rounds):
                theirs.append(answers(8765, "/predict", body, arguments.seconds))
                ours.append(answers(port, "/v1/models/f:predict", body, arguments.seconds))
        finally:
            peer.terminate()
    mine, peers = statistics.median(ours), statistics.median(theirs)
    print(f"| one row, forest of 100 trees | epoca {mine:.0f} /s | FastAPI around scikit-learn {peers:.0f} /s | ratio {mine / peers:.1f} |")


main()
