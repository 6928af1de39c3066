"""A backup taken under load, restored elsewhere and working; another key; and a replica kept by Litestream."""

import contextlib
import pathlib
import sqlite3
import stat
import subprocess
import sys
import threading
import urllib.error
import urllib.request

from dropday import Dropday, agree_at_fake_world, fake_world, sign_in
from harness import Part, expect, run_part, stop, wait_until

PART = Part("keeping")
LITESTREAM = pathlib.Path(sys.executable).with_name("litestream")


class World:
    def __init__(self, folder, spotify):
        self.folder = folder
        self.spotify = spotify
        self.dropday = self.installation("home")
        self.backup = folder / "backup.db"

    def installation(self, name, **settings):
        folder = self.folder / name
        folder.mkdir()
        return Dropday(folder, **self.spotify.settings, **settings)


@contextlib.contextmanager
def _world(folder):
    with fake_world(folder) as spotify:
        yield World(folder, spotify)


class Load:
    """Visitors who press "sign in", each writing a row, as fast as they are answered."""

    def __init__(self, dropday):
        self._url = f"{dropday.url}/login"
        self._ended = threading.Event()
        self.done = 0
        self._threads = [threading.Thread(target=self._visit) for _ in range(4)]

    def _visit(self):
        opener = urllib.request.build_opener(_NoRedirect)
        while not self._ended.is_set():
            with contextlib.suppress(urllib.error.HTTPError):
                opener.open(self._url, timeout=30).close()
            self.done += 1

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        wait_until("the load to begin", lambda: self.done > 20)
        return self

    def __exit__(self, *_):
        self._ended.set()
        for thread in self._threads:
            thread.join()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def _ran(done, status=0):
    expect(done.returncode == status, f"ended with status {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def _works(dropday):
    """That it starts, knows its one person, and reads their list with the tokens that it has."""
    with dropday.serving():
        people = dropday.status()["users"]
        expect(people["connected"] == 1, f"people: {people}")
    dropday.once("--all")
    expect(dropday.status()["users"]["must_reconnect"] == 0, "somebody needs to reconnect")


@PART.promise("a backup taken under load is sound, for its owner alone, and writing went on meanwhile")
def backs_up(world):
    with world.dropday.serving():
        sign_in(world.dropday, agree_at_fake_world)
        world.dropday.once("--all")
        with Load(world.dropday) as load:
            before = load.done
            said = _ran(world.dropday.run("backup", world.backup))
            expect(load.done > before, "nobody was answered while the backup was taken")
        refusal = _ran(world.dropday.run("restore", world.backup), status=1)
        expect("Stop it first" in refusal, f"a restore over a running daemon was answered with: {refusal}")
    expect("1 user" in said and "key" in said, f"it said: {said}")
    mode = stat.S_IMODE(world.backup.stat().st_mode)
    expect(mode == 0o600, f"the mode of the backup is {mode:o}")
    with contextlib.closing(sqlite3.connect(world.backup)) as database:
        expect(database.execute("PRAGMA integrity_check").fetchone() == ("ok",), "SQLite finds damage in it")


@PART.promise("restored elsewhere it works, and nobody has to sign in again")
def restores(world):
    elsewhere = world.installation("elsewhere", secrets__key="AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
    refusal = _ran(elsewhere.run("restore", world.backup), status=1)
    expect("the key does not fit" in refusal, f"with another key it said: {refusal}")
    elsewhere.set(secrets__key=world.dropday.key)
    _ran(elsewhere.run("restore", world.backup))
    _works(elsewhere)


@PART.promise("with another key everything goes on as before")
def rotates(world):
    new = world.folder / "new.key"
    said = _ran(world.dropday.run("key", "rotate", "--to", new))
    expect(str(new) in said, f"it said: {said}")
    refusal = _ran(world.dropday.run("status"), status=1)
    expect("the key does not fit" in refusal, f"with the earlier key it said: {refusal}")
    world.dropday.set(secrets__key=None, secrets__key_file=new)
    _works(world.dropday)


@PART.promise("what Litestream replicates from a running daemon, under load, is restored and works")
def replicates(world):
    replica = f"file://{world.folder}/replica"
    database = world.dropday.folder / "dropday.db"
    with world.dropday.serving():
        process = _litestream(world, "replicate", database, replica)
        try:
            wait_until("a first snapshot", lambda: any((world.folder / "replica").rglob("*.ltx")))
            with Load(world.dropday):
                world.dropday.once("--all")
            wanted = _rows(database)
            restored = world.folder / "replicated.db"
            wait_until("the replica to have all of it", lambda: _replicated(world, replica, restored) == wanted)
        finally:
            stop(process)
    moved = world.installation("from-replica", secrets__key=None, secrets__key_file=world.folder / "new.key")
    _ran(moved.run("restore", restored))
    _works(moved)


def _litestream(world, *arguments):
    with open(world.folder / "litestream.log", "ab") as log:
        command = [LITESTREAM, *map(str, arguments)]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)


def _replicated(world, replica, to):
    for ending in ("", "-wal", "-shm"):
        pathlib.Path(f"{to}{ending}").unlink(missing_ok=True)
    process = _litestream(world, "restore", "-o", to, replica)
    return _rows(to) if process.wait(60) == 0 else None


def _rows(file):
    """What must not be lost, as far as it can be counted."""
    counted = "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM artist_releases), (SELECT count(*) FROM api_calls)"
    with contextlib.closing(sqlite3.connect(file)) as database:
        return database.execute(counted).fetchone()


run_part(PART, {None: _world})
