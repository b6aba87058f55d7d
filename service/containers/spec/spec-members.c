/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The members of a runtime configuration that plan/ reads. Others are ignored, as the specification
 * demands. But a configuration is stored, and a later version of Berth may know the member: a
 * caller who is not allowed to request it must not be able to store it now. There is no state
 * here.
 */

#include "containers/spec/spec-members.h"

#include "containers/spec/privilege-names.h"

#include <string.h>

/* Objects, and the objects in lists, by their position. Objects without a row have names chosen by
 * the caller (annotations, sysctl, unified, rdma), or count as one privilege as a whole
 * (seccomp). */
static const struct {
    const char *place, *members;
} known[] = {
    {"", "ociVersion process root hostname domainname mounts hooks linux annotations"},
    {"process", "terminal consoleSize user args env cwd capabilities rlimits noNewPrivileges "
                "apparmorProfile oomScoreAdj scheduler ioPriority"},
    {"process.consoleSize", "height width"},
    {"process.user", "uid gid umask additionalGids additionalGroups username"},
    {"process.capabilities", "bounding effective permitted inheritable ambient"},
    {"process.rlimits", "type hard soft"},
    {"process.scheduler", "policy nice priority flags runtime deadline period"},
    {"process.ioPriority", "class priority"},
    {"root", "path readonly"},
    {"mounts", "destination type source options uidMappings gidMappings"},
    {"hooks", "prestart createRuntime createContainer startContainer poststart poststop"},
    {"hooks.startContainer", "path args env timeout"},
    {"linux", "namespaces uidMappings gidMappings timeOffsets devices cgroupsPath resources sysctl "
              "seccomp rootfsPropagation maskedPaths readonlyPaths personality"},
    {"linux.namespaces", "type path"},
    {"linux.timeOffsets", "monotonic boottime"},
    {"linux.timeOffsets.monotonic", "secs nanosecs"},
    {"linux.timeOffsets.boottime", "secs nanosecs"},
    {"linux.devices", "path type major minor fileMode uid gid"},
    {"linux.personality", "domain flags"},
    {"linux.resources", "devices memory cpu pids blockIO hugepageLimits rdma unified"},
    {"linux.resources.devices", "allow type major minor access"},
    {"linux.resources.memory",
     "limit reservation swap disableOOMKiller useHierarchy checkBeforeUpdate"},
    {"linux.resources.cpu", "shares quota burst period cpus mems idle"},
    {"linux.resources.pids", "limit"},
    {"linux.resources.blockIO", "weight weightDevice throttleReadBpsDevice throttleWriteBpsDevice "
                                "throttleReadIOPSDevice throttleWriteIOPSDevice"},
    {"linux.resources.hugepageLimits", "pageSize limit"},
};

static bool is_known(const char *members, const char *name) {
    g_auto(GStrv) all = g_strsplit(members, " ", -1);

    return g_strv_contains((const char *const *)all, name);
}

static const char *find_members(const char *place) {
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
        if (g_str_equal(known[i].place, place))
            return known[i].members;
    return NULL;
}

/* The depth is limited by the table, however deep the configuration is. */
static void add_unknown(GPtrArray *names, JsonObject *object, const char *place) {
    const char *members = find_members(place);
    g_autoptr(GList) list = members ? json_object_get_members(object) : NULL;

    for (GList *at = list; at; at = at->next) {
        g_autofree char *path =
            place[0] ? g_strconcat(place, ".", (char *)at->data, NULL) : g_strdup(at->data);
        JsonNode *node = json_object_get_member(object, at->data);
        if (!is_known(members, at->data))
            berth_privileges_add(names, "unknown:", path);
        else if (JSON_NODE_HOLDS_OBJECT(node))
            add_unknown(names, json_node_get_object(node), path);
        else if (JSON_NODE_HOLDS_ARRAY(node)) {
            JsonArray *array = json_node_get_array(node);
            for (guint i = 0; i < json_array_get_length(array); i++) {
                JsonNode *element = json_array_get_element(array, i);
                if (JSON_NODE_HOLDS_OBJECT(element))
                    add_unknown(names, json_node_get_object(element), path);
            }
        }
    }
}

void berth_spec_add_unknown_members(GPtrArray *names, JsonObject *config) {
    add_unknown(names, config, "");
}
