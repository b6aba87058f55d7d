/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Health checks: a command that is executed in a container at intervals, and whose exit status says
 * whether the container is healthy. The state of the check, in the part's slot, exists while the
 * container runs; each change of state is an event. Timers in the service's event loop drive the
 * checks, so a check begins again as "starting" after a restart of the service.
 */

#include "containers/parts/health.h"

#include "containers/core/state.h"
#include "containers/parts/stop.h"
#include "containers/spec/options.h"

#include <signal.h>

#define SHORTEST_USEC (100ull * 1000)

typedef enum {
    HEALTH_STARTING, /* no result that counts yet */
    HEALTH_HEALTHY,
    HEALTH_UNHEALTHY, /* as many consecutive failures as its retries */
} HealthState;

/* The names that clients see, which are also the kinds of events. */
static const char *const state_names[] = {
    [HEALTH_STARTING] = "starting",
    [HEALTH_HEALTHY] = "healthy",
    [HEALTH_UNHEALTHY] = "unhealthy",
};

/* Which command is run: first the startup check, if the options have one, then, once that has
 * succeeded often enough, the regular check. */
typedef enum { HEALTH_PHASE_STARTUP, HEALTH_PHASE_REGULAR } HealthPhase;

enum { HEALTH_PHASE_COUNT = HEALTH_PHASE_REGULAR + 1 };

typedef struct {
    char **command;
    uint64_t interval_usec, timeout_usec;
    uint64_t retries; /* consecutive failures that make it unhealthy; 0: never */
} HealthCommand;

typedef struct {
    BerthContainer *container;
    HealthState state;
    HealthPhase phase;
    HealthCommand commands[HEALTH_PHASE_COUNT];
    uint64_t start_period_usec, start_interval_usec, started_usec;
    uint64_t failures, successes; /* consecutive, in this phase */
    uint64_t wanted_successes;    /* of the startup check */
    BerthHealthAction on_failure;
    unsigned number;
    char *process; /* of the running check */
    sd_event_source *next, *timeout;
} Health;

/* A check without a result yet. Its container may be gone by the time there is one. */
typedef struct {
    BerthContainers *containers;
    char *id, *process;
} Check;

static Health *get_health(const BerthContainer *container) {
    return *berth_container_slot(container, &berth_health_part);
}

const char *berth_container_get_health(const BerthContainer *container) {
    const Health *health = get_health(container);

    if (health)
        return state_names[health->state];
    /* The event of a start is sent before this part's started() is called. */
    g_autoptr(GVariant) options =
        berth_container_is_running(container)
            ? berth_container_record_get_extra(&container->record, "Health", G_VARIANT_TYPE_VARDICT)
            : NULL;
    g_auto(GStrv) test = NULL;
    return options && g_variant_lookup(options, "Command", "^as", &test) && test[0]
               ? state_names[HEALTH_STARTING]
               : "";
}

/* The command of "CMD" and arguments, or of "CMD-SHELL" and a text. */
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

/* A killed container has failed, and is restarted if its policy says so; a stopped one is not
 * restarted. In both cases the exit is handled later, so health is still valid after this. */
static void act_on_failure(Health *health) {
    if (health->on_failure == BERTH_HEALTH_ACTION_KILL)
        berth_container_kill(health->container, "", SIGKILL, true, NULL);
    else if (health->on_failure == BERTH_HEALTH_ACTION_STOP)
        berth_container_stop(health->container, UINT64_MAX);
}

static void set_health(Health *health, HealthState state) {
    if (health->state == state)
        return;
    health->state = state;
    berth_container_add_event(health->container, state_names[state]);
    if (state == HEALTH_UNHEALTHY)
        act_on_failure(health);
}

static const HealthCommand *get_command(const Health *health) {
    return &health->commands[health->phase];
}

/* The rest of the start period; 0 after its end. */
static uint64_t get_start_period(const Health *health) {
    uint64_t elapsed_usec = (uint64_t)g_get_monotonic_time() - health->started_usec;

    return health->start_period_usec - MIN(health->start_period_usec, elapsed_usec);
}

/* Until the container is healthy, the start period has its own interval, 0 in records of earlier
 * versions. At its end comes a check whose failure counts, however long that interval is. */
static uint64_t get_interval(const Health *health) {
    uint64_t period_usec = get_start_period(health);

    return health->phase == HEALTH_PHASE_REGULAR && health->state == HEALTH_STARTING &&
                   health->start_interval_usec > 0 && period_usec > 0
               ? MIN(health->start_interval_usec, period_usec)
               : get_command(health)->interval_usec;
}

static int on_check_time(sd_event_source *source, uint64_t usec, void *userdata);

/* The interval begins when a check has ended, so two checks never overlap. */
static void schedule_check(Health *health) {
    if (health->next)
        health->next = sd_event_source_disable_unref(health->next);
    (void)sd_event_add_time_relative(health->container->containers->event, &health->next,
                                     CLOCK_MONOTONIC, MAX(get_interval(health), SHORTEST_USEC), 0,
                                     on_check_time, health);
}

/* A failure within the start period does not count; a success always does. A successful startup
 * check does not make the container healthy; only the first regular check does. */
static void count_result(Health *health, bool passed) {
    bool counts = health->phase == HEALTH_PHASE_STARTUP || get_start_period(health) == 0;
    uint64_t retries = get_command(health)->retries;

    if (passed) {
        health->failures = 0;
        health->successes++;
        if (health->phase == HEALTH_PHASE_REGULAR)
            set_health(health, HEALTH_HEALTHY);
        else if (health->successes >= health->wanted_successes)
            health->phase = HEALTH_PHASE_REGULAR;
        return;
    }
    health->successes = 0;
    if (counts && ++health->failures >= retries && retries > 0)
        set_health(health, HEALTH_UNHEALTHY);
}

static void conclude_check(Health *health, bool passed) {
    if (health->timeout)
        health->timeout = sd_event_source_disable_unref(health->timeout);
    g_clear_pointer(&health->process, g_free);
    count_result(health, passed);
    schedule_check(health);
}

/* The Health that this check belongs to, or NULL if it is gone or no longer waits for this
 * check. */
static Health *find_health(const Check *check) {
    BerthContainer *container = berth_containers_find(check->containers, check->id, NULL);
    Health *health = container ? get_health(container) : NULL;

    return health && g_strcmp0(health->process, check->process) == 0 ? health : NULL;
}

static void free_check(Check *check) {
    g_free(check->id);
    g_free(check->process);
    g_free(check);
}

static void on_check_ended(int status, uint64_t exited_usec, const GError *error, void *userdata) {
    Check *check = userdata;
    Health *health = find_health(check);

    (void)exited_usec;
    if (health)
        conclude_check(health, !error && status == 0);
    free_check(check);
}

static void on_check_started(const GError *error, void *userdata) {
    Check *check = userdata;
    Health *health = find_health(check);

    if (health && !error) {
        berth_container_wait(health->container, check->process, on_check_ended, check);
        return;
    }
    if (health)
        conclude_check(health, false);
    free_check(check);
}

static int on_check_timeout(sd_event_source *source, uint64_t usec, void *userdata) {
    Health *health = userdata;

    (void)source;
    (void)usec;
    health->timeout = sd_event_source_disable_unref(health->timeout);
    /* The exit will count as a failed check. */
    (void)berth_container_kill(health->container, health->process, SIGKILL, false, NULL);
    return 0;
}

static int on_check_time(sd_event_source *source, uint64_t usec, void *userdata) {
    static const BerthContainerStreams none = BERTH_CONTAINER_NO_STREAMS;
    Health *health = userdata;
    BerthContainer *container = health->container;

    (void)source;
    (void)usec;
    health->next = sd_event_source_disable_unref(health->next);
    /* A frozen container cannot answer. */
    if (container->record.state == BERTH_CONTAINER_PAUSED) {
        schedule_check(health);
        return 0;
    }
    Check *check = g_new0(Check, 1);
    g_free(health->process);
    /* A new name each time, by which find_health() recognises a late answer to an earlier check. */
    health->process = g_strdup_printf("health-check-%u", ++health->number);
    *check =
        (Check){container->containers, g_strdup(container->record.id), g_strdup(health->process)};
    /* quiet: the service's own processes cause no events, which would drown out all others. */
    const BerthExecOptions options = {
        .process = check->process,
        .command = get_command(health)->command,
        .quiet = true,
    };
    (void)sd_event_add_time_relative(
        container->containers->event, &health->timeout, CLOCK_MONOTONIC,
        MAX(get_command(health)->timeout_usec, SHORTEST_USEC), 0, on_check_timeout, health);
    berth_container_exec(container, &options, &none, on_check_started, check);
    return 0;
}

static void stop_health(BerthContainer *container) {
    Health *health = get_health(container);

    if (!health)
        return;
    *berth_container_slot(container, &berth_health_part) = NULL;
    if (health->next)
        sd_event_source_disable_unref(health->next);
    if (health->timeout)
        sd_event_source_disable_unref(health->timeout);
    for (size_t i = 0; i < HEALTH_PHASE_COUNT; i++)
        g_strfreev(health->commands[i].command);
    g_free(health->process);
    g_free(health);
}

/* Returns false if the options have no such command. */
static bool read_command(GVariant *options, HealthCommand *command) {
    g_auto(GStrv) test = NULL;

    if (!g_variant_lookup(options, "Command", "^as", &test) || !test[0])
        return false;
    command->command = make_command(test);
    g_variant_lookup(options, "IntervalUSec", "t", &command->interval_usec);
    g_variant_lookup(options, "TimeoutUSec", "t", &command->timeout_usec);
    g_variant_lookup(options, "Retries", "t", &command->retries);
    return true;
}

static BerthHealthAction read_action(GVariant *options) {
    const char *text;

    if (g_variant_lookup(options, "OnFailure", "&s", &text))
        for (unsigned i = 0; berth_health_actions[i]; i++)
            if (g_str_equal(text, berth_health_actions[i]))
                return (BerthHealthAction)i;
    return BERTH_HEALTH_ACTION_NONE;
}

static void start_health(BerthContainer *container) {
    g_autoptr(GVariant) options =
        berth_container_record_get_extra(&container->record, "Health", G_VARIANT_TYPE_VARDICT);
    g_autoptr(GVariant) startup =
        options ? g_variant_lookup_value(options, "Startup", G_VARIANT_TYPE_VARDICT) : NULL;
    HealthCommand regular = {0};

    stop_health(container);
    if (!options || !read_command(options, &regular))
        return;
    Health *health = g_new0(Health, 1);
    health->container = container;
    health->commands[HEALTH_PHASE_REGULAR] = regular;
    health->on_failure = read_action(options);
    health->phase = startup && read_command(startup, &health->commands[HEALTH_PHASE_STARTUP])
                        ? HEALTH_PHASE_STARTUP
                        : HEALTH_PHASE_REGULAR;
    if (startup)
        g_variant_lookup(startup, "Successes", "t", &health->wanted_successes);
    health->started_usec = (uint64_t)g_get_monotonic_time();
    g_variant_lookup(options, "StartPeriodUSec", "t", &health->start_period_usec);
    g_variant_lookup(options, "StartIntervalUSec", "t", &health->start_interval_usec);
    *berth_container_slot(container, &berth_health_part) = health;
    schedule_check(health);
}

static void health_recovered(BerthContainer *container, const BerthKeptDescriptors *kept) {
    (void)kept;
    if (berth_container_is_running(container))
        start_health(container);
}

const BerthPart berth_health_part = {
    .name = "health",
    .recovered = health_recovered,
    .started = start_health,
    .exiting = stop_health,
    .freed = stop_health,
};
