/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The filter of a launch. berthd compiles the default filter. A profile supplied by a caller is
 * compiled by berth-filter, before the inner process is cloned, into memory that the clone has as
 * well.
 */

#include "launch/filter.h"

#include "bare/fd.h"
#include "launch/children.h"
#include "launch/peer.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define STEP "system call filter"

/* The program must be exactly as long as its header says, and not longer than the kernel
 * accepts. */
static void read_program(int file, BerthFilterProgram *filter) {
    static struct sock_filter instructions[BPF_MAXINSNS];
    BerthFilterHeader header;
    size_t size;

    if (pread(file, &header, sizeof header, 0) != (ssize_t)sizeof header || header.count == 0 ||
        header.count > BPF_MAXINSNS)
        berth_fail(STEP, NULL, "berth-filter wrote no filter", BERTH_EXIT_LAUNCH);
    size = header.count * sizeof *instructions;
    if (pread(file, instructions, size, sizeof header) != (ssize_t)size)
        berth_fail(STEP, NULL, "berth-filter wrote an incomplete filter", BERTH_EXIT_LAUNCH);
    filter->instructions = instructions;
    filter->count = header.count;
    filter->flags = header.flags;
    filter->notifies = header.notifies != 0;
}

void berth_launch_filter_find(const BerthSetup *setup, BerthFilterProgram *filter) {
    char *arguments[] = {(char *)"berth-filter", NULL};

    *filter = setup->filter;
    if (!setup->filter_profile)
        return;
    berth_autofd int output = memfd_create("filter", MFD_CLOEXEC);
    int status = output < 0
                     ? -1
                     : berth_child_run(arguments, BERTH_CHILD_AS_THIS, output, BERTH_CONFIG_FD + 1);
    if (status < 0)
        berth_fail_errno(STEP, NULL);
    if (WIFEXITED(status) && WEXITSTATUS(status) == BERTH_EXIT_LAUNCH)
        berth_fail_silently(BERTH_EXIT_LAUNCH);
    if (status != 0)
        berth_fail(STEP, NULL, "it takes too long to compile", BERTH_EXIT_LAUNCH);
    read_program(output, filter);
}

int berth_launch_filter_load(const BerthFilterProgram *filter) {
    const struct sock_fprog program = {
        .len = (unsigned short)filter->count,
        .filter = (struct sock_filter *)filter->instructions,
    };

    long listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, filter->flags, &program);
    if (listener < 0)
        berth_fail_errno(STEP, "seccomp: load the filter");
    return filter->notifies ? (int)listener : -1;
}
