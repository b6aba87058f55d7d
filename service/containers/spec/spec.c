/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The OCI runtime configuration of a container (runtime specification, config.md), made from its
 * image and the options of Create. The defaults are those of an unprivileged container.
 * berth-launch carries out what is written here, and adds nothing. There is no state here.
 */

#include "containers/spec/spec-private.h"

#include "base/document-members.h"
#include "containers/spec/spec-network.h"

#include <string.h>
#include <sys/stat.h>

/* texts is a list of name, value… */
static void spec_add_environment_pairs(JsonBuilder *builder, char *const *texts) {
    for (; texts && *texts; texts += 2)
        berth_document_add_string(builder, texts[0], texts[1]);
}

/* A profile supplied by the caller, in the form of the runtime specification. */
static bool add_profile(JsonBuilder *builder, const BerthCreateOptions *options, GError **error) {
    if (options->seccomp != BERTH_SECCOMP_PROFILE)
        return true;
    JsonNode *profile =
        berth_document_parse(options->seccomp_profile, strlen(options->seccomp_profile), error);
    if (!profile) {
        g_prefix_error(error, "seccomp: ");
        return false;
    }
    json_builder_set_member_name(builder, "seccomp");
    json_builder_add_value(builder, profile);
    return true;
}

/* A single range (config-linux.md, "User namespace mappings"): the container's ids from 0
 * correspond to the host's from ids. */
static void spec_add_id_range(JsonBuilder *builder, const char *member, uint32_t ids) {
    json_builder_set_member_name(builder, member);
    json_builder_begin_array(builder);
    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "containerID");
    json_builder_add_int_value(builder, 0);
    json_builder_set_member_name(builder, "hostID");
    json_builder_add_int_value(builder, ids);
    json_builder_set_member_name(builder, "size");
    json_builder_add_int_value(builder, BERTH_IDS_COUNT);
    json_builder_end_object(builder);
    json_builder_end_array(builder);
}

static void spec_add_devices(JsonBuilder *builder, const BerthSpecContext *context) {
    json_builder_set_member_name(builder, "devices");
    json_builder_begin_array(builder);
    for (guint i = 0; context->edits && i < context->edits->devices->len; i++) {
        const BerthDeviceRequest *device = context->edits->devices->pdata[i];
        json_builder_begin_object(builder);
        berth_document_add_string(builder, "path", device->path);
        berth_document_add_string(builder, "type", S_ISBLK(device->type) ? "b" : "c");
        berth_document_add_int(builder, "major", device->major);
        berth_document_add_int(builder, "minor", device->minor);
        berth_document_add_int(builder, "fileMode", device->mode);
        berth_document_add_int(builder, "uid", device->uid);
        berth_document_add_int(builder, "gid", device->gid);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
}

static void spec_add_hooks(JsonBuilder *builder, const BerthSpecContext *context) {
    if (!context->edits || json_object_get_size(context->edits->hooks) == 0)
        return;
    JsonNode *node = json_node_new(JSON_NODE_OBJECT);
    json_node_set_object(node, context->edits->hooks);
    json_builder_set_member_name(builder, "hooks");
    json_builder_add_value(builder, node);
}

/* Kernel settings of a namespace and of a process. */
static void add_own_kernel(JsonBuilder *builder, const BerthCreateOptions *options) {
    if (options->sysctls && options->sysctls[0]) {
        json_builder_set_member_name(builder, "sysctl");
        json_builder_begin_object(builder);
        spec_add_environment_pairs(builder, options->sysctls);
        json_builder_end_object(builder);
    }
    if (options->personality) {
        json_builder_set_member_name(builder, "personality");
        json_builder_begin_object(builder);
        berth_document_add_string(builder, "domain", options->personality);
        json_builder_end_object(builder);
    }
}

/* As in podman-run(1), what is unmasked is writable as well. */
static void spec_add_hidden_paths(JsonBuilder *builder, const BerthCreateOptions *options) {
    g_auto(GStrv) masked =
        berth_spec_list_hidden(berth_spec_get_masked_paths(), options->unmasked, options->masked);
    g_auto(GStrv) read_only =
        berth_spec_list_hidden(berth_spec_get_read_only_paths(), options->unmasked, NULL);

    berth_document_add_strings(builder, "maskedPaths", masked);
    berth_document_add_strings(builder, "readonlyPaths", read_only);
}

/* A container without a network still has a network namespace; only in mode "host" it has none. */
static bool spec_add_linux(JsonBuilder *builder, const BerthCreateOptions *options,
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

    json_builder_set_member_name(builder, "linux");
    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "namespaces");
    json_builder_begin_array(builder);
    for (size_t i = 0; i < G_N_ELEMENTS(namespaces); i++) {
        if (!namespaces[i])
            continue;
        json_builder_begin_object(builder);
        berth_document_add_string(builder, "type", namespaces[i]);
        json_builder_end_object(builder);
    }
    json_builder_end_array(builder);
    if (ids > 0) {
        spec_add_id_range(builder, "uidMappings", ids);
        spec_add_id_range(builder, "gidMappings", ids);
    }
    spec_add_devices(builder, context);
    add_own_kernel(builder, options);
    spec_add_hidden_paths(builder, options);
    if (!add_profile(builder, options, error))
        return false;
    json_builder_end_object(builder);
    return true;
}

static void add_annotations(JsonBuilder *builder, const BerthCreateOptions *options,
                            const BerthSpecContext *context) {
    g_autofree char *layers = context->chain ? g_strjoinv(":", (char **)context->chain) : NULL;

    json_builder_set_member_name(builder, "annotations");
    json_builder_begin_object(builder);
    spec_add_environment_pairs(builder, options->annotations);
    if (layers)
        berth_document_add_string(builder, "org.berth1.layers", layers);
    else
        berth_document_add_string(builder, "org.berth1.root", context->root);
    if (options->pod)
        berth_document_add_string(builder, "org.berth1.pod", options->pod);
    if (options->log_tag)
        berth_document_add_string(builder, "org.berth1.log-tag", options->log_tag);
    berth_document_add_string(builder, "org.berth1.image", options->image);
    berth_spec_add_network(builder, options);
    if (options->seccomp != BERTH_SECCOMP_PROFILE)
        berth_document_add_string(builder, "org.berth1.seccomp",
                                  options->seccomp == BERTH_SECCOMP_UNCONFINED ? "unconfined"
                                                                               : "default");
    json_builder_end_object(builder);
}

char *berth_spec_format(const BerthCreateOptions *options, const BerthImageInfo *image,
                        const BerthSpecContext *context, GError **error) {
    g_autoptr(JsonBuilder) builder = json_builder_new();
    bool is_system = berth_spec_is_system(options, image);

    json_builder_begin_object(builder);
    berth_document_add_string(builder, "ociVersion", "1.0.2");
    if (!berth_spec_add_process(builder, options, image, context, error))
        return NULL;
    json_builder_set_member_name(builder, "root");
    json_builder_begin_object(builder);
    berth_document_add_string(builder, "path", "rootfs");
    berth_document_add_bool(builder, "readonly", options->read_only);
    json_builder_end_object(builder);
    if (options->uts_namespace != BERTH_NAMESPACE_HOST)
        berth_document_add_string(builder, "hostname",
                                  options->hostname ? options->hostname : options->id);
    berth_spec_add_mounts(builder, options, image, context, is_system);
    if (!spec_add_linux(builder, options, context, error))
        return NULL;
    spec_add_hooks(builder, context);
    add_annotations(builder, options, context);
    json_builder_end_object(builder);
    g_autoptr(JsonNode) root = json_builder_get_root(builder);
    return json_to_string(root, TRUE);
}
