#!/usr/bin/env bash
# Builds and tests cinch against other versions of LibTorch, and verifies the catalogue of needs with each.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<TEXT
usage: scripts/torch_matrix.sh [--json FILE] [VERSION...]

For each VERSION (default: the newest torch on PyPI, and 2.10.0): installs it into .cache/torch-VERSION, builds without CUDA into
build-torch-VERSION, runs the tests that need LibTorch, and runs the catalogue (cinch-bench needs). Each version
takes about half an hour and 6 GB. What is there already is used again.

  --json FILE   where the summary is written, beside what it has of other versions
                (default: docs/results/torch_matrix.json)

Environment: JOBS sets how many compilers and tests run at once.
TEXT
}

json=docs/results/torch_matrix.json
versions=()
while [ $# -gt 0 ]; do
  case "$1" in
    -h|--help) usage; exit 0 ;;
    --json) json="${2:?--json needs a file}"; shift ;;
    -*) usage >&2; printf "torch_matrix: unknown argument '%s'\n" "$1" >&2; exit 2 ;;
    *) versions+=("$1") ;;
  esac
  shift
done

say() { printf 'torch_matrix: %s\n' "$*"; }
jobs="${JOBS:-$(nproc)}"
scripts/setup.sh

newest() {
  .venv/bin/python -m pip index versions torch 2>/dev/null | sed -n '1s/.*(\(.*\)).*/\1/p'
}
if [ ${#versions[@]} -eq 0 ]; then
  latest="$(newest || true)"
  [ -n "$latest" ] || { echo "torch_matrix: PyPI does not say which torch is the newest; name versions" >&2; exit 1; }
  versions=("$latest" 2.10.0)
fi

# one VERSION: its row of the summary on the last line of the file that is named second.
one() {
  local version="$1" log="$2" environment=".cache/torch-$1" build="build-torch-$1" folder built=true crashed=() needs=0
  mkdir -p .cache "$build"
  [ -x "$environment/bin/python" ] || .venv/bin/python -m venv "$environment"
  "$environment/bin/python" -m pip install --quiet --disable-pip-version-check --no-input "torch==$version"
  folder="$PWD/$(echo "$environment"/lib/python3*/site-packages/torch)"
  { cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCINCH_TORCH_DIR="$folder" -DCINCH_WITH_CUDA=OFF &&
    cmake --build "$build" -j "$jobs" --target cinch_test_backend cinch_test_hooks cinch-bench; } >"$build/matrix.log" 2>&1 || built=false
  if [ "$built" = false ]; then
    say "$version does not build, see $build/matrix.log: $(grep -m1 -E 'error: |Error at' "$build/matrix.log" || tail -n1 "$build/matrix.log")"
  else
    local name
    for name in backend hooks; do
      # As if the catalogue held for this version, which cinch-bench needs shows. (One test is of the page that tells of
      # this very run.)
      CINCH_TRUST_TORCH="${version%%+*}" OMP_WAIT_POLICY=passive "$build/bin/cinch_test_$name" \
        --gtest_filter='-Catalogue.TableAndPage*' --gtest_output="json:$log.$name.json" >"$log.$name" 2>&1 || true
      [ -f "$log.$name.json" ] || crashed+=("cinch_test_$name")
    done
    "$build/bin/cinch-bench" needs --json "$log.needs.json" >"$log.needs" 2>&1 || needs=$?
    [ -f "$log.needs.json" ] || crashed+=("cinch-bench needs")
  fi
  .venv/bin/python - "$version" "$built" "$log" "$needs" "${crashed[@]}" <<'PYTHON' >>"$log.rows"
import json, os, sys
version, built, log = sys.argv[1], sys.argv[2] == "true", sys.argv[3]
row = {"torch": version, "built": built, "crashed": sys.argv[5:]}
failed = []
for name in ("backend", "hooks"):
    path = f"{log}.{name}.json"
    if not os.path.exists(path):
        continue
    with open(path) as file:
        document = json.load(file)
    cases = [(suite["name"], case) for suite in document["testsuites"] for case in suite["testsuite"]]
    row["tests"] = row.get("tests", 0) + len(cases)
    row["skipped"] = row.get("skipped", 0) + sum(case.get("result") == "SKIPPED" for _, case in cases)
    failed += [f"{suite}.{case['name']}" for suite, case in cases if case.get("failures")]
if "tests" in row:
    row["failed"] = len(failed)
    row["failed_tests"] = failed
path = f"{log}.needs.json"
if os.path.exists(path):
    with open(path) as file:
        rows = json.load(file)["rows"]
    row["needs_rows"] = len(rows)
    row["needs_verified"] = sum(r.get("verified") is True for r in rows)
    row["needs_held"] = sys.argv[4] == "0"  # no row that is trusted with the versions of the catalogue failed
    row["needs_failed"] = [f"{r['op']}:{r['slot']}" for r in rows if r["claimed"] and not r["verified"]]
print(json.dumps(row))
PYTHON
}

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
for version in "${versions[@]}"; do
  say "torch $version"
  one "$version" "$work/$version"
  tail -n1 "$work/$version.rows"
done
cat "$work"/*.rows | .venv/bin/python -c '
import json, os, subprocess, sys
rows = [json.loads(line) for line in sys.stdin]
def git(*arguments):
    return subprocess.run(["git", *arguments], capture_output=True, text=True).stdout.strip()
commit = git("rev-parse", "--short", "HEAD") + ("-modified" if git("status", "--porcelain", "--untracked-files=no") else "")
with open("/proc/cpuinfo") as file:
    cpu = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), "")
for row in rows:
    row["commit"], row["cpu"] = commit, cpu
kept = []
if os.path.exists(sys.argv[1]):
    with open(sys.argv[1]) as file:
        kept = [row for row in json.load(file)["rows"] if row["torch"] not in {row["torch"] for row in rows}]
with open(sys.argv[1], "w") as file:
    json.dump({"schema": "cinch.bench/1", "suite": "torch_matrix", "rows": kept + rows}, file, indent=1)
    file.write("\n")
print("torch_matrix: written: " + sys.argv[1] + "; scripts/make_catalogue.py tells docs/catalogue.md of it")
sys.exit(any(not row["built"] or row["crashed"] or row.get("failed") or not row.get("needs_held") for row in rows))' "$json"
