#!/usr/bin/env python3
"""The page of a training, as cinch-train --report writes it, in a headless Chromium: what was measured is drawn, and is what
the results have. usage: trained_page_test.py CINCH_TRAIN [unittest arguments]"""
import json
import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from page_case import BrowserCase, document_of, skip, skip_without_browser, with_document  # noqa: E402

STEPS = 4
# Below what the first steps need while nothing is planned, so that the reclaimer works.
LIMIT = "45MiB"
trainer = None  # cinch-train, named on the command line


def train(folder):
    """The finished process; its results are in result.json, its page in page.html."""
    text = pathlib.Path(folder) / "text.txt"
    text.write_text("".join(chr(97 + i * i % 23) for i in range(20000)), encoding="utf-8")
    return subprocess.run([trainer, "--model=gpt", "--text=text.txt", "--batch=4", f"--steps={STEPS}", f"--budget={LIMIT}",
                           "--baseline", "--eval-samples=0", "--quiet", "--json=result.json", "--report=page.html"],
                          cwd=folder, capture_output=True, text=True, check=False)


def bytes_text(count):
    return f"{round(count / (1 << 20), 1):g} MiB"


class TrainedPage(BrowserCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        ended = train(cls.folder)
        if ended.returncode != 0:
            raise RuntimeError(ended.stderr)
        cls.html = (cls.folder / "page.html").read_text(encoding="utf-8")
        [cls.row] = json.loads((cls.folder / "result.json").read_text(encoding="utf-8"))["rows"]

    def about(self, figure):
        """What stands under a figure, and whether it is called good or bad."""
        return self.value(f"(() => {{ const e = document.querySelector('[data-figure={figure}] + .about');"
                          " return [e.textContent.replaceAll('\\u00a0', ' '),"
                          " [...e.classList].filter((name) => name === 'good' || name === 'bad')]; })()")

    def test_measured_figures_are_the_results(self):
        self.open_good(self.html)
        shown = self.figures()
        for figure, key in (("measured_peak_bytes", "peak_bytes"), ("measured_baseline_peak_bytes", "baseline_peak_bytes"),
                            ("limit_bytes", "limit_bytes"), ("floor_bytes", "floor_bytes")):
            self.assertEqual(shown[figure], (self.row[key], bytes_text(self.row[key])), figure)
        self.assertEqual(shown["steps"], (STEPS, str(STEPS)))
        self.assertEqual(self.row["steps"], STEPS)
        self.assertEqual(shown["step_seconds"][0], self.row["step_seconds"])
        # Were they the same, one in the place of another would not be noticed.
        peaks = {shown[kind + "_peak_bytes"][0] for kind in ("measured", "predicted", "measured_baseline")}
        self.assertEqual(len(peaks), 3, shown)

    def test_reclaims_stand_under_the_steps(self):
        self.open_good(self.html)
        self.assertGreater(self.row["reclaims"], 1)
        self.assertEqual(self.row["steps_over_limit"], 0)
        self.assertEqual(self.about("steps"), [f"{self.row['reclaims']} reclaims", []])

    def test_the_verdict_is_of_the_measured_peak(self):
        self.open_good(self.html)
        peak, limit, stock = (self.row[key] for key in ("peak_bytes", "limit_bytes", "baseline_peak_bytes"))
        said = self.value("byId('verdict').textContent.replaceAll('\\u00a0', ' ')")
        less = f"{100 * (1 - peak / stock):.3g} % less than the baseline"
        self.assertIn(f"The measured peak was {bytes_text(peak)}, {less}, within the limit of {bytes_text(limit)}", said)
        text, kind = self.about("measured_peak_bytes")
        self.assertTrue(text.endswith(" below the limit"), text)
        self.assertEqual(kind, ["good"])
        main = self.value("[...document.querySelectorAll('.figure.main [data-figure]')].map((e) => e.dataset.figure)")
        self.assertEqual(main, ["measured_peak_bytes"])

    def test_steps_above_the_limit_stand_there_instead_of_reclaims(self):
        document = document_of(self.html)
        document["figures"]["steps_over_limit"] = 1
        document["figures"]["measured_peak_bytes"] = self.row["limit_bytes"] + (3 << 20)
        self.open_good(with_document(self.html, document))
        self.assertEqual(self.about("steps"), ["1 step above the limit", ["bad"]])
        self.assertEqual(self.about("measured_peak_bytes"), ["3 MiB above the limit", ["bad"]])

    def test_charts_and_table_are_drawn(self):
        self.open_good(self.html)
        for name in ("timeline-before", "timeline-after", "layers-chart", "frontier-noise"):
            self.expect_drawn(name)
        self.assertEqual(self.rows(0), [site["site"] for site in document_of(self.html)["sites"]])
        self.assertGreater(len(self.rows(0)), 5)


def main():
    global trainer
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    trainer = os.path.abspath(sys.argv.pop(1))
    if (code := skip_without_browser()) is not None:
        return code
    # Refused in any case, and first of all for the want of a page.
    said = subprocess.run([trainer, "--report=-"], capture_output=True, text=True, check=False).stderr
    if "libjs-chart.js" in said:
        return skip(said.strip())
    unittest.main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
