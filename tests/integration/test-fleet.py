# SPDX-License-Identifier: LGPL-2.1-or-later
# dist with other hosts (-H, through sshd) and with machines of systemd-machined (-M): all verbs, streams, and several
# hosts at once. A hostile host cannot write other files or control the terminal.
# machine: package openssh-server
# machine: package libwrap0

import json
import os
import pty
import subprocess
import sys

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

IMAGE = f"{HOST}/busybox:latest"
PACKAGES = os.environ["BERTH_BUILD"] + "/packages"
PORTS = {"one": 2201, "two": 2202}
SSH = "/root/.ssh"


def write(path, text, mode=0o600):
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)


def test_setup():
    oci.push(oci.busybox_image(), IMAGE)
    os.makedirs(SSH, mode=0o700, exist_ok=True)
    os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
    run("useradd", "--system", "--no-create-home", "--home-dir=/run/sshd", "--shell=/usr/sbin/nologin", "sshd")
    for key in (f"{SSH}/id_ed25519", "/run/sshd/host"):
        equal(run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key).status, 0)
    with open(f"{SSH}/id_ed25519.pub", encoding="ascii") as file:
        write(f"{SSH}/authorized_keys", file.read())
    with open("/run/sshd/host.pub", encoding="ascii") as file:
        key = " ".join(file.read().split()[:2])
    write(f"{SSH}/known_hosts", "".join(f"[127.0.0.1]:{port} {key}\n" for port in PORTS.values()))
    write(f"{SSH}/config", "".join(f"Host {name}\n  HostName 127.0.0.1\n  Port {port}\n" for name, port in PORTS.items()) +
          "Host gone\n  HostName 127.0.0.1\n  Port 1\nHost *\n  BatchMode yes\n  StrictHostKeyChecking yes\n")
    for name, port in PORTS.items():
        write(f"/run/sshd/{name}", f"Port {port}\nListenAddress 127.0.0.1\nHostKey /run/sshd/host\nPidFile none\nUsePAM no\n"
              "PermitRootLogin prohibit-password\nPasswordAuthentication no\nStrictModes no\n")
        equal(run("systemd-run", "-q", f"--unit=sshd-{name}",
                  "-E", f"LD_LIBRARY_PATH={PACKAGES}/libwrap0/usr/lib/{os.uname().machine}-linux-gnu",
                  f"{PACKAGES}/openssh-server/usr/sbin/sshd", "-D", "-e", "-f", f"/run/sshd/{name}").status, 0)
    wait_until(lambda: all(run("ssh", name, "true").status == 0 for name in PORTS), "both hosts")


def test_verbs_of_the_bus_work_over_ssh():
    good("-H", "one", "pull", IMAGE)
    contains(good("-H", "root@127.0.0.1:2202", "images"), "busybox")
    equal(json.loads(good("--json=short", "-H", "one", "inspect", IMAGE))["config"]["Cmd"], ["/bin/sh"])
    good("-H", "one", "create", "--id=far", IMAGE, "sleep", "1000")
    equal([row["state"] for row in json.loads(good("-Hone", "ps", "-a", "--json"))], ["created"])
    contains(good("info", "--host=one", "far"), "far")
    good("rm", "-H", "two", "far")
    contains(good("-H", "one", "events", "--no-follow", "--since=0"), "far")


def test_a_container_runs_there_with_its_streams_and_status():
    words = ["a  b", "it's", '"$(touch /tmp/ran)"', "`id`", "back\\slash", "\\", "*", "", ";", "-H", "line\nbreak", "ü", "~", "~root", "{a,b}", "[a-z]*", "$HOME", "!!", "#", "&", "a\tb", "\n", "-", "--",
             "-n", "'", "''", "\\'", "%s", "\x1b[31m", "=ls"]
    result = dist("-H", "one", "run", "--rm", IMAGE, "sh", "-c", 'for word; do echo "<$word>"; done; exit 7', "sh", *words)
    equal((result.out, result.status), ("".join(f"<{word}>\n" for word in words), 7))
    assert not os.path.exists("/tmp/ran")
    equal(good("-H", "one", "run", "-i", "--rm", IMAGE, "cat", input="through ssh\n"), "through ssh\n")
    good("-qH", "one", "run", "-d", "--log-driver=journald", "--name=far", IMAGE, "sh", "-c", "echo logged; exec sleep 1000")
    equal(good("-H", "two", "exec", "far", "echo", "in it"), "in it\n")
    wait_until(lambda: "logged" in good("-H", "one", "logs", "far"), "its output")


def on_terminal(*command):
    parent, child = pty.openpty()
    with subprocess.Popen(command, stdin=child, stdout=child, stderr=child) as client:
        os.close(child)
        said = b""
        try:
            while True:
                said += os.read(parent, 4096)
        except OSError:
            pass
        status = client.wait(timeout=300)
    os.close(parent)
    return said, status


def test_a_terminal_goes_through_ssh():
    said, status = on_terminal("dist", "-H", "one", "exec", "-it", "far", "sh", "-c", "test -t 0 && echo a terminal; exit 5")
    equal(status, 5)
    contains(said, b"a terminal")


def test_cp_over_ssh_uses_local_files():
    write("/tmp/fleet/tree/below", "a file\n")
    good("-H", "one", "cp", "/tmp/fleet/tree", "far:/tmp")
    good("-H", "one", "cp", "/tmp/fleet/tree/below", "far:/tmp/named")
    equal(good("exec", "far", "cat", "/tmp/tree/below", "/tmp/named"), "a file\na file\n")
    good("-H", "one", "cp", "far:/tmp/named", "/tmp/fleet/back")
    good("-H", "one", "cp", "far:/tmp/tree", "/tmp/fleet/copied")
    good("-H", "one", "cp", "far:/tmp/named", "far:/tmp/third")
    for path in ("/tmp/fleet/back", "/tmp/fleet/copied/below"):
        with open(path, encoding="utf-8") as file:
            equal(file.read(), "a file\n")
    equal(good("exec", "far", "cat", "/tmp/third"), "a file\n")
    assert dist("-H", "one", "cp", "far:/none", "/tmp/fleet/none").status != 0
    assert not os.path.exists("/tmp/fleet/none")
    good("-H", "one", "export", IMAGE, "-o", "/tmp/fleet/image.tar")
    good("rm", "-f", "far")
    good("rmi", IMAGE)
    contains(good("-H", "one", "import", "/tmp/fleet/image.tar"), "busybox")


def test_several_hosts_at_once():
    result = dist("-H", "one,two", "run", "--rm", IMAGE, "sh", "-c", "echo said; echo told >&2; exit 3")
    equal((sorted(result.out.splitlines()), result.status), (["one: said", "two: said"], 3))
    for name in PORTS:
        contains(result.err.splitlines(), f"{name}: told")
    result = dist("-H", "one,gone,two", "images", "-q")
    equal(sorted(set(line.split(": ")[0] for line in result.out.splitlines())), ["one", "two"])
    assert result.status != 0
    contains(result.err, "gone: ")
    for command in (("export", IMAGE, "-o", "/tmp/fleet/several.tar"), ("cp", "far:/etc", "/tmp/fleet/several")):
        result = dist("-H", "one,two", *command)
        equal((result.status, os.path.lexists(command[-1])), (1, False), command)
        contains(result.err, "accepts only one host")


def test_a_host_controls_no_terminal():
    command = ("run", "--rm", IMAGE, "printf", "\\033[1Aover\\rthem\\n")
    said, status = on_terminal("dist", "-H", "one,two", *command)
    equal(status, 0)
    assert b"\x1b" not in said, said
    for name in PORTS:
        contains(said.decode(), f"{name}: \\x1b[1Aover\\x0dthem\r\n")
    contains(dist("-H", "one,two", *command).out, "one: \x1b[1Aover")


def test_a_hostile_host_writes_nothing_else():
    """If a host's dist sends a hostile archive, only the requested files are written here."""
    home = "/run/fleet-hostile"
    os.makedirs(f"{home}/asked", exist_ok=True)
    for name in ("asked/file", "planted"):
        write(f"{home}/{name}", "sent\n", 0o4755)
    equal(run("tar", "-C", home, "-cf", f"{home}/archive.tar", "asked", "planted").status, 0)
    write(f"{home}/dist", f"#!/bin/sh\nexec cat {home}/archive.tar\n", 0o755)
    with open(f"{SSH}/id_ed25519.pub", encoding="ascii") as file:
        own = file.read()
    write(f"{SSH}/authorized_keys", f'command="PATH={home}:$PATH; eval \\"$SSH_ORIGINAL_COMMAND\\"" {own}')
    try:
        os.makedirs("/tmp/fleet/victim", exist_ok=True)
        dist("-H", "one", "cp", "far:/tmp/asked", "/tmp/fleet/victim")
    finally:
        write(f"{SSH}/authorized_keys", own)
    equal(os.listdir("/tmp/fleet/victim"), ["asked"])
    equal(os.stat("/tmp/fleet/victim/asked/file").st_mode & 0o6000, 0)


def test_a_dist_with_the_rights_of_another_is_refused():
    copied = "/usr/local/bin/dist-of-root"
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        assert not any(line.split()[4] == "/" and "nosuid" in line.split()[5].split(",") for line in file)
    equal(run("cp", os.path.realpath(run("sh", "-c", "command -v dist").out.strip()), copied).status, 0)
    os.chmod(copied, 0o4755)
    contains(run(copied, "-H", "one", "ps", user="nobody").err, "set-user-ID")
    os.unlink(copied)


def test_malformed_host_names_are_refused():
    for host in ("-oProxyCommand=touch /tmp/ran", "root@-oX", "a b", "a;b", "$(x)", "", "one,-x", "one,,two", "one/two", "@one",
                 "[-oX]", "root@[-oX]", "one:", "one:22x", "one:0", "one:65536", "one:-p", "one:machine", "a:b@one", "a@b@one", "[::1", "::1", "%h",
                 "one\n", "~", ".one", "[::1]x"):
        result = dist("-H", host, "ps")
        assert result.status != 0
        contains(result.err, "invalid host")
    contains(dist("-H", "one", "-H", "two", "ps").err, "given twice")
    contains(dist("-H", ",".join(["one"] * 65), "ps").err, "more than 64 hosts")
    assert not os.path.exists("/tmp/ran")
    contains(dist("-H", "one", "-M", ".host", "ps").err, "either -H or -M")
    for where in (("-H", "one"), ("-H", "one,two"), ("-M", ".host")):
        contains(dist(*where, "build", "-t", "x", "/tmp").err, "this machine only")
    contains(dist("-H", "one", "unit", "install", "/tmp/x.container").err, "this machine only")


# A replacement for berth-copy that sends a hostile archive to the client. It receives the client's pipe in a message,
# or has it as standard output.
COPY = r"""
#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
int main(void) {
    static char note[8192];
    union { char space[CMSG_SPACE(sizeof(int))]; struct cmsghdr header; } control;
    struct iovec data = {note, sizeof note};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control.space};
    int archive = open("/var/lib/berth/hostile.tar", O_RDONLY), pipe = 1;
    if (recvmsg(1, &message, MSG_PEEK | MSG_DONTWAIT) >= 0 && message.msg_controllen >= CMSG_LEN(sizeof(int)))
        memcpy(&pipe, CMSG_DATA(&control.header), sizeof pipe);
    while (sendfile(pipe, archive, 0, 1 << 20) > 0)
        ;
    return send(3, "K", 1, 0) != 1;
}
"""


def test_a_hostile_machine_writes_nothing_else():
    """If a machine's service sends a hostile archive, only the requested files are written here. A mount from the
    machine is ro, nosuid and nodev."""
    program = "/usr/libexec/berth/berth-copy"
    good("create", "--name=near", IMAGE, "true")
    equal(run("gcc", "-static", "-x", "c", "-o", "/var/tmp/copies", "-", input=COPY).status, 0)
    run("cp", "/run/fleet-hostile/archive.tar", f"{STATE}/hostile.tar")
    os.rename(program, program + ".real")
    run("cp", "/var/tmp/copies", program)
    # The service opens its programs when it starts.
    kill_service()
    try:
        os.makedirs("/tmp/fleet/machine", exist_ok=True)
        dist("-M", ".host", "cp", "near:/tmp/asked", "/tmp/fleet/machine")
    finally:
        os.rename(program + ".real", program)
        os.unlink(f"{STATE}/hostile.tar")
        kill_service()
    equal(os.listdir("/tmp/fleet/machine"), ["asked"])
    equal(os.stat("/tmp/fleet/machine/asked/file").st_mode & 0o6000, 0)
    good("rm", "near")
    os.makedirs("/tmp/fleet/mounted", exist_ok=True)
    good("-M", ".host", "mount", IMAGE, "/tmp/fleet/mounted")
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        flags = [line.split()[5].split(",") for line in file if line.split()[4] == "/tmp/fleet/mounted"]
    run("umount", "/tmp/fleet/mounted")
    assert flags and {"ro", "nosuid", "nodev"} <= set(flags[0]), flags


def test_dist_reaches_a_machine():
    """dist -M reaches the bus of ".host", which is this machine, through its namespaces, as for any other machine."""
    contains(good("-M", ".host", "images"), "busybox")
    equal(good("-M", ".host", "run", "--rm", IMAGE, "echo", "in a machine"), "in a machine\n")
    contains(dist("-M", "root@.host", "run", "--rm", IMAGE, "true").err, "passes descriptors, which -M cannot do with a user")
    assert dist("-M", "none", "ps").status != 0


def boot_guest():
    """Boots a systemd-nspawn machine that has its own systemd, bus and Berth, and shares this machine's files and
    network."""
    guest = "/run/guest"
    os.makedirs(guest)
    equal(run("mount", "-t", "tmpfs", "tmpfs", guest).status, 0)
    for name in ("upper", "work", "root"):
        os.mkdir(f"{guest}/{name}")
    equal(run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir=/,upperdir={guest}/upper,workdir={guest}/work", f"{guest}/root").status, 0)
    with open(f"{guest}/root/etc/machine-id", "w", encoding="ascii") as file:
        file.write("0123456789abcdef0123456789abcdef\n")
    # The guest's registry would listen on the same address as that of this machine.
    equal(run("ln", "-sf", "/dev/null", f"{guest}/root/etc/systemd/system/berth-test-registry.service").status, 0)
    equal(run("systemd-run", "-q", "--unit=guest", "-p", "Delegate=yes", "-p", "KillMode=mixed", "systemd-nspawn", "--quiet", "--keep-unit", "--boot",
              "--machine=guest", f"--directory={guest}/root", "--tmpfs=/var/lib/berth:mode=0755", "--link-journal=no", "--resolv-conf=off",
              "--timezone=off").status, 0)
    wait_until(lambda: run("systemctl", "-M", "guest", "is-active", "multi-user.target").out == "active\n", "the machine")


def test_dist_reaches_a_machine_of_systemd_nspawn():
    boot_guest()
    contains(dist("shell-completion", "--line=dist -M gu").out, "guest")
    equal(good("-M", "guest", "images", "-q"), "")
    good("-M", "guest", "pull", IMAGE)
    equal(good("-M", "guest", "run", "--rm", "-i", IMAGE, "cat", input="by a descriptor\n"), "by a descriptor\n")
    equal(dist("-M", "guest", "run", "--rm", IMAGE, "sh", "-c", "exit 9").status, 9)
    good("-M", "guest", "run", "-d", "--id=inside", IMAGE, "sh", "-c", "echo its output; exec sleep 1000")
    # The container runs in a scope of the guest's systemd, and not on this machine.
    equal(["inside" in good(*where, "ps", "-q").split() for where in ((), ("-M", "guest"))], [False, True])
    equal(run("systemctl", "-M", "guest", "is-active", "berth-inside.scope").out, "active\n")
    equal(good("-M", "guest", "exec", "inside", "hostname").strip(), good("-M", "guest", "exec", "inside", "cat", "/etc/hostname").strip())
    wait_until(lambda: good("-M", "guest", "logs", "inside") == "its output\n", "its log")
    with open("/tmp/to-the-machine", "w", encoding="ascii") as file:
        file.write("copied\n")
    good("-M", "guest", "cp", "/tmp/to-the-machine", "inside:/tmp")
    equal(good("-M", "guest", "exec", "inside", "cat", "/tmp/to-the-machine"), "copied\n")
    contains(good("-M", "root@guest", "ps"), "inside")
    good("-M", "guest", "rm", "-f", "inside")
    equal(run("machinectl", "poweroff", "guest").status, 0)
    # If the machine no longer exists, dist fails immediately.
    wait_until(lambda: run("systemctl", "is-active", "guest").out != "active\n", "its end")
    assert dist("-M", "guest", "ps").status != 0


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
