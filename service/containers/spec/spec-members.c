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

static void add_unknown(GPtrArray *names, json_object *object, const char *place);

static void add_unknown_of_elements(GPtrArray *names, json_object *array, const char *place) {
    for (size_t i = 0; i < json_object_array_length(array); i++) {
        json_object *element = json_object_array_get_idx(array, i);
        if (json_object_is_type(element, json_type_object))
            add_unknown(names, element, place);
    }
}

/* The depth is limited by the table, however deep the configuration is. */
static void add_unknown(GPtrArray *names, json_object *object, const char *place) {
    const char *members = find_members(place);

    if (!members)
        return;
    json_object_object_foreach(object, name, value) {
        g_autofree char *path = place[0] ? g_strconcat(place, ".", name, NULL) : g_strdup(name);
        if (!is_known(members, name))
            berth_privileges_add(names, "unknown:", path);
        else if (json_object_is_type(value, json_type_object))
            add_unknown(names, value, path);
        else if (json_object_is_type(value, json_type_array))
            add_unknown_of_elements(names, value, path);
    }
}

void berth_spec_add_unknown_members(GPtrArray *names, json_object *config) {
    add_unknown(names, config, "");
}
