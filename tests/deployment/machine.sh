#!/usr/bin/env bash
# A machine of its own for systemd, until SIGTERM: machine.sh <folder> <clone> <script>
#
# Namespaces, the root of this machine below a layer of changes that nobody keeps (<folder>/changes), and systemd as the
# first process, which knows no unit but those in /etc/systemd/system. The clone is at /opt/seamark. <script> is run
# there once systemd listens; SIGTERM stops all units of seamark. The network is this machine's. Needs root.
set -euo pipefail
export PATH=$PATH:/usr/sbin:/sbin

inside() {
  local folder=$1 clone=$2 root=$1/root units=etc/systemd/system name shown=
  mount --make-rprivate /
  mkdir -p "$folder"/{changes,work,root}
  mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/changes,workdir=$folder/work" "$root"
  mkdir -p "$root/opt/seamark"
  mount --bind "$root$clone" "$root/opt/seamark"
  # The clone and its Python may lie where the units do not let their processes look, or in a home which only its owner may enter.
  for name in "$clone" "$(realpath "$clone/.venv/bin/python")"; do
    case $name in
      /tmp/* | /var/tmp/*) shown+=$'PrivateTmp=no\n' ;;
      /root/* | /home/*) shown+=$'ProtectHome=no\n' ;;
    esac
    while name=$(dirname "$name") && [ "$name" != / ]; do chmod o+x "$root$name"; done
  done
  cd "$root"
  mount -t proc proc proc
  # To be read only: what else would tune the kernel leaves it alone.
  mount -t sysfs -o ro sysfs sys
  mount -t cgroup2 cgroup2 sys/fs/cgroup
  for name in dev run "$units"; do mount -t tmpfs tmpfs "$name"; done
  for name in null zero full random urandom tty; do cp -a "/dev/$name" dev/; done
  mkdir dev/{pts,shm,mqueue,hugepages}
  mount -t devpts devpts dev/pts
  ln -s pts/ptmx dev/ptmx
  touch dev/console
  for name in sysinit basic sockets multi-user network-online shutdown; do
    printf '[Unit]\nDefaultDependencies=no\n' >"$units/$name.target"
  done
  mkdir "$units/service.d"
  cat >"$units/service.d/here.conf" <<-END
	[Service]
	$shown
	StandardOutput=append:/var/log/seamark.log
	StandardError=append:/var/log/seamark.log
	END
  pivot_root . .
  umount -l .
  cd /
  # As a machine's own systemd does: what it mounts for a service is to be seen by that service.
  mount --make-rshared /
  export container=test SYSTEMD_UNIT_PATH=/$units
  exec /lib/systemd/systemd --system --unit=multi-user.target --show-status=no
}

if [ "$1" = --inside ]; then
  shift
  inside "$@"
fi

folder=$1 clone=$2 script=$3
cgroups=$(awk '$3 == "cgroup2" {print $2; exit}' /proc/mounts)
cgroup=${cgroups:?there are no control groups of version 2}/seamark-$$
mkdir "$cgroup"
end() {
  kill -9 "$first" 2>/dev/null || true
  wait || true
  find "$cgroup" -depth -type d -exec rmdir {} + || true
}
trap end EXIT
trap : TERM

sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$cgroup" \
  unshare --pid --fork --mount --uts --ipc --cgroup --kill-child "$0" --inside "$folder" "$clone" &
unshared=$!
within() { nsenter -t "$first" -m -p -u -i -C env SYSTEMD_UNIT_PATH=/etc/systemd/system "$@"; }
until first=$(pgrep -P $unshared -x systemd) && within systemctl show >/dev/null 2>&1; do
  kill -0 $unshared
  sleep 0.1
done
within env -C /opt/seamark sh -ex <"$script"
wait $unshared || true
within systemctl stop 'seamark-*'
