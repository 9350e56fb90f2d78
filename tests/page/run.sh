#!/usr/bin/env bash
# Checks the types of the page's modules, tests them, and drives the page of BINARY in a headless Chromium: run.sh BINARY
# It exits with 3 where the packages cannot be installed, and with 4 where there is no Chromium.
set -euo pipefail
binary=$(realpath "$1")
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=$root/target/page-tests
mkdir -p "$folder"
npm install --no-save --no-audit --no-fund --silent --prefix "$folder" playwright-core@1 axe-core@4 typescript@5 || exit 3
"$folder/node_modules/.bin/tsc" --project "$root/tests/page/tsconfig.json"
node --test "$root"/tests/page/modules.test.mjs
command -v chromium >/dev/null || exit 4
EPOCA_BINARY=$binary EPOCA_PAGE_MODULES=$folder/node_modules node --test --test-concurrency=1 "$root"/tests/page/browser.test.mjs
