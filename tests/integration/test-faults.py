# SPDX-License-Identifier: LGPL-2.1-or-later
# Faulty and hostile registries. Time, memory and disk use are bounded, the error is clear, no image name is set,
# nothing is left behind, and the service continues to run.

import base64
import contextlib
import hashlib
import json
import os
import signal
import subprocess
import random
import sys
import threading
import time

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci
from faulty_registry import FaultyRegistry

REGISTRY = FaultyRegistry()


def image(seed):
    return oci.Image([oci.Layer("gzip").add("f", random.Random(seed).randbytes(200000))])


def refused(reference, *words, seconds=120):
    begin = time.monotonic()
    result = dist("pull", reference)
    equal(result.status, 1, result)
    for word in words:
        contains(result.err, word)
    assert time.monotonic() - begin < seconds, "it took too long"
    equal(listing("images"), [])
    wait_until(lambda: not [n for n in os.listdir(f"{STATE}/snapshots") if n.startswith(".")],
               "half-made snapshots to be removed")
    return result


def raw(path, respond):
    """Makes respond(handler, with_body) reply to requests for path."""
    answer = REGISTRY.answer

    def instead(handler, with_body):
        if handler.path.split("?")[0].startswith(path):
            return respond(handler, with_body)
        return answer(handler, with_body)

    REGISTRY.answer = instead
    return answer


def with_fault(path, respond, reference, *words, **more):
    before = raw(path, respond)
    try:
        refused(reference, *words, **more)
    finally:
        REGISTRY.answer = before


LIMITS = "[Transfer]\nMaxLayerSize=4M\nMaxBlobSize=64M\n"


def test_setup():
    configure(LIMITS)
    good("images", "-q")


def test_a_body_that_stalls():
    content = image(1)
    reference, _ = REGISTRY.add("stall:x", content)
    layer = content.manifest["layers"][0]["digest"]
    event = REGISTRY.stall[layer] = threading.Event()
    # The other tests do without time-outs that a registry on a busy machine may exceed.
    configure(LIMITS + "StallTimeoutSec=2\nConnectTimeoutSec=2\n")
    refused(reference, layer)
    configure(LIMITS)
    event.set()
    del REGISTRY.stall[layer]


def test_headers_without_end():
    reference, _ = REGISTRY.add("headers:x", image(2))

    def respond(handler, with_body):
        handler.send_response(200)
        for number in range(20000):
            handler.send_header(f"X-{number}", "y" * 100)
        handler.end_headers()
        handler.close_connection = True

    with_fault("/v2/headers/manifests", respond, reference, REGISTRY.host)


def test_a_manifest_without_end():
    reference, _ = REGISTRY.add("endless:x", image(3))

    def respond(handler, with_body):
        handler.send_response(200)
        handler.send_header("Content-Type", oci.OCI_MANIFEST)
        handler.end_headers()
        handler.close_connection = True
        try:
            while with_body:
                handler.wfile.write(b" " * 65536)
        except OSError:
            pass

    with_fault("/v2/endless/manifests", respond, reference, "exceeds")


def test_a_blob_without_end():
    content = image(4)
    reference, _ = REGISTRY.add("flood:x", content)
    layer = content.manifest["layers"][0]["digest"]

    def respond(handler, with_body):
        handler.send_response(200)
        handler.end_headers()
        handler.close_connection = True
        try:
            while True:
                handler.wfile.write(b"x" * 65536)
        except OSError:
            pass

    with_fault(f"/v2/flood/blobs/{layer}", respond, reference, "larger", layer)
    assert layer not in str(listing("content", "active"))


def test_wrong_lengths():
    content = image(5)
    layer = content.manifest["layers"][0]
    layer["size"] += 10
    refused(REGISTRY.add("longer:x", content)[0], layer["digest"])
    content = image(6)
    layer = content.manifest["layers"][0]
    layer["size"] -= 10
    refused(REGISTRY.add("shorter:x", content)[0], layer["digest"])


def test_a_gzip_bomb():
    content = oci.Image([oci.Layer("gzip").add("zeros", bytes(64 * 1024 * 1024))])
    refused(REGISTRY.add("bomb:x", content)[0], "limit")


def test_a_blob_that_is_too_large_to_begin_with():
    content = image(7)
    content.manifest["layers"][0]["size"] = 1 << 40
    refused(REGISTRY.add("huge:x", content)[0], "MaxBlobSize=")


def test_an_index_that_claims_to_hold_itself():
    digest = "sha256:" + hashlib.sha256(b"itself").hexdigest()
    data = json.dumps({"schemaVersion": 2, "mediaType": oci.OCI_INDEX, "manifests": [
        {"mediaType": oci.OCI_INDEX, "digest": digest, "size": 100,
         "platform": {"os": "linux", "architecture": "amd64"}}]}).encode()
    for key in ("x", digest):
        REGISTRY.manifests[("self", key)] = (oci.OCI_INDEX, data)
        REGISTRY.header_digest[("self", key)] = digest
    refused(f"{REGISTRY.host}/self:x", digest)


def test_indexes_nested_too_deep():
    data, digest = image(8).finish(), None
    media_type = oci.OCI_MANIFEST
    for _ in range(30):
        digest = oci.digest_of(data)
        REGISTRY.manifests[("nested", digest)] = (media_type, data)
        data = json.dumps({"schemaVersion": 2, "mediaType": oci.OCI_INDEX, "manifests": [
            {"mediaType": media_type, "digest": digest, "size": len(data),
             "platform": {"os": "linux", "architecture": "amd64"}}]}).encode()
        media_type = oci.OCI_INDEX
    REGISTRY.manifests[("nested", "x")] = (media_type, data)
    REGISTRY.manifests[("nested", oci.digest_of(data))] = (media_type, data)
    refused(f"{REGISTRY.host}/nested:x", "indexes")


def test_schema_1_is_refused_by_name():
    data = b'{"schemaVersion":1,"name":"x","tag":"x","fsLayers":[]}'
    REGISTRY.manifests[("old", "x")] = ("application/vnd.docker.distribution.manifest.v1+prettyjws", data)
    REGISTRY.manifests[("old", oci.digest_of(data))] = REGISTRY.manifests[("old", "x")]
    refused(f"{REGISTRY.host}/old:x", "schema 1")


def test_digests_other_than_sha256_and_sha512_are_refused():
    content = image(9)
    data = list(content.blobs.values())[0]
    digest = "sha512:" + hashlib.sha512(data).hexdigest()
    content.blobs[digest] = data
    content.manifest["layers"][0]["digest"] = digest
    good("pull", REGISTRY.add("sha512:x", content)[0])
    good("content", "info", digest)
    equal(good("content", "verify"), "")
    good("rmi", f"{REGISTRY.host}/sha512:x")
    content.manifest["layers"][0]["digest"] = "md5:" + "0" * 32
    refused(REGISTRY.add("md5:x", content)[0], "algorithm")


def embed(content, descriptor, data):
    """Embeds the data in the descriptor, and removes it from the blobs."""
    descriptor["data"] = base64.b64encode(data).decode()
    content.blobs.pop(descriptor["digest"])


def test_content_embedded_in_the_manifest():
    content = image(40)
    content.finish()
    for descriptor in (content.manifest["config"], content.manifest["layers"][0]):
        embed(content, descriptor, content.blobs[descriptor["digest"]])
    reference, digest = REGISTRY.add("embedded:x", content)
    before = len(REGISTRY.requests)
    good("pull", reference)
    equal([path for _, path, _ in REGISTRY.requests[before:] if "/blobs/" in path], [])
    equal(good("content", "verify"), "")
    # A push to another registry does not change the image.
    good("push", reference, f"{HOST}/embedded:x")
    contains(good("resolve", f"{HOST}/embedded:x"), digest)
    good("rmi", reference)


def test_wrong_content_embedded_in_the_manifest():
    """Embedded data that is not the described content is never taken; the registry is asked, which has none here."""
    for number, data in enumerate((b"{ }", None, b"")):
        content = image(41 + number)
        content.finish()
        layer = content.manifest["layers"][0]
        right = content.blobs[layer["digest"]]
        embed(content, layer, bytes(len(right)) if data is None else data)
        refused(REGISTRY.add(f"misfit{number}:x", content)[0], layer["digest"], "the registry answered 404")


@contextlib.contextmanager
def configuration_after_layers(content):
    """Holds the image configuration back until all layers have been sent."""
    layers = {layer["digest"] for layer in content.manifest["layers"]}
    answer_blob, sent = REGISTRY.answer_blob, set()

    def answer(handler, path, digest, with_body):
        if digest == content.manifest["config"]["digest"]:
            wait_until(lambda: layers <= sent, "the layers to be requested")
        answer_blob(handler, path, digest, with_body)
        sent.add(digest)

    REGISTRY.answer_blob = answer
    try:
        yield
    finally:
        REGISTRY.answer_blob = answer_blob


def test_layers_arrive_before_the_configuration():
    """They are requested together with it, and unpacked when it says what they are."""
    plain = oci.Layer("gzip").directory("d").add("d/f", b"upper").add("large", random.Random(50).randbytes(3000000))
    content = oci.Image([oci.busybox_layer(), plain])
    reference, _ = REGISTRY.add("ahead:x", content)
    with configuration_after_layers(content):
        good("pull", reference)
    equal(good("run", "--rm", reference, "/bin/sh", "-c", "cat /d/f && wc -c </large"), "upper3000000\n")
    good("rmi", reference)


def test_a_configuration_that_does_not_fit_layers_that_have_arrived():
    content = image(51)
    content.finish()
    content.manifest["layers"].append(content.manifest["layers"][0])
    reference, _ = REGISTRY.add("unfit:x", content)
    with configuration_after_layers(content):
        refused(reference, "the manifest has 2 layers, but the image configuration 1 diff IDs")
    good("prune")
    equal(listing("content", "list"), [])


def test_an_image_of_more_layers_than_a_worker_has_jobs():
    layers = [oci.Layer("gzip").add(f"f{n}", str(n).encode()) for n in range(150)]
    reference, _ = REGISTRY.add("many:x", oci.Image(layers))
    good("fetch", reference)
    good("pull", reference)
    good("rmi", reference)


def templates():
    """Returns the PIDs of the template processes of berth-unpack and of their clones."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if file.read() == b"/usr/libexec/berth/berth-unpack\0template\0":
                    found.append(int(pid))
        except OSError:
            pass
    return found


def namespace(pid):
    """Returns the PID namespace of a process, or None if the process has exited."""
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")
    except OSError:
        return None


def template_in_use():
    """Returns the PID of the template of berth-unpack, or None if there is none or if it has no clone at the moment."""
    found = {pid: namespace(pid) for pid in templates()}
    # Clones of the template have the same command line, but another PID namespace.
    first = [pid for pid, at in found.items() if at == namespace("self")]
    return first[0] if len(first) == 1 and len(found) > 1 and None not in found.values() else None


def pull_beside(name, act):
    """
    Pulls an image, and calls a function with the PID of the template of berth-unpack meanwhile, in the middle of a
    request. The pull must succeed.

    The service does without a template that is not ready in time, as may happen on a busy machine, and some layers are
    not unpacked by it anyway. Then another image is pulled.
    """
    for attempt in range(10):
        layers = [oci.Layer("gzip").add(f"t{n}", f"{name}{attempt}-{n}".encode()).finish() for n in range(60)]
        reference, _ = REGISTRY.add(f"{name}{attempt}:x", oci.Image(layers))
        early = {oci.digest_of(layer[2]) for layer in layers[:40]}  # other workers are needed after it
        found = []
        lock = threading.Lock()

        def respond(handler, with_body):
            # pylint: disable=cell-var-from-loop
            with lock, contextlib.suppress(ProcessLookupError, FileNotFoundError):
                if with_body and handler.path.split("/")[-1] in early and not found and (pid := template_in_use()):
                    act(pid)
                    found.append(pid)
            return answer(handler, with_body)

        answer = raw(f"/v2/{name}{attempt}/blobs/", respond)
        good("pull", reference)
        REGISTRY.answer = answer
        wait_until(lambda: not templates(), "the template and its workers to end")
        good("rmi", reference)
        if found:
            return
    raise AssertionError("the service never used a template")


def test_a_pull_does_without_a_template_that_is_killed():
    pull_beside("killed", lambda pid: os.kill(pid, signal.SIGKILL))


def test_a_pull_does_without_a_template_that_does_not_answer():
    pull_beside("stopped", lambda pid: os.kill(pid, signal.SIGSTOP))


def zombies_of(service):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
                state, parent = file.read().rsplit(")", 1)[1].split()[:2]
        except OSError:
            continue
        if state == "Z" and int(parent) == service:
            found.append(pid)
    return found


def test_a_worker_whose_template_dies_before_it_replies_is_reaped():
    """A worker is reaped even if its template is killed immediately before it replies with the PID of that worker."""
    tracers = []

    def trace(pid):
        # pylint: disable=consider-using-with
        tracers.append(subprocess.Popen(["strace", "-qq", "-o", "/dev/null", "-p", str(pid), "-e", "trace=write",
                                         "-e", "inject=write:signal=KILL"]))
        wait_until(lambda: is_traced(pid), "strace to attach")

    # A client that follows events keeps the service from exiting when it is idle.
    # pylint: disable=consider-using-with
    follower = subprocess.Popen(["dist", "events"], stdout=subprocess.DEVNULL)
    try:
        pull_beside("reply", trace)
        tracers[-1].wait(120)
        service = service_pid()
        wait_until(lambda: not zombies_of(service), "the worker to be reaped")
        equal(service_pid(), service, "which did not exit meanwhile")
    finally:
        follower.kill()
        follower.wait()


def test_errors_of_servers():
    for status in (500, 502, 503, 429, 418):
        REGISTRY.add(f"status{status}:x", image(10))
        REGISTRY.status[f"status{status}"] = (status, "not today\nor\x1b[31m tomorrow")
        result = refused(f"{REGISTRY.host}/status{status}:x", str(status), "not today")
        assert "\x1b" not in result.err


def test_a_pull_is_repeated_as_often_as_requested():
    reference, _ = REGISTRY.add("away:x", image(10))
    left = [1000]

    def away(handler, url, with_body):
        del with_body
        if "/away/manifests/" not in url or left[0] <= 0:
            return False
        left[0] -= 1
        handler.send_response(500)
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        return True

    REGISTRY.hook = away
    contains(dist("pull", reference).err, "500")
    requests = 1000 - left[0]  # of one pull
    left[0] = 2 * requests
    equal(dist("pull", "--retry=1", "--retry-delay=10ms", reference).status, 1)
    left[0] = 2 * requests
    equal(good("pull", "--retry=2", "--retry-delay=10ms", reference), f"{reference}\n")
    good("rmi", reference)
    # The options apply to run, too, which then fails because the command does not exist.
    left[0] = 2 * requests
    result = dist("run", "--rm", "--retry=2", "--retry-delay=10ms", reference, "/none")
    equal((result.status, left[0]), (127, 0), result)
    good("rmi", reference)
    # A signal between two attempts is not lost.
    left[0] = 1000
    process = subprocess.Popen(["dist", "pull", "--retry=1000", "--retry-delay=1h", reference], stderr=subprocess.PIPE, encoding="utf-8")
    contains(process.stderr.readline(), "500")
    process.terminate()
    contains(process.communicate(timeout=120)[1], "interrupted")
    REGISTRY.hook = None
    # A request is not repeated after a definite answer.
    result = dist("pull", "--retry=1000", "--retry-delay=1h", f"{REGISTRY.host}/nothing:x")
    equal(result.status, 1, result)
    contains(dist("pull", "--retry=many", reference).err, '--retry takes a number up to 1000, not "many"')


def test_a_bandwidth_limit_is_kept():
    content = oci.Image([oci.Layer("gzip").add("f", random.Random(77).randbytes(4 * 1024 * 1024))])
    reference, _ = REGISTRY.add("slow:x", content)
    configure("[Transfer]\nBandwidth=1M\n")
    begin = time.monotonic()
    good("pull", reference)
    # The transfer takes four seconds; without the limit, it would take a tenth of a second.
    assert time.monotonic() - begin > 3.5, "the limit was not kept"
    configure("")
    good("rmi", reference)


def test_nothing_is_left_and_the_service_is_up():
    good("prune")
    equal(listing("content", "list"), [])
    wait_until(lambda: os.listdir(f"{STATE}/snapshots") == [], "the end of all snapshots")
    reference, _ = REGISTRY.add("fine:x", image(11))
    good("pull", reference)
    journal = run("journalctl", "-b", "--no-pager", "-u", "berthd").out
    assert "ended by signal" not in journal, journal


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
