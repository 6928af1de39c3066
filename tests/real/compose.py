"""`compose.yaml`, brought up by Debian's docker-compose, with two things of its own: the image that is built already,
and somebody else's program where the inbox is, since nothing can be pulled here."""

import json
import os

from harness import free_port
from roots import run

# As much of a mail server as `dropday check` asks for, in what every Debian has.
MAIL_SERVER = r"""
    my $door = IO::Socket::INET->new(LocalPort => 1025, Listen => 5, ReuseAddr => 1) or die;
    while (my $caller = $door->accept) {
        print $caller "220 mail ESMTP\r\n";
        while (<$caller>) {
            if (/^QUIT/i) { print $caller "221 bye\r\n"; last }
            print $caller "250 yes\r\n";
        }
    }
"""


class Compose:
    def __init__(self, source, folder, socket, image, debian):
        self.port = free_port()
        text = (source / "compose.yaml").read_text("utf-8")
        for theirs, ours in {
            "build: .": f"image: {image}",
            "127.0.0.1:8888:8888": f"127.0.0.1:{self.port}:8888",
            "127.0.0.1:8025:8025": f"127.0.0.1:{free_port()}:8025",
        }.items():
            if theirs not in text:
                raise AssertionError(f"compose.yaml has no `{theirs}`")
            text = text.replace(theirs, ours)
        file, stand_in = folder / "compose.yaml", folder / "stand-in.json"
        file.write_text(text, encoding="utf-8")
        mail = {"image": debian, "entrypoint": ["perl", "-MIO::Socket::INET", "-e", MAIL_SERVER.replace("$", "$$")]}
        # Nobody outside is asked.
        dropday = {"environment": {"DROPDAY_HINTS__ENABLED": "false"}}
        stand_in.write_text(json.dumps({"services": {"mail": mail, "dropday": dropday}}), encoding="utf-8")
        self._command = ["docker-compose", "--project-name", image, "--file", file, "--file", stand_in]
        self._environment = {**os.environ, "DOCKER_HOST": f"unix://{socket}", "DROPDAY_SPOTIFY__CLIENT_ID": "my-app"}

    def __call__(self, *arguments):
        return run(*self._command, *arguments, seconds=120, env=self._environment)
