# SPDX-License-Identifier: LGPL-2.1-or-later
# What the service introspects is what introspection/ says, and every method asks who is calling.

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

IMAGE = f"{HOST}/busybox:latest"
SOURCE = os.path.join(os.path.dirname(__file__), "..", "..", "introspection")
OBJECTS = {
    "org.berth1.Manager": "/org/berth1",
    "org.berth1.Images": "/org/berth1/images",
    "org.berth1.Contents": "/org/berth1/contents",
    "org.berth1.Leases": "/org/berth1/leases",
    "org.berth1.Volumes": "/org/berth1/volumes",
    "org.berth1.Containers": "/org/berth1/containers",
    "org.berth1.Container": "/org/berth1/containers/x",
    "org.berth1.Transfers": "/org/berth1/transfers",
    "org.berth1.Transfer": "/org/berth1/transfers/1",
}


def members(text, interface):
    found = set()
    for element in ElementTree.fromstring(text).iter("interface"):
        if element.get("name") != interface:
            continue
        for member in element:
            if member.tag == "annotation":
                continue
            arguments = tuple((a.get("name"), a.get("type"), a.get("direction"))
                              for a in member.findall("arg"))
            annotations = tuple(sorted((a.get("name"), a.get("value"))
                                       for a in member.findall("annotation")))
            if member.tag != "property":
                annotations = ()
            found.add((member.tag, member.get("name"), member.get("type"), member.get("access"),
                       arguments, annotations))
    return found


def test_setup():
    oci.push(oci.busybox_image(), IMAGE)
    good("pull", IMAGE)
    good("create", "--id=x", IMAGE)


def test_the_xml_is_what_the_service_says():
    for interface, path in OBJECTS.items():
        with open(f"{SOURCE}/{interface}.xml", encoding="utf-8") as file:
            expected = members(file.read(), interface)
        result = busctl("introspect", "--xml-interface", "org.berth1", path)
        found = members(result.out[result.out.index("<node"):], interface)
        assert found, interface
        equal(found ^ expected, set(), interface)


def test_every_file_is_covered():
    files = {name[:-4] for name in os.listdir(SOURCE) if name.endswith(".xml")}
    equal(files, set(OBJECTS))


def test_every_error_is_one_of_the_contract():
    result = images_call("Get", "s", "nothing")
    contains(result.err, "no image")
    result = run("gdbus", "call", "--system", "-d", "org.berth1", "-o", "/org/berth1/images", "-m",
                 "org.berth1.Images.Get", "nothing")
    contains(result.err, "org.berth1.Error.NotFound")
    result = run("gdbus", "call", "--system", "-d", "org.berth1", "-o", "/org/berth1/contents", "-m",
                 "org.berth1.Contents.Info", "x")
    contains(result.err, "org.berth1.Error.InvalidArgument")


def test_a_transfer_through_busctl_alone():
    reply = images_call("Pull", "sa{sv}", IMAGE, "0")
    path = reply.out.split('"')[1]
    result = call(path, "org.berth1.Transfer", "Wait")
    contains(result.out, f'"Name" s "{IMAGE}"')
    contains(result.out, '"ChainId" s "sha256:')
    contains(busctl("get-property", "org.berth1", path, "org.berth1.Transfer", "State").out, "done")


def test_subscribers_get_what_happens():
    monitor = subprocess.Popen(["dist", "events", "--since=0"], stdout=subprocess.PIPE, text=True)
    try:
        # It subscribes before it tells what was: that x was created.
        equal(monitor.stdout.readline().split()[2:4], ["create", "x"])
        good("run", "--rm", "--id=seen", IMAGE, "true")
        lines = [monitor.stdout.readline().split()[2:4] for _ in range(4)]
    finally:
        monitor.kill()
        monitor.wait()
    equal(lines, [["create", "seen"], ["start", "seen"], ["exit", "seen"], ["delete", "seen"]])


def test_json_listings():
    for verb in (("images",), ("ps", "-a"), ("content", "list"), ("content", "active"), ("transfers",)):
        assert isinstance(listing(*verb), list), verb


def read_source(*path):
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", *path), encoding="utf-8") as file:
        return file.read()


def test_what_the_page_on_security_names_is_there():
    """Every test, and a row for every worker's box."""
    page = read_source("docs", "security.md")
    named = re.findall(r"`([\w-]+\.(?:py|c)):(\w+)`", page)
    assert len(named) > 80, named
    for file, function in named:
        text = read_source("tests", "integration" if file.endswith(".py") else "unit", file)
        assert re.search(rf"^(?:def|static void) {function}\(", text, re.MULTILINE), f"{file}:{function}"
    workers = re.findall(r'\.worker = "(\w+)', read_source("service", "frame", "boxes.c"))
    assert len(workers) > 6, workers
    for worker in workers:
        contains(page, f"| berth-{worker} |")


def test_help_helps():
    contains(good("--help"), "dist VERB --help")
    for verb in ("pull", "run", "ps", "images", "stop", "content"):
        assert good(verb, "--help").strip(), verb
    result = dist("no-such-verb")
    equal(result.status, 1)
    contains(result.err, "no-such-verb")


def test_messages_are_translated():
    contains(good("--help", env={"LANG": "C.UTF-8", "LANGUAGE": "de"}), "Abbilder")


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
