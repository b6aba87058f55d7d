# SPDX-License-Identifier: LGPL-2.1-or-later
"""A registry on loopback that serves images with faults of the test's choice."""

import http.server
import json
import re
import threading

import oci


class FaultyRegistry:
    """images: {"path:tag": Image}. Faults are set on the attributes below."""

    def __init__(self):
        self.images = {}
        self.manifests = {}   # (path, tag or digest) → (media type, bytes): overrides
        self.blobs = {}       # digest → bytes that are served instead of the right ones
        self.cut_once = {}    # digest → bytes after which the first answer breaks off
        self.cut_always = {}  # the same for every answer
        self.status = {}      # path → (status, message)
        self.header_digest = {}  # (path, tag) → Docker-Content-Digest
        self.token = None     # a bearer token that is wanted
        self.stall = {}       # digest → an Event to wait for in the middle of the body
        self.requests = []    # (method, path, Range)
        self.no_head = False
        registry = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                registry.answer(self, True)

            def do_HEAD(self):
                registry.answer(self, False)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        # A client that breaks off, or speaks no TLS, is what a test is about.
        self.server.handle_error = lambda *_: None
        self.host = f"127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def add(self, name, image):
        """Serves image as name ("path:tag"); answers the reference and the manifest's digest."""
        path, _, tag = name.rpartition(":")
        data = image.finish()
        digest = oci.digest_of(data)
        self.images[path] = image
        for key in (tag, digest):
            self.manifests[(path, key)] = (image.manifest.get("mediaType", oci.OCI_MANIFEST), data)
        return f"{self.host}/{name}", digest

    def send(self, handler, status, data, headers, with_body):
        handler.send_response(status)
        for key, value in headers.items():
            handler.send_header(key, value)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        if with_body:
            handler.wfile.write(data)

    def fail(self, handler, status, message, with_body, headers=None):
        data = json.dumps({"errors": [{"code": "X", "message": message}]}).encode()
        self.send(handler, status, data, {"Content-Type": "application/json", **(headers or {})},
                  with_body)

    def answer(self, handler, with_body):
        url = handler.path.split("?")[0]
        self.requests.append((handler.command, url, handler.headers.get("Range")))
        if url == "/token":
            return self.send(handler, 200, json.dumps({"token": self.token}).encode(), {}, True)
        if url == "/v2/":
            return self.send(handler, 200, b"{}", {}, with_body)
        if self.token and handler.headers.get("Authorization") != f"Bearer {self.token}":
            challenge = (f'Bearer realm="http://{self.host}/token",service="s",'
                         'scope="repository:x:pull"')
            return self.fail(handler, 401, "no token", with_body, {"WWW-Authenticate": challenge})
        match = re.fullmatch(r"/v2/(.+)/(manifests|blobs)/([^/]+)", url)
        if not match:
            return self.fail(handler, 404, "no such place", with_body)
        path, kind, name = match.groups()
        if path in self.status:
            status, message = self.status[path]
            return self.fail(handler, status, message, with_body)
        if kind == "manifests":
            return self.answer_manifest(handler, path, name, with_body)
        return self.answer_blob(handler, path, name, with_body)

    def answer_manifest(self, handler, path, name, with_body):
        if self.no_head and not with_body:
            return self.fail(handler, 405, "no HEAD here", with_body)
        if (path, name) not in self.manifests:
            return self.fail(handler, 404, "manifest unknown", with_body)
        media_type, data = self.manifests[(path, name)]
        digest = self.header_digest.get((path, name), oci.digest_of(data))
        return self.send(handler, 200, data,
                         {"Content-Type": media_type, "Docker-Content-Digest": digest}, with_body)

    def answer_blob(self, handler, path, digest, with_body):
        image = self.images.get(path)
        data = self.blobs.get(digest, image.blobs.get(digest) if image else None)
        if data is None:
            return self.fail(handler, 404, "blob unknown", with_body)
        status, begin = 200, 0
        asked = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range") or "")
        if asked:
            status, begin = 206, int(asked.group(1))
        cut = self.cut_once.pop(digest, None) if with_body else None
        cut = self.cut_always.get(digest, cut)
        body = data[begin:]
        if not with_body or (cut is None and digest not in self.stall):
            return self.send(handler, status, body, {}, with_body)
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if cut is not None:
            handler.wfile.write(body[:max(cut - begin, 0)])
        else:
            handler.wfile.write(body[:len(body) // 2])
            handler.wfile.flush()
            self.stall[digest].wait(60)
            handler.wfile.write(body[len(body) // 2:])
        handler.close_connection = True
        return None
