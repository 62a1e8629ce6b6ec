"""Merges results of `cinch-bench needs` into needs.json: on which devices each row's test has passed, and with which
versions of torch.

A part of make_catalogue.py (--verified FILE, --self-test). A row that the file ran gets or loses the file's device;
rows that the file lacks stay as they are. Merging the same file twice changes nothing.
"""
import json
import pathlib
import re
import tempfile

DEVICES = ["cpu", "cuda"]
VERIFIED = re.compile(r'"verified": \[[^\]]*\]')


class Wrong(Exception):
    """needs.json is wrong."""


class WrongFile(Wrong):
    """The file with results is wrong, or not for this needs.json."""


def numbers_of(version):
    return [int(part) for part in version.split("+")[0].split(".")]


def reference(data):
    """The version of torch whose runs decide on which devices a row is verified: the newest that ran on all of them."""
    versions = [version for version, devices in data["torch"].items() if devices == DEVICES]
    if not versions:
        raise Wrong(f"torch: no version has run on {', '.join(DEVICES)}")
    return versions[-1]


def unproven(data, runs):
    """The versions of torch beside the reference that the catalogue trusts on the CPU and of which no run in `runs` shows
    all of it: each row that it claims for that version there, and every test. A run needs the table first."""
    def shown(version):
        claimed = sum("cpu" in row["verified"] and version in row.get("torch", data["torch"])
                      for op in data["ops"] for slot in op["slots"] for row in slot["rows"])
        return any(run["torch"] == version and run["built"] and not run["crashed"] and not run["failed"] and run["needs_held"] and
                   run["needs_verified"] == claimed for run in runs)
    return [version for version, devices in data["torch"].items() if version != reference(data) and "cpu" in devices and not shown(version)]


def rows_of(data):
    """Every row of needs.json in order, with the key under which the bench reports it."""
    rows = {}
    for op in data["ops"]:
        for slot in op["slots"]:
            for row in slot["rows"]:
                # Overloads share their rows; the bench reports them under the first one.
                key = (op["op"], op["overloads"][0], slot["name"], row.get("variant", ""))
                if key in rows:
                    raise Wrong(f"{' '.join(key)}: two rows of the same variant")
                rows[key] = row
    return rows


def read_results(path):
    try:
        document = json.loads(path.read_text())
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise WrongFile(f"cannot be read as JSON: {error}") from error
    if not isinstance(document, dict) or document.get("schema") != "cinch.bench/1" or document.get("suite") != "needs":
        raise WrongFile("not the results of `cinch-bench needs` (schema cinch.bench/1, suite needs)")
    rows = document.get("rows")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise WrongFile("'rows' must be a list of objects, and not empty")
    return rows


def device_of(results):
    """All rows must come from one device; the index of a GPU does not matter."""
    devices = {str(row.get("device", "")).split(":")[0] for row in results}
    if len(devices) != 1 or not devices <= set(DEVICES):
        raise WrongFile(f"'device' must be one of {', '.join(DEVICES)} in all rows, not {', '.join(sorted(devices))}")
    return devices.pop()


def check_torch(results, wanted):
    for row in results:
        version = str(row.get("torch", "")).split("+")[0]
        if version != wanted:
            raise WrongFile(f"was made with torch '{version}'; devices are those of runs with {wanted}")


def verdicts(results, known):
    """Key of a row -> did it hold."""
    held = {}
    for row in results:
        key = tuple(str(row.get(field, "")) for field in ("op", "overload", "slot", "variant"))
        if key not in known:
            raise WrongFile(f"row {' '.join(key)} is not in the catalogue")
        if key in held:
            raise WrongFile(f"row {' '.join(key)} comes twice")
        if row.get("need") != known[key]["need"]:
            raise WrongFile(f"row {' '.join(key)} was run as '{row.get('need')}', the catalogue says '{known[key]['need']}'")
        if not isinstance(row.get("verified"), bool):
            raise WrongFile(f"row {' '.join(key)}: 'verified' must be true or false")
        held[key] = row["verified"]
    return held


def merged_text(text, results):
    """The text of needs.json with the results in it. Nothing but the lists of devices changes."""
    data = json.loads(text)
    known = rows_of(data)
    device = device_of(results)
    check_torch(results, reference(data))
    held = verdicts(results, known)
    for key, row in known.items():
        if reference(data) not in row.get("torch", data["torch"]):
            held.pop(key, None)  # of other versions: this run says nothing of it
    lists = []
    for key, row in known.items():
        devices = set(row["verified"])
        if key in held:
            devices = devices | {device} if held[key] else devices - {device}
        lists.append(json.dumps([d for d in DEVICES if d in devices]))
    if len(VERIFIED.findall(text)) != len(lists):
        raise Wrong("each row must have one '\"verified\": [...]' on one line")
    following = iter(lists)
    return VERIFIED.sub(lambda _: f'"verified": {next(following)}', text)


def merge(source, results_path):
    """True where needs.json has changed."""
    results = read_results(results_path)
    before = source.read_text()
    after = merged_text(before, results)
    if after != before:
        source.write_text(after)
    return after != before


def self_test():
    catalogue = """{"torch": {"2.10.0": ["cpu"], "2.11.0": ["cpu", "cuda"], "2.15.0": ["cpu"]}, "ops": [
      {"op": "aten::a", "overloads": ["", "out"], "slots": [{"name": "self", "rows": [
        {"variant": "x", "need": "mask", "verified": ["cpu"], "note": "kept"},
        {"need": "linear", "verified": []},
        {"variant": "newer", "torch": ["2.15.0"], "need": "shape", "verified": ["cpu"]}]}]},
      {"op": "aten::b", "overloads": ["one"], "slots": [{"name": "result", "rows": [{"need": "shape", "verified": ["cpu", "cuda"]}]}]}]}"""

    def row(op, overload, slot, variant, need, verified, **other):
        return {"op": op, "overload": overload, "slot": slot, "variant": variant, "need": need, "verified": verified,
                "device": "cuda:1", "torch": "2.11.0+cu130", **other}

    def document(*rows, **other):
        return {"schema": "cinch.bench/1", "suite": "needs", "rows": list(rows), **other}

    masked = row("aten::a", "", "self", "x", "mask", True)
    broken = row("aten::b", "one", "result", "", "shape", False)
    good = document(masked, broken)
    cpu = document({**masked, "device": "cpu", "verified": False}, row("aten::a", "", "self", "newer", "shape", False, device="cpu"))
    refused = {
        "no JSON": "text",
        "another schema": document(masked, schema="cinch.bench/2"),
        "another suite": document(masked, suite="hook"),
        "no rows": document(),
        "a row that is none": document(masked, "row"),
        "another torch": document(masked, {**broken, "torch": "2.12.0"}),
        "a torch that is not the reference": document({**masked, "torch": "2.15.0"}),
        "no device": document({**masked, "device": "xpu"}),
        "two devices": document(masked, {**broken, "device": "cpu"}),
        "an unknown op": document(masked, {**broken, "op": "aten::c"}),
        "an unknown variant": document({**masked, "variant": "y"}),
        "an overload that is not the first": document({**masked, "overload": "out"}),
        "another need": document({**masked, "need": "shape"}),
        "a row twice": document(masked, masked),
        "a verdict that is none": document({**masked, "verified": "yes"}),
    }
    failures = []

    def expect(what, is_so):
        if not is_so:
            failures.append(what)

    with tempfile.TemporaryDirectory() as folder:
        source, file = pathlib.Path(folder) / "needs.json", pathlib.Path(folder) / "results.json"

        def verified_after(results):
            file.write_text(results if isinstance(results, str) else json.dumps(results))
            merge(source, file)
            return [r["verified"] for r in rows_of(json.loads(source.read_text())).values()]

        source.write_text(catalogue)
        expect("a row that held gains the device, one that broke loses it", verified_after(good) == [["cpu", "cuda"], [], ["cpu"], ["cpu"]])
        once = source.read_text()
        expect("nothing but the lists changes", VERIFIED.sub("", once) == VERIFIED.sub("", catalogue))
        verified_after(good)
        expect("merging again changes nothing", source.read_text() == once)
        expect("each device is merged for itself, and rows of other versions are left alone", verified_after(cpu) == [["cuda"], [], ["cpu"], ["cpu"]])
        for what, results in refused.items():
            source.write_text(catalogue)
            try:
                verified_after(results)
                expect(f"{what} is refused", False)
            except WrongFile:
                expect(f"{what} leaves needs.json alone", source.read_text() == catalogue)
        source.write_text(catalogue.replace('"need": "linear"', '"variant": "x", "need": "linear"'))
        try:
            verified_after(good)
            expect("two rows of one variant are an error", False)
        except WrongFile:
            expect("two rows of one variant are the fault of needs.json", False)
        except Wrong:
            pass
    for failure in failures:
        print(f"self-test: not so: {failure}")
    print(f"self-test: {len(refused) + 5} cases, {len(failures)} failures")
    return 1 if failures else 0


def self_test_of_versions():
    data = {"torch": {"1.9.0": ["cpu"], "1.10.0": ["cpu", "cuda"]},
            "ops": [{"slots": [{"rows": [{"verified": ["cpu"]}, {"verified": ["cpu", "cuda"], "torch": ["1.10.0"]}, {"verified": ["cuda"]}]}]}]}
    good = {"torch": "1.9.0", "built": True, "crashed": [], "failed": 0, "needs_held": True, "needs_verified": 1}
    lacking = [[], [{**good, "torch": "1.9.1"}], *([{**good, **wrong}] for wrong in (
        {"built": False}, {"crashed": ["x"]}, {"failed": 1}, {"needs_held": False}, {"needs_verified": 0}, {"needs_verified": 2}))]
    failures = sum(unproven(data, runs) != ["1.9.0"] for runs in lacking) + (unproven(data, [good]) != [])
    print(f"self-test: {len(lacking) + 1} runs of other versions, {failures} failures")
    return int(failures > 0)
