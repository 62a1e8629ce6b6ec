#!/usr/bin/env python3
"""cinch-train run without rights: a port and a report that the user may not have are refused with exit code 2 and one
sentence before training starts. Usage: rights_test.py CINCH_TRAIN report|port"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from support import expect, skip
from trainer_test import expect_refused

# What root loses. Another user might not be able to enter the checkout; LibTorch is too large to be copied.
WITHOUT_RIGHTS = ["setpriv", "--bounding-set=-net_bind_service,-dac_override"]


def prefix():
    """What to begin a command line with, so that the program has no rights."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        skip("root's rights cannot be taken away: no program setpriv (Debian: util-linux)")
    tried = subprocess.run([*WITHOUT_RIGHTS, "true"], capture_output=True, text=True)
    if tried.returncode != 0:
        skip(f"root's rights cannot be taken away: {tried.stderr.strip()}", of_the_machine=True)
    return WITHOUT_RIGHTS


def reserved_port():
    first_free = int(pathlib.Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text(encoding="utf-8"))
    if first_free < 2:
        skip("any user may listen on every port here (sysctl net.ipv4.ip_unprivileged_port_start)", of_the_machine=True)
    return min(80, first_free - 1)


def a_report(command, folder):
    said = subprocess.run([*command, "--report=-"], capture_output=True, text=True).stderr
    if "libjs-chart.js" in said:  # for the want of a page, before anything else
        skip(said.strip())
    closed = folder / "closed"
    closed.mkdir()
    (closed / "old.html").write_text("old", encoding="utf-8")
    closed.chmod(0o555)
    for name in ("new.html", "old.html"):
        expect_refused(command, folder, f"'{closed}/{name}' cannot be written: Permission denied", "--steps=2",
                       f"--report={closed}/{name}")
    closed.chmod(0o755)
    expect([file.name for file in closed.iterdir()] == ["old.html"] and (closed / "old.html").read_text() == "old",
           "something was written into a closed folder")


def a_port(command, folder):
    expect_refused(command, folder, "Permission denied", "--steps=2", f"--metrics=127.0.0.1:{reserved_port()}")


def main():
    command = [*prefix(), sys.argv[1]]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "text.txt").write_text("any text, again and again. " * 800, encoding="utf-8")
        {"report": a_report, "port": a_port}[sys.argv[2]](command, folder)


if __name__ == "__main__":
    sys.exit(main())
