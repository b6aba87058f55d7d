/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Runs CRIU, which is used as a program and not as a library: it forks, ends with exit(2), and
 * writes what went wrong to a log, which is read afterwards. There is no state here.
 */

#include "checkpoint/criu.h"

#include "base/log.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Deleted files that are still in use become part of the image up to this size. */
#define GHOST_LIMIT "134217728"

/* The first error is usually the cause, but CRIU also logs errors from which it recovers. Therefore
 * all are quoted, up to a limit. */
enum { MAX_REASONS = 400, EXIT_NOT_RUN = 127 };

GPtrArray *berth_criu_new(const char *verb, const char *images, const char *log) {
    static const char *const options[] = {
        "-v2", /* errors and warnings */
        /* The processes are in a systemd scope, both before and afterwards. */
        "--manage-cgroups=ignore",
        "--file-locks",
        /* Only connections within the container, since a container with a network is refused
         * (dump.c). */
        "--tcp-established",
    };
    GPtrArray *arguments = g_ptr_array_new_with_free_func(g_free);

    berth_criu_add(arguments, "criu");
    berth_criu_add(arguments, "%s", verb);
    berth_criu_add(arguments, "--images-dir=%s", images);
    berth_criu_add(arguments, "--log-file=%s", log);
    for (size_t i = 0; i < G_N_ELEMENTS(options); i++)
        berth_criu_add(arguments, "%s", options[i]);
    if (g_str_equal(verb, "dump"))
        berth_criu_add(arguments, "--ghost-limit=%s", GHOST_LIMIT);
    return arguments;
}

void berth_criu_add(GPtrArray *arguments, const char *format, ...) {
    va_list list;

    va_start(list, format);
    g_ptr_array_add(arguments, g_strdup_vprintf(format, list));
    va_end(list);
}

G_GNUC_NORETURN void berth_criu_become(GPtrArray *arguments) {
    /* CRIU runs programs of the host: ip, iptables, tar. */
    setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
    g_ptr_array_add(arguments, NULL);
    execvp("criu", (char **)arguments->pdata);
    _exit(EXIT_NOT_RUN);
}

/* Lines have the form "(00.012345) Error (criu/cr-dump.c:1234): what went wrong", sometimes with
 * the number of a process before "Error". */
static const char *find_reason(const char *line) {
    const char *mark = strstr(line, "Error (");
    const char *end = mark ? strstr(mark, "): ") : NULL;

    return end ? end + strlen("): ") : NULL;
}

bool berth_criu_has_failed(const char *log) {
    g_autofree char *text = NULL;

    /* If CRIU has failed, its last line says FAILED. It may have recovered from errors before
     * that. */
    return !g_file_get_contents(log, &text, NULL, NULL) || strstr(text, "FAILED");
}

void berth_criu_explain(const char *log, const char *id, GError **error) {
    g_autoptr(GString) reasons = g_string_new(NULL);
    g_autofree char *text = NULL;

    g_file_get_contents(log, &text, NULL, NULL);
    g_auto(GStrv) lines = g_strsplit(text ? text : "", "\n", -1);
    for (char **line = lines; *line; line++) {
        const char *reason = find_reason(*line);
        if (reason && reasons->len < MAX_REASONS)
            g_string_append_printf(reasons, "%s%s", reasons->len > 0 ? "; " : "", reason);
        if ((*line)[0])
            berth_log_warning("BERTH_CONTAINER", id, "CRIU: %s", *line);
    }
    berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION, "CRIU: %s",
                    reasons->len > 0 ? reasons->str
                    : text           ? "it failed without a message"
                                     : "it did not run");
}

bool berth_criu_run(GPtrArray *arguments, const char *log, const char *id, GError **error) {
    int status = 0;
    pid_t pid = fork();

    if (pid == 0)
        berth_criu_become(arguments);
    if (pid < 0)
        return berth_error_set_errno(error, errno, "run CRIU");
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS)
        return true;
    berth_criu_explain(log, id, error);
    return false;
}
