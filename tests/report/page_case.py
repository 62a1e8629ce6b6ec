"""What tests of the report's page share: a headless Chromium, the program, and the page of one profile and its plan."""
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
BEGIN, END = '<script type="application/json" id="report-data">', "</script>"
program = None  # cinch, named by page_test.py


def skip(reason):
    """The exit code of a test that cannot run here: CI, which installs all that tests need, asks for a failure instead."""
    required = os.environ.get("CINCH_TEST_REQUIRE", "") not in ("", "0")
    print(("FAILED, CINCH_TEST_REQUIRE is set: " if required else "skipped: ") + reason)
    return 1 if required else 77


def skip_without_browser():
    """None where there is a Chromium."""
    if chromium.find_program():
        return None
    return skip("no Chromium on this machine (Debian package chromium; scripts/setup.sh --peers)")


def document_of(html):
    begin = html.index(BEGIN) + len(BEGIN)
    return json.loads(html[begin:html.index(END, begin)])


def with_document(html, document):
    """The same page for another document."""
    begin = html.index(BEGIN) + len(BEGIN)
    return html[:begin] + json.dumps(document).replace("<", "\\u003c") + html[html.index(END, begin):]


def cinch(*arguments, folder):
    return subprocess.run([program, *arguments], cwd=folder, capture_output=True, text=True, check=False)


class BrowserCase(unittest.TestCase):
    """A folder, and a browser whose silence is checked."""
    maxDiff = 2000

    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.scratch.name)
        cls.browser = chromium.Browser(chromium.find_program())

    @classmethod
    def tearDownClass(cls):
        cls.browser.__exit__()
        cls.scratch.cleanup()

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

    def figures(self):
        """{figure: (its number, its text)} as the page shows them."""
        shown = self.value("[...document.querySelectorAll('[data-figure]')].map((e) =>"
                           " [e.dataset.figure, Number(e.dataset.value), e.textContent.replaceAll('\\u00a0', ' ')])")
        return {name: (number, text) for name, number, text in shown}

    def rows(self, column):
        return self.value(f"[...byId('sites-body').rows].filter((r) => !r.hidden).map((r) => {{"
                          f" const c = r.cells[{column}]; return c.dataset.value ?? c.textContent; }})")


class PageCase(BrowserCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.html, cls.document = cls.make("page", PROFILE)

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
