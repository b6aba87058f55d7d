/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Networks according to the Container Network Interface. A CniRun is one pass over the plugins of a
 * network for one container; nothing outlives it. The caller stores the result of an add
 * (connection.c) and passes it in for the delete.
 */

#include "network/cni.h"

#include "base/cni-configurations.h"
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
    JsonArray *plugins;
} CniRun;

/* Wraps a configuration with a single plugin in a list. Takes over the node. */
static JsonNode *plugin_as_list(JsonNode *node) {
    JsonObject *object = json_node_get_object(node);
    JsonObject *list = json_object_new();
    JsonArray *plugins = json_array_new();
    JsonNode *made = json_node_new(JSON_NODE_OBJECT);

    json_array_add_object_element(plugins, json_object_ref(object));
    json_object_set_array_member(list, "plugins", plugins);
    if (json_object_has_member(object, "name"))
        json_object_set_member(list, "name",
                               json_node_copy(json_object_get_member(object, "name")));
    if (json_object_has_member(object, "cniVersion"))
        json_object_set_member(list, "cniVersion",
                               json_node_copy(json_object_get_member(object, "cniVersion")));
    json_node_take_object(made, list);
    json_node_unref(node);
    return made;
}

/* The first document of that name, in the order of file names, as in other runtimes. A document
 * that cannot be read is skipped, since it may be of another network. */
JsonNode *berth_cni_find(const char *name, GError **error) {
    g_autoptr(GPtrArray) files = berth_cni_configurations_list();
    const char *found;

    for (guint i = 0; i < files->len; i++) {
        JsonNode *node = berth_cni_configurations_read(files->pdata[i]);
        if (!node)
            continue;
        if (berth_document_get_string(json_node_get_object(node), "name", &found, NULL) &&
            g_strcmp0(found, name) == 0)
            return g_str_has_suffix(files->pdata[i], ".conflist") ? node : plugin_as_list(node);
        json_node_unref(node);
    }
    berth_error_set(error, BERTH_ERROR_NOT_FOUND,
                    "there is no network \"%.100s\" in " BERTH_CNI_CONFIGURATIONS, name);
    return NULL;
}

/* The input for a plugin: its own configuration, and the members that the runtime adds. A plugin
 * receives a value of runtimeConfig only if its configuration declares the capability; the
 * declaration itself is for the runtime, and is taken out (SPEC.md, Deriving runtimeConfig). */
static char *make_cni_input(const CniRun *run, JsonObject *plugin, JsonNode *previous) {
    JsonObject *input = berth_document_copy(plugin);
    g_autoptr(JsonNode) node = json_node_new(JSON_NODE_OBJECT);
    JsonObject *capabilities = NULL;
    JsonObject *runtime = json_object_new();
    bool maps = false, mac = false;

    json_node_take_object(node, input);
    json_object_set_string_member(input, "cniVersion", run->version);
    json_object_set_string_member(input, "name", run->name);
    if (previous)
        json_object_set_member(input, "prevResult", json_node_copy(previous));
    if (berth_document_get_object(plugin, "capabilities", &capabilities, NULL) && capabilities)
        (void)(berth_document_get_bool(capabilities, "portMappings", &maps, NULL) &&
               berth_document_get_bool(capabilities, "mac", &mac, NULL));
    if (maps && run->call->ports)
        json_object_set_array_member(runtime, "portMappings", json_array_ref(run->call->ports));
    if (mac && run->call->mac)
        json_object_set_string_member(runtime, "mac", run->call->mac);
    if (json_object_get_size(runtime) > 0)
        json_object_set_object_member(input, "runtimeConfig", json_object_ref(runtime));
    json_object_unref(runtime);
    json_object_remove_member(input, "capabilities");
    return json_to_string(node, FALSE);
}

/* A plugin that fails writes the reason to standard output (SPEC.md, Error). */
static bool report_cni_error(const char *type, const CniRun *run, const char *text, size_t size,
                             GError **error) {
    g_autoptr(JsonNode) node = berth_document_parse(text, size, NULL);
    const char *message = NULL, *details = NULL;

    if (node) {
        (void)berth_document_get_string(json_node_get_object(node), "msg", &message, NULL);
        (void)berth_document_get_string(json_node_get_object(node), "details", &details, NULL);
    }
    return berth_error_set(error, BERTH_ERROR_LAUNCH_FAILED,
                           "network %s: plugin %s: %.500s%s%.200s", run->name, type,
                           message ? message : "failed without a message",
                           details && details[0] ? ": " : "", details ? details : "");
}

/* Runs one plugin. Its reply is stored in *result, which may stay NULL (DEL). */
static bool run_plugin(const CniRun *run, JsonObject *plugin, JsonNode *previous, JsonNode **result,
                       GError **error) {
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

static bool run_delete(CniRun *run, JsonNode *result, GError **error) {
    bool good = true;

    run->command = "DEL";
    /* In reverse order (SPEC.md, DEL). The first failure is reported, but the remaining plugins are
     * run regardless. */
    for (guint i = json_array_get_length(run->plugins); i-- > 0;)
        if (!run_plugin(run, json_array_get_object_element(run->plugins, i), result, NULL,
                        good ? error : NULL))
            good = false;
    return good;
}

static bool run_begin(CniRun *run, const BerthCniCall *call, GError **error) {
    JsonObject *network = json_node_get_object(call->network);

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

bool berth_cni_add(const BerthCniCall *call, JsonNode **result, GError **error) {
    g_autoptr(JsonNode) previous = NULL;
    CniRun run;

    if (!run_begin(&run, call, error))
        return false;
    for (guint i = 0; i < json_array_get_length(run.plugins); i++) {
        JsonNode *next = NULL;
        run.command = "ADD";
        if (!run_plugin(&run, json_array_get_object_element(run.plugins, i), previous, &next,
                        error)) {
            (void)run_delete(&run, previous, NULL);
            return false;
        }
        if (next) {
            g_clear_pointer(&previous, json_node_unref);
            previous = next;
        }
    }
    *result = g_steal_pointer(&previous);
    return *result || berth_error_set(error, BERTH_ERROR_LAUNCH_FAILED,
                                      "network %s: no plugin gave a result", run.name);
}

bool berth_cni_delete(const BerthCniCall *call, JsonNode *result, GError **error) {
    CniRun run;

    return run_begin(&run, call, error) && run_delete(&run, result, error);
}
