# SPDX-License-Identifier: LGPL-2.1-or-later
# Hardening: the programs are built with protective options, the unit restricts the service, and containers do not
# inherit these restrictions.

import json
import os
import platform
import re
import sys

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

IMAGE = f"{HOST}/hardening/base:x"
SOCKETS = r"""
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
int main(void) {
    static const int families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_ALG, AF_VSOCK};
    for (int i = 0; i < 6; i++)
        printf("%d\n", socket(families[i], families[i] == AF_ALG ? SOCK_SEQPACKET : SOCK_STREAM, 0) < 0 && errno == EPERM);
    return 0;
}
"""


def programs():
    """Returns the paths of all installed programs."""
    found = [f"/usr/libexec/berth/{name}" for name in sorted(os.listdir("/usr/libexec/berth"))]
    found += ["/usr/bin/dist", "/usr/bin/berth-runtime", "/usr/lib/systemd/system-generators/berth-generator"]
    assert len(found) >= 20, found
    return found


def readelf(*arguments):
    result = run("readelf", "-W", *arguments)
    equal(result.status, 0, arguments)
    return result.out


def is_static(path):
    return "(NEEDED)" not in readelf("-d", path)


def test_setup():
    layer = oci.busybox_layer()
    equal(run("gcc", "-static", "-x", "c", "-o", "/var/tmp/sockets", "-", input=SOCKETS).status, 0)
    with open("/var/tmp/sockets", "rb") as file:
        layer.add("sockets", file.read(), mode=0o755)
    oci.push(oci.Image([layer], {"Cmd": ["sleep", "1000"], "Env": ["PATH=/bin"]}), IMAGE)
    good("pull", IMAGE)


def test_programs_are_position_independent_and_bind_immediately():
    for path in programs():
        contains(readelf("-h", path), "DYN (Position-Independent Executable file)")
        dynamic = readelf("-d", path)
        if not is_static(path):
            contains(dynamic, "BIND_NOW")
        assert "TEXTREL" not in dynamic, path
        segments = readelf("-l", path)
        contains(segments, "GNU_RELRO")
        stack = re.search(r"GNU_STACK.*", segments).group(0)
        assert "RWE" not in stack, (path, stack)
        writable = [line for line in segments.splitlines() if line.strip().startswith("LOAD") and "RWE" in line]
        equal(writable, [], path)


def test_programs_check_buffers():
    """Programs call the C library's checking functions, and have a stack guard."""
    for path in programs():
        symbols = readelf("--syms", path)
        contains(symbols, "__stack_chk_fail")
        # berth-group calls no function that has a checking variant.
        if path.endswith("/berth-group"):
            continue
        checked = {name for name in re.findall(r"\b(__\w+_chk)\b", symbols)} - {"__stack_chk_fail"}
        assert checked, f"{path} calls no function that checks"


def test_the_launcher_needs_no_library():
    """berth-launch, which runs with the host's rights in each start of a container, is linked statically with only the
    C library. The sizes are those of docs/performance.md with some margin."""
    path = "/usr/libexec/berth/berth-launch"
    assert is_static(path)
    assert "INTERP" not in readelf("-l", path)
    relocations = re.findall(r"\bR_\w+", readelf("-r", path))
    assert len(relocations) < 1600, len(relocations)
    kinds = {name.rsplit("_", 1)[1] for name in relocations}
    assert kinds <= {"RELATIVE", "IRELATIVE", "IRELATIV", "GLOB", "DAT", "TPOFF64", "TPREL64"}, kinds
    names = set(re.findall(r"\b(?:g|json|seccomp|sd|mnt|cap)_[a-z]\w+", readelf("--syms", path)))
    equal(names & {"g_malloc", "g_error_new", "json_tokener_parse_ex", "seccomp_init", "sd_bus_open", "cap_from_name"}, set())
    text, data, _ = map(int, run("size", path).out.splitlines()[1].split()[:3])
    assert text < 1_000_000 and data < 64_000, (text, data)


def test_functions_are_marked_for_branch_tracking():
    """Functions begin with endbr64, as main() shows. The programs as a whole are not marked, since Debian's start-up
    code of the C library is not compiled for branch tracking."""
    if platform.machine() != "x86_64":
        return
    for path in programs():
        main = re.search(r"^\s*\d+: ([0-9a-f]{16})\s+\d+ FUNC\s+GLOBAL\s+DEFAULT\s+\d+ main$", readelf("--syms", path), re.M)
        code = run("objdump", "-d", f"--start-address=0x{main.group(1)}", f"--stop-address={int(main.group(1), 16) + 4:#x}", path)
        contains(code.out, "endbr64")


def test_all_files_are_compiled_with_the_options():
    """All source files are compiled with the options whose effect cannot be seen in a program."""
    with open(os.environ["BERTH_BUILD"] + "/compile_commands.json", encoding="utf-8") as file:
        commands = [entry for entry in json.load(file) if re.search("/(service|client|runtime|generator)/", entry["file"])]
    assert len(commands) > 300, len(commands)
    for flag in ("-fstack-clash-protection", "-ftrivial-auto-var-init=zero", "-fstack-protector-strong", "-fcf-protection=full"):
        equal({entry["file"] for entry in commands if flag not in entry["command"]}, set(), flag)
    if "-D_FORTIFY_SOURCE=3" not in commands[0]["command"]:
        compiled = run("gcc", "-x", "c", "-c", "-o", "/dev/null", "-",
                       input="unsigned long f(void *p) { return __builtin_dynamic_object_size(p, 0); }")
        assert compiled.status != 0, "the compiler has level 3, and level 2 is used"
    equal({entry["file"] for entry in commands if not re.search(r"-D_FORTIFY_SOURCE=[23]", entry["command"])}, set())


def test_families_of_sockets_in_a_container():
    equal(good("run", "--rm", IMAGE, "/sockets").split(), ["0", "0", "0", "0", "1", "1"])
    equal(good("run", "--rm", "--userns=host", IMAGE, "/sockets").split(), ["0", "0", "0", "0", "1", "1"])


def read_status(text):
    return dict(re.findall(r"(?m)^(\w+):\s+(.*)$", text))


BARE = {
    "ociVersion": "1.0.2",
    "process": {"args": ["cat", "/proc/self/status", "/proc/self/personality"], "env": ["PATH=/bin"], "cwd": "/", "user": {"uid": 0, "gid": 0},
                "noNewPrivileges": False},
    "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
    "linux": {"namespaces": [{"type": "pid"}, {"type": "mount"}]},
}


def test_containers_inherit_nothing_of_the_unit():
    """If its configuration restricts nothing, a container has the capabilities and filters of the machine's PID 1, not
    those of the service."""
    root = "/var/tmp/bundle/rootfs"
    os.makedirs(f"{root}/bin")
    os.makedirs(f"{root}/proc")
    run("cp", "/bin/busybox", f"{root}/bin/cat")
    with open("/proc/1/status", encoding="ascii") as file:
        first = read_status(file.read())
    with open("/usr/include/linux/capability.h", encoding="ascii") as file:
        numbers = re.findall(r"(?m)^#define (CAP_\w+)\s+(\d+)$", file.read())
    capabilities = [name for name, number in numbers if int(first["CapBnd"], 16) >> int(number) & 1]
    BARE["process"]["capabilities"] = {name: capabilities for name in ("bounding", "effective", "permitted")}
    with open("/var/tmp/bundle/config.json", "w", encoding="utf-8") as file:
        json.dump({**BARE, "root": {"path": root}}, file)
    out = good("run", "--rm", "--bundle", "/var/tmp/bundle")
    inside = read_status(out)
    for name in ("NoNewPrivs", "Seccomp", "Seccomp_filters", "CapBnd", "CapEff"):
        equal(inside[name], first[name], name)
    equal(out.splitlines()[-1], "00000000", "the personality")


def test_omitted_hardening_of_the_unit_is_explained():
    """Comments of the unit explain each setting that systemd-analyze recommends and the unit does not have."""
    unit = run("systemctl", "cat", "berthd.service").out
    comments = " ".join(line for line in unit.splitlines() if line.startswith("#"))
    found = json.loads(run("systemd-analyze", "security", "--json=short", "berthd.service").out)
    names = {re.sub(r"[=_].*", "", row["name"].split("/")[0]) for row in found if not row["set"] and row["exposure"]}
    assert "ProtectClock" in names, names
    equal({name for name in names if name not in comments}, set())
    taken = {row["json_field"] for row in found if row["set"]}
    equal({"ProtectSystem", "ProtectHome", "PrivateTmp", "UMask", "KeyringMode", "AmbientCapabilities", "NotifyAccess"} - taken, set())


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
