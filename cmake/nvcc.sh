#!/bin/sh
# usage: nvcc.sh LOG COMMAND... -o OBJECT  Runs a compilation; what ptxas tells of each kernel goes to LOG, everything
# else to standard error.
log="$1"
shift
"$@" 2>"$log"
status=$?
grep -v -e '^ptxas info' -e 'bytes stack frame' "$log" >&2
[ "$status" = 0 ] || exit "$status"
# Of device code that a template calls on the host nvcc makes exit(1), and says nothing.
for object; do :; done
if nm -u "$object" | grep -qw exit; then
  rm -f "$object"
  echo "nvcc.sh: $object: host code calls a function that is for the device alone" >&2
  exit 1
fi
