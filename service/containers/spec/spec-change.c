/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Changes to existing OCI runtime configurations: adding another process to that of a container,
 * and completing a caller's own. There is no state here: documents are immutable, and each change
 * is made in a copy of the object concerned. The one thing to know: every result is parsed as a
 * whole (plan/) before it is used.
 */

#include "containers/spec/capabilities.h"
#include "containers/spec/spec-binds.h"
#include "containers/spec/spec.h"

#include "base/document.h"
#include "plan/plan.h"

#include <string.h>

/* Takes over the value. */
static void spec_set_member(JsonObject *object, const char *name, JsonNode *value) {
    json_object_set_member(object, name, value);
}

static JsonNode *make_strings(char *const *strings) {
    JsonNode *node = json_node_new(JSON_NODE_ARRAY);
    JsonArray *array = json_array_new();

    for (; strings && *strings; strings++)
        json_array_add_string_element(array, *strings);
    json_node_take_array(node, array);
    return node;
}

/* A variable of the caller replaces the existing one of the same name. */
static bool set_environment(JsonObject *process, char *const *added, GError **error) {
    g_auto(GStrv) before = NULL;
    g_autoptr(GPtrArray) all = g_ptr_array_new();

    if (!berth_document_get_strings(process, "env", &before, error))
        return false;
    for (char **variable = before; *variable; variable++)
        if (!berth_spec_has_variable(added, *variable))
            g_ptr_array_add(all, *variable);
    for (; added && *added; added++)
        g_ptr_array_add(all, (char *)*added);
    g_ptr_array_add(all, NULL);
    spec_set_member(process, "env", make_strings((char **)all->pdata));
    return true;
}

/* "inheritable" and "ambient" are not changed: through these, the process of a user other than root
 * would keep capabilities across execve(2) (capabilities(7)), which no option asks for. */
static bool set_capabilities(JsonObject *process, char *const *added, GError **error) {
    static const char *const sets[] = {"bounding", "effective", "permitted"};
    JsonObject *before;

    if (!added || !*added)
        return true;
    if (!berth_document_get_object(process, "capabilities", &before, error))
        return false;
    JsonObject *after = berth_document_copy(before);
    for (size_t i = 0; i < G_N_ELEMENTS(sets); i++) {
        g_auto(GStrv) names = NULL;
        if (before && !berth_document_get_strings(before, sets[i], &names, error)) {
            json_object_unref(after);
            return false;
        }
        g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(g_free);
        for (char **name = names; name && *name; name++)
            g_ptr_array_add(all, g_strdup(*name));
        for (char *const *name = added; *name; name++)
            berth_capabilities_add(all, *name);
        g_ptr_array_add(all, NULL);
        spec_set_member(after, sets[i], make_strings((char **)all->pdata));
    }
    json_object_set_object_member(process, "capabilities", after);
    return true;
}

static void set_console(JsonObject *process, const BerthExecOptions *options) {
    /* A process that the caller supplied says so itself. */
    if (!options->spec || options->terminal)
        json_object_set_boolean_member(process, "terminal", options->terminal);
    if (options->spec && options->rows == 0)
        return;
    JsonObject *size = json_object_new();
    json_object_set_int_member(size, "height", options->rows);
    json_object_set_int_member(size, "width", options->columns);
    json_object_set_object_member(process, "consoleSize", size);
}

/* The whole object is replaced, because ids and groups of the previous user must not remain. */
static void spec_set_user(JsonObject *process, const char *user) {
    JsonObject *object = json_object_new();

    json_object_set_string_member(object, "username", user);
    json_object_set_object_member(process, "user", object);
}

/* The process that the options are applied to: one supplied by the caller, or the container's. */
static JsonObject *copy_process(JsonObject *config, const BerthExecOptions *options,
                                GError **error) {
    JsonObject *before;

    if (!options->spec)
        return berth_document_get_object(config, "process", &before, error)
                   ? berth_document_copy(before)
                   : NULL;
    g_autoptr(JsonNode) node = berth_document_parse(options->spec, strlen(options->spec), error);
    return node ? berth_document_copy(json_node_get_object(node)) : NULL;
}

static bool set_command(JsonObject *process, const BerthExecOptions *options, GError **error) {
    if (options->command && options->command[0])
        spec_set_member(process, "args", make_strings(options->command));
    else if (!options->spec)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "there is no command to execute");
    return true;
}

static BerthPlan *make_exec(const char *text, size_t size, const BerthExecOptions *options,
                            GError **error) {
    g_autoptr(JsonNode) node = berth_document_parse(text, size, error);
    JsonObject *process = node ? copy_process(json_node_get_object(node), options, error) : NULL;

    if (!process)
        return NULL;
    g_autoptr(JsonObject) root = berth_document_copy(json_node_get_object(node));
    /* From now on the tree owns it, even if a later step fails. */
    json_object_set_object_member(root, "process", process);
    if (!set_command(process, options, error) ||
        !berth_capabilities_check(options->capabilities_add, error))
        return NULL;
    set_console(process, options);
    if (options->no_new_privileges)
        json_object_set_boolean_member(process, "noNewPrivileges", TRUE);
    if (options->working_directory)
        json_object_set_string_member(process, "cwd", options->working_directory);
    if (options->user)
        spec_set_user(process, options->user);
    if (!set_environment(process, options->environment, error) ||
        !set_capabilities(process, options->capabilities_add, error))
        return NULL;
    g_autofree char *result = berth_document_print(root, false);
    /* The result is checked as a whole before any part of it is used. */
    return berth_plan_parse(result, strlen(result), error);
}

BerthPlan *berth_spec_make_exec(const char *text, size_t size, const BerthExecOptions *options,
                                GError **error) {
    BerthPlan *plan = make_exec(text, size, options, error);

    if (plan)
        berth_capabilities_warn(options->process, plan->unknown_capabilities);
    return plan;
}

BerthPlan *berth_spec_parse_exec(const BerthExecOptions *options) {
    /* Only a complete configuration can be parsed; this is a minimal one. */
    static const char container[] =
        "{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"rootfs\"},"
        "\"linux\":{\"namespaces\":[{\"type\":\"mount\"},{\"type\":\"pid\"}]},"
        "\"process\":{\"cwd\":\"/\",\"args\":[\"/\"],\"user\":{\"uid\":0,\"gid\":0}}}";

    return make_exec(container, strlen(container), options, NULL);
}

static void set_range(JsonObject *linux_part, const char *member, uint32_t ids) {
    JsonNode *node = json_node_new(JSON_NODE_ARRAY);
    JsonObject *range = json_object_new();
    JsonArray *array = json_array_new();

    json_object_set_int_member(range, "containerID", 0);
    json_object_set_int_member(range, "hostID", ids);
    json_object_set_int_member(range, "size", BERTH_IDS_COUNT);
    json_array_add_object_element(array, range);
    json_node_take_array(node, array);
    spec_set_member(linux_part, member, node);
}

/* Adds the id ranges that berthd has chosen, and what a plain configuration gets automatically. */
static bool complete_linux(JsonObject *whole, const BerthSpecCompletion *completion,
                           GError **error) {
    JsonObject *before;
    g_auto(GStrv) masked = NULL;

    if (!completion->plain && completion->ids == 0)
        return true;
    if (!berth_document_get_object(whole, "linux", &before, error) ||
        !berth_document_get_strings(before, "maskedPaths", &masked, error))
        return false;
    JsonObject *linux_part = berth_document_copy(before);
    if (completion->ids > 0) {
        set_range(linux_part, "uidMappings", completion->ids);
        set_range(linux_part, "gidMappings", completion->ids);
    }
    if (completion->plain) {
        g_autoptr(GPtrArray) all = g_ptr_array_new();
        /* A plain configuration hides as much as Berth's own ones. */
        for (char **path = masked; *path; path++)
            g_ptr_array_add(all, *path);
        for (const char *const *path = berth_spec_get_masked_paths(); *path; path++)
            if (!g_strv_contains((const char *const *)masked, *path))
                g_ptr_array_add(all, (char *)*path);
        g_ptr_array_add(all, NULL);
        spec_set_member(linux_part, "maskedPaths", make_strings((char **)all->pdata));
    }
    json_object_set_object_member(whole, "linux", linux_part);
    return true;
}

char *berth_spec_complete(const char *text, const BerthSpecCompletion *completion, GError **error) {
    g_autoptr(JsonNode) node = berth_document_parse(text, strlen(text), error);
    JsonObject *before;

    if (!node ||
        !berth_document_get_object(json_node_get_object(node), "annotations", &before, error))
        return NULL;
    JsonObject *annotations = berth_document_copy(before);
    g_autoptr(JsonObject) whole = berth_document_copy(json_node_get_object(node));
    json_object_set_object_member(whole, "annotations", annotations);
    /* A caller must not set Berth's own annotations. */
    g_autoptr(GList) members = json_object_get_members(annotations);
    for (GList *member = members; member; member = member->next)
        if (g_str_has_prefix(member->data, "org.berth1."))
            json_object_remove_member(annotations, member->data);
    if (completion->plain)
        json_object_set_string_member(annotations, "org.berth1.seccomp", "default");
    if (completion->chain) {
        g_autofree char *layers = g_strjoinv(":", (char **)completion->chain);
        json_object_set_string_member(annotations, "org.berth1.layers", layers);
    } else {
        json_object_set_string_member(annotations, "org.berth1.root", completion->root);
        json_object_set_string_member(annotations, "org.berth1.root.inode", completion->inode);
    }
    g_autoptr(BerthPlan) plan =
        completion->binds ? berth_plan_parse(text, strlen(text), error) : NULL;
    if ((completion->binds &&
         (!plan || !berth_spec_complete_binds(whole, plan, completion->binds, error))) ||
        !complete_linux(whole, completion, error))
        return NULL;
    return berth_document_print(whole, true);
}
