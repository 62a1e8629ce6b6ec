#!/usr/bin/env python3
"""What a training process answers to a scrape: promtool's checks, the guard's figures, and all that rules, dashboard
and document name. Usage: scrape_test.py CINCH_MONITORED"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

from support import ROOT, Monitored, expect, expect_sites, families, get, need_programs, parse


def check_metrics(text):
    run = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
    return run.returncode, run.stdout + run.stderr


def base_name(metric):
    return re.sub(r"_(bucket|sum|count)$", "", metric)


def metrics_in(text):
    return {base_name(name) for name in re.findall(r"(?<![\w:])cinch_\w+", text)}


def dashboard_queries():
    dashboard = json.loads((ROOT / "docs/monitoring/grafana.json").read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    return queries + [variable["query"] for variable in dashboard["templating"]["list"]]


def expect_usage(samples, report, where):
    for metric, field in (("cinch_limit_bytes", "limit_bytes"), ("cinch_device_peak_bytes", "device_peak_bytes"),
                          ("cinch_floor_bytes", "floor_bytes"), ("cinch_raw_bytes", "raw_bytes"),
                          ("cinch_charged_bytes", "charged_bytes"), ("cinch_steps_total", "steps"),
                          ("cinch_gradient_noise_ratio", "gradient_noise"),
                          ("cinch_effective_batch_ratio", "effective_batch"),
                          ("cinch_step_duration_seconds_count", "steps")):
        expect(metric in samples, f"{where}: no {metric}")
        [(labels, value)] = samples[metric]
        expect(labels == {"device": "cpu", "rank": "0"}, f"{where}: labels of {metric} are {labels}")
        expect(abs(value - report[field]) <= 1e-12 * abs(report[field]), f"{where}: {metric} {value}, not {report[field]}")


def main():
    need_programs("promtool")
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "cinch.prom"
        with Monitored(sys.argv[1], str(file)) as training:
            expect_usage(parse(get(training.url())), training.report, "first round")
            training.next_round()
            text, written = get(training.url()), file.read_text()
            for where, got in (("scrape", text), ("file", written)):
                expect_usage(parse(got), training.report, where)
                expect_sites(parse(got), training.report, where)
            training.next_round()
            later = parse(get(training.url()))
            training.end()
    for where, got in (("scrape", text), ("file", written)):
        code, said = check_metrics(got)
        expect(code == 0, f"promtool on the {where}: {said}")
    code, _ = check_metrics(text.replace("cinch_steps_total", "cinch_steps"))
    expect(code != 0, "promtool lets a counter without _total pass")
    for name, samples in parse(text).items():
        if name.startswith("cinch_") and name.endswith(("_total", "_count", "_bucket")):
            before = {tuple(sorted(labels.items())): value for labels, value in samples}
            after = {tuple(sorted(labels.items())): value for labels, value in later[name]}
            expect(all(after[key] >= value for key, value in before.items()), f"{name} went down")
    there = {name for name in families(text) if name.startswith("cinch_")}
    rules = (ROOT / "docs/monitoring/cinch.rules.yml").read_text()
    for where, wanted in (("rules", metrics_in(rules)), ("dashboard", metrics_in("\n".join(dashboard_queries()))),
                          ("docs/metrics.md", metrics_in((ROOT / "docs/metrics.md").read_text()))):
        expect(wanted and wanted <= there, f"{where}: there are no metrics {wanted - there}")
    print(f"{len(there)} metrics, {len(later['cinch_site_charged_bytes'])} sites")


if __name__ == "__main__":
    sys.exit(main())
