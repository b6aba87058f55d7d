/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The connections of a container, and the order in which they are made and undone, under the lock
 * of the container. The only state is in the documents (connection.c). The one thing to know:
 * additional networks are connected before the first one, because earlier versions of netavark give
 * the default route to the network that is set up last.
 */

#include "network/connections.h"

#include "base/directory.h"
#include "base/document.h"
#include "base/fd.h"
#include "network/connection.h"
#include "network/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum { MAX_KEYS = 256 };

/* Writes the addresses and the host name to the container's own /etc/hosts, if plugins chose them.
 * The network is usable even if this fails, so a failure is not reported. */
static void add_to_hosts(const BerthSetup *setup, int directory, json_object *result) {
    berth_autofd int file =
        openat(directory, "etc/hosts", O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
    json_object *addresses = NULL;
    const char *address;

    if (file < 0 || !berth_document_get_objects(result, "ips", &addresses, NULL))
        return;
    for (guint i = 0; addresses && i < json_object_array_length(addresses); i++)
        if (berth_document_get_string(json_object_array_get_idx(addresses, i), "address", &address,
                                      NULL) &&
            address)
            dprintf(file, "%.*s\t%s\n", (int)strcspn(address, "/"), address,
                    setup->hostname ? setup->hostname : "");
}

/* The keys of additional networks that have a document of this kind. Those beyond the limit per
 * container are ignored. */
static GPtrArray *list_keys(int networks, const char *id, const char *suffix) {
    g_autofree char *prefix = g_strconcat(id, "@", NULL);
    berth_autolist DIR *list = berth_directory_list(networks);
    GPtrArray *keys = g_ptr_array_new_with_free_func(g_free);
    const char *name;

    while (list && (name = berth_directory_next(list)) && keys->len < MAX_KEYS)
        if (g_str_has_prefix(name, prefix) && g_str_has_suffix(name, suffix))
            g_ptr_array_add(keys, g_strndup(name, strlen(name) - strlen(suffix)));
    return keys;
}

/* The first failure is reported. */
static bool undo_further_networks(const char *id, pid_t pid, int networks, GError **error) {
    g_autoptr(GPtrArray) keys = list_keys(networks, id, ".json");
    bool good = true;

    for (guint i = 0; i < keys->len; i++)
        good = berth_connection_undo_recorded(keys->pdata[i], pid, "", networks,
                                              good ? error : NULL) &&
               good;
    return good;
}

static int compare_connection_keys(gconstpointer a, gconstpointer b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool connect_further_networks(const BerthSetup *setup, const char *id, pid_t pid,
                                     const char *netns, int networks, GError **error) {
    g_autoptr(GPtrArray) keys = list_keys(networks, id, ".next");

    /* In a fixed order, because earlier versions of netavark put the default route of the last
     * network first. */
    g_ptr_array_sort(keys, compare_connection_keys);
    for (guint i = 0; i < keys->len; i++) {
        g_autoptr(json_object) result = NULL;
        if (!berth_connection_connect(setup, keys->pdata[i], pid, netns, networks, &result, error))
            return false;
    }
    return true;
}

static int open_networks(int directory, GError **error) {
    int networks = openat(directory, "../../networks", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (networks < 0)
        berth_error_set_errno(error, errno, "open the directory networks");
    return networks;
}

bool berth_connections_make(const BerthSetup *setup, const char *id, pid_t pid, const char *netns,
                            int directory, GError **error) {
    g_autofree char *next = g_strconcat(id, ".next", NULL);
    g_autoptr(json_object) result = NULL;

    berth_autofd int networks = open_networks(directory, error);
    berth_autofd int locked = networks < 0 ? -1 : berth_network_lock_container(networks, id, error);
    if (locked < 0)
        return false;
    (void)undo_further_networks(id, 0, networks, NULL);
    bool is_administrators = faccessat(networks, next, F_OK, AT_SYMLINK_NOFOLLOW) < 0;
    if (!connect_further_networks(setup, id, pid, netns, networks, error) ||
        !berth_connection_connect(setup, id, pid, netns, networks, &result, error)) {
        (void)undo_further_networks(id, 0, networks, NULL);
        return false;
    }
    if (is_administrators)
        add_to_hosts(setup, directory, result);
    return true;
}

bool berth_connections_join(const BerthSetup *setup, const char *key, pid_t pid, const char *netns,
                            int directory, bool (*is_running)(void), GError **error) {
    g_autofree char *id = g_strndup(key, strcspn(key, "@"));
    g_autoptr(json_object) result = NULL;

    berth_autofd int networks = open_networks(directory, error);
    berth_autofd int locked = networks < 0 ? -1 : berth_network_lock_container(networks, id, error);
    if (locked < 0)
        return false;
    /* The process that undoes the connections of an exited container waits for the same lock.
     * Either it comes after this one, or it has already found nothing and does not come back. */
    if (!is_running())
        return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION, "the container has exited");
    /* What an interrupted disconnection has left is undone in the container's own namespace, before
     * a request for the same key replaces its document. */
    (void)berth_connection_undo_recorded(key, pid, netns, networks, NULL);
    return berth_connection_connect(setup, key, pid, netns, networks, &result, error);
}

bool berth_connections_leave(const char *key, pid_t pid, const char *netns, int directory,
                             GError **error) {
    g_autofree char *id = g_strndup(key, strcspn(key, "@"));

    berth_autofd int networks = open_networks(directory, error);
    berth_autofd int locked = networks < 0 ? -1 : berth_network_lock_container(networks, id, error);
    return locked >= 0 && berth_connection_undo_recorded(key, pid, netns, networks, error);
}

bool berth_connections_undo(const char *key, pid_t pid, int networks, GError **error) {
    g_autofree char *id = g_strndup(key, strcspn(key, "@"));
    berth_autofd int locked = berth_network_lock_container(networks, id, error);

    if (locked < 0)
        return false;
    bool good = g_str_equal(key, id) ? undo_further_networks(id, pid, networks, error) : true;
    return berth_connection_undo_recorded(key, pid, "", networks, good ? error : NULL) && good;
}

/* The lock is taken separately for each connection, so that a start or an exit waits for one
 * connection at most. The first failure is reported. */
bool berth_connections_renew(int networks, GError **error) {
    berth_autolist DIR *list = berth_directory_list(networks);
    const char *name;
    bool good = true;

    while (list && (name = berth_directory_next(list))) {
        if (name[0] == '.' || !g_str_has_suffix(name, ".json"))
            continue;
        g_autofree char *key = g_strndup(name, strlen(name) - strlen(".json"));
        good = berth_connection_renew(key, networks, good ? error : NULL) && good;
    }
    return good;
}
