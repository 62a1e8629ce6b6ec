#!/usr/bin/env python3
"""Checks who includes whom: a lower room never includes a higher one, and a library appears only in its rooms."""
import argparse
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SUFFIXES = {".h", ".cpp", ".inc", ".cu", ".cuh"}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')

# Header prefix -> library. A header with a slash that is in none of these is an unknown library.
LIBRARIES = {
    "torch/": "torch", "ATen/": "torch", "c10/": "torch", "caffe2/": "torch",
    "nlohmann/": "json", "prometheus/": "prometheus", "hwy/": "highway", "CLI/": "cli11",
    "gtest/": "gtest", "gmock/": "gtest", "benchmark/": "benchmark", "sys/": None, "linux/": None,
    "netinet/": None, "arpa/": None,
}
PLAIN_LIBRARIES = {"Python.h": "python", "structmember.h": "python", "cuda.h": "cuda",
                   "cuda_runtime.h": "cuda", "cuda_runtime_api.h": "cuda", "microhttpd.h": "microhttpd", "zfp.h": "zfp", "blosc.h": "blosc"}

# Room (longest matching path wins) -> rooms that it may include beside itself, libraries that it may use.
LOW = ["include", "src/core", "src/methods"]
TORCH_FREE = LOW + ["src/memory", "src/trace", "src/codec", "src/backend/cpu", "src/backend/cuda", "src/backend",
                    "src/metrics", "planner"]
ALL = TORCH_FREE + ["include/torch", "src/backend/torch", "hooks"]
ROOMS = {
    "include": ([], []),
    "include/torch": (["include"], ["torch"]),
    "src/core": (["include"], []),
    "src/methods": (["include", "src/core"], []),
    "src/memory": (["include", "src/core"], []),
    "src/trace": (["include"], ["json"]),
    "src/backend": (["include", "src/core"], []),
    "src/backend/cpu": (["include", "src/core", "src/backend"], ["highway"]),
    "src/backend/cuda": (LOW + ["src/backend"], ["cuda"]),
    "src/backend/torch": (LOW + ["include/torch", "src/memory", "src/backend"], ["torch"]),
    "src/backend/torch/cuda": (LOW + ["include/torch", "src/memory", "src/backend", "src/backend/torch", "src/backend/cuda"],
                               ["torch", "cuda"]),
    "src/codec": (LOW + ["src/backend", "src/backend/cpu", "src/backend/cuda"], ["highway", "cuda"]),
    "src/metrics": (LOW + ["src/memory", "planner"], ["json", "prometheus", "microhttpd"]),
    "src/report": (LOW + ["planner"], ["json"]),
    "src/cli": (LOW + ["planner", "src/metrics", "src/report"], ["json", "cli11"]),
    "planner": (LOW + ["src/memory"], ["json"]),
    "hooks": (ALL, ["torch"]),
    "python": (ALL, ["torch", "python"]),
    "examples": (ALL + ["src/report"], ["torch", "json", "cli11"]),
    "bench": (ALL + ["examples", "bench/peers"], ["torch", "json", "cli11", "benchmark", "highway"]),
    "bench/peers": (ALL + ["bench"], ["json", "zfp", "blosc"]),
    "tests": (ALL + ["src/backend/torch/cuda", "examples", "bench", "bench/peers", "src/cli", "src/report"], ["torch", "json", "prometheus", "cli11", "gtest", "highway", "python", "cuda"]),
    "cmake": ([], ["torch"]),
}
# Public headers outside include/cinch/torch/ that need torch.
PUBLIC_TORCH = {"cinch/cinch.h"}
# What the build writes: headers, and the examples of documents (NAME.inc, without a folder).
GENERATED = {"cinch_commit.h"}


def room_of(path):
    """The room of a file, by its path from the repository root."""
    text = path.as_posix()
    if text.startswith("include/cinch/torch/") or text.removeprefix("include/") in PUBLIC_TORCH:
        return "include/torch"
    best = ""
    for room in ROOMS:
        if text.startswith(room + "/") and len(room) > len(best):
            best = room
    return best


def codec_format(path):
    """The payload format's folder in src/codec, or "" for what formats share."""
    parts = path.parts
    if parts[:2] == ("src", "codec") and len(parts) > 3 and parts[2] != "stage":
        return parts[2]
    return ""


def problem_with(path, quote, header, exists):
    """What is wrong with one include, or None. exists(path) tells whether a file of the repository is there."""
    room = room_of(path)
    if not room:
        return "the file is in no known room (scripts/check_includes.py has the table)"
    allowed_rooms, allowed_libraries = ROOMS[room]
    for prefix, library in list(LIBRARIES.items()) + list(PLAIN_LIBRARIES.items()):
        if header == prefix or (prefix.endswith("/") and header.startswith(prefix)):
            if library == "torch" and path.suffix in {".cu", ".cuh"}:
                return "no torch header passes through nvcc"
            if library is None or library in allowed_libraries:
                return None
            return f"{room} may not use {library}"
    if header in GENERATED or ("/" not in header and header.endswith(".inc")):
        return None
    if quote == "<" and not header.startswith("cinch/"):
        return f"unknown library header <{header}>" if "/" in header else None
    target = pathlib.PurePosixPath("include", header) if header.startswith("cinch/") else pathlib.PurePosixPath(header)
    if not exists(target):
        return "no such file from the repository root (write \"cinch/...\" or the path from the root)"
    other = room_of(target)
    if path.suffix in {".cu", ".cuh"} and other == "include/torch":
        return "no torch header passes through nvcc"
    if other != room and other not in allowed_rooms:
        return f"{room} may not include {other}"
    mine, theirs = codec_format(path), codec_format(target)
    if theirs and mine != theirs and room == "src/codec" and mine:
        return f"codec {mine} may not include codec {theirs}; what both need belongs in src/codec/stage"
    return None


def check_tree(root):
    problems = []
    count = 0
    for top in sorted({room.split("/")[0] for room in ROOMS}):
        for path in sorted((root / top).rglob("*")):
            if path.suffix not in SUFFIXES or not path.is_file():
                continue
            count += 1
            relative = path.relative_to(root)
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                match = INCLUDE.match(line)
                if not match:
                    continue
                problem = problem_with(pathlib.PurePosixPath(relative), match[1], match[2], lambda p: (root / p).is_file())
                if problem:
                    problems.append(f"{relative}:{number}: {match[2]}: {problem}")
    return count, problems


def self_test():
    """Every rule refuses what it forbids and passes what it allows."""
    cases = [
        ("src/core/a.cpp", '"', "cinch/error.h", True), ("src/core/a.cpp", '"', "planner/a.h", False),
        ("src/core/a.cpp", '"', "src/methods/a.h", False), ("src/methods/a.cpp", '"', "src/core/a.h", True),
        ("planner/a.cpp", "<", "nlohmann/json.hpp", True), ("src/codec/a.cpp", "<", "nlohmann/json.hpp", False),
        ("planner/a.cpp", '"', "src/codec/a.h", False), ("src/codec/a.cpp", '"', "planner/a.h", False),
        ("planner/a.cpp", "<", "torch/torch.h", False), ("hooks/a.cpp", "<", "torch/torch.h", True),
        ("planner/a.cpp", '"', "cinch/torch/guard.h", False), ("planner/a.cpp", '"', "cinch/cinch.h", False),
        ("include/cinch/a.h", '"', "cinch/torch/guard.h", False), ("include/cinch/a.h", "<", "vector", True),
        ("include/cinch/torch/a.h", "<", "ATen/ATen.h", True), ("include/cinch/torch/a.h", '"', "hooks/a.h", False),
        ("src/backend/torch/a.cpp", "<", "c10/core/Device.h", True), ("src/backend/torch/a.cpp", '"', "hooks/a.h", False),
        ("src/backend/cpu/a.cpp", "<", "torch/torch.h", False), ("src/backend/cpu/a.cpp", "<", "hwy/highway.h", True),
        ("src/codec/lossless/a.cpp", '"', "src/codec/fixed_rate/a.h", False),
        ("src/codec/lossless/a.cpp", '"', "src/codec/stage/a.h", True), ("src/codec/a.cpp", '"', "src/codec/lossless/a.h", True),
        ("bench/peers/a.cpp", "<", "zfp.h", True), ("bench/a.cpp", "<", "zfp.h", False), ("hooks/a.cpp", "<", "blosc.h", False),
        ("src/codec/lossless/a.cu", '"', "cinch/torch/guard.h", False), ("hooks/a.cu", "<", "torch/torch.h", False),
        ("hooks/a.cpp", '"', "examples/a.h", False), ("bench/a.cpp", '"', "examples/a.h", True),
        ("examples/a.cpp", '"', "bench/a.h", False), ("hooks/a.cpp", "<", "gtest/gtest.h", False),
        ("src/metrics/a.cpp", "<", "prometheus/counter.h", True), ("hooks/a.cpp", "<", "prometheus/counter.h", False),
        ("hooks/a.cpp", "<", "boost/any.hpp", False), ("elsewhere/a.cpp", "<", "vector", False),
        ("examples/a.cpp", "<", "cinch/cinch.h", True), ("planner/a.cpp", "<", "cinch/cinch.h", False),
        ("src/report/a.cpp", '"', "planner/a.h", True), ("planner/a.cpp", '"', "src/report/a.h", False),
        ("src/report/a.cpp", "<", "torch/torch.h", False), ("src/cli/a.cpp", '"', "src/report/a.h", True),
        ("planner/a.cpp", '"', "missing.h", False), ("include/cinch/cinch.h", '"', "cinch/torch/guard.h", True),
    ]
    failed = 0
    for path, quote, header, good in cases:
        problem = problem_with(pathlib.PurePosixPath(path), quote, header, lambda p: p.name != "missing.h")
        if (problem is None) != good:
            failed += 1
            print(f"self-test: {path} including {header}: expected {'no problem' if good else 'a problem'}, got {problem}")
    print(f"check_includes: self-test, {len(cases)} cases, {failed} failed")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=pathlib.Path, default=ROOT, help="repository to check (default: this one)")
    parser.add_argument("--self-test", action="store_true", help="check the rules themselves, then stop")
    arguments = parser.parse_args()
    if arguments.self_test:
        return self_test()
    count, problems = check_tree(arguments.root.resolve())
    if count == 0:
        print(f"check_includes: no sources under {arguments.root}", file=sys.stderr)
        return 2
    for problem in problems:
        print(problem)
    print(f"check_includes: {count} files, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
