/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Networks according to the Container Network Interface. A CniRun is one pass over the plugins of a
 * network for one container; nothing outlives it. The caller stores the result of an add
 * (connection.c) and passes it in for the delete.
 */

#include "network/cni.h"

#include "base/cni-configurations.h"
#include "base/document-members.h"
#include "base/document.h"
#include "base/programs.h"
#include "network/program.h"

#include <string.h>
#include <sys/wait.h>

typedef struct {
    const BerthCniCall *call;
    const char *command;
    const char *version;
    const char *name;
    json_object *plugins;
} CniRun;

/* Wraps the configuration of a single plugin in a list. Takes over the configuration. */
static json_object *plugin_as_list(json_object *plugin) {
    static const char *const shared[] = {"name", "cniVersion"};
    json_object *list = json_object_new_object();
    json_object *value;

    json_object_array_add(berth_document_add_array(list, "plugins"), plugin);
    for (size_t i = 0; i < G_N_ELEMENTS(shared); i++)
        if (json_object_object_get_ex(plugin, shared[i], &value))
            json_object_object_add(list, shared[i], json_object_get(value));
    return list;
}

/* The first document of that name, in the order of file names, as in other runtimes. A document
 * that cannot be read is skipped, since it may be of another network. */
json_object *berth_cni_find(const char *name, GError **error) {
    g_autoptr(GPtrArray) files = berth_cni_configurations_list();
    const char *found;

    for (guint i = 0; i < files->len; i++) {
        g_autoptr(json_object) network = berth_cni_configurations_read(files->pdata[i]);
        if (!network || !berth_document_get_string(network, "name", &found, NULL) ||
            g_strcmp0(found, name) != 0)
            continue;
        json_object *taken = g_steal_pointer(&network);
        return g_str_has_suffix(files->pdata[i], ".conflist") ? taken : plugin_as_list(taken);
    }
    berth_error_set(error, BERTH_ERROR_NOT_FOUND,
                    "there is no network \"%.100s\" in " BERTH_CNI_CONFIGURATIONS, name);
    return NULL;
}

/* The input for a plugin: its own configuration, and the members that the runtime adds. A plugin
 * receives a value of runtimeConfig only if its configuration declares the capability; the
 * declaration itself is for the runtime, and is taken out (SPEC.md, Deriving runtimeConfig). */
static char *make_cni_input(const CniRun *run, json_object *plugin, json_object *previous) {
    g_autoptr(json_object) input = berth_document_copy(plugin);
    g_autoptr(json_object) runtime = json_object_new_object();
    json_object *capabilities = NULL;
    bool maps = false, mac = false;

    berth_document_add_string(input, "cniVersion", run->version);
    berth_document_add_string_or_empty(input, "name", run->name);
    if (previous)
        json_object_object_add(input, "prevResult", json_object_get(previous));
    if (berth_document_get_object(plugin, "capabilities", &capabilities, NULL) && capabilities)
        (void)(berth_document_get_bool(capabilities, "portMappings", &maps, NULL) &&
               berth_document_get_bool(capabilities, "mac", &mac, NULL));
    if (maps && run->call->ports)
        json_object_object_add(runtime, "portMappings", json_object_get(run->call->ports));
    if (mac && run->call->mac)
        berth_document_add_string(runtime, "mac", run->call->mac);
    if (json_object_object_length(runtime) > 0)
        json_object_object_add(input, "runtimeConfig", g_steal_pointer(&runtime));
    json_object_object_del(input, "capabilities");
    return berth_document_print(input, false);
}

/* A plugin that fails writes the reason to standard output (SPEC.md, Error). */
static bool report_cni_error(const char *type, const CniRun *run, const char *text, size_t size,
                             GError **error) {
    g_autoptr(json_object) answer = berth_document_parse(text, size, NULL);
    const char *message = NULL, *details = NULL;

    if (answer) {
        (void)berth_document_get_string(answer, "msg", &message, NULL);
        (void)berth_document_get_string(answer, "details", &details, NULL);
    }
    return berth_error_set(error, BERTH_ERROR_LAUNCH_FAILED,
                           "network %s: plugin %s: %.500s%s%.200s", run->name, type,
                           message ? message : "failed without a message",
                           details && details[0] ? ": " : "", details ? details : "");
}

/* Runs one plugin. Its reply is stored in *result, which may stay NULL (DEL). */
static bool run_plugin(const CniRun *run, json_object *plugin, json_object *previous,
                       json_object **result, GError **error) {
    const char *type;
    size_t size;
    int status;

    if (!berth_document_get_string(plugin, "type", &type, error))
        return false;
    g_autofree char *path = berth_cni_plugin_find(type ? type : "");
    if (!path)
        return berth_error_set(error, BERTH_ERROR_NOT_FOUND,
                               "there is no CNI plugin \"%.100s\" in " BERTH_CNI_PLUGIN_PATH,
                               type ? type : "");
    g_autofree char *command = g_strconcat("CNI_COMMAND=", run->command, NULL);
    g_autofree char *id = g_strconcat("CNI_CONTAINERID=", run->call->id, NULL);
    g_autofree char *netns = g_strconcat("CNI_NETNS=", run->call->netns, NULL);
    g_autofree char *interface = g_strconcat("CNI_IFNAME=", run->call->interface, NULL);
    g_autofree char *text = make_cni_input(run, plugin, previous);
    char *const arguments[] = {path, NULL};
    char *const environment[] = {command,
                                 id,
                                 netns,
                                 interface,
                                 (char *)"CNI_PATH=" BERTH_CNI_PLUGIN_PATH,
                                 (char *)"CNI_ARGS=IgnoreUnknown=1",
                                 NULL};
    const BerthProgram program = {arguments, environment, text, 0};
    g_autofree char *answer = NULL;
    if (!berth_program_run(&program, &status, &answer, &size, error))
        return false;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return report_cni_error(type, run, answer, size, error);
    if (size > 0 && result)
        *result = berth_document_parse(answer, size, error);
    return size == 0 || !result || *result;
}

static bool run_delete(CniRun *run, json_object *result, GError **error) {
    bool good = true;

    run->command = "DEL";
    /* In reverse order (SPEC.md, DEL). The first failure is reported, but the remaining plugins are
     * run regardless. */
    for (guint i = json_object_array_length(run->plugins); i-- > 0;)
        if (!run_plugin(run, json_object_array_get_idx(run->plugins, i), result, NULL,
                        good ? error : NULL))
            good = false;
    return good;
}

static bool run_begin(CniRun *run, const BerthCniCall *call, GError **error) {
    json_object *network = call->network;

    *run = (CniRun){.call = call};
    if (!berth_document_get_string(network, "name", &run->name, error) ||
        !berth_document_get_string(network, "cniVersion", &run->version, error) ||
        !berth_document_get_objects(network, "plugins", &run->plugins, error))
        return false;
    if (!run->version)
        run->version = "0.3.1";
    return run->plugins || berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                           "the network \"%s\" has no plugins", run->name);
}

bool berth_cni_add(const BerthCniCall *call, json_object **result, GError **error) {
    g_autoptr(json_object) previous = NULL;
    CniRun run;

    if (!run_begin(&run, call, error))
        return false;
    for (guint i = 0; i < json_object_array_length(run.plugins); i++) {
        json_object *next = NULL;
        run.command = "ADD";
        if (!run_plugin(&run, json_object_array_get_idx(run.plugins, i), previous, &next, error)) {
            (void)run_delete(&run, previous, NULL);
            return false;
        }
        if (next) {
            g_clear_pointer(&previous, json_object_put);
            previous = next;
        }
    }
    *result = g_steal_pointer(&previous);
    return *result || berth_error_set(error, BERTH_ERROR_LAUNCH_FAILED,
                                      "network %s: no plugin gave a result", run.name);
}

/* These plugins only write rules for the addresses in the result. They look for each rule before
 * they write it, so running them again adds what is missing. */
static bool cni_only_writes_rules(json_object *plugin) {
    const char *type = NULL;

    return berth_document_get_string(plugin, "type", &type, NULL) && type &&
           (g_str_equal(type, "portmap") || g_str_equal(type, "firewall"));
}

/* The first failure is reported, but the remaining plugins are run regardless. */
static bool run_rules(const char *command, const BerthCniCall *call, json_object *result,
                      GError **error) {
    bool good = true;
    CniRun run;

    if (!run_begin(&run, call, error))
        return false;
    run.command = command;
    for (guint i = 0; i < json_object_array_length(run.plugins); i++) {
        json_object *plugin = json_object_array_get_idx(run.plugins, i);
        if (cni_only_writes_rules(plugin) &&
            !run_plugin(&run, plugin, result, NULL, good ? error : NULL))
            good = false;
    }
    return good;
}

bool berth_cni_renew(const BerthCniCall *call, json_object *result, GError **error) {
    return run_rules("ADD", call, result, error);
}

bool berth_cni_withdraw(const BerthCniCall *call, json_object *result, GError **error) {
    return run_rules("DEL", call, result, error);
}

bool berth_cni_delete(const BerthCniCall *call, json_object *result, GError **error) {
    CniRun run;

    return run_begin(&run, call, error) && run_delete(&run, result, error);
}
