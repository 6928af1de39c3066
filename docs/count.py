"""Counts the lines of src: code, comments and inline tests, blank lines left out.

Usage: python3 docs/count.py            one line for all of src, and the files above 400 lines (code and comments)
"""

import pathlib

SOURCE = pathlib.Path(__file__).resolve().parents[1] / "src"


def is_test_file(path):
    return path.name in ("tests.rs", "testing.rs") or "tests" in path.parts


def end_of_item(lines, start):
    """The last line of the item that begins after the attributes at `start`."""
    first = start + 1
    while lines[first].strip().startswith("#["):
        first += 1
    if not lines[first].rstrip().endswith("{"):
        return first
    indent = lines[first][: len(lines[first]) - len(lines[first].lstrip())]
    return next(n for n in range(first + 1, len(lines)) if lines[n].startswith(indent + "}"))


def count(path):
    code = comments = tests = 0
    lines, n = path.read_text(encoding="utf-8").split("\n"), 0
    while n < len(lines):
        line, last = lines[n].strip(), n
        if is_test_file(path):
            tests += bool(line) and not line.startswith("//")
        elif line.startswith("#[cfg(test)]"):
            last = end_of_item(lines, n)
            tests += sum(1 for each in lines[n : last + 1] if each.strip() and not each.strip().startswith("//"))
        elif line.startswith("//"):
            comments += 1
        else:
            code += bool(line)
        n = last + 1
    return code, comments, tests


files = {path: count(path) for path in sorted(SOURCE.rglob("*.rs"))}
code, comments, tests = (sum(column) for column in zip(*files.values()))
print(f"code {code}, comments {comments}, inline tests {tests}")
for path, (code, comments, _) in files.items():
    if code + comments > 400:
        print(f"above 400 lines: {path.relative_to(SOURCE.parent)} ({code + comments})")
