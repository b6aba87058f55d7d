/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Connection is an endpoint of a container in one network, its process, and the document about
 * it. The document is written before anything is done, and again with the result. If the process is
 * killed, the next one therefore finds everything that is left.
 *
 *   pid      of the container's first process
 *   ports    in the form of CNI's portMappings
 *   network  a list of CNI configurations, from the administrator or from bridge.c
 *   request  from berthd (request.h), for a network that Berth made: with "network", CNI's plugins
 *            have set it up; without it, netavark has. An additional network of the administrator
 *            has a request too, which names no bridge
 *   result   of the last plugin, or in the same form: ips
 *   port, portIndex, otherPorts  for a network that Berth made (port.h)
 *
 * A connection is undone in the way it was made, whatever the administrator has configured or
 * installed since.
 */

#include "network/connection.h"

#include "base/document-members.h"
#include "base/document.h"
#include "base/fd.h"
#include "base/programs.h"
#include "network/bridge.h"
#include "network/cni.h"
#include "network/interface.h"
#include "network/names.h"
#include "network/netavark.h"
#include "network/port.h"
#include "network/state.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* The kernel frees network namespaces asynchronously, in a separate thread (cleanup_net()). */
#define BRIDGE_WAIT_USEC (5 * G_USEC_PER_SEC)
#define BRIDGE_STEP_USEC (5 * G_TIME_SPAN_MILLISECOND)

typedef struct {
    const char *key;
    char *id;
    char *netns, *file; /* netns is "" if it is gone */
    int networks;
    json_object *state;
    BerthNetworkRequest request; /* from berthd */
    bool made;                   /* Berth made this network */
} Connection;

static void connection_clear(Connection *connection) {
    g_free(connection->id);
    g_free(connection->netns);
    g_free(connection->file);
    g_clear_pointer(&connection->state, json_object_put);
    berth_network_request_clear(&connection->request);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Connection, connection_clear)

static void connection_init(Connection *connection, const char *key, const char *netns,
                            int networks) {
    *connection = (Connection){
        .key = key,
        .id = g_strndup(key, strcspn(key, "@")),
        .networks = networks,
        .netns = g_strdup(netns),
        .file = g_strconcat(key, ".json", NULL),
    };
}

static bool is_first(const Connection *connection) {
    return !strchr(connection->key, '@');
}

/* The administrator's plugins may store addresses on disk, and only the document can give them back
 * after a power failure. Nothing of a network that Berth made outlives the machine. */
static bool connection_write(const Connection *connection, GError **error) {
    return berth_network_state_write(connection->networks, connection->file, connection->state,
                                     !connection->made, error);
}

static bool is_netavarks(const Connection *connection) {
    return connection->made && !json_object_object_get_ex(connection->state, "network", NULL);
}

static bool read_ports(const Connection *connection, json_object **ports, GError **error) {
    return berth_document_get_objects(connection->state, "ports", ports, error);
}

static bool fill_call(const Connection *connection, BerthCniCall *call, GError **error) {
    *call = (BerthCniCall){
        .id = connection->id,
        .netns = connection->netns,
        .interface =
            connection->request.interface ? connection->request.interface : BERTH_FIRST_INTERFACE,
        .network = json_object_object_get(connection->state, "network"),
        .mac = connection->made ? connection->request.mac : NULL,
    };
    return ((call->network && json_object_is_type(call->network, json_type_object)) ||
            berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "networks/%s names no network",
                            connection->file)) &&
           read_ports(connection, &call->ports, error);
}

static bool fill_netavark(const Connection *connection, BerthNetavark *netavark, GError **error) {
    *netavark = (BerthNetavark){.id = connection->id, .request = &connection->request};
    return read_ports(connection, &netavark->ports, error);
}

/* Has the form of a plugin's result, from which berthd reads the addresses. */
static json_object *make_result(const BerthNetworkRequest *request) {
    json_object *result = json_object_new_object();
    json_object *ips = berth_document_add_array(result, "ips");

    for (char **address = request->addresses; *address; address++)
        berth_document_add_string(berth_document_append_object(ips), "address", *address);
    return result;
}

static bool connection_run_plugins(const Connection *connection, json_object **result,
                                   GError **error) {
    BerthNetavark netavark;
    BerthCniCall call;

    if (!is_netavarks(connection))
        return fill_call(connection, &call, error) && berth_cni_add(&call, result, error);
    if (!fill_netavark(connection, &netavark, error) ||
        !berth_netavark_set_up(&netavark, connection->netns, error))
        return false;
    *result = make_result(&connection->request);
    return true;
}

static bool take_back(const Connection *connection, GError **error) {
    BerthNetavark netavark;
    BerthCniCall call;

    if (is_netavarks(connection))
        return fill_netavark(connection, &netavark, error) &&
               berth_netavark_tear_down(&netavark, connection->netns, error);
    return fill_call(connection, &call, error) &&
           berth_cni_delete(&call, json_object_object_get(connection->state, "result"), error);
}

/* A bridge is removed together with its last container, provided that this container has no
 * interface on it any more. Only under the lock is it known which one is the last: if two leave at
 * once, each sees the other's document before. The interface of a running container is deleted
 * right away; that of a container that has ended is deleted here. The loop is only for connections
 * made by earlier versions, which did not record their interface. Returns -1 with error. */
static int lock_to_leave(const Connection *connection, GError **error) {
    const char *bridge = connection->request.bridge;
    bool has_ended = !connection->netns[0];

    for (gint64 waited = 0;; waited += BRIDGE_STEP_USEC) {
        berth_autofd int locked = berth_network_lock_bridges(connection->networks, error);
        if (locked >= 0 && has_ended &&
            !berth_port_delete(connection->networks, connection->file, connection->state, bridge,
                               error))
            return -1;
        if (locked < 0 || !has_ended || waited >= BRIDGE_WAIT_USEC ||
            !berth_interface_has_ports(bridge) ||
            berth_names_count(connection->networks, bridge, connection->key) > 0)
            return berth_fd_steal(&locked);
        berth_fd_clear(&locked);
        g_usleep(BRIDGE_STEP_USEC);
    }
}

/* The first failure is reported, but everything else is done regardless. The document is removed
 * even then, because another attempt would not succeed either. */
static bool connection_undo(Connection *connection, GError **error) {
    berth_autofd int locked = -1;
    bool good = true;

    if (connection->made && (locked = lock_to_leave(connection, error)) < 0)
        return false;
    /* Names first, so that no name resolves to an address that nobody has. */
    if (connection->made && connection->request.dns)
        good = berth_names_publish(connection->networks, connection->request.bridge,
                                   connection->key, error);
    good = take_back(connection, good ? error : NULL) && good;
    /* For a running container, in case the container has hidden the interface from the program that
     * disconnects it. The address may be assigned to others once the document is gone. */
    if (connection->made &&
        !berth_port_delete(connection->networks, connection->file, connection->state,
                           connection->request.bridge, error && *error ? NULL : error))
        return false;
    unlinkat(connection->networks, connection->file, 0);
    return good;
}

static bool connection_read_request(Connection *connection, GError **error) {
    json_object *request = NULL;

    if (!berth_document_get_object(connection->state, "request", &request, error))
        return false;
    if (request && !berth_network_request_read(&connection->request, request, error))
        return false;
    connection->made = connection->request.bridge != NULL;
    return true;
}

bool berth_connection_undo_recorded(const char *key, pid_t pid, const char *netns, int networks,
                                    GError **error) {
    g_auto(Connection) connection = {0};
    int64_t of = 0;

    connection_init(&connection, key, netns, networks);
    if (faccessat(networks, connection.file, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
        return true;
    if (!(connection.state = berth_network_state_read(networks, connection.file, error)) ||
        !berth_document_get_int(connection.state, "pid", &of, error))
        return false;
    return (pid > 0 && of != pid) ||
           (connection_read_request(&connection, error) && connection_undo(&connection, error));
}

/* Makes the initial document of the connection. next is berthd's request, or NULL for a network of
 * the administrator's. */
static bool connection_begin(Connection *connection, const BerthSetup *setup, pid_t pid,
                             json_object *next, GError **error) {
    g_autoptr(json_object) ports = NULL;
    json_object *list = NULL, *network;

    connection->state = json_object_new_object();
    berth_document_add_int(connection->state, "pid", pid);
    if (setup->ports && is_first(connection)) {
        ports = berth_document_parse(setup->ports, strlen(setup->ports), error);
        if (!ports || !berth_document_get_objects(ports, "ports", &list, error))
            return false;
        json_object_object_add(connection->state, "ports", json_object_get(list));
    }
    if (next)
        json_object_object_add(connection->state, "request", json_object_get(next));
    if (!connection_read_request(connection, error))
        return false;
    g_autofree char *netavark = connection->made ? berth_program_find("netavark") : NULL;
    if (netavark)
        return true;
    network = connection->made
                  ? berth_bridge_make(&connection->request, error)
                  : berth_cni_find(next ? connection->request.network : setup->network, error);
    if (network)
        json_object_object_add(connection->state, "network", network);
    return network != NULL;
}

static bool connection_connect(Connection *connection, json_object **result, GError **error) {
    berth_autofd int locked = -1;

    /* Only one process at a time may use netavark and the rules that it writes. */
    if (connection->made && (locked = berth_network_lock_bridges(connection->networks, error)) < 0)
        return false;
    if (connection->made)
        berth_port_record_others(connection->state, connection->request.bridge);
    if (!connection_write(connection, error) ||
        !connection_run_plugins(connection, result, error) ||
        (connection->made && !berth_interface_pin(connection->request.bridge, error)))
        return false;
    if (connection->made)
        berth_port_record(connection->state, connection->request.bridge);
    json_object_object_add(connection->state, "result", json_object_get(*result));
    return connection_write(connection, error) &&
           (!connection->made || !connection->request.dns ||
            berth_names_publish(connection->networks, connection->request.bridge, NULL, error));
}

bool berth_connection_connect(const BerthSetup *setup, const char *key, pid_t pid,
                              const char *netns, int networks, json_object **result,
                              GError **error) {
    g_autofree char *next_name = g_strconcat(key, ".next", NULL);
    g_auto(Connection) connection = {0};
    g_autoptr(json_object) next = NULL;
    bool left = false;

    /* An earlier start may have ended before it was disconnected. */
    (void)berth_connection_undo_recorded(key, 0, "", networks, NULL);
    connection_init(&connection, key, netns, networks);
    if (faccessat(networks, next_name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 &&
        (!(next = berth_network_state_read(networks, next_name, error)) ||
         !berth_network_request_read_left(next, &left, error)))
        return false;
    if (!left) {
        if (!connection_begin(&connection, setup, pid, next, error))
            return false;
        if (!connection_connect(&connection, result, error)) {
            (void)connection_undo(&connection, NULL);
            return false;
        }
    }
    /* From now on, the document keeps the addresses taken. */
    unlinkat(networks, next_name, 0);
    return true;
}

/* Whether the connection is still that of this process's namespace. */
static bool connection_is_current(const Connection *connection, const struct stat *namespace) {
    struct stat now;

    return stat(connection->netns, &now) == 0 && now.st_ino == namespace->st_ino &&
           faccessat(connection->networks, connection->file, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Plugins run without the lock: an administrator's may take long. If the container has ended
 * meanwhile, its rules may have been removed before they were written again. */
static bool renew_plugins(Connection *connection, int64_t pid, GError **error) {
    json_object *result = json_object_object_get(connection->state, "result");
    struct stat namespace;
    BerthCniCall call;

    g_free(connection->netns);
    connection->netns = g_strdup_printf("/proc/%d/ns/net", (int)pid);
    if (stat(connection->netns, &namespace) < 0)
        return true;
    if (!fill_call(connection, &call, error))
        return false;
    bool good = berth_cni_renew(&call, result, error);
    return connection_is_current(connection, &namespace)
               ? good
               : berth_cni_withdraw(&call, result, good ? error : NULL) && good;
}

/* Under the lock, a document with a result means that the connection exists and has not been
 * undone; a later one writes its own rules. Its process may have ended, in which case
 * berth_netavark_renew() does nothing. */
bool berth_connection_renew(const char *key, int networks, GError **error) {
    g_auto(Connection) connection = {0};
    BerthNetavark netavark;
    int64_t pid = 0;

    connection_init(&connection, key, "", networks);
    berth_autofd int locked = berth_network_lock_bridges(networks, error);
    if (locked < 0)
        return false;
    if (faccessat(networks, connection.file, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
        return true;
    if (!(connection.state = berth_network_state_read(networks, connection.file, error)) ||
        !berth_document_get_int(connection.state, "pid", &pid, error) ||
        !connection_read_request(&connection, error))
        return false;
    if (!json_object_object_get_ex(connection.state, "result", NULL))
        return true;
    if (is_netavarks(&connection))
        return fill_netavark(&connection, &netavark, error) &&
               berth_netavark_renew(&netavark, (pid_t)pid, error);
    berth_fd_clear(&locked);
    return renew_plugins(&connection, pid, error);
}
