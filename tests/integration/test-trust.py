# SPDX-License-Identifier: LGPL-2.1-or-later
# Trust: policies by registry and path, and signatures in cosign's format, which are found by tag or as referrers.

import base64
import json
import os
import random
import subprocess
import sys

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci
from faulty_registry import FaultyRegistry
from tracing import traced

REGISTRY = FaultyRegistry()
KEYS = "/etc/berth/keys"
PAYLOAD = "application/vnd.dev.cosign.simplesigning.v1+json"


def make_key(name, kind):
    os.makedirs(KEYS, exist_ok=True)
    options = {"ec": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
               "ed": ["-algorithm", "ED25519"]}[kind]
    equal(run("openssl", "genpkey", *options, "-out", f"{KEYS}/{name}.key").status, 0)
    equal(run("openssl", "pkey", "-in", f"{KEYS}/{name}.key", "-pubout", "-out", f"{KEYS}/{name}.pub").status, 0)


def sign(name, kind, payload):
    with open("/tmp/payload", "wb") as file:
        file.write(payload)
    command = ["openssl", "dgst", "-sha256", "-sign", f"{KEYS}/{name}.key", "/tmp/payload"] if kind == "ec" else \
        ["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", f"{KEYS}/{name}.key", "-in", "/tmp/payload"]
    return base64.b64encode(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout).decode()


def payload_for(repository, digest):
    return json.dumps({"critical": {"identity": {"docker-reference": repository},
                                    "image": {"docker-manifest-digest": digest},
                                    "type": "cosign container image signature"}, "optional": None}).encode()


def signature_image(signatures):
    """Returns an image with signatures, which are pairs of a payload and a signature in base64."""
    image = oci.Image([])
    for payload, signature in signatures:
        layer = image.add_blob(PAYLOAD, payload)
        image.manifest["layers"].append({**layer, "annotations": {"dev.cosignproject.cosign/signature": signature}})
    return image


def attach(path, digest, *signatures):
    image = signature_image(signatures)
    name = f"{path}:{digest.replace(':', '-')}.sig"
    data = image.finish()
    REGISTRY.images[path].blobs.update(image.blobs)
    for key in (name.split(":")[1], oci.digest_of(data)):
        REGISTRY.manifests[(path, key)] = (oci.OCI_MANIFEST, data)
    return oci.digest_of(data), len(data)


def add(path, seed):
    layer = oci.Layer("gzip").add("f", random.Random(seed).randbytes(1000))
    reference, digest = REGISTRY.add(f"{path}:x", oci.Image([layer]))
    return reference, digest, f"{REGISTRY.host}/{path}"


def refused(reference, *words):
    REGISTRY.requests.clear()
    result = dist("pull", reference)
    equal(result.status, 1, result)
    for word in words:
        contains(result.err, word)
    assert reference not in [row["name"] for row in listing("images")]
    equal(listing("content", "list"), [])


def test_setup():
    make_key("first", "ec")
    make_key("second", "ed")
    make_key("stranger", "ec")
    configure(f"[Policy]\nRequire=reject\n[Policy {REGISTRY.host}/open]\nRequire=accept\n"
              f"[Policy {REGISTRY.host}/signed]\nRequire=signed\nKey={KEYS}/first.pub;{KEYS}/second.pub\n"
              f"[Policy {REGISTRY.host}/nokey]\nRequire=signed\n")


def test_rejected_images_are_not_fetched():
    reference, *_ = add("other/app", 1)
    refused(reference, "policy", "rejects")
    assert not [path for _, path, _ in REGISTRY.requests if "blobs" in path]


def test_an_image_without_a_signature():
    reference, *_ = add("signed/none", 2)
    refused(reference, "not signed", "there is no signature")
    reference, *_ = add("nokey/none", 2)
    refused(reference, "no key")


def test_signatures_that_do_not_count():
    reference, digest, repository = add("signed/bad", 3)
    right = payload_for(repository, digest)
    attach("signed/bad", digest, (right, sign("stranger", "ec", right)))
    refused(reference, "none of the keys")
    attach("signed/bad", digest, (right, sign("first", "ec", right + b" ")))
    refused(reference, "none of the keys")
    other = payload_for(repository, "sha256:" + "0" * 64)
    attach("signed/bad", digest, (other, sign("first", "ec", other)))
    refused(reference, "the signature is for sha256:000")
    elsewhere = payload_for(f"{repository}-else", digest)
    attach("signed/bad", digest, (elsewhere, sign("first", "ec", elsewhere)))
    refused(reference, "the signature is for an image of")
    attach("signed/bad", digest, (b"{", sign("first", "ec", b"{")), (right, "!!!"))
    refused(reference, "not signed")


def test_signatures_that_are_too_large_are_skipped():
    reference, digest, repository = add("signed/large", 11)
    large, right = payload_for(repository, digest) + b" " * (64 * 1024), payload_for(repository, digest)
    attach("signed/large", digest, (large, sign("first", "ec", large)))
    refused(reference, "a signature of 65")
    attach("signed/large", digest, (right, sign("first", "ec", right)), (large, sign("first", "ec", large)))
    good("pull", reference)
    good("rmi", reference)
    good("prune")


def test_accepted_without_a_signature():
    reference, *_ = add("open/app", 4)
    good("pull", reference)
    good("rmi", reference)
    good("prune")


def test_signed_by_either_key():
    for number, (name, kind) in enumerate((("first", "ec"), ("second", "ed"))):
        reference, digest, repository = add(f"signed/app{number}", 5 + number)
        wrong, right = payload_for(repository, "sha256:" + "1" * 64), payload_for(repository, digest)
        attach(f"signed/app{number}", digest, (wrong, sign(name, kind, wrong)), (right, sign(name, kind, right)))
        good("pull", reference)
        equal(good("verify", reference).strip(), f"{KEYS}/{name}.pub")


def test_signed_by_a_referrer():
    reference, digest, repository = add("signed/referred", 8)
    payload = payload_for(repository, digest)
    attached, size = attach("signed/referred", digest, (payload, sign("first", "ec", payload)))
    del REGISTRY.manifests[("signed/referred", f"{digest.replace(':', '-')}.sig")]
    answer = REGISTRY.answer

    def with_referrers(handler, with_body):
        if handler.path == f"/v2/signed/referred/referrers/{digest}":
            index = {"schemaVersion": 2, "mediaType": oci.OCI_INDEX, "manifests": [
                {"mediaType": oci.OCI_MANIFEST, "digest": attached, "size": size,
                 "artifactType": "application/vnd.dev.cosign.artifact.sig.v1+json"}]}
            return REGISTRY.send(handler, 200, json.dumps(index).encode(), {"Content-Type": oci.OCI_INDEX}, True)
        return answer(handler, with_body)

    REGISTRY.answer = with_referrers
    good("pull", reference)
    equal(good("verify", reference).strip(), f"{KEYS}/first.pub")
    REGISTRY.answer = answer


def verifiers_of(*command):
    """Returns the executions of berth-signature, the worker that verifies signatures, during a command."""
    log = "/tmp/programs.trace"
    with traced(service_pid(), log, "-e", "trace=execve,execveat"):
        result = dist(*command)
    with open(log, encoding="utf-8") as file:
        return result, [line for line in file if "berth-signature" in line]


def test_the_verifying_worker_starts_only_for_a_signature():
    good("images", "-q")
    reference, digest, repository = add("signed/few", 9)
    result, started = verifiers_of("pull", reference)
    contains(result.err, "there is no signature")
    equal(started, [])
    wrong, right = payload_for(repository, "sha256:" + "1" * 64), payload_for(repository, digest)
    attach("signed/few", digest, (right, sign("first", "ec", right)), (wrong, sign("first", "ec", wrong)))
    result, started = verifiers_of("pull", reference)
    equal((result.status, len(started)), (0, 1), result)


def test_without_the_verifying_worker_nothing_is_signed():
    reference, digest, repository = add("signed/alone", 10)
    payload = payload_for(repository, digest)
    attach("signed/alone", digest, (payload, sign("first", "ec", payload)))
    worker = "/usr/libexec/berth/berth-signature"
    os.rename(worker, f"{worker}.away")
    try:
        result = dist("pull", reference)
    finally:
        os.rename(f"{worker}.away", worker)
    equal(result.status, 1, result)
    contains(result.err, "berth-signature")
    good("pull", reference)


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
