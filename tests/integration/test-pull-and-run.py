# SPDX-License-Identifier: LGPL-2.1-or-later
# The main user story: an image is pulled from a registry, named, listed, and run with the caller's descriptors.

import os
import subprocess
import sys
import time

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

IMAGE = f"{HOST}/busybox:latest"


def test_nothing_runs_before_the_first_call():
    equal(service_pid(), 0, "pid of berthd")


def test_resolve_answers_name_and_descriptor():
    digest = oci.push(oci.busybox_image(), IMAGE)
    row = listing("resolve", IMAGE)[0]
    equal(row["name"], IMAGE)
    equal(row["digest"], digest)
    equal(row["mediaType"], oci.OCI_MANIFEST)


def test_resolve_by_digest_and_with_a_query():
    digest = listing("resolve", IMAGE)[0]["digest"]
    equal(listing("resolve", f"{HOST}/busybox@{digest}")[0]["digest"], digest)
    equal(listing("resolve", f"{HOST}/busybox:latest@{digest}?x=y")[0]["name"],
          f"{HOST}/busybox:latest@{digest}")


def test_fetch_names_nothing():
    good("fetch", IMAGE)
    equal(listing("images"), [])
    equal(len(listing("content", "list")), 3)
    equal([n for n in os.listdir(f"{STATE}/snapshots") if not n.startswith(".")], [])


def test_pull_names_the_image():
    equal(good("pull", IMAGE).strip(), IMAGE)
    equal([row["name"] for row in listing("images")], [IMAGE])


def test_pull_again_is_fine():
    equal(good("pull", IMAGE).strip(), IMAGE)


def test_inspect_is_the_configuration():
    contains(good("inspect", IMAGE), '"diff_ids"')


def test_the_content_store_is_an_oci_layout():
    result = run("skopeo", "inspect", "--raw", f"oci:{STATE}/content:{IMAGE}")
    equal(result.status, 0, result)
    contains(result.out, "schemaVersion")


def test_run_gives_output_and_status():
    result = dist("run", "--rm", IMAGE, "sh", "-c", "echo out; echo err >&2; exit 7")
    equal(result.status, 7, result)
    equal(result.out, "out\n")
    equal(result.err, "err\n")
    equal(listing("ps", "-a"), [])


def test_run_passes_standard_input():
    equal(good("run", "--rm", IMAGE, "cat", input="a line\n"), "a line\n")


def test_a_signal_is_128_and_its_number():
    equal(dist("run", "--rm", IMAGE, "sh", "-c", "kill -9 $$; sleep 9").status in (137, 0), True)
    good("run", "-d", "--id=killed", IMAGE, "sleep", "100")
    good("kill", "-s", "KILL", "killed")
    equal(dist("wait", "killed").status, 137)
    good("rm", "killed")


def test_command_not_found_is_127():
    result = dist("run", "--rm", IMAGE, "no-such-command")
    equal(result.status, 127, result)
    contains(result.err, "no-such-command")


def test_command_that_cannot_be_executed_is_126():
    result = dist("run", "--rm", IMAGE, "/etc/passwd")
    equal(result.status, 126, result)
    contains(result.err, "/etc/passwd")


def test_a_command_that_is_no_program_of_the_image():
    """An empty one is not found, and /proc/self/exe leads to the launcher; both are named, as other engines do."""
    good("run", "-d", "--id=open", IMAGE, "sleep", "1000")
    own = 126, "command /proc/self/exe: it leads to the launcher, not to a program of the image\n"
    # With sanitizers, the launcher is not static, and the image does not have its interpreter.
    if "=>" in run("ldd", f"{WORKERS}/berth-launch").out:
        own = 127, "dist: command /proc/self/exe: its interpreter is not in the image\n"
    for verb in (("run", "--rm", IMAGE), ("exec", "open")):
        result = dist(*verb, "")
        equal((result.status, result.err), (127, 'dist: command "": not found in the image\n'))
        result = dist(*verb, "/proc/self/exe")
        equal((result.status, result.err), own)
    good("rm", "-f", "open")


def test_unknown_image_is_125():
    result = dist("run", "--rm", f"{HOST}/nothing:here", "true")
    equal(result.status, 125)
    contains(result.err, f"{HOST}/nothing")
    contains(result.err, "404")
    result = dist("run", "--rm", "--pull=never", f"{HOST}/nothing:here", "true")
    equal(result.status, 125)
    contains(result.err, "nothing:here")


def test_user_environment_directory_and_host_name():
    out = good("run", "--rm", "-u", "guest", "-e", "COLOUR=blue", "-w", "/tmp",
               "--hostname=harbour", IMAGE, "sh", "-c", "id; echo $COLOUR $HOME; pwd; hostname")
    equal(out, "uid=1000(guest) gid=1000(guest) groups=1000(guest),2000(extra)\nblue /tmp\n/tmp\nharbour\n")


def test_unknown_user_is_named():
    result = dist("run", "--rm", "-u", "nobody-here", IMAGE, "true")
    equal(result.status, 125)
    contains(result.err, "nobody-here")


def test_read_only_root():
    result = dist("run", "--rm", "--read-only", IMAGE, "touch", "/x")
    equal(result.status, 1)
    contains(result.err, "Read-only")


def test_isolation_by_default():
    out = good("run", "--rm", IMAGE, "sh", "-c",
               "grep -E 'CapEff|CapBnd|NoNewPrivs|Seccomp:' /proc/self/status;"
               "ip link | grep -c '^[0-9]'; set -- /proc/[0-9]*; echo $#")
    contains(out, "NoNewPrivs:\t1")
    contains(out, "Seccomp:\t2")
    contains(out, "CapBnd:\t00000000800405fb")
    equal(out.splitlines()[-2], "1", "network interfaces")
    # The shell counts the processes itself, as the number of processes in a pipeline would vary.
    equal(out.splitlines()[-1], "1", "processes to be seen")


def test_limits_of_descriptors():
    soft, hard = map(int, good("run", "--rm", IMAGE, "sh", "-c", "ulimit -Sn; ulimit -Hn").split())
    equal(soft, 1024)
    # The hard limit is 524288, or lower if this machine allows less.
    assert 1024 <= hard <= 524288, hard


def test_no_descriptor_leaks_into_the_container():
    out = good("run", "--rm", IMAGE, "ls", "/proc/self/fd")
    equal(out.split(), ["0", "1", "2", "3"], "descriptors, with the one ls opens")


def test_the_container_is_a_scope_in_its_slice():
    good("run", "-d", "--id=scoped", "--label", "a=b", IMAGE, "sleep", "1000")
    show = run("systemctl", "show", "berth-scoped.scope", "-p", "Slice,ActiveState,Delegate,ControlGroup").out
    contains(show, "Slice=berth.slice")
    contains(show, "ActiveState=active")
    contains(show, "Delegate=yes")
    info = listing("info", "scoped")[0]
    equal(info["state"], "running")
    with open(f"/proc/{info['pid']}/cgroup", encoding="utf-8") as file:
        contains(file.read(), "/berth.slice/berth-scoped.scope")


def test_a_second_container_with_the_same_id_is_refused():
    result = dist("run", "-d", "--id=scoped", IMAGE, "sleep", "1")
    equal(result.status, 125)
    contains(result.err, "scoped")


def test_starting_twice_changes_nothing():
    [before] = listing("info", "scoped")
    equal(good("start", "scoped"), "scoped\n")
    [after] = listing("info", "scoped")
    equal((after["pid"], after["started"]), (before["pid"], before["started"]))


def test_a_running_container_is_not_deleted():
    result = dist("rm", "scoped")
    equal(result.status, 1)
    contains(result.err, "stop it first")


def test_stop_waits_and_kills():
    good("stop", "-t", "0", "scoped")
    equal(listing("info", "scoped")[0]["exitStatus"], "137")


def test_a_stop_timeout_of_zero_kills_at_once():
    took = []
    for _ in range(3):
        good("run", "-d", "--id=atonce", "--stop-timeout=0", IMAGE, "sh", "-c", "trap '' TERM; while :; do sleep 0.1; done")
        begin = time.monotonic()
        good("stop", "atonce")
        took.append(time.monotonic() - begin)
        good("rm", "atonce")
        # With the default timeout, each would take ten seconds at least.
        if took[-1] < 10:
            return
    raise AssertionError(took)


def test_negative_numbers_are_refused():
    for option in ("--pids=-5", "--stop-timeout=-2", "--health-retries=-1", "--health-interval=-1"):
        contains(dist("create", option, IMAGE).err, "negative")


def test_a_stopped_container_starts_again():
    good("start", "scoped")
    equal(listing("info", "scoped")[0]["state"], "running")


def test_a_container_starts_again_at_once():
    good("create", "--id=again", IMAGE, "sh", "-c", "exit 6")
    for _ in range(10):
        equal(dist("start", "-a", "again").status, 6)
    good("rm", "again")


def test_a_failed_argument_does_not_stop_the_others():
    for name in ("first", "second"):
        good("run", "-d", f"--id={name}", IMAGE, "sleep", "1000")
    result = dist("stop", "-t", "0", "first", "missing", "second")
    equal((result.status, result.out), (1, "first\nsecond\n"), str(result))
    contains(result.err, 'no container "missing"')
    result = dist("rm", "first", "missing", "second", "gone")
    equal((result.status, result.out), (1, "first\nsecond\n"), str(result))
    contains(result.err, 'no container "missing"')
    contains(result.err, 'no container "gone"')


def test_delete_by_force_answers_the_last_exit():
    reply = containers_call("Delete", "sa{sv}", "scoped", "1", "Force", "b", "true")
    equal(reply.status, 0, reply)
    contains(reply.out, "it 137 1")


def test_systemctl_stop_uses_the_stop_signal():
    good("run", "-d", "--id=polite", "--stop-signal=USR1", IMAGE, "sh", "-c",
         "trap 'exit 42' USR1; echo ready; while :; do sleep 0.05; done")
    wait_until(lambda: "ready" in good("logs", "polite"), "the trap")
    equal(run("systemctl", "stop", "berth-polite.scope").status, 0)
    equal(dist("wait", "polite").status, 42)
    good("rm", "polite")


def test_logs_are_in_the_journal_under_the_scope():
    good("run", "-d", "--id=talker", IMAGE, "sh", "-c", "echo to-the-journal; echo bad >&2")
    equal(dist("wait", "talker").status, 0)
    wait_until(lambda: "to-the-journal" in good("logs", "talker"), "the journal")
    contains(run("journalctl", "-u", "berth-talker.scope", "--no-pager").out, "to-the-journal")
    good("rm", "talker")


def test_entries_of_the_journal_name_container_and_image():
    def lines(name):
        return run("journalctl", f"BERTH_CONTAINER={name}", f"BERTH_IMAGE={IMAGE}", "-o", "cat").out.splitlines()
    # The file that journald reads is removed ten seconds after the container, or when the service starts again.
    def fields():
        return sorted(name for name in os.listdir("/run/systemd/units") if "berth-" in name and "extra-fields" in name)
    good("run", "-d", "--id=stays", IMAGE, "sleep", "1000")
    good("exec", "-d", "stays", "echo", "from-exec")
    for attempt in range(5):
        begin = time.monotonic()
        good("run", "-d", "--rm", f"--id=named{attempt}", IMAGE, "echo", "brief")
        wait_until(lambda: "brief" in lines(f"named{attempt}"), "the line")  # pylint: disable=cell-var-from-loop
        found = f"log-extra-fields:berth-named{attempt}.scope" in fields()
        took = time.monotonic() - begin
        run("systemctl", "restart", "berthd.service")
        good("ps")
        equal(fields(), ["log-extra-fields:berth-stays.scope"])
        if found:
            break
        assert took > 10, "the file was removed too early"
    assert found, "the file was always removed before its container's output arrived"
    wait_until(lambda: "from-exec" in lines("stays"), "the line")
    good("rm", "--force", "stays")


def test_a_start_that_fails_leaves_no_fields_in_the_journal():
    fields = "/run/systemd/units/log-extra-fields:berth-broken.scope"
    good("create", "--id=broken", IMAGE, "true")
    os.rename("/var/lib/berth/containers/broken/config.json", "/var/lib/berth/containers/broken/away")
    contains(dist("start", "broken").err, "open the configuration of container broken")
    assert os.path.lexists(fields)
    wait_until(lambda: not os.path.lexists(fields), "the end of the fields")
    good("rm", "broken")


def test_wait_after_the_end_answers_at_once():
    good("run", "-d", "--id=ended", IMAGE, "sh", "-c", "exit 3")
    equal(dist("wait", "ended").status, 3)
    equal(dist("wait", "ended").status, 3)
    reply = containers_call("Delete", "sa{sv}", "ended", "0")
    contains(reply.out, "it 3 1")


def test_events_are_in_order():
    lines = good("events", "--since=0", "--no-follow").splitlines()
    story = [line.split()[2] for line in lines if line.split()[3] == "ended"]
    equal(story, ["create", "start", "exit", "delete"])


def test_invalid_ids_are_refused():
    for name in ("../x", "a/b", ".x", "-x", "x" * 65, "a b", "ä"):
        result = containers_call("Create", "ssa{sv}", name, IMAGE, "0")
        assert result.status != 0, f"{name} was accepted"
        contains(result.err, "invalid container id")


def test_create_and_start_through_gdbus_alone():
    def gdbus(member, *arguments):
        return run("gdbus", "call", "--system", "-d", "org.berth1", "-o", "/org/berth1/containers",
                   "-m", f"org.berth1.Containers.{member}", *arguments)
    contains(gdbus("Create", "bus-made", IMAGE, "{'Command': <['sh', '-c', 'exit 5']>}").out,
             "/org/berth1/containers/bus_2dmade")
    contains(gdbus("Start", "bus-made", "{}").out, "uint32")
    contains(gdbus("Wait", "bus-made", "", "{}").out, "(5, ")
    contains(gdbus("Delete", "bus-made", "{}").out, "(5, ")


def test_tag_and_rmi():
    good("tag", IMAGE, f"{HOST}/other:name")
    equal(len(listing("images")), 2)
    good("rmi", f"{HOST}/other:name")
    equal([row["name"] for row in listing("images")], [IMAGE])
    result = dist("rmi", f"{HOST}/other:name")
    equal(result.status, 1)
    contains(result.err, "no image")


def test_unknown_options_are_named():
    result = containers_call("Create", "ssa{sv}", "x", IMAGE, "1", "Colour", "s", "blue")
    contains(result.err, "Colour")


def test_start_is_parallel():
    names = [f"many-{i}" for i in range(20)]
    processes = [subprocess.Popen(["dist", "run", "--rm", f"--id={name}", IMAGE, "sh", "-c",
                                   "exit 9"]) for name in names]
    equal([process.wait() for process in processes], [9] * len(names))
    equal(listing("ps", "-a"), [])


def test_a_run_is_repeated_if_the_service_is_killed_before_create():
    for options, status, output in (((), 3, "once\n"), (("-d",), 0, None)):
        service_is_up()
        os.kill(service_pid(), 19)
        with subprocess.Popen(["dist", "run", "--rm", *options, IMAGE, "sh", "-c", "echo once; exit 3"], stdout=subprocess.PIPE,
                              encoding="utf-8") as process:
            wait_until(lambda: polls(process.pid), "the calls")
            kill_service()
            found = process.communicate(timeout=180)[0]
        equal(process.returncode, status, found)
        assert found == output if output else found.strip(), found
        wait_until(lambda: listing("ps", "-a") == [], "the removal")


def test_the_service_leaves_when_idle():
    pid = service_pid()
    assert pid
    wait_until(lambda: service_pid() == 0, "berthd to leave after 30 s")
    equal(run("systemctl", "show", "-P", "Result", "berthd.service").out.strip(), "success")
    service_is_up()


def test_an_attached_start_shows_only_this_run():
    good("create", "--id=again", IMAGE, "sh", "-c", "cat /n 2>/dev/null; echo x >>/n; exit $(wc -l </n)")
    equal([dist("start", "-a", "again").status for _ in range(3)], [1, 2, 3])
    equal(dist("start", "-a", "again").out.split(), ["x"] * 3)
    equal(dist("start", "-a", "none").status, 125)
    good("rm", "again")


def test_several_references_at_once():
    other = f"{HOST}/second:x"
    oci.push(oci.busybox_image(), other)
    equal(good("pull", IMAGE, other).split(), [IMAGE, other])
    good("rmi", other)


def test_a_wait_has_no_timeout():
    # The sleep is longer than the default timeout of a D-Bus call.
    result = dist("run", "--rm", IMAGE, "sh", "-c", "sleep 26; exit 3")
    equal(result.status, 3, result)


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
