# SPDX-License-Identifier: LGPL-2.1-or-later
# machine: hybrid
# Complete OCI runtime configurations. Berth and crun run the same config.json, and what the processes see inside is
# compared. Berth refuses members that it does not support, with an error that names them.

import copy
import fcntl
import gzip
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import threading

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

BUNDLE = "/var/tmp/bundle"
FLOCK = {"x86_64": "73"}.get(os.uname().machine, "32")    # number of flock(2); 32 in the generic table

CAPABILITIES = ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_KILL", "CAP_SETUID", "CAP_SETGID", "CAP_NET_BIND_SERVICE"]

# The configuration that "crun spec" writes, with its own root directory.
BASE = {
    "ociVersion": "1.0.2",
    "process": {
        "terminal": False,
        "user": {"uid": 0, "gid": 0},
        "args": ["sh", "-c", "true"],
        "env": ["PATH=/bin", "HOME=/root"],
        "cwd": "/",
        "capabilities": {name: CAPABILITIES for name in ("bounding", "effective", "permitted")},
        "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 512}],
        "noNewPrivileges": True,
    },
    "root": {"path": "rootfs", "readonly": False},
    "hostname": "inside",
    "mounts": [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
         "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
        {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
         "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]},
        {"destination": "/dev/shm", "type": "tmpfs", "source": "shm",
         "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]},
        {"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue", "options": ["nosuid", "noexec", "nodev"]},
        {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
    ],
    "linux": {
        "namespaces": [{"type": kind} for kind in ("pid", "network", "ipc", "uts", "mount")],
        "maskedPaths": ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"],
        "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
    },
}

USER = {"linux.namespaces+": [{"type": "user"}],
        "linux.uidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}],
        "linux.gidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}]}

count = 0


def spec(command, changes=None):
    """Returns BASE with changes: a key "a.b" sets a value, "a.b+" appends to a list."""
    config = copy.deepcopy(BASE)
    config["process"]["args"] = ["sh", "-c", command]
    for path, value in (changes or {}).items():
        keys = path.rstrip("+").split(".")
        target = config
        for key in keys[:-1]:
            target = target.setdefault(key, {})
        target[keys[-1]] = target.get(keys[-1], []) + value if path.endswith("+") else value
    return config


def write(config, shift=0):
    global count  # pylint: disable=global-statement
    count += 1
    path = f"{BUNDLE}/{count}"
    os.makedirs(path)
    shutil.copytree(f"{BUNDLE}/rootfs", f"{path}/rootfs", symlinks=True)
    if shift:
        run("chown", "-R", f"{shift}:{shift}", f"{path}/rootfs")
    with open(f"{path}/config.json", "w", encoding="utf-8") as file:
        json.dump(config, file)
    return path


def with_berth(config, shift=0):
    return dist("run", "--rm", "--bundle", write(config, shift))


def with_crun(config, shift=0):
    path = write(config, shift)
    return run("crun", "--cgroup-manager=disabled", "run", "--bundle", path, f"c{count}")


def same(command, changes=None, shift=0, mask=None):
    """Runs the command under both runtimes, compares the output, and returns it."""
    config = spec(command, changes)
    mine, theirs = with_berth(config, shift), with_crun(config, shift)
    outs = [re.sub(mask, "", result.out) if mask else result.out for result in (mine, theirs)]
    assert (mine.status, outs[0]) == (theirs.status, outs[1]), \
        f"{command}\nberth: {mine}\ncrun: {theirs}"
    return mine


def refused(word, changes):
    config = spec("true", changes)
    result = dist("create", "--bundle", write(config))
    equal(result.status, 125, str(result))
    contains(result.err, word)


def test_setup():
    os.makedirs(f"{BUNDLE}/rootfs")
    os.chmod(BUNDLE, 0o755)
    layer = oci.busybox_layer()
    layer.add("etc/passwd", b"root:x:0:0::/root:/bin/sh\nu:x:7:8::/home/u:/bin/sh\n")
    layer.add("probe.sh", b"#!/bin/sh\necho probe\n", mode=0o755)
    with open("/var/tmp/root.tar", "wb") as file:
        file.write(gzip.decompress(layer.finish()[2]))
    equal(run("tar", "-xf", "/var/tmp/root.tar", "-C", f"{BUNDLE}/rootfs").status, 0)
    result = with_crun(spec("echo works"))
    equal((result.status, result.out), (0, "works\n"), str(result))


def test_exit_statuses():
    for command, status in (("exit 3", 3), ("sh -c 'kill -9 $$'; exit $?", 137), ("nosuchcommand", 127)):
        equal(same(command).status, status)


def test_status_of_the_process():
    same("grep -E 'Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp:|NSpid|Umask' /proc/self/status", mask=r"NSpid:.*")


def test_status_of_another_user():
    same("grep -E 'Uid|Gid|Groups|Cap|Umask' /proc/self/status; id -u; id -g",
         {"process.user": {"uid": 7, "gid": 8, "umask": 0o77, "additionalGids": [20, 30]}})


def test_ambient_capabilities():
    sets = {name: ["CAP_NET_BIND_SERVICE", "CAP_KILL"] for name in
            ("bounding", "effective", "permitted", "inheritable", "ambient")}
    same("grep Cap /proc/self/status", {"process.user": {"uid": 7, "gid": 8}, "process.capabilities": sets})
    # Capabilities that cannot be ambient are left out, although "runc spec" itself writes such configurations.
    del sets["inheritable"]
    same("grep Cap /proc/self/status", {"process.user": {"uid": 7, "gid": 8}, "process.capabilities": sets})


def test_limits():
    same("ulimit -a", {"process.rlimits": [{"type": "RLIMIT_NOFILE", "hard": 400, "soft": 300},
                                           {"type": "RLIMIT_CORE", "hard": 1024, "soft": 0},
                                           {"type": "RLIMIT_STACK", "hard": 4194304, "soft": 4194304},
                                           {"type": "RLIMIT_FSIZE", "hard": 1000000, "soft": 1000000}]},
         mask=r"(?m)^.*(locked memory|processes).*$")


def test_a_low_limit_of_descriptors():
    # Not compared with crun, which needs a few more descriptors itself.
    for most in (3, 4, 5, 8):
        result = with_berth(spec("ulimit -n", {"process.rlimits": [{"type": "RLIMIT_NOFILE", "hard": most, "soft": most}]}))
        equal((result.status, result.out), (0, f"{most}\n"), str(result))


def test_environment_and_directory():
    same("env | sort; pwd", {"process.env": ["PATH=/bin", "A=b c", "HOME=/x"], "process.cwd": "/etc"},
         mask=r"(container|SHLVL|_)=.*\n")


def test_mounts_are_those_of_the_configuration():
    # Mount IDs and devices differ; crun and the kernel add default options.
    command = "cut -d' ' -f4- /proc/self/mountinfo | grep -v ' / / ' | sed 's/ master:[0-9]*//; s/ - \\([^ ]* [^ ]*\\).*/ - \\1/' | sort"
    same(command, mask=r"(?m)bundle/\d+|(?<=/sys/firmware) \S+(?= -)|(?<=/proc/keys) \S+(?= -)|(?<=/proc/timer_list) \S+(?= -)|(?<=/proc/kcore) \S+(?= -)")


def test_dev():
    same("ls /dev; for i in null zero full random urandom tty; do stat -c '%n %F %t:%T %a %u:%g' /dev/$i; done;"
         "for i in fd stdin stdout stderr ptmx; do readlink /dev/$i; done", mask=r"console\n|core\n")


def test_access_times_of_a_mount_of_the_root():
    # Each mount is a clone of the mount that contains its source, and inherits the access time options of that one.
    mounts = [{"destination": path, "type": "bind", "source": path, "options": ["bind", "x-berth.volume", option]}
              for path, option in (("/outer", "noatime"), ("/outer/inner", "relatime"))]
    result = with_berth(spec("grep -E ' /outer(/inner)? ' /proc/self/mounts", {"mounts+": mounts}))
    equal(result.status, 0, str(result))
    options = {fields[1]: fields[3].split(",") for fields in map(str.split, result.out.splitlines())}
    contains(options["/outer"], "noatime")
    contains(options["/outer/inner"], "relatime")


def test_a_mount_on_the_root_is_the_root_of_later_processes():
    # The first process still has the root below that mount, while a process that joins the mount namespace later has
    # the mount as its root. Therefore such a mount is a privilege.
    mounts = [{"destination": "/", "type": "tmpfs", "source": "covering"}]
    path = write(spec("ls /probe.sh && exec sleep 1000", {"mounts+": mounts}))
    good("run", "-d", "--id=covered", "--bundle", path)
    wait_until(lambda: dist("logs", "covered").out == "/probe.sh\n", "the output")
    contains(dist("exec", "covered", "/bin/sh").err, "/bin/sh: not found")
    good("rm", "-f", "covered")


def test_read_only_mounts_have_mount_points():
    mounts = copy.deepcopy(BASE["mounts"])
    for mount in mounts:
        if mount["destination"] == "/dev":
            mount["options"].append("ro")
    mounts += [{"destination": "/t", "type": "tmpfs", "source": "tmpfs", "options": ["ro", "nosuid"]},
               {"destination": "/t/below", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid"]}]
    for changes, shift in (({}, 0), (USER, 100000)):
        result = with_berth(spec("echo x 2>&1 >/t/f || touch /t/below/f && echo x 2>&1 >/dev/f || cut -d' ' -f5,6 /proc/self/mountinfo",
                                 {"mounts": mounts, **changes}), shift)
        equal(result.status, 0, str(result))
        for line in ("/dev ro,nosuid", "/dev/pts rw", "/t ro,nosuid", "/t/below rw,nosuid"):
            contains(result.out, f"\n{line}")


def test_dev_without_a_mount_of_its_own():
    mounts = [mount for mount in BASE["mounts"] if not mount["destination"].startswith("/dev")]
    same("for i in null zero full random urandom tty; do stat -c '%n %F %t:%T' /dev/$i; done; readlink /dev/fd; readlink /dev/stdin; echo x >/dev/null && echo y",
         {"mounts": mounts})


def test_propagation_of_the_root():
    for kind in ("private", "slave", "shared", "unbindable", "rprivate", "rslave", "rshared"):
        same("awk '$5 == \"/\" {print ($7 ~ /shared/), ($0 ~ /unbindable/)}' /proc/self/mountinfo", {"linux.rootfsPropagation": kind})


def test_mounts_with_other_ids():
    os.makedirs("/srv/mapped", exist_ok=True)
    run("mount", "-t", "tmpfs", "t", "/srv/mapped")
    with open("/srv/mapped/of-5", "w", encoding="utf-8") as file:
        file.write("")
    os.chown("/srv/mapped/of-5", 5, 6)
    ranges = [{"containerID": 0, "hostID": 1000, "size": 100}]
    mount = {"destination": "/mnt", "type": "bind", "source": "/srv/mapped", "options": ["bind", "idmap"],
             "uidMappings": ranges, "gidMappings": ranges}
    equal(with_berth(spec("stat -c %u:%g /mnt/of-5", {"mounts+": [mount]})).out, "1005:1006\n")
    contains(with_berth(spec("true", {"mounts+": [{**mount, "uidMappings": [], "gidMappings": []}]})).err, "idmap")


def test_devices_of_the_configuration():
    same("stat -c '%n %F %t:%T %a %u:%g' /dev/fuse /dev/in/side; echo x >/dev/in/side && echo written",
         {"linux.devices": [{"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229, "fileMode": 0o600, "uid": 7, "gid": 8},
                            {"path": "/dev/in/side", "type": "c", "major": 1, "minor": 3, "fileMode": 0o666}]})


def test_read_only_and_masked_paths():
    same("cat /proc/keys | wc -c; ls /sys/firmware | wc -l; echo x 2>&1 >/proc/sys/kernel/hostname; "
         "echo 1 2>&1 >/proc/sysrq-trigger; head -c1 /proc/kcore | wc -c; mount | grep -c ' on /proc/sys '")


def test_a_read_only_root():
    result = same("touch /x; echo $?; touch /dev/shm/x; echo $?", {"root.readonly": True})
    equal(result.out.split(), ["1", "0"])


def test_sysctls():
    same("cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmni /proc/sys/kernel/domainname",
         {"linux.sysctl": {"net.ipv4.ip_forward": "1", "kernel.shmmni": "99", "kernel.domainname": "dom"}})


def test_unknown_capabilities():
    names = ["CAP_CHOWN", "CAP_NOT_A_REAL_ONE"]
    same("grep ^Cap /proc/self/status", {"process.capabilities": {name: names for name in ("bounding", "effective", "permitted")}})
    wait_until(lambda: '"CAP_NOT_A_REAL_ONE"' in run("journalctl", "-u", "berthd", "-o", "cat").out, "the message")


def test_a_working_directory_that_is_not_there():
    same("pwd; ls -ldn . ..", {"process.cwd": "/made/here", "root.readonly": True})
    # The directory belongs to the user, who could do nothing in it otherwise.
    result = with_berth(spec("stat -c %u:%g . ..", {"process.cwd": "/made/here", "process.user": {"uid": 7, "gid": 8}, **USER}), 100000)
    equal(result.out, "7:8\n0:0\n", str(result))


def test_all_cgroups_in_a_user_namespace():
    """Without a cgroup namespace, a container with a user namespace sees the cgroups of the host. It could not mount
    that hierarchy itself, and cannot change it."""
    mount = {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["nosuid", "noexec", "nodev", "rw"]}
    result = with_berth(spec("stat -f -c %t /sys/fs/cgroup; ls -d /sys/fs/cgroup/system.slice; mkdir /sys/fs/cgroup/x || echo refused",
                             {**USER, "mounts+": [mount]}), 100000)
    equal((result.status, result.out), (0, "63677270\n/sys/fs/cgroup/system.slice\nrefused\n"), str(result))


def test_a_file_that_is_not_the_null_device_masks_nothing():
    """If the root's /dev/null is not the null device, the start fails. Otherwise a link in an image could cause another
    file to be mounted over the masked paths, as in CVE-2025-31133."""
    mounts = [mount for mount in BASE["mounts"] if not mount["destination"].startswith("/dev")]
    config = spec("true", {"mounts": mounts})
    path = write(config)
    os.makedirs(f"{path}/rootfs/dev", exist_ok=True)
    os.symlink("/proc/sys/kernel/core_pattern", f"{path}/rootfs/dev/null")
    result = dist("run", "--rm", "--bundle", path)
    equal(result.status, 125, str(result))
    contains(result.err, "/dev/null")


def test_a_file_of_proc_may_be_covered():
    with open("/srv/cpuinfo", "w", encoding="utf-8") as file:
        file.write("few\n")
    mount = {"destination": "/proc/cpuinfo", "type": "bind", "source": "/srv/cpuinfo", "options": ["bind", "ro"]}
    equal(with_berth(spec("cat /proc/cpuinfo", {"mounts+": [mount]})).out, "few\n")


def test_names():
    same("hostname; cat /proc/sys/kernel/domainname", {"hostname": "h.example", "domainname": "d.example"})


def test_bind_mounts():
    os.makedirs("/var/tmp/source/below", exist_ok=True)
    with open("/var/tmp/source/file", "w", encoding="utf-8") as file:
        file.write("content\n")
    run("mount", "-t", "tmpfs", "x", "/var/tmp/source/below")
    with open("/var/tmp/source/below/deep", "w", encoding="utf-8") as file:
        file.write("deep\n")
    for options in (["bind"], ["rbind"], ["rbind", "ro"], ["rbind", "rro"], ["bind", "ro", "nosuid", "noexec", "nodev"],
                    ["rbind", "rslave"], ["rbind", "rshared"], ["bind", "private"], ["rbind", "noatime"]):
        same("cat /mnt/file /mnt/below/* 2>&1; touch /mnt/new 2>/dev/null; echo $?; touch /mnt/below/new 2>/dev/null; echo $?; rm -f /mnt/new /mnt/below/new 2>/dev/null;"
             "grep ' /mnt' /proc/self/mountinfo | cut -d' ' -f5,6 | sort",
             {"mounts+": [{"destination": "/mnt", "source": "/var/tmp/source", "options": options}]})
    same("cat /etc/one; ls -l /etc/one | cut -c1-10",
         {"mounts+": [{"destination": "/etc/one", "type": "bind", "source": "/var/tmp/source/file", "options": ["bind", "ro"]}]})


def test_paths_with_parent_components_are_refused():
    for changes in ({"mounts+": [{"destination": "/a/../../b", "type": "tmpfs", "source": "t"}]},
                    {"mounts+": [{"destination": "/dev/../b", "type": "tmpfs", "source": "t"}]},
                    {"linux.devices": [{"path": "/dev/../b", "type": "c", "major": 1, "minor": 3}]}):
        refused('".."', changes)


def test_a_mount_through_a_link_stays_in_the_root():
    config = spec("ls /real; readlink /link; ls /etc/escape 2>&1 | wc -l",
                  {"mounts+": [{"destination": "/link/in", "type": "tmpfs", "source": "t"},
                               {"destination": "/up/x", "type": "tmpfs", "source": "t"}]})
    for link, target in (("link", "/real"), ("up", "../../../../../../var/tmp")):
        if not os.path.lexists(f"{BUNDLE}/rootfs/{link}"):
            os.symlink(target, f"{BUNDLE}/rootfs/{link}")
    result = with_berth(config)
    equal((result.status, result.out.split()[:2]), (0, ["in", "/real"]), str(result))
    assert not os.path.exists("/var/tmp/x"), "a mount point was made outside"


def test_long_paths():
    """The kernel takes paths of up to PATH_MAX bytes, including the terminating null byte."""
    mount = {"type": "tmpfs", "source": "tmpfs", "options": ["nosuid"]}
    deep = "/" + "/".join(["d" * 200] * 20)
    result = with_berth(spec(f"test -d {deep} && grep -c dddd /proc/self/mountinfo", {"mounts+": [{**mount, "destination": deep}]}))
    equal((result.status, result.out), (0, "1\n"), str(result)[:3000])
    for path in ("/" + "/".join(["e" * 200] * 21), "/" + "e" * 4096, "/" + "e" * 256, "/" + "e/" * 3000):
        for changes in ({"mounts+": [{**mount, "destination": path}]}, {"process.cwd": path}, {"linux.maskedPaths": [path]},
                        {"mounts+": [{**mount, "destination": "/t", "type": "bind", "source": path, "options": ["bind"]}]}):
            result = with_berth(spec("true", changes))
            # A masked path that does not exist is ignored.
            if "linux.maskedPaths" not in changes:
                equal(result.status, 125, f"{changes}: {result}"[:2000])
                contains(result.err, "eeee" if len(path) < 4096 else "longer than 4095 bytes" if len(path) != 6001 else "")


def test_proc_as_a_link_is_refused():
    shutil.copytree(f"{BUNDLE}/rootfs", f"{BUNDLE}/saved", symlinks=True)
    for name in ("proc", "dev", "sys"):
        shutil.rmtree(f"{BUNDLE}/rootfs/{name}", ignore_errors=True)
        os.symlink("/etc", f"{BUNDLE}/rootfs/{name}")
        result = with_berth(spec("true"))
        equal(result.status, 125, str(result))
        contains(result.err, f"/{name}")
        os.unlink(f"{BUNDLE}/rootfs/{name}")


def test_a_user_namespace():
    same("cat /proc/self/uid_map; id -u; grep -E 'Uid|Cap' /proc/self/status; touch /mine && stat -c %u /mine;"
         "stat -c '%n %t:%T' /dev/null", USER, shift=100000)


def test_namespaces_are_joined_by_path():
    open("/var/tmp/net", "w", encoding="utf-8").close()
    equal(run("unshare", "--net=/var/tmp/net", "true").status, 0)
    changes = {"linux.namespaces": [{"type": kind} for kind in ("pid", "ipc", "uts", "mount")] +
               [{"type": "network", "path": "/var/tmp/net"}]}
    result = same("readlink /proc/self/ns/net", changes)
    equal(result.out, f"net:[{os.stat('/var/tmp/net').st_ino}]\n")
    run("umount", "/var/tmp/net")


def test_a_time_namespace():
    changes = {"linux.namespaces+": [{"type": "time"}],
               "linux.timeOffsets": {"boottime": {"secs": 1000000, "nanosecs": 0}}}
    config = spec("cut -d. -f1 /proc/uptime", changes)
    result = with_berth(config)
    assert int(result.out) > 1000000, str(result)


def test_seccomp():
    for action, extra in (("SCMP_ACT_ERRNO", {"errnoRet": 11}), ("SCMP_ACT_KILL", {}), ("SCMP_ACT_KILL_PROCESS", {}),
                          ("SCMP_ACT_TRAP", {}), ("SCMP_ACT_LOG", {}), ("SCMP_ACT_ALLOW", {})):
        same("mkdir /made; echo $?", {"linux.seccomp": {
            "defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
            "syscalls": [{"names": ["mkdir", "mkdirat", "nosuchcall"], "action": action, **extra}]}})


def test_seccomp_of_arguments():
    same("sleep 0; kill -0 1; echo $?; kill -18 1; echo $?", {"linux.seccomp": {
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [{"names": ["kill"], "action": "SCMP_ACT_ERRNO", "errnoRet": 5,
                      "args": [{"index": 1, "value": 18, "op": "SCMP_CMP_EQ"}]}]}})
    # If there are two rules for the same argument, a match of either is enough.
    same("kill -0 1; echo $?; kill -18 1; echo $?; kill -23 1; echo $?", {"linux.seccomp": {
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [{"names": ["kill"], "action": "SCMP_ACT_ERRNO", "errnoRet": 5,
                      "args": [{"index": 1, "value": number, "op": "SCMP_CMP_EQ"} for number in (18, 23)]}]}})


def answer_one(listener, errnum, requests):
    """Receives the notification descriptor of a filter, and lets the next call that it reports fail with errnum."""
    connection, _ = listener.accept()
    with connection:
        text, (filter_fd,), _, _ = socket.recv_fds(connection, 65536, 1)
        requests.append(json.loads(text))
    # struct seccomp_notif has 80 bytes, struct seccomp_notif_resp has 24 (linux/seccomp.h).
    request = bytearray(80)
    fcntl.ioctl(filter_fd, 0xc0502100, request)
    requests.append(struct.unpack_from("i", request, 16)[0])
    fcntl.ioctl(filter_fd, 0xc0182101, bytearray(struct.pack("QqiI", struct.unpack_from("Q", request)[0], 0, -errnum, 0)))
    os.close(filter_fd)


def with_listener(action):
    requests = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("/run/listener")
        listener.listen()
        thread = threading.Thread(target=answer_one, args=(listener, 38, requests), daemon=True)
        thread.start()
        try:
            result = action()
        finally:
            os.unlink("/run/listener")
        thread.join(120)
    return requests, result


NOTIFY = {"linux.seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/run/listener", "listenerMetadata": "mine",
                            "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_NOTIFY"}]}}


def test_seccomp_with_a_listener():
    for changes in (NOTIFY, {**NOTIFY, **USER}):
        requests, result = with_listener(lambda: with_berth(spec("mkdir /made || test ! -e /made && echo answered", changes),
                                                        100000 if "linux.uidMappings" in changes else 0))
        equal((result.status, result.out), (0, "answered\n"), str(result))
        contains(result.err, "Function not implemented")
        equal((requests[0]["fds"], requests[0]["metadata"]), (["seccompFd"], "mine"))
        equal(requests[0]["state"]["pid"], requests[0]["pid"])
        equal(requests[0]["state"]["status"], "creating")
        assert requests[0]["pid"] > 1 and requests[1] > 0, requests


def test_a_listener_for_another_process():
    config = spec("read line", {key: value for key, value in NOTIFY.items()})
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("/run/listener")
        listener.listen()
        good("run", "-d", "--id=heard", "--bundle", write({**config, "process": {**config["process"], "args": ["sleep", "100"]}}))
        listener.accept()[0].close()
        os.unlink("/run/listener")
    requests, result = with_listener(lambda: dist("exec", "heard", "mkdir", "/made"))
    contains(result.err, "Function not implemented")
    equal(requests[0]["state"]["status"], "running")
    assert requests[0]["pid"] != requests[0]["state"]["pid"], requests
    good("rm", "-f", "heard")


def test_without_its_listener_nothing_starts():
    result = with_berth(spec("echo ran", NOTIFY))
    equal((result.status, result.out), (125, ""), str(result))
    contains(result.err, "connect to the listener at /run/listener: No such file or directory")
    profile = dict(NOTIFY["linux.seccomp"])
    del profile["listenerPath"]
    result = with_berth(spec("echo ran", {"linux.seccomp": profile}))
    contains(result.err, "SCMP_ACT_NOTIFY needs a listenerPath")


def test_a_tmpfs_that_begins_with_the_images_files():
    # crun changes the mode and the times of the directory, so these are not compared.
    look = ("ls /bin | wc -l; stat -c '%a %u %g %s' /bin/busybox; readlink /bin/sh; cd /etc && stat -c '%a %u %g' *;"
            "echo new >/bin/new; cat /bin/new; echo $?")
    etc = {"destination": "/etc", "type": "tmpfs", "source": "tmpfs", "options": ["tmpcopyup"]}
    for options in (["tmpcopyup"], ["tmpcopyup", "ro"]):
        same(look, {"mounts+": [{"destination": "/bin", "type": "tmpfs", "source": "tmpfs", "options": options}, etc]})
    for options, mode in ((["tmpcopyup"], "700"), (["tmpcopyup", "mode=751"], "751")):
        for user in ({}, USER):
            changes = {**user, "mounts+": [{"destination": "/root", "type": "tmpfs", "source": "t", "options": options}, etc]}
            result = with_berth(spec("stat -c %a /root; stat -c '%u %Y' /etc/passwd", changes), 100000 if user else 0)
            equal(result.out, f"{mode}\n0 1600000000\n", str(result))


def test_a_profile_without_apparmor_is_refused():
    # If AppArmor is available, emulated-apparmor.py tests it.
    if os.path.exists("/proc/self/attr/apparmor/exec"):
        return
    result = with_berth(spec("echo ran", {"process.apparmorProfile": "any"}))
    equal((result.status, result.out), (125, ""), str(result))
    contains(result.err, "profile any: AppArmor is not enabled")


def test_scores_and_priorities():
    same("cat /proc/self/oom_score_adj", {"process.oomScoreAdj": 500})
    result = with_berth(spec("cut -d' ' -f19,41 /proc/self/stat", {"process.scheduler": {"policy": "SCHED_BATCH", "nice": 5}}))
    equal(result.out.split(), ["5", "3"], str(result))
    result = with_berth(spec("ionice -p 1", {"process.ioPriority": {"class": "IOPRIO_CLASS_IDLE", "priority": 3}}))
    contains(result.out, "idle")


def test_personality():
    same("uname -m", {"linux.personality": {"domain": "LINUX32"}})


def test_hooks_run_in_their_order_and_places():
    log = "/var/tmp/hooks"
    if os.path.exists(log):
        os.unlink(log)

    def hook(name):
        return [{"path": "/bin/sh", "args": ["sh", "-c", f"cat >/var/tmp/state-{name}; echo {name} >>{log}"]}]
    config = spec("true", {"hooks": {name: hook(name) for name in
                                     ("prestart", "createRuntime", "createContainer", "poststart", "poststop")}})
    config["hooks"]["startContainer"] = [{"path": "/bin/sh", "args": ["sh", "-c", "cat >/state; echo in >/in"]}]
    config["process"]["args"] = ["sh", "-c", "cat /in; grep -o '\"status\":\"created\"' /state"]
    result = with_berth(config)
    equal((result.status, result.out), (0, "in\n\"status\":\"created\"\n"), str(result))
    wait_until(lambda: open(log, encoding="utf-8").read().split()[-1] == "poststop", "the last hook")
    equal(open(log, encoding="utf-8").read().split(),
          ["prestart", "createRuntime", "createContainer", "poststart", "poststop"])
    with open("/var/tmp/state-createRuntime", encoding="utf-8") as file:
        state = json.load(file)
    equal((state["status"], state["ociVersion"][:2]), ("created", "1."))
    assert state["pid"] > 1 and state["id"] and state["bundle"], state


def test_hooks_of_the_end_wait_for_those_after_the_start():
    """The hooks that run at the end wait for those that run after the start, even if the command ends and the container
    is removed while the first of these is still running."""
    log, gate = "/var/tmp/hooks", "/var/tmp/gate"
    if os.path.exists(log):
        os.unlink(log)
    os.mkfifo(gate)
    hooks = {"poststart": [{"path": "/bin/sh", "args": ["sh", "-c", f"read x <{gate}; echo poststart >>{log}"]}],
             "poststop": [{"path": "/bin/sh", "args": ["sh", "-c", f"echo poststop >>{log}"]}]}
    command = ("dist", "run", "--rm", "--bundle", write(spec("true", {"hooks": hooks})))
    equal(subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=300, check=False).returncode, 0)
    # The launcher of the hooks that run at the end exists by now, and waits in flock(2).
    wait_until(lambda: [name for name in os.listdir("/proc") if name.isdigit() and waits_for_a_lock(name)], "the lock")
    assert not os.path.exists(log)
    with open(gate, "w", encoding="utf-8") as file:
        file.write("\n")
    wait_until(lambda: os.path.exists(log) and len(open(log, encoding="utf-8").read().split()) == 2, "both hooks")
    equal(open(log, encoding="utf-8").read().split(), ["poststart", "poststop"])
    os.unlink(gate)


def waits_for_a_lock(pid):
    try:
        with open(f"/proc/{pid}/syscall", encoding="utf-8") as file:
            call = file.read().split()[0]
        with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
            return file.read() == "berth-launch\n" and call == FLOCK
    except OSError:
        return False


def test_hooks_cannot_set_the_clock_or_load_modules():
    probe = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools", "outer_probe.py")
    log = "/var/tmp/probed"
    hook = [{"path": "/usr/bin/python3", "args": ["python3", probe, log]}]
    stages = ("prestart", "createRuntime", "poststart", "poststop")
    result = with_berth(spec("grep Seccomp: /proc/self/status", {"hooks": {stage: hook for stage in stages}}))
    # The seccomp mode of the container itself is the same with and without hooks.
    equal(result.out.split(), with_berth(spec("grep Seccomp: /proc/self/status")).out.split(), result)

    def lines():
        if not os.path.exists(log):
            return []
        with open(log, encoding="utf-8") as file:
            return file.read().splitlines()
    wait_until(lambda: len(lines()) == len(stages), "the last hook")
    for line in lines():
        equal(json.loads(line), {"capabilities": [], "admin": 1, "seccomp": "2", "syslog": "Operation not permitted",
                                 "quotactl": "Operation not permitted", "getpid": 0})
    os.unlink(log)


def test_start_hooks_may_do_no_more_than_the_command():
    """The start hooks are programs of the image and have no more rights than the command."""
    hook = {"path": "/bin/sh", "args": ["sh", "-c", "id -u >/tmp/said; grep -e ^Cap -e ^Seccomp: -e ^NoNew /proc/self/status >>/tmp/said"]}
    changes = {"hooks": {"startContainer": [hook]}, "process.user": {"uid": 7, "gid": 8},
               "linux.seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["swapon"], "action": "SCMP_ACT_ERRNO"}]},
               "mounts+": [{"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["mode=1777"]}]}
    out = same("cat /tmp/said; id -u; grep -e ^Cap -e ^Seccomp: -e ^NoNew /proc/self/status", changes).out.split("\n")[:-1]
    equal(out[:len(out) // 2], out[len(out) // 2:])


def test_a_hook_that_fails_ends_the_start():
    for name in ("prestart", "createRuntime", "createContainer", "startContainer"):
        config = spec("echo ran", {"hooks": {name: [{"path": "/bin/sh", "args": ["sh", "-c", "exit 9"]}]}})
        result = with_berth(config)
        equal((result.status, result.out), (125, ""), f"{name}: {result}")
        contains(result.err, "hook")
    config = spec("echo ran", {"hooks": {"prestart": [{"path": "/bin/sleep", "args": ["sleep", "100"], "timeout": 1}]}})
    result = with_berth(config)
    contains(result.err, "took longer")


def test_resources_are_set():
    config = spec("sleep 100", {"linux.resources": {"memory": {"limit": 67108864}, "pids": {"limit": 33},
                                                    "cpu": {"shares": 2048, "quota": 50000, "period": 100000}}})
    good("run", "-d", "--id=res", "--bundle", write(config))
    shown = run("systemctl", "show", "berth-res.scope", "-p", "MemoryMax,TasksMax,CPUQuotaPerSecUSec").out
    equal(sorted(shown.split()), ["CPUQuotaPerSecUSec=500ms", "MemoryMax=67108864", "TasksMax=33"])
    good("rm", "-f", "res")


def test_devices_may_be_throttled():
    config = spec("sleep 100", {"linux.resources": {"cpu": {"idle": 1}, "blockIO": {
        "weight": 500, "weightDevice": [{"major": 7, "minor": 0, "weight": 300}],
        "throttleReadBpsDevice": [{"major": 7, "minor": 0, "rate": 1048576}],
        "throttleWriteIOPSDevice": [{"major": 7, "minor": 0, "rate": 10}, {"major": 7, "minor": 1, "rate": 20}]}}})
    good("run", "-d", "--id=res", "--bundle", write(config))
    shown = run("systemctl", "show", "berth-res.scope", "-p",
                "CPUWeight,IOWeight,IODeviceWeight,IOReadBandwidthMax,IOWriteIOPSMax").out
    equal(sorted(shown.splitlines()), ["CPUWeight=idle", "IODeviceWeight=/dev/block/7:0 2930",
                                       "IOReadBandwidthMax=/dev/block/7:0 1048576", "IOWeight=4950",
                                       "IOWriteIOPSMax=/dev/block/7:0 10", "IOWriteIOPSMax=/dev/block/7:1 20"])
    good("rm", "-f", "res")


def test_a_terminal_of_the_configuration():
    config = spec("test -t 0 && tty", {"process.terminal": True})
    good("create", "--id=term", "--bundle", write(config))
    good("start", "term")
    equal(dist("wait", "term").status, 0)
    good("rm", "term")
    # /dev/console is created before /dev becomes read-only.
    mounts = [{**mount, "options": mount["options"] + ["ro"]} if mount["destination"] == "/dev" else mount for mount in BASE["mounts"]]
    good("run", "-d", "--id=term", "--bundle", write(spec("test -c /dev/console && tty && touch /dev/x || exit 4",
                                                          {"process.terminal": True, "mounts": mounts})))
    equal(dist("wait", "term").status, 4)
    good("rm", "term")


def test_unsupported_members_are_named():
    refused("selinuxLabel", {"process.selinuxLabel": "l"})
    refused("intelRdt", {"linux.intelRdt": {"closID": "x"}})
    refused("cgroupsPath", {"linux.cgroupsPath": "/a/b"})
    for path in ("/proc/sys", "/proc/1/attr", "//proc/./self/../sys/kernel", "proc/x"):
        refused("files in /proc must not be covered", {"mounts+": [{"destination": path, "type": "tmpfs", "source": "tmpfs"}]})
    refused('is set by "hostname"', {"linux.sysctl": {"kernel.hostname": "x"}})
    refused("whole machine", {"linux.sysctl": {"vm.swappiness": "1"}})
    refused("windows", {"windows": {}})
    refused("remount", {"mounts+": [{"destination": "/x", "type": "tmpfs", "options": ["remount"]}]})
    result = with_berth(spec("true", {"linux.seccomp": {"defaultAction": "SCMP_ACT_NOTIFY"}}))
    contains(result.err, "SCMP_ACT_NOTIFY is not supported as the default action")


def watch_filter(seen):
    """Waits until berth-filter has entered its sandbox, and appends its /proc/PID/status to seen."""
    def look():
        for pid in run("pgrep", "-x", "berth-filter").out.split():
            try:
                with open(f"/proc/{pid}/status", encoding="ascii") as file:
                    status = dict(line.split(":", 1) for line in file)
            except OSError:
                continue
            if status["NoNewPrivs"].strip() == "1" and status["Uid"].split()[0] != "0":
                seen.append(status)
        return seen
    wait_until(look, "berth-filter in its box")


def test_a_profile_that_takes_too_long_ends_its_start_alone():
    """If libseccomp takes too long for a profile with many rules for one call, only that start fails; the service keeps
    answering."""
    rules = [{"names": ["ioctl"], "action": "SCMP_ACT_ERRNO",
              "args": [{"index": i % 6, "value": i * 7919, "op": "SCMP_CMP_EQ"},
                       {"index": (i + 1) % 6, "value": i * 104729 % 99991, "op": "SCMP_CMP_GT"}]} for i in range(2700)]
    before, seen = service_pid(), []
    watcher = threading.Thread(target=watch_filter, args=(seen,))
    watcher.start()
    result = with_berth(spec("true", {"linux.seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": rules}}))
    watcher.join()
    # berth-filter compiles the profile in its sandbox (see test-sandboxes.py): without root's ids and without
    # capabilities.
    equal([int(seen[0][name], 16) for name in ("CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb")], [0] * 5)
    assert "0" not in seen[0]["Uid"].split() + seen[0]["Gid"].split(), seen
    equal(result.status, 125)
    contains(result.err, "it takes too long to compile")
    equal(service_pid(), before)


def test_wrong_types_are_named():
    for word, changes in (("args", {"process.args": "x"}), ("env", {"process.env": {}}), ("uid", {"process.user": {"uid": "0"}}),
                          ("mounts", {"mounts": {}}), ("namespaces", {"linux.namespaces": "x"}), ("cwd", {"process.cwd": 5}),
                          ("readonly", {"root.readonly": "yes"}), ("sysctl", {"linux.sysctl": []})):
        refused(word, changes)


def test_a_replaced_root_directory_is_refused():
    path = write(spec("echo ran"))
    good("create", "--id=moved", "--bundle", path)
    os.rename(f"{path}/rootfs", f"{path}/old")
    shutil.copytree(f"{path}/old", f"{path}/rootfs", symlinks=True)
    result = dist("start", "-a", "moved")
    equal(result.status, 125)
    contains(result.err, "was replaced since it was given")
    good("rm", "moved")


def test_a_specification_needs_an_administrator():
    reply = containers_call("Create", "ssa{sv}", "", "x", "1", "Spec", "s", "{}", user="alice")
    contains(reply.err, "authorization")


def test_nothing_is_left():
    equal(listing("ps", "-a"), [])
    wait_until(lambda: run("systemctl", "list-units", "--plain", "--no-legend", "berth-*.scope").out == "", "the scopes go")


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
