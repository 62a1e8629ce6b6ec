"""What tests of the report's page share: a headless Chromium, the program, and the page of one profile and its plan."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import browser as chromium  # noqa: E402

PROFILE = pathlib.Path(__file__).resolve().parent.parent / "planner" / "data" / "network.profile.json"
program = None  # cinch, named by page_test.py


def cinch(*arguments, folder):
    return subprocess.run([program, *arguments], cwd=folder, capture_output=True, text=True, check=False)


class PageCase(unittest.TestCase):
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

    def rows(self, column):
        return self.value(f"[...byId('sites-body').rows].filter((r) => !r.hidden).map((r) => {{"
                          f" const c = r.cells[{column}]; return c.dataset.value ?? c.textContent; }})")
