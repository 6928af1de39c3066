"""Spotify's OpenAPI description, as an app in Development Mode meets it.

The description says what an app with extended quota gets. In Development Mode
Spotify leaves fields out that the description still calls required; and some
fields that are documented as "`null` if none" are not declared nullable. Both
are put right here, once, for the schemas (`extract_schemas.py`) and for the
validating proxy (`../real/prepare_spec.py`).
"""

import pathlib

import yaml

SPEC_FILE = pathlib.Path(__file__).with_name("spotify-open-api.yml")

# Left out in Development Mode. What a schema marks `deprecated: true` is treated
# the same way in that schema; these are named so that a newer description that
# forgets a mark does not silently make them required again.
DROPPED = frozenset(
    "album_group available_markets country email explicit_content followers "
    "genres label linked_from popularity preview_url product".split()
)

# (schema, property): null is said in the prose or seen in answers, not declared.
NULLABLE = (
    ("CursorObject", "after"),
    ("CursorObject", "before"),
    ("CursorPagingObject", "next"),
    ("PagingObject", "next"),
    ("PagingObject", "previous"),
    ("PrivateUserObject", "display_name"),
)


class _PlainLoader(yaml.SafeLoader):
    """YAML without dates: `example: 1981-12-15` stays text, as JSON has it."""


_PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load():
    """The description, adapted to Development Mode."""
    with SPEC_FILE.open(encoding="utf-8") as file:
        spec = yaml.load(file, Loader=_PlainLoader)
    schemas = spec["components"]["schemas"]
    for schema in schemas.values():
        optional = DROPPED | set(_deprecated_properties(schema))
        for node in _nodes(schema):
            _make_optional(node, optional)
    for schema, name in NULLABLE:
        schemas[schema]["properties"][name]["nullable"] = True
    return spec


def _nodes(value):
    """Every mapping in `value`, itself included."""
    if isinstance(value, dict):
        yield value
        for child in value.values():
            yield from _nodes(child)
    elif isinstance(value, list):
        for child in value:
            yield from _nodes(child)


def _deprecated_properties(schema):
    for node in _nodes(schema):
        for name, property_schema in _properties(node).items():
            if isinstance(property_schema, dict) and property_schema.get("deprecated") is True:
                yield name


def _properties(node):
    properties = node.get("properties")
    return properties if isinstance(properties, dict) else {}


def _make_optional(node, names):
    required = node.get("required")
    if not isinstance(required, list):
        return
    kept = [name for name in required if name not in names]
    if kept:
        node["required"] = kept
    else:
        del node["required"]
