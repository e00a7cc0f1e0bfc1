#!/bin/sh
# What backups need of Postgres, put into the folder $1. Run in the server's image (Debian's), it is of the server's version.
set -eu
mkdir -p "$1/bin" "$1/lib"
for name in pg_basebackup pg_receivewal pg_verifybackup pg_waldump; do
    program=$(readlink -f "$(command -v "$name")")
    cp -f "$program" "$1/bin/"
    ldd "$program" | awk '$2 == "=>" && $3 ~ "^/" { print $3 }' | while read -r library; do
        case ${library##*/} in
            # Python's own image has these, and its own must be the ones that it takes.
            libc.* | libm.* | libdl.* | librt.* | libpthread.* | libresolv.* | libz.* | libssl.* | libcrypto.*) ;;
            *) cp -fL "$library" "$1/lib/" ;;
        esac
    done
done
