#!/usr/bin/env python3
"""Trains networks under a budget and beside it without cinch, for several seeds, and draws all loss curves.

  scripts/curves.py                        what is missing of both models and five seeds, then the pictures
  scripts/curves.py --models gpt --seeds 1 only a part
  scripts/curves.py --plot-only            pictures of what is there

A run of 1,000 steps takes 15 to 20 minutes on two cores. Each is a file of its own, docs/results/curves/MODEL_seedN.json (the
row of `cinch-train --json` with --losses), written when it has ended; a file that is there is not run again, so the
script may be stopped at any time and goes on where it was. Pictures need matplotlib, as scripts/plot_results.py does.
"""
import argparse
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys

import plot_results

ROOT = plot_results.ROOT
OUT = plot_results.RESULTS / "curves"
BATCHES = {"resnet18": 32, "gpt": 32}
WINDOW = 25  # steps that a drawn loss is the mean of


def fail(message):
    sys.exit(f"curves: {message}")


def train(args, model, seed, path):
    part = path.with_suffix(".part")
    command = [args.program, "--model", model, "--batch", str(BATCHES[model]), "--steps", str(args.steps),
               "--seed", str(seed), "--budget", args.budget, "--baseline", "--losses", "--json", str(part)]
    print(" ".join(map(str, command)), flush=True)
    if subprocess.run(command).returncode not in (0, 1):  # 1: the limit was passed, which the row says
        part.unlink(missing_ok=True)
        fail(f"{model}, seed {seed}: the training did not end well")
    os.replace(part, path)


def read(folder, model):
    """Rows by seed."""
    rows = {}
    for path in sorted(folder.glob(f"{model}_seed*.json")):
        try:
            [row] = json.loads(path.read_text(encoding="utf-8"))["rows"]
            rows[row["seed"]] = row
            for key in ("losses", "baseline_losses"):  # JSON has no NaN: null
                row[key] = [math.nan if loss is None else loss for loss in row[key]]
        except (OSError, ValueError, KeyError) as error:
            fail(f"{path}: no results of cinch-train --baseline --losses ({error})")
    if len({(row["budget"], row["steps"]) for row in rows.values()}) > 1:
        fail(f"{folder}: results of {model} are of several budgets or numbers of steps; give them folders of their own (--out)")
    return rows


def smooth(losses):
    """Means of WINDOW steps up to each, fewer at the beginning."""
    means = []
    total = 0.0
    for i, loss in enumerate(losses):
        total += loss - (losses[i - WINDOW] if i >= WINDOW else 0.0)
        means.append(total / min(i + 1, WINDOW))
    return means


def spread(values):
    return f"{statistics.mean(values):.4f} +- {statistics.stdev(values) if len(values) > 1 else 0.0:.4f}"


def say(model, rows):
    budget = next(iter(rows.values()))["budget"]
    print(f"{model}, {budget}, {len(rows)} seeds:")
    for name, key in (("stock", "baseline_"), ("cinch", "")):
        last = [smooth(row[key + "losses"])[-1] for row in rows.values()]
        accuracy = [row[key + "accuracy"] for row in rows.values() if key + "accuracy" in row]
        print(f"  {name}: loss {spread(last)}" + (f", accuracy {spread(accuracy)}" if accuracy else ""))
    over = sum(row["steps_over_limit"] for row in rows.values())
    print(f"  steps over the limit: {over}; step ratio {spread([row['step_ratio'] for row in rows.values()])}")


def draw(plt, model, rows, out):
    figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
    # Stock's curves are broad: cinch's lie on top of them.
    for name, key, colour, width in (("stock", "baseline_losses", "#bbbbbb", 5.0), ("cinch", "losses", "#0072B2", 1.0)):
        for i, row in enumerate(rows.values()):
            axes.plot(smooth(row[key]), color=colour, linewidth=width, label=name if i == 0 else None)
    budget = next(iter(rows.values()))["budget"]
    axes.set_title(f"{model} under {budget}, and without cinch: {len(rows)} seeds each")
    axes.set_xlabel("step")
    axes.set_ylabel(f"training loss, mean of {WINDOW} steps")
    axes.legend(frameon=False)
    plot_results.save(figure, plt, out / plot_results.file_name("curves", model))


def self_test():
    assert smooth([1.0] * 40) == [1.0] * 40
    assert smooth([0.0] * 25 + [25.0])[-1] == 1.0
    assert spread([1.0, 3.0]) == "2.0000 +- 1.4142" and spread([1.0]) == "1.0000 +- 0.0000"
    print("curves: self-test passed")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", choices=sorted(BATCHES), default=sorted(BATCHES))
    parser.add_argument("--seeds", type=int, default=5, help="seeds 0 to SEEDS - 1")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--budget", default="floor+15%")
    parser.add_argument("--out", type=pathlib.Path, default=OUT, help="folder of results and pictures")
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "build/bin/cinch-train")
    parser.add_argument("--plot-only", action="store_true", help="train nothing")
    parser.add_argument("--no-plot", action="store_true", help="draw nothing")
    parser.add_argument("--self-test", action="store_true", help="check this script itself; needs no matplotlib")
    args = parser.parse_args()
    if args.self_test:
        return self_test()
    if not args.plot_only and not args.program.exists():
        fail(f"{args.program} is not there; scripts/setup.sh and scripts/test.sh --build-only make it")
    args.out.mkdir(parents=True, exist_ok=True)
    plt = None if args.no_plot else plot_results.load_matplotlib(install=False)
    for model in args.models:
        for seed in range(0 if args.plot_only else args.seeds):
            path = args.out / f"{model}_seed{seed}.json"
            if not path.exists():
                train(args, model, seed, path)
        rows = read(args.out, model)
        if not rows:
            continue
        say(model, rows)
        if plt is not None:
            draw(plt, model, rows, args.out)


if __name__ == "__main__":
    main()
