#!/usr/bin/env python3
"""Write Spotify's OpenAPI description as the validating proxy needs it.

Usage: prepare_spec.py OUTPUT.json      (needs PyYAML: pip install pyyaml)

Prism compares paths from the root of a server, so `/v1` moves from the server's
address into the paths. Operations marked deprecated are gone in Development Mode:
without them Prism refuses such a call. The rest, `development_mode` knows.
"""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "data"))

import development_mode  # noqa: E402


def prepared():
    spec = development_mode.load()
    spec["servers"] = [{"url": "/"}]
    spec["paths"] = {f"/v1{path}": _kept_operations(item) for path, item in spec["paths"].items()}
    return spec


def _kept_operations(path_item):
    return {
        key: value
        for key, value in path_item.items()
        if not (isinstance(value, dict) and value.get("deprecated") is True)
    }


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    pathlib.Path(sys.argv[1]).write_text(json.dumps(prepared()), encoding="utf-8")


if __name__ == "__main__":
    main()
