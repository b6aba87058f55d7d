/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * When firewalld is reloaded, started or stopped, it discards rules added by others, including
 * those it was asked to add. Published ports then lead nowhere, and containers cannot reach the
 * outside. This part watches for it, and lets berth-network write the rules of all connections
 * again. Only one process runs at a time. If rules are lost again while it runs, it is run once
 * more afterwards, because some rules may have been written before the loss. A reload of the
 * service does the same, for losses that nothing announces.
 *
 * A firewalld that is already running when the service starts counts as newly started, since the
 * service does not know what happened while it was away. Its signals are those of firewalld alone
 * (bus/senders.h).
 */

#include "containers/parts/firewall.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/name-owner.h"
#include "containers/core/launcher.h"
#include "containers/core/state.h"
#include "containers/parts/network.h"
#include "containers/spec/network-mode.h"

#include <sys/epoll.h>

#define FIREWALLD "org.fedoraproject.FirewallD1"
#define FIREWALLD_PATH "/org/fedoraproject/FirewallD1"

typedef enum {
    FIREWALL_QUIET,
    FIREWALL_RENEWING,
    FIREWALL_RENEWING_AGAIN, /* the rules were lost again meanwhile */
} FirewallState;

typedef struct {
    BerthContainers *containers;
    FirewallState state;
    BerthNameOwner owner;
    sd_bus_slot *reloads;
    sd_bus_slot *question; /* whether firewalld is ready */
    int pidfd;             /* of the running process */
    sd_event_source *ended;
} Firewall;

static Firewall *get_firewall(BerthContainers *containers) {
    return *berth_containers_slot(containers, &berth_firewall_part);
}

static bool is_networked(const BerthContainer *container) {
    return berth_container_is_running(container) &&
           berth_network_is_named(container->record.network);
}

static bool any_is_networked(BerthContainers *containers) {
    GHashTableIter iterator;
    gpointer container;

    g_hash_table_iter_init(&iterator, containers->by_id);
    while (g_hash_table_iter_next(&iterator, NULL, &container))
        if (is_networked(container))
            return true;
    return false;
}

static void firewall_begin(Firewall *firewall);

static int firewall_on_ended(sd_event_source *source, int fd, uint32_t events, void *userdata) {
    Firewall *firewall = userdata;
    bool again = firewall->state == FIREWALL_RENEWING_AGAIN;

    (void)source;
    (void)fd;
    (void)events;
    firewall->ended = sd_event_source_unref(firewall->ended);
    berth_fd_clear(&firewall->pidfd);
    firewall->state = FIREWALL_QUIET;
    if (again)
        firewall_begin(firewall);
    return 0;
}

static bool firewall_spawn(Firewall *firewall, GError **error) {
    BerthContainers *containers = firewall->containers;

    if (!berth_launcher_spawn_network(containers->event, "renew", "-", 0,
                                      berth_network_get_directory(containers), &firewall->pidfd,
                                      error))
        return false;
    int r = sd_event_add_io(containers->event, &firewall->ended, firewall->pidfd, EPOLLIN,
                            firewall_on_ended, firewall);
    return r >= 0 || berth_error_set_errno(error, r, "watch berth-network");
}

/* Nothing waits for the process to end. There is no better reaction to a failure than what the next
 * reload does anyway; it is logged, here or by berth-network. */
static void firewall_begin(Firewall *firewall) {
    g_autoptr(GError) error = NULL;

    if (!any_is_networked(firewall->containers))
        return;
    berth_log(LOG_INFO, NULL, NULL, NULL, "Renewing the firewall rules of the networks");
    if (firewall_spawn(firewall, &error)) {
        firewall->state = FIREWALL_RENEWING;
        return;
    }
    berth_fd_clear(&firewall->pidfd);
    berth_log_warning(NULL, NULL, "%s", error->message);
}

static void firewall_renew(Firewall *firewall) {
    switch (firewall->state) {
    case FIREWALL_QUIET:
        firewall_begin(firewall);
        break;
    case FIREWALL_RENEWING:
    case FIREWALL_RENEWING_AGAIN:
        firewall->state = FIREWALL_RENEWING_AGAIN;
        break;
    }
}

void berth_firewall_renew(BerthContainers *containers) {
    firewall_renew(get_firewall(containers));
}

/* Renews the rules even if firewalld did not answer. */
static int firewall_on_ready(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    Firewall *firewall = userdata;

    (void)reply;
    (void)error;
    firewall->question = sd_bus_slot_unref(firewall->question);
    firewall_renew(firewall);
    return 0;
}

/* firewalld acquires its name before it removes the existing rules, and answers calls only after
 * that. When it stops, it has removed them before it loses its name. */
static void firewall_on_owner(const char *owner, void *userdata) {
    Firewall *firewall = userdata;

    firewall->question = sd_bus_slot_unref(firewall->question);
    if (owner[0] == '\0' || sd_bus_call_method_async(firewall->containers->bus, &firewall->question,
                                                     owner, "/", "org.freedesktop.DBus.Peer",
                                                     "Ping", firewall_on_ready, firewall, NULL) < 0)
        firewall_renew(firewall);
}

static int firewall_on_reloaded(sd_bus_message *signal, void *userdata, sd_bus_error *error) {
    (void)signal;
    (void)error;
    firewall_renew(userdata);
    return 0;
}

/* What the bus replies is read when all containers are known. */
static bool firewall_opened(BerthContainers *containers, GError **error) {
    Firewall *firewall = g_new0(Firewall, 1);
    int r;

    *firewall = (Firewall){.containers = containers, .pidfd = -1};
    *berth_containers_slot(containers, &berth_firewall_part) = firewall;
    if ((r = berth_name_owner_follow(&firewall->owner, containers->bus, FIREWALLD,
                                     firewall_on_owner, firewall)) < 0 ||
        (r = sd_bus_match_signal_async(containers->bus, &firewall->reloads, FIREWALLD,
                                       FIREWALLD_PATH, FIREWALLD, "Reloaded", firewall_on_reloaded,
                                       NULL, firewall)) < 0)
        return berth_error_set_errno(error, r, "watch for firewalld");
    return true;
}

/* The running process is left alone. */
static void firewall_closed(BerthContainers *containers) {
    Firewall *firewall = get_firewall(containers);

    if (!firewall)
        return;
    berth_name_owner_clear(&firewall->owner);
    sd_bus_slot_unref(firewall->question);
    sd_bus_slot_unref(firewall->reloads);
    sd_event_source_unref(firewall->ended);
    berth_fd_clear(&firewall->pidfd);
    g_free(firewall);
}

const BerthPart berth_firewall_part = {
    .name = "firewall",
    .opened = firewall_opened,
    .closed = firewall_closed,
};
