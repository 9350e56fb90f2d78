#!/bin/sh
# All steps with curl: table, model, job, events, prediction.
#   examples/clients/curl.sh [http://127.0.0.1:8080]
set -eu
url=${1:-http://127.0.0.1:8080}
data=$(dirname "$0")/../data/iris.csv
name=iris-curl-$$-$(date +%s)

# Prints the value of a text field of the JSON on standard input.
field() {
  sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" | head -n 1
}

json() { # json METHOD PATH BODY
  curl -sS --fail-with-body -X "$1" -H 'Content-Type: application/json' --data "$3" "$url$2"
}

echo "table:"
curl -sS --fail-with-body -H 'Content-Type: text/csv' --data-binary "@$data" "$url/v1/datasets?name=$name" | cut -c 1-120

echo "model:"
json POST /v1/models "{\"name\": \"$name\", \"definition\": {\"layers\": [
  {\"type\": \"dense\", \"units\": 16, \"activation\": \"relu\"},
  {\"type\": \"dense\", \"units\": 3, \"activation\": \"softmax\"}]}}" | cut -c 1-120

job=$(json POST /v1/jobs "{\"model\": \"$name\", \"dataset\": \"$name\", \"target\": \"species\",
  \"training\": {\"epochs\": 40, \"batch_size\": 16, \"validation_split\": 0.2, \"seed\": 7,
                 \"optimizer\": {\"type\": \"adam\", \"learning_rate\": 0.01}}}" | field id)
echo "job $job:"

# The stream ends after the job's last event.
curl -sSN --fail-with-body -H 'Accept: text/event-stream' "$url/v1/jobs/$job/events" | grep '^data:' | tail -n 3

status=$(curl -sS --fail-with-body "$url/v1/jobs/$job" | field status)
[ "$status" = succeeded ] || { echo "the job $status"; exit 1; }

echo "prediction:"
answer=$(json POST "/v1/models/$name:predict" '{"instances": [
  {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}]}')
echo "$answer"
[ "$(echo "$answer" | field label)" = setosa ]
