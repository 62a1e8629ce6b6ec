#!/usr/bin/env python3
"""docs/monitoring/cinch.rules.yml by promtool: it is well formed, each rule does what tests/monitoring/rules_test.yml
says, and these tests notice a rule that is changed."""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from support import ROOT, expect, need_programs

RULES = ROOT / "docs/monitoring/cinch.rules.yml"
TESTS = ROOT / "tests/monitoring/rules_test.yml"
# Text of the rules -> a mistake.
MISTAKES = {"> 0.95": "> 0.99", "> 1\n": "> 2\n", "for: 10m": "for: 1h", "[10m]) > 0": "[10m]) > 100",
            "cinch_effective_batch_ratio <": "cinch_effective_batch_ratio <=", "for: 5m": "for: 3m",
            "[15m]) == 0": "[15m]) == 5", " offset 15m": "", "(cinch_raw_bytes > 0)": "cinch_raw_bytes",
            "ratio ^ 2": "ratio", "(op, occurrence, slot)": "(op, slot)", "sum[5m]": "count[5m]"}


def tests_pass(folder, rules):
    (folder / "cinch.rules.yml").write_text(rules)
    return subprocess.run(["promtool", "test", "rules", "rules_test.yml"], cwd=folder, capture_output=True, text=True)


def main():
    need_programs("promtool")
    subprocess.run(["promtool", "check", "rules", str(RULES)], check=True)
    rules = RULES.read_text()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        shutil.copy(TESTS, folder)
        run = tests_pass(folder, rules)
        expect(run.returncode == 0, run.stdout + run.stderr)
        for right, wrong in MISTAKES.items():
            expect(right in rules, f"the rules have no '{right}' any more")
            expect(tests_pass(folder, rules.replace(right, wrong)).returncode != 0, f"'{wrong}' for '{right}' was not noticed")
    defined = set(re.findall(r"(?:alert|record): (\S+)", rules))
    tested = set(re.findall(r"(?:alertname: |expr: )([\w:]+)", TESTS.read_text()))
    expect(defined == tested, f"rules without a test, or tests without a rule: {defined ^ tested}")
    documented = set(re.findall(r"^\| `(Cinch\w+)` \|", (ROOT / "docs/metrics.md").read_text(), re.M))
    alerts = set(re.findall(r"alert: (\S+)", rules))
    expect(documented == alerts, f"docs/metrics.md has other alerts: {documented ^ alerts}")
    print(f"{len(defined)} rules hold, {len(MISTAKES)} mistakes are noticed")


if __name__ == "__main__":
    sys.exit(main())
