"""What tests of metrics share: Prometheus' text format, programs that run beside the test, waiting for what comes."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SITE_LABELS = ("layer", "op", "occurrence", "slot")
PATIENCE_SECONDS = 300  # a broken test ends at some time; nothing is measured by it

SAMPLE = re.compile(r'^(\w+)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)",?')


def skip(reason, of_the_machine=False):
    """CI, which installs all that tests need, asks for a failure instead; how a machine is set up is not CI's choice."""
    required = os.environ.get("CINCH_TEST_REQUIRE", "") not in ("", "0") and not of_the_machine
    expect(not required, f"CINCH_TEST_REQUIRE is set, and {reason}")
    print(f"skipped: {reason}")
    sys.exit(77)


def need_programs(*names):
    for name in names:
        if shutil.which(name) is None:
            skip(f"no program {name} (Debian: prometheus; scripts/setup.sh --peers)")


def expect(condition, message):
    if not condition:
        print(f"FAILED: {message}", file=sys.stderr)
        sys.exit(1)


def unescape(text):
    return re.sub(r"\\(.)", lambda match: {"n": "\n"}.get(match[1], match[1]), text)


def parse(text):
    """{name: [(labels, value)]} of the text format."""
    samples = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        match = SAMPLE.match(line)
        expect(match is not None, f"not a sample: {line}")
        labels = {name: unescape(value) for name, value in LABEL.findall(match[2] or "")}
        samples.setdefault(match[1], []).append((labels, float(match[3])))
    return samples


def families(text):
    """The names after # TYPE."""
    return {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ")}


def get(url):
    with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS) as answer:
        return answer.read().decode()


def wait_for(what, question, process=None):
    """Asks until the answer is true, and returns it."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if process is not None:
            expect(process.poll() is None, f"a program ended while waiting for {what}")
        try:
            answer = question()
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            answer = None
        if answer:
            return answer
        time.sleep(0.1)
    expect(False, f"waited in vain for {what}")
    return None


class Monitored:
    """cinch-monitored: a training that stops after each round."""

    def __init__(self, program, *arguments):
        self.process = subprocess.Popen([program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.report = None
        self.read()

    def read(self):
        line = self.process.stdout.readline()
        expect(line != "", "the training ended early")
        self.report = json.loads(line)

    def next_round(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.read()

    def url(self):
        return f"http://{self.report['address']}/metrics"

    def end(self):
        self.process.stdin.write("\n")
        self.process.stdin.close()
        expect(self.process.wait() == 0, "the training failed")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def key_of(labels):
    return tuple(labels.get(name, "") for name in SITE_LABELS)


def expect_sites(samples, report, where):
    """Each site's series against the guard's own figures: bytes to the last one. samples: {metric: [(labels, value)]}"""
    sites = {key_of(site): site for site in report["sites"]}
    expect(len(sites) == len(report["sites"]) and len(sites) > 5, f"{where}: the guard knows {len(sites)} sites")
    for metric, field, exact in (("cinch_site_charged_bytes", "charged_bytes", True),
                                 ("cinch_site_raw_bytes", "raw_bytes", True),
                                 ("cinch_site_pack_seconds_total", "pack_seconds", False),
                                 ("cinch_site_unpack_seconds_total", "unpack_seconds", False)):
        found = {key_of(labels): value for labels, value in samples.get(metric, [])}
        expect(len(found) == len(samples.get(metric, [])), f"{where}: {metric} has a series twice")
        expect(found.keys() == sites.keys(), f"{where}: {metric} has other sites: {found.keys() ^ sites.keys()}")
        for key, value in found.items():
            expected = sites[key][field]
            same = value == expected if exact else abs(value - expected) <= 1e-9 + 1e-9 * expected
            expect(same, f"{where}: {metric} of {key} is {value}, the guard says {expected}")
    for labels, value in samples["cinch_site_noise_ratio"]:
        variance = sites[key_of(labels)]["noise_variance"]
        expect(abs(value * value - variance) <= 1e-9 * (1 + variance), f"{where}: noise of {key_of(labels)}")
    expect(any(value > 0 for _, value in samples["cinch_site_noise_ratio"]), f"{where}: no site adds noise")
    for labels, value in samples["cinch_site_info"]:
        expect(value == 1 and labels["codec"] == sites[key_of(labels)]["codec"], f"{where}: method of {key_of(labels)}")
    total = sum(value for _, value in samples["cinch_site_charged_bytes"])
    expected = sum(site["charged_bytes"] for site in report["sites"])
    expect(total == expected and total > 0, f"{where}: {total} bytes in all, the ledger has {expected}")
