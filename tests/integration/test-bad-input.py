# SPDX-License-Identifier: LGPL-2.1-or-later
# Invalid input of all kinds, mostly from registries, causes a clear error, leaves nothing incomplete and does not end
# the service.

import json
import os
import random
import subprocess
import sys
import threading

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci
from faulty_registry import FaultyRegistry

REGISTRY = FaultyRegistry()


def small_image(seed=0, **config):
    layer = oci.Layer("gzip")
    layer.directory("./").add("file", random.Random(seed).randbytes(300000))
    return oci.Image([layer], config)


def refused(reference, *words, verb="pull"):
    """Checks that the verb fails, that its error contains these words, and that no image name and no incomplete
    snapshot is left."""
    result = dist(verb, reference)
    equal(result.status, 1, result)
    for word in words:
        contains(result.err, word)
    assert reference not in [row["name"] for row in listing("images")]
    wait_until(lambda: not leftovers(), "half-made snapshots to be removed")
    return result


def test_unknown_image():
    refused(f"{HOST}/nothing:latest", "404", "nothing")


def test_an_option_is_given_once():
    """A call with the same option twice is refused. Otherwise one value could be checked and the other one used."""
    result = containers_call("Create", "ssa{sv}", "twice", "some", "2", "Command", "as", "1", "a", "Command", "as", "1", "b")
    contains(result.err, 'the option "Command" is given twice')
    result = containers_call("Update", "sa{sv}a{sv}", "twice", "2", "TasksMax", "t", "9", "TasksMax", "t", "99", "0")
    contains(result.err, 'the property "TasksMax" is given twice')
    result = containers_call("List", "a{sv}", "1", "Filter", "a{sv}", "2", "State", "s", "running", "State", "s", "*")
    contains(result.err, 'the filter "State" is given twice')


def test_unreachable_registry():
    refused("127.0.0.1:1/image:latest", "127.0.0.1:1")


def test_host_that_does_not_resolve():
    refused("registry.invalid/image:latest", "registry.invalid")


def test_invalid_references():
    for reference, word in (("http://host.example/x:y", "scheme"), ("host.example/x@sha256:abc", "length"),
                            ("host.example/../x:y", "path"), ("user:secret@host.example/x:y", ""),
                            ("host.example/x@md5:abc", "algorithm"), ("host.example/%2e/x:y", "percent")):
        result = images_call("Pull", "sa{sv}", reference, "0")
        path = result.out.split('"')[1] if result.status == 0 else None
        result = call(path, "org.berth1.Transfer", "Wait", "a{sv}", "0") if path else result
        assert result.status != 0, reference
        contains(result.err, word)
        assert "secret" not in result.err or "invalid reference" in result.err


def test_registrys_own_message_is_shown():
    reference, _ = REGISTRY.add("denied:x", small_image())
    REGISTRY.status["denied"] = (403, "you shall not pull")
    refused(reference, "403", "you shall not pull")


def test_server_error_with_its_status():
    reference, _ = REGISTRY.add("broken:x", small_image())
    REGISTRY.status["broken"] = (500, "out of order")
    refused(reference, "500", "out of order")


def test_head_refused_is_asked_with_get():
    reference, _ = REGISTRY.add("nohead:x", small_image(1))
    REGISTRY.no_head = True
    good("pull", reference)
    REGISTRY.no_head = False


def test_bearer_challenge_is_answered_anonymously():
    reference, _ = REGISTRY.add("token:x", small_image(2))
    REGISTRY.token = "abc.def"
    good("pull", reference)
    REGISTRY.token = None


def test_a_manifest_must_match_the_digest_in_the_reference():
    _, digest = REGISTRY.add("pinned:x", small_image(3))
    other = "sha256:" + "1" * 64
    REGISTRY.header_digest[("pinned", digest)] = other
    refused(f"{REGISTRY.host}/pinned@{digest}", digest)


def test_manifest_of_another_digest():
    _, digest = REGISTRY.add("swapped:x", small_image(4))
    media_type, data = REGISTRY.manifests[("swapped", digest)]
    REGISTRY.manifests[("swapped", digest)] = (media_type, data + b" ")
    REGISTRY.header_digest[("swapped", digest)] = digest
    refused(f"{REGISTRY.host}/swapped@{digest}", digest)


def test_layer_of_another_digest():
    image = small_image(5)
    reference, _ = REGISTRY.add("wrong:x", image)
    layer = image.manifest["layers"][0]
    REGISTRY.blobs[layer["digest"]] = bytes(layer["size"])
    refused(reference, layer["digest"])
    wait_until(lambda: listing("content", "active") == [], "the end of wrong content, which is not resumed")


def test_layer_that_is_too_long():
    image = small_image(6)
    reference, _ = REGISTRY.add("long:x", image)
    layer = image.manifest["layers"][0]["digest"]
    REGISTRY.blobs[layer] = image.blobs[layer] + b"more"
    refused(reference, layer)


def test_truncated_layer_says_so():
    image = small_image(7)
    reference, _ = REGISTRY.add("short:x", image)
    layer = image.manifest["layers"][0]["digest"]
    REGISTRY.cut_always[layer] = 100000
    refused(reference, layer)
    del REGISTRY.cut_always[layer]
    # The bytes that arrived are kept, and the next attempt asks only for the rest.
    wait_until(lambda: [row["offset"] for row in listing("content", "active")] == [100000], "the part that is kept")
    REGISTRY.requests.clear()
    good("pull", reference)
    contains(str(REGISTRY.requests), "bytes=100000-")
    wait_until(lambda: listing("content", "active") == [], "the end of the ingest")


def test_broken_connection_goes_on_within_the_pull():
    image = small_image(8)
    reference, _ = REGISTRY.add("cut:x", image)
    layer = image.manifest["layers"][0]["digest"]
    REGISTRY.cut_once[layer] = 150000
    REGISTRY.requests.clear()
    good("pull", reference)
    contains(str(REGISTRY.requests), "bytes=150000-")


def test_connections_that_break_after_progress_are_resumed_without_limit():
    """Some proxies close each connection after a time. Without progress, a pull fails after a few attempts."""
    image = layer_image(oci.Layer().add("noise", os.urandom(12 * 1024 * 1024)))
    reference, _ = REGISTRY.add("proxied:x", image)
    layer = image.manifest["layers"][0]["digest"]
    REGISTRY.cut_each[layer] = 1024 * 1024 + 1
    good("pull", reference)
    REGISTRY.cut_each.clear()
    good("rmi", reference)


def test_corrupt_gzip():
    image = small_image(9)
    layer = image.manifest["layers"][0]
    data = bytearray(image.blobs.pop(layer["digest"]))
    data[len(data) // 2] ^= 0xFF
    image.manifest["layers"][0] = image.add_blob(layer["mediaType"], bytes(data))
    refused(REGISTRY.add("gzip:x", image)[0], image.manifest["layers"][0]["digest"])


def test_diff_id_that_does_not_match():
    image = small_image(10)
    image.config["rootfs"]["diff_ids"] = ["sha256:" + "2" * 64]
    refused(REGISTRY.add("diffid:x", image)[0], "diff ID", "2" * 64)


def test_number_of_diff_ids_that_does_not_match():
    image = small_image(11)
    image.config["rootfs"]["diff_ids"] = []
    refused(REGISTRY.add("fewer:x", image)[0], "diff IDs")


def serve_manifest(name, data, media_type=oci.OCI_MANIFEST):
    digest = oci.digest_of(data)
    for key in ("x", digest):
        REGISTRY.manifests[(name, key)] = (media_type, data)
    return f"{REGISTRY.host}/{name}:x"


def test_manifest_that_is_not_json():
    refused(serve_manifest("notjson", b"<html>"), "not JSON")


def test_manifest_that_is_too_deep():
    refused(serve_manifest("deep", b'{"a":' * 10000 + b"1" + b"}" * 10000), "deeper")


def test_manifest_that_is_too_large():
    refused(serve_manifest("large", b'{"a":"' + b"x" * 5000000 + b'"}'), "exceeds")


def test_an_image_that_reaches_too_many_objects():
    entries = []
    for number in range(60):
        layers = [{"mediaType": oci.LAYER, "digest": f"sha256:{number * 500 + layer:064x}", "size": 1} for layer in range(500)]
        config = {"mediaType": oci.OCI_CONFIG, "digest": f"sha256:{number + 1000000:064x}", "size": 1}
        data = json.dumps({"schemaVersion": 2, "mediaType": oci.OCI_MANIFEST, "config": config, "layers": layers}).encode()
        serve_manifest("many", data)
        entries.append({"mediaType": oci.OCI_MANIFEST, "digest": oci.digest_of(data), "size": len(data)})
    index = json.dumps({"schemaVersion": 2, "mediaType": oci.OCI_INDEX, "manifests": entries}).encode()
    # No layer is reported as missing before all manifests have been read.
    gate = threading.Event()
    REGISTRY.hook = lambda handler, url, with_body: "/blobs/" in url and not gate.wait(120)
    result = dist("fetch", "--all-platforms", serve_manifest("many", index, oci.OCI_INDEX))
    gate.set()
    REGISTRY.hook = None
    equal(result.status, 1, result)
    contains(result.err, "reaches more than 20000 objects")


def test_manifest_with_missing_fields():
    for number, manifest in enumerate(({}, {"config": {}}, {"layers": []}, {"schemaVersion": 1},
                                       {"config": {"digest": "sha256:x"}, "layers": []},
                                       {"config": [], "layers": {}})):
        refused(serve_manifest(f"missing{number}", json.dumps(manifest).encode()), "missing")


def test_digests_and_media_types_that_would_be_paths():
    good_digest = "sha256:" + "0" * 64
    for number, (media_type, digest) in enumerate((
            ("a/b", "sha256:../../../../etc/passwd"), ("a/b", "sha256:" + "A" * 64),
            ("a/b\u0001", good_digest), ("../x", good_digest))):
        descriptor = {"mediaType": media_type, "digest": digest, "size": 1}
        manifest = {"schemaVersion": 2, "config": descriptor, "layers": []}
        refused(serve_manifest(f"paths{number}", json.dumps(manifest).encode()), "invalid")


def test_unknown_layer_type_is_not_skipped():
    image = small_image(12)
    image.manifest["layers"][0]["mediaType"] = "application/x-unknown"
    refused(REGISTRY.add("layertype:x", image)[0], "application/x-unknown")


def test_an_absent_platform_is_an_error_that_lists_the_others():
    entries = [{"mediaType": oci.OCI_MANIFEST, "digest": "sha256:" + "3" * 64, "size": 2,
                "platform": {"os": "linux", "architecture": "s390x"}}]
    data = json.dumps({"schemaVersion": 2, "mediaType": oci.OCI_INDEX, "manifests": entries}).encode()
    refused(serve_manifest("foreign", data, oci.OCI_INDEX), "linux/s390x")


def layer_image(layer):
    return oci.Image([layer])


def files_of(name, layer):
    """Returns the files of an image with this layer, as "dist mount" shows them."""
    reference = REGISTRY.add(f"{name}:x", layer_image(layer))[0]
    good("pull", reference)
    where = f"/tmp/shown-{name}"
    os.makedirs(where)
    good("mount", reference, where)
    try:
        return sorted(os.path.relpath(os.path.join(directory, file), where)
                      for directory, _, files in os.walk(where) for file in files)
    finally:
        equal(run("umount", "-l", where).status, 0)


def test_names_with_parent_components_are_rooted_in_the_image():
    equal(files_of("dots", oci.Layer().add("../../etc/owned", b"x").add("a/../../b/../owned", b"x")),
          ["etc/owned", "owned"])


def test_absolute_names_are_rooted_in_the_image():
    equal(files_of("absolute", oci.Layer().add("/etc/owned", b"x").hard_link("/owned", "/etc/owned")),
          ["etc/owned", "owned"])


def test_symlinks_lead_within_the_image():
    for number, target in enumerate(("/etc", "../../../../etc", "etc", "/../etc/./")):
        layer = oci.Layer().symlink("link", target).add("link/owned", b"x").hard_link("owned", "link/owned")
        equal(files_of(f"symlink{number}", layer), ["etc/owned", "owned"])


def test_symlinks_of_lower_layers_lead_within_the_image():
    lower = oci.Layer().symlink("link", "/etc/deep").symlink("up", "../../..")
    upper = oci.Layer().add("link/owned", b"x").add("up/etc/owned", b"y")
    reference = REGISTRY.add("lowerlink:x", oci.Image([lower, upper]))[0]
    good("pull", reference)
    where = "/tmp/shown-lower"
    os.makedirs(where)
    good("mount", reference, where)
    equal((os.readlink(f"{where}/link"), os.path.exists(f"{where}/etc/deep/owned"),
           os.path.exists(f"{where}/etc/owned")), ("/etc/deep", True, True))
    equal(run("umount", "-l", where).status, 0)


def test_tar_with_a_hard_link_to_outside():
    layer = oci.Layer().symlink("link", "/etc").hard_link("stolen", "link/passwd")
    refused(REGISTRY.add("hardlink:x", layer_image(layer))[0], "no layer holds")
    layer = oci.Layer().hard_link("stolen", "../../etc/passwd")
    refused(REGISTRY.add("hardlink2:x", layer_image(layer))[0], "no layer holds")


def test_tar_with_symlinks_in_a_ring():
    layer = oci.Layer().symlink("one", "two/x").symlink("two", "one/x").add("one/owned", b"x")
    refused(REGISTRY.add("ring:x", layer_image(layer))[0], "symbolic links")


def test_nothing_escaped():
    assert not os.path.exists("/etc/owned") and not os.path.exists("/owned")
    equal(run("find", "/etc", "/var", "/tmp", "/usr/local", "/home", "-path", f"{STATE}/snapshots", "-prune", "-o",
              "-name", "owned", "-print").out, "")


def test_tar_that_is_garbage():
    digest, media_type, _ = oci.Layer("none").finish()
    garbage = b"\x01garbage" * 5000
    refused(REGISTRY.add("garbage:x", oci.Image([(oci.digest_of(garbage), media_type, garbage)]))[0], "tar")


def test_an_absent_transfer_is_not_found():
    contains(dist("cancel", "4711").err, 'no transfer "4711"')
    contains(dist("cancel", "nonsense").err, 'no transfer "nonsense"')


def test_json_without_a_mode_takes_no_argument():
    reference, _ = REGISTRY.add("json:x", small_image(3))
    good("pull", reference)
    equal(json.loads(good("inspect", "--json", reference)), json.loads(good("inspect", reference)))
    equal([row["name"] for row in json.loads(good("images", "--json", reference))],
          [reference])
    good("rmi", reference)


def test_invalid_image_names():
    reference, _ = REGISTRY.add("named:x", small_image(4))
    good("pull", reference)
    for name in ("two words", ""):
        contains(dist("tag", reference, name).err, "invalid image name")
    good("rmi", reference)


def test_cancel_on_interrupt():
    image = small_image(13)
    reference, _ = REGISTRY.add("slow:x", image)
    REGISTRY.stall[image.manifest["layers"][0]["digest"]] = threading.Event()
    process = subprocess.Popen(["dist", "pull", reference], stderr=subprocess.PIPE, text=True)
    wait_until(lambda: any(row["state"] == "running" for row in listing("transfers")), "the pull")
    wait_until(lambda: listing("content", "active"), "the layer")
    process.send_signal(2)
    _, err = process.communicate(timeout=120)
    equal(process.returncode, 1)
    contains(err, "cancelled")
    contains([row["state"] for row in listing("transfers")][-1], "cancelled")
    REGISTRY.stall.clear()


def test_two_pulls_of_one_image_share_the_work():
    image = small_image(14)
    reference, _ = REGISTRY.add("shared:x", image)
    layer = image.manifest["layers"][0]["digest"]
    gate = REGISTRY.stall[layer] = threading.Event()
    REGISTRY.requests.clear()
    pulls = [subprocess.Popen(["dist", "pull", "-q", reference]) for _ in range(2)]

    def phases():
        running = [r["transfer"] for r in listing("transfers") if r["state"] == "running"]
        return sorted(phase for number in running for phase in ("fetching", "waiting")
                      if phase in busctl("get-property", "org.berth1",
                                         f"/org/berth1/transfers/{number}", "org.berth1.Transfer",
                                         "Items").out)

    # One pull fetches the layer, and the other waits for it.
    wait_until(lambda: phases() == ["fetching", "waiting"], "both to want the layer")
    gate.set()
    equal([pull.wait(120) for pull in pulls], [0, 0])
    fetched = [r for r in REGISTRY.requests if r[0] == "GET" and layer in r[1]]
    equal(len(fetched), 1, "fetches of the layer")
    REGISTRY.stall.clear()


def test_layers_that_images_share_are_unpacked_once():
    base = oci.Layer("gzip").add("base", random.Random(77).randbytes(300000)).finish()
    images = [oci.Image([base, oci.Layer("gzip").add("own", str(number).encode())]) for number in range(2)]
    references = [REGISTRY.add(f"base{number}:x", image)[0] for number, image in enumerate(images)]
    gate = REGISTRY.stall[images[0].manifest["layers"][0]["digest"]] = threading.Event()
    pulls = [subprocess.Popen(["dist", "pull", "-q", reference]) for reference in references]
    wait_until(lambda: len([row for row in listing("transfers") if row["state"] == "running"]) == 2, "both pulls")
    wait_until(lambda: [name for name in os.listdir(f"{STATE}/snapshots") if name.startswith(".new")], "the layer")
    # At most the upper layer of each image and one shared layer are being unpacked.
    wait_until(lambda: len(os.listdir(f"{STATE}/content/ingest")) >= 1, "the ingest")
    made = [name for name in os.listdir(f"{STATE}/snapshots") if name.startswith(".new")]
    assert len(made) <= 3, made
    gate.set()
    equal([pull.wait(120) for pull in pulls], [0, 0])
    REGISTRY.stall.clear()
    for reference in references:
        good("rmi", reference)


def test_no_space_left():
    run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", f"{STATE}/snapshots")
    run("systemctl", "stop", "berthd.service")
    layer = oci.Layer("gzip").directory("./").add("zeros", bytes(4 * 1024 * 1024))
    reference, _ = REGISTRY.add("space:x", layer_image(layer))
    result = dist("pull", reference)
    run("systemctl", "stop", "berthd.service")
    # A worker may end a moment after the service.
    wait_until(lambda: run("umount", f"{STATE}/snapshots").status == 0, "the unmount")
    equal(result.status, 1, result)
    contains(result.err, "No space left")
    service_is_up()
    good("pull", reference)


def test_content_ingest_checks_size_and_digest():
    data = "hello"
    digest = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    result = dist("content", "ingest", "a", f"--expected-digest=sha256:{'0' * 64}", input=data)
    equal(result.status, 1)
    contains(result.err, digest)
    result = dist("content", "ingest", "b", "--expected-size=4", input=data)
    equal(result.status, 1)
    contains(result.err, "not the expected 4")
    good("content", "abort", "b")
    equal(good("content", "ingest", "c", f"--expected-digest={digest}", "--expected-size=5",
               input=data).strip(), digest)
    result = dist("content", "ingest", "d", input=data)
    equal(result.status, 1)
    contains(result.err, "here already")
    equal(good("content", "get", digest), data)
    equal(good("content", "get", "--offset=1", "--length=3", digest), "ell")
    equal(listing("content", "info", digest)[0]["size"], 5)
    equal([row for row in listing("content", "active") if not row["ref"].startswith("blob ")], [])
    read = call("/org/berth1/contents", "org.berth1.Contents", "Read", "stta{sv}", digest, "1", "3", "0")
    equal(read.out.strip(), "ay 3 101 108 108")


def test_an_ingest_has_one_writer():
    first = subprocess.Popen(["dist", "content", "ingest", "busy"], stdin=subprocess.PIPE,
                             stdout=subprocess.DEVNULL)
    wait_until(lambda: "busy" in [row["ref"] for row in listing("content", "active")], "the ingest")
    result = dist("content", "ingest", "busy", input="x")
    equal(result.status, 1)
    contains(result.err, "busy")
    first.communicate(b"first")
    equal(first.returncode, 0)


def test_writers_of_one_user_are_limited():
    allow("alice", 'action.id == "org.berth1.contents.write"')
    held = []
    try:
        for number in range(32):
            # Unlike runuser, setpriv executes dist in the same process, so that kill() below ends dist itself. The
            # clients start one by one, as only 16 calls of a user may wait for polkit at once.
            held.append(subprocess.Popen(["setpriv", "--reuid=alice", "--regid=alice", "--clear-groups",
                                          "dist", "content", "ingest", f"many-{number}"],
                                         stdin=subprocess.PIPE, stdout=subprocess.DEVNULL))
            wait_until(lambda: f"many-{number}" in [row["ref"] for row in listing("content", "active")],
                       f"the ingest many-{number}")
        result = dist("content", "ingest", "one-more", user="alice", input="x")
        equal(result.status, 1)
        contains(result.err, "32")
    finally:
        for process in held:
            process.kill()
            process.communicate()
    for number in range(32):
        good("content", "abort", f"many-{number}", user="alice")


def test_the_error_of_content_in_use_names_the_image():
    reference = listing("images")[0]["name"]
    digest = listing("images")[0]["digest"]
    result = dist("content", "rm", digest)
    equal(result.status, 1)
    contains(result.err, reference)


def test_fetch_object():
    image = small_image(15)
    reference, digest = REGISTRY.add("object:x", image)
    contains(good("fetch-object", reference), '"layers"')
    contains(good("fetch-object", f"{REGISTRY.host}/object", "x"), '"layers"')
    contains(good("fetch-object", f"{REGISTRY.host}/object", digest), '"layers"')
    config = image.manifest["config"]["digest"]
    contains(good("fetch-object", f"{REGISTRY.host}/object", config), "diff_ids")
    assert config not in [row["digest"] for row in listing("content", "list")]


def test_the_service_is_up():
    service_is_up()
    equal(database_query("PRAGMA integrity_check"), "ok")
    failed = run("journalctl", "-b", "--no-pager", "-u", "berthd").out
    assert "ended by signal 11" not in failed and "ended by signal 6" not in failed, failed


def test_a_failed_start_leaves_the_service_idle():
    """After a failed start, the service is idle, even if the client that created the container leaves the bus
    meanwhile."""
    oci.push(oci.busybox_image(), f"{HOST}/rest:x")
    good("pull", f"{HOST}/rest:x")
    pid = service_pid()

    def rests():
        states = set()
        for _ in range(2000):
            with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
                states.add(file.read().rpartition(")")[2].split()[0])
        return states == {"S"}
    for number in range(5):
        result = dist("run", f"--id=rest{number}", "--device=/dev/null:/proc/fd/3/x:rw", f"{HOST}/rest:x", "true")
        equal(result.status, 125, result)
        wait_until(rests, "the service to do nothing")
    for number in range(5):
        good("rm", f"rest{number}")
    equal(service_pid(), pid)


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
