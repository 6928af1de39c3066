"""`/metrics`, the alert rules and the dashboard, as Prometheus and its promtool see them."""

import contextlib
import json
import subprocess
import urllib.parse
import urllib.request

from dropday import Dropday, agree_at_fake_world, fake_world, sign_in
from harness import HERE, Part, expect, free_port, program, run_part, wait_until

PART = Part("metrics")
OPS = HERE.parents[1] / "ops"
RULES = OPS / "alerts.yml"

PROMETHEUS_SETTINGS = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: ["{rules}"]
scrape_configs:
  - job_name: dropday
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


class World:
    def __init__(self, folder, spotify):
        self.folder = folder
        self.port = free_port()
        self.dropday = Dropday(folder, **spotify.settings, metrics__listen=f"127.0.0.1:{self.port}")

    def scrape(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=15) as response:
            return response.read().decode()


@contextlib.contextmanager
def _world(folder):
    with fake_world(folder) as spotify:
        world = World(folder, spotify)
        with world.dropday.serving():
            yield world


def promtool(*arguments, given=None):
    command = ["promtool", *arguments]
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


@PART.promise("promtool finds nothing wrong with a scrape after somebody signed in, nor anything to improve")
def scrape_is_good(world):
    sign_in(world.dropday, agree_at_fake_world)
    page = wait_until(
        "somebody in the metrics",
        lambda: (page := world.scrape()) and 'dropday_users{state="connected"} 1' in page and page,
    )
    code, said = promtool("check", "metrics", given=page)
    expect((code, said) == (0, ""), f"promtool check metrics ended with {code}:\n{said}")


@PART.promise("promtool takes the alert rules")
def rules_are_good(_):
    code, said = promtool("check", "rules", str(RULES))
    expect(code == 0, f"promtool check rules ended with {code}:\n{said}")


@PART.promise("the alerts fire when they should, and are silent when not")
def alerts_fire(_):
    code, said = promtool("test", "rules", str(OPS / "alerts_test.yml"))
    expect(code == 0, f"promtool test rules ended with {code}:\n{said}")


@PART.promise("Prometheus scrapes it, evaluates every rule and answers every query of the dashboard")
def prometheus_is_served(world):
    port = free_port()
    settings = world.folder / "prometheus.yml"
    settings.write_text(PROMETHEUS_SETTINGS.format(rules=RULES, port=world.port), encoding="utf-8")
    command = [
        "prometheus",
        f"--config.file={settings}",
        f"--storage.tsdb.path={world.folder}/prometheus",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with program(command, world.folder / "prometheus.log", port):

        def ask(path, **parameters):
            address = f"http://127.0.0.1:{port}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
            with urllib.request.urlopen(address, timeout=10) as response:
                return json.load(response)["data"]

        def is_up():
            with contextlib.suppress(OSError):
                up = ask("query", query='up{job="dropday"}')["result"]
                return up and up[0]["value"][1] == "1"

        wait_until("Prometheus to have scraped", is_up)

        def evaluated():
            rules = [rule for group in ask("rules")["groups"] for rule in group["rules"]]
            return rules if all(rule["health"] != "unknown" for rule in rules) else None

        rules = wait_until("the rules to be evaluated", evaluated)
        ill = [rule["name"] for rule in rules if rule["health"] != "ok"]
        expect(rules and not ill, f"of {len(rules)} rules these cannot be evaluated: {ill}")
        asked = queries()
        expect(asked, "the dashboard asks nothing")
        # What grows can be told from the second scrape on.
        for query in asked:
            wait_until(f"an answer to {query}", lambda query=query: ask("query", query=query)["result"])


def queries():
    """Those of the dashboard."""
    dashboard = json.loads((OPS / "grafana-dashboard.json").read_text(encoding="utf-8"))
    return [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]


if __name__ == "__main__":
    run_part(PART, {None: _world})
