# SPDX-License-Identifier: LGPL-2.1-or-later
# The tests of crun and runc pass with berth-runtime. CRUN and RUNC list the tests that do not, with the reasons.
# machine: source crun runc

import os
import sys

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "suites"))
from suites import Report, run_crun, run_runc

CONTROLLERS = "this machine's unified hierarchy has no controllers; emulated-suites.py has it"
OWN_PATH = "containers are in scopes of systemd, and have no cgroupsPath of their own"
NOT_YET = "a container that is created has no process yet"
OWN_LOG = "logs of runc's own form; Berth's are in the journal"
READY = "dist reports readiness once the container runs; processes in the container do not"

CRUN = {
    "exec-add-capability": "an unknown capability is an error where a caller names it",
    "exec_add_no_new_privileges": "what is executed has no fewer restrictions than the container",
    "exec_write_pid_file": "it wants a pid of five digits",
    "start": "it reads files of crun's own",
    "keep-groups": "an annotation of crun's own",
    "sd-notify": READY, "sd-notify-file": READY, "sd-notify-env": READY, "sd-notify-proxy": READY,
    "limit-pid-n": CONTROLLERS,
}

RUNC = {
    "runc create exec": NOT_YET,
    "runc delete --force in cgroupv2 with subcgroups": OWN_PATH, "runc exec --cgroup subcgroup [v2]": OWN_PATH,
    "ps after the container stopped": OWN_PATH, "runc run --keep (check cgroup exists)": OWN_PATH,
    "runc exec [exit codes]": "a command that is not found is 127",
    "runc --debug exec": OWN_LOG, "runc --debug --log exec": OWN_LOG,
    "kill detached busybox": "0 is no signal that is sent",
    "mask paths [prohibit symlink /proc]": "refused in other words", "mask paths [prohibit symlink /sys]": "refused in other words",
    "runc run [seccomp -ENOSYS handling]": "runc's own addition: calls newer than a profile have the profile's default action",
    "runc run [seccomp] (startContainer hook)": "refused in other words",
}


def main_of_suites():
    report = Report()
    # crun's seccomp tests are left out: they wait forever for a listener that no rule requests.
    run_crun(report, ("capabilities", "cwd", "delete", "detach", "devices", "exec", "hooks", "hostname", "limits", "mounts", "paths",
                      "pid", "pid_file", "preserve_fds", "rlimits", "start", "uid_gid"), CRUN)
    run_runc(report, ("create", "cwd", "delete", "dev", "exec", "kill", "list", "mask", "mounts", "mounts_recursive", "pause", "ps",
                      "root", "run", "seccomp", "start", "start_detached", "start_hello", "state", "tty", "umask", "userns"), RUNC)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main_of_suites())
