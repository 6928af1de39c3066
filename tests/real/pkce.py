"""The authorization code flow with PKCE, gone through without Dropday."""

import base64
import hashlib
import json
import secrets
import urllib.parse
import urllib.request

from browser import Browser
from harness import expect

SCOPES = "user-follow-read user-read-email"


def access_token(accounts_url, client_id, redirect_uri):
    """Agree at the accounts service and exchange the code that it sends back."""
    verifier = secrets.token_urlsafe(48)
    code = _authorize(accounts_url, client_id, redirect_uri, _challenge(verifier))
    fields = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "client_id": client_id,
        "code_verifier": verifier,
    }
    body = urllib.parse.urlencode(fields).encode()
    with urllib.request.urlopen(f"{accounts_url}/api/token", data=body, timeout=15) as response:
        return json.load(response)["access_token"]


def _challenge(verifier):
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _authorize(accounts_url, client_id, redirect_uri, challenge):
    fields = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": SCOPES,
        "state": "of-the-test",
        "code_challenge_method": "S256",
        "code_challenge": challenge,
    }
    browser = Browser(stop_before=redirect_uri)
    answer = browser.agree(browser.open(f"{accounts_url}/authorize?{urllib.parse.urlencode(fields)}"))
    sent_back = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(answer.url).query))
    expect("code" in sent_back, f"the accounts service sent back {answer.url}, without a code")
    return sent_back["code"]
