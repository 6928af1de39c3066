"""Letters through a real Postfix with STARTTLS and log-in, into a mailbox read over IMAPS."""

import contextlib
import datetime
import re
import urllib.parse

from dropday import Dropday, agree_at_fake_world, confirm_address, fake_world, give_address, sign_in
from harness import Part, expect, run_part
from mailserver import ADDRESS, SENDER, SENDER_PASSWORD, mail_server

PART = Part("postfix")
TITLE = "Delivered by Postfix"


class World:
    def __init__(self, folder, spotify, mail):
        self.spotify = spotify
        self.mail = mail
        self.dropday = Dropday(folder, **spotify.settings)
        self.use()

    def use(self, password=SENDER_PASSWORD, tls="?tls=required", trusted=True):
        """Configure how Dropday reaches Postfix."""
        user = f"{SENDER}:{urllib.parse.quote(password, safe='')}"
        self.dropday.set(
            mail__smtp_url=f"smtp://{user}@localhost:{self.mail.smtp_port}{tls}",
            mail__ca_file=self.mail.ca_file if trusted else None,
        )

    def expect_complaint(self, about):
        """`dropday check` must fail and say what about (a regular expression)."""
        done = self.dropday.run("check")
        printed = done.stdout + done.stderr
        expect(done.returncode != 0, f"dropday check is content:\n{printed}")
        expect(re.search(about, printed, re.IGNORECASE), f"nothing said about /{about}/:\n{printed}")
        expect(SENDER_PASSWORD not in printed, f"the password is printed:\n{printed}")

    def news(self):
        """The letters that tell of the album, among all in the mailbox."""
        return [letter for letter in self.mail.letters() if TITLE in _part(letter, "plain")]


@contextlib.contextmanager
def _world(folder):
    with fake_world(folder) as spotify, mail_server(folder) as mail:
        yield World(folder, spotify, mail)


def _part(letter, kind):
    body = letter.get_body(preferencelist=(kind,))
    return body.get_content() if body else ""


@PART.promise("`dropday check` logs in over STARTTLS, to a server that our own CA vouches for")
def check_is_content(world):
    done = world.dropday.run("check")
    expect(done.returncode == 0, f"dropday check ended with {done.returncode}:\n{done.stdout}{done.stderr}")


@PART.promise("a wrong password makes `dropday check` fail and name the log-in")
def wrong_password(world):
    world.use(password="not this one")
    world.expect_complaint("log-?in|log in|password|credential|authenti")


@PART.promise("without TLS, which the server insists on, it fails and names TLS")
def no_tls(world):
    world.use(tls="")
    world.expect_complaint("tls|encrypt")


@PART.promise("a server whose certificate nobody vouches for is not trusted")
def unknown_authority(world):
    world.use(trusted=False)
    world.expect_complaint("certificate|issuer|trust")


@PART.promise("the confirmation letter arrives, and its link and button confirm the address")
def confirms(world):
    world.use()
    with world.dropday.serving():
        browser = sign_in(world.dropday, agree_at_fake_world)
        give_address(world.dropday, browser, ADDRESS)
        letter = world.mail.wait_for_letters(1)[0]
        link = re.search(r"https?://\S+/confirm\S+", _part(letter, "plain"))
        expect(link, f"no link in the letter:\n{_part(letter, 'plain')}")
        confirm_address(world.dropday, link.group().rstrip(".,>)"))
        expect(ADDRESS in browser.open(f"{world.dropday.url}/account").body, "/account does not show the address")


@PART.promise("the first pass is silent, a new album is mailed")
def mails_an_album(world):
    world.dropday.once("--all")
    expect(not world.news(), "there was news before there was an album")
    artist = world.spotify.followed_artist(world.spotify.token(world.dropday))
    world.spotify.put_out(artist, TITLE, datetime.date.today().isoformat())
    world.dropday.once("--all")
    world.mail.wait_for_letters(3)
    expect(len(world.news()) == 1, f"{len(world.news())} letters tell of the album")


@PART.promise("it is mailed once, whatever runs after it")
def mails_it_once(world):
    world.dropday.once("--all")
    world.dropday.once()
    expect(len(world.news()) == 1, f"{len(world.news())} letters tell of the album")
    subjects = [letter["Subject"] for letter in world.mail.letters()]
    expect(len(subjects) == 3, f"not the letter to confirm, the welcome and the news: {subjects}")


@PART.promise("the letter has a Message-ID, a date, a text part and an HTML part that tell the same")
def letter_is_well_formed(world):
    letter = world.news()[0]
    expect(re.fullmatch(r"<[^<>@\s]+@[^<>@\s]+>", letter["Message-ID"] or ""), f"Message-ID: {letter['Message-ID']}")
    expect(letter["Date"].datetime.tzinfo, f"Date: {letter['Date']}")
    expect(letter["To"].addresses[0].addr_spec == ADDRESS, f"To: {letter['To']}")
    expect(not letter.defects, f"defects: {letter.defects}")
    expect(letter["Auto-Submitted"] == "auto-generated" and letter["List-Id"], "it looks as if a person wrote it")
    expect((letter["List-Unsubscribe"] or "").startswith(f"<{world.dropday.url}/"), f"{letter['List-Unsubscribe']}")
    # Over http, as on this machine, nobody may click for others (RFC 8058 wants https).
    expect(letter["List-Unsubscribe-Post"] is None, "one click is offered over http")
    for kind in ("plain", "html"):
        body = _part(letter, kind)
        expect(TITLE in body, f"no title in the {kind} part")
        expect(f"{world.dropday.url}/preferences" in body, f"no link to /preferences in the {kind} part")


@PART.promise("Postfix took all letters encrypted and from the account that logged in")
def came_over_tls(world):
    log = world.mail.log.read_text(encoding="utf-8")
    expect("TLS connection established" in log, "no TLS in Postfix's log")
    expect(log.count(f"sasl_username={SENDER}\n") >= 3, "the letters came without a log-in")


if __name__ == "__main__":
    run_part(PART, {None: _world})
