/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The verb features: what the service's containers support, in the form of runc's features (and the
 * specification's features.md). The list of capabilities is the running kernel's, as in the
 * service.
 */

#include "base/document-members.h"
#include "config.h"
#include "verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/capability.h>
#include <unistd.h>

/* In the order of the specification; the lists below are sorted, as in runc. */
static const char hooks[] = "prestart createRuntime createContainer startContainer poststart "
                            "poststop";
static const char mount_options[] =
    "async atime bind defaults dev diratime dirsync exec idmap iversion lazytime loud mand noatime "
    "nodev nodiratime noexec noiversion nolazytime nomand norelatime nostrictatime nosuid "
    "nosymfollow private ratime rbind rdev rdiratime relatime remount rexec ridmap rnoatime rnodev "
    "rnodiratime rnoexec rnorelatime rnostrictatime rnosuid rnosymfollow ro rprivate rrelatime rro "
    "rrw rshared rslave rstrictatime rsuid rsymfollow runbindable rw shared silent slave "
    "strictatime suid symfollow sync tmpcopyup unbindable";
static const char namespaces[] = "cgroup ipc mount network pid time user uts";
static const char actions[] = "SCMP_ACT_ALLOW SCMP_ACT_ERRNO SCMP_ACT_KILL SCMP_ACT_KILL_PROCESS "
                              "SCMP_ACT_KILL_THREAD SCMP_ACT_LOG SCMP_ACT_TRACE SCMP_ACT_TRAP";
static const char operators[] = "SCMP_CMP_EQ SCMP_CMP_GE SCMP_CMP_GT SCMP_CMP_LE SCMP_CMP_LT "
                                "SCMP_CMP_MASKED_EQ SCMP_CMP_NE";

static void features_add_words(JsonBuilder *builder, const char *name, const char *words) {
    g_auto(GStrv) all = g_strsplit(words, " ", -1);

    berth_document_add_strings(builder, name, all);
}

static void features_add_capabilities(JsonBuilder *builder) {
    json_builder_set_member_name(builder, "capabilities");
    json_builder_begin_array(builder);
    for (cap_value_t value = 0; value < cap_max_bits(); value++) {
        char *name = cap_to_name(value);
        g_autofree char *upper = name ? g_ascii_strup(name, -1) : NULL;
        if (upper)
            json_builder_add_string_value(builder, upper);
        cap_free(name);
    }
    json_builder_end_array(builder);
}

static void begin_object_member(JsonBuilder *builder, const char *name) {
    json_builder_set_member_name(builder, name);
    json_builder_begin_object(builder);
}

static void features_add_linux(JsonBuilder *builder) {
    begin_object_member(builder, "linux");
    features_add_words(builder, "namespaces", namespaces);
    features_add_capabilities(builder);
    begin_object_member(builder, "cgroup");
    berth_document_add_bool(builder, "v1", false);
    berth_document_add_bool(builder, "v2", true);
    berth_document_add_bool(builder, "systemd", true);
    berth_document_add_bool(builder, "systemdUser", false);
    json_builder_end_object(builder);
    begin_object_member(builder, "seccomp");
    berth_document_add_bool(builder, "enabled", true);
    features_add_words(builder, "actions", actions);
    features_add_words(builder, "operators", operators);
    json_builder_end_object(builder);
    begin_object_member(builder, "apparmor");
    berth_document_add_bool(builder, "enabled", true);
    json_builder_end_object(builder);
    begin_object_member(builder, "selinux");
    berth_document_add_bool(builder, "enabled", false);
    json_builder_end_object(builder);
    json_builder_end_object(builder);
}

int runtime_verb_features(RuntimeOptions *options, GError **error) {
    g_autoptr(JsonBuilder) builder = json_builder_new();

    (void)options, (void)error;
    json_builder_begin_object(builder);
    berth_document_add_string(builder, "ociVersionMin", "1.0.0");
    berth_document_add_string(builder, "ociVersionMax", "1.0.2");
    features_add_words(builder, "hooks", hooks);
    features_add_words(builder, "mountOptions", mount_options);
    features_add_linux(builder);
    begin_object_member(builder, "annotations");
    berth_document_add_string(builder, "org.opencontainers.runc.checkpoint.enabled", "true");
    berth_document_add_string(builder, "org.berth1.version", BERTH_VERSION);
    json_builder_end_object(builder);
    json_builder_end_object(builder);
    g_autoptr(JsonNode) node = json_builder_get_root(builder);
    g_autofree char *text = json_to_string(node, TRUE);
    puts(text);
    return EXIT_SUCCESS;
}
