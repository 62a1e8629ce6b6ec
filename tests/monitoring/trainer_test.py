#!/usr/bin/env python3
"""cinch-train --metrics and --metrics-file: a training that is scraped, and bad input, which ends with exit code 2 and one
sentence before training starts. Usage: trainer_test.py CINCH_TRAIN"""
import contextlib
import pathlib
import re
import socket
import subprocess
import sys
import tempfile

from support import expect, get, parse, wait_for


def arguments(command, folder, *more):
    return [*command, "--model=gpt", f"--text={folder}/text.txt", "--batch=2", "--budget=exact", "--eval-samples=0",
            f"--json={folder}/result.json", *more]


def expect_refused(command, folder, named, *more):
    run = subprocess.run(arguments(command, folder, *more), capture_output=True, text=True)
    said = run.stderr
    expect(run.returncode == 2, f"{more}: exit code {run.returncode}: {said}")
    expect(said.count("\n") == 1 and named in said, f"{more}: {said}")
    expect("step" not in run.stdout, f"{more}: training had begun: {run.stdout}")
    expect(not (folder / "result.json").exists(), f"{more}: results were written")


def bad_input(command, folder):
    with contextlib.closing(socket.socket()) as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        expect_refused(command, folder, "already in use", f"--metrics=127.0.0.1:{holder.getsockname()[1]}")
    for address in ("9464", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:70000", ":9464"):
        expect_refused(command, folder, "metrics cannot be served at", f"--metrics={address}")
    expect_refused(command, folder, "no/such", f"--metrics-file={folder}/no/such/cinch.prom")
    expect_refused(command, folder, "it is a folder", f"--metrics-file={folder}")


def scraped(command, folder):
    file = folder / "cinch.prom"
    with subprocess.Popen(arguments(command, folder, "--steps=30", "--metrics=127.0.0.1:0", f"--metrics-file={file}"),
                          stdout=subprocess.PIPE, text=True) as training:
        lines = iter(training.stdout.readline, "")
        url = next((found[1] for found in (re.search(r"metrics at (http://\S+)", line) for line in lines) if found), "")
        expect(url != "", "the trainer did not say where its metrics are")
        expect("cinch_build_info" in file.read_text(), "there was no file before the first step")
        steps = wait_for("a step", lambda: parse(get(url)).get("cinch_steps_total"), training)
        expect(steps[0][0]["device"] == "cpu", f"labels are {steps}")
        for _ in lines:
            pass
    expect(training.returncode == 0, f"the training ended with {training.returncode}")
    expect(parse(file.read_text())["cinch_steps_total"] == [({"device": "cpu", "rank": "0"}, 30.0)], "the file is not the last step's")


def main():
    command = [sys.argv[1]]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "text.txt").write_text("".join(chr(97 + i * i % 23) for i in range(20000)))
        bad_input(command, folder)
        scraped(command, folder)


if __name__ == "__main__":
    sys.exit(main())
