# SPDX-License-Identifier: LGPL-2.1-or-later
# After a power failure, the database and the files may be of different ages, and a full disk may end a change in the
# middle. Whatever is left can be used or removed, and nobody gets the files of another object.

import contextlib
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci
from tracing import traced

IMAGE = f"{HOST}/lost/box:x"
BASE = f"{HOST}/lost/base:x"


def test_setup():
    layer = oci.busybox_layer()
    oci.push(oci.Image([layer], {"Cmd": ["true"], "Env": ["PATH=/bin"]}), BASE)
    oci.push(oci.Image([layer, oci.Layer().add("top", b"top")], {"Cmd": ["true"], "Env": ["PATH=/bin"]}), IMAGE)
    good("pull", BASE)
    good("pull", IMAGE)


@contextlib.contextmanager
def traced_service(*options):
    """Runs strace on the service inside a with statement."""
    service_is_up()
    pid = service_pid()
    with subprocess.Popen(["strace", "-qq", "-p", str(pid), *options], stderr=subprocess.DEVNULL) as tracer:
        try:
            wait_until(lambda: is_traced(pid), "strace to attach")
            yield
        finally:
            tracer.terminate()


@contextlib.contextmanager
def failing_rename(error="ENOSPC", when=":when=1"):
    """The service's first rename inside the with statement fails."""
    with traced_service("-o", "/dev/null", "-e", "trace=renameat", "-e", f"inject=renameat:error={error}{when}"):
        yield


@contextlib.contextmanager
def older_database():
    """At the end of the with statement, the database is what it was at its beginning, as if a power failure had lost
    the transactions in between, but not the changes of the file system."""
    run("systemctl", "stop", "berthd")
    with tempfile.TemporaryDirectory() as directory:
        for name in ("berth.db", "berth.db-wal"):
            shutil.copy2(f"{STATE}/{name}", directory)
        yield
        run("systemctl", "stop", "berthd")
        for name in ("berth.db", "berth.db-wal"):
            shutil.copy2(f"{directory}/{name}", f"{STATE}/{name}")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{STATE}/berth.db-shm")


def test_objects_whose_removal_was_lost_can_be_used_or_removed():
    wait_until(lambda: database_query("SELECT count(*) FROM snapshots WHERE boot IS NOT NULL") == "0", "the sync of the snapshots")
    good("create", "--id=victim", IMAGE, "true")
    good("volume", "create", "goods")
    with open(f"{STATE}/volumes/goods/file", "w", encoding="ascii"):
        pass
    with older_database():
        good("rm", "victim")
        good("rmi", IMAGE)
        good("volume", "rm", "goods")
        good("prune", "--force")
    equal([row["id"] for row in listing("ps", "-a")], ["victim"])
    result = dist("start", "victim")
    equal(result.status, 1, result)
    contains(result.err, "victim")
    good("rm", "victim")
    good("pull", IMAGE)
    equal(good("run", "--rm", "-v", "goods:/goods", IMAGE, "sh", "-c", "cat /top; ls /goods"), "top")
    good("volume", "rm", "goods")


def test_a_container_whose_configuration_was_lost_can_be_removed():
    good("create", "--id=empty", BASE, "true")
    good("create", "--id=none", BASE, "true")
    run("systemctl", "stop", "berthd")
    os.truncate(f"{STATE}/containers/empty/config.json", 0)
    os.unlink(f"{STATE}/containers/none/config.json")
    for name in ("empty", "none"):
        equal(dist("start", name).status, 1)
        good("rm", name)


def test_a_rename_that_fails_changes_nothing():
    good("run", "--id=before", BASE, "sh", "-c", "echo mine >/mine")
    with failing_rename():
        result = dist("rename", "before", "after")
    equal(result.status, 1, result)
    contains(result.err, "No space left on device")
    equal([row["id"] for row in listing("ps", "-a")], ["before"])
    # Another container can have the name.
    good("create", "--id=after", BASE, "true")
    kill_service()
    equal(good("cp", "before:/mine", "-").count("mine") > 0, True)
    good("rm", "before", "after")


def test_a_renamed_container_whose_removal_was_lost_does_not_take_the_files_of_another():
    good("create", "--id=first", BASE, "true")
    good("rename", "first", "second")
    good("run", "--id=first", BASE, "sh", "-c", "echo mine >/mine")
    run("systemctl", "stop", "berthd")
    shutil.rmtree(f"{STATE}/containers/second")
    assert "mine" in good("cp", "first:/mine", "-")
    good("rm", "first", "second")


def calls_before(text, name):
    """Returns the traced calls before the one that contains the text, from the last write to the log of the database."""
    with open(name, encoding="utf-8", errors="replace") as file:
        calls = file.read().splitlines()
    end = next(i for i, line in enumerate(calls) if text in line)
    begin = max(i for i, line in enumerate(calls[:end]) if line.startswith("pwrite64") and "berth.db-wal" in line)
    return calls[begin:end]


def test_the_rows_of_renamed_containers_and_new_volumes_are_synced_before_their_directories_change():
    good("create", "--id=old", BASE, "true")
    with traced_service("-y", "-o", "/tmp/trace", "-e", "trace=pwrite64,fdatasync,renameat,mkdirat"):
        good("rename", "old", "new")
        good("volume", "create", "fresh")
    for text in ('"old",', '"fresh", 0755'):
        calls = calls_before(text, "/tmp/trace")
        assert any(call.startswith("fdatasync") and "berth.db-wal" in call for call in calls), calls
    good("rm", "new")
    good("volume", "rm", "fresh")


def archive_of_a_sha512_layer(name):
    """Returns an image archive whose layer has a SHA-512 digest, and that digest."""
    image = oci.Image([oci.busybox_layer()])
    layer = image.manifest["layers"][0]
    data = image.blobs.pop(layer["digest"])
    layer["digest"] = "sha512:" + hashlib.sha512(data).hexdigest()
    image.blobs[layer["digest"]] = data
    manifest = image.finish()
    image.blobs[oci.digest_of(manifest)] = manifest
    index = {"schemaVersion": 2, "manifests": [{
        "mediaType": oci.OCI_MANIFEST, "digest": oci.digest_of(manifest), "size": len(manifest),
        "annotations": {"org.opencontainers.image.ref.name": name}}]}
    members = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": json.dumps(index).encode()}
    members.update((f"blobs/{digest.replace(':', '/')}", content) for digest, content in image.blobs.items())
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for member, content in members.items():
            info = tarfile.TarInfo(member)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return archive.getvalue(), layer["digest"]


def test_blobs_of_all_algorithms_are_on_disk_before_an_image_has_its_name():
    data, digest = archive_of_a_sha512_layer("local.test/long:x")
    with open("/tmp/long.tar", "wb") as file:
        file.write(data)
    service_is_up()
    with traced(service_pid(), "/tmp/trace", "-y", "-e", "trace=renameat2,fsync"):
        good("import", "--no-unpack", "/tmp/long.tar")
    assert digest in blobs()
    with open("/tmp/trace", encoding="utf-8", errors="replace") as file:
        calls = file.read().splitlines()
    for algorithm in ("sha256", "sha512"):
        directory = f"<{STATE}/content/blobs/{algorithm}>"
        last = max(i for i, call in enumerate(calls) if "renameat2" in call and directory in call)
        assert any("fsync(" in call and directory in call for call in calls[last:]), (algorithm, calls[last:])
    good("rmi", "local.test/long:x")


def test_content_is_pruned_although_the_disk_has_no_room_for_a_directory():
    # What is deleted first may make room.
    for options in ("", ":when=1"):
        digests = {good("content", "ingest", name, input=name).strip() for name in ("one", "other")}
        with traced_service("-o", "/dev/null", "-e", "trace=mkdirat", "-e", f"inject=mkdirat:error=ENOSPC{options}"):
            equal(digests - set(good("prune", "--force").split()), set())
        equal(digests & blobs(), set())
    digests = {good("content", "ingest", name, input=name).strip() for name in ("one", "other")}
    with failing_rename(when=""):
        equal(digests - set(good("prune", "--force").split()), set())
    equal(digests & blobs(), set())
    wait_until(lambda: not [name for name in os.listdir(f"{STATE}/content") if name.startswith(".trash")], "the trash to be emptied")


def test_a_container_is_removed_although_the_disk_has_no_room_for_another_name():
    for files, when in ((1, ""), (1000, ":when=1")):
        good("run", "--id=large", BASE, "sh", "-c", f"i=0; while [ $i -lt {files} ]; do echo >/file$i; i=$((i + 1)); done")
        with failing_rename(when=when):
            good("rm", "large")
        good("create", "--id=large", BASE, "true")
        equal(good("diff", "large").count("file"), 0)
        good("rm", "large")


def test_leftovers_that_cannot_be_removed_do_not_stop_the_service():
    places = [f"{STATE}/{name}" for name in ("containers/leftover", "content/ingest/leftover", "snapshots/.new-leftover", "volumes/leftover")]
    os.makedirs("/run/empty", exist_ok=True)
    service_is_up()
    for place in places:
        os.makedirs(place)
        # As with an error of the disk, the directory cannot be renamed or removed.
        equal(run("mount", "--bind", "/run/empty", place).status, 0)
    kill_service()
    try:
        equal(sorted(row["name"] for row in listing("images")), sorted([BASE, IMAGE]))
    finally:
        for place in places:
            run("umount", place)
    run("systemctl", "reset-failed", "berthd.service")
    kill_service()
    service_is_up()
    wait_until(lambda: not [place for place in places if os.path.exists(place)], "the next start removes them")


def test_a_new_volume_is_empty_although_the_removal_of_the_last_one_failed():
    good("volume", "create", "again")
    with open(f"{STATE}/volumes/again/secret", "w", encoding="ascii"):
        pass
    with failing_rename("EIO"):
        equal(dist("volume", "rm", "again").status, 1)
    good("volume", "create", "again")
    equal(os.listdir(f"{STATE}/volumes/again"), [])
    good("volume", "rm", "again")


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
