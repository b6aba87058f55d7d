/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Runs a command line for several hosts: each has a child, a dist for that host, whose lines of
 * output are printed as they arrive. The HostRuns are on the stack of dist_hosts_run_each().
 */

#include "client/host-runs.h"

#include "base/fd.h"
#include "client/hosts.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_LINE_BYTES = 64 * 1024 };

/* One of several hosts: a dist of its own, whose lines are passed on. */
typedef struct {
    const char *host;
    pid_t pid;
    int pipes[2];      /* its output and its errors; -1 once they end */
    GString *lines[2]; /* an incomplete line, as far as it has arrived */
} HostRun;

static bool host_run_begin(HostRun *run, const char *program, GPtrArray *list, GError **error) {
    int output[2], errors[2];
    g_autoptr(GPtrArray) arguments = g_ptr_array_new();
    pid_t parent = getpid();

    g_ptr_array_add(arguments, (char *)program);
    g_ptr_array_add(arguments, (char *)"-H");
    g_ptr_array_add(arguments, (char *)run->host);
    for (guint i = 0; i < list->len; i++)
        g_ptr_array_add(arguments, list->pdata[i]);
    g_ptr_array_add(arguments, NULL);
    if (!berth_fd_pipe(output, error))
        return false;
    run->pipes[0] = output[0];
    berth_autofd int own_output = output[1];
    if (!berth_fd_pipe(errors, error))
        return false;
    run->pipes[1] = errors[0];
    berth_autofd int own_errors = errors[1];
    berth_autofd int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    run->pid = fork();
    if (run->pid == 0) {
        /* The child ends with this process, even if that is killed. */
        if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent)
            _exit(127);
        /* Without a controlling terminal, ssh(1) cannot ask for a password; standard input alone
         * would not prevent it. */
        if (setsid() < 0 || setenv("SSH_ASKPASS_REQUIRE", "never", 1) < 0)
            _exit(127);
        dist_host_exec((char *const *)arguments->pdata, null, own_output, own_errors);
    }
    return run->pid > 0 || berth_error_set_errno(error, errno, "fork");
}

/* Control characters are escaped: no host may control the terminal and overwrite another one's
 * lines. */
static void host_run_write_visibly(const char *line, gsize length, FILE *file) {
    g_autofree char *valid = g_utf8_make_valid(line, (gssize)length);

    for (const char *c = valid; *c; c = g_utf8_next_char(c))
        if (g_unichar_iscntrl(g_utf8_get_char(c)) && *c != '\t')
            fprintf(file, "\\x%02x", g_utf8_get_char(c));
        else
            fwrite(c, 1, (size_t)(g_utf8_next_char(c) - c), file);
}

static void host_run_print(HostRun *run, int stream, bool all) {
    GString *text = run->lines[stream];
    FILE *file = stream == 0 ? stdout : stderr;
    char *end;

    while ((end = memchr(text->str, '\n', text->len)) ||
           (all && text->len > 0 && (end = text->str + text->len))) {
        gsize length = (gsize)(end - text->str);
        fprintf(file, "%s: ", run->host);
        if (isatty(fileno(file)))
            host_run_write_visibly(text->str, length, file);
        else
            fwrite(text->str, 1, length, file);
        fputc('\n', file);
        g_string_erase(text, 0, (gssize)MIN(length + 1, text->len));
    }
    fflush(file);
}

static void host_run_read(HostRun *run, int stream) {
    char buffer[4096];
    ssize_t size = read(run->pipes[stream], buffer, sizeof buffer);

    if (size < 0 && errno == EINTR)
        return;
    if (size > 0)
        g_string_append_len(run->lines[stream], buffer, size);
    if (size <= 0)
        berth_fd_clear(&run->pipes[stream]);
    host_run_print(run, stream, size <= 0 || run->lines[stream]->len > MAX_LINE_BYTES);
}

/* Returns once both streams of each host have ended. */
static void host_runs_pass_on(HostRun *runs, guint count) {
    for (;;) {
        struct pollfd polled[2 * DIST_MAX_HOSTS];
        bool open = false;
        for (guint i = 0; i < 2 * count; i++) {
            polled[i] = (struct pollfd){.fd = runs[i / 2].pipes[i % 2], .events = POLLIN};
            open = open || polled[i].fd >= 0;
        }
        if (!open || (poll(polled, 2 * count, -1) < 0 && errno != EINTR))
            return;
        for (guint i = 0; i < 2 * count; i++)
            if (polled[i].fd >= 0 && polled[i].revents)
                host_run_read(&runs[i / 2], (int)(i % 2));
    }
}

static int host_run_finish(HostRun *run) {
    int status = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(run->lines); i++) {
        berth_fd_clear(&run->pipes[i]);
        g_string_free(run->lines[i], TRUE);
    }
    if (run->pid <= 0)
        return DIST_HOST_FAILURE;
    while (waitpid(run->pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int dist_hosts_run_each(GError **error) {
    g_autoptr(GPtrArray) list = dist_hosts_list_words();
    char *const *hosts = dist_hosts_get_all();
    guint count = g_strv_length((char **)hosts);
    HostRun runs[DIST_MAX_HOSTS];
    int worst = EXIT_SUCCESS;

    for (guint i = 0; i < count; i++) {
        runs[i] = (HostRun){.host = hosts[i], .pipes = {-1, -1}};
        runs[i].lines[0] = g_string_new(NULL);
        runs[i].lines[1] = g_string_new(NULL);
        g_autoptr(GError) local = NULL;
        if (!host_run_begin(&runs[i], "/proc/self/exe", list, &local) && !*error)
            g_propagate_error(error, g_steal_pointer(&local));
    }
    host_runs_pass_on(runs, count);
    for (guint i = 0; i < count; i++) {
        int status = host_run_finish(&runs[i]);
        worst = MAX(worst, status);
    }
    return worst;
}
