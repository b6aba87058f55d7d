/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Files of a container's /etc. They live in its directory and are mounted into it, so that they can
 * change between two starts without touching the image. */

#include "containers/spec/files.h"

#include "base/fd.h"
#include "containers/spec/network-mode.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_RESOLV_CONF_BYTES = 64 * 1024 };

/* Replaced, not written to: a mount of the old file, in a container that ran before, does not
 * change. */
static bool write_file(int directory, const char *name, const char *text, GError **error) {
    return berth_fd_replace(directory, name, text, strlen(text), 0644) ||
           berth_error_set_errno(error, errno, "write %s of a container", name);
}

static char *format_hosts(const char *hostname, const char *network, char *const *addresses) {
    g_autoptr(GString) text = g_string_new("127.0.0.1\tlocalhost\n"
                                           "::1\tlocalhost ip6-localhost ip6-loopback\n");

    if (berth_network_parse_mode(network) == BERTH_NETWORK_HOST) {
        g_autofree char *hosts = NULL;
        if (g_file_get_contents("/etc/hosts", &hosts, NULL, NULL))
            return g_steal_pointer(&hosts);
    }
    for (; addresses && *addresses; addresses++) {
        g_auto(GStrv) parts = g_strsplit(*addresses, "/", 2);
        g_string_append_printf(text, "%s\t%s\n", parts[0], hostname);
    }
    /* As Debian does for a host without a fixed address. */
    if (!strstr(text->str, hostname))
        g_string_append_printf(text, "127.0.1.1\t%s\n", hostname);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

/* systemd-resolved's stub listens on the host's loopback, which is not the container's: the servers
 * that it asks itself are in another file. */
static char *read_resolv_conf(const char *network) {
    static const char *const files[] = {"/run/systemd/resolve/resolv.conf", "/etc/resolv.conf"};
    BerthNetworkMode mode = berth_network_parse_mode(network);

    if (mode == BERTH_NETWORK_NONE)
        return g_strdup("# This container has no network.\n");
    for (size_t i = mode == BERTH_NETWORK_HOST ? 1 : 0; i < G_N_ELEMENTS(files); i++) {
        /* O_NONBLOCK: opening a FIFO does not wait for a writer (fifo(7)). */
        berth_autofd int file = open(files[i], O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        size_t size;
        char *text =
            file < 0 ? NULL : berth_fd_read_whole(file, MAX_RESOLV_CONF_BYTES, &size, NULL);
        if (text)
            return text;
    }
    return g_strdup("");
}

bool berth_container_files_write(int directory, const char *id, const char *hostname,
                                 const char *network, char *const *addresses, GError **error) {
    g_autofree char *path = g_strconcat(id, "/etc", NULL);
    g_autofree char *hosts = format_hosts(hostname, network, addresses);
    g_autofree char *resolv_conf = read_resolv_conf(network);
    g_autofree char *name = g_strconcat(hostname, "\n", NULL);

    if (mkdirat(directory, path, 0755) < 0 && errno != EEXIST)
        return berth_error_set_errno(error, errno, "make %s", path);
    berth_autofd int etc = openat(directory, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (etc < 0)
        return berth_error_set_errno(error, errno, "open %s", path);
    return write_file(etc, "hosts", hosts, error) && write_file(etc, "hostname", name, error) &&
           write_file(etc, "resolv.conf", resolv_conf, error);
}
