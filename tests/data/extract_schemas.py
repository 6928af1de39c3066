#!/usr/bin/env python3
"""Write `spotify-schemas.json`: JSON Schemas of the answers that Dropday reads.

Usage: extract_schemas.py [--check]     (needs PyYAML: pip install pyyaml)

Each top-level key but `$schema`, `$comment` and `$defs` is one answer. To use
one, compile `{"$ref": "#/me", "$defs": …}` or simply the whole document with
that key's `$ref`. `--check` writes nothing and fails if the file is stale.
"""

import json
import pathlib
import sys

import development_mode

TARGET = pathlib.Path(__file__).with_name("spotify-schemas.json")
REF_PREFIX = "#/components/schemas/"

ANSWERS = {
    "me": ("/me", "200"),
    "following": ("/me/following", "200"),
    "artist_albums": ("/artists/{id}/albums", "200"),
    "error": ("/me", "429"),
}

# Prose and OpenAPI's own words; a validator has no use for them.
NOISE = frozenset("deprecated description example nullable title x-spotify-docs-type".split())


def main():
    document = extract(development_mode.load())
    text = json.dumps(document, indent=2, sort_keys=True) + "\n"
    if sys.argv[1:] == ["--check"]:
        if not TARGET.exists() or TARGET.read_text(encoding="utf-8") != text:
            sys.exit(f"{TARGET.name} is stale: run {sys.argv[0]} and commit the result")
    elif sys.argv[1:]:
        sys.exit(__doc__)
    else:
        TARGET.write_text(text, encoding="utf-8")


def extract(spec):
    """The answers as one JSON Schema document (draft 2020-12)."""
    defs = {}
    answers = {}
    for key, (path, status) in ANSWERS.items():
        name = f"{key}_answer"
        defs[name] = _convert(_answer_schema(spec, path, status))
        answers[key] = {"$ref": f"#/$defs/{name}"}
    _pull_in_references(spec["components"]["schemas"], defs)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$comment": "Made by extract_schemas.py from spotify-open-api.yml (MIT); do not edit.",
        "$defs": defs,
        **answers,
    }


def _answer_schema(spec, path, status):
    response = spec["paths"][path]["get"]["responses"][status]
    if "$ref" in response:
        response = spec["components"]["responses"][response["$ref"].rsplit("/", 1)[1]]
    return response["content"]["application/json"]["schema"]


def _pull_in_references(schemas, defs):
    """Add to `defs` every schema that something in it refers to."""
    missing = _referenced(defs) - defs.keys()
    while missing:
        for name in missing:
            defs[name] = _convert(schemas[name])
        missing = _referenced(defs) - defs.keys()


def _referenced(value):
    if isinstance(value, list):
        return set().union(*map(_referenced, value))
    if not isinstance(value, dict):
        return set()
    own = {value["$ref"].rsplit("/", 1)[1]} if isinstance(value.get("$ref"), str) else set()
    return own.union(*map(_referenced, value.values()))


def _convert(schema):
    """One OpenAPI 3.0 schema as JSON Schema: references, null, and no prose."""
    converted = {key: _convert_keyword(key, value) for key, value in schema.items() if key not in NOISE}
    if schema.get("nullable") is True:
        return _or_null(converted)
    return converted


def _convert_keyword(key, value):
    if key == "properties":
        return {name: _convert(schema) for name, schema in value.items()}
    if key == "items":
        return _convert(value)
    if key in ("allOf", "anyOf", "oneOf"):
        return [_convert(schema) for schema in value]
    if key == "$ref":
        return value.replace(REF_PREFIX, "#/$defs/")
    return value


def _or_null(schema):
    if isinstance(schema.get("type"), str) and "enum" not in schema:
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


if __name__ == "__main__":
    main()
