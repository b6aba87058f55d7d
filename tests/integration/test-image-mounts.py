# SPDX-License-Identifier: LGPL-2.1-or-later
# Mounts of images, artifacts and parts of volumes in containers: their contents, the permissions that they need, and
# the content that they keep in the store.

import io
import os
import sys

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

BOX = f"{HOST}/image-mounts/box:x"
DATA = f"{HOST}/image-mounts/data:x"
SECRET = f"{HOST}/private/data:x"
ONE = f"{HOST}/image-mounts/model:one"
MANY = f"{HOST}/image-mounts/model:many"
PRIVATE = f"{HOST}/private/model:x"


def artifact(reference, *files):
    """Pushes an artifact like those of oras, of files with titles; a file whose title is None has no title."""
    content = oci.Image([])
    content.finish()
    empty = content.add_blob("application/vnd.oci.empty.v1+json", b"{}")
    layers = []
    for title, data in files:
        layer = content.add_blob("application/octet-stream", data)
        layers.append({**layer, "annotations": {"org.opencontainers.image.title": title}} if title else layer)
    content.manifest.update(artifactType="application/x-model", config=empty, layers=layers)
    oci.push(content, reference)


def image(text):
    """Returns an image of two layers with links, one of which leads out of the image. The upper layer hides a file of
    the lower one."""
    lower = oci.Layer("gzip").directory("etc").add("etc/name", b"lower\n").add("etc/gone", b"gone\n")
    lower.add("part/deep/file", text.encode()).symlink("up", "../../../etc").symlink("inside", "/part/deep")
    lower.add("set-user-id", b"#!/bin/sh\n", mode=0o4755, uid=1000, gid=1000)
    upper = oci.Layer("gzip").add("etc/name", b"upper\n").add("etc/.wh.gone", b"")
    return oci.Image([lower, upper], {})


def shown(mount, script, *options, **more):
    return good("run", "--rm", *options, f"--mount={mount}", BOX, "sh", "-c", script, **more)


def test_setup():
    oci.push(oci.busybox_image(Cmd=["sleep", "1000"]), BOX)
    oci.push(image("public\n"), DATA)
    oci.push(image("secret\n"), SECRET)
    artifact(ONE, ("weights.bin", b"weights\n"))
    artifact(MANY, ("a.txt", b"first\n"), (None, b"second\n"), ("../evil", b"third\n"))
    artifact(PRIVATE, ("secret.bin", b"secret\n"))
    good("pull", BOX, DATA, SECRET, ONE, MANY, PRIVATE)
    # alice may use the images below one path, and must not learn which other images exist.
    polkit_rule("""polkit.addRule(function(action, subject) {
        if (action.id.indexOf("org.berth1.") != 0 || subject.user != "alice")
            return undefined;
        return action.id == "org.berth1.containers.create" && action.lookup("image").indexOf("%s/image-mounts/") == 0 ||
               action.id == "org.berth1.containers.manage-own" ? polkit.Result.YES : polkit.Result.NO;
    });""" % HOST)


def test_an_image_is_mounted_with_its_layers_applied():
    for options in ([], ["--userns=host"]):
        equal(shown(f"type=image,source={DATA},destination=/data",
                    "cat /data/etc/name /data/part/deep/file; ls /data/etc; stat -c %u:%g:%a /data/etc/name /data/set-user-id",
                    *options), "upper\npublic\nname\n0:0:644\n1000:1000:4755\n")


def test_an_image_without_further_layers_is_mounted():
    contains(shown(f"type=image,src={BOX},dst=/other,readwrite=false", "ls /other/bin/busybox"), "/other/bin/busybox")


def test_a_mounted_image_is_read_only_nodev_and_nosuid():
    # This holds with and without a user namespace, as long as the container may not mount.
    for options in ([], ["--userns=host"]):
        line = shown(f"type=image,source={DATA},destination=/data", "touch /data/new 2>&1; grep ' /data ' /proc/mounts",
                     *options).splitlines()
        contains(line[0], "Read-only file system")
        flags = line[-1].split()[3].split(",")
        for flag in ("ro", "nodev", "nosuid"):
            assert flag in flags, line
        # A container with all capabilities may remount it, but cannot change files of the store.
        for mount, path in ((f"type=image,source={DATA}", "/x/etc/name"), (f"type=image,source={BOX}", "/x/bin/busybox"),
                            (f"type=artifact,source={ONE}", "/x")):
            out = shown(f"{mount},destination=/x", f"exec 2>&1; mount -o remount,bind,rw /x; mount -o remount,rw /x; (echo x >>{path});"
                        f"chmod 777 {path}; true", "--cap-add=ALL", "--security-opt=seccomp=unconfined", *options)
            contains(out, f"sh: can't create {path}: Read-only file system\nchmod: {path}: Read-only file system\n")
    result = dist("run", "--rm", f"--mount=type=image,source={DATA},destination=/data,rw=true", BOX)
    contains(result.err, "read-only")


def test_a_part_of_an_image_is_mounted_and_links_stay_inside():
    equal(shown(f"type=image,source={DATA},destination=/data,subpath=part/deep", "ls /data; cat /data/file"), "file\npublic\n")
    equal(shown(f"type=image,source={DATA},destination=/data,subpath=inside", "cat /data/file"), "public\n")
    # A subpath cannot leave the image: this is the image's /etc.
    for subpath in ("up", "../../../../etc"):
        equal(shown(f"type=image,source={DATA},destination=/data,subpath={subpath}", "ls /data"), "name\n")
    equal(shown(f"type=image,source={DATA},destination=/data/it,subpath=etc/name", "cat /data/it"), "upper\n")
    result = dist("run", "--rm", f"--mount=type=image,source={DATA},destination=/data,subpath=nowhere", BOX, "true")
    contains(result.err, "nowhere")
    equal(result.status, 125)


def test_a_part_of_a_volume_is_mounted():
    good("run", "--rm", "-v", "tree:/v", BOX, "sh", "-c", "mkdir -p /v/a/b; echo deep >/v/a/b/file; ln -s ../../../../etc /v/out")
    for field in ("subpath", "volume-subpath"):
        equal(shown(f"type=volume,source=tree,target=/part,{field}=a/b", "cat /part/file; touch /part/new"), "deep\n")
    equal(sorted(os.listdir(f"{STATE}/volumes/tree/a/b")), ["file", "new"])
    # The link leads to a path in the volume that does not exist.
    result = dist("run", "--rm", "--mount=type=volume,source=tree,target=/part,subpath=out", BOX, "ls", "/part")
    equal(result.status, 125)
    contains(result.err, "out")
    assert dist("cp", f"tree:/part/file", "/tmp/none").status != 0


def test_the_files_of_an_artifact_are_mounted():
    # The target of a single file is its path, or an existing directory.
    equal(shown(f"type=artifact,source={ONE},target=/model", "cat /model"), "weights\n")
    equal(shown(f"type=artifact,src={ONE},dst=/etc", "cat /etc/weights.bin"), "weights\n")
    equal(shown(f"type=artifact,source={ONE},target=/etc,name=it", "cat /etc/it"), "weights\n")
    # Several files are named by title, or by digest if no title is usable as a name.
    names = [title or oci.digest_of(data).replace(":", "-") for title, data in
             (("a.txt", b""), (None, b"second\n"), (None, b"third\n"))]
    equal(shown(f"type=artifact,source={MANY},target=/model", "cd /model; for i in *; do echo $i; cat $i; done").split(),
          [word for pair in sorted(zip(names, ("first", "second", "third"))) for word in pair])
    equal(shown(f"type=artifact,source={MANY},target=/model,title=a.txt", "cat /model"), "first\n")
    equal(shown(f"type=artifact,source={MANY},target=/m,digest={oci.digest_of(b'second' + bytes([10]))}", "cat /m"), "second\n")
    equal(shown(f"type=artifact,source={MANY},target=/m,name=f", "ls /m").split(), ["f-0", "f-1", "f-2"])
    # The files belong to the store, so the container cannot change them.
    equal(shown(f"type=artifact,source={ONE},target=/model", "(echo x >/model) 2>&1; rm /model 2>&1; chmod 777 /model 2>&1;"
                "stat -c %a /model", "--cap-add=ALL")[-4:], "444\n")
    for fields, text in ((f"source={MANY},target=/m,title=none", "no such file"), (f"source={BOX},target=/m", "is an image"),
                         (f"source={ONE},target=/m,rw=true", "read-only"), (f"source={ONE},target=/m,subpath=a", "subpath")):
        result = dist("run", "--rm", f"--mount=type=artifact,{fields}", BOX, "true")
        contains(result.err, text)
        equal(result.status, 125)


def test_a_user_has_what_its_rule_allows_and_learns_of_nothing_else():
    equal(shown(f"type=image,source={DATA},destination=/data", "cat /data/etc/name", user="alice"), "upper\n")
    equal(shown(f"type=artifact,source={ONE},target=/model", "cat /model", user="alice"), "weights\n")
    for kind, there in (("image", SECRET), ("artifact", PRIVATE)):
        answers = set()
        for name in (there, there.replace("/private/", "/absent/")):
            result = dist("--no-ask-password", "run", "--rm", f"--mount=type={kind},source={name},target=/x", BOX, "ls", "/x",
                          user="alice")
            equal(result.status, 125, result)
            answers.add(result.err.replace(name, "NAME"))
        equal(len(answers), 1, answers)
    # A caller cannot use the mount options that the service uses internally: in an OCI configuration,
    layer = next(name for name in os.listdir(f"{STATE}/snapshots") if not name.startswith("."))
    for option in (f"x-berth.layer={layer}", "x-berth.subpath=x", "x-berth.name=x"):
        spec = json.dumps({"ociVersion": "1.0.2", "process": {"args": ["true"], "cwd": "/", "user": {"uid": 0, "gid": 0}},
                           "mounts": [{"destination": "/x", "type": "image", "source": "/x", "options": [option]}],
                           "linux": {"namespaces": [{"type": "user"}, {"type": "mount"}, {"type": "pid"}]}})
        result = containers_call("Create", "ssa{sv}", "evil", BOX, "1", "Spec", "s", spec, user="alice")
        assert result.status != 0, result
        result = containers_call("Create", "ssa{sv}", "evil", BOX, "1", "Spec", "s", spec)
        contains(result.err, "the service's own")
        # and in the option Mounts.
        result = containers_call("Create", "ssa{sv}", "evil", BOX, "1", "Mounts", "a(ssas)", "1", DATA, "/x", "2", "image", option)
        contains(result.err, "not for an image")


def test_mounted_images_are_kept_until_the_container_is_deleted():
    good("create", "--name=keeps", f"--mount=type=image,source={DATA},destination=/data",
         f"--mount=type=artifact,source={ONE},target=/model", BOX, "sh", "-c", "cat /data/etc/name /model")
    good("rmi", DATA, ONE)
    good("prune")
    result = dist("content", "rm", oci.digest_of(b"weights\n"))
    contains(result.err, "a mount of a container needs the content")
    contains(good("why", oci.digest_of(b"weights\n")), "a mount of a container")
    equal(good("start", "-a", "keeps"), "upper\nweights\n")
    kill_service()
    good("prune")
    equal(good("start", "-a", "keeps"), "upper\nweights\n")
    good("cp", "keeps:/data/part/deep/file", "/tmp/file")
    with open("/tmp/file", encoding="utf-8") as file:
        equal(file.read(), "public\n")
    good("rm", "keeps")
    before = blobs()
    good("prune")
    assert len(blobs()) < len(before)
    for kind, name in (("image", DATA), ("artifact", ONE)):
        result = dist("create", f"--mount=type={kind},source={name},target=/x", BOX)
        equal(result.status, 125)
        contains(result.err, name)
    good("pull", DATA, ONE)


def test_the_limit_of_mounts_counts_the_files_of_an_artifact():
    # Three mounts take the place of the one that asks for the artifact; a container may have 512.
    for others, fits in ((509, True), (510, False)):
        result = dist("create", "--name=full", *(f"--tmpfs=/t/{number}" for number in range(others)),
                      f"--mount=type=artifact,source={MANY},target=/m", BOX)
        equal(result.status, 0 if fits else 125, result)
        if fits:
            good("rm", "full")
        else:
            contains(result.err, "more than 512 mounts")


def test_info_and_the_mounts_property_show_mounted_images():
    good("create", "--name=tells", f"--mount=type=image,source={DATA},destination=/data,subpath=part",
         f"--mount=type=artifact,source={ONE},target=/model", BOX)
    page = good("info", "tells")
    contains(page, f"{DATA} → /data\n")
    contains(page, f"{ONE} → /model\n")
    mounts = busctl("get-property", "org.berth1", "/org/berth1/containers/tells", "org.berth1.Container", "Mounts").out
    contains(mounts, f'"/data" 3 "Type" s "image" "Source" s "{DATA}" "Options" as')
    contains(mounts, f'"/model" 3 "Type" s "artifact" "Source" s "{ONE}" "Options" as')
    assert "x-berth.layer" not in mounts, mounts
    good("rm", "tells")


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
