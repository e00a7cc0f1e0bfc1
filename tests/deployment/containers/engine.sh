#!/bin/sh
# Docker's daemon of the Debian in $1, which sees the machine's folders $2 … at their own paths. It has mounts of its own, which
# end with it; a chroot would not do, for a container's processes would find the way out of it.
set -e
root=$1
shift
mount --bind "$root" "$root"
for folder in /dev /proc /sys "$@"; do
    mkdir -p "$root$folder"
    mount --rbind "$folder" "$root$folder"
done
cp /etc/resolv.conf "$root/etc/resolv.conf"
mkdir -p "$root/.outside"
cd "$root"
pivot_root . .outside
umount -l /.outside
exec /usr/sbin/dockerd --host unix:///run/docker-of-tests.sock --exec-root /run/docker-of-tests \
    --data-root /var/lib/docker-of-tests --pidfile /run/docker-of-tests.pid
