# SPDX-License-Identifier: LGPL-2.1-or-later
# Containers of a pod share the network, IPC, UTS and user namespaces, and nothing else. A pod survives the death of
# berthd; it can end with its last container, and its containers end with it. Other users can neither see nor join it.

import json
import os
import subprocess
import sys
import time

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

IMAGE = f"{HOST}/pods/base:x"
QUICK = ("--stop-timeout=1",)
SLEEP = ("sh", "-c", "trap 'exit 0' TERM; sleep 1000 & wait")


def pods_call(member, *arguments, user=None):
    return call("/org/berth1/pods", "org.berth1.Pods", member, *arguments, user=user)


def pod(name, user=None):
    found = [entry for entry in listing("pod", "ps", user=user) if entry["name"] == name]
    return found[0] if found else None


def state(name):
    found = [entry for entry in listing("ps", "-a") if entry["id"] == name]
    return found[0]["state"] if found else None


def namespaces(pid):
    return {name: os.readlink(f"/proc/{pid}/ns/{name}") for name in ("user", "net", "ipc", "uts", "pid", "mnt", "cgroup")}


def pid_of(name):
    path = f"/org/berth1/containers/{bus_label(name)}"
    return int(run("busctl", "get-property", "org.berth1", path, "org.berth1.Container", "Pid").out.split()[1])


def pid_of_pod(name):
    path = f"/org/berth1/pods/{bus_label(name)}"
    return int(run("busctl", "get-property", "org.berth1", path, "org.berth1.Pod", "Pid").out.split()[1])


def wait_for(name, wanted):
    wait_until(lambda: (pod(name) or {}).get("state") == wanted, f"{name} {wanted}")


def join(name, pod_name, *command, options=()):
    good("run", "-d", f"--name={name}", f"--pod={pod_name}", *QUICK, *options, IMAGE, *(command or SLEEP))


def clean():
    for entry in listing("pod", "ps"):
        good("pod", "rm", "-f", entry["name"])


def test_setup():
    oci.push(oci.Image([oci.busybox_layer()], {"Env": ["PATH=/bin"]}), IMAGE)
    good("pull", IMAGE)


def test_containers_of_a_pod_share_its_namespaces_and_nothing_else():
    equal(good("pod", "create", "--hostname=shop", "--shm-size=1m", "shop").strip(), "shop")
    equal(pod("shop")["state"], "created")
    join("one", "shop")
    join("two", "shop")
    equal(pod("shop")["state"], "running")
    equal(pod("shop")["containers"], ["one", "two"])
    first, second, holder = namespaces(pid_of("one")), namespaces(pid_of("two")), namespaces(pid_of_pod("shop"))
    for name in ("user", "net", "ipc", "uts"):
        assert first[name] == second[name] == holder[name] != os.readlink(f"/proc/self/ns/{name}"), (name, first, second, holder)
    for name in ("pid", "mnt", "cgroup"):
        equal(len({first[name], second[name], holder[name]}), 3, name)


def test_containers_of_a_pod_reach_each_other_at_localhost():
    # nc can exit before the reply has arrived, so the server accepts connections repeatedly.
    good("exec", "-d", "one", "sh", "-c", "while :; do echo hello | nc -l -p 7777; done")
    wait_until(lambda: "hello" in dist("exec", "two", "sh", "-c", "nc 127.0.0.1 7777 </dev/null").out, "the answer")


def test_containers_of_a_pod_share_the_host_name_and_its_files():
    for name in ("one", "two"):
        equal(good("exec", name, "hostname").strip(), "shop")
        contains(good("exec", name, "cat", "/etc/hosts"), "shop")
        equal(good("exec", name, "cat", "/etc/hostname").strip(), "shop")


def test_containers_of_a_pod_share_memory_of_its_size():
    good("exec", "one", "sh", "-c", "echo shared >/dev/shm/note")
    equal(good("exec", "two", "cat", "/dev/shm/note").strip(), "shared")
    contains(good("exec", "two", "df", "-k", "/dev/shm"), "1024")
    flags = [line.split()[5] for line in good("exec", "two", "cat", "/proc/self/mountinfo").splitlines() if " /dev/shm " in line]
    for flag in ("nosuid", "nodev", "noexec"):
        contains(flags[0], flag)


def test_containers_of_a_pod_do_not_share_files_and_processes():
    good("exec", "one", "touch", "/mine")
    assert dist("exec", "two", "test", "-e", "/mine").status != 0
    assert len(good("exec", "two", "ps").splitlines()) < 6


def test_containers_of_a_pod_map_root_to_the_same_user_of_the_host():
    owners = {os.stat(f"/proc/{pid_of(name)}").st_uid for name in ("one", "two")}
    equal(len(owners), 1)
    assert owners != {0}, owners


def confinement(name):
    """Returns the confinement of a container's first process, without what differs between any two containers."""
    pid, own = pid_of(name), os.getpid()

    def read(file, of=pid):
        with open(f"/proc/{of}/{file}", encoding="utf-8") as text:
            return text.read()
    status = dict(line.split(":", 1) for line in read("status").splitlines())
    mounts = []
    for line in read("mountinfo").splitlines():
        fields, system = line.split(" - ")[0].split(), line.split(" - ")[1].split()
        mounts.append((fields[4], sorted(fields[5].split(",")), system[0], fields[6:]))
    # The groups as the container sees them: each has ids of its own on the host.
    first = int(read("gid_map").split()[1])
    status["Groups"] = " ".join(str(int(group) - first) for group in status["Groups"].split())
    unit = run("systemctl", "show", f"berth-{name}.scope", "-p", "DevicePolicy,DeviceAllow,Delegate,TasksMax,MemoryMax,Slice").out
    return {
        "status": {key: status[key].split() for key in status if key.startswith("Cap") or key in ("NoNewPrivs", "Seccomp", "Seccomp_filters", "Groups")},
        "ids": [line.split()[0::2] for file in ("uid_map", "gid_map") for line in read(file).splitlines()],
        "own": {space: os.readlink(f"/proc/{pid}/ns/{space}") != os.readlink(f"/proc/{own}/ns/{space}")
                for space in ("user", "net", "ipc", "uts", "pid", "mnt", "cgroup", "time")},
        "mounts": sorted(mounts),
        "devices": good("exec", name, "sh", "-c", "stat -c '%n %F %a %u:%g %t:%T' /dev/* /dev/pts/ptmx").replace(name, ""),
        "limits": read("limits"),
        "other": [read("oom_score_adj"), read("loginuid"), status["Uid"].split()[0] != "0"],
        "unit": sorted(unit.splitlines()),
    }


def test_a_container_in_a_pod_is_confined_as_any_other():
    good("run", "-d", "--name=plain", *QUICK, IMAGE, *SLEEP)
    wanted, found = confinement("plain"), confinement("one")
    # Mount options of the superblock are not compared, as the pod sets the size of /dev/shm.
    for place in (wanted, found):
        equal([entry[0] for entry in place["mounts"] if entry[0] == "/dev/shm"], ["/dev/shm"])
    for key, value in wanted.items():
        equal(found[key], value, key)
    # A device node that the container creates does not open either.
    for name in ("plain", "one"):
        result = dist("exec", name, "sh", "-c", "cd /dev/shm && mknod disk b 8 0; mknod memory c 1 1; cat disk memory; true")
        assert "Operation not permitted" in result.err and result.out == "", result
    holder = pid_of_pod("shop")
    with open(f"/proc/{holder}/status", encoding="utf-8") as file:
        status = dict(line.split(":", 1) for line in file)
    equal({key: int(status[key], 16) for key in ("CapPrm", "CapEff", "CapBnd", "CapAmb")}, {"CapPrm": 0, "CapEff": 0, "CapBnd": 0, "CapAmb": 0})
    equal((status["NoNewPrivs"].strip(), status["Seccomp"].strip()), ("1", "2"))
    good("rm", "-f", "plain")


def test_a_pod_is_not_a_container():
    assert "shop" not in good("ps", "-a", "-q").split()
    for member, *arguments in (("Start", "sa{sv}", "shop", "0"), ("Kill", "sia{sv}", "shop", "9", "0"), ("Stop", "sa{sv}", "shop", "0"),
                               ("Delete", "sa{sv}", "shop", "1", "Force", "b", "true"), ("Exec", "ssasa{sv}", "shop", "x", "1", "sh", "0"),
                               ("Rename", "ssa{sv}", "shop", "other", "0")):
        contains(containers_call(member, *arguments).err, 'no container "shop"')
    equal(pod("shop")["state"], "running")


def test_a_container_cannot_take_the_name_of_a_pod():
    contains(dist("create", "--name=shop", IMAGE, "true").err, "shop")
    contains(dist("pod", "create", "one").err, "one")


def test_a_pod_with_containers_is_not_deleted_without_force():
    good("pod", "create", "empty")
    join("member", "empty")
    assert dist("pod", "rm", "empty").status != 0
    good("pod", "stop", "empty")
    equal((state("member"), pod("empty")["state"]), ("stopped", "stopped"))
    contains(dist("pod", "rm", "empty").err, 'the pod "empty" contains the container "member"')
    good("pod", "rm", "-f", "empty")
    equal((state("member"), pod("empty")), (None, None))


def test_containers_are_refused_options_of_the_pod():
    for option in ("--hostname=x", "-p=8080:80", "--network=none", "--dns=1.1.1.1", "--add-host=a:10.0.0.1", "--network-alias=x",
                   "--userns=host", "-P"):
        result = dist("create", "--pod=shop", option, IMAGE, "true")
        assert result.status != 0, option
        contains(result.err, "Pod exclude each other")
    contains(dist("create", "--pod=absent", IMAGE, "true").err, 'there is no pod "absent"')


def test_a_pod_survives_the_death_of_the_service():
    before = pid_of_pod("shop"), pid_of("one")
    kill_service()
    equal((pid_of_pod("shop"), pid_of("one")), before)
    join("three", "shop")
    equal(namespaces(pid_of("three"))["net"], namespaces(pid_of("one"))["net"])


def test_a_start_after_a_stop_begins_again_with_all_containers():
    good("pod", "stop", "shop")
    equal([state(name) for name in ("one", "two", "three")], ["stopped"] * 3)
    contains(dist("start", "one").err, 'the pod "shop" of container "one" is not running')
    good("pod", "start", "shop")
    equal([state(name) for name in ("one", "two", "three")], ["running"] * 3)
    equal(namespaces(pid_of("three"))["ipc"], namespaces(pid_of("one"))["ipc"])


def test_the_end_of_a_pod_stops_its_containers():
    os.kill(pid_of_pod("shop"), 9)
    wait_for("shop", "stopped")
    wait_until(lambda: {state(name) for name in ("one", "two", "three")} == {"stopped"}, "the end of the containers")


def test_the_address_of_a_dead_pod_is_removed_before_it_is_free():
    """The pod's address is removed from the namespace and then free, even if a container in it has not stopped yet."""
    good("network", "create", "--ipv6=false", "dying")
    good("pod", "create", "--network=dying", "dies")
    good("run", "-d", "--name=stays", "--pod=dies", "--stop-timeout=1000", IMAGE, "sh", "-c", "trap '' TERM; while :; do sleep 1; done")

    def links():
        return run("nsenter", "-t", str(pid_of("stays")), "-n", "ip", "link").out
    contains(links(), "eth0")
    os.kill(pid_of_pod("dies"), 9)
    wait_for("dies", "stopped")
    wait_until(lambda: "dies.json" not in os.listdir(f"{STATE}/networks"), "the address is free")
    assert "eth0" not in links(), links()
    equal(state("stays"), "running")
    good("pod", "rm", "-f", "dies")
    good("network", "rm", "dying")


def test_the_end_of_a_pod_while_the_service_is_away_stops_its_containers():
    good("pod", "start", "shop")
    holder = pid_of_pod("shop")
    run("systemctl", "stop", "berthd.service")
    os.kill(holder, 9)
    wait_for("shop", "stopped")
    wait_until(lambda: {state(name) for name in ("one", "two", "three")} == {"stopped"}, "the end of the containers")
    clean()


def test_the_exit_policy_stops_the_pod_with_its_last_container():
    for policy, wanted in (("stop", "stopped"), ("continue", "running")):
        good("pod", "create", f"--exit-policy={policy}", policy)
        join(f"{policy}1", policy)
        join(f"{policy}2", policy)
        good("stop", f"{policy}1")
        equal(pod(policy)["state"], "running")
        good("stop", f"{policy}2")
        wait_for(policy, wanted)
    contains(dist("pod", "create", "--exit-policy=often", "x").err, "often")
    clean()


def test_a_container_that_is_restarted_does_not_end_its_pod():
    good("pod", "create", "--exit-policy=stop", "again")
    good("run", "-d", "--name=flaps", "--pod=again", "--restart=on-failure:3", *QUICK, IMAGE, "sh", "-c", "sleep 0.1; exit 1")
    wait_for("again", "stopped")
    equal(int(run("busctl", "get-property", "org.berth1", "/org/berth1/containers/flaps", "org.berth1.Container", "RestartCount").out.split()[1]), 3)
    clean()


def test_new_creates_the_pod_with_the_options_of_pods():
    make_network("front", "10.77.0.0/24")
    good("run", "-d", "--name=web", "--pod=new:site", "--hostname=here", "--network=front", "-p", "127.0.0.1:8085:80", *QUICK, IMAGE, *SLEEP)
    join("other", "site")
    equal((pod("site")["hostname"], pod("site")["containers"]), ("here", ["web", "other"]))
    contains(" ".join(pod("site")["ports"]), "127.0.0.1:8085:80")
    [address] = pod("site")["addresses"]
    contains(address, "10.77.0.")
    for name in ("web", "other"):
        contains(good("exec", name, "ip", "addr"), address)
        contains(good("exec", name, "cat", "/etc/hosts"), f"{address}\there")
    equal({row["id"]: row["ports"] for row in listing("ps")}, {name: pod("site")["ports"] for name in ("web", "other")})
    for name in ("web", "other"):
        equal(good("port", name, "80").strip(), "127.0.0.1:8085")
        [shown] = json.loads(good("inspect", "--format={{json .NetworkSettings}}", name).join("[]"))
        equal(shown["Ports"], {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8085"}]})
        equal((shown["IPAddress"], list(shown["Networks"])), (address, ["front"]))
    equal(sorted(good("ps", "-q", "--filter=publish=8085").split()), ["other", "web"])
    contains(good("pod", "ps", env={"LANGUAGE": "de", "LANG": "C.UTF-8"}), "läuft")
    equal({row["state"] for row in listing("pod", "ps", env={"LANGUAGE": "de", "LANG": "C.UTF-8"})}, {"running"})
    shown = json.loads(good("pod", "inspect", "site"))
    equal([entry["name"] for entry in shown], ["site"])
    equal(json.loads(good("pod", "inspect", "site", env={"LANGUAGE": "de", "LANG": "C.UTF-8"})), shown)
    clean()


def test_new_publishes_the_ports_that_the_image_exposes():
    exposing = f"{HOST}/pods/exposing:x"
    oci.push(oci.Image([oci.busybox_layer()], {"Env": ["PATH=/bin"], "ExposedPorts": {"8080/tcp": {}, "5353/udp": {}}}), exposing)
    # The image is pulled before the pod is created, which needs its ports.
    good("run", "-d", "--name=all", "--pod=new:open", "--network=front", "-P", "-p", "127.0.0.1:8087:80", *QUICK, exposing, *SLEEP)
    equal(sorted(port.split(":")[-1] for port in pod("open")["ports"]), ["5353/udp", "80", "8080/tcp"])
    host = good("port", "all", "8080").strip()
    assert int(host.split(":")[-1]) > 1024, host
    clean()
    result = dist("run", "--rm", "--pod=new:empty", "-P", f"{HOST}/pods/nothing:x")
    assert result.status == 125 and not pod("empty"), result


def test_a_pod_is_in_several_networks():
    make_network("back", "10.78.0.0/24")
    good("pod", "create", "--network=front", "--network=back", "-p", "127.0.0.1:8086:80", "both")
    join("member", "both")
    shown = good("exec", "member", "ip", "-4", "-o", "addr")
    for subnet in ("10.77.0.", "10.78.0."):
        contains(shown, subnet)
        contains(" ".join(pod("both")["addresses"]), subnet)
    contains(good("exec", "member", "ip", "route"), "default via 10.77.0.1")
    equal(pod("both")["network"], "front")
    kill_service()
    contains(good("exec", "member", "ip", "-4", "-o", "addr"), "10.78.0.")
    good("pod", "stop", "both")
    good("pod", "start", "both")
    contains(good("exec", "member", "ip", "-4", "-o", "addr"), "10.78.0.")
    clean()
    for networks, problem in ((("none", "back"), "further networks need a first one, not none or host"), (("back", "back"), "twice")):
        contains(dist("pod", "create", *(f"--network={name}" for name in networks), "bad").err, problem)
    # A polkit rule sees each network.
    allow("alice", 'action.id == "org.berth1.containers.manage-own" ||'
                   ' (action.id == "org.berth1.containers.create" && action.lookup("network") == "front")')
    good("pod", "create", "--network=front", "hers", user="alice")
    good("pod", "rm", "hers", user="alice")
    assert dist("pod", "create", "--network=front", "--network=back", "hers", user="alice").status != 0
    equal(pod("hers"), None)


def test_a_pod_that_removes_itself_goes_after_its_containers():
    good("pod", "create", "--rm", "gone")
    join("kept", "gone")
    good("pod", "stop", "gone")
    equal(pod("gone")["state"], "stopped")
    good("rm", "kept")
    wait_until(lambda: pod("gone") is None, "the end of the pod")


def test_a_pod_in_the_hosts_network_is_a_privilege_of_each_container():
    good("pod", "create", "--network=host", "open")
    join("inside", "open")
    equal(namespaces(pid_of("inside"))["net"], os.readlink("/proc/self/ns/net"))
    assert namespaces(pid_of("inside"))["user"] != os.readlink("/proc/self/ns/user")
    clean()
    allow("alice", 'action.id == "org.berth1.containers.create" || action.id == "org.berth1.containers.manage-own" ||'
                   ' (action.id == "org.berth1.containers.create-privileged" && action.lookup("verb") == "pod-create")')
    good("pod", "create", "--network=host", "hers", user="alice")
    assert dist("create", "--pod=hers", IMAGE, "true", user="alice").status != 0
    good("pod", "rm", "hers", user="alice")


def test_verbs_act_on_all_containers_of_a_pod():
    good("pod", "create", "acted")
    join("one", "acted")
    join("two", "acted", "sh", "-c", "echo of two; sleep 1000")
    both = lambda: [state("one"), state("two")]  # pylint: disable=unnecessary-lambda-assignment
    equal(good("pod", "pause", "acted"), "acted\n")
    equal(both(), ["paused"] * 2)
    good("unpause", "one")
    equal(good("pod", "unpause", "acted"), "acted\n")
    equal(both(), ["running"] * 2)
    equal(sorted(good("pod", "stats", "--no-stream", "--format={{.Name}}", "acted").split()), ["one", "two"])
    wait_until(lambda: "of two" in good("pod", "logs", "acted"), "the output")
    pids = [pid_of("one"), pid_of("two")]
    equal(good("pod", "restart", "acted"), "acted\n")
    equal(both(), ["running"] * 2)
    assert not set(pids) & {pid_of("one"), pid_of("two")}
    contains(dist("pod", "kill", "-s", "NONE", "acted").err, 'unknown signal "NONE"')
    result = dist("pod", "kill", "nothing", "acted")
    equal((result.status, result.out), (1, "acted\n"))
    contains(result.err, 'no pod "nothing"')
    wait_until(lambda: both() == ["stopped"] * 2, "the end of both")
    equal(good("pod", "kill", "acted"), "acted\n")
    equal(good("pod", "stats", "acted"), "")
    contains(dist("pod", "prune").err, "use --force")
    good("pod", "create", "new")
    equal(good("pod", "prune", "-f"), "")
    good("pod", "stop", "acted")
    wait_for("acted", "stopped")
    equal(good("pod", "prune", "-f"), "acted\n")
    equal(both(), [None, None])
    clean()


def test_nobody_else_sees_or_joins_a_pod():
    good("pod", "create", "roots")
    allow("alice", 'action.id == "org.berth1.containers.create" || action.id == "org.berth1.containers.manage-own"')
    equal(pod("roots", user="alice"), None)
    # --pull=never avoids a question about an image that the user may not see.
    create = ("create", "--pull=never", "--pod=roots", IMAGE, "true")
    contains(dist(*create, user="alice").err, 'there is no pod "roots"')
    for member, *arguments in (("Start", "sa{sv}", "roots", "0"), ("Stop", "sa{sv}", "roots", "0"), ("Wait", "sa{sv}", "roots", "0"),
                               ("Delete", "sa{sv}", "roots", "0")):
        contains(pods_call(member, *arguments, user="alice").err, 'there is no pod "roots"')
    # Even a user who may manage all pods of others cannot put a container into one.
    polkit_rule('polkit.addRule(function(action, subject) { if (subject.user == "alice") return polkit.Result.YES; });')
    contains(dist(*create, user="alice").err, 'there is no pod "roots"')
    good("pod", "create", "alices", user="alice")
    contains(dist("create", "--pod=alices", IMAGE, "true").err, 'there is no pod "alices"')
    clean()


def test_a_user_sees_the_objects_of_own_pods_only():
    allow("alice", 'action.id == "org.berth1.containers.create" || action.id == "org.berth1.containers.manage-own"')
    good("pod", "create", "roots")
    good("pod", "create", "alices", user="alice")

    def get(name, user=None):
        return call(f"/org/berth1/pods/{name}", "org.freedesktop.DBus.Properties", "GetAll", "s", "org.berth1.Pod", user=user)
    contains(get("roots").out, '"roots"')
    contains(get("alices").out, '"alices"')
    contains(get("alices", user="alice").out, '"alices"')
    for name in ("roots", "absent"):
        contains(get(name, user="alice").err, f'there is no pod "{name}"')
    contains(get("absent").err, 'there is no pod "absent"')
    contains(busctl("introspect", "org.berth1", "/org/berth1/pods/alices").out, '"alices"')
    clean()


def test_a_container_does_not_join_another_pod_of_the_same_name():
    """If a pod is deleted while a container is created in it, the container does not join a new pod with the same name.
    A secret that is read from a pipe delays the creation."""
    allow("alice", 'action.id == "org.berth1.containers.create" || action.id == "org.berth1.containers.manage-own"')
    for deleted_by, created_by in (("alice", None), ("alice", "alice")):
        good("pod", "create", "swap", user="alice")
        reading, writing = os.pipe()
        client = send_as("alice", "options = {'Command': GLib.Variant('as', ['true']), 'Pod': GLib.Variant('s', 'swap'), 'Secrets': GLib.Variant('a(sh)', [('a', 0)])}\n"
                         f"body = GLib.Variant('(ssa{{sv}})', ('late', '{IMAGE}', options))\n"
                         f"reply, serial = bus.send_message_with_reply_sync(message('Containers', 'Create', body, [{reading}]), 0, -1, None)\n"
                         "print(reply.get_error_name())\n", reading)
        os.close(reading)
        wait_until(lambda: run("pgrep", "-x", "berth-ingest").out, "the reader of the secret")
        good("pod", "rm", "swap", user=deleted_by)
        good("pod", "create", "swap", user=created_by)
        os.close(writing)
        equal(client.communicate()[0].strip(), "org.berth1.Error.NotFound")
        equal((state("late"), pod("swap")["containers"]), (None, []))
        clean()


def test_a_pod_that_is_being_deleted_takes_no_container():
    for name, member in (("leaving1", None), ("leaving2", "held")):
        good("pod", "create", name)
        good("pod", "start", name)
        if member:
            join(member, name)
        client = send_as("root", f"delete = GLib.Variant('(sa{{sv}})', ('{name}', {{'Force': GLib.Variant('b', True)}}))\n"
                         f"create = GLib.Variant('(ssa{{sv}})', ('late', '{IMAGE}', {{'Command': GLib.Variant('as', ['true']), 'Pod': GLib.Variant('s', '{name}')}}))\n"
                         "bus.send_message(message('Pods', 'Delete', delete), 0)\n"
                         "reply, serial = bus.send_message_with_reply_sync(message('Containers', 'Create', create), 0, -1, None)\n"
                         "print(reply.get_error_name())\n")
        client.communicate()
        wait_until(lambda: pod(name) is None or state("late"), "an end of the deletion or the new container")  # pylint: disable=cell-var-from-loop
        # Whichever call comes first, no container is left in a deleted pod.
        wait_until(lambda: (state("late") is None) == (pod(name) is None), "a pod with its container, or neither")  # pylint: disable=cell-var-from-loop
        clean()
        equal(state("late"), None)


def test_a_rule_sees_each_network_of_the_pod():
    for name, subnet in (("open", "10.78.0.0/24"), ("closed", "10.79.0.0/24")):
        make_network(name, subnet)
    allow("alice", 'action.id == "org.berth1.containers.manage-own" || (action.id == "org.berth1.containers.create" &&'
                   ' (action.lookup("verb") == "pod-create" || ["open", "none"].indexOf(action.lookup("network")) >= 0))')
    for number, (networks, allowed) in enumerate(((["none"], True), (["open"], True), (["closed"], False), (["open", "closed"], False))):
        good("pod", "create", *[f"--network={name}" for name in networks], f"pod{number}", user="alice")
        result = dist("create", f"--name=in{number}", f"--pod=pod{number}", IMAGE, "true", user="alice")
        equal(result.status == 0, allowed, (networks, result))
    clean()


def test_a_rule_sees_the_pod_and_each_container_that_is_stopped_with_it():
    allow("alice", 'action.id == "org.berth1.containers.create" || (action.id == "org.berth1.containers.manage-own" &&'
                   ' action.lookup("container") != "precious")')
    good("pod", "create", "hers", user="alice")
    good("run", "-d", "--name=precious", "--pod=hers", *QUICK, IMAGE, *SLEEP, user="alice")
    assert dist("pod", "stop", "hers", user="alice").status != 0
    assert dist("pod", "rm", "-f", "hers", user="alice").status != 0
    equal(pod("hers")["state"], "running")
    clean()
    allow("alice", 'action.id == "org.berth1.containers.create" && action.lookup("pod") == "mine"')
    assert dist("pod", "create", "other", user="alice").status != 0
    good("pod", "create", "mine", user="alice")
    good("create", "--name=in", "--pod=mine", IMAGE, "true", user="alice")
    assert dist("create", "--name=out", IMAGE, "true", user="alice").status != 0
    clean()


def test_an_unprivileged_pod_works_as_roots_does():
    allow("alice", 'action.id == "org.berth1.containers.create" || action.id == "org.berth1.containers.manage-own"')
    good("run", "-d", "--name=hers1", "--pod=new:hers", *QUICK, IMAGE, *SLEEP, user="alice")
    good("run", "-d", "--name=hers2", "--pod=hers", *QUICK, IMAGE, *SLEEP, user="alice")
    equal(namespaces(pid_of("hers1"))["net"], namespaces(pid_of("hers2"))["net"])
    contains(run("systemctl", "show", "-P", "Slice", "berth-hers.scope").out, "berth-user-4242")
    good("pod", "rm", "-f", "hers", user="alice")


def check_pods_are_whole(pods):
    """Checks that each container exists completely or not at all, and that none runs in a pod that is not running."""
    def look():
        containers = {entry["id"]: entry["state"] for entry in listing("ps", "-a")}
        found = {entry["name"]: entry for entry in listing("pod", "ps")}
        # A removal that the former service began may go on between these lists.
        return set(container_directories()) == set(containers) | set(found) and (containers, found)
    containers, found = wait_until(look, "a directory for each container and pod, and no other")
    for name in pods:
        inside = f"{name}in"
        assert inside not in containers or name in found, (containers, found)
        if inside in containers:
            # Both may go meanwhile.
            def together():
                found = pod(name)  # pylint: disable=cell-var-from-loop
                return not found or inside in found["containers"] and (state(inside) != "running" or found["state"] == "running")  # pylint: disable=cell-var-from-loop
            wait_until(together, "no container runs without its pod")


def test_the_service_may_die_at_each_step_of_a_pod():
    """Wherever the service dies during a call, the state remains consistent, and the pod can be started and deleted."""
    for delay in (0.01, 0.06):
        for last in range(5):
            name = f"mortal{last}"
            steps = [("pod", "create", name), ("run", "-d", f"--name={name}in", f"--pod={name}", *QUICK, IMAGE, *SLEEP),
                     ("pod", "stop", name), ("pod", "start", name), ("pod", "rm", "-f", name)]
            for step in steps[:last]:
                good(*step)
            with subprocess.Popen(["dist", *steps[last]], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as client:
                time.sleep(delay)
                kill_service()
            assert client.returncode is not None
            check_pods_are_whole([name])
            found = pod(name)
            if found and found["state"] != "running" and (result := dist("pod", "start", name)).status != 0:
                wait_until(lambda at=name: pod(at) is None, f"the end of a removal that the former service began: {result}")
            found = pod(name)
            if found:
                equal(found["state"], "running")
                good("pod", "rm", "-f", name)
            equal((pod(name), state(f"{name}in")), (None, None))
    wait_until(lambda: "mortal" not in run("systemctl", "list-units", "--all", "--plain", "--no-legend", "berth-mortal*.scope").out, "the scopes go")
    equal([name for name in os.listdir(f"{STATE}/networks") if name.startswith("mortal")], [])


def test_a_pod_counts_as_a_container():
    before = container_directories()
    good("pod", "create", "counted")
    equal(container_directories(), sorted([*before, "counted"]))
    clean()
    equal(container_directories(), before)


def test_a_pod_in_the_callers_cgroup_runs_in_its_unit():
    unit = "pod-unit.service"
    run("systemd-run", f"--unit={unit}", "--property=Type=notify", "--property=Delegate=yes", "--property=NotifyAccess=all",
        "dist", "pod", "run", "--cgroup=caller", "--replace", "--rm", "unitpod")
    wait_for("unitpod", "running")
    equal(pod("unitpod")["unit"], unit)
    join("guest", "unitpod")
    kill_service()
    run("systemctl", "stop", unit)
    wait_until(lambda: state("guest") == "stopped", "the end of the container")
    wait_for("unitpod", "stopped")
    good("rm", "guest")
    wait_until(lambda: pod("unitpod") is None, "the end of the pod")
    run("systemctl", "reset-failed", unit)


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
