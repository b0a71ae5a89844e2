#!/bin/sh
# carry-on.sh PATCH…: look what an earlier session has left, as an agent would, and do the rest.
#
# Each patch builds on the one before it, so that finding one in place means its elders are too.
set -eu
here=$(dirname "$0")
rest=
for patch in "$@"; do
    if git apply --reverse --check "$here/$patch" 2>/dev/null; then rest=; else rest="$rest $patch"; fi
done
git add --all
for patch in $rest; do git apply --3way --whitespace=nowarn "$here/$patch"; done
