/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Health checks: a command that is executed in a container again and again, and what its status
 * says of it. Timed by the service's loop; begun anew, as "starting", when the service was away. */

#include "base/log.h"
#include "containers/container-private.h"

#include <signal.h>

#define DEFAULT_INTERVAL_USEC (30ull * G_USEC_PER_SEC)
#define DEFAULT_TIMEOUT_USEC (30ull * G_USEC_PER_SEC)
#define SHORTEST_USEC (100ull * 1000)

enum { DEFAULT_RETRIES = 3 };

struct BerthHealth {
    BerthContainer *container;
    char **command;
    uint64_t interval_usec, timeout_usec, start_period_usec, started_usec;
    uint64_t retries, failures;
    unsigned number;
    char *process; /* of the check that runs */
    const char *state;
    sd_event_source *next, *timeout;
};

/* A check that is still to be answered; its container may have gone by then. */
typedef struct {
    BerthContainers *containers;
    char *id, *process;
} Check;

static GVariant *make_options(char *const *command, const uint64_t numbers[4]) {
    static const char *const names[] = {"IntervalUSec", "TimeoutUSec", "StartPeriodUSec",
                                        "Retries"};
    g_auto(GVariantDict) options = G_VARIANT_DICT_INIT(NULL);

    g_variant_dict_insert_value(&options, "Command",
                                g_variant_new_strv((const char *const *)command, -1));
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        g_variant_dict_insert(&options, names[i], "t", (guint64)numbers[i]);
    return g_variant_dict_end(&options);
}

GVariant *berth_health_make_options(const BerthContainerOptions *options,
                                    const BerthImageInfo *image) {
    bool of_image = image && image->health && g_strv_length(image->health) > 4;
    char **command = options->health_command && options->health_command[0] ? options->health_command
                     : of_image                                            ? image->health + 4
                                                                           : NULL;
    const uint64_t given[] = {options->health_interval_usec, options->health_timeout_usec,
                              options->health_start_usec, options->health_retries};
    uint64_t numbers[] = {DEFAULT_INTERVAL_USEC, DEFAULT_TIMEOUT_USEC, 0, DEFAULT_RETRIES};

    if (!command || g_str_equal(command[0], "NONE"))
        return NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
        uint64_t image_value =
            of_image ? g_ascii_strtoull(image->health[i], NULL, 10) / (i < 3 ? 1000 : 1) : 0;
        if (given[i] > 0)
            numbers[i] = given[i];
        else if (image_value > 0)
            numbers[i] = image_value;
    }
    return make_options(command, numbers);
}

/* "CMD" and a command, or "CMD-SHELL" and a text. */
static char **make_command(char *const *test) {
    g_autoptr(GPtrArray) command = g_ptr_array_new();
    bool shell = g_str_equal(test[0], "CMD-SHELL");

    if (shell) {
        g_ptr_array_add(command, g_strdup("/bin/sh"));
        g_ptr_array_add(command, g_strdup("-c"));
    }
    for (test += shell || g_str_equal(test[0], "CMD"); *test; test++)
        g_ptr_array_add(command, g_strdup(*test));
    g_ptr_array_add(command, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&command), FALSE);
}

const char *berth_container_get_health(const BerthContainer *container) {
    return container->health ? container->health->state : "";
}

static void set_state(BerthHealth *health, const char *state) {
    BerthContainer *container = health->container;
    uint64_t sequence;

    if (g_str_equal(health->state, state))
        return;
    health->state = state;
    if (berth_container_store_add_event(container->containers->database, &container->record, state,
                                        &sequence, NULL))
        berth_container_tell(container, sequence);
}

static int on_next(sd_event_source *source, uint64_t usec, void *userdata);

static void schedule(BerthHealth *health) {
    if (health->next)
        health->next = sd_event_source_disable_unref(health->next);
    (void)sd_event_add_time_relative(health->container->containers->event, &health->next,
                                     CLOCK_MONOTONIC, MAX(health->interval_usec, SHORTEST_USEC), 0,
                                     on_next, health);
}

static void conclude(BerthHealth *health, bool well) {
    uint64_t now = (uint64_t)g_get_monotonic_time();
    bool counts = now >= health->started_usec + health->start_period_usec;

    if (health->timeout)
        health->timeout = sd_event_source_disable_unref(health->timeout);
    g_clear_pointer(&health->process, g_free);
    if (well) {
        health->failures = 0;
        set_state(health, "healthy");
    } else if (counts && ++health->failures >= health->retries) {
        set_state(health, "unhealthy");
    }
    schedule(health);
}

/* The health that asked for this check; NULL if it has gone, or has given the check up. */
static BerthHealth *find(const Check *check) {
    BerthContainer *container = berth_containers_find(check->containers, check->id, NULL);
    BerthHealth *health = container ? container->health : NULL;

    return health && g_strcmp0(health->process, check->process) == 0 ? health : NULL;
}

static void free_check(Check *check) {
    g_free(check->id);
    g_free(check->process);
    g_free(check);
}

static void on_ended(int status, uint64_t exited_usec, const GError *error, void *userdata) {
    Check *check = userdata;
    BerthHealth *health = find(check);

    (void)exited_usec;
    if (health)
        conclude(health, !error && status == 0);
    free_check(check);
}

static void on_started(const GError *error, void *userdata) {
    Check *check = userdata;
    BerthHealth *health = find(check);

    if (health && !error) {
        berth_container_wait(health->container, check->process, on_ended, check);
        return;
    }
    if (health)
        conclude(health, false);
    free_check(check);
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata) {
    BerthHealth *health = userdata;

    (void)source;
    (void)usec;
    health->timeout = sd_event_source_disable_unref(health->timeout);
    /* Its end is a failed check. */
    (void)berth_container_kill(health->container, health->process, SIGKILL, false, NULL);
    return 0;
}

static int on_next(sd_event_source *source, uint64_t usec, void *userdata) {
    static const BerthContainerStreams none = BERTH_CONTAINER_NO_STREAMS;
    BerthHealth *health = userdata;
    BerthContainer *container = health->container;

    (void)source;
    (void)usec;
    health->next = sd_event_source_disable_unref(health->next);
    /* What stands still can say nothing. */
    if (container->record.state == BERTH_CONTAINER_PAUSED) {
        schedule(health);
        return 0;
    }
    Check *check = g_new0(Check, 1);
    g_free(health->process);
    health->process = g_strdup_printf("health-check-%u", ++health->number);
    *check =
        (Check){container->containers, g_strdup(container->record.id), g_strdup(health->process)};
    const BerthExecOptions options = {
        .process = check->process,
        .command = health->command,
        .quiet = true,
    };
    (void)sd_event_add_time_relative(container->containers->event, &health->timeout,
                                     CLOCK_MONOTONIC, MAX(health->timeout_usec, SHORTEST_USEC), 0,
                                     on_timeout, health);
    berth_container_exec(container, &options, &none, on_started, check);
    return 0;
}

void berth_container_start_health(BerthContainer *container) {
    g_autoptr(GVariant) options =
        berth_container_record_get_extra(&container->record, "Health", G_VARIANT_TYPE_VARDICT);
    g_auto(GStrv) test = NULL;

    berth_container_stop_health(container);
    if (!options || !g_variant_lookup(options, "Command", "^as", &test) || !test[0])
        return;
    BerthHealth *health = g_new0(BerthHealth, 1);
    health->container = container;
    health->command = make_command(test);
    health->state = "starting";
    health->started_usec = (uint64_t)g_get_monotonic_time();
    g_variant_lookup(options, "IntervalUSec", "t", &health->interval_usec);
    g_variant_lookup(options, "TimeoutUSec", "t", &health->timeout_usec);
    g_variant_lookup(options, "StartPeriodUSec", "t", &health->start_period_usec);
    g_variant_lookup(options, "Retries", "t", &health->retries);
    container->health = health;
    schedule(health);
}

void berth_container_stop_health(BerthContainer *container) {
    BerthHealth *health = g_steal_pointer(&container->health);

    if (!health)
        return;
    if (health->next)
        sd_event_source_disable_unref(health->next);
    if (health->timeout)
        sd_event_source_disable_unref(health->timeout);
    g_strfreev(health->command);
    g_free(health->process);
    g_free(health);
}
