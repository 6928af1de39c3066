"""Every call of Dropday, and every answer of our fake world, through Prism.

Prism stands between the two as a validating proxy over Spotify's own OpenAPI
description. It refuses a call, and reports an answer, that breaks the description.
"""

import contextlib
import datetime
import itertools
import json
import re
import urllib.error
import urllib.request

import prepare_spec
from dropday import Dropday, agree_at_fake_world, fake_world, sign_in
from harness import CACHE, Part, expect, free_port, program, run_part, wait_until

PART = Part("prism")
COMPLAINT = re.compile(r"Violation:|Request terminated with error")


class World:
    def __init__(self, folder, spotify, port):
        self.spotify = spotify
        self.url = f"http://127.0.0.1:{port}/v1"
        self.log = folder / "prism.log"
        self.dropday = Dropday(folder, spotify__accounts_url=spotify.url, spotify__api_url=self.url)
        self._marks = itertools.count(1)
        self.token = None
        self.artist = None

    def complaints(self):
        return [line for line in self._log_lines() if COMPLAINT.search(line)]

    def forwarded(self, path):
        """How many calls of `path` (a regular expression) Prism let through."""
        call = re.compile(rf"The upstream call to /v1{path} has returned 200")
        return sum(bool(call.search(line)) for line in self._log_lines())

    def get(self, path, token=None):
        """Ask through Prism: status, content type and body."""
        request = urllib.request.Request(self.url + path)
        request.add_header("Authorization", f"Bearer {token or self.token}")
        try:
            response = urllib.request.urlopen(request, timeout=15)
        except urllib.error.HTTPError as refused:
            response = refused
        with response:
            return response.status, response.headers.get_content_type(), response.read().decode()

    def get_json(self, path):
        status, kind, body = self.get(path)
        expect((status, kind) == (200, "application/json"), f"GET {path} gave {status} {kind}: {body[:800]}")
        return json.loads(body)

    def _log_lines(self):
        """Prism's log up to now.

        It is written behind Prism's back, so a call of our own goes first and
        everything before its trace has arrived too.
        """
        marker = f"/mark-{next(self._marks)}"
        self.get(marker, token="none")
        wait_until("Prism's log to catch up", lambda: f"{marker} ✖" in self._log_text())
        return [line for line in self._log_text().splitlines() if "/mark-" not in line]

    def _log_text(self):
        return self.log.read_text(encoding="utf-8", errors="replace")


@contextlib.contextmanager
def _world(folder):
    spec = folder / "spec.json"
    spec.write_text(json.dumps(prepare_spec.prepared()), encoding="utf-8")
    port = free_port()
    with fake_world(folder) as spotify:
        prism = [
            CACHE / "node_modules/.bin/prism",
            "proxy",
            "--errors",
            "-h",
            "127.0.0.1",
            "-p",
            port,
            spec,
            spotify.url,
        ]
        with program(prism, folder / "prism.log", port):
            yield World(folder, spotify, port)


def _expect_no_complaint(world):
    complaints = world.complaints()
    expect(not complaints, "Prism complained:\n" + "\n".join(complaints[:20]))


@PART.promise("sign-in and the first, silent pass keep to Spotify's description")
def signs_in(world):
    with world.dropday.serving():
        sign_in(world.dropday, agree_at_fake_world)
    world.dropday.once("--all")
    _expect_no_complaint(world)
    for path in ("/me", "/me/following", "/artists/[^/]+/albums"):
        expect(world.forwarded(path) > 0, f"dropday did not call {path} through Prism")


@PART.promise("the pass that finds a new album keeps to it as well")
def finds_an_album(world):
    world.token = world.spotify.token(world.dropday)
    world.artist = world.spotify.followed_artist(world.token)
    before = world.forwarded(f"/artists/{world.artist}/albums")
    world.spotify.put_out(world.artist, "Checked by a Proxy", datetime.date.today().isoformat())
    world.dropday.once("--all")
    _expect_no_complaint(world)
    expect(world.forwarded(f"/artists/{world.artist}/albums") > before, "the artist was not asked about")


@PART.promise("the fake world also answers other parameters as Spotify's description says")
def answers_directly(world):
    artist = f"/artists/{world.artist}"
    world.get_json("/me")
    world.get_json("/me/following?type=artist&limit=1")
    world.get_json(f"{artist}/albums?include_groups=album&limit=10")
    world.get_json(f"{artist}/albums?include_groups=album,single&limit=1&offset=1")
    world.get_json(f"{artist}/albums?include_groups=compilation&limit=10&offset=0")
    world.get_json(f"{artist}/albums?include_groups=appears_on&limit=10&offset=0")
    _expect_no_complaint(world)


@PART.promise("a token that is no good is refused as Spotify's description says")
def refuses_a_bad_token(world):
    status, kind, body = world.get("/me", token="of-nobody")
    expect((status, kind) == (401, "application/json"), f"{status} {kind}: {body}")
    _expect_no_complaint(world)


@PART.promise("the fake world was asked nothing that it did not expect")
def nothing_unexpected(world):
    unexpected = world.spotify.unexpected().strip()
    expect(unexpected in ("", "0", "[]", "none"), f"the fake world says: {unexpected}")


@PART.promise("the proxy would have told: a page of 50 albums is refused by it")
def proxy_is_awake(world):
    status, kind, _ = world.get(f"/artists/{world.artist}/albums?limit=50")
    expect((status, kind) == (422, "application/problem+json"), f"a wrong call got {status} {kind}")
    expect(world.complaints(), "Prism's log does not show a complaint that it made")


if __name__ == "__main__":
    run_part(PART, {None: _world})
