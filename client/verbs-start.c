/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * dist start, restart and restore: existing containers. A verb ends when the service has replied
 * or, with --attach, with the status of the container, for which foreground.c waits.
 */

#include "client/verbs-start.h"

#include "bare/cgroup-move.h"
#include "client/bus.h"
#include "client/container-choice.h"
#include "client/containers.h"
#include "client/descriptors.h"
#include "client/each.h"
#include "client/run-options.h"
#include "client/run-start.h"

#include <stdio.h>
#include <stdlib.h>

static bool autostart_by_id(const char *id, const void *userdata, GError **error) {
    (void)userdata;
    if (dist_start_detached("Start", id, DIST_STREAMS_JOURNAL, error))
        return true;
    g_prefix_error(error, "%s: ", id);
    return false;
}

/* As in docker, podman and systemctl(1), starting what runs is not an error. */
static bool start_is_done(const char *id) {
    g_autoptr(DistContainer) container = dist_container_get(id, NULL);

    return container && container->state == DIST_CONTAINER_RUNNING;
}

static bool start_by_id(const char *id, const void *userdata, GError **error) {
    g_autoptr(GError) local = NULL;

    (void)userdata;
    if (dist_start_detached("Start", id, DIST_STREAMS_JOURNAL, &local))
        return true;
    if (local->code == BERTH_ERROR_FAILED_PRECONDITION && start_is_done(id)) {
        puts(id);
        return true;
    }
    g_propagate_error(error, g_steal_pointer(&local));
    return false;
}

/* For berth-autostart.service. A container that cannot be started does not prevent the others from
 * starting. */
static int start_autostarted(GError **error) {
    g_auto(GStrv) ids = dist_containers_list_ids(dist_container_awaits_autostart, error);

    return ids ? dist_for_each(ids, autostart_by_id, NULL) : EXIT_FAILURE;
}

static struct {
    gboolean attach;
    gboolean interactive;
    gboolean autostart;
} start_given;

const DistOption dist_start_options[] = {
    {"attach", 'a', DIST_OPTION_FLAG, &start_given.attach,
     N_("Use dist's standard streams and wait until it exits"), NULL},
    {"interactive", 'i', DIST_OPTION_FLAG, &start_given.interactive, N_("As --attach"), NULL},
    DIST_OPTION_INCLUDE(dist_choice_latest_options),
    {"autostart", 0, DIST_OPTION_FLAG, &start_given.autostart,
     N_("Start all containers created with --autostart that are not running"), NULL},
    {"pid-file", 0, DIST_OPTION_TEXT, &dist_run_given.pid_file,
     N_("Write its PID to a file once it runs"), N_("FILE")},
    {"preserve-fds", 0, DIST_OPTION_NUMBER, &dist_run_given.preserved,
     N_("Pass N extra descriptors, starting at 3"), N_("NUMBER")},
    DIST_OPTION_END,
};

static int start_attached(const char *id, GError **error) {
    g_autoptr(DistContainer) container = dist_container_get(id, error);

    return container ? dist_start_in_foreground(NULL, "Start", id, container->terminal,
                                                container->state == DIST_CONTAINER_STOPPED, error)
                     : DIST_EXIT_BERTH;
}

int dist_verb_start(char **argv, GError **error) {
    if (start_given.autostart && argv[1]) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "%s",
                        _("start takes an ID or --autostart"));
        return EXIT_FAILURE;
    }
    if (!dist_preserve_descriptors(dist_run_given.preserved, NULL, error))
        return EXIT_FAILURE;
    berth_cgroup_expect_move();
    if (start_given.autostart)
        return start_autostarted(error);
    g_auto(GStrv) ids = dist_choice_list(argv[0], argv + 1, NULL, error);
    if (!ids)
        return EXIT_FAILURE;
    bool attaches = start_given.attach || start_given.interactive;
    if (ids[1] && (attaches || dist_run_given.pid_file)) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "%s",
                        _("--attach and --pid-file take one ID"));
        return EXIT_FAILURE;
    }
    return attaches ? start_attached(ids[0], error) : dist_for_each(ids, start_by_id, NULL);
}

static struct { gint64 seconds; } restart_given = {.seconds = -1};

const DistOption dist_restart_options[] = {
    DIST_OPTION_INCLUDE(dist_choice_options),
    {"time", 't', DIST_OPTION_NUMBER, &restart_given.seconds,
     N_("Time to wait before SIGKILL; the container's own if not given"), N_("SECONDS")},
    DIST_OPTION_END,
};

/* A container that is not running is only started, as by systemctl(1) restart. */
static bool restart_by_id(const char *id, const void *userdata, GError **error) {
    uint64_t timeout =
        restart_given.seconds < 0 ? UINT64_MAX : (uint64_t)restart_given.seconds * G_USEC_PER_SEC;
    g_autoptr(DistContainer) container = dist_container_get(id, error);

    (void)userdata;
    if (!container)
        return false;
    if (dist_container_is_running(container)) {
        g_autoptr(sd_bus_message) reply =
            dist_call(error, DIST_CONTAINERS, "Stop", "sa{sv}", id, 1, "TimeoutUSec", "t", timeout);
        if (!reply)
            return false;
    }
    return dist_start_detached("Start", id, DIST_STREAMS_JOURNAL, error);
}

int dist_verb_restart(char **argv, GError **error) {
    g_auto(GStrv) ids = dist_choice_list(argv[0], argv + 1, NULL, error);

    return ids ? dist_for_each(ids, restart_by_id, NULL) : EXIT_FAILURE;
}

static struct { gboolean attach; } restore_given;

const DistOption dist_restore_options[] = {
    {"attach", 'a', DIST_OPTION_FLAG, &restore_given.attach,
     N_("Use dist's standard streams and wait until it exits"), NULL},
    DIST_OPTION_END,
};

int dist_verb_restore(char **argv, GError **error) {
    if (restore_given.attach)
        return dist_start_in_foreground(NULL, "Restore", argv[1], false, true, error);
    return dist_start_detached("Restore", argv[1], DIST_STREAMS_JOURNAL, error) ? EXIT_SUCCESS
                                                                                : EXIT_FAILURE;
}
