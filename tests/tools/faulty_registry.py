# SPDX-License-Identifier: LGPL-2.1-or-later
"""A registry on this machine that serves images, with faults that the test chooses."""

import base64
import http.server
import json
import re
import socket
import threading
import urllib.parse

import oci


class FaultyRegistry:
    """Serves the images that add() has added. The attributes select faults, for all following requests."""

    def __init__(self, address="127.0.0.1"):
        self.images = {}
        self.manifests = {}   # (path, tag or digest) → (media type, bytes)
        self.blobs = {}       # digest → bytes that are served instead of the blob
        self.cut_once = {}    # digest → number of bytes after which the first reply is cut off
        self.cut_always = {}  # the same for every reply
        self.cut_each = {}    # digest → number of bytes that each reply has at most
        self.status = {}      # path → (status, message)
        self.header_digest = {}  # (path, tag) → Docker-Content-Digest
        self.token = None     # the bearer token that requests must have
        self.stall = {}       # digest → threading.Event for which the reply waits in the middle of the body
        self.requests = []    # (method, path, Range)
        self.no_head = False
        self.basic = None     # the "user:password" that requests must have
        self.users = None     # {"user": "password"}: users that the token server accepts; None: anybody
        self.refresh = None   # the identity token that the token server accepts, with POST only
        self.retry = []       # (status, Retry-After) of the next replies
        self.warnings = []    # texts of Warning headers
        self.redirect = {}    # digest → URL to which a GET request for the blob is redirected
        self.authorizations = []  # the Authorization header of each request, or None
        self.ignore_range = False
        self.token_lifetime = None
        self.hook = None      # called first with (handler, url, with_body); returns whether it has replied
        registry = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                registry.answer(self, True)

            def do_HEAD(self):
                registry.answer(self, False)

            def do_POST(self):
                if not (registry.hook and registry.hook(self, self.path, True)):
                    registry.answer_oauth(self)

            def do_PATCH(self):
                registry.hook(self, self.path, True)

            do_PUT = do_PATCH

        class Server(http.server.ThreadingHTTPServer):
            address_family = socket.AF_INET6 if ":" in address else socket.AF_INET

        self.server = Server((address, 0), Handler)
        self.server.daemon_threads = True
        # Connections that fail are part of the tests, and are not reported.
        self.server.handle_error = lambda *_: None
        name = f"[{address}]" if ":" in address else address
        self.host = f"{name}:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def add(self, name, image):
        """Serves an image as "path:tag"; returns its reference and its manifest's digest."""
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
        for text in self.warnings:
            handler.send_header("Warning", f'299 - "{text}"')
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        if with_body:
            handler.wfile.write(data)

    def answer_oauth(self, handler):
        form = urllib.parse.parse_qs(handler.rfile.read(int(handler.headers["Content-Length"])).decode())
        self.requests.append(("POST", handler.path, form))
        if form.get("grant_type") == ["refresh_token"] and form.get("refresh_token") == [self.refresh]:
            return self.send(handler, 200, json.dumps({"access_token": self.token}).encode(), {}, True)
        return self.fail(handler, 401, "no such identity", True)

    def answer_token(self, handler):
        """Replies to a GET request for a token, which needs a password only if there are users."""
        if self.refresh:
            return self.fail(handler, 405, "POST only", True)
        given = handler.headers.get("Authorization", "")
        pairs = [base64.b64encode(f"{user}:{password}".encode()).decode()
                 for user, password in (self.users or {}).items()]
        if self.users is not None and given not in [f"Basic {pair}" for pair in pairs]:
            return self.fail(handler, 401, "who are you?", True)
        answer = {"token": self.token}
        if self.token_lifetime:
            answer["expires_in"] = self.token_lifetime
        return self.send(handler, 200, json.dumps(answer).encode(), {}, True)

    def fail(self, handler, status, message, with_body, headers=None):
        data = json.dumps({"errors": [{"code": "X", "message": message}]}).encode()
        self.send(handler, status, data, {"Content-Type": "application/json", **(headers or {})},
                  with_body)

    def answer(self, handler, with_body):
        url = handler.path.split("?")[0]
        self.requests.append((handler.command, url, handler.headers.get("Range")))
        self.authorizations.append(handler.headers.get("Authorization"))
        if self.hook and self.hook(handler, url, with_body):
            return None
        if url == "/token":
            return self.answer_token(handler)
        if url != "/v2/" and self.retry:
            status, after = self.retry.pop(0)
            headers = {} if after is None else {"Retry-After": str(after)}
            return self.fail(handler, status, "later", with_body, headers)
        wanted = self.basic and "Basic " + base64.b64encode(self.basic.encode()).decode()
        if wanted and handler.headers.get("Authorization") != wanted:
            return self.fail(handler, 401, "no password", with_body,
                             {"WWW-Authenticate": 'Basic realm="here"'})
        if self.token and handler.headers.get("Authorization") != f"Bearer {self.token}":
            challenge = (f'Bearer realm="http://{self.host}/token",service="s",'
                         'scope="repository:x:pull"')
            if url == "/v2/":
                challenge = challenge.rpartition(",")[0]
            return self.fail(handler, 401, "no token", with_body, {"WWW-Authenticate": challenge})
        if url == "/v2/":
            return self.send(handler, 200, b"{}", {}, with_body)
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
        if with_body and digest in self.redirect:
            return self.send(handler, 307, b"", {"Location": self.redirect[digest]}, True)
        image = self.images.get(path)
        data = self.blobs.get(digest, image.blobs.get(digest) if image else None)
        if data is None:
            return self.fail(handler, 404, "blob unknown", with_body)
        status, begin = 200, 0
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", handler.headers.get("Range") or "")
        end = len(data)
        if asked and not self.ignore_range:
            status, begin = 206, int(asked.group(1))
            end = int(asked.group(2)) + 1 if asked.group(2) else end
        cut = self.cut_once.pop(digest, None) if with_body else None
        cut = self.cut_always.get(digest, cut)
        if digest in self.cut_each:
            cut = begin + self.cut_each[digest]
        body = data[begin:end]
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
