"""Root file systems of Debian, made once by mmdebstrap and kept beside the machine's other caches."""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or "/var/cache") / "dropday-real"
SUITE = "bookworm"
# What systemd needs to run a machine, and its services to trust others.
PACKAGES = ["systemd", "systemd-sysv", "dbus", "libpam-systemd", "ca-certificates"]


def run(*command, seconds=600, **options):
    """A command that must succeed, in time; what it prints."""
    words = [str(word) for word in command]
    # In a group of its own, so that what it started ends with it.
    with subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        **options,
    ) as started:
        try:
            said, _ = started.communicate(timeout=seconds)
        except BaseException as stopped:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(started.pid, signal.SIGKILL)
            if isinstance(stopped, subprocess.TimeoutExpired):
                raise AssertionError(f"{' '.join(words)} did not end within {seconds} s") from None
            raise
    if started.returncode != 0:
        tail = "\n".join(said.splitlines()[-25:])
        raise AssertionError(f"{' '.join(words)} ended with status {started.returncode}:\n{tail}")
    return said


def debian():
    """The folder of a small Debian, to be copied and not to be changed."""
    # Under the names of what is in it, so that other packages make another one.
    folder = CACHE / "+".join([SUITE, *PACKAGES])
    if not folder.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        _remove_drafts()
        # Under its name only when it is whole.
        draft = folder.with_name(f"draft.{os.getpid()}")
        try:
            # What it mounts into the draft ends with it, and is never walked over when the draft is removed.
            run("unshare", "--mount", "mmdebstrap", "--variant=minbase", "--mode=root", f"--include={','.join(PACKAGES)}", SUITE, draft)
            draft.rename(folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return folder


def copy(folder):
    """A Debian of one's own, at `folder`."""
    run("cp", "--archive", "--reflink=auto", debian(), folder)


def _remove_drafts():
    """Those of runs that were killed."""
    for draft in CACHE.glob("draft.*"):
        if not pathlib.Path("/proc", draft.suffix[1:]).exists():
            shutil.rmtree(draft, ignore_errors=True)
