/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The records of containers and processes: the in-memory form of their rows in berth.db, and the
 * text form in which the options of Create are stored. A record belongs to the caller that has read
 * or created it; its state is changed only by containers/core/state.c.
 */

#include "store/container-record.h"

static const char *const state_names[] = {
    [BERTH_CONTAINER_CREATED] = "created",
    [BERTH_CONTAINER_RUNNING] = "running",
    [BERTH_CONTAINER_PAUSED] = "paused",
    [BERTH_CONTAINER_STOPPED] = "stopped",
};

const char *berth_container_state_get_name(BerthContainerState state) {
    return state_names[state];
}

static const char *const restart_names[] = {
    [BERTH_RESTART_NO] = "no",
    [BERTH_RESTART_ON_FAILURE] = "on-failure",
    [BERTH_RESTART_ALWAYS] = "always",
};

const char *berth_restart_policy_get_name(BerthRestartPolicy policy) {
    return restart_names[policy];
}

bool berth_restart_policy_parse(const char *name, BerthRestartPolicy *policy) {
    for (size_t i = 0; i < G_N_ELEMENTS(restart_names); i++)
        if (g_str_equal(restart_names[i], name)) {
            *policy = i;
            return true;
        }
    return false;
}

/* A damaged text counts as stopped: the container can then be deleted, and no process is assumed to
 * be its own. */
BerthContainerState berth_container_state_parse(const char *name) {
    for (size_t i = 0; i < G_N_ELEMENTS(state_names); i++)
        if (g_str_equal(state_names[i], name))
            return i;
    return BERTH_CONTAINER_STOPPED;
}

static void clear_process(BerthProcessRecord *process) {
    g_clear_pointer(&process->container, g_free);
    g_clear_pointer(&process->id, g_free);
    g_clear_pointer(&process->command, g_free);
    g_clear_pointer(&process->boot, g_free);
}

void berth_container_record_clear(BerthContainerRecord *record) {
    g_clear_pointer(&record->id, g_free);
    g_clear_pointer(&record->image, g_free);
    clear_process(&record->first);
    g_clear_pointer(&record->slice, g_free);
    g_clear_pointer(&record->chain_id, g_free);
    g_clear_pointer(&record->labels, g_strfreev);
    g_clear_pointer(&record->network, g_free);
    g_clear_pointer(&record->root, g_free);
    g_clear_pointer(&record->properties, g_variant_unref);
    g_clear_pointer(&record->extra, g_variant_unref);
}

/* Also returns NULL for a value of another type than the caller expects. */
GVariant *berth_container_record_get_extra(const BerthContainerRecord *record, const char *key,
                                           const GVariantType *type) {
    return record->extra ? g_variant_lookup_value(record->extra, key, type) : NULL;
}

void berth_container_record_set_extra(BerthContainerRecord *record, const char *key,
                                      GVariant *value) {
    g_auto(GVariantDict) extra = G_VARIANT_DICT_INIT(record->extra);

    if (value)
        g_variant_dict_insert_value(&extra, key, value);
    else
        g_variant_dict_remove(&extra, key);
    g_clear_pointer(&record->extra, g_variant_unref);
    record->extra = g_variant_ref_sink(g_variant_dict_end(&extra));
}

void berth_process_record_free(BerthProcessRecord *process) {
    if (!process)
        return;
    clear_process(process);
    g_free(process);
}

/* The options of Create are stored in one column, since no query searches for them. A missing
 * member has its default value, so that later versions of Berth can add members. */
char *berth_container_record_format_options(const BerthContainerRecord *record) {
    g_auto(GVariantDict) options = G_VARIANT_DICT_INIT(NULL);

    g_variant_dict_insert(&options, "Slice", "s", record->slice);
    g_variant_dict_insert(&options, "StopSignal", "i", record->stop_signal);
    g_variant_dict_insert(&options, "StopTimeoutUSec", "t", record->stop_timeout_usec);
    g_variant_dict_insert(&options, "AutoRemove", "b", (gboolean)record->auto_remove);
    g_variant_dict_insert(&options, "Autostart", "b", (gboolean)record->autostart);
    g_variant_dict_insert(&options, "Terminal", "b", (gboolean)record->terminal);
    g_variant_dict_insert(&options, "Systemd", "b", (gboolean)record->systemd);
    g_variant_dict_insert(&options, "Poststop", "b", (gboolean)record->poststop);
    g_variant_dict_insert(&options, "Restart", "s", berth_restart_policy_get_name(record->restart));
    g_variant_dict_insert(&options, "Wanted", "b", (gboolean)record->wanted);
    g_variant_dict_insert(&options, "Ids", "u", record->ids);
    g_variant_dict_insert(&options, "Network", "s", record->network ? record->network : "none");
    g_variant_dict_insert(&options, "Root", "s", record->root ? record->root : "");
    if (record->properties)
        g_variant_dict_insert_value(&options, "Properties", record->properties);
    if (record->extra)
        g_variant_dict_insert_value(&options, "Extra", record->extra);
    g_autoptr(GVariant) value = g_variant_ref_sink(g_variant_dict_end(&options));
    return g_variant_print(value, TRUE);
}

/* The format of the first versions: slice, stop signal, stop timeout, AutoRemove, and four resource
 * limits (0: none). */
static bool parse_old_options(BerthContainerRecord *record, const char *text) {
    static const char *const names[] = {"MemoryMax", "TasksMax", "CPUQuotaPerSecUSec", "CPUWeight"};
    g_autoptr(GVariant) options =
        g_variant_parse(G_VARIANT_TYPE("(sitbtttt)"), text, NULL, NULL, NULL);
    g_auto(GVariantDict) properties = G_VARIANT_DICT_INIT(NULL);
    gboolean auto_remove = FALSE;
    guint64 limits[G_N_ELEMENTS(names)];

    if (!options)
        return false;
    g_variant_get(options, "(sitbtttt)", &record->slice, &record->stop_signal,
                  &record->stop_timeout_usec, &auto_remove, &limits[0], &limits[1], &limits[2],
                  &limits[3]);
    record->auto_remove = auto_remove;
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (limits[i] > 0)
            g_variant_dict_insert(&properties, names[i], "t", limits[i]);
    record->properties = g_variant_ref_sink(g_variant_dict_end(&properties));
    return true;
}

static bool look_up_bool(GVariantDict *options, const char *key) {
    gboolean value = FALSE;

    g_variant_dict_lookup(options, key, "b", &value);
    return value;
}

static char *look_up_string(GVariantDict *options, const char *key, const char *otherwise) {
    char *value = NULL;

    return g_variant_dict_lookup(options, key, "s", &value) ? value : g_strdup(otherwise);
}

/* If a text cannot be parsed, every option keeps its default, so that the container is still listed
 * and can be deleted. */
void berth_container_record_parse_options(BerthContainerRecord *record, const char *text) {
    g_autoptr(GVariant) value = g_variant_parse(G_VARIANT_TYPE_VARDICT, text, NULL, NULL, NULL);

    if (!value && parse_old_options(record, text))
        value = g_variant_ref_sink(g_variant_new("a{sv}", NULL));
    g_auto(GVariantDict) options = G_VARIANT_DICT_INIT(value);
    if (!record->slice) {
        record->slice = look_up_string(&options, "Slice", "berth.slice");
        g_variant_dict_lookup(&options, "StopSignal", "i", &record->stop_signal);
        g_variant_dict_lookup(&options, "StopTimeoutUSec", "t", &record->stop_timeout_usec);
        record->auto_remove = look_up_bool(&options, "AutoRemove");
        record->properties =
            g_variant_dict_lookup_value(&options, "Properties", G_VARIANT_TYPE_VARDICT);
    }
    record->autostart = look_up_bool(&options, "Autostart");
    record->terminal = look_up_bool(&options, "Terminal");
    record->systemd = look_up_bool(&options, "Systemd");
    record->poststop = look_up_bool(&options, "Poststop");
    record->wanted = look_up_bool(&options, "Wanted");
    g_autofree char *restart = look_up_string(&options, "Restart", "no");
    (void)berth_restart_policy_parse(restart, &record->restart);
    record->network = look_up_string(&options, "Network", "none");
    record->root = look_up_string(&options, "Root", "");
    g_variant_dict_lookup(&options, "Ids", "u", &record->ids);
    record->extra = g_variant_dict_lookup_value(&options, "Extra", G_VARIANT_TYPE_VARDICT);
}
