#!/usr/bin/env python3
"""The report's page in a headless Chromium: its figures are the document's, it sorts, searches, obeys keys, fits a phone,
fetches nothing, and logs nothing. usage: page_test.py PROGRAM_CINCH [unittest arguments]"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import browser as chromium  # noqa: E402

PROFILE = pathlib.Path(__file__).resolve().parent.parent / "planner" / "data" / "network.profile.json"
SKIPPED = 77
BEGIN, END = '<script type="application/json" id="report-data">', "</script>"
CATEGORIES = ("Parameters", "Optimizer", "Gradients", "Saved tensors, decode buffers included", "Transients")
program = None


def cinch(*arguments, folder):
    return subprocess.run([program, *arguments], cwd=folder, capture_output=True, text=True, check=False)


def with_document(html, document):
    """The same page for another document."""
    begin = html.index(BEGIN) + len(BEGIN)
    return html[:begin] + json.dumps(document).replace("<", "\\u003c") + html[html.index(END, begin):]


class Page(unittest.TestCase):
    maxDiff = 2000

    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.scratch.name)
        cls.browser = chromium.Browser(chromium.find_program())
        cls.html, cls.document = cls.make("page", PROFILE)

    @classmethod
    def tearDownClass(cls):
        cls.browser.__exit__()
        cls.scratch.cleanup()

    @classmethod
    def make(cls, name, profile, plan=True):
        commands = [["report", str(profile), "-o", name + ".html", "--json", name + ".json"]]
        if plan:
            commands.insert(0, ["plan", str(profile), "--budget", "floor+12%", "-o", name + ".plan.json"])
            commands[1].insert(2, name + ".plan.json")
        for command in commands:
            ended = cinch(*command, folder=cls.folder)
            if ended.returncode != 0:
                raise RuntimeError(ended.stderr)
        return ((cls.folder / (name + ".html")).read_text(encoding="utf-8"),
                json.loads((cls.folder / (name + ".json")).read_text(encoding="utf-8")))

    def open(self, html, width=1280, height=900, dark=False):
        path = self.folder / "shown.html"
        path.write_text(html, encoding="utf-8")
        self.browser.screen(width, height, dark)
        self.browser.open(path)

    def open_good(self, html, **screen):
        self.open(html, **screen)
        self.expect_silence()

    def expect_silence(self):
        self.assertEqual(self.browser.complaints, [])
        self.assertEqual([url for url in self.browser.requests if not url.startswith(("file:///", "data:"))], [])
        self.assertEqual(len([url for url in self.browser.requests if url.startswith("file:///")]), 1)
        self.assertEqual(self.browser.value("document.documentElement.dataset.ready"), "yes")

    def value(self, expression):
        return self.browser.value(expression)

    def chart(self, name):
        return self.value(f"charts['{name}'].data.datasets.map((d) => ({{label: d.label, stack: d.stack, data: d.data}}))")

    def expect_drawn(self, name):
        colours = self.value(
            f"(() => {{ const c = byId('{name}'), p = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
            " const seen = new Set(); for (let i = 0; i < p.length; i += 4)"
            " if (p[i + 3]) seen.add((p[i] << 16) + (p[i + 1] << 8) + p[i + 2]); return seen.size; })()")
        self.assertGreater(colours, 3, name)
        self.assertTrue(self.value(f"byId('{name}').getAttribute('aria-label')"), name)

    # What it shows -------------------------------------------------------------------------------------------------

    def test_all_figures_are_the_documents(self):
        self.open_good(self.html)
        shown = self.value("Object.fromEntries([...document.querySelectorAll('[data-figure]')]"
                           ".map((e) => [e.dataset.figure, Number(e.dataset.value)]))")
        self.assertEqual(shown, self.document["figures"])
        texts = self.value("Object.fromEntries([...document.querySelectorAll('[data-figure]')]"
                           ".map((e) => [e.dataset.figure, e.textContent.replaceAll('\\u00a0', ' ')]))")
        line = cinch("report", str(PROFILE), "page.plan.json", folder=self.folder).stdout
        for words, figure in (("predicted peak", "predicted_peak_bytes"), ("limit", "limit_bytes"),
                              ("baseline", "baseline_peak_bytes"), ("floor", "floor_bytes")):
            self.assertIn(f"{words} {texts[figure]}", line)

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

    def rows(self, column):
        return self.value(f"[...byId('sites-body').rows].filter((r) => !r.hidden).map((r) => {{"
                          f" const c = r.cells[{column}]; return c.dataset.value ?? c.textContent; }})")

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

    # Sizes and colours -----------------------------------------------------------------------------------------------

    def test_it_fits_screens_from_a_phone_up(self):
        for width in (320, 360, 768, 1024, 1920):
            self.open_good(self.html, width=width, height=780)
            self.assertLessEqual(self.value("document.documentElement.scrollWidth"), width)
            wide = self.value("[...document.querySelectorAll('body *')].filter((e) => !e.closest('.table-box') && !e.closest('.skip')"
                              " && e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.id || e.className)")
            self.assertEqual(wide, [], width)
            for name in ("timeline-before", "layers-chart", "frontier-noise"):
                self.expect_drawn(name)
        self.open_good(self.html, width=360, height=780)
        self.assertGreater(self.value("byId('sites-box').scrollWidth"), self.value("byId('sites-box').clientWidth"))
        self.assertGreaterEqual(self.value("parseFloat(getComputedStyle(document.body).fontSize)"), 15)

    def test_light_and_dark_follow_the_user_at_once(self):
        self.open_good(self.html)
        probe = "[getComputedStyle(document.body).backgroundColor, charts['timeline-after'].data.datasets[3].backgroundColor]"
        light = self.value(probe)
        self.browser.screen(1280, 900, dark=True)
        self.browser.settle()
        dark = self.value(probe)
        self.assertNotEqual(light[0], dark[0])
        self.assertNotEqual(light[1], dark[1])
        self.open_good(self.html, dark=True)
        self.assertEqual(self.value(probe), dark)
        self.expect_silence()

    def test_texts_stand_out_from_what_is_behind_them(self):
        def luminance(colour):
            parts = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
            r, g, b = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
            return 0.2126 * r + 0.7152 * g + 0.0722 * b

        for dark in (False, True):
            self.open_good(self.html, dark=dark)
            for behind in ("card", "page"):
                for name in ("text", "soft", "accent", "good", "bad", "limit", "floor"):
                    pair = [self.value(f"colour('{c}')") for c in (name, behind)]
                    bright, dim = sorted(map(luminance, pair), reverse=True)
                    self.assertGreaterEqual((bright + 0.05) / (dim + 0.05), 4.5, (name, behind, dark))

    # Hard cases ------------------------------------------------------------------------------------------------------

    def test_names_stay_text(self):
        profile = json.loads(PROFILE.read_text(encoding="utf-8"))
        names = ["</script><script>document.title = 'taken'</script>", "<img src=x onerror=\"document.title='taken'\">",
                 "<!--<script>", "__proto__", "\u202eevil & \"quoted\" 'name'"]
        for site, name in zip(profile["sites"], names):
            site["layer"], site["name"] = name, name + "/" + site["name"]
        path = self.folder / "<b>names.json"
        path.write_text(json.dumps(profile), encoding="utf-8")
        html, document = self.make("names", path)
        self.open_good(html)
        self.assertEqual(self.value("document.title"), "<b>names - cinch report")
        self.assertEqual(self.rows(1), [s["layer"] for s in document["sites"]])
        self.assertEqual(self.value("document.querySelectorAll('img, b').length"), 0)
        self.assertEqual(sum(s["raw_bytes"] for s in document["sites"]),
                         round(sum(sum(d["data"]) for d in self.chart("layers-chart") if d["stack"] == "raw") * (1 << 20)))

    def test_thousands_of_sites_and_layers(self):
        document = json.loads(json.dumps(self.document))
        document["sites"] = [{**s, "site": f"block{i}." + s["site"], "layer": f"block{i}." + s["layer"]}
                             for i in range(250) for s in self.document["sites"]]
        document["layers"] = [{**s, "layer": f"block{i}." + s["layer"]} for i in range(250) for s in self.document["layers"]]
        self.open_good(with_document(self.html, document))
        self.assertEqual(len(self.rows(0)), 250 * len(self.document["sites"]))
        total = sum(layer["raw_bytes"] for layer in document["layers"])
        shown = "charts['layers-chart'].data.datasets[0].data"
        for most in (20, 400):
            self.assertEqual(self.value(shown + ".length"), most)
            drawn = self.value(shown + ".reduce((a, b) => a + b)") * (1 << 20)
            self.assertEqual(round(drawn) + int(self.value("byId('layers-rest').dataset.value")), total)
            self.value("byId('layers-more').click()")
        self.assertEqual(self.value(shown + ".length"), 20)
        self.expect_drawn("layers-chart")
        self.value("byId('sites-head').children[5].querySelector('button').click()")
        self.value("byId('search').value = 'block249. relu'; byId('search').dispatchEvent(new Event('input'))")
        self.assertEqual(len(self.rows(0)), sum("relu" in s["site"] for s in self.document["sites"]))
        self.expect_silence()

    def test_an_exact_plan_has_no_noise_to_draw(self):
        ended = cinch("plan", str(PROFILE), "--budget", "exact", "-o", "exact.plan.json", folder=self.folder)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertEqual(cinch("report", str(PROFILE), "exact.plan.json", "-o", "exact.html", folder=self.folder).returncode, 0)
        self.open_good((self.folder / "exact.html").read_text(encoding="utf-8"))
        self.assertTrue(self.value("byId('noise-plot').hidden"))

    # The test itself -------------------------------------------------------------------------------------------------

    def test_what_is_wrong_would_be_noticed(self):
        """Each of these copies is broken, and the check that all others rely on must say so."""
        broken = {
            "throws": self.html.replace("drawAll();\nfillTable();", "drawAll();\nmissing();\nfillTable();"),
            "logs": self.html.replace("drawAll();\nfillTable();", "console.error('no');\ndrawAll();\nfillTable();"),
            "does not parse": self.html.replace("'use strict';", "'use strict'; }", 1),
            "fetches a picture": self.html.replace("<main>", '<main><img src="https://example.invalid/a.png">'),
            "fetches a file": self.html.replace("<main>", '<main><img src="other.png">'),
            "has damaged data": self.html.replace('"schema":"cinch.report/1",', '"schema":'),
        }
        for name, html in broken.items():
            self.assertNotEqual(html, self.html, name)
            self.open(html)
            with self.assertRaises(AssertionError, msg=name):
                self.expect_silence()
        self.open_good(self.html)


def main():
    global program
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    program = os.path.abspath(sys.argv.pop(1))
    if not chromium.find_program():
        print("skipped: no Chromium on this machine (Debian package chromium; scripts/setup.sh --peers)")
        return SKIPPED
    with tempfile.TemporaryDirectory() as folder:
        ended = cinch("report", str(PROFILE), folder=folder)
    if ended.returncode == 2 and "libjs-chart.js" in ended.stderr:
        print("skipped: " + ended.stderr.strip())
        return SKIPPED
    unittest.main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
