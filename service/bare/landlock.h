/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Landlock, as far as the running kernel has it (landlock(7)). */

#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Each version of Landlock knows more rights; headers may be older than the kernel. */
#define BERTH_LANDLOCK_EXECUTE (1ull << 0)
#define BERTH_LANDLOCK_READ (1ull << 2 | 1ull << 3)
/* Files and directories are written, made, removed, moved and cut off; devices are controlled. */
#define BERTH_LANDLOCK_WRITE (1ull << 1 | ((1ull << 16) - (1ull << 4)))

#define BERTH_LANDLOCK_BIND (1ull << 0)    /* TCP alone */
#define BERTH_LANDLOCK_CONNECT (1ull << 1) /* the same */

#define BERTH_LANDLOCK_ABSTRACT_SOCKETS (1ull << 0)
#define BERTH_LANDLOCK_SIGNALS (1ull << 1)

/* What is denied. As the kernel has it since version 6; an earlier one takes what it does not know
 * if that is zero. */
typedef struct {
    uint64_t files;  /* of all files that are opened by path from now on */
    uint64_t net;    /* by any port */
    uint64_t scoped; /* towards processes that are not restricted so */
} BerthLandlock;

/* Restricts the calling thread, and what it executes, for good. What the running kernel does not
 * know of denied is left out; without Landlock nothing is done. readable: a directory below which
 * files may be read all the same; -1 for none. The thread has no_new_privs or CAP_SYS_ADMIN. False
 * with errno. */
bool berth_landlock_restrict(const BerthLandlock *denied, int readable);
