# SPDX-License-Identifier: LGPL-2.1-or-later
# The store repairs itself. Damaged contents are found, set aside and fetched again, transfers resume after the service
# was down, and layers that were dropped after unpacking are fetched again when they are needed.

import contextlib
import os
import random
import shutil
import subprocess
import sys
import threading

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci
from faulty_registry import FaultyRegistry

REGISTRY = FaultyRegistry()


def image(seed):
    generator = random.Random(seed)
    return oci.Image([oci.busybox_layer(), oci.Layer("gzip").add("f", generator.randbytes(300000))],
                     {"Cmd": ["/bin/sh"], "Env": ["PATH=/bin"]})


def path_of(digest):
    return f"{STATE}/content/blobs/{digest.replace(':', '/')}"


def damage(digest):
    with open(path_of(digest), "rb") as file:
        data = bytearray(file.read())
    data[len(data) // 2] ^= 1
    os.unlink(path_of(digest))
    with open(path_of(digest), "wb") as file:
        file.write(data)


def test_damage_is_found_and_set_aside():
    content = image(1)
    reference, _ = REGISTRY.add("a:x", content)
    good("pull", reference)
    equal(good("content", "verify"), "")
    layer = content.manifest["layers"][1]["digest"]
    damage(layer)
    result = dist("content", "verify")
    equal(result.status, 1, result)
    equal(result.out.split(), [layer])
    assert layer not in blobs()
    assert os.path.exists(f"{STATE}/content/damaged/{layer[7:]}")
    good("pull", reference)
    equal(good("content", "verify"), "")


def test_damaged_content_is_fetched_again_from_its_source():
    content = image(2)
    reference, _ = REGISTRY.add("b:x", content)
    good("pull", reference)
    layer = content.manifest["layers"][1]["digest"]
    damage(layer)
    equal(good("content", "verify", "--refetch"), "")
    assert layer in blobs()
    equal(good("content", "verify"), "")
    digest = good("content", "ingest", "local", input="mine").strip()
    damage(digest)
    result = dist("content", "verify", "--refetch")
    equal((result.status, result.out.split()), (1, [digest]))


def test_content_that_is_stored_again_while_it_is_verified_stays():
    """A file is set aside only if it is the one that two workers have read."""
    digest = good("content", "ingest", "again", input="stored again").strip()
    damage(digest)
    with HeldWorkers("ingest") as workers:
        with subprocess.Popen(["dist", "content", "verify"], stdout=subprocess.DEVNULL) as verify:
            workers.release(workers.next())
            # The service has opened the file for it.
            second = workers.next()
            good("content", "rm", "-f", digest)
            with subprocess.Popen(["dist", "content", "ingest", "again"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  text=True) as ingest:
                workers.release(workers.next())
                equal(ingest.communicate("stored again")[0].strip(), digest)
            workers.release(second)
    assert digest in blobs()
    equal(verify.returncode, 0)
    equal(good("content", "verify"), "")
    good("content", "rm", "-f", digest)


def test_a_pull_goes_on_after_the_service_was_killed():
    content = image(3)
    reference, _ = REGISTRY.add("c:x", content)
    layer = content.manifest["layers"][1]["digest"]
    event = REGISTRY.stall[layer] = threading.Event()
    pull = subprocess.Popen(["dist", "pull", reference], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: [row for row in listing("content", "active") if row["offset"] > 100000], "half of it")
    # The next service may ask for the rest before the client has noticed anything.
    before = len(REGISTRY.requests)
    kill_service()
    equal(pull.wait(), 1)
    event.set()
    del REGISTRY.stall[layer]
    wait_until(lambda: [row for row in listing("images") if row["name"] == reference], "the image")
    assert any("bytes=" in str(request) for request in REGISTRY.requests[before:]), REGISTRY.requests[before:]
    wait_until(lambda: database_query("SELECT count(*) FROM transfers") == "0", "the end of the transfer")
    good("run", "--rm", reference, "true")


def test_a_pull_goes_on_without_its_client():
    content = image(4)
    reference, _ = REGISTRY.add("d:x", content)
    layer = content.manifest["layers"][1]["digest"]
    event = REGISTRY.stall[layer] = threading.Event()
    pull = subprocess.Popen(["dist", "pull", reference], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: listing("content", "active"), "the layer")
    pull.kill()
    pull.wait()
    event.set()
    del REGISTRY.stall[layer]
    wait_until(lambda: [row for row in listing("images") if row["name"] == reference], "the image")


def test_a_cancelled_pull_does_not_come_back():
    content = image(5)
    reference, _ = REGISTRY.add("e:x", content)
    layer = content.manifest["layers"][1]["digest"]
    event = REGISTRY.stall[layer] = threading.Event()
    pull = subprocess.Popen(["dist", "pull", reference], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: listing("content", "active"), "the layer")
    pull.send_signal(2)
    equal(pull.wait(), 1)
    event.set()
    del REGISTRY.stall[layer]
    kill_service()
    equal([row for row in listing("transfers") if row["state"] == "running"], [])
    assert reference not in [row["name"] for row in listing("images")]


def test_layers_that_were_dropped_come_back():
    configure("[Transfer]\nKeepCompressed=no\n")
    content = image(6)
    reference, digest = REGISTRY.add("f:x", content)
    good("pull", reference)
    layer = content.manifest["layers"][1]["digest"]
    wait_until(lambda: layer not in blobs(), "the layer to be dropped")
    good("run", "--rm", reference, "true")
    REGISTRY.requests.clear()
    good("pull", reference)
    assert not [path for _, path, _ in REGISTRY.requests if "blobs" in path], REGISTRY.requests
    good("push", reference, f"{HOST}/repair/f:x")
    equal(oci.digest_of(run("skopeo", "inspect", "--raw", "--tls-verify=false",
                            f"docker://{HOST}/repair/f:x").out.encode()), digest)
    good("content", "rm", "-f", layer)
    good("export", reference, "-o", "/tmp/repair.tar")
    equal(run("skopeo", "inspect", "oci-archive:/tmp/repair.tar").status, 0)
    configure("")


def test_layers_are_not_dropped_before_their_snapshots_are_on_disk():
    """A power failure in between would lose both."""
    configure("[Transfer]\nKeepCompressed=no\n")
    content = image(7)
    reference, _ = REGISTRY.add("g:x", content)
    layer = content.manifest["layers"][1]["digest"]
    service_is_up()
    pid = service_pid()
    with subprocess.Popen(["strace", "-f", "-qq", "-o", "/dev/null", "-p", str(pid), "-e", "trace=syncfs",
                           "-e", "inject=syncfs:error=EIO"]) as tracer:
        wait_until(lambda: is_traced(pid), "strace to attach")
        good("pull", reference)
        wait_until(lambda: "Cannot sync snapshots" in run("journalctl", "-b", "-u", "berthd").out, "the failure")
        tracer.terminate()
    assert layer in blobs()
    # The next pull syncs them, too.
    good("pull", reference)
    wait_until(lambda: layer not in blobs(), "the layer to be dropped")
    equal(database_query("SELECT count(*) FROM snapshots WHERE boot IS NOT NULL"), "0")
    configure("")


def test_layers_through_links_of_lower_layers_are_unpacked_before_they_are_dropped():
    # Such layers have to be read a second time, once the layers below are unpacked.
    configure("[Transfer]\nKeepCompressed=no\n")
    layers = [oci.busybox_layer().directory("usr").directory("usr/lib").symlink("lib", "usr/lib").add("usr/lib/low", b"low")]
    layers += [oci.Layer().add(f"lib/{number}", b"x" * number).hard_link(f"lib/link{number}", "lib/low") for number in range(5)]
    reference, _ = REGISTRY.add("usrmerge:x", oci.Image(layers, {"Env": ["PATH=/bin"]}))
    good("pull", reference)
    equal(good("run", "--rm", reference, "sh", "-c", "cd /usr/lib; ls; stat -c %h low; readlink /lib").split(),
          sorted([str(number) for number in range(5)] + [f"link{number}" for number in range(5)] + ["low"]) + ["6", "usr/lib"])
    configure("")


def test_a_lost_database_costs_no_container_and_no_volume():
    """The service does not start without the database, since it would delete what has no row in it."""
    image = f"{HOST}/busybox:latest"
    oci.push(oci.busybox_image(), image)
    good("run", "--name=kept", "-v", "kept:/kept", image, "sh", "-c", "echo file >/kept/file; echo file >/file")
    equal(run("systemctl", "stop", "berthd.service").status, 0)
    os.mkdir("/var/tmp/aside")
    for name in ("berth.db", "berth.db-wal", "berth.db-shm"):
        if os.path.exists(f"{STATE}/{name}"):
            shutil.move(f"{STATE}/{name}", "/var/tmp/aside/")
    # The second time, there is an empty database of the first one.
    for _ in range(2):
        cursor = journal_cursor()
        started = run("systemctl", "start", "berthd.service").status
        run("systemctl", "stop", "berthd.service")
        run("systemctl", "reset-failed", "berthd.service")
        assert started != 0
        assert any("the database is missing or empty" in entry["MESSAGE"] for entry in journal_entries(cursor, "berthd"))
    for name in os.listdir("/var/tmp/aside"):
        shutil.move(f"/var/tmp/aside/{name}", f"{STATE}/{name}")
    service_is_up()
    with open(f"{STATE}/volumes/kept/file", encoding="ascii") as file:
        equal(file.read(), "file\n")
    equal(good("cp", "kept:/file", "-").count("file"), 2)
    good("rm", "-v", "kept")
    good("volume", "rm", "-f", "kept")


@contextlib.contextmanager
def moved_aside(name):
    """Stops the service and moves a part of its state aside; moves it back at the end."""
    equal(run("systemctl", "stop", "berthd.service").status, 0)
    os.rename(f"{STATE}/{name}", f"{STATE}/aside")
    yield f"{STATE}/{name}"
    run("systemctl", "stop", "berthd.service")
    run("systemctl", "reset-failed", "berthd.service")
    os.rename(f"{STATE}/aside", f"{STATE}/{name}")


def test_callers_learn_why_the_service_cannot_start():
    """The bus would let them wait for 25 s, and systemd would try again all the time."""
    service_is_up()
    # More calls than systemd would start the service for, and one.
    for name, text, calls in (("berth.db", "not a database of Berth", 70), ("content/blobs", "is not a directory", 1)):
        with moved_aside(name) as path:
            with open(path, "w", encoding="ascii") as file:
                file.write("a file of another program, which the service must not change")
            cursor = journal_cursor()
            for _ in range(calls):
                failed = call("/org/berth1", "org.freedesktop.DBus.Peer", "Ping")
                assert f"the service cannot start: {path}" in failed.err and text in failed.err, failed
            wait_until(lambda: run("systemctl", "is-failed", "berthd.service").out.strip() == "failed", "the end of the service")
            # No instance was started without a call, or for each call.
            starts = [entry for entry in journal_entries(cursor, "berthd") if "Cannot start" in entry["MESSAGE"]]
            assert len(starts) <= max(1, calls // 2), len(starts)
            os.unlink(path)
    service_is_up()


def test_a_file_in_place_of_an_ingest_is_removed():
    service_is_up()
    equal(run("systemctl", "stop", "berthd.service").status, 0)
    path = f"{STATE}/content/ingest/file"
    with open(path, "w", encoding="ascii"):
        pass
    service_is_up()
    assert not os.path.exists(path)


def test_links_in_place_of_directories_are_not_followed():
    """What lies there is not the service's: it would take it for remains of a crash, and delete it."""
    other = f"{STATE}/other"
    service_is_up()
    os.makedirs(f"{other}/precious")
    for name in ("content", "snapshots", "containers", "volumes", "networks"):
        cursor = journal_cursor()
        with moved_aside(name) as path:
            os.symlink("other", path)
            started = run("systemctl", "start", "berthd.service").status
            os.unlink(path)
        assert started != 0, name
        assert any(f"{STATE}/{name} is not a directory" in entry["MESSAGE"] for entry in journal_entries(cursor, "berthd")), name
        equal(os.listdir(other), ["precious"])
    os.rmdir(f"{other}/precious")
    os.rmdir(other)
    service_is_up()


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
