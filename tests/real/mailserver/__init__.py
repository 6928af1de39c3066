"""Postfix and Dovecot in a folder: submission with STARTTLS and log-in, a mailbox over IMAPS.

Needs root: both start as root and drop it.
"""

import contextlib
import email
import email.policy
import imaplib
import pathlib
import shlex
import shutil
import ssl
import string
import subprocess

from harness import free_port, listening, program, wait_until

TEMPLATES = pathlib.Path(__file__).parent
SENDER = "dropday"
READER = "reader"
ADDRESS = f"{READER}@example.test"
READER_PASSWORD = "of the reader"

# With signs that must be escaped in a URL.
SENDER_PASSWORD = "p@ss/word?#&+ %1"

NEW_KEY = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
SERVER_EXTENSIONS = """\
subjectAltName = DNS:localhost, IP:127.0.0.1
extendedKeyUsage = serverAuth
basicConstraints = CA:FALSE
"""
OPENSSL_COMMANDS = (
    f"req -x509 {NEW_KEY} -days 2 -subj '/CN=The authority of this test' "
    "-addext keyUsage=critical,keyCertSign,cRLSign -keyout ca.key -out ca.pem",
    f"req {NEW_KEY} -subj /CN=localhost -keyout server.key -out server.csr",
    "x509 -req -days 2 -CA ca.pem -CAkey ca.key -CAcreateserial -extfile server.ext -in server.csr -out server.crt",
)

# Debian's Dovecot comes with this account for mail of no system user.
MAIL_USER = "dovenull"


class MailServer:
    def __init__(self, folder):
        self.folder = folder / "mailserver"
        self.smtp_port = free_port()
        self.imap_port = free_port()
        self.ca_file = self.folder / "ca.pem"
        self.log = self.folder / "postfix.log"

    def letters(self):
        """Every letter in the reader's mailbox, oldest first."""
        return [email.message_from_bytes(raw, policy=email.policy.default) for raw in self.raw_letters()]

    def raw_letters(self):
        """The same, as they lie there."""
        context = ssl.create_default_context(cafile=self.ca_file)
        with imaplib.IMAP4_SSL("127.0.0.1", self.imap_port, ssl_context=context, timeout=15) as imap:
            imap.login(READER, READER_PASSWORD)
            imap.select("INBOX", readonly=True)
            _, found = imap.search(None, "ALL")
            return [self._fetch(imap, number) for number in found[0].split()]

    def wait_for_letters(self, count, seconds=20):
        """The mailbox, once it holds at least `count` letters."""

        def probe():
            letters = self.letters()
            return letters if len(letters) >= count else None

        return wait_until(f"letter {count} in the mailbox", probe, seconds)

    @staticmethod
    def _fetch(imap, number):
        _, parts = imap.fetch(number, "(RFC822)")
        return parts[0][1]


@contextlib.contextmanager
def mail_server(folder):
    server = MailServer(folder)
    _lay_out(server)
    dovecot = ["dovecot", "-F", "-c", server.folder / "dovecot.conf"]
    with program(dovecot, server.folder / "dovecot.log", server.imap_port), _postfix(server):
        yield server


@contextlib.contextmanager
def _postfix(server):
    """Postfix in the background; only its own `stop` reaches all of its processes."""
    control = ["postfix", "-c", server.folder / "postfix"]
    subprocess.run([*control, "start"], check=True, capture_output=True, timeout=30)
    try:
        wait_until("Postfix to listen", lambda: listening(server.smtp_port))
        yield
    finally:
        subprocess.run([*control, "stop"], check=True, capture_output=True, timeout=30)


def _lay_out(server):
    """The folders, the certificate, the accounts and the configuration."""
    for name in (".", "postfix", "spool", "data", "mail", "dovecot", "dovecot-state"):
        (server.folder / name).mkdir(exist_ok=True)
    shutil.chown(server.folder / "data", "postfix")
    shutil.chown(server.folder / "mail", MAIL_USER, MAIL_USER)
    accounts = {SENDER: SENDER_PASSWORD, READER: READER_PASSWORD}
    lines = [f"{name}:{{PLAIN}}{password}\n" for name, password in accounts.items()]
    (server.folder / "passwd").write_text("".join(lines), encoding="utf-8")
    _make_certificate(server.folder)
    for name, target in (("main.cf", "postfix"), ("master.cf", "postfix"), ("dovecot.conf", ".")):
        _fill_in(server, TEMPLATES / name, server.folder / target / name)


def _fill_in(server, template, target):
    text = string.Template(template.read_text(encoding="utf-8")).substitute(
        folder=server.folder,
        smtp_port=server.smtp_port,
        imap_port=server.imap_port,
        mail_user=MAIL_USER,
    )
    target.write_text(text, encoding="utf-8")


def _make_certificate(folder):
    """An authority of our own (`ca.pem`), and a server that it vouches for (`server.pem`)."""
    (folder / "server.ext").write_text(SERVER_EXTENSIONS, encoding="utf-8")
    for command in OPENSSL_COMMANDS:
        subprocess.run(["openssl", *shlex.split(command)], cwd=folder, check=True, capture_output=True)
    bundle = (folder / "server.key").read_text() + (folder / "server.crt").read_text()
    (folder / "server.pem").write_text(bundle, encoding="utf-8")
    (folder / "server.pem").chmod(0o600)
