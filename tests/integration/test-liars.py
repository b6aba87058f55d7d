# SPDX-License-Identifier: LGPL-2.1-or-later
# Workers that have been taken over: one in the place of each passes everything through and lies in
# the answers to one member. Nothing wrong is named, stored, kept or shown by that, and the service
# goes on.

import os
import shutil
import subprocess
import sys

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
from faulty_registry import FaultyRegistry
import oci

REGISTRY = FaultyRegistry()
WORKERS = "/usr/libexec/berth"
LIAR = os.environ["BERTH_BUILD"] + "/tests/liar/liar"
VICTIM = {}
LIES = ("text", "digests", "numbers", "flags", "lists", "drop", "type", "huge", "error", "die")
# Who answers what in a pull, and in the import of an archive.
PULL = {"fetch": ("Open", "Resolve", "Fetch"), "ingest": ("Ingest", "IngestOnward", "Sync"),
        "inspect": ("Manifest", "Config"), "unpack": ("Unpack", "Settle", "SettleLowest")}
IMPORT = {"archive": ("Open", "Next", "Extract"), "ingest": ("Ingest",),
          "inspect": ("Layout", "Manifest")}


class Liar:
    def __init__(self, name, member, lie, text):
        self.name = name
        with open("/run/liar", "w", encoding="utf-8") as file:
            file.write(f"{member} {lie} {text}")

    def __enter__(self):
        os.rename(f"{WORKERS}/berth-{self.name}", f"{WORKERS}/real-{self.name}")
        shutil.copy(LIAR, f"{WORKERS}/berth-{self.name}")

    def __exit__(self, *_):
        os.rename(f"{WORKERS}/real-{self.name}", f"{WORKERS}/berth-{self.name}")


def stored():
    """Digests by the store, each compared with its bytes."""
    directory = f"{STATE}/content/blobs/sha256"
    names = sorted(os.listdir(directory))
    for name in names:
        with open(f"{directory}/{name}", "rb") as file:
            equal(oci.digest_of(file.read()), f"sha256:{name}", "a blob's bytes")
    return names


def named():
    return {row["name"]: row["digest"] for row in listing("images")}


def check_world(pid, before, allowed):
    equal(service_pid(), pid, "the service's process")
    after = named()
    for name, digest in before.items():
        equal(after.get(name), digest, "what a name stands for")
    for name in after:
        assert name in before or name in allowed, f"{name} appeared: {after}"
        if name in allowed:
            equal(after[name], allowed[name], "what the new name stands for")
    stored()
    equal(leftovers(), [])
    equal(good("run", "--rm", VICTIM["reference"], "cat", "/mine"), "the victim's")


def test_setup():
    image = oci.Image([oci.busybox_layer(), oci.Layer().add("mine", b"the victim's")])
    VICTIM["reference"], VICTIM["digest"] = REGISTRY.add("victim/x:1", image)
    good("pull", VICTIM["reference"])
    # It is kept in no other way while the tests look at it.
    good("run", "-d", "--id=keeper", VICTIM["reference"], "sleep", "10000")


def lie_in(workers, attempt):
    """Each lie of each member of each worker, with a name and a digest of another as the text."""
    count, failures = 0, []
    for worker, members in workers.items():
        for member in members:
            for lie in LIES:
                for text in (VICTIM["digest"],) + ((VICTIM["reference"],) if lie == "text" else ()):
                    count += 1
                    pid, before = service_pid(), named()
                    with Liar(worker, member, lie, text):
                        allowed = attempt(count)
                    try:
                        check_world(pid, before, allowed)
                    except AssertionError as error:
                        failures.append(f"{worker} {member} {lie} {text}: {error}")
                    for name in named():
                        if name not in before:
                            good("rmi", name)
    assert not failures, "\n".join(failures)


def pull(count):
    image = oci.Image([oci.busybox_layer(), oci.Layer().add("mine", f"{count}".encode())
                       .hard_link("link", "bin/busybox")])
    reference, digest = REGISTRY.add(f"liar/x:{count}", image)
    dist("pull", reference, timeout=120)
    return {reference: digest}


def test_a_pull_with_a_lying_fetch():
    lie_in({"fetch": PULL["fetch"]}, pull)


def test_a_pull_with_a_lying_ingest():
    lie_in({"ingest": PULL["ingest"]}, pull)


def test_a_pull_with_a_lying_inspect():
    lie_in({"inspect": PULL["inspect"]}, pull)


def test_a_pull_with_a_lying_unpack():
    lie_in({"unpack": PULL["unpack"]}, pull)


def test_an_import_with_liars():
    good("export", VICTIM["reference"], "-o", "/tmp/liar.tar")

    def take(count):
        dist("import", "--no-unpack", f"--name=liar.example/x:{count}", "/tmp/liar.tar", timeout=120)
        return {f"liar.example/x:{count}": VICTIM["digest"]}
    lie_in(IMPORT, take)
    os.unlink("/tmp/liar.tar")


def test_a_reply_of_another_signature_is_refused_even_where_nothing_is_read_of_it():
    for worker, member in (("ingest", "Sync"), ("unpack", "Settle")):
        with Liar(worker, member, "type", "x"):
            image = oci.Image([oci.busybox_layer(), oci.Layer().add("of", worker.encode())
                               .hard_link("link", "bin/busybox")])
            reference, _ = REGISTRY.add(f"type/{worker}:1", image)
            result = dist("pull", reference)
            equal(result.status, 1)
            contains(result.err, f"berth-{worker} sent a malformed reply")
        assert reference not in named(), named()


def test_one_that_never_answers_can_be_called_off():
    for worker, members in PULL.items():
        with Liar(worker, members[0], "never", "x"):
            image = oci.Image([oci.busybox_layer(), oci.Layer().add("mine", worker.encode())])
            reference, _ = REGISTRY.add(f"never/{worker}:1", image)
            pulling = subprocess.Popen(["dist", "pull", reference], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            number = wait_until(lambda: [row["transfer"] for row in listing("transfers")
                                         if row["state"] == "running"], "the transfer")[0]
            good("cancel", str(number))
            pulling.wait(30)
    service_is_up()
    equal(good("run", "--rm", VICTIM["reference"], "cat", "/mine"), "the victim's")


def test_with_the_real_ones_all_is_well_again():
    good("rm", "-f", "keeper")
    reference, _ = REGISTRY.add("after/x:1", oci.Image([oci.busybox_layer()]))
    good("pull", reference)
    equal(good("run", "--rm", reference, "echo", "well"), "well\n")
    equal(listing("content", "active"), [])


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
