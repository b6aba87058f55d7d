/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Compiles the set-up that a launcher carries out. The configuration is parsed with the same limits
 * as when it was written (plan/plan.h): only berthd writes it, but a damaged one must still fail
 * cleanly, and here rather than in a process with the host's privileges. There is no state here.
 */

#include "containers/core/setup.h"

#include "base/document.h"
#include "base/fd.h"
#include "base/limits.h"
#include "plan/compile.h"
#include "seccomp/filter-cache.h"

#include <errno.h>

/* Reports a failure as one of the launch, with the name of the step, in the same form as a
 * launcher's own failures. */
static int fail_step(const char *step, const GError *reason, GError **error) {
    berth_error_set(error, BERTH_ERROR_LAUNCH_FAILED, "%s: %s", step, reason->message);
    return -1;
}

int berth_container_setup_make(const char *id, const BerthPlan *plan, GError **error) {
    g_autoptr(GError) local = NULL;
    const BerthFilterProgram *filter;

    if (!berth_filter_cache_find(plan, &filter, &local))
        return fail_step("system call filter", local, error);
    return berth_plan_compile(plan, id, filter, error);
}

int berth_container_setup_open(int directory, const char *id, GError **error) {
    berth_autofd int file = openat(directory, "config.json", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    g_autoptr(GError) local = NULL;
    size_t size;

    if (file < 0) {
        berth_error_set_errno(error, errno, "open the configuration of container %s", id);
        return -1;
    }
    g_autofree char *text = berth_fd_read_whole(file, BERTH_MAX_DOCUMENT_BYTES, &size, error);
    if (!text)
        return -1;
    g_autoptr(BerthPlan) plan = berth_plan_parse(text, size, &local);
    return plan ? berth_container_setup_make(id, plan, error)
                : fail_step("configuration", local, error);
}
