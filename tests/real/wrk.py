"""`wrk`, which asks one server as fast as it answers (https://github.com/wg/wrk)."""

import json
import re
import subprocess

from harness import expect

# Each request asks for the next address of the list.
_SCRIPT = """
local paths = {}
for path in io.lines(%s) do paths[#paths + 1] = path end
local turn = 0
request = function()
  turn = turn %% #paths + 1
  return wrk.format("GET", paths[turn])
end
"""


class Wrk:
    def __init__(self, folder, base, paths, token):
        self._base, self._token = base, token
        listed, self._script = folder / "paths.txt", folder / "paths.lua"
        listed.write_text("\n".join(paths) + "\n", encoding="ascii")
        # JSON's strings are Lua's where there are plain letters alone.
        self._script.write_text(_SCRIPT % json.dumps(str(listed)), encoding="utf-8")

    def answers_a_second(self, connections, seconds):
        command = [
            "wrk", "--threads", "1", "--connections", connections, "--duration", f"{seconds}s", "--timeout", "10s",
            "--header", f"Authorization: Bearer {self._token}", "--script", self._script, self._base,
        ]  # fmt: skip
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=60 + seconds, check=False)
        expect(done.returncode == 0 and "Non-2xx" not in done.stdout, f"wrk said:\n{done.stdout}{done.stderr}")
        return float(re.search(r"^Requests/sec:\s+([\d.]+)", done.stdout, re.MULTILINE)[1])
