#!/usr/bin/env python3
"""Runs SZ3 on the activations of `cinch-bench codec`, at the error bounds that error_bound and zfp have there.

SZ3 is no part of cinch: give the folder of its source (https://github.com/szcompressor/SZ3; its headers, CMakeLists.txt
and, for Debian, the package libzstd-dev are enough). A program is built against it in a folder of its own, the
activations are written there by `cinch-bench codec --dump`, and each is coded on one thread: with the interpolation
predictor on the activation's grid, and with whichever of four predictors in one to three dimensions takes fewest bytes.
Speeds are the best of interleaved rounds, beside memcpy of the same buffer in the same process.

  git clone https://github.com/szcompressor/SZ3 ../SZ3
  scripts/compare_sz3.py ../SZ3 --json docs/results/sz3.json
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
BOUNDS = (0.3, 0.1)  # standard deviations; bench/codec_cases.h

CMAKE = """cmake_minimum_required(VERSION 3.25)
project(compare_sz3 LANGUAGES C CXX)
set(BUILD_SZ3_BINARY OFF CACHE BOOL "")
add_subdirectory("@SZ3@" sz3)
add_executable(compare_sz3 "@ROOT@/scripts/compare_sz3.cpp")
target_compile_features(compare_sz3 PRIVATE cxx_std_20)
target_link_libraries(compare_sz3 PRIVATE SZ3)
target_compile_options(compare_sz3 PRIVATE -march=native)
"""


def fail(message):
    sys.exit(f"compare_sz3: {message}")


def call(command, **arguments):
    """Standard output of a command; what it says on failure ends the script."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, **arguments)
    if done.returncode != 0:
        fail(f"{pathlib.Path(str(command[0])).name} failed:\n{(done.stdout + done.stderr)[-2000:]}")
    return done.stdout


def build(source, folder):
    """The program, and SZ3's version."""
    text = CMAKE.replace("@SZ3@", str(source)).replace("@ROOT@", str(ROOT))
    (folder / "CMakeLists.txt").write_text(text, encoding="utf-8")
    call(["cmake", "-S", folder, "-B", folder / "build", "-DCMAKE_BUILD_TYPE=Release"])
    call(["cmake", "--build", folder / "build", "--target", "compare_sz3"])
    version = next((folder / "build").rglob("SZ3/version.hpp")).read_text(encoding="utf-8")
    number = [line.split('"')[1] for line in version.splitlines() if "SZ3_VER " in line and '"' in line]
    return folder / "build" / "compare_sz3", number[0] if number else "unknown"


def row_of(tensor, share, measured, version):
    """A row like those of cinch-bench codec."""
    return {
        "codec": {"name": "sz3", "version": version, "predictor": measured["setting"],
                  "dimensions": measured["dimensions"], "bound": share * tensor["sigma"]},
        "which": measured["which"], "model": tensor["model"], "source": tensor["source"], "dtype": "float32",
        "device": "cpu", "threads": 1, "bound_sigma": share, "raw_bytes": tensor["raw_bytes"],
        "coded_bytes": measured["coded_bytes"], "ratio": tensor["raw_bytes"] / measured["coded_bytes"],
        "rmse_sigma": measured["rmse"] / tensor["sigma"], "max_error": measured["max_error"],
        "encode_gbps": measured["encode_gbps"], "decode_gbps": measured["decode_gbps"],
        "memcpy_gbps": measured["memcpy_gbps"],
        "encode_of_memcpy": measured["encode_gbps"] / measured["memcpy_gbps"],
        "decode_of_memcpy": measured["decode_gbps"] / measured["memcpy_gbps"],
    }


def measure(program, dump, rounds, version):
    """A document with two rows an activation and bound: interpolation, best."""
    index = json.loads((dump / "index.json").read_text(encoding="utf-8"))
    rows = []
    for tensor in index["rows"]:
        for share in BOUNDS:
            command = [program, dump / tensor["file"], share * tensor["sigma"], rounds, *tensor["shape"]]
            found = [json.loads(line) for line in call(command).splitlines()]
            for measured in found:
                if measured["which"] == "tried":
                    continue
                # Rounding of float32 takes SZ3 a little beyond its bound, which rows then show.
                if measured["max_error"] > share * tensor["sigma"] * 1.001:
                    fail(f"{tensor['source']}: an error of {measured['max_error']} is beyond the bound")
                row = row_of(tensor, share, measured, version)
                print(f"{row['ratio']:7.2f}  {row['which']:13}  {share} sigma  {row['model']}, {row['source']}")
                rows.append(row)
    return {"schema": index["schema"], "suite": "sz3", "commit": index["commit"], "machine": index["machine"],
            "rows": rows}


def self_test():
    """Which rows are made of what the program says."""
    tensor = {"model": "m", "source": "s", "sigma": 2.0, "raw_bytes": 400}
    measured = {"which": "best", "setting": "no prediction", "dimensions": 1, "coded_bytes": 100, "rmse": 0.5,
                "max_error": 0.6, "encode_gbps": 1.0, "decode_gbps": 3.0, "memcpy_gbps": 4.0}
    row = row_of(tensor, 0.3, measured, "1.2.3")
    wanted = {"bound_sigma": 0.3, "ratio": 4.0, "rmse_sigma": 0.25, "encode_of_memcpy": 0.25, "decode_of_memcpy": 0.75}
    assert {key: row[key] for key in wanted} == wanted, row
    assert row["codec"] == {"name": "sz3", "version": "1.2.3", "predictor": "no prediction", "dimensions": 1,
                            "bound": 0.6}, row
    print("compare_sz3: self-test passed")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", nargs="?", type=pathlib.Path, help="folder of SZ3's source")
    parser.add_argument("--bench", type=pathlib.Path, default=ROOT / "build/bin/cinch-bench", help="cinch-bench")
    parser.add_argument("--dump", type=pathlib.Path, help="folder that `cinch-bench codec --dump` wrote earlier")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", type=pathlib.Path, help="file for the results")
    parser.add_argument("--self-test", action="store_true", help="check this script itself, without SZ3")
    arguments = parser.parse_args()
    if arguments.self_test:
        self_test()
        return
    if arguments.source is None or arguments.json is None:
        parser.error("the folder of SZ3's source and --json are needed")
    source = arguments.source.resolve()
    if not (source / "include/SZ3/api/sz.hpp").is_file():
        fail(f"{source} is not SZ3's source: it has no include/SZ3/api/sz.hpp")
    if arguments.rounds < 1:
        fail("--rounds is at least 1")
    with tempfile.TemporaryDirectory(prefix="compare_sz3_") as name:
        folder = pathlib.Path(name)
        program, version = build(source, folder)
        dump = arguments.dump
        if dump is None:
            dump = folder / "dump"
            call([arguments.bench, "codec", "--dump", dump])
        document = measure(program, dump, arguments.rounds, version)
    arguments.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
