# SPDX-License-Identifier: LGPL-2.1-or-later
# Contents.Apply unpacks layers into a directory of the caller. It writes nothing that the user could not write: only
# below a directory that the user owns, with the user's ids, and without set-id bits, devices or privileged attributes.
# A file system that never answers delays only its own user.

import os
import shutil
import stat
import subprocess
import sys
import tarfile

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

ALICE = 4242
APPLY = 'action.id == "org.berth1.contents.apply"'

# Mounts a FUSE file system as a user, in a user namespace, and starts transfers into it. It answers only INIT and
# requests of dist; it prints "asked" for each request of another process, and never answers that.
FUSE = r"""
import ctypes, os, struct, subprocess, sys
libc = ctypes.CDLL(None, use_errno=True)
uid = os.getuid()
if libc.unshare(0x10000000 | 0x00020000):
    sys.exit("unshare: " + os.strerror(ctypes.get_errno()))
for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{uid} {uid} 1")):
    with open(f"/proc/self/{name}", "w") as file:
        file.write(text)
device = os.open("/dev/fuse", os.O_RDWR)
options = f"fd={device},rootmode=40000,user_id={uid},group_id={uid}"
if libc.mount(b"stuck", sys.argv[1].encode(), b"fuse", 6, options.encode()):
    sys.exit("mount: " + os.strerror(ctypes.get_errno()))
started = []
def answer(unique, body=b"", error=0):
    os.write(device, struct.pack("<IiQ", 16 + len(body), -error, unique) + body)
def is_dist(pid):
    try:
        with open(f"/proc/{pid}/comm") as file:
            return file.read() == "dist\n"
    except OSError:
        return False
while True:
    _, operation, unique, _, _, _, pid = struct.unpack_from("<IIQQIII", os.read(device, 1 << 20))
    if operation == 26: # INIT
        answer(unique, struct.pack("<IIIIHHIIHHI7I", 7, 31, 65536, 0, 12, 9, 65536, 1, 0, 0, 0, *[0] * 7))
        for _ in range(int(sys.argv[3])):
            subprocess.Popen(("dist", "content", "apply", sys.argv[2], sys.argv[1]),
                             stderr=subprocess.DEVNULL)
    elif operation in (2, 36): # FORGET, INTERRUPT
        pass
    elif not is_dist(pid):
        print("asked", flush=True)
    elif operation == 3: # GETATTR
        answer(unique, struct.pack("<QII6Q10I", 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0o40700, 2, uid, uid, 0, 4096, 0))
    elif operation == 27: # OPENDIR
        answer(unique, bytes(16))
    else:
        answer(unique, error=38)
"""


def ingest(layer, name):
    digest, _, data = layer.finish()
    path = f"/tmp/layer-{name}"
    with open(path, "wb") as file:
        file.write(data)
    run("sh", "-c", f"dist content ingest {name} <{path}")
    return digest


def directory_of(user, path):
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path)
    shutil.chown(path, user, user)
    return path


def apply(*arguments, user="alice"):
    return dist("--no-ask-password", "content", "apply", *arguments, user=user)


def everything_below(path):
    for top, directories, files in os.walk(path):
        for name in directories + files:
            yield os.path.join(top, name)


def test_contents_manage_does_not_apply():
    global plain
    plain = ingest(oci.Layer("none").add("file", b"x"), "plain")
    mine = directory_of("alice", "/tmp/mine")
    allow("alice", 'action.id != "org.berth1.contents.apply"')
    contains(apply(plain, mine).err, "Permission denied")
    equal(os.listdir(mine), [])


def test_a_rule_sees_the_path_and_every_digest():
    other = ingest(oci.Layer("none").add("other", b"x"), "other")
    mine, second = directory_of("alice", "/tmp/mine"), directory_of("alice", "/tmp/second")
    allow("alice", f'''action.id == "org.berth1.contents.apply" && action.lookup("verb") == "apply" &&
        action.lookup("path") == "{mine}" && action.lookup("digest") == "{plain} {other}"''')
    for arguments in ((plain, mine), (other, plain, mine), (plain, other, second)):
        contains(apply(*arguments).err, "Permission denied")
    equal(os.listdir(mine) + os.listdir(second), [])
    equal(apply(plain, other, mine).status, 0)
    equal(sorted(os.listdir(mine)), ["file", "other"])


def test_a_path_of_another_mount_namespace_is_marked():
    mine = directory_of("alice", "/tmp/mine")
    os.makedirs("/tmp/claimed", exist_ok=True)
    allow("alice", '''action.id == "org.berth1.contents.apply" &&
        action.lookup("path").indexOf("/tmp/claimed") == 0''')
    script = f"mount --bind {mine} /tmp/claimed && exec dist --no-ask-password content apply {plain} /tmp/claimed"
    result = run("unshare", "-r", "-m", "sh", "-c", script, user="alice")
    contains(result.err, "Permission denied")
    equal(os.listdir(mine), [])


def test_files_of_the_directory_are_not_taken_for_the_systems():
    # libgcrypt reads these files when it is initialized. If the directory were the worker's root by then, the worker
    # would open these FIFOs and wait for a writer.
    mine = directory_of("alice", "/tmp/mine")
    allow("alice", APPLY)
    for path in ("proc/sys/crypto/fips_enabled", "etc/gcrypt/hwf.deny"):
        os.makedirs(os.path.dirname(f"{mine}/{path}"))
        os.mkfifo(f"{mine}/{path}")
    run("chown", "-R", "alice:", mine)
    result = run("timeout", "60", "dist", "--no-ask-password", "content", "apply", plain, mine, user="alice")
    equal(result.status, 0)
    contains(os.listdir(mine), "file")


def test_layers_are_applied_only_below_an_own_directory():
    allow("alice", APPLY)
    before = sorted(os.listdir("/etc"))
    # Only the owner of a directory matters, not whether it is readable or writable.
    os.makedirs("/tmp/open", exist_ok=True)
    os.chmod("/tmp/open", 0o777)
    for path in ("/etc", "/tmp", "/tmp/open", "/"):
        result = apply(plain, path)
        equal(result.status, 1)
        contains(result.err, "belongs to user 0")
    bob = directory_of("bob", "/tmp/bobs") if run("id", "bob").status == 0 else None
    if bob:
        contains(apply(plain, bob).err, "belongs to user")
    equal(sorted(os.listdir("/etc")), before)
    equal(os.listdir("/tmp/open"), [])


def hostile():
    layer = oci.Layer("none")
    layer.directory("bin", mode=0o6755, uid=0).directory("sticky", mode=0o1777)
    layer.add("bin/root", b"#!", mode=0o6755, uid=0, gid=0)
    layer.hard_link("bin/again", "bin/root")
    layer.add("shadow", b"x", mode=0o600, uid=0, gid=42)
    layer.add("disk", kind=tarfile.BLKTYPE, device=(8, 0), mode=0o666)
    layer.add("bin/mem", kind=tarfile.CHRTYPE, device=(1, 1), mode=0o666)
    layer.add("pipe", kind=tarfile.FIFOTYPE, mode=0o4622)
    layer.add("xattr", b"x", pax={
        "SCHILY.xattr.security.capability": "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
        "SCHILY.xattr.trusted.mine": "y", "SCHILY.xattr.user.kept": "y"})
    layer.directory("closed", mode=0o000).add("closed/file", b"inside", mode=0o000)
    layer.directory("gone/opaque").add("gone/opaque/.wh..wh..opq", b"").add("gone/opaque/new", b"")
    layer.add("gone/.wh.away", b"")
    return layer


def test_written_files_belong_to_the_user_without_privileges():
    allow("alice", APPLY)
    mine = directory_of("alice", "/tmp/mine")
    lower = oci.Layer("none").add("gone/away", b"").add("gone/opaque/old", b"").add("disk", b"was a file")
    equal(apply(ingest(lower, "lower"), ingest(hostile(), "hostile"), mine).status, 0)
    for path in everything_below(mine):
        status = os.lstat(path)
        equal((status.st_uid, status.st_gid), (ALICE, ALICE), path)
        equal(status.st_mode & 0o6000, 0, path)
        assert not stat.S_ISCHR(status.st_mode) and not stat.S_ISBLK(status.st_mode), path
        assert set(os.listxattr(path, follow_symlinks=False)) <= {"user.kept"}, path
    equal(stat.S_IMODE(os.stat(f"{mine}/sticky").st_mode), 0o1777)
    equal(stat.S_IMODE(os.stat(f"{mine}/bin/root").st_mode), 0o755)
    equal(stat.S_IMODE(os.stat(f"{mine}/closed").st_mode), 0)
    equal(os.getxattr(f"{mine}/xattr", "user.kept"), b"y")
    equal(sorted(os.listdir(mine)), ["bin", "closed", "gone", "pipe", "shadow", "sticky", "xattr"])
    equal(os.listdir(f"{mine}/closed"), ["file"])
    equal(os.listdir(f"{mine}/gone"), ["opaque"])
    equal(os.listdir(f"{mine}/gone/opaque"), ["new"])


def test_set_id_bits_of_existing_files_are_not_copied():
    allow("alice", APPLY)
    mine = directory_of("alice", "/tmp/mine")
    shutil.copy("/bin/true", f"{mine}/tool")
    shutil.chown(f"{mine}/tool", "alice", "alice")
    os.chmod(f"{mine}/tool", 0o6755)
    result = apply(ingest(oci.Layer("none").hard_link("link", "tool"), "link"), mine)
    equal(result.status, 0, result)
    equal(os.stat(f"{mine}/link").st_mode & 0o6000, 0)
    # A set-group-ID directory keeps its bit, which only makes new files inherit its group.
    os.mkdir(f"{mine}/group")
    shutil.chown(f"{mine}/group", "alice", "alice")
    os.chmod(f"{mine}/group", 0o2775)
    equal(apply(ingest(oci.Layer("none").add("group/file", b""), "group"), mine).status, 0)
    equal(stat.S_IMODE(os.stat(f"{mine}/group").st_mode), 0o2775)


def test_files_of_others_in_the_directory_stay():
    allow("alice", APPLY)
    mine = directory_of("alice", "/tmp/mine")
    os.makedirs("/tmp/roots", exist_ok=True)
    for path in ("/tmp/roots/secret", "/tmp/roots/file"):
        with open(path, "w", encoding="utf-8") as file:
            file.write("root's")
        os.chmod(path, 0o600)
    os.makedirs(f"{mine}/roots", exist_ok=True)
    with open(f"{mine}/roots/kept", "w", encoding="utf-8") as file:
        file.write("root's")
    os.symlink("/tmp/roots", f"{mine}/link")
    os.link("/tmp/roots/secret", f"{mine}/hard")
    for number, layer in enumerate((
            oci.Layer("none").add("roots/owned", b""), oci.Layer("none").add("roots/.wh.kept", b""),
            oci.Layer("none").directory("roots", mode=0o777), oci.Layer("none").hard_link("copy", "hard"))):
        result = apply(ingest(layer, f"others-{number}"), mine)
        equal(result.status, 1, number)
        assert any(part in result.err for part in ("Permission denied", "not permitted", "no layer holds")), result
    dist("content", "apply", ingest(oci.Layer("none").add("link/owned", b""), "through"), mine, user="alice")
    equal(sorted(os.listdir("/tmp/roots")), ["file", "secret"])
    equal(os.listdir(f"{mine}/roots"), ["kept"])
    equal(stat.S_IMODE(os.stat(f"{mine}/roots").st_mode), 0o755)
    equal(os.stat("/tmp/roots/secret").st_uid, 0)
    assert not os.path.exists(f"{mine}/copy")


def test_a_read_only_mount_stays_read_only():
    allow("alice", APPLY)
    mine, view = directory_of("alice", "/tmp/mine"), directory_of("alice", "/tmp/view")
    equal(run("mount", "--bind", mine, view).status, 0)
    equal(run("mount", "-o", "remount,bind,ro", view).status, 0)
    try:
        contains(apply(plain, view).err, "Read-only file system")
    finally:
        run("umount", view)
    equal(os.listdir(mine), [])


def test_planted_file_under_the_temporary_name_is_harmless():
    allow("alice", APPLY)
    mine = directory_of("alice", "/tmp/mine")
    os.makedirs("/tmp/roots", exist_ok=True)
    os.symlink("/tmp/roots", f"{mine}/.berth-apply")
    equal(apply(plain, mine).status, 0)
    equal(os.listdir(mine), ["file"])
    assert os.path.isdir("/tmp/roots")


def workers():
    return run("pgrep", "-f", f"berth-unpack {ALICE}").out.split()


def running():
    return [row for row in listing("transfers") if row["kind"] == "apply" and row["state"] == "running"]


def serve_stuck(path, count):
    """Starts FUSE with count transfers; returns its process once all workers run."""
    server = subprocess.Popen(("setpriv", f"--reuid={ALICE}", f"--regid={ALICE}", "--clear-groups",
                               sys.executable, "-c", FUSE, path, plain, str(count)), stdout=subprocess.PIPE, encoding="utf-8")
    wait_until(lambda: len(running()) == count and len(workers()) == count, "the transfers")
    return server


def test_a_file_system_that_never_answers_holds_up_nobody_else():
    allow("alice", APPLY)
    mine = directory_of("alice", "/tmp/stuck")
    server = serve_stuck(mine, 8)
    second = None
    try:
        for _ in range(8):
            equal(server.stdout.readline(), "asked\n")
        good("images", "-q")
        for row in running():
            good("cancel", str(row["transfer"]))
        wait_until(lambda: running() == [], "the end of the transfers")
        # The workers that the file system blocks still exist, and count towards the user's limit.
        equal(len(workers()), 8)
        directory = directory_of("alice", "/tmp/mine")
        contains(apply(plain, directory).err, "does not answer")
        good("content", "apply", plain, directory)
        good("images", "-q")
    finally:
        server.kill()
    # The service learns of their end a moment later.
    wait_until(lambda: apply(plain, directory_of("alice", "/tmp/mine")).status == 0, "the end of the workers")


def test_a_worker_that_dies_at_its_start_fails_the_transfer():
    program = "/usr/libexec/berth/berth-unpack"
    os.rename(program, f"{program}.real")
    try:
        with open(program, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\nexit 1\n")
        os.chmod(program, 0o755)
        for user in (None, "alice"):
            result = apply(plain, directory_of("alice", "/tmp/mine"), user=user)
            equal(result.status, 1)
            contains(result.err, "berth-unpack")
    finally:
        os.rename(f"{program}.real", program)
    equal(apply(plain, directory_of("alice", "/tmp/mine")).status, 0)


def test_root_applies_all_attributes_of_a_layer():
    target = "/tmp/target"
    shutil.rmtree(target, ignore_errors=True)
    os.makedirs(target)
    good("content", "apply", ingest(hostile(), "hostile"), target)
    equal(stat.S_IMODE(os.stat(f"{target}/bin/root").st_mode), 0o6755)
    assert stat.S_ISBLK(os.stat(f"{target}/disk").st_mode)
    equal(os.stat(f"{target}/shadow").st_gid, 42)


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
