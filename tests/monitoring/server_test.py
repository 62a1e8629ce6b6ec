#!/usr/bin/env python3
"""A real Prometheus server scrapes a training process once a second; over its HTTP API it must have what the guard's
ledger has, site by site. Usage: server_test.py CINCH_MONITORED"""
import contextlib
import json
import pathlib
import socket
import subprocess
import sys
import tempfile
import urllib.parse

from scrape_test import dashboard_queries
from support import ROOT, Monitored, expect, expect_sites, get, need_programs, wait_for

CONFIG = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{rules}]
scrape_configs:
  - {{job_name: cinch, static_configs: [{{targets: ["{target}"]}}]}}
"""


def free_port():
    with contextlib.closing(socket.socket()) as tried:
        tried.bind(("127.0.0.1", 0))
        return tried.getsockname()[1]


class Server:
    """Debian's prometheus in a folder of its own."""

    def __init__(self, folder, target):
        (folder / "prometheus.yml").write_text(CONFIG.format(rules=ROOT / "docs/monitoring/cinch.rules.yml", target=target))
        self.log = open(folder / "log", "w", encoding="utf-8")
        self.url = f"http://127.0.0.1:{free_port()}"
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
             f"--web.listen-address={self.url[7:]}", "--log.level=warn"], stdout=self.log, stderr=self.log)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.log.close()

    def query(self, expression):
        """[(labels, value)] at this moment."""
        answer = json.loads(get(f"{self.url}/api/v1/query?" + urllib.parse.urlencode({"query": expression})))
        return [(item["metric"], float(item["value"][1])) for item in answer["data"]["result"]]


def expect_ledger(server, report, process):
    """Waits for the scrape that has the report's last step; the training stands still after it."""
    wait_for(f"step {report['steps']} in Prometheus",
             lambda: [value for _, value in server.query("cinch_steps_total")] == [report["steps"]], process)
    metrics = ("charged_bytes", "raw_bytes", "pack_seconds_total", "unpack_seconds_total", "noise_ratio", "info")
    samples = {f"cinch_site_{name}": server.query(f"cinch_site_{name}") for name in metrics}
    expect_sites(samples, report, "Prometheus")
    [(_, total)] = server.query("sum(cinch_site_charged_bytes)")
    expect(total == sum(site["charged_bytes"] for site in report["sites"]), f"the sum in Prometheus is {total}")


def expect_dashboard(server):
    """Every query of the dashboard is one that Prometheus answers, with something."""
    values = {"$job": ".*", "$device": ".*", "$rank": ".*", "$__rate_interval": "1m"}
    for query in dashboard_queries():
        if query == "prometheus" or query.startswith("label_values"):
            continue
        for name, value in values.items():
            query = query.replace(name, value)
        wait_for(f"an answer to {query}", lambda query=query: server.query(query), server.process)


def main():
    need_programs("prometheus")
    with tempfile.TemporaryDirectory() as name, Monitored(sys.argv[1]) as training:
        with Server(pathlib.Path(name), training.report["address"]) as server:
            wait_for("the server", lambda: get(f"{server.url}/-/ready"), server.process)
            for _ in range(2):
                expect_ledger(server, training.report, server.process)
                training.next_round()
            expect_ledger(server, training.report, server.process)
            expect_dashboard(server)
            [(labels, used)] = wait_for("a record", lambda: server.query("device_rank:cinch_limit_used:ratio"), server.process)
            expect(labels["device"] == "cpu" and 0 < used < 1, f"the record is {used} of {labels}")
            training.end()
            wait_for("the end of the series", lambda: not server.query("cinch_site_charged_bytes"), server.process)
    print(f"Prometheus had {len(training.report['sites'])} sites of three rounds as the guard's ledger has them")


if __name__ == "__main__":
    sys.exit(main())
