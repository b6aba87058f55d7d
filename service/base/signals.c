/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Parses signal names, with or without "SIG", in upper or lower case, real-time signals in
 * systemd's notation, and numbers. There is no state.
 */

#include "base/signals.h"

#include <glib.h>
#include <signal.h>

static const struct {
    const char *name;
    int number;
} signals[] = {
    {"HUP", SIGHUP},   {"INT", SIGINT},     {"QUIT", SIGQUIT}, {"KILL", SIGKILL},
    {"USR1", SIGUSR1}, {"USR2", SIGUSR2},   {"TERM", SIGTERM}, {"CONT", SIGCONT},
    {"STOP", SIGSTOP}, {"WINCH", SIGWINCH}, {"ABRT", SIGABRT}, {"ALRM", SIGALRM},
    {"PIPE", SIGPIPE}, {"CHLD", SIGCHLD},   {"TSTP", SIGTSTP}, {"TTIN", SIGTTIN},
    {"TTOU", SIGTTOU}, {"PWR", SIGPWR},     {"ILL", SIGILL},   {"TRAP", SIGTRAP},
    {"BUS", SIGBUS},   {"FPE", SIGFPE},     {"SEGV", SIGSEGV}, {"STKFLT", SIGSTKFLT},
    {"URG", SIGURG},   {"XCPU", SIGXCPU},   {"XFSZ", SIGXFSZ}, {"VTALRM", SIGVTALRM},
    {"PROF", SIGPROF}, {"IO", SIGIO},       {"SYS", SIGSYS},
};

int berth_signal_parse(const char *text) {
    char *end;
    guint64 number = g_ascii_strtoull(text, &end, 10);

    if (end != text)
        return *end == '\0' && number >= 1 && number <= (guint64)SIGRTMAX ? (int)number : 0;
    if (g_ascii_strncasecmp(text, "SIG", 3) == 0)
        text += 3;
    if (g_ascii_strncasecmp(text, "RTMIN+", 6) == 0) {
        number = g_ascii_strtoull(text + 6, &end, 10);
        return *end == '\0' && SIGRTMIN + (int)number <= SIGRTMAX ? SIGRTMIN + (int)number : 0;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(signals); i++)
        if (g_ascii_strcasecmp(signals[i].name, text) == 0)
            return signals[i].number;
    return 0;
}
