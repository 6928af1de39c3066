"""The Debian package, through the life of a machine that systemd runs: installed, set up as its
words say, upgraded, removed, purged."""

import base64
import contextlib
import os
import pathlib
import re
import shutil
import socketserver
import threading
import urllib.request

from harness import Part, expect, free_port, run_part, wait_until
from machine import machine
from roots import run

PART = Part("deb")
SOURCE = pathlib.Path(__file__).resolve().parents[2]
STATE = "/var/lib/dropday"
CONFIGURATION = "/etc/dropday/dropday.toml"
CREDENTIALS = "/etc/dropday/credentials"
BUILD_SECONDS = 3600


class MailServer(socketserver.ThreadingTCPServer):
    """As much of one as a check asks for."""

    allow_reuse_address = True
    daemon_threads = True

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            self.wfile.write(b"220 mail.test ESMTP\r\n")
            for line in self.rfile:
                if line.upper().startswith(b"QUIT"):
                    self.wfile.write(b"221 bye\r\n")
                    return
                self.wfile.write(b"250 yes\r\n")

    def __init__(self):
        super().__init__(("127.0.0.1", 0), self.Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self):
        return self.server_address[1]


class World:
    def __init__(self, folder, computer, mail):
        self.folder = folder
        self.machine = computer
        self.mail = mail
        self.port = free_port()

    def try_to(self, command):
        """A shell's command as root in there: its status, and what it printed."""
        done = self.machine.run("env", "DEBIAN_FRONTEND=noninteractive", "/bin/sh", "-c", command, seconds=300)
        return done.returncode, done.stdout

    def sh(self, command):
        code, said = self.try_to(command)
        expect(code == 0, f"`{command}` ended with status {code}:\n{said}")
        return said

    def service(self, what):
        return self.machine.show("dropday.service", what)

    def owners(self):
        """Whose the state is: a set of numbers."""
        return set(self.sh(f"stat -L -c %u {STATE} {STATE}/*").split())

    def healthy(self):
        with contextlib.suppress(OSError):
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=5) as answer:
                return answer.status == 200
        return False

    def build(self, name):
        """The package, where the machine sees it: DROPDAY_DEB, or built now."""
        file = self.machine.root / "root" / name
        if ready := os.environ.get("DROPDAY_DEB"):
            shutil.copy(ready, file)
        else:
            run(SOURCE / "packaging/deb/build", "--output", file, seconds=BUILD_SECONDS)
        return file

    def renew(self, package, version):
        """The same package again, as a later version."""
        tree, newer = self.folder / "newer", package.with_name("newer.deb")
        run("dpkg-deb", "--raw-extract", package, tree)
        control = tree / "DEBIAN/control"
        text = re.sub("^Version: .*$", f"Version: {version}", control.read_text("utf-8"), flags=re.MULTILINE)
        control.write_text(text, encoding="utf-8")
        run("dpkg-deb", "--build", "--root-owner-group", "-Znone", tree, newer)
        return newer

    def configure(self):
        """The four keys, written into the file as it came, and a secret in its place."""
        file = self.machine.root / CONFIGURATION.lstrip("/")
        text = file.read_text("utf-8")
        for key, value in {
            "client_id": "my-app",
            "smtp_url": f"smtp://127.0.0.1:{self.mail.port}",
            "from": "Dropday <dropday@example.com>",
            "operator": "me@example.com",
        }.items():
            text, found = re.subn(rf'^{key} = ""$', f'{key} = "{value}"', text, flags=re.MULTILINE)
            expect(found == 1, f"{found} lines for {key} in the configuration as it came")
        file.write_text(text + f'listen = "127.0.0.1:{self.port}"\n', encoding="utf-8")
        self.machine.write(f"{CREDENTIALS}/secrets.key", base64.b64encode(bytes(range(32))).decode(), 0o600)


@contextlib.contextmanager
def _world(folder):
    with machine(folder) as computer, MailServer() as mail:
        computer.boot()
        yield World(folder, computer, mail)
        mail.shutdown()


@PART.promise("it is built, and lintian has no error and no warning for it")
def is_built(world):
    package = world.build("dropday.deb")
    print(f"    package: {package.stat().st_size / 1e6:.1f} MB", flush=True)
    run("lintian", "--allow-root", "--fail-on=error,warning", package)


@PART.promise("apt installs it, with nothing missing, and nothing is started or enabled")
def is_installed(world):
    said = world.sh("apt-get install --yes /root/dropday.deb")
    expect("Edit /etc/dropday/dropday.toml, then: sudo dropday check" in said, said)
    expect(world.service("ActiveState") == "inactive", "it is started")
    expect(world.service("UnitFileState") == "disabled", "it is enabled")
    mode = world.sh(f"stat -c '%a %U' {CONFIGURATION}").strip()
    expect(mode == "644 root", f"{CONFIGURATION} has {mode}")
    mode = world.sh(f"stat -c '%a %U' {CREDENTIALS}").strip()
    expect(mode == "700 root", f"{CREDENTIALS} has {mode}")
    manual = world.sh("ls /usr/share/man/man1/ | grep dropday")
    expect("dropday.1.gz" in manual and "dropday-check.1.gz" in manual, manual)
    world.sh("ls /usr/share/bash-completion/completions/dropday /usr/share/zsh/vendor-completions/_dropday "
             "/usr/share/fish/vendor_completions.d/dropday.fish")


@PART.promise("`dropday check` names what a newcomer has not set yet, and makes nothing")
def names_what_is_missing(world):
    code, said = world.try_to("dropday check")
    for key in ("spotify.client_id", "mail.smtp_url", "mail.from"):
        expect(f"`{key}` is not set" in said, said)
    expect(code == 78 and said.count("WRONG") == 3, f"{code}: {said}")
    expect(world.sh(f"ls {STATE}") == "", "there is something already")


@PART.promise("once that is set it is content, and says how to start; what it says starts it")
def is_started(world):
    world.configure()
    said = world.sh("dropday check")
    next_step = re.search(r"next: `(systemctl [^`]*)`", said)
    expect(next_step, said)
    world.sh(next_step[1])
    wait_until("a daemon that is healthy", world.healthy)
    expect(world.service("UnitFileState") == "enabled", "it is not enabled")
    owners = world.owners()
    expect(len(owners) == 1 and owners != {"0"}, f"the state belongs to {owners}")


@PART.promise("what root asks meanwhile, or while it is stopped, leaves nothing that the service cannot read")
def root_leaves_nothing_behind(world):
    owners = world.owners()
    for before in ("true", f"systemctl stop dropday && rm -f {STATE}/*.lock {STATE}/*-wal {STATE}/*-shm"):
        world.sh(f"{before} && dropday check && dropday status && systemctl start dropday")
        wait_until("a daemon that is healthy", world.healthy)
        world.sh("dropday health")
        expect(world.owners() == owners, f"the state belongs to {world.owners()}")


@PART.promise("an upgrade keeps configuration and state, and restarts what ran")
def is_upgraded(world):
    world.renew(world.machine.root / "root/dropday.deb", "999.0.0-1")
    before, configuration = world.service("MainPID"), world.sh(f"md5sum {CONFIGURATION}")
    world.sh("apt-get install --yes /root/newer.deb")
    expect(world.sh("dpkg-query -W -f '${Version}' dropday") == "999.0.0-1", "the version did not change")
    wait_until("another process", lambda: world.service("MainPID") not in ("0", before))
    wait_until("a daemon that is healthy", world.healthy)
    expect(world.sh(f"md5sum {CONFIGURATION}") == configuration, "the configuration was changed")


@PART.promise("one that is removed has stopped, and keeps configuration, secrets and state")
def is_removed(world):
    world.machine.write("/etc/dropday/dropday.env", "DROPDAY_LOG__LEVEL=debug\n")
    world.sh("apt-get remove --yes dropday")
    expect(not world.healthy(), "it still runs")
    kept = [CONFIGURATION, "/etc/dropday/dropday.env", f"{CREDENTIALS}/secrets.key", f"{STATE}/dropday.db"]
    world.sh(" && ".join(f"test -s {file}" for file in kept) + " && ! test -e /usr/bin/dropday")


@PART.promise("one that is purged leaves nothing, but for what the operator added in /etc/dropday")
def is_purged(world):
    world.machine.write("/etc/dropday/notes", "mine\n")
    said = world.sh("apt-get purge --yes dropday")
    expect("directory '/etc/dropday' not empty" in said, said)
    left = world.sh(
        "find / -xdev -path /proc -prune -o -path '*dropday*' -not -path '/root/*' -not -path '/var/log/*' -print"
    )
    expect(left.split() == ["/etc/dropday", "/etc/dropday/notes"], f"this is left:\n{left}")


if __name__ == "__main__":
    run_part(PART, {None: _world})
