# SPDX-License-Identifier: LGPL-2.1-or-later
# Input that revealed bugs in other tools: Berth handles it correctly. tests/FIELD.md lists the reports.
# machine: package buildah

import bz2
import gzip
import hashlib
import io
import json
import lzma
import os
import subprocess
import sys
import tarfile

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci
from faulty_registry import FaultyRegistry
from judge import compare, tree_of

WORK = "/var/tmp/field"
REGISTRY = FaultyRegistry()
BUILDAH = os.environ["BERTH_BUILD"] + "/packages/buildah/usr/bin/buildah"


def push(name, *layers, **config):
    reference = f"{HOST}/field/{name}:x"
    oci.push(oci.Image(list(layers), {"Cmd": ["true"], **config}), reference)
    return reference


def pulled(name, *layers):
    """Pulls an image of these layers, which umoci refuses, and returns its tree."""
    reference = push(name, *layers)
    good("pull", "-q", reference)
    return tree_of(reference)


def below():
    """Returns a lower layer, which other layers change, with files, hard and symbolic links, and directories."""
    layer = oci.Layer().directory("./").directory("d").add("d/one", b"one", mode=0o600).add("d/two", b"two").directory("d/sub")
    layer.add("d/sub/three", b"3").directory("target").add("target/keep", b"keep").symlink("link", "/target")
    layer.add("secret", b"old", mode=0, uid=5).hard_link("secret-", "secret").symlink("dangling", "no/where")
    return layer.add("link-a", b"linked", uid=7).hard_link("link-z", "link-a")


def test_setup():
    os.makedirs(WORK, exist_ok=True)


def test_files_without_any_permission_are_replaced():
    compare(push("mode-zero", below(), oci.Layer().add("secret", b"new", mode=0, uid=6), oci.Layer().add("secret-", b"newer", mode=0o600)))


def test_an_upper_layer_deletes_one_of_two_hard_links():
    tree = compare(push("one-of-two", below(), oci.Layer().add(".wh.link-a", b"")))
    assert b"link-a" not in tree and tree[b"link-z"]["names"] == [b"link-z"], tree[b"link-z"]


def test_an_upper_layer_replaces_one_of_several_hard_links():
    layer = oci.Layer().hard_link("link-b", "link-a").hard_link("d/link-c", "link-b")
    tree = compare(push("aliases", below(), layer, oci.Layer().add("link-a", b"replaced!"), oci.Layer().hard_link("link-d", "link-z")))
    equal([tree[name]["size"] for name in (b"link-a", b"link-b", b"link-z", b"link-d", b"d/link-c")], [9, 6, 6, 6, 6])


def test_a_directory_keeps_its_owner_when_a_file_in_it_changes():
    lower = oci.Layer().directory("./").directory("app", mode=0o2750, uid=100, gid=101).directory("app/foo", mode=0o700, uid=100)
    tree = compare(push("owner", lower, oci.Layer().add("app/foo/bar", b"1", uid=100), oci.Layer().add("app/.wh.none", b"").add("app/foo/bar", b"2")))
    equal([(tree[name]["owner"], tree[name]["mode"]) for name in (b"app", b"app/foo")], [((100, 101), "0o2750"), ((100, 0), "0o700")])


def test_sparse_files_of_gnu_tar():
    """GNU tar's sparse files are unpacked in all formats, even if they have more parts than fit into a header."""
    made = f"{WORK}/sparse"
    os.makedirs(made)
    with open(f"{made}/file", "wb") as file:
        for part in range(30):
            file.seek(part * 1000000)
            file.write(bytes([part + 1]) * 5000)
        file.truncate(40000000)
    for version in ("--format=gnu", "--sparse-version=0.0", "--sparse-version=0.1", "--sparse-version=1.0"):
        command = ["tar", "--format=posix", version, "--sparse", "-C", made, "-cf", "-", "file"]
        tar = subprocess.run([word for word in command if version[2] != "f" or word != "--format=posix"], check=True, capture_output=True).stdout
        tree = pulled(f"sparse-{version[-3:]}", (oci.digest_of(tar), oci.LAYER, tar))
        with open(f"{made}/file", "rb") as file:
            equal(tree[b"file"]["content"], hashlib.sha256(file.read()).hexdigest(), version)


def test_headers_that_other_readers_refuse():
    plain = oci.Layer("none").directory("./").add("a", b"a", pax={"SCHILY.xattr.user.overlay.origin": "", "comment": ""})
    plain.tar.pax_headers = {}
    tar = plain.add("b", b"b").finish()[2]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT, pax_headers={"comment": "0" * 40, "path": "elsewhere"}):
        pass
    tar = buffer.getvalue()[:1024 if buffer.getvalue()[156:157] == b"g" else 0] + tar
    assert tar[156:157] == b"g"
    tree = pulled("global", (oci.digest_of(tar), oci.LAYER, tar))
    assert {b"a", b"b"} <= set(tree) and b"elsewhere" not in tree and not tree[b"a"]["xattrs"], tree


def test_layers_that_are_compressed_in_another_way_than_they_say():
    tar = below().finish()
    plain = gzip.decompress(tar[2])
    packed = {"+zstd": subprocess.run(["zstd", "-qc"], input=plain, check=True, capture_output=True).stdout, "+gzip": tar[2], "": plain}
    for said in packed:
        for number, data in enumerate(packed.values()):
            tree = pulled(f"said{said[1:]}{number}", (oci.digest_of(plain), oci.LAYER + said, data))
            equal(tree[b"d/one"]["size"], 3)


def test_compressions_that_images_do_not_have():
    """The specification has gzip and zstd; the message says so."""
    tar = gzip.decompress(below().finish()[2])
    for name, data in (("bzip2", bz2.compress(tar)), ("xz", lzma.compress(tar))):
        result = dist("pull", "-q", push(f"other-{name}", (oci.digest_of(tar), oci.LAYER, data)))
        equal(result.status, 1)
        contains(result.err, f"compressed with {name}; images may only have gzip and zstd")
    result = dist("pull", "-q", push("more", (oci.digest_of(tar), oci.LAYER + "+gzip", gzip.compress(tar) + b"more")))
    contains(result.err, "followed by something else")
    # A tar may begin with the same bytes.
    assert b"BZh91AY" in pulled("named", oci.Layer("none").add("BZh91AY", b"x"))


def test_media_types_that_registries_replaced():
    """Configurations of Docker's images, and layers, whose type is only that of a file."""
    for number, said in enumerate(("application/octet-stream", "text/html", "application/json", "", None)):
        image = oci.Image([below()], {"Cmd": ["true"]})
        image.manifest["mediaType"] = oci.DOCKER_MANIFEST
        image.finish()
        for descriptor in (image.manifest["config"], *image.manifest["layers"]):
            descriptor["mediaType"] = said
        good("pull", "-q", serve(f"replaced{number}:x", image))
        good("create", f"--id=replaced{number}", f"{REGISTRY.host}/replaced{number}:x")
        good("rm", f"replaced{number}")


def test_a_directory_is_deleted_and_made_again_in_one_layer():
    for number, layer in enumerate((
            oci.Layer().add(".wh.d", b"").directory("d", mode=0o700).add("d/new", b"n"),
            oci.Layer().add(".wh.d", b"").add("d/new", b"n"),
            oci.Layer().add(".wh.d", b"").directory("d/sub").add("d/sub/new", b"n"),
            oci.Layer().directory("d", mode=0o700).add("d/new", b"n").add(".wh.d", b""),
            oci.Layer().add("d/.wh..wh..opq", b"").add("d/.wh.one", b"").add("d/sub/new", b"n"),
            oci.Layer().add("d/sub/.wh..wh..opq", b"").add(".wh.d", b"").directory("d/sub"))):
        compare(push(f"again{number}", below(), layer))


def test_a_directory_becomes_a_link():
    for number, layer in enumerate((
            oci.Layer().symlink("d", "target").add("d/.wh.one", b"").add("d/sub/.wh.three", b""),
            oci.Layer().add("d/.wh.one", b"").add("d/.wh.sub", b"").symlink("d", "target"),
            oci.Layer().add(".wh.d", b"").symlink("d", "target").add("d/new", b"n"),
            oci.Layer().add("d/sub/.wh.three", b"").add(".wh.d", b"").symlink("d", "/target"))):
        compare(push(f"link{number}", below(), layer))


def test_a_link_becomes_a_directory():
    for number, layer in enumerate((
            oci.Layer().directory("link").add("link/new", b"n"),
            oci.Layer().directory("dangling", mode=0o750).add("dangling/new", b"n"),
            oci.Layer().add(".wh.link", b"").directory("link").add("link/.wh..wh..opq", b"").add("link/new", b"n"),
            oci.Layer().directory("link").add("link/.wh..wh..opq", b"").add("link/new", b"n"))):
        tree = compare(push(f"directory{number}", below(), layer))
        assert number != 3 or b"target/keep" not in tree or tree[b"target/keep"], tree


def test_whiteouts_without_a_name_and_of_absent_files():
    for number, name in enumerate((".wh.nothing", "d/.wh.nothing/more", "none/.wh.x", "d/one/.wh.x")):
        compare(push(f"whiteout{number}", below(), oci.Layer().add(name, b"").add("last", b"l")))
    # Such whiteouts would hide their own directory, or its parent.
    for number, name in enumerate((".wh.", "d/.wh.", "d/.wh..", "d/.wh...")):
        reference = push(f"nameless{number}", below(), oci.Layer().add(name, b"").add("last", b"l"))
        result = dist("pull", "-q", reference)
        if result.status == 0:
            tree = tree_of(reference)
            assert b"target/keep" in tree and b"d/one" in tree and b"last" in tree, (name, sorted(tree))


def test_files_left_by_aufs_in_layers():
    layer = oci.Layer().directory("./").directory(".wh..wh.plnk").add(".wh..wh.plnk/12.34", b"linked").directory(".wh..wh.orph")
    layer.add(".wh..wh.aufs", b"").hard_link("first", ".wh..wh.plnk/12.34").hard_link("second", ".wh..wh.plnk/12.34")
    tree = compare(push("aufs", layer))
    equal([tree[name].get("size") for name in (b"first", b"second")], [6, 6])


def test_gzip_of_every_kind():
    plain = below()
    plain.tar.close()
    tar = plain.buffer.getvalue()
    half = len(tar) // 2
    named = gzip.compress(tar)
    named = named[:3] + b"\x1c" + named[4:10] + b"\x04\x00EXTR" + b"name.tar\0" + b"a comment\0" + named[10:]
    stored = [gzip.compress(tar[:half]) + gzip.compress(tar[half:]), gzip.compress(tar) + gzip.compress(b""),
              named, gzip.compress(tar, 0), b"".join(gzip.compress(tar[i:i + 512]) for i in range(0, len(tar), 512))]
    for number, data in enumerate(stored):
        compare(push(f"gzip{number}", (oci.digest_of(tar), oci.LAYER + "+gzip", data)))


def test_implied_directories_can_be_entered_by_all():
    reference = push("implied", oci.Layer().add("nix/store/aaa-x/bin/x", b"x", mode=0o555).symlink("bin/x", "/nix/store/aaa-x/bin/x"))
    tree = compare(reference)
    equal({tree[name]["mode"] for name in (b"nix", b"nix/store", b"nix/store/aaa-x", b"bin")}, {"0o755"})


def test_layers_of_a_nix_store():
    store = [f"nix/store/{letter * 32}-package" for letter in "abcdefghij"]
    layers = []
    for number, path in enumerate(store):
        layer = oci.Layer().directory("/").directory("/nix").directory("/nix/store", mode=0o1775)
        layer.directory(f"/{path}", mode=0o555, mtime=1).directory(f"/{path}/bin", mode=0o555, mtime=1)
        layer.add(f"/{path}/bin/tool", b"#!" + bytes([65 + number]), mode=0o555, mtime=1)
        layer.hard_link(f"/{path}/bin/alias", f"/{path}/bin/tool", mtime=1)
        if number:
            layer.hard_link(f"/{path}/bin/of-below", f"/{store[number - 1]}/bin/tool", mtime=1).symlink(f"/{path}/below", f"/{store[number - 1]}")
        layers.append(layer)
    layers.append(oci.Layer().directory("./").symlink("./bin", f"/{store[-1]}/bin").directory("./tmp", mode=0o1777))
    tree = compare(push("nix", *layers))
    equal(len(tree[f"{store[3]}/bin/tool".encode()]["names"]), 3)


def test_layers_as_kaniko_writes_them():
    first = oci.busybox_layer()
    second = oci.Layer().directory("/").directory("/etc/").directory("/etc/service/").directory("/etc/service/apache/", mode=0o500)
    second.add("/etc/service/apache/run", b"#!/bin/sh\n", mode=0o500).hard_link("/etc/service/alias", "/etc/service/apache/run")
    third = oci.Layer().directory("/").directory("/etc/").directory("/etc/service/").add("/etc/service/.wh.apache", b"")
    third.directory("/etc/service/apache/").add("/etc/service/apache/run", b"new", mode=0o755).symlink("/etc/service/run", "/etc/service/apache/run")
    fourth = oci.Layer().directory("/").add("/bin/.wh.tac", b"").hard_link("/usr/bin/tool", "/bin/busybox").symlink("/usr/bin/sh", "../../bin/sh")
    compare(push("kaniko", first, second, third, fourth))


def test_directories_that_cannot_be_written():
    layer = oci.Layer().directory("./").directory("ro", mode=0o555).add("ro/file", b"1", mode=0o444).directory("ro/deep", mode=0o000)
    layer.add("ro/deep/file", b"2", mode=0o400)
    compare(push("read-only", layer, oci.Layer().add("ro/deep/.wh.file", b"").add("ro/file", b"3", mode=0o400).add("ro/new", b"4")))


def buildah(*arguments):
    result = run(BUILDAH, "--storage-driver=vfs", f"--root={WORK}/storage", "--runroot=/run/buildah", *arguments)
    equal(result.status, 0, f"buildah {' '.join(arguments)}: {result}")
    return result.out.strip()


def test_images_of_buildah():
    root = f"{WORK}/context"
    os.makedirs(f"{root}/app/deep")
    for name in ("one", "two", "app/three", "app/deep/four"):
        with open(f"{root}/{name}", "w", encoding="utf-8") as file:
            file.write(name * 100)
    os.link(f"{root}/one", f"{root}/app/linked")
    os.symlink("../two", f"{root}/app/two")
    os.chmod(f"{root}/two", 0o4750)
    os.chown(f"{root}/two", 1000, 12)
    os.setxattr(f"{root}/one", "user.kept", b"value")
    first = buildah("from", "scratch")
    buildah("copy", first, root, "/")
    buildah("copy", "--chown=7:8", "--chmod=0710", first, f"{root}/app", "/srv/app")
    buildah("config", "--cmd", "/app/one", "--env", "A=b c", "--label", "x=y", "--user", "7", "--workingdir", "/srv", first)
    for number, options in enumerate((("--format=oci",), ("--format=docker",), ("--squash",))):
        name = f"{HOST}/field/buildah{number}:x"
        buildah("commit", *options, first, name)
        second = buildah("from", "--pull-never", name)
        mounted = buildah("mount", second)
        os.rename(f"{mounted}/app/deep", f"{mounted}/app/moved")
        os.unlink(f"{mounted}/one")
        os.symlink("two", f"{mounted}/one")
        os.link(f"{mounted}/two", f"{mounted}/srv/two")
        os.mkfifo(f"{mounted}/srv/fifo")
        buildah("umount", second)
        buildah("commit", *options, second, name)
        for more in ((), ("--compression-format=zstd",)) if options == ("--format=oci",) else ((),):
            buildah("push", "--tls-verify=false", *more, name, f"docker://{name}")
            tree = compare(name)
            assert b"app/moved/four" in tree and b"app/deep" not in tree, sorted(tree)
        equal(json.loads(good("inspect", name))["config"]["Env"][-1], "A=b c")


def serve(name, image, hook=None):
    REGISTRY.hook = hook
    return REGISTRY.add(name, image)[0]


def new_image(number, **more):
    image = oci.Image([oci.Layer().directory("./").add("file", f"{number}".encode() * 3000)], {"Cmd": ["true"]})
    image.config.update(more)
    return image


def test_content_encodings_that_say_nothing_of_the_content():
    def hook(handler, url, with_body):
        if "/blobs/" not in url:
            return False
        data = REGISTRY.images["encoded"].blobs[url.rpartition("/")[2]]
        handler.send_response(200)
        handler.send_header("Content-Encoding", "gzip")
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)
        return True
    good("pull", serve("encoded:x", new_image(1), hook))
    assert not any("accept-encoding" in str(request).lower() for request in REGISTRY.requests)


def test_a_redirect_that_only_get_may_follow():
    other = FaultyRegistry()

    def behind(handler, url, with_body):
        if not with_body or handler.headers.get("Authorization"):
            return not other.send(handler, 403, b"<Error>SignatureDoesNotMatch</Error>", {}, with_body)
        media_type, data = REGISTRY.manifests[("signed", url.rpartition("/")[2])]
        return not other.send(handler, 200, data, {"Content-Type": media_type}, True)

    def hook(handler, url, with_body):
        if "/manifests/" not in url:
            return False
        return not REGISTRY.send(handler, 307, b"", {"Location": f"http://{other.host}/{url.rpartition('/')[2]}"}, with_body)
    other.hook = behind
    good("pull", serve("signed:x", new_image(2), hook))


def test_no_digest_and_no_length():
    def hook(handler, url, with_body):
        if "/manifests/" not in url:
            return False
        media_type, data = REGISTRY.manifests[("chunked", url.rpartition("/")[2])]
        handler.send_response(200)
        handler.send_header("Content-Type", media_type)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        if with_body:
            handler.wfile.write(b"".join(b"%x\r\n%s\r\n" % (len(data[i:i + 100]), data[i:i + 100]) for i in range(0, len(data), 100)) + b"0\r\n\r\n")
        return True
    good("pull", serve("chunked:x", new_image(3), hook))


def test_indexes_as_buildx_writes_them():
    image = new_image(4)
    reference = serve("buildx:x", image)
    manifest = image.finish()
    attestation = oci.Image([], {})
    statement = attestation.add_blob("application/vnd.in-toto+json", b"{}")
    attestation.config = {"architecture": "unknown", "os": "unknown", "config": {}, "rootfs": {"type": "layers", "diff_ids": [statement["digest"]]}}
    attestation.manifest["layers"] = [statement]
    about = attestation.finish()
    image.blobs.update(attestation.blobs)

    def entry(media_type, data, architecture, system, **more):
        REGISTRY.manifests[("buildx", oci.digest_of(data))] = (media_type, data)
        return {"mediaType": media_type, "digest": oci.digest_of(data), "size": len(data),
                "platform": {"architecture": architecture, "os": system}, **more}
    inner = json.dumps({"schemaVersion": 2, "mediaType": oci.OCI_INDEX, "manifests": [
        entry(oci.OCI_MANIFEST, about, "unknown", "unknown", annotations={
            "vnd.docker.reference.digest": oci.digest_of(manifest), "vnd.docker.reference.type": "attestation-manifest"}),
        entry(oci.OCI_MANIFEST, manifest, "amd64", "linux")]}).encode()
    for number, data in enumerate((inner, json.dumps({"schemaVersion": 2, "mediaType": oci.OCI_INDEX, "manifests": [
            entry(oci.OCI_INDEX, inner, "amd64", "linux")]}).encode())):
        for key in (f"index{number}", oci.digest_of(data)):
            REGISTRY.manifests[("buildx", key)] = (oci.OCI_INDEX, data)
        name = reference.replace(":x", f":index{number}")
        good("pull", name)
        contains(good("inspect", name), "amd64")
        good("fetch", "--all-platforms", name)
        good("pull", "--all-platforms", name)


def test_configurations_with_nothing_in_them():
    for number, config in enumerate((None, {}, {"Env": None, "Cmd": None, "Entrypoint": None, "Labels": None, "Volumes": None, "ExposedPorts": None},
                                     {"Env": [], "Cmd": ["/bin/true"], "User": "", "WorkingDir": ""})):
        image = oci.Image([oci.busybox_layer()], {})
        image.config.update({"config": config, "history": None if number % 2 else [], "created": None, "author": None, "variant": None})
        reference = f"{HOST}/field/config{number}:x"
        oci.push(image, reference)
        good("pull", "-q", reference)
        good("run", "--rm", reference, "/bin/true")


def make_archive(members):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
                tar.addfile(info)
            else:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def archive_of(number, name, at, links=(), extra=()):
    image = new_image(number)
    image.finish()
    config, layer = image.manifest["config"]["digest"], image.manifest["layers"][0]["digest"]
    plain = gzip.decompress(image.blobs[layer])
    listed = [{"Config": "config.json", "RepoTags": [name], "Layers": [at]}]
    stored = links[0][1] if links else at.lstrip("/")
    return make_archive([("config.json", image.blobs[config]), (stored, plain), *[(link, target) for link, _, target in links],
                         ("manifest.json", json.dumps(listed).encode()), *extra])


def imports(name, data):
    with open(f"{WORK}/archive", "wb") as file:
        file.write(data)
    good("import", f"{WORK}/archive")
    assert name in [row["name"] for row in listing("images")], listing("images")


def test_docker_archives_of_the_field():
    imports("localhost/pack:x", archive_of(11, "localhost/pack:x", "/layer.tar"))
    imports("localhost/dot:x", archive_of(12, "localhost/dot:x", "./layer.tar"))
    data = archive_of(17, "localhost/all-dots:x", "layer.tar")
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        members = [(f"./{member.name}", archive.extractfile(member).read()) for member in archive]
    imports("localhost/all-dots:x", make_archive(members))
    imports("localhost/linked:x", archive_of(13, "localhost/linked:x", "second/layer.tar", [("second/layer.tar", "first/layer.tar", "../first/layer.tar")]))
    imports("localhost/hidden:x", archive_of(14, "localhost/hidden:x", "one/layer.tar", [("one/layer.tar", ".two.tar", "../.two.tar")]))
    imports("localhost/at-root:x", archive_of(18, "localhost/at-root:x", "one/layer.tar", [("one/layer.tar", ".two.tar", ".two.tar")]))
    imports("localhost/with-old:x", archive_of(15, "localhost/with-old:x", "layer.tar", extra=[("repositories", b"{}"), ("VERSION", b"1.0")]))


def test_an_archive_without_its_base_is_refused():
    with open(f"{WORK}/archive", "wb") as file:
        image = new_image(16)
        image.finish()
        config = image.blobs[image.manifest["config"]["digest"]]
        file.write(make_archive([("config.json", config), ("manifest.json", json.dumps(
            [{"Config": "config.json", "RepoTags": ["localhost/none:x"], "Layers": [""]}]).encode())]))
    result = dist("import", f"{WORK}/archive")
    equal(result.status, 1, result)
    assert "localhost/none:x" not in [row["name"] for row in listing("images")]


def test_compressed_archives():
    for number, command in enumerate((["gzip", "-c"], ["zstd", "-q", "-c"], ["cat"])):
        data = archive_of(20 + number, f"localhost/packed{number}:x", "layer.tar")
        imports(f"localhost/packed{number}:x", subprocess.run(command, input=data, check=True, capture_output=True).stdout)


def test_copies_through_links_stay_in_the_container():
    reference = push("copies", oci.busybox_layer())
    good("pull", "-q", reference)
    good("run", "-d", "--id=copies", reference, "sleep", "1000")
    good("exec", "copies", "sh", "-c", f"ln -s {WORK} /test; mkdir -p {WORK} /tmp/d1 /tmp/d2; ln -s /tmp/none1 /tmp/d1/x; ln -s /tmp/none2 /tmp/d2/x; "
         "echo star >'/file*'; echo other >/file1; ln -s '/file*' /glob; ln -s /etc/hostname /inside")
    with open(f"{WORK}/mine", "w", encoding="utf-8") as file:
        file.write("mine\n")
    # A link is followed in the container, not here.
    good("cp", f"{WORK}/mine", "copies:/test")
    equal(good("exec", "copies", "cat", f"{WORK}/mine"), "mine\n")
    # The target of a link is not created as a directory.
    equal(dist("cp", f"{WORK}/mine", "copies:/tmp/d2/x/").status != 0, True)
    equal(dist("exec", "copies", "ls", "/tmp/none2").status != 0, True)
    # Names are not treated as patterns.
    good("cp", "copies:/glob", f"{WORK}/out")
    good("cp", "copies:/file*", f"{WORK}/star")
    with open(f"{WORK}/star", encoding="utf-8") as file:
        equal(file.read(), "star\n")
    good("rm", "-f", "copies")


def test_a_directory_with_hard_links_is_copied_under_a_new_name():
    reference = f"{HOST}/field/copies:x"
    good("run", "-d", "--id=links", reference, "sleep", "1000")
    good("exec", "links", "sh", "-c", "mkdir /made; cd /made; echo hi >a; ln a b")
    good("cp", "links:/made", f"{WORK}/renamed")
    equal(sorted(os.listdir(f"{WORK}/renamed")), ["a", "b"])
    equal(os.stat(f"{WORK}/renamed/a").st_ino, os.stat(f"{WORK}/renamed/b").st_ino)
    good("cp", f"{WORK}/renamed", "links:/again")
    equal(good("exec", "links", "sh", "-c", "cd /again; echo *; stat -c %h b").split(), ["a", "b", "2"])
    good("rm", "-f", "links")


def test_copies_into_a_volume_of_a_running_container():
    with open(f"{WORK}/for-volume", "w", encoding="utf-8") as file:
        file.write("in a volume\n")
    good("volume", "create", "field")
    good("run", "-d", "--id=volume", "-v", "field:/data", f"{HOST}/field/copies:x", "sleep", "1000")
    good("cp", f"{WORK}/for-volume", "volume:/data/running")
    equal(good("exec", "volume", "cat", "/data/running"), "in a volume\n")
    good("rm", "-f", "volume")


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
