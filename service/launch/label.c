/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "launch/label.h"

#include "base/fd.h"

#include <errno.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>

bool berth_label_set_apparmor(const char *profile, GError **error) {
    g_autofree char *text = g_strconcat("exec ", profile, NULL);
    berth_autofd int file =
        open("/proc/thread-self/attr/apparmor/exec", O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    struct statfs status;

    if (file < 0 && errno == ENOENT)
        return berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                               "profile %s: AppArmor is not enabled, or /proc not mounted",
                               profile);
    /* What the image has there is believed nothing. */
    if (file < 0 || fstatfs(file, &status) < 0)
        return berth_error_set_errno(error, errno, "profile %s", profile);
    if (status.f_type != PROC_SUPER_MAGIC)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "profile %s: /proc is not the kernel's", profile);
    return berth_fd_write_all(file, text, strlen(text)) ||
           berth_error_set_errno(error, errno, "profile %s", profile);
}
