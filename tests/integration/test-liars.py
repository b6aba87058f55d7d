# SPDX-License-Identifier: LGPL-2.1-or-later
# Compromised workers. A program (tests/liar) replaces one worker at a time: it forwards all calls to the real worker,
# but changes the replies of one member. The service then names, stores and shows nothing that is false, and continues.

import importlib
import io
import json
import os
import re
import select
import shutil
import socket
import subprocess
import sys
import tarfile

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
from faulty_registry import FaultyRegistry
import oci

REGISTRY = FaultyRegistry()
OTHER = FaultyRegistry()    # alice's registry
trust = importlib.import_module("test-trust")
WORKERS = "/usr/libexec/berth"
LIAR = os.environ["BERTH_BUILD"] + "/tests/liar/liar"
SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
VICTIM = {}
BASE = oci.busybox_layer().finish()    # shared by all images, because compressing it takes longer than pulling it
CALLED_OFF = []    # references of interrupted pulls, whose partial content the next pull resumes
LIES = ("text", "digests", "numbers", "flags", "lists", "drop", "type", "huge", "error", "die")
# The members of each worker that a pull and the import of an archive call.
PULL = {"fetch": ("Open", "Resolve", "Fetch"), "ingest": ("Ingest", "IngestAnnouncing", "Sync"),
        "inspect": ("Manifest", "Config"), "unpack": ("UnpackGrowing", "Settle", "SettleLowest")}
IMPORT = {"archive": ("Open", "Next", "Extract"), "ingest": ("Ingest",),
          "inspect": ("Layout", "Manifest")}


# A replacement for berth-network. It sends each line of /run/liar as a message, with a descriptor if the line begins
# with "+"; at the line "hang", it waits for ever. /run/liar-document, if it exists, replaces the connection's document.
NETWORK = r"""
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
static void say(const char *text, size_t size, int fd) {
    union { char space[CMSG_SPACE(sizeof(int))]; struct cmsghdr header; } control = {.space = {0}};
    struct iovec data = {(char *)text, size};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
    if (fd >= 0) {
        message.msg_control = control.space;
        message.msg_controllen = sizeof control.space;
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    }
    sendmsg(3, &message, MSG_NOSIGNAL);
}
int main(int argc, char **argv) {
    static char line[70000];
    FILE *words = fopen("/run/liar", "r");
    int document = open("/run/liar-document", O_RDONLY);
    if (document >= 0 && argc > 4 && strcmp(argv[1], "join") == 0) {
        char path[4096];
        snprintf(path, sizeof path, "/var/lib/berth/networks/%s.json", argv[4]);
        int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        while (sendfile(file, document, NULL, 1 << 20) > 0)
            ;
    }
    close(creat("/var/lib/berth/liar-network-ran", 0600));
    while (words && fgets(line, sizeof line, words)) {
        size_t size = strcspn(line, "\n");
        line[size] = 0;
        if (strcmp(line, "hang") == 0)
            for (;;)
                pause();
        if (line[0] == '+')
            say(line + 1, size - 1, 0);
        else
            say(line, size, -1);
    }
    return 0;
}
"""


LIES_SO_FAR = set()    # (worker, member) of all false replies so far


def has_lied(worker, member):
    """Returns whether a member of a worker has sent a false reply since forget_lies()."""
    if not os.path.exists(f"{STATE}/liar-record"):
        return False
    with open(f"{STATE}/liar-record", encoding="ascii") as file:
        LIES_SO_FAR.update(tuple(line.split()) for line in file)
    with open(f"{STATE}/liar-record", encoding="ascii") as file:
        return f"{worker} {member}\n" in file


def forget_lies():
    has_lied("", "")
    if os.path.exists(f"{STATE}/liar-record"):
        os.unlink(f"{STATE}/liar-record")


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
        forget_lies()


def stored():
    """Returns the digests of all blobs in the store, after comparing them with the contents."""
    directory = f"{STATE}/content/blobs/sha256"
    names = sorted(os.listdir(directory))
    for name in names:
        with open(f"{directory}/{name}", "rb") as file:
            equal(oci.digest_of(file.read()), f"sha256:{name}", "a blob's bytes")
    return names


def named():
    return {row["name"]: row["digest"] for row in listing("images")}


def check_files():
    """Checks the state on disk, which is quick enough to be done after every lie."""
    stored()
    wait_until(lambda: not leftovers(), "the removal of incomplete snapshots")


def check_world(pid, before, allowed):
    equal(service_pid(), pid, "the service's process")
    after = named()
    for name, digest in before.items():
        equal(after.get(name), digest, "what a name stands for")
    for name in after:
        assert name in before or name in allowed, f"{name} appeared: {after}"
        if name in allowed:
            equal(after[name], allowed[name], "what the new name stands for")
    check_files()
    equal(good("run", "--rm", VICTIM["reference"], "cat", "/mine"), "the victim's")


def test_setup():
    image = oci.Image([BASE, oci.Layer().add("mine", b"the victim's")])
    VICTIM["reference"], VICTIM["digest"] = REGISTRY.add("victim/x:1", image)
    good("pull", VICTIM["reference"])
    # Only this container keeps the image while the tests check it.
    good("run", "-d", "--id=keeper", VICTIM["reference"], "sleep", "10000")


def lie_in(workers, attempt):
    """Calls attempt(count) with each lie in each member of these workers. False texts are the victim's digest and
    name."""
    count, failures = 0, []
    for worker, members in workers.items():
        for member in members:
            pid, before, allowed = service_pid(), named(), {}
            lies = [(lie, VICTIM["digest"]) for lie in LIES] + [("text", VICTIM["reference"])]
            for lie, text in lies:
                count += 1
                with Liar(worker, member, lie, text):
                    allowed.update(attempt(count))
                try:
                    check_files()
                except AssertionError as error:
                    failures.append(f"{worker} {member} {lie} {text}: {error}")
            # Changes persist, so one check is enough for all lies of a member.
            try:
                assert (worker, member) in LIES_SO_FAR, "it was never asked"
                check_world(pid, before, allowed)
            except AssertionError as error:
                failures.append(f"{worker} {member}: {error}")
            made = [name for name in named() if name not in before]
            if made:
                good("rmi", *made)
    assert not failures, "\n".join(failures)


def image_of(count):
    image = oci.Image([BASE, oci.Layer().add("mine", f"{count}".encode())
                       .hard_link("link", "bin/busybox")])
    return REGISTRY.add(f"liar/x{count}:1", image)


def image_with_an_early_link(count):
    """Adds an image whose lowest layer has a hard link to a later file, which is why SettleLowest is called."""
    layer = oci.Layer().hard_link("early", "late").add("late", f"{count}".encode())
    return REGISTRY.add(f"liar/y{count}:1", oci.Image([layer, BASE]))


def fetched_image(count):
    """Adds an image whose layers are stored before the pull, which is why Unpack is called."""
    image = oci.Image([BASE, oci.Layer().add("mine", f"fetched {count}".encode())])
    reference, digest = REGISTRY.add(f"liar/z{count}:1", image)
    good("fetch", reference)
    return reference, digest


def pull(count, make=image_of):
    reference, digest = make(count)
    before = listing("content", "active")
    dist("pull", reference, timeout=120)
    # If the pull failed while another layer was incomplete, that part is kept.
    if listing("content", "active") != before:
        CALLED_OFF.append(reference)
    return {reference: digest}


def pull_one(count):
    CALLED_OFF.append(image_of(count)[0])
    return dist("pull", CALLED_OFF[-1], timeout=120)


def test_a_pull_with_a_lying_fetch():
    lie_in({"fetch": PULL["fetch"]}, pull)


def test_a_pull_with_a_lying_ingest():
    lie_in({"ingest": PULL["ingest"]}, pull)


def test_a_pull_with_a_lying_inspect():
    lie_in({"inspect": PULL["inspect"]}, pull)


def test_a_pull_with_a_lying_unpack():
    lie_in({"unpack": ("UnpackGrowing", "Settle")}, pull)
    lie_in({"unpack": ("SettleLowest",)}, lambda count: pull(count, image_with_an_early_link))
    lie_in({"unpack": ("Unpack",)}, lambda count: pull(count, fetched_image))


def test_an_import_with_lying_workers():
    good("export", VICTIM["reference"], "-o", "/tmp/liar.tar")

    def take(count):
        dist("import", "--no-unpack", f"--name=liar.example/x:{count}", "/tmp/liar.tar", timeout=120)
        return {f"liar.example/x:{count}": VICTIM["digest"]}
    lie_in(IMPORT, take)
    os.unlink("/tmp/liar.tar")


def test_a_push_with_a_lying_fetch():
    def push(count):
        dist("push", VICTIM["reference"], f"{HOST}/liar/pushed:{count}", timeout=120)
        return {}
    lie_in({"fetch": ("Open", "Configure", "PushBlob", "PushManifest")}, push)


def test_a_single_object_with_a_lying_fetch():
    """Content that is returned under a digest matches it."""
    image = oci.Image([BASE, oci.Layer().add("mine", b"an object")])
    reference, digest = REGISTRY.add("liar/object:1", image)
    layer = image.manifest["layers"][1]["digest"]

    def fetch(_count):
        for arguments in ((reference, layer), (reference,), (reference, "1")):
            result = subprocess.run(["dist", "fetch-object", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                    timeout=120, check=False)
            if result.returncode == 0:
                equal(oci.digest_of(result.stdout), layer if layer in arguments else digest, arguments)
        return {}
    lie_in({"fetch": ("Open", "Resolve", "Fetch")}, fetch)


def test_samples_of_a_lying_fetch_prove_nothing():
    allow_only("alice", "images.pull", "images.inspect")
    private = oci.Image([BASE, oci.Layer().add("noise", os.urandom(200000))])
    theirs, _ = REGISTRY.add("private/x:1", private)
    good("pull", theirs)
    descriptor = private.manifest["layers"][1]
    before = listing("content", "active")

    def steal(count):
        image = oci.Image([BASE, oci.Layer().add("own", b"own")])
        image.manifest["layers"] = list(private.manifest["layers"])
        image.config["rootfs"]["diff_ids"] = list(private.config["rootfs"]["diff_ids"])
        image.blobs[descriptor["digest"]] = b"\x1f\x8b" + os.urandom(descriptor["size"] - 2)
        reference, _ = OTHER.add(f"thief/x:{count}", image)
        result = dist("pull", reference, user="alice", timeout=120)
        assert result.status != 0, result
        return {}
    lie_in({"fetch": ("Sample", "Fetch", "Open")}, steal)
    # Only this user can resume the ingests of the base layer that her failed pulls left.
    honest, _ = OTHER.add("thief/x:honest", oci.Image([BASE]))
    equal(dist("pull", honest, user="alice", timeout=120).status, 0)
    wait_until(lambda: listing("content", "active") == before, "the end of her ingests")
    good("rmi", honest)
    os.unlink("/etc/polkit-1/rules.d/00-berth-test.rules")
    good("rmi", theirs)


def test_a_policy_with_lying_workers():
    """If the only signature is not valid, no reply of a worker makes it valid."""
    trust.make_key("liars", "ec")
    trust.make_key("strangers", "ec")
    trust.configure(f"[Policy {trust.REGISTRY.host}/signed]\nRequire=signed\nKey={trust.KEYS}/liars.pub\n")

    def pull_unsigned(count):
        path = f"signed/liar{count}"
        reference, digest, repository = trust.add(path, count)
        payload = trust.payload_for(repository, digest)
        trust.attach(path, digest, (payload, trust.sign("strangers", "ec", payload)))
        result = dist("pull", reference, timeout=120)
        assert result.status != 0, result
        return {}
    lie_in({"fetch": ("Resolve", "ResolveObject", "Referrers", "Fetch"), "inspect": ("Signatures",),
            "signature": ("Verify",)}, pull_unsigned)
    trust.configure("")


def test_a_commit_with_lying_workers():
    """If a commit names an image, it is the base image with one more layer."""
    good("run", "--id=committed", VICTIM["reference"], "sh", "-c", "echo x >/added")
    base = json.loads(good("inspect", "--manifest", VICTIM["reference"]))

    def commit(count):
        name = f"liar.example/commit:{count}"
        dist("commit", "--no-unpack", "committed", name, timeout=120)
        if name not in named():
            return {}
        manifest = json.loads(good("inspect", "--manifest", name))
        equal([layer["digest"] for layer in manifest["layers"][:-1]], [layer["digest"] for layer in base["layers"]])
        assert manifest["layers"][-1]["digest"] != VICTIM["digest"], manifest
        assert manifest["config"]["digest"][7:] in stored(), manifest
        return {name: named()[name]}
    lie_in({"unpack": ("Pack",), "ingest": ("Ingest", "Sync"), "inspect": ("AppendToConfig", "AppendToManifest")}, commit)
    good("rm", "-f", "committed")


def test_applying_with_a_lying_unpack():
    layer = next(iter(oci.Image([oci.Layer("none").add("applied", b"x")]).blobs.items()))
    with open("/tmp/layer", "wb") as file:
        file.write(layer[1])
    equal(run("sh", "-c", "dist content ingest layer </tmp/layer").status, 0)

    def apply(count):
        os.makedirs(f"/tmp/applied-{count}")
        dist("content", "apply", layer[0], f"/tmp/applied-{count}", timeout=120)
        return {}
    lie_in({"unpack": ("Apply",)}, apply)


def test_secrets_read_by_a_lying_ingest():
    """A container has the secrets that it was given, each under its name, or is not created."""
    with open("/run/liars-secret", "w", encoding="ascii") as file:
        file.write("a secret")

    def give(_count):
        result = dist("create", "--id=secretive", "--secret=mine=/run/liars-secret", VICTIM["reference"], "cat", "/run/secrets/mine")
        if result.status == 0:
            equal(good("start", "-a", "secretive"), "a secret")
            good("rm", "secretive")
        equal([row["id"] for row in listing("ps", "-a")], ["keeper"])
        return {}
    lie_in({"ingest": ("Gather",)}, give)
    # The worker writes a file with the names and sizes of the secrets; the names become file names in the container.
    for lie, text, says in (("grow", "x", "more bytes of secrets than allowed"), ("spoil", "../escaped", "damaged"), ("spoil", "..", "damaged"),
                            ("spoil", "/etc/escaped", "damaged"), ("spoil", "x" * 264, "damaged")):
        with Liar("ingest", "Gather", lie, text):
            result = dist("create", "--id=secretive", "--secret=mine=/run/liars-secret", VICTIM["reference"], "true")
        if result.status == 0:
            result = dist("start", "-a", "secretive")
            good("rm", "secretive")
        contains(result.err, says)
    equal([row["id"] for row in listing("ps", "-a")], ["keeper"])
    assert "escaped" not in run("find", "/run", "/etc", STATE, "-name", "*escaped*").out
    os.unlink("/run/liars-secret")


def test_a_search_with_a_lying_fetch():
    """Search results are small and printable, however much the worker sends."""
    def search(_count):
        result = dist("search", f"{REGISTRY.host}/x", timeout=120)
        assert len(result.out) < 1 << 20 and len(result.err) < 1 << 16, (len(result.out), len(result.err))
        dist("login", "--username=me", "--password-stdin", REGISTRY.host, input="x")
        return {}
    lie_in({"fetch": ("Search", "Authenticate")}, search)


def test_an_export_with_a_lying_archive():
    def export(_count):
        dist("export", VICTIM["reference"], "-o", "/tmp/liar-out.tar", timeout=120)
        return {}
    lie_in({"archive": ("Create", "Add", "Finish")}, export)
    os.unlink("/tmp/liar-out.tar")


def test_the_logs_with_a_lying_journal():
    def read(_count):
        dist("logs", "keeper", timeout=120)
        return {}
    lie_in({"journal": ("Read",)}, read)


def test_terminals_with_a_lying_screen():
    """Only the terminal of the owner whose worker lies may be unusable; its container can be deleted like any other."""
    def attach_and_leave():
        call("/org/berth1/containers", "org.berth1.Containers", "Attach", "ssa{sv}", "screened", "", "0")

    def open_one():
        good("run", "-dt", "--id=screened", VICTIM["reference"], "sh", "-c", "while sleep 0.05; do echo x; done")

    def keep(_count):
        # While no client is attached, the worker keeps the terminal; it hands it over to the next client.
        open_one()
        wait_until(lambda: run("pgrep", "-x", "real-screen").out, "a worker keeps the terminal")
        attach_and_leave()
        good("rm", "-f", "screened")
        return {}

    def share(_count):
        # When one of two clients leaves, the worker is called to ring for the other. CloseStdin makes it type the
        # end-of-file character.
        open_one()
        holder = subprocess.Popen(["dist", "attach", "screened"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL)
        select.select([holder.stdout], [], [], 10)
        attach_and_leave()
        call("/org/berth1/containers", "org.berth1.Containers", "CloseStdin", "ssa{sv}", "screened", "", "0")
        holder.kill()
        holder.communicate()
        good("rm", "-f", "screened")
        return {}
    lie_in({"screen": ("Keep", "Release")}, keep)
    lie_in({"screen": ("Type", "Ring")}, share)


def test_a_docker_archive_with_a_lying_inspect():
    """The names, the configuration and the layers of each image are members of the archive."""
    layer = oci.busybox_layer("none").finish()
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Cmd": ["sh"]},
                         "rootfs": {"type": "layers", "diff_ids": [layer[0]]}}).encode()
    manifest = json.dumps([{"Config": "c.json", "RepoTags": ["liar.example/docker:1"], "Layers": ["l.tar"]}]).encode()
    with tarfile.open("/tmp/liar-docker.tar", "w") as archive:
        for name, data in (("manifest.json", manifest), ("c.json", config), ("l.tar", layer[2])):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    good("import", "--no-unpack", "/tmp/liar-docker.tar")
    digest = named()["liar.example/docker:1"]
    good("rmi", "liar.example/docker:1")

    def take(_count):
        dist("import", "--no-unpack", "/tmp/liar-docker.tar", timeout=120)
        if "liar.example/docker:1" in named():
            equal(named()["liar.example/docker:1"], digest)
            good("rmi", "liar.example/docker:1")
        return {"liar.example/docker:1": digest}
    lie_in({"inspect": ("DockerArchive",)}, take)
    os.unlink("/tmp/liar-docker.tar")


def test_a_document_with_a_lying_inspect():
    """The document has the requested length, or there is none."""
    truth = good("inspect", "--manifest", VICTIM["reference"])

    def look(_count):
        result = dist("inspect", "--manifest", VICTIM["reference"], timeout=120)
        assert result.status != 0 or result.out == truth, result
        return {}
    lie_in({"inspect": ("Text",)}, look)


def test_a_verification_with_a_lying_ingest():
    """A report of damage by a single worker, or a failing worker, removes nothing."""
    before = stored()

    def verify(_count):
        result = dist("content", "verify", timeout=120)
        assert result.status != 0 or "damaged" not in result.out, result
        equal(stored(), before)
        return {}
    for lie in ("numbers", "drop", "type", "huge", "error", "die", "once-text", "once-digests", "once-error", "once-die"):
        with Liar("ingest", "Hash", lie, VICTIM["digest"]):
            verify(0)
    check_world(service_pid(), named(), {})


def test_deletion_with_a_lying_unpack_worker():
    """What a worker failed to delete is deleted when the service starts next. A false size affects only the container
    that was measured."""
    allow("alice", 'action.id.indexOf("org.berth1.containers.") == 0')
    configure("[Limits]\nDisk=10G\n")
    pid = service_pid()
    for lie in LIES + ("twice", "calls"):
        with Liar("unpack", "Measure", lie, VICTIM["digest"]):
            good("run", "--id=hers", VICTIM["reference"], "sh", "-c", "mkdir /many; cd /many; for i in $(seq 100); do echo >$i; done", user="alice")
            wait_until(lambda: has_lied("unpack", "Measure"), f"the lie {lie} about its size")
        with Liar("unpack", "Empty", lie, VICTIM["digest"]):
            good("rm", "hers", user="alice")
            wait_until(lambda: has_lied("unpack", "Empty"), f"the lie {lie} about its deletion")
    # The service gives up a worker that never answers, and measures the next container.
    configure("[Limits]\nDisk=10G\nMeasureTimeoutSec=1\n")
    with Liar("unpack", "Measure", "never", "x"):
        good("run", "--id=hers", VICTIM["reference"], "true", user="alice")
        wait_until(lambda: "Cannot measure hers: it took too long\n" in
                   run("journalctl", "-b", "--no-pager", "-o", "cat", "-u", "berthd.service").out, "its worker is given up")
    configure("[Limits]\nDisk=10G\n")
    with Liar("unpack", "Measure", "numbers", "x"):
        good("run", "--id=next", VICTIM["reference"], "true", user="alice")
        wait_until(lambda: has_lied("unpack", "Measure"), "the measurement of the next one")
    good("rm", "hers", "next", user="alice")
    equal(service_pid(), pid)
    kill_service()
    good("images", "-q")
    wait_until(lambda: not [name for name in os.listdir(f"{STATE}/containers") if name.startswith(".")], "the deletion of the rest")
    check_world(service_pid(), named(), {})


def test_a_sync_with_a_lying_ingest():
    """The service survives false replies to SyncFileSystem, whose only message is that the sync is complete."""
    pid, before = service_pid(), named()
    for lie in ("type", "huge", "error", "die", "twice", "calls"):
        with Liar("ingest", "SyncFileSystem", lie, VICTIM["digest"]):
            allowed = pull(f"sync-{lie}")
            wait_until(lambda: has_lied("ingest", "SyncFileSystem"), f"the lie {lie}")
        check_world(pid, before, allowed)
        good("rmi", *allowed)


def test_a_worker_that_sends_more_than_its_reply_is_killed():
    """A worker that sends more than its reply is killed, its job fails, and its descriptors do not arrive."""
    refuses = socket.socket(socket.AF_UNIX)
    try:
        refuses.setsockopt(socket.SOL_SOCKET, 83, 0)    # SO_PASSRIGHTS
    except OSError:
        refuses = None
    for worker, member, attempt in (("fetch", "Resolve", pull_one), ("ingest", "Ingest", pull_one), ("inspect", "Manifest", pull_one),
                                    ("unpack", "UnpackGrowing", pull_one), ("journal", "Read", lambda _: dist("logs", "keeper", timeout=120))):
        for number, (lie, says) in enumerate((("twice", ""), ("calls", ""), ("signals", ""), ("files", "died" if refuses else "malformed"))):
            if (worker, lie) == ("journal", "twice"):
                continue    # Read is the worker's last call: it exits before it could send a second reply.
            pid, before = service_pid(), named()
            count = len(reports())
            with Liar(worker, member, lie, "/etc/hostname" if lie == "files" else VICTIM["reference"]):
                result = attempt(f"{worker}-{lie}-{number}")
            if says and worker != "journal":
                contains(result.err, says)
            if not says:
                wait_until(lambda: len(reports()) > count, f"{worker} is killed for {lie}")
            check_world(pid, before, {name: digest for name, digest in named().items() if name.startswith(f"{REGISTRY.host}/liar/")})


def reports():
    lines = run("journalctl", "-b", "--no-pager", "-o", "cat", "-u", "berthd.service").out.splitlines()
    return [line for line in lines if line.endswith("sent a message that was not asked for and is killed")]


def test_a_reply_of_another_signature_is_always_refused():
    for worker, member in (("ingest", "Sync"), ("unpack", "Settle")):
        with Liar(worker, member, "type", "x"):
            image = oci.Image([BASE, oci.Layer().add("of", worker.encode())
                               .hard_link("link", "bin/busybox")])
            reference, _ = REGISTRY.add(f"type/{worker}:1", image)
            result = dist("pull", reference)
            equal(result.status, 1)
            contains(result.err, f"berth-{worker} sent a malformed reply")
        assert reference not in named(), named()


def test_a_call_that_a_worker_never_answers_can_be_cancelled():
    for worker, members in PULL.items():
        with Liar(worker, members[0], "never", "x"):
            image = oci.Image([BASE, oci.Layer().add("mine", worker.encode())])
            reference, _ = REGISTRY.add(f"never/{worker}:1", image)
            pulling = subprocess.Popen(["dist", "pull", reference], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            number = wait_until(lambda: [row["transfer"] for row in listing("transfers")
                                         if row["state"] == "running"], "the transfer")[0]
            good("cancel", str(number))
            pulling.wait(120)
        CALLED_OFF.append(reference)
    service_is_up()
    equal(good("run", "--rm", VICTIM["reference"], "cat", "/mine"), "the victim's")


def lying_network(words, document=None):
    """Sets the messages and the document that berth-network sends when it runs next."""
    for name, text in (("/run/liar", "".join(word + "\n" for word in words)), ("/run/liar-document", document)):
        run("rm", "-f", name)
        if text is not None:
            with open(name, "w", encoding="utf-8") as file:
                file.write(text)
    run("rm", "-f", f"{STATE}/liar-network-ran")


def test_networks_with_a_lying_berth_network():
    """The service trusts no message or document of berth-network, except that an operation is complete or failed."""
    equal(run("gcc", "-static", "-x", "c", "-o", "/var/tmp/liar-network", "-", input=NETWORK).status, 0)
    for name in ("first", "second"):
        good("network", "create", "--ipv6=false", name)
    good("run", "-d", "--id=roams", "--network=first", "--stop-timeout=1", VICTIM["reference"], "sleep", "10000")
    get = ("Get", "sa{sv}", "keeper", "0")
    before, pid = containers_call(*get).out, service_pid()
    place = f"{WORKERS}/berth-network"
    os.rename(place, f"{WORKERS}/real-network")
    shutil.copy("/var/tmp/liar-network", place)
    try:
        noise = ["?", "+?", "+P1", "P1", "+R1", "+T", "T", "g", "K" * 60000, "P" + "9" * 900]
        for words, succeeds in (([], False), (["E\x1b]0;x\x07\x1b[2Jno"], False), (["U" + "\x1b[2J" * 180], False), (noise, True), (["K", "K", "E late"], False),
                                (noise + ["E no"], False), (["", "K"], False), (["K"], True)):
            lying_network(words)
            result = dist("network", "connect", "second", "roams")
            equal(result.status == 0, succeeds, [word[:20] for word in words])
            assert "\x1b" not in result.err and "\x07" not in result.err, result
            if succeeds:
                lying_network(["K"])
                good("network", "disconnect", "second", "roams")
        ips = [{"address": "\x1b[2J\n"}, {"address": "10.0.0.1/8"}, {"other": 1}, 7, None]
        for result in ({"ips": ips}, {"ips": [{"address": "9" * 4000}] * 900}, {"ips": {"address": 1}}, [], None, "x", {"ips": [[[]] * 9]}):
            lying_network(["K"], json.dumps({"pid": 1, "request": {"network": "first", "owner": -1}, "result": result, "port": "../../lo", "portIndex": 1}))
            good("network", "connect", "second", "roams")
            for words in (("ps", "-a"), ("info", "roams"), ("network", "inspect", "second"), ("network", "ls")):
                shown = dist(*words)
                assert "\x1b" not in shown.out + shown.err, shown
                equal(shown.status, 0, (words, result))
            good("network", "disconnect", "second", "roams")
        for text in ("", "{", "[]", "\0", "[" * 100000):
            lying_network(["K"], text)
            good("network", "connect", "second", "roams")
            good("info", "roams")
            good("network", "disconnect", "second", "roams")
        lying_network(["hang"])
        waiting = subprocess.Popen(["dist", "network", "connect", "second", "roams"], stderr=subprocess.DEVNULL)
        wait_until(lambda: os.path.exists(f"{STATE}/liar-network-ran"), "it is asked")
        good("info", "roams")
        lying_network([])
        good("rm", "-f", "roams")
        assert waiting.wait(120) != 0
        # At a start, the service relies on berth-network's report that it is done: a container that was not really
        # connected starts without a network.
        good("run", "--rm", "--network=first", VICTIM["reference"], "true")
        equal((containers_call(*get).out, service_pid()), (before, pid))
    finally:
        os.rename(f"{WORKERS}/real-network", place)
        run("rm", "-f", "/run/liar", "/run/liar-document")
    # The next service undoes connections that were recorded but not completed.
    kill_service()
    good("ps")
    wait_until(lambda: not [name for name in os.listdir(f"{STATE}/networks") if name[0] != "."], "the documents go")
    equal(good("run", "--rm", "--network=first", VICTIM["reference"], "cat", "/mine"), "the victim's")
    good("network", "rm", "first", "second")


def test_every_member_of_every_worker_has_lied():
    with open(f"{SOURCE}/service/base/worker-members.h", encoding="utf-8") as file:
        text = file.read()
    for worker, members in re.findall(r"#define BERTH_([A-Z]+)_MEMBERS\(MEMBER\)(.*?)\n\n", text, re.DOTALL):
        names = re.findall(r'"([A-Z][A-Za-z]+)",', members)
        assert names, worker
        for name in names:
            assert (worker.lower(), name) in LIES_SO_FAR, (worker, name)


def test_everything_works_again_with_the_real_workers():
    good("rm", "-f", "keeper")
    reference, _ = REGISTRY.add("after/x:1", oci.Image([BASE]))
    good("pull", reference)
    equal(good("run", "--rm", reference, "echo", "well"), "well\n")
    # A new pull resumes the content that a cancelled pull has fetched.
    for reference in CALLED_OFF:
        good("pull", reference)
    wait_until(lambda: listing("content", "active") == [], "the end of all ingests")


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
