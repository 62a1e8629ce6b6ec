#!/usr/bin/env python3
"""Prints registers, shared memory and spills of every CUDA kernel of a build, as ptxas told them; exit code 1 when a
kernel spills registers or uses a stack."""
import argparse
import pathlib
import re
import subprocess
import sys

ENTRY = re.compile(r"Compiling entry function '(\S+)' for '(\S+)'")
STACK = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
USED = re.compile(r"Used (\d+) registers")
SHARED = re.compile(r"(\d+) bytes smem")


def parse(text):
    """Rows (kernel's mangled name, architecture, registers, shared bytes, stack bytes, spilled bytes)."""
    rows, name, arch, stack, spilled = [], None, None, 0, 0
    for line in text.splitlines():
        if match := ENTRY.search(line):
            name, arch, stack, spilled = match[1], match[2], 0, 0
        elif match := STACK.search(line):
            stack, spilled = int(match[1]), int(match[2]) + int(match[3])
        elif (match := USED.search(line)) and name:
            shared = SHARED.search(line)
            rows.append((name, arch, int(match[1]), int(shared[1]) if shared else 0, stack, spilled))
            name = None
    return rows


def readable(names):
    """Names as people write them, without what all kernels share."""
    out = subprocess.run(["c++filt"], input="\n".join(names), capture_output=True, text=True, check=True).stdout
    clean = []
    for line in out.splitlines():
        line = re.sub(r"\(anonymous namespace\)::|cinch::codec::|cinch::|\(int\)|\(bool\)|^void ", "", line)
        clean.append(line.split("(")[0])
    return clean


def self_test():
    text = """ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function '_Z1fv' for 'sm_80'
ptxas info    : Function properties for _Z1fv
    8 bytes stack frame, 4 bytes spill stores, 12 bytes spill loads
ptxas info    : Used 40 registers, used 1 barriers, 9216 bytes smem, 432 bytes cmem[0]
ptxas info    : Compiling entry function '_Z1gi' for 'sm_90'
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 12 registers
"""
    expected = [("_Z1fv", "sm_80", 40, 9216, 8, 16), ("_Z1gi", "sm_90", 12, 0, 0, 0)]
    good = parse(text) == expected and readable(["_Z1fv"]) == ["f"]
    print("kernel_report: self-test", "passed" if good else f"failed: {parse(text)}")
    return 0 if good else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", nargs="?", default="build", type=pathlib.Path, help="build folder (default: build)")
    parser.add_argument("--self-test", action="store_true")
    arguments = parser.parse_args()
    if arguments.self_test:
        return self_test()
    logs = sorted(arguments.build.rglob("*.ptxas"))
    rows = [row for log in logs for row in parse(log.read_text(encoding="utf-8"))]
    if not rows:
        print(f"kernel_report: {arguments.build} holds no CUDA kernels; configure with CINCH_WITH_CUDA=ON and build",
              file=sys.stderr)
        return 2
    names = readable([row[0] for row in rows])
    width = max(map(len, names))
    print(f"{'kernel':{width}}  {'arch':>7} {'registers':>9} {'shared':>7} {'stack':>6} {'spilled':>7}")
    for name, (_, arch, registers, shared, stack, spilled) in sorted(zip(names, rows)):
        print(f"{name:{width}}  {arch:>7} {registers:9} {shared:7} {stack:6} {spilled:7}")
    bad = [name for name, row in zip(names, rows) if row[4] or row[5]]
    print(f"kernel_report: {len(rows)} kernels, {len(bad)} with a stack or spills")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
