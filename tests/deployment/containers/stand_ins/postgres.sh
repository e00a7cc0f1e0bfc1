#!/bin/sh
# As the official image's entrypoint: at the first start a cluster, with the user and the database that the environment names.
set -e
data=/var/lib/postgresql/18/docker
[ "$1" = postgres ] || exec "$@"
if [ ! -s "$data/PG_VERSION" ]; then
    mkdir -p "$data"
    [ -n "$POSTGRES_PASSWORD_FILE" ] || {
        POSTGRES_PASSWORD_FILE=/tmp/password
        echo "$POSTGRES_PASSWORD" > "$POSTGRES_PASSWORD_FILE"
    }
    initdb -D "$data" -E UTF8 -A scram-sha-256 -U "$POSTGRES_USER" --pwfile="$POSTGRES_PASSWORD_FILE"
    echo "host all all all scram-sha-256" >> "$data/pg_hba.conf"
    echo "create database \"$POSTGRES_DB\"" | postgres --single -D "$data" postgres > /dev/null
fi
shift
exec postgres -D "$data" -c listen_addresses='*' -c unix_socket_directories=/var/run/postgresql "$@"
