#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The test machine passes on a command's output and exit status, and leaves nothing behind, however the run ends.

set -uo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
machine=$root/tests/machine/machine
number=0
failures=0

check() {
    local claim=$1
    shift
    number=$((number + 1))
    if "$@"; then
        echo "ok $number - $claim"
    else
        echo "not ok $number - $claim"
        failures=$((failures + 1))
    fi
}

# The names of the machines that this test starts, as other machines may be running.
names="test-$$"

nothing_is_left() {
    local left
    left=$(ls -d /run/berth-machines/*"$names"* /sys/fs/cgroup/*/berth-machine-*"$names"* \
        /sys/fs/cgroup/berth-machine-*"$names"* 2>/dev/null)
    [[ -z $left ]] || { echo "# left: $left"; return 1; }
    # The name of a machine that exists for one run contains the PID of its script.
    for pid in "$@"; do
        left=$(ls -d "/run/berth-machines/run-$pid" /sys/fs/cgroup/*/berth-machine-run-"$pid" 2>/dev/null)
        [[ -z $left ]] || { echo "# left: $left"; return 1; }
        ! pgrep -f "machine/init run-$pid" >/dev/null || { echo "# processes are left"; return 1; }
    done
    ! grep -q berth-machines /proc/self/mounts || { echo "# mounts are left"; return 1; }
}

run_status() {
    local status=0
    output=$("$machine" --name "$names" run -- sh -c 'echo out; exit 3' 2>/dev/null) || status=$?
    [[ $status == 3 && $output == out ]]
}

is_private() {
    local inside
    inside=$("$machine" --name "$names" run -- sh -c 'readlink /proc/self/ns/net; cat /proc/1/comm') || return 1
    [[ $inside == *systemd ]] && [[ $inside != *$(readlink /proc/self/ns/net)* ]]
}

two_at_once() {
    local first second
    "$machine" --name "$names-a" run -- sleep 1 &
    first=$!
    "$machine" --name "$names-b" run -- sleep 1 &
    second=$!
    wait $first && wait $second && nothing_is_left $first $second
}

interrupted() {
    local pid signal status
    for signal in INT TERM; do
        # A shell ignores SIGINT in background processes, and the script could not undo that with a trap.
        env --default-signal=INT setsid "$machine" --name "$names" run -- sleep 100 &
        pid=$!
        # setsid executes the script in the same process, which is then the leader of its process group.
        for _ in {1..200}; do
            [[ -s /run/berth-machines/run-$pid/pid ]] && break
            sleep 0.02
        done
        kill -$signal -- -"$pid" 2>/dev/null || kill -$signal "$pid"
        status=0
        wait "$pid" || status=$?
        # A status of 0 would mean that the command ended by itself.
        ((status == 128 + $(kill -l "$signal"))) || { echo "# status $status after SIG$signal"; return 1; }
        nothing_is_left "$pid" || return 1
    done
}

started_and_stopped() {
    "$machine" --name "$names" start || return 1
    "$machine" --name "$names" run -- systemctl is-system-running --quiet || return 1
    "$machine" --name "$names" run --user alice -- sh -c '[ "$(id -un)" = alice ]' || return 1
    "$machine" --name "$names" stop && nothing_is_left
}

two_joined() {
    local cluster=$root/tests/machine/cluster status file holder
    file=$(mktemp)
    "$cluster" --name "$names-c" run -- sh -c '
        "$0" --name "$BERTH_CLUSTER" on 1 -- busybox ping -c 1 node2 >/dev/null &&
        [ "$("$0" --name "$BERTH_CLUSTER" on 2 --user alice -- sh -c "hostname; id -un" | xargs)" = "node2 alice" ] &&
        cat "/run/berth-machines/$BERTH_CLUSTER-1/bridge" >"$1" && exit 3' "$cluster" "$file"
    status=$?
    holder=$(<"$file") # the process that holds the bridge
    rm "$file"
    [[ $status == 3 && -n $holder && ! -e /proc/$holder ]] && nothing_is_left
}

a_command_that_fails_to_start() {
    local status=0
    "$machine" --name "$names" run -- /no/such/command 2>/dev/null || status=$?
    [[ $status == 127 ]] && nothing_is_left
}

check "run gives output and status" run_status
check "it has a network and a PID 1 of its own" is_private
check "nothing is left after runs" nothing_is_left
check "two run at once" two_at_once
check "nothing is left after an interrupt" interrupted
check "start, run and stop" started_and_stopped
check "two reach each other in a cluster" two_joined
check "a command that is not there is 127" a_command_that_fails_to_start
exit $((failures > 0))
