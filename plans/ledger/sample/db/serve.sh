#!/bin/sh
# serve.sh FOLDER PORT: a fresh PostgreSQL server with its files in FOLDER, in the foreground.
set -eu
folder=$1 port=$2
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
[ -n "$bin" ] || { echo "PostgreSQL is not installed" >&2; exit 1; }
"$bin/initdb" -D "$folder/data" -U ledger -A trust --no-sync -E UTF8 >/dev/null
exec "$bin/postgres" -D "$folder/data" -k "$folder" -h 127.0.0.1 -p "$port" -c fsync=off
