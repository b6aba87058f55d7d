# SPDX-License-Identifier: LGPL-2.1-or-later
# Isolation of a container from the host: user IDs, mounts, volumes, devices, managed files, and attempts to escape.

import grp
import json
import os
import pwd
import shutil
import subprocess
import sys

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

IMAGE = f"{HOST}/iso/base:x"
SHARED = "/srv/shared"


def test_setup():
    layer = oci.busybox_layer().add("etc/passwd", b"root:x:0:0::/root:/bin/sh\nu:x:7:8::/home/u:/bin/sh\n")
    layer.directory("data").add("data/of-image", b"image\n", uid=7, gid=8)
    oci.push(oci.Image([layer], {"Cmd": ["sleep", "1000"], "Env": ["PATH=/bin"], "Volumes": {"/data": {}}}), IMAGE)
    good("pull", IMAGE)
    # A file system that supports ID-mapped mounts, unlike the root file system of the test machine.
    os.makedirs(SHARED, exist_ok=True)
    run("mount", "-t", "tmpfs", "tmpfs", SHARED)
    os.chmod(SHARED, 0o777)


def inside(*command, options=(), **more):
    return good("run", "--rm", *options, IMAGE, *command, **more)


def test_each_container_has_a_range_of_ids_of_its_own():
    good("run", "-d", "--id=users", IMAGE)
    pid = listing("ps")[0]["pid"]
    uid = os.stat(f"/proc/{pid}").st_uid
    assert uid >= 524288 and uid % 65536 == 0, uid
    good("run", "-d", "--id=others", IMAGE)
    other = [row["pid"] for row in listing("ps") if row["id"] == "others"][0]
    assert os.stat(f"/proc/{other}").st_uid != uid, "ranges overlap"
    good("rm", "-f", "users", "others")


def test_files_on_disk_have_the_ids_of_the_image():
    good("create", "--id=ids", IMAGE, "sh", "-c", "touch /mine; chown 7:8 /mine; stat -c %u:%g /data/of-image; chown 1 /data/of-image")
    equal(good("start", "-a", "ids"), "7:8\n")
    upper = f"{STATE}/containers/ids/upper"
    equal((os.stat(f"{upper}/mine").st_uid, os.stat(f"{upper}/mine").st_gid), (7, 8))
    equal(os.stat(f"{upper}/data/of-image").st_uid, 1)
    good("rm", "ids")


def test_userns_host_uses_the_ids_of_the_host():
    equal(inside("sh", "-c", "cat /proc/self/uid_map", options=["--userns=host"]).split(), ["0", "0", "4294967295"])
    contains(dist("run", "--rm", "--userns=x", IMAGE).err, "auto, host or keep-id")
    status = inside("grep", "CapEff", "/proc/self/status", options=["--privileged"])
    assert int(status.split()[1], 16) > 0x1000000000, status


def test_a_bind_mount_keeps_the_owner_of_its_files():
    with open(f"{SHARED}/file", "w", encoding="utf-8") as file:
        file.write("host\n")
    os.chown(SHARED, 1234, 1234)
    options = ["-v", f"{SHARED}:/mnt"]
    equal(inside("sh", "-c", "cat /mnt/file; stat -c %u /mnt; touch /mnt/made", options=options), "host\n0\n")
    equal(os.stat(f"{SHARED}/made").st_uid, 1234)
    result = dist("run", "--rm", "-v", f"{SHARED}:/mnt:ro", IMAGE, "touch", "/mnt/x")
    contains(result.err, "Read-only")
    equal(inside("stat", "-c", "%u", "/mnt", options=["-v", f"{SHARED}:/mnt:noidmap"]), "65534\n")
    os.chown(SHARED, 7, 8)
    equal(inside("stat", "-c", "%u:%g", "/mnt", options=["-v", f"{SHARED}:/mnt:idmap"]), "7:8\n")
    os.chown(SHARED, 0, 0)


def test_a_file_is_mounted_and_bad_mounts_are_named():
    equal(inside("cat", "/etc/motd", options=["-v", f"{SHARED}/file:/etc/motd:ro"]), "host\n")
    for text, word in ((f"{SHARED}/nothere:/mnt", "nothere"), (f"{SHARED}:mnt", "absolute"), (f"{SHARED}:/mnt:odd", "odd"),
                       ("", "SOURCE:PATH"), (f"{SHARED}:/", "below the root"), (f"{SHARED}:/{'x' * 4097}", "too large")):
        result = dist("create", "-v", text, IMAGE)
        equal(result.status, 125, text)
        contains(result.err, word)


def test_a_replaced_source_is_not_mounted():
    os.makedirs(f"{SHARED}/dir")
    good("create", "--id=swap", "-v", f"{SHARED}/dir:/mnt", IMAGE, "ls", "/mnt")
    os.rename(f"{SHARED}/dir", f"{SHARED}/old")
    os.symlink("/etc", f"{SHARED}/dir")
    contains(dist("start", "-a", "swap").err, "was replaced since it was given")
    good("rm", "swap")
    os.unlink(f"{SHARED}/dir")
    os.rmdir(f"{SHARED}/old")


def test_a_path_of_the_host_is_not_opened_by_the_service():
    """The service mounts only files that the caller has opened and passed; a path alone grants nothing."""
    reply = busctl("call", "org.berth1", "/org/berth1/containers", "org.berth1.Containers", "Create", "ssa{sv}", "named", IMAGE, "1",
                   "Mounts", "a(ssas)", "1", "/etc/shadow", "/stolen", "0")
    assert reply.status != 0
    contains(reply.err, "give a descriptor")
    os.mkdir(f"{SHARED}/closed", 0o700)
    polkit_rule('polkit.addRule(function(action, subject) { return subject.user == "alice" ? "yes" : null; });')
    contains(dist("run", "--rm", "-v", f"{SHARED}/closed/x:/x", IMAGE, "true", user="alice").err, "Permission denied")
    run("rm", "-r", "/etc/polkit-1/rules.d/00-berth-test.rules", f"{SHARED}/closed")
    run("systemctl", "restart", "polkit.service")


def test_binds_need_the_privilege():
    reply = run("dist", "--no-ask-password", "create", "-v", f"{SHARED}:/mnt", IMAGE, user="alice")
    assert reply.status != 0, reply


def only_create():
    """Allows alice bind mounts only if they need no privileges."""
    polkit_rule("""polkit.addRule(function(action, subject) {
        if (subject.user == "alice" && action.id.indexOf("org.berth1.containers.") == 0)
            return /(create|manage-own)$/.test(action.id) ? "yes" : "no";
    });""")


def owned(name, owner="alice"):
    os.makedirs(f"{SHARED}/{name}")
    shutil.chown(f"{SHARED}/{name}", owner, owner)
    return f"{SHARED}/{name}"


def put(path, text="text\n", mode=0o644, owner=0, group=0):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chown(path, owner, group)
    os.chmod(path, mode)


def test_an_owned_bind_grants_only_the_rights_of_its_owner():
    only_create()
    alice = pwd.getpwnam("alice")
    own = owned("own")
    put(f"{own}/hers", mode=0o600, owner=alice.pw_uid, group=alice.pw_gid)
    put(f"{own}/roots", mode=0o666)
    put(f"{own}/secret", mode=0o600)
    put(f"{own}/anothers", mode=0o660, owner=4243, group=alice.pw_gid)
    put(f"{own}/of-a-group", mode=0o664, owner=alice.pw_uid, group=grp.getgrnam("mail").gr_gid)
    shutil.copy("/bin/busybox", f"{own}/busybox")
    os.chmod(f"{own}/busybox", 0o4755)
    os.mknod(f"{own}/null", 0o666 | 0o020000, os.makedev(1, 3))
    os.chmod(f"{own}/null", 0o666)
    os.makedirs(f"{own}/below/covered")
    run("mount", "-t", "tmpfs", "tmpfs", f"{own}/below")
    put(f"{own}/below/roots")
    script = """cd /v; cat hers; echo more >>hers; echo new >made; chmod 2755 made
                for file in roots anothers of-a-group; do
                    cat $file; (echo x >>$file) 2>/dev/null && echo "$file written"; chmod 777 $file 2>/dev/null && echo "$file changed"
                done
                for file in roots secret anothers below; do chown 0 $file 2>/dev/null && echo "$file taken"; done
                cat secret 2>/dev/null; mv roots elsewhere && mv elsewhere roots && echo moved; chown 5 hers 2>/dev/null && echo given
                (echo x >null) 2>/dev/null && echo opens; ./busybox id -u 2>&1; ls below; stat -c '%u:%g' hers roots . | tr '\\n' ' '
                grep ' /v ' /proc/self/mounts | cut -d' ' -f4"""
    options = ["-v", f"{own}:/v"]
    lines = inside("sh", "-c", script, options=options, user="alice").splitlines()
    # The kernel does not change a file whose id is not mapped, so the container can do less than alice herself.
    equal(lines[:5], ["text", "text", "text", "text", "0"], lines)
    equal(lines[5], "covered", lines)
    contains(lines[6], "0:0 65534:65534 0:0 rw,nosuid,nodev")
    equal(len(lines), 7, lines)
    made = os.stat(f"{own}/made")
    equal((made.st_uid, made.st_gid), (alice.pw_uid, alice.pw_gid))
    equal([open(f"{own}/{name}", encoding="utf-8").read() for name in ("hers", "roots", "anothers")], ["text\nmore\n", "text\n", "text\n"])
    equal([os.stat(f"{own}/{name}").st_uid for name in ("roots", "secret", "anothers")], [0, 0, 4243])
    # The flags of the host's mount still apply.
    closed = owned("closed")
    run("mount", "--bind", closed, closed)
    run("mount", "-o", "remount,bind,ro,noexec", closed)
    text = inside("sh", "-c", "touch /v/x; grep ' /v ' /proc/self/mounts", options=["-v", f"{closed}:/v:rw"], user="alice")
    contains(text, " ro,nosuid,nodev,noexec")
    for path in (f"{own}/below", closed):
        run("umount", "-l", path)


def test_keep_id_maps_the_caller_to_its_own_id():
    """With keep-id, the caller is not root in its container and still owns its files there."""
    alice = pwd.getpwnam("alice")
    own = owned("kept")
    put(f"{own}/hers", mode=0o600, owner=alice.pw_uid, group=alice.pw_gid)
    script = "cd /v; id -u; id -g; stat -c %u:%g . hers; cat hers; touch made; touch /etc/x 2>/dev/null || echo not root; ls -ln /v/made | cut -c1-10"
    for value, uid, gid in (("keep-id", alice.pw_uid, alice.pw_gid), ("keep-id:uid=1234", 1234, alice.pw_gid), ("keep-id:uid=7,gid=8", 7, 8)):
        text = inside("sh", "-c", script, options=[f"--userns={value}", "-v", f"{own}:/v"], user="alice")
        equal(text.splitlines(), [str(uid), str(gid), f"{uid}:{gid}", f"{uid}:{gid}", "text", "not root", "-rw-r--r--"], value)
        made = os.stat(f"{own}/made")
        equal((made.st_uid, made.st_gid), (alice.pw_uid, alice.pw_gid))
        os.unlink(f"{own}/made")
    # Another user can be selected as usual, but the files do not belong to that user.
    equal(inside("sh", "-c", "id -u; stat -c %u /v", options=["--userns=keep-id", "--user=0", "-v", f"{own}:/v"], user="alice"), f"0\n{alice.pw_uid}\n")
    good("run", "-d", "--id=kept", "--userns=keep-id", "-v", f"{own}:/v", IMAGE, user="alice")
    pid = [row["pid"] for row in listing("ps") if row["id"] == "kept"][0]
    assert os.stat(f"/proc/{pid}").st_uid % 65536 == alice.pw_uid and os.stat(f"/proc/{pid}").st_uid >= 524288
    equal(good("exec", "kept", "sh", "-c", "id -u; touch /v/executed", user="alice"), f"{alice.pw_uid}\n")
    equal(os.stat(f"{own}/executed").st_uid, alice.pw_uid)
    good("rm", "-f", "kept", user="alice")
    contains(dist("create", "--userns=keep-id", IMAGE).err, "the user namespace keep-id is for callers that are not root")
    contains(dist("create", "--userns=keep-id:uid=70000", IMAGE, user="alice").err, "a container has the ids below 65536 only")
    contains(dist("create", "--userns=keep-id:size=5", IMAGE, user="alice").err, 'unknown user namespace "keep-id:size=5')
    contains(dist("pod", "create", "--userns=keep-id", "kept", user="alice").err, "keep-id")


def test_an_owned_bind_is_checked_at_each_start():
    """The owner of a bind mount is checked at each start, not only at creation."""
    only_create()
    exchanged = {"foreign": "does not belong to user", "linked": "was replaced since it was given", "hidden": "Permission denied", "magic": "open"}
    os.makedirs(f"{SHARED}/parents")
    for name in exchanged:
        os.makedirs(f"{SHARED}/parents/{name}", exist_ok=True)
        shutil.chown(f"{SHARED}/parents/{name}", "alice", "alice")
        path = owned(f"parents/{name}/own")
        good("create", f"--id=owned-{name}", "-v", f"{path}:/v", IMAGE, "ls", "/v", user="alice")
        equal(good("start", "-a", f"owned-{name}", user="alice"), "")
    os.chown(f"{SHARED}/parents/foreign/own", 4243, 4243)
    os.rename(f"{SHARED}/parents/linked/own", f"{SHARED}/parents/linked/away")
    os.symlink("/root", f"{SHARED}/parents/linked/own")
    os.chown(f"{SHARED}/parents/hidden", 0, 0)
    os.chmod(f"{SHARED}/parents/hidden", 0o700)
    os.rename(f"{SHARED}/parents/magic/own", f"{SHARED}/parents/magic/away")
    os.symlink("/proc/self/root" + f"{SHARED}/parents/magic/away", f"{SHARED}/parents/magic/own")
    for name, word in exchanged.items():
        contains(dist("start", "-a", f"owned-{name}", user="alice").err, word)
        good("rm", f"owned-{name}", user="alice")
    # A link of alice to the directory that was checked at creation works like its original path.
    own = owned("parents/own")
    good("create", "--id=owned", "-v", f"{own}:/v", IMAGE, "stat", "-c", "%u", "/v", user="alice")
    os.rename(own, f"{own}-away")
    os.symlink(f"{own}-away", own)
    equal(good("start", "-a", "owned", user="alice"), "0\n")
    good("rm", "owned", user="alice")
    # A directory that only her group may search is still accessible to her.
    run("usermod", "-a", "-G", "games", "alice")
    os.makedirs(f"{SHARED}/games", mode=0o750)
    shutil.chown(f"{SHARED}/games", "root", "games")
    own = owned("games/own")
    equal(inside("stat", "-c", "%u", "/v", options=["-v", f"{own}:/v"], user="alice"), "0\n")
    run("gpasswd", "-d", "alice", "games")
    run("rm", "-r", "/etc/polkit-1/rules.d/00-berth-test.rules")
    run("systemctl", "restart", "polkit.service")


def starts_while_swapped(name, count, path, other):
    """Starts alice's container count times while she swaps a directory with a link to another one; returns the results."""
    script = f"""import os
while True:
    os.rename("{path}", "{path}-away")
    os.symlink("{other}", "{path}")
    os.unlink("{path}")
    os.rename("{path}-away", "{path}")"""
    with subprocess.Popen(["setpriv", "--reuid=alice", "--regid=alice", "--clear-groups", "python3", "-c", script]) as swapping:
        results = [dist("start", "-a", name, user="alice") for _ in range(count)]
        swapping.kill()
    return results


def test_an_alternating_path_exposes_no_directory_of_root():
    """No start exposes root's directory while the path alternates quickly between alice's directory and root's."""
    only_create()
    race = owned("race")
    own = owned("race/own")
    os.makedirs(f"{SHARED}/race-roots")
    put(f"{SHARED}/race-roots/secret")
    good("create", "--id=race", "-v", f"{own}:/v", IMAGE, "ls", "/v", user="alice")
    for result in starts_while_swapped("race", 12, own, f"{SHARED}/race-roots"):
        assert "secret" not in result.out, result
    good("rm", "race", user="alice")
    run("rm", "-r", "/etc/polkit-1/rules.d/00-berth-test.rules")
    run("systemctl", "restart", "polkit.service")


def root_of(name, owner):
    """Makes a root file system that belongs to a user, with busybox and no mount points."""
    path = owned(name, owner)
    os.makedirs(f"{path}/bin")
    shutil.copy("/bin/busybox", f"{path}/bin/busybox")
    for applet in ("sh", "ls", "cat", "id", "stat", "touch", "chown", "grep", "sleep", "mount"):
        os.symlink("busybox", f"{path}/bin/{applet}")
    run("chown", "-Rh", f"{owner}:", path)
    return path


def test_an_own_directory_is_a_root():
    """An own directory is a root without a privilege, and grants only the rights of its owner."""
    only_create()
    alice = pwd.getpwnam("alice")
    root = root_of("rootfs", "alice")
    put(f"{root}/roots", mode=0o666)
    put(f"{root}/secret", mode=0o600)
    put(f"{root}/setuid", mode=0o4755, owner=alice.pw_uid, group=alice.pw_gid)
    os.mknod(f"{root}/null", 0o666 | 0o020000, os.makedev(1, 3))
    os.makedirs(f"{root}/below/covered")
    run("mount", "-t", "tmpfs", "tmpfs", f"{root}/below")
    put(f"{root}/below/roots")
    script = """id -u; stat -c %u:%g / /roots; touch /made; (echo x >>/roots) 2>/dev/null && echo written; cat /secret 2>/dev/null
                (echo x >/null) 2>/dev/null && echo opens; chown 5 /made 2>/dev/null && echo given; ls /below
                grep ' / ' /proc/self/mounts | cat | { read -r _ _ _ options _; echo $options; }; cat /etc/hostname; ls /proc/self/exe"""
    lines = good("run", "--rm", "--name=rooted", "--rootfs", root, "sh", "-c", script, user="alice").splitlines()
    equal(lines[:4], ["0", "0:0", "65534:65534", "covered"], lines)
    contains(lines[4], "rw,nosuid,nodev")
    equal(lines[5:], ["rooted", "/proc/self/exe"], lines)
    made = os.stat(f"{root}/made")
    equal((made.st_uid, made.st_gid, os.stat(f"{root}/proc").st_uid), (alice.pw_uid, alice.pw_gid, alice.pw_uid))
    # The other options work as with an image.
    equal(good("run", "--rm", "--read-only", "--rootfs", root, "sh", "-c", "touch /x 2>/dev/null || echo read-only", user="alice"), "read-only\n")
    equal(good("run", "--rm", "--userns=keep-id", "--rootfs", root, "sh", "-c", "id -u; stat -c %u /", user="alice"), f"{alice.pw_uid}\n" * 2)
    good("run", "-d", "--name=rooted", "--rootfs", root, "sleep", "1000", user="alice")
    equal([row["id"] for row in listing("ps")], ["rooted"])
    equal(good("exec", "rooted", "cat", "/made", user="alice"), "")
    good("cp", "/etc/os-release", "rooted:/copied", user="alice")
    equal(os.stat(f"{root}/copied").st_uid, alice.pw_uid)
    # A stopped one is opened as its owner as well.
    good("kill", "-s", "KILL", "rooted", user="alice")
    equal(dist("wait", "rooted", user="alice").status, 137)
    good("cp", "/etc/hostname", "rooted:/stopped", user="alice")
    equal(os.stat(f"{root}/stopped").st_uid, alice.pw_uid)
    for verb in (["diff", "rooted"], ["commit", "rooted", "localhost/rooted:x"]):
        contains(dist(*verb).err, "no image")
    good("rm", "-f", "rooted", user="alice")
    run("umount", "-l", f"{root}/below")
    # Nothing of the directory is the container's: it stays.
    assert os.path.exists(f"{root}/made")


def test_a_kept_id_makes_missing_mount_points_in_an_own_directory():
    """With --userns=keep-id, an own directory has no root of the container that could make them."""
    only_create()
    alice = pwd.getpwnam("alice")
    root = root_of("kept-root", "alice")
    source = owned("kept-source")
    put(f"{source}/file", owner=alice.pw_uid)
    show = ("sh", "-c", "id -u; stat -c %u /; cat /etc/hostname; ls /deep/er; grep -E 'Cap(Eff|Prm)' /proc/self/status")
    options = ("--userns=keep-id", "--hostname=kept", "-v", f"{source}:/deep/er")
    lines = good("run", "--rm", *options, "--rootfs", root, *show, user="alice").splitlines()
    equal(lines[:4], [f"{alice.pw_uid}"] * 2 + ["kept", "file"], lines)
    for path in ("proc", "etc/hostname", "deep", "deep/er"):
        status = os.stat(f"{root}/{path}")
        equal((status.st_uid, status.st_gid, status.st_mode & 0o777), (alice.pw_uid, alice.pw_gid, 0o644 if path == "etc/hostname" else 0o755), path)
    # The same below a mount, and the process has the capabilities that it has with an image.
    own = owned("kept-own")
    nested = ("-v", f"{own}:/v", "-v", f"{source}:/v/below")
    equal(inside("ls", "/v/below", options=["--userns=keep-id", *nested], user="alice"), "file\n")
    equal(lines[4:], inside("grep", "-E", "Cap(Eff|Prm)", "/proc/self/status", options=["--userns=keep-id"], user="alice").splitlines())


def test_a_working_directory_is_made_in_own_files():
    """A working directory that is missing belongs to the only user that the mount has, whichever user the container has."""
    only_create()
    alice = pwd.getpwnam("alice")
    own = owned("working")
    for number, options in enumerate((["--userns=keep-id"], ["--user=7"], ["--userns=keep-id", "--user=0"])):
        path = f"{number}/below"
        equal(inside("pwd", options=[*options, "-v", f"{own}:/v", "-w", f"/v/{path}"], user="alice"), f"/v/{path}\n")
        equal(os.stat(f"{own}/{path}").st_uid, alice.pw_uid)
    good("run", "-d", "--id=working", "--userns=keep-id", "-v", f"{own}:/v", IMAGE, user="alice")
    # An exec makes none.
    contains(dist("exec", "-w", "/v/exec", "working", "pwd", user="alice").err, "working directory /v/exec: No such file")
    equal(os.path.exists(f"{own}/exec"), False)
    good("rm", "-f", "working", user="alice")
    # The directories of others stay refused.
    os.makedirs(f"{own}/roots")
    contains(dist("run", "--rm", "--userns=keep-id", "-v", f"{own}:/v", "-w", "/v/roots/x", IMAGE, "pwd", user="alice").err, "working directory")
    equal(os.listdir(f"{own}/roots"), [])


def test_a_root_that_is_not_the_callers_is_a_privilege():
    only_create()
    anothers = root_of("anothers-root", "bin")
    own = root_of("own-root", "alice")
    for words in (["--rootfs", anothers], ["--rootfs", "/"], ["--userns=host", "--rootfs", own]):
        result = dist("run", *words, "true", user="alice")
        equal(result.status, 125, words)
        contains(result.err, "Permission denied: containers.create-privileged")
    polkit_rule(f"""polkit.addRule(function(action, subject) {{
        if (subject.user != "alice" || action.id.indexOf("org.berth1.containers.") != 0)
            return null;
        var privilege = action.lookup("privilege");
        return !privilege || privilege == "root-directory:{anothers}" ? "yes" : "no";
    }});""")
    os.makedirs(f"{anothers}/proc")
    for name in ("sys", "dev", "run", "etc"):
        os.makedirs(f"{anothers}/{name}", exist_ok=True)
    for name in ("hosts", "hostname", "resolv.conf"):
        put(f"{anothers}/etc/{name}")
    # Its ids are not mapped, so that nothing in it can be changed.
    equal(good("run", "--rm", "--rootfs", anothers, "sh", "-c", "stat -c %u /bin; touch /x 2>/dev/null || echo refused", user="alice"), "65534\nrefused\n")
    equal(dist("run", "--rootfs", "/", "true", user="alice").status, 125)
    # For root, all ids are those of the container.
    equal(good("run", "--rm", "--rootfs", anothers, "sh", "-c", "stat -c %u /bin; touch /made; chown 7 /made"), f"{pwd.getpwnam('bin').pw_uid}\n")
    equal(os.stat(f"{anothers}/made").st_uid, 7)
    equal(good("run", "--rm", "--userns=host", "--rootfs", anothers, "sh", "-c", "stat -c %u /made"), "7\n")
    for words, word in ((["--rootfs", "/nothing"], "/nothing"), (["--rootfs", f"{own}:O", "true"], '":O" is not supported'),
                        (["--rootfs", f"{own}:idmap", "true"], '":idmap" is not supported'), (["--rootfs", own], "there is no command to execute"),
                        (["--rootfs"], "DIRECTORY"), (["--rootfs", "--rmi", own, "true"], "--rmi needs an image"),
                        (["--rootfs", "--spec=/x", own], "--spec and --rootfs exclude each other"),
                        (["--rootfs", "--env-merge=A=b", own, "true"], "--env-merge needs an image"), (["--rootfs", f"{own}/bin/busybox", "true"], "busybox")):
        result = dist("run", *words)
        equal(result.status, 125, words)
        contains(result.err, word)


def test_a_root_is_checked_at_each_start():
    only_create()
    roots = {name: root_of(f"at-start/{name}", "alice") for name in ("foreign", "linked", "masked", "race")}
    shutil.chown(f"{SHARED}/at-start", "alice", "alice")
    for name, path in roots.items():
        good("create", f"--id=root-{name}", "--rootfs", path, "sh", "-c", "ls /; ls /proc/kcore /proc/keys 2>/dev/null | wc -l", user="alice")
    os.chown(roots["foreign"], 4243, 4243)
    os.rename(roots["linked"], f"{SHARED}/at-start/away")
    os.symlink("/", roots["linked"])
    os.symlink("/bin", f"{roots['masked']}/proc")
    for name, word in (("foreign", "does not belong to user"), ("linked", "was replaced since it was given"), ("masked", "/proc")):
        contains(dist("start", "-a", f"root-{name}", user="alice").err, word)
        good("rm", f"root-{name}", user="alice")
    # While the path alternates between the directory and one of root's, no start shows root's.
    os.makedirs(f"{SHARED}/at-start-roots/bin")
    put(f"{SHARED}/at-start-roots/secret")
    for result in starts_while_swapped("root-race", 8, roots["race"], f"{SHARED}/at-start-roots"):
        assert "secret" not in result.out, result
    good("rm", "root-race", user="alice")
    run("rm", "-r", "/etc/polkit-1/rules.d/00-berth-test.rules")
    run("systemctl", "restart", "polkit.service")


def test_volumes_outlive_containers():
    options = ["-v", "store:/vol"]
    inside("sh", "-c", "echo kept >/vol/file; chown 7 /vol/file", options=options)
    equal(inside("sh", "-c", "cat /vol/file; stat -c %u /vol/file", options=options), "kept\n7\n")
    equal([row["name"] for row in listing("volume", "list")], ["store"])
    good("create", "--id=holder", *options, IMAGE)
    result = dist("volume", "rm", "store")
    contains(result.err, "holder")
    good("rm", "holder")
    good("volume", "rm", "store")
    equal(listing("volume", "list"), [])
    contains(dist("volume", "rm", "store").err, "no volume")
    good("volume", "create", "empty")
    contains(dist("volume", "create", "empty").err, "already")
    contains(dist("volume", "create", "../x").err, "../x")
    contains(dist("create", "-v", "notmade:/x", f"{HOST}/no/such:image").err, "no/such")
    equal([row["name"] for row in listing("volume", "list")], ["empty"])
    equal(inside("ls", "/vol", options=["-v", "empty:/vol"]), "")
    good("volume", "rm", "empty")


def test_volumes_of_a_crash():
    os.makedirs(f"{STATE}/volumes/stray")
    kill_service()
    good("ps")
    wait_until(lambda: not os.path.exists(f"{STATE}/volumes/stray"), "the stray directory goes")


def test_temporary_file_systems():
    contains(inside("grep", " /scratch ", "/proc/self/mountinfo", options=["--tmpfs", "/scratch:size=64k,noexec"]), "noexec")
    result = dist("run", "--rm", "--tmpfs", "/scratch:size=64k", IMAGE, "dd", "if=/dev/zero", "of=/scratch/x", "bs=1k", "count=100")
    contains(result.err, "No space")


def test_a_read_only_root_has_writable_temporary_directories():
    out = inside("sh", "-c", "touch /x 2>/dev/null || echo no; touch /tmp/x /run/x /data/x && echo yes; cat /data/of-image",
                 options=["--read-only"])
    equal(out.split(), ["no", "yes", "image"])


def test_files_that_berth_manages():
    out = inside("sh", "-c", "cat /etc/hostname /etc/hosts; echo more >>/etc/hosts && echo writable; stat -c %u /etc/hosts",
                 options=["--hostname=name.example"])
    lines = out.split("\n")
    equal(lines[0], "name.example")
    contains(out, "127.0.0.1\tlocalhost")
    contains(out, "name.example\n")
    contains(out, "writable\n0")


def test_devices():
    equal(inside("sh", "-c", "stat -c '%t:%T %a' /dev/fuse; ls /dev | grep -c fuse", options=["--device=/dev/fuse"]).split(),
          ["a:e5", oct(os.stat("/dev/fuse").st_mode & 0o777)[2:], "1"])
    equal(inside("stat", "-c", "%t:%T", "/dev/other/name", options=["--device=/dev/null:/dev/other/name:rw"]), "1:3\n")
    for text, word in (("/dev/nothere", "nothere"), ("/etc/passwd", "is not a device"), ("/dev/fuse:x", "absolute"), ("/dev/fuse:/dev/f:q", "access"),
                       ("vendor.com/gpu=0", "vendor.com/gpu=0")):
        result = dist("create", f"--device={text}", IMAGE)
        equal(result.status, 125, text)
        contains(result.err, word)


def test_devices_by_name():
    os.makedirs("/etc/cdi", exist_ok=True)
    with open("/etc/cdi/broken.json", "w", encoding="utf-8") as file:
        file.write("{")
    with open("/etc/cdi/vendor.json", "w", encoding="utf-8") as file:
        json.dump({"cdiVersion": "0.6.0", "kind": "vendor.com/gpu", "containerEdits": {"env": ["ALL=1"]}, "devices": [
            {"name": "first", "containerEdits": {
                "env": ["DEVICE=first"], "deviceNodes": [{"path": "/dev/gpu0", "hostPath": "/dev/null", "permissions": "rw"}],
                "mounts": [{"hostPath": f"{SHARED}/file", "containerPath": "/usr/lib/driver", "options": ["ro"]}],
                "hooks": [{"hookName": "createRuntime", "path": "/bin/sh", "args": ["sh", "-c", "echo ran >/var/tmp/cdi-hook"]}]}},
            {"name": "broken", "containerEdits": {"deviceNodes": [{"path": "/dev/nothere"}]}}]}, file)
    out = inside("sh", "-c", "echo $ALL$DEVICE; stat -c %t:%T /dev/gpu0; cat /usr/lib/driver", options=["--device=vendor.com/gpu=first"])
    equal(out.split(), ["1first", "1:3", "host"])
    equal(open("/var/tmp/cdi-hook", encoding="utf-8").read(), "ran\n")
    for name, word in (("vendor.com/gpu=second", "vendor.com/gpu=second"), ("vendor.com/gpu=broken", "nothere")):
        contains(dist("create", f"--device={name}", IMAGE).err, word)
    shutil.rmtree("/etc/cdi")
    # /var/run/cdi is the directory for specifications that are generated at run time.
    os.makedirs("/var/run/cdi", exist_ok=True)
    with open("/var/run/cdi/vendor.json", "w", encoding="utf-8") as file:
        json.dump({"cdiVersion": "0.6.0", "kind": "vendor.com/late", "devices": [
            {"name": "one", "containerEdits": {"env": ["DEVICE=late"], "deviceNodes": [{"path": "/dev/zero"}]}}]}, file)
    equal(inside("sh", "-c", "echo $DEVICE", options=["--device=vendor.com/late=one"]), "late\n")
    shutil.rmtree("/var/run/cdi")


def test_the_filter_allows_the_calls_of_granted_capabilities():
    contains(dist("run", "--rm", IMAGE, "mount", "-t", "tmpfs", "x", "/tmp").err, "permission denied")
    out = good("run", "--rm", "--cap-add=SYS_ADMIN", IMAGE, "sh", "-c",
               "mount -t tmpfs x /tmp && grep -c ' /tmp tmpfs' /proc/mounts && unshare -u hostname other && hostname")
    equal(out.splitlines()[0], "1")
    assert "other" not in out, out


def test_a_seccomp_profile_with_conditions():
    # Conditions as in the profiles of moby and podman.
    rule = {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 17}
    for conditions, answer in (({"includes": {"caps": ["CAP_CHOWN"]}}, "File exists"), ({"excludes": {"caps": ["CAP_CHOWN"]}}, ""),
                               ({"includes": {"caps": ["CAP_SYS_ADMIN"]}}, "")):
        profile = json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{**rule, **conditions}],
                              "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]}]})
        with open("/var/tmp/profile.json", "w", encoding="utf-8") as file:
            file.write(profile)
        contains(dist("run", "--rm", "--seccomp=/var/tmp/profile.json", IMAGE, "mkdir", "/x").err, answer)


def test_a_custom_seccomp_profile():
    profile = json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 17}]})
    contains(dist("run", "--rm", f"--seccomp={profile}", IMAGE, "mkdir", "/x").err, "File exists")
    contains(dist("create", "--seccomp={", IMAGE).err, "seccomp")
    contains(dist("create", "--seccomp=odd", IMAGE).err, "unconfined")


def test_host_is_not_visible():
    out = inside("sh", "-c", "ls /run /var/lib 2>&1; ls -d /run/systemd /run/dbus /var/lib/berth /sys/fs/cgroup/../cgroup/berth.slice 2>&1; "
                 "cat /proc/net/dev; ps; grep -c . /proc/self/mountinfo; ls /proc/self/fd")
    for word in ("berth.db", "system_bus_socket", "journal", "eth0", "berthd", "systemd\n"):
        assert word not in out.replace("/run/systemd: No such", ""), (word, out)


def test_the_launcher_cannot_be_changed_from_inside():
    # As in CVE-2019-5736, the command is the launcher itself, reached through /proc/PID/exe.
    before = run("sha256sum", "/usr/libexec/berth-launch").out
    for options in ([], ["--userns=host"], ["--privileged"]):
        good("run", "-d", "--id=evil", *options, IMAGE, "sleep", "100")
        for command in ("/proc/self/exe", "/proc/1/exe"):
            dist("exec", "evil", command, "exec", "x", "-", "-")
        dist("exec", "evil", "sh", "-c", "for i in 1 2 3; do echo x >/proc/$$/exe; done")
        script = "#!/proc/self/exe\n"
        dist("exec", "evil", "sh", "-c", f"printf '{script}' >/bin/fake; chmod +x /bin/fake; /bin/fake")
        dist("exec", "evil", "/bin/fake")
        good("rm", "-f", "evil")
    equal(run("sha256sum", "/usr/libexec/berth-launch").out, before)


def test_a_working_directory_that_leads_out():
    # As in CVE-2024-21626, the working directory is a descriptor of the host that may have been left open.
    for fd in range(3, 12):
        result = dist("run", "--rm", "-w", f"/proc/self/fd/{fd}", IMAGE, "ls")
        assert result.status != 0 or "berth.db" not in result.out, result
        assert result.status == 125, result
    inside("ln", "-s", "/proc/self/fd/5", "/dir", options=[])


def test_a_missing_working_directory_is_made_only_inside():
    """The launcher makes a working directory that does not exist, and still has the rights of the host's root then if the
    container has the ids of the host."""
    layer = oci.busybox_layer().symlink("out-1", "/proc/1/root/var/tmp")
    for fd in range(3, 12):
        layer.symlink(f"out-{fd}", f"/proc/self/fd/{fd}")
    oci.push(oci.Image([layer], {"Cmd": ["true"], "Env": ["PATH=/bin"], "User": "7:8"}), f"{HOST}/iso/out:x")
    good("pull", f"{HOST}/iso/out:x")
    for options in ([], ["--userns=host"], ["--userns=host", "--pid=host"]):
        for fd in 1, *range(3, 12):
            result = dist("run", "--rm", *options, "-w", f"/out-{fd}/made/here", f"{HOST}/iso/out:x")
            assert result.status == 125 or (fd == 1 and "--pid=host" not in options), f"{options}, {fd}: {result}"
    equal(run("find", STATE, "/run/berth", "/var/tmp", "-xdev", "-name", "made").out, "")


def test_a_working_directory_in_the_host_s_view_of_the_root_is_refused():
    """The directory is the same file as one in the container, but its parents are those of the host."""
    root = root_of("seen", "root")
    os.mkdir(f"{root}/dir")
    os.symlink(f"/proc/1/root{root}/dir", f"{root}/work")
    result = dist("run", "--rm", "--pid=host", "--userns=host", "-w", "/work", "--rootfs", root, "/bin/cat", "../../../../etc/os-release")
    equal(result.status, 125, str(result))
    contains(result.err, "not in the container")
    shutil.rmtree(root)


def test_the_hosts_message_queues_need_no_mount_on_the_host():
    """Not every host has /dev/mqueue; the file system shows the queues of the IPC namespace all the same."""
    mounted = os.path.ismount("/dev/mqueue")
    os.makedirs("/dev/mqueue", exist_ok=True)
    if not mounted:
        equal(run("mount", "-t", "mqueue", "mqueue", "/dev/mqueue").status, 0)
    with open("/dev/mqueue/of-the-host", "wb"):
        pass
    equal(run("umount", "/dev/mqueue").status, 0)
    os.rmdir("/dev/mqueue")
    try:
        for users in ("auto", "host"):
            contains(inside("ls", "/dev/mqueue", options=("--ipc=host", f"--userns={users}")), "of-the-host")
            equal(inside("ls", "/dev/mqueue", options=(f"--userns={users}",)), "")
        mount = inside("grep", " /dev/mqueue ", "/proc/self/mounts", options=("--ipc=host",)).split()
        equal((mount[2], {"nosuid", "nodev", "noexec"} - set(mount[3].split(","))), ("mqueue", set()))
    finally:
        os.makedirs("/dev/mqueue", exist_ok=True)
        run("mount", "-t", "mqueue", "mqueue", "/dev/mqueue")
        os.unlink("/dev/mqueue/of-the-host")
        if not mounted:
            run("umount", "/dev/mqueue")


def test_links_in_an_image_lead_nowhere():
    layer = oci.busybox_layer()
    layer.symlink("escape", "/../../../../../../../var/tmp")
    oci.push(oci.Image([layer], {"Cmd": ["ls", "/"], "Env": ["PATH=/bin"]}), f"{HOST}/iso/links:x")
    good("pull", f"{HOST}/iso/links:x")
    good("run", "--rm", "-v", "deep:/escape/berth-was-here", f"{HOST}/iso/links:x")
    assert not os.path.exists("/var/tmp/berth-was-here")
    good("volume", "rm", "deep")
    for name, target in (("proc", "/bin"), ("dev", "/bin"), ("sys", "/bin")):
        layer = oci.busybox_layer()
        layer.symlink(name, target)
        oci.push(oci.Image([layer], {"Cmd": ["ls", "/"], "Env": ["PATH=/bin"]}), f"{HOST}/iso/{name}:x")
        good("pull", f"{HOST}/iso/{name}:x")
        result = dist("run", "--rm", f"{HOST}/iso/{name}:x")
        equal(result.status, 125)
        contains(result.err, f"/{name}")


def test_nothing_is_mounted_over_the_root():
    """Processes that join the container later would be in that mount, in which nothing is hidden."""
    layer = oci.busybox_layer()
    layer.symlink("top", "/")
    layer.symlink("bin/top", "..")
    image = f"{HOST}/iso/root:x"
    oci.push(oci.Image([layer], {"Cmd": ["sleep", "1000"], "Env": ["PATH=/bin"], "Volumes": {"//": {}, "/./": {}}}), image)
    good("pull", image)
    for path in ("/", "//", "/.", "/./", "//.//"):
        for source, options in (("", ()), ("over", ("nocopy",)), ("", ("volume", "nocopy")), (image, ("image",))):
            result = containers_call("Create", "ssa{sv}", "over", image, "1", "Mounts", "a(ssas)", "1", source, path, str(len(options)), *options)
            contains(result.err, f'the mount point "{path}" is not an absolute path below the root')
    for path in ("/top", "/bin/top", "/top/bin/top/."):
        result = dist("run", "--rm", "--tmpfs", path, image)
        equal(result.status, 125, str(result))
        contains(result.err, f"the mount point {path} leads to the root by a link of the image")
    good("run", "-d", "--id=over", "--tmpfs=//below", image)
    contains(good("exec", "over", "ls", "/"), "below")
    good("rm", "-f", "over")


def test_a_race_for_a_mount_point_leads_nowhere():
    """No mount reaches the host while another container replaces a directory of the shared volume with a link
    (CVE-2021-30465, CVE-2024-45310)."""
    target = "/var/tmp/race"
    os.makedirs(target, exist_ok=True)
    os.chmod(target, 0o777)
    link = "../" * 20 + target[1:]
    good("run", "-d", "--id=racer", "-v", "raced:/s", IMAGE, "sh", "-c",
         f"cd /s; mkdir -p a; while :; do mv a x; ln -s {link} a; rm a; ln -s /proc/1/root{target} a; rm a; mv x a; done 2>/dev/null")
    outcomes = set()
    for number in range(40):
        mount = ["--tmpfs", f"/s/a/point-{number}"] if number % 2 else ["-v", f"other:/s/a/deep/{number}"]
        result = dist("run", "--rm", "-v", "raced:/s", *mount, IMAGE, "true")
        outcomes.add(result.status)
        equal(os.listdir(target), [], str(result))
    assert outcomes <= {0, 125} and 0 in outcomes, outcomes
    assert target not in open("/proc/self/mountinfo", encoding="utf-8").read()
    good("rm", "-f", "racer")
    good("volume", "rm", "raced", "other")


def test_a_volume_cannot_be_mounted_over_proc_by_a_link():
    layer = oci.busybox_layer()
    layer.symlink("trap", "/proc/self/attr")
    oci.push(oci.Image([layer], {"Cmd": ["ls", "/"], "Env": ["PATH=/bin"]}), f"{HOST}/iso/trap:x")
    good("pull", f"{HOST}/iso/trap:x")
    result = dist("run", "--rm", "--tmpfs", "/trap", f"{HOST}/iso/trap:x")
    equal(result.status, 125)
    contains(result.err, "/trap")


def test_calls_that_would_leave_the_container_fail():
    tries = {
        "mount -t tmpfs x /mnt": 1, "unshare -U true": 1, "chroot / mount -t proc p /tmp": 1, "mknod /tmp/disk b 8 0": 1,
        "echo x >/proc/sys/kernel/core_pattern": 1, "echo b >/proc/sysrq-trigger": 1, "echo 1 >/sys/fs/cgroup/cgroup.freeze": 1,
        "cat /proc/kcore": None, "dmesg": 1, "hostname other": 1, "nsenter -t 1 -m true": 1, "kill -9 1": None,
        "echo 0 >/proc/1/oom_score_adj": None, "cat /proc/keys": None, "reboot -f": None,
    }
    for command, status in tries.items():
        result = dist("run", "--rm", IMAGE, "timeout", "5", "sh", "-c", command + " 2>&1")
        if status is not None:
            assert result.status != 0, (command, result)
        assert "berth" not in result.out, (command, result)
    service_is_up()


STI = r"""
#include <errno.h>
#include <stdio.h>
#include <sys/ioctl.h>
int main(void) {
    for (int fd = 0; fd < 3; fd++) {
        char line = 3;
        if (ioctl(fd, TIOCSCTTY, 1) == 0 || ioctl(fd, TIOCSTI, "x") == 0 || ioctl(fd, TIOCLINUX, &line) == 0)
            puts("typed");
    }
    puts("done");
    return 0;
}
"""


def pull_program(path, source):
    """Pulls an image with busybox and a program in C, which is its command, and returns the image's name."""
    layer, name = oci.busybox_layer(), os.path.basename(path)
    equal(run("gcc", "-static", "-x", "c", "-o", f"/var/tmp/{name}", "-", input=source).status, 0)
    with open(f"/var/tmp/{name}", "rb") as file:
        layer.add(path, file.read(), mode=0o755)
    image = f"{HOST}/iso/{name}:x"
    oci.push(oci.Image([layer], {"Cmd": [f"/{path}"], "Env": ["PATH=/bin"]}), image)
    good("pull", image)
    return image


def test_nothing_is_typed_into_the_callers_terminal():
    """A container that inherits the caller's terminal as a descriptor cannot insert input into it."""
    image = pull_program("sti", STI)
    for options in ([], ["--userns=host"], ["--cap-add=SYS_ADMIN"]):
        # script(1) opens a new terminal and runs the shell on it.
        line = " ".join(["dist", "run", "--rm", *options, image])
        result = run("script", "-qec", f"{line}; bash -c 'read -t 0.5 word; echo got=$word'", "/dev/null")
        contains(result.out, "done")
        contains(result.out, "got=\n")
        assert "typed" not in result.out, f"{options}: {result}"


def test_keys_of_the_service_are_not_visible():
    out = inside("sh", "-c", "cat /proc/keys | wc -l")
    equal(out, "0\n")


def test_a_fork_bomb_and_a_full_disk_are_contained():
    result = dist("run", "--rm", "--pids=20", IMAGE, "sh", "-c", "i=0; while [ $i -lt 40 ]; do sleep 3 & i=$((i+1)); done; kill -9 -1")
    assert result.status in (0, 2, 137), f"2 is of a shell that cannot fork: {result}"
    service_is_up()
    equal(inside("echo", "fine"), "fine\n")


HIDING = r"""
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
int main(void) {
    char name[251] = {0};
    memset(name, 'x', sizeof name - 1);
    int bad = chdir("/sys/fs/cgroup");
    for (int i = 0; i < 20; i++)
        bad |= mkdir(name, 0755) | chdir(name);
    bad |= write(open("cgroup.procs", O_WRONLY), "0", 1) != 1;
    puts(bad ? "failed" : "hidden");
    fflush(stdout);
    return bad ? 1 : (int)sleep(1000);
}
"""


def test_an_executed_process_is_in_the_cgroup_of_its_container():
    """A container that has its cgroup can put its processes where the kernel does not show their path, which is longer
    than PATH_MAX. Processes that are executed in it must not stay in the service's cgroup instead, nor may the service's
    cgroup become that of the container's root."""
    # By this name, it is taken for an init system, which may change its cgroup.
    image = pull_program("init", HIDING)
    own = run("systemctl", "show", "-P", "ControlGroup", "berthd.service").out.strip()
    paths = [path for path in (f"/sys/fs/cgroup{own}", f"/sys/fs/cgroup/unified{own}") if os.path.isdir(path)]
    assert paths, own
    good("run", "-d", "--id=hiding", image)
    wait_until(lambda: "hidden" in dist("logs", "hiding").out, "the container hides")
    result = dist("exec", "hiding", "cat", "/proc/self/cgroup")
    assert "berthd" not in result.out, result
    equal([os.stat(f"{path}/cgroup.procs").st_uid for path in paths], [0] * len(paths))
    equal(result.status, 125)
    contains(result.err, "cgroup")
    good("rm", "-f", "hiding")


def test_a_full_disk_is_contained():
    """If the file system of Berth's state is full, only writes to it fail, and no exit status is lost."""
    run("systemctl", "stop", "berthd")
    run("mount", "-t", "tmpfs", "-o", "size=32M", "tmpfs", "/var/lib/berth")
    good("pull", IMAGE)
    good("run", "-d", "--id=other", IMAGE, "sh", "-c", "sleep 1000; exit 1")
    good("run", "-d", "--id=greedy", IMAGE, "sh", "-c", "dd if=/dev/zero of=/all bs=1M; sleep 1000")
    wait_until(lambda: os.statvfs("/var/lib/berth").f_bavail == 0, "the end of the space")
    equal(sorted(row["id"] for row in listing("ps")), ["greedy", "other"])
    for number in range(200):
        equal(dist("exec", "other", "sh", "-c", f"exit {number}").status, number)
    result = dist("run", "--rm", IMAGE, "true")
    assert result.status == 0 or "No space left on device" in result.err, result
    good("kill", "-s", "KILL", "other")
    equal(dist("wait", "other").status, 137)
    kill_service()
    equal(dist("wait", "other").status, 137, "after the service was killed")
    equal([row["state"] for row in listing("ps", "-a") if row["id"] == "greedy"], ["running"])
    good("rm", "-f", "greedy", "other")
    wait_until(lambda: os.statvfs("/var/lib/berth").f_bavail > 1000, "the space again")
    equal(inside("echo", "fine"), "fine\n")
    equal(listing("ps", "-a"), [])
    run("systemctl", "stop", "berthd")
    # The last worker or mount namespace may end a moment later.
    wait_until(lambda: run("umount", "/var/lib/berth").status == 0, "the unmount")


def test_bad_input_is_named():
    for options, word in ((["--user=nosuch"], "nosuch"), (["--user=0:nogroup"], "nogroup"), (["--hostname=a b"], "a b"),
                          (["--stop-signal=NOPE"], "NOPE"), (["-e", "=x"], "=x"), (["--cap-add=NOPE"], "NOPE"),
                          (["-w", "relative"], "relative"), (["--id=../x"], "../x"), (["--id=" + "x" * 65], "x" * 65),
                          (["-w", "/" + "y" * 4097], "too large")):
        result = dist("run", "--rm", *options, IMAGE, "true")
        equal(result.status, 125, str(options)[:200])
        contains(result.err, word)


def test_a_huge_passwd_is_refused():
    layer = oci.busybox_layer()
    layer.add("etc/passwd", b"x" * (5 * 1024 * 1024))
    oci.push(oci.Image([layer], {"Cmd": ["true"], "Env": ["PATH=/bin"]}), f"{HOST}/iso/passwd:x")
    good("pull", f"{HOST}/iso/passwd:x")
    result = dist("run", "--rm", "-u", "someone", f"{HOST}/iso/passwd:x")
    equal(result.status, 125)
    contains(result.err, "/etc/passwd")


def test_another_architecture_is_named():
    layer = oci.busybox_layer()
    layer.add("bin/foreign", b"\x7fELF\x02\x01\x01" + b"\0" * 9 + b"\x02\0\xb7\0" + b"\0" * 100, mode=0o755)
    oci.push(oci.Image([layer], {"Cmd": ["/bin/foreign"], "Env": ["PATH=/bin"]}), f"{HOST}/iso/foreign:x")
    good("pull", f"{HOST}/iso/foreign:x")
    result = dist("run", "--rm", f"{HOST}/iso/foreign:x")
    equal(result.status, 126)
    contains(result.err, "Exec format error")


def test_the_system_bus_is_out_of_reach():
    for path in ("/run/dbus/system_bus_socket", "/run/systemd/private", "/run/systemd/journal/socket"):
        assert os.path.exists(path), path
    out = inside("sh", "-c", "ls /run/dbus /run/systemd 2>&1; cat /proc/net/unix | grep -c /run/ || true")
    contains(out, "No such file")
    equal(out.strip().split("\n")[-1], "0")


def test_nothing_is_left():
    equal(listing("ps", "-a"), [])
    wait_until(lambda: run("systemctl", "list-units", "--plain", "--no-legend", "berth-*.scope").out == "", "the scopes go")
    wait_until(lambda: os.listdir(f"{STATE}/containers") == [], "the end of all directories")
    mounts = open("/proc/self/mountinfo", encoding="utf-8").read()
    assert "/var/lib/berth/containers" not in mounts


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
