/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Watcher is a client together with the paths that it has read. It is created when the client is
 * first shown an object, owned by the table "clients", and freed when the client leaves the bus or,
 * unless it watches everything, when the last of its paths is removed. Each change walks the whole
 * table, which is small. The one thing to know: this file decides whether a client gets a signal by
 * what it has been shown; unicast.c asks polkit for each signal whether the client still has the
 * right. See watchers.h.
 */

#include "bus/watchers.h"

#include "base/hold.h"
#include "bus/unicast.h"

/* Paths per client; further ones are not recorded. */
enum { MAX_PATHS = 1024 };

/* What a client has been shown besides single paths. */
typedef enum {
    WATCHES_PATHS,
    WATCHES_OWN, /* objects of its own user, and those without an owner */
    WATCHES_ALL,
} WatcherScope;

typedef struct {
    WatcherScope scope;
    GHashTable *paths;
    BerthHold *hold;
} Watcher;

struct BerthWatchers {
    BerthService *service;
    GHashTable *clients; /* unique name → Watcher */
};

static void watcher_free(gpointer data) {
    Watcher *watcher = data;

    g_hash_table_unref(watcher->paths);
    berth_hold_free(watcher->hold);
    g_free(watcher);
}

BerthWatchers *berth_watchers_new(BerthService *service) {
    BerthWatchers *watchers = g_new0(BerthWatchers, 1);

    watchers->service = service;
    watchers->clients = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, watcher_free);
    return watchers;
}

void berth_watchers_free(BerthWatchers *watchers) {
    if (!watchers)
        return;
    g_hash_table_unref(watchers->clients);
    g_free(watchers);
}

static Watcher *watchers_get(BerthWatchers *watchers, const char *client) {
    Watcher *watcher = g_hash_table_lookup(watchers->clients, client);

    if (!watcher) {
        watcher = g_new0(Watcher, 1);
        watcher->hold = berth_hold_new(BERTH_HOLD_WATCHER);
        watcher->paths = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_hash_table_insert(watchers->clients, g_strdup(client), watcher);
    }
    return watcher;
}

void berth_watchers_add(BerthWatchers *watchers, const char *client, const char *path) {
    Watcher *watcher = watchers_get(watchers, client);

    if (g_hash_table_size(watcher->paths) < MAX_PATHS)
        g_hash_table_add(watcher->paths, g_strdup(path));
}

/* For a client that has requested everything from the object manager. */
void berth_watchers_add_all(BerthWatchers *watchers, const char *client, bool others) {
    Watcher *watcher = watchers_get(watchers, client);

    watcher->scope = others ? WATCHES_ALL : WATCHES_OWN;
}

void berth_watchers_forget(BerthWatchers *watchers, const char *client) {
    g_hash_table_remove(watchers->clients, client);
}

unsigned berth_watchers_count(BerthWatchers *watchers) {
    return g_hash_table_size(watchers->clients);
}

/* Creates a signal to this client about the object. */
typedef sd_bus_message *(*MakeSignal)(BerthService *service, const BerthViewer *viewer,
                                      const BerthObject *object, const char *path,
                                      const void *data);

/* A client gets no signal about an object that it was not shown. Otherwise each change of an object
 * would cost a question to polkit for every client that may not see it. path is the object's; if it
 * is NULL, the signal is only for clients that watch everything. */
static bool watcher_wants(const Watcher *watcher, const BerthObject *object, uint32_t uid,
                          const char *path) {
    return watcher->scope == WATCHES_ALL ||
           (watcher->scope == WATCHES_OWN && (!object->owned || object->owner == uid)) ||
           (path && g_hash_table_contains(watcher->paths, path));
}

/* path_too: the signal is also for clients that watch only this path. The signal is only for
 * clients that may see seen, which is the object itself, or another one that has changed it. */
static void send_to_watchers(BerthWatchers *watchers, const BerthObject *object,
                             const BerthObject *seen, bool path_too, MakeSignal make,
                             const void *data) {
    g_autofree char *path = berth_object_make_path(object->kind, object->name);
    g_autoptr(GHashTable) users = g_hash_table_new(NULL, NULL);
    BerthService *service = watchers->service;
    GHashTableIter iterator;
    gpointer client, value;

    g_hash_table_iter_init(&iterator, watchers->clients);
    while (g_hash_table_iter_next(&iterator, &client, &value)) {
        const Watcher *watcher = value;
        BerthViewer viewer = {0};
        if (!berth_access_find_uid(service->access, client, &viewer.uid) ||
            !watcher_wants(watcher, object, viewer.uid, path_too ? path : NULL) ||
            !berth_unicast_count_client(users, viewer.uid))
            continue;
        /* Parts of an object that need a further right are shown only to root: polkit is asked
         * about the object, but not about these rights. */
        viewer.others = viewer.images = viewer.uid == 0;
        const bool own = seen->owned && seen->owner == viewer.uid;
        const BerthSignalRight right = {own ? NULL : seen->kind->action, seen->kind->detail,
                                        seen->name};
        berth_unicast_send(service->unicast, client, make(service, &viewer, object, path, data),
                           &right);
    }
}

static sd_bus_message *make_added(BerthService *service, const BerthViewer *viewer,
                                  const BerthObject *object, const char *path, const void *data) {
    g_autoptr(sd_bus_message) signal = NULL;

    (void)data;
    if (sd_bus_message_new_signal(service->bus, &signal, BERTH_BUS_ROOT,
                                  "org.freedesktop.DBus.ObjectManager", "InterfacesAdded") < 0 ||
        sd_bus_message_append(signal, "o", path) < 0 ||
        sd_bus_message_open_container(signal, 'a', "{sa{sv}}") < 0 ||
        sd_bus_message_open_container(signal, 'e', "sa{sv}") < 0 ||
        sd_bus_message_append(signal, "s", object->kind->interface) < 0 ||
        berth_object_append_managed(signal, service, viewer, object) < 0 ||
        sd_bus_message_close_container(signal) < 0 || sd_bus_message_close_container(signal) < 0)
        return NULL;
    return g_steal_pointer(&signal);
}

static sd_bus_message *make_removed(BerthService *service, const BerthViewer *viewer,
                                    const BerthObject *object, const char *path, const void *data) {
    g_autoptr(sd_bus_message) signal = NULL;

    (void)viewer;
    (void)data;
    if (sd_bus_message_new_signal(service->bus, &signal, BERTH_BUS_ROOT,
                                  "org.freedesktop.DBus.ObjectManager", "InterfacesRemoved") < 0 ||
        sd_bus_message_append(signal, "oas", path, 1, object->kind->interface) < 0)
        return NULL;
    return g_steal_pointer(&signal);
}

typedef struct {
    const char *const *changed, *const *invalidated;
} Change;

static sd_bus_message *make_changed(BerthService *service, const BerthViewer *viewer,
                                    const BerthObject *object, const char *path, const void *data) {
    static const char *const none[] = {NULL};
    const BerthObjectKind *kind = object->kind;
    BerthView view = {.service = service, .viewer = *viewer, .object = object->data};
    const Change *change = data;
    g_autoptr(sd_bus_message) signal = NULL;

    if (sd_bus_message_new_signal(service->bus, &signal, path, "org.freedesktop.DBus.Properties",
                                  "PropertiesChanged") < 0 ||
        sd_bus_message_append(signal, "s", kind->interface) < 0 ||
        berth_properties_append(service->bus, signal, path, kind->interface, kind->vtable, &view,
                                change->changed ? change->changed : none) < 0 ||
        sd_bus_message_append_strv(signal, (char **)change->invalidated) < 0)
        return NULL;
    return g_steal_pointer(&signal);
}

void berth_watchers_send_added(BerthWatchers *watchers, const BerthObject *object) {
    send_to_watchers(watchers, object, object, false, make_added, NULL);
}

/* Afterwards the path is forgotten. A client for which it was the last path is no longer a watcher,
 * and no longer keeps the service running. */
void berth_watchers_send_removed(BerthWatchers *watchers, const BerthObject *object) {
    g_autofree char *path = berth_object_make_path(object->kind, object->name);
    GHashTableIter iterator;
    gpointer value;

    send_to_watchers(watchers, object, object, false, make_removed, NULL);
    g_hash_table_iter_init(&iterator, watchers->clients);
    while (g_hash_table_iter_next(&iterator, NULL, &value)) {
        Watcher *watcher = value;
        if (g_hash_table_remove(watcher->paths, path) && watcher->scope == WATCHES_PATHS &&
            g_hash_table_size(watcher->paths) == 0)
            g_hash_table_iter_remove(&iterator);
    }
}

void berth_watchers_send_changed(BerthWatchers *watchers, const BerthObject *object,
                                 const char *const *changed, const char *const *invalidated) {
    const Change change = {changed, invalidated};

    send_to_watchers(watchers, object, object, true, make_changed, &change);
}

void berth_watchers_send_invalidated_by(BerthWatchers *watchers, const BerthObject *object,
                                        const char *const *invalidated, const BerthObject *cause) {
    const Change change = {NULL, invalidated};

    send_to_watchers(watchers, object, cause, true, make_changed, &change);
}
