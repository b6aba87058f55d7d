# SPDX-License-Identifier: LGPL-2.1-or-later
# Compromised workers. A program (tests/liar) replaces one worker at a time: it forwards all calls to the real worker,
# but changes the replies of one member. The service then names, stores and shows nothing that is false, and continues.
# Here, the workers lie during transfers; test-liars-local.py is about all else, and runs at the same time.

import importlib
import os
import re
import shutil
import subprocess
import sys

import gi
gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # pylint: disable=wrong-import-position

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import,wrong-import-position
from faulty_registry import FaultyRegistry  # pylint: disable=wrong-import-position
import oci  # pylint: disable=wrong-import-position

REGISTRY = FaultyRegistry()
OTHER = FaultyRegistry()    # alice's registry
trust = importlib.import_module("test-trust")
LIAR = os.environ["BERTH_BUILD"] + "/tests/liar/liar"
SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
VICTIM = {}
BASE = oci.busybox_layer().finish()    # shared by all images, because compressing it takes longer than pulling it
CLIENT = Gio.bus_get_sync(Gio.BusType.SYSTEM)
CALLED_OFF = []    # references of interrupted pulls, whose partial content the next pull resumes
# Each lie, and what the signature of a reply has if the lie changes it.
LIES = {"text": "s", "digests": "s", "numbers": "[tu]", "flags": "b", "lists": "as", "drop": "a", "type": "", "huge": "", "error": "",
        "die": ""}
# The members of each worker that a pull and the import of an archive call.
PULL = {"fetch": ("Open", "Resolve", "Fetch"), "ingest": ("Ingest", "IngestAnnouncing", "Sync"),
        "inspect": ("Manifest", "Config"), "unpack": ("UnpackGrowing", "Settle", "SettleLowest")}
IMPORT = {"archive": ("Open", "Next", "Extract"), "ingest": ("Ingest",),
          "inspect": ("Layout", "Manifest")}


def read_members():
    """Returns the signature of the reply of each (worker, member)."""
    with open(f"{SOURCE}/service/base/worker-members.h", encoding="utf-8") as file:
        text = file.read()
    found = {}
    for worker, members in re.findall(r"#define BERTH_([A-Z]+)_MEMBERS\(MEMBER\)(.*?)\n\n", text, re.DOTALL):
        replies = re.findall(r'"([A-Z][A-Za-z]+)",\s*(?:\\\n\s*)?"[^"]*", "([^"]*)"\)', members)
        assert replies and len(replies) == members.count("MEMBER("), (worker, replies)
        found.update({(worker.lower(), member): reply for member, reply in replies})
    return found


MEMBERS = read_members()
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


def lies_about(worker, member):
    return [lie for lie, changed in LIES.items() if re.search(changed, MEMBERS[worker, member])]


def lie_in(workers, attempt):
    """Calls attempt(count) with each lie that changes the reply, in each member of these workers. False texts are the
    victim's digest and name."""
    count, failures = 0, []
    for worker, members in workers.items():
        for member in members:
            pid, before, allowed = service_pid(), named(), {}
            lies = lies_about(worker, member)
            for lie, text in [(lie, VICTIM["digest"]) for lie in lies] + [("text", VICTIM["reference"])] * ("text" in lies):
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


def incomplete():
    return sorted(os.listdir(f"{STATE}/content/ingest"))


def pull(count, make=image_of):
    reference, digest = make(count)
    before = incomplete()
    dist("pull", reference, timeout=120)
    # If the pull failed while another layer was incomplete, that part is kept.
    if incomplete() != before:
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


def test_members_that_a_lying_archive_adds_without_end_are_limited():
    """The service remembers the names of members, and refuses more than fit into its memory."""
    good("export", VICTIM["reference"], "-o", "/tmp/liar.tar")
    pid = service_pid()
    with Liar("archive", "Next", "members", "x"):
        result = dist("import", "--no-unpack", "--name=liar.example/x:members", "/tmp/liar.tar", timeout=120)
    contains(result.err, "the names of the archive's members take more than")
    # It can make a document that is kept in memory no larger than a document may be.
    run("tar", "-C", "/", "-cf", "/tmp/liar-document.tar", "--transform=s,.*,index.json,", "etc/hostname")
    with Liar("archive", "Extract", "grow", "x"):
        result = dist("import", "--no-unpack", "--name=liar.example/x:members", "/tmp/liar-document.tar", timeout=120)
    contains(result.err, "berth-archive died")
    equal(service_pid(), pid, "the service's process")


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


def test_a_digest_that_a_lying_ingest_invents_grants_nothing():
    """Whatever berth-ingest says that it has received, its user does not get what another user has stored."""
    allow_only("alice", "images.pull", "images.manage", "images.inspect", "contents.write")
    private = oci.Image([BASE, oci.Layer().add("noise", os.urandom(200000))])
    theirs, _ = REGISTRY.add("private/y:1", private)
    good("pull", theirs)
    layer = private.manifest["layers"][1]

    def attempt(member, command):
        with Liar("ingest", member, "digests", layer["digest"]):
            result = run("runuser", "-u", "alice", "--", "sh", "-c", command)
            assert has_lied("ingest", member), (command, result)
        assert result.status != 0, (command, result)
        equal(database_query(f"SELECT count(*) FROM holdings WHERE owner = 4242 AND digest = '{layer['digest']}'"), "0", command)

    for size in (100, layer["size"]):
        with open("/tmp/invented.tar", "wb") as file:
            file.write(b"\x1f\x8b" + os.urandom(size - 2))
        os.chmod("/tmp/invented.tar", 0o644)
        run("tar", "-C", "/tmp", "-cf", "/tmp/archive", "invented.tar")
        attempt("Ingest", "dist import --no-unpack /tmp/archive")
        attempt("Ingest", f"dist content ingest invented-{size} </tmp/invented.tar")
    image = oci.Image([oci.Layer().add("own", b"own")])
    image.manifest["layers"] = [layer]
    image.config["rootfs"]["diff_ids"] = private.config["rootfs"]["diff_ids"][1:]
    with open("/tmp/invented.tar", "rb") as file:
        image.blobs[layer["digest"]] = file.read()
    reference, _ = OTHER.add("thief/y:1", image)
    # The documents arrive without a lie.
    assert dist("fetch", reference, user="alice").status != 0
    attempt("Ingest", f"dist fetch {reference}")
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


def test_a_search_with_a_lying_fetch():
    """Search results are small and printable, however much the worker sends."""
    def search(_count):
        result = dist("search", f"{REGISTRY.host}/x", timeout=120)
        assert len(result.out) < 1 << 20 and len(result.err) < 1 << 16, (len(result.out), len(result.err))
        dist("login", "--username=me", "--password-stdin", REGISTRY.host, input="x")
        return {}
    lie_in({"fetch": ("Search", "Authenticate")}, search)


def read_logs(_count):
    """Reads the keeper's log until the worker has lied. Unlike "dist logs", the client stays connected: when it has left,
    the service ends its worker, which may not have lied yet."""
    _reply, given = CLIENT.call_with_unix_fd_list_sync(
        "org.berth1", "/org/berth1/containers", "org.berth1.Containers", "Logs", GLib.Variant("(sa{sv})", ("keeper", {})),
        None, Gio.DBusCallFlags.NONE, 120000, None, None)
    with open(given.steal_fds()[0], "rb") as pipe:
        pipe.read()
    wait_until(lambda: has_lied("journal", "Read"), "the lie")
    return {}


def test_a_worker_that_sends_more_than_its_reply_is_killed():
    """A worker that sends more than its reply is killed, its job fails, and its descriptors do not arrive."""
    for worker, member, attempt in (("fetch", "Resolve", pull_one), ("ingest", "Ingest", pull_one), ("inspect", "Manifest", pull_one),
                                    ("unpack", "UnpackGrowing", pull_one), ("journal", "Read", read_logs)):
        pid, before = service_pid(), named()
        for number, (lie, says) in enumerate((("twice", ""), ("calls", ""), ("signals", ""), ("huge", ""), ("files", "died"))):
            if (worker, lie) == ("journal", "twice"):
                continue    # Read is the worker's last call: it is ended before it could send a second reply.
            after = journal_cursor()
            with Liar(worker, member, lie, "/etc/hostname" if lie == "files" else VICTIM["reference"]):
                result = attempt(f"{worker}-{lie}-{number}")
            if says and worker != "journal":
                contains(result.err, says)
            if not says:
                wait_until(lambda: reports(after), f"{worker} is killed for {lie}")    # pylint: disable=cell-var-from-loop
            check_files()
        # Changes persist, so one check is enough for all lies of a member.
        check_world(pid, before, {name: digest for name, digest in named().items() if name.startswith(f"{REGISTRY.host}/liar/")})


def reports(after):
    """Returns the service's reports of killed workers after a position in the journal."""
    messages = [entry["MESSAGE"] for entry in journal_entries(after, "berthd")]
    return [message for message in messages if message.endswith("sent a message that was not asked for and is killed")]


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


# The members in which the workers lie in test-liars-local.py.
LOCAL = {("archive", "Create"), ("archive", "Add"), ("archive", "Finish"), ("ingest", "Gather"), ("ingest", "Hash"),
         ("ingest", "SyncFileSystem"), ("inspect", "Text"), ("inspect", "AppendToConfig"), ("inspect", "AppendToManifest"),
         ("inspect", "DockerArchive"), ("journal", "Read"), ("screen", "Keep"), ("screen", "Release"), ("screen", "Type"),
         ("screen", "Ring"), ("unpack", "Empty"), ("unpack", "Measure"), ("unpack", "Pack"), ("unpack", "Apply")}


def test_every_member_of_every_worker_has_lied():
    equal(set(MEMBERS) - LOCAL - LIES_SO_FAR, set())


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
