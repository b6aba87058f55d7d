# SPDX-License-Identifier: LGPL-2.1-or-later
# firewalld on the host. Rules of networks that it removes when it is started, reloaded or stopped are restored, with
# both of its backends.
# machine: package firewalld
# machine: package python3-dbus
# machine: package python3-firewall
# machine: package python3-nftables
# machine: package python3-dbus
# machine: package libnftables1
# machine: package libjansson4

import os
import sys

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

IMAGE = f"{HOST}/net/base:x"
PACKAGES = ("firewalld", "python3-dbus", "python3-firewall", "python3-nftables", "python3-dbus", "libnftables1", "libjansson4")
ACTIONS = "/usr/share/polkit-1/actions"
SERVE = ("sh", "-c", "mkdir -p /www; echo page >/www/index.html; exec httpd -f -p 80 -h /www")
# The rules, links and hardware address before firewalld starts.
first = []


def get(*before, place):
    return run(*before, "timeout", "2", "busybox", "wget", "-q", "-O-", f"http://{place}").out.strip()


def fetch(inside, place):
    return dist("exec", inside, "timeout", "2", "wget", "-q", "-O-", f"http://{place}").out.strip()


def trusted():
    return run("firewall-cmd", "--zone=trusted", "--list-sources").out.split()


def works():
    """Returns whether a published port can be reached from the host and from a neighbour, whether a container reaches
    another by name, and whether outgoing traffic has the host's address."""
    return (get(place="127.0.0.1:18080") == "page" and
            get("ip", "netns", "exec", "neighbour", place="192.0.2.1:18080") == "page" and
            fetch("one", "web") == "page" and fetch("one", "192.0.2.2/cgi-bin/who").endswith("192.0.2.1]"))


def rules():
    return sorted(line for tool in ("iptables-save", "ip6tables-save") for line in run(tool).out.splitlines()
                  if line.startswith("-A") and "NETAVARK" in line)


def links():
    return sorted(os.listdir("/sys/class/net"))


def hardware_address():
    return good("exec", "web", "cat", "/sys/class/net/eth0/address")


def find_state():
    return rules(), links(), hardware_address()


def loses_nothing(*command):
    """Runs a command, and checks that the network works afterwards and the rules are as in the beginning. The state right
    before the command may be that of a renewal for an earlier one."""
    wait_until(works, f"before {command}")
    result = run(*command)
    equal(result.status, 0, f"{command}: {result}")
    wait_until(works, f"after {command}")
    # firewalld signals a reload only after it has replied, so the rules may be renewed even after the check above.
    wait_until(lambda: run("pgrep", "-x", "berth-network").status == 1 and list(find_state()) == first,
               f"the same state after {command} as at first:\n{first}")


def test_setup():
    configure("[Defaults]\nNetwork=berth\n")
    oci.push(oci.busybox_image(Cmd=["sleep", "1000"]), IMAGE)
    good("pull", IMAGE)
    for package in PACKAGES:
        equal(run("sh", "-c", f"tar -C {os.environ['BERTH_BUILD']}/packages/{package} -c . | tar -C / -x --keep-directory-symlink").status, 0)
    # Creates the link as the package's scripts do.
    os.symlink("org.fedoraproject.FirewallD1.server.policy.choice", f"{ACTIONS}/org.fedoraproject.FirewallD1.policy")
    run("busctl", "call", "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "ReloadConfig")
    equal(run("systemctl", "daemon-reload").status, 0)
    equal(run("systemctl", "restart", "polkit").status, 0)
    for command in (("netns", "add", "neighbour"),
                    ("link", "add", "out0", "type", "veth", "peer", "name", "eth0", "netns", "neighbour"),
                    ("addr", "add", "192.0.2.1/24", "dev", "out0"), ("link", "set", "out0", "up"),
                    ("-n", "neighbour", "addr", "add", "192.0.2.2/24", "dev", "eth0"),
                    ("-n", "neighbour", "link", "set", "eth0", "up")):
        equal(run("ip", *command).status, 0, str(command))
    os.makedirs("/tmp/www/cgi-bin", exist_ok=True)
    with open("/tmp/www/cgi-bin/who", "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\n'\necho $REMOTE_ADDR\n")
    os.chmod("/tmp/www/cgi-bin/who", 0o755)
    run("systemd-run", "--unit=neighbour", "-p", "NetworkNamespacePath=/run/netns/neighbour", "busybox", "httpd", "-f", "-p", "80", "-h", "/tmp/www")
    good("run", "-d", "--name=web", "-p", "18080:80", IMAGE, *SERVE)
    good("run", "-d", "--name=one", IMAGE)
    first.extend(find_state())


def test_a_firewall_that_starts_lets_containers_through():
    loses_nothing("systemctl", "start", "firewalld.service")
    equal(run("firewall-cmd", "--state").out, "running\n")
    wait_until(lambda: len(trusted()) == 2, "both subnets are trusted")


def test_a_reload_loses_nothing():
    loses_nothing("firewall-cmd", "--reload")
    wait_until(lambda: len(trusted()) == 2, "both subnets are trusted")


def test_a_complete_reload_loses_nothing():
    loses_nothing("firewall-cmd", "--complete-reload")


def test_reloads_one_after_the_other_lose_nothing():
    loses_nothing("sh", "-c", "for i in 1 2 3; do firewall-cmd --reload || exit; done")


def test_a_reload_while_the_service_is_down_is_repaired():
    wait_until(works, "the network")
    run("systemctl", "mask", "--runtime", "berthd.service")
    kill_service()
    equal(run("firewall-cmd", "--reload").status, 0)
    equal(get(place="127.0.0.1:18080"), "")
    run("systemctl", "unmask", "--runtime", "berthd.service")
    service_is_up()
    wait_until(works, "the network")


def test_reload_signals_of_others_than_firewalld_are_ignored():
    """The service ignores the signal of a reload if the sender is not firewalld."""
    def renewals():
        run("journalctl", "--sync")
        return run("journalctl", "-b", "-o", "cat", "-t", "berthd").out.count("renewing the networks' rules")
    before = renewals()
    owner = owner_of_the_name().split('"')[1]
    equal(run("dbus-send", "--system", f"--dest={owner}", "--type=signal", "/org/fedoraproject/FirewallD1",
              "org.fedoraproject.FirewallD1.Reloaded", user="alice").status, 0)
    equal(run("dbus-send", "--system", "--type=signal", "/org/fedoraproject/FirewallD1",
              "org.fedoraproject.FirewallD1.Reloaded", user="alice").status, 0)
    # When the service has answered a later call, it has read the signals.
    service_is_up()
    equal(renewals(), before)


def test_the_iptables_backend_loses_nothing():
    run("sed", "-i", "s/^FirewallBackend=.*/FirewallBackend=iptables/", "/etc/firewalld/firewalld.conf")
    loses_nothing("systemctl", "restart", "firewalld.service")
    loses_nothing("firewall-cmd", "--complete-reload")


def test_stopping_the_firewall_loses_nothing():
    loses_nothing("systemctl", "stop", "firewalld.service")


def test_nothing_is_left_after_removal():
    good("rm", "-f", "web", "one")
    wait_until(lambda: not [name for name in links() if name.startswith(("berth", "veth"))], "the interfaces go")
    wait_until(lambda: not [line for line in rules() if "18080" in line or "berth0" in line or "10.89" in line], "the rules go")


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
