/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Landlock, as a second wall behind namespaces and system calls. Each version of it knows more;
 * what the running kernel's does not, is left to the first wall. The files of berth-unpack and
 * berth-copy are not restricted by it: their root is all there is, and every path they open would
 * be looked at again.
 */

#include "base/fd.h"
#include "frame/box-parts.h"

#include <errno.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Kernels know these by version; headers may be older than the kernel. */
#define FILES_1 ((1ull << 13) - 1)
#define FILES_REFER (1ull << 13)
#define FILES_TRUNCATE (1ull << 14)
#define FILES_IOCTL (1ull << 15)
#define NET_BIND (1ull << 0)
#define NET_CONNECT (1ull << 1)
#define SCOPE_ABSTRACT_SOCKETS (1ull << 0)
#define SCOPE_SIGNALS (1ull << 1)

/* As the kernel has it since version 6. An earlier one takes what it does not know if it is zero.
 */
typedef struct {
    uint64_t files, net, scoped;
} Ruleset;

static Ruleset get_rules(const BerthBox *box, long version) {
    Ruleset rules = {0};

    if (box->files != BERTH_FILES_ONE_DIRECTORY && box->files != BERTH_FILES_ENTERED)
        rules.files = FILES_1 | (version >= 2 ? FILES_REFER : 0) |
                      (version >= 3 ? FILES_TRUNCATE : 0) | (version >= 5 ? FILES_IOCTL : 0);
    if (version >= 4)
        rules.net = NET_BIND | (box->network ? 0 : NET_CONNECT);
    if (version >= 6)
        rules.scoped = SCOPE_ABSTRACT_SOCKETS | SCOPE_SIGNALS;
    return rules;
}

/* The root is the worker's own by now, with nothing in it that it may not read. */
static bool allow_reading(int ruleset, GError **error) {
    berth_autofd int root = open("/", O_PATH | O_CLOEXEC);
    struct landlock_path_beneath_attr rule = {
        .allowed_access = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
        .parent_fd = root,
    };

    return (root >= 0 &&
            syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0u) == 0) ||
           berth_error_set_errno(error, errno, "allow reading");
}

bool berth_box_restrict_access(const BerthBox *box, GError **error) {
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

    if (version < 0)
        /* The kernel does not have Landlock, or it was disabled at boot
         * (landlock_create_ruleset(2)). */
        return errno == ENOSYS || errno == EOPNOTSUPP ||
               berth_error_set_errno(error, errno, "look for Landlock");
    const Ruleset rules = get_rules(box, version);
    /* The kernel refuses an empty ruleset, and there is nothing that this version could
     * restrict. */
    if (!rules.files && !rules.net && !rules.scoped)
        return true;
    berth_autofd int ruleset = (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0u);
    if (ruleset < 0)
        return berth_error_set_errno(error, errno, "make a Landlock ruleset");
    if (box->files == BERTH_FILES_RESOLVER && !allow_reading(ruleset, error))
        return false;
    return syscall(SYS_landlock_restrict_self, ruleset, 0u) == 0 ||
           berth_error_set_errno(error, errno, "restrict access by Landlock");
}
