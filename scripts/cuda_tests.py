#!/usr/bin/env python3
"""Counts the tests that need a GPU, and why they were skipped.

usage: cuda_tests.py [--gpu yes|no] PROGRAM|RESULTS.xml...
       cuda_tests.py --self-test

Runs the GPU tests of each test program (or reads what --gtest_output=xml:FILE has left of an earlier run), and prints a
row a program. Such tests are in suites whose names end in Cuda; NoCuda and ...OnCuda need no GPU. Exit 1 where a program
fails or lists none, where one was skipped without a reason, and, with a GPU, where one was skipped for any reason but one
that begins with "needs " (a second GPU, more memory). --gpu is told from /dev unless it is given.
"""
import collections
import glob
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

FILTER = "*Cuda.*-NoCuda.*:*OnCuda.*"
SUITE = re.compile(r"(.*/)?(?!NoCuda$)(?!\w*OnCuda$)\w+Cuda")


def gpu_tests(xml):
    """(name, None where it ran, else the reason without file and line) of each."""
    for case in ElementTree.fromstring(xml).iter("testcase"):
        if not SUITE.fullmatch(case.get("classname", "")):
            continue
        name = f"{case.get('classname')}.{case.get('name')}"
        skipped = case.find("skipped")
        yield name, None if skipped is None else "\n".join((skipped.text or "").split("\n")[1:]).strip()


def judge(tests, gpu):
    """A table row, and what is wrong."""
    reasons = collections.Counter(reason for _, reason in tests if reason is not None)
    row = f"{len(tests):6} listed, {len(tests) - sum(reasons.values()):6} ran"
    for reason, count in sorted(reasons.items()):
        row += f", {count:6} skipped: {reason or '(no reason)'}"
    problems = [] if tests else ["lists no GPU test"]
    for name, reason in tests:
        if reason == "":
            problems.append(f"{name} was skipped without a reason")
        elif gpu and reason is not None and not reason.startswith("needs "):
            problems.append(f"{name} was skipped although there is a GPU: {reason}")
    return row, problems


def results_of(named):
    """XML of a program or a file, and what is wrong with it."""
    if named.endswith(".xml"):
        return pathlib.Path(named).read_text(), []
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "results.xml"
        program = subprocess.run([named, f"--gtest_filter={FILTER}", f"--gtest_output=xml:{file}", "--gtest_brief=1"],
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        problems = [f"exit {program.returncode}\n{program.stdout}"] if program.returncode else []
        return (file.read_text() if file.exists() else "<testsuites/>"), problems


def gpu_is_here():
    return bool(glob.glob("/dev/nvidia[0-9]*")) and os.environ.get("CUDA_VISIBLE_DEVICES") not in ("", "-1")


def self_test():
    def case(suite, skipped):
        return f'<testcase name="T/1" classname="{suite}">{skipped}</testcase>'

    def said(*cases, gpu=False):
        return judge(list(gpu_tests("<testsuites><testsuite>" + "".join(cases) + "</testsuite></testsuites>")), gpu)

    no_gpu = case("Codecs/MaskCuda", '<skipped message="m"><![CDATA[a.cpp:1\nthere is no GPU]]></skipped>')
    second = case("TwoCuda", '<skipped message="m"><![CDATA[a.cpp:1\nneeds two]]></skipped>')
    bare = case("MaskCuda", '<skipped message="m"><![CDATA[a.cpp:1\n]]></skipped>')
    ran, others = case("MaskCuda", ""), case("NoCuda", "") + case("IntOnCuda", "") + case("CudaRuntime", "")
    row, problems = said(no_gpu, no_gpu, ran, others)
    assert problems == [] and row.split() == "3 listed, 1 ran, 2 skipped: there is no GPU".split(), row
    assert said(others)[1] == ["lists no GPU test"]
    assert said(bare)[1] == ["MaskCuda.T/1 was skipped without a reason"]
    assert said(no_gpu, gpu=True)[1] == ["Codecs/MaskCuda.T/1 was skipped although there is a GPU: there is no GPU"]
    assert said(ran, second, gpu=True)[1] == []
    print("cuda_tests: self-test passed")
    return 0


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    gpu = gpu_is_here()
    if arguments[:1] == ["--gpu"] and arguments[1:2] in (["yes"], ["no"]):
        gpu, arguments = arguments[1] == "yes", arguments[2:]
    if not arguments or any(a.startswith("-") for a in arguments):
        print(__doc__, file=sys.stdout if arguments in (["-h"], ["--help"]) else sys.stderr)
        return 0 if arguments in (["-h"], ["--help"]) else 2
    failed = False
    for named in arguments:
        xml, problems = results_of(named)
        row, more = judge(list(gpu_tests(xml)), gpu)
        print(f"{pathlib.Path(named).stem:20} {row}")
        for problem in problems + more:
            print(f"{pathlib.Path(named).stem}: {problem}", file=sys.stderr)
            failed = True
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
