/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The process sets its own label, as late as its /proc can still be trusted to be the kernel's: the
 * container mounts it, and an image could have files in its place. There is no state here.
 */

#include "launch/label.h"

#include "bare/fd.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/vfs.h>

bool berth_label_set_apparmor(const char *profile, BerthFault *fault) {
    berth_autofd int file =
        open("/proc/thread-self/attr/apparmor/exec", O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    struct statfs status;

    if (file < 0 && errno == ENOENT)
        return berth_fault_set(fault, "profile %s: AppArmor is not enabled, or /proc not mounted",
                               profile);
    /* A file that the image may have there is not trusted. */
    if (file < 0 || fstatfs(file, &status) < 0)
        return berth_fault_set_errno(fault, errno, "profile %s", profile);
    if (status.f_type != PROC_SUPER_MAGIC)
        return berth_fault_set(fault, "profile %s: /proc is not a proc file system", profile);
    return dprintf(file, "exec %s", profile) >= 0 ||
           berth_fault_set_errno(fault, errno, "profile %s", profile);
}
