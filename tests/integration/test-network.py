# SPDX-License-Identifier: LGPL-2.1-or-later
# Networks of CNI plugins, which are configured in /etc/cni/net.d as for other runtimes: addresses, ports, names.
# Nothing is left behind, whichever process dies.
# machine: package libnss-mymachines

import json
import os
import pwd
import sys

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci
from tracing import traced

IMAGE = f"{HOST}/net/base:x"
LEASES = "/var/lib/cni/networks/mine"


def write_network(name, plugins):
    os.makedirs("/etc/cni/net.d", exist_ok=True)
    with open(f"/etc/cni/net.d/{name}.conflist", "w", encoding="utf-8") as file:
        json.dump({"cniVersion": "0.4.0", "name": name, "plugins": plugins}, file)


def leases():
    return [name for name in os.listdir(LEASES) if name[0].isdigit()] if os.path.isdir(LEASES) else []


def properties(name):
    return json.loads(run("busctl", "--json=short", "call", "org.berth1", "/org/berth1/containers",
                          "org.berth1.Containers", "Get", "sa{sv}", name, "0").out)["data"][0]


def address(name):
    return properties(name)["Addresses"]["data"][0]


def test_setup():
    oci.push(oci.busybox_image(Cmd=["sleep", "1000"]), IMAGE)
    good("pull", IMAGE)
    write_network("mine", [
        {"type": "bridge", "bridge": "cni-mine", "isGateway": True, "ipMasq": False,
         "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.77.0.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
        {"type": "portmap", "capabilities": {"portMappings": True}},
        {"type": "tuning", "sysctl": {"net.ipv4.conf.all.log_martians": "0"}}])


def test_the_network_none_has_only_loopback():
    out = good("run", "--rm", IMAGE, "sh", "-c", "cut -d: -f1 /proc/net/dev | tail -n +3; ping -c1 -W1 127.0.0.1 >/dev/null; ip addr show lo")
    equal(out.split("\n")[0].strip(), "lo")
    contains(out, "UP")


def test_the_network_host_is_that_of_the_host():
    equal(good("run", "--rm", "--network=host", IMAGE, "readlink", "/proc/self/ns/net").strip(), os.readlink("/proc/self/ns/net"))
    assert good("run", "--rm", IMAGE, "readlink", "/proc/self/ns/net").strip() != os.readlink("/proc/self/ns/net")


def test_a_container_has_an_address():
    good("run", "-d", "--id=one", "--network=mine", IMAGE)
    good("run", "-d", "--id=two", "--network=mine", "--hostname=second", IMAGE)
    first, second = address("one"), address("two")
    assert first != second and first.startswith("10.77.0."), (first, second)
    contains(good("exec", "one", "ip", "addr", "show", "eth0"), first)
    contains(good("exec", "two", "cat", "/etc/hosts"), f"{second}\tsecond")
    equal(sorted(leases()), sorted([first, second]))


def test_the_name_of_a_container_is_resolved_on_the_host():
    run("cp", "-a", os.environ["BERTH_BUILD"] + "/packages/libnss-mymachines/usr/lib/.", "/usr/lib/")
    run("sed", "-i", "s/^hosts:.*/hosts: files mymachines/", "/etc/nsswitch.conf")
    run("systemctl", "start", "systemd-machined")
    wait_until(lambda: address("one") in run("getent", "ahostsv4", "one").out, "the name")


def test_a_users_container_cannot_take_the_name_of_a_host():
    """On the host, a user's container cannot take the name of another host: its name has a suffix with the user's
    id."""
    allow("alice", '["org.berth1.containers.create", "org.berth1.containers.manage-own"].indexOf(action.id) >= 0')
    names = ("registry.example.com", "intranet")
    for name in names:
        good("run", "-d", f"--id={name}", "--network=mine", IMAGE, "sleep", "1000", user="alice")
    uid = pwd.getpwnam("alice").pw_uid
    for name in names:
        hers = address(name)
        wait_until(lambda: hers in run("getent", "ahostsv4", f"{name}.berth-user-{uid}").out, "the name that is hers")
        assert hers not in run("getent", "-s", "mymachines", "ahostsv4", name).out, name
    good("rm", "-f", *names)


def test_containers_reach_each_other():
    good("exec", "-d", "--process=server", "two", "sh", "-c", "mkdir /www; echo page >/www/index.html; httpd -f -p 80 -h /www")
    wait_until(lambda: dist("exec", "one", "wget", "-q", "-O-", f"http://{address('two')}/").out == "page\n", "the page")


def test_network_traffic_is_counted():
    before = [row for row in listing("stats", "one") if row["id"] == "one"][0]
    good("exec", "two", "dd", "if=/dev/zero", "of=/www/much", "bs=1k", "count=200")
    good("exec", "one", "wget", "-q", "-O/dev/null", f"http://{address('two')}/much")
    after = [row for row in listing("stats", "one") if row["id"] == "one"][0]
    for name, least in (("received", 200 * 1024), ("sent", 100)):
        assert after[name] >= before[name] + least, (name, before, after)


def test_the_service_may_die():
    before = address("one")
    kill_service()
    equal(address("one"), before)
    pid = service_pid()
    good("kill", "-s", "KILL", "one")
    if pid:
        kill_service()
    good("ps")
    wait_until(lambda: before not in leases(), "the address is given back")


def test_a_new_start_has_a_network_again():
    good("start", "one")
    assert address("one") in leases()
    good("rm", "-f", "one", "two")
    wait_until(lambda: leases() == [], "all addresses are given back")


def test_an_immediate_restart_keeps_the_address_right():
    good("run", "-d", "--id=quick", "--network=mine", IMAGE)
    for _ in range(5):
        good("kill", "-s", "KILL", "quick")
        dist("wait", "quick")
        good("start", "quick")
        contains(good("exec", "quick", "ip", "addr", "show", "eth0"), address("quick"))
    wait_until(lambda: run("pgrep", "-x", "berth-network").status == 1, "the end of what joins and leaves")
    equal(leases(), [address("quick")])
    good("rm", "-f", "quick")


def sorted_rules(text):
    return sorted(line for line in text.splitlines() if line.startswith("-A"))


def port_rules():
    return sorted_rules(run("iptables-save", "-t", "nat").out + run("iptables-legacy-save", "-t", "nat").out)


def test_published_ports_are_forwarded():
    good("run", "-d", "--id=web", "--network=mine", "-p", "18080:80", "-p", "127.0.0.1:18081:81/udp", IMAGE, "sh", "-c",
         "mkdir /www; echo port >/www/index.html; httpd -f -p 80 -h /www")
    equal(properties("web")["Ports"]["data"], ["18080:80", "127.0.0.1:18081:81/udp"])
    rows = listing("port", "web")
    equal([(row["container"], row["host"]) for row in rows], [("80/tcp", "0.0.0.0:18080"), ("81/udp", "127.0.0.1:18081")])
    rules = run("iptables-save", "-t", "nat").out + run("iptables-legacy-save", "-t", "nat").out
    contains(rules, "18080")
    # As after "nft flush ruleset", and a reload of the service, which changes nothing if nothing is lost.
    for _ in range(2):
        equal(run("systemctl", "reload", "berthd.service").status, 0)
        wait_until(lambda: port_rules() == sorted_rules(rules), "the rules again")
        for tool in ("iptables", "iptables-legacy"):
            for option in ("-F", "-X"):
                run(tool, "-t", "nat", option)
        equal([rule for rule in port_rules() if "18080" in rule], [])
    equal(run("systemctl", "reload", "berthd.service").status, 0)
    wait_until(lambda: port_rules() == sorted_rules(rules), "the rules again")
    good("rm", "-f", "web")
    wait_until(lambda: "18080" not in run("iptables-save", "-t", "nat").out + run("iptables-legacy-save", "-t", "nat").out, "the rules go")


def test_bad_networks_and_ports_are_named():
    for options, word in ((["--network=mine", "-p", "x:80"], "x:80"), (["--network=mine", "-p", "x"], 'invalid port "x"'), (["-p", "80:80"], "needs a network"),
                          (["--network=mine", "-p", "70000:80"], "70000"), (["--network=mine", "-p", "1.2.3:80:80"], "1.2.3"),
                          (["--network=../x"], "../x"), (["--network=nosuch"], 'there is no network "nosuch"'),
                          (["--network=mine", "--network=nosuch"], 'there is no network "nosuch"')):
        result = dist("create", "--id=bad", *options, IMAGE, "true")
        equal(result.status, 125, str(options))
        contains(result.err, word)
    equal(listing("ps", "-a"), [])


def test_a_removed_network_fails_the_start():
    write_network("passing", [{"type": "bridge", "bridge": "cni-passing", "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.77.1.0/24"}]]}}])
    good("create", "--id=late", "--network=passing", IMAGE, "true")
    os.unlink("/etc/cni/net.d/passing.conflist")
    contains(dist("start", "late").err, 'there is no network "passing"')
    good("rm", "late")


def test_a_plugin_that_fails_leaves_nothing():
    write_network("broken", [
        {"type": "bridge", "bridge": "cni-mine", "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.77.0.0/24"}]], "dataDir": "/var/lib/cni/networks"}},
        {"type": "nosuchplugin"}])
    result = dist("run", "--rm", "--network=broken", IMAGE, "true")
    equal(result.status, 125)
    contains(result.err, "nosuchplugin")
    write_network("wrong", [{"type": "bridge", "bridge": "cni-mine", "ipam": {"type": "host-local", "ranges": [[{"subnet": "odd"}]]}}])
    result = dist("run", "--rm", "--network=wrong", IMAGE, "true")
    contains(result.err, "odd")
    wait_until(lambda: not os.path.isdir("/var/lib/cni/networks/broken") or
               not [name for name in os.listdir("/var/lib/cni/networks/broken") if name[0].isdigit()], "no address is taken")


# Kills the process of the container that it is to connect, and notes whether the path that it has been given still
# leads to the same namespace when that process is gone.
KILLER = """#!/bin/sh
[ "$CNI_COMMAND" = ADD ] || exit 0
before=$(readlink "$CNI_NETNS")
for process in /proc/[0-9]*; do
    [ "$(readlink "$process/ns/net")" = "$before" ] && kill -KILL "${process#/proc/}" && killed="$process"
done
while [ -e "$killed" ]; do
    sleep 0.05
done
echo "$before $(readlink "$CNI_NETNS")" >/run/killer.log
exit 1
"""


def test_a_plugin_never_reaches_the_namespace_of_a_later_process():
    """Its path holds the namespace of the container; a path with the PID would lead to whichever process has it next."""
    os.makedirs("/opt/cni/bin", exist_ok=True)
    with open("/opt/cni/bin/killer", "w", encoding="utf-8") as file:
        file.write(KILLER)
    os.chmod("/opt/cni/bin/killer", 0o755)
    write_network("killing", [{"type": "killer"}])
    equal(dist("run", "--rm", "--network=killing", IMAGE, "true").status, 137)
    wait_until(lambda: os.path.exists("/run/killer.log"), "the plugin's note")
    with open("/run/killer.log", encoding="utf-8") as file:
        before, *after = file.read().split()
    equal((before.split(":")[0], after), ("net", [before]))
    os.unlink("/etc/cni/net.d/killing.conflist")
    os.unlink("/opt/cni/bin/killer")


def test_addresses_are_recorded_on_disk_before_a_plugin_stores_them():
    """host-local stores addresses in files. After a power failure, they are given back as the container's document
    says, which must therefore be on disk first."""
    service_is_up()
    with traced(service_pid(), "/tmp/trace", "-y", "-s", "200", "-e", "trace=fsync,fdatasync,renameat,execve"):
        good("run", "-d", "--id=synced", "--network=mine", IMAGE)
    with open("/tmp/trace", encoding="utf-8", errors="replace") as file:
        calls = file.read().splitlines()
    plugin = min(i for i, call in enumerate(calls) if "execve(" in call and "/bridge" in call)
    renames = [i for i, call in enumerate(calls) if "renameat(" in call and '"synced.json"' in call]
    equal(len(renames), 2, calls)
    for rename in renames:
        assert any("sync(" in call and "synced.json" in call for call in calls[:rename]), calls
    assert renames[0] < plugin
    assert any("fsync(" in call and f"<{STATE}/networks>" in call for call in calls[renames[0]:plugin]), calls
    good("rm", "-f", "synced")
    wait_until(lambda: leases() == [], "the address is given back")


def test_nothing_is_left():
    equal(listing("ps", "-a"), [])
    wait_until(lambda: not [name for name in os.listdir("/sys/class/net") if name.startswith("veth")], "the interfaces go")
    equal(leases(), [])


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
