/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A configuration refers to the sources of its bind mounts by paths, which berthd does not open. A
 * descriptor proves the caller's access to a source and shows who owns it. With one, a bind mount
 * of the caller's own files needs no privilege, as with the mount option (mounts.c). There is no
 * state here. The one thing to know: a configuration can contain options that Create's options
 * cannot, so the decision is based on the parsed mount.
 */

#include "containers/spec/spec-binds.h"

#include "base/document-members.h"
#include "base/document.h"
#include "containers/spec/owned-mounts.h"

#include <sched.h>

static const BerthMountRequest *find_request(const BerthPlanMount *mount, const GPtrArray *requests,
                                             const GPtrArray *taken) {
    for (guint i = 0; berth_mount_is_bind(mount->kind) && requests && i < requests->len; i++) {
        const BerthMountRequest *request = requests->pdata[i];
        if (g_str_equal(request->type, "bind") && !request->volume &&
            g_str_equal(request->destination, mount->destination) &&
            !g_ptr_array_find((GPtrArray *)taken, request, NULL))
            return request;
    }
    return NULL;
}

GPtrArray *berth_spec_match_binds(const BerthPlan *plan, const GPtrArray *requests) {
    GPtrArray *matched = g_ptr_array_new();

    for (guint i = 0; i < plan->mounts->len; i++)
        g_ptr_array_add(matched, (gpointer)find_request(plan->mounts->pdata[i], requests, matched));
    return matched;
}

/* They would show what no right was asked for: layers of any image, by their names on disk. */
static bool check_own_options(const BerthPlan *plan, GError **error) {
    if (plan->root_mount)
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "mount %s: options x-berth.… are the service's own",
                               plan->root_mount->destination);
    for (guint i = 0; i < plan->mounts->len; i++) {
        const BerthPlanMount *mount = plan->mounts->pdata[i];
        if (mount->layers || mount->subpath || mount->file_name)
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   "mount %s: options x-berth.… are the service's own",
                                   mount->destination);
    }
    return true;
}

bool berth_spec_check_binds(const BerthPlan *plan, const GPtrArray *requests, GError **error) {
    if (!check_own_options(plan, error))
        return false;
    g_autoptr(GPtrArray) matched = berth_spec_match_binds(plan, requests);

    for (guint i = 0; requests && i < requests->len; i++) {
        const BerthMountRequest *request = requests->pdata[i];
        if (!g_ptr_array_find(matched, request, NULL))
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   "the configuration has no bind mount at %s",
                                   request->destination);
    }
    return true;
}

/* Without a user namespace of its own, the container's root would be the host's. */
bool berth_spec_is_owned(const BerthPlan *plan, const BerthPlanMount *mount,
                         const BerthMountRequest *request) {
    const BerthPlanNamespace *users = berth_plan_find_namespace(plan, CLONE_NEWUSER);

    return request && request->of_caller && users && !users->path &&
           berth_owned_mount_allows(mount);
}

static const char *find_inode(const BerthMountRequest *request) {
    for (char **option = request->options; *option; option++)
        if (g_str_has_prefix(*option, "x-berth.inode="))
            return *option;
    return NULL;
}

/* The last options in the copy take effect, so the caller's own cannot override them. */
static json_object *complete_bind(json_object *before, const BerthMountRequest *request, bool owned,
                                  GError **error) {
    g_auto(GStrv) options = NULL;

    if (!berth_document_get_strings(before, "options", &options, error))
        return NULL;
    json_object *mount = berth_document_copy(before);
    json_object *array = berth_document_add_array(mount, "options");
    const char *inode = find_inode(request);
    for (char **option = options; option && *option; option++)
        berth_document_append_string(array, *option);
    if (inode)
        berth_document_append_string(array, inode);
    if (owned) {
        g_autofree char *text = g_strdup_printf("x-berth.owned=%u", request->caller);
        berth_document_append_string(array, text);
    }
    berth_document_add_string(mount, "source", request->source);
    return mount;
}

bool berth_spec_complete_binds(json_object *whole, const BerthPlan *plan, const GPtrArray *requests,
                               GError **error) {
    json_object *before;

    if (!requests || requests->len == 0)
        return true;
    if (!berth_document_get_objects(whole, "mounts", &before, error))
        return false;
    g_autoptr(GPtrArray) matched = berth_spec_match_binds(plan, requests);
    g_autoptr(json_object) after = json_object_new_array();
    for (guint i = 0; i < matched->len; i++) {
        const BerthMountRequest *request = matched->pdata[i];
        json_object *mount = json_object_array_get_idx(before, i);
        mount = request ? complete_bind(mount, request,
                                        berth_spec_is_owned(plan, plan->mounts->pdata[i], request),
                                        error)
                        : json_object_get(mount);
        if (!mount)
            return false;
        json_object_array_add(after, mount);
    }
    json_object_object_add(whole, "mounts", g_steal_pointer(&after));
    return true;
}
