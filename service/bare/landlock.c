/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * See landlock.h. Builds a ruleset of everything that is denied, with at most one exception: the
 * directory that may be read. There is no state.
 */

#include "bare/landlock.h"

#include "bare/fd.h"

#include <errno.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Access rights to files by the version that introduced them: 13 in the first, then one each for
 * moving between directories, truncating, and (in version 5) controlling devices. */
static uint64_t known_files(long version) {
    int count = version >= 5 ? 16 : version >= 3 ? 15 : version >= 2 ? 14 : 13;

    return (1ull << count) - 1;
}

static bool add_readable(int ruleset, int readable) {
    const struct landlock_path_beneath_attr rule = {
        .allowed_access = BERTH_LANDLOCK_READ,
        .parent_fd = readable,
    };

    return syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0u) == 0;
}

bool berth_landlock_restrict(const BerthLandlock *denied, int readable) {
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

    /* The kernel does not have Landlock, or it was disabled at boot (landlock_create_ruleset(2)).
     * EPERM does not come from the kernel here but from the filter of a container manager that the
     * service runs in, such as systemd-nspawn. */
    if (version < 0)
        return errno == ENOSYS || errno == EOPNOTSUPP || errno == EPERM;
    const BerthLandlock rules = {
        .files = denied->files & known_files(version),
        .net = version >= 4 ? denied->net : 0,
        .scoped = version >= 6 ? denied->scoped : 0,
    };
    /* The kernel refuses an empty ruleset, and there is nothing that this version could restrict.
     */
    if (!rules.files && !rules.net && !rules.scoped)
        return true;
    berth_autofd int ruleset = (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0u);
    return ruleset >= 0 && (readable < 0 || add_readable(ruleset, readable)) &&
           syscall(SYS_landlock_restrict_self, ruleset, 0u) == 0;
}
