/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * berth-init: the first process of a container that was created with Init. It runs the command as
 * its child, forwards signals to it, reaps orphans in the container, and exits with the status of
 * the command. With --hold it is the process of a pod: there is no command, and it exits at the
 * first signal that asks it to. It is statically linked, since it runs on the image's root, and it
 * neither allocates memory nor opens files.
 */

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The same as a shell's. */
enum { EXIT_CANNOT_EXECUTE = 126, EXIT_NOT_FOUND = 127, EXIT_SIGNAL = 128 };

/* Fills in the signals to forward: all except those for the program's own faults, which would be
 * lost if they were blocked. */
static void fill_passed(sigset_t *set) {
    static const int own[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP};

    sigfillset(set);
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        sigdelset(set, own[i]);
}

/* Descriptors are meant for the process that LISTEN_PID names (sd_listen_fds(3)): the command, not
 * this init, for which the launcher has set it. */
static void take_descriptors(pid_t init) {
    static const char name[] = "LISTEN_PID=";
    static char variable[sizeof name + 3 * sizeof init];

    for (char **entry = environ; *entry; entry++)
        if (strncmp(*entry, name, sizeof name - 1) == 0 &&
            strtol(*entry + sizeof name - 1, NULL, 10) == (long)init) {
            snprintf(variable, sizeof variable, "%s%d", name, (int)getpid());
            *entry = variable;
        }
}

/* Runs the command in its own process group and, on a terminal, as the foreground group, so that
 * Ctrl-C reaches it only once, and not a second time through the init. */
_Noreturn static void execute(char **command, pid_t init, const sigset_t *mask) {
    setpgid(0, 0);
    take_descriptors(init);
    /* SIGTTOU is still blocked, without which a background group may not do this (tcsetpgrp(3)). */
    if (isatty(STDIN_FILENO))
        (void)tcsetpgrp(STDIN_FILENO, getpgrp());
    sigprocmask(SIG_SETMASK, mask, NULL);
    execvp(command[0], command);
    int status = errno == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_EXECUTE;
    dprintf(STDERR_FILENO, "berth-init: cannot execute %s: %s\n", command[0], strerror(errno));
    _exit(status);
}

/* Returns true once the child has ended; *status is then the container's exit status. */
static bool reap_children(pid_t child, int *status) {
    bool ended = false;
    int result;
    pid_t pid;

    while ((pid = waitpid(-1, &result, WNOHANG)) > 0) {
        if (pid != child)
            continue;
        *status = WIFEXITED(result) ? WEXITSTATUS(result) : EXIT_SIGNAL + WTERMSIG(result);
        ended = true;
    }
    return ended;
}

/* The first process of a PID namespace receives no signal without a handler (pid_namespaces(7)), so
 * it takes them from the queue. */
static int hold_pod(const sigset_t *passed) {
    int status = 0, number;

    for (;;) {
        number = sigwaitinfo(passed, NULL);
        if (number == SIGTERM || number == SIGINT || number == SIGHUP || number == SIGQUIT)
            return 0;
        if (number == SIGCHLD)
            (void)reap_children(-1, &status);
    }
}

int main(int argc, char **argv) {
    char **command = argv + 1;
    sigset_t passed, before;
    int status = 0;

    fill_passed(&passed);
    if (argc == 2 && strcmp(command[0], "--hold") == 0) {
        sigprocmask(SIG_SETMASK, &passed, NULL);
        return hold_pod(&passed);
    }
    if (argc > 1 && strcmp(command[0], "--") == 0)
        command++;
    if (argc < 2 || !command[0]) {
        dprintf(STDERR_FILENO, "berth-init: there is no command\n");
        return EXIT_NOT_FOUND;
    }
    sigprocmask(SIG_SETMASK, &passed, &before);
    const pid_t init = getpid();
    pid_t child = fork();
    if (child < 0) {
        dprintf(STDERR_FILENO, "berth-init: cannot fork: %s\n", strerror(errno));
        return EXIT_CANNOT_EXECUTE;
    }
    if (child == 0)
        execute(command, init, &before);
    /* Only the command has them now: a connection ends when the command closes it. */
    (void)close_range(STDERR_FILENO + 1, ~0u, 0);
    for (;;) {
        int number = sigwaitinfo(&passed, NULL);
        /* The terminal sends these to the init because it is in the background; they are not meant
         * for the command. */
        if (number < 0 || number == SIGTTIN || number == SIGTTOU)
            continue;
        if (number != SIGCHLD)
            (void)kill(child, number);
        else if (reap_children(child, &status))
            return status;
    }
}
