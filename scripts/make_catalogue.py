#!/usr/bin/env python3
"""Turns hooks/catalogue/needs.json into the C++ table and the table in docs/catalogue.md, which also says what
docs/results/torch_matrix.json has of other versions of torch.

Without options both files are rewritten. With --check nothing is written: exit 1 where a file differs from
what needs.json gives, exit 2 where needs.json itself is wrong. With --verified FILE the rows that held in
a run of `cinch-bench needs --device cpu|cuda --json FILE` are first written into needs.json.
"""
import argparse
import json
import pathlib
import re
import sys

import catalogue_verified
from catalogue_verified import DEVICES, Wrong, numbers_of, reference, unproven

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCE = ROOT / "hooks/catalogue/needs.json"
TABLE = ROOT / "hooks/catalogue/needs_table.inc"
PAGE = ROOT / "docs/catalogue.md"
MATRIX = ROOT / "docs/results/torch_matrix.json"
BEGIN, END = "<!-- begin generated -->", "<!-- end generated -->"

NEEDS = ["shape", "mask", "bool", "integer", "linear", "nonlinear", "exact", "opaque", "parameter"]
PREDICATES = ["none", "greater", "greater_equal", "less", "less_equal", "open_interval", "closed_interval", "abs_greater", "sign",
              "two_valued", "joint_equal", "joint_sign", "joint_abs_equal"]
REACHES = ["none", "weight_grad", "input_grad", "both", "upstream"]
ROW_KEYS = {"variant", "torch", "when", "need", "predicate", "joint", "nan", "region", "reaches", "verified", "first_order", "nonnegative", "note"}
BOUNDS = {"greater": ["lo"], "greater_equal": ["lo"], "less": ["hi"], "less_equal": ["hi"], "open_interval": ["lo", "hi"],
          "closed_interval": ["lo", "hi"], "abs_greater": ["lo"]}
MAX_CONDITIONS = 4
MAX_VERSIONS = 32


def pascal(word):
    return "k" + "".join(part.capitalize() for part in word.split("_"))


def text(value):
    return json.dumps(value)


def number(value):
    if value == "inf":
        return "kInfinity"
    if value == "-inf":
        return "-kInfinity"
    return repr(float(value))


def one_of(value, allowed, where):
    if value not in allowed:
        raise Wrong(f"{where}: {value!r} is none of {', '.join(allowed)}")
    return value


def bound(value):
    if isinstance(value, str):
        return "{%s, 0.0}" % text(value)
    return "{nullptr, %s}" % number(value)


def condition(c, where):
    if "argument" in c:
        value = c["is"]
        if isinstance(value, str) and value not in ("inf", "-inf"):
            return "{ConditionKind::kText, %s, 0.0, %s}" % (text(c["argument"]), text(value))
        return "{ConditionKind::kNumber, %s, %s, nullptr}" % (text(c["argument"]), number(value))
    kinds = {"absent": ("kAbsent", True), "no_grad": ("kNoGrad", True), "dtype": ("kDtype", False),
             "device": ("kDevice", False), "inside": ("kInside", False)}
    if len(c) != 1 or next(iter(c)) not in kinds:
        raise Wrong(f"{where}: unknown condition {c}")
    key, value = next(iter(c.items()))
    kind, names_argument = kinds[key]
    if names_argument:
        return "{ConditionKind::%s, %s, 0.0, nullptr}" % (kind, text(value))
    return "{ConditionKind::%s, nullptr, 0.0, %s}" % (kind, text(value))


def versions_code(data):
    """The versions of torch, oldest first, each with the devices on which the rows were run."""
    versions, out = data["torch"], []
    if not all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions):
        raise Wrong("torch: versions are three numbers each")
    if list(versions) != sorted(versions, key=numbers_of) or not 0 < len(versions) <= MAX_VERSIONS:
        raise Wrong(f"torch: 1 to {MAX_VERSIONS} versions, oldest first")
    for version, devices in versions.items():
        if not devices or devices != [d for d in DEVICES if d in devices]:
            raise Wrong(f"torch {version}: must be a list of {', '.join(DEVICES)}, in this order")
        out.append("{%s, {%s}}" % (text(version), ", ".join(f".{device} = true" for device in devices)))
    return "constexpr TorchVersion kTorchVersions[] = {%s};" % ", ".join(out)


def row_code(row, versions, where):
    unknown = set(row) - ROW_KEYS
    if unknown:
        raise Wrong(f"{where}: unknown keys {sorted(unknown)}")
    need = one_of(row.get("need"), NEEDS, where)
    verified = row.get("verified")
    if not isinstance(verified, list) or verified != [d for d in DEVICES if d in verified]:
        raise Wrong(f"{where}: 'verified' must be a list of {', '.join(DEVICES)}, in this order")
    fields = [f".variant = {text(row['variant'])}"] if row.get("variant") else []
    fields.append(f".need = Need::{pascal(need)}")
    predicate = row.get("predicate", {"kind": "none"})
    kind = one_of(predicate.get("kind"), PREDICATES, where)
    joint = row.get("joint", False)
    if need == "mask" and (kind == "none" or kind.startswith("joint_")) != joint:
        raise Wrong(f"{where}: a mask has either a predicate of single values or 'joint'")
    if need != "mask" and kind != "none":
        raise Wrong(f"{where}: a predicate needs 'need': 'mask'")
    if kind != "none":
        fields.append(f".predicate = PredicateKind::{pascal(kind)}")
    for side in BOUNDS.get(kind, []):
        if side not in predicate:
            raise Wrong(f"{where}: predicate {kind} lacks '{side}'")
        fields.append(f".{side} = {bound(predicate[side])}")
    if predicate.get("nan_on"):
        fields.append(".nan_on = true")
    if one_of(predicate.get("round", "float32"), ["float32", "element"], where) == "element":
        fields.append(".round_to_element = true")
    reach = one_of(row.get("reaches", "none"), REACHES, where)
    if reach != "none":
        fields.append(f".reach = Reach::{pascal(reach)}")
    if verified:
        fields.append(".verified = {%s}" % ", ".join(f".{device} = true" for device in verified))
    for key in ("joint", "first_order", "nonnegative"):
        if row.get(key):
            fields.append(f".{key} = true")
    if "torch" in row:
        of = row["torch"]
        if not isinstance(of, list) or not of or of != [v for v in versions if v in of]:
            raise Wrong(f"{where}: 'torch' must be a list of {', '.join(versions)}, in this order")
        fields.append(".torch = 0b%s" % "".join("1" if v in of else "0" for v in reversed(versions)))
    conditions = row.get("when", [])
    if len(conditions) > MAX_CONDITIONS:
        raise Wrong(f"{where}: more than {MAX_CONDITIONS} conditions")
    if conditions:
        fields.append(".when = {%s}" % ", ".join(condition(c, where) for c in conditions))
    return "{" + ", ".join(fields) + "}"


def table_code(data):
    if data.get("schema") != "cinch.needs/3":
        raise Wrong("schema: expected cinch.needs/3")
    out = ["// Made by scripts/make_catalogue.py from needs.json; do not edit. Long because it is a table.", "// clang-format off",
           versions_code(data), ""]
    ops, seen = [], set()
    for n, op in enumerate(data["ops"]):
        slots = []
        for m, slot in enumerate(op["slots"]):
            where = f"{op['op']}, slot {slot['name']}"
            rows = [row_code(row, list(data["torch"]), where) for row in slot["rows"]]
            name = f"kRows{n}_{m}"
            if rows:
                out.append(f"constexpr NeedRow {name}[] = {{")
                out.extend(f"    {row}," for row in rows)
                out.append("};")
            argument = text(slot["argument"]) if "argument" in slot else text(slot["name"])
            slots.append("{%s, %s, %s}" % (text(slot["name"]), argument, name if rows else "{}"))
        if not slots or len(slots) > 64:
            raise Wrong(f"{op['op']}: 1 to 64 slots, not {len(slots)}")
        out.append(f"constexpr SlotData kSlots{n}[] = {{{', '.join(slots)}}};")
        for overload in op["overloads"]:
            key = (op["op"], overload)
            if key in seen:
                raise Wrong(f"{op['op']}.{overload}: listed twice")
            seen.add(key)
            ops.append(f"    {{{text(op['op'])}, {text(overload)}, kSlots{n}}},")
    out += ["", "constexpr OpData kOps[] = {", *ops, "};", "// clang-format on", ""]
    return "\n".join(out)


def describe(predicate):
    lo, hi = predicate.get("lo"), predicate.get("hi")
    words = {"greater": f"x > {lo}", "greater_equal": f"x >= {lo}", "less": f"x < {hi}", "less_equal": f"x <= {hi}",
             "open_interval": f"{lo} < x < {hi}", "closed_interval": f"{lo} <= x <= {hi}", "abs_greater": f"\\|x\\| > {lo}",
             "sign": "sign of x", "two_valued": "which of two values"}
    said = words.get(predicate["kind"], predicate.get("equals", ""))
    return said + (", on for NaN" if predicate.get("nan_on") else "")


def other_versions(data):
    """Of each version of torch beside the reference with which the rows were run: how many held, and the (op, slot) of
    those that were to hold and did not."""
    try:
        runs = [row for row in json.loads(MATRIX.read_text())["rows"] if "needs_verified" in row and row["torch"] != reference(data)]
        runs.sort(key=lambda row: numbers_of(row["torch"]))
        found = {row["torch"]: (row["needs_verified"], [tuple(name.rsplit(":", 1)) for name in row["needs_failed"]]) for row in runs}
    except (ValueError, KeyError, TypeError) as error:
        raise Wrong(f"{MATRIX.relative_to(ROOT)} is not what scripts/torch_matrix.sh writes: {error!r}") from error
    known = {(op["op"], slot["name"]) for op in data["ops"] for slot in op["slots"]}
    for _, failed in found.values():
        for op, slot in set(failed) - known:
            raise Wrong(f"{MATRIX.relative_to(ROOT)} names {op}:{slot}, which is not here")
    return found


def versions_text(data, versions):
    told = []
    for version, (held, failed) in versions.items():
        names = ", ".join(f"`{op.removeprefix('aten::')}` {slot}" for op, slot in failed)
        used = "" if version in data["torch"] else " (not used unless somebody [vouches for it](compatibility.md#versions-of-libtorch))"
        told.append(f"{held} with torch {version}{used}" + (f", but not {names}" if failed else ""))
    return f"\nWith other versions rows were run on the CPU alone, and are trusted there alone (`docs/results/torch_matrix.json`): {'; '.join(told)}.\n" if told else ""


def page_table(data):
    out = ["| op | slot | variant | need | keep | error reaches | checked |", "|---|---|---|---|---|---|---|"]
    for op in data["ops"]:
        name = op["op"].removeprefix("aten::")
        name = ", ".join(f"`{name}{'.' + o if o else ''}`" for o in op["overloads"])
        for slot in op["slots"]:
            for row in slot["rows"]:
                keep = describe(row["predicate"]) if "predicate" in row else ""
                if row.get("joint"):
                    keep += " (more than two tensors compared: kept exact)" if row["predicate"]["kind"] == "none" else " (one plane for both)"
                if row.get("region"):
                    keep += f"values matter for {describe(row['region'])}"
                checked = "run on " + " and ".join(map(str.upper, row["verified"])) if row["verified"] else "from source"
                if row.get("first_order"):
                    checked += ", first order only"
                if "torch" in row:
                    checked += f", torch {', '.join(row['torch'])}"
                if row.get("nonnegative"):
                    keep += " (zero or positive: `dither` needs no plane for it)"
                reaches = row.get("reaches", "").replace("_", " ")
                out.append(f"| {name} | {slot['name']} | {row.get('variant', '')} | {row['need']} | {keep} | {reaches} | {checked} |")
    return "\n".join(out)


def page_text(data):
    old = PAGE.read_text()
    if BEGIN not in old or END not in old:
        raise Wrong(f"{PAGE.name}: the marks '{BEGIN}' and '{END}' are missing")
    head, rest = old.split(BEGIN, 1)
    tail = rest.split(END, 1)[1]
    rows = [row for op in data["ops"] for slot in op["slots"] for row in slot["rows"]]
    here = [row for row in rows if reference(data) in row.get("torch", data["torch"])]
    run = ", ".join(f"{sum(device in row['verified'] for row in here)} run on {device.upper()}" for device in DEVICES)
    source = sum(not row["verified"] for row in here)
    intro = f"{len(data['ops'])} ops, {len(rows)} rows; with torch {reference(data)} {run}, {source} from source only. The last column names each row's devices, and its versions of torch where these are not all."
    versions = other_versions(data)
    return f"{head}{BEGIN}\n{intro}\n{versions_text(data, versions)}\n{page_table(data)}\n{END}{tail}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a generated file is stale")
    parser.add_argument("--verified", metavar="FILE", help="results of cinch-bench needs: which rows held, on which device")
    parser.add_argument("--self-test", action="store_true", help="test the merging of --verified, and nothing else")
    arguments = parser.parse_args()
    if arguments.self_test:
        return max(catalogue_verified.self_test(), catalogue_verified.self_test_of_versions())
    try:
        if arguments.verified and catalogue_verified.merge(SOURCE, pathlib.Path(arguments.verified)):
            print(f"wrote {SOURCE.relative_to(ROOT)}")
        data = json.loads(SOURCE.read_text())
        made = {TABLE: table_code(data), PAGE: page_text(data)}
    except (Wrong, OSError, json.JSONDecodeError, KeyError) as error:
        named = arguments.verified if isinstance(error, catalogue_verified.WrongFile) else SOURCE.relative_to(ROOT)
        print(f"{named}: {error}", file=sys.stderr)
        return 2
    stale = 0
    for version in unproven(data, json.loads(MATRIX.read_text())["rows"]):
        print(f"torch {version}: {MATRIX.relative_to(ROOT)} has no run on the CPU that shows all of these rows and every test: scripts/torch_matrix.sh {version}", file=sys.stderr)
        stale = int(arguments.check)
    for path, content in made.items():
        if path.exists() and path.read_text() == content:
            continue
        if arguments.check:
            print(f"{path.relative_to(ROOT)} is stale: run scripts/make_catalogue.py", file=sys.stderr)
            stale = 1
        else:
            path.write_text(content)
            print(f"wrote {path.relative_to(ROOT)}")
    return stale


if __name__ == "__main__":
    sys.exit(main())
