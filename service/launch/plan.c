/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "launch/plan.h"

#include "base/document.h"
#include "base/fd.h"

#include <sched.h>
#include <sys/capability.h>
#include <sys/resource.h>

static const struct {
    const char *type;
    int flag;
} namespace_flags[] = {
    {"pid", 0}, /* berthd cloned this process into it */
    {"mount", CLONE_NEWNS},
    {"ipc", CLONE_NEWIPC},
    {"uts", CLONE_NEWUTS},
    {"network", CLONE_NEWNET},
    {"cgroup", CLONE_NEWCGROUP},
};

#define LIMIT(name)                                                                                \
    { #name, name }

static const struct {
    const char *name;
    int resource;
} limit_names[] = {
    LIMIT(RLIMIT_AS),     LIMIT(RLIMIT_CORE),   LIMIT(RLIMIT_CPU),        LIMIT(RLIMIT_DATA),
    LIMIT(RLIMIT_FSIZE),  LIMIT(RLIMIT_LOCKS),  LIMIT(RLIMIT_MEMLOCK),    LIMIT(RLIMIT_MSGQUEUE),
    LIMIT(RLIMIT_NICE),   LIMIT(RLIMIT_NOFILE), LIMIT(RLIMIT_NPROC),      LIMIT(RLIMIT_RSS),
    LIMIT(RLIMIT_RTPRIO), LIMIT(RLIMIT_RTTIME), LIMIT(RLIMIT_SIGPENDING), LIMIT(RLIMIT_STACK),
};

static void free_mount(gpointer data) {
    BerthPlanMount *mount = data;

    g_free(mount->destination);
    g_free(mount->type);
    g_free(mount->source);
    g_strfreev(mount->options);
    g_free(mount);
}

static bool copy_string(JsonObject *object, const char *member, char **copy, GError **error) {
    const char *text;

    if (!berth_document_get_string(object, member, &text, error))
        return false;
    *copy = g_strdup(text ? text : "");
    return true;
}

static bool read_capability_set(JsonObject *object, const char *member, uint64_t *bits,
                                GError **error) {
    g_auto(GStrv) names = NULL;

    if (!berth_document_get_strings(object, member, &names, error))
        return false;
    for (char **name = names; *name; name++) {
        cap_value_t value;
        if (cap_from_name(*name, &value) < 0)
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "unknown capability %s",
                                   *name);
        *bits |= 1ull << value;
    }
    return true;
}

static bool read_capabilities(JsonObject *process, BerthPlan *plan, GError **error) {
    JsonObject *object;

    if (!berth_document_get_object(process, "capabilities", &object, error))
        return false;
    return !object || (read_capability_set(object, "bounding", &plan->bounding, error) &&
                       read_capability_set(object, "effective", &plan->effective, error) &&
                       read_capability_set(object, "permitted", &plan->permitted, error));
}

static bool read_bool(JsonObject *object, const char *member, bool *value, GError **error) {
    JsonNode *node = json_object_get_member(object, member);

    if (node && (!JSON_NODE_HOLDS_VALUE(node) || json_node_get_value_type(node) != G_TYPE_BOOLEAN))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "\"%s\" is no boolean", member);
    *value = node && json_node_get_boolean(node);
    return true;
}

static bool read_limit(JsonNode *node, BerthPlanLimit *limit, GError **error) {
    const char *name = NULL;

    if (JSON_NODE_HOLDS_OBJECT(node)) {
        JsonObject *object = json_node_get_object(node);
        if (!berth_document_get_string(object, "type", &name, error) ||
            !berth_document_get_size(object, "soft", &limit->soft, error) ||
            !berth_document_get_size(object, "hard", &limit->hard, error))
            return false;
    }
    for (size_t i = 0; name && i < G_N_ELEMENTS(limit_names); i++)
        if (g_str_equal(limit_names[i].name, name)) {
            limit->name = limit_names[i].name;
            limit->resource = limit_names[i].resource;
            return true;
        }
    return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "unknown limit \"%s\"",
                           name ? name : "");
}

static bool read_limits(JsonObject *process, BerthPlan *plan, GError **error) {
    JsonArray *array;

    if (!berth_document_get_array(process, "rlimits", &array, error))
        return false;
    for (guint i = 0; array && i < json_array_get_length(array); i++) {
        BerthPlanLimit limit = {0};
        if (!read_limit(json_array_get_element(array, i), &limit, error))
            return false;
        g_array_append_val(plan->limits, limit);
    }
    return true;
}

static bool read_process(JsonObject *root, BerthPlan *plan, GError **error) {
    JsonObject *process, *user;

    if (!berth_document_get_object(root, "process", &process, error))
        return false;
    if (!process)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "there is no \"process\"");
    if (!berth_document_get_object(process, "user", &user, error) ||
        !berth_document_get_strings(process, "args", &plan->arguments, error) ||
        !berth_document_get_strings(process, "env", &plan->environment, error) ||
        !copy_string(process, "cwd", &plan->working_directory, error) ||
        !read_bool(process, "noNewPrivileges", &plan->no_new_privileges, error) ||
        !read_capabilities(process, plan, error) || !read_limits(process, plan, error))
        return false;
    if (!plan->arguments[0])
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "\"args\" is empty");
    if (user)
        return copy_string(user, "username", &plan->user, error);
    plan->user = g_strdup("");
    return true;
}

static bool read_mounts(JsonObject *root, BerthPlan *plan, GError **error) {
    JsonArray *array;

    if (!berth_document_get_array(root, "mounts", &array, error))
        return false;
    for (guint i = 0; array && i < json_array_get_length(array); i++) {
        JsonNode *node = json_array_get_element(array, i);
        BerthPlanMount *mount = g_new0(BerthPlanMount, 1);
        g_ptr_array_add(plan->mounts, mount);
        if (!JSON_NODE_HOLDS_OBJECT(node))
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "a mount is no object");
        JsonObject *object = json_node_get_object(node);
        if (!copy_string(object, "destination", &mount->destination, error) ||
            !copy_string(object, "type", &mount->type, error) ||
            !copy_string(object, "source", &mount->source, error) ||
            !berth_document_get_strings(object, "options", &mount->options, error))
            return false;
    }
    return true;
}

static bool read_namespaces(JsonObject *object, BerthPlan *plan, GError **error) {
    JsonArray *array;

    if (!berth_document_get_array(object, "namespaces", &array, error))
        return false;
    for (guint i = 0; array && i < json_array_get_length(array); i++) {
        JsonNode *node = json_array_get_element(array, i);
        const char *type = NULL;
        size_t k = 0;
        if (JSON_NODE_HOLDS_OBJECT(node) &&
            !berth_document_get_string(json_node_get_object(node), "type", &type, error))
            return false;
        while (k < G_N_ELEMENTS(namespace_flags) && g_strcmp0(namespace_flags[k].type, type) != 0)
            k++;
        if (k == G_N_ELEMENTS(namespace_flags))
            return berth_error_set(error, BERTH_ERROR_UNSUPPORTED, "unknown namespace \"%s\"",
                                   type ? type : "");
        plan->namespaces |= namespace_flags[k].flag;
    }
    return true;
}

static bool read_linux(JsonObject *root, BerthPlan *plan, GError **error) {
    JsonObject *object;

    if (!berth_document_get_object(root, "linux", &object, error))
        return false;
    if (!object)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "there is no \"linux\"");
    return read_namespaces(object, plan, error) &&
           berth_document_get_strings(object, "maskedPaths", &plan->masked_paths, error) &&
           berth_document_get_strings(object, "readonlyPaths", &plan->read_only_paths, error);
}

static bool read_annotations(JsonObject *root, BerthPlan *plan, GError **error) {
    const char *layers = NULL, *seccomp = NULL;
    JsonObject *object;

    if (!berth_document_get_object(root, "annotations", &object, error) ||
        (object && (!berth_document_get_string(object, "org.berth1.layers", &layers, error) ||
                    !berth_document_get_string(object, "org.berth1.seccomp", &seccomp, error))))
        return false;
    if (!layers || layers[0] == '\0')
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "no layers are named");
    plan->layers = g_strsplit(layers, ":", -1);
    plan->seccomp = g_strdup(seccomp ? seccomp : "default");
    return true;
}

static bool read_root(JsonObject *root, BerthPlan *plan, GError **error) {
    JsonObject *object;

    return berth_document_get_object(root, "root", &object, error) &&
           (!object || read_bool(object, "readonly", &plan->read_only, error)) &&
           copy_string(root, "hostname", &plan->hostname, error);
}

BerthPlan *berth_plan_read(int file, GError **error) {
    size_t size;
    g_autofree char *text = berth_fd_read_whole(file, BERTH_DOCUMENT_MAX_BYTES, &size, error);
    g_autoptr(JsonNode) node = text ? berth_document_parse(text, size, error) : NULL;
    BerthPlan *plan = g_new0(BerthPlan, 1); /* the process is short: nothing of it is freed */

    if (!node)
        return NULL;
    JsonObject *root = json_node_get_object(node);
    plan->mounts = g_ptr_array_new_with_free_func(free_mount);
    plan->limits = g_array_new(FALSE, FALSE, sizeof(BerthPlanLimit));
    return read_process(root, plan, error) && read_root(root, plan, error) &&
                   read_mounts(root, plan, error) && read_linux(root, plan, error) &&
                   read_annotations(root, plan, error)
               ? plan
               : NULL;
}
