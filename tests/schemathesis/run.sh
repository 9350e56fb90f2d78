#!/usr/bin/env bash
# Tests a service with requests that schemathesis makes from openapi.yaml: run.sh URL PYTHON-ENVIRONMENT
# The service needs the dataset `iris` and a trained model `iris-mlp`, which the document's examples name.
set -euo pipefail
url=$1
venv=$(cd "$2" && pwd)
cd "$(dirname "$0")"

curl -sS --fail-with-body --data-binary @../../examples/data/iris.csv -H 'Content-Type: text/csv' "$url/v1/datasets?name=iris" >/dev/null
curl -sS --fail-with-body --json '{"name": "iris-mlp", "definition": {"layers": [
  {"type": "dense", "units": 16, "activation": "relu"}, {"type": "dense", "units": 3, "activation": "softmax"}]}}' \
  "$url/v1/models" >/dev/null
job=$(curl -sS --fail-with-body --json '{"model": "iris-mlp", "dataset": "iris", "target": "species", "training": {"epochs": 5}}' \
  "$url/v1/jobs" | sed 's/.*"id":"\([^"]*\)".*/\1/')
curl -sSN -H 'Accept: text/event-stream' "$url/v1/jobs/$job/events" | grep -q '"status":"succeeded"'

PYTHONPATH=. timeout 200 "$venv/bin/schemathesis" run ../../openapi.yaml --url "$url" --seed 1 --max-examples 10 --max-time 90
