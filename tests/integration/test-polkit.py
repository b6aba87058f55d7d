# SPDX-License-Identifier: LGPL-2.1-or-later
# Permissions. A user may change nothing without a rule, a rule allows exactly what it names, and no user learns of
# other users' containers.

import json
import os
import sys

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

IMAGE = f"{HOST}/busybox:latest"

# All verbs that change something, run with dist as alice.
CHANGES = [
    ("pull", IMAGE), ("fetch", IMAGE), ("resolve", IMAGE), ("unpack", IMAGE),
    ("fetch-object", IMAGE), ("tag", IMAGE, f"{HOST}/x:y"), ("rmi", IMAGE),
    ("content", "rm", "sha256:" + "0" * 64), ("content", "ingest", "ref"), ("content", "abort", "r"),
    ("run", IMAGE, "true"), ("create", IMAGE),
]

# Verbs for a container of root, which alice cannot see.
CHANGES_OF_ROOTS = [("start", "roots"), ("kill", "roots"), ("stop", "roots"), ("rm", "roots")]


def test_setup():
    oci.push(oci.busybox_image(), IMAGE)
    good("pull", IMAGE)
    good("run", "-d", "--id=roots", IMAGE, "sleep", "1000")


def test_without_a_rule_everything_that_changes_is_refused():
    for verb in CHANGES:
        result = dist("--no-ask-password", *verb, user="alice", input="")
        assert result.status in (1, 125), f"{verb}: {result}"
        contains(result.err, "Permission denied")
    for verb in CHANGES_OF_ROOTS:
        contains(dist("--no-ask-password", *verb, user="alice").err, 'no container "roots"')
    equal(listing("info", "roots")[0]["state"], "running")
    equal([row["name"] for row in listing("images")], [IMAGE])


def test_a_refusal_says_that_an_administrator_may_authorize():
    result = images_call("Pull", "sa{sv}", IMAGE, "0", user="alice")
    assert result.status != 0
    contains(result.err, "administrator")


def test_containers_of_others_are_not_found():
    equal(listing("ps", "-a", user="alice"), [])
    for verb in ("info", "wait"):
        result = dist(verb, "roots", user="alice")
        contains(result.err, "no container")
    path = "/org/berth1/containers/roots"
    result = busctl("get-property", "org.berth1", path, "org.berth1.Container", "State", user="alice")
    assert result.status != 0, result
    result = call(path, "org.freedesktop.DBus.Properties", "GetAll", "s", "org.berth1.Container",
                  user="alice")
    assert result.status != 0, result
    managed = call("/org/berth1", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects",
                   user="alice")
    equal(managed.out.strip(), "a{oa{sa{sv}}} 0")
    equal(good("events", "--since=0", "--no-follow", user="alice"), "")


# A caller can measure the time that questions to polkit take, so their number must not reveal whether an object exists.
# The audit log has a record of each question.
def test_absent_objects_cause_as_many_questions_as_present_ones():
    def asked(name):
        run("journalctl", "--sync")
        return run("journalctl", "-b", "-o", "cat", "BERTH_AUDIT=decision",
                   f"BERTH_DETAIL_CONTAINER={name}").out.count("\n")

    polkit_rule("")
    before = asked("roots")
    for name in ("roots", "nothing"):
        result = busctl("--allow-interactive-authorization=yes", "call", "org.berth1", "/org/berth1/containers",
                        "org.berth1.Containers", "Stop", "sa{sv}", name, "0", user="alice")
        contains(result.err, "no container")
    wait_until(lambda: (asked("roots") - before, asked("nothing")) == (4, 4),
               f"four questions about each, not {asked('roots') - before} and {asked('nothing')}")


def test_root_sees_containers_of_others():
    managed = call("/org/berth1", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")
    contains(managed.out, "/org/berth1/containers/roots")
    contains(busctl("get-property", "org.berth1", "/org/berth1/containers/roots",
                    "org.berth1.Container", "State").out, "running")


def test_a_rule_for_pull_allows_pull_and_nothing_else():
    polkit_rule("""polkit.addRule(function(action, subject) {
        if (action.id == "org.berth1.images.pull" && subject.user == "alice" &&
            action.lookup("reference").indexOf("127.0.0.1:5000/busybox") == 0)
            return polkit.Result.YES;
    });""")
    equal(good("pull", IMAGE, user="alice").strip(), IMAGE)
    result = dist("--no-ask-password", "pull", f"{HOST}/other:x", user="alice")
    contains(result.err, "Permission denied")
    for verb in CHANGES:
        if verb[0] in ("pull", "fetch", "resolve", "fetch-object"):
            continue
        result = dist("--no-ask-password", *verb, user="alice", input="")
        contains(result.err, "Permission denied")


# A rule about a host also matches its other spellings.
def test_a_forbidden_host_has_no_other_spelling():
    polkit_rule("""polkit.addRule(function(action, subject) {
        var name = action.lookup("reference") || action.lookup("image") || "";
        if (action.id.indexOf("org.berth1.") == 0 && subject.user == "alice")
            return name.split("/")[0] == "bad.example" ? polkit.Result.NO : polkit.Result.YES;
    });""")
    for host in ("bad.example", "BAD.example", "bad.example:443", "Bad.Example.:0443"):
        for verb in (("pull", f"{host}/x:1"), ("resolve", f"{host}/x:1"), ("tag", IMAGE, f"{host}/x:1"),
                     ("push", IMAGE, f"{host}/x:1"), ("search", f"{host}/x")):
            result = dist("--no-ask-password", *verb, user="alice")
            contains(result.err, "Permission denied")
    good("tag", IMAGE, "FREE.example:443/x:1", user="alice")
    equal(good("rmi", "FREE.example:443/x:1", user="alice").strip(), "FREE.example:443/x:1")


def test_a_user_manages_own_containers_only():
    polkit_rule("""polkit.addRule(function(action, subject) {
        if ((action.id == "org.berth1.containers.create" ||
             action.id == "org.berth1.containers.manage-own") && subject.user == "alice")
            return polkit.Result.YES;
    });""")
    equal(dist("run", "--rm", IMAGE, "sh", "-c", "exit 4", user="alice").status, 4)
    good("run", "-d", "--id=hers", IMAGE, "sleep", "1000", user="alice")
    rows = listing("ps", user="alice")
    equal([(row["id"], row["owner"]) for row in rows], [("hers", 4242)])
    # The tools of systemd show the owner, too. They show it to everybody, and therefore not the image.
    equal(run("systemctl", "show", "-P", "Description", "berth-hers.scope").out, "Container hers of user 4242\n")
    for unit in ("berth-hers.scope", "berth-roots.scope"):
        assert IMAGE not in run("systemctl", "show", unit, user="alice").out, unit
        fields = f"/run/systemd/units/log-extra-fields:{unit}"
        contains(run("cat", fields).out, IMAGE)
        contains(run("cat", fields, user="alice").err, "Permission denied")
    contains(good("events", "--since=0", "--no-follow", user="alice"), "hers")
    assert "roots" not in good("events", "--since=0", "--no-follow", user="alice")
    good("rm", "-f", "hers", user="alice")
    for verb in CHANGES_OF_ROOTS:
        contains(dist("--no-ask-password", *verb, user="alice").err, 'no container "roots"')


def test_privileged_options_need_another_right():
    for option in ("--network=host", "--cap-add=SYS_ADMIN", "--seccomp=unconfined", "--userns=host", "--privileged",
                   "--device=/dev/null", "--volume=/tmp:/x", "--slice=system.slice"):
        result = dist("--no-ask-password", "run", "--rm", option, IMAGE, "true", user="alice")
        equal(result.status, 125)
        contains(result.err, "create-privileged")
    equal(dist("run", "--rm", "--network=host", IMAGE, "true").status, 0)


def at_once(*calls, user=None):
    """Sends calls without waiting for replies in between; returns the replies."""
    tool = os.path.join(os.path.dirname(oci.__file__), "at_once.py")
    result = run("/usr/bin/python3", tool, *calls, user=user)
    equal(result.status, 0, result)
    return json.loads(result.out)


def members(answers):
    return [member for member, _ in answers]


def calls_of_a_run(name, command="['true']", image=IMAGE):
    return ("Create", f"('{name}', '{image}', {{'Command': <{command}>, 'AutoRemove': <true>}})",
            "Wait", f"('{name}', '', @a{{sv}} {{}})", "Start", f"('{name}', @a{{sv}} {{}})")


def test_calls_wait_for_the_container_that_their_client_creates():
    # The calls wait even while the service is being activated and polkit is being asked.
    run("systemctl", "stop", "berthd.service")
    for user in (None, "alice"):
        allow_only("alice", "containers.create")
        name = f"of-{user}"
        answers = at_once(*calls_of_a_run(name, "['sh', '-c', 'exit 7']"), user=user)
        equal(members(answers)[0], "Create")
        equal(answers[0][1], [f"/org/berth1/containers/{bus_label(name)}"])
        found = dict(answers)
        equal(found["Wait"][0], 7)
        assert isinstance(found["Start"], list), answers
        # Calls are processed in their order, although the container is removed as soon as it has ended.
        answers = at_once(*calls_of_a_run(name), "Kill", f"('{name}', 9, @a{{sv}} {{}})", user=user)
        equal(members(answers)[0], "Create")
        wait_until(lambda: name not in [row["id"] for row in listing("ps", "-a")], f"{name} to be removed")


def test_queued_calls_fail_if_the_creation_fails():
    for user in (None, "alice"):
        allow_only("alice", "containers.create")
        answers = at_once(*calls_of_a_run("never", image=f"{HOST}/not:here"), user=user)
        equal(answers, [["Create", "NotFound"], ["Wait", "NotFound"], ["Start", "NotFound"]])
    # After a refused creation, the queued calls do not reach another user's container of the same name.
    polkit_rule("")
    answers = at_once(*calls_of_a_run("roots"), user="alice")
    equal(answers[1:], [["Wait", "NotFound"], ["Start", "NotFound"]])
    equal(listing("info", "roots")[0]["state"], "running")
    # They do not start the caller's own container of the same name, either.
    allow_only("alice", "containers.create")
    good("create", "--id=mine", IMAGE, "true", user="alice")
    answers = at_once(*calls_of_a_run("mine"), user="alice")
    equal(answers, [["Create", "AlreadyExists"], ["Wait", "NotFound"], ["Start", "NotFound"]])
    equal(listing("info", "mine")[0]["state"], "created")
    good("rm", "mine")


def test_calls_that_await_a_creation_are_limited():
    polkit_rule("""polkit.addRule(function(action, subject) {
        if (subject.user == "alice") {
            polkit.spawn(["/usr/bin/sleep", "4"]);
            return polkit.Result.YES;
        }
    });""")
    waits = ("Wait", "('flood', '', @a{sv} {})") * 80
    create, wait, start = (calls_of_a_run("flood")[i:i + 2] for i in (0, 2, 4))
    answers = [answer for _, answer in at_once(*create, *wait, *start, *waits, user="alice")]
    equal(answers.count("LimitExceeded"), 80 + 2 - 64)
    equal(len([answer for answer in answers if isinstance(answer, list)]), 1 + 64)
    polkit_rule("")
    wait_until(lambda: "flood" not in [row["id"] for row in listing("ps", "-a")], "it to be removed")


def test_a_rule_sees_the_details():
    polkit_rule("""polkit.addRule(function(action, subject) {
        if (action.id == "org.berth1.containers.manage" && subject.user == "alice" &&
            action.lookup("container") == "roots" && action.lookup("owner") == "0" &&
            action.lookup("verb") == "stop" &&
            action.lookup("image") == "127.0.0.1:5000/busybox:latest")
            return polkit.Result.YES;
    });""")
    contains(dist("--no-ask-password", "kill", "roots", user="alice").err, "no container")
    good("stop", "-t", "0", "roots", user="alice")
    equal(listing("info", "roots")[0]["state"], "stopped")


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
