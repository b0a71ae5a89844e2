#!/bin/sh
# run.sh PORT: a fresh database with every migration, then the tests; TAP on standard output.
set -eu
PGHOST=127.0.0.1 PGPORT=$1 PGUSER=ledger PGDATABASE=ledger
export PGHOST PGPORT PGUSER PGDATABASE
sql() { psql -v ON_ERROR_STOP=1 -qAtX "$@"; }
sql -d postgres -c 'drop database if exists ledger' -c 'create database ledger'
for migration in db/migrations/*.sql; do sql -1 -f "$migration"; done
told=$(sql -f tests/balances.sql)
printf '%s\n' "$told"
! printf '%s\n' "$told" | grep -q '^not ok'
