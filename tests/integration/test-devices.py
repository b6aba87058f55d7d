# SPDX-License-Identifier: LGPL-2.1-or-later
# Device nodes of an image can be opened neither in a container nor in a mount of the image, nor through a volume, a
# copy or a commit, and no option changes that. The devices that Berth creates in /dev can be used.

import grp
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

IMAGE = f"{HOST}/devices/base:x"
SINGLE = f"{HOST}/devices/single:x"
PLAIN = f"{HOST}/busybox:latest"
MOUNT = "/var/tmp/mounted"
TOOLS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools")

# A block device for which the kernel has a driver, and some character devices.
BLOCK = tuple(int(number) for number in sorted(os.listdir("/sys/dev/block"))[0].split(":"))
DEVICES = {"block": (tarfile.BLKTYPE, BLOCK), "zero": (tarfile.CHRTYPE, (1, 5)), "fuse": (tarfile.CHRTYPE, (10, 229)),
           "memory": (tarfile.CHRTYPE, (1, 1))}
# A script that prints the name of each device that is missing or can be opened; DIRECTORY stands for their directory.
TRY = "cd DIRECTORY; for name in block zero fuse memory; do test -e $name || echo $name is missing; (exec <$name) 2>/dev/null && echo $name opens; done; true"


CREATES = """polkit.addRule(function(action, subject) {
    if (subject.user == "alice" && ["org.berth1.containers.create", "org.berth1.containers.create-privileged",
        "org.berth1.containers.manage-own", "org.berth1.images.manage", "org.berth1.images.inspect", "org.berth1.contents.read"].indexOf(action.id) >= 0)
        return polkit.Result.YES;
});"""


def add_devices(layer, directory=""):
    for name, (kind, number) in DEVICES.items():
        layer.add(f"{directory}{name}", kind=kind, device=number, mode=0o666)
    return layer


def inside(directory, *options, image=IMAGE, user=None):
    return good("run", "--rm", *options, image, "sh", "-c", TRY.replace("DIRECTORY", directory), user=user)


def seen_from(directory, *command, user=None):
    result = run(*command, "sh", "-c", TRY.replace("DIRECTORY", directory), user=user)
    equal(result.status, 0, str(result))
    return result.out


def test_setup():
    base = oci.busybox_layer()
    oci.push(oci.busybox_image(), PLAIN)
    layer = add_devices(oci.Layer().directory("devices"), "devices/").directory("dev").directory("open", mode=0o777)
    for name in ("null", "zero"):
        layer.add(f"dev/{name}", kind=tarfile.BLKTYPE, device=BLOCK, mode=0o666)
    layer.add("setuid", open("/bin/busybox", "rb").read(), mode=0o4755)
    oci.push(oci.Image([base, layer], {"Cmd": ["sh"], "Env": ["PATH=/bin"]}), IMAGE)
    single = add_devices(oci.Layer().directory("devices").directory("open", mode=0o777), "devices/")
    single.add("writable", b"before\n", mode=0o666)
    oci.push(oci.Image([single], {"Cmd": ["sh"]}), SINGLE)
    for image in (IMAGE, SINGLE, PLAIN):
        good("pull", image)
    os.makedirs(MOUNT)
    os.chmod(MOUNT, 0o777)
    polkit_rule(CREATES)
    # The tests are meaningful only if the devices can be opened outside containers.
    os.makedirs("/dev/devices")
    for name, (kind, number) in DEVICES.items():
        os.mknod(f"/dev/devices/{name}", 0o666 | (0o020000 if kind == tarfile.CHRTYPE else 0o060000), os.makedev(*number))
        os.chmod(f"/dev/devices/{name}", 0o666)
    contains(seen_from("/dev/devices"), "zero opens\nfuse opens\n")


def test_device_nodes_of_an_image_cannot_be_opened():
    equal(inside("/devices"), "")
    equal(inside("/devices", "--user=1:1"), "")


def test_device_nodes_of_an_image_cannot_be_opened_as_a_user_of_the_host():
    equal(inside("/devices", "--userns=host"), "")
    equal(inside("/devices", "--userns=host", "--cap-add=MKNOD", "--cap-add=SYS_ADMIN", "--cap-add=DAC_OVERRIDE"), "")


def test_device_nodes_of_an_image_cannot_be_opened_with_all_privileges():
    equal(inside("/devices", "--privileged"), "")
    equal(inside("/devices", "--privileged", "--userns=host"), "")


def test_device_nodes_cannot_be_opened_by_executed_processes():
    good("run", "-d", "--id=later", IMAGE, "sleep", "1000")
    equal(good("exec", "later", "sh", "-c", TRY.replace("DIRECTORY", "/devices")), "")
    equal(good("exec", "--cap-add=ALL", "later", "sh", "-c", TRY.replace("DIRECTORY", "/devices")), "")
    good("rm", "-f", "later")


def test_the_device_policy_denies_devices_in_addition_to_nodev():
    """DevicePolicy=closed of the scope denies devices even if the container removes nodev or creates device nodes."""
    for options in ((), ("--userns=host", "--cap-add=MKNOD")):
        good("create", "--id=closed", *options, PLAIN, "sleep", "1000")
        good("start", "closed")
        equal(run("systemctl", "show", "-P", "DevicePolicy", "berth-closed.scope").out, "closed\n", str(options))
        good("rm", "-f", "closed")
    # With CAP_SYS_ADMIN in its user namespace, the container can remount its root without nodev.
    result = dist("run", "--rm", "--cap-add=SYS_ADMIN", IMAGE, "sh", "-c", "mount -o remount,dev /; " + TRY.replace("DIRECTORY", "/devices"))
    for name in ("block", "fuse", "memory"):
        assert f"{name} opens" not in result.out, result
    result = dist("run", "--rm", "--userns=host", "--cap-add=MKNOD", PLAIN, "sh", "-c",
                  "mknod /dev/fuse c 10 229 && chmod 666 /dev/fuse && head -c 0 /dev/fuse; exec </dev/fuse && echo opens")
    assert "opens" not in result.out, result
    contains(result.err, "Operation not permitted")


def test_devices_of_berth_and_of_options_can_be_opened():
    script = "stat -c '%F %t:%T' /dev/null /dev/zero; head -c 3 /dev/zero | od -An -tx1; echo x >/dev/null && echo written"
    for options in ((), ("--userns=host",), ("--privileged",)):
        equal(good("run", "--rm", *options, IMAGE, "sh", "-c", script),
              "character special file 1:3\ncharacter special file 1:5\n 00 00 00\nwritten\n")
    for options in ((), ("--userns=host",)):
        # Devices that are passed with --device can be opened, wherever they are in the container.
        equal(good("run", "--rm", *options, "--device=/dev/fuse", "--device=/dev/zero:/in/the/root:r", IMAGE, "sh", "-c",
                   "exec <>/dev/fuse && head -c 1 /in/the/root | od -An -tx1"), " 00\n")


def test_options_refuse_paths_with_parent_components():
    for option, word in (("--tmpfs=/a/../../b", "/a/../../b"), ("--tmpfs=/..", "/.."), ("--volume=named:/x/..", "/x/.."),
                         ("--volume=/tmp:/../x", "/../x"), ("--device=/dev/null:/dev/../x", "/dev/../x")):
        result = dist("create", option, PLAIN)
        equal(result.status, 125, str(result))
        contains(result.err, word)
        contains(result.err, '".."')
    good("create", "--tmpfs=/a..b/..c", PLAIN)
    # /dev/fd refers to the launcher's open files, which include the container's directory.
    for number in range(3, 8):
        result = dist("run", "--rm", f"--device=/dev/null:/dev/fd/{number}/planted:rw", PLAIN, "true")
        equal(result.status, 125, str(result))
        assert "planted" not in run("find", STATE, "-name", "planted").out


def test_a_user_names_devices_only_below_dev():
    """A user may name only devices below /dev, since other paths may be on a file system that never answers."""
    os.symlink("zero", "/dev/devices/link")
    os.symlink("/run", "/dev/devices/away")
    equal(good("run", "--rm", "--device=/dev/devices/link:/dev/zeroes:r", PLAIN, "sh", "-c", "head -c 1 /dev/zeroes | od -An -tx1",
               user="alice"), " 00\n")
    hostile = "/dev/hostile"
    os.makedirs(hostile)
    os.mknod("/run/zero", 0o666 | 0o020000, os.makedev(1, 5))
    server = subprocess.Popen(["/usr/bin/python3", f"{TOOLS}/fuse_server.py", hostile], stdout=subprocess.PIPE, text=True)
    try:
        equal(server.stdout.readline(), "ready\n")
        for node in (f"{hostile}/file", "/run/zero", "/dev/devices/away/zero", "/dev/../run/zero"):
            result = dist("create", f"--device={node}:/dev/x", PLAIN, user="alice", timeout=100)
            equal(result.status, 125, str(result))
            contains(result.err, f'the path "{node}" contains ".."' if ".." in node else f"{node} is not on the file system of /dev")
    finally:
        server.kill()
        asked = server.communicate()[0]
        run("umount", "-l", hostile)
    assert "berthd" not in asked, asked
    good("rm", good("create", "--device=/run/zero", PLAIN).strip())


def test_a_terminal_works():
    out = run("script", "-qec", f"dist run -it --rm {PLAIN} sh -c 'tty; echo x >/dev/tty; stat -c %F /dev/console'", "/dev/null").out
    # script(1) sends a NUL at the end of its input, which the terminal may echo.
    contains(out.replace("\r", "").replace("^@", "").replace("\b", ""), "/dev/pts/0\nx\ncharacter special file\n")


def as_alice_in_a_namespace(script):
    """Runs a script as alice in user and mount namespaces of her own, with all capabilities there."""
    return run("unshare", "--user", "--map-current-user", "--keep-caps", "--mount", "sh", "-c", script, user="alice")


def test_a_device_node_in_a_mount_of_an_image():
    good("mount", IMAGE, MOUNT)
    equal(seen_from(f"{MOUNT}/devices"), "")
    run("umount", MOUNT)
    for image in (IMAGE, SINGLE):
        result = as_alice_in_a_namespace(f"dist mount {image} {MOUNT} && findmnt -no OPTIONS {MOUNT} && " + TRY.replace("DIRECTORY", f"{MOUNT}/devices"))
        equal(result.status, 0, str(result))
        options = result.out.splitlines()
        equal(len(options), 1, str(result))
        for flag in ("ro", "nosuid", "nodev"):
            assert flag in options[0].split(","), result


def test_a_mount_of_an_image_does_not_change():
    """A caller cannot clear the flags of an image's mount in a mount namespace of its own, or write to the mount."""
    for image in (IMAGE, SINGLE):
        for flag in ("dev", "suid", "rw"):
            result = as_alice_in_a_namespace(f"dist mount {image} {MOUNT} && mount -o remount,bind,{flag} {MOUNT} && echo undone")
            assert "undone" not in result.out, f"{image} {flag}: {result}"
        result = as_alice_in_a_namespace(f"dist mount {image} {MOUNT} && mount -o remount,bind,dev,rw {MOUNT}; "
                                         f"echo mine >{MOUNT}/writable; echo mine >{MOUNT}/open/mine; "
                                         + TRY.replace("DIRECTORY", f"{MOUNT}/devices"))
        assert "opens" not in result.out, f"{image}: {result}"
    equal(good("run", "--rm", PLAIN, "true"), "")
    good("mount", SINGLE, MOUNT)
    equal((open(f"{MOUNT}/writable", encoding="utf-8").read(), os.listdir(f"{MOUNT}/open")), ("before\n", []))
    run("umount", MOUNT)


def test_options_of_a_mount_do_not_undo_flags():
    for mount in ("--tmpfs=/x:dev", "--tmpfs=/x:suid", "--tmpfs=/x:rdev", "--volume=named:/x:dev", "--volume=named:/x:suid", "--volume=named:/x:rsuid"):
        result = dist("create", mount, PLAIN, user="alice")
        equal(result.status, 125, str(result))
        contains(result.err, mount.rpartition(":")[2])
    os.makedirs("/home/alice/shared", exist_ok=True)
    shutil.chown("/home/alice/shared", "alice", "alice")
    for options in ("dev", "suid", "rdev", "shared", "rshared"):
        result = dist("create", f"--volume=/home/alice/shared:/x:{options}", PLAIN, user="alice")
        equal(result.status, 125, str(result))
        contains(result.err, f'"{options}"')
    flags = good("run", "--rm", "--volume=/home/alice/shared:/bind:rbind", "--volume=named:/volume:noatime", "--tmpfs=/tmpfs:exec,noatime", PLAIN,
                 "sh", "-c", "grep -E ' /(bind|volume|tmpfs) ' /proc/self/mounts", user="alice")
    equal(len(flags.splitlines()), 3, flags)
    for line in flags.splitlines():
        contains(line, "nosuid,nodev")
    contains(flags, "noatime")


def test_a_device_node_in_a_volume():
    """Device nodes that a privileged container makes in a volume cannot be opened in other containers."""
    good("run", "--rm", "--userns=host", "--privileged", "--volume=brought:/v", PLAIN, "sh", "-c",
         f"cd /v; mknod block b {BLOCK[0]} {BLOCK[1]}; mknod zero c 1 5; mknod fuse c 10 229; mknod memory c 1 1; chmod 666 *")
    equal(inside("/v", "--volume=brought:/v", image=PLAIN), "")
    equal(inside("/v", "--volume=brought:/v", "--userns=host", image=PLAIN), "")


def test_a_device_node_in_a_bind_of_a_user():
    os.makedirs("/home/alice/devices", exist_ok=True)
    shutil.chown("/home/alice/devices", "alice", "alice")
    for name, (kind, number) in DEVICES.items():
        os.mknod(f"/home/alice/devices/{name}", 0o666 | (0o020000 if kind == tarfile.CHRTYPE else 0o060000), os.makedev(*number))
        os.chmod(f"/home/alice/devices/{name}", 0o666)
    equal(inside("/v", "--volume=/home/alice/devices:/v", image=PLAIN, user="alice"), "")
    equal(inside("/v", "--volume=/home/alice/devices:/v", "--userns=host", image=PLAIN, user="alice"), "")


def test_a_bind_mount_makes_no_set_group_id_files_of_other_groups():
    """If a user's own file or directory, such as /var/mail/alice, has a group that the user is not in, a bind mount of
    it does not let the user create set-group-ID files of that group."""
    os.makedirs("/srv/mail")
    equal(run("mount", "-t", "tmpfs", "tmpfs", "/srv/mail").status, 0)
    os.makedirs("/srv/mail/directory")
    with open("/srv/mail/file", "w", encoding="utf-8"):
        pass
    for name in ("directory", "file"):
        shutil.chown(f"/srv/mail/{name}", "alice", "mail")
    script = "cp /bin/busybox /v/; chmod 2755 /v/busybox; cat /bin/busybox >/f; chown 0:0 /f 2>/dev/null; chmod 2755 /f; touch /v/made; stat -c '%u' /f /v /v/made"
    equal(good("run", "--rm", "-v", "/srv/mail/directory:/v", "-v", "/srv/mail/file:/f", PLAIN, "sh", "-c", script, user="alice"), "0\n0\n0\n")
    mail = grp.getgrnam("mail").gr_gid
    for path in ("/srv/mail/file", "/srv/mail/directory/busybox", "/srv/mail/directory/made"):
        status = os.stat(path)
        assert status.st_gid != mail or not status.st_mode & 0o2000, (path, oct(status.st_mode), status.st_gid)
    # Files may have a group that she is in.
    run("usermod", "-a", "-G", "games", "alice")
    shutil.chown("/srv/mail/directory", "alice", "games")
    good("run", "--rm", "-v", "/srv/mail/directory:/v", PLAIN, "touch", "/v/hers", user="alice")
    equal(grp.getgrgid(os.stat("/srv/mail/directory/hers").st_gid).gr_name, "games")
    run("gpasswd", "-d", "alice", "games")
    run("umount", "-l", "/srv/mail")


def devices_tar():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, (kind, number) in DEVICES.items():
            member = tarfile.TarInfo(name)
            member.type, (member.devmajor, member.devminor), member.mode = kind, number, 0o666
            tar.addfile(member)
    return buffer.getvalue()


def test_a_device_node_in_a_copy():
    for options in ((), ("--userns=host", "--cap-add=MKNOD")):
        good("create", "--id=copied", *options, PLAIN, "sleep", "1000")
        for directory in ("/root", "/root", "/dev", "/tmp"):
            subprocess.run(["dist", "cp", "-", f"copied:{directory}"], input=devices_tar(), capture_output=True, check=False, timeout=300)
            if listing("info", "copied")[0]["state"] == "created":
                good("start", "copied")
            found = good("exec", "copied", "sh", "-c", TRY.replace("DIRECTORY", directory))
            lines = [line for line in found.splitlines() if "missing" not in line and line != "zero opens"]
            equal(lines, [], f"{options} {directory}")
            if directory != "/dev":
                assert "opens" not in found, f"{options} {directory}: {found}"
        good("rm", "-f", "copied")
    # Copying devices out of a container only creates entries in an archive.
    good("create", "--id=out", IMAGE)
    names = tarfile.open(fileobj=io.BytesIO(subprocess.run(["dist", "cp", "out:/devices", "-"], capture_output=True, check=True, timeout=300).stdout)).getnames()
    assert "devices/block" in names, names
    good("rm", "out")


def test_a_volume_in_use_names_no_container_of_others():
    good("volume", "create", "hers", user="alice")
    good("create", "--id=rootsown", "-v", "hers:/v", PLAIN)
    result = dist("volume", "rm", "hers", user="alice")
    assert result.status != 0 and "rootsown" not in result.err, result
    contains(result.err, "container of another user")
    good("rm", "rootsown")
    good("volume", "rm", "hers", user="alice")


def test_device_nodes_cannot_be_opened_after_a_commit():
    good("run", "--id=committed", "--userns=host", "--privileged", PLAIN, "sh", "-c",
         f"mkdir /made; cd /made; mknod block b {BLOCK[0]} {BLOCK[1]}; mknod zero c 1 5; mknod fuse c 10 229; mknod memory c 1 1; chmod 666 *")
    good("commit", "committed", f"{HOST}/devices/committed:x")
    good("rm", "committed")
    equal(inside("/made", image=f"{HOST}/devices/committed:x"), "")
    equal(inside("/made", "--userns=host", image=f"{HOST}/devices/committed:x"), "")


def test_devices_of_a_whole_configuration():
    """If an OCI configuration does not mount /dev, Berth's devices and those of the configuration are mounted in the
    image's /dev."""
    config = {"ociVersion": "1.0.2", "root": {"path": "rootfs"}, "process": {"args": [
        "sh", "-c", "stat -c '%F %t:%T' /dev/null; echo x >/dev/null && head -c 1 /dev/zero | od -An -tx1; stat -c '%t:%T %a %u' /dev/mine; exec <>/dev/mine && echo mine; "
        + TRY.replace("DIRECTORY", "/devices")], "cwd": "/", "env": ["PATH=/bin"], "user": {"uid": 0, "gid": 0}},
              "linux": {"namespaces": [{"type": "mount"}, {"type": "pid"}], "devices": [
                  {"path": "/dev/mine", "type": "c", "major": 10, "minor": 229, "fileMode": 0o646, "uid": 7, "gid": 8}]}}
    expected = "character special file 1:3\n 00\na:e5 646 7\nmine\n"
    os.makedirs("/var/tmp/bundle", exist_ok=True)
    with open("/var/tmp/bundle/config.json", "w", encoding="utf-8") as file:
        json.dump(config, file)
    result = containers_call("Create", "ssa{sv}", "own", IMAGE, "1", "Spec", "s", json.dumps(config))
    equal(result.status, 0, str(result))
    result = dist("start", "-a", "own")
    equal((result.status, result.out), (0, expected), str(result))
    good("rm", "own")


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
