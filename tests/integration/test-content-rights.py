# SPDX-License-Identifier: LGPL-2.1-or-later
# Content in the store is not available to every user. Alice may pull from a registry of her own, name images and run
# them, but she cannot obtain what root has pulled by naming its digests. Her unfinished operations do not block others.

import copy
import hashlib
import io
import os
import subprocess
import sys
import tarfile
import threading

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
from faulty_registry import FaultyRegistry
import oci

OWNER = FaultyRegistry()   # root's registry
OWN = FaultyRegistry()     # alice's registry, which sends whatever she wants
SECRET = "the secret of root"
RIGHTS = ("images.pull", "images.push", "images.manage", "images.inspect", "contents.write",
          "containers.create", "containers.manage-own")
PRIVATE = {}


def noise(size):
    return os.urandom(size)


def secret_layer():
    return oci.Layer().add("secret", SECRET.encode()).add("noise", noise(200000))


def test_setup():
    allow_only("alice", *RIGHTS)
    image = oci.Image([oci.busybox_layer(), secret_layer()])
    PRIVATE["image"] = image
    PRIVATE["reference"], PRIVATE["manifest"] = OWNER.add("private/x:1", image)
    good("pull", PRIVATE["reference"])
    PRIVATE["layer"] = image.manifest["layers"][1]["digest"]


def stolen(name):
    """Adds an image to alice's registry that names root's layer, although the registry does not have that layer."""
    image = oci.Image([oci.busybox_layer(), oci.Layer().add("own", b"own")])
    private = PRIVATE["image"]
    image.manifest["layers"] = copy.deepcopy(private.manifest["layers"])
    image.config["rootfs"]["diff_ids"] = list(private.config["rootfs"]["diff_ids"])
    reference, digest = OWN.add(name, image)
    return image, reference, digest


def lacks_secret(*command):
    result = dist(*command, user="alice")
    assert SECRET not in result.out + result.err, (command, result)
    assert result.status != 0, (command, result)
    return result


def test_a_manifest_that_names_anothers_layer_gets_nothing():
    _, reference, _ = stolen("thief/a:1")
    result = dist("pull", reference, user="alice")
    assert result.status != 0, result
    assert reference not in [row["name"] for row in listing("images")]
    lacks_secret("run", "--rm", reference, "cat", "/secret")


def test_a_registry_that_claims_to_have_anothers_layer_grants_nothing():
    image, reference, _ = stolen("thief/b:1")
    # The reply to HEAD and all sizes are correct, but the bytes are not.
    size = PRIVATE["image"].manifest["layers"][1]["size"]
    image.blobs[PRIVATE["layer"]] = b"\x1f\x8b" + noise(size - 2)
    result = dist("pull", reference, user="alice")
    assert result.status != 0, result
    assert reference not in [row["name"] for row in listing("images")]


def test_error_reveals_no_digest_that_the_caller_did_not_name():
    image, reference, _ = stolen("thief/c:1")
    data = b"something else entirely"
    image.blobs[PRIVATE["layer"]] = data
    image.manifest["layers"][1]["size"] = len(data)
    reference, _ = OWN.add("thief/c:1", image)
    result = dist("pull", reference, user="alice")
    assert result.status != 0, result
    assert hashlib.sha256(data).hexdigest() not in result.err, result


def test_a_configuration_that_claims_anothers_layers_gets_its_own():
    """A configuration that lists diff IDs of a stored chain is refused, since the image's blobs do not match them."""
    own = oci.Image([oci.busybox_layer(), oci.Layer().add("own", b"own")])
    own_diff_id = own.config["rootfs"]["diff_ids"][1]
    own.config["rootfs"]["diff_ids"] = list(PRIVATE["image"].config["rootfs"]["diff_ids"])
    reference, _ = OWN.add("thief/d:1", own)
    result = dist("pull", reference, user="alice")
    assert result.status != 0, result
    contains(result.err, "diff ID")
    # The error does not reveal the actual digest.
    assert own_diff_id not in result.err, result
    # Fetching the image and naming it with Put does not help, either.
    good("fetch", reference, user="alice")
    manifest = OWN.manifests[("thief/d", "1")][1]
    equal(images_call("Put", "s(sst)a{ss}a{sv}", "thief.example/d:1", oci.OCI_MANIFEST,
                      oci.digest_of(manifest), str(len(manifest)), "0", "0", user="alice").status, 0)
    lacks_secret("run", "--rm", "thief.example/d:1", "cat", "/secret")
    lacks_secret("unpack", "thief.example/d:1")
    lacks_secret("run", "--rm", "thief.example/d:1", "cat", "/secret")


def test_a_pull_by_root_does_not_grant_a_claimed_chain_either():
    own = oci.Image([oci.busybox_layer(), oci.Layer().add("own", b"owned")])
    own.config["rootfs"]["diff_ids"] = list(PRIVATE["image"].config["rootfs"]["diff_ids"])
    reference, _ = OWN.add("thief/e:1", own)
    result = dist("pull", reference)
    assert result.status != 0, result
    lacks_secret("run", "--rm", reference, "cat", "/secret")


def archive_of(path, members):
    with tarfile.open(path, "w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    os.chmod(path, 0o644)


def layout_of(image, blobs):
    manifest = image.finish()
    digest = oci.digest_of(manifest)
    index = {"schemaVersion": 2, "manifests": [{
        "mediaType": oci.OCI_MANIFEST, "digest": digest, "size": len(manifest),
        "annotations": {"org.opencontainers.image.ref.name": "thief.example/f:1"}}]}
    members = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
               "index.json": json.dumps(index).encode(),
               f"blobs/sha256/{digest[7:]}": manifest}
    for name, data in blobs.items():
        members[f"blobs/sha256/{name[7:]}"] = data
    return members


def test_an_import_grants_only_the_content_of_the_archive():
    image = PRIVATE["image"]
    config = image.manifest["config"]["digest"]
    busybox = image.manifest["layers"][0]["digest"]
    here = {digest: image.blobs[digest] for digest in (config, busybox)}
    archive_of("/tmp/thief.tar", layout_of(image, here))
    contains(lacks_secret("import", "--name=thief.example/f:1", "/tmp/thief.tar").err, "the archive is incomplete")
    # An empty member with the layer's name does not help, either.
    archive_of("/tmp/thief.tar", layout_of(image, {**here, PRIVATE["layer"]: b""}))
    result = lacks_secret("import", "--name=thief.example/f:1", "/tmp/thief.tar")
    contains(result.err, "does not match the digest")
    lacks_secret("run", "--rm", "thief.example/f:1", "cat", "/secret")
    # An archive that contains all blobs grants her the whole image.
    archive_of("/tmp/thief.tar", layout_of(image, image.blobs))
    good("import", "--name=thief.example/f:1", "/tmp/thief.tar", user="alice")
    equal(good("run", "--rm", "thief.example/f:1", "cat", "/secret", user="alice"), SECRET)
    good("rmi", "thief.example/f:1")
    run("rm", "/tmp/thief.tar")


def forget_alice():
    """Deletes root's content, and alice's holdings with it, then pulls the content again as root."""
    good("rmi", PRIVATE["reference"])
    good("prune")
    good("pull", PRIVATE["reference"])


def ingest(data, name):
    with open("/tmp/ingest", "wb") as file:
        file.write(data)
    os.chmod("/tmp/ingest", 0o644)
    return run("sh", "-c", f"dist content ingest {name} </tmp/ingest", user="alice")


def test_only_a_user_who_has_sent_content_may_name_it():
    forget_alice()
    result = images_call("Put", "s(sst)a{ss}a{sv}", "thief.example/g:1", oci.OCI_MANIFEST,
                         PRIVATE["manifest"], "1", "0", "0", user="alice")
    assert result.status != 0, result
    # A manifest is not secret, as everybody may inspect images. Alice now holds the manifest, but not the content that
    # it names.
    text = PRIVATE["image"].finish()
    equal(ingest(text, "manifest").status, 0)
    result = images_call("Put", "s(sst)a{ss}a{sv}", "thief.example/g:1", oci.OCI_MANIFEST,
                         PRIVATE["manifest"], str(len(text)), "0", "0", user="alice")
    equal(result.status, 0, result)
    for command in (("unpack", "thief.example/g:1"),
                    ("run", "--rm", "thief.example/g:1", "cat", "/secret"),
                    ("push", "thief.example/g:1", f"{HOST}/thief/g:1")):
        lacks_secret(*command)
    # Another name for the manifest of root's image does not give her its content, either.
    good("tag", PRIVATE["reference"], "thief.example/h:1", user="alice")
    lacks_secret("run", "--rm", "thief.example/h:1", "cat", "/secret")
    # Neither does a new pull by root.
    good("pull", PRIVATE["reference"])
    lacks_secret("run", "--rm", "thief.example/g:1", "cat", "/secret")
    good("rmi", "thief.example/g:1", "thief.example/h:1")


def in_store(digest):
    return digest in good("content", "list")


def chains():
    return set(database_query("SELECT chain_id FROM snapshots").split())


def prune_without_roots_name():
    """Removes root's name, prunes and pulls again; returns whether manifest, layer and snapshots survived the prune."""
    before = chains()
    good("rmi", PRIVATE["reference"])
    good("prune")
    kept = [in_store(PRIVATE[key]) for key in ("manifest", "layer")] + [before == chains()]
    good("pull", PRIVATE["reference"])
    return kept


def put_private(name):
    result = images_call("Put", "s(sst)a{ss}a{sv}", name, oci.OCI_MANIFEST, PRIVATE["manifest"],
                         str(len(PRIVATE["image"].finish())), "0", "0", user="alice")
    equal(result.status, 0, result)


def test_a_manifest_keeps_only_content_of_its_owner():
    forget_alice()
    equal(ingest(PRIVATE["image"].finish(), "manifest").status, 0)
    put_private("thief.example/keep:1")
    # Alice may read the image's configuration, whose chain of layers is in the store.
    images_call("Describe", "sa{sv}", "thief.example/keep:1", "0", user="alice")
    leases = ("/org/berth1/leases", "org.berth1.Leases")
    equal(call(*leases, "Create", "sa{sv}", "keeps", "0", user="alice").status, 0)
    equal(call(*leases, "Add", "sasa{sv}", "keeps", "1", PRIVATE["manifest"], "0", user="alice").status, 0)
    result = run("sh", "-c", f"dist content why {PRIVATE['layer']}").out
    assert "keep" not in result, result
    equal(prune_without_roots_name(), [True, False, False])
    # Her name and her lease do not prevent a user with permission from deleting the content.
    good("rmi", PRIVATE["reference"])
    good("content", "rm", PRIVATE["layer"])
    good("pull", PRIVATE["reference"])
    good("rmi", "thief.example/keep:1")
    good("lease", "rm", "keeps")


def test_readable_content_is_kept_and_counted():
    forget_alice()
    allow_only("alice", *RIGHTS, "contents.read")
    leases = ("/org/berth1/leases", "org.berth1.Leases")
    equal(call(*leases, "Create", "sa{sv}", "reads", "0", user="alice").status, 0)
    os.makedirs("/etc/berth/berth.conf.d", exist_ok=True)
    with open("/etc/berth/berth.conf.d/few.conf", "w") as file:
        file.write("[Limits]\nDisk=100K\n")
    equal(run("systemctl", "reload", "berthd").status, 0)
    refused = call(*leases, "Add", "sasa{sv}", "reads", "1", PRIVATE["manifest"], "0", user="alice")
    contains(refused.err, "bytes")
    os.unlink("/etc/berth/berth.conf.d/few.conf")
    equal(run("systemctl", "reload", "berthd").status, 0)
    equal(call(*leases, "Add", "sasa{sv}", "reads", "1", PRIVATE["manifest"], "0", user="alice").status, 0)
    allow_only("alice", *RIGHTS)
    equal(prune_without_roots_name()[:2], [True, True])
    # Content that she could read when she named it is also kept by the name.
    put_private("reader.example/x:1")
    good("lease", "rm", "reads")
    equal(prune_without_roots_name(), [True, True, True])
    equal(good("run", "--rm", "reader.example/x:1", "cat", "/secret", user="alice"), SECRET)
    good("rmi", "reader.example/x:1")


def test_content_pulled_by_a_user_is_kept_by_the_users_name():
    reference, _ = OWN.add("kept/x:1", oci.Image([oci.busybox_layer(), oci.Layer().add("own", b"hers")]))
    good("pull", reference, user="alice")
    good("prune")
    equal(good("run", "--rm", reference, "cat", "/own", user="alice"), "hers")
    good("rmi", reference)


def test_claimed_chain_is_not_revealed_to_exist():
    forget_alice()
    results = []
    for diff_ids in (PRIVATE["image"].config["rootfs"]["diff_ids"], ["sha256:" + "1" * 64, "sha256:" + "2" * 64]):
        config = json.dumps({"architecture": "amd64", "os": "linux", "author": "thief", "config": {},
                             "rootfs": {"type": "layers", "diff_ids": diff_ids}}).encode()
        manifest = json.dumps({"schemaVersion": 2, "mediaType": oci.OCI_MANIFEST, "layers": PRIVATE["image"].manifest["layers"],
                               "config": {"mediaType": PRIVATE["image"].manifest["config"]["mediaType"],
                                          "digest": oci.digest_of(config), "size": len(config)}}).encode()
        equal([ingest(config, "config").status, ingest(manifest, "manifest").status], [0, 0])
        equal(images_call("Put", "s(sst)a{ss}a{sv}", "thief.example/claim:1", oci.OCI_MANIFEST, oci.digest_of(manifest),
                          str(len(manifest)), "0", "0", user="alice").status, 0)
        result = images_call("Describe", "sa{sv}", "thief.example/claim:1", "0", user="alice")
        results.append(result.out.replace(oci.digest_of(manifest), "DIGEST"))
    contains(results[0], "DIGEST")
    equal(*results)
    # Root has pulled the image, and sees that it is complete.
    contains(images_call("Describe", "sa{sv}", PRIVATE["reference"], "0").out, '"Complete" b true "Unpacked" b true')
    good("rmi", "thief.example/claim:1")


def test_an_index_grants_only_manifests_fetched_with_it():
    forget_alice()
    own = oci.busybox_image()
    manifest = own.finish()
    entries = [
        {"mediaType": oci.OCI_MANIFEST, "digest": oci.digest_of(manifest), "size": len(manifest),
         "platform": {"os": "linux", "architecture": "amd64"}},
        {"mediaType": oci.OCI_MANIFEST, "digest": PRIVATE["manifest"],
         "size": len(PRIVATE["image"].finish()),
         "platform": {"os": "linux", "architecture": "arm64"}},
    ]
    index = json.dumps({"schemaVersion": 2, "mediaType": oci.OCI_INDEX,
                        "manifests": entries}).encode()
    reference, _ = OWN.add("thief/i:own", own)
    for key in ("1", oci.digest_of(index)):
        OWN.manifests[("thief/i", key)] = (oci.OCI_INDEX, index)
    reference = f"{OWN.host}/thief/i:1"
    good("pull", reference, user="alice")
    result = lacks_secret("inspect", reference, "--platform=linux/arm64")
    lacks_secret("unpack", reference, "--platform=linux/arm64")
    good("rmi", reference)
    assert PRIVATE["layer"] not in result.out + result.err


def test_only_own_objects_are_pushed():
    result = call("/org/berth1/contents", "org.berth1.Contents", "PushObject", "ssa{sv}",
                  PRIVATE["layer"], f"{HOST}/thief/object:x", "0", user="alice")
    assert result.status != 0, result
    contains(result.err, "denied")


def test_a_push_does_not_reveal_the_content_of_others():
    """A push of another user's layer fails with the same error as a push of a layer that does not exist."""
    forget_alice()
    absent = "sha256:" + "3" * 64
    attempts = []
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {},
                         "rootfs": {"type": "layers", "diff_ids": ["sha256:" + "4" * 64]}}).encode()
    equal(ingest(config, "config").status, 0)
    for digest in (PRIVATE["layer"], absent):
        manifest = json.dumps({"schemaVersion": 2, "mediaType": oci.OCI_MANIFEST,
                               "config": {"mediaType": PRIVATE["image"].manifest["config"]["mediaType"],
                                          "digest": oci.digest_of(config), "size": len(config)},
                               "layers": [{**PRIVATE["image"].manifest["layers"][1], "digest": digest}]}).encode()
        equal(ingest(manifest, "manifest").status, 0)
        equal(images_call("Put", "s(sst)a{ss}a{sv}", "thief.example/lacks:1", oci.OCI_MANIFEST, oci.digest_of(manifest),
                          str(len(manifest)), "0", "0", user="alice").status, 0)
        results = [lacks_secret("push", "thief.example/lacks:1", f"{HOST}/thief/lacks:1"),
                   lacks_secret("export", "thief.example/lacks:1", "-o", "/tmp/lacks.tar")]
        attempts.append([(result.status, (result.out + result.err).replace(digest, "DIGEST")) for result in results])
    contains(attempts[0][0][1], "DIGEST")
    contains(attempts[0][0][1], "is not here")
    equal(*attempts)
    good("rmi", "thief.example/lacks:1")


def test_a_push_of_anothers_image_needs_the_right_to_read_it():
    own, _ = OWN.add("pushed/own:1", oci.Image([oci.busybox_layer(), oci.Layer().add("own", b"hers")]))
    good("pull", own, user="alice")
    results = [dist("--no-ask-password", "push", name, f"{HOST}/pushed/x:1", user="alice")
               for name in (PRIVATE["reference"], "absent.example/x:1")]
    equal([result.status for result in results], [1, 1])
    equal(results[0].err.replace(PRIVATE["reference"], "NAME"), results[1].err.replace("absent.example/x:1", "NAME"))
    contains(results[0].err, "Permission denied")
    good("push", own, f"{HOST}/pushed/own:1", user="alice")
    allow_only("alice", *RIGHTS, "contents.read")
    good("push", PRIVATE["reference"], f"{HOST}/pushed/x:1", user="alice")
    allow_only("alice", *RIGHTS)
    good("rmi", own)


def refused_push(name, target):
    """Asserts that alice's push is refused and that the image does not reach the registry."""
    result = dist("--no-ask-password", "push", name, target, user="alice")
    equal(result.status, 1, result)
    contains(result.err, "Permission denied")
    assert run("skopeo", "inspect", "--tls-verify=false", f"docker://{target}").status != 0, target


def test_a_commit_grants_nothing_of_its_base():
    """A user who may run an image sees its files, but not a file that one of its layers removes."""
    layer = oci.Layer().add("hidden", SECRET.encode()).add("noise", noise(1000))
    base_image = oci.Image([oci.busybox_layer(), layer, oci.Layer().add(".wh.hidden", b"")])
    base, base_digest = OWNER.add("base/x:1", base_image)
    good("pull", base)
    hidden, committed = base_image.manifest["layers"][1]["digest"], "hers.example/committed:1"
    good("run", "--id=hers", base, "sh", "-c", "test ! -e /hidden; echo mine >/mine", user="alice")
    good("commit", "hers", committed, user="alice")
    equal(good("run", "--rm", committed, "cat", "/mine", user="alice"), "mine\n")
    digest = image_digest(committed)
    refused_push(committed, f"{HOST}/thief/committed:1")
    for name in ("thief.example/again:1", "thief.example/renamed:1"):
        # Neither a second name nor a rename makes the hidden layer available.
        if "again" in name:
            good("tag", committed, name, user="alice")
            contains(lacks_secret("push", name, f"{HOST}/thief/again:1").err, "is not here")
            good("rmi", name, user="alice")
        else:
            equal(images_call("Rename", "ssa{sv}", committed, name, "0", user="alice").status, 0)
            refused_push(name, f"{HOST}/thief/renamed:1")
            equal(images_call("Rename", "ssa{sv}", name, committed, "0", user="alice").status, 0)
    for verb in (("mount", committed, "/home/alice/m"), ("export", committed, "-o", "/home/alice/x"), ("content", "get", hidden),
                 ("content", "get", digest)):
        contains(lacks_secret("--no-ask-password", *verb).err, "Permission denied")
    result = call("/org/berth1/contents", "org.berth1.Contents", "PushObject", "ssa{sv}", hidden, f"{HOST}/thief/object:x", "0", user="alice")
    contains(result.err, "denied")
    # Storing the base's manifest under root's own name does not help, either.
    equal(ingest(base_image.finish(), "manifest").status, 0)
    equal(images_call("Put", "s(sst)a{ss}a{sv}", base, oci.OCI_MANIFEST, base_digest, str(len(base_image.finish())), "0", "0",
                      user="alice").status, 0)
    refused_push(base, f"{HOST}/thief/base:1")
    # Her lease keeps the content that she holds. Her image name keeps the layers that the image runs from, but she
    # still cannot push them.
    lease_call("Create", "sa{sv}", "hers", "0", user="alice")
    lease_call("Add", "sasa{sv}", "hers", "1", digest, "0", user="alice")
    good("rmi", base)
    good("rm", "hers", user="alice")
    good("prune")
    equal(good("run", "--rm", committed, "cat", "/mine", user="alice"), "mine\n")
    refused_push(committed, f"{HOST}/thief/committed:1")
    allow_only("alice", *RIGHTS, "contents.read")
    good("push", committed, f"{HOST}/hers/committed:1", user="alice")
    allow_only("alice", *RIGHTS)
    good("rmi", committed)
    good("prune")
    equal([in_store(one) for one in (digest, hidden)], [True, False])
    good("lease", "rm", "hers")


def test_a_commit_on_an_own_image_is_pushed():
    """A user may push a commit on an image that the user has pulled, even if other users have named the base, too."""
    image = oci.Image([oci.busybox_layer(), oci.Layer().add("own", noise(300))])
    base, _ = OWN.add("mine/base:1", image)
    good("pull", base)
    good("pull", base, user="alice")
    good("run", "--id=hers", base, "touch", "/mine", user="alice")
    good("commit", "hers", "hers.example/own:1", user="alice")
    for name in (base, "hers.example/own:1"):
        good("push", name, f"{HOST}/hers/own:1", user="alice")
    good("rm", "hers", user="alice")
    good("rmi", base, "hers.example/own:1")


def lease_call(member, *arguments, **more):
    result = call("/org/berth1/leases", "org.berth1.Leases", member, *arguments, **more)
    equal(result.status, 0, result)


def replace_lease(name):
    lease_call("Delete", "sa{sv}", name, "0", user="alice")
    lease_call("Create", "sa{sv}", name, "0")


def assert_empty_lease(name):
    equal([row["contents"] for row in listing("lease", "list") if row["id"] == name], [0])
    good("lease", "rm", name)


def test_a_transfer_does_not_find_the_next_lease_of_a_name():
    reference, _ = OWN.add("leased/x:1", oci.Image([oci.busybox_layer(), oci.Layer().add("own", noise(100))]))
    reached, gate = threading.Event(), threading.Event()

    def wait_at_manifest(_handler, url, with_body):
        if with_body and "/leased/x/manifests/" in url:
            reached.set()
            gate.wait(120)
        return False

    OWN.hook = wait_at_manifest
    lease_call("Create", "sa{sv}", "name", "0", user="alice")
    process = subprocess.Popen(["runuser", "-u", "alice", "--", "dist", "fetch", "--lease=name", reference])
    assert reached.wait(120)
    replace_lease("name")
    gate.set()
    equal(process.wait(120), 0)
    OWN.hook = None
    assert_empty_lease("name")


IMPORT = """
import sys
from gi.repository import Gio, GLib
bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)
call = lambda path, interface, member, arguments, descriptors: bus.call_with_unix_fd_list_sync(
    "org.berth1", path, "org.berth1." + interface, member, arguments, None, Gio.DBusCallFlags.NONE, 60000, descriptors)
archive = Gio.UnixFDList.new_from_array([0])
transfer = call("/org/berth1/images", "Images", "Import",
                GLib.Variant("(ha{sv})", (0, {"Lease": GLib.Variant("s", sys.argv[1])})), archive)[0].unpack()[0]
call(transfer, "Transfer", "Wait", GLib.Variant("(a{sv})", ({},)), None)
"""


def test_an_import_does_not_find_the_next_lease_of_a_name():
    image = oci.Image([oci.busybox_layer(), oci.Layer().add("own", noise(300000))])
    archive_of("/tmp/imported.tar", layout_of(image, image.blobs))
    with open("/tmp/imported.tar", "rb") as file:
        data = file.read()
    lease_call("Create", "sa{sv}", "name", "0", user="alice")
    process = subprocess.Popen(["runuser", "-u", "alice", "--", "/usr/bin/python3", "-c", IMPORT, "name"], stdin=subprocess.PIPE)
    process.stdin.write(data[:600])
    process.stdin.flush()
    wait_until(lambda: [row for row in listing("transfers") if row["kind"] == "import" and row["state"] == "running"], "the import")
    replace_lease("name")
    process.stdin.write(data[600:])
    process.stdin.close()
    equal(process.wait(120), 0)
    assert_empty_lease("name")


def test_numbers_of_transfers_do_not_count_others():
    reference, _ = OWN.add("counted/x:1", oci.Image([oci.busybox_layer()]))

    def number(**more):
        result = images_call("Fetch", "sa{sv}", reference, "0", **more)
        return int(result.out.split("/")[-1].strip().strip('"'))

    first = number(user="alice")
    roots = [number() for _ in range(3)]
    equal(number(user="alice"), first + 1)
    equal(roots, list(range(roots[0], roots[0] + 3)))


def test_ingests_and_leases_do_not_reveal_content_of_others():
    contents = ("/org/berth1/contents", "org.berth1.Contents")
    layer = PRIVATE["image"].blobs[PRIVATE["layer"]]
    result = call(*contents, "Ingest", "stsa{sv}", "probe", "0", PRIVATE["layer"], "0", user="alice")
    equal(result.status, 0, result)
    call(*contents, "Abort", "sa{sv}", "probe", "0", user="alice")
    leases = ("/org/berth1/leases", "org.berth1.Leases")
    equal(call(*leases, "Create", "sa{sv}", "alices", "0", user="alice").status, 0)
    answers = [call(*leases, "Add", "sasa{sv}", "alices", "1", digest, "0", user="alice").err.replace(digest, "")
               for digest in (PRIVATE["layer"], "sha256:" + "0" * 64)]
    equal(answers[0], answers[1])
    contains(answers[0], "not here")
    # Once she has sent the bytes, she holds the layer; the reply is the same as if it had not been stored before.
    equal(ingest(layer, "mine").status, 0)
    equal(call(*leases, "Add", "sasa{sv}", "alices", "1", PRIVATE["layer"], "0", user="alice").status, 0)
    equal(call(*leases, "Delete", "sa{sv}", "alices", "0", user="alice").status, 0)


def test_explain_reveals_no_names_of_others():
    allow_only("alice", *RIGHTS, "contents.read")
    good("run", "-d", "--id=rootsbox", PRIVATE["reference"], "sleep", "1000")
    chain = database_query("SELECT chain_id FROM containers WHERE id = 'rootsbox'")
    result = call("/org/berth1/contents", "org.berth1.Contents", "Explain", "sa{sv}", chain, "0",
                user="alice")
    equal(result.status, 0, result)
    assert "rootsbox" not in result.out, result
    contains(result.out, "container of another user")
    contains(call("/org/berth1/contents", "org.berth1.Contents", "Explain", "sa{sv}", chain, "0").out,
             "container rootsbox")
    good("rm", "-f", "rootsbox")
    allow_only("alice", *RIGHTS)


def test_usage_reveals_no_names_of_others():
    run("sh", "-c", "echo -n x | dist content ingest --expected-size=9 roots-ingest")
    usage = ("/org/berth1/contents", "org.berth1.Contents", "Usage", "a{sv}", "0")
    equal(ingest(b"hers", "--expected-size=9 hers").status, 1)
    for rights, image, other in (((), False, False), (("images.inspect",), True, False), (("containers.inspect",), False, True)):
        allow_only("alice", "contents.read", *rights)
        result = call(*usage, user="alice")
        equal((PRIVATE["reference"] in result.out, "roots-ingest" in result.out), (image, other), result)
        contains(result.out, '"ingest hers"')
        contains(result.out, "of another user")
    result = call(*usage)
    assert PRIVATE["reference"] in result.out and "roots-ingest" in result.out and "of another" not in result.out, result
    for name in ("roots-ingest", "hers"):
        good("content", "abort", name)
    allow_only("alice", *RIGHTS)


def test_in_use_error_names_no_hidden_image():
    contents = ("/org/berth1/contents", "org.berth1.Contents", "Delete", "sa{sv}", PRIVATE["layer"], "0")
    for rights, named in ((("contents.manage",), False), (("contents.manage", "images.inspect"), True)):
        allow_only("alice", *rights)
        refused = call(*contents, user="alice")
        assert refused.status != 0, refused
        contains(refused.err, "belongs to")
        equal(PRIVATE["reference"] in refused.err, named, refused)
    contains(call(*contents).err, PRIVATE["reference"])
    allow_only("alice", *RIGHTS)


def test_content_that_a_registry_proves_to_have_is_not_fetched_again():
    """If a registry proves with two samples that it has a large layer that is already stored, the rest of the layer is
    not fetched."""
    forget_alice()
    image = oci.Image([oci.busybox_layer(), oci.Layer().add("noise", noise(500000))])
    reference, _ = OWNER.add("shared/x:1", image)
    good("pull", reference)
    again, _ = OWN.add("other/x:1", image)
    OWN.requests.clear()
    good("pull", again, user="alice")
    large = image.manifest["layers"][1]["digest"]
    ranges = [part for method, path, part in OWN.requests if path.endswith(large)]
    equal(len(ranges), 2, ranges)
    assert all(part and not part.endswith("-") for part in ranges), ranges
    equal(good("run", "--rm", again, "true", user="alice"), "")
    # A server without range support sends the whole layer, which proves possession, too.
    third, _ = OWN.add("third/x:1", image)
    OWN.ignore_range = True
    good("pull", third, user="alice")
    OWN.ignore_range = False
    good("rmi", again, third, reference)


def test_a_push_names_no_repositories_but_the_images_own():
    image = oci.Image([oci.busybox_layer(), oci.Layer().add("noise", noise(90000))])
    oci.push(image, f"{HOST}/hidden/x:1")
    oci.push(image, f"{HOST}/known/x:1")
    good("pull", f"{HOST}/hidden/x:1")
    good("pull", f"{HOST}/known/x:1", user="alice")
    digest = image.manifest["layers"][1]["digest"]
    database_query("INSERT OR IGNORE INTO sources VALUES "
                   f"('{digest}', '{OWN.host}/hidden/x', 0), ('{digest}', '{OWN.host}/known/x', 4242)")
    OWN.requests.clear()
    dist("push", f"{HOST}/known/x:1", f"{OWN.host}/target/x:1", user="alice")
    assert "hidden" not in str(OWN.requests), OWN.requests


def test_dropped_layers_are_fetched_again_from_own_repositories_and_the_images_own():
    """With KeepCompressed=no, a push fetches layers again. Repositories from which only others have pulled them are neither
    asked nor shown, except to root."""
    def fetched_from(*registries):
        return [registry for registry in registries if any(method == "GET" and path.endswith(f"/blobs/{layer}")
                                                           for method, path, _ in registry.requests)]

    configure("[Transfer]\nKeepCompressed=no\n")
    image = oci.Image([oci.busybox_layer(), oci.Layer().add("noise", noise(90000))])
    layer = image.manifest["layers"][1]["digest"]
    others, _ = OWNER.add("unknown/x:1", image)
    hers, _ = OWN.add("hers/x:1", image)
    good("pull", others)
    good("pull", hers, user="alice")
    wait_until(lambda: layer not in blobs(), "it to be dropped")
    OWN.status["hers/x"] = (404, "gone")
    OWN.requests.clear()
    OWNER.requests.clear()
    refused = dist("push", hers, f"{HOST}/refetched/hers:1", user="alice")
    assert refused.status != 0 and "unknown/x" not in refused.err, refused
    equal(OWNER.requests, [])
    assert "unknown/x" not in good("transfers", "--json", user="alice")
    # Root may use all of them.
    good("push", hers, f"{HOST}/refetched/roots:1")
    equal(fetched_from(OWN, OWNER), [OWNER])
    del OWN.status["hers/x"]
    good("content", "rm", "-f", layer)
    OWN.requests.clear()
    OWNER.requests.clear()
    good("push", hers, f"{HOST}/refetched/hers:1", user="alice")
    equal((fetched_from(OWN), OWNER.requests), ([OWN], []))
    # An image of another user that she may push names its repository.
    foreign = oci.Image([oci.busybox_layer(), oci.Layer().add("noise", noise(90000))])
    layer = foreign.manifest["layers"][1]["digest"]
    reference, _ = OWNER.add("foreign/x:1", foreign)
    good("pull", reference)
    wait_until(lambda: layer not in blobs(), "it to be dropped")
    OWNER.requests.clear()
    allow_only("alice", *RIGHTS, "contents.read")
    good("push", reference, f"{HOST}/refetched/foreign:1", user="alice")
    equal(fetched_from(OWN, OWNER), [OWNER])
    allow_only("alice", *RIGHTS)
    configure("")
    good("rmi", others, hers, reference)


def test_held_ingest_does_not_block_other_users():
    """Ingests that a user keeps open do not block transfers and ingests of other users that have the same names."""
    image = oci.Image([oci.busybox_layer(), oci.Layer().add("noise", noise(300000))])
    reference, _ = OWNER.add("held/x:1", image)
    layer = image.manifest["layers"][1]["digest"]
    names = ["common"] + [f"blob {digest}" for digest in image.blobs]
    script = "import subprocess, sys\n" + "\n".join(
        f"subprocess.Popen(['dist', 'content', 'ingest', {name!r}], stdin=subprocess.PIPE)"
        for name in names) + "\nprint('held', flush=True)\nsys.stdin.read()"
    holder = subprocess.Popen(["runuser", "-u", "alice", "--", sys.executable, "-c", script],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    # A pull that was refused earlier may have left an ingest to resume.
    wait_until(lambda: set(names) <= {row["ref"] for row in listing("content", "active", user="alice")}, "the ingests")
    good("pull", reference)
    equal(run("sh", "-c", "echo mine | dist content ingest common").status, 0)
    assert layer in good("content", "list")
    # A user cannot resume an ingest of another user, whatever its name is.
    equal([row["ref"] for row in listing("content", "active") if row["ref"] == "common"], ["common"])
    run("pkill", "-u", "alice", "dist")
    holder.stdin.close()
    holder.wait()
    for name in names:
        dist("content", "abort", name, user="alice")


def test_a_layer_that_never_arrives_does_not_block_other_users():
    """A user's image may claim to have the layers of any other. While its own layer does not arrive, nobody else waits for
    it to be unpacked."""
    image = oci.Image([oci.Layer().add("common", noise(100000))])
    reference, _ = OWNER.add("common/x:1", image)
    hers = oci.Image([oci.Layer().add("hers", noise(100000))])
    hers.config["rootfs"]["diff_ids"] = list(image.config["rootfs"]["diff_ids"])
    claiming, _ = OWN.add("claiming/x:1", hers)
    layer = hers.manifest["layers"][0]["digest"]
    gate = OWN.stall[layer] = threading.Event()
    with subprocess.Popen(["runuser", "-u", "alice", "--", "dist", "pull", "-q", claiming]) as pulling:
        try:
            wait_until(lambda: [path for method, path, _ in OWN.requests if method == "GET" and layer in path], "her layer")
            good("pull", "-q", reference)
            equal(pulling.poll(), None)
        finally:
            gate.set()
            OWN.stall.clear()
        assert pulling.wait(60) != 0
    good("rmi", reference)


def test_a_resumed_download_with_wrong_content_is_restarted_once():
    image = oci.Image([oci.busybox_layer(), oci.Layer().add("noise", noise(300000))])
    reference, _ = OWNER.add("garbage/x:1", image)
    layer = image.manifest["layers"][1]["digest"]
    OWNER.cut_once[layer] = 100000
    OWNER.cut_always[layer] = 100000
    assert dist("pull", reference).status != 0
    OWNER.cut_always.clear()
    row = wait_until(lambda: [row for row in listing("content", "active")
                              if row["ref"] == f"blob {layer}"], "what is left")[0]
    assert row["offset"] > 0
    kept = next(path for path, _, files in os.walk(f"{STATE}/content/ingest") if "data" in files)
    os.chmod(f"{kept}/data", 0o600)
    with open(f"{kept}/data", "r+b") as file:
        file.write(b"garbage")
    good("pull", reference)
    equal(good("run", "--rm", reference, "true"), "")
    good("rmi", reference)


def test_provenance_of_a_name_survives_a_restart():
    forget_alice()
    image = oci.Image([oci.busybox_layer(), oci.Layer().add("own", b"hers")])
    reference, _ = OWN.add("hers/x:1", image)
    good("pull", reference, user="alice")
    kill_service()
    equal(good("run", "--rm", reference, "cat", "/own", user="alice"), "hers")
    good("tag", reference, "hers.example/y:1", user="alice")
    equal(good("run", "--rm", "hers.example/y:1", "cat", "/own", user="alice"), "hers")


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
