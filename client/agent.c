/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* polkit's agent for terminals, as systemctl starts it: it asks for the password that polkit wants.
 */

#include "client/agent.h"

#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#define AGENT "/usr/bin/pkttyagent"

extern char **environ;

static pid_t agent;

void dist_agent_open(void) {
    int ends[2];

    /* Root is never asked, and without a terminal there is nobody to ask. */
    if (agent > 0 || geteuid() == 0 || !isatty(STDIN_FILENO) || !isatty(STDERR_FILENO) ||
        access(AGENT, X_OK) < 0 || pipe2(ends, O_CLOEXEC) < 0)
        return;
    g_autofree char *process = g_strdup_printf("%d", (int)getpid());
    g_autofree char *notify = g_strdup_printf("%d", 3);
    char *arguments[] = {(char *)AGENT,
                         (char *)"--process",
                         process,
                         (char *)"--fallback",
                         (char *)"--notify-fd",
                         notify,
                         NULL};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 3);
    if (posix_spawn(&agent, AGENT, &actions, NULL, arguments, environ) != 0)
        agent = 0;
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    /* It closes the pipe once it is registered. */
    struct pollfd ready = {.fd = ends[0], .events = POLLIN};
    (void)poll(&ready, 1, 2000);
    close(ends[0]);
}

void dist_agent_close(void) {
    if (agent <= 0)
        return;
    kill(agent, SIGTERM);
    kill(agent, SIGCONT);
    waitpid(agent, NULL, 0);
    agent = 0;
}
