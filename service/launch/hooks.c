/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "launch/hooks.h"

#include "base/fd.h"
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* For a hook that names no time-out of its own. */
#define DEFAULT_TIMEOUT_USEC (60ull * G_USEC_PER_SEC)

/* runtime.md, State. */
JsonNode *berth_hooks_build_state(const BerthPlan *plan, const char *id, const char *status,
                                  pid_t pid) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_autofree char *bundle = g_strconcat(BERTH_STATEDIR "/containers/", id, NULL);

    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "ociVersion");
    json_builder_add_string_value(builder, "1.0.2");
    json_builder_set_member_name(builder, "id");
    json_builder_add_string_value(builder, id);
    json_builder_set_member_name(builder, "status");
    json_builder_add_string_value(builder, status);
    if (pid > 0) {
        json_builder_set_member_name(builder, "pid");
        json_builder_add_int_value(builder, pid);
    }
    json_builder_set_member_name(builder, "bundle");
    json_builder_add_string_value(builder, bundle);
    json_builder_set_member_name(builder, "annotations");
    json_builder_begin_object(builder);
    for (char **entry = plan->annotations; *entry; entry += 2) {
        json_builder_set_member_name(builder, entry[0]);
        json_builder_add_string_value(builder, entry[1]);
    }
    json_builder_end_object(builder);
    json_builder_end_object(builder);
    return json_builder_get_root(builder);
}

G_GNUC_NORETURN static void become_hook(const BerthPlanHook *hook, int state) {
    char *none[] = {NULL}, *alone[] = {(char *)hook->path, NULL};

    signal(SIGPIPE, SIG_DFL);
    int null = open("/dev/null", O_RDWR);
    if (dup2(state, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
        _exit(127);
    close_range(STDERR_FILENO + 1, ~0u, 0);
    execve(hook->path, hook->arguments[0] ? hook->arguments : alone,
           hook->environment ? hook->environment : none);
    _exit(127);
}

static bool await(const BerthPlanHook *hook, pid_t pid, GError **error) {
    uint64_t timeout_usec = hook->timeout_usec ? hook->timeout_usec : DEFAULT_TIMEOUT_USEC;
    berth_autofd int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};
    int status = 0;

    int r = pidfd < 0 ? 1 : poll(&poll_fd, 1, (int)(timeout_usec / 1000));
    if (r == 0)
        kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (r == 0)
        return berth_error_set(error, BERTH_ERROR_LAUNCH_FAILED, "hook %s took longer than %u s",
                               hook->path, (unsigned)(timeout_usec / G_USEC_PER_SEC));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    return berth_error_set(error, BERTH_ERROR_LAUNCH_FAILED, "hook %s ended with %s %d", hook->path,
                           WIFSIGNALED(status) ? "signal" : "status",
                           WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

bool berth_hooks_run(const BerthPlan *plan, BerthHookStage stage, const char *id,
                     const char *status, pid_t pid, GError **error) {
    const GPtrArray *hooks = plan->hooks[stage];

    if (hooks->len == 0)
        return true;
    g_autoptr(JsonNode) node = berth_hooks_build_state(plan, id, status, pid);
    g_autofree char *state = json_to_string(node, FALSE);
    for (guint i = 0; i < hooks->len; i++) {
        berth_autofd int input = berth_fd_new_in_memory(state, strlen(state), error);
        if (input < 0)
            return false;
        pid_t child = fork();
        if (child == 0)
            become_hook(hooks->pdata[i], input);
        if (child < 0)
            return berth_error_set_errno(error, errno, "fork");
        g_autoptr(GError) local = NULL;
        if (await(hooks->pdata[i], child, &local))
            continue;
        /* What came after the start is warned of, and changes nothing (runtime.md, Lifecycle). */
        if (stage < BERTH_HOOK_POSTSTART) {
            g_propagate_error(error, g_steal_pointer(&local));
            return false;
        }
        fprintf(stderr, "%s\n", local->message);
    }
    return true;
}
