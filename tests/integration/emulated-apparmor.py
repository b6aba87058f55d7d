# SPDX-License-Identifier: LGPL-2.1-or-later
# Features of Debian's kernel that other kernels may lack: AppArmor profiles of OCI configurations, and project quotas.

import ctypes
import json
import os
import subprocess
import sys

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

BUNDLE = "/var/tmp/bundle"
PROFILE = """profile berth-test flags=(attach_disconnected,mediate_deleted) {
  file,
  capability,
  deny /kept/** w,
}
"""
MOUNTING_PROFILE = """profile berth-mounting flags=(attach_disconnected,mediate_deleted) {
  file,
  capability,
  mount,
  umount,
}
"""
# A /proc in which the file for the label is another one of the kernel's.
OTHER_PROC = ("mkdir -p /real && mount -t proc proc /real && mount -t tmpfs none /proc && mkdir -p /proc/thread-self/attr/apparmor && "
              "touch /proc/thread-self/attr/apparmor/exec && mount --bind /real/sys/kernel/domainname /proc/thread-self/attr/apparmor/exec && "
              "touch /done && exec sleep 1000")


def write(profile):
    config = {
        "ociVersion": "1.0.2",
        "process": {"args": ["sh", "-c", "cat /proc/self/attr/current; touch /kept/file; touch /file; ls /kept /file"],
                    "cwd": "/", "user": {"uid": 0, "gid": 0}, "env": ["PATH=/bin"], "noNewPrivileges": True,
                    "apparmorProfile": profile},
        "root": {"path": "rootfs"},
        "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
        "linux": {"namespaces": [{"type": kind} for kind in ("pid", "mount", "network")]},
    }
    with open(f"{BUNDLE}/config.json", "w", encoding="utf-8") as file:
        json.dump(config, file)
    return BUNDLE


def test_setup():
    os.makedirs(f"{BUNDLE}/rootfs/kept")
    layer = oci.busybox_layer(None)
    subprocess.run(["tar", "-x", "-C", f"{BUNDLE}/rootfs"], input=layer.finish()[2], check=True)
    subprocess.run(["mount", "-t", "securityfs", "securityfs", "/sys/kernel/security"], check=True)
    subprocess.run(["apparmor_parser", "--add", "--skip-cache"], input=(PROFILE + MOUNTING_PROFILE).encode(), check=True)


def test_the_command_has_the_profile():
    result = dist("run", "--rm", "--bundle", write("berth-test"))
    lines = result.out.splitlines()
    equal(lines[0], "berth-test (enforce)", str(result))
    contains(result.err, "touch: /kept/file: Permission denied")
    contains(result.out, "/file")


def test_executed_processes_have_the_profile_too():
    config = json.load(open(f"{write('berth-test')}/config.json", encoding="utf-8"))
    config["process"]["args"] = ["sleep", "1000"]
    json.dump(config, open(f"{BUNDLE}/config.json", "w", encoding="utf-8"))
    good("run", "-d", "--id=box", "--bundle", BUNDLE)
    equal(good("exec", "box", "cat", "/proc/self/attr/current"), "berth-test (enforce)\n")
    good("rm", "-f", "box")


def test_a_container_cannot_redirect_its_label():
    """A container with CAP_SYS_ADMIN mounts another file of proc over that to which a process writes its profile
    (CVE-2025-52881). The process does not start without the profile."""
    config = json.load(open(f"{write('berth-mounting')}/config.json", encoding="utf-8"))
    every = ["CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE"]
    config["process"].update(args=["sh", "-c", OTHER_PROC], capabilities={name: every for name in ("bounding", "effective", "permitted")})
    config["linux"]["namespaces"].append({"type": "uts"})
    json.dump(config, open(f"{BUNDLE}/config.json", "w", encoding="utf-8"))
    good("run", "-d", "--id=box", "--bundle", BUNDLE)
    wait_until(lambda: os.path.exists(f"{BUNDLE}/rootfs/done"), "its mounts")
    result = dist("exec", "box", "cat", "/real/self/attr/current")
    equal((result.status, result.out), (125, ""), str(result))
    contains(result.err, "AppArmor: profile berth-mounting: /proc is not a proc file system")
    good("rm", "-f", "box")


def inotify_instances():
    """How many instances of inotify this user could still have."""
    libc = ctypes.CDLL(None)
    made = []
    while (fd := libc.inotify_init1(os.O_CLOEXEC)) >= 0:
        made.append(fd)
    for fd in made:
        os.close(fd)
    return len(made)


def watches(pid):
    fds = f"/proc/{pid}/fd"
    try:
        return any(os.readlink(f"{fds}/{fd}") == "anon_inode:inotify" for fd in os.listdir(fds))
    except FileNotFoundError:
        return False


def run_box():
    config = json.load(open(f"{write('')}/config.json", encoding="utf-8"))
    config["process"]["args"] = ["sleep", "1000"]
    json.dump(config, open(f"{BUNDLE}/config.json", "w", encoding="utf-8"))
    good("run", "-d", "--id=box", "--bundle", BUNDLE)


def test_readers_of_logs_take_no_inotify_instance_of_root():
    """The kernel allows each user 128 of them, which systemd and udev need."""
    run_box()
    before = inotify_instances()
    followers = [subprocess.Popen(["dist", "logs", "-f", "box"], stdout=subprocess.DEVNULL) for _ in range(20)]
    wait_until(lambda: sum(watches(pid) for pid in run("pgrep", "-x", "berth-journal").out.split()) == 20, "the readers")
    after = inotify_instances()
    assert after > before - 10, (before, after)
    for follower in followers:
        follower.kill()
        follower.wait()
    good("rm", "-f", "box")


def test_workers_are_not_protected_from_the_oom_killer():
    """Only berthd is: a worker that uses much memory is not spared at the expense of other programs."""
    run_box()
    with subprocess.Popen(["dist", "logs", "-f", "box"], stdout=subprocess.DEVNULL) as reader:
        worker = wait_until(lambda: run("pgrep", "-x", "berth-journal").out.strip(), "the worker")
        wait_until(lambda: watches(worker), "the worker has entered its sandbox")
        scores = []
        for pid in (service_pid(), worker):
            with open(f"/proc/{pid}/oom_score_adj", encoding="ascii") as file:
                scores.append(int(file.read()))
        reader.kill()
    equal(scores, [-100, 0])
    good("rm", "-f", "box")


def test_a_profile_that_is_not_loaded_is_an_error():
    result = dist("run", "--rm", "--bundle", write("nobodys"))
    equal(result.status, 125, str(result))
    contains(result.err, "AppArmor: profile nobodys: No such file or directory")


def test_a_container_without_a_profile_is_unconfined():
    result = dist("run", "--rm", "--bundle", write(""))
    equal(result.out.splitlines()[0], "unconfined", str(result))


def test_project_quotas_limit_the_disk_space_of_a_user():
    """On a file system with project quotas, a container that exceeds its user's limit gets an error at once, whichever
    id the files have."""
    run("systemctl", "stop", "berthd.service")
    for name, kind, numbers in (("loop-control", 0o020600, (10, 237)), ("loop7", 0o060600, (7, 7))):
        if not os.path.exists(f"/dev/{name}"):
            os.mknod(f"/dev/{name}", kind, os.makedev(*numbers))
    with open("/var/tmp/disk", "wb") as file:
        file.truncate(256 << 20)
    for command in (("mkfs.ext4", "-q", "-O", "quota,project", "-E", "quotatype=prjquota", "/var/tmp/disk"), ("losetup", "/dev/loop7", "/var/tmp/disk"),
                    ("mount", "-o", "prjquota", "/dev/loop7", "/var/lib/berth")):
        equal(run(*command).status, 0, command)
    good("images")
    configure("[Limits]\nDisk=16M\n")
    allow("alice", 'action.id.indexOf("org.berth1.containers.") == 0')
    image = f"{HOST}/quota/base:x"
    oci.push(oci.busybox_image(), image)
    good("pull", image)
    size = lambda mebibytes: f"{mebibytes << 20}\n"
    # One limit applies to all files of the user's containers and volumes, whatever their owner ids.
    script = ("dd if=/dev/zero of=/tmp/a bs=1M count=10 2>/dev/null; chown 7 /v; chmod 777 /v; "
              "dd if=/dev/zero of=/v/b bs=1M count=64; stat -c %s /tmp/a /v/b")
    result = dist("run", "--id=fills", "--volume=store:/v", image, "sh", "-c", script, user="alice")
    contains(result.err, "quota exceeded")
    first, second = (int(line) for line in result.out.split())
    equal(first, 10 << 20)
    assert 0 < second <= 6 << 20, result
    # Root has no such limit.
    write = ("sh", "-c", "dd if=/dev/zero of=/tmp/a bs=1M count=20 2>/dev/null; stat -c %s /tmp/a")
    equal(good("run", "--rm", image, *write), size(20))
    # Removing the container frees its usage.
    good("rm", "fills", user="alice")
    good("volume", "rm", "store", user="alice")
    usage = lambda: run("du", "-s", "--apparent-size", "/var/lib/berth/containers", "/var/lib/berth/volumes").out
    wait_until(lambda: all(int(line.split()[0]) < 1024 for line in usage().splitlines()), "the trash")
    good("run", "--id=again", image, "sh", "-c", "dd if=/dev/zero of=/tmp/a bs=1M count=8", user="alice")
    good("rm", "again", user="alice")
    # Files that are copied into a container count, too.
    good("create", "--id=copied", image, "true", user="alice")
    equal(run("sh", "-c", "head -c 20M /dev/urandom >/home/alice/large && chown alice: /home/alice/large").err, "")
    contains(dist("cp", "/home/alice/large", "copied:/tmp/", user="alice").err, "quota exceeded")
    good("rm", "copied", user="alice")


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
