/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Changes to existing OCI runtime configurations: adding another process to that of a container,
 * and completing a caller's own. There is no state here. Copies of an object share its values with
 * the original, so each change is made in a copy of the object concerned. The one thing to know:
 * every result is parsed as a whole (plan/) before it is used.
 */

#include "containers/spec/capabilities.h"
#include "containers/spec/spec-binds.h"
#include "containers/spec/spec-private.h"

#include "base/document-members.h"
#include "base/document.h"
#include "plan/plan.h"

#include <string.h>

/* A variable of the caller replaces the existing one of the same name. */
static bool set_environment(json_object *process, char *const *added, GError **error) {
    g_auto(GStrv) before = NULL;
    g_autoptr(GPtrArray) all = g_ptr_array_new();
    g_autoptr(GHashTable) replaced = berth_spec_index_variables(added);

    if (!berth_document_get_strings(process, "env", &before, error))
        return false;
    for (char **variable = before; *variable; variable++)
        if (!berth_spec_has_variable(replaced, *variable))
            g_ptr_array_add(all, *variable);
    for (; added && *added; added++)
        g_ptr_array_add(all, (char *)*added);
    g_ptr_array_add(all, NULL);
    berth_document_add_strings(process, "env", (char **)all->pdata);
    return true;
}

/* "inheritable" and "ambient" are not changed: through these, the process of a user other than root
 * would keep capabilities across execve(2) (capabilities(7)), which no option asks for. */
static bool set_capabilities(json_object *process, char *const *added, GError **error) {
    static const char *const sets[] = {"bounding", "effective", "permitted"};
    json_object *before;

    if (!added || !*added)
        return true;
    if (!berth_document_get_object(process, "capabilities", &before, error))
        return false;
    g_autoptr(json_object) after = berth_document_copy(before);
    for (size_t i = 0; i < G_N_ELEMENTS(sets); i++) {
        g_auto(GStrv) names = NULL;
        if (before && !berth_document_get_strings(before, sets[i], &names, error))
            return false;
        g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(g_free);
        for (char **name = names; name && *name; name++)
            g_ptr_array_add(all, g_strdup(*name));
        for (char *const *name = added; *name; name++)
            berth_capabilities_add(all, *name);
        g_ptr_array_add(all, NULL);
        berth_document_add_strings(after, sets[i], (char **)all->pdata);
    }
    json_object_object_add(process, "capabilities", g_steal_pointer(&after));
    return true;
}

static void set_console(json_object *process, const BerthExecOptions *options) {
    /* A process that the caller supplied says so itself. */
    if (!options->spec || options->terminal)
        berth_document_add_bool(process, "terminal", options->terminal);
    if (options->spec && options->rows == 0)
        return;
    json_object *size = berth_document_add_object(process, "consoleSize");
    berth_document_add_int(size, "height", options->rows);
    berth_document_add_int(size, "width", options->columns);
}

/* The whole object is replaced, because ids and groups of the previous user must not remain. */
static void spec_set_user(json_object *process, const char *user) {
    berth_document_add_string(berth_document_add_object(process, "user"), "username", user);
}

/* The process that the options are applied to: one supplied by the caller, or the container's. */
static json_object *make_process(json_object *config, const BerthExecOptions *options,
                                 GError **error) {
    json_object *before;

    if (!options->spec)
        return berth_document_get_object(config, "process", &before, error)
                   ? berth_document_copy(before)
                   : NULL;
    /* Nothing else refers to the new document, so it needs no copy. */
    return berth_document_parse(options->spec, strlen(options->spec), error);
}

static bool set_command(json_object *process, const BerthExecOptions *options, GError **error) {
    if (options->command && options->command[0])
        berth_document_add_strings(process, "args", options->command);
    else if (!options->spec)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "there is no command to execute");
    return true;
}

static BerthPlan *make_exec(const char *text, size_t size, const BerthExecOptions *options,
                            GError **error) {
    g_autoptr(json_object) config = berth_document_parse(text, size, error);
    json_object *process = config ? make_process(config, options, error) : NULL;

    if (!process)
        return NULL;
    g_autoptr(json_object) root = berth_document_copy(config);
    /* From now on the tree owns it, even if a later step fails. */
    json_object_object_add(root, "process", process);
    if (!set_command(process, options, error) ||
        !berth_capabilities_check(options->capabilities_add, error))
        return NULL;
    set_console(process, options);
    if (options->no_new_privileges)
        berth_document_add_bool(process, "noNewPrivileges", true);
    if (options->working_directory)
        berth_document_add_string(process, "cwd", options->working_directory);
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

/* Adds the id ranges that berthd has chosen, and what a plain configuration gets automatically. */
static bool complete_linux(json_object *whole, const BerthSpecCompletion *completion,
                           GError **error) {
    json_object *before;
    g_auto(GStrv) masked = NULL;

    if (!completion->plain && completion->ids == 0)
        return true;
    if (!berth_document_get_object(whole, "linux", &before, error) ||
        !berth_document_get_strings(before, "maskedPaths", &masked, error))
        return false;
    json_object *linux_part = berth_document_copy(before);
    if (completion->ids > 0) {
        berth_spec_add_id_range(linux_part, "uidMappings", completion->ids);
        berth_spec_add_id_range(linux_part, "gidMappings", completion->ids);
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
        berth_document_add_strings(linux_part, "maskedPaths", (char **)all->pdata);
    }
    json_object_object_add(whole, "linux", linux_part);
    return true;
}

static void complete_annotations(json_object *annotations, const BerthSpecCompletion *completion) {
    /* A caller must not set Berth's own annotations. */
    json_object_object_foreach(annotations, name, value) {
        if (g_str_has_prefix(name, "org.berth1."))
            json_object_object_del(annotations, name);
    }
    if (completion->plain)
        berth_document_add_string(annotations, "org.berth1.seccomp", "default");
    if (completion->chain) {
        g_autofree char *layers = g_strjoinv(":", (char **)completion->chain);
        berth_document_add_string(annotations, "org.berth1.layers", layers);
    } else {
        berth_document_add_string(annotations, "org.berth1.root", completion->root);
        berth_document_add_string(annotations, "org.berth1.root.inode", completion->inode);
    }
}

char *berth_spec_complete(const char *text, const BerthSpecCompletion *completion, GError **error) {
    g_autoptr(json_object) given = berth_document_parse(text, strlen(text), error);
    json_object *before;

    if (!given || !berth_document_get_object(given, "annotations", &before, error))
        return NULL;
    g_autoptr(json_object) whole = berth_document_copy(given);
    json_object *annotations = berth_document_copy(before);
    json_object_object_add(whole, "annotations", annotations);
    complete_annotations(annotations, completion);
    g_autoptr(BerthPlan) plan =
        completion->binds ? berth_plan_parse(text, strlen(text), error) : NULL;
    if ((completion->binds &&
         (!plan || !berth_spec_complete_binds(whole, plan, completion->binds, error))) ||
        !complete_linux(whole, completion, error))
        return NULL;
    return berth_document_print(whole, true);
}
