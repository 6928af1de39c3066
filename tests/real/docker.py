"""The Dockerfile, built and run by a real Docker engine.

Nothing can be pulled here, so the image that it builds upon is made of Debian's packages and of
this machine's own Rust. What it builds, it builds as anywhere.
"""

import contextlib
import fcntl
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import urllib.request

from compose import Compose
from dropday import Dropday, agree_at_fake_world, fake_world, sign_in
from harness import Broken, Part, expect, report, run_part, stop, wait_until
from roots import CACHE, copy, run

PART = Part("docker")
SOURCE = pathlib.Path(__file__).resolve().parents[2]
IMAGE = "dropday-real-test"
CONTAINER = "dropday-real-test"
MEGABYTE = 1_000_000
# Of this machine, or of others as well: DROPDAY_DOCKER_PLATFORMS=linux/arm64 builds it, and runs its program by QEMU.
PLATFORMS = os.environ.get("DROPDAY_DOCKER_PLATFORMS", "").split()
QEMU = {"linux/arm64": "qemu-aarch64-static", "linux/amd64": "qemu-x86_64-static"}
# How well it is optimised, where the environment says otherwise than Cargo.toml.
PROFILE = [
    name
    for what in ("LTO", "CODEGEN_UNITS", "OPT_LEVEL")
    if (name := f"CARGO_PROFILE_RELEASE_{what}") in os.environ
]
# What is not optimised is larger.
LARGEST = (60 if PROFILE else 40) * MEGABYTE
BUILD_SECONDS = 3600


class Engine:
    """A Docker engine of this test's own."""

    def __init__(self, socket):
        self.socket = socket

    def __call__(self, *arguments, seconds=120):
        return run(*self.command(*arguments), seconds=seconds, env={**os.environ, "DOCKER_BUILDKIT": "1"})

    def try_to(self, *arguments, seconds=120):
        """A command that may fail: its status, and what it printed."""
        done = subprocess.run(
            self.command(*arguments),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    def build(self, tag, *options):
        profile = [f"--build-arg={name}" for name in PROFILE]
        ours = ["--network=host", "--progress=plain", "--tag", tag, *profile, *options]
        self("build", *ours, SOURCE, seconds=BUILD_SECONDS)

    def clear(self):
        """Away with what this test left, or one before it that was killed, but for the image and its layers."""
        _, ours = self.try_to("ps", "--all", "--quiet")
        self.try_to("rm", "--force", *ours.split()) if ours.split() else None
        self.try_to("network", "prune", "--force")
        self.try_to("volume", "rm", CONTAINER)
        self.try_to("volume", "prune", "--force")
        self.try_to("image", "prune", "--force")
        self.try_to("builder", "prune", "--force", "--keep-storage=4GB", seconds=600)

    def look(self, what, thing):
        return json.loads(self("inspect", "--format", f"{{{{json {what}}}}}", thing))

    def command(self, *arguments):
        # Debian's own client, which goes with its engine.
        return ["/usr/bin/docker", "--host", f"unix://{self.socket}", *map(str, arguments)]


class Contained(Dropday):
    """A Dropday whose daemon runs in a container, with all its state in a volume."""

    def __init__(self, folder, engine, **settings):
        super().__init__(folder, **settings)
        self.engine = engine
        secret = folder / "smtp_url"
        secret.write_text("smtp://127.0.0.1:9\n", encoding="utf-8")
        # As README has it: for the container's user alone.
        os.chown(secret, 10001, 10001)
        secret.chmod(0o400)
        self._secrets = secret
        self.set(database__path=None, secrets__key=None, mail__smtp_url=None)
        self.set(mail__smtp_url_file="/run/secrets/smtp_url")

    def start(self):
        ours = [f"--env=DROPDAY_{key}={value}" for key, value in self._settings.items() if value is not None]
        self.engine(
            "run", "--detach", "--name", CONTAINER, "--network=host", "--read-only", "--cap-drop=ALL",
            "--security-opt=no-new-privileges", f"--volume={CONTAINER}:/data",
            f"--volume={self._secrets}:/run/secrets/smtp_url:ro",
            # The image's own question, asked more often.
            "--health-interval=2s", *ours, IMAGE,
        )  # fmt: skip
        wait_until("a container that is healthy", self._is_healthy, 60)

    def stop(self):
        """Result, and after how many seconds."""
        began = time.monotonic()
        self.engine("stop", "--time=30", CONTAINER)
        return self.engine.look(".State.ExitCode", CONTAINER), time.monotonic() - began

    def status(self):
        return json.loads(self.engine("exec", CONTAINER, "/usr/bin/dropday", "status", "--json"))

    def _is_healthy(self):
        state = self.engine.look(".State", CONTAINER)
        if not state["Running"]:
            raise Broken(f"the container has ended:\n{self.engine('logs', CONTAINER)}")
        return state["Health"]["Status"] == "healthy"


class Emulated(Dropday):
    """The program of an image for another kind of processor, with the libraries of that image."""

    def __init__(self, folder, emulator, root):
        folder.mkdir()
        super().__init__(folder)
        self._binary = folder / "dropday.sh"
        self._binary.write_text(f'#!/bin/sh\nexec {emulator} -L {root} {root}/usr/bin/dropday "$@"\n', encoding="utf-8")
        self._binary.chmod(0o755)


class World:
    def __init__(self, engine, dropday):
        self.engine = engine
        self.dropday = dropday
        self.browser = None


@contextlib.contextmanager
def _world(folder):
    with _engine(folder) as engine, fake_world(folder) as spotify:
        engine.clear()
        try:
            yield World(engine, Contained(folder, engine, **spotify.settings))
        finally:
            engine.clear()


@contextlib.contextmanager
def _engine(folder):
    """A dockerd whose images and layers outlive it; without one, the part is skipped."""
    socket, log = folder / "docker.sock", folder / "dockerd.log"
    command = [
        "dockerd", "--iptables=false", "--ip6tables=false", "--ip-masq=false", "--ip-forward=false", "--bridge=none",
        "--data-root", CACHE / "docker", "--exec-root", folder / "exec", "--pidfile", folder / "dockerd.pid",
        "--host", f"unix://{socket}",
    ]  # fmt: skip
    CACHE.mkdir(parents=True, exist_ok=True)
    # One at a time: another run's engine would find its data taken, and its mounts gone at the end.
    lock = (CACHE / "docker.lock").open("wb")
    fcntl.flock(lock, fcntl.LOCK_EX)
    with log.open("wb") as output:
        process = subprocess.Popen(
            list(map(str, command)), stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    engine = Engine(socket)
    try:
        ends = time.monotonic() + 60
        while engine.try_to("info")[0] != 0:
            if process.poll() is not None or time.monotonic() > ends:
                last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
                report("SKIP", PART.name, f"SKIPPED: dockerd does not start on this machine: {''.join(last)}")
                sys.exit(0)
            time.sleep(0.2)
        yield engine
    finally:
        stop(process)
        _unmount(folder)
        _unmount(CACHE / "docker")
        lock.close()


def _unmount(folder):
    """What a dockerd leaves mounted, which would keep the folder from being removed."""
    mounts = [line.split()[1] for line in pathlib.Path("/proc/self/mounts").read_text("utf-8").splitlines()]
    for mount in reversed([mount for mount in mounts if f"{mount}/".startswith(f"{folder}/")]):
        run("umount", "--lazy", mount)


def _import_base(engine, folder):
    """The image that the Dockerfile begins with, under its name."""
    name = _base_name()
    rustc = run("rustc", "--version").strip()
    if engine.try_to("inspect", "--format", "{{.Config.Labels.rustc}}", name) == (0, f"{rustc}\n"):
        return
    root = folder / "base"
    copy(root)
    # This machine may reach the registries by a way of its own.
    for ours in ("resolv.conf", "ssl/certs/ca-certificates.crt"):
        (root / "etc" / ours).unlink(missing_ok=True)
        shutil.copy(f"/etc/{ours}", root / "etc" / ours)
    clean = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive"]
    for command in (["update"], ["install", "--yes", "--no-install-recommends", "gcc", "libc6-dev"], ["clean"]):
        run("chroot", root, *clean, "apt-get", "--quiet", *command)
    _copy_rust(root / "usr/local")
    path = "/usr/local/cargo/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    variables = f"ENV RUSTUP_HOME=/usr/local/rustup CARGO_HOME=/usr/local/cargo PATH={path}"
    changes = ["--change", variables, "--change", f'LABEL rustc="{rustc}"']
    pipe = 'tar --create --directory "$0" . | "$@"'
    run("bash", "-o", "pipefail", "-c", pipe, root, *engine.command("import", *changes, "-", name))
    shutil.rmtree(root)


def _base_name():
    return re.search(r"^FROM .*?(rust:\S+) AS", (SOURCE / "Dockerfile").read_text("utf-8"), re.MULTILINE)[1]


def _copy_rust(local):
    """This machine's Rust, laid out as in Docker's own image."""
    sysroot = pathlib.Path(run("rustc", "--print", "sysroot").strip())
    toolchain = local / "rustup/toolchains" / sysroot.name
    shutil.copytree(sysroot / "lib", toolchain / "lib", symlinks=True, ignore=shutil.ignore_patterns("*-musl"))
    (toolchain / "bin").mkdir()
    commands = local / "cargo/bin"
    commands.mkdir(parents=True)
    for name in ("cargo", "rustc"):
        shutil.copy(sysroot / "bin" / name, toolchain / "bin")
        (commands / name).symlink_to(f"/usr/local/rustup/toolchains/{sysroot.name}/bin/{name}")
    if rustup := shutil.which("rustup"):
        shutil.copy(pathlib.Path(rustup).resolve(), commands / "rustup")
        settings = f'version = "12"\ndefault_toolchain = "{sysroot.name}"\nprofile = "minimal"\n'
        (local / "rustup/settings.toml").write_text(settings, encoding="utf-8")


def _build(engine, image, *options):
    """Build it, and say how large it is."""
    began = time.monotonic()
    engine.build(image, *options)
    size = engine.look(".Size", image)
    how = ", optimised less than what ships" if PROFILE else ""
    print(f"    {image}: {size / MEGABYTE:.1f} MB, built in {time.monotonic() - began:.0f} s{how}", flush=True)
    expect(size < LARGEST, f"the image {image} has {size} bytes")


@PART.promise(f"the image is built, and is smaller than {LARGEST // MEGABYTE} MB")
def is_built(world):
    _import_base(world.engine, world.dropday.folder)
    _build(world.engine, IMAGE)


@PART.promise("it is healthy without any right, by number, with a root file system that nobody can write to")
def is_healthy(world):
    world.dropday.start()
    process = world.engine.look(".State.Pid", CONTAINER)
    status = pathlib.Path(f"/proc/{process}/status").read_text("utf-8")
    expect(re.search(r"^Uid:\t10001\t10001\t", status, re.MULTILINE), status)
    expect(re.search(r"^CapEff:\t0+$", status, re.MULTILINE), status)
    code, said = world.engine.try_to("exec", CONTAINER, "/bin/sh", "-c", "true")
    expect(code != 0, f"there is a shell in it: {said}")


@PART.promise("`dropday check` in it finds the database sound, and the password in its file")
def can_be_checked(world):
    code, said = world.engine.try_to("exec", CONTAINER, "dropday", "check")
    expect("ok    database: /data/dropday.db" in said, said)
    expect(code == 1 and "WRONG mail: the mail server cannot be used: 127.0.0.1:9" in said, said)
    expect(said.count("WRONG") == 1, said)


@PART.promise("a daemon that hangs is not well, and `dropday health` says so soon")
def hangs(world):
    world.engine("kill", "--signal=STOP", CONTAINER)
    try:
        began = time.monotonic()
        code, said = world.engine.try_to("exec", CONTAINER, "/usr/bin/dropday", "health")
        took = time.monotonic() - began
    finally:
        world.engine("kill", "--signal=CONT", CONTAINER)
    expect(code == 1 and "no response within 5 s" in said, f"{code}: {said}")
    expect(took < 10, f"that took {took:.1f} s, and the image allows 10")


@PART.promise("it is stopped in less than 10 seconds, and ends well")
def stops(world):
    world.browser = sign_in(world.dropday, agree_at_fake_world)
    code, took = world.dropday.stop()
    print(f"    stopped in {took:.1f} s", flush=True)
    expect(code == 0, f"it ended with status {code}:\n{world.engine('logs', CONTAINER)}")
    expect(took < 10, f"stopping took {took:.1f} s")


@PART.promise("a new container goes on where the old one stood: people, sessions and key")
def is_replaced(world):
    world.engine("rm", CONTAINER)
    world.dropday.start()
    account = world.browser.open(f"{world.dropday.url}/account")
    expect(account.url.endswith("/account") and account.status == 200, f"{account.url}: {account.text[:300]}")
    expect(world.dropday.status()["users"]["connected"] == 1, world.dropday.status())


@PART.promise("compose.yaml brings up one that reaches its mail server by name, for this machine alone, and stops it")
def is_composed(world):
    compose = Compose(SOURCE, world.dropday.folder, world.engine.socket, IMAGE, _base_name())
    try:
        compose("up", "--detach", "--no-build")
        wait_until("pages", lambda: _answers("127.0.0.1", compose.port))
        said = compose("exec", "-T", "dropday", "dropday", "check")
        print("    " + said.strip().replace("\n", "\n    "), flush=True)
        expect(re.search(r"^ok +mail", said, re.MULTILINE), said)
        outside = run("hostname", "--all-ip-addresses").split()
        expect(not any(_answers(address, compose.port) for address in outside), f"{outside} answer too")
        began = time.monotonic()
        compose("stop", "dropday")
        expect(time.monotonic() - began < 10, "stopping took longer than 10 s")
    finally:
        compose("down", "--volumes")


def _answers(host, port):
    with contextlib.suppress(OSError):
        with urllib.request.urlopen(f"http://{host}:{port}/healthz", timeout=5) as answer:
            return answer.status == 200
    return False


for platform in PLATFORMS:

    @PART.promise(f"the image for {platform} is built and as small, and its program serves, is well, and ends")
    def is_portable(world, platform=platform):
        image = f"{IMAGE}:{platform.replace('/', '-')}"
        _build(world.engine, image, "--platform", platform)
        root = _unpack(world.engine, image, world.dropday.folder / image.rpartition(":")[2])
        dropday = Emulated(root.parent / f"{root.name}-home", QEMU[platform], root)
        print(f"    {dropday.run('--version').stdout.strip()}", flush=True)
        with dropday.serving():
            done = dropday.run("health")
            expect(done.returncode == 0, f"{done.stdout}{done.stderr}")


def _unpack(engine, image, root):
    """The file system of an image that cannot be run here."""
    root.mkdir()
    made = engine("create", image).split()[-1]
    pipe = '"$@" | tar --extract --directory "$0"'
    run("bash", "-o", "pipefail", "-c", pipe, root, *engine.command("export", made))
    engine("rm", made)
    return root


if __name__ == "__main__":
    run_part(PART, {None: _world})
