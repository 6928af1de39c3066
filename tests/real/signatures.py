"""Signed letters, really sent through Postfix, checked by dkimpy and by OpenDKIM with the printed DNS record."""

import contextlib
import re
import subprocess
import urllib.parse

import dkim
from dropday import Dropday
from harness import Part, expect, run_part
from mailserver import ADDRESS, SENDER, SENDER_PASSWORD, mail_server

PART = Part("signatures")
SELECTOR = "dropday"
NEW_KEY = {
    "RSA": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "Ed25519": ["-algorithm", "ED25519"],
}


class World:
    def __init__(self, folder, algorithm, mail):
        self.folder = folder
        self.algorithm = algorithm
        self.mail = mail
        key = folder / "dkim.pem"
        subprocess.run(["openssl", "genpkey", *NEW_KEY[algorithm], "-out", key], check=True, capture_output=True)
        user = f"{SENDER}:{urllib.parse.quote(SENDER_PASSWORD, safe='')}"
        self.dropday = Dropday(
            folder,
            mail__smtp_url=f"smtp://{user}@localhost:{mail.smtp_port}?tls=required",
            mail__ca_file=mail.ca_file,
            mail__from="Dröpday <dropday@example.test>",
            mail__dkim_selector=SELECTOR,
            mail__dkim_key_file=key,
        )
        self.record = None
        self.letter = None

    def lookup(self, name, timeout=5):
        """DNS, which knows the printed record alone."""
        asked = name.decode() if isinstance(name, bytes) else name
        where, value = self.record
        return value.encode() if asked.rstrip(".") == where else b""

    def is_good(self, letter):
        return dkim.verify(letter, dnsfunc=self.lookup)


def _world(algorithm):
    @contextlib.contextmanager
    def world(folder):
        with mail_server(folder) as mail:
            yield World(folder, algorithm, mail)

    return world


@PART.promise("`dropday check` prints the record, and its test letter arrives signed")
def sends(world):
    done = world.dropday.run("check", "--send-to", ADDRESS)
    expect(done.returncode == 0, f"dropday check ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    expect(re.search(r"ok +test email: .*250 2\.0\.0 Ok: queued", done.stdout), f"the reply is not printed:\n{done.stdout}")
    printed = re.search(r"(\S+\._domainkey\.\S+) TXT ((?:\"[^\"]*\" ?)+)", done.stdout)
    expect(printed, f"no record printed:\n{done.stdout}")
    strings = re.findall(r'"([^"]*)"', printed.group(2))
    expect(all(len(string) <= 255 for string in strings), "a string of the record is too long for DNS")
    world.record = (printed.group(1), "".join(strings))
    world.mail.wait_for_letters(1)
    world.letter = world.mail.raw_letters()[0]
    expect(b"DKIM-Signature: v=1;" in world.letter, f"no signature:\n{world.letter.decode()}")


@PART.promise("dkimpy, and of RSA OpenDKIM too, find the signature good after STARTTLS, Postfix and Dovecot")
def is_good(world):
    expect(world.is_good(world.letter), f"the signature does not hold:\n{world.letter.decode()}")
    # Debian's OpenDKIM knows RSA alone.
    if world.algorithm == "RSA":
        verdict = _open_dkim(world, world.letter)
        expect("verification" in verdict and "succeeded" in verdict, f"OpenDKIM says: {verdict}")


@PART.promise("one changed byte in the body or in a signed header, or one header more, and it is bad")
def is_bad_if_changed(world):
    head, body = world.letter.split(b"\r\n\r\n", 1)
    changed = {
        "the text": world.letter.replace(b"Emails arrive", b"Emails arrivf", 1),
        "the last line": head + b"\r\n\r\n" + body.rstrip() + b"-\r\n",
        "the subject": re.sub(rb"(?m)^(Subject: .)", rb"\1x", world.letter, count=1),
        "another subject": re.sub(rb"(?m)^(Subject: )", rb"Subject: You have won\r\n\1", world.letter, count=1),
        "another sender": re.sub(rb"(?m)^(From: )", rb"From: bank@example.net\r\n\1", world.letter, count=1),
    }
    for what, letter in changed.items():
        expect(letter != world.letter, f"{what} was not changed: the test is wrong")
        expect(not _survives(world, letter), f"the signature holds with {what} changed")
        if world.algorithm == "RSA":
            verdict = _open_dkim(world, letter)
            expect("succeeded" not in verdict, f"OpenDKIM takes a letter with {what} changed: {verdict}")


def _survives(world, letter):
    # For two subjects dkimpy does not say no, but breaks off.
    with contextlib.suppress(dkim.MessageFormatError):
        return world.is_good(letter)
    return False


def _open_dkim(world, letter):
    where, value = world.record
    (world.folder / "dns").write_text(f"{where} {value}\n", encoding="utf-8")
    (world.folder / "opendkim.conf").write_text(f"Mode v\nTestDNSData {world.folder}/dns\n", encoding="utf-8")
    (world.folder / "letter").write_bytes(letter)
    command = ["opendkim", "-x", world.folder / "opendkim.conf", "-t", world.folder / "letter"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return done.stdout + done.stderr


if __name__ == "__main__":
    run_part(PART, {algorithm: _world(algorithm) for algorithm in NEW_KEY})
