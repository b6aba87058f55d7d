/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Landlock, as a second barrier behind namespaces and system call filters. Each version of it
 * supports more restrictions; those that the running kernel does not support are left to the first
 * barrier. The exceptions are two restrictions that nothing else imposes on berth-fetch, which is
 * in the host's network namespace: on sockets with abstract names, and on listening for
 * connections. Landlock does not restrict the files of berth-unpack and berth-copy: they see
 * nothing outside their root, and every path that they open would be checked once more. There is no
 * state.
 */

#include "bare/landlock.h"
#include "base/fd.h"
#include "frame/sandbox-parts.h"

#include <errno.h>

static BerthLandlock get_denied(const BerthSandbox *sandbox) {
    bool is_rooted =
        sandbox->files == BERTH_FILES_ONE_DIRECTORY || sandbox->files == BERTH_FILES_ENTERED;

    return (BerthLandlock){
        .files =
            is_rooted ? 0 : BERTH_LANDLOCK_EXECUTE | BERTH_LANDLOCK_READ | BERTH_LANDLOCK_WRITE,
        .net = BERTH_LANDLOCK_BIND | (sandbox->network ? 0 : BERTH_LANDLOCK_CONNECT),
        .scoped = BERTH_LANDLOCK_ABSTRACT_SOCKETS | BERTH_LANDLOCK_SIGNALS,
    };
}

bool berth_sandbox_restrict_access(const BerthSandbox *sandbox, GError **error) {
    const BerthLandlock denied = get_denied(sandbox);
    /* By now the root is the worker's own and contains only files that the worker may read. */
    bool reads = sandbox->files == BERTH_FILES_RESOLVER;
    berth_autofd int root = reads ? open("/", O_PATH | O_CLOEXEC) : -1;

    return ((!reads || root >= 0) && berth_landlock_restrict(&denied, root)) ||
           berth_error_set_errno(error, errno, "restrict access by Landlock");
}
