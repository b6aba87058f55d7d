/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The record of a new container. Most of it comes from the options of Create, the rest from the
 * image, the configuration and berth.conf as they are now; later changes to those do not affect it.
 * The caller owns the record, which is not on disk yet. The one thing to know: the configuration is
 * applied last and takes precedence.
 */

#include "containers/create-record.h"

#include "base/labels.h"
#include "base/signals.h"
#include "containers/core/pod.h"
#include "containers/core/secrets.h"
#include "containers/parts/configuration.h"
#include "containers/parts/pinned.h"
#include "containers/parts/pods.h"
#include "containers/parts/provisional.h"
#include "containers/parts/restart.h"
#include "containers/spec/health-options.h"
#include "containers/spec/mounts.h"
#include "containers/spec/network-endpoints.h"
#include "containers/spec/network-options.h"
#include "containers/spec/spec.h"

#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#define DEFAULT_STOP_TIMEOUT_USEC (10ull * G_USEC_PER_SEC)

enum { MAX_NOTED_COMMAND = 1024 };

/* The chain ID of a container that is not based on an image. */
#define NO_CHAIN "-"

/* How many words of the command are the entrypoint. A caller's own configuration has none. */
static void note_entrypoint(GVariantDict *extra, const BerthCreateOptions *options,
                            const BerthImageInfo *image) {
    size_t count = options->spec || options->pod_exit != BERTH_POD_NOT
                       ? 0
                       : berth_spec_count_entrypoint(options, image);

    if (count > 0)
        g_variant_dict_insert(extra, BERTH_ENTRYPOINT_WORDS, "t", (uint64_t)count);
}

/* What the parts of containers keep in the record. */
static GVariant *make_extra(const BerthCreateOptions *options, const BerthImageInfo *image) {
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    g_auto(GVariantDict) extra = G_VARIANT_DICT_INIT(NULL);

    for (guint i = 0; options->mounts && i < options->mounts->len; i++) {
        const BerthMountRequest *mount = options->mounts->pdata[i];
        if (mount->volume)
            g_ptr_array_add(names, mount->volume);
    }
    g_variant_dict_insert_value(
        &extra, "Volumes",
        g_variant_new_strv((const char *const *)names->pdata, (gssize)names->len));
    g_variant_dict_insert_value(
        &extra, "Ports",
        g_variant_new_strv((const char *const *)options->ports, options->ports ? -1 : 0));
    if (image)
        g_variant_dict_insert_value(&extra, "ExposedPorts",
                                    g_variant_new_strv((const char *const *)image->ports, -1));
    note_entrypoint(&extra, options, image);
    GVariant *health = berth_health_make_options(options, image);
    if (health)
        g_variant_dict_insert_value(&extra, "Health", health);
    berth_network_options_store(&extra, options);
    berth_network_endpoints_store(&extra, options->additional_endpoints);
    if (options->restart_limit > 0)
        g_variant_dict_insert(&extra, BERTH_RESTART_LIMIT, "t", options->restart_limit);
    if (options->secrets) {
        g_autofree char *name = berth_secrets_new_name();
        g_variant_dict_insert(&extra, BERTH_SECRETS_NAME, "s", name);
    }
    if (options->pinned)
        g_variant_dict_insert_value(&extra, BERTH_PINNED,
                                    g_variant_new_strv((const char *const *)options->pinned, -1));
    if (options->cgroup_parent)
        g_variant_dict_insert(&extra, BERTH_CGROUP_PARENT, "s", options->cgroup_parent);
    if (options->cgroup_managed != 0)
        g_variant_dict_insert(&extra, BERTH_CGROUP_PARENT_MANAGED, "t", options->cgroup_managed);
    if (options->bound_unit)
        g_variant_dict_insert(&extra, BERTH_BOUND_UNIT, "s", options->bound_unit);
    if (options->pod)
        g_variant_dict_insert(&extra, BERTH_POD, "s", options->pod);
    if (options->network_mode == BERTH_NETWORK_JOINED)
        g_variant_dict_insert(&extra, BERTH_JOINED_CREATED, "t", options->pod_created);
    if (options->pod_exit != BERTH_POD_NOT)
        g_variant_dict_insert(&extra, BERTH_POD_EXIT_POLICY, "s",
                              options->pod_exit == BERTH_POD_EXIT_STOP ? "stop" : "continue");
    if (options->pod_exit != BERTH_POD_NOT)
        g_variant_dict_insert(&extra, BERTH_POD_HOSTNAME, "s",
                              options->hostname ? options->hostname : options->id);
    berth_provisional_store_creator(&extra, options->creator);
    return g_variant_ref_sink(g_variant_dict_end(&extra));
}

/* For users, the smaller of the two limits; 0 means no limit. */
static uint64_t choose_default(const BerthNewContainer *creation, uint64_t all, uint64_t users) {
    if (creation->options->owner == 0 || users == 0)
        return all;
    return all == 0 ? users : MIN(all, users);
}

/* Limits that the caller has not given come from berth.conf, or from the caller's unit. */
static GVariant *add_record_defaults(const BerthNewContainer *creation) {
    const BerthSettings *settings = creation->settings;
    g_auto(GVariantDict) properties = G_VARIANT_DICT_INIT(creation->options->properties);
    const struct {
        const char *name;
        uint64_t value;
    } defaults[] = {{"MemoryMax", choose_default(creation, settings->default_memory_max,
                                                 settings->user_memory_max)},
                    {"TasksMax", choose_default(creation, settings->default_tasks_max,
                                                settings->user_tasks_max)}};

    for (size_t i = 0; i < G_N_ELEMENTS(defaults); i++)
        if (!creation->options->cgroup_parent && defaults[i].value > 0 &&
            !g_variant_dict_contains(&properties, defaults[i].name))
            g_variant_dict_insert(&properties, defaults[i].name, "t", defaults[i].value);
    return g_variant_ref_sink(g_variant_dict_end(&properties));
}

/* Everything except what the configuration determines; take_plan() follows and takes precedence. */
static void fill_record(BerthContainerRecord *record, const BerthNewContainer *creation) {
    const BerthImageInfo *image = creation->image;
    const BerthCreateOptions *options = creation->options;
    bool is_system = !options->spec && options->pod_exit == BERTH_POD_NOT &&
                     berth_spec_is_system(options, image);
    const char *of_image = image && image->stop_signal[0] ? image->stop_signal
                           : is_system                    ? "SIGRTMIN+3"
                                                          : "";
    /* The caller's signal, that of the image (config.md, "StopSignal"), or that of an init that is
     * systemd (SIGRTMIN+3 halts it, systemd(1)). SIGTERM if there is none, or this kernel does not
     * have it. */
    int signal = berth_signal_parse(options->stop_signal ? options->stop_signal : of_image);

    *record = (BerthContainerRecord){
        .id = g_strdup(options->id),
        .image = g_strdup(options->image),
        .owner = options->owner,
        .state = BERTH_CONTAINER_CREATED,
        .created_usec = (uint64_t)g_get_real_time(),
        .first = {.container = g_strdup(options->id),
                  .id = g_strdup(""),
                  .status = BERTH_STATUS_UNKNOWN},
        .labels = berth_labels_merge(image ? image->labels : NULL, options->labels),
        .chain_id = g_strdup(image ? image->chain_id : NO_CHAIN),
        .systemd = is_system,
        .slice = g_strdup(options->slice),
        .stop_signal = signal > 0 ? signal : SIGTERM,
        .stop_timeout_usec = options->stop_timeout_usec == UINT64_MAX ? DEFAULT_STOP_TIMEOUT_USEC
                                                                      : options->stop_timeout_usec,
        .auto_remove = options->auto_remove,
        .terminal = options->terminal,
        .autostart = options->autostart,
        .restart = options->restart,
        .network = g_strdup(options->network ? options->network : "none"),
        .root = g_strdup(creation->root ? creation->root : ""),
        .ids = creation->ids,
        .extra = make_extra(options, image),
        .properties = add_record_defaults(creation),
    };
}

/* Device access is limited to listed devices, whatever a container mounts or creates: with the
 * host's user ids a single capability is enough to create any device node, and in a user namespace
 * nodev may be undone. A container with all capabilities gets all devices, and a caller's own
 * configuration lists its devices itself. */
static bool closes_devices(const BerthNewContainer *creation) {
    const BerthCreateOptions *options = creation->options;

    for (char **name = options->capabilities_add; name && *name; name++)
        if (g_ascii_strcasecmp(*name, "ALL") == 0)
            return false;
    return !options->spec;
}

/* Lists show the command. A short one is stored here, to avoid reading the configuration for it. */
static void note_command(BerthContainerRecord *record, char *const *arguments) {
    g_autofree char *joined = arguments ? g_strjoinv(" ", (char **)arguments) : NULL;

    if (joined && strlen(joined) <= MAX_NOTED_COMMAND)
        berth_container_record_set_extra(record, BERTH_CONFIGURATION_COMMAND,
                                         g_variant_new_strv((const char *const *)arguments, -1));
}

/* Set if the container uses the host's PID namespace or joins an existing one. */
static void note_processes(BerthContainerRecord *record, const BerthPlan *plan) {
    const BerthPlanNamespace *processes = berth_plan_find_namespace(plan, CLONE_NEWPID);

    if (!processes || processes->path)
        berth_container_record_set_extra(record, BERTH_LEAVES_PROCESSES,
                                         g_variant_new_boolean(TRUE));
}

/* What the configuration determines about the scope and the record: limits, slice, terminal,
 * devices. */
static void take_plan(BerthContainerRecord *record, const BerthNewContainer *creation) {
    const BerthPlan *plan = creation->plan;
    const BerthDeviceEdits *edits = creation->edits;
    g_auto(GVariantDict) properties = G_VARIANT_DICT_INIT(record->properties);

    note_command(record, plan->arguments);
    note_processes(record, plan);
    record->terminal = plan->terminal;
    record->poststop = plan->hooks[BERTH_HOOK_POSTSTOP]->len > 0;
    if (plan->slice) {
        g_free(record->slice);
        record->slice = g_strdup(plan->slice);
    }
    for (guint i = 0; i < plan->properties->len; i++) {
        const BerthPlanProperty *property = &g_array_index(plan->properties, BerthPlanProperty, i);
        g_variant_dict_insert_value(&properties, property->name, property->value);
    }
    if (plan->device_deny || edits->devices->len > 0 || closes_devices(creation)) {
        g_auto(GVariantBuilder) rules = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("a(ss)"));
        g_variant_dict_insert(&properties, "DevicePolicy", "s", "closed");
        for (guint i = 0; i < plan->device_rules->len; i++) {
            g_auto(GStrv) parts = g_strsplit(plan->device_rules->pdata[i], " ", 2);
            g_variant_builder_add(&rules, "(ss)", parts[0], parts[1]);
        }
        for (guint i = 0; i < edits->devices->len; i++) {
            const BerthDeviceRequest *device = edits->devices->pdata[i];
            g_autofree char *node =
                g_strdup_printf("/dev/%s/%u:%u", S_ISBLK(device->type) ? "block" : "char",
                                device->major, device->minor);
            g_variant_builder_add(&rules, "(ss)", node, device->access);
        }
        g_variant_dict_insert_value(&properties, "DeviceAllow", g_variant_builder_end(&rules));
    }
    if (record->properties)
        g_variant_unref(record->properties);
    record->properties = g_variant_ref_sink(g_variant_dict_end(&properties));
}

void berth_container_record_init(BerthContainerRecord *record, const BerthNewContainer *creation) {
    fill_record(record, creation);
    take_plan(record, creation);
}
