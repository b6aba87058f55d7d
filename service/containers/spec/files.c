/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Files for a container's /etc. They are in the container's directory and mounted into it, so that
 * they can change between two starts without affecting the image. There is no state here.
 */

#include "containers/spec/files.h"

#include "base/fd.h"
#include "containers/spec/network-mode.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_RESOLV_CONF_BYTES = 64 * 1024, MAX_FILE_BYTES = 1024 * 1024 };

/* The file is replaced rather than overwritten, so that a mount of the old file, in a container
 * that ran before, does not change. */
static bool write_container_file(int directory, const char *name, const char *text,
                                 GError **error) {
    return berth_fd_replace(directory, name, text, strlen(text), 0644) ||
           berth_error_set_errno(error, errno, "write %s of a container", name);
}

static void add_hosts(GString *text, const BerthContainerFiles *files) {
    bool is_host = berth_network_parse_mode(files->network) == BERTH_NETWORK_HOST;
    const char *gateway = is_host ? "127.0.0.1" : files->gateway;

    for (char *const *host = files->hosts; host && *host; host++) {
        const char *colon = strchr(*host, ':');
        const char *address = g_str_equal(colon + 1, BERTH_HOST_GATEWAY) ? gateway : colon + 1;
        if (address)
            g_string_append_printf(text, "%s\t%.*s\n", address, (int)(colon - *host), *host);
    }
}

static char *format_hosts(const BerthContainerFiles *files) {
    g_autoptr(GString) text = g_string_new("127.0.0.1\tlocalhost\n"
                                           "::1\tlocalhost ip6-localhost ip6-loopback\n");
    g_autofree char *hosts = NULL;

    if (berth_network_parse_mode(files->network) == BERTH_NETWORK_HOST &&
        g_file_get_contents("/etc/hosts", &hosts, NULL, NULL)) {
        g_string_assign(text, hosts);
        if (text->len > 0 && text->str[text->len - 1] != '\n')
            g_string_append_c(text, '\n');
        add_hosts(text, files);
        return g_string_free(g_steal_pointer(&text), FALSE);
    }
    for (char *const *address = files->addresses; address && *address; address++)
        g_string_append_printf(text, "%.*s\t%s\n", (int)strcspn(*address, "/"), *address,
                               files->hostname);
    /* As Debian does on a host without a fixed address. */
    if (!files->addresses || !files->addresses[0])
        g_string_append_printf(text, "127.0.1.1\t%s\n", files->hostname);
    add_hosts(text, files);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

/* systemd-resolved's stub listens on the host's loopback interface, which the container cannot
 * reach. Its upstream servers are listed in another file. */
static char *read_resolv_conf(BerthNetworkMode mode) {
    static const char *const files[] = {"/run/systemd/resolve/resolv.conf", "/etc/resolv.conf"};

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

static void add_resolver_words(GString *text, const char *keyword, char *const *words) {
    g_autofree char *joined = words && words[0] ? g_strjoinv(" ", (char **)words) : NULL;

    if (joined)
        g_string_append_printf(text, "%s %s\n", keyword, joined);
}

/* Copies the host's lines, except those of a kind that the container sets itself. */
static void add_host_lines(GString *text, const char *given, bool servers, bool search,
                           bool options) {
    g_auto(GStrv) lines = g_strsplit(given, "\n", -1);

    for (char **line = lines; *line; line++) {
        bool replaced =
            (servers && g_str_has_prefix(*line, "nameserver")) ||
            (search && (g_str_has_prefix(*line, "search") || g_str_has_prefix(*line, "domain"))) ||
            (options && g_str_has_prefix(*line, "options"));
        if (!replaced && (*line)[0])
            g_string_append_printf(text, "%s\n", *line);
    }
}

/* The network's own name server forwards what it cannot answer, to the caller's servers if there
 * are any. As in podman, the host's search domains are used only without such a server. */
static char *format_resolv_conf(const BerthContainerFiles *files) {
    char *const *servers = files->own_servers ? files->own_servers : files->servers;
    bool has_servers = servers && servers[0], has_search = files->search && files->search[0];
    bool has_options = files->options && files->options[0];
    g_autoptr(GString) text = g_string_new(NULL);

    if (!files->own_servers) {
        g_autofree char *host = read_resolv_conf(berth_network_parse_mode(files->network));
        if (!has_servers && !has_search && !has_options)
            return g_steal_pointer(&host);
        add_host_lines(text, host, has_servers, has_search, has_options);
    }
    /* A single "." means no search domain (podman-run(1), --dns-search). */
    if (has_search && !g_str_equal(files->search[0], "."))
        add_resolver_words(text, "search", files->search);
    for (; has_servers && *servers; servers++)
        g_string_append_printf(text, "nameserver %s\n", *servers);
    add_resolver_words(text, "options", files->options);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static int open_etc(int directory, const char *id, GError **error) {
    g_autofree char *path = g_strconcat(id, "/etc", NULL);
    int etc = openat(directory, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (etc < 0)
        berth_error_set_errno(error, errno, "open %s", path);
    return etc;
}

bool berth_container_files_create(int directory, const char *id, const char *hostname,
                                  GError **error) {
    g_autofree char *path = g_strconcat(id, "/etc", NULL);
    g_autofree char *name = g_strconcat(hostname, "\n", NULL);

    if (mkdirat(directory, path, 0755) < 0 && errno != EEXIST)
        return berth_error_set_errno(error, errno, "make %s", path);
    berth_autofd int etc = open_etc(directory, id, error);
    return etc >= 0 && write_container_file(etc, "hostname", name, error);
}

bool berth_container_files_write(int directory, const char *id, const BerthContainerFiles *files,
                                 GError **error) {
    g_autofree char *hosts = format_hosts(files);
    g_autofree char *resolv_conf = format_resolv_conf(files);
    berth_autofd int etc = open_etc(directory, id, error);

    return etc >= 0 && write_container_file(etc, "hosts", hosts, error) &&
           write_container_file(etc, "resolv.conf", resolv_conf, error);
}

static char *read_container_file(int directory, const char *name, GError **error) {
    berth_autofd int file = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    size_t size;

    if (file < 0) {
        berth_error_set_errno(error, errno, "open %s of a container", name);
        return NULL;
    }
    return berth_fd_read_whole(file, MAX_FILE_BYTES, &size, error);
}

bool berth_container_files_copy(int directory, const char *from, const char *id, GError **error) {
    berth_autofd int others = open_etc(directory, from, error);
    berth_autofd int etc = others < 0 ? -1 : open_etc(directory, id, error);

    if (etc < 0)
        return false;
    g_autofree char *hosts = read_container_file(others, "hosts", error);
    g_autofree char *resolv_conf = hosts ? read_container_file(others, "resolv.conf", error) : NULL;
    g_autofree char *hostname = resolv_conf ? read_container_file(etc, "hostname", error) : NULL;
    if (!hostname)
        return false;
    g_autofree char *all = g_strdup_printf("%s127.0.1.1\t%s\n", hosts, g_strchomp(hostname));
    return write_container_file(etc, "hosts", all, error) &&
           write_container_file(etc, "resolv.conf", resolv_conf, error);
}
