/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * While the kernel moves a process between cgroups, no process may fork or exit: the move takes
 * cgroup_threadgroup_rwsem for writing. That is a percpu_rw_semaphore, which costs its readers
 * almost nothing and its first writer an RCU grace period, 5 to 15 ms during which the writer only
 * waits. Writers that arrive within the grace period wait for the rest of it, and those that arrive
 * within the next one do not wait at all (kernel/rcu/sync.c).
 *
 * systemd, which moves a container's first process into its scope, is that first writer unless
 * there was another one shortly before. The thread here is such a writer: it moves itself, by its
 * thread id, into the cgroup that it is already in. That changes nothing, but the grace period
 * begins while the container is still being made, and has passed, or almost passed, when systemd
 * performs its move. On a kernel that never waits (the mount option favordynmods), the move is one
 * write(2) without effect.
 *
 * It writes to cgroup.threads and not to cgroup.procs: if somebody moves the process after its
 * cgroup was looked up, as a desktop does with the programs that it starts, the kernel refuses to
 * put a thread into another cgroup than its process (EOPNOTSUPP), whereas the process would be
 * moved back. The thread id is needed, since a writer that names itself by "0" takes no lock
 * (cgroup_procs_write_start() in Linux).
 *
 * The write blocks, which is why there is a thread. The thread blocks all signals: otherwise, a
 * signal sent to the process while the program is about to block signals, in order to read them
 * from a descriptor, could be delivered to the thread, in which it would still be unblocked, and
 * end the process. The thread ends after the write, allocates nothing, and touches no object and no
 * descriptor of the program. Its result does not matter: a user's dist may lack the permission. The
 * cgroup's path is read each time, since the process may have been moved.
 */

#include "bare/cgroup-move.h"

#include "bare/cgroup-lines.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { STACK_BYTES = 32 * 1024, MAX_TEXT = 4096 };

static atomic_bool moving; /* the thread is running */

/* Opens cgroup.threads of this process's version 2 cgroup, which is mounted at the top or, on a
 * hybrid system, at unified/. The kernel has one lock for all hierarchies. */
static int open_own_cgroup(void) {
    static const char *const roots[] = {"/sys/fs/cgroup/unified", "/sys/fs/cgroup"};
    char text[MAX_TEXT], path[MAX_TEXT + 64];
    int file = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC), fd = -1;
    ssize_t size = file < 0 ? -1 : read(file, text, sizeof text - 1);

    if (file >= 0)
        close(file);
    text[size < 0 ? 0 : size] = '\0';
    const char *own = berth_cgroup_find_unified(text);
    for (size_t i = 0; own && fd < 0 && i < sizeof roots / sizeof roots[0]; i++) {
        (void)snprintf(path, sizeof path, "%s%s/cgroup.threads", roots[i], own);
        fd = open(path, O_WRONLY | O_CLOEXEC);
    }
    return fd;
}

/* The thread first gets its own, empty descriptor table: otherwise the program would find what it
 * opens under a number that its caller has left closed, such as standard input's. */
static void *run_move(void *unused) {
    char own[16];
    int size = snprintf(own, sizeof own, "%d", (int)gettid());

    (void)unused;
    (void)prctl(PR_SET_NAME, "cgroup-move");
    if (syscall(SYS_close_range, 0, ~0u, CLOSE_RANGE_UNSHARE) == 0) {
        int fd = open_own_cgroup();
        if (fd >= 0)
            (void)!write(fd, own, (size_t)size);
    }
    atomic_store(&moving, false);
    return NULL;
}

void berth_cgroup_expect_move(void) {
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all;

    if (atomic_exchange(&moving, true))
        return;
    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setsigmask_np(&attributes, &all);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    if (pthread_create(&thread, &attributes, run_move, NULL) != 0)
        atomic_store(&moving, false);
    pthread_attr_destroy(&attributes);
}
