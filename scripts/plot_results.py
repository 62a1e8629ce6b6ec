#!/usr/bin/env python3
"""Draws rate against noise from the files of cinch-bench, as SVG.

  scripts/plot_results.py                    docs/results/gradient*.json, codec.json and sz3.json, into docs/results/
  scripts/plot_results.py --out DIR FILE...  other files of the suites gradient and codec, and of compare_sz3.py

gradient: bits that the backward's bytes take of 32, against the noise variance of the gradient, a file a model.
codec: bits per value against the error in standard deviations, a panel an activation, a file a model.

Needs matplotlib, which nothing else here does: `.venv/bin/pip install matplotlib`, or --install does it.
"""
import argparse
import importlib
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULTS = ROOT / "docs/results"
MATPLOTLIB = "matplotlib>=3.7,<4"

# Colours of Okabe and Ito, which readers with any kind of colour vision tell apart; markers say it again. Variants of a
# method share its colour.
STYLES = {
    "dither": ("#0072B2", "o"), "dither, channel": ("#0072B2", "^"), "dither, lorenzo": ("#0072B2", "v"),
    "group_quant": ("#D55E00", "s"), "group_quant, nearest": ("#D55E00", "D"),
    "lfc": ("#009E73", "P"), "pool": ("#CC79A7", "X"), "error_bound": ("#E69F00", "d"),
    "fixed_point": ("#56B4E9", "<"), "cast": ("#000000", "*"), "zfp": ("#666666", "h"), "sz3": ("#5D3A9B", ">"),
}
OTHER = ("#999999", ".")
# Rows of these differ in more than how fine they are: no line joins them.
POINTS_ONLY = {"cast", "lfc"}


def fail(message):
    sys.exit(f"plot_results: {message}")


def load_matplotlib(install):
    """matplotlib.pyplot, drawing to files alone."""
    try:
        matplotlib = importlib.import_module("matplotlib")
    except ImportError:
        if not install:
            fail("matplotlib is missing. Run this with the Python of .venv and --install, which gets it from PyPI, or: "
                 f".venv/bin/pip install '{MATPLOTLIB}'")
        if sys.prefix == sys.base_prefix:
            fail("--install changes a virtual environment only: run .venv/bin/python scripts/plot_results.py --install")
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", MATPLOTLIB],
                       check=True)
        importlib.invalidate_caches()
        matplotlib = importlib.import_module("matplotlib")
    matplotlib.use("svg")
    # The same files from the same results: text as text, no date, ids that do not change.
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "cinch", "font.size": 10, "axes.grid": True,
                                "grid.color": "#dddddd", "grid.linewidth": 0.6, "axes.axisbelow": True,
                                "axes.spines.top": False, "axes.spines.right": False})
    return importlib.import_module("matplotlib.pyplot")


def method_of(codec):
    """What a line of a plot is called: rows that differ in how fine they are share one."""
    name = codec["name"]
    if name == "dither" and codec.get("predict", "none") != "none":
        return f"dither, {codec['predict']}"
    if name == "group_quant" and codec.get("rounding") == "nearest":
        return "group_quant, nearest"
    return name


def by_method(points):
    """{method: [(x, y), ...]}, known methods first, in the order of the legend; along each line x grows."""
    lines = {}
    for method, x, y in points:
        lines.setdefault(method, []).append((x, y))
    order = list(STYLES)
    known = [m for m in order if m in lines] + sorted(m for m in lines if m not in order)
    return {method: sorted(set(lines[method])) for method in known}


def gradient_points(rows):
    """{model and data: [(method, bits, noise variance), ...]}."""
    plots = {}
    for row in rows:
        if row.get("finite") and row.get("noise_variance", 0) > 0:
            name = row["model"] if row["data"] == "fashion-mnist" else f"{row['model']}, {row['data']}"
            plots.setdefault(name, []).append((method_of(row["codec"]), row["bits_of_32"], row["noise_variance"]))
    return plots


def codec_points(rows):
    """{model: {source: [(method, bits per value, error in deviations), ...]}} of float32 on one thread."""
    plots = {}
    for row in rows:
        wanted = row.get("which", "best") == "best" and row.get("dtype") == "float32" and row.get("threads", 1) == 1
        if wanted and row.get("rmse_sigma", 0) > 0:
            bits = 32 / row["ratio"]
            sources = plots.setdefault(row.get("model", "resnet18"), {})
            sources.setdefault(row["source"], []).append((method_of(row["codec"]), bits, row["rmse_sigma"]))
    return plots


def draw(axes, points):
    for method, line in by_method(points).items():
        colour, marker = STYLES.get(method, OTHER)
        axes.plot([x for x, _ in line], [y for _, y in line], color=colour, marker=marker, label=method,
                  linewidth=1.2, markersize=7, markeredgecolor="white", markeredgewidth=0.4,
                  linestyle="" if method in POINTS_ONLY else "--" if "," in method else "-")
    axes.set_yscale("log")
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(lambda x, _: f"{x:g}")


def legend_of(figure, panels):
    """One legend for all panels, in the order of methods."""
    found = {}
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels()):
            found.setdefault(label, handle)
    order = [m for m in STYLES if m in found] + sorted(m for m in found if m not in STYLES)
    figure.legend([found[m] for m in order], order, loc="outside lower center", ncols=min(5, len(order)), frameon=False)


def save(figure, plt, path):
    figure.savefig(path, metadata={"Date": None, "Creator": "scripts/plot_results.py"})
    plt.close(figure)
    print(path)


def file_name(*parts):
    return "_".join(re.sub(r"[^a-z0-9]+", "_", part.lower()).strip("_") for part in parts) + ".svg"


def plot_gradient(plt, points, out):
    for model, found in points.items():
        figure, axes = plt.subplots(figsize=(8, 6), layout="constrained")
        draw(axes, found)
        axes.set_title(f"Gradient of {model}: one method for all saved values")
        axes.set_xlabel("bytes that the backward needs, in bits of each 32 (log scale)")
        axes.set_ylabel("noise variance of the gradient, of its squared norm (log scale)")
        legend_of(figure, [axes])
        save(figure, plt, out / file_name("gradient", model))


def plot_codec(plt, points, out):
    for model, sources in points.items():
        columns = min(3, len(sources))
        lines = -(-len(sources) // columns)
        figure, grid = plt.subplots(lines, columns, figsize=(4.4 * columns, 3.6 * lines + 0.9), layout="constrained",
                                    squeeze=False, sharex=True, sharey=True)
        panels = list(grid.flat)
        for axes, (source, found) in zip(panels, sources.items()):
            draw(axes, found)
            axes.set_title(source, fontsize=10)
            axes.label_outer()
        for axes in panels[len(sources):]:
            axes.set_visible(False)
        for axes in grid[-1]:
            axes.set_xlabel("bits per value (log scale)")
        figure.suptitle(f"Activations of {model}, float32: bytes against error")
        figure.supylabel("root mean square error, standard deviations of the activation (log scale)", fontsize=10)
        legend_of(figure, panels)
        save(figure, plt, out / file_name("codec", model))


def read(paths):
    """Points of both suites from all files; what they hold is checked before anything is drawn."""
    gradient, codec = {}, {}
    for path in paths:
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            suite, rows = document["suite"], document["rows"]
        except (OSError, ValueError, KeyError) as error:
            fail(f"{path}: no results of cinch-bench ({error})")
        if suite == "gradient":
            for model, points in gradient_points(rows).items():
                gradient.setdefault(model, []).extend(points)
        elif suite in ("codec", "sz3"):
            for model, sources in codec_points(rows).items():
                for source, points in sources.items():
                    codec.setdefault(model, {}).setdefault(source, []).extend(points)
        else:
            fail(f"{path}: results of suite '{suite}', not of gradient, codec or sz3")
    if not gradient and not codec:
        fail("nothing to draw: no row has both a rate and a noise")
    return gradient, codec


def self_test():
    """What becomes of rows, without matplotlib."""
    rows = [
        {"codec": {"name": "dither", "predict": "none"}, "model": "a", "data": "fashion-mnist", "finite": True,
         "bits_of_32": 3.0, "noise_variance": 0.1},
        {"codec": {"name": "dither", "predict": "none"}, "model": "a", "data": "fashion-mnist", "finite": True,
         "bits_of_32": 2.0, "noise_variance": 0.2},
        {"codec": {"name": "group_quant", "rounding": "nearest"}, "model": "b", "data": "text", "finite": True,
         "bits_of_32": 2.0, "noise_variance": 0.3},
        {"codec": {"name": "lfc"}, "model": "b", "data": "text", "finite": False},
        {"against": "group_quant"},
    ]
    points = gradient_points(rows)
    assert list(points) == ["a", "b, text"], points
    assert by_method(points["a"]) == {"dither": [(2.0, 0.2), (3.0, 0.1)]}, points
    assert list(by_method(points["b, text"])) == ["group_quant, nearest"], points
    row = {"codec": {"name": "dither", "predict": "lorenzo"}, "dtype": "float32", "model": "gpt", "source": "query",
           "threads": 1, "ratio": 16.0, "rmse_sigma": 0.3}
    same = codec_points([row, dict(row, threads=2), dict(row, which="interpolation"), dict(row, dtype="bfloat16"),
                         dict(row, rmse_sigma=0)])
    assert same == {"gpt": {"query": [("dither, lorenzo", 2.0, 0.3)]}}, same
    assert file_name("gradient", "gpt, text") == "gradient_gpt_text.svg"
    assert len({style for style in STYLES.values()}) == len(STYLES)
    print("plot_results: self-test passed")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=pathlib.Path, help="results of the suites gradient and codec")
    parser.add_argument("--out", type=pathlib.Path, default=RESULTS, help="folder for the SVG files")
    parser.add_argument("--install", action="store_true", help="install matplotlib into this virtual environment")
    parser.add_argument("--self-test", action="store_true", help="check this script itself; needs no matplotlib")
    arguments = parser.parse_args()
    if arguments.self_test:
        self_test()
        return
    others = [path for path in (RESULTS / "codec.json", RESULTS / "sz3.json") if path.is_file()]
    files = arguments.files or sorted(RESULTS.glob("gradient*.json")) + others
    gradient, codec = read(files)
    plt = load_matplotlib(arguments.install)
    arguments.out.mkdir(parents=True, exist_ok=True)
    plot_gradient(plt, gradient, arguments.out)
    plot_codec(plt, codec, arguments.out)


if __name__ == "__main__":
    main()
