#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A machine that is powered off stops its containers as "systemctl stop" would: each receives its own stop signal and has
# its own time, while the service, the bus and the name server are still there, and nothing waits for a time-out.

set -uo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
machine=("$root/tests/machine/machine" --name "poweroff-$$")
work=$(mktemp -d)
trap '"${machine[@]}" stop 2>/dev/null; rm -rf "$work"' EXIT

source "$root/tests/tools/tap.sh"

# The end of PID 1 ends the machine, and the mounts last as long as descriptors refer to them.
"${machine[@]}" start || exit 1
pid=$(<"/run/berth-machines/poweroff-$$/pid")
exec {volumes}<"/proc/$pid/root/var/lib/berth" {logs}<"/proc/$pid/root/var/log"
inside /usr/bin/python3 -c "
import sys; sys.path.insert(0, '$root/tests/tools')
import oci; oci.push(oci.busybox_image(), '127.0.0.1:5000/box:x')" || exit 1

# Each container writes the signal that it receives, and then takes its time. In a network, it also looks up a name.
cat >"$work/set-up" <<'END'
set -eux
image=127.0.0.1:5000/box:x
dist pull --quiet $image
mkdir -p /etc/berth/units /var/log/journal
journalctl --flush
cat >/usr/share/stop.sh <<'SCRIPT'
stop() {
    trap "" TERM INT
    sleep 2
    [ -z "$PEER" ] || nslookup "$PEER" >/dev/null && echo "$1" >/data/stopped
    exit 0
}
trap "stop TERM" TERM
trap "stop INT" INT
while :; do sleep 0.1; done
SCRIPT
cd /etc/berth/units
container() {
    printf '[Volume]\nVolumeName=%s\n' "$1" >"$1.volume"
    printf '[Container]\nImage=%s\nContainerName=%s\nVolume=%s.volume:/data\nVolume=/usr/share/stop.sh:/stop.sh:ro\nStopTimeout=20\n%b\nExec=sh /stop.sh\n[Service]\nRestart=always\n' \
        $image "$1" "$1" "$2" >"$1.container"
}
container plain ''
container interrupted 'StopSignal=SIGINT'
container peer 'Network=front.network\nNetworkAlias=itself\nEnvironment=PEER=itself'
container scope 'CgroupsMode=enabled'
container member 'Pod=shop.pod'
printf '[Pod]\nPodName=shop\n' >shop.pod
printf '[Network]\nNetworkDeleteOnStop=yes\n' >front.network
options="-v /usr/share/stop.sh:/stop.sh:ro --stop-timeout=20"
printf '[Service]\nType=notify\nExecStart=dist run --rm --name=by-hand -v by-hand:/data %s %s sh /stop.sh\n' \
    "$options" $image >/etc/systemd/system/by-hand.service
printf '[Service]\nType=notify\nDelegate=yes\nKillMode=mixed\nExecStart=dist run --rm --name=below -v below:/data --cgroup=caller %s %s sh /stop.sh\n' \
    "$options" $image >/etc/systemd/system/below.service
systemctl daemon-reload
systemctl start plain interrupted peer scope shop-pod by-hand below
dist run -d --name=detached -v detached:/data --restart=always --stop-signal=INT $options $image sh /stop.sh
until systemctl is-active --quiet member; do sleep 0.1; done
cat >/etc/polkit-1/rules.d/50-test.rules <<'RULE'
polkit.addRule(function(action, subject) { if (subject.user == "alice" && action.id.indexOf("org.berth1.") == 0) return "yes"; });
RULE
systemctl start user@4242
printf '[Container]\nImage=%s\nContainerName=hers\nVolume=hers:/data\nVolume=/usr/share/stop.sh:/stop.sh:ro\nStopTimeout=20\nExec=sh /stop.sh\n' \
    $image >/run/hers.container
install -Dm 0644 -o alice -t /home/alice/.config/berth/units /run/hers.container
until systemctl -M alice@ --user daemon-reload && systemctl -M alice@ --user start hers; do sleep 0.1; done
END
cp "$work/set-up" "/proc/$pid/root/run/set-up"
check "containers run in units and beside them" inside timeout 120 bash /run/set-up

power_off() {
    local begun=$SECONDS
    inside systemctl poweroff
    while [[ -d /proc/$pid ]] && ((SECONDS - begun < 140)); do
        sleep 0.1
    done
    echo "it took $((SECONDS - begun)) s"
    journal | tail -n 50
    ((SECONDS - begun < 60))
}

journal() {
    journalctl -D "/proc/self/fd/$logs/journal" --no-pager -o short-monotonic "$@"
}

stopped() {
    local name=$1 signal=$2
    journal | grep -E "(^| )$name\b|berth" | tail -n 40
    [[ $(<"/proc/self/fd/$volumes/volumes/$name/stopped") == "$signal" ]]
}

check "the machine is off before any time-out" power_off
for name in plain peer scope member by-hand below hers; do
    check "the container $name has stopped by its own signal" stopped $name TERM
done
for name in interrupted detached; do
    check "the container $name has stopped by its own signal" stopped $name INT
done
no_unit_failed() {
    journal | grep -E "systemd\[1\]|dist|berthd" | tail -n 100
    ! journal -o cat | grep -E "Failed with result|timed out"
}

check "no unit has failed" no_unit_failed
exit $((failures > 0))
