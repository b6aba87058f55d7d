/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * berth-filter: compiles the system call filter of a set-up that has its own profile. berth-launch
 * runs it with the descriptors of the launch protocol and, as standard output, a file for the
 * program (BerthFilterHeader). The profile may come from anyone, and libseccomp needs a long time
 * for one with many rules for the same call. It is therefore parsed in a sandbox like a worker's
 * (frame/sandboxes.c), with limited processor time. A failure is reported directly to berthd, and
 * the exit status is then 125.
 */

#include "bare/launch-protocol.h"
#include "base/fd.h"
#include "frame/sandbox.h"
#include "launch/peer.h"
#include "seccomp/filter.h"

#include <linux/filter.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { MAX_CPU_SEC = 2 };

/* SIGKILL ends the process when the processor time is used up, and when berth-launch dies.
 * libseccomp has already queried the kernel by the time the sandbox is entered, and caches the
 * answers. */
static void filter_enter_sandbox(void) {
    const struct rlimit cpu = {MAX_CPU_SEC, MAX_CPU_SEC};
    g_autoptr(GError) error = NULL;

    if (setrlimit(RLIMIT_CPU, &cpu) < 0)
        berth_fail_errno("system call filter", "limits");
    if (!berth_sandbox_enter(berth_sandbox_find("filter"), -1, &error))
        berth_fail("system call filter", NULL, error->message, BERTH_EXIT_LAUNCH);
}

static bool write_program(const BerthFilterProgram *program) {
    const BerthFilterHeader header = {program->count, program->flags, program->notifies};

    return berth_fd_write_all(STDOUT_FILENO, &header, sizeof header) &&
           berth_fd_write_all(STDOUT_FILENO, program->instructions,
                              program->count * sizeof(struct sock_filter));
}

int main(void) {
    g_autoptr(GError) error = NULL;
    BerthFilter filter;

    berth_peer_begin("berth-filter");
    filter_enter_sandbox();
    const BerthSetup *setup = berth_setup_map(BERTH_CONFIG_FD);
    if (!setup || !setup->filter_profile)
        berth_fail_errno("configuration", NULL);
    bool built = berth_filter_build(setup->filter_profile, strlen(setup->filter_profile),
                                    setup->bounding, &filter, &error);
    g_autoptr(BerthFilterProgram) program = built ? berth_filter_compile(&filter, &error) : NULL;
    if (built)
        seccomp_release(filter.context);
    if (!program)
        berth_fail("system call filter", NULL, error->message, BERTH_EXIT_LAUNCH);
    if (!write_program(program))
        berth_fail_errno("system call filter", NULL);
    return EXIT_SUCCESS;
}
