/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The options of Create, Start and Restore as they come over the bus. */

#include "bus/container-object.h"
#include "bus/options.h"
#include "containers/spec/mounts.h"

#include <string.h>

enum { MAX_MOUNTS = 512, MAX_DESCRIPTOR_NAME = 255 };

void berth_container_options_clear(BerthContainerOptions *options) {
    g_strfreev(options->command);
    g_strfreev(options->environment);
    g_strfreev(options->capabilities_add);
    g_strfreev(options->capabilities_drop);
    g_strfreev(options->labels);
    g_strfreev(options->devices);
    g_strfreev(options->ports);
    g_strfreev(options->health_command);
    g_clear_pointer(&options->mounts, g_ptr_array_unref);
    g_clear_pointer(&options->properties, g_variant_unref);
}

typedef struct {
    const char *name;
    uint64_t value;
} Limit;

static void take_limits(BerthContainerOptions *options, const Limit *limits, size_t count) {
    g_auto(GVariantDict) properties = G_VARIANT_DICT_INIT(NULL);

    for (size_t i = 0; i < count; i++)
        if (limits[i].value > 0)
            g_variant_dict_insert(&properties, limits[i].name, "t", limits[i].value);
    options->properties = g_variant_ref_sink(g_variant_dict_end(&properties));
}

/* A mount of the caller's wish: (descriptor or source, destination, options). */
typedef struct {
    int fd;
    const char *source, *destination;
    char **options;
} Wish;

static bool add_mount(BerthContainerOptions *options, const Wish *wish, GError **error) {
    BerthMountRequest *request =
        wish->source ? berth_mount_request_new(wish->source, wish->destination, wish->options,
                                               options->owner, error)
                     : berth_mount_request_new_bind(wish->fd, wish->destination, wish->options,
                                                    options->owner, error);

    if (!request)
        return false;
    if (options->mounts->len >= MAX_MOUNTS) {
        berth_mount_request_free(request);
        return berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED, "more than %d mounts",
                               MAX_MOUNTS);
    }
    g_ptr_array_add(options->mounts, request);
    return true;
}

static int read_mount(sd_bus_message *call, bool binds, BerthContainerOptions *options,
                      sd_bus_error *ret_error) {
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) flags = NULL;
    Wish wish = {.fd = -1};
    int r;

    r = binds ? sd_bus_message_read(call, "hs", &wish.fd, &wish.destination)
              : sd_bus_message_read(call, "ss", &wish.source, &wish.destination);
    if (r < 0 || (r = sd_bus_message_read_strv(call, &flags)) < 0)
        return r;
    wish.options = flags;
    return add_mount(options, &wish, &error) ? 1 : berth_bus_error_set(ret_error, error);
}

static int read_mounts(sd_bus_message *call, bool binds, BerthContainerOptions *options,
                       sd_bus_error *error) {
    const char *type = binds ? "hsas" : "ssas";
    int r;

    if (!options->mounts)
        options->mounts = g_ptr_array_new_with_free_func(berth_mount_request_free);
    r = sd_bus_message_enter_container(call, 'v', binds ? "a(hsas)" : "a(ssas)");
    if (r < 0 || (r = sd_bus_message_enter_container(call, 'a', binds ? "(hsas)" : "(ssas)")) < 0)
        return r;
    while ((r = sd_bus_message_enter_container(call, 'r', type)) > 0)
        if ((r = read_mount(call, binds, options, error)) < 0 ||
            (r = sd_bus_message_exit_container(call)) < 0)
            return r;
    if (r < 0 || (r = sd_bus_message_exit_container(call)) < 0)
        return r;
    return sd_bus_message_exit_container(call);
}

static int read_binds(sd_bus_message *call, void *value, sd_bus_error *error) {
    return read_mounts(call, true, value, error);
}

static int read_other_mounts(sd_bus_message *call, void *value, sd_bus_error *error) {
    return read_mounts(call, false, value, error);
}

int berth_container_options_read(sd_bus_message *call, BerthContainerOptions *options,
                                 sd_bus_error *error) {
    Limit limits[] = {
        {"MemoryMax", 0}, {"TasksMax", 0}, {"CPUQuotaPerSecUSec", 0}, {"CPUWeight", 0}};
    uint64_t stop_timeout_usec = UINT64_MAX;
    int provisional = 0;
    const BerthOption known[] = {
        {"Command", "as", &options->command},
        {"Env", "as", &options->environment},
        {"WorkingDirectory", "s", &options->working_directory},
        {"User", "s", &options->user},
        {"Hostname", "s", &options->hostname},
        {"Terminal", "b", &options->terminal},
        {"ReadOnly", "b", &options->read_only},
        {"Labels", "a{ss}", &options->labels},
        {"Mounts", NULL, options, read_other_mounts},
        {"Binds", NULL, options, read_binds},
        {"Devices", "as", &options->devices},
        {"Network", "s", &options->network},
        {"Ports", "as", &options->ports},
        {"HealthCommand", "as", &options->health_command},
        {"HealthIntervalUSec", "t", &options->health_interval_usec},
        {"HealthTimeoutUSec", "t", &options->health_timeout_usec},
        {"HealthStartPeriodUSec", "t", &options->health_start_usec},
        {"HealthRetries", "t", &options->health_retries},
        {"UserNamespace", "s", &options->user_namespace},
        {"CapabilitiesAdd", "as", &options->capabilities_add},
        {"CapabilitiesDrop", "as", &options->capabilities_drop},
        {"Seccomp", "s", &options->seccomp},
        {"Spec", "s", &options->spec},
        {"RootDirectory", "h", &options->root_directory},
        {"MemoryMax", "t", &limits[0].value},
        {"TasksMax", "t", &limits[1].value},
        {"CPUQuotaPerSecUSec", "t", &limits[2].value},
        {"CPUWeight", "t", &limits[3].value},
        {"Slice", "s", &options->slice},
        {"Restart", "s", &options->restart},
        {"Autostart", "b", &options->autostart},
        {"StopSignal", "s", &options->stop_signal},
        {"StopTimeoutUSec", "t", &stop_timeout_usec},
        {"AutoRemove", "b", &options->auto_remove},
        {"Provisional", "b", &provisional},
        {NULL, NULL, NULL},
    };
    int r = berth_options_read(call, known, error);

    options->has_stop_timeout = stop_timeout_usec != UINT64_MAX;
    options->stop_timeout_usec = stop_timeout_usec;
    if (provisional)
        options->creator = sd_bus_message_get_sender(call);
    if (r >= 0)
        take_limits(options, limits, G_N_ELEMENTS(limits));
    return r;
}

char *berth_container_options_list_volumes(const BerthContainerOptions *options) {
    GString *list = g_string_new(NULL);

    for (guint i = 0; options->mounts && i < options->mounts->len; i++) {
        const BerthMountRequest *mount = options->mounts->pdata[i];
        if (mount->volume)
            g_string_append_printf(list, "%s%s", list->len ? " " : "", mount->volume);
    }
    return g_string_free(list, list->len == 0);
}

/* As systemd has names of descriptors: printable, and without the colon that is between them. */
static bool is_descriptor_name(const char *name) {
    size_t length = strlen(name);

    for (const char *c = name; *c; c++)
        if (!g_ascii_isprint(*c) || *c == ':')
            return false;
    return length > 0 && length <= MAX_DESCRIPTOR_NAME;
}

int berth_container_read_descriptors(sd_bus_message *message, void *value, sd_bus_error *error) {
    BerthContainerStreams *streams = value;
    const char *name;
    int descriptor;
    int r = sd_bus_message_enter_container(message, 'v', "a(sh)");

    if (r < 0 || (r = sd_bus_message_enter_container(message, 'a', "(sh)")) < 0)
        return r;
    while ((r = sd_bus_message_read(message, "(sh)", &name, &descriptor)) > 0) {
        if (streams->count == BERTH_MAX_DESCRIPTORS)
            return sd_bus_error_setf(error, BERTH_ERROR_PREFIX "InvalidArgument",
                                     "more than %d descriptors", BERTH_MAX_DESCRIPTORS);
        if (!is_descriptor_name(name))
            return sd_bus_error_setf(error, BERTH_ERROR_PREFIX "InvalidArgument",
                                     "\"%.100s\" is no name of a descriptor", name);
        streams->names[streams->count] = name;
        streams->descriptors[streams->count++] = descriptor;
    }
    if (r < 0 || (r = sd_bus_message_exit_container(message)) < 0)
        return r;
    return sd_bus_message_exit_container(message);
}

int berth_container_read_streams(sd_bus_message *call, BerthContainerStreams *streams,
                                 sd_bus_error *error) {
    const BerthOption options[] = {
        {"Stdin", "h", &streams->input},
        {"Stdout", "h", &streams->output},
        {"Stderr", "h", &streams->error},
        {"Descriptors", NULL, streams, berth_container_read_descriptors},
        {NULL, NULL, NULL},
    };

    *streams = (BerthContainerStreams)BERTH_CONTAINER_NO_STREAMS;
    return berth_options_read(call, options, error);
}
