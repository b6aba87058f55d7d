#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes images for tests, and pushes them to a registry on this machine.

As a program, oci.py seed REFERENCE makes an image of the system's static busybox and pushes it.
As a module, it provides Layer (tar entries, compression), Image, and push().
"""

import functools
import gzip
import hashlib
import http.client
import io
import json
import os
import subprocess
import sys
import tarfile

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def gzip_of(plain):
    return gzip.compress(plain, 6, mtime=0)


# Most images have the same first layer, which takes longer to compress than to pull. Large layers would need too much
# memory.
MAX_REMEMBERED_BYTES = 4 * 1024 * 1024
remembered_gzip_of = functools.lru_cache(maxsize=4)(gzip_of)


class Layer:
    """A layer to which entries are added one by one."""

    def __init__(self, compression="gzip", tar_format=tarfile.PAX_FORMAT):
        self.buffer = io.BytesIO()
        self.compression = compression
        self.tar = tarfile.open(fileobj=self.buffer, mode="w", format=tar_format,
                                errors="surrogateescape")

    def add(self, name, data=None, kind=tarfile.REGTYPE, mode=0o644, uid=0, gid=0, target="",
            device=(0, 0), mtime=1600000000, pax=None):
        info = tarfile.TarInfo(name)
        info.type = kind
        info.mode, info.uid, info.gid, info.mtime = mode, uid, gid, mtime
        info.linkname = target
        info.devmajor, info.devminor = device
        info.pax_headers = dict(pax or {})
        if data is not None:
            info.size = len(data)
        self.tar.addfile(info, io.BytesIO(data) if data is not None else None)
        return self

    def directory(self, name, mode=0o755, **more):
        return self.add(name, kind=tarfile.DIRTYPE, mode=mode, **more)

    def symlink(self, name, target, **more):
        return self.add(name, kind=tarfile.SYMTYPE, target=target, mode=0o777, **more)

    def hard_link(self, name, target, **more):
        return self.add(name, kind=tarfile.LNKTYPE, target=target, **more)

    def finish(self):
        """Returns (diff ID, media type, stored bytes)."""
        self.tar.close()
        plain = self.buffer.getvalue()
        if self.compression == "gzip":
            compress = remembered_gzip_of if len(plain) <= MAX_REMEMBERED_BYTES else gzip_of
            stored, suffix = compress(plain), "+gzip"
        elif self.compression == "zstd":
            stored = subprocess.run(["zstd", "-q", "-c"], input=plain, check=True,
                                    stdout=subprocess.PIPE).stdout
            suffix = "+zstd"
        else:
            stored, suffix = plain, ""
        return digest_of(plain), LAYER + suffix, stored


class Image:
    """An image of layers. Tests may change its configuration, manifest and blobs before they push it."""

    def __init__(self, layers, config=None, architecture="amd64"):
        self.blobs = {}
        diff_ids, descriptors = [], []
        for layer in layers:
            diff_id, media_type, stored = layer if isinstance(layer, tuple) else layer.finish()
            diff_ids.append(diff_id)
            descriptors.append(self.add_blob(media_type, stored))
        self.config = {
            "architecture": architecture, "os": "linux", "config": config or {},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        }
        self.manifest = {
            "schemaVersion": 2, "mediaType": OCI_MANIFEST,
            "config": None, "layers": descriptors,
        }

    def add_blob(self, media_type, data):
        digest = digest_of(data)
        self.blobs[digest] = data
        return {"mediaType": media_type, "digest": digest, "size": len(data)}

    def finish(self):
        if self.manifest["config"] is None:
            data = json.dumps(self.config).encode()
            self.manifest["config"] = self.add_blob(OCI_CONFIG, data)
        return json.dumps(self.manifest).encode()


def split(reference):
    host, rest = reference.split("/", 1)
    path, _, tag = rest.rpartition(":")
    return host, path, tag


class Registry:
    """A client that can push to a registry (OCI distribution specification)."""

    def __init__(self, host):
        self.connection = http.client.HTTPConnection(host, timeout=60)

    def request(self, method, path, body=None, headers=None, expect=(200, 201, 202, 404)):
        self.connection.request(method, path, body, headers or {})
        response = self.connection.getresponse()
        data = response.read()
        if response.status not in expect:
            raise RuntimeError(f"{method} {path}: {response.status} {data!r}")
        return response

    def push_blob(self, path, digest, data):
        if self.request("HEAD", f"/v2/{path}/blobs/{digest}").status == 200:
            return
        location = self.request("POST", f"/v2/{path}/blobs/uploads/").headers["Location"]
        location = location[location.index("/v2/"):]
        joiner = "&" if "?" in location else "?"
        self.request("PUT", f"{location}{joiner}digest={digest}", data,
                     {"Content-Type": "application/octet-stream"}, expect=(201,))

    def push_manifest(self, path, tag, media_type, data):
        self.request("PUT", f"/v2/{path}/manifests/{tag}", data, {"Content-Type": media_type},
                     expect=(201,))
        return digest_of(data)


def push(image, reference):
    """Pushes an image and returns its manifest's digest."""
    host, path, tag = split(reference)
    registry = Registry(host)
    manifest = image.finish()
    for digest, data in image.blobs.items():
        registry.push_blob(path, digest, data)
    return registry.push_manifest(path, tag, image.manifest.get("mediaType", OCI_MANIFEST), manifest)


def push_index(images, reference):
    """Pushes images, given as {"os/arch[/variant]": Image}, with an index, and returns the index's digest."""
    host, path, tag = split(reference)
    registry, entries = Registry(host), []
    for platform, image in images.items():
        manifest = image.finish()
        digest = push(image, f"{host}/{path}:{platform.replace('/', '-')}")
        names = dict(zip(("os", "architecture", "variant"), platform.split("/")))
        entries.append({"mediaType": OCI_MANIFEST, "digest": digest, "size": len(manifest),
                        "platform": names})
    data = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).encode()
    return registry.push_manifest(path, tag, OCI_INDEX, data)


def busybox_layer(compression="gzip"):
    busybox = "/bin/busybox"
    applets = subprocess.run([busybox, "--list"], check=True, stdout=subprocess.PIPE,
                             text=True).stdout.split()
    layer = Layer(compression)
    for name, mode in (("./", 0o755), ("bin", 0o755), ("etc", 0o755), ("root", 0o700),
                       ("tmp", 0o1777), ("proc", 0o755), ("sys", 0o755), ("dev", 0o755)):
        layer.directory(name, mode)
    with open(busybox, "rb") as file:
        layer.add("bin/busybox", file.read(), mode=0o755)
    for applet in applets:
        if applet != "busybox":
            layer.symlink(f"bin/{applet}", "busybox")
    layer.add("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\nguest:x:1000:1000::/tmp:/bin/sh\n")
    layer.add("etc/group", b"root:x:0:\nguest:x:1000:\nextra:x:2000:guest\n")
    return layer


def busybox_image(compression="gzip", **config):
    defaults = {"Cmd": ["/bin/sh"], "Env": ["PATH=/bin"]}
    return Image([busybox_layer(compression)], {**defaults, **config})


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "seed":
        print(push(busybox_image(), sys.argv[2]))
        return 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main())
