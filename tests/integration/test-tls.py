# SPDX-License-Identifier: LGPL-2.1-or-later
# Registries over TLS. A registry is trusted if an authority of the system or of its certs.d directory has signed its
# certificate; otherwise the pull is refused with the reason. Client certificates are sent only to their registry.

import http.server
import json
import os
import shutil
import ssl
import subprocess
import sys
import threading

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci
from faulty_registry import FaultyRegistry

DIRECTORY = "/tmp/tls"
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


def serve(subject, expired=False, clients=None, verify=ssl.CERT_REQUIRED):
    """Returns a registry with a new certificate for subject, and the certificate. If clients names an authority, the
    registry requires a client certificate from it, or only requests one (verify)."""
    name = subject.replace(":", "-").replace(".", "-")
    certificate, key = f"{DIRECTORY}/{name}.pem", f"{DIRECTORY}/{name}.key"
    result = run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                 "-nodes", "-days", "2", "-subj", "/CN=test", "-addext", f"subjectAltName={subject}",
                 "-keyout", key, "-out", certificate)
    equal(result.status, 0, result)
    if expired:
        request = run("openssl", "x509", "-x509toreq", "-in", certificate, "-signkey", key,
                      "-copy_extensions", "copyall").out
        result = run("openssl", "x509", "-req", "-signkey", key, "-days", "-1",
                     "-copy_extensions", "copyall", "-out", certificate, input=request)
        equal(result.status, 0, result)
    registry = FaultyRegistry()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    if clients:
        context.load_verify_locations(clients)
        context.verify_mode = verify
    registry.server.socket = context.wrap_socket(registry.server.socket, server_side=True,
                                                 do_handshake_on_connect=False)
    return registry, certificate


def trust(certificate):
    with open(BUNDLE, "a", encoding="utf-8") as bundle, open(certificate, encoding="utf-8") as file:
        bundle.write(file.read())


def image():
    return oci.Image([oci.Layer().directory("./").add("file", b"x")])


def test_setup():
    os.makedirs(DIRECTORY)


def test_an_unknown_authority_is_refused():
    registry, _ = serve("IP:127.0.0.1")
    reference, _ = registry.add("tls:x", image())
    result = dist("pull", reference)
    equal(result.status, 1, result)
    contains(result.err, "unknown authority")
    equal(listing("images"), [])


def test_an_unverified_connection_must_be_requested():
    registry, _ = serve("IP:127.0.0.1")
    reference, _ = registry.add("tls:x", image())
    good("pull", "--insecure", reference)
    good("rmi", reference)


def test_a_trusted_certificate_is_accepted():
    registry, certificate = serve("IP:127.0.0.1")
    trust(certificate)
    reference, _ = registry.add("tls:x", image())
    good("pull", reference)
    good("rmi", listing("images")[0]["name"])


def test_names_are_resolved_and_checked():
    with open("/etc/hosts", "a", encoding="utf-8") as file:
        file.write("127.0.0.1 registry.test other.test\n")
    registry, certificate = serve("DNS:registry.test")
    trust(certificate)
    port = registry.host.split(":")[1]
    registry.add("tls:x", image())
    good("pull", f"registry.test:{port}/tls:x")
    result = dist("pull", f"other.test:{port}/tls:x")
    equal(result.status, 1, result)
    contains(result.err, "other.test")


def test_another_host_is_reached_by_https_only():
    registry = FaultyRegistry()
    port = registry.host.split(":")[1]
    registry.add("plain:x", image())
    result = dist("pull", f"registry.test:{port}/plain:x")
    equal(result.status, 1, result)
    good("pull", "--insecure", f"registry.test:{port}/plain:x")


def test_what_a_registry_names_is_not_requested_without_encryption():
    """A registry that is reached by HTTPS cannot lead an upload, or the next page of a list, to HTTP: neither on its own
    host nor on another one."""
    with open("/etc/hosts", "a", encoding="utf-8") as file:
        file.write("127.0.0.1 downgrade.test\n")
    registry, certificate = serve("DNS:downgrade.test")
    trust(certificate)
    host = registry.host.replace("127.0.0.1", "downgrade.test")
    other, asked = FaultyRegistry(), []
    other.hook = lambda handler, url, with_body: asked.append(url)
    for target in (other.host, other.host.replace("127.0.0.1", "downgrade.test"), host):
        def answer(handler, url, with_body, target=target):
            if handler.command not in ("POST", "GET"):
                return False
            handler.send_response(202 if handler.command == "POST" else 200)
            body = b"" if handler.command == "POST" else b'{"repositories": ["one"]}'
            handler.send_header("Content-Length", str(len(body)))
            handler.send_header("Location", f"http://{target}/upload")
            handler.send_header("Link", f'<http://{target}/list>; rel="next"')
            handler.end_headers()
            handler.wfile.write(body)
            return True

        registry.hook = None
        registry.add("tls:x", image())
        good("pull", f"{host}/tls:x")
        good("tag", f"{host}/tls:x", f"{host}/pushed:x")
        registry.hook = answer
        for command in (("push", f"{host}/pushed:x"), ("search", f"{host}/n")):
            result = dist(*command)
            equal(result.status, 1, result)
            contains(result.err, f"the registry continues at \"http://{target}/")
        equal(asked, [])
        good("rmi", f"{host}/tls:x", f"{host}/pushed:x")


def certs_d(base, registry, **files):
    directory = f"{base}/certs.d/{registry.host}"
    os.makedirs(directory, exist_ok=True)
    for name, source in files.items():
        shutil.copy(source, f"{directory}/{name.replace('_', '.')}")
    return directory


def test_authorities_of_a_registry_in_certs_d():
    for base in ("/etc/docker", "/etc/containers", "/etc/berth"):
        registry, certificate = serve("IP:127.0.0.1")
        reference, _ = registry.add("tls:x", image())
        equal(dist("pull", reference).status, 1)
        certs_d(base, registry, ca_crt=certificate)
        good("pull", reference)


def test_http_2_both_ways():
    _, certificate = serve("DNS:second.test")
    trust(certificate)
    with open("/etc/hosts", "a", encoding="utf-8") as file:
        file.write("127.0.0.1 second.test\n")
    with open(f"{DIRECTORY}/second.yml", "w", encoding="utf-8") as file:
        file.write(f"""version: 0.1
log: {{accesslog: {{disabled: false}}}}
storage:
  filesystem: {{rootdirectory: {DIRECTORY}/second}}
http:
  addr: 127.0.0.1:5443
  tls: {{certificate: {certificate}, key: {certificate.removesuffix("pem")}key}}
""")
    with open(f"{DIRECTORY}/second.log", "wb") as log:
        server = subprocess.Popen(["docker-registry", "serve", f"{DIRECTORY}/second.yml"],
                                  stdout=log, stderr=log,
                                  env={**os.environ, "OTEL_TRACES_EXPORTER": "none"})
    registry = FaultyRegistry()
    reference, _ = registry.add("source:x", image())
    good("pull", reference)
    wait_until(lambda: dist("push", reference, "second.test:5443/target:x").status == 0, "the push")
    good("rmi", reference)
    good("prune")
    good("pull", "second.test:5443/target:x")
    server.kill()
    server.wait()
    with open(f"{DIRECTORY}/second.log", encoding="utf-8") as log:
        text = log.read()
    contains(text, "HTTP/2.0")
    assert "HTTP/1.1" not in text, text
    good("rmi", "second.test:5443/target:x")


def test_an_expired_certificate():
    registry, certificate = serve("IP:127.0.0.1", expired=True)
    reference, _ = registry.add("tls:x", image())
    certs_d("/etc/docker", registry, ca_crt=certificate)
    result = dist("pull", reference)
    equal(result.status, 1, result)
    contains(result.err, "expired")


def test_client_certificates():
    _, client = serve("DNS:client")
    key = client.replace(".pem", ".key")
    registry, certificate = serve("IP:127.0.0.1", clients=client)
    reference, _ = registry.add("tls:x", image())
    directory = certs_d("/etc/containers", registry, ca_crt=certificate)
    equal(dist("pull", reference).status, 1)
    certs_d("/etc/containers", registry, me_cert=client)
    result = dist("pull", reference)
    equal(result.status, 1, result)
    contains(result.err, "me.key")
    certs_d("/etc/containers", registry, me_key=key)
    os.chmod(f"{directory}/me.key", 0o600)
    good("pull", reference)


def test_a_client_certificate_stays_with_its_host():
    """A client certificate is not sent to other hosts, to which a registry can refer with its token server, with the
    location of an upload and with redirects, even if such a host requests a certificate."""
    _, client = serve("DNS:guest")
    registry, certificate = serve("IP:127.0.0.1", clients=client)
    other, others = serve("DNS:aside,IP:127.0.0.1", clients=client, verify=ssl.CERT_OPTIONAL)
    shown, answered = [], []

    def peer(handler):
        return handler.connection.getpeercert(binary_form=True)

    def outside(handler, url, _):
        answered.append((handler.command, url.split("?")[0], peer(handler)))
        if url == "/token":
            other.send(handler, 200, b'{"token": "told"}', {}, True)
        elif handler.command == "PUT":
            handler.rfile.read(int(handler.headers["Content-Length"]))
            other.send(handler, 201, b"", {}, True)
        else:
            return False
        return True

    def inside(handler, url, with_body):
        shown.append(peer(handler))
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        if handler.headers.get("Authorization") != "Bearer told":
            registry.fail(handler, 401, "no token", with_body, {
                "WWW-Authenticate": f'Bearer realm="https://{other.host}/token",service="s"'})
        elif handler.command == "POST":
            registry.send(handler, 202, b"", {"Location": f"https://{other.host}/upload/u"}, True)
        elif handler.command == "PUT":
            registry.send(handler, 201, b"", {"Docker-Content-Digest": oci.digest_of(body)}, True)
        else:
            return False
        return True

    registry.hook, other.hook = inside, outside
    content = image()
    reference, _ = registry.add("tls:x", content)
    other.add("tls:x", content)
    layer = content.manifest["layers"][0]["digest"]
    registry.redirect[layer] = f"https://{other.host}/v2/tls/blobs/{layer}"
    directory = certs_d("/etc/containers", registry, ca_crt=certificate, other_crt=others,
                        me_cert=client, me_key=client.replace(".pem", ".key"))
    os.chmod(f"{directory}/me.key", 0o600)
    good("pull", reference)
    good("push", reference, f"{registry.host}/copy:x")
    assert shown and all(shown), shown
    for wanted in (("GET", "/token"), ("GET", f"/v2/tls/blobs/{layer}"), ("PUT", "/upload/u")):
        assert wanted in [one[:2] for one in answered], (wanted, answered)
    equal([one[:2] for one in answered if one[2]], [])


def test_docker_hub_is_searched():
    registry, certificate = serve("DNS:index.docker.io")
    trust(certificate)
    with open("/etc/hosts", "a", encoding="utf-8") as file:
        file.write("127.0.0.1 index.docker.io\n")
    asked = []

    def hook(handler, url, with_body):
        asked.append((url, handler.path.partition("?")[2], handler.headers.get("Authorization")))
        results = [{"name": "nginx", "description": "The \u001b[31mserver", "star_count": 20000, "is_official": True},
                   {"name": "other/nginx", "description": "x" * 5000, "star_count": 1}]
        return registry.send(handler, 200, json.dumps({"results": results}).encode(), {}, with_body) or True

    registry.hook = hook
    hub = http.server.ThreadingHTTPServer(("127.0.0.1", 443), registry.server.RequestHandlerClass)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.replace(".pem", ".key"))
    hub.socket = context.wrap_socket(hub.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=hub.serve_forever, daemon=True).start()
    found = json.loads(good("search", "--json", "ngi nx"))
    equal([(row["name"], row["stars"], row["official"]) for row in found],
          [("docker.io/nginx", 20000, "yes"), ("docker.io/other/nginx", 1, "")])
    equal(asked, [("/v1/search", "q=ngi%20nx&n=25", None)])
    equal(len(found[1]["description"]), 1024)
    assert "\033" not in good("search", "nginx")
    hub.shutdown()


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
