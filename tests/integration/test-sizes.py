# SPDX-License-Identifier: LGPL-2.1-or-later
# Sizes of values. An argument above its limit is refused, no reply exceeds the size that a message may have, and no
# value in the database, however large or damaged, stops the service.

import contextlib
import importlib
import json
import os
import shutil
import sqlite3
import sys

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import bus_call
from caller import Caller
import oci

IMAGE = f"{HOST}/busybox:latest"
TOOL = os.path.abspath(bus_call.__file__)
MAX_REPLY = 1024 * 1024

RULE = """polkit.addRule(function(action, subject) {
    if (subject.user == "alice" && action.id != "org.berth1.containers.create-privileged" &&
        action.id != "org.berth1.containers.inspect")
        return polkit.Result.YES;
});
"""

NAMES = {"Images": ("/org/berth1/images", "org.berth1.Images"),
         "Contents": ("/org/berth1/contents", "org.berth1.Contents"),
         "Containers": ("/org/berth1/containers", "org.berth1.Containers"),
         "Container": ("/org/berth1/containers/own", "org.berth1.Container"),
         "Leases": ("/org/berth1/leases", "org.berth1.Leases"),
         "Volumes": ("/org/berth1/volumes", "org.berth1.Volumes"),
         "Networks": ("/org/berth1/networks", "org.berth1.Networks"),
         "Transfers": ("/org/berth1/transfers", "org.berth1.Transfers")}


def ask(name, member, arguments, user=None):
    path, interface = NAMES[name]
    if user:
        result = run("/usr/bin/python3", TOOL, path, interface, member, input=arguments, user=user)
        assert result.status == 0, result
        return json.loads(result.out)
    return bus_call.call(path, interface, member, arguments)


def pages(name, member="List", key=lambda item: item[0], of="", limit=""):
    """Returns all pages of a listing, and checks that each is below the limit."""
    found, after = [], ""
    while True:
        answer = ask(name, member, f"({of}{{'After': <{json.dumps(after)}>{limit}}}{'' if of else ','})")
        assert not answer["error"], answer
        assert answer["bytes"] < MAX_REPLY, str(answer)[:300]
        page = answer["reply"][0]
        if not page:
            return found
        found.append(page)
        after = key(page[-1])


def stop_service():
    run("systemctl", "stop", "berthd.service")


def change_database(change):
    stop_service()
    database = sqlite3.connect(f"{STATE}/berth.db")
    change(database)
    database.commit()
    database.close()


def test_setup():
    oci.push(oci.busybox_image(), IMAGE)
    good("pull", IMAGE)
    polkit_rule(RULE)
    good("create", "--id=own", IMAGE, user="alice")


def big(count):
    return "x" * count


# Calls with one value that is too large: the interface, the member, its arguments with %s for that value, the value's
# size, and a word that the error contains.
HUGE = 5 * 1024 * 1024
TOO_LARGE = [
    ("Containers", "Create", f"('a', '{IMAGE}', {{'Labels': <{{'k': '%s'}}>}})", HUGE, "Labels"),
    ("Containers", "Create", f"('a', '{IMAGE}', {{'Labels': <{{'%s': 'v'}}>}})", 40000, "Labels"),
    ("Containers", "Create", f"('a', '{IMAGE}', {{'Env': <['A=%s']>}})", HUGE, "Env"),
    ("Containers", "Create", f"('a', '{IMAGE}', {{'Command': <['%s']>}})", 200000, "Command"),
    ("Containers", "Create", f"('a', '{IMAGE}', {{'Spec': <'%s'>}})", 600000, "Spec"),
    ("Containers", "Create", f"('a', '{IMAGE}', {{'Seccomp': <'%s'>}})", 300000, "Seccomp"),
    ("Containers", "Create", f"('a', '{IMAGE}', {{'Mounts': <[('', '/%s', @as [])]>}})", 5000, "Mounts"),
    ("Containers", "Create", f"('a', '{IMAGE}', {{'Hostname': <'%s'>}})", 5000, "Hostname"),
    ("Containers", "Create", f"('a', '{IMAGE}', {{'HealthCommand': <['%s']>}})", HUGE, "HealthCommand"),
    ("Containers", "Create", "('a', '%s', @a{sv} {})", 5000, "argument 2"),
    ("Containers", "Get", "('%s', @a{sv} {})", HUGE, "argument 1"),
    ("Containers", "Wait", "('own', '%s', @a{sv} {})", 5000, "argument 2"),
    ("Containers", "Exec", "('own', 'p', ['%s'], @a{sv} {})", 200000, "argument 3"),
    ("Containers", "Update", "('own', {'%s': <uint64 1>}, @a{sv} {})", 5000, "key"),
    ("Containers", "Commit", "('own', 'n', {'Comment': <'%s'>})", HUGE, "Comment"),
    ("Container", "Exec", "('p', ['%s'], @a{sv} {})", 200000, "argument 2"),
    ("Container", "Rename", "('%s', @a{sv} {})", 5000, "argument 1"),
    ("Images", "Pull", "('%s', @a{sv} {})", 5000, "argument 1"),
    ("Images", "Resolve", f"('{IMAGE}', {{'Credentials': <{{'Password': '%s'}}>}})", HUGE, "Credentials"),
    ("Images", "Put", "('n', ('m', 'd', uint64 1), {'k': '%s'}, @a{sv} {})", HUGE, "argument 3"),
    ("Images", "Put", "('n', ('%s', 'd', uint64 1), @a{ss} {}, @a{sv} {})", HUGE, "argument 2"),
    ("Images", "List", "({'Filter': <{'Name': <'%s'>}>},)", HUGE, "Filter"),
    ("Contents", "SetLabels", "('d', {'k': '%s'}, @a{sv} {})", HUGE, "argument 2"),
    ("Contents", "Info", "('%s', @a{sv} {})", HUGE, "argument 1"),
    ("Contents", "Ingest", "('%s', uint64 0, '', @a{sv} {})", HUGE, "argument 1"),
    ("Contents", "FetchObject", f"('{IMAGE}', '', {{'MediaTypes': <['%s']>}})", 5000, "MediaTypes"),
    ("Leases", "Create", "('', {'Labels': <{'k': '%s'}>})", HUGE, "Labels"),
    ("Leases", "Add", "('l', ['%s'], @a{sv} {})", HUGE, "argument 2"),
    ("Volumes", "Create", "('%s', @a{sv} {})", HUGE, "argument 1"),
    ("Transfers", "List", "({'After': <'%s'>},)", HUGE, "After"),
]


def test_oversized_arguments_are_refused_by_name():
    pid = service_pid()
    for name, member, text, size, word in TOO_LARGE:
        answer = ask(name, member, text % big(size), user="alice")
        equal(answer["error"], "org.berth1.Error.LimitExceeded", f"{member} {word}: {answer}")
        contains(answer["message"], word)
        contains(answer["message"], "limit" if word != "key" else "too long")
    equal(service_pid(), pid, "the service is the same")


def test_documents_of_too_many_objects_are_refused_before_they_are_parsed():
    """A small text can take two hundred times its size in memory, and be parsed for half a second, for a caller without
    any permission."""
    for option in ("Spec", "Seccomp"):
        for value in ("{}", "[]"):
            text = f'{{"a":[{",".join(20000 * [value])}]}}'
            answer = ask("Containers", "Create", f"('a', '{IMAGE}', {{'{option}': <'{text}'>}})", user="alice")
            equal(answer["error"], "org.berth1.Error.LimitExceeded", f"{option} {value}: {answer}")
            contains(answer["message"], f"{option} is too large; the limit is 16384 objects and arrays")


def processor_time():
    """Returns the seconds that the service has used, as root sees them in /proc."""
    with open(f"/proc/{service_pid()}/stat", encoding="utf-8") as file:
        user, system = file.read().rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def large_options(scale):
    """Options of Create that are within their limits, as (name, value), with so many parts for each thousand."""
    start = '"ociVersion":"1.0.2","root":{"path":"r"},"linux":{"namespaces":[{"type":"mount"}]}'
    process = '"process":{"cwd":"/","args":["a"],"user":{"uid":0,"gid":0}%s}'
    unknown = ",".join(f'"{i:x}":0' for i in range(45 * scale))
    names = ",".join(f'"x{i:x}"' for i in range(50 * scale))
    mounts = ",".join(f'{{"destination":"/{i}"}}' for i in range(16 * scale))
    hooks = ",".join(f'{{"path":"/{i}"}}' for i in range(16 * scale))
    many = [f"A{i}=1" for i in range(60 * scale)]
    return [("Spec", f"<'{{{start},{process % ''},{unknown}}}'>"),
            ("Spec", f"""<'{{{start},{process % (',"capabilities":{"bounding":[' + names + "]}")}}}'>"""),
            ("Spec", f"""<'{{{start},{process % ''},"mounts":[{mounts}]}}'>"""),
            ("Spec", f"""<'{{{start},{process % ''},"hooks":{{"prestart":[{hooks}]}}}}'>"""),
            ("Env", f"<{many}>"), ("Command", f"<{many}>")]


def test_a_caller_without_permissions_does_not_keep_the_service_busy():
    """Options are read, and their privileges named, before polkit is asked. Four times as many parts take 4 times as long,
    or 16 times if each part is compared with all others."""
    def time_of(option, value):
        before = processor_time()
        reply = alice.call(*NAMES["Containers"], "Create", f"('a', '{IMAGE}', {{'{option}': {value}}})", "(ssa{sv})", timeout_ms=300000)
        equal(reply.get("error"), "org.freedesktop.DBus.Error.AccessDenied", f"{option} {value[:100]}: {str(reply)[:300]}")
        return processor_time() - before

    allow_only("alice")
    alice, slow = Caller("alice"), []
    for fewer, (option, value) in zip(large_options(250), large_options(1000)):
        few, many = time_of(*fewer), time_of(option, value)
        print(f"# {option}: {few:.2f} s, {many:.2f} s")
        # Times below 0.3 s consist of too few ticks.
        if many > 0.3 and many > 9 * few:
            slow.append(f"{option} {value[:100]}: {few} s, {many} s")
    alice.end()
    polkit_rule(RULE)
    equal(slow, [])


def variables(letter, count):
    """Returns an environment in GVariant's text format."""
    return str([f"{letter}{i}=" for i in range(count)])


def test_long_environments_do_not_keep_the_service_busy():
    """The variables of Exec replace those of the container. Four times as many take four times as long, or 16 times if each
    is compared with all others."""
    alice, times = Caller("alice"), []
    for count in (15000, 60000):
        name = f"variables{count}"
        reply = alice.call(*NAMES["Containers"], "Create", f"('{name}', '{IMAGE}', {{'Command': <['sleep', '1000']>, "
                           f"'Env': <{variables('C', count)}>}})", "(ssa{sv})")
        assert "value" in reply, str(reply)[:300]
        good("start", name, user="alice")
        before = processor_time()
        # With so many variables, the kernel does not execute the command.
        reply = alice.call(*NAMES["Containers"], "Exec", f"('{name}', 'p', ['true'], {{'Env': <{variables('E', count)}>}})", "(ssasa{sv})",
                           timeout_ms=300000)
        assert reply.get("error") in (None, "org.berth1.Error.LaunchFailed"), str(reply)[:300]
        times.append(processor_time() - before)
        good("rm", "-f", name, user="alice")
    alice.end()
    few, many = times
    print(f"# {few:.2f} s, {many:.2f} s")
    # Times below 0.5 s consist of too few ticks.
    assert many < 0.5 or many < 9 * few, times


def too_large(name, kind):
    """Returns an argument of this name and type that exceeds its limit, in GVariant's text format."""
    return {"s": f"'{big(5000)}'", "as": f"['{big(200000 if name == 'command' else 5000)}']", "a{ss}": f"{{'k': '{big(300000)}'}}",
            "a{sv}": f"{{'Of no member': <'{big(300000)}'>}}", "(sst)": f"('{big(5000)}', '', uint64 1)"}.get(kind)


def test_every_argument_of_every_member_has_a_limit():
    """An argument above its limit is refused before the service looks up the object and the caller's permissions."""
    matrix = importlib.import_module("test-matrix")
    matrix.digests["root"] = "sha256:" + "1" * 64
    os.makedirs("/home/alice/place", exist_ok=True)
    alice, pid, problems, count = Caller("alice"), service_pid(), [], 0
    for interface, members in matrix.INTERFACES.items():
        for member, arguments in members.items():
            path, _text, signature, _files = matrix.requests_of(interface, member, "absent")
            for place, (name, kind) in enumerate(arguments):
                if not too_large(name, kind):
                    assert kind in ("h", "t", "u", "i", "b"), f"{member} takes {kind}, which has no size here"
                    continue
                files = []
                values = [too_large(name, kind) if at == place else matrix.argument(other, other_kind, "absent", files)
                          for at, (other, other_kind) in enumerate(arguments)]
                reply = alice.call(path, f"org.berth1.{interface}", member, f"({', '.join(values)}{',' * (len(values) == 1)})",
                                   signature, files)
                count += 1
                if reply.get("error") != "org.berth1.Error.LimitExceeded":
                    problems.append(f"{interface}.{member}, {name}: {str(reply)[:200]}")
    alice.end()
    equal(problems, [])
    assert count > 150, count
    equal(service_pid(), pid, "the service is the same")


def test_arguments_are_limited_in_total():
    for text, word in ((f"('a', '{IMAGE}', {{'Labels': <{{{', '.join(f'{chr(39)}k{i}{chr(39)}: {chr(39)}{big(1000)}{chr(39)}' for i in range(100))}}}>}})", "Labels"),
                       (f"('a', '{IMAGE}', {{'Env': <{['A=' + big(1000)] * 2100}>}})", "Env"),
                       (f"('a', '{IMAGE}', {{'Ports': <{['1:1'] * 2000}>}})", "Ports")):
        answer = ask("Containers", "Create", text, user="alice")
        equal(answer["error"], "org.berth1.Error.LimitExceeded", answer)
        contains(answer["message"], word)


def test_input_as_large_as_the_limit_is_accepted():
    labels = {f"k{i}": big(30000) for i in range(2)}
    answer = ask("Containers", "Create", f"('labelled', '{IMAGE}', {{'Labels': <{labels}>}})", user="alice")
    equal(answer["error"], None, answer)
    equal(ask("Containers", "Get", "('labelled', @a{sv} {})")["reply"][0]["Labels"], labels)
    good("rm", "labelled")
    equal(dist("run", "--rm", "-e", "A=" + big(100000), IMAGE, "sh", "-c", "echo ${#A}").out.strip(), "100000")


def test_a_process_has_as_many_arguments_and_variables_as_the_kernel_takes():
    variables = [part for i in range(1500) for part in ("-e", f"V{i}={big(500)}")]
    equal(good("run", "--rm", *variables, IMAGE, "sh", "-c", "env | grep -c ^V").strip(), "1500")
    equal(good("run", "--rm", IMAGE, "sh", "-c", "echo $#", "sh", *["a"] * 60000).strip(), "60000")
    # Nearly 2 MiB in total, including a pointer for each string.
    both = [part for i in range(1000) for part in ("-e", f"V{i:04}={big(990)}")]
    script = ["sh", "-c", "env | grep -c ^V; echo $#", "sh", *[big(980)] * 1000]
    equal(good("run", "--id=large", *both, IMAGE, *script).split(), ["1000", "1000"])
    inspected = json.loads(ask("Containers", "Inspect", "('large', @a{sv} {})")["reply"][0])
    equal(inspected["config"]["process"]["args"][-1], big(980))
    equal([item["id"] for item in listing("ps", "-a") if item["id"] == "large"], ["large"])
    # The service keeps a user's call with all of its arguments while it waits for polkit.
    equal(good("run", "--rm", *both, IMAGE, *script, user="alice").split(), ["1000", "1000"])
    good("start", "large")
    good("wait", "large")
    good("rm", "large")
    good("run", "-d", "--id=exec", IMAGE, "sleep", "1000")
    equal(good("exec", *both, "exec", *script).split(), ["1000", "1000"])
    good("rm", "-f", "exec")


def test_input_too_large_for_the_kernel_is_reported():
    variables, arguments = [f"V{i}={big(980)}" for i in range(1100)], ["true"] + [big(1000)] * 1100
    answer = ask("Containers", "Create", f"('more', '{IMAGE}', {{'Env': <{variables}>, 'Command': <{arguments}>}})")
    equal(answer["error"], None, answer)
    result = dist("start", "-a", "more")
    equal(result.status, 126, result)
    contains(result.err, "Argument list too long")
    good("rm", "more")
    answer = ask("Containers", "Create", f"('a', '{IMAGE}', {{'Command': <{['a'] * 70000}>}})")
    equal(answer["error"], "org.berth1.Error.LimitExceeded", answer)
    contains(answer["message"], "65536 items")


def test_values_from_the_image_are_limited():
    image = oci.busybox_image(Labels={f"k{i}": big(9000) for i in range(20)})
    oci.push(image, f"{HOST}/labels:latest")
    good("pull", f"{HOST}/labels:latest")
    good("create", "--id=taken", "--label=mine=1", f"{HOST}/labels:latest")
    labels = ask("Containers", "Get", "('taken', @a{sv} {})")["reply"][0]["Labels"]
    equal(labels["mine"], "1")
    assert 50000 < sum(len(value) for value in labels.values()) <= 65536, len(labels)
    stop_service()
    database = sqlite3.connect(f"{STATE}/berth.db")
    stored = database.execute("SELECT sum(length(key) + length(value)) FROM labels WHERE owner = 'taken'").fetchone()[0]
    database.close()
    assert stored <= 65536, stored
    good("rm", "taken")
    good("rmi", f"{HOST}/labels:latest")


def add_huge_rows(database):
    for kind, owner in (("container", "own"), ("image", IMAGE), ("image", "more"), ("lease", "l")):
        for i in range(3):
            database.execute("INSERT INTO labels VALUES (?, ?, ?, ?)", (kind, owner, f"huge{i}", big(HUGE)))
    for (digest,) in database.execute("SELECT digest FROM images LIMIT 1").fetchall():
        database.execute("INSERT INTO labels VALUES ('blob', ?, 'huge', ?)", (digest, big(HUGE)))
    database.execute("INSERT INTO images SELECT 'more', media_type, digest, size, created, updated FROM images LIMIT 1")
    database.execute("INSERT INTO images SELECT ?, media_type, digest, size, created, updated FROM images LIMIT 1", (big(HUGE),))
    database.execute("INSERT INTO images VALUES ('odd', ?, ?, 1, 1, 1)", (big(HUGE), big(HUGE)))
    database.execute("INSERT INTO leases VALUES ('l', 0, 1, 0)")
    database.execute("INSERT INTO leases VALUES (?, 0, 1, 0)", (big(HUGE),))
    database.executemany("INSERT INTO lease_items VALUES ('l', ?)", [(f"sha256:{i:064x}",) for i in range(5000)])
    database.execute("INSERT INTO volumes VALUES (?, 0, 1)", (big(HUGE),))
    database.execute("INSERT INTO networks VALUES (?, 1, 'berth1000', '', '', '', '', 0, 0, 0)", (big(HUGE),))
    database.execute("INSERT INTO networks VALUES ('net', 1, ?, ?, ?, ?, ?, 0, 0, 0)", [big(HUGE) + str(i) for i in range(5)])
    database.execute("INSERT INTO labels VALUES ('network', 'net', 'huge', ?)", (big(HUGE),))
    database.execute("INSERT INTO processes VALUES ('own', 'p', ?, 0, 0, '', 0, 1, 1, 0)", (big(HUGE),))
    database.execute("INSERT INTO events (kind, id, process, pid, status, time, owner) VALUES ('exit', 'own', ?, 1, 0, 1, 0)", (big(HUGE),))
    database.execute("UPDATE containers SET image = ?, options = replace(options, \"'no'\", ?) WHERE id = 'own'", (big(HUGE), f"'{big(HUGE)}'"))


def remove_huge_rows(database):
    for table, column in (("images", "name"), ("images", "media_type"), ("leases", "id"), ("labels", "value"), ("volumes", "name"),
                          ("networks", "name"), ("networks", "bridge"), ("processes", "command"), ("events", "process")):
        database.execute(f"DELETE FROM {table} WHERE length({column}) > 1000000")
    database.execute("DELETE FROM lease_items")
    database.execute("DELETE FROM containers WHERE id = 'own'")


def test_control_characters_do_not_reach_the_terminal():
    """Names and references with ASCII or Unicode control characters are refused, or shown without these characters."""
    for text in ("x\x1b]0;x\x07/y:1", "x\u009b31m/y:1", "x\x7f/y:1"):
        for member in (("images", "Images", "Pull", "sa{sv}", text, "0"),
                       ("images", "Images", "Put", "s(sst)a{ss}a{sv}", text, "a/b", "sha256:" + "0" * 64, "1", "0", "0"),
                       ("contents", "Contents", "Ingest", "stsa{sv}", text, "0", "", "0")):
            result = call(f"/org/berth1/{member[0]}", f"org.berth1.{member[1]}", *member[2:])
            contains(result.err, "control character")
        for command in (("pull", text), ("info", text), ("rmi", text), ("transfers",), ("transfers", "--json=short")):
            result = dist(*command)
            assert not any(c in result.out + result.err for c in "\x1b\x07\x7f\u009b"), (command, result)
    lease = ("/org/berth1/leases", "org.berth1.Leases")
    equal(call(*lease, "Create", "sa{sv}", "shown", "1", "Labels", "a{ss}", "1", "k\u009b", "\x1b[31m\u202e").status, 0)
    database_query("UPDATE leases SET id = 'shown' || char(155) || char(27) WHERE id = 'shown'")
    for command in (("lease", "list"), ("lease", "list", "--json=short"), ("lease", "list", "--json=pretty")):
        result = dist(*command)
        contains(result.out, "shown")
        assert not any(c in result.out for c in "\x1b\u009b\u202e"), (command, result)
    database_query("DELETE FROM leases")


def test_platforms_of_an_image_do_not_control_the_terminal():
    hostile, image = "v\x1b]0;x\x07\u009b31m\u202e\n\nend", oci.busybox_image()
    image.config["variant"] = hostile
    manifest = image.finish()
    oci.push(image, f"{HOST}/sizes/hostile:x")
    good("pull", f"{HOST}/sizes/hostile:x")
    other = {"mediaType": oci.OCI_MANIFEST, "digest": oci.digest_of(manifest), "size": len(manifest),
             "platform": {"os": hostile, "architecture": hostile, "variant": hostile}}
    oci.Registry(HOST).push_manifest("sizes/hostile", "many", oci.OCI_INDEX, json.dumps({"schemaVersion": 2, "mediaType": oci.OCI_INDEX,
                                                                                       "manifests": [other]}).encode())
    for command in (("images", "--tree"), ("images",), ("image", "inspect", f"{HOST}/sizes/hostile:x"), ("pull", f"{HOST}/sizes/hostile:many")):
        result = dist(*command)
        assert not any(c in result.out + result.err for c in "\x1b\x07\u009b\u202e"), (command, result)
        assert "\nend" not in result.out, (command, result)
    contains(good("images", "--tree"), "linux/amd64/v")
    good("rmi", f"{HOST}/sizes/hostile:x")


def test_content_of_the_database_cannot_stop_the_service():
    change_database(add_huge_rows)
    pid = None
    for name, member, key in (("Containers", "List", lambda item: item[0]), ("Images", "List", lambda item: item[0]),
                              ("Contents", "List", lambda item: item[0]), ("Leases", "List", lambda item: item[0]),
                              ("Volumes", "List", lambda item: item[0]), ("Networks", "List", lambda item: item[0]), ("Transfers", "List", lambda item: item[0]),
                              ("Contents", "ListIngests", lambda item: item[0]),
                              ("Contents", "Usage", lambda item: item[0])):
        found = [item for page in pages(name, member, key) for item in page]
        if name == "Containers":
            equal([item[0] for item in found], ["own"])
        if name == "Images" and member == "List":
            assert {IMAGE, "more", "odd"} <= {item[0] for item in found}, [item[0][:50] for item in found]
        pid = pid or service_pid()
        equal(service_pid(), pid, f"{name}.{member}: the service is the same")
    digest = ask("Images", "Get", f"('{IMAGE}', @a{{sv}} {{}})")["reply"][0]["Target"][1]
    for name, member, arguments in (("Containers", "Get", "('own', @a{sv} {})"), ("Images", "Get", f"('{IMAGE}', @a{{sv}} {{}})"),
                                    ("Containers", "Inspect", "('own', @a{sv} {})"), ("Contents", "Info", f"('{digest}', @a{{sv}} {{}})"),
                                    ("Images", "Describe", f"('{IMAGE}', @a{{sv}} {{}})"), ("Images", "Describe", "('odd', @a{sv} {})"),
                                    ("Images", "Inspect", f"('{IMAGE}', @a{{sv}} {{}})"), ("Images", "Get", "('odd', @a{sv} {})"),
                                    ("Contents", "Explain", f"('{digest}', @a{{sv}} {{}})"),
                                    ("Containers", "EventsSince", "(uint64 0, @a{sv} {})"), ("Images", "Delete", "('odd', @a{sv} {})"),
                                    ("Containers", "Start", "('own', @a{sv} {})"), ("Images", "Prune", "({'DryRun': <true>},)")):
        answer = ask(name, member, arguments)
        assert answer["bytes"] < MAX_REPLY, (name, member, answer["bytes"])
        equal(service_pid(), pid, f"{member}: the service is the same")
    for path, interface in (("containers/own", "Container"), ("networks/net", "Network")):
        answer = bus_call.call(f"/org/berth1/{path}", "org.freedesktop.DBus.Properties", "GetAll", f"('org.berth1.{interface}',)")
        assert not answer["error"] and answer["bytes"] < MAX_REPLY, str(answer)[:300]
    answer = bus_call.call("/org/berth1", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", "()")
    assert not answer["error"] and answer["bytes"] < MAX_REPLY, str(answer)[:300]
    equal(service_pid(), pid, "the service is the same")
    equal([row["id"] for row in listing("ps", "-a")], ["own"])
    change_database(remove_huge_rows)
    service_is_up()


# Damaged values for columns of each type.
DAMAGED = {"TEXT": ["", b"\xff\xfe\x80", "\x1b[31m", "../../etc", "a{sv}", "-1", 7, big(1 << 20)],
           "INTEGER": [-1, (1 << 63) - 1, -(1 << 63), 1 << 32, "text", 1.5, b"\xff"]}


def add_damaged_rows(database):
    """For each table, column and damaged value, adds a copy of a row with that value. The copies have new keys."""
    count = 0
    for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").fetchall():
        columns = database.execute(f"PRAGMA table_info({table})").fetchall()
        row = database.execute(f"SELECT * FROM {table} LIMIT 1").fetchone() or [
            1 if column[2] == "INTEGER" else f"{table}{i}" for i, column in enumerate(columns)]
        keys = [i for i, column in enumerate(columns) if column[5] or column[1] in ("bridge", "sequence")]
        for place, column in enumerate(columns):
            for value in DAMAGED[column[2]]:
                count += 1
                values = list(row)
                for key in keys:
                    values[key] = 100000 + count if columns[key][2] == "INTEGER" else f"damaged{count}"
                values[place] = value
                places = ", ".join("CAST(? AS TEXT)" if isinstance(one, bytes) else "?" for one in values)
                # SQLite itself refuses text in an INTEGER PRIMARY KEY.
                with contextlib.suppress(sqlite3.IntegrityError):
                    database.execute(f"INSERT OR IGNORE INTO {table} VALUES ({places})", values)
    assert count > 500, count


def test_no_damaged_row_of_any_table_stops_the_service():
    """Damaged rows break neither the start of the service nor a listing, and intact rows remain available."""
    good("create", "--id=whole", IMAGE)
    good("network", "create", "whole")
    good("volume", "create", "whole")
    good("lease", "create", "whole")
    stop_service()
    shutil.copy(f"{STATE}/berth.db", "/var/tmp/whole.db")
    change_database(add_damaged_rows)
    service_is_up()
    pid = service_pid()
    problems = []
    for name, member, whole in (("Containers", "List", "whole"), ("Images", "List", IMAGE), ("Contents", "List", None), ("Leases", "List", "whole"),
                                ("Volumes", "List", "whole"), ("Networks", "List", "whole"), ("Transfers", "List", None),
                                ("Contents", "ListIngests", None), ("Contents", "Usage", None)):
        try:
            found = [item[0] for page in pages(name, member) for item in page]
            if whole and whole not in found:
                problems.append(f"{name}.{member} lacks {whole}")
        except AssertionError as error:
            problems.append(f"{name}.{member}: {str(error)[:200]}")
        if service_pid() != pid:
            problems.append(f"{name}.{member} ended the service")
            pid = service_pid()
    last = 0
    for name, path, interface, member, arguments in (
            ("container", "/org/berth1/containers/whole", "org.freedesktop.DBus.Properties", "GetAll", "('org.berth1.Container',)"),
            ("network", "/org/berth1/networks/whole", "org.freedesktop.DBus.Properties", "GetAll", "('org.berth1.Network',)"),
            ("manager", "/org/berth1", "org.freedesktop.DBus.Properties", "GetAll", "('org.berth1.Manager',)"),
            ("objects", "/org/berth1", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", "()"),
            ("events", "/org/berth1/containers", "org.berth1.Containers", "EventsSince", f"(uint64 {last}, @a{{sv}} {{}})"),
            *((kind, f"/org/berth1/{kind}", "org.freedesktop.DBus.Introspectable", "Introspect", "()")
              for kind in ("containers", "images", "networks", "volumes", "transfers"))):
        answer = bus_call.call(path, interface, member, arguments)
        if answer["error"] or answer["bytes"] >= MAX_REPLY:
            problems.append(f"{name}: {str(answer)[:200]}")
        if service_pid() != pid:
            problems.append(f"{name} ended the service")
            pid = service_pid()
    equal(problems, [])
    good("network", "create", "another")
    good("run", "--rm", "--name=after", IMAGE, "true")
    # One damaged row has the highest possible sequence number, which would leave none for later events.
    wait_until(lambda: "whose sequence number is impossible" in run("journalctl", "-b", "-u", "berthd", "-o", "cat", "--no-pager").out, "the message")
    equal([event["kind"] for event in events() if event["id"] == "after"][-2:], ["exit", "delete"])
    assert "\x1b" not in good("events", "--since=1", "--no-follow")
    assert max(event["sequence"] for event in events()) < 1 << 60
    good("prune")
    equal(service_pid(), pid, "the service is the same")
    stop_service()
    for suffix in ("-wal", "-shm"):
        if os.path.exists(f"{STATE}/berth.db{suffix}"):
            os.unlink(f"{STATE}/berth.db{suffix}")
    shutil.move("/var/tmp/whole.db", f"{STATE}/berth.db")
    for kind in ("network", "volume", "lease"):
        good(kind, "rm", "whole")
    good("rm", "whole")


def add_many_rows(database):
    row = database.execute("SELECT * FROM containers LIMIT 1").fetchone()
    columns = [item[1] for item in database.execute("PRAGMA table_info(containers)")]
    for i in range(4096):
        values = dict(zip(columns, row))
        values.update(id=f"many{i}", owner=4242, created=i)
        database.execute(f"INSERT INTO containers VALUES ({', '.join('?' * len(columns))})", list(values.values()))
        database.execute("INSERT INTO labels VALUES ('container', ?, 'label', ?)", (f"many{i}", big(300)))
    database.executemany("INSERT INTO images SELECT ?, media_type, digest, size, created, updated FROM images WHERE name = ?",
                         [(f"many/{i}", IMAGE) for i in range(10000)])
    database.executemany("INSERT INTO leases VALUES (?, 0, 1, 0)", [(f"lease{i}",) for i in range(12000)])
    database.executemany("INSERT INTO volumes VALUES (?, 0, 1)", [(f"volume{i}",) for i in range(20000)])
    database.executemany("INSERT INTO events (kind, id, process, pid, status, time, owner) VALUES ('start', ?, ?, 1, 0, 1, 0)",
                         [("e" * 60, "p" * 60)] * 15000)


def test_thousands_are_listed_page_by_page():
    good("create", "--id=own", IMAGE, user="alice")
    change_database(add_many_rows)
    found = pages("Containers")
    assert len(found) > 1
    ids = [item[0] for page in found for item in page]
    equal(ids, sorted(ids))
    equal(set(ids), {"own"} | {f"many{i}" for i in range(4096)})
    equal(len(listing("ps", "-a")), 4097)
    equal(listing("ps", "-a")[0]["id"], "many0", "the oldest first")
    names = [item[0] for page in pages("Images") for item in page]
    equal(len([name for name in names if name.startswith("many/")]), 10000)
    equal(len(listing("images", "many/*")), 10000)
    equal(len(listing("images", "many/99*")), 111)
    equal([len(page) for page in pages("Images", limit=", 'Filter': <{'Name': <'many/999*'>}>, 'Limit': <uint64 4>")], [4, 4, 3])
    equal(len([item for page in pages("Leases") for item in page if item[0].startswith("lease")]), 12000)
    equal(len([item for page in pages("Volumes") for item in page]), 20000)
    equal(len(listing("volume", "list")), 20000)
    usage = [item for page in pages("Contents", "Usage", lambda item: item[0]) for item in page]
    assert len(usage) >= 10000, len(usage)
    explained = ask("Images", "Get", f"('{IMAGE}', @a{{sv}} {{}})")["reply"][0]["Target"][1]
    keepers = [item for page in pages("Contents", "Explain", of=f"'{explained}', ") for item in page]
    assert len(keepers) >= 10000, len(keepers)
    last, count = 0, 0
    while True:
        answer = ask("Containers", "EventsSince", f"(uint64 {last}, @a{{sv}} {{}})")
        assert answer["bytes"] < MAX_REPLY
        if not answer["reply"][0]:
            break
        count += len(answer["reply"][0])
        last = answer["reply"][0][-1][0]
    assert count >= 15000, count


def test_the_object_manager_answers_with_those_that_run_first():
    good("run", "-d", "--id=runs", IMAGE, "sleep", "1000")
    answer = bus_call.call("/org/berth1", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", "()")
    assert not answer["error"] and answer["bytes"] < MAX_REPLY, str(answer)[:300]
    assert "/org/berth1/containers/runs" in answer["reply"][0]
    assert 500 < len(answer["reply"][0]) < 4098, len(answer["reply"][0])
    good("rm", "-f", "runs")


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
