# SPDX-License-Identifier: LGPL-2.1-or-later
# Audit records in the journal. Each permission that was granted or refused and each change is recorded with the caller.

import contextlib
import importlib
import select
import signal
import subprocess
import sys
import time

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci
from caller import Caller

IMAGE = f"{HOST}/busybox:latest"
GRANTED = "0f7c1d6a6a1e4a0bb2c64de1f1f0a110"
REFUSED = "0f7c1d6a6a1e4a0bb2c64de1f1f0a111"
CHANGE = "0f7c1d6a6a1e4a0bb2c64de1f1f0a112"
SUPPRESSED = "0f7c1d6a6a1e4a0bb2c64de1f1f0a113"
ENTRIES_LOST = "0f7c1d6a6a1e4a0bb2c64de1f1f0a114"
IMAGES = ("/org/berth1/images", "org.berth1.Images")
VOLUMES = ("/org/berth1/volumes", "org.berth1.Volumes")
# Fields of every audit record, apart from those that journald adds.
COMMON = {"MESSAGE", "MESSAGE_ID", "PRIORITY", "SYSLOG_IDENTIFIER", "CODE_FILE", "CODE_FUNC", "BERTH_AUDIT",
          "CALLER_UID", "CALLER_PID", "CALLER_NAME", "BERTH_MEMBER", "BERTH_RESULT"}


def audit(after, **fields):
    """Returns the audit records with these fields."""
    return [record for record in journal_entries(after, "berthd") if record.get("MESSAGE_ID") in (GRANTED, REFUSED, CHANGE, SUPPRESSED)
            and all(record.get(name) == value for name, value in fields.items())]


def wait_for(after, **fields):
    return wait_until(lambda: audit(after, **fields), f"a record of {fields}")


def of_berth(record):
    """Returns the fields of an entry without those that journald adds."""
    return {key: value for key, value in record.items() if not key.startswith("_")}


def test_setup():
    oci.push(oci.busybox_image(), IMAGE)
    good("pull", IMAGE)


def test_changes_by_root_are_recorded_with_all_fields():
    after = journal_cursor()
    root = Caller()
    root.call(*VOLUMES, "Create", "('data', @a{sv} {})", "(sa{sv})")
    granted = of_berth(wait_for(after, CALLER_NAME=root.name, BERTH_AUDIT="decision")[0])
    change = of_berth(wait_for(after, CALLER_NAME=root.name, BERTH_AUDIT="change")[0])
    pid = str(root.process.pid)
    root.end()
    details = {"BERTH_DETAIL_VERB": "volume-create", "BERTH_DETAIL_VOLUME": "data"}
    equal(set(granted), COMMON | set(details) | {"BERTH_ACTION", "BERTH_OBJECT"})
    for record in (granted, change):
        equal(record["CALLER_UID"], "0")
        equal(record["CALLER_PID"], pid)
        equal(record["BERTH_MEMBER"], "Volumes.Create")
        equal(record["BERTH_ACTION"], "org.berth1.containers.create")
        equal(record["BERTH_OBJECT"], "data")
        equal(record["PRIORITY"], "6")
        equal({key: record[key] for key in details}, details)
    equal((granted["MESSAGE_ID"], granted["BERTH_RESULT"]), (GRANTED, "granted"))
    equal((change["MESSAGE_ID"], change["BERTH_RESULT"]), (CHANGE, "ok"))
    equal(granted["MESSAGE"], 'User 0 was allowed org.berth1.containers.create for Volumes.Create of "data"')
    equal(change["MESSAGE"], 'User 0 called Volumes.Create of "data": ok')


def test_reads_by_root_are_not_recorded():
    after = journal_cursor()
    root = Caller()
    root.call(*IMAGES, "List", "(@a{sv} {},)", "(a{sv})")
    root.call(*IMAGES, "Get", f"('{IMAGE}', @a{{sv}} {{}})", "(sa{sv})")
    root.call(*VOLUMES, "Delete", "('data', @a{sv} {})", "(sa{sv})")
    wait_for(after, CALLER_NAME=root.name, BERTH_AUDIT="change")
    equal({record["BERTH_MEMBER"] for record in audit(after, CALLER_NAME=root.name)}, {"Volumes.Delete"})
    root.end()


def test_a_failed_change_is_recorded_with_its_error():
    after = journal_cursor()
    root = Caller()
    answer = root.call(*IMAGES, "Rename", "('no.such/image:x', 'a.b/c:d', @a{sv} {})", "(ssa{sv})")
    record = wait_for(after, CALLER_NAME=root.name, BERTH_AUDIT="change")[0]
    equal(record["BERTH_RESULT"], answer["error"])
    equal(record["BERTH_OBJECT"], "no.such/image:x")
    root.end()


def test_a_call_with_wrong_arguments_is_recorded_with_its_user():
    """The user of a client's first call is not known yet when reading its arguments fails."""
    for place, member, arguments, signature, name in (
            (VOLUMES, "Create", "('data', {'Labels': <'wrong'>})", "(sa{sv})", "data"),
            (VOLUMES, "Create", "('data', {'Wrong': <1>})", "(sa{sv})", "data"),
            (IMAGES, "Put", "('a.b/c:d', ('x', 'y', 1), {'e': 'f'}, {'Wrong': <1>})", "(s(sst)a{ss}a{sv})", "a.b/c:d")):
        after = journal_cursor()
        caller = Caller("alice")
        answer = caller.call(*place, member, arguments, signature)
        contains(answer, "error")
        record = wait_for(after, CALLER_NAME=caller.name, BERTH_AUDIT="change")[0]
        equal((record.get("CALLER_UID"), record["BERTH_RESULT"], record.get("BERTH_OBJECT")), ("4242", answer["error"], name), arguments)
        contains(record["MESSAGE"], "User 4242 called ")
        equal(len(audit(after, CALLER_NAME=caller.name)), 1)
        caller.end()


def test_the_answer_that_comes_late_is_the_result():
    after = journal_cursor()
    result = dist("run", "--rm", "--id=late", IMAGE, "no-such-command")
    equal(result.status, 127)
    wait_for(after, BERTH_AUDIT="change", BERTH_MEMBER="Containers.Start", BERTH_OBJECT="late")
    members = {record["BERTH_MEMBER"]: record["BERTH_RESULT"]
               for record in wait_for(after, BERTH_AUDIT="change", BERTH_OBJECT="late")}
    equal(members["Containers.Create"], "ok")
    equal(members["Containers.Start"], "org.berth1.Error.LaunchFailed")


def test_acts_of_the_creator_without_a_question_are_recorded_too():
    after = journal_cursor()
    equal(good("run", "--rm", "--id=mine", IMAGE, "true"), "")
    wait_for(after, BERTH_AUDIT="change", BERTH_MEMBER="Containers.Start", BERTH_OBJECT="mine")
    changes = {record["BERTH_MEMBER"]: record for record in audit(after, BERTH_AUDIT="change", BERTH_OBJECT="mine")}
    for member in ("Containers.Create", "Containers.Start"):
        equal(changes[member]["BERTH_RESULT"], "ok", member)


def test_a_rule_and_its_refusal_are_recorded_with_the_details():
    polkit_rule("""polkit.addRule(function(action, subject) {
        if (action.id == "org.berth1.containers.create" && subject.user == "alice")
            return action.lookup("volume") == "hers" ? polkit.Result.YES : polkit.Result.NO;
    });""")
    after = journal_cursor()
    command = ("systemd-run", "-q", "--uid=alice", "--pipe", "--wait", "--unit=auditor", "busctl", "call", "org.berth1",
               *VOLUMES, "Create", "sa{sv}")
    equal(run(*command, "hers", "0").status, 0)
    assert run(*command, "others", "0").status != 0
    granted = wait_for(after, CALLER_UID="4242", BERTH_RESULT="granted")[0]
    equal(granted["CALLER_UNIT"], "auditor.service")
    equal(granted["BERTH_DETAIL_VOLUME"], "hers")
    refused = wait_for(after, CALLER_UID="4242", BERTH_RESULT="refused")[0]
    equal(refused["MESSAGE_ID"], REFUSED)
    equal(refused["PRIORITY"], "5")
    equal(refused["BERTH_ACTION"], "org.berth1.containers.create")
    equal(refused["BERTH_DETAIL_VOLUME"], "others")
    equal(refused["BERTH_OBJECT"], "others")
    # A refused call changed nothing and is recorded once.
    equal([record["BERTH_OBJECT"] for record in audit(after, CALLER_UID="4242", BERTH_AUDIT="change")], ["hers"])


def test_act_that_needs_an_administrator_is_recorded_as_challenge():
    after = journal_cursor()
    images_call("Pull", "sa{sv}", IMAGE, "0", user="alice")
    record = wait_for(after, CALLER_UID="4242", BERTH_RESULT="challenge")[0]
    equal((record["MESSAGE_ID"], record["BERTH_ACTION"]), (REFUSED, "org.berth1.images.pull"))


def test_access_to_a_hidden_object_is_recorded_as_refusal():
    good("run", "-d", "--id=roots", IMAGE, "sleep", "1000")
    after = journal_cursor()
    contains(dist("info", "roots", user="alice").err, "no container")
    record = wait_for(after, CALLER_UID="4242", BERTH_OBJECT="roots")[0]
    equal((record["MESSAGE_ID"], record["BERTH_ACTION"]), (REFUSED, "org.berth1.containers.inspect"))
    good("rm", "-f", "roots")


def test_a_transfer_is_recorded_at_its_end():
    after = journal_cursor()
    good("rmi", IMAGE)
    good("pull", IMAGE)
    pull = wait_for(after, BERTH_AUDIT="change", BERTH_MEMBER="Images.Pull")
    equal([(record["BERTH_RESULT"], record["BERTH_OBJECT"]) for record in pull], [("ok", IMAGE)])
    after = journal_cursor()
    assert dist("pull", f"{HOST}/none:such").status != 0
    failed = wait_for(after, BERTH_AUDIT="change", BERTH_MEMBER="Images.Pull")
    equal([record["BERTH_RESULT"] for record in failed], ["org.berth1.Error.NotFound"])


def test_no_credential_is_in_any_field():
    after = journal_cursor()
    root = Caller()
    root.call(*IMAGES, "Pull", f"('{HOST}/none:such', {{'Credentials': <{{'Username': 'me', 'Password': 's3cret'}}>}})",
              "(sa{sv})")
    root.call(*IMAGES, "Pull", f"('me:s3cret@{HOST}/busybox', @a{{sv}} {{}})", "(sa{sv})")
    root.call(*IMAGES, "Push", f"('{IMAGE}', 'https://me:s3cret@{HOST}/busybox', @a{{sv}} {{}})", "(ssa{sv})")
    wait_for(after, CALLER_NAME=root.name, BERTH_MEMBER="Images.Push", BERTH_AUDIT="change")
    found = wait_until(lambda: len(records := audit(after, CALLER_NAME=root.name)) >= 5 and records, "five records")
    assert "s3cret" not in json.dumps(journal_entries(after, "berthd")), found
    root.end()


def test_control_characters_make_no_fields():
    after = journal_cursor()
    root = Caller()
    root.call(*VOLUMES, "Delete", "('x\\nBERTH_RESULT=ok\\nCALLER_UID=7', @a{sv} {})", "(sa{sv})")
    record = wait_for(after, CALLER_NAME=root.name, BERTH_AUDIT="change")[0]
    equal((record["CALLER_UID"], record["BERTH_OBJECT"]), ("0", "x\\x0aBERTH_RESULT=ok\\x0aCALLER_UID=7"))
    root.end()


def shown(*arguments):
    run("journalctl", "--sync")
    return listing("audit", *arguments)


def test_dist_shows_the_records():
    after = int(time.time())
    root = Caller()
    root.call(*VOLUMES, "Create", "('shown', @a{sv} {})", "(sa{sv})")
    assert call(*VOLUMES, "Create", "sa{sv}", "alices", "0", user="alice").status != 0
    wait_until(lambda: len([row for row in shown(f"--since=@{after}") if row["object"] in ("shown", "alices")]) == 3,
               "three records")
    rows = {(row["kind"], row["object"]): row for row in shown(f"--since=@{after}")}
    row = rows["change", "shown"]
    equal((row["uid"], row["pid"], row["name"], row["member"], row["result"], row["action"]),
          (0, root.process.pid, root.name, "Volumes.Create", "ok", "org.berth1.containers.create"))
    equal(row["details"], {"verb": "volume-create", "volume": "shown"})
    assert after <= row["time"] / 1e6 <= time.time(), row
    equal(rows["decision", "shown"]["result"], "granted")
    equal((rows["decision", "alices"]["uid"], rows["decision", "alices"]["result"]), (4242, "refused"))
    root.call(*VOLUMES, "Delete", "('shown', @a{sv} {})", "(sa{sv})")
    root.end()


def test_dist_chooses_among_them():
    for user in ("alice", "4242"):
        equal({row["uid"] for row in shown(f"--user={user}")}, {4242})
    equal({row["result"] for row in shown("--refused")} - {""}, {"refused", "challenge"})
    equal(shown("--since=+1h"), [])
    equal(shown("--until=-1d"), [])
    contains(dist("audit", "--user=nobody-of-this-name").err, "no user")
    assert dist("audit", "--since=nonsense").status != 0


def test_the_table_has_80_columns():
    lines = good("audit").splitlines()
    equal(lines[0].split(), ["TIME", "USER", "MEMBER", "OBJECT", "ACTION", "RESULT"])
    assert len(lines) > 30, lines
    assert max(map(len, lines)) < 80, max(lines, key=len)
    assert any("alice" in line and "refused" in line for line in lines)


def test_follow_shows_new_records():
    with subprocess.Popen(["dist", "audit", "-f", "--json=short", "--since=now"], stdout=subprocess.PIPE,
                          text=True) as follower:
        # The follower may start to read after the first of these calls.
        numbers = iter(range(1000))
        ready = wait_until(lambda: (call(*VOLUMES, "Delete", "sa{sv}", f"followed{next(numbers)}", "0"),
                                    select.select([follower.stdout], [], [], 0.2)[0])[1], "a line")
        contains(json.loads(ready[0].readline())["object"], "followed")
        follower.terminate()


def test_others_entries_are_not_shown():
    forged = f"MESSAGE_ID={CHANGE}\nMESSAGE=x\nBERTH_AUDIT=change\nBERTH_OBJECT=forged\nCALLER_UID=0\n"
    equal(run("logger", "--journald", user="alice", input=forged).status, 0)
    run("journalctl", "--sync")
    contains(run("journalctl", "-o", "json", "BERTH_OBJECT=forged").out, "forged")
    assert "forged" not in good("audit")


def test_a_user_cannot_flood_the_journal():
    after = journal_cursor()
    alice = Caller("alice")
    begin = time.monotonic()
    for number in range(500):
        alice.call(*VOLUMES, "Create", f"('flood{number}', @a{{sv}} {{}})", "(sa{sv})")
    seconds = time.monotonic() - begin
    summary = wait_for(after, BERTH_AUDIT="suppressed", CALLER_UID="4242")
    alice.end()
    decisions = audit(after, CALLER_UID="4242", BERTH_AUDIT="decision")
    # A window lasts at least 10 s from its first record, and one may have begun earlier. The number of windows depends
    # on the speed of the machine.
    windows = int(seconds // 10) + 2
    assert 0 < len(decisions) <= 100 * windows, f"{len(decisions)} in {windows} windows"
    equal(summary[0]["MESSAGE_ID"], SUPPRESSED)
    wait_until(lambda: len(audit(after, CALLER_UID="4242", BERTH_AUDIT="decision")) + sum(
        int(record["BERTH_SUPPRESSED"]) for record in audit(after, BERTH_AUDIT="suppressed")) == 500,
               "the windows' end")


def test_a_call_that_wants_no_answer_is_recorded():
    after = journal_cursor()
    callers = [Caller(), Caller("alice")]
    for caller, name in zip(callers, ("silent-None", "silent-alice")):
        caller.send(*VOLUMES, "Create", f"('{name}', @a{{sv}} {{}})", "(sa{sv})")
    equal(wait_for(after, BERTH_AUDIT="change", BERTH_OBJECT="silent-None")[0]["BERTH_RESULT"], "ok")
    refused = wait_for(after, BERTH_AUDIT="decision", BERTH_OBJECT="silent-alice")[0]
    equal((refused["CALLER_UID"], refused["MESSAGE_ID"]), ("4242", REFUSED))
    good("volume", "rm", "silent-None")
    for caller in callers:
        caller.end()


def test_act_cancelled_with_its_caller_is_recorded_as_cancelled():
    good("run", "-d", "--id=fills", IMAGE, "sleep", "1000")
    after = journal_cursor()
    copying = subprocess.Popen(["dist", "cp", "-", "fills:/"], stdin=subprocess.PIPE)
    wait_for(after, BERTH_MEMBER="Containers.CopyIn", BERTH_AUDIT="decision")
    copying.kill()
    copying.wait()
    equal(wait_for(after, BERTH_MEMBER="Containers.CopyIn", BERTH_AUDIT="change")[0]["BERTH_RESULT"], "org.berth1.Error.Cancelled")
    copying.stdin.close()
    good("rm", "-f", "fills")


# Members whose calls are not recorded as changes: they only read, wait or report, or their effect ends with the caller.
LOOKING = {
    "Images.Resolve", "Images.Authenticate", "Images.Search", "Images.Export", "Images.Get", "Images.List", "Images.Inspect",
    "Images.Describe", "Images.Verify", "Image.Inspect", "Image.Describe", "Image.Verify", "Contents.Info", "Contents.List",
    "Contents.Open", "Contents.Read", "Contents.Explain", "Contents.Usage", "Contents.Status", "Contents.ListIngests",
    "Contents.FetchObject", "Leases.List", "Volumes.List", "Pods.List", "Pods.Wait", "Pod.Wait", "Networks.List", "Transfers.List", "Transfer.Wait", "Containers.Get",
    "Containers.List", "Containers.Subscribe", "Containers.Unsubscribe", "Containers.EventsSince",
    *(f"{face}.{member}" for face in ("Container", "Containers")
      for member in ("Wait", "OpenProcess", "CopyOut", "Changes", "Logs", "Processes", "Inspect", "Stats")),
}


def test_every_member_that_changes_something_is_recorded():
    """If root calls each member with objects that do not exist, the journal has the result of each call that would
    change something."""
    matrix = importlib.import_module("test-matrix")
    matrix.digests["root"] = "sha256:" + "1" * 64
    os.makedirs("/home/alice/place", exist_ok=True)
    every = {f"{interface}.{member}" for interface, members in matrix.INTERFACES.items() for member in members}
    equal(LOOKING - every, set())
    after = journal_cursor()
    root = Caller()
    for key in sorted(every):
        path, arguments, signature, files = matrix.requests_of(*key.split("."), "absent")
        root.call(path, f"org.berth1.{key.split('.')[0]}", key.split(".")[1], arguments, signature, files)

    def recorded():
        return {record["BERTH_MEMBER"] for record in audit(after, CALLER_NAME=root.name, BERTH_AUDIT="change")}
    wait_until(lambda: recorded() == every - LOOKING, f"the records of {every - LOOKING - recorded()}, and none of {recorded() & LOOKING}")
    root.end()
    for verb in (("volume", "rm"), ("network", "rm"), ("lease", "rm")):
        dist(*verb, "nobodys")
    call("/org/berth1/contents", "org.berth1.Contents", "Abort", "sa{sv}", "nobodys", "0")


def test_the_journal_explains_each():
    run("journalctl", "--update-catalog")
    for name, text in ((GRANTED, "was allowed"), (REFUSED, "add a polkit rule"), (CHANGE, "dist audit"),
                       (SUPPRESSED, "were suppressed")):
        contains(run("journalctl", "-x", "-n", "1", f"MESSAGE_ID={name}").out, text)


@contextlib.contextmanager
def stopped_journal():
    journald = int(run("systemctl", "show", "-P", "MainPID", "systemd-journald.service").out)
    # Otherwise systemd would kill it after three minutes.
    equal(run("systemctl", "service-watchdogs", "no").status, 0)
    os.kill(journald, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(journald, signal.SIGCONT)
        run("systemctl", "service-watchdogs", "yes")


def test_blocked_journal_does_not_block_the_service():
    after = journal_cursor()
    root = Caller()
    count = 1500
    with stopped_journal():
        for number in range(count):
            root.call(*VOLUMES, "Delete", f"('no{number}', @a{{sv}} {{}})", "(sa{sv})")
        equal(root.call(*IMAGES, "List", "(@a{sv} {},)", "(a{sv})").get("error"), None)
    # No entry is lost.
    wait_until(lambda: len(audit(after, CALLER_NAME=root.name, BERTH_AUDIT="change")) == count, "all the records")
    root.end()


def test_records_lost_by_a_blocked_journal_are_counted():
    """If more bytes are logged than the buffer for the journal holds, the oldest entries arrive and the number of lost
    ones is reported."""
    after = journal_cursor()
    root = Caller()
    count = 2500
    with stopped_journal():
        for number in range(count):
            root.call(*VOLUMES, "Delete", f"('{number:05}{'x' * 4000}', @a{{sv}} {{}})", "(sa{sv})")
    # The number of lost records is reported with the next record that is written.
    good("images", "-q")
    wait_until(lambda: run("journalctl", "-b", "-q", "-o", "cat", f"MESSAGE_ID={ENTRIES_LOST}").out, "the count")

    def counted():
        """Returns the number of lost entries and the number of those that arrived."""
        found = journal_entries(after, "berthd")
        return (sum(int(record["MESSAGE"].split()[0]) for record in found if record.get("MESSAGE_ID") == ENTRIES_LOST),
                len([record for record in found if record.get("CALLER_NAME") == root.name]))
    wait_until(lambda: sum(counted()) == 2 * count, "all entries, lost or not")
    assert counted()[0] > 0, counted()
    root.end()


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
