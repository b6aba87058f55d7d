# SPDX-License-Identifier: LGPL-2.1-or-later
# crun's tests of cgroups and CRIU, which need a unified hierarchy with all controllers and a kernel that CRIU supports.
# Debian's kernel in an emulated machine has both. test-suites.py runs crun's other tests.
# machine: source crun

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "suites"))
from suites import Report, run_crun

CRUN = {
    "checkpoint-restore-ext-ns": "namespaces that were joined are refused by name",
    "resources-unified-exec-cgroup": "what is executed is in the container's own cgroup",
}


def main_of_suites():
    report = Report()
    run_crun(report, ("checkpoint_restore", "limits", "resources", "update"), CRUN, seconds=600)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main_of_suites())
