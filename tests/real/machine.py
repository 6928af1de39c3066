"""A Debian machine of its own: a copy of the root in `roots`, booted by systemd-nspawn with systemd as PID 1.

It shares this machine's network, so that its services and ours meet on 127.0.0.1.
"""

import contextlib
import functools
import os
import pathlib
import re
import shutil
import signal
import subprocess

from harness import expect, wait_until
from roots import copy, debian

BOOT_SECONDS = 60


class Machine:
    """A root folder, and the machine that runs in it between `boot` and `shut_down`."""

    def __init__(self, folder):
        self.root = folder / "root"
        self.log = folder / "console.log"
        self._nspawn = None
        self._leader = None
        copy(self.root)

    def write(self, path, text, mode=0o644):
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        target.chmod(mode)

    def install(self, source, path, mode=0o755):
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        target.chmod(mode)

    def boot(self):
        name = f"dropday-{os.getpid()}"
        # Where systemd runs the host, it gives the machine its place; else the machine takes ours.
        place = [] if pathlib.Path("/run/systemd/system").is_dir() else ["--keep-unit"]
        with open(self.log, "ab") as output:
            self._nspawn = subprocess.Popen(
                ["systemd-nspawn", "--quiet", "--boot", "--register=no", *place]
                + [f"--machine={name}", "--console=read-only", f"--directory={self.root}"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_own_cgroup,
            )
        self._leader = wait_until("the machine's first process", self._find_leader, BOOT_SECONDS)
        states = ("running", "degraded")
        state = functools.partial(self._try, "systemctl", "is-system-running")
        wait_until("the machine to be up", lambda: state().strip() in states, BOOT_SECONDS)

    def shut_down(self):
        if self._nspawn is None:
            return
        if self._leader is not None:
            self._keep_journal()
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._leader, signal.SIGRTMIN + 4)
        try:
            self._nspawn.wait(30)
        except subprocess.TimeoutExpired:
            self._nspawn.kill()
            self._nspawn.wait()
        self._nspawn = self._leader = None
        _remove_cgroup()

    def run(self, *command, seconds=60):
        """A command on the machine: its status and all that it said."""
        inside = ["nsenter", "-t", str(self._leader), "-m", "-u", "-i", "-p", "-C"]
        clean = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"]
        return subprocess.run(
            [*inside, *clean, *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            check=False,
        )

    def must(self, *command):
        done = self.run(*command)
        expect(done.returncode == 0, f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}")
        return done.stdout

    def show(self, unit, what):
        """A property of a unit."""
        return self.must("systemctl", "show", unit, "--value", "-p", what).strip()

    def journal(self, unit):
        return self.must("journalctl", "--unit", unit, "--no-pager", "--output=cat")

    def _keep_journal(self):
        with open(self.log.with_name("journal.log"), "a", encoding="utf-8") as kept:
            kept.write(self._try("journalctl", "--boot", "--no-pager", "--priority=info", "--unit=dropday.service"))

    def _try(self, *command):
        try:
            return self.run(*command, seconds=10).stdout
        except subprocess.TimeoutExpired:
            return ""

    def _find_leader(self):
        expect(self._nspawn.poll() is None, "systemd-nspawn ended at once")
        children = pathlib.Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children")
        return next(filter(_is_first, map(int, children.read_text(encoding="ascii").split())), None)


def _is_first(pid):
    """Whether it is the first process of its machine, and systemd by now."""
    with contextlib.suppress(OSError):
        process = pathlib.Path(f"/proc/{pid}")
        numbers = re.search(r"^NSpid:\t(.*)$", (process / "status").read_text(encoding="utf-8"), re.MULTILINE)
        is_systemd = (process / "comm").read_text(encoding="utf-8").strip() == "systemd"
        return is_systemd and numbers is not None and numbers.group(1).split()[1:] == ["1"]
    return False


@contextlib.contextmanager
def machine(folder):
    made = Machine(folder)
    try:
        yield made
    finally:
        made.shut_down()


def prepare():
    """Make the root folder that machines are copies of, unless it is there."""
    debian()


def probe(folder):
    """Whether machines can be booted here; raises if not."""
    with machine(folder) as tried:
        tried.boot()


def _cgroups():
    name = f"dropday-real-{os.getpid()}"
    hierarchies = [pathlib.Path("/sys/fs/cgroup/unified"), pathlib.Path("/sys/fs/cgroup/systemd")]
    return [hierarchy / name for hierarchy in hierarchies if hierarchy.is_dir()]


def _own_cgroup():
    """A place of our own, so that two machines do not take each other's. Only where systemd does not care for it."""
    if pathlib.Path("/run/systemd/system").is_dir():
        return
    for group in _cgroups():
        with contextlib.suppress(OSError):
            # In the child, whose parent made the name.
            group = group.with_name(f"dropday-real-{os.getppid()}")
            group.mkdir(exist_ok=True)
            (group / "cgroup.procs").write_text("0", encoding="ascii")


def _remove_cgroup():
    for group in _cgroups():
        for folder, _, _ in os.walk(group, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(folder)
