# SPDX-License-Identifier: LGPL-2.1-or-later
# Networks that Berth creates with netavark and aardvark-dns: the default network, addresses, names, ports, outgoing
# traffic, and isolation. Nothing is left behind, whichever process dies.

import contextlib
import json
import os
import pathlib
import re
import select
import socket
import subprocess
import sys
import time

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
from caller import Caller
import oci

IMAGE = f"{HOST}/net/base:x"
NETWORKS = f"{STATE}/networks"

# Listens, sends the socket over descriptor 3, and exits: a process that holds the socket keeps the network namespace.
KEPT = r"""
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
int main(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(8099)};
    union { char space[CMSG_SPACE(sizeof(int))]; struct cmsghdr header; } control = {.space = {0}};
    struct iovec data = {"x", 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control.space};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 8) < 0)
        return 1;
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    return sendmsg(3, &message, 0) == 1 ? 0 : 1;
}
"""


def properties(name):
    return json.loads(run("busctl", "--json=short", "call", "org.berth1", "/org/berth1/containers",
                          "org.berth1.Containers", "Get", "sa{sv}", name, "0").out)["data"][0]


def addresses(name):
    return properties(name)["Addresses"]["data"]


def networks():
    return {row["name"]: row for row in listing("network", "ls")}


def rules():
    return run("iptables-save").out + run("ip6tables-save").out


def resolve(inside, name, family="4"):
    """Returns the addresses to which a container resolves a name."""
    out = dist("exec", inside, "nslookup", f"-type={'a' if family == '4' else 'aaaa'}", name).out
    return sorted(re.findall(r"^Address: (\S+)$", out, re.MULTILINE))


def fetch(inside, place):
    """Returns the page that a container receives by HTTP from HOST[:PORT][/PATH]; "" if there is no reply."""
    return dist("exec", inside, "timeout", "1", "wget", "-q", "-O-", f"http://{place}").out


def documents():
    return sorted(name for name in os.listdir(NETWORKS) if name[0] != ".")


def is_quiet():
    """Returns whether no container is being connected to a network or disconnected."""
    return run("pgrep", "-x", "berth-network").status == 1


def ports_of(bridge):
    """Returns the ports of a bridge: the host's ends of the containers' interfaces."""
    return os.listdir(f"/sys/class/net/{bridge}/brif")


def bridges():
    return [name for name in os.listdir("/sys/class/net") if name.startswith("berth")]


def interfaces(name):
    return sorted(re.findall(r"^\d+: (eth\d+)", good("exec", name, "ip", "link"), re.MULTILINE))


def members(network):
    return {row["id"]: row for row in json.loads(good("network", "inspect", network))[0]["containers"]}


@contextlib.contextmanager
def held_netavark(works):
    """Replaces netavark by a program that reports that it was called and does not exit; with works, it first calls the
    real netavark."""
    place = "/usr/lib/podman/netavark"
    run("rm", "-f", "/run/netavark-waits")
    os.rename(place, place + ".real")
    with open(place, "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\n" + (f'{place}.real "$@"\n' if works else "") +
                   "echo $$ >/run/netavark-waits.new\nmv /run/netavark-waits.new /run/netavark-waits\nexec sleep 1000\n")
    os.chmod(place, 0o755)
    try:
        yield
    finally:
        os.rename(place + ".real", place)


def break_off():
    """Kills the service and everything that it has started while netavark is held."""
    wait_until(lambda: os.path.exists("/run/netavark-waits"), "netavark waits")
    kill_service()
    run("pkill", "-KILL", "-x", "berth-network")
    with open("/run/netavark-waits", encoding="utf-8") as file:
        run("kill", "-KILL", file.read().strip())
    wait_until(is_quiet, "the end of what connects")


def test_setup():
    configure("[Defaults]\nNetwork=berth\n")
    oci.push(oci.busybox_image(Cmd=["sleep", "1000"]), IMAGE)
    good("pull", IMAGE)
    with open("/etc/resolv.conf", "w", encoding="utf-8") as file:
        file.write("nameserver 127.0.0.1\n")


def test_a_container_has_a_network_at_once():
    good("run", "-d", "--name=one", IMAGE)
    good("run", "-d", "--name=two", "--network-alias=db", IMAGE)
    equal(properties("one")["Network"]["data"], "berth")
    first, second = addresses("one"), addresses("two")
    equal((len(first), len(second)), (2, 2))
    assert not set(first) & set(second), (first, second)
    shown = good("exec", "one", "ip", "addr", "show", "eth0")
    for address in first:
        contains(shown, address)
    contains(good("exec", "one", "cat", "/etc/hosts"), f"{first[0]}\tone")
    row = networks()["berth"]
    equal((row["backend"], row["interface"], row["containers"]), ("berth", "berth0", ["one", "two"]))
    contains(good("exec", "one", "cat", "/etc/resolv.conf"), f"nameserver {row['gateways'][0]}\n")


def test_containers_find_each_other_by_name():
    wait_until(lambda: resolve("one", "two") == [addresses("two")[0]], "the name")
    equal(resolve("one", "db"), [addresses("two")[0]])
    equal(resolve("two", "one", "6"), [addresses("one")[1]])
    equal(resolve("one", "three"), [])
    good("exec", "-d", "--process=server", "two", "sh", "-c", "mkdir /www; echo page >/www/index.html; httpd -f -p 80 -h /www")
    wait_until(lambda: dist("exec", "one", "wget", "-q", "-O-", "http://db/").out == "page\n", "the page")
    equal(good("exec", "one", "wget", "-q", "-O-", f"http://[{addresses('two')[1]}]/"), "page\n")


def test_the_name_server_is_confined():
    unit = run("systemctl", "show", "berth-dns.service", "-P", "MainPID").out.strip()
    with open(f"/proc/{unit}/status", encoding="utf-8") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    equal(status["CapBnd"], f"{1 << 10:016x}")
    equal((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"))
    assert status["Uid"].split()[0] != "0", status
    # Its files name the containers of all users.
    contains(run("ls", "/run/berth-dns", user="alice").err, "Permission denied")


def test_netavark_has_few_privileges():
    """netavark runs with four capabilities and the system call filter for programs outside a container."""
    place, log = "/usr/lib/podman/netavark", "/var/tmp/netavark-probed"
    os.rename(place, place + ".real")
    probe = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools", "outer_probe.py")
    with open(place, "w", encoding="utf-8") as file:
        file.write(f"#!/bin/sh\npython3 {probe} {log}\ngrep Cap /proc/self/status >{log}.sets\nexec {place}.real \"$@\"\n")
    os.chmod(place, 0o755)
    try:
        good("run", "--rm", IMAGE, "true")
    finally:
        os.rename(place + ".real", place)
    with open(log, encoding="utf-8") as file:
        for line in file:
            equal(json.loads(line), {"capabilities": [], "admin": 1, "seccomp": "2", "syslog": "Operation not permitted",
                                     "quotactl": "Operation not permitted", "getpid": 0})
    # CAP_NET_ADMIN, NET_RAW, SYS_PTRACE and SYS_ADMIN.
    allowed = 1 << 12 | 1 << 13 | 1 << 19 | 1 << 21
    with open(log + ".sets", encoding="utf-8") as file:
        for line in file:
            assert int(line.split()[1], 16) & ~allowed == 0, line


def test_outgoing_connections_have_the_address_of_the_host():
    """A neighbour of the host sees the address of the host, not of the container."""
    run("ip", "netns", "add", "neighbour")
    run("ip", "link", "add", "out0", "type", "veth", "peer", "name", "eth0", "netns", "neighbour")
    run("ip", "addr", "add", "192.0.2.1/24", "dev", "out0")
    run("ip", "link", "set", "out0", "up")
    run("ip", "-n", "neighbour", "addr", "add", "192.0.2.2/24", "dev", "eth0")
    run("ip", "-n", "neighbour", "link", "set", "eth0", "up")
    os.makedirs("/tmp/www/cgi-bin", exist_ok=True)
    with open("/tmp/www/cgi-bin/who", "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\n'\necho $REMOTE_ADDR\n")
    os.chmod("/tmp/www/cgi-bin/who", 0o755)
    run("systemd-run", "--unit=neighbour", "-p", "NetworkNamespacePath=/run/netns/neighbour", "busybox", "httpd", "-f", "-p", "80", "-h", "/tmp/www")
    found = wait_until(lambda: dist("exec", "one", "wget", "-q", "-O-", "http://192.0.2.2/cgi-bin/who").out.strip(), "an answer")
    contains(found, "192.0.2.1")


def test_ports_are_published():
    good("run", "-d", "--name=web", "-p", "18080:80", "-p", "127.0.0.1:18081:81/udp", IMAGE, "sh", "-c",
         "mkdir /www; echo port >/www/index.html; httpd -f -p 80 -h /www")
    rows = listing("port", "web")
    equal([(row["container"], row["host"]) for row in rows], [("80/tcp", "0.0.0.0:18080"), ("81/udp", "127.0.0.1:18081")])
    for url in ("http://127.0.0.1:18080/", "http://192.0.2.1:18080/"):
        wait_until(lambda: run("busybox", "wget", "-q", "-O-", url).out == "port\n", url)
    oci.push(oci.Image([oci.busybox_layer()], {"Cmd": ["httpd", "-f", "-p", "80", "-h", "/bin"], "Env": ["PATH=/bin"],
                                               "ExposedPorts": {"80/tcp": {}, "53/udp": {}}}), f"{HOST}/net/exposed:x")
    good("run", "-d", "--name=all", "-P", f"{HOST}/net/exposed:x")
    rows = {row["container"]: row["host"] for row in listing("port", "all")}
    equal(sorted(rows), ["53/udp", "80/tcp"])
    wait_until(lambda: run("busybox", "wget", "-q", "-O/dev/null", f"http://127.0.0.1:{rows['80/tcp'].rsplit(':', 1)[1]}/busybox").status == 0, "the page")
    good("rm", "-f", "all")
    result = dist("run", "-d", "--name=second", "-p", "18080:80", IMAGE)
    equal(result.status, 125)
    contains(result.err, "port 18080/tcp is in use")
    good("rm", "-f", "web")
    wait_until(lambda: "18080" not in rules() and "18081" not in rules(), "the rules go")
    assert not os.path.exists(f"{NETWORKS}/second.next")


def test_a_reload_of_the_service_restores_flushed_rules():
    """Nothing announces that an administrator has flushed the rules, so there is a way to have them written again."""
    def page(url):
        return run("busybox", "timeout", "2", "busybox", "wget", "-q", "-O-", url).out
    good("run", "-d", "--name=flushed", "-p", "18090:80", IMAGE, "sh", "-c", "mkdir /www; echo port >/www/index.html; httpd -f -p 80 -h /www")
    url = "http://127.0.0.1:18090/"
    wait_until(lambda: page(url) == "port\n", url)
    before = rules()
    for command in ("iptables", "ip6tables"):
        for table in ("nat", "filter"):
            equal(run(command, "-t", table, "-F").status, 0)
            equal(run(command, "-t", table, "-X").status, 0)
    assert "18090" in before and "18090" not in rules()
    equal(run("systemctl", "reload", "berthd.service").status, 0)
    wait_until(lambda: "18090" in rules() and page(url) == "port\n", "the rules")
    good("rm", "-f", "flushed")
    wait_until(lambda: "18090" not in rules(), "the rules go")


def test_networks_are_made_and_deleted():
    equal(good("network", "create", "--subnet=10.91.0.0/24", "--subnet=fd91::/64", "--gateway=10.91.0.254", "--mtu=1400",
               "--label=a=b", "back").strip(), "back")
    row = networks()["back"]
    equal((row["subnets"], row["gateways"], row["interface"]), (["10.91.0.0/24", "fd91::/64"], ["10.91.0.254", "fd91::1"], "berth1"))
    good("run", "-d", "--name=three", "--network=back", "--ip=10.91.0.9", "--ip6=fd91::9", "--mac-address=02:00:00:00:00:0A", IMAGE)
    equal(addresses("three"), ["10.91.0.9", "fd91::9"])
    link = good("exec", "three", "ip", "addr", "show", "eth0")
    contains(link, "02:00:00:00:00:0a")
    contains(link, "mtu 1400")
    for words, part in ((["--ip=10.91.0.9"], "the address 10.91.0.9 is in use"), (["--ip=10.91.0.254"], "is in use"),
                        (["--ip=10.92.0.1"], "not an address for containers in the subnet 10.91.0.0/24"),
                        (["--ip=10.91.0.255"], "not an address for containers"),
                        (["--mac-address=02:00:00:00:00:0a"], "the hardware address 02:00:00:00:00:0a is in use")):
        result = dist("run", "--rm", "--network=back", *words, IMAGE, "true")
        equal(result.status, 125, str(words))
        contains(result.err, part)
    contains(dist("network", "rm", "back").err, 'in use by the container "three"')


def test_networks_do_not_reach_each_other():
    wait_until(lambda: fetch("one", addresses("two")[0]) == "page\n", "the page in the same network")
    equal(fetch("three", addresses("two")[0]), "", rules())
    equal(resolve("three", "one"), [])
    good("network", "create", "--internal", "--ipv6=false", "inner")
    good("run", "-d", "--name=four", "--network=inner", IMAGE)
    good("run", "-d", "--name=five", "--network=inner", IMAGE, "sh", "-c", "mkdir /www; echo inner >/www/index.html; httpd -f -p 80 -h /www")
    wait_until(lambda: resolve("four", "five") == addresses("five"), "the name")
    wait_until(lambda: fetch("four", "five") == "inner\n", "the page")
    equal(fetch("four", "192.0.2.2/cgi-bin/who"), "")
    good("run", "-d", "--name=FOUR", IMAGE)
    equal(resolve("four", "one"), [])
    equal(resolve("FOUR", "five"), [])
    good("rm", "-f", "three", "four", "FOUR", "five")
    good("network", "rm", "back", "inner")
    wait_until(lambda: bridges() == ["berth0"], "the bridges go")
    wait_until(lambda: "10.91.0" not in rules(), "the rules go")


def test_bad_networks_are_named():
    subnet = networks()["berth"]["subnets"][0]
    for words, part in ((["--subnet=10.91.0.0"], "invalid subnet"), (["--subnet=10.91.0.0/31"], "IPv4 takes /8 to /30"),
                        ([f"--subnet={subnet}"], 'overlaps that of the network "berth"'), (["--subnet=192.0.2.0/25"], "the host has an address"),
                        (["--subnet=10.93.0.0/24", "--gateway=10.94.0.1"], "not an address of the subnet"), (["--mtu=5"], "invalid MTU 5")):
        result = dist("network", "create", *words, "wrong")
        equal(result.status, 1, str(words))
        contains(result.err, part)
    for name in ("host", "none", "../x", "berth", "a" * 65, "-x;reboot"):
        equal(dist("network", "create", "--", name).status, 1, name)
    for words, part in ((["--network-alias=a b"], "invalid alias"), (["--network-alias=-x"], "invalid alias"), (["--ip=x"], "invalid address"),
                        (["--mac-address=01:00:00:00:00:01"], "invalid hardware address"), (["--dns=ns.example.com"], "not an address"),
                        (["--dns-search=a\nnameserver 1.2.3.4"], "invalid search domain"), (["--dns-option=a\nb"], "invalid option"),
                        (["--add-host=a\n:1.2.3.4"], "invalid host"), (["--network=none", "--ip=10.89.0.9"], "need a network that Berth made")):
        result = dist("run", "--rm", *words, IMAGE, "true")
        equal(result.status, 125, str(words))
        contains(result.err, part)


def test_without_ipv6_on_the_host_a_network_has_only_ipv4():
    """Many administrators disable IPv6 with a sysctl, which leaves /proc/net/if_inet6 in place."""
    switch = "/proc/sys/net/ipv6/conf/default/disable_ipv6"
    good("network", "create", "four")
    with open(switch, "w", encoding="utf-8") as file:
        file.write("1")
    try:
        good("run", "-d", "--name=only4", "--network=four", IMAGE)
        equal(len(addresses("only4")), 1)
    finally:
        with open(switch, "w", encoding="utf-8") as file:
            file.write("0")
    good("rm", "-f", "only4")
    good("network", "rm", "four")


def test_subnets_that_the_host_routes_are_in_use():
    for command in (("link", "add", "vpn0", "type", "veth", "peer", "name", "vpn1"), ("link", "set", "vpn0", "up"), ("link", "set", "vpn1", "up"),
                    ("route", "add", "10.0.0.0/8", "dev", "vpn0"), ("-6", "route", "add", "2001:db8:7::/48", "dev", "vpn0")):
        equal(run("ip", *command).status, 0, str(command))
    try:
        for subnet in ("10.99.0.0/24", "2001:db8:7:1::/64"):
            contains(dist("network", "create", f"--subnet={subnet}", "routed").err, f"a route in the subnet {subnet}")
        good("network", "create", "elsewhere")
        contains(networks()["elsewhere"]["subnets"][0], "172.16.0.0/24")
        good("network", "rm", "elsewhere")
    finally:
        run("ip", "link", "del", "vpn0")


def test_addresses_that_no_host_can_have_are_refused():
    for words, part in ((["--subnet=10.93.0.0/24", "--gateway=10.93.0.255"], "not an address of the subnet"),
                        (["--subnet=224.0.0.0/8"], "not for hosts"), (["--subnet=0.0.0.0/8"], "not for hosts"),
                        (["--subnet=ff02::/64"], "not for hosts"), (["--subnet=fe80::/64"], "not for hosts")):
        result = dist("network", "create", *words, "wrong")
        equal(result.status, 1, str(words))
        contains(result.err, part)


def test_contradictory_addresses_are_refused():
    for words, message in ((["--ipv6=false", "--subnet=fd93::/64"], 'the network has no IPv6, but "fd93::/64" is given for it'),
                           (["--ipv6=false", "--gateway=fd93::1"], 'the network has no IPv6, but "fd93::1" is given for it'),
                           (["--gateway=fd93::1"], 'the gateway "fd93::1" is given without its subnet'),
                           (["--subnet=fd93::/64", "--gateway=10.93.0.1"], 'the gateway "10.93.0.1" is given without its subnet'),
                           (["--subnet=fd93::/64", "--gateway=fd94::1"], 'the gateway "fd94::1" is not an address of the subnet'),
                           (["--subnet=fd93::/64", "--gateway=fd93::"], 'the gateway "fd93::" is not an address of the subnet')):
        result = dist("network", "create", *words, "wrong")
        equal(result.status, 1, str(words))
        contains(result.err, message)


def test_the_ipv6_gateway_can_be_chosen():
    good("network", "create", "--subnet=fd95::/64", "--gateway=fd95::fe", "sixth")
    contains(networks()["sixth"]["gateways"], "fd95::fe")
    good("run", "-d", "--name=at6", "--network=sixth", IMAGE)
    contains(good("exec", "at6", "ip", "-6", "route"), "default via fd95::fe ")
    good("rm", "-f", "at6")
    good("network", "rm", "sixth")


def test_a_rule_sees_the_subnet_that_is_meant():
    """10.96.0.1/11 begins like the subnet that the rule permits, and means 10.96.0.0/11."""
    allow("alice", 'action.id == "org.berth1.networks.manage" && (action.lookup("verb") == "network-delete" || action.lookup("subnet") == "10.96.0.0/24")')
    caller = Caller("alice")

    def make(subnet):
        return caller.call("/org/berth1/networks", "org.berth1.Networks", "Create", f"('meant', {{'Subnet': <'{subnet}'>}})", "(sa{sv})")
    for subnet in ("10.96.0.0/11", "10.96.0.0/24 ", "10.96.1.0/24"):
        contains(make(subnet), "error")
    contains(make("10.96.0.7/24"), "value")
    caller.end()
    good("network", "rm", "meant")


def test_the_number_of_networks_is_limited():
    """The number of networks is limited; each has a subnet and a bridge, and deleting one makes room for another."""
    root = Caller()

    def make(name):
        return root.call("/org/berth1/networks", "org.berth1.Networks", "Create", f"('{name}', @a{{sv}} {{}})", "(sa{sv})")

    made = []
    for number in range(129):
        reply = make(f"many{number}")
        if "error" in reply:
            break
        made.append(f"many{number}")
    equal(reply["error"], "org.berth1.Error.LimitExceeded", reply)
    contains(reply["message"], "at most 128")
    rows = [row for row in networks().values() if row["backend"] == "berth"]
    equal(len(rows), 128)
    for key in ("interface", "subnets"):
        equal(len({str(row[key]) for row in rows}), 128, key)
    good("network", "rm", made.pop())
    equal("error" in make("another"), False)
    for name in ["another", *made]:
        reply = root.call(f"/org/berth1/networks/{name}", "org.berth1.Network", "Delete", "(@a{sv} {},)", "(a{sv})")
        assert "error" not in reply, reply
    root.end()


def test_resolv_conf_and_hosts_are_as_asked():
    words = ("--dns=192.0.2.53", "--dns-search=example.com", "--dns-option=ndots:2", "--add-host=db.example:192.0.2.7", "--add-host=me:host-gateway")
    gateway = networks()["berth"]["gateways"][0]
    out = good("run", "--rm", *words, IMAGE, "cat", "/etc/resolv.conf", "/etc/hosts")
    for part in (f"nameserver {gateway}\n", "search example.com\n", "options ndots:2\n", "192.0.2.7\tdb.example\n", f"{gateway}\tme\n"):
        contains(out, part)
    out = good("run", "--rm", "--network=host", *words[:4], IMAGE, "cat", "/etc/resolv.conf", "/etc/hosts")
    for part in ("nameserver 192.0.2.53\n", "search example.com\n", "192.0.2.7\tdb.example\n"):
        contains(out, part)
    assert "127.0.0.1\n" not in out
    equal(dist("run", "--rm", "--no-hosts", IMAGE, "cat", "/etc/hosts").status, 1)


def test_a_user_cannot_take_names_of_others():
    allow("alice", '["org.berth1.containers.create", "org.berth1.containers.manage-own", "org.berth1.images.pull"].indexOf(action.id) >= 0')
    good("run", "-d", "--name=registry.example.com", IMAGE, user="alice")
    good("run", "-d", "--name=hers", "--network-alias=cache", IMAGE, user="alice")
    wait_until(lambda: resolve("one", "cache") == [addresses("hers")[0]], "her name")
    equal(resolve("one", "registry.example.com"), [])
    good("run", "-d", "--name=localhost", IMAGE, user="alice")
    assert addresses("localhost")[0] not in resolve("one", "localhost")
    good("rm", "-f", "localhost")
    for words, part in ((["--network-alias=db"], 'has the name "db"'), (["--network-alias=a.b"], "only root may take a name with a dot"),
                        (["--network-alias=LocalHost"], "only root may take a name with a dot")):
        result = dist("run", "--rm", *words, IMAGE, "true", user="alice")
        equal(result.status, 125)
        contains(result.err, part)
    equal(dist("network", "create", "mine", user="alice").status, 1)
    equal(dist("network", "rm", "berth", user="alice").status, 1)
    good("rm", "-f", "hers", "registry.example.com")


def test_a_user_cannot_take_the_hardware_address_of_another():
    """It would receive the frames of that container. Every container in the network sees the address."""
    good("run", "-d", "--name=served", IMAGE)
    own = good("exec", "served", "cat", "/sys/class/net/eth0/address").strip()
    result = dist("run", "--rm", f"--mac-address={own.upper()}", IMAGE, "true", user="alice")
    equal(result.status, 125, result)
    contains(result.err, f"the hardware address {own} is in use")
    good("rm", "-f", "served")


def run_and_keep_a_socket(name, *options):
    """Runs a container to its end, and returns a socket that listened in it."""
    ours, theirs = socket.socketpair()
    command = ["dist", "run", "--rm", f"--name={name}", "--preserve-fds=1", *options, f"{HOST}/net/kept:x", "/kept"]
    ended = subprocess.run(["sh", "-c", f'exec "$@" 3<&{theirs.fileno()}', "sh", *command], pass_fds=[theirs.fileno()], check=False)
    equal(ended.returncode, 0, name)
    theirs.close()
    _, descriptors, _, _ = socket.recv_fds(ours, 1, 1)
    ours.close()
    return socket.socket(fileno=descriptors[0])


def test_an_address_ends_with_its_container():
    """An ended container's address is removed and reused, even if a process outside keeps its network namespace."""
    equal(run("gcc", "-static", "-x", "c", "-o", "/var/tmp/kept", "-", input=KEPT).status, 0)
    with open("/var/tmp/kept", "rb") as file:
        layer = oci.busybox_layer().add("kept", file.read(), mode=0o755)
    oci.push(oci.Image([layer], {"Env": ["PATH=/bin"]}), f"{HOST}/net/kept:x")
    good("pull", f"{HOST}/net/kept:x")
    address = networks()["berth"]["subnets"][0].split(".0/")[0] + ".200"
    wait_until(is_quiet, "the end of earlier disconnections")
    before = sorted(ports_of("berth0"))
    listener = run_and_keep_a_socket("kept", f"--ip={address}")
    wait_until(lambda: "kept.json" not in documents() and is_quiet(), "the address is free")
    equal(sorted(ports_of("berth0")), before)
    equal(fetch("one", f"{address}:8099"), "")
    equal(select.select([listener], [], [], 0)[0], [])
    good("run", "-d", "--name=next", f"--ip={address}", IMAGE, "sh", "-c", "mkdir /www; echo next >/www/index.html; httpd -f -p 8099 -h /www")
    wait_until(lambda: fetch("one", f"{address}:8099") == "next\n", "the page")
    equal(select.select([listener], [], [], 0)[0], [])
    listener.close()
    good("rm", "-f", "next")


def test_a_user_does_not_take_all_addresses():
    configure("[Defaults]\nNetwork=berth\n[Limits]\nAddresses=2\n")
    good("network", "create", "--subnet=10.94.0.0/29", "small")
    for name in ("small1", "small2"):
        good("run", "-d", "--name", name, "--network=small", IMAGE, user="alice")
    good("create", "--name=small3", "--network=small", IMAGE, user="alice")
    message = 'network "small": user 4242 has 2 addresses and asks for 1 more; the limit is 2'
    contains(dist("start", "small3", user="alice").err, message)
    kill_service()
    contains(dist("start", "small3", user="alice").err, message)
    assert "small3.next" not in documents()
    # Each network has its own count, the same container may start again, and root has all remaining addresses.
    good("run", "--rm", IMAGE, "true", user="alice")
    good("restart", "small2", user="alice")
    for number in range(3):
        good("run", "-d", "--name", f"rest{number}", "--network=small", IMAGE)
    contains(dist("run", "--rm", "--network=small", IMAGE, "true").err, 'no address of the network "small" is free')
    good("rm", "-f", "small1", "rest0", user="root")
    wait_until(lambda: "small1.json" not in documents(), "it is disconnected")
    good("start", "small3", user="alice")
    good("rm", "-f", "small2", "small3", "rest1", "rest2")
    good("network", "rm", "small")
    configure("[Defaults]\nNetwork=berth\n")


def test_a_rule_sees_the_network():
    allow("alice", 'action.id == "org.berth1.containers.create" && action.lookup("network") == "none"')
    good("create", "--name=without", "--network=none", IMAGE, user="alice")
    equal(dist("create", "--name=with", IMAGE, user="alice").status, 125)
    good("rm", "without")
    allow("alice", 'action.id == "org.berth1.networks.manage" && action.lookup("network") == "mine"')
    good("network", "create", "mine", user="alice")
    equal(dist("network", "create", "yours", user="alice").status, 1)
    good("network", "rm", "mine")
    allow("alice", 'action.id == "org.berth1.networks.manage" && action.lookup("network") == "mine" && !action.lookup("subnet")')
    for option in ("--subnet=198.51.100.0/24", "--subnet=2001:db8::/64"):
        equal(dist("network", "create", option, "mine", user="alice").status, 1)
    good("network", "create", "mine", user="alice")
    # A user who may manage networks need not know whose containers are in them.
    allow("alice", '["org.berth1.networks.manage", "org.berth1.containers.create", "org.berth1.containers.manage-own"].indexOf(action.id) >= 0')
    good("create", "--name=rootsown", "--network=mine", IMAGE)
    result = dist("network", "rm", "mine", user="alice")
    assert result.status != 0 and "rootsown" not in result.err, result
    contains(result.err, "container of another user")
    good("rm", "rootsown")
    good("create", "--name=hersown", "--network=mine", IMAGE, user="alice")
    contains(dist("network", "rm", "mine", user="alice").err, 'in use by the container "hersown"')
    good("rm", "hersown")
    good("network", "rm", "mine", user="alice")


def test_many_starts_at_once_share_no_address():
    names = [f"many{i}" for i in range(8)]
    for name in names:
        good("create", "--name", name, IMAGE)
    for start in [subprocess.Popen(["dist", "start", name], stdout=subprocess.DEVNULL) for name in names]:
        equal(start.wait(), 0)
    all_addresses = [address for name in names + ["one", "two"] for address in addresses(name)]
    equal(len(set(all_addresses)), 20)
    wait_until(lambda: resolve("one", "many7") == [addresses("many7")[0]], "the last name")


def test_the_service_may_die():
    before = {name: addresses(name) for name in ("one", "two", "many0")}
    kill_service()
    equal({name: addresses(name) for name in before}, before)
    good("run", "-d", "--name=later", IMAGE)
    assert addresses("later")[0] not in [found[0] for found in before.values()]
    pid = service_pid()
    good("kill", "-s", "KILL", "later")
    if pid:
        kill_service()
    good("ps")
    wait_until(lambda: "later.json" not in documents(), "the network is left")
    # aardvark-dns reads its files again a moment after netavark has ended.
    wait_until(lambda: resolve("one", "later") == [], "the end of the name")


def test_a_container_is_in_several_networks():
    good("network", "create", "--ipv6=false", "--subnet=10.92.0.0/24", "left")
    good("network", "create", "--ipv6=false", "--internal", "--subnet=10.93.0.0/24", "right")
    good("run", "-d", "--name=page", "--network=right", IMAGE, "sh", "-c", "mkdir /www; echo right >/www/index.html; httpd -f -p 80 -h /www")
    good("run", "-d", "--name=both", "--network=left:ip=10.92.0.9,alias=first", "--network=right:ip=10.93.0.9,mac=02:00:00:00:00:0b,alias=second",
         "--network-alias=each", "-p", "18085:80", IMAGE, "sh", "-c", "mkdir /www; echo both >/www/index.html; httpd -f -p 80 -h /www")
    equal(properties("both")["Networks"]["data"], ["left", "right"])
    equal(addresses("both"), ["10.92.0.9", "10.93.0.9"])
    equal(interfaces("both"), ["eth0", "eth1"])
    contains(good("exec", "both", "ip", "addr", "show", "eth1"), "02:00:00:00:00:0b")
    wait_until(lambda: fetch("both", "page") == "right\n", "the page by its name in the second network")
    wait_until(lambda: resolve("page", "second") == ["10.93.0.9"], "its name in the second network")
    equal((resolve("page", "each"), resolve("page", "first")), (["10.93.0.9"], []))
    wait_until(lambda: fetch("page", "both") == "both\n", "its page")
    equal(re.findall(r"^default via (\S+) dev (\S+)", good("exec", "both", "ip", "route"), re.MULTILINE), [("10.92.0.1", "eth0")])
    wait_until(lambda: run("busybox", "wget", "-q", "-O-", "http://127.0.0.1:18085/").out == "both\n", "the port")
    equal(members("right")["both"], {"id": "both", "interface": "eth1", "addresses": ["10.93.0.9"]})
    contains(dist("network", "rm", "right").err, "in use by the container")


def test_a_container_that_runs_changes_networks():
    good("run", "-d", "--name=roam", "--network=left", IMAGE)
    equal(fetch("roam", "10.93.0.9"), "")
    good("network", "connect", "--alias=nomad", "--ip=10.93.0.20", "right", "roam")
    equal(interfaces("roam"), ["eth0", "eth1"])
    equal(addresses("roam"), [addresses("roam")[0], "10.93.0.20"])
    wait_until(lambda: fetch("roam", "second") == "both\n", "its page")
    wait_until(lambda: resolve("page", "nomad") == ["10.93.0.20"], "its name")
    contains(dist("network", "connect", "right", "roam").err, 'is in the network "right" already')
    contains(dist("network", "connect", "nosuch", "roam").err, 'there is no network "nosuch"')
    contains(dist("network", "connect", "--ip=10.93.0.9", "berth", "roam").err, "not an address for containers")
    equal(sorted(members("right")), ["both", "page", "roam"])
    # The container keeps its connection over a restart, and over the death of the service.
    good("restart", "-t", "0", "roam")
    wait_until(lambda: interfaces("roam") == ["eth0", "eth1"], "both interfaces")
    kill_service()
    equal(properties("roam")["Networks"]["data"], ["left", "right"])
    good("network", "disconnect", "right", "roam")
    equal(interfaces("roam"), ["eth0"])
    wait_until(lambda: resolve("page", "nomad") == [], "the name goes")
    equal(fetch("roam", "10.93.0.9"), "")
    assert "roam@right.json" not in documents(), documents()
    contains(dist("network", "disconnect", "right", "roam").err, "is not in that network")
    good("network", "disconnect", "--force", "right", "roam")
    # While the container is stopped, only the record changes.
    good("stop", "-t", "0", "roam")
    good("network", "connect", "right", "roam")
    good("start", "roam")
    equal(interfaces("roam"), ["eth0", "eth1"])
    good("rm", "-f", "roam")


def test_the_first_network_is_left_and_joined_again():
    good("network", "disconnect", "left", "both")
    equal((interfaces("both"), properties("both")["Networks"]["data"]), (["eth1"], ["right"]))
    wait_until(lambda: run("busybox", "wget", "-q", "-T", "1", "-O-", "http://127.0.0.1:18085/").out == "", "the port leads nowhere")
    good("restart", "-t", "0", "both")
    equal(interfaces("both"), ["eth1"])
    wait_until(lambda: fetch("page", "both") == "both\n", "its page")
    good("network", "connect", "--ip=10.92.0.30", "left", "both")
    equal((interfaces("both"), addresses("both")), (["eth0", "eth1"], ["10.92.0.30", "10.93.0.9"]))
    wait_until(lambda: run("busybox", "wget", "-q", "-O-", "http://127.0.0.1:18085/").out == "both\n", "the port")
    for words, part in ((["none"], "was created with the network"), (["host"], "was created with the network")):
        good("run", "-d", "--name=alone", f"--network={words[0]}", IMAGE)
        contains(dist("network", "connect", "left", "alone").err, part)
        good("rm", "-f", "alone")
    for words, part in ((["--network=none", "--network=left"], "further networks need a first one"),
                        (["--network=left", "--network=left"], "is given twice"),
                        (["--network=left:colour=red"], "--network takes ip=")):
        result = dist("run", "--rm", *words, IMAGE, "true")
        equal(result.status, 125, words)
        contains(result.err, part)


def test_rules_of_the_administrator_stay():
    """Rules that exist before a network, in their own or in shared chains, keep their order during and after it."""
    for words in (["-N", "ADMIN"], ["-A", "ADMIN", "-p", "tcp", "--dport", "9", "-j", "DROP"], ["-I", "INPUT", "-j", "ADMIN"],
                  ["-A", "FORWARD", "-s", "198.51.100.0/24", "-j", "DROP"],
                  ["-t", "nat", "-A", "POSTROUTING", "-s", "198.51.100.0/24", "-j", "MASQUERADE"]):
        equal(run("iptables", *words).status, 0, words)

    def own():
        return [line for line in run("iptables-save").out.splitlines() if "ADMIN" in line or "198.51.100.0" in line]
    before = [line.split(" [")[0] for line in own()]
    equal(len(before), 5, before)
    good("network", "create", "--ipv6=false", "passing")
    good("run", "-d", "--name=passer", "--network=passing", "-p", "18086:80", IMAGE)
    contains(rules(), "18086")
    equal([line.split(" [")[0] for line in own()], before)
    good("rm", "-f", "passer")
    wait_until(lambda: "18086" not in rules(), "the rules of the container go")
    equal([line.split(" [")[0] for line in own()], before)
    good("network", "rm", "passing")
    run("iptables", "-D", "INPUT", "-j", "ADMIN")
    run("iptables", "-F", "ADMIN")
    run("iptables", "-X", "ADMIN")
    run("iptables", "-D", "FORWARD", "-s", "198.51.100.0/24", "-j", "DROP")
    run("iptables", "-t", "nat", "-D", "POSTROUTING", "-s", "198.51.100.0/24", "-j", "MASQUERADE")


def test_an_interrupted_change_leaves_nothing():
    """Nothing is left if the service and berth-network die while a container is being connected."""
    good("run", "-d", "--name=roam", "--network=left", IMAGE)
    place = "/usr/lib/podman/netavark"
    os.rename(place, place + ".real")
    with open(place, "w", encoding="utf-8") as file:
        file.write(f"#!/bin/sh\n{place}.real \"$@\"\nr=$?\ntouch /run/netavark-waits\nsleep 1000\nexit $r\n")
    os.chmod(place, 0o755)
    try:
        with subprocess.Popen(["dist", "network", "connect", "right", "roam"], stderr=subprocess.DEVNULL):
            wait_until(lambda: os.path.exists("/run/netavark-waits"), "netavark is done")
            kill_service()
            run("pkill", "-KILL", "-x", "berth-network")
    finally:
        os.rename(place + ".real", place)
    assert "roam@right.json" in documents(), documents()
    good("rm", "-f", "roam")
    wait_until(lambda: not [name for name in documents() if name.startswith("roam")], "its documents go")
    wait_until(is_quiet, "nobody disconnects")


def test_documents_that_a_crash_has_left_half_written_are_removed():
    """Unless they are so new that a berth-network may still be writing them."""
    for name, age in (("old", 7200), ("new", 60)):
        path = f"{NETWORKS}/.new-{name}.json"
        with open(path, "w", encoding="utf-8") as file:
            file.write("{")
        os.utime(path, (time.time() - age,) * 2)
    kill_service()
    good("ps")
    equal([name for name in os.listdir(NETWORKS) if name.startswith(".new-")], [".new-new.json"])
    os.unlink(f"{NETWORKS}/.new-new.json")


def test_an_interrupted_request_is_not_carried_out_by_the_next_start():
    """If all that connects a container dies, the request stays; the container leaves the network before it starts."""
    good("run", "-d", "--name=roam", "--network=left", IMAGE)
    with held_netavark(works=True):
        with subprocess.Popen(["dist", "network", "connect", "right", "roam"], stderr=subprocess.DEVNULL):
            break_off()
    assert "roam@right.next" in documents(), documents()
    good("network", "disconnect", "right", "roam")
    good("restart", "-t", "0", "roam")
    equal((interfaces("roam"), properties("roam")["Networks"]["data"]), (["eth0"], ["left"]))
    assert not [name for name in documents() if name.startswith("roam@")], documents()
    good("rm", "-f", "roam")


def test_an_interrupted_connection_takes_no_interface_of_others():
    """An interface that an administrator adds during an interrupted connection is not taken for the container's."""
    good("run", "-d", "--name=roam", "--network=left", IMAGE)
    bridge = networks()["right"]["interface"]
    ports = f"/sys/class/net/{bridge}/brif"
    others = set(os.listdir(ports))
    with held_netavark(works=True):
        with subprocess.Popen(["dist", "network", "connect", "right", "roam"], stderr=subprocess.DEVNULL):
            wait_until(lambda: os.path.exists("/run/netavark-waits"), "netavark waits")
            equal(run("ip", "link", "add", "admin0", "type", "ifb").status, 0)
            equal(run("ip", "link", "set", "admin0", "master", bridge).status, 0)
            equal(len(set(os.listdir(ports)) - others), 2)
            break_off()
    good("rm", "-f", "roam")
    wait_until(lambda: set(os.listdir(ports)) == others | {"admin0"}, "the port of the container goes, the other stays")
    equal(run("ip", "link", "delete", "admin0").status, 0)


def test_an_interrupted_disconnection_does_not_prevent_a_connection():
    """A container can be connected again if its record lacks the network but its interface is still there."""
    good("run", "-d", "--name=roam", "--network=left", "--network=right", IMAGE)
    with held_netavark(works=False):
        with subprocess.Popen(["dist", "network", "disconnect", "right", "roam"], stderr=subprocess.DEVNULL):
            break_off()
    equal((interfaces("roam"), properties("roam")["Networks"]["data"]), (["eth0", "eth1"], ["left"]))
    assert "roam@right.json" in documents(), documents()
    good("network", "connect", "--ip=10.93.0.40", "right", "roam")
    equal((interfaces("roam"), addresses("roam")[1]), (["eth0", "eth1"], "10.93.0.40"))
    equal(re.findall(r"inet (\S+)/", good("exec", "roam", "ip", "addr", "show", "eth1")), ["10.93.0.40"])
    good("rm", "-f", "roam")
    wait_until(lambda: not [name for name in documents() if name.startswith("roam")], "its documents go")


def test_networks_change_one_at_a_time():
    """A disconnection does not overtake a connection, and a failed disconnection can be repeated."""
    good("run", "-d", "--name=roam", "--network=left", IMAGE)
    place, waits, go = "/usr/lib/podman/netavark", "/run/netavark-waits", "/run/netavark-go"
    for name in (waits, go):
        run("rm", "-f", name)
    os.rename(place, place + ".real")
    with open(place, "w", encoding="utf-8") as file:
        file.write(f"#!/bin/sh\necho $$ >{waits}.new\nmv {waits}.new {waits}\nwhile [ ! -e {go} ]; do sleep 0.05; done\nexec {place}.real \"$@\"\n")
    os.chmod(place, 0o755)
    try:
        with subprocess.Popen(["dist", "network", "connect", "right", "roam"]) as connect:
            wait_until(lambda: os.path.exists(waits), "netavark waits")
            contains(dist("network", "disconnect", "right", "roam").err, "is being connected to a network; wait for it")
            run("touch", go)
        equal(connect.returncode, 0)
        run("rm", waits, go)
        with subprocess.Popen(["dist", "network", "disconnect", "right", "roam"], stderr=subprocess.DEVNULL) as disconnect:
            wait_until(lambda: os.path.exists(waits), "netavark waits")
            run("pkill", "-KILL", "-x", "berth-network")
            with open(waits, encoding="utf-8") as file:
                run("kill", "-KILL", file.read().strip())
        equal(disconnect.returncode, 1)
    finally:
        os.rename(place + ".real", place)
    equal(properties("roam")["Networks"]["data"], ["left", "right"])
    good("network", "disconnect", "right", "roam")
    equal(interfaces("roam"), ["eth0"])
    good("rm", "-f", "roam")


def test_a_network_that_is_deleted_while_a_container_leaves_it_does_not_come_back():
    """If the container could not leave it, the network is not recorded again, and no other network gets its bridge."""
    good("network", "create", "stays")
    good("network", "create", "gone")
    bridge = networks()["gone"]["interface"]
    good("run", "-d", "--name=roam", "--network=stays", "--network=gone", IMAGE)
    with held_netavark(works=False):
        with subprocess.Popen(["dist", "network", "disconnect", "gone", "roam"], stderr=subprocess.DEVNULL) as disconnect:
            wait_until(lambda: os.path.exists("/run/netavark-waits"), "netavark waits")
            good("network", "rm", "gone")
            run("pkill", "-KILL", "-x", "berth-network")
            with open("/run/netavark-waits", encoding="utf-8") as file:
                run("kill", "-KILL", file.read().strip())
        equal(disconnect.returncode, 1)
    equal(properties("roam")["Networks"]["data"], ["stays"])
    equal(len(ports_of(bridge)), 1)
    good("network", "create", "next")
    good("run", "-d", "--name=other", "--network=next", IMAGE)
    equal(len(ports_of(networks()["next"]["interface"])), 1)
    good("restart", "-t", "0", "roam")
    equal(interfaces("roam"), ["eth0"])
    good("rm", "-f", "roam", "other")
    wait_until(lambda: bridge not in bridges(), "the bridge goes")
    good("network", "rm", "next", "stays")


def test_a_rule_sees_the_network_that_is_connected():
    """A user who may use only one network cannot connect a container to another."""
    allow("alice", 'action.id == "org.berth1.containers.manage-own" || (action.id == "org.berth1.containers.create" && action.lookup("network") == "left")')
    good("run", "-d", "--name=theirs", "--network=left", IMAGE, user="alice")
    contains(dist("--no-ask-password", "network", "connect", "right", "theirs", user="alice").err, "needs sudo or a rule")
    result = dist("--no-ask-password", "create", "--network=left", "--network=right", IMAGE, user="alice")
    contains(result.err, "needs sudo or a rule")
    good("network", "disconnect", "left", "theirs", user="alice")
    good("network", "connect", "left", "theirs", user="alice")
    contains(dist("--no-ask-password", "network", "disconnect", "right", "both", user="alice").err, 'there is no container "both"')
    good("rm", "-f", "theirs", user="alice")


def test_networks_without_containers_are_pruned():
    good("network", "create", "idle")
    equal(good("network", "prune", "--dry-run").split(), ["idle"])
    equal(good("network", "prune", "--force").split(), ["idle"])
    assert "left" in networks() and "berth" in networks()
    result = dist("network", "inspect", "idle")
    contains(result.err, 'there is no network "idle"')
    good("rm", "-f", "both", "page")
    equal(sorted(good("prune", "networks", "--force").split()), ["left", "right"])


def test_the_examples_of_the_documentation_work():
    """The examples of docs/networks.md work; an image of the tests replaces the images that they name."""
    page = (pathlib.Path(__file__).resolve().parent.parent.parent / "docs" / "networks.md").read_text(encoding="utf-8")
    lines = [line.split()[1:] for line in re.findall(r"^    dist (?:network|run -d).*$", page, re.MULTILINE)]
    assert len(lines) >= 8, lines
    for words in lines:
        if words[0] == "run":
            subnet = networks()["vault"]["subnets"][0] if "--network=vault" in words else ""
            # The page's address is replaced by one of the subnet that Berth chose here.
            words = [f"--ip={subnet.rsplit('.', 1)[0]}.7" if word.startswith("--ip=") else word for word in words]
            words[-1] = IMAGE
        # Later examples need the networks, so nothing is really pruned.
        good(*words, *(["--dry-run"] if words[1] == "prune" else []))
        name = [word for word in words if word.startswith("--name=")][0].split("=")[1] if words[0] == "run" else ""
        # Later examples need these two.
        if name and name not in ("front", "vpn"):
            good("rm", "-f", name)
    good("rm", "-f", "front", "vpn")
    good("network", "rm", "web", "vault")


def test_berth_network_may_die():
    """Whenever berth-network is killed, the next start sets up the network again and leftovers are removed."""
    good("create", "--name=killed", "-p", "18090:80", IMAGE)
    killed = 0
    for _ in range(20):
        start = subprocess.Popen(["dist", "start", "killed"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while start.poll() is None:
            killed += run("pkill", "-9", "-x", "berth-network").status == 0
        if killed > 2:
            break
        # A container that was not started has nothing to wait for.
        if dist("kill", "-s", "KILL", "killed").status == 0:
            dist("wait", "killed")
    assert killed > 0
    wait_until(is_quiet, "the end of what connects")
    if properties("killed")["State"]["data"] != "running":
        good("start", "killed")
    assert addresses("killed")
    good("rm", "-f", "killed")
    # The next service completes a disconnection that was killed.
    wait_until(is_quiet, "the end of what disconnects")
    kill_service()
    good("ps")
    wait_until(lambda: documents() == sorted(f"{name}.json" for name in ["one", "two"] + [f"many{i}" for i in range(8)]), "the network is left")
    assert "18090" not in rules()


def left():
    """Returns what there is of networks that Berth has made."""
    names = os.listdir("/run/berth-dns") if os.path.isdir("/run/berth-dns") else []
    server = run("systemctl", "is-active", "berth-dns.service").out.strip()
    return (documents() + bridges() + [line for line in rules().splitlines() if "10.89." in line] +
            [name for name in names if name.startswith("berth")] + ([] if is_quiet() else ["berth-network"]) +
            ([] if server == "inactive" else [f"name server: {server}"]))


def test_nothing_is_left():
    good("rm", "-f", *good("ps", "-a", "-q").split())
    with contextlib.suppress(AssertionError):  # the other message names what is left
        wait_until(lambda: not left(), "all are disconnected")
    equal(left(), [])


def test_containers_run_again_after_a_reboot():
    """After a reboot, containers with --restart=always run again, with the same address, name and published port. The
    reboot is simulated: all processes, network interfaces and firewall rules disappear, the disk is kept, and the
    records have the ID of another boot."""
    good("network", "create", "--subnet=10.93.0.0/24", "rebooted")
    serve = ("sh", "-c", "mkdir -p /www; echo back >/www/index.html; exec httpd -f -p 80 -h /www")
    good("run", "-d", "--name=always", "--network=rebooted", "--ip=10.93.0.7", "-p", "18093:80", "--restart=unless-stopped", IMAGE, *serve)
    good("run", "-d", "--name=marked", "--network=rebooted", "--autostart", IMAGE)
    good("run", "-d", "--name=neither", "--network=rebooted", "--restart=on-failure", IMAGE)
    good("run", "-d", "--name=refused", "--network=rebooted", "--restart=always", "--autostart=false", IMAGE)
    equal([properties(name)["Autostart"]["data"] for name in ("always", "marked", "neither", "refused")], [True, True, False, False])
    run("systemctl", "stop", "berth-autostart.service", "berthd.service", "berth-dns.service")
    for name in ("always", "marked", "neither", "refused"):
        run("systemctl", "kill", "-s", "KILL", f"berth-{name}.scope")
        wait_until(lambda: run("systemctl", "is-active", f"berth-{name}.scope").out.strip() != "active", "its end")  # pylint: disable=cell-var-from-loop
    for name in bridges():
        run("ip", "link", "delete", name)
    for tables in ("iptables", "ip6tables"):
        for table in ("filter", "nat", "mangle", "raw"):
            run(tables, "-t", table, "-F")
            run(tables, "-t", table, "-X")
    database_query("UPDATE containers SET boot='of-another-boot'")
    equal(run("systemctl", "start", "berth-autostart.service").status, 0)
    equal(sorted(good("ps", "-q").split()), ["always", "marked"])
    equal(addresses("always")[0], "10.93.0.7")
    wait_until(lambda: run("busybox", "wget", "-q", "-O-", "http://127.0.0.1:18093/").out == "back\n", "the port")
    wait_until(lambda: resolve("marked", "always") == ["10.93.0.7"], "the name")
    equal(listing("port", "always"), [{"container": "80/tcp", "host": "0.0.0.0:18093"}])
    run("systemctl", "stop", "berth-autostart.service")
    good("rm", "-f", *good("ps", "-a", "-q").split())
    good("network", "rm", "rebooted")
    wait_until(is_quiet, "all are disconnected")


def test_without_netavark_cni_plugins_provide_networks():
    """Without netavark, CNI plugins provide the same networks, including names."""
    os.rename("/usr/lib/podman/netavark", "/usr/lib/podman/netavark.away")
    good("run", "-d", "--name=one", "-p", "18080:80", IMAGE)
    good("run", "-d", "--name=two", "--mac-address=02:00:00:00:00:07", IMAGE)
    contains(good("exec", "two", "ip", "addr", "show", "eth0"), addresses("two")[1])
    contains(good("exec", "two", "ip", "addr", "show", "eth0"), "02:00:00:00:00:07")
    wait_until(lambda: resolve("two", "one") == [addresses("one")[0]], "the name")
    contains(rules(), "18080")
    found = wait_until(lambda: dist("exec", "one", "wget", "-q", "-O-", "http://192.0.2.2/cgi-bin/who").out.strip(), "an answer")
    contains(found, "192.0.2.1")
    # The backend that set a network up also removes it, whichever is installed by then.
    os.rename("/usr/lib/podman/netavark.away", "/usr/lib/podman/netavark")
    good("rm", "-f", "one", "two")
    wait_until(lambda: documents() == [] and is_quiet(), "all are disconnected")
    assert "18080" not in rules()


def test_without_netavark_and_cni_there_is_no_network_by_default():
    os.rename("/usr/lib/podman/netavark", "/usr/lib/podman/netavark.away")
    os.rename("/usr/lib/cni/bridge", "/usr/lib/cni/bridge.away")
    good("create", "--name=bare", IMAGE)
    equal(properties("bare")["Network"]["data"], "none")
    os.rename("/usr/lib/podman/netavark.away", "/usr/lib/podman/netavark")
    os.rename("/usr/lib/cni/bridge.away", "/usr/lib/cni/bridge")


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
