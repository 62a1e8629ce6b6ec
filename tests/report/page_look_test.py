"""How the report's page looks, what it makes of hard documents, and that the checks notice what is wrong."""
import json

from page_case import PROFILE, PageCase, cinch, with_document


class PageLook(PageCase):
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
