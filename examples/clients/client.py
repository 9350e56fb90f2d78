#!/usr/bin/env python3
"""The whole story with Python's standard library alone: table, model, job, events, prediction.

    python3 examples/clients/client.py [http://127.0.0.1:8080]
"""

import http.client
import json
import pathlib
import sys
import time
import urllib.error
import urllib.request

URL = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080"
TABLE = pathlib.Path(__file__).resolve().parent.parent / "data" / "breast_cancer.csv"


def call(method, path, body=None, content_type="application/json"):
    """One request; what the service has against it is printed whole."""
    data = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
    request = urllib.request.Request(URL + path, data, {"Content-Type": content_type} if data else {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise SystemExit(f"{method} {path}: {error.code} {error.read().decode()}")


def events(job):
    """Every event of a job, in order, once: a stream that breaks is resumed after the last id."""
    last = 0
    while True:
        request = urllib.request.Request(f"{URL}/v1/jobs/{job}/events",
                                         headers={"Accept": "text/event-stream", "Last-Event-ID": str(last)})
        try:
            with urllib.request.urlopen(request, timeout=60) as stream:
                if stream.status == 204:
                    return
                for line in stream:
                    if line.startswith(b"data:"):
                        event = json.loads(line[5:])
                        last = event.get("id", last)
                        yield event
        except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
            if isinstance(error, urllib.error.HTTPError):
                raise
            time.sleep(1)


def main():
    name = f"cancer-python-{time.time_ns()}"
    header, *rows = TABLE.read_text().splitlines()
    held_out, rows = rows[::10], [row for index, row in enumerate(rows) if index % 10]
    dataset = call("POST", f"/v1/datasets?name={name}", "\n".join([header, *rows]).encode(), "text/csv")
    print(f"table {dataset['name']}: {dataset['rows']} rows, {len(dataset['columns'])} columns")

    layers = [{"type": "dense", "units": 16, "activation": "relu"}, {"type": "dropout", "rate": 0.2},
              {"type": "dense", "units": 1, "activation": "sigmoid"}]
    call("POST", "/v1/models", {"name": name, "definition": {"layers": layers}})
    job = call("POST", "/v1/jobs", {"model": name, "dataset": name, "target": "target",
                                    "training": {"epochs": 60, "batch_size": 32, "validation_split": 0.2, "seed": 7,
                                                 "early_stopping": {"patience": 10, "restore_best_weights": True}}})
    for event in events(job["id"]):
        if event["type"] == "epoch":
            logs = event["data"]
            print(f"epoch {logs['epoch']:3}  loss {logs['loss']:.4f}  val_loss {logs['val_loss']:.4f}")
        elif event["type"] == "status":
            print(event["data"]["status"])
    job = call("GET", f"/v1/jobs/{job['id']}")
    if job["status"] != "succeeded":
        raise SystemExit(f"the job {job['status']}: {job['error']}")

    columns = header.split(",")
    records = [dict(zip(columns, row.split(","))) for row in held_out]
    truth = [record.pop("target") for record in records]
    instances = [{column: float(value) for column, value in record.items()} for record in records]
    answer = call("POST", f"/v1/models/{name}:predict", {"instances": instances})
    right = sum(prediction["label"] == label for prediction, label in zip(answer["predictions"], truth))
    print(f"version {answer['version']}: {right} of {len(truth)} held-out rows right")
    if right < 0.9 * len(truth):
        raise SystemExit("that is too few")


main()
