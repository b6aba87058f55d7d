/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Runs hooks, one after another. berthd has written the container's state, except for its status
 * and PID. Once these are added, it becomes a file in memory that each hook reads as standard
 * input. There is no state here except the lock of berth_hooks_begin_start(). The one thing to
 * know: of the launcher's descriptors, a hook inherits only standard error.
 */

#include "launch/hooks.h"

#include "bare/fd.h"
#include "launch/children.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/wait.h>

/* A file in memory with the document that berthd has begun (open, which lacks its end) and the
 * members that are known only now; -1 with fault. pid is 0 for none. */
static int make_state(const char *open, const char *status, pid_t pid, BerthFault *fault) {
    berth_autofd int file = memfd_create("state", MFD_CLOEXEC);
    char process[32] = "";

    if (pid > 0)
        snprintf(process, sizeof process, ",\"pid\":%d", (int)pid);
    if (file < 0 || dprintf(file, "%s,\"status\":\"%s\"%s}", open, status, process) < 0 ||
        lseek(file, 0, SEEK_SET) < 0) {
        berth_fault_set_errno(fault, errno, "write the container's state");
        return -1;
    }
    return berth_fd_steal(&file);
}

_Noreturn static void become_hook(const BerthHook *hook, int state) {
    signal(SIGPIPE, SIG_DFL);
    int null = open("/dev/null", O_RDWR);
    if (dup2(state, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
        _exit(127);
    close_range(STDERR_FILENO + 1, ~0u, 0);
    execve(hook->path, hook->arguments.texts, hook->environment.texts);
    _exit(127);
}

static bool run_hook(const BerthHook *hook, int state, BerthFault *fault) {
    int status = 0;
    pid_t child = fork();

    if (child == 0)
        become_hook(hook, state);
    if (child < 0)
        return berth_fault_set_errno(fault, errno, "fork");
    if (!berth_child_await(child, hook->timeout_usec, &status))
        return berth_fault_set(fault, "hook %s took longer than %u s", hook->path,
                               (unsigned)(hook->timeout_usec / BERTH_USEC_PER_SEC));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    return berth_fault_set(
        fault,
        WIFSIGNALED(status) ? "hook %s was killed by signal %d" : "hook %s exited with status %d",
        hook->path, WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

bool berth_hooks_run(const BerthSetup *setup, BerthHookStage stage, const char *status, pid_t pid,
                     BerthFault *fault) {
    const BerthHooks *hooks = &setup->hooks[stage];

    for (uint32_t i = 0; i < hooks->count; i++) {
        BerthFault local;
        /* A new file for each hook, because in a shared one the position would be where the
         * previous hook has left it. */
        berth_autofd int state = make_state(setup->state, status, pid, fault);
        if (state < 0)
            return false;
        if (run_hook(&hooks->hooks[i], state, &local))
            continue;
        /* After the start, a failure is only a warning (runtime.md, Lifecycle). */
        if (stage < BERTH_HOOK_POSTSTART)
            return berth_fault_set(fault, "%s", local.text);
        dprintf(STDERR_FILENO, "%s\n", local.text);
    }
    return true;
}

/* A lock belongs to an open file description. The description behind berthd's descriptor may have
 * duplicates elsewhere, which would keep the lock, so a new one is opened. It stays open until the
 * process exits. */
static void lock_start(const BerthSetup *setup, int directory, int how) {
    if (setup->hooks[BERTH_HOOK_POSTSTART].count == 0)
        return;
    int own = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (own >= 0)
        (void)flock(own, how);
}

void berth_hooks_begin_start(const BerthSetup *setup, int directory) {
    lock_start(setup, directory, LOCK_SH);
}

void berth_hooks_await_start(const BerthSetup *setup, int directory) {
    lock_start(setup, directory, LOCK_EX);
}
