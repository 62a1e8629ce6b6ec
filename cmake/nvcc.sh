#!/bin/sh
# usage: nvcc.sh LOG COMMAND...  Runs a compilation; what ptxas tells of each kernel goes to LOG, everything else to
# standard error.
log="$1"
shift
"$@" 2>"$log"
status=$?
grep -v -e '^ptxas info' -e 'bytes stack frame' "$log" >&2
exit $status
