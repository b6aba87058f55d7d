/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads the options of Create, Start and Restore from a call. Most options of Create are rows of
 * berth_create_fields, which gives their place in BerthCreateOptions; only options of other types
 * have a function here. There is no state. The caller owns the BerthCreateOptions, even if reading
 * fails.
 */

#include "base/limits.h"
#include "base/names.h"
#include "bus/container-object.h"
#include "bus/container-property.h"
#include "bus/options.h"
#include "containers/spec/image-mounts.h"
#include "containers/spec/properties.h"
#include "systemd/delegated.h"

#include <string.h>

/* A mount as it appears in a message: (descriptor or source, destination, options). */
typedef struct {
    int fd;
    const char *source, *destination;
    char **options;
} MountArgument;

/* The limit is applied after the mount was checked: a list of any length then costs no more than
 * its checks. */
static bool create_options_add_mount(BerthCreateOptions *options, const MountArgument *given,
                                     GError **error) {
    BerthMountRequest *request =
        given->source && berth_image_mount_is(given->options)
            ? berth_image_mount_new(given->source, given->destination, given->options, error)
        : given->source ? berth_mount_request_new(given->source, given->destination, given->options,
                                                  options->owner, error)
                        : berth_mount_request_new_bind(given->fd, given->destination,
                                                       given->options, options->owner, error);

    if (!request)
        return false;
    if (options->mounts->len >= BERTH_MAX_MOUNTS) {
        berth_mount_request_free(request);
        return berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED, "more than %u mounts",
                               BERTH_MAX_MOUNTS);
    }
    g_ptr_array_add(options->mounts, request);
    return true;
}

static int read_mount_argument(sd_bus_message *call, bool binds, BerthCreateOptions *options,
                               sd_bus_error *ret_error) {
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) flags = NULL;
    MountArgument given = {.fd = -1};
    int r;

    r = binds ? sd_bus_message_read(call, "hs", &given.fd, &given.destination)
              : sd_bus_message_read(call, "ss", &given.source, &given.destination);
    if (r < 0 || (r = sd_bus_message_read_strv(call, &flags)) < 0)
        return r;
    given.options = flags;
    return create_options_add_mount(options, &given, &error)
               ? 1
               : berth_bus_error_set(ret_error, error);
}

/* Both options add to the same list, in the order of the message. */
static int read_mount_arguments(sd_bus_message *call, bool binds, BerthCreateOptions *options,
                                sd_bus_error *error) {
    const char *type = binds ? "hsas" : "ssas";
    int r;

    if (!options->mounts)
        options->mounts = g_ptr_array_new_with_free_func(berth_mount_request_free);
    r = sd_bus_message_enter_container(call, 'v', binds ? "a(hsas)" : "a(ssas)");
    if (r < 0 || (r = sd_bus_message_enter_container(call, 'a', binds ? "(hsas)" : "(ssas)")) < 0)
        return r;
    while ((r = sd_bus_message_enter_container(call, 'r', type)) > 0)
        if ((r = read_mount_argument(call, binds, options, error)) < 0 ||
            (r = sd_bus_message_exit_container(call)) < 0)
            return r;
    if (r < 0 || (r = sd_bus_message_exit_container(call)) < 0)
        return r;
    return sd_bus_message_exit_container(call);
}

static int read_binds(sd_bus_message *call, void *value, sd_bus_error *error) {
    return read_mount_arguments(call, true, value, error);
}

static int read_other_mounts(sd_bus_message *call, void *value, sd_bus_error *error) {
    return read_mount_arguments(call, false, value, error);
}

/* Text is copied, since strings belong to the message. Choices are parsed into their enum here and
 * nowhere else. */
static bool options_take_text(BerthCreateOptions *options, const BerthCreateField *field,
                              const char *text, GError **error) {
    if (!text)
        return true;
    if (field->kind == BERTH_FIELD_CHOICE)
        return field->parse(options, text, error);
    *(char **)((char *)options + field->offset) = g_strdup(text);
    return true;
}

/* The D-Bus types of the kinds of fields. */
static const char *const field_types[] = {
    [BERTH_FIELD_TEXT] = "s",    [BERTH_FIELD_CHOICE] = "s",  [BERTH_FIELD_LIST] = "as",
    [BERTH_FIELD_MAP] = "a{ss}", [BERTH_FIELD_FLAG] = "b",    [BERTH_FIELD_NUMBER] = "t",
    [BERTH_FIELD_LIMIT] = "t",   [BERTH_FIELD_INTEGER] = "i", [BERTH_FIELD_FILE] = "h",
};

/* A property of the scope, and the options that receive it. */
typedef struct {
    const char *name;
    BerthCreateOptions *options;
} PropertyArgument;

static int read_given_property(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    const PropertyArgument *property = userdata;
    GVariant *value = NULL;

    if (berth_container_property_read(call, berth_container_property_get_type(property->name),
                                      &value) < 0)
        return sd_bus_error_setf(error, BERTH_ERROR_PREFIX "InvalidArgument",
                                 "the property \"%s\" is not of the type \"%s\"", property->name,
                                 berth_container_property_get_type(property->name));
    if (!property->options->other_limits)
        property->options->other_limits = g_variant_dict_new(NULL);
    g_variant_dict_insert_value(property->options->other_limits, property->name, value);
    return 1;
}

static bool is_field(const char *key) {
    for (size_t i = 0; berth_create_fields[i].key; i++)
        if (g_str_equal(berth_create_fields[i].key, key))
            return true;
    return false;
}

/* Adds the properties that Update() also accepts and that have no field in the table. properties is
 * the memory for them. */
static void list_create_properties(GArray *list, PropertyArgument *properties,
                                   BerthCreateOptions *options) {
    const char *name;

    for (size_t i = 0; (name = berth_container_property_get_name(i)); i++) {
        properties[i] = (PropertyArgument){name, options};
        const BerthOption option = {
            .key = name, .value = &properties[i], .read = read_given_property};
        if (!is_field(name))
            g_array_append_val(list, option);
    }
}

static size_t count_properties(void) {
    size_t count = 0;

    while (berth_container_property_get_name(count))
        count++;
    return count;
}

/* Builds the table for berth_options_read(), terminated by a zeroed element (g_array_new). Texts
 * are first read into texts and then taken over by options_take_text(); other values go directly
 * into the object. */
static GArray *list_fields(const BerthCreateField *fields, BerthCreateOptions *options,
                           const char **texts) {
    GArray *list = g_array_new(TRUE, TRUE, sizeof(BerthOption));

    for (size_t i = 0; fields[i].key; i++) {
        const BerthCreateField *field = &fields[i];
        bool is_text = field->kind == BERTH_FIELD_TEXT || field->kind == BERTH_FIELD_CHOICE;
        const BerthOption option = {
            .key = field->key,
            .type = field_types[field->kind],
            .value = is_text ? (void *)&texts[i] : (char *)options + field->offset,
        };
        g_array_append_val(list, option);
    }
    return list;
}

static GArray *list_options(BerthCreateOptions *options, const char **texts, int *provisional) {
    GArray *list = list_fields(berth_create_fields, options, texts);
    const BerthOption others[] = {
        {"Mounts", NULL, options, read_other_mounts},
        {"Binds", NULL, options, read_binds},
        {"Secrets", NULL, options, berth_container_read_secret_files},
        {"SecretFiles", NULL, options, berth_container_read_owned_secrets},
        {"SecretVariables", NULL, options, berth_container_read_secret_variables},
        {"FurtherNetworks", NULL, options, berth_container_read_further_networks},
        {"Provisional", "b", provisional},
    };

    g_array_append_vals(list, others, G_N_ELEMENTS(others));
    return list;
}

static size_t count_fields(const BerthCreateField *fields) {
    size_t count = 0;

    while (fields[count].key)
        count++;
    return count;
}

static bool take_texts(const BerthCreateField *fields, BerthCreateOptions *options,
                       const char *const *texts, GError **error) {
    for (size_t i = 0; fields[i].key; i++)
        if (!options_take_text(options, &fields[i], texts[i], error))
            return false;
    return true;
}

/* The directory is described only once, so that what is authorized is also what is mounted. If it
 * has no path, that is refused after the authorization, too. */
static void options_read_root(BerthCreateOptions *options) {
    BerthMountRequest *root =
        options->root_directory >= 0 && !options->spec
            ? berth_mount_request_new_root(options->root_directory, options->owner, NULL)
            : NULL;

    if (!root)
        return;
    options->root_mount = g_ptr_array_new_with_free_func(berth_mount_request_free);
    g_ptr_array_add(options->root_mount, root);
}

int berth_create_options_read(sd_bus_message *call, BerthCreateOptions *options,
                              sd_bus_error *ret_error) {
    g_autofree const char **texts = g_new0(const char *, count_fields(berth_create_fields));
    int provisional = 0;
    g_autofree PropertyArgument *properties = g_new0(PropertyArgument, count_properties());
    g_autoptr(GArray) list = list_options(options, texts, &provisional);
    g_autoptr(GError) error = NULL;

    list_create_properties(list, properties, options);
    int r = berth_options_read(call, (const BerthOption *)(void *)list->data, ret_error);

    if (r < 0)
        return r;
    if (!take_texts(berth_create_fields, options, texts, &error))
        return berth_bus_error_set(ret_error, error);
    /* A specification that cannot be parsed is refused after the authorization, like other invalid
     * options. */
    (void)berth_create_options_parse_spec(options, NULL);
    options_read_root(options);
    options->client = g_strdup(sd_bus_message_get_sender(call));
    if (provisional)
        options->creator = g_strdup(options->client);
    berth_create_options_set_properties(options);
    return r;
}

int berth_pod_options_read(sd_bus_message *call, BerthCreateOptions *options,
                           sd_bus_error *ret_error) {
    g_autofree const char **texts = g_new0(const char *, count_fields(berth_pod_fields));
    g_autoptr(GArray) list = list_fields(berth_pod_fields, options, texts);
    const BerthOption further = {"FurtherNetworks", NULL, options,
                                 berth_container_read_further_networks};
    g_autoptr(GError) error = NULL;

    g_array_append_val(list, further);
    int r = berth_options_read(call, (const BerthOption *)(void *)list->data, ret_error);

    if (r < 0)
        return r;
    if (!take_texts(berth_pod_fields, options, texts, &error))
        return berth_bus_error_set(ret_error, error);
    berth_create_options_set_properties(options);
    return r;
}

int berth_container_find_cgroup(sd_bus_message *call, BerthService *service,
                                BerthCreateOptions *options, sd_bus_error *ret_error) {
    const BerthCaller *caller =
        berth_access_find_caller(service->access, sd_bus_message_get_sender(call));
    g_autoptr(GError) error = NULL;

    if (options->cgroup != BERTH_CGROUP_CALLER)
        return 0;
    options->cgroup_parent =
        berth_delegated_find(caller ? (pid_t)caller->pid : 0, caller ? caller->started : 0,
                             options->owner, &options->cgroup_managed, &error);
    return options->cgroup_parent ? 0 : berth_bus_error_set(ret_error, error);
}

char *berth_create_options_list_volumes(const BerthCreateOptions *options) {
    GString *list = g_string_new(NULL);

    for (guint i = 0; options->mounts && i < options->mounts->len; i++) {
        const BerthMountRequest *mount = options->mounts->pdata[i];
        if (mount->volume)
            g_string_append_printf(list, "%s%s", list->len ? " " : "", mount->volume);
    }
    return g_string_free(list, list->len == 0);
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
        if (!berth_name_is_descriptor(name))
            return sd_bus_error_setf(error, BERTH_ERROR_PREFIX "InvalidArgument",
                                     "invalid descriptor name \"%.100s\"", name);
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
