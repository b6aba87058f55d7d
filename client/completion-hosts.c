/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The hosts and machines that the completion offers for -H and -M: those that ssh's configuration
 * or known_hosts names, and those that systemd-machined runs. Only files are read; nothing is asked
 * over the network. Patterns, hashed names and anything that a shell could interpret are left out.
 */

#include "client/completion-hosts.h"

#include "base/fd.h"

#include <string.h>

enum { MAX_HOSTS_BYTES = 4 * 1024 * 1024 };

typedef struct {
    const char *before; /* the part of the value before this host */
    DistOffer offer;
    GHashTable *offered;
} HostCompletion;

static bool host_is_plain(const char *name) {
    for (const char *c = name; *c; c++)
        if (!g_ascii_isalnum(*c) && !strchr("._-:", *c))
            return false;
    return name[0] && name[0] != '-' && name[0] != '.';
}

static void host_offer(const HostCompletion *completion, const char *name) {
    if (!host_is_plain(name) || !g_hash_table_add(completion->offered, g_strdup(name)))
        return;
    g_autofree char *whole = g_strconcat(completion->before, name, NULL);
    completion->offer(whole);
}

/* "Host one two *.example.com": the keyword in any case, followed by "=" or blanks (ssh_config(5)).
 */
static void hosts_offer_configured(const HostCompletion *completion, char *line) {
    static const char keyword[] = "host";

    g_strstrip(line);
    if (g_ascii_strncasecmp(line, keyword, strlen(keyword)) != 0 ||
        !strchr(" \t=", line[strlen(keyword)]) || !line[strlen(keyword)])
        return;
    g_auto(GStrv) names = g_strsplit_set(line + strlen(keyword), " \t=\"", -1);
    for (char **name = names; *name; name++)
        host_offer(completion, *name);
}

/* "name,[name]:port TYPE KEY" (sshd(8)); "|1|…" is a hashed name, "@…" a marker before the names.
 */
static void hosts_offer_known(const HostCompletion *completion, char *line) {
    if (strchr("|@#", line[0]))
        return;
    line[strcspn(line, " \t")] = '\0';
    g_auto(GStrv) names = g_strsplit(line, ",", -1);
    for (char **name = names; *name; name++) {
        char *end = (*name)[0] == '[' ? strchr(*name, ']') : NULL;
        g_autofree char *plain =
            end ? g_strdup_printf("%.*s%s", (int)(end - *name - 1), *name + 1, end + 1) : NULL;
        const char *host = plain ? plain : *name;
        /* -H takes an IPv6 address only in brackets, which shells expand: it is not offered. */
        if (strchr(host, ':') == strrchr(host, ':'))
            host_offer(completion, host);
    }
}

static void hosts_read_file(const HostCompletion *completion, const char *path,
                            void (*read)(const HostCompletion *completion, char *line)) {
    berth_autofd int file = open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    size_t size;
    g_autofree char *text =
        file < 0 ? NULL : berth_fd_read_whole(file, MAX_HOSTS_BYTES, &size, NULL);
    g_auto(GStrv) lines = text ? g_strsplit(text, "\n", -1) : NULL;

    for (char **line = lines; line && *line; line++)
        if ((*line)[0])
            read(completion, *line);
}

/* Of "one,user@tw", only "tw" is completed. */
void dist_offer_hosts(const char *typed, DistOffer offer) {
    g_autoptr(GHashTable) offered = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    const char *comma = strrchr(typed, ','), *begin = comma ? comma + 1 : typed;
    const char *at = strchr(begin, '@');
    g_autofree char *before = g_strndup(typed, (gsize)((at ? at + 1 : begin) - typed));
    const HostCompletion completion = {before, offer, offered};
    g_autofree char *config = g_build_filename(g_get_home_dir(), ".ssh/config", NULL);
    g_autofree char *known = g_build_filename(g_get_home_dir(), ".ssh/known_hosts", NULL);

    hosts_read_file(&completion, config, hosts_offer_configured);
    hosts_read_file(&completion, "/etc/ssh/ssh_config", hosts_offer_configured);
    hosts_read_file(&completion, known, hosts_offer_known);
    hosts_read_file(&completion, "/etc/ssh/ssh_known_hosts", hosts_offer_known);
}

/* systemd-machined keeps a file for each machine, and links whose names have a colon. */
void dist_offer_machines(const char *typed, DistOffer offer) {
    const char *at = strchr(typed, '@');
    g_autofree char *before = g_strndup(typed, at ? (gsize)(at + 1 - typed) : 0);
    g_autoptr(GDir) directory = g_dir_open("/run/systemd/machines", 0, NULL);
    const char *name;

    while (directory && (name = g_dir_read_name(directory))) {
        g_autofree char *whole = g_strconcat(before, name, NULL);
        if (host_is_plain(name) && !strchr(name, ':'))
            offer(whole);
    }
}
