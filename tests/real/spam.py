"""Every kind of letter, as the mailer composes it, before SpamAssassin with its local rules."""

import contextlib
import re
import subprocess

from harness import Part, built, expect, run_part

PART = Part("spam")


class World:
    def __init__(self, folder):
        self.folder = folder / "letters"

    def letters(self):
        return sorted(self.folder.glob("*.eml"))


@contextlib.contextmanager
def _world(folder):
    yield World(folder)


@PART.promise("every letter can be written to a file")
def written(world):
    command = [built("EMAILS_BIN", "examples/emails"), world.folder]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    expect(done.returncode == 0, f"examples/emails ended with {done.returncode}:\n{done.stderr}")
    expect(len(world.letters()) >= 7, f"only {len(world.letters())} letters")


@PART.promise("none of them has a point above nothing")
def scores(world):
    faults = []
    for letter in world.letters():
        score, rules = _judge(world, letter)
        print(f"    {letter.stem}: {score}", flush=True)
        if score > 0:
            faults.append(f"{letter.stem} has {score} points:\n{rules}")
    expect(not faults, "\n".join(faults))


def _judge(world, letter):
    """The points, and the rules that gave some. `-L` asks no network."""
    preferences = world.folder / "preferences"
    preferences.touch()
    command = ["spamassassin", "-L", "-t", "-p", preferences]
    with letter.open("rb") as source:
        done = subprocess.run(command, stdin=source, capture_output=True, timeout=60, check=True)
    report = done.stdout.decode(errors="replace")
    found = re.search(r"Content analysis details: +\((-?[\d.]+) points", report)
    expect(found, f"SpamAssassin said nothing of {letter.stem}:\n{report[-2000:]}")
    rules = [line for line in report[found.end() :].splitlines() if re.match(r" *-?\d+\.\d+ [A-Z_0-9]+", line)]
    return float(found.group(1)), "\n".join(line for line in rules if not re.match(r" *-?0\.0 ", line))


if __name__ == "__main__":
    run_part(PART, {None: _world})
