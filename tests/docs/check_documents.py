#!/usr/bin/env python3
"""Checks what documents say against the sources: tests that compatibility.md names exist, links, anchors and pictures
lead somewhere, the steps of dither that plans choose are those of the code."""
import pathlib
import re
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
LINK = re.compile(r"\]\(([^)\s]+)\)")
PICTURE = re.compile(r"<img\b[^>]*?\bsrc=[\"']([^\"']*)[\"']")
TEST = re.compile(r"\bTEST(?:_F|_P)?\(\s*(\w+)\s*,\s*(\w+)\s*\)(\s*\{\s*GTEST_SKIP\(\)[^;]*;\s*\})?")
FENCE = re.compile(r"^(`{3,}|~{3,}).*?^\1\s*$", re.MULTILINE | re.DOTALL)


def known_tests(root):
    """Those that do something: one whose whole body is a skip shows nothing."""
    names = {"python.coexistence"} if (root / "tests/python/coexistence_test.py").exists() else set()
    for path in (root / "tests").rglob("*.cpp"):
        names.update(f"{suite}.{name}" for suite, name, skip in TEST.findall(path.read_text()) if not skip)
    return names


def missing_tests(text, known):
    return [name for name in re.findall(r"`([A-Z]\w*\.[A-Z]\w*|python\.\w+)`", text) if name not in known]


def rows_without_tests(text):
    """Rows of the tables with a column "shown by" that say yes and name nothing there."""
    found, shown = [], False
    for line in text.splitlines():
        if not line.startswith("|"):
            shown = False
        elif "shown by" in line:
            shown = True
        elif shown:
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if cells[1].startswith("yes") and "`" not in cells[2]:
                found.append(cells[0])
    return found


def anchors(text):
    """As GitHub makes them of headings: lower case, punctuation dropped, spaces to hyphens, repeated ones numbered."""
    found = set()
    for heading in re.findall(r"^#{1,6}\s+(.+?)\s*#*\s*$", FENCE.sub("", text), re.MULTILINE):
        plain = re.sub(r"!?\[([^]]*)\]\([^)]*\)", r"\1", heading)
        anchor = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        name, count = anchor, 0
        while name in found:
            count += 1
            name = f"{anchor}-{count}"
        found.add(name)
    return found


def broken_links(path, root):
    text = FENCE.sub("", path.read_text())
    for target in LINK.findall(text) + PICTURE.findall(text):
        if "://" in target or target.startswith("mailto:"):
            continue
        name, _, anchor = target.partition("#")
        page = path.parent / name if name else path
        if not page.exists():
            yield f"{path.relative_to(root)}: {target} does not exist"
        elif anchor and page.suffix == ".md" and anchor not in anchors(page.read_text()):
            yield f"{path.relative_to(root)}: {target}: {page.name} has no such heading"


def offered_steps(source):
    """The steps of dither that guards offer, in their source."""
    body = re.search(r"^std::vector<Candidate> evaluate\(.*?^}", source, re.MULTILINE | re.DOTALL)
    alone = re.findall(r"dither\(\"none\", ([\d.]+)\)", body[0]) if body else []
    loop = re.search(r"for \(const double step : \{([^}]*)\}\)", body[0]) if body else None
    return {float(step) for step in alone + (loop[1].split(",") if loop else [])}


def told_steps(page):
    """Those that the page says a plan may choose by itself."""
    told = re.search(r"^A plan may choose.*?`step_sigma` ((?:[\d.]+(?:, | and )?)+)", page, re.MULTILINE)
    return {float(step) for step in re.findall(r"\d+(?:\.\d+)?", told[1])} if told else set()


def wrong_steps(root):
    offered = offered_steps((root / "hooks/observe/evaluate.cpp").read_text())
    told = told_steps((root / "docs/budget_file.md").read_text())
    if not offered:
        return ["hooks/observe/evaluate.cpp: no steps of dither found; tests/docs/check_documents.py looks for them"]
    if offered == told:
        return []
    return [f"docs/budget_file.md: plans choose steps {sorted(told)}, the code offers {sorted(offered)}"]


def documents(root):
    return [root / "README.md", root / "CHANGELOG.md", root / "bench/README.md", *sorted((root / "docs").rglob("*.md")),
            *sorted((root / "src").rglob("*.md"))]


def problems(root):
    text = (root / "docs/compatibility.md").read_text()
    found = [f"docs/compatibility.md names {name}, which is no test" for name in missing_tests(text, known_tests(root))]
    found += [f"docs/compatibility.md: nothing shows that this works: {row}" for row in rows_without_tests(text)]
    for path in documents(root):
        found += broken_links(path, root)
    return found + wrong_steps(root)


def self_test():
    assert missing_tests("`A.Exists` and `B.DoesNot`", {"A.Exists"}) == ["B.DoesNot"]
    table = "| | works | shown by |\n|---|---|---|\n| this | yes | `A.B` |\n| that | yes | |\n| other | no | |\n"
    assert rows_without_tests(table) == ["that"]
    tests = TEST.findall('TEST(A, Works) {\n  run();\n}\nTEST_P(A, Skips) { GTEST_SKIP() << "not here"; }')
    assert [bool(skip) for _, _, skip in tests] == [False, True]
    assert anchors("# A `b`: c's, d-e_f\n## Two\n## Two\n```\n# no heading\n```\n## [Link](x.md) & more\n") == {
        "a-b-cs-d-e_f", "two", "two-1", "link--more"}
    assert told_steps("A plan may choose by itself: `dither` with `step_sigma` 0.5, 1 and 2.8, with") == {0.5, 1.0, 2.8}
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / "b.md").write_text("# Here\n")
        (root / "a.md").write_text("# Top\n[a](b.md) [b](b.md#here) [c](#top) [d](https://e.f/g#h)\n"
                                   "```\n[code](no.md)\n```\n"
                                   '[e](b.md#there) [f](#bottom) ![g](g.png) <img width="9" src="h.png">\n')
        assert list(broken_links(root / "a.md", root)) == [
            "a.md: b.md#there: b.md has no such heading", "a.md: #bottom: a.md has no such heading",
            "a.md: g.png does not exist", "a.md: h.png does not exist"]


if __name__ == "__main__":
    self_test()
    errors = problems(ROOT)
    print("\n".join(errors) if errors else "documents: tests, links, anchors and pictures exist")
    sys.exit(1 if errors else 0)
