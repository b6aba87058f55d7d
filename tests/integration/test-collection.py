# SPDX-License-Identifier: LGPL-2.1-or-later
# Garbage collection ("dist prune") deletes all content that nothing refers to, and no other. Image names, leases,
# containers and running transfers keep content.

import json
import os
import random
import subprocess
import sys
import threading
import time

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci
from faulty_registry import FaultyRegistry
from tracing import traced

REGISTRY = FaultyRegistry()


def layers_of(seed, count=2):
    generator = random.Random(seed)
    return [oci.Layer("gzip").add(f"data/{seed}-{n}", generator.randbytes(100000)) for n in range(count)]


def image(seed, **config):
    return oci.Image([oci.busybox_layer()] + layers_of(seed), {"Cmd": ["/bin/sh"], "Env": ["PATH=/bin"],
                                                               **config})


def snapshots():
    return {name for name in os.listdir(f"{STATE}/snapshots") if not name.startswith(".")}


def pruned(*options):
    return set(good("prune", *options).split())


def ingest(data, ref, *options):
    return good("content", "ingest", ref, *options, input=data).strip()


def why(digest):
    return good("why", digest).splitlines()


def test_nothing_is_collected_that_an_image_needs():
    reference, _ = REGISTRY.add("a:x", image(1))
    good("pull", reference)
    before = blobs(), snapshots()
    equal(pruned(), set())
    equal((blobs(), snapshots()), before)


def readers_of(*command):
    """Returns the executions of berth-inspect, the worker that reads documents, during a command."""
    log = "/tmp/programs.trace"
    with traced(service_pid(), log, "-e", "trace=execve,execveat"):
        good(*command)
    with open(log, encoding="utf-8") as file:
        return [line for line in file if "berth-inspect" in line]


def test_a_document_is_read_once():
    # The pull has recorded the references of its documents.
    equal(readers_of("prune"), [])
    manifest = good("content", "get", next(row for row in listing("images"))["digest"])
    copy = (json.dumps(json.loads(manifest), indent=1) + " ").encode()
    digest = ingest(copy.decode(), "copy")
    equal(images_call("Put", "s(sst)a{ss}a{sv}", "local.test/copy:x", oci.OCI_MANIFEST, digest,
                      str(len(copy)), "0", "0").status, 0)
    equal(len(readers_of("prune")), 1)
    equal(readers_of("prune"), [])
    # The same holds after a restart of the service, and the content that the document refers to is kept.
    good("rmi", listing("images")[0]["name"])
    kill_service()
    service_is_up()
    equal(readers_of("prune"), [])
    equal([layer["digest"] in blobs() for layer in json.loads(manifest)["layers"]],
          [True] * len(json.loads(manifest)["layers"]))
    good("rmi", "local.test/copy:x")
    pruned()
    good("pull", f"{REGISTRY.host}/a:x")


def test_removed_image_is_collected_except_shared_content():
    other, _ = REGISTRY.add("b:x", image(2))
    good("pull", other)
    kept = blobs()
    first = f"{REGISTRY.host}/a:x"
    good("rmi", first)
    planned = pruned("--dry-run")
    equal(blobs(), kept, "a dry run deletes nothing")
    equal(pruned(), planned)
    equal(len([digest for digest in kept if digest in planned]), 4)
    equal(good("run", "--rm", other, "ls", "/data").split(), ["2-0", "2-1"])
    # The shared busybox layer is still there, and the image can be pulled again.
    good("pull", first)
    good("run", "--rm", first, "true")


def test_ingested_content_needs_a_lease():
    digest = ingest("loose", "loose")
    equal(why(digest), [])
    assert digest in pruned()
    lease = good("lease", "create", "mine").strip()
    digest = ingest("leased", "leased", "--lease=mine")
    equal(why(digest), ["lease mine"])
    equal(pruned(), set())
    equal(listing("lease", "list")[0]["contents"], 1)
    # Deletion by digest fails, too.
    contains(dist("content", "rm", digest).err, "a lease keeps")
    assert digest in blobs()
    equal(good("lease", "rm", lease), f"{lease}\n")
    assert digest in pruned()
    equal(dist("lease", "rm", lease).status, 1)


def begin_ingest(ref, data, *options):
    """Ingests data as a client that disconnects after the last byte and before Commit."""
    client = subprocess.Popen(["dist", "content", "ingest", ref, *options], stdin=subprocess.PIPE)
    client.stdin.write(data)
    client.stdin.flush()
    wait_until(lambda: [row for row in listing("content", "active")
                        if row["ref"] == ref and row["offset"] == len(data)], "the bytes")
    client.kill()
    client.communicate()


def commit(ref):
    return call("/org/berth1/contents", "org.berth1.Contents", "Commit", "stsa{sv}", ref, "0", "", "0")


def test_ingest_keeps_its_lease():
    good("lease", "create", "late")
    for ref, away in (("late-1", False), ("late-2", True)):
        begin_ingest(ref, ref.encode(), "--lease=late")
        if away:
            run("systemctl", "restart", "berthd.service")
        digest = json.loads(commit(ref).out.split(" ", 1)[1])
        equal(why(digest), ["lease late"])
        other = "sha256:" + "0" * 64
        begin_ingest(f"{ref}-bad", b"x", f"--expected-digest={other}")
        if away:
            run("systemctl", "restart", "berthd.service")
        contains(commit(f"{ref}-bad").err, other)
    equal(pruned(), set())
    good("lease", "rm", "late")
    equal(len(pruned()), 2)
    wait_until(lambda: listing("content", "active") == [], "the end of all ingests")


def test_a_lease_expires():
    for attempt in range(5):
        begin = time.monotonic()
        good("lease", "create", "--expires=8", "short")
        digest = ingest(f"short-lived{attempt}", f"r{attempt}", "--lease=short")
        found = pruned()
        if found == set():
            break
        # It may end before it is looked at, though never too early.
        equal(found, {digest})
        assert time.monotonic() - begin > 8, "the lease ended too early"
    assert not found, "the lease was never found before its end"
    wait_until(lambda: digest in pruned(), "the lease's end")
    equal(dist("content", "ingest", "--lease=short", "s", input="x").status, 1)


def test_a_fetch_under_a_lease():
    reference, digest = REGISTRY.add("c:x", image(3))
    good("lease", "create", "fetching")
    good("fetch", "--lease=fetching", reference)
    equal(pruned(), set())
    contains(str(why(digest)), "lease fetching")
    good("lease", "rm", "fetching")
    equal(len(pruned()), 4)


def test_snapshots_of_an_image_under_a_lease():
    def chains():
        return {name.replace("-", ":", 1) for name in os.listdir(f"{STATE}/snapshots")
                if name.startswith("sha256-")}

    before = chains()
    reference, digest = REGISTRY.add("leased:x", image(31))
    good("pull", reference)
    new = chains() - before
    assert new
    good("lease", "create", "whole")
    good("lease", "add", "whole", digest)
    good("rmi", reference)
    equal(pruned(), set())
    assert new <= chains()
    for chain in new:
        equal(why(chain), ["lease whole"])
    good("lease", "rm", "whole")
    assert new <= pruned()


def test_an_image_named_by_hand():
    manifest = image(4)
    data = manifest.finish()
    for digest, blob in manifest.blobs.items():
        with subprocess.Popen(["dist", "content", "ingest", digest], stdin=subprocess.PIPE,
                              stdout=subprocess.DEVNULL) as process:
            process.communicate(blob)
    digest = ingest(data.decode(), "manifest")
    equal(images_call("Put", "s(sst)a{ss}a{sv}", "local.test/hand:x", oci.OCI_MANIFEST, digest,
                      str(len(data)), "0", "0").status, 0)
    equal(pruned(), set())
    equal(why(manifest.manifest["layers"][1]["digest"]), ["image local.test/hand:x"])
    good("unpack", "local.test/hand:x")
    equal(pruned(), set())
    good("run", "--rm", "local.test/hand:x", "true")
    good("rmi", "local.test/hand:x")
    equal(len(pruned()), 4 + 2)


def test_a_container_keeps_its_snapshots():
    reference, _ = REGISTRY.add("d:x", image(5))
    good("pull", reference)
    good("create", "--id=keeper", reference, "ls", "/data")
    good("rmi", reference)
    pruned()
    top = [name for name in snapshots()]
    assert top
    equal(good("start", "-a", "keeper").split(), ["5-0", "5-1"])
    chain = json.loads(database_query("SELECT chain_id FROM containers", "-json"))[0]["chain_id"]
    equal(why(chain), ["container keeper"])
    good("rm", "keeper")
    assert chain in pruned()


def test_collection_leaves_the_content_of_a_running_pull():
    content = image(6)
    reference, _ = REGISTRY.add("e:x", content)
    layer = content.manifest["layers"][2]["digest"]
    event = REGISTRY.stall[layer] = threading.Event()
    pull = subprocess.Popen(["dist", "pull", reference], stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)
    wait_until(lambda: content.manifest["layers"][1]["digest"] in blobs(), "the first layers")
    equal(pruned(), set())
    contains(str(why(content.manifest["layers"][1]["digest"])), "transfer")
    event.set()
    equal(pull.wait(), 0)
    del REGISTRY.stall[layer]
    good("run", "--rm", reference, "true")
    good("rmi", reference)
    pruned()


def test_kill_at_random_moments_of_prune():
    generator = random.Random(os.getpid())
    keep, _ = REGISTRY.add("keep:x", image(7))
    good("pull", keep)
    for number in range(8):
        reference, _ = REGISTRY.add(f"f{number}:x", image(100 + number))
        good("pull", reference)
        good("rmi", reference)
        prune = subprocess.Popen(["dist", "prune"], stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
        time.sleep(generator.random() * 0.03)
        kill_service()
        prune.wait()
        equal(good("run", "--rm", keep, "ls", "/data").split(), ["7-0", "7-1"])
        equal(database_query("PRAGMA integrity_check"), "ok")
    pruned()
    wait_until(lambda: not [n for d in ("content", "snapshots") for n in os.listdir(f"{STATE}/{d}")
                            if n.startswith(".")], "trash to be emptied")
    equal(pruned(), set())


def test_a_timer_collects_every_day():
    reference, _ = REGISTRY.add("timed:x", image(60))
    good("pull", reference)
    gone = {row["digest"] for row in listing("images") if row["name"] == reference}
    good("rmi", reference)
    for name in ("prune", "verify"):
        result = run("systemctl", "start", f"berth-{name}.service")
        equal(result.status, 0, result)
        equal(run("systemctl", "start", f"berth-{name}.timer").status, 0)
        contains(run("systemctl", "list-timers", "--no-pager").out, f"berth-{name}.service")
        run("systemctl", "stop", f"berth-{name}.timer")
    assert gone and not gone & blobs()


def test_old_ingests_are_cleaned():
    pipe = subprocess.Popen(["dist", "content", "ingest", "old"], stdin=subprocess.PIPE)
    pipe.stdin.write(b"half")
    pipe.stdin.flush()
    wait_until(lambda: [row for row in listing("content", "active") if row["offset"] == 4], "the ingest")
    pipe.kill()
    pipe.wait()
    wait_until(lambda: listing("content", "active") == [] or dist("content", "ingest", "old2",
               input="").status == 0, "its end")
    run("systemctl", "stop", "berthd.service")
    past = int(time.time()) - 25 * 3600
    database_query(f"UPDATE ingests SET updated = {past}000000")
    for name in os.listdir(f"{STATE}/content/ingest"):
        os.utime(f"{STATE}/content/ingest/{name}/data", (past, past))
    pruned()
    equal(listing("content", "active"), [])


def test_usage_adds_up():
    rows = {(row["kind"], row["name"]): row for row in listing("df")}
    kept = rows[("image", f"{REGISTRY.host}/keep:x")]
    assert 200000 < kept["unique"] < kept["size"], kept
    assert rows[("snapshots", "")]["size"] > 200000
    equal(rows[("garbage", "")]["size"], 0)


def test_labels_and_filters():
    digest = ingest("labelled", "l")
    good("content", "label", digest, "colour=red", "size=")
    equal([row["digest"] for row in listing("content", "list", "--label=colour")], [digest])
    equal(listing("content", "list", "--label=colour=blue"), [])
    good("content", "label", digest, "shape=round")
    equal([row["digest"] for row in listing("content", "list", "--label=colour=red", "--label=shape")],
          [digest])
    good("content", "label", digest, "colour=")
    equal(listing("content", "list", "--label=colour"), [])
    assert len(listing("content", "list", "--media-type=" + oci.LAYER + "+gzip")) >= 3
    equal([row["digest"] for row in listing("content", "list", "--min-size=8", "--max-size=8")], [digest])


def test_edit_makes_new_content():
    digest = ingest("one two", "e")
    result = dist("content", "edit", digest, env={"EDITOR": "sed -i s/two/three/"})
    equal(result.status, 0, result)
    equal(result.out.strip(), oci.digest_of(b"one three"))
    equal(good("content", "get", result.out.strip()), "one three")
    equal(dist("content", "edit", digest, env={"EDITOR": "false"}).status, 1)
    removed = dist("content", "edit", digest, env={"EDITOR": "rm"})
    equal(removed.status, 1)
    contains(removed.err, "No such file")


def test_rights():
    equal(dist("prune", user="alice").status, 1)
    equal(dist("lease", "create", "hers", user="alice").status, 1)


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
