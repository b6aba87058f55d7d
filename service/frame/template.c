/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A template waits for the descriptors of a worker, clones itself as that worker, and replies with
 * the PID. It lives until berthd closes the socket. It has berthd's privileges, as any worker has
 * before it enters its sandbox, and reads nothing from outside.
 *
 * The C library's fork(3) can create neither a process in another PID namespace nor a sibling, so
 * this uses clone3(2). That is safe in a single-threaded process that has not done anything yet:
 * none of the additional work of fork(3) is needed, since no lock is held and no handler is
 * registered.
 */

#include "frame/template.h"

#include "bare/rights.h"
#include "base/worker-members.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

bool berth_template_is(int argc, char **argv) {
    return argc == 2 && strcmp(argv[1], BERTH_WORKER_TEMPLATE) == 0;
}

/* The number is above those fixed for a worker, so that neither overwrites the other. */
static int receive_descriptor(void) {
    char letter;
    struct iovec part = {&letter, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    BerthRights rights;
    ssize_t size;

    berth_rights_expect(&message, &rights);
    do
        size = recvmsg(BERTH_WORKER_BUS_FD, &message, MSG_CMSG_CLOEXEC);
    while (size < 0 && errno == EINTR);
    int fd = size == 1 ? berth_rights_take(&message) : -1;
    int moved = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, BERTH_WORKER_DIRECTORY_FD + 1);
    if (fd >= 0)
        close(fd);
    return moved;
}

/* Leaves the descriptors as after exec: without close-on-exec, and with nothing else open but the
 * standard streams. */
static void take_descriptors(int bus, int directory) {
    if (dup2(bus, BERTH_WORKER_BUS_FD) < 0 || dup2(directory, BERTH_WORKER_DIRECTORY_FD) < 0)
        _exit(EXIT_FAILURE);
    close(bus);
    close(directory);
}

/* Where the kernel writes the PID of each worker, before that runs: berthd reads it there if the
 * template dies before it replies. Workers have no copy of the mapping, since berthd trusts what it
 * reads; dup2(2) replaces the descriptor. */
static pid_t *map_cloned(void) {
    void *page =
        mmap(NULL, sizeof(pid_t), PROT_READ | PROT_WRITE, MAP_SHARED, BERTH_WORKER_DIRECTORY_FD, 0);

    if (page == MAP_FAILED || madvise(page, sizeof(pid_t), MADV_DONTFORK) < 0)
        _exit(EXIT_FAILURE);
    /* The kernel's write cannot fail once the page is there. */
    *(volatile pid_t *)page = 0;
    return page;
}

void berth_template_serve(void) {
    /* CLONE_PARENT does not permit an exit signal: the template's own, SIGCHLD, is used. */
    struct clone_args arguments = {
        .flags = CLONE_PARENT | CLONE_NEWPID | CLONE_PARENT_SETTID,
        .parent_tid = (uintptr_t)map_cloned(),
    };
    int32_t answer = 0;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* What compiling the filters has freed would be copied, page by page, by each clone that
     * allocates memory. */
    (void)malloc_trim(0);
    for (;;) {
        if (write(BERTH_WORKER_BUS_FD, &answer, sizeof answer) != sizeof answer)
            _exit(EXIT_SUCCESS);
        int bus = receive_descriptor();
        int directory = bus < 0 ? -1 : receive_descriptor();
        if (directory < 0)
            _exit(EXIT_SUCCESS);
        pid_t pid = (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
        if (pid == 0) {
            take_descriptors(bus, directory);
            return;
        }
        answer = pid < 0 ? -errno : pid;
        close(bus);
        close(directory);
    }
}
