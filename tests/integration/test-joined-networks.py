# SPDX-License-Identifier: LGPL-2.1-or-later
# A container joins the network of another one, such as a VPN's: with --network=container:NAME, and in unit files with
# Network=NAME.container, whose units start, stop and restart together.

import json
import os
import pathlib
import pwd
import sys

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

IMAGE = f"{HOST}/joined/base:x"
UNITS = pathlib.Path("/etc/berth/units")
SERVE = ("sh", "-c", 'trap "exit 0" TERM; mkdir -p /srv; echo it works >/srv/index.html; httpd -f -p 80 -h /srv & wait')
QUICK = ("-d", "--stop-timeout=1")


def pid_of(name):
    path = f"/org/berth1/containers/{bus_label(name)}"
    return int(run("busctl", "get-property", "org.berth1", path, "org.berth1.Container", "Pid").out.split()[1])


def namespaces(name):
    return {kind: os.readlink(f"/proc/{pid_of(name)}/ns/{kind}") for kind in ("user", "net", "ipc", "uts", "pid", "mnt", "cgroup")}


def fails(text, *words, user=None):
    result = dist(*words, user=user)
    assert result.status != 0, f"{words} did not fail"
    contains(result.err, text)


def shown(unit, key):
    return run("systemctl", "show", "-P", key, unit).out.strip()


def systemctl(*words):
    result = run("systemctl", *words)
    equal(result.status, 0, f"{words}: {result.err}{run('journalctl', '-n40', '-o', 'cat').out}")


def active(*units):
    return [shown(unit, "ActiveState") for unit in units]


def test_setup():
    oci.push(oci.busybox_image(Cmd=["sh", "-c", "trap 'exit 0' TERM; sleep 1000 & wait"]), IMAGE)
    good("pull", IMAGE)
    good("network", "create", "--subnet=10.78.0.0/24", "front")


def test_a_container_has_the_network_and_users_of_the_other():
    good("run", *QUICK, "--name=vpn", "--network=front", "-p", "127.0.0.1:18100:80", "--dns=10.78.0.9", "--add-host=db:10.78.0.5", IMAGE)
    good("run", *QUICK, "--name=client", "--network=container:vpn", IMAGE, *SERVE)
    vpn, client = namespaces("vpn"), namespaces("client")
    equal([kind for kind in vpn if vpn[kind] == client[kind]], ["user", "net"])
    equal(good("exec", "client", "ip", "-4", "addr", "show", "eth0"), good("exec", "vpn", "ip", "-4", "addr", "show", "eth0"))
    # A port of the other leads to whichever of the two listens on it.
    wait_until(lambda: run("curl", "-sf", "http://127.0.0.1:18100/").out == "it works\n", "the page")
    hosts = good("exec", "client", "cat", "/etc/hosts")
    contains(hosts, "10.78.0.5\tdb\n")
    contains(hosts, "\tclient\n")
    equal(good("exec", "client", "cat", "/etc/resolv.conf"), good("exec", "vpn", "cat", "/etc/resolv.conf"))
    equal((good("exec", "client", "hostname"), good("exec", "client", "cat", "/etc/hostname")), ("client\n", "client\n"))
    # Files have the same owners in both.
    equal(good("exec", "client", "stat", "-c", "%u", "/srv", "/bin/busybox").split(), ["0", "0"])
    inspected = json.loads(good("container", "inspect", "client"))[0]
    equal(inspected["HostConfig"]["NetworkMode"], "container:vpn")


def test_the_network_returns_with_the_container():
    """The other's end leaves the container without a network; it joins the new one when it is started again."""
    good("stop", "vpn")
    fails('the container "vpn", whose network container "client" joins, is not running; start it first', "restart", "client")
    good("start", "vpn")
    good("start", "client")
    wait_until(lambda: run("curl", "-sf", "http://127.0.0.1:18100/").out == "it works\n", "the page")
    equal(namespaces("client")["net"], namespaces("vpn")["net"])


def test_the_service_may_die():
    before = namespaces("client")
    kill_service()
    equal(namespaces("client"), before)
    equal(run("curl", "-sf", "http://127.0.0.1:18100/").out, "it works\n")
    good("restart", "client")
    equal(namespaces("client")["net"], before["net"])


def test_a_new_container_of_that_name_is_another_one():
    good("rm", "-f", "vpn")
    good("run", *QUICK, "--name=vpn", "--network=front", IMAGE)
    fails('the container "vpn", whose network container "client" joins, was removed; create "client" anew, too', "restart", "client")
    good("rm", "-f", "client")


def test_what_belongs_to_the_other_is_refused():
    joined = ("create", "--network=container:vpn")
    for option, key in (("-p8080:80", "Ports"), ("-P", "PublishAll"), ("--ip=10.78.0.7", "StaticAddresses"), ("--dns=1.1.1.1", "DNS"),
                        ("--network-alias=x", "Aliases"), ("--add-host=a:10.0.0.1", "Hosts"), ("--network=front", "FurtherNetworks")):
        fails(f'{key} and the network of another container exclude each other: set it for container "vpn"', *joined, option, IMAGE)
    fails('UserNamespace and the network of another container exclude each other: set it for container "vpn"',
          *joined, "--userns=host", IMAGE)
    fails('there is no container "none" of user 0', "create", "--network=container:none", IMAGE)
    fails('invalid network "container:a/b"', "create", "--network=container:a/b", IMAGE)
    good("create", "--name=client", "--network=container:vpn", IMAGE)
    fails('container "client" has no network of its own; use "container:vpn"', "create", "--network=container:client", IMAGE)
    good("create", "--name=open", "--network=host", IMAGE)
    fails('container "open" has the host\'s network; use "host"', "create", "--network=container:open", IMAGE)

    spec = pathlib.Path("/tmp/spec.json")
    spec.write_text(json.dumps({"ociVersion": "1.0.2", "process": {"args": ["sleep", "1000"], "cwd": "/"},
                                "linux": {"namespaces": [{"type": "mount"}, {"type": "pid"}, {"type": "network"}]}}), encoding="utf-8")
    good("create", "--name=bare", f"--spec={spec}", IMAGE)
    fails('the network of container "bare" cannot be joined: it was created with a Spec', "create", "--network=container:bare", IMAGE)
    fails("a pod has a network of its own", "pod", "create", "--network=container:vpn", "shop")
    good("pod", "create", "shop")
    fails('there is no container "shop" of user 0', "create", "--network=container:shop", IMAGE)
    fails("cannot change it", "network", "connect", "front", "client")
    good("rm", "-f", "client", "open", "bare")
    good("pod", "rm", "shop")


def test_a_container_in_a_pod_has_the_network_of_the_pod():
    good("pod", "create", "--network=front", "shop")
    good("run", *QUICK, "--name=member", "--pod=shop", IMAGE)
    good("run", *QUICK, "--name=client", "--network=container:member", IMAGE)
    equal(namespaces("client")["net"], namespaces("member")["net"])
    contains(good("exec", "client", "cat", "/etc/hosts"), "10.78.0.")
    good("rm", "-f", "client")
    good("pod", "rm", "-f", "shop")


def test_users_join_only_their_own_containers():
    """A rule sees the networks that the other has joined."""
    allow("alice", '["org.berth1.images.pull", "org.berth1.containers.create", "org.berth1.containers.manage-own"].indexOf(action.id) >= 0 && '
          'action.lookup("network") != "front"')
    fails('there is no container "vpn" of user', "create", "--network=container:vpn", IMAGE, user="alice")
    good("network", "create", "--subnet=10.79.0.0/24", "back")
    good("run", *QUICK, "--name=hers", "--network=back", IMAGE, user="alice")
    good("run", *QUICK, "--name=too", "--network=container:hers", IMAGE, user="alice")
    equal(namespaces("too")["net"], namespaces("hers")["net"])
    good("network", "connect", "front", "hers")
    fails("Permission denied", "create", "--network=container:hers", IMAGE, user="alice")
    good("run", *QUICK, "--name=kept", "--network=none", "--userns=keep-id", IMAGE, user="alice")
    good("run", *QUICK, "--name=also", "--network=container:kept", "--userns=keep-id", IMAGE, user="alice")
    uid = f"{pwd.getpwnam('alice').pw_uid}\n"
    equal((good("exec", "kept", "id", "-u", user="alice"), good("exec", "also", "id", "-u", user="alice")), (uid, uid))
    allow("alice", "false")
    good("rm", "-f", "hers", "too", "kept", "also", "vpn")


def test_units_join_a_network_together():
    os.makedirs(UNITS, exist_ok=True)
    (UNITS / "gluetun.container").write_text(f"[Container]\nImage={IMAGE}\nNetwork=front\nPublishPort=127.0.0.1:18101:80\nStopTimeout=1\n"
                                             "[Service]\nRestart=always\n", encoding="utf-8")
    (UNITS / "torrent.container").write_text(f"[Container]\nImage={IMAGE}\nNetwork=gluetun.container\nStopTimeout=1\n"
                                             f"Exec=sh -c '{SERVE[2]}'\n", encoding="utf-8")
    systemctl("daemon-reload")
    systemctl("start", "torrent")
    equal(active("gluetun", "torrent"), ["active", "active"])
    wait_until(lambda: run("curl", "-sf", "http://127.0.0.1:18101/").out == "it works\n", "the page")
    before = shown("torrent", "MainPID")
    systemctl("restart", "gluetun")
    wait_until(lambda: shown("torrent", "MainPID") not in ("0", before) and active("gluetun", "torrent") == ["active", "active"], "both units")
    equal(namespaces("systemd-torrent")["net"], namespaces("systemd-gluetun")["net"])


def test_a_unit_joins_the_new_network_after_a_crash():
    before = shown("gluetun", "MainPID"), shown("torrent", "MainPID")
    good("kill", "-s", "KILL", "systemd-gluetun")
    # The main process of torrent is the last one to change.
    wait_until(lambda: shown("torrent", "MainPID") not in ("0", before[1]) and active("gluetun", "torrent") == ["active", "active"],
               "both units")
    assert shown("gluetun", "MainPID") != before[0]
    equal(namespaces("systemd-torrent")["net"], namespaces("systemd-gluetun")["net"])
    wait_until(lambda: run("curl", "-sf", "http://127.0.0.1:18101/").out == "it works\n", "the page")
    systemctl("stop", "gluetun")
    wait_until(lambda: active("gluetun", "torrent") == ["inactive", "inactive"], "the end of both")


def test_a_container_keeps_its_name_while_others_join_its_network():
    good("create", "--name=named", IMAGE)
    good("create", "--name=joining", "--network=container:named", IMAGE)
    fails('the container "joining" joins the network of container "named"; delete it first', "rename", "named", "other")
    good("rename", "joining", "renamed")
    good("rm", "renamed")
    good("rename", "named", "other")
    good("rm", "other")


def test_teardown():
    for name in ("gluetun", "torrent"):
        (UNITS / f"{name}.container").unlink()
    systemctl("daemon-reload")
    equal(listing("ps", "-a"), [])
    good("network", "rm", "front", "back")
    left = run("ip", "-o", "link").out
    assert "veth" not in left, left


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
