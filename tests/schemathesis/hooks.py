"""Hooks of schemathesis: what its generators cannot model of openapi.yaml."""
import json
import re
import uuid

import schemathesis

# Unions of many objects are too large for the generator: these layers and optimizers stand for the others.
LAYERS = {"dense", "dropout", "conv1d", "lstm"}
OPTIMIZERS = {"sgd", "adam"}

KEY = re.compile(r"[!-~]([ -~]{0,253}[!-~])?")


def kinds(form):
    kind = form["properties"].get("type", {})
    return set(kind.get("enum", [kind["const"]] if "const" in kind else []))


def keep(forms, wanted):
    kept = [form for form in forms if kinds(form) & wanted]
    assert set().union(*map(kinds, kept)) >= wanted, wanted
    return kept


@schemathesis.hook
def before_load_schema(context, raw_schema):
    schemas = raw_schema["components"]["schemas"]
    layers = schemas["LayerSettings"]
    layers["anyOf"] = keep(layers["anyOf"], LAYERS)
    optimizers = schemas["Optimizer"]["anyOf"][1]["allOf"][0]
    optimizers["anyOf"] = keep(optimizers["anyOf"], OPTIMIZERS)


@schemathesis.hook
def before_call(context, case, kwargs):
    # The examples of the document name these; without them no prediction is reached.
    if case.method.upper() == "DELETE":
        for name, value in (case.path_parameters or {}).items():
            if value in ("iris", "iris-mlp"):
                case.path_parameters[name] = "absent"
    # A repeated key gets the answer of the first request, whose resource may be deleted by now.
    key = (case.headers or {}).get("idempotency-key")
    if key and KEY.fullmatch(str(key)):
        case.headers["idempotency-key"] = str(uuid.uuid4())


def file(context, value):
    return value if isinstance(value, (bytes, str)) else json.dumps(value).encode()


for media_type in ("csv", "x-ndjson", "ndjson", "jsonl", "x-jsonlines"):
    schemathesis.serializer(f"application/{media_type}")(file)
for media_type in ("csv", "tab-separated-values"):
    schemathesis.serializer(f"text/{media_type}")(file)
