/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * polkit's textual agent, pkttyagent(1), which asks for passwords on the terminal; systemctl starts
 * it in the same way. There is at most one, from the first connection to the bus until dist exits.
 * Without an agent, calls that need a password are refused.
 */

#include "client/agent.h"

#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <systemd/sd-login.h>
#include <unistd.h>

#define AGENT "/usr/bin/pkttyagent"

extern char **environ;

static pid_t agent;

/* Whether polkitd will find a session for this process: it searches in the same way. */
static bool agent_has_session(void) {
    g_autofree char *session = NULL;

    return sd_pid_get_session(0, &session) >= 0 || sd_uid_get_display(getuid(), &session) >= 0;
}

void dist_agent_open(void) {
    int ends[2];

    /* Root is never asked, and without a terminal there is nobody to ask. */
    if (agent > 0 || geteuid() == 0 || !isatty(STDIN_FILENO) || !isatty(STDERR_FILENO) ||
        access(AGENT, X_OK) < 0 || pipe2(ends, O_CLOEXEC) < 0)
        return;
    g_autofree char *process = g_strdup_printf("%d", (int)getpid());
    g_autofree char *notify = g_strdup_printf("%d", 3);
    /* With --fallback, an agent of the session is asked first. Without a session (su, runuser, a
     * service's terminal) there is no such agent, and polkitd 122 does not use an agent registered
     * as a fallback. */
    char *arguments[] = {(char *)AGENT, (char *)"--process",
                         process,       (char *)"--notify-fd",
                         notify,        agent_has_session() ? (char *)"--fallback" : NULL,
                         NULL};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 3);
    if (posix_spawn(&agent, AGENT, &actions, NULL, arguments, environ) != 0)
        agent = 0;
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    /* The agent closes the descriptor once it is registered (--notify-fd); a call made earlier
     * would be refused. The wait is limited, since the agent may fail. */
    struct pollfd ready = {.fd = ends[0], .events = POLLIN};
    (void)poll(&ready, 1, 2000);
    close(ends[0]);
}

void dist_agent_close(void) {
    if (agent <= 0)
        return;
    kill(agent, SIGTERM);
    /* A stopped process acts on SIGTERM only once it is continued. */
    kill(agent, SIGCONT);
    waitpid(agent, NULL, 0);
    agent = 0;
}
