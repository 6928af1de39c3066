"""Dropday and the fake world as programs, and the ways that people take through them."""

import base64
import contextlib
import json
import os
import subprocess
import urllib.parse
import urllib.request

import pkce
from browser import Browser
from harness import built, expect, free_port, program

RUN_SECONDS = 90
CLIENT_ID = "demo-client"


class Dropday:
    """One installation: a database, a configuration, and the verbs run with it."""

    def __init__(self, folder, **settings):
        self.folder = folder / "dropday"
        self.folder.mkdir()
        self.log = self.folder / "dropday.log"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.redirect_uri = f"{self.url}/callback"
        self._binary = built("DROPDAY_BIN", "dropday")
        self._settings = {
            "DATABASE__PATH": self.folder / "dropday.db",
            "WEB__LISTEN": f"127.0.0.1:{self.port}",
            "WEB__PUBLIC_URL": self.url,
            "SPOTIFY__CLIENT_ID": CLIENT_ID,
            "SPOTIFY__REQUEST_INTERVAL": "10ms",
            # Enough for every pass of a part to ask about everybody.
            "SPOTIFY__ARTIST_ALBUMS_PER_DAY": "1000",
            # Nobody outside is asked.
            "HINTS__ENABLED": "false",
            "MAIL__SMTP_URL": "smtp://127.0.0.1:9",
            "MAIL__FROM": "Dropday <dropday@example.test>",
            # Every two seconds, so that nobody waits for a letter.
            "SCHEDULE__LETTERS": "*/2 * * * * *",
            "SECRETS__KEY": base64.b64encode(bytes(range(32))).decode(),
        }
        self.set(**settings)

    @property
    def key(self):
        return self._settings["SECRETS__KEY"]

    def set(self, **settings):
        """Change the configuration; a value of None takes a key away."""
        self._settings.update({key.upper(): value for key, value in settings.items()})

    @contextlib.contextmanager
    def serving(self, **environment):
        """`dropday serve` while the block runs, and a clean end after it. Yields the process."""
        variables = {**self.environment(), **environment}
        with program([self._binary, "serve"], self.log, self.port, variables) as process:
            yield process
        expect(process.returncode == 0, f"dropday serve ended with status {process.returncode} after SIGTERM")

    def run(self, *arguments):
        """A verb that ends by itself: its status, and all that it printed."""
        arguments = [str(argument) for argument in arguments]
        done = subprocess.run(
            [self._binary, *arguments],
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=RUN_SECONDS,
            text=True,
            check=False,
        )
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"$ dropday {' '.join(arguments)}\n{done.stdout}{done.stderr}[status {done.returncode}]\n")
        return done

    def once(self, *arguments):
        """`dropday once`, which must succeed."""
        done = self.run("once", *arguments)
        expect(done.returncode == 0, f"dropday once ended with status {done.returncode}:\n{done.stdout}{done.stderr}")

    def status(self):
        done = self.run("status", "--json")
        expect(done.returncode == 0, f"dropday status --json ended with status {done.returncode}:\n{done.stderr}")
        return json.loads(done.stdout)

    def environment(self):
        """The variables that a program of this installation runs with."""
        ours = {f"DROPDAY_{key}": str(value) for key, value in self._settings.items() if value is not None}
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("DROPDAY_")}
        return {**inherited, **ours}


class FakeWorld:
    """The fake Spotify of `src/demo`, served alone by `examples/fake_world.rs`."""

    def __init__(self, port, process):
        self.url = f"http://127.0.0.1:{port}"
        self.process = process

    @property
    def settings(self):
        return {"spotify__accounts_url": self.url, "spotify__api_url": f"{self.url}/v1"}

    def put_out(self, artist, title, date):
        query = urllib.parse.urlencode({"artist": artist, "title": title, "date": date})
        return self.ask("POST", f"/_world/put-out?{query}")

    def unexpected(self):
        return self.ask("GET", "/_world/unexpected")

    def inbox(self):
        """Where its letter box is, as HOST:PORT."""
        return self.ask("GET", "/_world/inbox")

    def letters(self):
        """What its letter box has, as `to` and `raw`."""
        return json.loads(self.ask("GET", "/_world/emails"))

    def token(self, dropday):
        """An access token for the person who also consents to `dropday`."""
        return pkce.access_token(self.url, CLIENT_ID, dropday.redirect_uri)

    def followed_artist(self, token):
        """The first artist that this user follows."""
        request = urllib.request.Request(f"{self.url}/v1/me/following?type=artist")
        request.add_header("Authorization", f"Bearer {token}")
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.load(response)["artists"]["items"][0]["id"]

    def ask(self, method, path):
        """A handle of the world, by its path."""
        request = urllib.request.Request(f"{self.url}{path}", method=method)
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.read().decode()


@contextlib.contextmanager
def fake_world(folder, *arguments):
    port = free_port()
    binary = built("FAKE_WORLD_BIN", "examples/fake_world")
    command = [binary, "--listen", f"127.0.0.1:{port}", *arguments]
    with program(command, folder / "fake-world.log", port) as process:
        yield FakeWorld(port, process)


def sign_in(dropday, consent):
    """Go through `/login`; `consent` takes the accounts service's page and answers it."""
    browser = Browser()
    page = consent(browser, browser.open(f"{dropday.url}/login"))
    expect(
        page.url.startswith(dropday.url) and page.status == 200,
        f"sign-in ended at {page.url} with {page.status}: {page.text[:400]}\nthe way there: {browser.visited}",
    )
    account = browser.open(f"{dropday.url}/account")
    expect(account.status == 200, f"/account says {account.status} after sign-in: {account.text[:400]}")
    account.form(field="email")
    return browser


def agree_at_fake_world(browser, page):
    """The fake Spotify's consent page, answered with yes."""
    return browser.agree(page)


def give_address(dropday, browser, address):
    """Type an address into the form on `/account`."""
    page = browser.open(f"{dropday.url}/account")
    form = page.form(field="email")
    answer = browser.submit(page, form, form.agreeing_button(), email=address)
    expect(answer.status == 200, f"the address was not taken ({answer.status}): {answer.text[:400]}")


def confirm_address(dropday, link):
    """Open the link of a confirmation letter and press the button of its page."""
    expect(link.startswith(f"{dropday.url}/confirm"), f"the link does not lead to {dropday.url}/confirm…: {link}")
    browser = Browser()
    page = browser.open(link)
    expect(page.status == 200, f"the confirmation page answers {page.status}: {page.text[:400]}")
    answer = browser.agree(page)
    expect(answer.status == 200, f"the button was answered with {answer.status}: {answer.text[:400]}")


def must_sign_in_again(status):
    """How many people needs to reconnect, by `dropday status --json`."""
    return status["users"]["must_reconnect"]
