/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * dist wait: waits for processes of containers to end, or for containers to meet a condition, and
 * prints the exit statuses in the order of the arguments, as podman does. The service answers Wait
 * when a process has ended; other conditions are found in the state of a container, which is read
 * once, and then in events.
 */

#include "client/verbs-wait.h"

#include "client/bus.h"
#include "client/container-choice.h"
#include "client/dictionary.h"
#include "client/each.h"
#include "client/process-replies.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    WAIT_CREATED = 1 << 0,
    WAIT_RUNNING = 1 << 1,
    WAIT_PAUSED = 1 << 2,
    WAIT_STOPPED = 1 << 3,
    WAIT_REMOVED = 1 << 4,
    WAIT_HEALTHY = 1 << 5,
    WAIT_UNHEALTHY = 1 << 6,
};

/* podman's names of conditions. The service has no states between these. */
static const struct {
    const char *name;
    unsigned condition;
} conditions[] = {
    {"created", WAIT_CREATED}, {"configured", WAIT_CREATED},  {"initialized", WAIT_CREATED},
    {"running", WAIT_RUNNING}, {"paused", WAIT_PAUSED},       {"stopped", WAIT_STOPPED},
    {"exited", WAIT_STOPPED},  {"removed", WAIT_REMOVED},     {"removing", WAIT_REMOVED},
    {"healthy", WAIT_HEALTHY}, {"unhealthy", WAIT_UNHEALTHY},
};

/* What an event says about a container. The exit of a process of exec has another condition. */
static const struct {
    const char *kind;
    unsigned condition;
} kinds[] = {
    {"create", WAIT_CREATED},  {"start", WAIT_RUNNING},       {"resume", WAIT_RUNNING},
    {"pause", WAIT_PAUSED},    {"exit", WAIT_STOPPED},        {"delete", WAIT_REMOVED},
    {"healthy", WAIT_HEALTHY}, {"unhealthy", WAIT_UNHEALTHY},
};

static struct {
    char **conditions;
    char *process;
    gboolean ignore;
} wait_given;

const DistOption dist_wait_options[] = {
    DIST_OPTION_INCLUDE(dist_choice_latest_options),
    {"condition", 0, DIST_OPTION_LIST, &wait_given.conditions,
     N_("Wait until it is: stopped (default), running, paused, created, removed, healthy, "
        "unhealthy"),
     N_("CONDITION,…")},
    {"ignore", 0, DIST_OPTION_FLAG, &wait_given.ignore,
     N_("Print -1 for a container that does not exist"), NULL},
    {"interval", 'i', DIST_OPTION_TEXT, NULL,
     N_("Without effect: the service reports a change when it happens"), N_("TIME")},
    {"process", 0, DIST_OPTION_TEXT, &wait_given.process, N_("Select a process that exec started"),
     "ID"},
    DIST_OPTION_END,
};

/* One argument. The status is -1 if the condition is not an exit. */
typedef struct {
    const char *id;
    bool done;
    int status;
    GError *error;
    unsigned wanted;
} Waiting;

static bool wait_read_condition(const char *name, unsigned *wanted, GError **error) {
    for (size_t i = 0; i < G_N_ELEMENTS(conditions); i++)
        if (g_str_equal(conditions[i].name, name)) {
            *wanted |= conditions[i].condition;
            return true;
        }
    return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           _("unknown condition \"%s\"; see --help"), name);
}

static bool wait_read_conditions(unsigned *wanted, GError **error) {
    for (char **list = wait_given.conditions; list && *list; list++) {
        g_auto(GStrv) names = g_strsplit(*list, ",", -1);
        for (char **name = names; *name; name++)
            if (!wait_read_condition(*name, wanted, error))
                return false;
    }
    return !wait_given.conditions || !wait_given.process ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "%s",
                           _("--process and --condition exclude each other"));
}

static void waiting_end(Waiting *waiting, int status) {
    waiting->done = true;
    waiting->status = status;
    if (waiting->error && wait_given.ignore &&
        g_error_matches(waiting->error, BERTH_ERROR, BERTH_ERROR_NOT_FOUND))
        g_clear_error(&waiting->error);
}

static int waiting_on_exit(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    Waiting *waiting = userdata;
    int status = -1;

    (void)error;
    if (dist_check_reply(reply, &waiting->error))
        status = dist_read_status(reply, waiting->id, &waiting->error);
    waiting_end(waiting, status);
    return 0;
}

static void waiting_call(Waiting *waiting) {
    int r = sd_bus_call_method_async(dist_bus(NULL), NULL, DIST_DESTINATION, DIST_CONTAINERS,
                                     "Wait", waiting_on_exit, waiting, "ssa{sv}", waiting->id,
                                     wait_given.process ? wait_given.process : "", 0);

    if (r < 0) {
        dist_bad_reply(r, &waiting->error);
        waiting_end(waiting, -1);
    }
}

/* A container that was deleted meets no other condition. */
static void waiting_take(Waiting *waiting, unsigned condition, int status) {
    if (waiting->done || (!(condition & waiting->wanted) && condition != WAIT_REMOVED))
        return;
    if (!(condition & waiting->wanted))
        berth_error_set(&waiting->error, BERTH_ERROR_NOT_FOUND, _("%s was deleted"), waiting->id);
    waiting_end(waiting, condition & waiting->wanted & WAIT_STOPPED ? status : -1);
}

static unsigned find_state(const DistContainer *container) {
    unsigned health = g_str_equal(container->health, "healthy")     ? WAIT_HEALTHY
                      : g_str_equal(container->health, "unhealthy") ? WAIT_UNHEALTHY
                                                                    : 0;

    switch (container->state) {
    case DIST_CONTAINER_CREATED:
        return WAIT_CREATED;
    case DIST_CONTAINER_RUNNING:
        return WAIT_RUNNING | health;
    case DIST_CONTAINER_PAUSED:
        return WAIT_PAUSED;
    case DIST_CONTAINER_STOPPED:
        return WAIT_STOPPED;
    case DIST_CONTAINER_UNKNOWN:
        break;
    }
    return 0;
}

static void waiting_read(Waiting *waiting) {
    g_autoptr(GError) error = NULL;
    g_autoptr(DistContainer) container = dist_container_get(waiting->id, &error);

    if (container) {
        waiting_take(waiting, find_state(container), container->status);
    } else if (g_error_matches(error, BERTH_ERROR, BERTH_ERROR_NOT_FOUND) &&
               waiting->wanted & WAIT_REMOVED) {
        waiting_end(waiting, -1);
    } else {
        waiting->error = g_steal_pointer(&error);
        waiting_end(waiting, -1);
    }
}

/* An event since the state was read, or one that precedes it: then the state says the same. */
static int wait_on_event(sd_bus_message *signal, void *userdata, sd_bus_error *error) {
    GArray *all = userdata;
    const char *kind, *id, *process = "";
    uint64_t sequence;
    int32_t status = -1;
    const DistField details[] = {{"Process", "s", &process}, {"Status", "i", &status}, {NULL}};

    (void)error;
    if (sd_bus_message_read(signal, "tss", &sequence, &kind, &id) <= 0 ||
        dist_dictionary_read(signal, details) < 0 || process[0])
        return 0;
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
        for (guint n = 0; g_str_equal(kinds[i].kind, kind) && n < all->len; n++) {
            Waiting *waiting = &g_array_index(all, Waiting, n);
            if (g_str_equal(waiting->id, id))
                waiting_take(waiting, kinds[i].condition, status);
        }
    return 0;
}

/* Subscribes before the states are read, so that no change is missed. */
static bool wait_subscribe(GArray *all, GError **error) {
    g_autoptr(sd_bus_message) subscribed =
        dist_call(error, DIST_CONTAINERS, "Subscribe", "a{sv}", 0);

    for (guint i = 0; subscribed && i < all->len; i++)
        if (!g_array_index(all, Waiting, i).done)
            waiting_read(&g_array_index(all, Waiting, i));
    return subscribed != NULL;
}

typedef struct {
    GArray *all; /* of Waiting */
    guint printed;
    bool restarted; /* the service has left the bus */
    bool failed;
} Waits;

static int wait_on_owner(sd_bus_message *signal, void *userdata, sd_bus_error *error) {
    const char *name, *old, *new;

    (void)error;
    if (sd_bus_message_read(signal, "sss", &name, &old, &new) >= 0 && old[0])
        ((Waits *)userdata)->restarted = true;
    return 0;
}

/* In the order of the arguments: a status waits for those before it. */
static void wait_print(Waits *waits) {
    for (; waits->printed < waits->all->len; waits->printed++) {
        Waiting *waiting = &g_array_index(waits->all, Waiting, waits->printed);
        if (!waiting->done)
            break;
        if (waiting->error)
            dist_print_error(waiting->error);
        else
            printf("%d\n", waiting->status);
        waits->failed |= waiting->error != NULL;
    }
    fflush(stdout);
}

/* A service that was restarted has forgotten the subscription. Calls of Wait have failed then. */
static bool wait_for_all(Waits *waits, GError **error) {
    for (wait_print(waits); waits->printed < waits->all->len; wait_print(waits)) {
        int r = sd_bus_process(dist_bus(NULL), NULL);
        if (r == 0)
            r = sd_bus_wait(dist_bus(NULL), UINT64_MAX);
        if (r < 0)
            return dist_bad_reply(r, error);
        if (waits->restarted && wait_given.conditions && !wait_subscribe(waits->all, error))
            return false;
        waits->restarted = false;
    }
    return true;
}

/* The matches precede Subscribe, which is sent after them. */
static bool wait_begin(Waits *waits, GError **error) {
    sd_bus *bus = dist_bus(error);
    int r;

    if (!bus)
        return false;
    if (!wait_given.conditions) {
        for (guint i = 0; i < waits->all->len; i++)
            waiting_call(&g_array_index(waits->all, Waiting, i));
        return true;
    }
    if ((r = sd_bus_match_signal(bus, NULL, DIST_DESTINATION, DIST_CONTAINERS, "Event",
                                 wait_on_event, waits->all)) < 0 ||
        (r = sd_bus_add_match(bus, NULL,
                              "type='signal',sender='org.freedesktop.DBus',"
                              "interface='org.freedesktop.DBus',member='NameOwnerChanged',"
                              "arg0='" DIST_DESTINATION "'",
                              wait_on_owner, waits)) < 0)
        return dist_bad_reply(r, error);
    return wait_subscribe(waits->all, error);
}

static void waiting_clear(void *data) {
    g_clear_error(&((Waiting *)data)->error);
}

/* The statuses are printed. That of a single container is also the exit status of dist. */
int dist_verb_wait(char **argv, GError **error) {
    g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(Waiting));
    Waits waits = {.all = all};
    unsigned wanted = 0;

    g_auto(GStrv) ids = wait_read_conditions(&wanted, error)
                            ? dist_choice_list(argv[0], argv + 1, NULL, error)
                            : NULL;
    if (!ids)
        return DIST_EXIT_BERTH;
    g_array_set_clear_func(all, waiting_clear);
    for (char **id = ids; *id; id++) {
        const Waiting waiting = {.id = *id, .wanted = wanted};
        g_array_append_val(all, waiting);
    }
    if (!wait_begin(&waits, error) || !wait_for_all(&waits, error) || waits.failed)
        return DIST_EXIT_BERTH;
    int status = g_array_index(all, Waiting, 0).status;
    return all->len == 1 && !wait_given.conditions && status >= 0 ? status : EXIT_SUCCESS;
}
