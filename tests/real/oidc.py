"""Sign-in, refresh and rotation against npm's oidc-provider as the accounts service.

It is a strict OAuth server that nobody here wrote: PKCE is required, every refresh
replaces the refresh token, and a token used twice ends the whole consent.
"""

import contextlib
import json
import urllib.request

from dropday import CLIENT_ID, Dropday, must_sign_in_again, sign_in
from harness import CACHE, Part, expect, free_port, program, run_part

PART = Part("oidc")
SECRET = "a secret / with + signs & more"

# Shorter than the five minutes before the end at which Dropday refreshes, so that
# every pass has a reason to.
ACCESS_TOKEN_SECONDS = 70


class World:
    def __init__(self, folder, secret):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.secret = secret
        self.events_file = folder / "events.log"
        self.dropday = Dropday(
            folder,
            spotify__accounts_url=self.url,
            spotify__api_url=f"{self.url}/v1",
            spotify__client_secret=secret,
        )

    def server_config(self):
        return {
            "providerModule": str(CACHE / "node_modules/oidc-provider/lib/index.js"),
            "port": self.port,
            "clientId": CLIENT_ID,
            "clientSecret": self.secret,
            "redirectUri": self.dropday.redirect_uri,
            "accessTokenSeconds": ACCESS_TOKEN_SECONDS,
            "eventsFile": str(self.events_file),
        }

    def events(self, name, **details):
        lines = self.events_file.read_text(encoding="utf-8").splitlines() if self.events_file.exists() else []
        events = map(json.loads, lines)
        return [event for event in events if event["event"] == name and details.items() <= event.items()]

    def refreshes(self):
        return len(self.events("grant.success", grantType="refresh_token"))

    def withdraw_consent(self):
        urllib.request.urlopen(f"{self.url}/_control/revoke", data=b"", timeout=10).close()


@contextlib.contextmanager
def _world(folder, secret):
    world = World(folder, secret)
    config = folder / "oidc.json"
    config.write_text(json.dumps(world.server_config()), encoding="utf-8")
    server = CACHE.parent / "oidc-server.mjs"
    with program(["node", server, config], folder / "oidc-server.log", world.port):
        yield world


def _log_in_and_consent(browser, page):
    """oidc-provider's own two pages: who are you, and do you agree."""
    page = browser.submit(page, page.form(field="login"), login="tester", password="any")
    return browser.agree(page)


def _expect_no_complaint(world):
    complaints = world.events("grant.error") + world.events("grant.revoked") + world.events("authorization.error")
    expect(not complaints, f"the accounts service complained: {complaints}")


@PART.promise("a person signs in by authorization code with PKCE")
def signs_in(world):
    with world.dropday.serving():
        sign_in(world.dropday, _log_in_and_consent)
    _expect_no_complaint(world)
    auth = "client_secret_basic" if world.secret else "none"
    codes = world.events("grant.success", grantType="authorization_code")
    expect(len(codes) == 1, f"one code was to be exchanged, not {len(codes)}")
    expect(codes[0]["clientAuth"] == auth, f"the client authenticated by {codes[0]['clientAuth']}, not {auth}")
    expect(not must_sign_in_again(world.dropday.status()), "status already says: sign in again")


@PART.promise("an access token about to end is refreshed, and then serves the calls")
def refreshes(world):
    before = world.refreshes()
    world.dropday.once("--all")
    _expect_no_complaint(world)
    expect(world.refreshes() > before, "no refresh was seen")
    expect(world.events("refresh_token.consumed"), "the refresh token was not replaced")
    for path in ("/v1/me/following", "/v1/artists/0aArtistOfTheOidcTest1/albums"):
        expect(world.events("api", path=path, status=200), f"no successful call of {path} was seen")
    expect(not world.events("api", status=401), "a call was made with a token that was refused")


@PART.promise("the next refresh uses the refresh token that replaced the first")
def uses_the_rotated_token(world):
    before = world.refreshes()
    world.dropday.once("--all")
    _expect_no_complaint(world)
    expect(world.refreshes() > before, "no second refresh was seen")
    expect(not must_sign_in_again(world.dropday.status()), "status says: sign in again")


@PART.promise("a withdrawn consent (invalid_grant) is told as: needs to reconnect")
def notices_the_withdrawal(world):
    world.withdraw_consent()
    world.dropday.run("once", "--all")
    refused = world.events("grant.error", error="invalid_grant")
    expect(refused, "dropday did not try to refresh")
    status = world.dropday.status()
    expect(must_sign_in_again(status), f"status --json does not say so: {json.dumps(status)}")


@PART.promise("an ended consent is not tried again")
def leaves_the_ended_consent_alone(world):
    before = len(world.events("grant.error"))
    world.dropday.run("once", "--all")
    expect(len(world.events("grant.error")) == before, "the dead refresh token was used again")


@PART.promise("signing in once more heals it, without a second person")
def signs_in_again(world):
    with world.dropday.serving():
        sign_in(world.dropday, _log_in_and_consent)
    world.dropday.once("--all")
    status = world.dropday.status()
    expect(not must_sign_in_again(status), f"status --json still says sign in again: {json.dumps(status)}")
    expect(status["users"]["all"] == 1, f"one person was expected: {json.dumps(status)}")


if __name__ == "__main__":
    run_part(
        PART,
        {
            "with a client secret": lambda folder: _world(folder, SECRET),
            "PKCE alone": lambda folder: _world(folder, None),
        },
    )
