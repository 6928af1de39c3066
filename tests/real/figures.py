"""What Dropday weighs and how fast it is, as one table: docs/figures.md.

A measurement rather than a test: what it promises is that all that was measured went as it should.

  FIGURES_MINUTES=10   how long the idle ones are watched
  FIGURES_ROUNDS=5     rounds of passes, each beside wrk
  FIGURES_SCRATCH=DIR  where databases lie that are not to lie in memory (else the folder for temporary files)
"""

import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

from browser import Browser
from dropday import Dropday, fake_world, sign_in
from harness import Part, built, expect, run_part, stop, wait_until
from processes import MEGABYTE, Idling, memory, processor_seconds
from roots import CACHE
from wrk import Wrk

PART = Part("figures")
PEOPLE = 50
ARTISTS = 5_000
STARTS = 15
FIRST_STARTS = 5
CROWD = 8
WRK_SECONDS = 4
IN_MEMORY = pathlib.Path("/dev/shm")
MINUTES = float(os.environ.get("FIGURES_MINUTES", "10"))
ROUNDS = int(os.environ.get("FIGURES_ROUNDS", "5"))
# The most that may be set: nobody has to wait.
UNLIMITED = {"spotify__request_interval": "0s", "spotify__artist_albums_per_day": "100000"}
# As it comes, where the helpers of the tests have other ideas.
AS_IT_COMES = {"spotify__request_interval": None, "spotify__artist_albums_per_day": None, "schedule__letters": None}


class World:
    def __init__(self, folder, spotify):
        self.folder, self.spotify = folder, spotify
        self.table = []
        self._number = 0
        self.small = self.installation()
        self.large = self.installation(web__forms_per_minute="1000")

    def installation(self, **settings):
        self._number += 1
        folder = self.folder / f"home-{self._number}"
        folder.mkdir()
        return Dropday(folder, **self.spotify.settings, **AS_IT_COMES, secrets__key=None, **settings)

    def say(self, what, figure):
        self.table.append((what, figure))


@contextlib.contextmanager
def _world(folder):
    scratch = os.environ.get("FIGURES_SCRATCH")
    with contextlib.ExitStack() as stack:
        if scratch:
            folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(dir=scratch)))
        spotify = stack.enter_context(fake_world(folder, "--users", str(PEOPLE), "--artists", str(ARTISTS)))
        world = World(folder, spotify)
        _say_machine(world)
        yield world
        print("\n| what | figure |\n|---|---|")
        for what, figure in world.table:
            print(f"| {what} | {figure} |")
        print(flush=True)


def _say_machine(world):
    cpu = re.search(r"^model name\s*:\s*(.*)$", pathlib.Path("/proc/cpuinfo").read_text("utf-8"), re.MULTILINE)
    total = int(re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text("ascii"))[1]) * 1024
    system = subprocess.run(
        ["df", "--output=fstype", world.folder], capture_output=True, text=True, check=True
    ).stdout.split()[-1]
    load = "{:.1f}, {:.1f}, {:.1f}".format(*os.getloadavg())
    world.say(
        "the machine",
        f"{os.cpu_count()} × {cpu[1] if cpu else os.uname().machine}, {total / 1e9:.0f} GB, Linux {os.uname().release}, "
        f"load beforehand {load}",
    )
    world.say("its disk", f"{system}; a page written and flushed in {_flush_ms(world.folder):.2f} ms")


def _flush_ms(folder):
    """The median time of `fdatasync` after a page was written."""
    times = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for number in range(200):
            began = time.monotonic()
            os.pwrite(file.fileno(), bytes(4096), 4096 * (number % 50))
            os.fdatasync(file.fileno())
            times.append(time.monotonic() - began)
    return 1000 * statistics.median(times)


@PART.promise("the program and its image have a size")
def have_a_size(world):
    binary = built("DROPDAY_BIN", "dropday")
    expect("debug" not in binary.parts, f"{binary} is no release build")
    world.say("size of the program", f"{binary.stat().st_size / MEGABYTE:.1f} MB")
    world.say("size of the Docker image", _image_size(world.folder))


def _image_size(folder):
    """Of the one that `tests/real/run docker` built last."""
    unbuilt = "not built here (`tests/real/run docker figures` builds it)"
    if not shutil.which("dockerd") or not (CACHE / "docker").is_dir() or os.getuid() != 0:
        return unbuilt
    # Only here: it has a part of its own, which leaves where no engine starts.
    import docker

    try:
        with docker._engine(folder) as engine:
            code, said = engine.try_to("image", "inspect", "--format", "{{.Size}}", docker.IMAGE)
    except SystemExit:
        return unbuilt
    return f"{int(said) / MEGABYTE:.1f} MB, as it was built last" if code == 0 else unbuilt


@PART.promise("it starts, and is ready")
def starts(world):
    first = [_start(world.installation()) for _ in range(FIRST_STARTS)]
    world.say("first start to ready, which makes database and key", _spread(first))
    again = [_start(world.small) for _ in range(STARTS + 1)][1:]
    world.say("start to ready, nobody there", _spread(again))


def _start(dropday):
    """Milliseconds from the start of the program until `/readyz` answers 200."""
    with dropday.log.open("ab") as log:
        began = time.monotonic()
        process = subprocess.Popen(
            [built("DROPDAY_BIN", "dropday"), "serve"], env=dropday.environment(), stdin=subprocess.DEVNULL,
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        try:
            while not _is_ready(dropday.port):
                expect(process.poll() is None, f"dropday serve ended with status {process.returncode}")
                expect(time.monotonic() - began < 60, "it was not ready within a minute")
                time.sleep(0.0005)
            took = time.monotonic() - began
        finally:
            stop(process)
    expect(process.returncode == 0, f"dropday serve ended with status {process.returncode}")
    return 1000 * took


def _is_ready(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _spread(times):
    return f"{statistics.median(times):.0f} ms ({min(times):.0f} to {max(times):.0f}, {len(times)} starts)"


@PART.promise(f"{PEOPLE} people sign in, their lists are read, and all {ARTISTS:,} artists are looked at")
def is_filled(world):
    # Looks come later: they are to be one pass.
    world.large.set(spotify__request_interval="0s", spotify__artist_albums_per_day="1")
    with world.large.serving():
        for number in range(PEOPLE):
            sign_in(world.large, _agree_as(number))
        wait_until("everybody's list to be read", lambda: _artists(world.large, "tracked") == ARTISTS, 120)
    _forget_calls(world.large.folder)
    with world.large.serving(**_environment(UNLIMITED)) as process:
        wait_until("everybody to be looked at", lambda: time.sleep(2) or _artists(world.large, "never_checked") == 0, 600)
        after = memory(process.pid)
        world.say(f"memory at most in a first pass for {PEOPLE} people, {ARTISTS:,} artists", _megabytes(after.peak))
        time.sleep(60)
        world.say("a minute after that pass", _in_words(memory(process.pid)))
    calls, seconds = _calls(world.large.folder)
    world.say("that pass, all new", f"{ARTISTS / seconds:.0f} checks/s, {calls / seconds:.0f} calls/s")
    size = (world.large.folder / "dropday.db").stat().st_size
    releases = _releases(world.large.folder)
    world.say(f"database of {PEOPLE} people, {ARTISTS:,} artists, {releases:,} releases", _megabytes(size))
    again = [_start(world.large) for _ in range(STARTS)]
    world.say(f"start to ready, {PEOPLE} people, {ARTISTS:,} artists", _spread(again))


def _agree_as(number):
    """Somebody who says yes on the fake Spotify's page, where everybody has a button."""

    def agree(browser: Browser, page):
        form = page.form()
        button = next(button for button in form.buttons if (button.name, button.value) == ("agree", str(number)))
        return browser.submit(page, form, button)

    return agree


def _environment(settings):
    return {f"DROPDAY_{key.upper()}": value for key, value in settings.items()}


def _artists(dropday, which):
    return dropday.status()["artists"][which]


def _forget_calls(folder):
    """Empties the ledger, as if its days had passed."""
    with contextlib.closing(sqlite3.connect(folder / "dropday.db")) as database:
        database.execute("DELETE FROM api_calls")
        database.commit()


def _calls(folder):
    """How many calls are in the ledger, and the seconds from the first to the last."""
    with contextlib.closing(sqlite3.connect(folder / "dropday.db")) as database:
        sql = "SELECT count(*), (max(at) - min(at)) / 1000.0 FROM api_calls WHERE bucket = 'artist_albums'"
        return database.execute(sql).fetchone()


def _releases(folder):
    with contextlib.closing(sqlite3.connect(folder / "dropday.db")) as database:
        return database.execute("SELECT count(*) FROM releases").fetchone()[0]


def _megabytes(size):
    return f"{size / MEGABYTE:.1f} MB"


def _in_words(now):
    return (
        f"{now.resident / MEGABYTE:.1f} MB resident, {now.proportional / MEGABYTE:.1f} MB its share of that, "
        f"{now.private / MEGABYTE:.1f} MB written by it"
    )


@dataclass
class Pass:
    """A full pass of checks by `dropday once --all`."""

    per_second: float
    seconds: float
    processor_ms: float
    servers_ms: float
    peak: int


@PART.promise("a full pass asks about everybody once, as fast as it can, beside wrk on the same server")
def passes(world):
    copies = {"on disk": world.folder / "on-disk"}
    if os.access(IN_MEMORY, os.W_OK):
        copies["in memory"] = IN_MEMORY / world.folder.name
    wrk = _wrk(world)
    passes, alone, crowd = {where: [] for where in copies}, [], []
    try:
        for folder in copies.values():
            _copy(world.large.folder, folder)
        for _ in range(ROUNDS):
            alone.append(wrk.answers_a_second(1, WRK_SECONDS))
            for where, folder in copies.items():
                passes[where].append(_pass(world, folder))
            crowd.append(wrk.answers_a_second(CROWD, WRK_SECONDS))
    finally:
        for folder in copies.values():
            shutil.rmtree(folder, ignore_errors=True)
    expect(json.loads(world.spotify.unexpected()) == [], f"the fake Spotify was surprised: {world.spotify.unexpected()}")
    _say_passes(world, passes, alone, crowd)


def _wrk(world):
    artists = json.loads(world.spotify.ask("GET", "/_world/artists"))
    paths = [f"/v1/artists/{artist['id']}/albums?include_groups=album&limit=10&offset=0" for artist in artists]
    return Wrk(world.folder, world.spotify.url, paths, world.spotify.token(world.large))


def _copy(home, folder):
    folder.mkdir()
    for name in ("dropday.db", "dropday.key"):
        shutil.copy2(home / name, folder)


def _pass(world, folder):
    settings = {**UNLIMITED, "database__path": str(folder / "dropday.db")}
    environment = {**world.large.environment(), **_environment(settings)}
    _forget_calls(folder)
    server = world.spotify.process.pid
    before = processor_seconds(server)
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [built("DROPDAY_BIN", "dropday"), "once", "--all"], env=environment, stdin=subprocess.DEVNULL,
            stdout=said, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        finally:
            if process.returncode is None:
                process.kill()
        said.seek(0)
        words = said.read().decode("utf-8", "replace")
    expect(process.returncode == 0 and f"{ARTISTS} artists checked" in words, f"dropday once --all said:\n{words}")
    servers = processor_seconds(server) - before
    calls, seconds = _calls(folder)
    expect(calls == ARTISTS, f"{calls} calls for {ARTISTS} artists")
    spent = 1000 * (usage.ru_utime + usage.ru_stime) / ARTISTS
    return Pass(calls / seconds, seconds, spent, 1000 * servers / ARTISTS, 1024 * usage.ru_maxrss)


def _say_passes(world, passes, alone, crowd):
    for where, rounds in passes.items():

        def median(field, rounds=rounds):
            return statistics.median(getattr(one, field) for one in rounds)

        ratios = [one.per_second / wrk for one, wrk in zip(rounds, alone)]
        world.say(
            f"full pass of {ARTISTS:,} checks, nothing new, database {where}",
            f"{median('per_second'):.0f} checks/s ({median('seconds'):.1f} s), {statistics.median(ratios):.2f} of wrk's "
            f"one connection; {median('processor_ms'):.2f} ms of processor time a check, and the server's "
            f"{median('servers_ms'):.2f} ms; {_megabytes(median('peak'))} at most",
        )
    world.say("wrk, the same questions to the same server, one connection", f"{statistics.median(alone):.0f} answers/s")
    world.say(f"wrk, {CROWD} connections", f"{statistics.median(crowd):.0f} answers/s")


@PART.promise(f"left alone for {MINUTES:g} minutes it sleeps, with nobody there and with everybody")
def idles(world):
    world.large.set(**AS_IT_COMES)
    with world.small.serving() as small, world.large.serving() as large:
        # What comes with the start is over by then.
        time.sleep(min(60, 60 * MINUTES))
        idling = {"nobody there": Idling(small.pid), f"{PEOPLE} people, {ARTISTS:,} artists": Idling(large.pid)}
        time.sleep(60 * MINUTES)
        for who, one in idling.items():
            now, woken, processor = one.end()
            world.say(f"idle memory, {who}", _in_words(now))
            world.say(
                f"wake-ups in {MINUTES:g} idle minutes, {who}",
                f"{woken:.2f} a second; {processor:.2f} s of processor time in ten minutes",
            )


if __name__ == "__main__":
    run_part(PART, {None: _world})
