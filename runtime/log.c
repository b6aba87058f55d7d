/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The log. Engines read it: conmon passes its last line to podman, and containerd's shim the last
 * one of the level "error"; both expect the members that logrus writes (level, msg, time). The
 * process has one log, which stays open until it exits.
 */

#include "log.h"

#include "base/document-members.h"
#include "base/document.h"
#include "base/fd.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static struct {
    int fd;
    RuntimeLogFormat format;
    bool debug;
} the_log = {.fd = -1};

static const char *const level_names[] = {"error", "warning", "debug"};

bool runtime_log_parse_format(const char *text, RuntimeLogFormat *format, GError **error) {
    if (!text || g_str_equal(text, "text"))
        *format = RUNTIME_LOG_TEXT;
    else if (g_str_equal(text, "json"))
        *format = RUNTIME_LOG_JSON;
    else
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "unknown log format \"%.100s\"; use text or json", text);
    return true;
}

/* O_APPEND: an engine may give the same file to several processes. */
bool runtime_log_open(const char *file, RuntimeLogFormat format, bool debug, GError **error) {
    the_log.format = format;
    the_log.debug = debug;
    if (!file || !file[0])
        return true;
    the_log.fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0644);
    return the_log.fd >= 0 || berth_error_set_errno(error, errno, "open log file %s", file);
}

/* The caller frees it. Messages contain names that may not be valid UTF-8, as JSON requires. */
char *runtime_log_make_line(RuntimeLogFormat format, RuntimeLogLevel level, const char *message,
                            GDateTime *time) {
    g_autofree char *stamp = g_date_time_format_iso8601(time);
    g_autofree char *valid = g_utf8_make_valid(message, -1);

    if (format == RUNTIME_LOG_TEXT) {
        g_autofree char *quoted = g_strescape(valid, NULL);
        return g_strdup_printf("time=\"%s\" level=%s msg=\"%s\"", stamp, level_names[level],
                               quoted);
    }
    g_autoptr(json_object) object = json_object_new_object();
    berth_document_add_string(object, "level", level_names[level]);
    berth_document_add_string(object, "msg", valid);
    berth_document_add_string(object, "time", stamp);
    return berth_document_print(object, false);
}

void runtime_log(RuntimeLogLevel level, const char *format, ...) {
    va_list arguments;

    if (level == RUNTIME_LOG_DEBUG && !the_log.debug)
        return;
    va_start(arguments, format);
    g_autofree char *message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    /* In UTC: a container's monitor may be in its mount namespace, which has its own time zone
     * files. */
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *line = runtime_log_make_line(the_log.format, level, message, now);
    g_autofree char *whole = g_strconcat(line, "\n", NULL);
    /* Written to standard error even with --log, as in runc: conmon passes it on to the user who
     * typed the command. */
    if (level == RUNTIME_LOG_ERROR)
        fprintf(stderr, "berth-runtime: %s\n", message);
    else if (the_log.fd < 0)
        fputs(whole, stderr);
    if (the_log.fd >= 0)
        (void)berth_fd_write_all(the_log.fd, whole, strlen(whole));
}
