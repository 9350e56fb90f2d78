#!/usr/bin/env bash
# Makes a typed client from openapi.yaml, checks it and drives the service at URL with it: run.sh URL
# It exits with 3 where the packages cannot be installed.
set -euo pipefail
url=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=$root/target/clients
mkdir -p "$folder"
cp "$root"/tests/clients/{package.json,tsconfig.json,client.ts} "$folder"
cd "$folder"
npm install --no-audit --no-fund --silent || exit 3
# A field with a default may be left out of a request.
npx --no-install openapi-typescript "$root/openapi.yaml" --output api.ts --default-non-nullable=false
npx --no-install tsc --project tsconfig.json
node out/client.js "$url" "$root/examples/data/iris.csv"
