# SPDX-License-Identifier: LGPL-2.1-or-later
# The matrix of polkit actions and members of the bus. For each action, alice is granted this action alone, and calls
# every member with her own objects, with root's objects and with absent ones. Only calls that the action allows
# succeed, no other call changes root's objects, and no reply reveals them.

import os
import re
import sqlite3
import sys
import xml.etree.ElementTree as ElementTree

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
from caller import Caller
import oci

IMAGE = f"{HOST}/matrix/base:x"
PRIVATE = f"{HOST}/matrix/private:x"
SOURCE = os.path.join(os.path.dirname(__file__), "..", "..", "introspection")
POLICY = "/usr/share/polkit-1/actions/org.berth1.policy"
# As the containers' init, "sleep" ignores SIGTERM. With the default timeout, a stop would take longer than the caller
# waits.
QUICK = "--stop-timeout=1"
# This text is in root's objects and in none of alice's requests, so a reply that contains it reveals an object of root.
SECRET = "onlyrootknows"

PATHS = {
    "Images": "/org/berth1/images", "Contents": "/org/berth1/contents", "Leases": "/org/berth1/leases",
    "Volumes": "/org/berth1/volumes", "Containers": "/org/berth1/containers",
    "Transfers": "/org/berth1/transfers", "Networks": "/org/berth1/networks", "Pods": "/org/berth1/pods",
}

# The actions with which each member may succeed: first for alice's own objects, then for objects of others. A member
# that is not listed may not succeed with any single action.
PULL = {"images.pull"}
READ = {"contents.read", "contents.manage"}
LOOK = {"images.inspect", "images.manage"}
WRITE = {"contents.write"}
INSPECT = {"containers.inspect", "containers.manage"}
MINE = {"containers.manage-own"}
MANAGE = {"containers.manage"}
ANY = "any"
ALLOWED = {
    "Images.Resolve": (PULL, PULL), "Images.Authenticate": (PULL, PULL), "Images.Search": (PULL, PULL), "Images.Fetch": (PULL, PULL),
    "Images.Pull": (PULL, PULL), "Images.Unpack": (PULL, PULL), "Images.Verify": (PULL, PULL),
    "Images.Push": ({"images.push"}, {"images.push"}),
    "Images.Import": ({"images.manage"}, {"images.manage"}), "Images.Put": ({"images.manage"}, {"images.manage"}),
    "Images.Delete": ({"images.manage"}, {"images.manage"}), "Images.DeleteMany": ({"images.manage"}, {"images.manage"}),
    "Images.Rename": ({"images.manage"}, {"images.manage"}),
    "Images.Mount": ({"images.manage"}, {"images.manage"}), "Images.Prune": ({"images.manage"}, {"images.manage"}),
    "Images.Export": (READ, READ),
    "Images.Get": (LOOK, LOOK), "Images.List": (LOOK, LOOK), "Images.Inspect": (LOOK, LOOK), "Images.Describe": (LOOK, LOOK),
    "Contents.Info": (READ, READ), "Contents.List": (READ, READ), "Contents.Open": (READ, READ),
    "Contents.Read": (READ, READ), "Contents.Explain": (READ, READ), "Contents.Usage": (READ, READ),
    "Contents.Delete": ({"contents.manage"}, {"contents.manage"}),
    "Contents.SetLabels": ({"contents.manage"}, {"contents.manage"}),
    "Contents.Verify": ({"contents.manage"}, {"contents.manage"}),
    "Contents.Apply": ({"contents.apply"}, {"contents.apply"}),
    "Contents.Ingest": (WRITE, WRITE), "Contents.Commit": (WRITE, WRITE), "Contents.Abort": (WRITE, WRITE),
    "Contents.Status": (ANY, READ | INSPECT), "Contents.ListIngests": (ANY, ANY),
    "Contents.FetchObject": (PULL, PULL), "Contents.PushObject": ({"images.push"}, {"images.push"}),
    "Leases.Create": (WRITE, WRITE), "Leases.Add": (WRITE, {"contents.manage"}),
    "Leases.Delete": (WRITE, {"contents.manage"}), "Leases.List": (ANY, ANY),
    "Volumes.Create": ({"containers.create"}, {"containers.create"}), "Volumes.Delete": (MINE, MANAGE),
    "Volumes.List": (ANY, ANY), "Transfers.List": (ANY, ANY),
    "Pods.Create": ({"containers.create"}, {"containers.create"}), "Pods.List": (ANY, ANY),
    **{f"{face}.{member}": (MINE, MANAGE) for face in ("Pods", "Pod") for member in ("Start", "Stop", "Delete")},
    "Pods.Wait": (ANY, INSPECT), "Pod.Wait": (ANY, INSPECT),
    "Containers.Create": ({"containers.create"}, {"containers.create"}),
    "Containers.List": (ANY, ANY), "Containers.Subscribe": (ANY, ANY), "Containers.Unsubscribe": (ANY, ANY),
    "Containers.EventsSince": (ANY, ANY),
    "Networks.List": (ANY, ANY),
    **{key: ({"networks.manage"}, {"networks.manage"}) for key in ("Networks.Create", "Networks.Delete", "Network.Delete")},
    "Transfer.Wait": (ANY, INSPECT), "Transfer.Cancel": (ANY, MANAGE),
}
for member in ("Start", "Kill", "Stop", "Delete", "Pause", "Resume", "OpenProcess", "OpenTerminal", "Attach", "Detach", "Resize",
               "CloseStdin", "Update", "CopyOut", "CopyIn", "Changes", "Rename", "Diff", "DisconnectNetwork"):
    ALLOWED[f"Containers.{member}"] = ALLOWED[f"Container.{member}"] = (MINE, MANAGE)
for member in ("Push", "Unpack", "Delete", "Inspect", "Verify", "Describe", "Rename", "Mount"):
    ALLOWED[f"Image.{member}"] = ALLOWED[f"Images.{member}"]
ALLOWED["Volume.Delete"] = ALLOWED["Volumes.Delete"]
# This member needs two actions, one for the container and one for the network, so it succeeds with no single action.
ALLOWED["Containers.ConnectNetwork"] = ALLOWED["Container.ConnectNetwork"] = (set(), set())
# A user who may execute commands in a container may also copy its files and open its processes.
for member in ("CopyOut", "CopyIn", "Changes", "OpenProcess"):
    ALLOWED[f"Containers.{member}"] = ALLOWED[f"Container.{member}"] = (MINE, MANAGE | {"containers.exec"})
ALLOWED["Containers.Logs"] = ALLOWED["Container.Logs"] = (ANY, {"containers.exec"})
for member in ("Wait", "Processes", "Inspect", "Stats", "Get"):
    ALLOWED[f"Containers.{member}"] = ALLOWED[f"Container.{member}"] = (ANY, INSPECT)
# Actions that do not allow any change to root's objects.
HARMLESS = {"images.inspect", "contents.read", "containers.inspect", "images.pull", "images.push", "contents.write",
            "containers.create", "containers.create-privileged", "containers.manage-own", "containers.exec",
            "contents.apply"}
# Actions with which a reply may contain root's objects.
REVEALING = LOOK | READ | INSPECT
# Actions that apply to objects of other users, so that errors may tell root's objects from absent ones.
REACHING = REVEALING | {"containers.exec", "containers.checkpoint", "containers.restore"}
# Members that create or rename objects whose names are unique among all users: an error may reveal that a name is in
# use.
NAMING = {"Containers.Create", "Pods.Create", "Leases.Create", "Volumes.Create", "Containers.Rename", "Container.Rename", "Contents.Ingest"}


def read_interfaces():
    found = {}
    for name in sorted(os.listdir(SOURCE)):
        if name.endswith(".xml"):
            for interface in ElementTree.parse(f"{SOURCE}/{name}").iter("interface"):
                found[interface.get("name").split(".")[-1]] = {
                    method.get("name"): [(a.get("name"), a.get("type")) for a in method.findall("arg")
                                         if a.get("direction") != "out"]
                    for method in interface.findall("method")}
    return found


def read_actions():
    return [action.get("id").removeprefix("org.berth1.") for action in ElementTree.parse(POLICY).iter("action")]


INTERFACES = read_interfaces()
digests = {}


def secret_image():
    layer = oci.Layer().directory("./").add("secret", SECRET.encode() * 10)
    return oci.Image([oci.busybox_layer(), layer], {"Labels": {"owner": SECRET}})


def test_setup():
    oci.push(oci.busybox_image(Cmd=["sleep", "1000"]), IMAGE)
    private = secret_image()
    oci.push(private, PRIVATE)
    good("pull", IMAGE)
    good("pull", PRIVATE)
    digests["root"] = private.manifest["layers"][1]["digest"]
    good("run", "-d", "--id=roots", f"--label=note={SECRET}", f"--env=NOTE={SECRET}", "-v", "rootsvolume:/v", QUICK, IMAGE)
    good("network", "create", "rootsnetwork")
    make_pod("rootspod")
    good("lease", "create", "rootslease")
    good("lease", "add", "rootslease", digests["root"])
    reply = call("/org/berth1/contents", "org.berth1.Contents", "Ingest", "stsa{sv}", "rootsingest", "10", "", "0")
    assert reply.status == 0, reply
    os.makedirs("/home/alice/place", exist_ok=True)
    os.chown("/home/alice/place", 4242, 4242)


def make_pod(name, **more):
    """Creates a running pod."""
    good("pod", "create", "--replace", f"--label=note={SECRET if name == 'rootspod' else 'hers'}", name, **more)
    good("pod", "start", name, **more)


def pod_runs(name, **more):
    return [row["state"] for row in listing("pod", "ps", **more) if row["name"] == name] == ["running"]


def grant(*actions):
    names = ", ".join(f'"org.berth1.{action}"' for action in actions)
    polkit_rule(f"""polkit.addRule(function(action, subject) {{
        if (action.id.indexOf("org.berth1.") != 0 || subject.user != "alice")
            return polkit.Result.NOT_HANDLED;
        return [{names}].indexOf(action.id) >= 0 ? polkit.Result.YES : polkit.Result.NO;
    }});""")


def make_alices_objects():
    """Creates those of alice's objects that do not exist, after granting the actions that this needs."""
    grant("containers.create", "containers.manage-own", "contents.write", "images.pull")
    if "hers" not in [row["id"] for row in listing("ps", "-a", user="alice")]:
        good("run", "-d", "--id=hers", QUICK, IMAGE, user="alice")
    elif listing("info", "hers", user="alice")[0]["state"] != "running":
        good("start", "hers", user="alice")
    if not pod_runs("herspod", user="alice"):
        make_pod("herspod", user="alice")
    if dist("volume", "create", "hersvolume", user="alice").status:
        pass
    dist("lease", "create", "herslease", user="alice")
    call("/org/berth1/contents", "org.berth1.Contents", "Ingest", "stsa{sv}", "hersingest", "10", "", "0", user="alice")


HERS = {"hersvolume", "herslease", "hersingest"}


def argument(name, kind, whose, files):
    """Returns a value for an argument, in GVariant text format."""
    objects = {
        "id": {"own": "hers", "root": "roots", "absent": "nobodys"},
        "ref": {"own": "hersingest", "root": "rootsingest", "absent": "nobodys"},
        "name": {"own": IMAGE, "root": PRIVATE, "absent": f"{HOST}/matrix/absent:x"},
        "digest": {"own": digests["root"], "root": digests["root"], "absent": "sha256:" + "0" * 64},
    }
    if kind == "h":
        files.append({"archive": "read-pipe", "input": "read-pipe", "directory": "directory:/home/alice/place"}
                     .get(name, "write-pipe"))
        return f"handle {len(files) - 1}"
    if name in ("new_id", "process", "expected"):
        return {"new_id": "'renamed'"}.get(name, "''")
    if name == "new_name":
        return f"'{HOST}/matrix/renamed:x'"
    if name == "object":
        return "''"
    if name == "path":
        return "'/tmp'"
    if name == "image":
        return f"'{IMAGE}'"
    if name in objects and kind == "s":
        return f"'{objects[name][whose]}'"
    if name == "reference" or name == "registry":
        return f"'{objects['name'][whose]}'" if name == "reference" else f"'{HOST}'"
    if name == "target":
        return f"('{oci.OCI_MANIFEST}', '{digests['root']}', uint64 100)"
    if name == "names":
        return f"['{objects['name'][whose]}']"
    if name == "digests":
        return f"['{digests['root']}']"
    if name == "command":
        return "['true']"
    return {"s": "''", "t": "uint64 1", "u": "uint32 1", "i": "1", "b": "false", "as": "@as []", "a{ss}": "@a{ss} {}",
            "a{sv}": "@a{sv} {}"}[kind]


def requests_of(interface, member, whose):
    """Returns the object path, the arguments as GVariant text, the signature and the files of a call of a member."""
    files, values, kinds = [], [], []
    special = {"Volumes": {"name": {"own": "'hersvolume'", "root": "'rootsvolume'", "absent": "'nobodys'"}},
               "Pods": {"name": {"own": "'herspod'", "root": "'rootspod'", "absent": "'nobodys'"}},
               # A network has no owner.
               "Networks": {"name": {"own": "'hersnetwork'", "root": "'rootsnetwork'", "absent": "'nobodys'"}},
               "Leases": {"id": {"own": "'herslease'", "root": "'rootslease'", "absent": "'nobodys'"}}}
    for name, kind in INTERFACES[interface][member]:
        fixed = special.get(interface, {}).get(name)
        values.append(fixed[whose] if fixed else argument(name, kind, whose, files))
        kinds.append(kind)
    path = PATHS.get(interface)
    if interface == "Image":
        path = "/org/berth1/images/" + bus_label({"own": IMAGE, "root": PRIVATE, "absent": "nobodys"}[whose])
    if interface == "Volume":
        path = "/org/berth1/volumes/" + {"own": "hersvolume", "root": "rootsvolume", "absent": "nobodys"}[whose]
    if interface == "Pod":
        path = "/org/berth1/pods/" + {"own": "herspod", "root": "rootspod", "absent": "nobodys"}[whose]
    if interface == "Network":
        path = "/org/berth1/networks/" + {"own": "hersnetwork", "root": "rootsnetwork", "absent": "nobodys"}[whose]
    if interface == "Container":
        path = "/org/berth1/containers/" + {"own": "hers", "root": "roots", "absent": "nobodys"}[whose]
    if interface == "Transfer":
        path = "/org/berth1/transfers/" + {"own": "999999", "root": "1", "absent": "888888"}[whose]
    text = "(" + ", ".join(values) + ("," if len(values) == 1 else "") + ")"
    return path, text, "(" + "".join(kinds) + ")", files


def roots_state():
    """Returns the state of root's objects and of shared objects, by kind."""
    state = {}
    with sqlite3.connect(f"file:{STATE}/berth.db?mode=ro", uri=True, timeout=60) as database:
        for table, columns, where in (
                ("images", "name, digest", ""), ("containers", "id, image, state, pid, options", "WHERE owner = 0"),
                ("volumes", "name", "WHERE owner = 0"), ("leases", "id", "WHERE owner = 0"),
                ("lease_items", "lease, digest", "WHERE lease = 'rootslease'"),
                ("ingests", "ref, total", "WHERE owner = 0"),
                ("labels", "kind, owner, key, value", "WHERE owner NOT LIKE 'hers%' AND owner NOT LIKE 'made%'"),
                ("snapshots", "chain_id", ""), ("processes", "container, id, running", "WHERE container = 'roots'")):
            state[table] = set(database.execute(f"SELECT {columns} FROM {table} {where}"))
        state["networks"] = set(database.execute("SELECT name FROM networks WHERE name = 'rootsnetwork'"))
    state["blobs"] = set(os.listdir(f"{STATE}/content/blobs/sha256"))
    state["files"] = sorted(os.listdir(f"{STATE}/volumes/rootsvolume")) if os.path.isdir(f"{STATE}/volumes/rootsvolume") else []
    # This file shows whether the scope has processes and whether they are frozen. It is read directly, without a
    # subprocess, because this function runs after every call.
    scope = "/sys/fs/cgroup/berth.slice/berth-roots.scope/cgroup.events"
    try:
        with open(scope, encoding="ascii") as file:
            state["scope"] = file.read()
    except OSError:
        state["scope"] = "inactive"
    state["etc"] = sorted(os.listdir("/etc"))
    return state


def lost(before, after):
    """Returns those of root's objects that are missing or have changed."""
    return {key: before[key] - after[key] if isinstance(before[key], set) else (before[key], after[key])
            for key in before if (before[key] - after[key] if isinstance(before[key], set) else before[key] != after[key])}


def may_succeed(key, whose, action):
    own, others = ALLOWED.get(key, (set(), set()))
    allowed = own if whose == "own" else others
    return allowed == ANY or action in allowed


def check_member(alice, action, interface, member, whose, problems):
    key = f"{interface}.{member}"
    path, arguments, signature, files = requests_of(interface, member, whose)
    reply = alice.call(path, f"org.berth1.{interface}", member, arguments, signature, files, 5000)
    # No call waits for an object that alice does not own, so a timeout means only that the machine is busy.
    if whose != "own" and reply.get("error") == "g-io-error-quark" and "Timeout" in reply.get("message", ""):
        reply = alice.call(path, f"org.berth1.{interface}", member, arguments, signature, files, 60000)
    if "value" in reply and not may_succeed(key, whose, action):
        problems.append(f"{key} of {whose} succeeded with {action}: {reply}")
    if SECRET in str(reply) and action not in REVEALING:
        problems.append(f"{key} of {whose} revealed data of root with {action}: {reply}")
    error = reply.get("error", "org.berth1.Error.")
    if not error.startswith("org.berth1.Error.") and error.split(".")[-1] not in (
            "AccessDenied", "InteractiveAuthorizationRequired", "g-io-error-quark"):
        problems.append(f"{key} of {whose} with {action} is {reply}")
    # An absent and an invisible object cause the same error.
    return re.sub(r"roots\w*|nobodys|private|absent|[0-9a-f]{64}|1\b|888888", "X", f"{reply.get('error')} {reply.get('message')}")


CREATE = {"containers.create"}
VOLUMES = {"own": "hersvolume", "root": "rootsvolume", "absent": "nobodys"}
LEASES = {"own": "herslease", "root": "rootslease", "absent": "nobodys"}
IDS = {"own": "hers", "root": "roots", "absent": "nobodys"}
# Options that name an object. Each entry has the member, its arguments before the options, their types, the option with
# %s in place of the object, the objects by owner, and the actions with which the call may succeed by owner; with
# alice's own object it has to succeed. For a descriptor, the object is a file to open (tools/caller.py). A call that
# also needs create-privileged succeeds with no single action.
OPTIONS = [
    *(("Containers.Create", f"'optional', '{IMAGE}'", "ss", option, objects, allowed) for option, objects, allowed in (
        ("'Mounts': <[('%s', '/v', @as [])]>", VOLUMES, {"own": CREATE, "absent": CREATE}),
        ("'Mounts': <[('%s', '/v', @as [])]>", {"root": "/etc", "absent": "/nowhere"}, {}),
        ("'Binds': <[(handle 0, '/b', @as [])]>", {"hers": "directory:/home/alice/place", "root": "directory:/etc"}, {"hers": CREATE}),
        ("'Secrets': <[('s', handle 0)]>", {"own": "/etc/hostname", "root": "path:/etc/shadow"}, {"own": CREATE}),
        # A network has no owner. Every user who may create a container may use it, unless a rule refuses the name.
        ("'Network': <'%s'>", {"root": "rootsnetwork", "absent": "nobodys"}, {"root": CREATE}),
        ("'Network': <'%s'>", {"root": "host"}, {}),
        ("'Network': <'rootsnetwork'>, 'Ports': <['%s:80']>", {"own": "18080", "root": "80"}, {"own": CREATE}),
        ("'Slice': <'%s'>", {"own": "berth-user-4242-x.slice", "root": "berth-user-0.slice", "absent": "system.slice"}, {"own": CREATE}),
        ("'Cgroup': <'%s'>", {"root": "caller"}, {}),
        ("'Devices': <['%s']>", {"root": "/dev/null", "absent": "/dev/nowhere"}, {}),
        ("'UserNamespace': <'%s'>", {"root": "host"}, {}),
        ("'CapabilitiesAdd': <['%s']>", {"root": "CAP_SYS_ADMIN"}, {}),
        ("'Seccomp': <'%s'>", {"root": "unconfined"}, {}),
        ("'Spec': <'{}'>, 'RootDirectory': <handle 0>", {"own": "directory:/home/alice/place", "root": "directory:/etc"}, {}))),
    *((f"Images.{member}", f"'{IMAGE}'", "s", "'Lease': <'%s'>", LEASES, {"own": PULL}) for member in ("Pull", "Fetch")),
    ("Contents.Ingest", "'optionalingest', uint64 10, ''", "sts", "'Lease': <'%s'>", LEASES, {"own": WRITE}),
    *(("Containers.Kill", f"'{name}', 0", "si", "'Process': <'%s'>", {whose: "first"}, {}) for whose, name in IDS.items()),
    *((f"Containers.{member}", f"'{IDS[whose]}'", "s", "'%s': <true>", {whose: option}, {whose: MANAGE})
      for member, option in (("Delete", "Force"),) for whose in ("root", "absent")),
    *(("Containers.Exec", f"'{IDS[whose]}', 'p', ['true']", "ssas", "'Spec': <'%s'>", {whose: "{}"}, {}) for whose in ("root", "absent")),
    *(("Containers.Update", f"'{IDS[whose]}'", "s", "'%s': <uint64 1048576>", {whose: "MemoryLow"}, {whose: MANAGE}) for whose in ("root", "absent")),
    *(("Containers.Logs", f"'{IDS[whose]}'", "s", "'Fields': <['%s']>", {whose: "MESSAGE"}, {whose: {"containers.exec"}}) for whose in ("root", "absent")),
    ("Images.Import", "handle 0", "h", "'Name': <'%s'>", {"own": IMAGE, "root": PRIVATE}, {"own": {"images.manage"}, "root": {"images.manage"}}),
    ("Contents.Delete", "'sha256:" + "0" * 64 + "'", "s", "'%s': <true>", {"absent": "Force"}, {}),
]


def check_options(alice, action, problems):
    """Tries each option that names an object with alice's, root's and absent objects."""
    before = roots_state()
    for key, arguments, types, option, objects, allowed in OPTIONS:
        interface, member = key.split(".")
        replies = {}
        for whose, name in objects.items():
            files = [name] if "handle 0" in option else ["read-pipe"] if "handle 0" in arguments else []
            text = f"({arguments}, {{{option.replace('%s', name)}}})"
            reply = alice.call(PATHS[interface], f"org.berth1.{interface}", member, text, f"({types}a{{sv}})", files, 60000)
            if "value" in reply and action not in allowed.get(whose, set()):
                problems.append(f"{key} with {option} of {whose} succeeded with {action}: {reply}")
            if "value" not in reply and action in allowed.get(whose, set()) and whose == "own":
                problems.append(f"{key} with {option} of {whose} failed with {action}: {reply}")
            if SECRET in str(reply) and action not in REVEALING:
                problems.append(f"{key} with {option} of {whose} revealed data of root with {action}: {reply}")
            replies[whose] = f"{reply.get('error')} {reply.get('message')}".replace(name, "X")
            if key == "Containers.Create" and "value" in reply:
                good("rm", "optional")
        # An error about a lease of root does not differ from one about an absent lease. Volumes are not compared,
        # since an absent volume is created.
        if action not in REACHING and objects is LEASES and replies["root"] != replies["absent"]:
            problems.append(f"{key} with {option} and {action} distinguishes objects of root from absent ones: {replies}")
    remove_made()
    changed = lost(before, roots_state())
    if changed and action in HARMLESS:
        problems.append(f"an option changed with {action}: {changed}")


def check_action(action):
    make_alices_objects()
    grant(action)
    problems = []
    alice = Caller("alice")
    before = roots_state()
    try:
        # The options are checked first, since a member may delete alice's objects.
        check_options(alice, action, problems)
        for interface, members in INTERFACES.items():
            for member in members:
                # Wait for a running process would not return during the test.
                if member in ("Wait",):
                    whose_all = ("root", "absent") if action not in INSPECT else ("absent",)
                else:
                    whose_all = ("own", "root", "absent")
                replies = {whose: check_member(alice, action, interface, member, whose, problems) for whose in whose_all}
                remove_made()
                after = roots_state()
                changed = lost(before, after)
                if changed and action in HARMLESS:
                    problems.append(f"{interface}.{member} changed with {action}: {changed}")
                if changed and action not in HARMLESS:
                    restore()
                    after = roots_state()
                before = after
                if action not in REACHING and f"{interface}.{member}" not in NAMING and replies["root"] != replies["absent"] and \
                        (interface in ("Container", "Transfer", "Volume", "Pod", "Pods") or {"id", "ref"} & {name for name, _ in INTERFACES[interface][member]}):
                    problems.append(f"{interface}.{member} with {action} distinguishes objects of root from absent ones: {replies}")
    finally:
        alice.end()
    if action not in HARMLESS:
        # An allowed stop may still be waiting for its timeout, and would kill the container during the next test.
        restore(again=True)
    service_is_up()
    assert not problems, "\n".join(problems[:40])


def remove_made():
    """Removes the objects that alice's calls have created, so that the next call does not find them."""
    for name in ("nobodys", "renamed"):
        if os.path.isdir(f"{STATE}/containers/{name}"):
            dist("rm", "-f", name)
            dist("pod", "rm", "-f", name)
    with sqlite3.connect(f"file:{STATE}/berth.db?mode=ro", uri=True, timeout=60) as database:
        made = {table: {row[0].split()[-1] for row in database.execute(f"SELECT {column} FROM {table} WHERE owner = 4242")} - HERS
                for table, column in (("volumes", "name"), ("leases", "id"), ("ingests", "ref"))}
    for name in made["volumes"]:
        dist("volume", "rm", name)
    for name in made["leases"]:
        dist("lease", "rm", name)
    # An ingest belongs to its owner, even if another user has one of the same name.
    for name in made["ingests"]:
        call("/org/berth1/contents", "org.berth1.Contents", "Abort", "sa{sv}", name, "0", user="alice")


def restore(again=False):
    """Restores root's objects after a call that may have changed them. With again, the container and the pod are
    recreated even if they are running."""
    grant()
    good("pull", IMAGE)
    good("pull", PRIVATE)
    if again or dist("info", "roots").status or listing("info", "roots")[0]["state"] != "running":
        dist("rm", "-f", "roots")
        dist("rm", "-f", "renamed")
        good("run", "-d", "--id=roots", f"--label=note={SECRET}", f"--env=NOTE={SECRET}", "-v", "rootsvolume:/v", QUICK, IMAGE)
    if again or not pod_runs("rootspod"):
        make_pod("rootspod")
    dist("network", "create", "rootsnetwork")
    for name in ("nobodys", "hersnetwork"):
        dist("network", "rm", name)
    dist("lease", "create", "rootslease")
    dist("lease", "add", "rootslease", digests["root"])


def test_with_no_action():
    check_action("none")


def make_test(action):
    def check():
        check_action(action)
    return check


for action_name in read_actions():
    globals()["test_with_" + re.sub(r"\W", "_", action_name)] = make_test(action_name)


def test_every_member_is_known():
    """ALLOWED lists every member of the published interfaces, except those that need two actions."""
    known = {key.split(".")[0] for key in ALLOWED}
    equal(known, {interface for interface, methods in INTERFACES.items() if methods})
    # These members need two actions, which are never granted together in this file.
    several = {"Containers.Exec", "Container.Exec", "Containers.Commit", "Container.Commit", "Containers.Checkpoint", "Container.Checkpoint",
               "Containers.Restore", "Container.Restore"}
    every = {f"{interface}.{member}" for interface, members in INTERFACES.items() for member in members}
    equal(every - set(ALLOWED) - several, set())


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
