# SPDX-License-Identifier: LGPL-2.1-or-later
# A container's changes become a layer and an image. Layers that are applied to a directory have the result that
# overlayfs would show.

import contextlib
import importlib.util
import json
import os
import shutil
import stat
import subprocess
import sys
import tarfile
import time

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci
from trees import differences, look_at

spec = importlib.util.spec_from_file_location("unpack", os.path.join(os.path.dirname(__file__), "test-unpack.py"))
unpack = importlib.util.module_from_spec(spec)
spec.loader.exec_module(unpack)

IMAGE = f"{HOST}/commit/base:x"
NEW = "local.test/new:1"
CHANGES = ("echo new >/added; echo changed >/etc/group; rm /etc/passwd; mkdir -p /dir/sub; ln /added /dir/hard; "
           "ln -s ../added /dir/soft; mkfifo /dir/fifo; chmod 4711 /dir/hard; rm -rf /tmp; mkdir /tmp; touch /tmp/x; "
           "printf '\\377name' >/dir/odd; printf c >'/dir/caf\u00e9'; printf d >'/dir/cafe\u0301'; ln -s 'to/cafe\u0301' /dir/nfd; "
           "ln /dir/fifo /dir/fifo2; ln /dir/soft /dir/soft2; touch -d @-2 /dir/odd; touch -d @1500000000 /dir")

# Extended attributes that only a program with certain capabilities can set, and that only root can read.
ATTRIBUTES = {"trusted.colour": b"blue", "security.capability": bytes.fromhex("0100000200200000000000000000000000000000")}


def test_setup():
    base = oci.busybox_layer()
    base.directory("tmp/lower").add("tmp/lower/file", b"lower")
    oci.push(oci.Image([base, oci.Layer().add("data", b"2")], {"Cmd": ["/bin/sh"], "Env": ["PATH=/bin"]}), IMAGE)
    good("pull", IMAGE)
    good("create", "--id=worker", IMAGE, "sh", "-c", CHANGES)
    good("start", "-a", "worker")
    for name, value in ATTRIBUTES.items():
        os.setxattr(f"{STATE}/containers/worker/upper/added", name, value)


def test_a_diff_is_a_layer():
    digest = good("content", "diff", "worker").strip()
    with open(f"{STATE}/content/blobs/{digest.replace(':', '/')}", "rb") as file:
        with tarfile.open(fileobj=file) as tar:
            members = {member.name: member for member in tar}
    for name in ("added", "etc/group", "etc/.wh.passwd", "dir/sub", "dir/soft", "dir/fifo", "tmp/x"):
        assert name in members, (name, sorted(members))
    assert members["dir/hard"].islnk() or members["added"].islnk()
    equal({"dir/caf\u00e9", "dir/cafe\u0301"} - set(members), set())
    equal({name: members["added"].pax_headers.get(f"SCHILY.xattr.{name}") for name in ATTRIBUTES},
          {name: value.decode() for name, value in ATTRIBUTES.items()})
    equal((members["dir/nfd"].linkname, members["dir/odd"].mtime), ("to/cafe\u0301", -2))
    for pair in (("dir/fifo", "dir/fifo2"), ("dir/soft", "dir/soft2")):
        equal([members[name].islnk() for name in pair], [False, True])
    assert "tmp/.wh..wh..opq" in members or "tmp/.wh.lower" in members, sorted(members)
    equal(members["etc/.wh.passwd"].size, 0)
    equal(good("content", "diff", "worker").strip(), digest)


def test_a_commit_is_an_image():
    equal(good("commit", "-m", "why", "--author=me", "worker", NEW).split(), [NEW])
    out = good("run", "--rm", NEW, "sh", "-c", "cat /added /etc/group; ls -a /tmp; test -e /etc/passwd || echo gone; "
               "stat -c %a-%h /dir/hard; readlink /dir/soft; cat /data")
    equal(out.split(), ["new", "changed", ".", "..", "x", "gone", "4711-2", "../added", "2"])
    config = json.loads(good("inspect", NEW))
    equal(len(config["rootfs"]["diff_ids"]), 3)
    equal(config["history"][-1]["comment"], "why")
    equal(config["author"], "me")
    equal(config["config"]["Env"], ["PATH=/bin"])


def test_a_committed_image_is_pushed_and_umoci_sees_the_same():
    name = f"{HOST}/commit/new:1"
    good("push", NEW, name)
    unpack.compare(name)


def test_a_commit_on_a_docker_image_is_an_oci_image():
    docker, new = f"{HOST}/commit/docker:x", f"{HOST}/commit/from-docker:x"
    result = run("skopeo", "copy", "-q", "--format=v2s2", "--src-tls-verify=false",
                 "--dest-tls-verify=false", f"docker://{IMAGE}", f"docker://{docker}")
    equal(result.status, 0, result)
    good("pull", docker)
    good("run", "--id=on-docker", docker, "sh", "-c", "echo new >/new")
    equal(good("commit", "--no-unpack", "on-docker", new).split(), [new])
    manifest = json.loads(good("inspect", "--manifest", new))
    assert "docker" not in json.dumps(manifest), manifest
    good("push", new)
    read = run("skopeo", "inspect", "--tls-verify=false", f"docker://{new}")
    equal(read.status, 0, read)
    equal(len(json.loads(read.out)["Layers"]), 3)
    good("pull", new)
    equal(good("run", "--rm", new, "cat", "/new").strip(), "new")
    good("rm", "on-docker")


def test_a_commit_of_a_commit():
    good("run", "--id=second", NEW, "sh", "-c", "echo more >>/added")
    good("commit", "second", "local.test/more:1")
    equal(good("run", "--rm", "local.test/more:1", "cat", "/added").split(), ["new", "more"])
    good("rm", "second")


def test_prune_keeps_content_that_is_named_while_it_runs():
    # Prune reads the images one by one, and the commit may set the name of its image meanwhile.
    for number in range(15):
        name = f"local.test/raced{number}:x"
        commit = subprocess.Popen(["dist", "commit", "--no-unpack", "worker", name],
                                  stdout=subprocess.DEVNULL)
        while commit.poll() is None:
            good("prune")
        equal(commit.returncode, 0)
        good("prune")
        assert "not here" not in good("images", "--tree", name)
        good("unpack", name)
        good("rmi", name)


def test_the_base_is_kept_during_a_commit():
    base = f"{HOST}/commit/going:x"
    oci.push(oci.Image([oci.busybox_layer(), oci.Layer().add("going", b"3")],
                       {"Cmd": ["/bin/sh"], "Env": ["PATH=/bin"]}), base)
    for number in range(10):
        name = f"local.test/stayed{number}:x"
        good("pull", base)
        good("run", "--id=going", base, "sh", "-c", "dd if=/dev/zero of=/zero bs=1M count=20 2>&-")
        commit = subprocess.Popen(["dist", "commit", "--no-unpack", "going", name],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: commit.poll() is not None or
                   [row for row in listing("transfers") if row["state"] == "running"], "the commit")
        good("rmi", base)
        good("prune")
        # The image is created completely or not at all.
        if commit.wait() == 0:
            assert "not here" not in good("images", "--tree", name)
            good("rmi", name)
        good("rm", "going")


def changes_of(name):
    """Returns the list of changes of a container and the members of its layer."""
    digest = good("content", "diff", name).strip()
    with open(f"{STATE}/content/blobs/{digest.replace(':', '/')}", "rb") as file:
        with tarfile.open(fileobj=file) as tar:
            return good("diff", name).splitlines(), {member.name: member.size for member in tar}


def test_mount_points_of_a_start_are_no_changes():
    scratch = f"{HOST}/commit/scratch:x"
    with open("/bin/busybox", "rb") as file:
        oci.push(oci.Image([oci.Layer().add("bin/busybox", file.read(), mode=0o755).symlink("bin/sh", "busybox")], {}), scratch)
    good("pull", scratch)
    for image, options in ((IMAGE, []), (IMAGE, ["--userns=host"]), (scratch, []), (IMAGE, ["--no-hosts"])):
        good("create", "--id=clean", *options, image, "/bin/sh", "-c", "exec /bin/busybox test -s /etc/resolv.conf")
        for _ in range(2):
            good("start", "-a", "clean")
            equal(changes_of("clean"), ([], {}), options)
        good("rm", "clean")


def test_files_that_somebody_wrote_below_a_mount_are_changes():
    has = f"{HOST}/commit/has:x"
    oci.push(oci.Image([oci.busybox_layer(), oci.Layer().add("etc/hosts", b"of the image\n")], {"Env": ["PATH=/bin"]}), has)
    good("pull", has)
    written, empty = "/tmp/written", "/tmp/empty"
    for path, text in ((written, "text\n"), (empty, "")):
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
    for image, kind in ((IMAGE, "A"), (has, "C")):
        good("create", "--id=below", image, "true")
        for _ in range(2):
            good("cp", written, "below:/etc/hosts")
            good("cp", empty, "below:/etc/resolv.conf")
            lines, members = changes_of("below")
            equal(lines, ["C /etc", f"{kind} /etc/hosts", "A /etc/resolv.conf"], image)
            equal(members, {"etc": 0, "etc/hosts": 5, "etc/resolv.conf": 0})
            good("start", "-a", "below")
        good("rm", "below")


def test_without_hosts_the_file_is_the_containers():
    equal(dist("run", "--rm", "--no-hosts", IMAGE, "test", "-e", "/etc/hosts").status, 1)
    good("run", "--id=own", "--no-hosts", IMAGE, "sh", "-c", ": >/etc/hosts")
    equal(changes_of("own"), (["C /etc", "A /etc/hosts"], {"etc": 0, "etc/hosts": 0}))
    good("rm", "own")


def test_a_file_that_the_image_has_deleted_is_still_mounted():
    without = f"{HOST}/commit/without:x"
    oci.push(oci.Image([oci.busybox_layer(), oci.Layer().add("etc/hosts", b"x"), oci.Layer().add("etc/.wh.hosts", b"")],
                       {"Env": ["PATH=/bin"]}), without)
    good("pull", without)
    contains(good("run", "--rm", without, "cat", "/etc/hosts"), "localhost")


def test_commits_that_are_refused():
    good("run", "-d", "--id=busy", IMAGE, "sleep", "100")
    for result in (dist("commit", "--pause=false", "busy", "local.test/busy:1"), busctl_diff("busy")):
        equal(result.status, 1)
        contains(result.err, "running")
    good("rm", "-f", "busy")
    contains(dist("commit", "nobody", "local.test/x:1").err, "no container")
    good("tag", NEW, IMAGE)
    result = dist("commit", "worker", "local.test/x:1")
    contains(result.err, "another image")
    good("pull", IMAGE)
    equal(dist("commit", "worker", "local.test/x:1", user="alice").status, 1)


def busctl_diff(name, *options):
    return containers_call("Diff", "sa{sv}", name, str(len(options) // 3), *options)


def state_of(name):
    return [entry["state"] for entry in listing("ps", "-a") if entry["id"] == name][0]


def wait_for_state(name, state):
    wait_until(lambda: state_of(name) == state, f"{name} {state}")


def record_of(name):
    return database_query(f"SELECT options FROM containers WHERE id = '{name}'")


def start_writer(name):
    """Runs a container that writes the same number to two files, one after the other."""
    good("run", "-d", f"--id={name}", IMAGE, "sh", "-c",
         "while :; do n=$((n+1)); echo $n >/a.new; mv /a.new /a; echo $n >/b.new; mv /b.new /b; done")
    wait_until(lambda: dist("exec", name, "cat", "/b").status == 0, "the first number")


@contextlib.contextmanager
def unfinished_commit(name, *options):
    """Commits a running container. Inside the with statement, it is paused and its changes are not read; at the end, the
    commit goes on and ends. Yields the process."""
    with HeldWorkers("unpack"):
        commit = subprocess.Popen(["dist", "commit", *options, name, f"local.test/{name}:1"], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, text=True)
        wait_for_state(name, "paused")
        yield commit
    commit.wait(300)


def pauses(name):
    return [kind for kind in kinds(name) if kind in ("pause", "resume")]


def goes_on(name):
    """Whether the container still writes."""
    before = good("exec", name, "cat", "/a")
    wait_until(lambda: good("exec", name, "cat", "/a") != before, f"{name} to write")


def test_a_running_container_is_paused_while_it_is_committed():
    start_writer("writer")
    good("commit", "writer", "local.test/written:1")
    first, second = good("run", "--rm", "local.test/written:1", "cat", "/a", "/b").split()
    assert int(first) - int(second) in (0, 1), (first, second)
    wait_until(lambda: pauses("writer") == ["pause", "resume"], "the events")
    goes_on("writer")
    # So is one whose changes become only a layer.
    good("content", "diff", "writer")
    wait_for_state("writer", "running")
    equal(pauses("writer"), ["pause", "resume"] * 2)
    good("rm", "-f", "writer")
    good("rmi", "local.test/written:1")


def test_a_container_that_a_user_has_paused_stays_paused():
    start_writer("held")
    good("pause", "held")
    good("commit", "--no-unpack", "held", "local.test/held:1")
    kill_service()
    equal(state_of("held"), "paused")
    equal(pauses("held"), ["pause"])
    good("resume", "held")
    goes_on("held")
    good("rm", "-f", "held")
    good("rmi", "local.test/held:1")


def test_a_container_that_is_resumed_during_a_commit_is_not_committed():
    start_writer("resumed")
    with unfinished_commit("resumed") as commit:
        good("resume", "resumed")
        # The pause of a user is not ended by the commit.
        good("pause", "resumed")
    contains(commit.stderr.read(), "changed")
    equal(commit.returncode, 1)
    equal(state_of("resumed"), "paused")
    good("resume", "resumed")
    good("rm", "-f", "resumed")


def test_two_commits_share_a_pause():
    start_writer("shared")
    with unfinished_commit("shared", "--no-unpack") as commit:
        # The changes are read once for each user.
        contains(dist("commit", "shared", "local.test/shared:2").err, "being read already")
    # It fails if the container is resumed before it has ended.
    equal(commit.returncode, 0)
    wait_for_state("shared", "running")
    # The next one may come while the container is being resumed.
    for _ in range(5):
        good("commit", "--no-unpack", "shared", "local.test/shared:1")
    wait_for_state("shared", "running")
    goes_on("shared")
    good("rm", "-f", "shared")
    good("rmi", "local.test/shared:1")


def test_a_cancelled_commit_resumes_its_container():
    start_writer("cancelled")
    with unfinished_commit("cancelled") as commit:
        [transfer] = [row for row in listing("transfers") if row["state"] == "running"]
        good("cancel", str(transfer["transfer"]))
    equal(commit.returncode, 1)
    wait_for_state("cancelled", "running")
    goes_on("cancelled")
    # Nor does a commit keep a container from being stopped.
    with unfinished_commit("cancelled") as commit:
        good("rm", "-f", "cancelled")
    equal(commit.returncode, 1)


def test_a_container_is_resumed_if_the_service_dies_during_a_commit():
    start_writer("survivor")
    with unfinished_commit("survivor") as commit:
        contains(record_of("survivor"), "HeldStill")
        kill_service()
        service_is_up()
    assert commit.returncode != 0, commit.returncode
    wait_for_state("survivor", "running")
    goes_on("survivor")
    # At each of its steps, too.
    for number in range(1, 9):
        with service_killed_at_send(number):
            dist("commit", "--no-unpack", "survivor", "local.test/survivor:1")
        service_is_up()
        wait_for_state("survivor", "running")
        goes_on("survivor")
        wait_until(lambda: "HeldStill" not in record_of("survivor"), "the pause to be forgotten")
    # Nothing is left of those commits, which nobody could resume.
    equal(listing("content", "active"), [])
    good("rm", "-f", "survivor")
    dist("rmi", "local.test/survivor:1")


def test_a_container_is_not_committed_while_files_are_copied_into_it():
    good("create", "--id=filled", IMAGE, "true")
    with subprocess.Popen(["dist", "cp", "-", "filled:/tmp"], stdin=subprocess.PIPE) as copy:
        wait_until(lambda: run("pgrep", "-x", "berth-copy").status == 0, "the copy")
        results = [dist(*words) for words in (["commit", "filled", "local.test/filled:1"], ["content", "diff", "filled"])]
        copy.stdin.close()
    equal(copy.returncode, 0)
    for result in results:
        equal(result.status, 1, result)
        contains(result.err, "is being copied into")
    good("commit", "--no-unpack", "filled", "local.test/filled:1")
    # Reading changes nothing.
    with subprocess.Popen(["dist", "cp", "filled:/bin", "-"], stdout=subprocess.PIPE) as copy:
        wait_until(lambda: run("pgrep", "-x", "berth-copy").status == 0, "the copy")
        good("content", "diff", "filled")
        copy.communicate()
    equal(copy.returncode, 0)
    good("rmi", "local.test/filled:1")
    good("rm", "filled")


def test_layers_onto_a_directory():
    good("rmi", "local.test/more:1")
    manifest = json.loads(good("inspect", "--manifest", NEW))
    layers = [layer["digest"] for layer in manifest["layers"]]
    target = "/tmp/applied"
    # The second time, the directory is in another mount namespace than the service.
    for before in ((), ("unshare", "--mount")):
        shutil.rmtree(target, ignore_errors=True)
        os.makedirs(target)
        equal(run(*before, "dist", "content", "apply", *layers, target).status, 0)
        mounted = unpack.mount(NEW)
        try:
            ours, theirs = look_at(target), look_at(mounted)
        finally:
            run("umount", mounted)
        ours.pop(b"."), theirs.pop(b".")
        different = differences(ours, theirs, time.time())
        assert not different, "\n".join(different)


def test_a_hostile_layer_stays_in_the_directory():
    target = "/tmp/hostile"
    shutil.rmtree(target, ignore_errors=True)
    os.makedirs(target)
    os.symlink("/etc", f"{target}/link")
    _, _, data = oci.Layer("none").add("link/owned", b"x").add(".wh.gone", b"").finish()
    with open("/tmp/layer", "wb") as file:
        file.write(data)
    digest = run("sh", "-c", "dist content ingest hostile </tmp/layer").out.strip()
    good("content", "apply", digest, target)
    assert os.path.exists(f"{target}/etc/owned") and os.path.islink(f"{target}/link")
    assert not os.path.exists("/etc/owned")
    assert not os.path.exists(f"{target}/.berth-apply")
    equal(dist("content", "apply", "sha256:" + "0" * 64, target).status, 1)
    equal(dist("content", "apply", digest, "/nowhere").status, 1)
    equal(dist("content", "apply", digest, "/tmp", user="alice").status, 1)


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
