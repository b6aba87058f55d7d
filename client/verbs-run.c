/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * dist run and create: a container is created and started for the first time. If the options allow
 * it, run sends Create, Wait and Start at once.
 */

#include "client/verbs.h"

#include "bare/cgroup-move.h"
#include "client/bus.h"
#include "client/containers.h"
#include "client/descriptors.h"
#include "client/format.h"
#include "client/image-config.h"
#include "client/leaf.h"
#include "client/network-options.h"
#include "client/pods.h"
#include "client/pull.h"
#include "client/readiness.h"
#include "client/run-create.h"
#include "client/run-options.h"
#include "client/run-start.h"
#include "client/signals.h"
#include "client/terminal.h"
#include "client/unit-status.h"
#include "client/verbs-start.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How often one "run" may lose the service before dist gives up. */
enum { MAX_LOSSES = 3 };

/* Keeps the reply, even an error; create_and_start() unrefs it. */
static int on_creation_answered(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
    (void)error;
    *(sd_bus_message **)userdata = sd_bus_message_ref(reply);
    return 0;
}

/* Sends both and then reads the replies: the service queues Start behind Create. If Create fails,
 * so does Start, with a less useful error. */
static bool create_and_start(DistCreateCall *creation, const char *id, DistStreams streams,
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
    bool started = dist_start_detached("Start", id, streams, &local);
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

/* A bundle has its own root, so IMAGE may be omitted. */
static bool check_run_arguments(int argc, GError **error) {
    if (argc < 2 && !dist_run_given.bundle)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "%s",
                               dist_run_given.rootfs ? _("an argument is missing: DIRECTORY")
                                                     : _("an argument is missing: IMAGE"));
    return dist_run_options_complete(error) &&
           (!dist_run_given.detach_keys ||
            dist_terminal_check_keys(dist_run_given.detach_keys, error)) &&
           dist_preserve_descriptors(dist_run_given.preserved, dist_run_given.preserved_lists,
                                     error);
}

/* Adds the ports that the image exposes, each on a port of the host that the service chooses. The
 * service itself reads an image only for a container, and the ports are the pod's. */
static bool publish_exposed(const char *reference, GError **error) {
    g_autofree char *image = dist_complete_reference(reference);
    g_auto(GStrv) ports =
        dist_run_require_image(image, error) ? dist_image_read_ports(image, error) : NULL;

    for (char **port = ports; port && *port; port++)
        dist_option_add_to_list(&dist_run_given.ports, g_strconcat("0:", *port, NULL));
    return ports != NULL;
}

/* "new:NAME" creates a pod with the options that apply to a pod; they are then not the container's.
 * image is NULL if the container has none. */
static bool create_pod(const char *name, const char *image, GError **error) {
    if (dist_network_publishes_all() && image && !publish_exposed(image, error))
        return false;
    const DistPodRequest request = {
        .name = name,
        .hostname = dist_run_given.hostname,
        .user_namespace = dist_run_given.user_namespace,
        .slice = dist_run_given.slice,
        .ports = dist_run_given.ports,
    };
    char *created = dist_pod_create(&request, error);

    if (!created)
        return false;
    dist_run_given.pod = created;
    dist_run_given.hostname = dist_run_given.user_namespace = NULL;
    g_clear_pointer(&dist_run_given.ports, g_strfreev);
    dist_network_options_forget();
    return true;
}

/* --pod. A container starts only while its pod is running. */
static bool join_pod(bool starts, const char *source, GError **error) {
    const char *pod = dist_run_given.pod;
    const char *image = dist_run_given.bundle || dist_run_given.rootfs ? NULL : source;

    if (!pod)
        return true;
    if (g_str_has_prefix(pod, "new:") && !create_pod(pod + strlen("new:"), image, error))
        return false;
    return !starts || dist_pod_start(dist_run_given.pod, error);
}

/* Must precede Create, which uses the cgroup that dist is in (--cgroup=caller). */
static bool prepare_run(int argc, GError **error) {
    if (!check_run_arguments(argc, error))
        return false;
    if (dist_run_given.with_caller)
        dist_leaf_enter();
    return dist_readiness_prepare(error);
}

/* The id is the only output. */
static int verb_create(char **argv, GError **error) {
    int argc = (int)g_strv_length(argv);
    if (!prepare_run(argc, error) || !join_pod(false, argv[1], error))
        return DIST_EXIT_BERTH;
    g_autofree char *id = dist_run_create(false, argv + 1, error);
    if (!id)
        return DIST_EXIT_BERTH;
    puts(id);
    return EXIT_SUCCESS;
}

/* A container created by run --rm is useless if it cannot be started. */
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

/* For --rmi. An image that another container is based on is kept, as in podman-run(1). */
static void remove_image(const char *reference, const char *id) {
    g_autoptr(GError) ignored = NULL;
    g_autofree char *name = dist_complete_reference(reference);
    g_autoptr(sd_bus_message) reply =
        image_is_used(name, id) ? NULL
                                : dist_call(&ignored, DIST_IMAGES, "Delete", "sa{sv}", name, 0);
}

static bool check_removal(GError **error) {
    bool has_image = !dist_run_given.bundle && !dist_run_given.rootfs;

    return !dist_run_given.remove_image || (!dist_run_given.detach && has_image) ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "%s",
                           _("--rmi needs an image, and cannot be given with --detach"));
}

/* With --detach, dist exits before the container is healthy or ready, so it could not notify
 * systemd. */
static bool check_notify(GError **error) {
    bool later = dist_run_given.notify == DIST_NOTIFY_HEALTHY ||
                 dist_run_given.notify == DIST_NOTIFY_CONTAINER;

    return !later || !dist_run_given.detach ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "%s",
                           _("--notify=healthy and --notify=container cannot be given with "
                             "--detach"));
}

static DistStreams detached_streams(void) {
    return dist_run_given.to_journal ? DIST_STREAMS_JOURNAL : DIST_STREAMS_NULL;
}

static int create_and_run(DistCreateCall *creation, const char *id, GError **error) {
    if (dist_run_given.detach)
        return create_and_start(creation, id, detached_streams(), error) ? EXIT_SUCCESS
                                                                         : DIST_EXIT_BERTH;
    return dist_start_in_foreground(creation, "Start", id, dist_run_given.terminal, false, error);
}

/* Runs after a foreground container, which may not have been started. */
static void clean_up(DistCreation creation, const char *id, const char *image,
                     const GError *error) {
    const DistRunOptions *given = &dist_run_given;

    if (error && creation == DIST_CREATION_DONE && !given->detach && given->remove &&
        error->code != BERTH_ERROR_LAUNCH_FAILED)
        remove_unstarted(id);
    if (!error && given->remove_image)
        remove_image(image, id);
}

/* Sends Create, Wait and Start at once. dist chooses a new id, so it cannot hit an existing
 * container, which Start would start if Create failed.
 *
 * A service that went away before it answered Create has not started the container. If it did
 * create it, the container is deleted when dist closes its connection, since it is provisional;
 * dist then tries again with a new connection and a new id. */
static int run_at_once(char **arguments, GError **error) {
    g_autofree char *name = dist_complete_reference(arguments[0]);
    bool pulled;
    unsigned losses = 0;

    if (!dist_run_prepare_image(name, &pulled, error))
        return DIST_EXIT_BERTH;
    for (;;) {
        g_autoptr(GError) local = NULL;
        g_autofree char *id = dist_run_make_id();
        g_autoptr(sd_bus_message) create = dist_run_new_create(id, name, arguments + 1, error);
        DistCreateCall creation = {create, DIST_CREATION_REFUSED};
        if (!create)
            return DIST_EXIT_BERTH;
        int status = create_and_run(&creation, id, &local);
        if (creation.state == DIST_CREATION_LOST && losses++ < MAX_LOSSES) {
            if (!dist_bus_reconnect(error))
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

/* --requires: containers that are already running are left alone. */
static bool start_required(GError **error) {
    for (char **list = dist_run_given.required; list && *list; list++) {
        g_auto(GStrv) ids = g_strsplit(*list, ",", -1);
        for (char **id = ids; *id; id++) {
            g_autoptr(DistContainer) container = dist_container_get(*id, error);
            if (!container)
                return false;
            if (container->state == DIST_CONTAINER_RUNNING)
                continue;
            g_autoptr(sd_bus_message) reply =
                dist_call(error, DIST_CONTAINERS, "Start", "sa{sv}", *id, 0);
            if (!reply)
                return false;
        }
    }
    return true;
}

static int run_container(char **argv, GError **error) {
    const DistRunOptions *given = &dist_run_given;
    int argc = (int)g_strv_length(argv);

    /* Done before the service is called, which does the same, so that the kernel is ready even
     * earlier. With -M, processes of another system are moved, but the kernel is the same. */
    if (!given->with_caller)
        berth_cgroup_expect_move();
    if (!prepare_run(argc, error) || !check_removal(error) || !check_notify(error) ||
        !start_required(error) || !join_pod(true, argv[1], error))
        return DIST_EXIT_BERTH;
    /* With these options Start needs the result of Create first: they set the id, use a
     * configuration, or write a file. */
    if (!given->id && !given->bundle && !given->rootfs && !given->spec && !given->cid_file &&
        !given->replace)
        return run_at_once(argv + 1, error);
    g_autofree char *id = dist_run_create(true, argv + 1, error);
    if (!id)
        return DIST_EXIT_BERTH;
    if (!dist_run_given.detach) {
        bool terminal = dist_run_given.terminal;
        /* A configuration itself says whether its process has a terminal. */
        if (dist_run_given.bundle || dist_run_given.spec)
            dist_container_find_terminal(id, &terminal, NULL);
        int status = dist_start_in_foreground(NULL, "Start", id, terminal, false, error);
        clean_up(DIST_CREATION_DONE, id, argv[1], *error);
        return status;
    }
    return dist_start_detached("Start", id, detached_streams(), error) ? EXIT_SUCCESS
                                                                       : DIST_EXIT_BERTH;
}

/* A container stopped by SIGTERM, because its unit is being stopped, is not a failure of the unit:
 * dist ends by the same signal, which a shell sees as the same status and systemd as a clean exit.
 */
static int verb_run(char **argv, GError **error) {
    int status = run_container(argv, error);

    /* The user probably typed "dist run alpine -it sh". */
    if (*error && (*error)->code == BERTH_ERROR_LAUNCH_FAILED && argv[1] && argv[2] &&
        argv[2][0] == '-') {
        g_autoptr(GError) failed = g_steal_pointer(error);
        berth_error_set(error, failed->code, _("%s; options must precede IMAGE"), failed->message);
    }
    if (*error)
        dist_unit_status_fail(*error);
    if (dist_start_was_terminated() && status == 128 + SIGTERM && !*error) {
        dist_readiness_forget();
        dist_end_by_signal(SIGTERM);
    }
    return status;
}

const DistVerb dist_run_verbs[] = {
    {.name = "run",
     .arguments = N_("IMAGE [COMMAND…]"),
     .summary = N_("Create a container and run a command in it"),
     .options = dist_run_options,
     .run = verb_run,
     .max = DIST_ANY_NUMBER,
     .flags = DIST_VERB_THERE | DIST_VERB_STRICT | DIST_VERB_RUNS,
     .example = "dist run -it --rm alpine sh"},
    {.name = "create",
     .arguments = N_("IMAGE [COMMAND…]"),
     .summary = N_("Create a container"),
     .options = dist_create_options,
     .run = verb_create,
     .max = DIST_ANY_NUMBER,
     .flags = DIST_VERB_THERE | DIST_VERB_STRICT | DIST_VERB_RUNS,
     .example = "dist create --name=web -p 8080:80 nginx"},
    {.name = "start",
     .arguments = N_("ID…"),
     .summary = N_("Start containers"),
     .options = dist_start_options,
     .run = dist_verb_start,
     .flags = DIST_VERB_THERE,
     .max = DIST_ANY_NUMBER,
     .example = "dist start web"},
    {.name = "restart",
     .arguments = N_("ID…"),
     .summary = N_("Stop containers and start them again"),
     .options = dist_restart_options,
     .run = dist_verb_restart,
     .flags = DIST_VERB_THERE,
     .max = DIST_ANY_NUMBER,
     .example = "dist restart web"},
    {.name = "restore",
     .arguments = N_("ID"),
     .summary = N_("Start a container from its checkpoint"),
     .options = dist_restore_options,
     .run = dist_verb_restore,
     .flags = DIST_VERB_THERE,
     .min = 1,
     .max = 1},
    {.name = NULL},
};
