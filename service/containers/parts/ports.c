/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Host ports of containers. berth-network does the forwarding. To reserve a port for one container,
 * the service binds it from before the container starts until it has ended, but neither listens on
 * it nor reads from it. systemd keeps the sockets while the service is away. The part's slot holds
 * the sockets while the ports are reserved.
 *
 * The one thing to know: systemd closes its duplicates only some time after the service has asked
 * for it (asynchronous_close()), and until then nobody can bind the port again. The service
 * therefore keeps the sockets of a container that has ended for a moment longer, and the next start
 * takes them over, so that a restart never finds its own port in use.
 */

#include "containers/parts/ports.h"

#include "base/fd.h"
#include "base/log.h"
#include "containers/parts/port-socket.h"
#include "systemd/pidfd.h"

#include <errno.h>
#include <string.h>

enum { MAX_PORTS_PER_OWNER = 512, MAX_CHOICES = 16 };

#define RELEASE_USEC (2 * G_USEC_PER_SEC)

static GArray *get_sockets(const BerthContainer *container) {
    return *berth_container_slot(container, &berth_ports_part);
}

char **berth_container_list_ports(const BerthContainer *container) {
    g_autoptr(GVariant) value =
        berth_container_record_get_extra(&container->record, "Ports", G_VARIANT_TYPE_STRING_ARRAY);

    return value ? g_variant_dup_strv(value, NULL) : g_new0(char *, 1);
}

/* An unspecified address overlaps all addresses of its family; no address at all, those of both
 * families. */
static bool ports_overlap(const BerthPort *a, const BerthPort *b) {
    if (a->host != b->host || !g_str_equal(a->protocol, b->protocol))
        return false;
    if (!a->address[0] || !b->address[0] || g_str_equal(a->address, b->address))
        return true;
    if (!strchr(a->address, ':') != !strchr(b->address, ':'))
        return false;
    const char *wildcard = strchr(a->address, ':') ? "::" : "0.0.0.0";
    return g_str_equal(a->address, wildcard) || g_str_equal(b->address, wildcard);
}

static bool has_port(const BerthContainer *container, const BerthPort *port) {
    g_auto(GStrv) ports = berth_container_list_ports(container);

    for (char **text = ports; *text; text++) {
        BerthPort own;
        if (berth_port_parse(*text, &own) && ports_overlap(port, &own))
            return true;
    }
    return false;
}

/* The kernel refuses ports that are already bound. Ports of a protocol that it does not support
 * cannot be bound, so those of other containers are compared instead. */
static bool is_held(BerthContainers *containers, const BerthPort *port) {
    GHashTableIter iterator;
    gpointer value;

    g_hash_table_iter_init(&iterator, containers->by_id);
    while (g_hash_table_iter_next(&iterator, NULL, &value)) {
        const BerthContainer *container = value;
        if (get_sockets(container) && has_port(container, port))
            return true;
    }
    return false;
}

/* Each port takes one descriptor in the service and another one in systemd's store. */
static bool check_total(const BerthContainer *container, unsigned wanted, GError **error) {
    uint32_t owner = container->record.owner;
    GHashTableIter iterator;
    unsigned total = wanted;
    gpointer value;

    g_hash_table_iter_init(&iterator, container->containers->by_id);
    while (g_hash_table_iter_next(&iterator, NULL, &value)) {
        const BerthContainer *other = value;
        if (other->record.owner == owner && get_sockets(other))
            total += get_sockets(other)->len;
    }
    return owner == 0 || total <= MAX_PORTS_PER_OWNER ||
           berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                           "the running containers of user %u would publish %u ports; at most %d "
                           "are allowed",
                           owner, total, MAX_PORTS_PER_OWNER);
}

/* Returns true if any container has the port, running or not: otherwise that one could not start
 * later. */
static bool is_taken(BerthContainers *containers, const BerthPort *port) {
    GHashTableIter iterator;
    gpointer value;

    g_hash_table_iter_init(&iterator, containers->by_id);
    while (g_hash_table_iter_next(&iterator, NULL, &value))
        if (has_port(value, port))
            return true;
    return false;
}

/* Lets the kernel choose a port that is not bound. If none is found, the number remains 0, which
 * cannot be published. */
static void choose_port(BerthContainers *containers, BerthPort *port) {
    for (unsigned i = 0; i < MAX_CHOICES; i++) {
        port->host = 0;
        berth_autofd int fd = berth_port_socket_bind(port);
        if (fd < 0 || (port->host = berth_port_socket_get_port(fd)) == 0)
            return;
        if (!is_taken(containers, port))
            return;
    }
    port->host = 0;
}

bool berth_ports_choose(BerthContainers *containers, BerthCreateOptions *options, GError **error) {
    for (char **text = options->ports; text && *text; text++) {
        BerthPort port;
        if (!berth_port_parse(*text, &port) || port.host > 0)
            continue;
        if (!berth_port_check_address(&port, error))
            return false;
        choose_port(containers, &port);
        if (port.host == 0)
            return berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                                   "no port is free for \"%.100s\"", *text);
        g_free(*text);
        *text = berth_port_format(&port);
    }
    return true;
}

bool berth_ports_add_exposed(BerthContainers *containers, BerthCreateOptions *options,
                             char *const *exposed, GError **error) {
    g_autoptr(GPtrArray) ports = g_ptr_array_new();

    for (char **port = options->ports; port && *port; port++)
        g_ptr_array_add(ports, g_strdup(*port));
    for (; *exposed; exposed++)
        g_ptr_array_add(ports, g_strconcat("0:", *exposed, NULL));
    g_ptr_array_add(ports, NULL);
    g_strfreev(options->ports);
    options->ports = (char **)g_ptr_array_free(g_steal_pointer(&ports), FALSE);
    return berth_ports_check(options, error) && berth_ports_choose(containers, options, error);
}

static void clear_socket(gpointer data) {
    berth_fd_clear(data);
}

static GArray *new_sockets(void) {
    GArray *sockets = g_array_new(FALSE, FALSE, sizeof(int));

    g_array_set_clear_func(sockets, clear_socket);
    return sockets;
}

/* For the service: sockets of ended containers, until the timer closes them. */
typedef struct {
    GArray *sockets;
    sd_event_source *timer;
} ReleasedSockets;

static ReleasedSockets *get_released(const BerthContainers *containers) {
    void **slot = berth_containers_slot(containers, &berth_ports_part);

    if (!*slot) {
        ReleasedSockets *released = g_new0(ReleasedSockets, 1);
        released->sockets = new_sockets();
        *slot = released;
    }
    return *slot;
}

static int ports_on_released(sd_event_source *timer, uint64_t usec, void *userdata) {
    (void)timer;
    (void)usec;
    g_array_set_size(((ReleasedSockets *)userdata)->sockets, 0);
    return 0;
}

/* Without a timer, they are closed immediately. */
static void release_sockets(BerthContainers *containers, GArray *sockets) {
    ReleasedSockets *released = get_released(containers);

    released->timer = sd_event_source_disable_unref(released->timer);
    if (sd_event_add_time_relative(containers->event, &released->timer, CLOCK_MONOTONIC,
                                   RELEASE_USEC, 0, ports_on_released, released) < 0)
        return;
    g_array_append_vals(released->sockets, sockets->data, sockets->len);
    g_array_set_clear_func(sockets, NULL);
    g_array_set_size(sockets, 0);
}

/* A released socket for this port, or -1. If there is none, all others are closed, since they may
 * overlap the port. */
static int take_released(BerthContainers *containers, const BerthPort *port) {
    GArray *sockets = get_released(containers)->sockets;

    for (guint i = 0; i < sockets->len; i++)
        if (berth_port_socket_is_for(g_array_index(sockets, int, i), port)) {
            int fd = berth_fd_steal(&g_array_index(sockets, int, i));
            g_array_remove_index(sockets, i);
            return fd;
        }
    g_array_set_size(sockets, 0);
    return -1;
}

static void ports_closed(BerthContainers *containers) {
    void **slot = berth_containers_slot(containers, &berth_ports_part);
    ReleasedSockets *released = *slot;

    if (!released)
        return;
    sd_event_source_disable_unref(released->timer);
    g_array_unref(released->sockets);
    g_free(released);
    *slot = NULL;
}

static bool hold_port(BerthContainers *containers, const char *text, GArray *sockets,
                      GError **error) {
    BerthPort port;

    if (!berth_port_parse(text, &port))
        return true;
    if (!berth_port_check_address(&port, error))
        return false;
    const char *where = port.address[0] ? port.address : "all addresses";
    bool held = is_held(containers, &port);
    int fd = held ? (errno = EADDRINUSE, -1) : take_released(containers, &port);
    if (fd < 0 && !held)
        fd = berth_port_socket_bind(&port);
    /* If the kernel does not support the protocol, no socket can occupy the port. */
    bool missing = fd < 0 && (errno == EPROTONOSUPPORT || errno == ESOCKTNOSUPPORT);
    if (fd >= 0)
        g_array_append_val(sockets, fd);
    if (fd >= 0 || missing)
        return true;
    if (errno == EADDRINUSE && !port.address[0])
        return berth_error_set(error, BERTH_ERROR_IN_USE, "port %u/%s is in use", port.host,
                               port.protocol);
    if (errno == EADDRINUSE)
        return berth_error_set(error, BERTH_ERROR_IN_USE, "port %u/%s on %s is in use", port.host,
                               port.protocol, where);
    return berth_error_set_errno(error, errno, "bind port %u/%s on %s", port.host, port.protocol,
                                 where);
}

static char *make_port_fd_name(const BerthContainer *container) {
    return g_strconcat("ports-", container->scope, NULL);
}

/* All ports or none: after an error, those that are already bound are closed with the array. */
static bool hold_ports(BerthContainer *container, GError **error) {
    g_auto(GStrv) ports = berth_container_list_ports(container);
    g_autoptr(GArray) sockets = new_sockets();

    if (!ports[0] || get_sockets(container))
        return true;
    if (!check_total(container, g_strv_length(ports), error))
        return false;
    for (char **text = ports; *text; text++)
        if (!hold_port(container->containers, *text, sockets, error))
            return false;
    *berth_container_slot(container, &berth_ports_part) = g_steal_pointer(&sockets);
    return true;
}

/* Called before the start is recorded: from then on the container runs even if the service dies,
 * and its ports must stay reserved. systemd can keep several descriptors under the same name
 * (sd_notify(3), FDNAME=). */
static bool keep_ports(BerthContainer *container, GError **error) {
    g_autofree char *name = make_port_fd_name(container);
    const GArray *sockets = get_sockets(container);

    for (guint i = 0; sockets && i < sockets->len; i++)
        if (!berth_fd_store_put(name, g_array_index(sockets, int, i), error))
            return false;
    return true;
}

/* Closes the sockets only here: if the service ends, systemd keeps those of running containers. */
static void ports_freed(BerthContainer *container) {
    void **slot = berth_container_slot(container, &berth_ports_part);

    if (*slot)
        g_array_unref(*slot);
    *slot = NULL;
}

static void release_ports(BerthContainer *container) {
    g_autofree char *name = make_port_fd_name(container);

    if (!get_sockets(container))
        return;
    berth_fd_store_remove(name);
    release_sockets(container->containers, get_sockets(container));
    ports_freed(container);
}

static GArray *take_kept_sockets(const BerthContainer *container,
                                 const BerthKeptDescriptors *kept) {
    g_autofree char *name = make_port_fd_name(container);
    GArray *sockets = new_sockets();

    for (unsigned i = 0; i < kept->count; i++)
        if (kept->fds[i] >= 0 && g_str_equal(kept->names[i], name)) {
            int fd = berth_fd_steal(&kept->fds[i]);
            g_array_append_val(sockets, fd);
        }
    return sockets;
}

static void ports_recovered(BerthContainer *container, const BerthKeptDescriptors *kept) {
    g_autoptr(GArray) sockets = NULL;
    g_autoptr(GError) error = NULL;

    if (!berth_container_is_running(container))
        return;
    sockets = take_kept_sockets(container, kept);
    if (sockets->len > 0)
        *berth_container_slot(container, &berth_ports_part) = g_steal_pointer(&sockets);
    /* Either the service was stopped, which empties systemd's store, or it ended before it had
     * bound any. */
    else if (!hold_ports(container, &error) || !keep_ports(container, &error))
        berth_log_warning("BERTH_CONTAINER", container->record.id,
                          "Cannot reserve the ports of %s: %s", container->record.id,
                          error->message);
}

const BerthPart berth_ports_part = {
    .name = "ports",
    .closed = ports_closed,
    .recovered = ports_recovered,
    .starting = hold_ports,
    .recording = keep_ports,
    .abandoned = release_ports,
    .exited = release_ports,
    .freed = ports_freed,
};
