# SPDX-License-Identifier: LGPL-2.1-or-later
# Registries over TLS: trusted by the system's authorities, refused with the reason otherwise.

import os
import ssl
import sys

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci
from faulty_registry import FaultyRegistry

DIRECTORY = "/tmp/tls"
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


def serve(subject):
    """A registry with a certificate of its own for subject; answers it and the certificate."""
    name = subject.replace(":", "-").replace(".", "-")
    certificate, key = f"{DIRECTORY}/{name}.pem", f"{DIRECTORY}/{name}.key"
    result = run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                 "-nodes", "-days", "2", "-subj", "/CN=test", "-addext", f"subjectAltName={subject}",
                 "-keyout", key, "-out", certificate)
    equal(result.status, 0, result)
    registry = FaultyRegistry()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
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
    contains(result.err.lower(), "certificate")
    equal(listing("images"), [])


def test_insecure_has_to_be_said():
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


def test_a_host_that_is_not_this_one_speaks_https_only():
    registry = FaultyRegistry()
    port = registry.host.split(":")[1]
    registry.add("plain:x", image())
    result = dist("pull", f"registry.test:{port}/plain:x")
    equal(result.status, 1, result)
    good("pull", "--insecure", f"registry.test:{port}/plain:x")


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
