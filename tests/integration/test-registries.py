# SPDX-License-Identifier: LGPL-2.1-or-later
# Peculiarities of real registries, most of which the specifications allow. Each has caused a bug report about another
# tool.

import base64
import gzip
import hashlib
import json
import re
import sys
import time
import urllib.parse

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci
from faulty_registry import FaultyRegistry

REGISTRY = FaultyRegistry()
counter = iter(range(1, 1000))


def new_image(size=1000):
    number = next(counter)
    layer = oci.Layer().directory("./").add(f"file{number}", bytes([number % 256]) * size)
    return oci.Image([layer], {"Cmd": ["true"]})


def send(handler, status, data=b"", headers=None, length=None, with_body=True):
    handler.send_response(status)
    for key, value in (headers or {}).items():
        handler.send_header(key, value)
    handler.send_header("Content-Length", str(len(data) if length is None else length))
    handler.end_headers()
    if with_body:
        handler.wfile.write(data)
    return True


def pulled(reference):
    equal(good("pull", reference).strip(), reference)


def challenge(header, token=None, times=1):
    """Makes the registry require a token, with this challenge; returns the list of token requests."""
    asked = []

    def hook(handler, url, with_body):
        if url == "/token":
            asked.append(urllib.parse.parse_qs(handler.path.partition("?")[2]))
            status, body = (token or (lambda n: (200, {"token": "tok"})))(len(asked))
            return send(handler, status, json.dumps(body).encode(), {"Retry-After": "0"} if status > 299 else {})
        if handler.headers.get("Authorization") == "Bearer tok":
            return False
        realm = f"http://{REGISTRY.host}/token"
        return send(handler, 401, b"{}", {"WWW-Authenticate": header.replace("REALM", realm)}, with_body=with_body)

    REGISTRY.hook = hook
    return asked


def test_challenges_of_all_forms():
    for number, header in enumerate((
            'Bearer realm="REALM",service="reg"', 'Bearer realm="REALM"', 'bearer Realm=REALM, service=reg',
            'Bearer   realm = "REALM" ,  service="a,b"',
            'Basic realm="x", Bearer realm="REALM",service="reg",scope="repository:PATH:pull"',
            'Negotiate, NTLM, Bearer realm="REALM",scope="repository:PATH:pull", Basic realm="x"',
            'Negotiate YIIabc==, Digest realm="x", nonce="y==", qop="auth,auth-int", Bearer realm="REALM",service="a, \\"b\\"",scope=""',
            'Bearer realm="REALM",service="s"'.replace("REALM", f"HTTP://{REGISTRY.host}/token"))):
        reference, _ = REGISTRY.add(f"forms{number}:x", new_image())
        asked = challenge(header.replace("PATH", f"forms{number}"))
        pulled(reference)
        equal(asked[0]["scope"], [f"repository:forms{number}:pull"], header)
        equal("service" in asked[0], "service" in header)
    REGISTRY.hook = None


def test_scopes_that_do_not_concern_the_image():
    """public.ecr.aws sends the scope "aws" for every image; the token is then asked for the image as well."""
    for number, (scope, expected) in enumerate((("aws", ["aws", "repository:PATH:pull"]), ("repository:other:pull", None),
                                                ("registry:catalog:* repository:PATH:pull", ["registry:catalog:*", "repository:PATH:pull"]))):
        path = f"scopes{number}"
        reference, _ = REGISTRY.add(f"{path}:x", new_image())
        asked = challenge(f'Bearer realm="REALM?a=b#fragment",service="s",scope="{scope.replace("PATH", path)}"')
        pulled(reference)
        equal(asked[0]["scope"], [each.replace("PATH", path) for each in expected or [scope, "repository:PATH:pull"]])
        equal((asked[0]["a"], asked[0]["service"]), (["b"], ["s"]))
    REGISTRY.hook = None


def test_token_servers_of_all_forms():
    answers = [lambda n: (200, {"token": "", "access_token": "tok"}), lambda n: (201, {"token": "tok"}),
               lambda n: (503, {}) if n < 3 else (200, {"token": "tok"}),
               lambda n: (429, {}) if n < 2 else (200, {"access_token": "tok"})]
    for number, answer in enumerate(answers):
        reference, _ = REGISTRY.add(f"tokens{number}:x", new_image())
        challenge('Bearer realm="REALM",service="s",scope="repository:x:pull"', answer)
        pulled(reference)
    reference, _ = REGISTRY.add("never:x", new_image())
    asked = challenge('Bearer realm="REALM"', lambda n: (503, {}))
    contains(dist("pull", reference).err, "503")
    assert len(asked) < 10, "an overloaded token server is asked without end"
    REGISTRY.hook = None


def manifests(answer):
    """Makes answer(handler, media type, data, with_body) reply to requests for manifests."""
    def hook(handler, url, with_body):
        match = re.fullmatch(r"/v2/(.+)/manifests/([^/]+)", url)
        if not match:
            return False
        media_type, data = REGISTRY.manifests[match.groups()]
        return answer(handler, media_type, data, with_body)
    REGISTRY.hook = hook


def test_replies_to_head_that_differ_from_get():
    heads = [lambda h, t, d: send(h, 200, b"", {"Docker-Content-Digest": oci.digest_of(d)}, len(d), False),
             lambda h, t, d: send(h, 200, b"", {"Content-Type": "text/html", "Docker-Content-Digest": oci.digest_of(d)}, 7, False),
             lambda h, t, d: send(h, 200, b"", {"Content-Type": t, "Docker-Content-Digest": oci.digest_of(d)}, 0, False),
             lambda h, t, d: send(h, 200, b"", {"Content-Type": t}, len(d), False),
             lambda h, t, d: send(h, 404, b"", {}, 0, False),
             lambda h, t, d: send(h, 400, b"", {}, 0, False),
             lambda h, t, d: send(h, 401, b"", {}, 0, False)]
    for number, head in enumerate(heads):
        reference, digest = REGISTRY.add(f"heads{number}:x", new_image())
        manifests(lambda h, t, d, with_body, head=head: send(h, 200, d, {"Content-Type": t, "Docker-Content-Digest": oci.digest_of(d)})
                  if with_body else head(h, t, d))
        pulled(reference)
        contains(good("resolve", reference), digest)
        # Only a name that is known is resolved by HEAD.
        _, digest = REGISTRY.add(f"heads{number}:x", new_image())
        pulled(reference)
        contains(good("resolve", reference), digest)
    REGISTRY.hook = None


def test_a_new_name_takes_one_request_for_its_document():
    """The document of a new name comes with the reply to the first request. A known name is resolved by HEAD, and its
    document is requested only if it has changed."""
    content = new_image()
    reference, digest = REGISTRY.add("asked:x", content)

    def asked(verb, name=reference):
        REGISTRY.requests.clear()
        if verb == "pull":
            pulled(name)
        else:
            good(verb, name)
        return [(method, path.rpartition("/")[2]) for method, path, _ in REGISTRY.requests if "/manifests/" in path]
    equal(asked("pull"), [("GET", "x")])
    equal(asked("pull"), [("HEAD", "x")])
    changed = new_image()
    _, digest = REGISTRY.add("asked:x", changed)
    equal(asked("pull"), [("HEAD", "x"), ("GET", digest)])
    # By digest, of a stored document under a name of its own; and without a name.
    equal(asked("pull", f"{reference[:-2]}@{digest}"), [("HEAD", digest)])
    equal(asked("fetch"), [("HEAD", "x")])
    # What does not have its digest is not used.
    reference, digest = REGISTRY.add("asked:wrong", new_image())
    manifests(lambda h, t, d, with_body: send(h, 200, d[:-1] + b" }" if h.path.endswith("/wrong") else d,
                                              {"Content-Type": t, "Docker-Content-Digest": oci.digest_of(d)}, None, with_body))
    contains(dist("pull", reference).err, digest)
    equal(REGISTRY.requests[-1][1].rpartition("/")[2], digest)
    REGISTRY.hook = None


def test_a_document_larger_than_a_pipe_takes_another_request():
    content = new_image()
    content.manifest["annotations"] = {"large": "x" * 2_000_000}
    reference, digest = REGISTRY.add("large-document:x", content)
    REGISTRY.requests.clear()
    pulled(reference)
    equal([(method, path.rpartition("/")[2]) for method, path, _ in REGISTRY.requests if "/manifests/" in path],
          [("GET", "x"), ("GET", digest)])
    contains(good("content", "list"), digest)


def test_an_image_that_get_does_not_find_is_absent():
    REGISTRY.hook = lambda h, url, with_body: "/manifests/" in url and send(
        h, 404, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"no such tag"}]}', {}, None, with_body)
    for verb in ("pull", "resolve"):
        contains(dist(verb, f"{REGISTRY.host}/absent:x").err, "404")
    REGISTRY.hook = lambda h, url, with_body: "/manifests/" in url and send(h, 401, b"{}", {}, None, with_body)
    contains(dist("pull", f"{REGISTRY.host}/absent:x").err, "401")
    REGISTRY.hook = None


def test_layers_that_are_not_distributed_come_from_the_registry_only():
    """A manifest may have other addresses for a layer, chosen by the image's author. None is requested, as it could be
    one that only this machine reaches."""
    for media_type in ("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
                       "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"):
        content = new_image()
        layer = content.manifest["layers"][0]
        layer.update({"mediaType": media_type, "urls": [f"http://{REGISTRY.host}/elsewhere"]})
        reference, _ = REGISTRY.add("foreign:x", content)
        REGISTRY.hook = lambda h, url, with_body, digest=layer["digest"]: digest in url and send(h, 404, b"{}", {}, None, with_body)
        REGISTRY.requests.clear()
        error = dist("pull", reference).err
        for part in (layer["digest"], "non-distributable", "not fetched from elsewhere"):
            contains(error, part)
        equal([path for _, path, _ in REGISTRY.requests if "elsewhere" in path], [])
        REGISTRY.hook = None
        pulled(reference)
        good("rmi", reference)


def test_digest_headers_that_cannot_be_used():
    for number, header in enumerate((lambda d: oci.digest_of(d).upper(), lambda d: f'"{oci.digest_of(d)}"', lambda d: "md5:" + "0" * 32,
                                     lambda d: "nonsense", lambda d: "")):
        reference, digest = REGISTRY.add(f"headers{number}:x", new_image())
        manifests(lambda h, t, d, with_body, header=header: send(
            h, 200, d, {"Content-Type": t, "Docker-Content-Digest": header(d)}, None, with_body))
        contains(good("resolve", reference), digest)
        pulled(reference)
    # The digest that the registry computes itself may have another algorithm than the one that was asked for.
    for header, status in ((oci.digest_of, 0), (lambda d: "sha512:" + "0" * 128, 1)):
        reference, _ = REGISTRY.add(f"sha512-{status}:x", new_image())
        data = REGISTRY.manifests[(f"sha512-{status}", "x")][1]
        digest = "sha512:" + hashlib.sha512(data).hexdigest()
        REGISTRY.manifests[(f"sha512-{status}", digest)] = (oci.OCI_MANIFEST, data)
        manifests(lambda h, t, d, with_body, header=header: send(
            h, 200, d, {"Content-Type": t, "Docker-Content-Digest": header(d)}, None, with_body))
        equal(dist("pull", f"{reference[:-2]}@{digest}").status, status)
    REGISTRY.hook = None


def test_documents_that_are_compressed_on_the_way():
    """Nobody asked for it, but without Accept-Encoding a server may send any."""
    reference, _ = REGISTRY.add("packed:x", new_image())
    token = gzip.compress(json.dumps({"token": "tok"}).encode())

    def hook(handler, url, with_body):
        assert not handler.headers.get("Accept-Encoding")
        if url == "/token":
            return send(handler, 200, token, {"Content-Encoding": "gzip"})
        if handler.headers.get("Authorization") != "Bearer tok":
            return send(handler, 401, b"{}", {"WWW-Authenticate": f'Bearer realm="http://{REGISTRY.host}/token"'}, None, with_body)
        match = re.fullmatch(r"/v2/(.+)/manifests/([^/]+)", url)
        if not match:
            return False
        media_type, data = REGISTRY.manifests[match.groups()]
        return send(handler, 200, gzip.compress(data), {"Content-Type": media_type, "Content-Encoding": "gzip"}, None, with_body)

    REGISTRY.hook = hook
    pulled(reference)
    REGISTRY.hook = None


def test_a_wrong_size_is_no_obstacle_to_the_right_one():
    """What is left of a layer whose size was wrong is not taken for a part of the real one."""
    image, wrong = new_image(), new_image()
    image.finish()
    wrong.manifest.update(config=image.manifest["config"], layers=[dict(image.manifest["layers"][0])])
    wrong.blobs = image.blobs
    for number, more in enumerate((1, -1)):
        wrong.manifest["layers"][0]["size"] = image.manifest["layers"][0]["size"] + more
        reference, _ = REGISTRY.add(f"size{number}:x", wrong)
        equal(dist("pull", reference).status, 1)
    reference, _ = REGISTRY.add("size:x", image)
    pulled(reference)


def test_content_in_a_descriptor_that_is_not_what_it_describes():
    for number, data in enumerate(("", "e30=", None)):
        image = new_image()
        image.finish()
        config = image.manifest["config"]
        config["data"] = base64.b64encode(b"x" * config["size"]).decode() if data is None else data
        reference, _ = REGISTRY.add(f"embedded{number}:x", image)
        pulled(reference)


def test_get_decides_on_the_size_and_the_type():
    for number, wrong in enumerate(({"length": 1}, {"length": 300}, {"length": 10 ** 9}, {"length": 10 ** 12},
                                    {"type": oci.OCI_INDEX}, {"type": oci.OCI_INDEX, "length": 300})):
        def head(handler, media_type, data, wrong=wrong):
            return send(handler, 200, b"", {"Content-Type": wrong.get("type", media_type), "Docker-Content-Digest": oci.digest_of(data)},
                        wrong.get("length", len(data)), False)
        for size in (100, 101):
            reference, digest = REGISTRY.add(f"lengths{number}-{size}:x", new_image(size))
            data = REGISTRY.manifests[(f"lengths{number}-{size}", "x")][1]
            manifests(lambda h, t, d, with_body, head=head: send(h, 200, d, {"Content-Type": t, "Docker-Content-Digest": oci.digest_of(d)})
                      if with_body else head(h, t, d))
            if size == 101:
                # This fetches only the manifest, which is then in the store.
                equal(good("fetch-object", reference).encode(), data)
                good("fetch", reference)
            good("pull", reference)
            equal([(row["digest"], row["mediaType"]) for row in listing("images") if row["name"] == reference], [(digest, oci.OCI_MANIFEST)])
            contains(busctl("call", "org.berth1", "/org/berth1/images", "org.berth1.Images", "Get", "sa{sv}", reference, "0").out, f" {len(data)} ")
    REGISTRY.hook = None


def test_media_type_is_taken_from_the_document():
    for number, said in enumerate(("application/json", "application/octet-stream", "text/plain; charset=utf-8", None,
                                   oci.OCI_MANIFEST.upper())):
        for with_own in (True, False, None):
            image = new_image()
            image.manifest["mediaType"] = "" if with_own is None else oci.OCI_MANIFEST
            # JSON permits half a surrogate pair.
            image.manifest["annotations"] = {"half": "\ud83dxy"}
            if with_own is False:
                del image.manifest["mediaType"]
            reference, _ = REGISTRY.add(f"types{number}{with_own}:x".lower(), image)
            manifests(lambda h, t, d, with_body, said=said: send(
                h, 200, d, {"Docker-Content-Digest": oci.digest_of(d), **({"Content-Type": said} if said else {})}, None, with_body))
            pulled(reference)
    REGISTRY.hook = None


def test_media_types_in_upper_case():
    image = new_image()
    image.finish()
    for descriptor in [image.manifest["config"], *image.manifest["layers"]]:
        descriptor["mediaType"] = descriptor["mediaType"].upper()
    reference, _ = REGISTRY.add("upper:x", image)
    pulled(reference)
    equal(dist("create", "--id=upper", reference).status, 0)


def resumed(name, answer):
    """Pulls an image whose layer is cut off in the first reply; answer() replies to the request for the rest."""
    image = new_image(3000000)
    layer = image.manifest["layers"][0]["digest"]
    reference, _ = REGISTRY.add(name, image)
    REGISTRY.cut_once[layer] = 1000
    ranges = []

    def hook(handler, url, with_body):
        if not url.endswith(layer) or not handler.headers.get("Range"):
            return False
        ranges.append(handler.headers["Range"])
        return answer(handler, image.blobs[layer], int(ranges[-1].split("=")[1].rstrip("-")))
    REGISTRY.hook = hook
    pulled(reference)
    assert ranges, "nothing was resumed"
    REGISTRY.hook = None


def test_resuming_where_the_registry_has_no_ranges():
    resumed("range416:x", lambda h, data, begin: send(h, 416, b"", {"Content-Range": f"bytes */{len(data)}"}))
    # Some servers without support for ranges reply with these statuses.
    resumed("range400:x", lambda h, data, begin: send(h, 400, b"what range?"))
    resumed("range501:x", lambda h, data, begin: send(h, 501, b"what range?"))
    resumed("rangenone:x", lambda h, data, begin: send(h, 206, data[begin:]))
    resumed("rangeall:x", lambda h, data, begin: send(h, 206, data))
    resumed("rangeparts:x", lambda h, data, begin: send(
        h, 206, b"--b\r\nContent-Range: bytes %d-%d/%d\r\n\r\n" % (begin, len(data) - 1, len(data)) + data[begin:] + b"\r\n--b--\r\n",
        {"Content-Type": "multipart/byteranges; boundary=b"}))
    resumed("range200:x", lambda h, data, begin: send(h, 200, data))
    resumed("rangewhole:x", lambda h, data, begin: send(h, 206, data, {"Content-Range": f"bytes 0-{len(data) - 1}/{len(data)}"}))
    resumed("rangelate:x", lambda h, data, begin: send(
        h, 206, data[begin + 10:], {"Content-Range": f"bytes {begin + 10}-{len(data) - 1}/{len(data)}"}))
    resumed("rangeearly:x", lambda h, data, begin: send(
        h, 206, data[begin - 10:], {"Content-Range": f"bytes {begin - 10}-{len(data) - 1}/{len(data)}"}))


class Uploads:
    """A hook of the registry that accepts uploads. The arguments choose its replies."""

    def __init__(self, status=202, location="/v2/up/blobs/uploads/1", headers=None, failures=(), head=404, stored=oci.digest_of):
        self.status, self.location, self.headers = status, location, headers or {}
        self.failures, self.head, self.stored = list(failures), head, stored
        self.chunks, self.done, self.data = [], [], b""

    def __call__(self, handler, url, with_body):
        size = int(handler.headers.get("Content-Length") or 0)
        if handler.command == "POST":
            self.data = b""
            return send(handler, self.status, b"", {"Location": self.location, **self.headers})
        if handler.command == "PATCH":
            self.data += handler.rfile.read(size)
            self.chunks.append(size)
            return send(handler, 202, b"", {"Location": self.location, "Range": f"0-{len(self.data) - 1}"})
        if handler.command == "GET" and "/blobs/" in url:
            # The range of an upload without any bytes is "0-0", too, as in the registry of the distribution project.
            return send(handler, 204, b"", {"Range": f"0-{max(len(self.data) - 1, 0)}"})
        if handler.command == "PUT" and "/blobs/" in url and self.failures:
            handler.rfile.read(size)
            return send(handler, self.failures.pop())
        if handler.command == "PUT" and "/blobs/" in url:
            # The last request for a blob in chunks has no body.
            data = handler.rfile.read(size) or self.data
            asked = urllib.parse.parse_qs(url.partition("?")[2])["digest"]
            equal(asked, [oci.digest_of(data)])
            self.done += asked
            return send(handler, 201)
        if handler.command == "PUT":
            body = handler.rfile.read(size)
            return send(handler, 201, b"", {"Docker-Content-Digest": self.stored(body)})
        return send(handler, self.head, b"", with_body=False) if handler.command == "HEAD" else False


def test_pushing_in_the_registry_s_manner():
    # As the image is from another registry, its blobs cannot be mounted.
    source = f"{HOST}/manners/source:x"
    oci.push(new_image(), source)
    good("pull", source)
    uploads = [Uploads(status=201), Uploads(location="/v2/up/blobs/uploads/1?state=a#fragment"),
               Uploads(headers={"OCI-Chunk-Min-Length": "1000000000"}), Uploads(failures=(503, 404, 500)), Uploads(head=405),
               # The digest that the registry reports may have another algorithm, or none.
               Uploads(stored=lambda body: "sha512:" + hashlib.sha512(body).hexdigest()), Uploads(stored=lambda body: oci.digest_of(body)[7:])]
    for upload in uploads:
        REGISTRY.hook = upload
        good("push", source, f"{REGISTRY.host}/up:x")
        equal(len(upload.done), 2, "a layer and a configuration")
        equal(upload.chunks, [])
    REGISTRY.hook = Uploads(stored=lambda body: "sha256:" + "0" * 64)
    contains(dist("push", source, f"{REGISTRY.host}/up:x").err, "the registry stored sha256:0000")
    REGISTRY.hook = None


def test_an_upload_is_sent_again_when_the_registry_says():
    source = f"{HOST}/manners/limited:x"
    oci.push(new_image(), source)
    good("pull", source)
    uploads, first = Uploads(), []

    def hook(handler, url, with_body):
        if handler.command != "PUT" or "/blobs/" not in url:
            return uploads(handler, url, with_body)
        first.append(time.monotonic())
        if time.monotonic() < first[0] + wait:
            handler.rfile.read(int(handler.headers["Content-Length"]))
            return send(handler, 429, b"", {"Retry-After": str(wait)})
        return uploads(handler, url, with_body)

    REGISTRY.hook, wait = hook, 5
    good("push", source, f"{REGISTRY.host}/limited:x")
    assert len(first) <= 4, first
    # For longer than a minute, only the user can wait.
    first, wait = [], 3600
    contains(dist("push", source, f"{REGISTRY.host}/limited:y").err, "429")
    assert len(first) <= 2, first
    REGISTRY.hook = None


def test_chunks_that_are_stored_whatever_range_is_reported():
    source = f"{HOST}/manners/large:x"
    oci.push(oci.Image([oci.Layer("none").add("zeros", bytes(65 * 1024 * 1024))]), source)
    good("pull", "-q", source)
    whole = 64 * 1024 * 1024
    for report in (lambda size: f"0-{whole - 1}", lambda size: f"0-{size - 1}", lambda size: None, lambda size: "0-0"):
        upload, parts = Uploads(), []

        def hook(handler, url, with_body, upload=upload, parts=parts, report=report):
            size = int(handler.headers.get("Content-Length") or 0)
            if handler.command == "PATCH":
                parts.append(handler.rfile.read(size))
                said = report(size)
                return send(handler, 202, b"", {"Location": upload.location, **({"Range": said} if said else {})})
            if handler.command == "PUT" and size == 0:
                # The POST request of a concurrent upload may have cleared the data.
                upload.data = b"".join(parts)
            return upload(handler, url, with_body)
        REGISTRY.hook = hook
        good("push", source, f"{REGISTRY.host}/up:x")
        equal((len(parts), len(parts[0]), len(upload.done)), (2, whole, 2), "a layer in two parts and a configuration")
    REGISTRY.hook = None


def test_a_refused_mount_becomes_an_upload():
    realm = f"http://{REGISTRY.host}/mount-token"

    def by_token(status):
        def hook(handler, url, with_body):
            query = urllib.parse.parse_qs(handler.path.partition("?")[2])
            if url == "/mount-token":
                scopes = " ".join(query.get("scope", []))
                return send(handler, status, b"{}") if "repository:source:" in scopes else send(handler, 200, b'{"token": "both"}')
            if handler.headers.get("Authorization") != "Bearer both":
                handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
                return send(handler, 401, b"", {"WWW-Authenticate": f'Bearer realm="{realm}",service="s",scope="repository:up:pull,push"'}, 0, False)
            return None
        return hook

    def by_registry(status):
        return lambda handler, url, with_body: send(handler, status, b"{}") if "mount=" in handler.path else None
    for number, answer in enumerate([by_registry(status) for status in (400, 401, 403, 404, 405)] + [by_token(status) for status in (400, 403, 404)]):
        reference, _ = REGISTRY.add(f"source:{number}", new_image())
        REGISTRY.hook = None
        good("pull", reference)
        upload = Uploads()
        REGISTRY.hook = lambda handler, url, with_body, answer=answer, upload=upload: \
            answer(handler, url, with_body) or upload(handler, url, with_body)
        good("push", reference, f"{REGISTRY.host}/up:{number}")
        equal(len(upload.done), 2, "a layer and a configuration")
    REGISTRY.hook = None


def index_of(name, entries):
    data = json.dumps({"schemaVersion": 2, "mediaType": oci.OCI_INDEX, "manifests": entries}).encode()
    path, tag = name.split(":")
    for key in (tag, oci.digest_of(data)):
        REGISTRY.manifests[(path, key)] = (oci.OCI_INDEX, data)
    return f"{REGISTRY.host}/{name}"


def entry_of(path, image, **more):
    data = image.finish()
    REGISTRY.images.setdefault(path, image).blobs.update(image.blobs)
    REGISTRY.manifests[(path, oci.digest_of(data))] = (oci.OCI_MANIFEST, data)
    return {"mediaType": oci.OCI_MANIFEST, "digest": oci.digest_of(data), "size": len(data), **more}


def test_entries_of_an_index_that_cannot_be_read():
    right = entry_of("index", new_image(), platform={"os": "linux", "architecture": "amd64"})
    broken = [{"mediaType": oci.OCI_MANIFEST, "digest": "sha256:short", "size": 1}, {"digest": right["digest"]},
              {"mediaType": "application/vnd.example.new+json", "digest": "sha256:" + "0" * 64, "size": 3},
              {"mediaType": oci.OCI_MANIFEST, "digest": "blake3:" + "0" * 64, "size": 1, "platform": {"os": "linux", "architecture": "arm64"}},
              {**right, "platform": "text"}, {**right, "size": -1}, "text"]
    for number, entry in enumerate(broken):
        pulled(index_of(f"index:broken{number}", [entry, right]))
    contains(dist("pull", index_of("index:none", broken[:2])).err, "no manifest that can be read")


def test_entries_that_do_not_say_what_they_are():
    """With a platform, an entry is a manifest unless it says something else."""
    right = entry_of("typeless", new_image(), platform={"os": "linux", "architecture": "amd64"})
    for number, said in enumerate((None, "", "application/octet-stream", "application/json", f"{oci.OCI_MANIFEST}; charset=utf-8")):
        entry = {**right, "mediaType": said}
        pulled(index_of(f"typeless:{number}", [entry]))
        if said is None:
            del entry["mediaType"]
            pulled(index_of("typeless:missing", [entry]))
    contains(dist("pull", index_of("typeless:other", [{**right, "mediaType": oci.LAYER}])).err, "no image for")


def test_entries_without_a_platform():
    first, second = entry_of("any", new_image()), entry_of("any", new_image())
    other = entry_of("any", new_image(), platform={"os": "linux", "architecture": "s390x"})
    right = entry_of("any", new_image(), platform={"os": "linux", "architecture": "amd64"})
    for tag, entries, chosen in (("nameless", [first, second], first), ("others", [other, second, first], second),
                                 ("named", [first, right], right)):
        reference = index_of(f"any:{tag}", entries)
        pulled(reference)
        reply = images_call("Inspect", "sa{sv}", reference, "1", "Document", "s", "manifest")
        equal(json.loads(json.loads(reply.out[2:]))["config"]["digest"],
              json.loads(REGISTRY.manifests[("any", chosen["digest"])][1])["config"]["digest"], tag)


def test_a_list_of_layers_that_is_null():
    image = oci.Image([], {"Cmd": ["/none"]})
    image.manifest["layers"] = None
    reference, _ = REGISTRY.add("null:x", image)
    pulled(reference)


def test_a_catalog_is_searched_page_by_page():
    names = sorted(f"team/web-{n:04}" for n in range(2300)) + ["team/zebra"]
    asked = []

    def hook(handler, url, with_body):
        if url == "/v2/_catalog":
            query = {key: value[0] for key, value in urllib.parse.parse_qs(handler.path.partition("?")[2]).items()}
            asked.append(query.get("last"))
            page = [name for name in names if name > query.get("last", "")][:int(query["n"])]
            return send(handler, 200, json.dumps({"repositories": page}).encode())
        if url == "/v2/team/web/tags/list":
            return send(handler, 200, json.dumps({"name": "team/web", "tags": ["1", "1.2", "latest"]}).encode())
        return False

    REGISTRY.hook = hook
    try:
        equal(good("search", "-q", f"{REGISTRY.host}/zebra"), f"{REGISTRY.host}/team/zebra\n")
        equal(asked, [None, "team/web-0999", "team/web-1999"])
        equal(len(good("search", "-q", f"{REGISTRY.host}/web").split()), 25)
        equal(len(good("search", "-q", "--limit=1000", f"{REGISTRY.host}/web").split()), 1000)
        equal(good("search", "-q", f"{REGISTRY.host}/nothing"), "")
        equal(good("search", "--list-tags", "--format={{.Tag}}", f"{REGISTRY.host}/team/web").split(), ["1", "1.2", "latest"])
    finally:
        REGISTRY.hook = None
    oci.push(new_image(), f"{HOST}/search/real:x")
    equal(good("search", "-q", f"{HOST}/search/re").strip(), f"{HOST}/search/real")
    for limit in ("0", "1001", "-1"):
        contains(dist("search", f"--limit={limit}", f"{HOST}/x").err, "from 1 to 1000")


def test_a_catalog_in_smaller_pages_than_asked_for_is_followed_by_its_links():
    names = [f"linked/{number}" for number in range(7)]
    for link in ('</v2/_catalog?token={}>; rel="next"', '<http://HOST/v2/_catalog?token={}>;rel=next',
                 '</v2/_catalog?token=0>; rel="prev", </v2/_catalog?token={}>; Rel="Next", </v2/_catalog?token=9>; rel="last"'):
        def hook(handler, url, with_body, link=link):
            query = urllib.parse.parse_qs(handler.path.partition("?")[2])
            begin = int(query.get("token", ["0"])[0])
            more = {"Link": link.format(begin + 3).replace("HOST", REGISTRY.host)} if begin + 3 < len(names) else {}
            return url == "/v2/_catalog" and send(handler, 200, json.dumps({"repositories": names[begin:begin + 3]}).encode(), more)

        REGISTRY.hook = hook
        equal(len(good("search", "-q", f"{REGISTRY.host}/linked").split()), 7)
    REGISTRY.hook = None


def test_a_malformed_catalog_is_an_error():
    for status, body, part in ((404, b"{}", "404"), (200, b"[]", ""), (200, b'{"repositories":[1]}', "repositories")):
        REGISTRY.hook = lambda handler, url, with_body, status=status, body=body: url == "/v2/_catalog" and send(handler, status, body)
        result = dist("search", f"{REGISTRY.host}/x")
        equal(result.status, 1, body)
        contains(result.err, part)
    REGISTRY.hook = None


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
