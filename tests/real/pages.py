"""The pages in headless Chromium, as people walk them: with scripts and without, at two widths, by day and by night.

The walks are tests/real/pages/*.mjs, whose promises report themselves.
KEEP_PICTURES=FOLDER keeps the pictures of every page and state.
"""

import contextlib
import datetime
import email
import email.policy
import json
import os
import shutil
import subprocess
import sys
import threading
import urllib.request

from aiosmtpd.controller import Controller
from dropday import Dropday, fake_world
from harness import CACHE, HERE, Part, built, expect, free_port, run_part

PART = Part("pages")
SECONDS = 900


class Inbox:
    """Takes every letter, and writes it down where the walks look for it."""

    def __init__(self, folder):
        self.folder = folder
        self.folder.mkdir()
        self._count = 0
        self._lock = threading.Lock()

    async def handle_DATA(self, _server, _session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        letter = {
            "to": envelope.rcpt_tos,
            "subject": message["subject"],
            "text": message.get_body(preferencelist=("plain",)).get_content(),
        }
        with self._lock:
            self._count += 1
            draft = self.folder / f"{self._count:04}.draft"
            draft.write_text(json.dumps(letter), encoding="utf-8")
            draft.rename(draft.with_suffix(".json"))
        return "250 taken"


@contextlib.contextmanager
def inbox(folder):
    keeper, port = Inbox(folder), free_port()
    controller = Controller(keeper, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield keeper, port
    finally:
        controller.stop()


class World:
    def __init__(self, folder, spotify, letters, port):
        self.folder, self.spotify, self.inbox = folder, spotify, letters
        self.dropday = Dropday(
            folder,
            **spotify.settings,
            mail__smtp_url=f"smtp://127.0.0.1:{port}",
            mail__operator="operator@example.test",
            mail__batch_window="0s",
            web__contact="operator@example.test",
            web__forms_per_minute="1000",
            schedule__follows="*/2 * * * * *",
            schedule__releases="*/2 * * * * *",
            schedule__zone="unknown",
        )

    def name_operator(self):
        """Martha is the operator; her Spotify id differs in each world."""
        token = self.spotify.token(self.dropday)
        request = urllib.request.Request(f"{self.spotify.url}/v1/me")
        request.add_header("Authorization", f"Bearer {token}")
        with urllib.request.urlopen(request, timeout=10) as answer:
            self.dropday.set(web__operators=json.load(answer)["id"])

    def walk(self, script, *arguments):
        """Runs a walk; its promises report themselves."""
        told = self.folder / "world.json"
        told.write_text(json.dumps(self._as_json()), encoding="utf-8")
        environment = self.dropday.environment() | {"PROGRAM": str(built("DROPDAY_BIN", "dropday"))}
        walk = ["node", str(CACHE / "pages" / script), str(told), *arguments]
        ended = subprocess.run(walk, env=environment, stdin=subprocess.DEVNULL, timeout=SECONDS, check=False)
        return ended.returncode == 0

    def _as_json(self):
        people = json.loads(self.spotify.ask("GET", "/_world/users"))
        artists = {artist["id"]: artist for artist in json.loads(self.spotify.ask("GET", "/_world/artists"))}
        martha, jonas = (
            [artists[artist] for artist in person["follows"] if artists[artist]["name"].isascii()] for person in people[:2]
        )
        return {
            "dropday": self.dropday.url,
            "spotify": self.spotify.url,
            "inbox": str(self.inbox.folder),
            "python": sys.executable,
            "pictures": os.environ.get("KEEP_PICTURES"),
            "today": datetime.datetime.now(datetime.UTC).date().isoformat(),
            "artists": martha,
            "jonas": jonas,
        }


@contextlib.contextmanager
def house(folder):
    with fake_world(folder) as spotify, inbox(folder / "inbox") as (letters, port):
        yield World(folder, spotify, letters, port)


@PART.promise("Martha's whole way, with scripts")
def martha(world):
    world.name_operator()
    with world.dropday.serving():
        expect(world.walk("walk-martha.mjs"), "a promise of hers was broken, see above")


@PART.promise("Jonas' whole way, without scripts")
def jonas(world):
    with world.dropday.serving():
        expect(world.walk("walk-jonas.mjs"), "a promise of his was broken, see above")


@PART.promise("sign-up by invitation, closed, or rejected by Spotify")
def door(world):
    for state, sign_up in [("unlisted", "open"), ("invitation", "invitation"), ("closed", "closed")]:
        world.dropday.set(web__sign_up=sign_up)
        with world.dropday.serving():
            expect(world.walk("walk-door.mjs", state), f"a promise of the door was broken ({state}), see above")


if __name__ == "__main__":
    # Beside its node_modules, since that is where Node looks for what a module imports.
    shutil.copytree(HERE / "pages", CACHE / "pages", dirs_exist_ok=True)
    run_part(PART, {None: house})
