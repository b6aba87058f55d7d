/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads a complete configuration: its parts (plan-*.c), the consistency between them, and Berth's
 * additions. The caller owns the plan. Strings belong to the JSON document, which the plan keeps;
 * computed values are in its pool.
 */

#include "plan/plan.h"

#include "bare/launch-protocol.h"

#include <sched.h>
#include <string.h>
#include <sys/stat.h>

/* In the order of BerthHookStage. */
static const char *const hook_names[] = {
    "prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop",
};

static void free_mount(gpointer data) {
    BerthPlanMount *mount = data;

    g_ptr_array_unref(mount->data);
    g_clear_pointer(&mount->layers, g_ptr_array_unref);
    g_clear_pointer(&mount->uid_ranges, g_array_unref);
    g_clear_pointer(&mount->gid_ranges, g_array_unref);
    g_free(mount);
}

static void free_hook(gpointer data) {
    BerthPlanHook *hook = data;

    g_strfreev(hook->arguments);
    g_strfreev(hook->environment);
    g_free(hook);
}

static void clear_property(gpointer data) {
    g_variant_unref(((BerthPlanProperty *)data)->value);
}

/* Lists that every plan has are created here, so that readers need not check for NULL. */
static BerthPlan *new_plan(void) {
    BerthPlan *plan = g_new0(BerthPlan, 1);

    plan->pool = g_ptr_array_new_with_free_func(g_free);
    plan->groups = g_array_new(FALSE, FALSE, sizeof(gid_t));
    plan->unknown_capabilities = g_ptr_array_new();
    plan->limits = g_array_new(FALSE, FALSE, sizeof(BerthPlanLimit));
    plan->mounts = g_ptr_array_new_with_free_func(free_mount);
    plan->namespaces = g_array_new(FALSE, FALSE, sizeof(BerthPlanNamespace));
    plan->devices = g_ptr_array_new_with_free_func(g_free);
    plan->properties = g_array_new(FALSE, FALSE, sizeof(BerthPlanProperty));
    g_array_set_clear_func(plan->properties, clear_property);
    plan->device_rules = g_ptr_array_new_with_free_func(g_free);
    plan->cgroup_files = g_ptr_array_new_with_free_func(g_free);
    for (int i = 0; i < BERTH_HOOK_COUNT; i++)
        plan->hooks[i] = g_ptr_array_new_with_free_func(free_hook);
    return plan;
}

/* A plan may be freed at any point of reading, so everything except what new_plan() creates may be
 * NULL. */
void berth_plan_free(BerthPlan *plan) {
    char ***vectors[] = {&plan->arguments,   &plan->environment,  &plan->layers,
                         &plan->sysctls,     &plan->masked_paths, &plan->read_only_paths,
                         &plan->annotations, &plan->group_names};
    GArray *arrays[] = {plan->groups,     plan->limits,     plan->namespaces,
                        plan->uid_ranges, plan->gid_ranges, plan->properties};
    GPtrArray *lists[] = {plan->pool,         plan->mounts,       plan->devices,
                          plan->device_rules, plan->cgroup_files, plan->unknown_capabilities};

    for (size_t i = 0; i < G_N_ELEMENTS(vectors); i++)
        g_strfreev(*vectors[i]);
    for (size_t i = 0; i < G_N_ELEMENTS(arrays); i++)
        if (arrays[i])
            g_array_unref(arrays[i]);
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++)
        g_ptr_array_unref(lists[i]);
    for (int i = 0; i < BERTH_HOOK_COUNT; i++)
        g_ptr_array_unref(plan->hooks[i]);
    g_clear_pointer(&plan->root_mount, free_mount);
    json_object_put(plan->document);
    g_free(plan);
}

static bool read_hook(BerthPlan *plan, BerthHookStage stage, json_object *object, GError **error) {
    BerthPlanHook *hook = g_new0(BerthPlanHook, 1);
    uint64_t seconds;

    g_ptr_array_add(plan->hooks[stage], hook);
    if (!berth_document_get_string(object, "path", &hook->path, error) ||
        !berth_document_get_strings(object, "args", &hook->arguments, error) ||
        !berth_document_get_strings(object, "env", &hook->environment, error) ||
        !berth_document_get_size(object, "timeout", &seconds, error))
        return false;
    if (!hook->path || hook->path[0] != '/')
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "hooks.%s: \"path\" is not absolute", hook_names[stage]);
    if (json_object_object_get(object, "timeout") && (seconds == 0 || seconds > 3600))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "hooks.%s: \"timeout\" is not from 1 to 3600", hook_names[stage]);
    hook->timeout_usec = seconds * G_USEC_PER_SEC;
    return true;
}

static bool read_hooks(BerthPlan *plan, json_object *root, GError **error) {
    json_object *hooks, *array;

    if (!berth_document_get_object(root, "hooks", &hooks, error))
        return false;
    for (int stage = 0; hooks && stage < BERTH_HOOK_COUNT; stage++) {
        if (!berth_document_get_objects(hooks, hook_names[stage], &array, error))
            return false;
        for (guint i = 0; array && i < json_object_array_length(array); i++)
            if (!read_hook(plan, (BerthHookStage)stage, json_object_array_get_idx(array, i), error))
                return false;
    }
    return true;
}

/* DEVICE:INODE, as berthd writes it. */
static bool parse_inode(const char *text, uint64_t *device, uint64_t *inode) {
    char *end;

    *device = g_ascii_strtoull(text, &end, 10);
    if (*end != ':')
        return false;
    *inode = g_ascii_strtoull(end + 1, &end, 10);
    return *end == '\0';
}

/* Only berthd writes the annotations org.berth1.*, so their form is not checked again. An inode
 * that cannot be parsed counts as absent. */
static bool read_annotations(BerthPlan *plan, json_object *root, GError **error) {
    const char *layers = NULL, *inode = NULL;
    json_object *object;

    if (!berth_document_get_object(root, "annotations", &object, error) ||
        !berth_document_get_keys(root, "annotations", true, &plan->annotations, error))
        return false;
    if (!object)
        return true;
    if (!berth_document_get_string(object, "org.berth1.layers", &layers, error) ||
        !berth_document_get_string(object, "org.berth1.root", &plan->root, error) ||
        !berth_document_get_string(object, "org.berth1.root.inode", &inode, error) ||
        !berth_document_get_string(object, "org.berth1.network", &plan->network, error) ||
        !berth_document_get_string(object, "org.berth1.pod", &plan->pod, error) ||
        !berth_document_get_string(object, "org.berth1.joined", &plan->joined, error) ||
        !berth_document_get_string(object, "org.berth1.seccomp", &plan->seccomp, error))
        return false;
    if (layers && layers[0])
        plan->layers = g_strsplit(layers, ":", -1);
    plan->root_has_inode = inode && parse_inode(inode, &plan->root_device, &plan->root_inode);
    return true;
}

/* A container in a pod joins all namespaces of the pod except those for mounts, processes and
 * cgroups. One that joins the network of another container joins its users as well, to which the
 * network belongs. Both are known only at a start, when the launcher receives the /proc directory
 * of the other's first process. */
static void join_other(BerthPlan *plan) {
    int joined = plan->pod      ? CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS
                 : plan->joined ? CLONE_NEWUSER | CLONE_NEWNET
                                : 0;

    for (guint i = 0; i < plan->namespaces->len; i++) {
        BerthPlanNamespace *entry = &g_array_index(plan->namespaces, BerthPlanNamespace, i);
        if (entry->flag & joined)
            entry->path = berth_plan_keep(
                plan, g_strdup_printf("/proc/self/fd/%d/ns/%s", BERTH_POD_FD, entry->name));
    }
}

/* Accepts any 1.x, since configurations are compatible within a major version (the specification
 * uses semantic versioning). A configuration without a version is accepted too. */
static bool check_version(json_object *root, GError **error) {
    const char *version;

    if (!berth_document_get_string(root, "ociVersion", &version, error))
        return false;
    return !version || g_str_has_prefix(version, "1.") ||
           berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                           "ociVersion \"%.100s\" is not supported; only 1.x is", version);
}

static bool read_root(BerthPlan *plan, json_object *root, GError **error) {
    static const char *const unsupported[] = {"windows", "solaris", "vm", "zos", "freebsd", NULL};
    json_object *object;

    return berth_plan_refuse(root, "", unsupported, error) && check_version(root, error) &&
           berth_document_get_object(root, "root", &object, error) &&
           (!object || berth_document_get_bool(object, "readonly", &plan->read_only, error)) &&
           berth_document_get_string(root, "hostname", &plan->hostname, error) &&
           berth_document_get_string(root, "domainname", &plan->domainname, error);
}

/* Either created or joined; berth_plan_find_namespace() shows which. */
static bool has_namespace(const BerthPlan *plan, int flag) {
    return berth_plan_find_namespace(plan, flag) != NULL;
}

/* If /dev is a mount, its devices are created together with it (launch/device-tree.c). */
static void add_default_devices(BerthPlan *plan) {
    for (guint i = 0; i < plan->mounts->len; i++)
        if (g_str_equal(((BerthPlanMount *)plan->mounts->pdata[i])->destination, "/dev"))
            return;
    plan->makes_dev = true;
    for (const BerthPlanDevice *device = berth_default_devices; device->path; device++)
        g_ptr_array_add(plan->devices, g_memdup2(device, sizeof *device));
}

/* Checks the parts of a configuration for consistency. */
static bool check_whole(BerthPlan *plan, GError **error) {
    if (!has_namespace(plan, CLONE_NEWNS))
        return berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                               "a container without a mount namespace is not supported");
    if (plan->hostname && plan->hostname[0] && !has_namespace(plan, CLONE_NEWUTS))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "\"hostname\" needs a uts namespace");
    bool own_users =
        has_namespace(plan, CLONE_NEWUSER) && !berth_plan_find_namespace(plan, CLONE_NEWUSER)->path;
    plan->needs_ids = own_users && plan->uid_ranges->len == 0 && plan->gid_ranges->len == 0;
    if (own_users && (plan->uid_ranges->len == 0) != (plan->gid_ranges->len == 0))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "a user namespace needs uidMappings and gidMappings");
    if (!has_namespace(plan, CLONE_NEWUSER) && plan->uid_ranges->len > 0)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "uidMappings need a user namespace");
    if (plan->has_time_offsets && !has_namespace(plan, CLONE_NEWTIME))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "timeOffsets need a time namespace");
    return true;
}

/* Without a cgroup or an ipc namespace, these mounts show all cgroups or message queues of the
 * host. A process in a user namespace may mount them only for namespaces that belong to it, so the
 * outer process creates these mounts. */
static void find_mounts_of_host(const BerthPlan *plan) {
    bool cgroups = has_namespace(plan, CLONE_NEWUSER) && !has_namespace(plan, CLONE_NEWCGROUP);
    bool queues = has_namespace(plan, CLONE_NEWUSER) && !has_namespace(plan, CLONE_NEWIPC);

    for (guint i = 0; i < plan->mounts->len; i++) {
        BerthPlanMount *mount = plan->mounts->pdata[i];
        if (mount->kind != BERTH_MOUNT_FILE_SYSTEM)
            continue;
        if ((cgroups && berth_plan_is_cgroup(mount)) ||
            (queues && g_str_equal(mount->type, "mqueue")))
            mount->kind = BERTH_MOUNT_OF_HOST;
    }
}

/* The specification makes both members optional, but Berth needs "process" to run anything, and
 * "linux" for the namespaces. */
static bool read_all(BerthPlan *plan, GError **error) {
    json_object *root = plan->document, *process, *object;

    if (!berth_document_get_object(root, "process", &process, error) ||
        !berth_document_get_object(root, "linux", &object, error))
        return false;
    if (!process)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "there is no \"process\"");
    if (!object)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "there is no \"linux\"");
    return read_root(plan, root, error) && berth_plan_read_process(plan, process, error) &&
           berth_plan_read_mounts(plan, root, error) &&
           berth_plan_read_linux(plan, object, error) && read_hooks(plan, root, error) &&
           read_annotations(plan, root, error) && check_whole(plan, error);
}

/* Berth's own additions come after all checks, which concern the caller's configuration. */
BerthPlan *berth_plan_parse(const char *text, size_t size, GError **error) {
    json_object *document = berth_document_parse(text, size, error);

    if (!document)
        return NULL;
    BerthPlan *plan = new_plan();
    plan->document = document;
    if (read_all(plan, error)) {
        join_other(plan);
        add_default_devices(plan);
        find_mounts_of_host(plan);
        return plan;
    }
    berth_plan_free(plan);
    return NULL;
}
