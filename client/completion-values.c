/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the completion offers for option values: words that the option knows, signals, capabilities,
 * users and groups of this machine; and files in a container, which the service lists. There is no
 * state. Everything is offered; the caller selects what matches.
 */

#include "client/completion-values.h"

#include "base/fd.h"
#include "client/bus.h"

#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MAX_NAMES_BYTES = 2 * 1024 * 1024 };

/* From capabilities(7), without the prefix CAP_, which --cap-add accepts but does not need. */
static const char *const capabilities[] = {
    "ALL",
    "AUDIT_CONTROL",
    "AUDIT_READ",
    "AUDIT_WRITE",
    "BLOCK_SUSPEND",
    "BPF",
    "CHECKPOINT_RESTORE",
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "IPC_LOCK",
    "IPC_OWNER",
    "KILL",
    "LEASE",
    "LINUX_IMMUTABLE",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "MKNOD",
    "NET_ADMIN",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_RAW",
    "PERFMON",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYSLOG",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_CHROOT",
    "SYS_MODULE",
    "SYS_NICE",
    "SYS_PACCT",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "WAKE_ALARM",
    NULL,
};
static const char *const pull_policies[] = {"missing", "always", "newer", "never", NULL};
static const char *const restart_policies[] = {"no", "on-failure", "always", "unless-stopped",
                                               NULL};
static const char *const user_namespaces[] = {"auto", "host", "keep-id", NULL};
static const char *const filters[] = {"default", "unconfined", NULL};
static const char *const progress_kinds[] = {"auto", "plain", "tty", "json", "none", NULL};
static const char *const log_drivers[] = {"journald", "none", NULL};
static const char *const json_kinds[] = {"pretty", "short", "off", NULL};
/* Resources of setrlimit(2) in lower case, each with the "=" that follows it. */
static const char *const limits[] = {
    "as=",      "core=",     "cpu=",        "data=",   "fsize=", "locks=",
    "memlock=", "msgqueue=", "nice=",       "nofile=", "nproc=", "rss=",
    "rtprio=",  "rttime=",   "sigpending=", "stack=",  NULL};

static void offer_all(const char *const *words, DistOffer offer) {
    for (; *words; words++)
        offer(*words);
}

/* sigabbrev_np(3) has no names for real-time signals, which are left out. */
static void offer_signals(DistOffer offer) {
    for (int number = 1; number < NSIG; number++) {
        const char *name = sigabbrev_np(number);
        g_autofree char *whole = name ? g_strconcat("SIG", name, NULL) : NULL;
        if (whole)
            offer(whole);
    }
}

/* Reads only the local files: a network directory service would make a key press wait. */
static void offer_users(DistOffer offer) {
    FILE *file = fopen("/etc/passwd", "re");
    struct passwd *entry;

    while (file && (entry = fgetpwent(file)))
        offer(entry->pw_name);
    if (file)
        fclose(file);
}

static void offer_groups(DistOffer offer) {
    FILE *file = fopen("/etc/group", "re");
    struct group *entry;

    while (file && (entry = fgetgrent(file)))
        offer(entry->gr_name);
    if (file)
        fclose(file);
}

bool dist_offer_values(const DistOption *option, DistOffer offer) {
    static const struct {
        const char *name;
        const char *const *words;
        void (*offer)(DistOffer offer);
    } known[] = {
        {"cap-add", capabilities, NULL},      {"cap-drop", capabilities, NULL},
        {"group-add", NULL, offer_groups},    {"json", json_kinds, NULL},
        {"log-driver", log_drivers, NULL},    {"progress", progress_kinds, NULL},
        {"pull", pull_policies, NULL},        {"restart", restart_policies, NULL},
        {"seccomp", filters, NULL},           {"signal", NULL, offer_signals},
        {"stop-signal", NULL, offer_signals}, {"ulimit", limits, NULL},
        {"user", NULL, offer_users},          {"userns", user_namespaces, NULL},
    };

    if (option->choices)
        return offer_all(option->choices, offer), true;
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
        if (g_str_equal(known[i].name, option->name)) {
            if (known[i].words)
                offer_all(known[i].words, offer);
            else
                known[i].offer(offer);
            return true;
        }
    return false;
}

/* The service writes into a memfd: a pipe would have to be read while the call waits. */
static char *list_container_files(const char *id, const char *directory) {
    berth_autofd int file = memfd_create("names", MFD_CLOEXEC);
    size_t size;

    if (file < 0)
        return NULL;
    g_autoptr(sd_bus_message) reply = dist_call(NULL, DIST_CONTAINERS, "CopyOut", "ssha{sv}", id,
                                                directory, file, 1, "Kind", "s", "names");
    if (!reply || lseek(file, 0, SEEK_SET) < 0)
        return NULL;
    return berth_fd_read_whole(file, MAX_NAMES_BYTES, &size, NULL);
}

bool dist_is_plain_word(const char *name) {
    if (!g_utf8_validate(name, -1, NULL))
        return false;
    for (; *name; name = g_utf8_next_char(name)) {
        gunichar c = g_utf8_get_char(name);
        if (c < 0x80 ? !g_ascii_isalnum((char)c) && !strchr("._-+@%,:=/", (int)c)
                     : !g_unichar_isprint(c) || g_unichar_isspace(c))
            return false;
    }
    return true;
}

/* For "ID:PATH", offers the names in the directory of the typed part. A container that cannot be
 * read has no candidates. */
void dist_offer_container_files(const char *word, DistOffer offer) {
    const char *colon = strchr(word, ':');

    if (!colon)
        return;
    g_autofree char *id = g_strndup(word, (gsize)(colon - word));
    const char *slash = strrchr(colon, '/');
    g_autofree char *typed = g_strndup(colon + 1, slash ? (gsize)(slash - colon) : 0);
    g_autofree char *directory = typed[0] == '/' ? g_strdup(typed) : g_strconcat("/", typed, NULL);
    g_autofree char *text = list_container_files(id, directory);
    g_auto(GStrv) names = text ? g_strsplit(text, "\n", -1) : NULL;

    for (char **name = names; name && *name; name++) {
        g_autofree char *whole = g_strdup_printf("%s:%s%s", id, typed, *name);
        if ((*name)[0] && dist_is_plain_word(*name))
            offer(whole);
    }
}
