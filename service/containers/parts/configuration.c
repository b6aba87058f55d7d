/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The configuration of a container, as its properties show it. config.json is written once,
 * together with the container, and is the only copy. It is read when it is first requested, so that
 * neither a start nor a list of other properties pays for it. The result stays in the part's slot
 * until the container is freed.
 */

#include "containers/parts/configuration.h"

#include "base/document.h"
#include "base/limits.h"

#include <string.h>

static void mount_info_free(gpointer data) {
    BerthMountInfo *mount = data;

    g_free(mount->destination);
    g_free(mount->type);
    g_free(mount->source);
    g_strfreev(mount->options);
    g_free(mount);
}

static void configuration_free(BerthConfiguration *configuration) {
    g_strfreev(configuration->command);
    g_strfreev(configuration->environment);
    g_ptr_array_unref(configuration->mounts);
    g_free(configuration);
}

/* The caller releases it. */
static json_object *read_configuration(const BerthContainer *container) {
    size_t size;
    g_autofree char *text = berth_container_read_config(container, &size, NULL);

    return text ? berth_document_parse(text, size, NULL) : NULL;
}

/* Only as much of the list as fits in a reply: a configuration may have up to
 * BERTH_MAX_DOCUMENT_BYTES, which must not stay in memory. */
static char **get_strings(json_object *object, const char *member) {
    char **list = NULL;
    size_t left = BERTH_MAX_ITEM_BYTES;

    if (!object || !berth_document_get_strings(object, member, &list, NULL))
        return g_new0(char *, 1);
    for (char **string = list; *string; string++) {
        size_t length = strlen(*string) + 1;
        if (length > left) {
            for (char **rest = string; *rest; rest++)
                g_clear_pointer(rest, g_free);
            break;
        }
        left -= length;
    }
    return list;
}

static char *get_string(json_object *object, const char *member) {
    const char *value = NULL;

    if (!berth_document_get_string(object, member, &value, NULL))
        value = NULL;
    return g_strdup(value ? value : "");
}

/* The layers of an image that is mounted are directories of the service, and may be hundreds. */
static void drop_layers(char **options) {
    char **kept = options;

    for (; *options; options++)
        if (g_str_has_prefix(*options, "x-berth.layer="))
            g_free(*options);
        else
            *kept++ = *options;
    *kept = NULL;
}

/* Create allows at most BERTH_MAX_ITEM_BYTES / 64 mounts; the option Spec may contain more. */
static void configuration_add_mounts(GPtrArray *mounts, json_object *object) {
    size_t left = BERTH_MAX_ITEM_BYTES;
    json_object *array = NULL;

    if (!berth_document_get_objects(object, "mounts", &array, NULL) || !array)
        return;
    for (size_t i = 0; i < json_object_array_length(array); i++) {
        json_object *element = json_object_array_get_idx(array, i);
        BerthMountInfo *mount = g_new0(BerthMountInfo, 1);
        mount->destination = get_string(element, "destination");
        mount->type = get_string(element, "type");
        mount->source = get_string(element, "source");
        mount->options = get_strings(element, "options");
        drop_layers(mount->options);
        g_autofree char *options = g_strjoinv(",", mount->options);
        size_t length = 64 + strlen(mount->destination) + strlen(mount->type) +
                        strlen(mount->source) + strlen(options);
        if (length > left) {
            mount_info_free(mount);
            return;
        }
        left -= length;
        g_ptr_array_add(mounts, mount);
    }
}

static BerthConfiguration *configuration_new(const BerthContainer *container) {
    BerthConfiguration *configuration = g_new0(BerthConfiguration, 1);
    g_autoptr(json_object) root = read_configuration(container);
    json_object *process = NULL;

    if (root && !berth_document_get_object(root, "process", &process, NULL))
        process = NULL;
    configuration->command = get_strings(process, "args");
    configuration->environment = get_strings(process, "env");
    configuration->mounts = g_ptr_array_new_with_free_func(mount_info_free);
    if (root)
        configuration_add_mounts(configuration->mounts, root);
    return configuration;
}

const BerthConfiguration *berth_container_get_configuration(const BerthContainer *container) {
    void **slot = berth_container_slot(container, &berth_configuration_part);

    if (!*slot)
        *slot = configuration_new(container);
    return *slot;
}

char **berth_container_get_command(const BerthContainer *container) {
    g_autoptr(GVariant) noted = berth_container_record_get_extra(
        &container->record, BERTH_CONFIGURATION_COMMAND, G_VARIANT_TYPE_STRING_ARRAY);

    return noted ? g_variant_dup_strv(noted, NULL)
                 : g_strdupv(berth_container_get_configuration(container)->command);
}

static void configuration_freed(BerthContainer *container) {
    g_clear_pointer(berth_container_slot(container, &berth_configuration_part), configuration_free);
}

const BerthPart berth_configuration_part = {
    .name = "configuration",
    .freed = configuration_freed,
};
