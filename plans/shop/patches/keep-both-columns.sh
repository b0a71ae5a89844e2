#!/bin/sh
# keep-both-columns.sh PATCH: two tasks widen the same table; whoever comes second keeps both.
#
# Where nothing is in conflict (or no longer), the patch is the task's work as usual.
set -eu
here=$(dirname "$0")
if grep -q '^<<<<<<< ' shop/catalogue.py; then
    cp "$here/catalogue.resolved.py" shop/catalogue.py
    git add --all
elif ! cmp -s "$here/catalogue.resolved.py" shop/catalogue.py; then
    sh "$here/carry-on.sh" "$1"
fi
