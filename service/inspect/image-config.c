/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A configuration is read once and belongs to the caller. The image's author chooses its fields;
 * the diff IDs, which the service relies on, are checked here, and base/document.h limits the rest.
 */

#include "base/digest.h"
#include "base/document.h"
#include "base/limits.h"
#include "inspect/descriptor.h"
#include "inspect/inspect.h"

void berth_image_config_free(BerthImageConfig *config) {
    if (!config)
        return;
    berth_platform_free(config->platform);
    g_strfreev(config->diff_ids);
    g_strfreev(config->entrypoint);
    g_strfreev(config->command);
    g_strfreev(config->environment);
    g_strfreev(config->volumes);
    g_strfreev(config->ports);
    g_strfreev(config->labels);
    g_strfreev(config->health);
    g_free(config->user);
    g_free(config->working_directory);
    g_free(config->stop_signal);
    g_free(config);
}

/* A missing member is "", since D-Bus has no null. */
static bool copy_string(json_object *object, const char *member, char **copy, GError **error) {
    const char *text;

    if (!berth_document_get_string(object, member, &text, error))
        return false;
    *copy = g_strdup(text ? text : "");
    return true;
}

/* The list has the interval, the time-out, the start period (in nanoseconds, as Docker writes them)
 * and the number of retries, all as decimal numbers, followed by the test. The test "NONE" disables
 * an inherited health check; the list is then empty. The start interval, a later addition of
 * Docker's, is not in the list. */
static bool read_health(json_object *object, BerthImageConfig *config, GError **error) {
    static const char *const numbers[] = {"Interval", "Timeout", "StartPeriod", "Retries"};
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);
    g_auto(GStrv) test = NULL;
    json_object *health;
    int64_t number;

    if (!berth_document_get_object(object, "Healthcheck", &health, error) ||
        (health && !berth_document_get_strings(health, "Test", &test, error)))
        return false;
    bool asks = test && test[0] && !g_str_equal(test[0], "NONE");
    if (asks) {
        if (!berth_document_get_int(health, "StartInterval", &number, error))
            return false;
        config->start_interval_nsec = (uint64_t)MAX(number, 0);
    }
    for (size_t i = 0; asks && i < G_N_ELEMENTS(numbers); i++) {
        if (!berth_document_get_int(health, numbers[i], &number, error))
            return false;
        /* Builders do not check these values. 0 selects the default. */
        g_ptr_array_add(list, g_strdup_printf("%" G_GINT64_FORMAT, MAX(number, 0)));
    }
    for (char **word = test; asks && *word; word++)
        g_ptr_array_add(list, g_strdup(*word));
    g_ptr_array_add(list, NULL);
    config->health = (char **)g_ptr_array_free(g_steal_pointer(&list), FALSE);
    return true;
}

/* Docker also accepts a string, which becomes a command of one word (strslice.StrSlice). */
static bool read_command(json_object *object, const char *member, char ***command, GError **error) {
    const char *text = NULL;

    if (!berth_document_get_string(object, member, &text, NULL) || !text)
        return berth_document_get_strings(object, member, command, error);
    *command = g_strdupv((char *[]){(char *)text, NULL});
    return true;
}

/* "config" of the image configuration, in which everything is optional. */
static bool read_execution(json_object *object, BerthImageConfig *config, GError **error) {
    return copy_string(object, "User", &config->user, error) &&
           copy_string(object, "WorkingDir", &config->working_directory, error) &&
           copy_string(object, "StopSignal", &config->stop_signal, error) &&
           read_command(object, "Entrypoint", &config->entrypoint, error) &&
           read_command(object, "Cmd", &config->command, error) &&
           berth_document_get_strings(object, "Env", &config->environment, error) &&
           berth_document_get_keys(object, "Volumes", false, &config->volumes, error) &&
           berth_document_get_keys(object, "ExposedPorts", false, &config->ports, error) &&
           berth_document_get_keys(object, "Labels", true, &config->labels, error) &&
           read_health(object, config, error);
}

/* Diff IDs become names in the snapshot store, so each must be a valid digest. */
static bool read_root_fs(json_object *object, BerthImageConfig *config, GError **error) {
    json_object *root_fs;
    const char *type;

    if (!berth_document_get_object(object, "rootfs", &root_fs, error))
        return false;
    if (!root_fs)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "the image configuration has no \"rootfs\"");
    if (!berth_document_get_string(root_fs, "type", &type, error))
        return false;
    /* Some tools leave it empty; there is only one type. */
    if (type && type[0] && !g_str_equal(type, "layers"))
        return berth_error_set(error, BERTH_ERROR_UNSUPPORTED, "unknown type of rootfs \"%.100s\"",
                               type);
    if (!berth_document_get_strings(root_fs, "diff_ids", &config->diff_ids, error))
        return false;
    for (char **diff_id = config->diff_ids; *diff_id; diff_id++)
        if (!berth_digest_parse(*diff_id, NULL, error)) {
            g_prefix_error(error, "diff_ids: ");
            return false;
        }
    return true;
}

/* berthd refuses a reply with more, and blames the worker for it. */
static bool check_sizes(const BerthImageConfig *config, GError **error) {
    const struct {
        const char *member, *text;
    } strings[] = {
        {"User", config->user},
        {"WorkingDir", config->working_directory},
        {"StopSignal", config->stop_signal},
    };
    const struct {
        const char *member;
        char **list;
    } lists[] = {
        {"diff_ids", config->diff_ids}, {"Entrypoint", config->entrypoint},
        {"Cmd", config->command},       {"Env", config->environment},
        {"Volumes", config->volumes},   {"ExposedPorts", config->ports},
        {"Labels", config->labels},     {"Healthcheck", config->health},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(strings); i++)
        if (strlen(strings[i].text) > BERTH_MAX_TEXT_BYTES)
            return berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                                   "\"%s\" of the image configuration is longer than %u bytes",
                                   strings[i].member, BERTH_MAX_TEXT_BYTES);
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++)
        if (g_strv_length(lists[i].list) > BERTH_MAX_REPLY_ITEMS)
            return berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                                   "\"%s\" of the image configuration has more than %u strings",
                                   lists[i].member, BERTH_MAX_REPLY_ITEMS);
    return true;
}

/* "config" may be missing; an empty object then gives all its members their defaults. */
static bool read_container_config(json_object *object, BerthImageConfig *config, GError **error) {
    g_autoptr(json_object) empty = json_object_new_object();
    json_object *execution;

    config->platform = berth_inspect_platform(object, error);
    return config->platform && berth_document_get_object(object, "config", &execution, error) &&
           read_execution(execution ? execution : empty, config, error) &&
           read_root_fs(object, config, error) && check_sizes(config, error);
}

BerthImageConfig *berth_image_config_read(const char *data, size_t size, GError **error) {
    g_autoptr(BerthImageConfig) config = g_new0(BerthImageConfig, 1);
    g_autoptr(json_object) root = berth_document_parse(data, size, error);

    if (!root || !read_container_config(root, config, error))
        return NULL;
    return g_steal_pointer(&config);
}
