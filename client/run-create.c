/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Creates a container from dist_run_given, and pulls its image if necessary. By default Create
 * comes first, and the image is pulled only if that fails because the service does not have it: if
 * the image is there, no other call is needed and no registry is contacted.
 */

#include "client/run-create.h"

#include "client/bundle.h"
#include "client/bus.h"
#include "client/descriptor-limit.h"
#include "client/env-merge.h"
#include "client/format.h"
#include "client/mounts.h"
#include "client/network-options.h"
#include "client/pull.h"
#include "client/run-limits.h"
#include "client/run-process.h"
#include "client/scope-limits.h"
#include "client/secrets.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

/* How often --replace tries to replace a container. */
enum { MAX_REPLACEMENTS = 10 };
/* How often Create is repeated after the service was killed: for about eleven seconds. */
enum { MAX_LOSSES = 20 };

static const DistRunOptions *const given = &dist_run_given;

/* The service does not know the caller's group, so that of keep-id is this process's. The caller
 * frees the text. */
static char *format_user_namespace(void) {
    static const char keep[] = "keep-id";
    const char *text = given->user_namespace;

    if (!text)
        return given->privileged ? g_strdup("host") : NULL;
    if (!g_str_has_prefix(text, keep) || strstr(text, "gid="))
        return g_strdup(text);
    return g_strdup_printf("%s%cgid=%u", text, strchr(text, ':') ? ',' : ':', (unsigned)getgid());
}

/* --privileged only changes defaults: a profile or user namespace given explicitly is kept. */
static int append_texts(sd_bus_message *call) {
    g_autofree char *user_namespace = format_user_namespace();
    /* In a script, the value may be an empty variable. */
    bool has_directory = given->working_directory && given->working_directory[0];
    const struct {
        const char *key, *value;
    } texts[] = {
        {"WorkingDirectory", has_directory ? given->working_directory : NULL},
        {"User", given->user},
        {"Hostname", given->hostname},
        {"StopSignal", given->stop_signal},
        {"Slice", given->slice},
        {"Pod", given->pod},
        {"Seccomp", given->privileged && !given->seccomp ? "unconfined" : given->seccomp},
        {"AppArmorProfile", given->apparmor},
        {"UserNamespace", user_namespace},
        {"PIDNamespace", given->pid_namespace},
        {"UTSNamespace", given->uts_namespace},
        {"IPCNamespace", given->ipc_namespace},
        {"Restart", given->restart},
        {"HealthOnFailure", given->health_action},
        {"Cgroup", given->with_caller ? "caller" : NULL},
    };
    int r = 0;

    for (size_t i = 0; r >= 0 && i < G_N_ELEMENTS(texts); i++)
        if (texts[i].value)
            r = sd_bus_message_append(call, "{sv}", texts[i].key, "s", texts[i].value);
    return r;
}

static int append_numbers(sd_bus_message *call) {
    const struct {
        const char *key;
        uint64_t value;
    } numbers[] = {
        {"HealthIntervalUSec", given->health_interval_usec},
        {"HealthTimeoutUSec", given->health_timeout_usec},
        {"HealthStartPeriodUSec", given->health_start_usec},
        {"HealthStartIntervalUSec", given->health_start_interval_usec},
        {"HealthRetries", given->health_retries},
        {"RestartLimit", given->restart_limit},
    };
    int r = 0;

    for (size_t i = 0; r >= 0 && i < G_N_ELEMENTS(numbers); i++)
        if (numbers[i].value > 0)
            r = sd_bus_message_append(call, "{sv}", numbers[i].key, "t", numbers[i].value);
    if (r >= 0 && given->has_stop_timeout)
        r = sd_bus_message_append(call, "{sv}", "StopTimeoutUSec", "t", given->stop_timeout_usec);
    return r;
}

static int append_health(sd_bus_message *call) {
    const char *none[] = {"NONE", NULL}, *shell[] = {"CMD-SHELL", given->health_command, NULL};

    if (given->no_health)
        return dist_append_strings(call, "HealthCommand", (char *const *)none);
    return given->health_command ? dist_append_strings(call, "HealthCommand", (char *const *)shell)
                                 : 0;
}

static int append_flags(sd_bus_message *call) {
    const struct {
        const char *key;
        gboolean value;
    } flags[] = {
        {"ReadOnly", given->read_only},   {"AutoRemove", given->remove},
        {"UnitBound", given->unit_bound}, {"Terminal", given->terminal},
        {"Autostart", given->autostart},  {"PublishAll", dist_network_publishes_all()},
    };
    int r = 0;

    for (size_t i = 0; r >= 0 && i < G_N_ELEMENTS(flags); i++)
        if (flags[i].value)
            r = sd_bus_message_append(call, "{sv}", flags[i].key, "b", 1);
    return r;
}

/* root is a directory instead of an image, or NULL. */
static int append_options(sd_bus_message *call, bool runs, const char *root, char *const *command,
                          unsigned *descriptors, GError **error) {
    char *all[] = {(char *)"ALL", NULL};
    g_autofree char *config = given->bundle ? g_build_filename(given->bundle, "config.json", NULL)
                                            : g_strdup(given->spec);
    const DistMounts mounts = {given->volumes, given->own_volumes, given->tmpfs, given->images,
                               config};
    int r;

    *descriptors = root || given->bundle ? 1 : 0;
    if ((r = sd_bus_message_open_container(call, 'a', "{sv}")) < 0 ||
        (r = dist_append_strings(call, "Command", command)) < 0 ||
        (r = dist_append_strings(call, "Env", given->environment)) < 0 ||
        (r = dist_append_strings(call, "CapabilitiesAdd", given->privileged ? all : given->add)) <
            0 ||
        (r = dist_append_strings(call, "CapabilitiesDrop", given->drop)) < 0 ||
        (r = dist_append_strings(call, "MaskedPaths", given->masked)) < 0 ||
        (r = dist_append_strings(call, "UnmaskedPaths", given->unmasked)) < 0 ||
        (r = dist_append_labels(call, "Labels", given->labels)) < 0 ||
        (r = append_texts(call)) < 0 || (r = append_numbers(call)) < 0 ||
        (r = dist_append_strings(call, "Devices", given->devices)) < 0 ||
        (r = dist_append_strings(call, "Ports", given->ports)) < 0 ||
        (r = dist_append_network(call, error)) < 0 ||
        (r = dist_run_process_append(call, error)) < 0 ||
        (r = dist_limits_append(call, error)) < 0 ||
        (r = dist_run_limits_append(call, error)) < 0 || (r = append_health(call)) < 0 ||
        (r = append_flags(call)) < 0 ||
        /* The service deletes the container if dist is killed before it has started it. */
        (runs && (r = sd_bus_message_append(call, "{sv}", "Provisional", "b", 1)) < 0) ||
        (given->bundle && (r = dist_append_bundle(call, given->bundle, error)) < 0) ||
        (given->spec && (r = dist_append_spec(call, given->spec, error)) < 0) ||
        (root && (r = dist_append_root(call, root, error)) < 0) ||
        (r = dist_append_secrets(call, given->secrets, given->credentials, descriptors, error)) <
            0 ||
        (r = dist_append_mounts(call, &mounts, descriptors, error)) < 0)
        return r;
    return sd_bus_message_close_container(call);
}

/* The reply is the path of the new container's object; the caller frees the id. */
static char *read_id(sd_bus_message *reply, GError **error) {
    const char *path;
    char *id = NULL;
    int r;

    if ((r = sd_bus_message_read(reply, "o", &path)) < 0 ||
        (r = sd_bus_path_decode(path, "/org/berth1/containers", &id)) <= 0)
        dist_bad_reply(r, error);
    return id;
}

/* provisional: see append_options(). source is the image, or the directory of --rootfs; "" for a
 * bundle. error is set for options that read files; other failures are
 * sd-bus's. */
static sd_bus_message *new_create(const char *id, bool provisional, const char *source,
                                  char *const *command, GError **error) {
    const char *image = given->rootfs ? "" : source, *root = given->rootfs ? source : NULL;
    g_autoptr(GError) local = NULL;
    g_autoptr(sd_bus_message) call = dist_new_call(error, DIST_CONTAINERS, "Create");
    unsigned descriptors;
    int r;

    if (!call)
        return NULL;
    if ((r = sd_bus_message_append(call, "ss", id, image)) < 0 ||
        (r = append_options(call, provisional, root, command, &descriptors, &local)) < 0) {
        if (!local)
            dist_bad_reply(r, &local);
        g_propagate_error(error, g_steal_pointer(&local));
        return NULL;
    }
    return dist_check_descriptors(descriptors, error) ? g_steal_pointer(&call) : NULL;
}

/* If the service is killed before it replies, the call is repeated. If it did create the container,
 * it deletes it when dist closes its connection, because it is provisional; until then the id is
 * taken. */
static char *call_create(bool provisional, const char *source, char *const *command,
                         GError **error) {
    for (unsigned losses = 0;; losses++) {
        g_autoptr(GError) local = NULL;
        bool lost = false;
        sd_bus_message *call =
            new_create(given->id ? given->id : "", provisional, source, command, &local);
        g_autoptr(sd_bus_message) reply = call ? dist_send_once(call, &lost, &local) : NULL;
        if (reply)
            return read_id(reply, error);
        bool taken = losses > 0 && g_error_matches(local, BERTH_ERROR, BERTH_ERROR_ALREADY_EXISTS);
        if (!provisional || (!lost && !taken) || losses == MAX_LOSSES) {
            g_propagate_error(error, g_steal_pointer(&local));
            return NULL;
        }
        if (lost && !dist_bus_reconnect(error))
            return NULL;
        if (taken)
            g_usleep(dist_absence_delay_usec(losses));
    }
}

sd_bus_message *dist_run_new_create(const char *id, const char *image, char *const *command,
                                    GError **error) {
    return new_create(id, true, image, command, error);
}

/* In the form that the service uses. */
char *dist_run_make_id(void) {
    uint64_t random = 0;

    while (getrandom(&random, sizeof random, 0) != sizeof random)
        ;
    return g_strdup_printf("%012" PRIx64, random >> 16);
}

static bool image_is_here(const char *name) {
    g_autoptr(sd_bus_message) reply = dist_call(NULL, DIST_IMAGES, "Get", "sa{sv}", name, 0);

    return reply != NULL;
}

/* NotFound may also refer to a network or a volume. */
bool dist_run_lacks_image(const char *image, const GError *error) {
    return given->pull == DIST_PULL_MISSING &&
           g_error_matches(error, BERTH_ERROR, BERTH_ERROR_NOT_FOUND) && !image_is_here(image);
}

bool dist_run_prepare_image(const char *image, bool *pulled, GError **error) {
    bool pulls = given->pull == DIST_PULL_ALWAYS ||
                 (given->merged && given->pull == DIST_PULL_MISSING && !image_is_here(image));

    /* A pull drops a query, and no image here has one in its name. */
    if (strchr(image, '?'))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               _("invalid image name \"%s\": %s"), image,
                               _("not a name of an image"));
    if (pulls && !dist_pull(image, given->insecure, error))
        return false;
    if (pulled)
        *pulled = pulls;
    if (!dist_env_merge(image, given->merged, &dist_run_given.environment, error))
        return false;
    /* Merged only once: --replace may have to create the container again. */
    dist_run_given.merged = NULL;
    return true;
}

bool dist_run_require_image(const char *image, GError **error) {
    if (!dist_run_prepare_image(image, NULL, error))
        return false;
    if (given->pull == DIST_PULL_MISSING && !image_is_here(image) &&
        !dist_pull(image, given->insecure, error))
        return false;
    /* What was pulled now is not pulled again for Create. */
    if (given->pull == DIST_PULL_ALWAYS)
        dist_run_given.pull = DIST_PULL_NEVER;
    return true;
}

/* Pulls at most once: after that, NotFound is an error. */
static char *create_from_image(bool provisional, const char *name, char *const *command,
                               GError **error) {
    g_autoptr(GError) local = NULL;

    if (!dist_run_prepare_image(name, NULL, error))
        return NULL;
    char *id = call_create(provisional, name, command, &local);
    if (id)
        return id;
    if (!dist_run_lacks_image(name, local)) {
        g_propagate_error(error, g_steal_pointer(&local));
        return NULL;
    }
    return dist_pull(name, given->insecure, error) ? call_create(provisional, name, command, error)
                                                   : NULL;
}

/* As in podman-run(1), the file must not exist: it may belong to another container. */
static bool check_cid_file(GError **error) {
    return !given->cid_file || !g_file_test(given->cid_file, G_FILE_TEST_EXISTS) ||
           berth_error_set(error, BERTH_ERROR_ALREADY_EXISTS, _("--cidfile: %s exists already"),
                           given->cid_file);
}

static char *create_of_any(bool provisional, char *const *arguments, GError **error) {
    if (given->bundle)
        return call_create(provisional, "", arguments, error);
    if (given->rootfs)
        return call_create(provisional, arguments[0], arguments + 1, error);
    g_autofree char *name = dist_complete_reference(arguments[0]);
    return create_from_image(provisional, name, arguments + 1, error);
}

/* After the old container is deleted, another dist may create one with this id, for example if a
 * unit is restarted while it starts: the last one wins. */
static char *create_in_place(bool provisional, char *const *arguments, GError **error) {
    for (unsigned i = 0; i < MAX_REPLACEMENTS; i++) {
        g_autoptr(GError) local = NULL;
        if (!dist_delete_replaced(DIST_CONTAINERS, given->id, error))
            return NULL;
        char *id = create_of_any(provisional, arguments, &local);
        if (id)
            return id;
        if (i + 1 == MAX_REPLACEMENTS ||
            !g_error_matches(local, BERTH_ERROR, BERTH_ERROR_ALREADY_EXISTS)) {
            g_propagate_error(error, g_steal_pointer(&local));
            return NULL;
        }
    }
    return NULL;
}

/* The file of --cidfile is written last, once the id is known. */
char *dist_run_create(bool provisional, char *const *arguments, GError **error) {
    g_autofree char *id = NULL;

    if (given->replace && !given->id)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "%s",
                               _("--replace needs --name")),
               NULL;
    if (!check_cid_file(error))
        return NULL;
    id = given->replace ? create_in_place(provisional, arguments, error)
                        : create_of_any(provisional, arguments, error);
    if (id && given->cid_file && !g_file_set_contents(given->cid_file, id, -1, error))
        return NULL;
    return g_steal_pointer(&id);
}
