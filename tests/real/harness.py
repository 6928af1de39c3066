"""Promises, programs in the background, ports and waiting: what every part shares."""

import contextlib
import functools
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
CACHE = HERE / ".cache"


class Broken(AssertionError):
    """A promise that was not kept; the message says what was seen instead."""


def expect(condition, message):
    if not condition:
        raise Broken(message)


class Part:
    """The promises of one part, kept in the order in which they are written.

    Later promises build on what earlier ones did, so after the first broken one
    the rest are reported as not reached.
    """

    def __init__(self, name):
        self.name = name
        self._promises = []

    def promise(self, text):
        def register(function):
            self._promises.append((text, function))
            return function

        return register

    def run(self, world, label=None):
        """Keep every promise in `world`, print a line for each, say if all were kept."""
        title = f"{self.name}, {label}" if label else self.name
        kept = True
        for text, function in self._promises:
            if kept:
                kept = _keep(title, text, functools.partial(function, world))
            else:
                report("FAIL", title, f"{text} (not reached)")
        return kept


def _keep(title, text, attempt):
    try:
        attempt()
    except Exception as error:
        report("FAIL", title, text)
        _explain(error)
        return False
    report("PASS", title, text)
    return True


def report(verdict, title, text):
    """A line for the reader, and for `run`, which counts them in RESULTS_FILE."""
    line = f"{verdict} {title}: {text}"
    print(line, flush=True)
    if os.environ.get("RESULTS_FILE"):
        with open(os.environ["RESULTS_FILE"], "a", encoding="utf-8") as results:
            results.write(f"{line}\n")


def _explain(error):
    if isinstance(error, Broken):
        print("    " + str(error).replace("\n", "\n    "), flush=True)
    else:
        traceback.print_exception(error, file=sys.stdout)


def run_part(part, worlds):
    """Run `part` in each of `worlds` (label → context manager) and exit."""
    # So that the servers are stopped too when somebody stops the test.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    kept = True
    for label, world in worlds.items():
        kept = _run_in(part, world, label) and kept
    sys.exit(0 if kept else 1)


def _run_in(part, world, label):
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dropday-real-")))
        # Servers that drop root must be able to pass through.
        folder.chmod(0o755)
        try:
            kept = part.run(stack.enter_context(world(folder)), label)
        except Exception as error:
            report("FAIL", part.name, "the servers of this part start and stop")
            _explain(error)
            kept = False
        if not kept:
            print_logs(folder)
        return kept


def print_logs(folder, lines=25):
    for log in sorted(folder.rglob("*.log")):
        tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
        print(f"    --- the end of {log.relative_to(folder)}")
        for line in tail:
            print(f"    | {line}", flush=True)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_until(what, probe, seconds=30):
    """The first true value of `probe`; `Broken` if there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Broken(f"waited {seconds} s for {what}, in vain")
        time.sleep(0.1)


def listening(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def program(arguments, log, port, environment=None):
    """Run a program until the block ends; enter the block once it listens on `port`."""
    with open(log, "ab") as output:
        process = subprocess.Popen(
            [str(argument) for argument in arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_until(f"{arguments[0]} to listen on port {port}", lambda: _started(process, arguments, port))
        yield process
    finally:
        stop(process)


def _started(process, arguments, port):
    expect(process.poll() is None, f"{arguments[0]} ended at once with status {process.poll()}")
    return listening(port)


def stop(process, seconds=15):
    """SIGTERM, and SIGKILL to the whole group if that is not enough."""
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    return process.wait()


def built(variable, name):
    """The path of a built binary: from the environment, else where cargo puts it."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", HERE.parents[1] / "target"))
    candidates = [target / profile / name for profile in ("release", "debug")]
    if os.environ.get(variable):
        candidates = [pathlib.Path(os.environ[variable])]
    for candidate in candidates:
        if os.access(candidate, os.X_OK):
            return candidate.resolve()
    sought = " nor ".join(map(str, candidates))
    sys.exit(f"no program at {sought}: build it first, or set {variable}")
