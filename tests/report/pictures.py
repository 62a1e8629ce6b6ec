#!/usr/bin/env python3
"""Pictures of a report for the documentation: light, dark, and on a phone. usage: pictures.py REPORT.html FOLDER"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import browser as chromium  # noqa: E402

# Name, width, height of what is shown, dark, pixels a point, where on the page.
PICTURES = (("report_light", 1280, 1510, False, 1, "header"), ("report_dark", 1280, 1250, True, 1, ".cards"),
            ("report_phone", 360, 780, False, 2, "#timeline-title"))


def main():
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    program = chromium.find_program()
    if not program:
        print("pictures: no Chromium on this machine (Debian package chromium)", file=sys.stderr)
        return 2
    page, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    with chromium.Browser(program) as browser:
        for name, width, height, dark, scale, place in PICTURES:
            browser.screen(width, height, dark, scale)
            browser.open(page)
            browser.value(f"document.querySelector('{place}').scrollIntoView()")
            browser.value("scrollBy(0, -20)")
            browser.settle()
            browser.picture(str(folder / (name + ".png")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
