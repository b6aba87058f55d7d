/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * berth-init: the first process of a container that was created with Init. It runs the command as
 * its child, passes signals on to it, reaps what is orphaned in the container, and ends as the
 * command does. With --hold it is the process of a pod: there is no command, and it ends with the
 * first signal that asks for it. Static, since it runs on the image's root; it allocates nothing
 * and opens nothing.
 */

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* As shells report them. */
enum { EXIT_CANNOT_EXECUTE = 126, EXIT_NOT_FOUND = 127, EXIT_SIGNAL = 128 };

/* Signals of the program's own faults: blocked, they would be lost. */
static void fill_passed(sigset_t *set) {
    static const int own[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP};

    sigfillset(set);
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        sigdelset(set, own[i]);
}

/* In a process group of its own and, on a terminal, the foreground one: Ctrl-C reaches the command
 * once, and not a second time through the init. */
_Noreturn static void execute(char **command, const sigset_t *mask) {
    setpgid(0, 0);
    /* SIGTTOU is blocked until now: a background group may not do this otherwise (tcsetpgrp(3)). */
    if (isatty(STDIN_FILENO))
        (void)tcsetpgrp(STDIN_FILENO, getpgrp());
    sigprocmask(SIG_SETMASK, mask, NULL);
    execvp(command[0], command);
    int status = errno == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_EXECUTE;
    dprintf(STDERR_FILENO, "berth-init: cannot execute %s: %s\n", command[0], strerror(errno));
    _exit(status);
}

/* True once the child has ended; status is the container's then. */
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

/* The first process of a PID namespace gets no signal that it does not handle
 * (pid_namespaces(7)): it takes them from the queue. */
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
    pid_t child = fork();
    if (child < 0) {
        dprintf(STDERR_FILENO, "berth-init: cannot fork: %s\n", strerror(errno));
        return EXIT_CANNOT_EXECUTE;
    }
    if (child == 0)
        execute(command, &before);
    for (;;) {
        int number = sigwaitinfo(&passed, NULL);
        /* The terminal sends these to the init for being in the background, not for the command. */
        if (number < 0 || number == SIGTTIN || number == SIGTTOU)
            continue;
        if (number != SIGCHLD)
            (void)kill(child, number);
        else if (reap_children(child, &status))
            return status;
    }
}
