"""What the kernel says of a process: memory, processor time, wake-ups (https://man7.org/linux/man-pages/man5/proc.5.html)."""

import os
import pathlib
import re
import time
from dataclasses import dataclass

MEGABYTE = 1e6
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Memory:
    """In bytes."""

    resident: int
    proportional: int
    private: int
    peak: int


def memory(pid):
    rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text("ascii")
    status = pathlib.Path(f"/proc/{pid}/status").read_text("utf-8")
    return Memory(
        _kilobytes(rollup, "Rss"),
        _kilobytes(rollup, "Pss"),
        _kilobytes(rollup, "Private_Dirty"),
        _kilobytes(status, "VmHWM"),
    )


def _kilobytes(text, name):
    return 1024 * int(re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)[1])


def processor_seconds(pid):
    """Of all its threads so far, those that have ended too; to a hundredth or so."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def wake_ups(pid):
    """How often each of its threads went to sleep of its own accord, and so was woken up again."""
    counts = {}
    for thread in pathlib.Path(f"/proc/{pid}/task").iterdir():
        status = (thread / "status").read_text("utf-8")
        counts[thread.name] = int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", status, re.MULTILINE)[1])
    return counts


class Idling:
    """A process that is left alone, from when this is made until `end`."""

    def __init__(self, pid):
        self._pid = pid
        self._began = time.monotonic(), processor_seconds(pid), wake_ups(pid)

    def end(self):
        """Its memory now, wake-ups a second, and seconds of processor time for every ten minutes."""
        began, processor, before = self._began
        lasted = time.monotonic() - began
        # Threads that came meanwhile are counted whole; of those that went nothing is known any more.
        woken = sum(count - before.get(thread, 0) for thread, count in wake_ups(self._pid).items())
        spent = processor_seconds(self._pid) - processor
        return memory(self._pid), woken / lasted, spent / lasted * 600
