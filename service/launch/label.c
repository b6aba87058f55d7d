/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The process sets its own label, as late as its /proc can still be trusted to be the kernel's: the
 * container mounts it, and an image could have files in its place. There is no state here.
 */

#include "launch/label.h"

#include "bare/fd.h"
#include "launch/proc.h"

#include <errno.h>
#include <stdio.h>

bool berth_label_set_apparmor(const char *profile, BerthFault *fault) {
    berth_autofd int file = berth_proc_open("thread-self/attr/apparmor/exec");

    if (file < 0 && errno == ENOENT)
        return berth_fault_set(fault, "profile %s: AppArmor is not enabled, or /proc not mounted",
                               profile);
    if (file < 0 && errno == EXDEV)
        return berth_fault_set(fault, "profile %s: /proc is not a proc file system", profile);
    if (file < 0)
        return berth_fault_set_errno(fault, errno, "profile %s", profile);
    return dprintf(file, "exec %s", profile) >= 0 ||
           berth_fault_set_errno(fault, errno, "profile %s", profile);
}
