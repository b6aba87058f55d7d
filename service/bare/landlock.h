/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Landlock, as far as the running kernel supports it (landlock(7)). */

#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Each version of Landlock has more rights; headers may be older than the kernel. */
#define BERTH_LANDLOCK_EXECUTE (1ull << 0)
#define BERTH_LANDLOCK_READ (1ull << 2 | 1ull << 3)
/* Writing, making, removing, moving and truncating files and directories, and controlling devices.
 */
#define BERTH_LANDLOCK_WRITE (1ull << 1 | ((1ull << 16) - (1ull << 4)))

#define BERTH_LANDLOCK_BIND (1ull << 0)    /* TCP only */
#define BERTH_LANDLOCK_CONNECT (1ull << 1) /* TCP only */

#define BERTH_LANDLOCK_ABSTRACT_SOCKETS (1ull << 0)
#define BERTH_LANDLOCK_SIGNALS (1ull << 1)

/* What is denied. The kernel's own structure since version 6; an earlier kernel accepts unknown
 * members if they are zero. */
typedef struct {
    uint64_t files;  /* access to all files opened by path from now on */
    uint64_t net;    /* on any port */
    uint64_t scoped; /* towards processes outside this restriction */
} BerthLandlock;

/* Restricts the calling thread, and what it executes, permanently. Rights in denied that the
 * running kernel does not know are ignored; without Landlock, nothing is done. readable: a
 * directory below which files may be read nevertheless; -1 for none. The thread must have
 * no_new_privs or CAP_SYS_ADMIN. False with errno. */
bool berth_landlock_restrict(const BerthLandlock *denied, int readable);
