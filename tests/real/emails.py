"""Every kind of letter as html-validate and Chromium see it.

emails.json switches off what letters need and pages do not: inline styles, Outlook's conditional
comments, cellpadding and the like.

KEEP_PICTURES=FOLDER keeps the pictures.
"""

import contextlib
import json
import os
import pathlib
import subprocess
from dataclasses import dataclass

from harness import CACHE, HERE, Part, built, expect, run_part

PART = Part("emails")
SECONDS = 300


@dataclass
class World:
    letters: pathlib.Path
    pictures: pathlib.Path


@contextlib.contextmanager
def world(folder):
    letters = folder / "letters"
    subprocess.run([built("EMAILS_BIN", "examples/emails"), letters], check=True, stdout=subprocess.DEVNULL)
    pictures = pathlib.Path(os.environ.get("KEEP_PICTURES", folder / "pictures")).resolve()
    yield World(letters, pictures)


@PART.promise("every letter's HTML conforms")
def conforms(world):
    pages = sorted(world.letters.glob("*.html"))
    expect(len(pages) >= 10, f"only {len(pages)} letters were written")
    # Into a file: it ends before a pipe has taken all that it says.
    report = world.letters / "report.json"
    tool = CACHE / "node_modules" / ".bin" / "html-validate"
    run([tool, "--config", HERE / "emails.json", "--formatter", f"json={report}", *pages])
    faults = [(page["filePath"], fault) for page in json.loads(report.read_text()) for fault in page["messages"]]
    told = [f"{path}:{fault['line']}: {fault['ruleId']}: {fault['message']}" for path, fault in faults]
    expect(not told, "\n".join(told[:10]))


@PART.promise("every letter fits 320, 640 and 1,000 px, by day, by night and without images, and fetches only covers")
def fits(world):
    # Beside its node_modules, since that is where Node looks for what a module imports.
    script = CACHE / "pictures.mjs"
    script.write_bytes((HERE / "pictures.mjs").read_bytes())
    ended = run(["node", script, world.letters, world.pictures])
    expect(ended.returncode == 0, ended.stderr[-2000:])
    faults = json.loads(ended.stdout)
    told = [f"{fault['letter']}, {fault['width']} px, {fault['scheme']}: {fault['fault']}" for fault in faults]
    expect(not told, "\n".join(told[:10]))


def run(command):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=SECONDS)


if __name__ == "__main__":
    run_part(PART, {None: world})
