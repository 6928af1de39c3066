"""The unit that ships, under a real systemd as PID 1: ready, alive, reloaded, killed, stopped."""

import base64
import contextlib
import datetime
import json
import os
import pathlib
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.request
from email import message_from_string
from email.policy import default as modern

from dropday import CLIENT_ID, agree_at_fake_world, confirm_address, fake_world, give_address, sign_in
from harness import HERE, Broken, Part, built, expect, free_port, run_part, wait_until
from machine import machine, prepare, probe

PART = Part("systemd")
UNIT = "dropday.service"
ADDRESS = "martha@example.test"
PASSWORD = "p@ss/w%rd: ü"
SECRET = "hush-7f3a9c"
KEY = base64.b64encode(bytes(range(32))).decode()

# Looks are a sixth of the watchdog's time apart; nobody wants to wait half a minute for each.
QUICK = "[Service]\nWatchdogSec=12s\nRestartSec=1s\nTimeoutAbortSec=3s\n"

# As far as the database knows: every list, every artist's turn, and nothing that is waited for.
EVERYTHING_IS_DUE = """
    UPDATE users SET follows_next_at = 0;
    UPDATE artists SET next_check_at = 0;
    UPDATE api_calls SET purpose = 'other';
    DELETE FROM pauses;
"""

CREDENTIALS = "/etc/dropday/credentials"
CONFIG = "/etc/dropday/dropday.toml"


class World:
    def __init__(self, folder, spotify, computer):
        self.spotify = spotify
        self.machine = computer
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.browser = None
        self.settings = {
            "web.listen": f"127.0.0.1:{self.port}",
            "web.public_url": self.url,
            "spotify.client_id": CLIENT_ID,
            "spotify.accounts_url": spotify.url,
            "spotify.api_url": f"{spotify.url}/v1",
            "spotify.catalog_token": "app",
            "spotify.market": "DE",
            "mail.smtp_url": f"smtp://dropday@{spotify.inbox()}",
            "mail.from": "Dropday <dropday@example.test>",
            "mail.dkim_selector": "dropday",
            # Every two seconds, so that nobody waits.
            "schedule.follows": "*/2 * * * * *",
            "schedule.releases": "*/2 * * * * *",
            "schedule.letters": "*/2 * * * * *",
            "spotify.request_interval": "10ms",
            "mail.batch_window": "0s",
            "schedule.zone": "UTC",
        }
        dkim = folder / "dkim.pem"
        subprocess.run(["openssl", "genpkey", "-algorithm", "ED25519", "-out", dkim], check=True, capture_output=True)
        self.credential("mail.dkim_key", dkim.read_text(encoding="ascii"))
        self.credential("mail.smtp_password", PASSWORD)
        self.credential("spotify.client_secret", SECRET)
        self.credential("secrets.key", KEY)
        computer.install(built("DROPDAY_BIN", "dropday"), "/usr/bin/dropday")
        computer.install(HERE.parents[1] / "systemd/dropday.service", f"/etc/systemd/system/{UNIT}", 0o644)
        self.drop_in("quick", QUICK)
        self.configure()
        computer.boot()

    def credential(self, name, text):
        self.machine.write(f"{CREDENTIALS}/{name}", f"{text}\n", 0o600)

    def drop_in(self, name, text):
        self.machine.write(f"/etc/systemd/system/{UNIT}.d/{name}.conf", text)

    def configure(self, **changes):
        """Write the configuration, with a few keys otherwise (`log__level="debug"`)."""
        settings = {**self.settings, **{key.replace("__", "."): value for key, value in changes.items()}}
        sections = {}
        for key, value in settings.items():
            section, name = key.split(".")
            sections.setdefault(section, []).append(f"{name} = {json.dumps(value)}")
        text = "\n".join(f"[{section}]\n" + "\n".join(lines) for section, lines in sections.items())
        self.machine.write(CONFIG, f"{text}\n")

    def systemctl(self, *arguments):
        return self.machine.must("systemctl", *arguments)

    def show(self, what):
        return self.machine.show(UNIT, what)

    def state(self):
        return self.show("ActiveState")

    def is_healthy(self):
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def wait_for_status(self, pattern, seconds=30):
        said = []

        def probe_status():
            said[:] = [self.show("StatusText")]
            return re.search(pattern, said[0])

        try:
            wait_until(f"the status /{pattern}/", probe_status, seconds)
        except Broken as broken:
            raise Broken(f"{broken}; it is: {said}") from None

    def wait_for_restart(self, before, seconds=60):
        wait_until("a new process that answers", lambda: self._is_new(before) and self.is_healthy(), seconds)

    def _is_new(self, before):
        return self.state() == "active" and self.show("MainPID") not in (before, "0")

    def journal_since(self, mark):
        return self.machine.journal(UNIT)[mark:]

    def details(self):
        """What Dropday itself logged for debugging, which the journal calls informational."""
        ours = [f"_SYSTEMD_UNIT={UNIT}", "--priority=6..6"]
        return self.machine.must("journalctl", "--no-pager", "--output=cat", *ours)

    def mark(self):
        return len(self.machine.journal(UNIT))

    def news(self, title):
        """The letters that tell of an album."""
        return [letter for letter in self.letters() if title in letter.get_body(("plain",)).get_content()]

    def letters(self):
        return [message_from_string(letter["raw"], policy=modern) for letter in self.spotify.letters()]

    def sql(self, script):
        """Change the database of a daemon that is stopped."""
        with contextlib.closing(sqlite3.connect(self.database)) as opened:
            opened.executescript(script)

    @property
    def database(self):
        return self.machine.root / "var/lib/private/dropday/dropday.db"


@contextlib.contextmanager
def _world(folder):
    prepare()
    secrets = ["--inbox-password", PASSWORD, "--client-secret", SECRET]
    with fake_world(folder, *secrets) as spotify, machine(folder) as computer:
        yield World(folder, spotify, computer)


@PART.promise("it starts, and is active when its pages answer")
def starts(world):
    world.systemctl("start", UNIT)
    expect(world.is_healthy(), "`systemctl start` came back, and no page answers")
    expect(world.state() == "active", f"it is {world.state()}")


@PART.promise("while its database is not to be had it is not active yet, and no page answers")
def not_ready(world):
    world.systemctl("stop", UNIT)
    with contextlib.closing(sqlite3.connect(world.database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        world.systemctl("start", "--no-block", UNIT)
        wait_until("a process", lambda: world.show("MainPID") != "0")
        time.sleep(1)
        seen = world.state()
        expect(seen == "activating" and not world.is_healthy(), f"it is {seen} on a database that is held")
        other.execute("ROLLBACK")
    wait_until("it to be active", lambda: world.state() == "active" and world.is_healthy())


@PART.promise("its status says what it waits for, and then what it does")
def status(world):
    world.wait_for_status(f"^Waiting for the first user to sign in at {re.escape(world.url)}/$")
    world.browser = sign_in(world, agree_at_fake_world)
    world.wait_for_status(r"^Tracking \d+ artists")


@PART.promise("the four secrets come as credentials, with nothing about them in the configuration")
def credentials(world):
    give_address(world, world.browser, ADDRESS)
    letters = wait_until("a letter", world.letters)
    expect(letters[0]["DKIM-Signature"], "the letter is not signed: no mail.dkim_key")
    link = re.search(r"https?://\S+/confirm\S+", letters[0].get_body(("plain",)).get_content())
    confirm_address(world, link.group().rstrip(".,>)"))
    expect(not list(world.database.parent.glob("*.key")), "a key was made: no secrets.key")
    wait_until("artists that were asked about with the app's token", lambda: _checked(world.database))
    expect(world.spotify.unexpected() == "[]", f"Spotify was asked: {world.spotify.unexpected()}")


def _checked(database):
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as seen:
        return seen.execute("SELECT count(*) FROM artists WHERE checked_at IS NOT NULL").fetchone()[0]


@PART.promise("no other user can read a secret, and the state is the service's alone")
def is_private(world):
    done = world.machine.run("setpriv", "--reuid=65534", "--clear-groups", "cat", f"{CREDENTIALS}/secrets.key")
    expect(done.returncode != 0, "everybody can read the key")
    expect(oct(world.database.stat().st_mode & 0o777) == "0o600", "everybody can read the database")
    environment = pathlib.Path(f"/proc/{_pid_here(world)}/environ").read_bytes().decode()
    expect(SECRET not in environment and PASSWORD not in environment, "a secret is in the environment")


def _pid_here(world):
    """The main process, as this machine counts."""
    inside = world.show("MainPID")
    for status_file in pathlib.Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            numbers = re.search(r"^NSpid:\t(.*)$", status_file.read_text(encoding="utf-8"), re.MULTILINE)
            name = (status_file.parent / "comm").read_text(encoding="utf-8").strip()
            if numbers and name == "dropday" and numbers.group(1).split()[-1] == inside:
                return int(status_file.parent.name)
    raise Broken(f"no process {inside}")


@PART.promise("`dropday check` run by root finds them too, beside the daemon")
def check(world):
    done = world.machine.run("env", "DROPDAY_DATABASE__PATH=/var/lib/dropday/dropday.db", "dropday", "check")
    expect(done.returncode == 0, f"dropday check ended with {done.returncode}:\n{done.stdout}")


@PART.promise("systemd finds its exposure at most 1.5, with all of this working")
def exposure(world):
    said = world.machine.must("systemd-analyze", "security", UNIT, "--no-pager")
    level = re.search(r"Overall exposure level for dropday.service: ([\d.]+)", said)
    expect(level, f"no level:\n{said[-300:]}")
    print(f"    exposure {level.group(1)}", flush=True)
    expect(float(level.group(1)) <= 1.5, f"it is {level.group(1)}")


@PART.promise("a reload uses what can change, names what cannot, and keeps the process")
def reload(world):
    pid, mark, details = world.show("MainPID"), world.mark(), world.details()
    world.configure(log__level="debug", mail__operator="me@example.test")
    world.systemctl("reload", UNIT)
    wait_until("a word about it", lambda: "restart Dropday to apply" in world.journal_since(mark))
    said = world.journal_since(mark)
    expect(re.search(r"applied:.*log\.level", said), f"log.level is not said to be in use:\n{said}")
    expect(re.search(r"restart Dropday to apply:.*mail\.operator", said), f"mail.operator is not named:\n{said}")
    wait_until("a line for debugging", lambda: world.details() != details)
    expect(world.state() == "active" and world.show("MainPID") == pid, "it did not stay")


@PART.promise("a reload of a broken configuration says what is wrong, and changes nothing")
def broken_reload(world):
    pid, mark = world.show("MainPID"), world.mark()
    world.configure(log__level="loud", web__lisen="127.0.0.1:1")
    world.systemctl("reload", UNIT)
    wait_until("a word about it", lambda: "web.lisen" in world.journal_since(mark))
    expect(world.state() == "active" and world.show("MainPID") == pid and world.is_healthy(), "it did not stay")
    world.configure()
    world.systemctl("reload", UNIT)
    wait_until("the old configuration", lambda: "applied:" in world.journal_since(mark))


@PART.promise("a process that hangs is killed by the watchdog, and started again")
def watchdog(world):
    before, restarts = world.show("MainPID"), int(world.show("NRestarts"))
    world.systemctl("kill", "--signal=SIGSTOP", "--kill-whom=main", UNIT)
    world.wait_for_restart(before)
    expect(int(world.show("NRestarts")) == restarts + 1, f"{world.show('NRestarts')} restarts after {restarts}")
    log = world.machine.must("journalctl", "--no-pager", "--output=cat", f"--unit={UNIT}")
    expect("Watchdog timeout" in log, "the watchdog did not say that it was it")


@PART.promise("an honest one is left alone, beyond twice the watchdog's time")
def watchdog_is_fed(world):
    before = world.show("MainPID")
    time.sleep(30)
    expect(world.show("MainPID") == before and world.is_healthy(), "it was killed without a reason")


@PART.promise("killed by -9 it is started again, and people are still signed in")
def killed(world):
    before, count = world.show("MainPID"), len(world.letters())
    world.systemctl("kill", "--signal=SIGKILL", UNIT)
    world.wait_for_restart(before)
    page = world.browser.open(f"{world.url}/account")
    expect(page.status == 200 and ADDRESS in page.body, f"/account says {page.status}")
    time.sleep(5)
    expect(len(world.letters()) == count, "a letter came twice")


@PART.promise("it stops in time, well, and says so")
def stops(world):
    began = time.monotonic()
    world.systemctl("stop", UNIT)
    took = time.monotonic() - began
    print(f"    stopped in {took:.1f} s", flush=True)
    expect(took < 15 and world.show("Result") == "success", f"{took:.1f} s, {world.show('Result')}")
    expect("Dropday has stopped" in world.machine.journal(UNIT), "it was cut short")


@PART.promise("it keeps its state over a reboot, where it starts by itself")
def reboot(world):
    world.systemctl("enable", UNIT)
    world.machine.shut_down()
    world.machine.boot()
    wait_until("it to be active", lambda: world.state() == "active" and world.is_healthy())
    page = world.browser.open(f"{world.url}/account")
    expect(page.status == 200 and ADDRESS in page.body, f"/account says {page.status}")


@PART.promise("a wrong configuration (78) is not tried again, and the log says what is wrong")
def wrong_configuration(world):
    mark = world.mark()
    world.configure(web__lisen="127.0.0.1:1")
    done = world.machine.run("systemctl", "restart", UNIT)
    expect(done.returncode != 0, "it started")
    time.sleep(3)
    seen = [world.show(what) for what in ("ActiveState", "ExecMainStatus", "NRestarts")]
    expect(seen == ["failed", "78", "0"], f"state, status and restarts are {seen}")
    expect("web.lisen" in world.journal_since(mark), "the key is not named")
    world.configure()


@PART.promise("what fails again and again stays down, for a person to look")
def gives_up(world):
    world.systemctl("reset-failed", UNIT)
    other = base64.b64encode(bytes(32)).decode()
    world.credential("secrets.key", other)
    world.machine.run("systemctl", "start", UNIT)
    wait_until("it to be given up", lambda: world.state() == "failed")
    expect(world.show("NRestarts") in ("4", "5"), f"{world.show('NRestarts')} restarts")
    world.credential("secrets.key", KEY)
    world.systemctl("reset-failed", UNIT)


@PART.promise("without any network it starts, stays, does not spin, and says what it cannot reach")
def no_network(world):
    world.sql(EVERYTHING_IS_DUE)
    world.drop_in("alone", "[Service]\nPrivateNetwork=yes\n")
    world.systemctl("daemon-reload")
    # By name, as in life: here nobody answers for names either.
    world.configure(
        spotify__api_url="http://api.spotify.test/v1",
        spotify__accounts_url="http://accounts.spotify.test",
        mail__smtp_url="smtp://dropday@mail.example.test",
    )
    mark = world.mark()
    world.systemctl("start", UNIT)
    before, cpu = world.show("MainPID"), _processor_seconds(world)
    time.sleep(20)
    cpu = (_processor_seconds(world) - cpu) / 20
    said = world.journal_since(mark).splitlines()
    print(f"    {cpu:.1%} of a processor, {len(said)} lines in 20 s", flush=True)
    expect(world.show("MainPID") == before and world.state() == "active", "it died")
    expect(cpu < 0.2, f"it takes {cpu:.0%} of a processor")
    expect(0 < len(said) < 60, f"{len(said)} lines in 20 s, such as {said[:3]}")
    expect(re.search("cannot be reached|not reach|connect", "\n".join(said)), f"nobody is named: {said}")
    world.systemctl("stop", UNIT)
    expect(world.show("Result") == "success", f"it ended with {world.show('Result')}")


def _processor_seconds(world):
    fields = pathlib.Path(f"/proc/{_pid_here(world)}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@PART.promise("and when the network is back it works on: New releases meanwhile is told, once")
def network_again(world):
    title = "While You Were Away"
    with contextlib.closing(sqlite3.connect(world.database)) as seen:
        artist = seen.execute("SELECT id FROM artists WHERE untracked_at IS NULL").fetchone()[0]
    world.spotify.put_out(artist, title, datetime.date.today().isoformat())
    # Hours pass, as far as the database knows.
    world.sql(EVERYTHING_IS_DUE)
    world.drop_in("alone", "")
    world.systemctl("daemon-reload")
    world.configure()
    world.systemctl("start", UNIT)
    wait_until("the letter", lambda: world.news(title))
    time.sleep(5)
    expect(len(world.news(title)) == 1, f"{len(world.news(title))} letters tell of it")
    expect(world.spotify.unexpected() == "[]", f"Spotify was asked: {world.spotify.unexpected()}")


def _probe():
    """What `run` asks before this part: whether such machines can be booted here at all."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        prepare()
        with tempfile.TemporaryDirectory(prefix="dropday-real-") as folder:
            probe(pathlib.Path(folder))
    except (AssertionError, Broken, OSError) as why:
        last = str(why).strip().splitlines()[-1:]
        print(f"this machine cannot boot another with systemd-nspawn: {' '.join(last)}")
        sys.exit(1)
    except Exception:
        # That is no machine's fault, and nothing to be skipped.
        traceback.print_exc()
        sys.exit(70)


if __name__ == "__main__":
    if sys.argv[1:] == ["--probe"]:
        _probe()
    else:
        run_part(PART, {None: _world})
