"""Hooks of schemathesis: what its generators cannot model of openapi.yaml."""
import json

import schemathesis

# Unions of many objects are too large for the generator: these layers and optimizers stand for the others.
LAYERS = {"dense", "dropout", "conv1d", "lstm"}
OPTIMIZERS = {"sgd", "adam"}


def kinds(form):
    return set(form["properties"].get("type", {}).get("enum", []))


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


@schemathesis.serializer("application/x-ndjson")
def ndjson(context, value):
    return value if isinstance(value, (bytes, str)) else json.dumps(value).encode()


@schemathesis.serializer("text/csv")
def csv(context, value):
    return value if isinstance(value, (bytes, str)) else json.dumps(value).encode()
