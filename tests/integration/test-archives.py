# SPDX-License-Identifier: LGPL-2.1-or-later
# Images are exported to archives and imported from archives. skopeo reads Berth's archives, and Berth reads those of
# other tools. Hostile archives are refused and leave nothing behind.

import gzip
import io
import json
import os
import random
import subprocess
import sys
import tarfile
import time

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

IMAGE = f"{HOST}/archive/busybox:x"
INDEX = f"{HOST}/archive/index:x"
WORK = "/tmp/archives"


def forget():
    for row in listing("images"):
        good("rmi", row["name"])
    good("prune")
    equal(listing("content", "list"), [])


def make_tar(members):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name, content in members:
            if isinstance(content, tarfile.TarInfo):
                content.name = name
                tar.addfile(content)
                continue
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return data.getvalue()


def write(name, data):
    with open(f"{WORK}/{name}", "wb") as file:
        file.write(data)
    return f"{WORK}/{name}"


def layout(image, name="local.test/app:x", media_type=oci.OCI_MANIFEST, skip=()):
    manifest = image.finish()
    digest = oci.digest_of(manifest)
    blobs = {**image.blobs, digest: manifest}
    index = {"schemaVersion": 2, "manifests": [
        {"mediaType": media_type, "digest": digest, "size": len(manifest),
         "annotations": {"org.opencontainers.image.ref.name": name} if name else {}}]}
    members = [("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'), ("index.json", json.dumps(index).encode())]
    return members + [(f"blobs/{d.replace(':', '/')}", data) for d, data in blobs.items() if d not in skip]


def refused(data, *words):
    before = listing("images")
    result = dist("import", write("bad.tar", data))
    equal(result.status, 1, result)
    for word in words:
        contains(result.err, word)
    equal(listing("images"), before)
    wait_until(lambda: listing("content", "active") == [], "the end of all ingests")
    return result


def test_setup():
    os.makedirs(WORK)
    oci.push(oci.busybox_image(), IMAGE)
    oci.push_index({"linux/amd64": oci.busybox_image("zstd"),
                    "linux/arm64": oci.busybox_image(Cmd=["x"])}, INDEX)


def test_an_exported_image_is_imported_unchanged():
    good("pull", IMAGE)
    good("pull", INDEX)
    digests = image_digest(IMAGE), image_digest(INDEX)
    good("export", IMAGE, INDEX, "-o", f"{WORK}/both.tar")
    forget()
    equal(sorted(good("import", f"{WORK}/both.tar").split()), [IMAGE, INDEX])
    equal((image_digest(IMAGE), image_digest(INDEX)), digests)
    equal(good("run", "--rm", INDEX, "echo", "in").strip(), "in")


def test_skopeo_reads_exported_archives():
    previous = os.umask(0o077)
    good("export", IMAGE, "-o", f"{WORK}/one.tar")
    os.umask(previous)
    equal(os.stat(f"{WORK}/one.tar").st_mode & 0o777, 0o600)
    for kind in ("oci-archive", "docker-archive"):
        result = run("skopeo", "copy", "-q", f"{kind}:{WORK}/one.tar", f"dir:{WORK}/{kind}")
        equal(result.status, 0, result)
    with open(f"{WORK}/oci-archive/manifest.json", "rb") as file:
        equal(oci.digest_of(file.read()), image_digest(IMAGE))


def test_archives_are_exported_and_imported_through_a_compressed_pipe():
    subprocess.run(f"dist export {IMAGE} | gzip -1 >{WORK}/one.tar.gz", shell=True, check=True)
    digest = image_digest(IMAGE)
    forget()
    with open(f"{WORK}/one.tar.gz", "rb") as file:
        subprocess.run(["dist", "import", "--no-unpack"], stdin=file, check=True, stdout=subprocess.DEVNULL)
    equal(image_digest(IMAGE), digest)


def test_directories_both_ways():
    digest = image_digest(IMAGE)
    os.makedirs(f"{WORK}/tree")
    good("export", IMAGE, "-o", f"{WORK}/tree")
    equal(run("skopeo", "inspect", "--raw", f"oci:{WORK}/tree").status, 0)
    forget()
    good("import", f"{WORK}/tree")
    equal(image_digest(IMAGE), digest)


def test_archives_of_skopeo():
    for kind, name in (("docker-archive", "docker.io/library/theirs:v1"), ("oci-archive", "v2")):
        path = f"{WORK}/{kind}.tar"
        result = run("skopeo", "copy", "-q", "--src-tls-verify=false", f"docker://{IMAGE}", f"{kind}:{path}:{name}")
        equal(result.status, 0, result)
    equal(good("import", f"{WORK}/docker-archive.tar").strip(), "docker.io/library/theirs:v1")
    equal(good("run", "--rm", "theirs:v1", "echo", "docker").strip(), "docker")
    equal(good("import", f"{WORK}/oci-archive.tar").strip(), "localhost/imported:v2")
    equal(good("import", "--name=local.test/named:v3", f"{WORK}/oci-archive.tar").strip(), "local.test/named:v3")
    equal(good("run", "--rm", "local.test/named:v3", "echo", "oci").strip(), "oci")


def test_old_docker_archives_with_links():
    layer = oci.busybox_layer("none").finish()
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Cmd": ["sh"], "Env": ["PATH=/bin"]},
                         "rootfs": {"type": "layers", "diff_ids": [layer[0]]}}).encode()
    link = tarfile.TarInfo()
    link.type, link.linkname = tarfile.SYMTYPE, "../link/../real/layer.tar"
    manifest = [{"Config": "c.json", "RepoTags": ["old/app:1", "old/app:2", "docker.io/app:3"], "Layers": ["link/layer.tar"]},
                {"Config": "c.json", "RepoTags": None, "Layers": ["real/layer.tar"]}]
    data = make_tar([("manifest.json", json.dumps(manifest).encode()), ("real/VERSION", b"1.0"), ("c.json", config),
                     ("link/layer.tar", link), ("real/layer.tar", layer[2])])
    equal(sorted(good("import", write("old.tar", data)).split()),
          ["docker.io/library/app:3", "docker.io/old/app:1", "docker.io/old/app:2"])
    equal(good("run", "--rm", "old/app:1", "echo", "old").strip(), "old")


def test_docker_archives_may_use_any_member_names():
    layer = oci.busybox_layer("gzip").finish()
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Cmd": ["sh"], "Env": ["PATH=/bin"]},
                         "rootfs": {"type": "layers", "diff_ids": [layer[0]]}}).encode()
    plain, packed = oci.digest_of(config), oci.digest_of(layer[2])
    # The first names are like those of crane, ko, kaniko and bazel; the others are valid, too.
    forms = [(plain, f"{packed[7:]}.tar.gz"), (f"{plain[7:]}.json", f"{packed[7:]}.tar.gz"), ("cfg", "one"),
             ("x/y/config", "x/y/layer"), ("./cfg", "VERSION"), ("x/../cfg", "/l/./r//../layer")]
    for number, (config_name, layer_name) in enumerate(forms):
        manifest = [{"Config": config_name, "RepoTags": [f"local.test/form{number}:x"], "Layers": [layer_name]}]
        data = make_tar([(config_name, config), (layer_name, layer[2]), ("manifest.json", json.dumps(manifest).encode())])
        equal(good("import", write("form.tar", data)).strip(), f"local.test/form{number}:x")
    equal(good("run", "--rm", "local.test/form2:x", "echo", "any").strip(), "any")


def test_lists_of_images_that_are_not_quite_right():
    image = small(7)
    manifest = image.finish()
    right = {"mediaType": oci.OCI_MANIFEST, "digest": oci.digest_of(manifest), "size": len(manifest),
             "annotations": {"org.opencontainers.image.ref.name": "local.test/listed:x"}}
    blobs = [(f"blobs/{d.replace(':', '/')}", data) for d, data in {**image.blobs, oci.digest_of(manifest): manifest}.items()]
    for other in ({**right, "digest": "blake3:" + "0" * 64}, {**right, "annotations": "none"}, None):
        index = json.dumps({"schemaVersion": 2, "manifests": [other, right]}).encode()
        good("import", write("listed.tar", make_tar([("index.json", index), ("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'), *blobs])))
        good("rmi", "local.test/listed:x")
    refused(make_tar([("index.json", json.dumps({"manifests": [{**right, "digest": "blake3:1"}]}).encode()), *blobs]),
            "no manifest that can be read")
    layer = oci.Layer("none").add("file", b"f").finish()
    config = json.dumps(oci.Image([layer]).config).encode()
    members = [("c.json", config), ("l.tar", layer[2])]
    listed = json.dumps([{"Config": "c.json", "RepoTags": ["local.test/listed:y"], "Layers": ["l.tar"]}]).encode()
    good("import", write("listed.tar", make_tar([*members, ("manifest.json", b"\xef\xbb\xbf" + listed + b"\n")])))
    good("rmi", "local.test/listed:y")
    refused(make_tar([*members, ("manifest.json", listed[1:-1])]), "manifest.json is not a list of images")
    refused(make_tar([*members, ("manifest.json", listed + b"]")]), "not JSON")


def test_an_index_that_lists_nothing_leaves_it_to_manifest_json():
    layer = oci.Layer("none").add("file", b"f").finish()
    config = json.dumps(oci.Image([layer]).config).encode()
    listed = json.dumps([{"Config": "c.json", "RepoTags": ["local.test/beside:x"], "Layers": ["l.tar"]}]).encode()
    for index in ({"schemaVersion": 2, "manifests": []}, {"schemaVersion": 2}, {"manifests": None}):
        members = [("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'), ("index.json", json.dumps(index).encode()),
                   ("c.json", config), ("l.tar", layer[2])]
        refused(make_tar(members), "holds no image")
        equal(good("import", write("beside.tar", make_tar([*members, ("manifest.json", listed)]))).strip(), "local.test/beside:x")
        good("rmi", "local.test/beside:x")


def test_all_names_of_an_archive_appear_or_none():
    layer = oci.Layer("none").add("file", b"f").finish()
    config = json.dumps(oci.Image([layer]).config).encode()
    listed = json.dumps([{"Config": "c.json", "RepoTags": ["local.test/first:x", "local.test/second:\u0007"], "Layers": ["l.tar"]}]).encode()
    refused(make_tar([("c.json", config), ("l.tar", layer[2]), ("manifest.json", listed)]), "control character")


def test_a_layout_may_have_one_name_for_several_platforms():
    """As in the example of the specification: the entry for this platform counts, wherever it is in the list."""
    blobs, entries = {}, {}
    for architecture in ("amd64", "arm64", "ppc64le"):
        image = oci.Image([oci.busybox_layer(), oci.Layer().add("arch", architecture.encode())], {"Env": ["PATH=/bin"], "Cmd": ["cat", "/arch"]})
        manifest = image.finish()
        blobs.update({**image.blobs, oci.digest_of(manifest): manifest})
        entries[architecture] = {"mediaType": oci.OCI_MANIFEST, "digest": oci.digest_of(manifest), "size": len(manifest),
                                 "platform": {"os": "linux", "architecture": architecture}}
    index = json.dumps({"schemaVersion": 2, "manifests": [entries["amd64"], entries["arm64"]]}).encode()
    blobs[oci.digest_of(index)] = index
    several = {"mediaType": oci.OCI_INDEX, "digest": oci.digest_of(index), "size": len(index)}
    other = {"mediaType": "application/xml", "digest": "sha256:" + "5" * 64, "size": 7, "annotations": {"kind": "AppStream"}}
    unknown = {key: value for key, value in entries["amd64"].items() if key != "platform"}

    def archive(*listed, name="local.test/several:x"):
        named = [{**entry, "annotations": {"org.opencontainers.image.ref.name": name}} for entry in listed]
        return make_tar([("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'),
                         ("index.json", json.dumps({"schemaVersion": 2, "manifests": [*named, other]}).encode()),
                         *((f"blobs/{digest.replace(':', '/')}", data) for digest, data in blobs.items())])
    for listed in (("amd64", "arm64"), ("arm64", "amd64"), (several, "ppc64le"), ("ppc64le", several), ("arm64", unknown), (unknown, "arm64")):
        data = archive(*(entries.get(entry, entry) if isinstance(entry, str) else entry for entry in listed))
        equal(good("import", write("several.tar", data)), "local.test/several:x\n")
        equal(good("run", "--rm", "local.test/several:x"), "amd64")
    equal(good("import", "--platform=linux/arm64", write("several.tar", archive(entries["amd64"], entries["arm64"]))), "local.test/several:x\n")
    equal([row["digest"] for row in listing("images") if row["name"] == "local.test/several:x"], [entries["arm64"]["digest"]])
    good("rmi", "local.test/several:x")
    # A name with a digest is that of the image.
    right = f"local.test/digest@{entries['amd64']['digest']}"
    equal(good("import", write("digest.tar", archive(entries["amd64"], name=right))), f"{right}\n")
    good("rmi", right)
    refused(archive(entries["amd64"], name="local.test/digest@sha256:" + "0" * 64), "with the digest")


def test_a_root_file_system_is_not_taken_for_an_image_archive():
    refused(make_tar([(f"usr/bin/tool{n}", b"x") for n in range(1100)]), "not an image archive")


def test_a_root_file_system():
    result = dist("import", "--rootfs", write("rootfs.tar.gz", gzip.compress(oci.busybox_layer("none").finish()[2])))
    equal(result.status, 1)
    contains(result.err, "name")
    good("import", "--rootfs", "--name=local.test/root:1", f"{WORK}/rootfs.tar.gz", "/bin/echo", "hello")
    equal(good("run", "--rm", "local.test/root:1").strip(), "hello")
    good("push", "local.test/root:1", f"{HOST}/archive/root:1")
    equal(run("skopeo", "inspect", "--tls-verify=false", f"docker://{HOST}/archive/root:1").status, 0)


def small(seed=0):
    return oci.Image([oci.Layer("gzip").add("f", random.Random(seed).randbytes(50000))])


def test_input_that_is_not_an_archive():
    refused(b"not a tar at all" * 100, "tar")
    refused(b"", "")
    refused(make_tar([("hello", b"x")]), "neither index.json nor manifest.json")
    refused(make_tar([("index.json", b"{")]), "JSON")
    refused(make_tar([("index.json", b'{"manifests":[]}')]), "no image")
    refused(make_tar([("manifest.json", b'[{"Config":"nope.json","Layers":[]}]')]), "nope.json")
    refused(make_tar([("index.json", b'{"a":' * 5000 + b"1" + b"}" * 5000)]), "deeper")


def test_a_file_that_cannot_be_read():
    """As on a broken disk: what failed is reading, and nothing is known about the archive."""
    for words in (["import", "/proc/self/mem"], ["import", "--rootfs", "--name=local.test/tree:1", "/proc/self/mem"], ["load", "-i", "/proc/self/mem"]):
        result = dist(*words)
        equal(result.status, 1)
        contains(result.err, "read the archive: Input/output error")
        assert "tar" not in result.err, result


def test_a_blob_that_does_not_match_its_digest():
    image = small(1)
    members = layout(image)
    wrong = [(name, data if not name.endswith(image.manifest["layers"][0]["digest"][7:]) else b"x")
             for name, data in members]
    refused(make_tar(wrong), "digest")


def test_an_incomplete_archive_is_refused():
    image = small(2)
    image.finish()
    refused(make_tar(layout(image, skip=(image.manifest["layers"][0]["digest"],))), "archive is incomplete", "export the image again",
            image.manifest["layers"][0]["digest"])
    data = make_tar(layout(small(3)))
    refused(data[:len(data) // 2], "")


def test_members_with_paths_lead_nowhere():
    image = small(4)
    members = [("../../../../etc/passwd", b"x"), ("/etc/shadow", b"x"), ("blobs/sha256/../../x", b"x")]
    data = make_tar(members + layout(image, "local.test/paths:x"))
    equal(good("import", "--no-unpack", write("paths.tar", data)).strip(), "local.test/paths:x")
    loop = tarfile.TarInfo()
    loop.type, loop.linkname = tarfile.SYMTYPE, "loop.tar"
    refused(make_tar([("loop.tar", loop), ("manifest.json", b'[{"Config":"loop.tar","Layers":[]}]')]), "loop.tar")


def test_killed_in_the_middle_of_an_import():
    generator = random.Random(os.getpid())
    image = oci.Image([oci.Layer("none").add("f", generator.randbytes(20000000)) for _ in range(3)])
    path = write("large.tar", make_tar(layout(image, "local.test/large:x")))
    for _ in range(5):
        process = subprocess.Popen(["dist", "import", "--no-unpack", path], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        time.sleep(generator.random() * 0.3)
        kill_service()
        process.wait()
        equal(database_query("PRAGMA integrity_check"), "ok")
    good("import", path)
    good("prune")
    directory = f"{STATE}/content/blobs/sha256"
    for name in os.listdir(directory):
        with open(f"{directory}/{name}", "rb") as file:
            equal(oci.digest_of(file.read()), f"sha256:{name}")


def test_rights():
    equal(dist("import", f"{WORK}/one.tar", user="alice").status, 1)
    equal(dist("export", IMAGE, user="alice").status, 1)


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
