/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The verb features: what the service's containers support, in the form of runc's features (and the
 * specification's features.md). The list of capabilities is the running kernel's, as in the
 * service.
 */

#include "base/document-members.h"
#include "base/document.h"
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

static void features_add_words(json_object *object, const char *name, const char *words) {
    g_auto(GStrv) all = g_strsplit(words, " ", -1);

    berth_document_add_strings(object, name, all);
}

static void features_add_capabilities(json_object *linux_part) {
    json_object *capabilities = berth_document_add_array(linux_part, "capabilities");

    for (cap_value_t value = 0; value < cap_max_bits(); value++) {
        char *name = cap_to_name(value);
        g_autofree char *upper = name ? g_ascii_strup(name, -1) : NULL;
        if (upper)
            berth_document_append_string(capabilities, upper);
        cap_free(name);
    }
}

static void features_add_linux(json_object *linux_part) {
    features_add_words(linux_part, "namespaces", namespaces);
    features_add_capabilities(linux_part);
    json_object *cgroup = berth_document_add_object(linux_part, "cgroup");
    berth_document_add_bool(cgroup, "v1", false);
    berth_document_add_bool(cgroup, "v2", true);
    berth_document_add_bool(cgroup, "systemd", true);
    berth_document_add_bool(cgroup, "systemdUser", false);
    json_object *seccomp = berth_document_add_object(linux_part, "seccomp");
    berth_document_add_bool(seccomp, "enabled", true);
    features_add_words(seccomp, "actions", actions);
    features_add_words(seccomp, "operators", operators);
    berth_document_add_bool(berth_document_add_object(linux_part, "apparmor"), "enabled", true);
    berth_document_add_bool(berth_document_add_object(linux_part, "selinux"), "enabled", false);
}

int runtime_verb_features(RuntimeOptions *options, GError **error) {
    g_autoptr(json_object) features = json_object_new_object();

    (void)options, (void)error;
    berth_document_add_string(features, "ociVersionMin", "1.0.0");
    berth_document_add_string(features, "ociVersionMax", "1.0.2");
    features_add_words(features, "hooks", hooks);
    features_add_words(features, "mountOptions", mount_options);
    features_add_linux(berth_document_add_object(features, "linux"));
    json_object *annotations = berth_document_add_object(features, "annotations");
    berth_document_add_string(annotations, "org.opencontainers.runc.checkpoint.enabled", "true");
    berth_document_add_string(annotations, "org.berth1.version", BERTH_VERSION);
    g_autofree char *text = berth_document_print(features, true);
    puts(text);
    return EXIT_SUCCESS;
}
