"""Root file systems of Debian, made once by debootstrap and kept beside the user's other caches."""

import os
import pathlib
import shutil
import subprocess

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or "/var/cache") / "dropday-real"
SUITE = "bookworm"


def run(*command, **options):
    """A command that must succeed; what it prints."""
    done = subprocess.run(
        [str(word) for word in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        **options,
    )
    if done.returncode != 0:
        tail = "\n".join(done.stdout.splitlines()[-25:])
        raise AssertionError(f"{' '.join(map(str, command))} ended with status {done.returncode}:\n{tail}")
    return done.stdout


def debian(name, packages):
    """The folder of a minimal Debian with `packages`, to be copied and not to be changed."""
    folder = CACHE / name
    if not folder.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        # Under its name only when it is whole.
        draft = CACHE / f"{name}.{os.getpid()}"
        try:
            run("debootstrap", "--variant=minbase", f"--include={','.join(packages)}", SUITE, draft)
            shutil.rmtree(draft / "var/cache/apt/archives", ignore_errors=True)
            for log in (draft / "var/log").rglob("*.log"):
                log.unlink()
            draft.rename(folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return folder
