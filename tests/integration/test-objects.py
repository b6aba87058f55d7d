# SPDX-License-Identifier: LGPL-2.1-or-later
# Containers, images, volumes, networks, pods and transfers are D-Bus objects. Each client sees only the objects that
# its user may inspect, and receives signals about no others. The service also implements org.freedesktop.LogControl1.

import json
import os
import select
import signal
import socket
import sys
import xml.etree.ElementTree as ElementTree

import gi
gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # pylint: disable=wrong-import-position

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
from object_client import ObjectClient
import oci

OTHER = f"{HOST}/objects/other:x"
IMAGE = f"{HOST}/objects/base:x"
MANAGER = ("org.berth1", "/org/berth1", "org.berth1.Manager")
LOG = ("org.berth1", "/org/freedesktop/LogControl1", "org.freedesktop.LogControl1")
NOTHING = "polkit.addRule(function() { return polkit.Result.NO; });"


def allow(*actions):
    polkit_rule("""polkit.addRule(function(action, subject) {
        return %s.indexOf(action.id) >= 0 ? polkit.Result.YES : polkit.Result.NO; });""" %
                json.dumps([f"org.berth1.{action}" for action in actions]))


def image_path(name):
    return f"/org/berth1/images/{bus_label(name)}"


def children(path, user=None):
    reply = call(path, "org.freedesktop.DBus.Introspectable", "Introspect", user=user)
    text = reply.out.strip()[2:].strip('"').encode().decode("unicode_escape")
    return {node.get("name") for node in ElementTree.fromstring(text[text.index("<node"):]).findall("node")}


def manager(name, user=None):
    return busctl("get-property", *MANAGER, name, user=user).out.strip()


def count(name, user=None):
    words = manager("Counts", user).split()
    return int(words[words.index(f'"{name}"') + 1])


def test_setup():
    oci.push(oci.busybox_image(Cmd=["sleep", "1000"]), IMAGE)
    good("pull", IMAGE)


def test_manager_has_version_and_features():
    contains(good("--version"), manager("Version").split('"')[1])
    features = manager("Features").split('"')[1::2]
    equal(features, sorted(features))
    contains(features, "leases")
    contains(features, "checkpoint")


def test_storage_is_that_of_the_state_directory():
    words = manager("Storage").split()
    found = {words[i].strip('"'): words[i + 2].strip('"') for i in range(2, len(words), 3)}
    equal(found["Path"], "/var/lib/berth")
    status = os.statvfs("/var/lib/berth")
    equal(int(found["Size"]), status.f_blocks * status.f_frsize)
    assert 0 < int(found["Free"]) <= int(found["Size"]) - int(found["Used"]), found


def test_counts_include_only_visible_objects():
    good("run", "-d", "--id=roots", IMAGE)
    good("volume", "create", "rootsvolume")
    equal([count(name) for name in ("Containers", "RunningContainers", "Volumes", "Images")], [1, 1, 1, 1])
    polkit_rule(NOTHING)
    equal([count(name, "alice") for name in ("Containers", "RunningContainers", "Volumes", "Images", "Transfers")],
          [0, 0, 0, 0, 0])
    polkit_rule("""polkit.addRule(function(action, subject) {
        if (action.id == "org.berth1.images.inspect") return polkit.Result.YES;
        return polkit.Result.NO; });""")
    equal([count(name, "alice") for name in ("Containers", "Volumes", "Images")], [0, 0, 1])


def test_systemctl_sets_the_log_level():
    equal(run("systemctl", "service-log-level", "berthd").out.strip(), "info")
    equal(run("systemctl", "service-log-target", "berthd").out.strip(), "journal")
    images_call("Get", "sa{sv}", "before", "0")
    assert run("systemctl", "service-log-level", "berthd", "debug").status == 0
    images_call("Get", "sa{sv}", "after", "0")
    run("journalctl", "--sync")
    lines = run("journalctl", "-q", "-o", "cat", "-p", "debug", "BERTH_METHOD=Images.Get").out.splitlines()
    equal(len(lines), 1)
    contains(lines[0], "Images.Get called by :1.")
    result = run("systemctl", "service-log-level", "berthd", "loud")
    assert result.status != 0, result
    equal(busctl("get-property", *LOG, "LogLevel").out.strip(), 's "debug"')
    equal(busctl("get-property", *LOG, "SyslogIdentifier").out.strip(), 's "berthd"')


def test_only_root_sets_the_log_level():
    for name in ("LogLevel", "LogTarget"):
        result = busctl("set-property", *LOG, name, "s", "info" if name == "LogLevel" else "journal", user="alice")
        contains(result.err, "Access denied")
    equal(busctl("get-property", *LOG, "LogLevel", user="alice").out.strip(), 's "debug"')
    contains(busctl("set-property", *LOG, "SyslogIdentifier", "s", "x").err, "read-only")


def test_reasons_that_keep_the_service_running_are_logged():
    def is_logged():
        run("journalctl", "--sync")
        return "log settings: 1" in run("journalctl", "-q", "-o", "cat", "-p", "debug", "-u", "berthd", "--grep=Not idle:").out

    # The service checks every 30 seconds whether it is idle.
    wait_until(is_logged, "a record of what keeps the service running")


def test_the_console_is_the_standard_error():
    assert run("systemctl", "service-log-target", "berthd", "console").status == 0
    images_call("Get", "sa{sv}", "console", "0")
    wait_until(lambda: "Images.Get called by" in run(
        "journalctl", "-q", "-o", "cat", "-u", "berthd", "_TRANSPORT=stdout").out, "a line on the standard error")
    assert run("systemctl", "service-log-target", "berthd", "journal").status == 0
    assert run("systemctl", "service-log-level", "berthd", "info").status == 0


def test_the_tree_has_only_visible_objects():
    os.makedirs("/etc/cni/net.d", exist_ok=True)
    with open("/etc/cni/net.d/shown.conf", "w", encoding="utf-8") as file:
        json.dump({"cniVersion": "0.4.0", "name": "shown", "type": "bridge",
                   "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.99.0.0/24"}]]}}, file)
    tree = busctl("tree", "--list", "org.berth1").out.split()
    for path in (image_path(IMAGE), "/org/berth1/containers/roots", "/org/berth1/volumes/rootsvolume",
                 "/org/berth1/networks/shown"):
        contains(tree, path)
    polkit_rule(NOTHING)
    for kind in ("images", "containers", "pods", "volumes", "networks", "transfers"):
        equal(children(f"/org/berth1/{kind}", "alice"), set(), kind)
    allow("images.inspect")
    equal(children("/org/berth1/images", "alice"), {bus_label(IMAGE)})
    equal(children("/org/berth1/containers", "alice"), set())
    allow("containers.inspect")
    equal(children("/org/berth1/images", "alice"), set())
    equal(children("/org/berth1/volumes", "alice"), {"rootsvolume"})
    # A package on the test machine may have installed other networks.
    assert "shown" in children("/org/berth1/networks", "alice")


def test_an_image_is_an_object():
    client = ObjectClient()
    found = client.dump()[image_path(IMAGE)]
    equal((found["Name"], found["Unpacked"], found["UsedBy"], len(found["Platforms"])), (IMAGE, True, ["roots"], 1))
    row = [row for row in listing("images") if row["name"] == IMAGE][0]
    equal(found["Target"][1], row["digest"])
    assert found["Size"] > found["Target"][2], found
    good("tag", IMAGE, OTHER)
    wait_until(lambda: ("added", image_path(OTHER)) in client.reports, "the new image")
    equal(client.dump()[image_path(OTHER)]["UsedBy"], [])
    good("pull", IMAGE)
    wait_until(lambda: client.of(image_path(IMAGE)), "a change")
    kind, _, changed, gone = client.of(image_path(IMAGE))[0]
    equal((kind, sorted(changed), gone), ("changed", ["Platforms", "Size", "Unpacked", "Updated"], []))
    good("create", "--id=second", IMAGE)
    wait_until(lambda: ("changed", image_path(IMAGE), {}, ["UsedBy"]) in client.reports, "the invalidated property")
    good("rm", "second")
    good("rmi", OTHER)
    wait_until(lambda: ("removed", image_path(OTHER)) in client.reports, "the removal of the image")
    client.end()


def test_a_pod_signals_changes_of_its_containers():
    path = "/org/berth1/pods/grouped"
    members = ("get-property", "org.berth1", path, "org.berth1.Pod", "Containers")
    change = ("changed", path, {}, ["Containers"])
    good("pod", "create", "--name=grouped", "--network=none")
    client = ObjectClient()
    equal(client.dump()[path]["Containers"], [])
    good("create", "--id=inner", "--pod=grouped", IMAGE)
    wait_until(lambda: client.reports.count(change) == 1, "the signal of the creation")
    equal(busctl(*members).out.strip(), 'as 1 "inner"')
    good("rm", "inner")
    wait_until(lambda: client.reports.count(change) == 2, "the signal of the deletion")
    equal(busctl(*members).out.strip(), "as 0")
    good("pod", "rm", "grouped")
    client.end()


def test_methods_of_an_image_are_those_of_the_collection():
    path = image_path(IMAGE)
    equal(call(path, "org.berth1.Image", "Inspect", "a{sv}", "1", "Document", "s", "manifest").out,
          images_call("Inspect", "sa{sv}", IMAGE, "1", "Document", "s", "manifest").out)
    equal(call(path, "org.berth1.Image", "Describe", "a{sv}", "0").out, images_call("Describe", "sa{sv}", IMAGE, "0").out)
    equal(call(path, "org.berth1.Image", "Rename", "sa{sv}", OTHER, "0").status, 0)
    equal(call(image_path(OTHER), "org.berth1.Image", "Rename", "sa{sv}", IMAGE, "0").status, 0)
    contains(call(image_path(OTHER), "org.berth1.Image", "Delete", "a{sv}", "0").err, "no image")
    allow("images.inspect")
    for member, signature, more in (("Delete", "a{sv}", ()), ("Rename", "sa{sv}", (OTHER,)), ("Mount", "a{sv}", ())):
        contains(call(path, "org.berth1.Image", member, signature, *more, "0", user="alice").err, "Access denied")


def test_unknown_options_are_refused_by_name():
    for path, interface, member, *arguments in (
            ("images", "Images", "List", "a{sv}"), ("images", "Images", "Get", "sa{sv}", IMAGE),
            ("images", "Images", "Delete", "sa{sv}", IMAGE), ("volumes", "Volumes", "Create", "sa{sv}", "x"),
            ("volumes", "Volumes", "List", "a{sv}"), ("transfers", "Transfers", "List", "a{sv}"),
            ("networks", "Networks", "List", "a{sv}")):
        result = call(f"/org/berth1/{path}", f"org.berth1.{interface}", member, *arguments, "1", "Odd", "s", "x")
        contains(result.err, 'unknown option "Odd"')
    equal(busctl("get-property", "org.berth1", image_path(IMAGE), "org.berth1.Image", "Name").status, 0)


def test_lists_are_filtered_and_paged():
    for name in ("a", "b", "c"):
        good("tag", IMAGE, f"{HOST}/objects/many-{name}:x")
    def names(*options):
        out = images_call("List", "a{sv}", *options).out
        return [word for word in out.split('"') if "/objects/many-" in word and "type" not in word][::2]
    equal(len(names("1", "Filter", "a{sv}", "1", "Name", "s", "*/many-?:x")), 3)
    # Alternatives are not nested, and not more than 64.
    equal(len(names("1", "Filter", "a{sv}", "1", "Name", "av", "3", "s", "*/many-a:x", "u", "1", "s", "*/many-b:x")), 2)
    equal(names("1", "Filter", "a{sv}", "1", "Name", "av", "0"), [])
    equal(names("1", "Filter", "a{sv}", "1", "Name", "av", "1", "av", "1", "s", "*"), [])
    contains(images_call("List", "a{sv}", "1", "Filter", "a{sv}", "1", "Name", "av", "65", *["s", "x"] * 65).err, "more than 64 alternatives")
    equal(len(names("2", "Limit", "t", "2", "Filter", "a{sv}", "1", "Name", "s", "*/many-?:x")), 2)
    equal(names("1", "After", "s", f"{HOST}/objects/many-b:x")[:1], [f"{HOST}/objects/many-c:x"])
    good("rmi", *[f"{HOST}/objects/many-{name}:x" for name in ("a", "b", "c")])
    chosen = images_call("List", "a{sv}", "2", "Properties", "as", "2", "Updated", "Odd", "Filter", "a{sv}", "1", "Name", "s", IMAGE).out
    equal(chosen.split('"')[3::2], [name for name in chosen.split('"')[3::2] if name in ("Name", "Updated", IMAGE)], chosen)
    contains(chosen, '"Updated" t ')
    assert '"Size"' not in chosen, chosen
    shown = call("/org/berth1/networks", "org.berth1.Networks", "List", "a{sv}", "0").out
    contains(shown, '"shown"')
    contains(shown, '"10.99.0.0/24"')


def silent_registry():
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    return listener, f"127.0.0.1:{listener.getsockname()[1]}/x:y"


def begin(reference, user=None):
    return images_call("Pull", "sa{sv}", reference, "1", "Insecure", "b", "true", user=user).out.split('"')[1]


def test_a_proxy_of_a_transfer_has_its_end():
    client = ObjectClient()
    path = begin(IMAGE)
    client.ask(path)
    # The reply to Pull, which busctl received, may arrive before this client's signal that the transfer was added.
    wait_until(lambda: client.dump().get(path, {}).get("State") == "done", "the end")
    found = client.dump()[path]
    equal((found["Result"]["Name"], found["Error"], found["Cancelable"]), (IMAGE, ["", ""], False))
    equal(found["Done"], found["Total"])
    assert found["Started"] > 0
    failed = begin(f"{HOST}/objects/none:x")
    wait_until(lambda: client.dump().get(failed, {}).get("State") == "failed", "the failure")
    found = client.dump()[failed]
    equal((found["Error"][0], found["Result"]), ("org.berth1.Error.NotFound", {}))
    listener, reference = silent_registry()
    with listener:
        waiting = begin(reference)
        wait_until(lambda: waiting in client.dump(), "the transfer")
        equal((client.dump()[waiting]["State"], client.dump()[waiting]["Cancelable"]), ("running", True))
        equal(call(waiting, "org.berth1.Transfer", "Cancel", "a{sv}", "0").status, 0)
        wait_until(lambda: client.dump()[waiting]["State"] == "cancelled", "the cancelling")
    found = client.dump()[waiting]
    equal((found["Error"][0], found["Cancelable"]), ("org.berth1.Error.Cancelled", False))
    last = [report for report in client.of(waiting) if report[0] == "changed"][-1]
    equal(sorted(last[2]), ["Cancelable", "Done", "Error", "State", "Total"])
    client.end()


def test_hidden_object_sends_no_signals():
    allow("images.pull")
    client = ObjectClient("alice")
    equal([path for path in client.dump() if "/transfers/" not in path], [])
    mine, roots = begin(IMAGE, "alice"), begin(IMAGE)
    wait_until(lambda: client.dump().get(mine, {}).get("State") == "done", "her own transfer")
    good("volume", "create", "unseen")
    good("network", "create", "unseen")
    good("tag", IMAGE, OTHER)
    good("rmi", OTHER)
    good("volume", "rm", "unseen")
    good("network", "rm", "unseen")
    equal(call(roots, "org.berth1.Transfer", "Wait", "a{sv}", "0").status, 0)
    contains(busctl("get-property", "org.berth1", roots, "org.berth1.Transfer", "State", user="alice").err, "no transfer")
    contains(busctl("get-property", "org.berth1", "/org/berth1/volumes/rootsvolume", "org.berth1.Volume", "Owner",
                    user="alice").err, "no volume")
    contains(busctl("get-property", "org.berth1", "/org/berth1/networks/shown", "org.berth1.Network", "Type",
                    user="alice").err, "no network")
    # Alice receives the signals of her own pull, which comes after all pulls of root.
    second = begin(IMAGE, "alice")
    wait_until(lambda: client.dump().get(second, {}).get("State") == "done", "her second transfer")
    equal({report[1] for report in client.reports} - {mine, second}, set())
    client.end()


def test_an_image_reveals_no_container_of_others_by_a_signal():
    """Its property UsedBy leaves out hidden containers, so it does not change when one appears or is deleted."""
    allow("images.inspect", "containers.create", "containers.manage-own")
    client = ObjectClient("alice")
    assert image_path(IMAGE) in client.dump()
    good("create", "--id=unseen", IMAGE)
    good("rm", "unseen")
    good("create", "--id=hers", IMAGE, user="alice")
    used = ("changed", image_path(IMAGE), {}, ["UsedBy"])
    wait_until(lambda: used in client.reports, "the invalidated property")
    good("rm", "hers", user="alice")
    wait_until(lambda: ("removed", "/org/berth1/containers/hers") in client.reports, "the removal of her container")
    equal(client.reports.count(used), 2, client.reports)
    client.end()


def shown(user, *objects):
    """Returns all that a user can read about objects: each property, GetAll, List, and GetManagedObjects."""
    texts = []
    for kind, interface, name in objects:
        path, of = f"/org/berth1/{kind}/{bus_label(name)}", f"org.berth1.{interface}"
        properties = ElementTree.parse(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "introspection", f"{of}.xml"))
        texts.append(call(path, "org.freedesktop.DBus.Properties", "GetAll", "s", of, user=user).out)
        texts += [busctl("get-property", "org.berth1", path, of, row.get("name"), user=user).out for row in properties.iter("property")]
        texts.append(call(f"/org/berth1/{kind}", f"org.berth1.{interface}s", "List", "a{sv}", "0", user=user).out)
    texts.append(call("/org/berth1", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", user=user).out)
    return texts


def test_properties_name_only_visible_objects():
    """Properties of images, networks and containers name only objects that the reader may see, even if others use the
    same image or network."""
    allow("images.inspect", "containers.create", "containers.manage-own")
    good("network", "create", "common")
    good("create", "--id=hersinit", "--network=common", IMAGE, user="alice")
    good("create", "--id=onlyroots", "--network=common", "--volume=onlyrootsvolume:/v", IMAGE)
    objects = (("images", "Image", IMAGE), ("networks", "Network", "common"), ("containers", "Container", "hersinit"))
    texts = shown("alice", *objects)
    assert not [text for text in texts if "onlyroots" in text], [text[:200] for text in texts if "onlyroots" in text]
    for kind, interface, name in objects[:2]:
        place = ("org.berth1", f"/org/berth1/{kind}/{bus_label(name)}", f"org.berth1.{interface}", "UsedBy")
        equal(busctl("get-property", *place, user="alice").out.strip(), 'as 1 "hersinit"', kind)
        contains(busctl("get-property", *place).out, '"onlyroots"')
    # Without the right to inspect images, only alice's own container is visible.
    allow("containers.create", "containers.manage-own")
    assert not [text for text in shown("alice", *objects) if "onlyroots" in text or '"UsedBy"' in text and "images" in text]
    assert any("onlyroots" in text for text in shown(None, *objects))
    good("rm", "hersinit", "onlyroots")
    good("network", "rm", "common")
    good("volume", "rm", "onlyrootsvolume")


def test_volumes_come_and_go():
    client = ObjectClient()
    equal(client.dump()["/org/berth1/volumes/rootsvolume"]["Owner"], 0)
    good("volume", "create", "passing")
    wait_until(lambda: ("added", "/org/berth1/volumes/passing") in client.reports, "the new volume")
    equal(client.dump()["/org/berth1/volumes/passing"]["Name"], "passing")
    equal(call("/org/berth1/volumes/passing", "org.berth1.Volume", "Delete", "a{sv}", "0").status, 0)
    wait_until(lambda: ("removed", "/org/berth1/volumes/passing") in client.reports, "the removal of the volume")
    good("run", "--rm", "-v", "implied:/v", IMAGE, "true")
    wait_until(lambda: ("added", "/org/berth1/volumes/implied") in client.reports, "a volume that a container makes")
    client.end()


def test_networks_come_and_go():
    client = ObjectClient()
    client.dump()
    good("network", "create", "brief")
    wait_until(lambda: ("added", "/org/berth1/networks/brief") in client.reports, "the new network")
    network = client.dump()["/org/berth1/networks/brief"]
    equal((network["Name"], network["Type"], network["DNS"], network["UsedBy"]), ("brief", "bridge", True, []))
    equal(call("/org/berth1/networks/brief", "org.berth1.Network", "Delete", "a{sv}", "0").status, 0)
    wait_until(lambda: ("removed", "/org/berth1/networks/brief") in client.reports, "the removal of the network")
    client.end()


def test_new_volumes_and_networks_are_returned_as_objects():
    for kind, interface in (("volumes", "Volumes"), ("networks", "Networks")):
        path = f"/org/berth1/{kind}/{bus_label('new-one')}"
        equal(call(f"/org/berth1/{kind}", f"org.berth1.{interface}", "Create", "sa{sv}", "new-one", "0").out.strip(), f'o "{path}"')
        equal(call(path, f"org.berth1.{interface[:-1]}", "Delete", "a{sv}", "0").status, 0)


def properties_of(name, user=None):
    reply = call(f"/org/berth1/containers/{bus_label(name)}", "org.freedesktop.DBus.Properties", "GetAll", "s",
                 "org.berth1.Container", user=user)
    equal(reply.status, 0, reply.err)
    return reply.out


def listed(name, user=None):
    """Returns the properties of a container from Get, after checking that its row in List is equal."""
    client = ["runuser", "-u", user, "--"] if user else []
    script = ("import gi, json, sys; gi.require_version('Gio', '2.0'); from gi.repository import Gio, GLib\n"
              "bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)\n"
              "ask = lambda member, arguments: bus.call_sync('org.berth1', '/org/berth1/containers', 'org.berth1.Containers', member,"
              " arguments, None, 0, -1, None).unpack()[0]\n"
              f"print(json.dumps([ask('Get', GLib.Variant('(sa{{sv}})', ('{name}', {{}}))),"
              f" dict(ask('List', GLib.Variant('(a{{sv}})', ({{}},)))).get('{name}')]))\n")
    one, row = json.loads(run(*client, "/usr/bin/python3", "-c", script).out)
    equal(one, row)
    return one


def test_a_container_has_the_options_of_its_creation_as_properties():
    good("run", "-d", "--id=shows", "-e", "SECRET=of hers", "-v", "shown:/data", "--memory=64M", IMAGE, "sleep", "999")
    found = listed("shows")
    equal(found["Command"], ["sleep", "999"])
    assert "SECRET=of hers" in found["Env"], found
    mount = dict(found["Mounts"])["/data"]
    assert mount["Source"].endswith("/shown") or "shown" in mount["Source"], mount
    assert isinstance(mount["Options"], list) and "Type" in mount, mount
    equal(found["Limits"]["MemoryMax"], 64 << 20)
    equal((found["Networks"], found["RestartCount"], found["Health"]), ([], 0, ""))
    equal(found["Unit"], found["Scope"])
    group = run("cat", f"/proc/{found['Pid']}/cgroup").out
    contains(group, found["Cgroup"] + "\n" if found["Cgroup"] + "\n" in group else found["Cgroup"] + "/")
    assert found["Cgroup"].endswith("/" + found["Unit"]), (found["Cgroup"], group)
    pidfd = os.pidfd_open(found["Pid"])
    kernel = tuple(int(part) for part in os.uname().release.split("-")[0].split(".")[:2])
    equal(found["PidFDId"], os.fstat(pidfd).st_ino if kernel >= (6, 9) else 0)
    os.close(pidfd)
    contains(properties_of("shows"), "SECRET=of hers")
    # A user without the right to inspect the container does not learn that it exists.
    allow()
    contains(call(f"/org/berth1/containers/{bus_label('shows')}", "org.freedesktop.DBus.Properties", "Get", "ss",
                  "org.berth1.Container", "Env", user="alice").err, "no container")
    allow("containers.inspect")
    contains(properties_of("shows", user="alice"), "SECRET=of hers")
    good("stop", "-t", "0", "shows")
    ended = listed("shows")
    equal((ended["Cgroup"], ended["PidFDId"], ended["Pid"]), ("", 0, 0))
    equal(ended["Command"], ["sleep", "999"])


def test_the_object_manager_leaves_the_configuration_to_get():
    client = ObjectClient()
    found = client.dump()[f"/org/berth1/containers/{bus_label('shows')}"]
    equal({"Command", "Env", "Mounts"} & set(found), set())
    assert {"Limits", "Unit", "Cgroup", "PidFDId"} <= set(found), found
    equal(dist("update", "shows", "MemoryMax=128M").status, 0)
    wait_until(lambda: client.dump()[f"/org/berth1/containers/{bus_label('shows')}"]["Limits"]["MemoryMax"] == 128 << 20, "the limit")
    client.end()
    good("rm", "shows")


def test_restarts_are_counted():
    def restarts():
        return int(busctl("get-property", "org.berth1", f"/org/berth1/containers/{bus_label('again')}", "org.berth1.Container",
                          "RestartCount").out.split()[1])
    good("run", "-d", "--id=again", "--restart=always", IMAGE, "sleep", "0.2")
    wait_until(lambda: restarts() >= 2, "two restarts")
    kill_service()
    assert restarts() >= 2
    good("stop", "again")
    good("start", "again")
    good("rm", "-f", "again")


def test_a_process_as_a_descriptor():
    good("run", "-d", "--id=opened", IMAGE)
    bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)

    def open_process(path, interface, signature, *arguments):
        _reply, handles = bus.call_with_unix_fd_list_sync("org.berth1", path, interface, "OpenProcess",
                                                          GLib.Variant(signature, arguments), None, 0, -1, None, None)
        return handles.steal_fds()[0]
    found = listed("opened")
    pidfds = [open_process("/org/berth1/containers", "org.berth1.Containers", "(ssa{sv})", "opened", "", {}),
              open_process(f"/org/berth1/containers/{bus_label('opened')}", "org.berth1.Container", "(sa{sv})", "", {})]
    for pidfd in pidfds:
        contains(run("cat", f"/proc/{os.getpid()}/fdinfo/{pidfd}").out, f"Pid:\t{found['Pid']}\n")
        equal(select.select([pidfd], [], [], 0)[0], [])
    signal.pidfd_send_signal(pidfds[0], signal.SIGKILL)
    for pidfd in pidfds:
        assert select.select([pidfd], [], [], 120)[0], "its end"
        os.close(pidfd)
    equal(dist("wait", "opened").status, 137)
    contains(call("/org/berth1/containers", "org.berth1.Containers", "OpenProcess", "ssa{sv}", "opened", "", "0").err, "not running")
    good("start", "opened")
    contains(call("/org/berth1/containers", "org.berth1.Containers", "OpenProcess", "ssa{sv}", "opened", "none", "0").err,
             "no process")
    # Permission to inspect the container is not enough.
    allow("containers.inspect")
    assert call("/org/berth1/containers", "org.berth1.Containers", "OpenProcess", "ssa{sv}", "opened", "", "0",
                user="alice").status != 0
    allow("containers.inspect", "containers.exec")
    equal(call("/org/berth1/containers", "org.berth1.Containers", "OpenProcess", "ssa{sv}", "opened", "", "0",
               user="alice").status, 0)
    good("rm", "-f", "opened")


def test_a_forced_deletion_is_one_operation():
    """A forced deletion kills the container, but needs only the permission to delete it."""
    good("pull", IMAGE)
    polkit_rule("""polkit.addRule(function(action, subject) {
        var verb = action.lookup("verb");
        return ["create", "delete"].indexOf(verb) >= 0 ? polkit.Result.YES : polkit.Result.NO; });""")
    good("create", "--id=forced", IMAGE, user="alice")
    good("start", "forced")
    assert dist("kill", "forced", user="alice").status != 0
    equal(call("/org/berth1/containers", "org.berth1.Containers", "Delete", "sa{sv}", "forced", "1", "Force", "b", "true",
               user="alice").out.split()[:2], ["it", "137"])
    equal(kinds("forced"), ["create", "start", "exit", "delete"])


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
