# SPDX-License-Identifier: LGPL-2.1-or-later
# Images are pushed to docker-registry, with and without a password, and read back by skopeo. The registry receives the
# stored image. Only missing blobs are sent, blobs of other repositories are mounted, and interrupted uploads are
# resumed.

import crypt
import hashlib
import json
import os
import random
import re
import subprocess
import sys
import threading
import time

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci
from faulty_registry import FaultyRegistry

IMAGE = f"{HOST}/push/source:x"
INDEX = f"{HOST}/push/index:x"
LOCKED = "127.0.0.1:5001"
AUTH = {"REGISTRY_AUTH_FILE": "/run/push-auth.json"}


class Receiver(FaultyRegistry):
    """A registry that keeps uploads in memory, and can interrupt them."""

    def __init__(self):
        super().__init__()
        self.stored, self.puts, self.uploads = {}, {}, {}
        self.break_after = []   # for each of the next uploads: number of bytes after which the connection is cut
        self.mounts = []
        self.handler = self.server.RequestHandlerClass
        receiver = self
        for method in ("POST", "PUT", "PATCH"):
            setattr(self.handler, f"do_{method}", lambda handler: receiver.take(handler))

    def read(self, handler, key):
        left = int(handler.headers.get("Content-Length") or 0)
        cut = self.break_after.pop(0) if left and self.break_after else None
        while left > 0:
            data = handler.rfile.read(min(left, 65536))
            left -= len(data)
            self.uploads[key] += data
            if cut is not None and len(self.uploads[key]) >= cut:
                handler.close_connection = True
                return False
        return True

    def reply(self, handler, status, key=None, **headers):
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        if key:
            handler.send_header("Location", f"/v2/upload/{key}?state=a%2Bb")
            if self.uploads[key]:
                handler.send_header("Range", f"0-{len(self.uploads[key]) - 1}")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    def answer_blob(self, handler, path, digest, with_body):
        if digest not in self.stored:
            return self.fail(handler, 404, "blob unknown", with_body)
        return self.send(handler, 200, self.stored[digest], {}, with_body)

    def answer(self, handler, with_body):
        match = re.match(r"/v2/upload/(\w+)", handler.path)
        if match:
            self.requests.append((handler.command, handler.path, None))
            return self.reply(handler, 204, match.group(1))
        return super().answer(handler, with_body)

    def take(self, handler):
        self.requests.append((handler.command, handler.path, handler.headers.get("Content-Range")))
        manifest = re.match(r"/v2/(.+)/manifests/(.+)", handler.path)
        if manifest:
            data = handler.rfile.read(int(handler.headers["Content-Length"]))
            self.puts[manifest.groups()] = (handler.headers["Content-Type"], data)
            return self.reply(handler, 201, Docker_Content_Digest=oci.digest_of(data))
        if "/blobs/uploads/" in handler.path:
            mount = re.search(r"mount=([^&]+)&from=([^&]+)", handler.path)
            if mount and mount.group(1) in self.stored:
                self.mounts.append(mount.groups())
                return self.reply(handler, 201)
            key = f"u{len(self.uploads)}"
            self.uploads[key] = bytearray()
            return self.reply(handler, 202, key)
        key = re.match(r"/v2/upload/(\w+)", handler.path).group(1)
        assert "state=a%2Bb" in handler.path, handler.path
        if not self.read(handler, key):
            return None
        digest = re.search(r"digest=([^&]+)", handler.path)
        if not digest:
            return self.reply(handler, 202, key)
        found = "sha256:" + hashlib.sha256(self.uploads[key]).hexdigest()
        if found != digest.group(1).replace("%3A", ":"):
            return self.fail(handler, 400, "digest does not match", True)
        self.stored[found] = bytes(self.uploads[key])
        return self.reply(handler, 201)


def test_setup():
    oci.push(oci.busybox_image(), IMAGE)
    oci.push_index({"linux/amd64": oci.busybox_image("zstd"),
                    "linux/arm64/v8": oci.busybox_image("gzip", Cmd=["x"])}, INDEX)
    good("pull", IMAGE)
    good("fetch", "--all-platforms", INDEX)
    good("pull", INDEX)


def inspected(reference, *options):
    result = run("skopeo", "inspect", "--tls-verify=false", "--raw", *options, f"docker://{reference}")
    equal(result.status, 0, result)
    return oci.digest_of(result.out.encode())


def test_an_image_to_another_repository():
    result = dist("push", IMAGE, f"{HOST}/push/copy:y")
    equal(result.status, 0, result)
    equal(result.out.strip(), f"{HOST}/push/copy:y")
    equal(inspected(f"{HOST}/push/copy:y"), image_digest(IMAGE))
    # Berth knows that the same registry has the blobs in another repository, so they are mounted.
    contains(result.err, "mounted")
    again = dist("push", IMAGE, f"{HOST}/push/copy:y")
    equal(again.err.count("exists"), 2, again)


def test_a_late_wait_receives_the_last_progress():
    """A client that calls Wait after the transfer has ended receives Progress, too, before the reply."""
    from gi.repository import Gio, GLib  # pylint: disable=import-outside-toplevel
    bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)

    def call(path, interface, member, signature, *arguments):
        return bus.call_sync("org.berth1", path, interface, member, GLib.Variant(signature, arguments), None, 0, 60000, None).unpack()

    [path] = call("/org/berth1/images", "org.berth1.Images", "Push", "(ssa{sv})", IMAGE, f"{HOST}/push/late:x", {})
    wait_until(lambda: call(path, "org.freedesktop.DBus.Properties", "Get", "(ss)", "org.berth1.Transfer", "State") == ("done",), "its end")
    received = []
    bus.signal_subscribe("org.berth1", "org.berth1.Transfer", "Progress", path, None, 0, lambda *signal: received.append(signal[5].unpack()))
    call(path, "org.berth1.Transfer", "Wait", "(a{sv})", {})
    # Signals that precede the reply are in the queue by now.
    while GLib.MainContext.default().iteration(False):
        pass
    equal([sorted(item[1] for item in items) for _, _, items in received], [["done", "mounted", "mounted"]])


def test_an_index_is_pushed_with_everything_that_it_refers_to():
    good("push", INDEX, f"{HOST}/push/index-copy:y")
    equal(inspected(f"{HOST}/push/index-copy:y"), image_digest(INDEX))
    result = run("skopeo", "copy", "-q", "--all", "--src-tls-verify=false",
                 f"docker://{HOST}/push/index-copy:y", "oci:/tmp/push-layout:x")
    equal(result.status, 0, result)
    good("push", "--platform=linux/arm64", INDEX, f"{HOST}/push/arm:y")
    assert inspected(f"{HOST}/push/arm:y") != image_digest(INDEX)


def test_an_incomplete_index_is_refused():
    name = f"{HOST}/push/partly:x"
    oci.push_index({"linux/amd64": oci.busybox_image(Cmd=["1"]),
                    "linux/s390x": oci.busybox_image(Cmd=["2"])}, name)
    good("pull", name)
    result = dist("push", name, f"{HOST}/push/no:x")
    equal(result.status, 1)
    contains(result.err, "--all-platforms")
    good("push", "--platform=linux/amd64", name, f"{HOST}/push/yes:x")


def test_to_a_registry_with_a_password():
    hashed = crypt.crypt("pw", crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16))
    with open("/run/htpasswd", "w", encoding="utf-8") as file:
        file.write(f"anna:{hashed}\n")
    with open("/run/locked.yml", "w", encoding="utf-8") as file:
        file.write("version: 0.1\nlog: {level: warn}\nstorage: {filesystem: {rootdirectory: /tmp/locked}}\n"
                   f"http: {{addr: '{LOCKED}'}}\nauth: {{htpasswd: {{realm: here, path: /run/htpasswd}}}}\n")
    run("systemd-run", "--unit=locked", "--setenv=OTEL_TRACES_EXPORTER=none", "docker-registry",
        "serve", "/run/locked.yml")
    wait_until(lambda: "200" in run("curl", "-s", "-u", "anna:pw", "-o", "/dev/null", "-w",
                                    "%{http_code}", f"http://{LOCKED}/v2/").out
               or dist("login", "-u", "anna", "--password-stdin", LOCKED, input="pw\n",
                       env=AUTH).status == 0, "the registry")
    result = dist("push", IMAGE, f"{LOCKED}/app:x", env={"REGISTRY_AUTH_FILE": "/nowhere"})
    equal(result.status, 1, result)
    contains(result.err, "dist login")
    equal(dist("login", "-u", "anna", "--password-stdin", LOCKED, input="pw\n", env=AUTH).status, 0)
    result = dist("push", IMAGE, f"{LOCKED}/app:x", env=AUTH)
    equal(result.status, 0, result)
    result = dist("pull", f"{LOCKED}/app:x", env=AUTH)
    equal(result.status, 0, result)
    equal(inspected(f"{LOCKED}/app:x", "--authfile", AUTH["REGISTRY_AUTH_FILE"]), image_digest(IMAGE))


def test_an_interrupted_upload_is_resumed():
    registry = Receiver()
    layer = oci.Layer("none").add("file", random.Random(7).randbytes(3000000))
    source = f"{HOST}/push/big:x"
    image = oci.Image([layer])
    oci.push(image, source)
    good("pull", source)
    registry.stored = {digest: data for digest, data in image.blobs.items() if len(data) < 1000}
    registry.break_after = [1000000, 500000]
    good("push", source, f"{registry.host}/big:x")
    blob = image.manifest["layers"][0]["digest"]
    equal(registry.stored[blob], image.blobs[blob])
    ranges = [content for method, _, content in registry.requests if method == "PATCH" and content]
    assert ranges and ranges[0].split("-")[0] != "0", registry.requests


def test_large_blobs_go_in_parts():
    registry = Receiver()
    size = 150 * 1024 * 1024
    subprocess.run(f"head -c {size} /dev/urandom >/tmp/large", shell=True, check=True)
    with open("/tmp/large", "rb") as file:
        digest = run("sh", "-c", "sha256sum </tmp/large").out.split()[0]
        subprocess.run(["dist", "content", "ingest", "large"], stdin=file, check=True,
                       stdout=subprocess.DEVNULL)
    os.unlink("/tmp/large")
    good("push-object", f"{registry.host}/parts:x", f"sha256:{digest}")
    equal(len(registry.stored[f"sha256:{digest}"]), size)
    equal(len([1 for method, *_ in registry.requests if method == "PATCH"]), 3)
    good("content", "rm", f"sha256:{digest}")


class Peaks(threading.Thread):
    """A thread that records the peak memory of each worker program, in KiB, by the program's name."""

    def __init__(self):
        super().__init__(daemon=True)
        self.found, self.done = {}, threading.Event()

    def look(self, pid):
        try:
            with open(f"/proc/{pid}/status", encoding="utf-8") as file:
                fields = dict(line.split(":", 1) for line in file)
        except (FileNotFoundError, ProcessLookupError):
            return
        name = fields["Name"].strip()
        if name.startswith("berth-") and "VmHWM" in fields:
            self.found[name] = max(self.found.get(name, 0), int(fields["VmHWM"].split()[0]))

    def run(self):
        while not self.done.wait(0.01):
            for pid in filter(str.isdigit, os.listdir("/proc")):
                self.look(pid)

    def __enter__(self):
        self.start()
        return self.found

    def __exit__(self, *_):
        self.done.set()
        self.join()


def test_the_memory_of_workers_does_not_depend_on_the_size():
    size = 96 * 1024 * 1024
    name = f"{HOST}/push/whole:x"
    oci.push(oci.Image([oci.Layer().add("zeros", bytes(size)),
                        oci.Layer().add("big", os.urandom(size))]), name)
    with Peaks() as peaks:
        good("pull", name)
        good("export", name, "-o", "/tmp/big.tar")
        good("rmi", name)
        good("prune")
        good("import", "/tmp/big.tar")
        good("push", name, f"{Receiver().host}/big:x")
        good("content", "verify")
    os.unlink("/tmp/big.tar")
    good("rmi", name)
    good("prune")
    for worker in ("berth-fetch", "berth-unpack", "berth-archive"):
        assert worker in peaks, (worker, peaks)
    assert max(peaks.values()) < 64 * 1024, peaks


def test_errors_of_the_registry_are_reported():
    registry = Receiver()
    registry.status["denied"] = (403, "read only")
    result = dist("push", IMAGE, f"{registry.host}/denied:x")
    equal(result.status, 1)
    contains(result.err, "403")
    for name, word in (("nothing", "no image"), (IMAGE, "invalid reference")):
        result = dist("push", name, f"{registry.host}/%:x")
        equal(result.status, 1)
        contains(result.err, word)
    result = dist("push", IMAGE, f"{registry.host}/a@sha256:{'0' * 64}")
    equal(result.status, 1)
    contains(result.err, "has the digest")


def test_kill_at_random_moments_of_pushes_and_commits():
    generator = random.Random(os.getpid())
    good("create", "--id=pusher", IMAGE, "true")
    for number in range(6):
        for command in (("push", f"{HOST}/push/big:x", f"{HOST}/push/kill{number}:x"),
                        ("commit", "--no-unpack", "pusher", f"local.test/kill{number}:x")):
            process = subprocess.Popen(["dist", *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(generator.random() * 0.1)
            kill_service()
            process.wait()
            good(*command)
        equal(inspected(f"{HOST}/push/kill{number}:x"), image_digest(f"{HOST}/push/big:x"))
        good("run", "--rm", IMAGE, "true")
        good("unpack", f"local.test/kill{number}:x")
    equal(good("content", "verify"), "")
    equal(database_query("PRAGMA integrity_check"), "ok")


def test_a_user_needs_the_right_to_push():
    result = dist("push", IMAGE, f"{HOST}/push/alice:x", user="alice")
    equal(result.status, 1)
    contains(result.err, "Permission denied")


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
