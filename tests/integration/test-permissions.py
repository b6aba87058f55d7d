# SPDX-License-Identifier: LGPL-2.1-or-later
# Each operation asks polkit only once, with the names of all objects that it touches. A rule grants no more than it
# says.

import io
import json
import os
import re
import subprocess
import sys
import tarfile

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

IMAGE = f"{HOST}/permissions/base:x"
OTHER = f"{HOST}/permissions/other:x"

SINCE = [""]


def rule(condition):
    """Grants alice the actions that meet the condition, and makes polkit log each question to the journal."""
    polkit_rule("""polkit.addRule(function(action, subject) {
        if (action.id.indexOf("org.berth1.") != 0 || subject.user != "alice")
            return undefined;
        polkit.log("ASKED " + action);
        return (%s) ? polkit.Result.YES : polkit.Result.NO;
    });""" % condition)
    SINCE[0] = journal_cursor()


def asked(action=""):
    """Returns the questions that polkit was asked since the last call of rule()."""
    lines = [entry["MESSAGE"] for entry in journal_entries(SINCE[0], "polkitd")]
    return [line.split("ASKED ", 1)[1] for line in lines if f"ASKED [Action id='org.berth1.{action}" in line]


def details(question, *pairs):
    for key, value in pairs:
        contains(question, f" {key}='{value}'")


def refused(*verb, **more):
    result = dist("--no-ask-password", *verb, user="alice", **more)
    assert result.status != 0, result
    contains(result.err, "Permission denied")
    return result.err


def names():
    return sorted(row["name"] for row in listing("images"))


def archive(path, *tags):
    """Writes an archive in the format of "docker save" that contains one image with several names."""
    image = oci.busybox_image()
    image.finish()
    manifest = json.loads(image.finish())
    config, layer = manifest["config"]["digest"], manifest["layers"][0]["digest"]
    members = [("config.json", image.blobs[config]), ("layer.tar", image.blobs[layer]),
               ("manifest.json", json.dumps([{"Config": "config.json", "RepoTags": tags, "Layers": ["layer.tar"]}]).encode())]
    with tarfile.open(path, "w") as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    os.chmod(path, 0o644)
    return path


def test_setup():
    # polkit.log() writes to the standard output of polkit.
    os.makedirs("/run/systemd/system/polkit.service.d")
    with open("/run/systemd/system/polkit.service.d/log.conf", "w", encoding="utf-8") as file:
        file.write("[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=\nExecStart=/usr/lib/polkit-1/polkitd\n")
    run("systemctl", "daemon-reload")
    oci.push(oci.busybox_image(), IMAGE)
    good("pull", IMAGE)
    good("tag", IMAGE, OTHER)


def test_the_names_in_an_archive_are_asked_about():
    path = archive("/tmp/two.tar", "local.test/mine:x", OTHER)
    before = listing("images")
    # The import unpacks the image afterwards, which requires the right to pull.
    rule('action.id == "org.berth1.images.pull" || '
         'action.id == "org.berth1.images.manage" && [undefined, "", "local.test/mine:x"].indexOf(action.lookup("image")) >= 0')
    contains(refused("import", path), "the names in the archive")
    equal(listing("images"), before)
    details(asked("images.manage")[-1], ("verb", "import"), ("image", OTHER),
            ("replaced", [row["digest"] for row in before if row["name"] == OTHER][0]))
    good("import", archive("/tmp/one.tar", "local.test/mine:x"), user="alice")
    equal(names(), sorted(["local.test/mine:x", IMAGE, OTHER]))
    good("rmi", "local.test/mine:x")


def test_both_names_of_a_renaming_are_asked_about():
    rule('action.id == "org.berth1.images.manage" && action.lookup("image") == "local.test/mine:x"')
    good("tag", IMAGE, "local.test/mine:x")
    for old, new in (("local.test/mine:x", OTHER), (OTHER, "local.test/mine:x")):
        result = images_call("Rename", "ssa{sv}", old, new, "0", user="alice")
        contains(result.err, "Access denied")
    equal(names(), sorted(["local.test/mine:x", IMAGE, OTHER]))
    good("rmi", "local.test/mine:x")


def test_each_image_of_an_export_is_asked_about():
    rule('action.id == "org.berth1.contents.read" && action.lookup("image").indexOf("%s") == 0' % IMAGE)
    good("export", IMAGE, "-o", "/tmp/alices.tar", user="alice")
    refused("export", IMAGE, OTHER, "-o", "/tmp/alices.tar")
    details(asked("contents.read")[-1], ("image", OTHER))


def test_the_name_that_a_pull_puts_is_asked_about():
    before = names()
    for member in ("Pull", "Fetch", "Resolve"):
        rule('action.id == "org.berth1.images.pull" && action.lookup("reference") == "%s?query"' % IMAGE)
        result = images_call(member, "sa{sv}", f"{IMAGE}?query", "0", user="alice")
        contains(result.err, "Access denied")
        details(asked("images.pull")[-1], ("verb", member.lower()), ("reference", IMAGE))
        # If the name is unchanged, polkit is asked only once.
        rule('action.id == "org.berth1.images.pull"')
        images_call(member, "sa{sv}", IMAGE, "0", user="alice")
        equal(len([question for question in asked("images.pull") if f"verb='{member.lower()}'" in question]), 1)
    equal(names(), before)


def test_an_object_of_a_registry_is_named():
    rule('action.id == "org.berth1.images.pull" && action.lookup("object") != "x"')
    refused("fetch-object", IMAGE, "x")
    details(asked("images.pull")[-1], ("verb", "fetch-object"), ("reference", IMAGE), ("object", "x"))


def test_both_names_of_a_container_are_asked_about():
    rule('action.id == "org.berth1.containers.create" || action.lookup("container") == "hers"')
    good("create", "--id=hers", IMAGE, user="alice")
    result = containers_call("Rename", "ssa{sv}", "hers", "roots", "0", user="alice")
    contains(result.err, "Access denied")
    details(asked("containers.manage-own")[-1], ("verb", "rename"), ("container", "roots"), ("owner", "4242"))
    good("rm", "hers", user="alice")


def test_objects_touched_by_create_are_in_the_details():
    rule('action.id == "org.berth1.containers.create" && [undefined, "mine"].indexOf(action.lookup("volume")) >= 0')
    good("create", "--id=hers", "--volume=mine:/x", IMAGE, user="alice")
    details(asked("containers.create")[-1], ("container", "hers"), ("image", IMAGE), ("network", "none"), ("volume", "mine"))
    result = dist("--no-ask-password", "create", "--volume=mine:/x", "--volume=theirs:/y", IMAGE, user="alice")
    contains(result.err, "containers.create")
    equal([row["name"] for row in listing("volume", "list")], ["mine"])
    good("rm", "hers")
    good("volume", "rm", "mine")


def test_privileges_have_names():
    rule('action.id == "org.berth1.containers.create" || action.lookup("privilege") == "capability:CAP_NET_ADMIN host-network"')
    good("run", "--rm", "--network=host", "--cap-add=net_admin", IMAGE, "true", user="alice")
    for options in (("--network=host",), ("--network=host", "--cap-add=net_admin", "--volume=/tmp:/tmp"), ("--device=/dev/null",),
                    ("--seccomp=unconfined",), ("--userns=host",), ("--pid=host", "--ipc=host", "--uts=host")):
        contains(dist("--no-ask-password", "run", "--rm", *options, IMAGE, "true", user="alice").err, "create-privileged")
    questions = asked("containers.create-privileged")
    for expected in ("host-network", "bind:/tmp capability:CAP_NET_ADMIN host-network", "device:/dev/null", "seccomp", "host-users",
                     "host-ipc host-pid host-uts"):
        assert any(f"privilege='{expected}'" in question for question in questions), (expected, questions)


def test_a_bind_of_an_own_directory_is_no_privilege():
    """A bind of a user's own directory needs no privilege if its ids can be mapped and its options only restrict it."""
    os.makedirs("/srv/owned")
    equal(run("mount", "-t", "tmpfs", "tmpfs", "/srv/owned").status, 0)
    os.makedirs("/srv/owned/hers/below")
    os.makedirs("/srv/owned/others")
    os.makedirs("/home/alice/unmappable")
    for name in ("hers/file", "link"):
        with open(f"/srv/owned/{name}", "w", encoding="utf-8") as file:
            file.write("hers\n")
    os.unlink("/srv/owned/link")
    os.symlink("hers", "/srv/owned/link")
    os.mknod("/srv/owned/hers/device", 0o666 | 0o020000, os.makedev(1, 3))
    run("chown", "-R", "alice:", "/srv/owned/hers", "/home/alice/unmappable")
    run("chown", "4243:4243", "/srv/owned/others")
    rule('["org.berth1.containers.create", "org.berth1.containers.manage-own"].indexOf(action.id) >= 0')
    for mount in ("hers:/x", "hers/file:/x", "link:/x", "hers:/x:ro", "hers:/x:rw", "hers:/x:nosuid,nodev,noexec", "hers:/x:private"):
        good("run", "--rm", f"--volume=/srv/owned/{mount}", IMAGE, "ls", "/x", user="alice")
    equal(asked("containers.create-privileged"), [])
    hers = [(f"/srv/owned/hers:/x:{option}", (), "bind:/srv/owned/hers") for option in ("rbind", "noidmap", "exec", "slave", "rslave", "noatime", "symfollow")]
    for mount, options, names in (*hers, ("/srv/owned/hers:/x", ("--userns=host",), "bind:/srv/owned/hers host-users"),
                                  ("/srv/owned/hers:/x", ("--privileged",), "seccomp"), ("/srv/owned/hers/device:/x", (), "bind:/srv/owned/hers/device"),
                                  ("/srv/owned/others:/x", (), "bind:/srv/owned/others"), ("/srv/owned:/x", (), "bind:/srv/owned"),
                                  # The root file system of the test machine does not support ID mapping.
                                  ("/home/alice/unmappable:/x", (), "bind:/home/alice/unmappable")):
        refused("create", f"--volume={mount}", *options, IMAGE, "true")
        contains(re.search("privilege='([^']*)'", asked("containers.create-privileged")[-1])[1], names)
    # In her own user namespace alice has all capabilities and can mount anything at the path.
    result = run("unshare", "-r", "-m", "sh", "-c", "mount -t tmpfs t /srv/owned/hers && exec "
                 f"dist --no-ask-password run --rm --volume=/srv/owned/hers:/x {IMAGE} true", user="alice")
    contains(result.err, "Permission denied")
    contains(asked("containers.create-privileged")[-1], "bind:/srv/owned/hers")
    equal(listing("ps", "-a"), [])
    run("umount", "-l", "/srv/owned")


def test_one_operation_asks_once():
    rule('action.id == "org.berth1.containers.create"')
    result = dist("--no-ask-password", "run", "--rm", IMAGE, "sh", "-c", "cat; exit 3", user="alice", input="text")
    equal((result.out, result.status), ("text", 3))
    questions = [question for question in asked() if "containers.inspect" not in question]
    equal(len(questions), 1, questions)
    details(questions[0], ("verb", "create"), ("image", IMAGE))
    equal(listing("ps", "-a"), [])


def test_permission_of_create_belongs_to_the_connection():
    rule('action.id == "org.berth1.containers.create"')
    good("create", "--id=hers", IMAGE, "sleep", "1000", user="alice")
    # Each further dist uses another connection of the same user.
    for verb in (("start", "hers"), ("exec", "hers", "true"), ("kill", "hers"), ("rm", "hers")):
        contains(refused(*verb), "manage-own")
    good("rm", "hers")


def test_mounting_an_image_needs_the_right_to_read_it():
    rule('action.id == "org.berth1.images.manage"')
    result = images_call("Mount", "sa{sv}", IMAGE, "0", user="alice")
    contains(result.err, "Access denied")
    details(asked("contents.read")[-1], ("verb", "mount"), ("image", IMAGE))


def test_contents_are_applied_with_a_right_of_its_own():
    rule('action.id == "org.berth1.contents.manage"')
    os.makedirs("/tmp/tree", exist_ok=True)
    digest = listing("content", "list")[0]["digest"]
    result = dist("--no-ask-password", "content", "apply", digest, "/tmp/tree", user="alice")
    contains(result.err, "Permission denied")
    details(asked("contents.apply")[-1], ("path", "/tmp/tree"), ("digest", digest))


# Makes 40 calls at once. The processes of those that end remain as zombies until a line is read.
FLOOD = """
import subprocess, sys
call = ["busctl", "--timeout=600", "call", "org.berth1", "/org/berth1/images", "org.berth1.Images", "Delete", "sa{sv}", "local.test/none:x", "0"]
calls = [subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(40)]
sys.stdin.readline()
for one in calls:
    print(one.communicate()[1].strip())
"""

# Clients that disconnect while their calls wait for polkit. Prints "refused" for each call that did not have to wait. The
# service and the bus handle messages in order: after a few further calls, the service has received the credentials of the
# client and has sent the question about the first call, or refused it.
LEAVE = """
import sys
from gi.repository import Gio, GLib
address = Gio.dbus_address_get_for_bus_sync(Gio.BusType.SYSTEM)

def ended(bus, result, errors):
    try:
        bus.call_finish(result)
    except GLib.Error as error:
        errors.append(error.message)

for _ in range(int(sys.argv[1])):
    bus = Gio.DBusConnection.new_for_address_sync(
        address, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION)
    errors = []
    bus.call("org.berth1", "/org/berth1/images", "org.berth1.Images", "Delete", GLib.Variant("(sa{sv})", ("local.test/none:x", {})),
             None, 0, 600000, None, ended, errors)
    for _ in range(6):
        bus.call_sync("org.berth1", "/org/berth1/containers", "org.berth1.Containers", "Unsubscribe", GLib.Variant("(a{sv})", ({},)), None, 0, 120000)
    while GLib.MainContext.default().iteration(False):
        pass
    print("refused " + errors[0] if errors and "too many" in errors[0] else "waited", flush=True)
    bus.close_sync()
"""


def leave(user, count):
    return run("setpriv", f"--reuid={user}", "--regid=nogroup", "--clear-groups", "/usr/bin/python3", "-c", LEAVE, count)


def test_calls_of_clients_that_left_count_until_polkit_answers():
    rule("false")
    run("systemctl", "kill", "-s", "STOP", "polkit")
    try:
        for user in ("bin", "games", "lp", "man", "news", "sys"):
            left = leave(user, "18")
            equal([line.split()[0] for line in left.out.splitlines()], ["waited"] * 16 + ["refused"] * 2, left)
        contains(leave("uucp", "1").out, "of all users")
        # The bus still accepts the calls that the service makes for other users.
        good("run", "--rm", IMAGE, "true")
    finally:
        run("systemctl", "kill", "-s", "CONT", "polkit")
    wait_until(lambda: leave("uucp", "1").out == "waited\n", "the answers")


def test_calls_that_wait_for_polkit_are_limited_per_user():
    rule("false")
    # polkit does not answer while it is stopped.
    run("systemctl", "kill", "-s", "STOP", "polkit")
    flood = subprocess.Popen(["runuser", "-u", "alice", "--", "/usr/bin/python3", "-c", FLOOD], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             text=True)
    try:
        wait_until(lambda: sum(line.startswith("Z") for line in run("ps", "-u", "alice", "-o", "stat").out.splitlines()) == 24,
                   "the others are refused at once")
        good("images", "-q")
    finally:
        run("systemctl", "kill", "-s", "CONT", "polkit")
    lines = flood.communicate("\n", timeout=180)[0].splitlines()
    equal((sum("too many calls" in line for line in lines), sum("Access denied" in line for line in lines)), (24, 16), lines)


# Each port is one question to polkit. A container may have as many ports as the bus allows pending replies.
PORTS = """
from gi.repository import Gio, GLib
bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)
loop = GLib.MainLoop()
left = [4]
def answered(bus, result):
    try:
        bus.call_finish(result)
        print("created", flush=True)
    except GLib.Error as error:
        print(error.message, flush=True)
    left[0] -= 1
    if not left[0]:
        loop.quit()
for number in range(left[0]):
    ports = GLib.Variant("as", [f"{port}:80" for port in range(20000, 20128)])
    arguments = GLib.Variant("(ssa{sv})", (f"ports{number}", "IMAGE", {"Ports": ports}))
    bus.call("org.berth1", "/org/berth1/containers", "org.berth1.Containers", "Create", arguments, None, 0, 600000, None, answered)
bus.flush_sync()
print("sent", flush=True)
loop.run()
"""


def test_questions_about_many_ports_leave_the_bus_to_others():
    rule("false")
    run("systemctl", "kill", "-s", "STOP", "polkit")
    client = subprocess.Popen(["runuser", "-u", "alice", "--", "/usr/bin/python3", "-c", PORTS.replace("IMAGE", IMAGE)],
                              stdout=subprocess.PIPE, text=True)
    try:
        equal(client.stdout.readline(), "sent\n")
        # Calls that wait for other replies on the bus still receive them.
        for _ in range(3):
            good("run", "--rm", IMAGE, "true")
    finally:
        run("systemctl", "kill", "-s", "CONT", "polkit")
    lines = client.communicate(timeout=180)[0].splitlines()
    equal(["AccessDenied" in line for line in lines], [True] * 4, lines)


IMPORT = """
import sys
from gi.repository import Gio, GLib
bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)
descriptors = Gio.UnixFDList.new()
archive = open(sys.argv[1])
handle = descriptors.append(archive.fileno())
arguments = GLib.Variant("(ha{sv})", (handle, {"Lease": GLib.Variant("s", sys.argv[2])}))
try:
    bus.call_with_unix_fd_list_sync("org.berth1", "/org/berth1/images", "org.berth1.Images", "Import", arguments, None, 0, -1, descriptors)
except GLib.Error as error:
    sys.exit(error.message)
"""


def contents_call(member, *arguments, **more):
    return call("/org/berth1/contents", "org.berth1.Contents", member, *arguments, **more)


def leases_call(member, *arguments, **more):
    return call("/org/berth1/leases", "org.berth1.Leases", member, *arguments, **more)


def same_error(there, absent, name, other):
    """Checks that the errors about another user's object and about an absent one differ only in the name."""
    assert there.status != 0 and absent.status != 0, (there, absent)
    equal(there.err.replace(name, "NAME"), absent.err.replace(other, "NAME"))


def test_a_lease_of_another_user_is_not_found():
    good("create", "--id=roots", IMAGE)
    leases_call("Create", "sa{sv}", "roots", "0")
    rule('["org.berth1.contents.write", "org.berth1.images.pull", "org.berth1.images.manage"].indexOf(action.id) >= 0')
    leases_call("Create", "sa{sv}", "hers", "0", user="alice")
    path = archive("/tmp/leased.tar", "local.test/leased:x")
    members = [lambda lease, member=member: images_call(member, "sa{sv}", IMAGE, "1", "Lease", "s", lease, user="alice")
               for member in ("Fetch", "Pull")]
    members.append(lambda lease: contents_call("Ingest", "stsa{sv}", f"of-{lease}", "0", "", "1", "Lease", "s", lease, user="alice"))
    members.append(lambda lease: run("runuser", "-u", "alice", "--", "/usr/bin/python3", "-c", IMPORT, path, lease))
    for member in members:
        same_error(member("roots"), member("absent"), "roots", "absent")
        contains(member("roots").err, 'there is no lease "roots"')
        result = member("hers")
        equal(result.status, 0, result)
    questions = [question for question in asked("contents.manage") if "lease='roots'" in question]
    details(questions[0], ("verb", "fetch"), ("owner", "0"))
    rule('["org.berth1.contents.write", "org.berth1.images.pull"].indexOf(action.id) >= 0 ||'
         ' action.id == "org.berth1.contents.manage" && action.lookup("lease") == "roots"')
    equal(members[0]("roots").status, 0)
    for name in ("roots", "hers"):
        leases_call("Delete", "sa{sv}", name, "0")
    good("rm", "roots")


def test_an_expired_lease_is_not_the_next_of_its_name():
    rule('action.id == "org.berth1.contents.write"')
    leases_call("Create", "sa{sv}", "name", "0", user="alice")
    equal(contents_call("Ingest", "stsa{sv}", "late", "0", "", "1", "Lease", "s", "name", user="alice").status, 0)
    leases_call("Delete", "sa{sv}", "name", "0", user="alice")
    leases_call("Create", "sa{sv}", "name", "0")
    result = contents_call("Commit", "stsa{sv}", "late", "0", "", "0", user="alice")
    contains(result.out, "sha256:")
    assert "sha256:" not in leases_call("List", "a{sv}", "0").out
    leases_call("Delete", "sa{sv}", "name", "0")


def test_objects_of_others_are_not_found():
    leases_call("Create", "sa{sv}", "roots", "0")
    good("create", "--id=roots", "--volume=roots:/x", IMAGE)
    run("sh", "-c", "printf x | dist content ingest roots --expected-size=2")
    rule('action.id == "org.berth1.contents.write"')
    volumes = "/org/berth1/volumes", "org.berth1.Volumes"
    digest = listing("content", "list")[0]["digest"]
    for member in (
            lambda name: leases_call("Delete", "sa{sv}", name, "0", user="alice"),
            lambda name: leases_call("Add", "sasa{sv}", name, "1", digest, "0", user="alice"),
            lambda name: call(*volumes, "Delete", "sa{sv}", name, "0", user="alice"),
            lambda name: contents_call("Status", "sa{sv}", name, "0", user="alice"),
            lambda name: contents_call("Commit", "stsa{sv}", name, "0", "", "0", user="alice"),
            lambda name: containers_call("Kill", "sia{sv}", name, "9", "0", user="alice"),
            lambda name: containers_call("Update", "sa{sv}a{sv}", name, "1", "TasksMax", "t", "9", "0", user="alice"),
            lambda name: containers_call("Rename", "ssa{sv}", name, "x", "0", user="alice")):
        same_error(member("roots"), member("absent"), "roots", "absent")
        contains(member("roots").err, 'no')
    for path in ("leases", "volumes"):
        interface = f"org.berth1.{path.capitalize()}"
        equal(call(f"/org/berth1/{path}", interface, "List", "a{sv}", "0", user="alice").out.split()[-1], "0")
    # A transfer is addressed by a path, whose number must not reveal whether the transfer exists.
    number = images_call("Unpack", "sa{sv}", IMAGE, "0").out.split("/")[-1].strip().strip('"')
    assert f"/{number}" not in call("/org/berth1/transfers", "org.berth1.Transfers", "List", "a{sv}", "0", user="alice").out
    for member in ("Wait", "Cancel"):
        there, absent = (call(f"/org/berth1/transfers/{which}", "org.berth1.Transfer", member, user="alice")
                         for which in (number, "99999999"))
        same_error(there, absent, f'"{number}"', '"99999999"')
    contents_call("Abort", "sa{sv}", "roots", "0")
    good("rm", "roots")
    good("volume", "rm", "roots")
    leases_call("Delete", "sa{sv}", "roots", "0")


def test_answers_of_the_bus_library_reveal_nothing():
    """Introspection, and calls with arguments of a wrong type, do not reveal whether an object exists."""
    good("create", "--id=roots", IMAGE)
    transfer = images_call("Unpack", "sa{sv}", IMAGE, "0").out.split('"')[1]
    rule("false")
    for there, absent, interface, member in (("/org/berth1/containers/roots", "/org/berth1/containers/absent", "Container", "Stop"),
                                             (transfer, "/org/berth1/transfers/99999999", "Transfer", "Wait")):
        for call_one in (lambda path: call(path, "org.freedesktop.DBus.Introspectable", "Introspect", user="alice"),
                         lambda path, which=(interface, member): call(path, f"org.berth1.{which[0]}", which[1], "s", "x", user="alice"),
                         lambda path, which=interface: call(path, f"org.berth1.{which}", "Nothing", user="alice"),
                         lambda path, which=interface: call(path, "org.freedesktop.DBus.Properties", "GetAll", "s", f"org.berth1.{which}",
                                                            user="alice")):
            answers = [call_one(path) for path in (there, absent)]
            equal(*[repr(answer).replace(path.split("/")[-1], "NAME") for answer, path in zip(answers, (there, absent))])
    good("rm", "roots")


def test_rules_see_changed_properties_and_none_weakens_isolation():
    rule('action.id == "org.berth1.containers.create" || action.id == "org.berth1.containers.manage-own" && '
         '[undefined, "CPUWeight TasksMax"].indexOf(action.lookup("property")) >= 0')
    good("run", "-d", "--id=hers", IMAGE, "sleep", "1000", user="alice")
    good("update", "hers", "TasksMax=77", "CPUWeight=50", user="alice")
    refused("update", "hers", "MemoryMax=1G")
    details(asked("containers.manage-own")[-1], ("verb", "update"), ("property", "MemoryMax"))
    rule('action.id != "org.berth1.containers.create-privileged"')
    for name in ("MemoryMin", "MemoryLow", "ManagedOOMPreference"):
        value = ("s", "omit") if name.startswith("Managed") else ("t", "4096")
        result = containers_call("Update", "sa{sv}a{sv}", "hers", "1", name, *value, "0", user="alice")
        contains(result.err, "Access denied")
        details(asked("containers.create-privileged")[-1], ("verb", "update"), ("privilege", f"property:{name}"))
    # No user may set properties that would weaken the isolation, such as the device policy.
    for name, *value in (("DevicePolicy", "s", "auto"), ("DeviceAllow", "a(ss)", "1", "/dev/mem", "rw"), ("Delegate", "b", "1"),
                         ("Slice", "s", "system.slice"), ("BPFProgram", "a(ss)", "0"), ("IPAddressAllow", "a(iayu)", "0"),
                         ("DisableControllers", "as", "0"), ("KillMode", "s", "none"), ("OOMPolicy", "s", "continue")):
        for user in ("alice", None):
            result = containers_call("Update", "sa{sv}a{sv}", "hers", "1", name, *value, "0", **({"user": user} if user else {}))
            contains(result.err, name)
    equal(run("systemctl", "show", "-P", "DevicePolicy", "berth-hers.scope").out.strip(), "closed")
    good("rm", "-f", "hers")


def test_rules_see_the_privileges_of_a_process_object():
    rule('action.id != "org.berth1.containers.create-privileged" && action.id != "org.berth1.containers.exec"')
    good("run", "-d", "--id=hers", IMAGE, "sleep", "1000", user="alice")
    for process, capabilities in (({"args": ["true"]}, ""), ({}, ""),
                                  ({"args": ["true"], "capabilities": {"bounding": ["CAP_SYS_ADMIN", "CAP_CHOWN", "CAP_NET_RAW"]}},
                                   "capability:CAP_NET_RAW capability:CAP_SYS_ADMIN "),
                                  ({"capabilities": dict.fromkeys(("bounding", "permitted", "inheritable", "ambient"), ["CAP_SYS_PTRACE"])},
                                   "capability:CAP_SYS_PTRACE ")):
        text = json.dumps({"cwd": "/", "user": {"uid": 0, "gid": 0}, **process})
        result = containers_call("Exec", "ssasa{sv}", "hers", "p", "1", "true", "1", "Spec", "s", text, user="alice")
        contains(result.err, "Access denied")
        details(asked("containers.create-privileged")[-1], ("verb", "exec"), ("privilege", f"{capabilities}new-privileges spec"))
    good("rm", "-f", "hers")


def test_paths_refer_to_the_mount_namespace_of_the_host():
    """A container gets the host's file at the path that polkit was asked about, or its start fails. The caller's mount
    namespace, which may have another file there, does not count."""
    for path in ("/tmp/mine", "/tmp/claimed", "/tmp/a b"):
        os.makedirs(path, exist_ok=True)
    run("chown", "alice:", "/tmp/mine")
    os.makedirs("/tmp/bundle", exist_ok=True)
    with open("/tmp/bundle/config.json", "w", encoding="utf-8") as file:
        json.dump({"ociVersion": "1.0.2", "root": {"path": "/tmp/claimed"}, "process": {"cwd": "/", "args": ["/true"], "user": {"uid": 0, "gid": 0}},
                   "linux": {"namespaces": [{"type": kind} for kind in ("mount", "pid", "network", "ipc", "uts")]}}, file)
    rule('["org.berth1.containers.create", "org.berth1.containers.manage-own"].indexOf(action.id) >= 0 || '
         '(action.lookup("privilege") || "").indexOf("/tmp/claimed") >= 0')
    for option, word in ((f"--volume=/tmp/claimed:/x {IMAGE} true", "bind"), ("--bundle=/tmp/bundle", "root-directory")):
        script = f"mount --bind /tmp/mine /tmp/claimed && exec dist --no-ask-password run --rm {option}"
        result = run("unshare", "-r", "-m", "sh", "-c", script, user="alice")
        equal(result.status, 125, result)
        contains(result.err, "/tmp/claimed was replaced since it was given to the container")
        contains(asked("containers.create-privileged")[-1], f"{word}:/tmp/claimed")
    refused("run", "--volume=/tmp/a b:/x", IMAGE, "true")
    details(asked("containers.create-privileged")[-1], ("privilege", "bind:/tmp/a\\x20b"))
    equal(listing("ps", "-a"), [])


CREATOR = """
import os, sys
from gi.repository import Gio, GLib
bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)
box = "creators"
def call(member, signature, *arguments):
    try:
        return bus.call_with_unix_fd_list_sync("org.berth1", "/org/berth1/containers", "org.berth1.Containers", member,
                                               GLib.Variant(signature, arguments), None, 0, 120000, None)
    except GLib.Error as error:
        print(member, Gio.dbus_error_get_remote_error(error))
        return None, None
text = lambda value: GLib.Variant("as", value)
call("Create", "(ssa{sv})", box, sys.argv[1], {"Command": text(["sh", "-c", "read line; exit 7"]), "Terminal": GLib.Variant("b", True)})
call("Start", "(sa{sv})", box, {})
call("Resize", "(ssuua{sv})", box, "", 24, 80, {})
call("Kill", "(sia{sv})", box, 9, {})
call("Attach", "(ssa{sv})", box, "", {})
call("Detach", "(ssa{sv})", box, "", {})
call("CloseStdin", "(ssa{sv})", box, "", {})
answer, descriptors = call("OpenTerminal", "(ssa{sv})", box, "", {})
terminal = descriptors.get(0)
os.write(terminal, b"go on\\n")
print(call("Wait", "(ssa{sv})", box, "", {})[0].unpack()[0])
print(call("Delete", "(sa{sv})", box, {})[0].unpack()[0])
"""


def test_the_creator_may_use_the_terminal_and_remove_its_container():
    rule('action.id == "org.berth1.containers.create"')
    result = run("/usr/bin/python3", "-c", CREATOR, IMAGE, user="alice")
    lines = result.out.splitlines()
    equal([line for line in lines if "AccessDenied" in line or "Interactive" in line], ["Kill org.freedesktop.DBus.Error.AccessDenied"], result)
    equal(lines[-2:], ["7", "7"], result)
    equal(len([question for question in asked() if "verb='kill'" not in question and "containers.inspect" not in question]), 1)
    equal(listing("ps", "-a"), [])


def test_right_to_manage_includes_the_right_to_see():
    good("create", "--id=roots", IMAGE)
    for action, seen in (("manage", ["roots"]), ("exec", [])):
        allow("alice", f'action.id == "org.berth1.containers.{action}"')
        equal([row["id"] for row in listing("ps", "-a", user="alice")], seen)
    good("rm", "roots")


HEAVY = """
from gi.repository import Gio, GLib
bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)
loop, answers = GLib.MainLoop(), []
def answered(bus, result):
    try:
        bus.call_finish(result)
    except GLib.Error as error:
        answers.append(error.message)
    if "too many calls" in answers[-1]:
        print("limited", flush=True)
    if len(answers) == 11:
        loop.quit()
for number in range(11):
    spec = "x" * 500000
    arguments = GLib.Variant("(ssa{sv})", (f"c{number}", "", {"Spec": GLib.Variant("s", spec)}))
    bus.call("org.berth1", "/org/berth1/containers", "org.berth1.Containers", "Create", arguments, None, 0, 600000, None, answered)
loop.run()
"""


def test_bytes_of_calls_that_wait_for_polkit_are_limited_per_user():
    rule("false")
    run("systemctl", "kill", "-s", "STOP", "polkit")
    heavy = subprocess.Popen(["runuser", "-u", "alice", "--", "/usr/bin/python3", "-c", HEAVY], stdout=subprocess.PIPE, text=True)
    try:
        # Six of these calls are smaller than 3 MiB in total.
        equal([heavy.stdout.readline() for _ in range(5)], ["limited\n"] * 5)
    finally:
        run("systemctl", "kill", "-s", "CONT", "polkit")
    equal((heavy.communicate(timeout=180)[0], heavy.returncode), ("", 0))


def test_a_rule_for_a_configuration_grants_nothing_else_with_it():
    """A rule that allows one configuration refuses the same configuration with any additional privilege."""
    names = "all-devices host-gids:700000-765535 host-uids:700000-765535 new-privileges seccomp spec unmasked"
    rule(f'action.id != "org.berth1.containers.create-privileged" || action.lookup("privilege") == "{names}"')
    kinds = ("mount", "pid", "network", "user", "ipc", "uts", "cgroup")
    ids = [{"containerID": 0, "hostID": 700000, "size": 65536}]

    def create(rest=None, **of_linux):
        config = {"ociVersion": "1.0.2", "root": {"path": "rootfs"},
                  "process": {"args": ["/bin/true"], "cwd": "/", "user": {"uid": 0, "gid": 0}},
                  "linux": {"namespaces": [{"type": kind} for kind in kinds], "uidMappings": ids, "gidMappings": ids, **of_linux},
                  **(rest or {})}
        return containers_call("Create", "ssa{sv}", "hers", IMAGE, "1", "Spec", "s", json.dumps(config), user="alice")

    equal(create().status, 0)
    equal(dist("start", "-a", "hers", user="alice").status, 0)
    good("rm", "hers")
    hook = {"hooks": {"createRuntime": [{"path": "/bin/sh", "args": ["sh", "-c", "touch /run/hooked"]}]}}
    joined = [{"type": kind, **({"path": "/proc/1/ns/net"} if kind == "network" else {})} for kind in kinds]
    for result, name in ((create(hook), "hook:/bin/sh\\x20sh\\x20-c\\x20touch\\x5cx20/run/hooked"),
                         (create(namespaces=joined), "namespace:/proc/1/ns/net"),
                         (create(namespaces=[{"type": kind} for kind in kinds if kind != "pid"]), "host-pid"),
                         (create(uidMappings=[{"containerID": 0, "hostID": 0, "size": 65536}]), "host-uids:0-65535"),
                         (create({"mounts": [{"destination": "/x", "type": "ext4", "source": "/dev/vda"}]}), "mount:ext4:/dev/vda")):
        contains(result.err, "Access denied")
        assert any(name in question for question in asked("containers.create-privileged")), (name, asked("containers.create-privileged"))
    assert not os.path.exists("/run/hooked")


def test_a_path_is_named_as_what_it_leads_to():
    """A rule that allows paths below a directory allows none that begins there and leads elsewhere."""
    os.makedirs("/srv/allowed", exist_ok=True)
    os.makedirs("/dev/allowed", exist_ok=True)
    kinds = ("pid", "network", "ipc", "uts", "mount", "cgroup", "user")

    def join(path):
        return {"namespaces": [{"type": kind, **({"path": path} if kind == "network" else {})} for kind in kinds]}

    for place, config in (
            ("bind:/srv/allowed/", lambda path: plain_spec("true", mounts=[{"destination": "/tmp", "type": "bind", "source": path}])),
            ("mount:ext4:/srv/allowed/", lambda path: plain_spec("true", mounts=[{"destination": "/tmp", "type": "ext4", "source": path}])),
            ("namespace:/srv/allowed/", lambda path: plain_spec("true", **join(path))),
            ("hook:/srv/allowed/", lambda path: plain_spec("true", rest={"hooks": {"createRuntime": [{"path": path}]}})),
            ("seccomp-listener:/srv/allowed/",
             lambda path: plain_spec("true", seccomp={"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": path})),
            ("device:/dev/allowed/", None)):
        rule('action.id != "org.berth1.containers.create-privileged" || action.lookup("privilege").split(" ").every(function(name) {'
             f'return ["spec", "seccomp", "unmasked"].indexOf(name) >= 0 || name.indexOf("{place}") == 0; }})')
        below = place[place.index("/"):]
        for path, named in ((f"{below}../{'null' if not config else 'etc'}", None), (f"/.{below}/./x", f"{place}x"), (f"/{below}/x/", f"{place}x")):
            if config:
                result = create_spec("led", IMAGE, config(path), user="alice")
            else:
                result = containers_call("Create", "ssa{sv}", "led", IMAGE, "1", "Devices", "as", "1", path, user="alice")
            if named:
                contains(re.search("privilege='([^']*)'", asked("containers.create-privileged")[-1])[1].split(), named)
                dist("rm", "led")
            else:
                contains(result.err, f'the path "{path}" contains ".."')
        equal(listing("ps", "-a"), [])
    profile = json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/srv/allowed/../etc"})
    result = containers_call("Create", "ssa{sv}", "led", IMAGE, "1", "Seccomp", "s", profile)
    equal(result.status, 0, "root names any socket")
    good("rm", "led")
    rule('action.lookup("privilege") != "seccomp"')
    result = containers_call("Create", "ssa{sv}", "led", IMAGE, "1", "Seccomp", "s", profile, user="alice")
    contains(result.err, 'the path "/srv/allowed/../etc" contains ".."')
    rule('action.id != "org.berth1.containers.create-privileged" || action.lookup("privilege") == "seccomp"')
    result = containers_call("Create", "ssa{sv}", "led", IMAGE, "1", "Seccomp", "s", profile.replace("/..", ""), user="alice")
    contains(result.err, "Access denied")
    contains(asked("containers.create-privileged")[-1], "privilege='seccomp seccomp-listener:/srv/allowed/etc'")
    os.rmdir("/dev/allowed")
    os.rmdir("/srv/allowed")


def plain_spec(command, process=None, mounts=(), rest=None, **of_linux):
    """Returns a configuration like that of "runc spec", with a user namespace whose ids the service chooses."""
    capabilities = ["CAP_KILL", "CAP_NET_BIND_SERVICE"]
    return {"ociVersion": "1.0.2", "root": {"path": "rootfs", "readonly": True}, "hostname": "runc",
            "process": {"args": ["sh", "-c", command], "cwd": "/", "env": ["PATH=/bin"], "user": {"uid": 0, "gid": 0},
                        "capabilities": dict.fromkeys(("bounding", "effective", "permitted"), capabilities),
                        "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}], "noNewPrivileges": True, **(process or {})},
            "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
                       {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
                       {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
                        "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]},
                       {"destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": ["nosuid", "noexec", "nodev", "mode=1777"]},
                       {"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue", "options": ["nosuid", "noexec", "nodev"]},
                       {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
                       {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["nosuid", "noexec", "nodev", "ro"]}, *mounts],
            "linux": {"namespaces": [{"type": kind} for kind in ("pid", "network", "ipc", "uts", "mount", "cgroup", "user")],
                      "resources": {"devices": [{"allow": False, "access": "rwm"}]},
                      "maskedPaths": ["/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
                                      "/proc/timer_stats", "/proc/sched_debug", "/sys/firmware", "/proc/scsi"],
                      "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"], **of_linux},
            **(rest or {})}


def create_spec(name, image, config, **more):
    return containers_call("Create", "ssa{sv}", name, image, "1", "Spec", "s", json.dumps(config), **more)


def test_a_configuration_without_privileges_needs_only_create():
    """Such a container is isolated like one created from options, even if its configuration does not ask for it."""
    rule('["org.berth1.containers.create", "org.berth1.containers.manage-own"].indexOf(action.id) >= 0')
    look = ("cat /proc/self/uid_map /proc/self/gid_map; grep -E '^(NoNewPrivs|Seccomp|CapBnd):' /proc/self/status; "
            "wc -c </proc/interrupts; head -c 1 /proc/kcore | wc -c; echo >/proc/sysrq-trigger; "
            "mknod /dev/shm/m c 1 1 || echo no node; mount -t tmpfs t /dev/shm || echo no mount")
    before = len(asked("containers.create-privileged"))
    result = create_spec("plain", IMAGE, plain_spec(look, rest={"annotations": {"org.berth1.seccomp": "unconfined", "org.berth1.root": "/"}}), user="alice")
    equal(result.status, 0, result)
    result = dist("start", "-a", "plain", user="alice")
    lines = result.out.split("\n")
    for line in lines[:2]:
        inside, outside, count = (int(field) for field in line.split())
        assert inside == 0 and outside >= 65536 and count == 65536, result
    equal([line.split() for line in lines[2:5]], [["CapBnd:", f"{1 << 5 | 1 << 10:016x}"], ["NoNewPrivs:", "1"], ["Seccomp:", "2"]], result)
    equal([line.strip() for line in lines[5:9]], ["0", "0", "no node", "no mount"], result)
    contains(result.err, "sysrq-trigger")
    equal(len(asked("containers.create-privileged")), before)
    good("rm", "plain", user="alice")


def test_a_configuration_may_bind_own_directories():
    """A configuration may bind own directories: dist passes descriptors of them, which the service checks."""
    os.makedirs("/srv/owned", exist_ok=True)
    equal(run("mount", "-t", "tmpfs", "tmpfs", "/srv/owned").status, 0)
    os.makedirs("/srv/owned/hers/below")
    os.makedirs("/srv/owned/others")
    run("chown", "-R", "alice:", "/srv/owned/hers")
    rule('["org.berth1.containers.create", "org.berth1.containers.manage-own"].indexOf(action.id) >= 0')

    def bind(source, *options, destination="/dev/shm", **more):
        return {"destination": destination, "type": "bind", "source": f"/srv/owned/{source}", "options": ["bind", *options], **more}

    def create_bound(name, config):
        with open("/tmp/bound.json", "w", encoding="utf-8") as file:
            json.dump(config, file)
        return dist("--no-ask-password", "create", f"--id={name}", "--spec=/tmp/bound.json", IMAGE, user="alice")

    look = "stat -c %u /dev/shm; touch /dev/shm/made; grep ' /dev/shm ' /proc/self/mounts"
    for options in ((), ("rw", "private"), ("nosuid", "nodev", "noexec", "rprivate")):
        result = create_bound("bound", plain_spec(look, mounts=[bind("hers", *options)]))
        equal(result.status, 0, result)
        out = good("start", "-a", "bound", user="alice")
        equal(out.splitlines()[0], "0", out)
        contains(out, "rw,nosuid,nodev")
        good("rm", "bound", user="alice")
    equal(os.stat("/srv/owned/hers/made").st_uid, 4242)
    equal(asked("containers.create-privileged"), [])
    hers = [(bind("hers", option), "bind:/srv/owned/hers") for option in ("rbind", "exec", "suid", "slave", "rshared", "tmpcopyup", "noatime", "anything")]
    ids = [{"containerID": 0, "hostID": 4243, "size": 1}]
    for mount, name in (*hers, (bind("others"), "bind:/srv/owned/others"), (bind("hers", "idmap"), "idmap:/srv/owned/hers"),
                        (bind("hers", "x-berth.owned=0"), "idmap:/srv/owned/hers"), (bind("hers", "x-berth.volume"), "bind:/srv/owned/hers"),
                        (bind("hers", uidMappings=ids, gidMappings=ids), "idmap:/srv/owned/hers")):
        contains(create_bound("weak", plain_spec("true", mounts=[mount])).err, "Permission denied")
        contains(re.search("privilege='([^']*)'", asked("containers.create-privileged")[-1])[1].split(), name)
    contains(create_bound("weak", plain_spec("true", mounts=[bind("hers", destination="//")])).err,
             'the mount point "//" is not an absolute path below the root')
    # Without a user namespace, a directory does not count as the user's own.
    kinds = [{"type": kind} for kind in ("pid", "network", "ipc", "uts", "mount", "cgroup")]
    create_bound("weak", plain_spec("true", mounts=[bind("hers")], namespaces=kinds))
    contains(re.search("privilege='([^']*)'", asked("containers.create-privileged")[-1])[1].split(), "bind:/srv/owned/hers")
    # Only the descriptor counts, not the path that is passed with it.
    create_bound("exchanged", plain_spec("ls /dev/shm", mounts=[bind("hers")]))
    os.rename("/srv/owned/hers", "/srv/owned/away")
    os.rename("/srv/owned/others", "/srv/owned/hers")
    contains(dist("start", "-a", "exchanged", user="alice").err, "was replaced since it was given")
    good("rm", "exchanged", user="alice")
    equal(listing("ps", "-a"), [])
    run("umount", "-l", "/srv/owned")


def test_each_weakening_of_a_configuration_is_refused_by_name():
    rule('action.id == "org.berth1.containers.create"')
    kinds = ("pid", "network", "ipc", "uts", "mount", "cgroup", "user")
    ids = [{"containerID": 0, "hostID": 1000, "size": 1}]
    cases = [({"namespaces": [{"type": kind} for kind in kinds if kind != missing]}, f"host-{name}")
             for missing, name in (("pid", "pid"), ("network", "network"), ("ipc", "ipc"), ("cgroup", "cgroup"), ("user", "users"))]
    cases += [({"process": process}, name) for process, name in (
        ({"noNewPrivileges": False}, "new-privileges"), ({"oomScoreAdj": -5}, "oom-score"), ({"apparmorProfile": "a"}, "label:a"),
        ({"capabilities": {"bounding": ["CAP_SYS_ADMIN"]}}, "capability:CAP_SYS_ADMIN"), ({"later": 1}, "unknown:process.later"))]
    cases += [({"mounts": [{"destination": "/x", **mount}]}, name) for mount, name in (
        ({"type": "bind", "source": "/etc"}, "bind:/etc"), ({"type": "overlay", "source": "o", "options": ["lowerdir=/etc"]}, "mount:overlay:o"),
        ({"type": "proc"}, "unmasked"), ({"type": "cgroup", "options": ["release_agent=/x"]}, "mount-option:cgroup:release_agent=/x"))]
    cases += [({"uidMappings": ids, "gidMappings": ids}, "host-uids:1000-1000"), ({"resources": {}}, "all-devices"), ({"maskedPaths": []}, "unmasked"),
              ({"seccomp": {"defaultAction": "SCMP_ACT_ALLOW"}}, "seccomp"), ({"cgroupsPath": "system.slice:berth:x"}, "slice:system.slice"),
              ({"sysctl": {"net.ipv4.ip_forward": "1"}}, "sysctl:net.ipv4.ip_forward"), ({"rootfsPropagation": "shared"}, "root-propagation"),
              *(({"devices": [{"path": path, "type": "c", "major": major, "minor": minor}]}, name) for path, major, minor, name in (
                  ("/dev/fuse", 10, 229, "device:/dev/fuse"), ("/dev/fuse", 1, 1, "device:/dev/char/1:1"), ("/dev/m", 1, 1, "device:/dev/char/1:1"))),
              ({"later": 1}, "unknown:linux.later"),
              ({"rest": {"hooks": {"poststop": [{"path": "/bin/sh"}]}}}, "hook:/bin/sh")]
    for changes, name in cases:
        result = create_spec("weak", IMAGE, plain_spec("true", **changes), user="alice")
        contains(result.err, "Access denied")
        questions = asked("containers.create-privileged")
        names_asked = re.findall("privilege='([^']*)'", questions[-1] if questions else "")
        assert names_asked and {name, "spec"} <= set(names_asked[0].split()), (name, questions[-1:], result)
    equal(listing("ps", "-a"), [])


def test_a_rule_sees_every_object_that_a_member_names():
    """For each kind of call on objects of root, polkit is asked as the table of rights documents. Other tests cover the
    remaining details: ports and slices (test-ports.py), cgroups (test-units.py), credentials (test-remotes.py)."""
    good("pull", IMAGE)
    good("create", "--id=named", IMAGE, "true")
    good("volume", "create", "namedvolume")
    good("lease", "create", "namedlease")
    target = image_digest(IMAGE)
    equal(call("/org/berth1/contents", "org.berth1.Contents", "Ingest", "stsa{sv}", "namedingest", "1", "", "0").status, 0)
    transfer = images_call("Fetch", "sa{sv}", IMAGE, "0").out.split('"')[1]
    rule('action.id == "org.berth1.containers.inspect"')
    owned = {"container": "named", "image": IMAGE, "owner": "0"}
    rows = [
        ("Transfer", "Cancel", ("a{sv}", "0"), "images.manage", {"transfer": transfer.split("/")[-1], "reference": IMAGE, "owner": "0"}),
        ("Volumes", "Create", ("sa{sv}", "n", "0"), "containers.create", {"volume": "n"}),
        ("Volumes", "Delete", ("sa{sv}", "namedvolume", "0"), "containers.manage", {"volume": "namedvolume", "owner": "0"}),
        ("Leases", "Create", ("sa{sv}", "n", "0"), "contents.write", {"lease": "n"}),
        ("Leases", "Add", ("sasa{sv}", "namedlease", "1", target, "0"), "contents.manage", {"lease": "namedlease", "owner": "0"}),
        ("Leases", "Delete", ("sa{sv}", "namedlease", "0"), "contents.manage", {"lease": "namedlease", "owner": "0"}),
        ("Contents", "Ingest", ("stsa{sv}", "r", "1", target, "0"), "contents.write", {"reference": "r", "digest": target}),
        ("Contents", "Commit", ("stsa{sv}", "namedingest", "1", target, "0"), "contents.manage", {"reference": "namedingest", "digest": target}),
        ("Contents", "Abort", ("sa{sv}", "namedingest", "0"), "contents.manage", {"reference": "namedingest"}),
        *(("Contents", member, ("sa{sv}", target, "0"), action, {"digest": target})
          for member, action in (("Info", "contents.read"), ("Open", "contents.read"), ("Explain", "contents.read"), ("Delete", "contents.manage"))),
        ("Contents", "Read", ("stta{sv}", target, "0", "1", "0"), "contents.read", {"digest": target}),
        ("Contents", "SetLabels", ("sa{ss}a{sv}", target, "0", "0"), "contents.manage", {"digest": target}),
        ("Contents", "PushObject", ("ssa{sv}", target, f"{HOST}/x:1", "0"), "images.push", {"digest": target, "reference": f"{HOST}/x:1"}),
        ("Images", "Put", ("s(sst)a{ss}a{sv}", IMAGE, "a/b", target, "1", "0", "0"), "images.manage", {"image": IMAGE, "digest": target, "replaced": target}),
        ("Images", "Rename", ("ssa{sv}", IMAGE, "n:1", "0"), "images.manage", {"image": IMAGE, "digest": target, "reference": "n:1"}),
        *(("Images", member, ("sa{sv}", IMAGE, "0"), "images.manage", {"image": IMAGE, "digest": target}) for member in ("Delete", "Mount")),
        ("Images", "Push", ("ssa{sv}", IMAGE, f"{HOST}/x:1", "0"), "images.push", {"image": IMAGE, "reference": f"{HOST}/x:1"}),
        ("Images", "Search", ("ssa{sv}", HOST, "x", "0"), "images.pull", {"reference": HOST}),
        ("Images", "Authenticate", ("sa{sv}", HOST, "0"), "images.pull", {"reference": HOST}),
        *(("Images", member, ("sa{sv}", IMAGE, "0"), action, {"image": IMAGE})
          for member, action in (("Get", "images.inspect"), ("Inspect", "images.inspect"), ("Describe", "images.inspect"),
                                 ("Verify", "images.pull"), ("Unpack", "images.pull"))),
        ("Images", "Resolve", ("sa{sv}", IMAGE, "1", "Insecure", "b", "1"), "images.pull", {"reference": IMAGE, "insecure": "yes"}),
        ("Networks", "Create", ("sa{sv}", "n", "2", "Subnet", "s", "10.99.0.0/24", "Subnet6", "s", "fd99::/64"), "networks.manage",
         {"network": "n", "subnet": "10.99.0.0/24 fd99::/64"}),
        ("Networks", "Delete", ("sa{sv}", "n", "0"), "networks.manage", {"network": "n"}),
        *(("Containers", member, ("sa{sv}", "named", "0"), action, owned) for member, action in (
            ("Start", "containers.manage"), ("Stop", "containers.manage"), ("Delete", "containers.manage"), ("Pause", "containers.manage"),
            ("Diff", "containers.manage"), ("Checkpoint", "containers.checkpoint"), ("Restore", "containers.restore"),
            ("Changes", "containers.exec"), ("Logs", "containers.exec"))),
        ("Containers", "Update", ("sa{sv}a{sv}", "named", "1", "TasksMax", "t", "9", "0"), "containers.manage", {**owned, "property": "TasksMax"}),
        ("Containers", "Rename", ("ssa{sv}", "named", "n", "0"), "containers.manage", owned),
    ]
    for interface, member, arguments, _action, _named in rows:
        path = transfer if interface == "Transfer" else f"/org/berth1/{interface.lower()}"
        result = call(path, f"org.berth1.{interface}", member, *arguments, user="alice")
        assert result.status != 0, (interface, member, result)
    questions = asked()
    for interface, member, _arguments, action, named in rows:
        found = [question for question in questions if f"[Action id='org.berth1.{action}'" in question and
                 all(f" {key}='{value}'" in question for key, value in named.items())]
        assert found, (interface, member, action, named, [question for question in questions if action in question])
    contents_call("Abort", "sa{sv}", "namedingest", "0")
    good("lease", "rm", "namedlease")
    good("volume", "rm", "namedvolume")
    good("rm", "named")


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
