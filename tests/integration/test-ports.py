# SPDX-License-Identifier: LGPL-2.1-or-later
# Published ports. A container has its host ports from before its start until after its end, and cannot have a port that
# is in use. Users may have only certain ports and slices without a privilege.

import contextlib
import json
import os
import socket
import sys
import urllib.request

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

IMAGE = f"{HOST}/ports/base:x"
OWN = 'action.id == "org.berth1.containers.manage-own"'
CREATE = f'{OWN} || action.id == "org.berth1.containers.create"'
SERVER = ("sh", "-c", "mkdir /www; echo page >/www/index.html; exec httpd -f -p 80 -h /www")


def listening(family, kind, address, port, listen=True):
    """Returns a socket that is bound, and listening if it is a stream socket, like that of a server."""
    made = socket.socket(family, kind)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    try:
        made.bind((address, port))
        if kind == socket.SOCK_STREAM and listen:
            made.listen()
    except OSError:
        made.close()
        raise
    return made


def is_taken(port, kind=socket.SOCK_STREAM, family=socket.AF_INET, address=""):
    try:
        listening(family, kind, address, port).close()
        return False
    except OSError:
        return True


def make(name, *ports):
    good("create", f"--id={name}", "--network=mine", *[option for port in ports for option in ("-p", port)], IMAGE, *SERVER)


def publish(name, *ports, user=None, more=()):
    options = [option for port in ports for option in ("-p", port)]
    return dist("--no-ask-password", "run", "-d", f"--id={name}", "--network=mine", *options, *more, IMAGE, *SERVER,
                user=user)


def kept():
    return run("systemctl", "show", "-P", "NFileDescriptorStore", "berthd").out.strip()


def remove(*names):
    dist("rm", "-f", *names)


def wait_for_free_ports():
    """Waits until the next test can use the ports: systemd closes its sockets of ended containers after some delay."""
    wait_until(lambda: not any(is_taken(port, kind) for port in (18080, 18081) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)),
               "the ports are free")


def test_setup():
    oci.push(oci.busybox_image(Cmd=["sleep", "1000"]), IMAGE)
    good("pull", IMAGE)
    make_network("mine", "10.77.0.0/24")


def test_listening_port_is_not_shadowed():
    stream, datagram = socket.SOCK_STREAM, socket.SOCK_DGRAM
    for number, (family, kind, address, port, message) in enumerate((
            (socket.AF_INET, stream, "0.0.0.0", "18080:80", "port 18080/tcp is in use"),
            (socket.AF_INET, stream, "127.0.0.1", "18080:80", "port 18080/tcp is in use"),
            (socket.AF_INET6, stream, "::", "18080:80", "port 18080/tcp is in use"),
            (socket.AF_INET6, stream, "::1", "[::1]:18080:80", "port 18080/tcp on ::1"),
            (socket.AF_INET, stream, "127.0.0.1", "127.0.0.1:18080:80", "port 18080/tcp on 127.0.0.1"),
            (socket.AF_INET, datagram, "0.0.0.0", "18080:80/udp", "port 18080/udp is in use"))):
        with contextlib.closing(listening(family, kind, address, 18080)):
            result = publish(f"late{number}", port)
            equal(result.status, 125, str(result))
            contains(result.err, message)
            contains(result.err, "in use")
        remove(f"late{number}")
    # Port 5000 is in use by the test registry; port 18081 is bound by a server that does not listen yet.
    contains(publish("registry", "5000:80").err, "5000/tcp")
    with contextlib.closing(listening(socket.AF_INET, stream, "", 18081, listen=False)):
        contains(publish("early", "18081:80").err, "in use")
    remove("registry", "early")
    contains(run("curl", "-s", f"http://{HOST}/v2/_catalog").out, "ports/base")


def test_a_failed_start_holds_no_ports():
    make("half", "18080:80", "18082:82")
    with contextlib.closing(listening(socket.AF_INET, socket.SOCK_STREAM, "", 18082)):
        contains(dist("start", "half").err, "18082/tcp is in use")
        wait_until(lambda: not is_taken(18080), "the other port is free")
    good("start", "half")
    assert is_taken(18080) and is_taken(18082)
    remove("half")
    make_network("passing", "10.77.1.0/24")
    good("create", "--id=late", "--network=passing", "-p", "18080:80", IMAGE, "true")
    os.unlink("/etc/cni/net.d/passing.conflist")
    contains(dist("start", "late").err, 'no network "passing"')
    remove("late")
    wait_until(lambda: not is_taken(18080), "the port is free")


def test_two_containers_do_not_share_a_port():
    equal(publish("first", "18080:80").status, 0)
    for name, port in (("all", "18080:81"), ("one", "127.0.0.1:18080:80"), ("six", "[::1]:18080:80")):
        make(name, port)
        contains(dist("start", name).err, "in use")
        equal(listing("info", name)[0]["state"], "created")
    equal(publish("other", "18080:80/udp", "18081:80").status, 0)
    good("stop", "-t", "0", "first")
    good("start", "all")
    equal(dist("start", "first").status, 1)
    remove("first", "all", "one", "six", "other")
    # This kernel may not support SCTP.
    equal(publish("first", "18080:80/sctp").status, 0)
    contains(publish("second", "18080:80/sctp").err, "18080/sctp")
    remove("first", "second")
    wait_for_free_ports()


def test_a_restart_finds_its_port_free():
    """A restarted container can have its port again, even if systemd has not yet closed its descriptor of the port."""
    equal(publish("web", "18080:80", "18080:80/udp").status, 0)
    for _ in range(5):
        good("restart", "-t", "0", "web")
        assert is_taken(18080) and is_taken(18080, socket.SOCK_DGRAM)
    with contextlib.closing(listening(socket.AF_INET, socket.SOCK_STREAM, "127.0.0.1", 18081)):
        good("create", "--id=other", "--network=mine", "-p", "18081:80", IMAGE, *SERVER)
        good("restart", "-t", "0", "web")
        contains(dist("start", "other").err, "port 18081/tcp is in use")
    remove("web", "other")
    wait_for_free_ports()


def test_a_port_can_be_published_on_two_addresses():
    equal(publish("one", "127.0.0.1:18080:80").status, 0)
    equal(publish("two", "127.0.0.2:18080:80").status, 0)
    assert is_taken(18080, address="127.0.0.1") and not is_taken(18080, address="127.0.0.3")
    remove("one", "two")
    wait_for_free_ports()


def test_port_is_not_taken_while_the_container_runs():
    equal(publish("web", "18080:80", "18080:80/udp").status, 0)
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        assert is_taken(18080, kind) and is_taken(18080, kind, socket.AF_INET6)
        assert is_taken(18080, kind, address="127.0.0.1")
    good("kill", "-s", "KILL", "web")
    dist("wait", "web")
    wait_until(lambda: not is_taken(18080) and not is_taken(18080, socket.SOCK_DGRAM), "the ports are free")
    remove("web")


def page(address):
    try:
        with urllib.request.urlopen(f"http://{address}/", timeout=5) as answer:
            return answer.read()
    except OSError:
        return None


def test_bound_port_is_still_forwarded():
    equal(publish("web", "18080:80", "127.0.0.1:18081:80").status, 0)
    for address in ("127.0.0.1:18080", "127.0.0.1:18081", "10.77.0.1:18080"):
        wait_until(lambda at=address: page(at) == b"page\n", f"the page of {address}")
    remove("web")
    wait_for_free_ports()


def test_a_port_stays_taken_while_the_service_is_away():
    result = publish("web", "18080:80", "18081:81", "18080:80/udp")
    equal((result.status, result.err), (0, ""))
    kill_service()
    assert is_taken(18080) and is_taken(18081) and is_taken(18080, socket.SOCK_DGRAM)
    service_is_up()
    assert is_taken(18080) and is_taken(18081) and is_taken(18080, socket.SOCK_DGRAM)
    contains(publish("second", "18080:80").err, "in use")
    run("systemctl", "restart", "berthd")
    assert is_taken(18080) and is_taken(18081) and is_taken(18080, socket.SOCK_DGRAM)
    # When the service is stopped, systemd closes the stored descriptors; the next service reserves the ports again.
    run("systemctl", "stop", "berthd")
    service_is_up()
    assert is_taken(18080) and is_taken(18081) and is_taken(18080, socket.SOCK_DGRAM)
    good("kill", "-s", "KILL", "web")
    dist("wait", "web")
    for port in (18080, 18081):
        wait_until(lambda at=port: not is_taken(at), "the port is free")
    remove("web", "second")


def test_a_port_is_free_if_the_container_ended_while_the_service_was_away():
    equal(publish("web", "18080:80").status, 0)
    pid = listing("info", "web")[0]["pid"]
    run("systemctl", "kill", "--kill-who=main", "-s", "STOP", "berthd")
    os.kill(pid, 9)
    kill_service()
    good("ps")
    wait_until(lambda: not is_taken(18080), "the port is free")
    wait_until(lambda: kept() == "0", "systemd keeps nothing")
    remove("web")


def test_a_container_that_is_started_again_has_its_port_again():
    equal(publish("web", "18080:80", more=("--restart=always",)).status, 0)
    for _ in range(3):
        pid = listing("info", "web")[0]["pid"]
        os.kill(pid, 9)
        wait_until(lambda old=pid: listing("info", "web")[0]["pid"] not in (0, old), "the next start")
        assert is_taken(18080)
    remove("web")
    wait_until(lambda: not is_taken(18080), "the port is free")


def test_addresses_of_other_machines_are_refused():
    for address in ("192.0.2.1", "224.0.0.1", "255.255.255.255", "[2001:db8::1]", "[ff02::1]"):
        for protocol in ("tcp", "udp"):
            result = publish("odd", f"{address}:18080:80/{protocol}")
            equal(result.status, 125, address)
            contains(result.err, "not an address of this machine")
            remove("odd")
    with open("/proc/sys/net/ipv4/ip_nonlocal_bind", "w", encoding="utf-8") as file:
        file.write("1")
    contains(publish("odd", "192.0.2.1:18080:80").err, "not an address of this machine")
    with open("/proc/sys/net/ipv4/ip_nonlocal_bind", "w", encoding="utf-8") as file:
        file.write("0")
    remove("odd")


def test_invalid_and_too_many_ports_are_refused():
    for port in ("x:80", "x", "70000:80", "80:0", "80:80/icmp", ":80:80", "[::ffff:127.0.0.1]:18080:80",
                 "1.2.3:80:80", "80-90:80", "18080:80/tcp/udp", "", ":", "/", "18080:80 "):
        result = publish("bad", port)
        equal(result.status, 125, port)
        assert any(text in result.err for text in ("invalid port", "the same length")), (
            port, result.err)
    many = [f"{20000 + number}:80" for number in range(129)]
    contains(publish("many", *many).err, "at most 128 ports")
    assert not is_taken(20000)


def test_no_rule_is_asked_about_more_than_a_container_may_have():
    """The limits of ports and networks are checked before permissions, so that polkit is not asked about each."""
    allow_only("alice")
    ports = ["Ports", "as", "129", *[f"{20000 + number}:80" for number in range(129)]]
    networks = ["FurtherNetworks", "a(sa{sv})", "16", *[word for number in range(16) for word in (f"n{number}", "0")]]
    for options, part in ((ports, "at most 128 ports"), (networks, "at most 16 networks")):
        for answer in (containers_call("Create", "ssa{sv}", "many", IMAGE, "2", "Network", "s", "mine", *options, user="alice"),
                       call("/org/berth1/pods", "org.berth1.Pods", "Create", "sa{sv}", "many", "2", "Network", "s", "mine", *options, user="alice")):
            contains(answer.err, part)


def test_a_port_of_the_host_is_chosen():
    """If no host port is given, Create chooses a free one, and the start reserves it."""
    good("create", "--id=any", "--network=mine", "-p", "80", "-p", "127.0.0.1::81", "-p", "0:82/udp", "-p", "90-91", IMAGE, *SERVER)
    rows = {row["container"]: row["host"] for row in listing("port", "any")}
    equal(sorted(rows), ["80/tcp", "81/tcp", "82/udp", "90/tcp", "91/tcp"])
    assert rows["80/tcp"].startswith("0.0.0.0:") and rows["81/tcp"].startswith("127.0.0.1:"), rows
    numbers = {row: int(host.rsplit(":", 1)[1]) for row, host in rows.items()}
    equal(len(set(numbers.values())), 5)
    assert min(numbers.values()) >= 1024 and not is_taken(numbers["80/tcp"]), numbers
    good("start", "any")
    assert is_taken(numbers["80/tcp"]) and is_taken(numbers["82/udp"], socket.SOCK_DGRAM)
    wait_until(lambda: page(f"127.0.0.1:{numbers['80/tcp']}") == b"page\n", "the page")
    contains(good("ps", "--format={{.ID}} {{.Ports}}"), f"{numbers['80/tcp']}:80/tcp")
    ports = json.loads(good("inspect", "-f", "{{json .NetworkSettings.Ports}}", "any"))
    equal(ports["80/tcp"], [{"HostPort": str(numbers["80/tcp"]), "HostIp": "0.0.0.0"}])
    equal(ports["81/tcp"], [{"HostPort": str(numbers["81/tcp"]), "HostIp": "127.0.0.1"}])
    equal(sorted(ports), sorted(rows))
    result = publish("elsewhere", "198.51.100.1::80")
    contains(result.err, "not an address of this machine")
    # Errors name a port as it was given.
    for given in ("80", "127.0.0.1::80/udp", "[::1]::80", "8080:80"):
        result = dist("create", "--network=none", "-p", given, IMAGE)
        equal((result.status, result.err), (125, f'dist: the port "{given}" needs a network; name one with --network\n'))
    remove("any")


def test_a_port_that_is_given_twice_is_published_once():
    """Also if a range has it. A host port for two ports of the container is still refused when the container starts."""
    ports = [f"-p{port}" for port in ("18080:80", "18080:80/tcp", "18080:80/udp", "18080:80/UDP", "18080-18081:80-81", "82", "82")]
    good("run", "-d", "--id=twice", "--network=mine", *ports, IMAGE, *SERVER)
    equal(sorted(row["container"] for row in listing("port", "twice")), ["80/tcp", "80/udp", "81/tcp", "82/tcp"])
    equal(good("port", "twice", "80"), "0.0.0.0:18080\n")
    equal(good("port", "twice", "80/udp"), "0.0.0.0:18080\n")
    remove("twice")
    contains(dist("run", "--rm", "--network=mine", "-p18080:80", "-p18080:81", IMAGE, "true").err, "port 18080/tcp is in use")


def test_low_ports_are_a_privilege():
    allow("alice", CREATE)
    for port, privilege in (("80:80", "port:80"), ("53:53/udp", "port:53/udp"), ("127.0.0.1:1023:80", "port:1023")):
        result = publish("low", port, user="alice")
        equal(result.status, 125)
        contains(result.err, "create-privileged")
    equal(publish("high", "1024:80", user="alice").status, 0)
    remove("high")
    with open("/proc/sys/net/ipv4/ip_unprivileged_port_start", "w", encoding="utf-8") as file:
        file.write("80")
    equal(publish("eighty", "80:80", user="alice").status, 0)
    contains(publish("below", "79:80", user="alice").err, "create-privileged")
    with open("/proc/sys/net/ipv4/ip_unprivileged_port_start", "w", encoding="utf-8") as file:
        file.write("1024")
    remove("eighty")


def test_a_rule_sees_the_port_the_network_and_the_slice():
    allow("alice", f'''{OWN} || (action.id == "org.berth1.containers.create" && action.lookup("port") == "18080:80" &&
        action.lookup("network") == "mine" && action.lookup("slice") == "berth-user-4242.slice") ||
        (action.id == "org.berth1.containers.create" && action.lookup("port") == "53:53/udp") ||
        (action.id == "org.berth1.containers.create-privileged" && action.lookup("privilege") == "port:53/udp")''')
    contains(publish("other", "18081:80", user="alice").err, "Permission denied")
    contains(publish("placed", "18080:80", user="alice", more=("--slice=berth-user-4242-web.slice",)).err, "Permission denied")
    equal(publish("web", "18080:80", user="alice").status, 0)
    equal(publish("names", "53:53/udp", user="alice").status, 0)
    remove("web", "names")


def test_a_users_containers_are_in_the_users_slice():
    allow("alice", CREATE)
    for name, options, expected in (("usual", (), "berth-user-4242.slice"),
                                    ("named", ("--slice=berth-user-4242-web.slice",), "berth-user-4242-web.slice")):
        good("run", "-d", f"--id={name}", *options, IMAGE, user="alice")
        equal(run("systemctl", "show", "-P", "Slice", f"berth-{name}.scope").out.strip(), expected)
        contains(run("systemctl", "show", "-P", "ControlGroup", f"berth-{name}.scope").out,
                 "/berth.slice/berth-user.slice/berth-user-4242.slice/")
        good("rm", "-f", name, user="alice")
    for name in ("berth.slice", "berth-user.slice", "berth-user-42421.slice", "berth-user-424.slice", "berth-user-0.slice",
                 "berth-web.slice", "system.slice", "-.slice"):
        result = dist("--no-ask-password", "run", "--rm", f"--slice={name}", IMAGE, "true", user="alice")
        equal(result.status, 125, name)
        contains(result.err, "create-privileged")
    good("run", "-d", "--id=roots", IMAGE)
    equal(run("systemctl", "show", "-P", "Slice", "berth-roots.scope").out.strip(), "berth.slice")
    good("rm", "-f", "roots")


def test_invalid_names_of_slices_are_refused():
    for name in ("x", ".slice", "a--b.slice", "a-.slice", "-a.slice", "../x.slice", "a/b.slice", "a b.slice", "a@b.slice",
                 "a.service", "a\nb.slice", "ä.slice", "-".join("abcdefghij") + ".slice", "a" * 300 + ".slice"):
        result = dist("run", "--rm", f"--slice={name}", IMAGE, "true")
        equal(result.status, 125, name)
        contains(result.err, "invalid slice")
    good("run", "--rm", "--slice=some-where.slice", IMAGE, "true")


def test_nothing_is_left():
    equal(listing("ps", "-a"), [])
    wait_until(lambda: kept() == "0", "systemd keeps nothing")


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
