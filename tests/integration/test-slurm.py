# SPDX-License-Identifier: LGPL-2.1-or-later
# Slurm runs jobs in containers on two nodes, with the configuration and the commands of docs/slurm.md.
# machine: cluster hybrid
# machine: package munge
# machine: package libmunge2
# machine: package libhwloc15
# machine: package libyaml-0-2
# machine: package liblua5.1-0
# machine: package slurm-wlm-basic-plugins
# machine: package slurm-client
# machine: package slurmctld
# machine: package slurmd

import json
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PACKAGES = ("munge", "libmunge2", "libhwloc15", "libyaml-0-2", "liblua5.1-0", "slurm-wlm-basic-plugins", "slurm-client", "slurmctld", "slurmd")
BOTH = (1, 2)
IMAGE = "registry.example.com/box:1"
BOX = "/srv/bundles/box"
TASKS = int(os.environ.get("BERTH_SLURM_TASKS", "24"))
LIMITED = []

INSTALL = """
set -e
for package in %s; do
    tar -C "$BERTH_BUILD/packages/$package" -c . | tar -C / -x --keep-directory-symlink
done
# As the packages' scripts do.
ldconfig
for program in slurmctld slurmd slurmstepd; do ln -s $program-wlm /usr/sbin/$program; done
useradd --system --no-create-home --shell=/usr/sbin/nologin munge
useradd --uid=64030 --no-create-home --shell=/usr/sbin/nologin slurm
groupadd hpc
usermod -aG hpc alice
# File systems that can be idmapped, unlike the root of the machine.
mkdir -p /var/lib/slurm
mount -t tmpfs -o mode=0755 tmpfs /var/lib/slurm
mount -t tmpfs -o mode=0755,uid=4242,gid=4242 tmpfs /home/alice
mkdir -p /etc/munge /var/lib/munge /var/log/munge
echo a key that both nodes have, for tests >/etc/munge/munge.key
chmod 0400 /etc/munge/munge.key
chown -R munge: /etc/munge /var/lib/munge /var/log/munge
install -d -o slurm /var/lib/slurm/slurmctld /var/lib/slurm/slurmd /var/log/slurm
systemctl daemon-reload
systemctl start munge
""" % " ".join(PACKAGES)


def cluster(*arguments, **more):
    return run(f"{ROOT}/tests/machine/cluster", "--name", os.environ["BERTH_CLUSTER"], *arguments, **more)


def on(node, *command, user="root", **more):
    return cluster("on", str(node), "--user", user, "--", *command, **more)


def works(node, *command, **more):
    result = on(node, *command, **more)
    equal(result.status, 0, f"{' '.join(command)} on node {node}: {result}")
    return result.out


def script(node, text, **more):
    return works(node, "bash", "-s", input=text, **more)


def documentation():
    with open(f"{ROOT}/docs/slurm.md", encoding="utf-8") as file:
        return file.read()


def indented(text):
    return "".join(line[4:] + "\n" for line in text.split("\n"))


def documented_files():
    """Returns the files of the documentation: their names are in lines "`/etc/…`…:", followed by the contents."""
    found = re.findall(r"^`(/etc/[^`]+)`[^:]*:\n\n((?:(?:    .*)?\n)+)", documentation(), re.MULTILINE)
    return {path: indented(text.strip("\n")) for path, text in found}


def documented_commands(first):
    """Returns the commands of the documentation's block that begins with this command."""
    return indented(re.search(rf"^    {first}.*\n(?:    .*\n)*", documentation(), re.MULTILINE)[0].strip("\n"))


def configure_node(node):
    script(node, INSTALL)
    files = documented_files()
    # Shorten the time between SIGTERM and SIGKILL, and let jobs start sooner.
    files["/etc/slurm/slurm.conf"] += "KillWait=2\nSchedulerParameters=batch_sched_delay=1,sched_min_interval=0\n"
    for path, text in files.items():
        works(node, "sh", "-c", 'mkdir -p "$(dirname "$1")" && cat >"$1"', "sh", path, input=text)
    works(node, "chmod", "755", "/etc/slurm/prolog", "/etc/slurm/epilog", "/etc/slurm/berth-run")
    works(node, "systemctl", "restart", "polkit")


def make_bundle(node):
    commands = documented_commands("dist pull") + documented_commands("jq ")
    # The test registry has no certificate.
    script(node, "set -e\n" + commands.replace("dist pull", "dist pull --insecure").replace(IMAGE, "node1:5000/box:1"))


def each_node(function):
    """Calls the function for both nodes concurrently, and returns the results."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(function, BOTH))


def job_text(number):
    return works(1, "scontrol", "-o", "show", "job", str(number))


def fields(line):
    return dict(word.split("=", 1) for word in line.split() if "=" in word)


def jobs(number):
    """Returns Slurm's fields, such as JobState, of the job or of each task of an array."""
    return [fields(line) for line in job_text(number).splitlines() if line.strip()]


def ended(number):
    """Returns the fields of a job's tasks if all have ended, otherwise None."""
    found = jobs(number)
    return found if all(job["JobState"] not in ("PENDING", "RUNNING", "COMPLETING", "CONFIGURING") for job in found) else None


def result(job):
    return job["JobState"], job["ExitCode"]


def submit(text, *options):
    """Submits a job script as alice that runs in a container, and returns the job's number."""
    return int(works(1, "sbatch", "--parsable", f"--container={BOX}", "--output=/home/alice/%A-%a.out", *options, user="alice",
                     input=f"#!/bin/sh\n{text}\n"))


def running_on(number, node):
    return [job for job in jobs(number) if job["JobState"] == "RUNNING" and job["NodeList"] == f"node{node}"]


def containers(node):
    return json.loads(works(node, "dist", "ps", "--json=short"))


# A command that ends only after release(), however busy the machine is.
UNTIL_RELEASED = "until [ -e /tmp/end ]; do sleep 0.1; done"


def release(node):
    """Ends the command UNTIL_RELEASED in all containers of a node; some containers may end by themselves meanwhile."""
    script(node, "for id in $(dist ps -q); do dist exec $id touch /tmp/end || true; done 2>/dev/null")


def nothing_is_left(node):
    left = script(node, """
        dist ps -aq
        ls -A /run/berth-slurm/alice
        ls -d /var/lib/slurm/slurmd/oci-job* /var/lib/slurm/slurmd/job* 2>/dev/null
        systemctl list-units --all --no-legend 'berth-*.scope'
        pgrep -fa 'berth-runtime|slurmstepd: \\['
        ls -d /sys/fs/cgroup/*/slurm*/uid_4242 2>/dev/null
        true""")
    return left == ""


def test_setup():
    script(1, "sed -i 's/127.0.0.1:5000/:5000/' /etc/docker/registry/berth-test.yml && systemctl restart berth-test-registry")
    works(1, "python3", "-c", "import sys; sys.path.insert(0, sys.argv[1]); import oci\n"
          "oci.push(oci.busybox_image(), 'node1:5000/box:1')", f"{ROOT}/tests/tools")
    each_node(configure_node)
    each_node(make_bundle)
    script(1, "systemctl start slurmctld")
    each_node(lambda node: script(node, "systemctl start slurmd"))
    wait_until(lambda: works(1, "sinfo", "-h", "-o", "%n %t").split() == ["node1", "idle", "node2", "idle"], "both nodes")


def test_a_step_runs_in_the_container_as_its_user():
    done = on(1, "srun", f"--container={BOX}", "-w", "node2", "sh", "-c",
              "id -u; cat /proc/self/uid_map; echo $SLURM_JOB_ID >/tmp/x; cat; echo wrong >&2; exit 3", user="alice", input="in\n")
    # Slurm checks time limits only every half minute, so this job is started here and ends during the next tests
    # (test_a_job_ends_at_its_time_limit).
    LIMITED.append(submit("exec sleep 1000", "--time=1", "--nodelist=node1", "--mem=10M"))
    wait_until(lambda: running_on(LIMITED[0], 1), "it to run")
    works(1, "scontrol", "update", f"jobid={LIMITED[0]}", "endtime=now+2")
    equal((done.status, done.out.split()), (3, ["0", "0", "4242", "1", "in"]), done)
    contains(done.err, "wrong")


def test_an_array_runs_on_both_nodes():
    """Slurm reports the exit code of each task's command."""
    array = submit("test -f /tmp/slurm/startup && exit $((SLURM_ARRAY_TASK_ID % 3))", f"--array=1-{TASKS}")
    found = wait_until(lambda: ended(array), "the end of the array", 120)
    equal(len(found), TASKS)
    for job in found:
        code = int(job["ArrayTaskId"]) % 3
        equal(result(job), ("FAILED" if code else "COMPLETED", f"{code}:0"), job)
    equal({job["NodeList"] for job in found}, {"node1", "node2"})


def test_limits_of_the_job_are_those_of_the_container():
    take = ("dd", "if=/dev/zero", "of=/dev/null", "bs=160M", "count=1")
    equal(on(1, "srun", "--mem=250M", f"--container={BOX}", *take, user="alice").status, 0)
    # The kernel kills the command with SIGKILL.
    equal(on(1, "srun", "--mem=64M", f"--container={BOX}", *take, user="alice").status, 137)
    job = submit("exec sleep 1000", "--nodelist=node2", "--cpus-per-task=1", "--mem=100M")
    wait_until(lambda: running_on(job, 2) and containers(2), "its container")
    values = script(2, "cat /sys/fs/cgroup/cpu/berth.slice/*/*/berth-*.scope/cpu.cfs_quota_us "
                    "/sys/fs/cgroup/memory/berth.slice/*/*/berth-*.scope/memory.limit_in_bytes")
    equal(values.split(), ["100000", str(100 << 20)])
    works(1, "scancel", str(job), user="alice")
    wait_until(lambda: ended(job), "its end")


def test_a_cancelled_job_is_ended():
    job = submit("trap '' TERM; while :; do sleep 1000; done", "--nodelist=node2")
    wait_until(lambda: running_on(job, 2) and containers(2), "its container")
    works(1, "scancel", str(job), user="alice")
    equal(wait_until(lambda: ended(job), "its end")[0]["JobState"], "CANCELLED")
    wait_until(lambda: nothing_is_left(2), "the end of all of it")


def test_a_job_whose_slurmstepd_is_killed_is_ended():
    job = submit("exec sleep 1000", "--nodelist=node2")
    wait_until(lambda: running_on(job, 2) and containers(2), "its container")
    script(2, "pkill -KILL -f '^slurmstepd: '")
    works(1, "scancel", str(job), user="alice")
    wait_until(lambda: ended(job), "its end")
    wait_until(lambda: not script(2, "dist ps -aq; ls -A /run/berth-slurm/alice; pgrep -f berth-runtime; true"), "the end of the container")
    # Slurm leaves these files and cgroups behind in this case.
    script(2, "rm -r /var/lib/slurm/slurmd/oci-job* /var/lib/slurm/slurmd/job*; "
              "find /sys/fs/cgroup/*/slurm*/uid_4242 -depth -type d -exec rmdir {} +")


def test_jobs_go_on_when_the_daemons_of_their_node_are_killed():
    array = submit(f"{UNTIL_RELEASED}; exit $((SLURM_ARRAY_TASK_ID + 10))", "--array=1-4", "--nodelist=node2", "--mem=10M")
    wait_until(lambda: len(running_on(array, 2)) == 2 and len(containers(2)) == 2, "two containers")
    script(2, "systemctl kill -s KILL --kill-who=main berthd slurmd")
    wait_until(lambda: on(2, "systemctl", "is-failed", "slurmd").status == 0, "the end of slurmd")
    script(2, "systemctl reset-failed slurmd; systemctl start slurmd")
    equal(len(containers(2)), 2)
    found = wait_until(lambda: release(2) or ended(array), "the end of the array", 120)
    for job in found:
        equal(result(job), ("FAILED", f"{int(job['ArrayTaskId']) + 10}:0"), job)


def test_an_array_loses_no_task_to_kills_of_the_service():
    array = submit("sleep 0.2; exit $((SLURM_ARRAY_TASK_ID % 3))", "--array=1-12", "--nodelist=node2")
    for number in range(1, 4):
        # The service is killed between the steps of some tasks.
        wait_until(lambda: len([job for job in jobs(array) if job["JobState"] in ("COMPLETED", "FAILED")]) >= 3 * number, "some tasks", 120)
        script(2, "systemctl kill -s KILL --kill-who=main berthd || true")
    for job in wait_until(lambda: ended(array), "the end of the array", 120):
        code = int(job["ArrayTaskId"]) % 3
        equal(result(job), ("FAILED" if code else "COMPLETED", f"{code}:0"), job)


def test_a_drained_node_finishes_its_jobs():
    first = submit(f"{UNTIL_RELEASED}; exit 7", "--nodelist=node2")
    wait_until(lambda: running_on(first, 2), "it to run")
    works(1, "scontrol", "update", "nodename=node2", "state=drain", "reason=test")
    second = submit("exit 5", "--array=1-3")
    found = wait_until(lambda: ended(second), "the end of the others")
    equal([(result(job), job["NodeList"]) for job in found], [(("FAILED", "5:0"), "node1")] * 3)
    equal(result(wait_until(lambda: release(2) or ended(first), "its end")[0]), ("FAILED", "7:0"))
    works(1, "scontrol", "update", "nodename=node2", "state=resume")


def test_a_node_that_vanishes_leaves_nothing():
    """A node loses its power. Slurm ends what ran there with NODE_FAIL, or runs it again on the other node. When the node is
    back, the containers of the former boot are removed."""
    works(1, "scontrol", "update", "nodename=node1", "state=drain", "reason=test")
    again = submit(f"{UNTIL_RELEASED}; exit 5", "--requeue", "--mem=10M")
    once = submit(f"{UNTIL_RELEASED}; exit 6", "--no-requeue", "--mem=10M")
    wait_until(lambda: running_on(again, 2) and running_on(once, 2) and len(containers(2)) == 2, "two containers")
    works(1, "scontrol", "update", "nodename=node1", "state=resume")
    equal(cluster("off", "2").status, 0)
    # As Slurm itself does after SlurmdTimeout=. A test that shortened that might lose the other node on a busy machine.
    works(1, "scontrol", "update", "nodename=node2", "state=down", "reason=test")
    equal(result(wait_until(lambda: ended(once), "the end of the job")[0])[0], "NODE_FAIL")
    # A job that is run again waits until nothing of its former credentials is valid.
    wait_until(lambda: jobs(again)[0]["JobState"] == "PENDING", "the job to be queued again")
    works(1, "scontrol", "update", f"jobid={again}", "starttime=now")
    wait_until(lambda: running_on(again, 1), "the job on the other node")
    found = wait_until(lambda: release(1) or ended(again), "its end")
    equal((result(found[0]), found[0]["Restarts"]), (("FAILED", "5:0"), "1"))
    equal(cluster("boot", "2").status, 0)
    # The kernel is the same, so its boot ID is.
    script(2, "sqlite3 -cmd '.timeout 60000' /var/lib/berth/berth.db \"UPDATE containers SET boot='of-another-boot'\"")
    configure_node(2)
    make_bundle(2)
    equal([(row["state"], row["exitStatus"]) for row in json.loads(works(2, "dist", "ps", "-a", "--json=short"))], [("stopped", "unknown")] * 2)
    script(2, "systemctl start slurmd")
    works(1, "scontrol", "update", "nodename=node2", "state=resume")
    wait_until(lambda: works(1, "sinfo", "-h", "-n", "node2", "-o", "%t").strip() == "idle", "the node")
    later = submit("exit 3", "--nodelist=node2")
    equal(result(wait_until(lambda: ended(later), "its end")[0]), ("FAILED", "3:0"))
    wait_until(lambda: nothing_is_left(2), "the end of everything on the node")


def test_what_the_rule_does_not_allow_is_refused():
    """A bundle of a user, or with more privileges than the rule of docs/slurm.md allows, is refused."""
    script(1, f"""set -e
        mkdir -p /home/alice/own
        cp -a {BOX}/rootfs /home/alice/own
        jq '.mounts += [{{"destination": "/host", "type": "bind", "source": "/etc", "options": ["rbind"]}}]' {BOX}/config.json \\
            >/home/alice/own/config.json
        cp -a /home/alice/own /srv/bundles/more""")
    for bundle in ("/home/alice/own", "/srv/bundles/more"):
        done = on(1, "srun", "-w", "node1", f"--container={bundle}", "true", user="alice")
        equal(done.status, 1, done)
        contains(done.err, "polkit does not allow org.berth1.containers.create-privileged")


def test_bind_mounts_need_files_owned_by_the_user():
    script(1, f"""set -e
        cp -a {BOX} /srv/bundles/home
        mkdir -p /home/alice/data /root/other
        chmod 0700 /root
        echo secret >/root/other/file
        echo mine >/home/alice/data/file
        chown -R alice /home/alice/data
        ln -s /root/other /home/alice/link""")
    for source, status, out in (("data", 0, "mine\n"), ("link", 1, ""), ("../../root/other", 1, "")):
        script(1, f"""jq '.mounts += [{{"destination": "/tmp/data", "type": "bind", "source": "/home/alice/{source}", "options": ["bind"]}}]' \
            {BOX}/config.json >/srv/bundles/home/config.json""")
        done = on(1, "srun", "-w", "node1", "--container=/srv/bundles/home", "cat", "/tmp/data/file", user="alice")
        equal((done.status, done.out), (status, out), f"{source}: {done}")


def test_a_job_ends_at_its_time_limit():
    found = wait_until(lambda: ended(LIMITED[0]), "its end", 120)
    equal(found[0]["JobState"], "TIMEOUT")


def test_nothing_is_left():
    for node in BOTH:
        wait_until(lambda node=node: nothing_is_left(node), f"the end of everything on node {node}")


def test_the_services_found_no_error_of_their_own():
    for node in BOTH:
        equal(journal_errors(works(node, "journalctl", "-b", "--no-pager", "-o", "cat", "-t", "berthd")), [])


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
