#!/usr/bin/env python3
"""The report's page in a headless Chromium: its figures are the document's, it sorts, searches, obeys keys, fits a phone,
fetches nothing, and logs nothing. usage: page_test.py PROGRAM_CINCH [unittest arguments]"""
import os
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import page_case  # noqa: E402
from page_case import PROFILE, PageCase, cinch, skip, skip_without_browser  # noqa: E402
from page_look_test import PageLook  # noqa: E402, F401  (unittest finds it here)

CATEGORIES = ("Parameters", "Optimizer", "Gradients", "Saved tensors, decode buffers included", "Transients")


class Page(PageCase):
    # What it shows -------------------------------------------------------------------------------------------------

    def test_all_figures_are_the_documents(self):
        self.open_good(self.html)
        shown = self.figures()
        self.assertEqual({name: number for name, (number, _) in shown.items()}, self.document["figures"])
        line = cinch("report", str(PROFILE), "page.plan.json", folder=self.folder).stdout
        for words, figure in (("predicted peak", "predicted_peak_bytes"), ("limit", "limit_bytes"),
                              ("baseline", "baseline_peak_bytes"), ("floor", "floor_bytes")):
            self.assertIn(f"{words} {shown[figure][1]}", line)

    def test_bytes_are_written_as_the_programs_write_them(self):
        self.open_good(self.html)
        for count, text in ((0, "0 B"), (1023, "1023 B"), (1024, "1 KiB"), (1536, "1.5 KiB"), (1048575, "1 MiB"),
                            (354_774_221, "338.3 MiB"), (3 << 40, "3 TiB")):
            self.assertEqual(self.value(f"bytesText({count})"), text.replace(" ", "\u00a0"))

    def test_the_timelines_reach_the_peaks(self):
        self.open_good(self.html)
        unit = 1 << 20
        for name, curve in (("timeline-before", "before"), ("timeline-after", "after")):
            datasets = {d["label"]: d["data"] for d in self.chart(name)}
            sums = [sum(datasets[c][i]["y"] for c in CATEGORIES) for i in range(len(datasets["Parameters"]))]
            self.assertEqual(round(max(sums) * unit), self.document["timeline"][curve]["peak_bytes"])
            self.assertEqual([p["x"] for p in datasets["Parameters"]], self.document["timeline"]["at"])
            self.expect_drawn(name)
            marks = self.value(f"charts['{name}'].options.plugins.marks.lines.map((m) => [m.axis, m.value])")
            self.assertIn(["y", self.document["figures"]["limit_bytes"] / unit], marks)
            self.assertIn(["y", self.document["figures"]["floor_bytes"] / unit], marks)

    def test_the_layers_bars_add_up(self):
        self.open_good(self.html)
        unit = 1 << 20
        sites = self.document["sites"]
        datasets = self.chart("layers-chart")
        raw = sum(sum(d["data"]) for d in datasets if d["stack"] == "raw")
        self.assertEqual(round(raw * unit), sum(s["raw_bytes"] for s in sites))
        charged = {d["label"]: round(sum(d["data"]) * unit) for d in datasets if d["stack"] == "charged"}
        for method, count in charged.items():
            self.assertEqual(count, sum(s["charged_bytes"] for s in sites if s["method"] == method), method)
        self.assertEqual(sum(charged.values()), sum(s["charged_bytes"] for s in sites))
        legend = self.value("[...byId('layers-legend').children].map((e) => e.textContent)")
        self.assertEqual(set(legend), {"Raw", *charged})
        self.expect_drawn("layers-chart")

    def test_the_noise_adds_up(self):
        self.open_good(self.html)
        self.assertAlmostEqual(sum(sum(d["data"]) for d in self.chart("noise-chart")), 100, places=6)
        self.expect_drawn("noise-chart")

    def test_the_curve_has_all_points_and_the_chosen_one(self):
        self.open_good(self.html)
        for name, key in (("frontier-noise", "noise"), ("frontier-time", "extra_seconds")):
            chosen, line = self.chart(name)
            self.assertEqual(chosen["label"], "This plan")
            self.assertEqual([p["real"] for p in line["data"]], [p[key] for p in self.document["frontier"]["points"]])
            self.assertEqual(chosen["data"][0]["limit"], self.document["frontier"]["chosen"]["limit_bytes"])
            self.assertEqual(chosen["data"][0]["real"], self.document["frontier"]["chosen"][key])
            self.expect_drawn(name)

    def test_without_a_plan_there_is_no_after(self):
        html, document = self.make("raw", PROFILE, plan=False)
        self.open_good(html)
        self.assertTrue(self.value("byId('timeline-after-figure').hidden"))
        self.assertEqual(self.value("document.querySelectorAll('[data-figure]').length"), len(document["figures"]))
        self.assertIn("no plan", self.value("byId('notes').textContent"))
        self.expect_drawn("timeline-before")

    # The table -----------------------------------------------------------------------------------------------------

    def test_each_heading_sorts_both_ways(self):
        self.open_good(self.html)
        names = self.value("[...byId('sites-head').children].map((h) => h.dataset.key)")
        for column, key in enumerate(names):
            number = key in ("raw_bytes", "charged_bytes", "ratio", "noise_share", "seconds")
            orders = []
            for _ in range(2):
                self.value(f"byId('sites-head').children[{column}].querySelector('button').click()")
                shown = self.rows(column)
                if number:
                    shown = [float(v) for v in shown if v not in ("", "shared")]
                    self.assertEqual(len(shown), sum(not s["shared"] and key in s for s in self.document["sites"]), key)
                orders.append((self.value(f"byId('sites-head').children[{column}].getAttribute('aria-sort')"), shown))
            self.assertEqual([o[0] for o in orders], ["descending", "ascending"] if number else ["ascending", "descending"])
            for order, shown in orders:
                if number:
                    self.assertEqual(shown, sorted(shown, reverse=order == "descending"), key)
                else:
                    self.assertEqual(sorted(shown), sorted(s[key] for s in self.document["sites"]), key)
            if not number and len(set(orders[0][1])) > 1:
                self.assertNotEqual(orders[0][1], orders[1][1], key)
            self.assertEqual(self.value("document.querySelectorAll('[aria-sort=ascending], [aria-sort=descending]').length"), 1)
        self.expect_silence()

    def test_search_leaves_matching_rows_and_their_sums(self):
        self.open_good(self.html)
        sites = self.document["sites"]
        self.value("byId('search').focus()")
        for letter in "RELU mask":
            self.browser.press(letter)
        expected = [s for s in sites if s["op"] == "relu" and s["need"] == "mask"]
        self.assertEqual(self.rows(0), [s["site"] for s in expected])
        self.assertEqual(self.value("byId('count').textContent"), f"{len(expected)} of {len(sites)} sites")
        sums = self.value("Object.fromEntries([...document.querySelectorAll('[data-sum]')].map((e) => [e.dataset.sum, Number(e.dataset.value)]))")
        self.assertEqual(sums["raw_bytes"], sum(s["raw_bytes"] for s in expected))
        self.assertEqual(sums["charged_bytes"], sum(s["charged_bytes"] for s in expected))
        self.value("byId('search').value = 'nothing like it'; byId('search').dispatchEvent(new Event('input'))")
        self.assertEqual(self.rows(0), [])
        self.expect_silence()

    def test_keys_alone_reach_search_headings_and_rows(self):
        self.open_good(self.html)
        seen = []
        for _ in range(20):
            self.browser.press("Tab")
            seen.append(self.value("document.activeElement.id || document.activeElement.textContent"))
            outlined = self.value("getComputedStyle(document.activeElement).outlineStyle")
            self.assertNotEqual(outlined, "none", seen[-1])
            if seen[-1] == "Raw":
                break
        self.assertTrue(seen[0].startswith("Skip"), seen)
        self.assertLess(seen.index("search"), seen.index("sites-box"), seen)
        self.assertEqual(seen[-1], "Raw", seen)
        self.browser.press("Enter")
        shown = [float(v) for v in self.rows(5) if v != "shared"]
        self.assertEqual(shown, sorted(shown, reverse=True))
        self.assertEqual(self.value("document.activeElement.textContent"), "Raw")


def main():
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    page_case.program = os.path.abspath(sys.argv.pop(1))
    if (code := skip_without_browser()) is not None:
        return code
    with tempfile.TemporaryDirectory() as folder:
        ended = cinch("report", str(PROFILE), folder=folder)
    if ended.returncode == 2 and "libjs-chart.js" in ended.stderr:
        return skip(ended.stderr.strip())
    unittest.main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
