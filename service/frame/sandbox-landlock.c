/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Landlock, as a second wall behind namespaces and system calls. Each version of it knows more;
 * what the running kernel's does not, is left to the first wall, but for two things that nothing
 * else denies to berth-fetch, which is in the machine's network: sockets with abstract names, and
 * listening for connections. The files of berth-unpack and berth-copy are not restricted by it:
 * their root is all there is, and every path they open would be looked at again.
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
    /* The root is the worker's own by now, with nothing in it that it may not read. */
    bool reads = sandbox->files == BERTH_FILES_RESOLVER;
    berth_autofd int root = reads ? open("/", O_PATH | O_CLOEXEC) : -1;

    return ((!reads || root >= 0) && berth_landlock_restrict(&denied, root)) ||
           berth_error_set_errno(error, errno, "restrict access by Landlock");
}
