/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The OCI runtime configuration of a container (runtime specification, config.md), made from its
 * image and the options of Create. The defaults are those of an unprivileged container.
 * berth-launch carries out what is written here, and adds nothing. There is no state here.
 */

#include "containers/spec/spec-private.h"

#include "base/document-members.h"
#include "base/document.h"
#include "containers/spec/filter-listener.h"
#include "containers/spec/spec-network.h"
#include "snapshots/mount-points.h"

#include <string.h>
#include <sys/stat.h>

/* texts is a list of name, value… */
static void spec_add_pairs(json_object *object, char *const *texts) {
    for (; texts && *texts; texts += 2)
        berth_document_add_string(object, texts[0], texts[1]);
}

/* A profile supplied by the caller, in the form of the runtime specification. */
static bool add_profile(json_object *linux_part, const BerthCreateOptions *options,
                        GError **error) {
    if (options->seccomp != BERTH_SECCOMP_PROFILE)
        return true;
    json_object *profile =
        berth_document_parse(options->seccomp_profile, strlen(options->seccomp_profile), error);
    if (!profile) {
        g_prefix_error(error, "seccomp: ");
        return false;
    }
    json_object_object_add(linux_part, "seccomp", profile);
    return options->owner == 0 || berth_filter_listener_check(profile, error);
}

void berth_spec_add_id_range(json_object *linux_part, const char *member, uint32_t ids) {
    json_object *ranges = berth_document_add_array(linux_part, member);
    json_object *range = berth_document_append_object(ranges);

    berth_document_add_int(range, "containerID", 0);
    berth_document_add_int(range, "hostID", ids);
    berth_document_add_int(range, "size", BERTH_IDS_COUNT);
}

static void spec_add_devices(json_object *linux_part, const BerthSpecContext *context) {
    json_object *list = berth_document_add_array(linux_part, "devices");

    for (guint i = 0; context->edits && i < context->edits->devices->len; i++) {
        const BerthDeviceRequest *device = context->edits->devices->pdata[i];
        json_object *item = berth_document_append_object(list);
        berth_document_add_string(item, "path", device->path);
        berth_document_add_string(item, "type", S_ISBLK(device->type) ? "b" : "c");
        berth_document_add_int(item, "major", device->major);
        berth_document_add_int(item, "minor", device->minor);
        berth_document_add_int(item, "fileMode", device->mode);
        berth_document_add_int(item, "uid", device->uid);
        berth_document_add_int(item, "gid", device->gid);
    }
}

static void spec_add_hooks(json_object *root, const BerthSpecContext *context) {
    if (context->edits && json_object_object_length(context->edits->hooks) > 0)
        json_object_object_add(root, "hooks", json_object_get(context->edits->hooks));
}

/* Kernel settings of a namespace and of a process. */
static void add_own_kernel(json_object *linux_part, const BerthCreateOptions *options) {
    if (options->sysctls && options->sysctls[0])
        spec_add_pairs(berth_document_add_object(linux_part, "sysctl"), options->sysctls);
    if (options->personality)
        berth_document_add_string(berth_document_add_object(linux_part, "personality"), "domain",
                                  options->personality);
}

/* As in podman-run(1), what is unmasked is writable as well. */
static void spec_add_hidden_paths(json_object *linux_part, const BerthCreateOptions *options) {
    g_auto(GStrv) masked =
        berth_spec_list_hidden(berth_spec_get_masked_paths(), options->unmasked, options->masked);
    g_auto(GStrv) read_only =
        berth_spec_list_hidden(berth_spec_get_read_only_paths(), options->unmasked, NULL);

    berth_document_add_strings(linux_part, "maskedPaths", masked);
    berth_document_add_strings(linux_part, "readonlyPaths", read_only);
}

/* A container without a network still has a network namespace; only in mode "host" it has none. */
static bool spec_add_linux(json_object *root, const BerthCreateOptions *options,
                           const BerthSpecContext *context, GError **error) {
    uint32_t ids = context->ids;
    const char *const namespaces[] = {
        "mount",
        options->uts_namespace != BERTH_NAMESPACE_HOST ? "uts" : NULL,
        "cgroup",
        options->pid_namespace != BERTH_NAMESPACE_HOST ? "pid" : NULL,
        options->ipc_namespace != BERTH_NAMESPACE_HOST ? "ipc" : NULL,
        ids > 0 ? "user" : NULL,
        options->network_mode != BERTH_NETWORK_HOST ? "network" : NULL,
    };

    json_object *linux_part = berth_document_add_object(root, "linux");
    json_object *list = berth_document_add_array(linux_part, "namespaces");
    for (size_t i = 0; i < G_N_ELEMENTS(namespaces); i++)
        if (namespaces[i])
            berth_document_add_string(berth_document_append_object(list), "type", namespaces[i]);
    if (ids > 0) {
        berth_spec_add_id_range(linux_part, "uidMappings", ids);
        berth_spec_add_id_range(linux_part, "gidMappings", ids);
    }
    spec_add_devices(linux_part, context);
    add_own_kernel(linux_part, options);
    spec_add_hidden_paths(linux_part, options);
    return add_profile(linux_part, options, error);
}

/* The layers of the image and, below them, its mount points. NULL if there is no image. */
static char *format_layers(const BerthCreateOptions *options, const BerthSpecContext *context) {
    if (!context->chain)
        return NULL;
    g_autofree char *chain = g_strjoinv(":", (char **)context->chain);
    const char *points =
        berth_mount_points_choose(g_strv_length((char **)context->chain), options->no_hosts);

    return points ? g_strconcat(chain, ":", points, NULL) : g_steal_pointer(&chain);
}

static void add_annotations(json_object *root, const BerthCreateOptions *options,
                            const BerthSpecContext *context) {
    g_autofree char *layers = format_layers(options, context);

    json_object *annotations = berth_document_add_object(root, "annotations");
    spec_add_pairs(annotations, options->annotations);
    if (layers)
        berth_document_add_string(annotations, "org.berth1.layers", layers);
    else
        berth_document_add_string(annotations, "org.berth1.root", context->root);
    if (options->pod)
        berth_document_add_string(annotations, "org.berth1.pod", options->pod);
    if (options->log_tag)
        berth_document_add_string(annotations, "org.berth1.log-tag", options->log_tag);
    berth_document_add_string(annotations, "org.berth1.image", options->image);
    berth_spec_add_network(annotations, options);
    if (options->seccomp != BERTH_SECCOMP_PROFILE)
        berth_document_add_string(annotations, "org.berth1.seccomp",
                                  options->seccomp == BERTH_SECCOMP_UNCONFINED ? "unconfined"
                                                                               : "default");
}

char *berth_spec_format(const BerthCreateOptions *options, const BerthImageInfo *image,
                        const BerthSpecContext *context, GError **error) {
    g_autoptr(json_object) root = json_object_new_object();
    bool is_system = berth_spec_is_system(options, image);

    berth_document_add_string(root, "ociVersion", "1.0.2");
    if (!berth_spec_add_process(root, options, image, context, error))
        return NULL;
    json_object *root_part = berth_document_add_object(root, "root");
    berth_document_add_string(root_part, "path", "rootfs");
    berth_document_add_bool(root_part, "readonly", options->read_only);
    if (options->uts_namespace != BERTH_NAMESPACE_HOST)
        berth_document_add_string(root, "hostname",
                                  options->hostname ? options->hostname : options->id);
    berth_spec_add_mounts(root, options, image, context, is_system);
    if (!spec_add_linux(root, options, context, error))
        return NULL;
    spec_add_hooks(root, context);
    add_annotations(root, options, context);
    return berth_document_print(root, true);
}
