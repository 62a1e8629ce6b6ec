#!/usr/bin/env python3
"""Checks what documents say against the sources: tests that compatibility.md names exist, links lead somewhere."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
TEST = re.compile(r"\bTEST(?:_F|_P)?\(\s*(\w+)\s*,\s*(\w+)\s*\)")


def known_tests(root):
    names = {"python.coexistence"} if (root / "tests/python/coexistence_test.py").exists() else set()
    for path in (root / "tests").rglob("*.cpp"):
        names.update(f"{suite}.{name}" for suite, name in TEST.findall(path.read_text()))
    return names


def missing_tests(text, known):
    return [name for name in re.findall(r"`([A-Z]\w*\.[A-Z]\w*|python\.\w+)`", text) if name not in known]


def rows_without_tests(text):
    """Rows of the tables with a column "shown by" that say yes and name no test."""
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


def broken_links(path, root):
    for target in LINK.findall(path.read_text()):
        if "://" not in target and not (path.parent / target).exists():
            yield f"{path.relative_to(root)}: {target} does not exist"


def problems(root):
    text = (root / "docs/compatibility.md").read_text()
    found = [f"docs/compatibility.md names {name}, which is no test" for name in missing_tests(text, known_tests(root))]
    found += [f"docs/compatibility.md: no test shows that this works: {row}" for row in rows_without_tests(text)]
    for path in [root / "README.md", root / "CHANGELOG.md", *sorted((root / "docs").rglob("*.md"))]:
        found += broken_links(path, root)
    return found


def self_test():
    assert missing_tests("`A.Exists` and `B.DoesNot`", {"A.Exists"}) == ["B.DoesNot"]
    table = "| | works | shown by |\n|---|---|---|\n| this | yes | `A.B` |\n| that | yes | |\n| other | no | |\n"
    assert rows_without_tests(table) == ["that"]
    assert LINK.findall("[a](b.md#c) and [d](e)") == ["b.md", "e"]


if __name__ == "__main__":
    self_test()
    errors = problems(ROOT)
    print("\n".join(errors) if errors else "documents: tests and links exist")
    sys.exit(1 if errors else 0)
