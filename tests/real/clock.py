"""Clocks that are wrong: the real program under libfaketime, whose wall clock jumps while it runs.

What jumps is the wall clock alone, as on a machine whose clock is set; the monotonic clock goes on.
"""

import contextlib
import datetime
import glob
import os
import pathlib
import re
import signal
import sqlite3
import time
from email import message_from_string
from email.policy import default as modern

from dropday import Dropday, agree_at_fake_world, confirm_address, fake_world, give_address, sign_in
from harness import Part, expect, run_part, wait_until

PART = Part("clock")
ADDRESS = "martha@example.test"
# A minute, which is the longest that an idle worker waits after the clock was set back, and some more.
SOON = 100


class World:
    def __init__(self, folder, spotify):
        self.spotify = spotify
        self.offset = folder / "offset"
        rules = {f"schedule__{rule}": "*/2 * * * * *" for rule in ("follows", "releases", "letters")}
        self.dropday = Dropday(
            folder,
            **spotify.settings,
            **rules,
            mail__smtp_url=f"smtp://{spotify.inbox()}",
            mail__batch_window="0s",
            log__level="debug",
        )
        self.process = None
        self.browser = None

    @contextlib.contextmanager
    def running(self):
        library = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")[0]
        faked = {
            "LD_PRELOAD": library,
            "FAKETIME_TIMESTAMP_FILE": str(self.offset),
            "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }
        with self.dropday.serving(**faked) as self.process:
            yield

    def put_clock(self, offset):
        """Let the wall clock jump: `+2d` is the day after tomorrow."""
        draft = self.offset.with_suffix(".draft")
        draft.write_text(f"{offset}\n", encoding="ascii")
        draft.rename(self.offset)

    def comes_out(self, title, days):
        """An album by an artist that Martha follows, `days` from today."""
        with contextlib.closing(sqlite3.connect(self.dropday.folder / "dropday.db")) as seen:
            artist = seen.execute("SELECT id FROM artists WHERE untracked_at IS NULL ORDER BY id").fetchone()[0]
        date = datetime.date.today() + datetime.timedelta(days=days)
        self.spotify.put_out(artist, title, date.isoformat())

    def letters(self, words=""):
        letters = [message_from_string(letter["raw"], policy=modern) for letter in self.spotify.letters()]
        return [letter for letter in letters if words in letter.get_body(("plain",)).get_content()]

    def expect_one(self, title):
        """One letter tells of it, and no second one follows."""
        wait_until(f"a letter about {title}", lambda: self.letters(title), SOON)
        time.sleep(5)
        expect(len(self.letters(title)) == 1, f"{len(self.letters(title))} letters tell of {title}")

    def passes(self):
        """Passes of letters that went by so far."""
        return len(re.findall(r"job=\S*emails", _plain(self.dropday.log.read_text(encoding="utf-8"))))

    def expect_at_work(self):
        """It goes on looking for what is due, and does not spin."""
        passes, cpu, began = self.passes(), self._processor_seconds(), time.monotonic()
        wait_until("two more runs", lambda: self.passes() >= passes + 2, 2 * SOON)
        took = time.monotonic() - began
        cpu = (self._processor_seconds() - cpu) / took
        print(f"    two runs in {took:.0f} s, {cpu:.1%} of a processor", flush=True)
        expect(cpu < 0.5, f"it takes {cpu:.0%} of a processor")
        expect(self.passes() < passes + 100, "it spins")

    def _processor_seconds(self):
        stat = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8")
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _plain(text):
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


@contextlib.contextmanager
def _world(folder):
    with fake_world(folder) as spotify:
        world = World(folder, spotify)
        # A machine without a battery for its clock wakes up in the past.
        world.put_clock("-20y")
        with world.running():
            yield world


@PART.promise("a start in the past, before the clock was set, neither dies nor spins")
def starts_in_the_past(world):
    world.expect_at_work()


@PART.promise("once the clock is set it works: a user connects, and an album is emailed once")
def is_set(world):
    world.put_clock("+0d")
    world.browser = sign_in(world.dropday, agree_at_fake_world)
    give_address(world.dropday, world.browser, ADDRESS)
    letter = wait_until("a letter to confirm", lambda: world.letters("/confirm"), SOON)[0]
    link = re.search(r"https?://\S+/confirm\S+", letter.get_body(("plain",)).get_content())
    confirm_address(world.dropday, link.group().rstrip(".,>)"))
    wait_until("everybody to be looked at", lambda: world.dropday.status()["artists"]["never_checked"] == 0, SOON)
    world.expect_at_work()


@PART.promise("a jump of two days ahead: what came out is emailed once")
def jumps_ahead(world):
    world.comes_out("Two Days Ahead", 2)
    world.put_clock("+2d")
    world.expect_one("Two Days Ahead")


@PART.promise("a jump back: it continues working, and nothing is emailed twice")
def jumps_back(world):
    count = len(world.letters())
    world.put_clock("+0d")
    world.expect_at_work()
    time.sleep(5)
    expect(len(world.letters()) == count, "something came twice")
    expect(world.browser.open(f"{world.dropday.url}/account").status == 200, "/account does not answer")


@PART.promise("what came out before the clock was right again is emailed once")
def is_right_again(world):
    world.comes_out("After The Jump", 3)
    world.put_clock("+5d")
    world.expect_one("After The Jump")
    expect(len(world.letters("Two Days Ahead")) == 1, "the one before came twice")


@PART.promise("a machine that slept for two days continues when it wakes up, and emails once what it slept through")
def sleeps(world):
    world.process.send_signal(signal.SIGSTOP)
    world.comes_out("While It Slept", 7)
    time.sleep(3)
    world.put_clock("+7d")
    world.process.send_signal(signal.SIGCONT)
    world.expect_one("While It Slept")
    world.expect_at_work()


@PART.promise("a clock that jumps to and fro all the time causes no repeats")
def to_and_fro(world):
    world.comes_out("To And Fro", 9)
    for offset in ("+9d", "+6d", "+9d", "+8d", "+10d", "+7d", "+11d"):
        world.put_clock(offset)
        time.sleep(2)
    world.expect_one("To And Fro")
    for title in ("Two Days Ahead", "After The Jump", "While It Slept"):
        expect(len(world.letters(title)) == 1, f"{title} came twice")
    expect(world.spotify.unexpected() == "[]", f"Spotify was asked: {world.spotify.unexpected()}")


if __name__ == "__main__":
    run_part(PART, {None: _world})
