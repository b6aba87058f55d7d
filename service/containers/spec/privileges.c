/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The privileges that a request needs, as polkit sees them (privileges.h). The names are made
 * before the rest of the request is checked. An invalid part is refused later, but no part may hide
 * another one from polkit. There is no state here.
 */

#include "containers/spec/privileges.h"

#include "base/document.h"
#include "base/names.h"
#include "containers/spec/capabilities.h"
#include "containers/spec/filter-listener.h"
#include "containers/spec/mounts.h"
#include "containers/spec/port.h"
#include "containers/spec/privilege-names.h"
#include "containers/spec/properties.h"
#include "containers/spec/resource-limits.h"
#include "containers/spec/slices.h"
#include "containers/spec/spec-privileges.h"
#include "containers/spec/spec.h"

#include <string.h>

static void add_capability_options(GPtrArray *names, char *const *capabilities) {
    for (; capabilities && *capabilities; capabilities++) {
        g_autofree char *name = berth_capability_get_name(*capabilities);
        berth_privileges_add(names, "capability:", name);
    }
}

/* The slice determines which limits a container shares, so only the owner's own slices are free. */
static void add_slice(GPtrArray *names, const char *slice, uint32_t owner) {
    if (slice && !berth_slice_is_of_user(slice, owner))
        berth_privileges_add(names, "slice:", slice);
}

/* What the caller's own configuration requests. One that cannot be parsed is refused later. */
static void add_spec(GPtrArray *names, const BerthCreateOptions *options) {
    if (options->plan && berth_spec_is_plain(options->plan, options))
        return;
    berth_privileges_add(names, "spec", "");
    if (options->plan)
        berth_spec_add_privileges(names, options->plan, options);
}

/* Binding the caller's own files needs no privilege, unless the container's root is the host's.
 * With a Spec, Binds are descriptors for its mounts, which add_spec() names. */
static void add_mount_options(GPtrArray *names, const BerthCreateOptions *options) {
    bool has_users = options->spec || options->user_namespace == BERTH_USER_NAMESPACE_AUTO;

    for (guint i = 0; options->mounts && i < options->mounts->len; i++) {
        const BerthMountRequest *mount = options->mounts->pdata[i];
        if (g_str_equal(mount->type, "bind") && !mount->volume && !mount->of_container &&
            !(mount->of_caller && has_users))
            berth_privileges_add(names, "bind:", mount->source);
    }
}

/* Uses the path by which the directory will be opened again, and which must then lead to the same
 * directory: a path that exists only in the caller's mount namespace is useless. */
static void add_root_directory(GPtrArray *names, const BerthCreateOptions *options) {
    const BerthMountRequest *mount = options->root_mount ? options->root_mount->pdata[0] : NULL;
    g_autofree char *inode = NULL;
    g_autofree char *path = berth_mount_describe(options->root_directory, &inode, NULL);

    /* As for a bind mount. A Spec may map other ids, and its root includes what is mounted below.
     */
    if (mount && mount->of_caller && !options->spec &&
        options->user_namespace == BERTH_USER_NAMESPACE_AUTO)
        return;
    berth_privileges_add(names, "root-directory:", path ? path : "(unreachable)");
}

/* "/dev/NODE[:PATH[:rwm]]", or the name of a CDI device. */
static void add_device_options(GPtrArray *names, char *const *devices) {
    for (; devices && *devices; devices++) {
        g_autofree char *path =
            (*devices)[0] == '/' ? g_strndup(*devices, strcspn(*devices, ":")) : g_strdup(*devices);
        berth_privileges_add_path(names, "device:", path);
    }
}

/* The same rule as for users' processes, ip_unprivileged_port_start (ip(7)); port.c implements
 * it. */
static void add_ports(GPtrArray *names, char *const *ports) {
    for (; ports && *ports; ports++) {
        g_autofree char *port = berth_port_get_privilege(*ports);
        if (port)
            berth_privileges_add(names, "port:", port);
    }
}

static void add_properties(GPtrArray *names, GVariant *properties) {
    GVariantIter iterator;
    const char *name;

    g_variant_iter_init(&iterator, properties);
    while (g_variant_iter_next(&iterator, "{&sv}", &name, NULL))
        if (berth_container_property_reserves(name))
            berth_privileges_add(names, "property:", name);
}

/* A profile that cannot be parsed is refused later. */
static void add_filter(GPtrArray *names, const BerthCreateOptions *options) {
    if (options->seccomp == BERTH_SECCOMP_DEFAULT)
        return;
    berth_privileges_add(names, "seccomp", "");
    if (options->seccomp != BERTH_SECCOMP_PROFILE)
        return;
    g_autoptr(json_object) profile =
        berth_document_parse(options->seccomp_profile, strlen(options->seccomp_profile), NULL);
    berth_filter_listener_add(names, profile);
}

/* Every option that weakens the confinement must have a line here: an option that is left out needs
 * no authorisation. */
char *berth_privileges_of_container(const BerthCreateOptions *options) {
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

    if (options->network_mode == BERTH_NETWORK_HOST)
        berth_privileges_add(names, "host-network", "");
    if (options->user_namespace == BERTH_USER_NAMESPACE_HOST)
        berth_privileges_add(names, "host-users", "");
    if (options->pid_namespace == BERTH_NAMESPACE_HOST)
        berth_privileges_add(names, "host-pid", "");
    if (options->ipc_namespace == BERTH_NAMESPACE_HOST)
        berth_privileges_add(names, "host-ipc", "");
    if (options->uts_namespace == BERTH_NAMESPACE_HOST)
        berth_privileges_add(names, "host-uts", "");
    if (options->spec)
        add_spec(names, options);
    if (options->root_directory >= 0)
        add_root_directory(names, options);
    add_mount_options(names, options);
    add_device_options(names, options->devices);
    add_ports(names, options->ports);
    add_capability_options(names, options->capabilities_add);
    add_filter(names, options);
    if (options->unmasked && options->unmasked[0])
        berth_privileges_add(names, "unmasked", "");
    if (options->apparmor)
        berth_privileges_add(names, "label:", options->apparmor);
    berth_resource_limits_add_privileges(names, options->resource_limits);
    berth_spec_add_sysctl_privileges(names, options->sysctls, false);
    if (options->oom_score < 0)
        berth_privileges_add(names, "oom-score", "");
    if (options->properties)
        add_properties(names, options->properties);
    add_slice(names, options->slice, options->owner);
    return berth_privileges_join(names);
}

/* A Spec is itself a privilege, even if it requests nothing or cannot be parsed. In the latter case
 * plan is NULL, and the call is refused later. */
char *berth_privileges_of_exec(const BerthExecOptions *options) {
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(BerthPlan) plan = options->spec ? berth_spec_parse_exec(options) : NULL;

    if (options->spec)
        berth_privileges_add(names, "spec", "");
    if (plan)
        berth_spec_add_process_privileges(names, plan);
    add_capability_options(names, options->capabilities_add);
    return berth_privileges_join(names);
}

char *berth_privileges_of_update(GVariant *changed) {
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

    add_properties(names, changed);
    return berth_privileges_join(names);
}
