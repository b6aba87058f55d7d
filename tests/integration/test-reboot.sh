#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A machine whose power fails comes back with its units: the generator runs at boot, and the files that are installed are
# started as at any other boot, with their volumes and without anything left of the former boot.

set -uo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
machine=("$root/tests/machine/machine" --name "reboot-$$")
work=$(mktemp -d)
trap 'BERTH_MACHINE_FILES= "${machine[@]}" stop 2>/dev/null; rm -rf "$work"' EXIT

source "$root/tests/tools/tap.sh"

# Runs a script in the machine, where it must succeed.
check_inside() {
    check "$1" inside timeout 120 bash -euxc "$2"
}

"${machine[@]}" start || exit 1
inside /usr/bin/python3 -c "
import sys; sys.path.insert(0, '$root/tests/tools')
import oci; oci.push(oci.busybox_image(), '127.0.0.1:5000/box:x')" || exit 1
check_inside "units are installed and run" '
    mkdir /tmp/units && cd /tmp/units
    cat >web.container <<END
[Container]
Image=127.0.0.1:5000/box:x
ContainerName=web
Pod=shop.pod
Volume=log.volume:/log
StopTimeout=1
Exec=sh -c "echo started >>/log/file; exec sleep 1000"
[Service]
Restart=on-failure
END
    echo "[Volume]" >log.volume
    printf "[Pod]\nPodName=shop\n[Install]\nWantedBy=multi-user.target\n" >shop.pod
    printf "[Container]\nImage=127.0.0.1:5000/box:x\nContainerName=asked\nExec=sleep 1000\n" >asked.container
    printf "[Socket]\nListenStream=/run/asked\n[Install]\nWantedBy=sockets.target\n" >asked.socket
    printf "[Container]\nImage=127.0.0.1:5000/box:x\nContainerName=other\nExec=sleep 1000\n" >other.container
    dist pull --quiet 127.0.0.1:5000/box:x
    dist unit install *
    systemctl start shop-pod.service other.service
    until systemctl is-active --quiet web.service && dist exec web grep -q started /log/file; do sleep 0.1; done'
"${machine[@]}" cut "$work" /etc/berth/units /var/lib/berth || exit 1
BERTH_MACHINE_FILES=$work "${machine[@]}" start || exit 1
check_inside "what is enabled is started at boot" '
    systemctl is-active multi-user.target
    until systemctl is-active --quiet web.service; do sleep 0.1; done
    [ "$(systemctl show -P FragmentPath web)" = /run/systemd/generator/web.service ]
    [ "$(journalctl -b -t berth-generator -o cat)" = "" ]'
check_inside "volumes have their files" '
    until [ "$(dist exec web cat /log/file | xargs)" = "started started" ]; do sleep 0.1; done'
check_inside "a socket that is enabled waits for a connection" '
    systemctl is-active asked.socket
    ! systemctl is-active asked.service
    python3 -c "import socket; socket.socket(socket.AF_UNIX).connect(\"/run/asked\")"
    until systemctl is-active --quiet asked.service; do sleep 0.1; done'
check_inside "what is not enabled is not started, and leaves nothing in the way" '
    ! systemctl is-active other.service
    [ "$(dist ps -aq | sort | xargs)" = "asked web" ]
    systemctl start other.service
    [ "$(dist ps -q | sort | xargs)" = "asked other web" ]
    [ "$(systemctl --failed --no-legend --plain "web*" "shop*" "asked*" "other*" "log*" "berth*")" = "" ]'
check_inside "the service has found no error of its own" '
    [ "$(journalctl -b -p err -t berthd -o cat)" = "" ]'
exit $((failures > 0))
