# SPDX-License-Identifier: LGPL-2.1-or-later
# The interfaces of the service are those of introspection/, which documents every member, and behave as documented.

import json
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
    "org.berth1.Pods": "/org/berth1/pods",
    "org.berth1.Pod": "/org/berth1/pods/x",
    "org.berth1.Containers": "/org/berth1/containers",
    "org.berth1.Container": "/org/berth1/containers/x",
    "org.berth1.Image": "/org/berth1/images/x",
    "org.berth1.Networks": "/org/berth1/networks",
    "org.berth1.Network": "/org/berth1/networks/x",
    "org.berth1.Volume": "/org/berth1/volumes/x",
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


def test_the_service_introspects_as_the_xml_says():
    for interface, path in OBJECTS.items():
        with open(f"{SOURCE}/{interface}.xml", encoding="utf-8") as file:
            expected = members(file.read(), interface)
        result = busctl("introspect", "--xml-interface", "org.berth1", path)
        found = members(result.out[result.out.index("<node"):], interface)
        assert found, interface
        equal(found ^ expected, set(), interface)


def documented(name):
    """Yields (interface, element, comment before the element) for the interface itself and for each member."""
    builder = ElementTree.TreeBuilder(insert_comments=True)
    root = ElementTree.parse(f"{SOURCE}/{name}.xml", ElementTree.XMLParser(target=builder)).getroot()
    for parent in (root, root.find("interface")):
        comment = ""
        for element in parent:
            if element.tag is ElementTree.Comment:
                comment = element.text
            elif element.tag != "annotation":
                yield root.find("interface"), element, comment
                comment = ""


def test_every_member_is_documented():
    """The comment of each member describes it, its arguments and its action in the format of gdbus-codegen."""
    missing = []
    for name in OBJECTS:
        for interface, element, comment in documented(name):
            what = f"{name}.{element.get('name')}"
            if comment.strip().split("\n")[0] != element.get("name") + ":":
                missing.append(f"{what} has no documentation")
            for argument in element.findall("arg"):
                if not re.search(rf"^ *@{argument.get('name')}: +\S", comment, re.MULTILINE):
                    missing.append(f"{what}: {argument.get('name')} is not documented")
            if element.tag == "method" and not re.search(r"[Aa]ctions?: |See org\.berth1\.", comment):
                missing.append(f"{what}: its action is not documented")
            if element.tag == "interface" and "@short_description:" not in comment:
                missing.append(f"{what} has no short description")
    equal(missing, [])


def test_members_named_in_the_documentation_exist():
    """All actions and errors in the documentation exist, and all options of the service are documented."""
    text = "".join(read_source("introspection", f"{name}.xml") for name in OBJECTS)
    policy = read_source("polkit", "org.berth1.policy.in")
    for action in set(re.findall(r"org\.berth1\.((?:images|contents|containers)\.[a-z-]+)", text)):
        contains(policy, f'<action id="org.berth1.{action}">')
    names = set(re.findall(r'\[BERTH_ERROR_\w+\] = "(\w+)"', read_source("service", "base", "error.c")))
    assert len(names) > 15, names
    for listed in re.findall(r"Errors: ([^.]*)\.", text):
        for error in re.findall(r"\b[A-Z]\w+[A-Z]\w+|NotFound|Cancelled|Unauthorized|Unsupported|Internal|Busy", listed):
            assert error in names or error == "CRIU", error
    options = set()
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "service", "bus")
    for file in os.listdir(folder):
        options |= set(re.findall(r'\{"(\w+)", "[^"]+", &', read_source("service", "bus", file)))
    assert len(options) > 40, options
    missing = {option for option in options if not re.search(rf"\b{option} [a-z(]", text)}
    equal(missing, set())


def test_gdbus_codegen_makes_pages():
    """gdbus-codegen generates DocBook, C, the installed manual page and, if supported, Markdown."""
    files = [f"{SOURCE}/{name}.xml" for name in sorted(OBJECTS)]
    result = run("gdbus-codegen", "--generate-docbook", "/tmp/page", *files)
    equal((result.status, result.err), (0, ""))
    for name in OBJECTS:
        assert ElementTree.parse(f"/tmp/page-{name}.xml").getroot().tag == "refentry", name
    if "--generate-md" in run("gdbus-codegen", "--help").out:
        equal(run("gdbus-codegen", "--generate-md", "/tmp/page", *files).status, 0)
    equal(run("gdbus-codegen", "--generate-c-code", "/tmp/berth", "--c-namespace", "Berth", *files).status, 0)
    for page in ("org.berth1", "berth.conf"):
        assert os.path.exists(f"/usr/share/man/man5/{page}.5"), page
    with open("/usr/share/man/man5/org.berth1.5", encoding="utf-8") as file:
        text = file.read().replace("\\&", "")
    for name in OBJECTS:
        contains(text, name)


def test_every_file_is_covered():
    files = {name[:-4] for name in os.listdir(SOURCE) if name.endswith(".xml")}
    equal(files, set(OBJECTS))


def read_methods(name):
    """Returns the arguments and the documentation of each method."""
    found, comment = {}, None
    parser = ElementTree.XMLParser(target=ElementTree.TreeBuilder(insert_comments=True))
    for element in ElementTree.parse(f"{SOURCE}/org.berth1.{name}.xml", parser).find("interface"):
        if element.tag == "method":
            found[element.get("name")] = ([(a.get("name"), a.get("type"), a.get("direction")) for a in element], comment)
        comment = element.text
    return found


def test_both_faces_of_a_container_are_the_same():
    collection, alone = read_methods("Containers"), read_methods("Container")
    assert len(alone) > 20
    for name, (arguments, text) in alone.items():
        others, other_text = collection[name]
        equal(others[0], ("id", "s", "in"), name)
        equal(others[1:], arguments, name)
        about_id = [line for line in other_text.split("\n") if line.strip().startswith("@id:")]
        equal([line for line in other_text.split("\n") if line not in about_id], text.split("\n"), name)


def test_every_method_ends_in_options():
    for interface in ("Containers", "Container", "Contents", "Leases"):
        for name, (arguments, _) in read_methods(interface).items():
            equal([type for _, type, direction in arguments if direction == "in"][-1], "a{sv}", f"{interface}.{name}")


def test_the_error_of_an_unknown_option_lists_the_known_ones():
    for member, signature, arguments in (("Delete", "sa{sv}", ("box",)), ("Kill", "sia{sv}", ("box", "9")),
                                         ("Pause", "sa{sv}", ("box",)), ("List", "a{sv}", ())):
        result = containers_call(member, signature, *arguments, "1", "Nothing", "b", "true")
        contains(result.err, 'unknown option "Nothing"; known options: ')
    contains(containers_call("Delete", "sa{sv}", "box", "1", "Nothing", "b", "true").err, "known options: Force")
    contains(containers_call("Pause", "sa{sv}", "box", "1", "Nothing", "b", "true").err, "known options: none")


def test_errors_have_the_documented_names():
    result = images_call("Get", "sa{sv}", "nothing", "0")
    contains(result.err, "no image")
    result = run("gdbus", "call", "--system", "-d", "org.berth1", "-o", "/org/berth1/images", "-m",
                 "org.berth1.Images.Get", "nothing", "{}")
    contains(result.err, "org.berth1.Error.NotFound")
    result = run("gdbus", "call", "--system", "-d", "org.berth1", "-o", "/org/berth1/contents", "-m",
                 "org.berth1.Contents.Info", "x", "{}")
    contains(result.err, "org.berth1.Error.InvalidArgument")


def test_a_transfer_through_busctl_alone():
    reply = images_call("Pull", "sa{sv}", IMAGE, "0")
    path = reply.out.split('"')[1]
    result = call(path, "org.berth1.Transfer", "Wait", "a{sv}", "0")
    contains(result.out, f'"Name" s "{IMAGE}"')
    contains(result.out, '"ChainId" s "sha256:')
    contains(busctl("get-property", "org.berth1", path, "org.berth1.Transfer", "State").out, "done")


def test_subscribers_get_signals_of_all_changes():
    monitor = subprocess.Popen(["dist", "events", "--since=0"], stdout=subprocess.PIPE, text=True)
    try:
        # dist subscribes before it prints past events, the first of which is the creation of x.
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


def test_tests_named_in_the_security_page_exist():
    """Each test that docs/security.md names exists, and each sandboxed worker and each installed program has a row."""
    page = read_source("docs", "security.md")
    named = re.findall(r"`([\w-]+\.(?:py|c)):(\w+)`", page)
    assert len(named) > 80, named
    for file, function in named:
        text = read_source("tests", "integration" if file.endswith(".py") else "unit", file)
        assert re.search(rf"^(?:def|static void) {function}\(", text, re.MULTILINE), f"{file}:{function}"
    workers = re.findall(r'\.worker = "(\w+)', read_source("service", "frame", "sandboxes.c"))
    assert len(workers) > 6, workers
    for worker in workers:
        contains(page, f"| berth-{worker} |")
    programs = [*os.listdir("/usr/libexec/berth"), *(name for name in os.listdir("/usr/bin") if name.startswith("berth-")),
                *os.listdir("/usr/lib/systemd/system-generators")]
    programs = {name for name in programs if name.startswith("berth")}
    assert {"berthd", "berth-relay", "berth-runtime", "berth-generator"} <= programs, programs
    rows = re.findall(r"^\| ((?:its )?[^|]*) \|", page, re.MULTILINE)
    for program in programs:
        assert any(re.match(rf"{program}\b(?!-)", row) for row in rows), f"{program} has no row"


def test_verbs_have_help():
    contains(good("--help"), "dist VERB --help")
    for verb in ("pull", "run", "ps", "images", "stop", "content"):
        assert good(verb, "--help").strip(), verb
    result = dist("no-such-verb")
    equal(result.status, 1)
    contains(result.err, "no-such-verb")


def test_messages_are_translated():
    contains(good("--help", env={"LANG": "C.UTF-8", "LANGUAGE": "de"}), "Abbilder")


def list_ids(interface, key, *value):
    path = f"/org/berth1/{interface.lower()}"
    result = run("busctl", "--json=short", "call", "org.berth1", path, f"org.berth1.{interface}", "List", "a{sv}", "1",
                 "Filter", "a{sv}", "1", key, *value)
    equal(result.status, 0, result)
    return [item[0] for item in json.loads(result.out)["data"][0]]


def test_listings_are_filtered_by_properties():
    good("pull", IMAGE)
    good("create", "--id=one", "--label=kind=a", "--label=more=x", IMAGE)
    good("create", "--id=two", "--label=kind=b", IMAGE)
    good("run", "-d", "--id=three", "--label=kind=a", IMAGE, "sleep", "1000")
    equal(list_ids("Containers", "State", "s", "running"), ["three"])
    assert {"one", "two"} <= set(list_ids("Containers", "State", "s", "created"))
    equal(list_ids("Containers", "Labels", "a{ss}", "1", "kind", "a"), ["one", "three"])
    equal(list_ids("Containers", "Labels", "a{ss}", "2", "kind", "a", "more", ""), ["one"])
    equal(list_ids("Containers", "Owner", "u", "4242"), [])
    equal(list_ids("Containers", "Owner", "s", "0"), [], "another type")
    equal(list_ids("Containers", "Nothing", "b", "true"), [])
    good("lease", "create", "kept")
    equal(list_ids("Leases", "Owner", "u", "0"), ["kept"])
    layers = list_ids("Contents", "MediaType", "s", "application/vnd.oci.image.layer.v1.tar+gzip")
    assert layers and len(layers) < len(listing("content", "list")), layers
    good("lease", "rm", "kept")
    good("rm", "-f", "one", "two", "three")


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
