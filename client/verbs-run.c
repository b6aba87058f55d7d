/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * create, run, start, restart and restore. In the foreground and without a terminal, the container
 * gets dist's own standard descriptors: its input and output pass neither through dist nor through
 * the service.
 */

#include "client/verbs.h"

#include "client/bus.h"
#include "client/containers.h"
#include "client/descriptors.h"
#include "client/each.h"
#include "client/foreground.h"
#include "client/format.h"
#include "client/leaf.h"
#include "client/pull.h"
#include "client/run-create.h"
#include "client/terminal.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

/* Of the service in one "run", before dist gives up. */
enum { MAX_LOSSES = 3 };

/* What the standard streams of a container are connected to when it is started. */
typedef enum {
    STREAMS_JOURNAL, /* or its terminal, if it has one */
    STREAMS_OWN,     /* dist's */
    STREAMS_NULL,
} StartStreams;

/* member: "Start" or "Restore". Only Start takes further descriptors. */
static sd_bus_message *new_start(const char *member, const char *id, StartStreams streams,
                                 GError **error) {
    sd_bus_message *call = dist_new_call(error, DIST_CONTAINERS, member);
    int r;

    if (!call)
        return NULL;
    if ((r = sd_bus_message_append(call, "s", id)) < 0 ||
        (r = sd_bus_message_open_container(call, 'a', "{sv}")) < 0 ||
        (streams == STREAMS_OWN && (r = dist_append_streams(call)) < 0) ||
        (streams == STREAMS_NULL && (r = dist_append_null_streams(call)) < 0) ||
        (g_str_equal(member, "Start") && (r = dist_append_descriptors(call)) < 0) ||
        (r = sd_bus_message_close_container(call)) < 0) {
        sd_bus_message_unref(call);
        return dist_bad_reply(r, error), NULL;
    }
    return call;
}

/* SIGTERM has stopped the container that runs in the foreground. */
static bool was_told_to_stop;

/* Whether systemd has started this very process as a unit's (systemd.exec(5), $SYSTEMD_EXEC_PID):
 * SIGTERM is then a request to stop the unit. */
static bool is_unit_process(void) {
    const char *pid = g_getenv("SYSTEMD_EXEC_PID");

    return dist_run_given.with_caller ||
           (pid && g_ascii_strtoll(pid, NULL, 10) == (gint64)getpid());
}

/* A call to Create that is sent before Start, without waiting for its answer; create is NULL for a
 * container that exists already. */
typedef struct {
    sd_bus_message *create;
    DistCreation state;
} Creation;

static int run_in_foreground(Creation *creation, const char *member, const char *id, bool terminal,
                             bool was_stopped, GError **error) {
    g_autoptr(sd_bus_message) start =
        new_start(member, id, terminal ? STREAMS_JOURNAL : STREAMS_OWN, error);
    const DistForeground foreground = {
        .id = id,
        .process = "",
        .create = creation ? creation->create : NULL,
        .creation = creation ? &creation->state : NULL,
        .start = start,
        .wait_after_start = was_stopped,
        .terminal = terminal,
        .notify = dist_run_given.notify,
        .stops = is_unit_process(),
        .stopped = &was_told_to_stop,
        .detach_keys = dist_run_given.detach_keys ? dist_run_given.detach_keys : DIST_DETACH_KEYS,
        .pid_file = dist_run_given.pid_file,
    };

    return start ? dist_foreground_run(&foreground, error) : DIST_EXIT_BERTH;
}

/* dist ends, and the process that remains in its unit is the unit's main one (sd_notify(3)). */
static void hand_unit_over(sd_bus_message *started) {
    uint32_t pid;

    if (sd_bus_message_rewind(started, 1) >= 0 && sd_bus_message_read(started, "u", &pid) >= 0)
        sd_notifyf(0, "MAINPID=%" PRIu32 "\nREADY=1", pid);
}

/* Prints the ID, which scripts read. The pid is written first: a file that cannot be written is an
 * error, although the container runs. */
static bool start_detached(const char *member, const char *id, StartStreams streams,
                           GError **error) {
    sd_bus_message *call = new_start(member, id, streams, error);
    g_autoptr(sd_bus_message) reply = call ? dist_send(call, error) : NULL;

    if (!reply || !dist_write_pid(reply, dist_run_given.pid_file, error))
        return false;
    if (dist_run_given.with_caller && dist_run_given.notify == DIST_NOTIFY_STARTED)
        hand_unit_over(reply);
    puts(id);
    return true;
}

/* Keeps the reply, an error too; create_and_start() unrefs it. */
static int on_creation_answered(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    (void)error;
    *(sd_bus_message **)userdata = sd_bus_message_ref(reply);
    return 0;
}

/* Both are sent, then the answers are read: Start waits for Create in the service. If Create fails,
 * Start does, too, with a less useful error. */
static bool create_and_start(Creation *creation, const char *id, StartStreams streams,
                             GError **error) {
    g_autoptr(GError) local = NULL;
    g_autoptr(sd_bus_message) reply = NULL;
    g_autoptr(sd_bus_slot) slot = NULL;
    sd_bus *bus = dist_bus(error);
    int r = !bus ? -ENOTCONN
                 : sd_bus_call_async(bus, &slot, creation->create, on_creation_answered, &reply,
                                     UINT64_MAX);

    if (r < 0)
        return *error ? false : dist_bad_reply(r, error);
    bool started = start_detached("Start", id, streams, &local);
    while (!reply && (r = sd_bus_process(bus, NULL)) >= 0)
        if (r == 0 && (r = sd_bus_wait(bus, UINT64_MAX)) < 0)
            break;
    if (!reply)
        return dist_bad_reply(r, error);
    creation->state = dist_creation_read(reply, error);
    if (creation->state == DIST_CREATION_DONE && !started)
        g_propagate_error(error, g_steal_pointer(&local));
    return creation->state == DIST_CREATION_DONE && started;
}

/* A bundle has a root of its own, so that IMAGE may be missing. */
static bool check_run_arguments(int argc, GError **error) {
    if (argc < 2 && !dist_run_given.bundle)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "%s",
                               _("an argument is missing: IMAGE"));
    return dist_run_options_complete(error) &&
           (!dist_run_given.detach_keys ||
            dist_terminal_check_keys(dist_run_given.detach_keys, error)) &&
           dist_preserve_descriptors(dist_run_given.preserved, error);
}

/* Must come before Create, which takes the cgroup that dist is in (--cgroup=caller). */
static bool prepare_run(int argc, GError **error) {
    if (!check_run_arguments(argc, error))
        return false;
    if (dist_run_given.with_caller)
        dist_leaf_enter();
    return dist_readiness_prepare(error);
}

/* The ID is the only output. */
static int verb_create(char **argv, GError **error) {
    int argc = (int)g_strv_length(argv);
    if (!prepare_run(argc, error))
        return DIST_EXIT_BERTH;
    g_autofree char *id = dist_run_create(false, argv + 1, error);
    if (!id)
        return DIST_EXIT_BERTH;
    puts(id);
    return EXIT_SUCCESS;
}

/* A container that run --rm has created is of no use if it cannot be started. */
static void remove_unstarted(const char *id) {
    g_autoptr(GError) ignored = NULL;
    g_autoptr(sd_bus_message) reply =
        dist_call(&ignored, DIST_CONTAINERS, "Delete", "sa{sv}", id, 0);
}

/* Whether a container other than this one is based on the image. */
static bool image_is_used(const char *name, const char *id) {
    g_autofree char *path = NULL;
    g_auto(GStrv) users = NULL;
    sd_bus *bus = dist_bus(NULL);

    if (!bus || sd_bus_path_encode("/org/berth1/images", name, &path) < 0 ||
        sd_bus_get_property_strv(bus, DIST_DESTINATION, path, "org.berth1.Image", "UsedBy", NULL,
                                 &users) < 0)
        return true;
    for (char **user = users; user && *user; user++)
        if (!g_str_equal(*user, id))
            return true;
    return false;
}

/* For --rmi. An image that another container is based on stays, as podman-run(1) has it. */
static void remove_image(const char *reference, const char *id) {
    g_autoptr(GError) ignored = NULL;
    g_autofree char *name = dist_complete_reference(reference);
    g_autoptr(sd_bus_message) reply =
        image_is_used(name, id) ? NULL
                                : dist_call(&ignored, DIST_IMAGES, "Delete", "sa{sv}", name, 0);
}

static bool check_removal(GError **error) {
    return !dist_run_given.remove_image || (!dist_run_given.detach && !dist_run_given.bundle) ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "%s",
                           _("--rmi needs an image, and cannot be given with --detach"));
}

/* With --detach dist ends before the container is healthy or ready, so it could not notify
 * systemd. */
static bool check_notify(GError **error) {
    bool later = dist_run_given.notify == DIST_NOTIFY_HEALTHY ||
                 dist_run_given.notify == DIST_NOTIFY_CONTAINER;

    return !later || !dist_run_given.detach ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "%s",
                           _("--notify=healthy and --notify=container cannot be given with "
                             "--detach"));
}

static StartStreams detached_streams(void) {
    return dist_run_given.to_journal ? STREAMS_JOURNAL : STREAMS_NULL;
}

static int create_and_run(Creation *creation, const char *id, GError **error) {
    if (dist_run_given.detach)
        return create_and_start(creation, id, detached_streams(), error) ? EXIT_SUCCESS
                                                                         : DIST_EXIT_BERTH;
    return run_in_foreground(creation, "Start", id, dist_run_given.terminal, false, error);
}

/* After a container in the foreground, which may not have been started. */
static void clean_up(DistCreation creation, const char *id, const char *image,
                     const GError *error) {
    const DistRunOptions *given = &dist_run_given;

    if (error && creation == DIST_CREATION_DONE && !given->detach && given->remove &&
        error->code != BERTH_ERROR_LAUNCH_FAILED)
        remove_unstarted(id);
    if (!error && given->remove_image)
        remove_image(image, id);
}

/* Sends Create, Wait and Start at once. With an id of its own choice dist cannot come upon a
 * container that is there already, which it would start if Create failed.
 *
 * A service that ended before it answered Create has not started the container. If it has made it,
 * that is removed when dist leaves the bus, since it is provisional: a new connection and a new id
 * begin again. */
static int run_at_once(char **arguments, GError **error) {
    g_autofree char *name = dist_complete_reference(arguments[0]);
    bool pulled = dist_run_given.pull == DIST_PULL_ALWAYS;
    unsigned losses = 0;

    if (pulled && !dist_pull(name, dist_run_given.insecure, error))
        return DIST_EXIT_BERTH;
    for (;;) {
        g_autoptr(GError) local = NULL;
        g_autofree char *id = dist_run_make_id();
        g_autoptr(sd_bus_message) create = dist_run_new_create(id, name, arguments + 1, error);
        Creation creation = {create, DIST_CREATION_REFUSED};
        if (!create)
            return DIST_EXIT_BERTH;
        int status = create_and_run(&creation, id, &local);
        if (creation.state == DIST_CREATION_LOST && losses++ < MAX_LOSSES) {
            if (!dist_bus_again(error))
                return DIST_EXIT_BERTH;
            continue;
        }
        if (creation.state == DIST_CREATION_DONE || pulled || !local ||
            !dist_run_lacks_image(name, local)) {
            clean_up(creation.state, id, arguments[0], local);
            if (local)
                g_propagate_error(error, g_steal_pointer(&local));
            return status;
        }
        if (!dist_pull(name, dist_run_given.insecure, error))
            return DIST_EXIT_BERTH;
        pulled = true;
    }
}

static int run_container(char **argv, GError **error) {
    const DistRunOptions *given = &dist_run_given;
    int argc = (int)g_strv_length(argv);
    if (!prepare_run(argc, error) || !check_removal(error) || !check_notify(error))
        return DIST_EXIT_BERTH;
    /* These options need the answer of Create before Start: an ID of the caller's own, a
     * configuration, or a file to write. */
    if (!given->id && !given->bundle && !given->spec && !given->cid_file && !given->replace)
        return run_at_once(argv + 1, error);
    g_autofree char *id = dist_run_create(true, argv + 1, error);
    if (!id)
        return DIST_EXIT_BERTH;
    if (!dist_run_given.detach) {
        bool terminal = dist_run_given.terminal;
        /* A configuration says itself whether its process has a terminal. */
        if (dist_run_given.bundle || dist_run_given.spec)
            dist_container_find_terminal(id, &terminal, NULL);
        int status = run_in_foreground(NULL, "Start", id, terminal, false, error);
        clean_up(DIST_CREATION_DONE, id, argv[1], *error);
        return status;
    }
    return start_detached("Start", id, detached_streams(), error) ? EXIT_SUCCESS : DIST_EXIT_BERTH;
}

/* A container that SIGTERM has ended as its unit wanted it is no failure of the unit: dist ends
 * like it, which is the same status for a shell and a clean one for systemd. */
static int verb_run(char **argv, GError **error) {
    int status = run_container(argv, error);

    if (was_told_to_stop && status == 128 + SIGTERM && !*error) {
        dist_readiness_forget();
        dist_end_by_signal(SIGTERM);
    }
    return status;
}

static bool start_by_id(const char *id, const void *userdata, GError **error) {
    (void)userdata;
    if (start_detached("Start", id, STREAMS_JOURNAL, error))
        return true;
    g_prefix_error(error, "%s: ", id);
    return false;
}

/* For berth-autostart.service. A container that cannot be started does not keep the others
 * from it. */
static int start_autostarted(GError **error) {
    g_auto(GStrv) ids = dist_containers_list_ids(dist_container_awaits_autostart, error);

    return ids ? dist_for_each(ids, start_by_id, NULL) : EXIT_FAILURE;
}

static struct {
    gboolean attach;
    gboolean autostart;
} start_given;

static const DistOption start_options[] = {
    {"attach", 'a', DIST_OPTION_FLAG, &start_given.attach,
     N_("Use dist's standard streams and wait until it exits"), NULL},
    {"autostart", 0, DIST_OPTION_FLAG, &start_given.autostart,
     N_("Start all containers created with --autostart that are not running"), NULL},
    {"pid-file", 0, DIST_OPTION_TEXT, &dist_run_given.pid_file,
     N_("Write its PID to a file when it runs"), N_("FILE")},
    {"preserve-fds", 0, DIST_OPTION_NUMBER, &dist_run_given.preserved,
     N_("Pass N extra descriptors, starting at 3"), N_("NUMBER")},
    DIST_OPTION_END,
};

static int verb_start(char **argv, GError **error) {
    int argc = (int)g_strv_length(argv);

    if (start_given.autostart == (argc > 1)) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "%s",
                        _("start takes an ID or --autostart"));
        return EXIT_FAILURE;
    }
    if (!dist_preserve_descriptors(dist_run_given.preserved, error))
        return EXIT_FAILURE;
    if (start_given.autostart)
        return start_autostarted(error);
    if (start_given.attach) {
        g_autoptr(DistContainer) container = dist_container_get(argv[1], error);
        return container ? run_in_foreground(NULL, "Start", argv[1], container->terminal,
                                             container->state == DIST_CONTAINER_STOPPED, error)
                         : DIST_EXIT_BERTH;
    }
    return start_detached("Start", argv[1], STREAMS_JOURNAL, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static struct { gint64 seconds; } restart_given = {.seconds = -1};

static const DistOption restart_options[] = {
    {"time", 't', DIST_OPTION_NUMBER, &restart_given.seconds,
     N_("Time to wait before SIGKILL, the container's own if not given"), N_("SECONDS")},
    DIST_OPTION_END,
};

/* A container that does not run is only started, as by systemctl(1) restart. */
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
    return start_detached("Start", id, STREAMS_JOURNAL, error);
}

static int verb_restart(char **argv, GError **error) {
    (void)error;
    return dist_for_each(argv + 1, restart_by_id, NULL);
}

static struct { gboolean attach; } restore_given;

static const DistOption restore_options[] = {
    {"attach", 'a', DIST_OPTION_FLAG, &restore_given.attach,
     N_("Use dist's standard streams and wait until it exits"), NULL},
    DIST_OPTION_END,
};

static int verb_restore(char **argv, GError **error) {
    if (restore_given.attach)
        return run_in_foreground(NULL, "Restore", argv[1], false, true, error);
    return start_detached("Restore", argv[1], STREAMS_JOURNAL, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}

const DistVerb dist_run_verbs[] = {
    {.name = "run",
     .arguments = N_("IMAGE [COMMAND…]"),
     .summary = N_("Create a container and run a command in it"),
     .options = dist_run_options,
     .run = verb_run,
     .max = DIST_ANY_NUMBER,
     .flags = DIST_VERB_STRICT | DIST_VERB_RUNS,
     .example = "dist run -it --rm alpine sh"},
    {.name = "create",
     .arguments = N_("IMAGE [COMMAND…]"),
     .summary = N_("Create a container"),
     .options = dist_create_options,
     .run = verb_create,
     .max = DIST_ANY_NUMBER,
     .flags = DIST_VERB_STRICT | DIST_VERB_RUNS,
     .example = "dist create --name=web -p 8080:80 nginx"},
    {.name = "start",
     .arguments = N_("ID"),
     .summary = N_("Start a container"),
     .options = start_options,
     .run = verb_start,
     .max = 1,
     .example = "dist start web"},
    {.name = "restart",
     .arguments = N_("ID…"),
     .summary = N_("Stop containers and start them again"),
     .options = restart_options,
     .run = verb_restart,
     .min = 1,
     .max = DIST_ANY_NUMBER,
     .example = "dist restart web"},
    {.name = "restore",
     .arguments = N_("ID"),
     .summary = N_("Start a container where its checkpoint left it"),
     .options = restore_options,
     .run = verb_restore,
     .min = 1,
     .max = 1},
    {.name = NULL},
};
