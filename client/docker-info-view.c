/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Scripts read single facts of a machine from "docker info" and "podman info". Those that are true
 * here are derived from the service's own and from the machine. What the service has no counterpart
 * of, such as a version of an API, is missing, and a template that asks for it fails. There is no
 * state.
 */

#include "client/docker-info-view.h"

#include "base/document-members.h"
#include "client/run-values.h"
#include "config.h"

#include <glib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

/* A field of os-release(5); "" if there is none. */
static void add_os_field(json_object *to, const char *member, const char *field) {
    g_autofree char *value = g_get_os_info(field);

    berth_document_add_string(to, member, value ? value : "");
}

static bool has_unified_cgroups(void) {
    return access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0;
}

static void add_host_security(json_object *host) {
    json_object *security = berth_document_add_object(host, "Security");

    berth_document_add_bool(security, "Rootless", false);
    berth_document_add_bool(security, "SECCOMPEnabled", true);
    berth_document_add_bool(security, "AppArmorEnabled",
                            access("/sys/kernel/security/apparmor", F_OK) == 0);
    berth_document_add_bool(security, "SELinuxEnabled", false);
}

/* podman's Host. */
static void add_host(json_object *info, const struct utsname *system, const struct sysinfo *state) {
    json_object *host = berth_document_add_object(info, "Host");
    g_autofree char *platform = dist_get_platform();

    berth_document_add_string(host, "OS", "linux");
    berth_document_add_string(host, "Arch", strchr(platform, '/') + 1);
    berth_document_add_string(host, "Hostname", system->nodename);
    berth_document_add_string(host, "Kernel", system->release);
    berth_document_add_int(host, "CPUs", g_get_num_processors());
    berth_document_add_uint(host, "MemTotal", (uint64_t)state->totalram * state->mem_unit);
    berth_document_add_uint(host, "MemFree", (uint64_t)state->freeram * state->mem_unit);
    berth_document_add_uint(host, "SwapTotal", (uint64_t)state->totalswap * state->mem_unit);
    berth_document_add_uint(host, "SwapFree", (uint64_t)state->freeswap * state->mem_unit);
    berth_document_add_string(host, "CgroupManager", "systemd");
    berth_document_add_string(host, "CgroupVersion", has_unified_cgroups() ? "v2" : "v1");
    berth_document_add_string(host, "LogDriver", "journald");
    berth_document_add_bool(host, "ServiceIsRemote", false);
    json_object *distribution = berth_document_add_object(host, "Distribution");
    add_os_field(distribution, "Distribution", G_OS_INFO_KEY_ID);
    add_os_field(distribution, "Version", G_OS_INFO_KEY_VERSION_ID);
    add_os_field(distribution, "Codename", G_OS_INFO_KEY_VERSION_CODENAME);
    add_host_security(host);
}

/* docker's members, which are at the top. */
static void add_machine(json_object *info, const struct utsname *system,
                        const struct sysinfo *state) {
    berth_document_add_string(info, "Name", system->nodename);
    berth_document_add_string(info, "OSType", "linux");
    berth_document_add_string(info, "Architecture", system->machine);
    berth_document_add_string(info, "KernelVersion", system->release);
    add_os_field(info, "OperatingSystem", G_OS_INFO_KEY_PRETTY_NAME);
    add_os_field(info, "OSVersion", G_OS_INFO_KEY_VERSION_ID);
    berth_document_add_int(info, "NCPU", g_get_num_processors());
    berth_document_add_uint(info, "MemTotal", (uint64_t)state->totalram * state->mem_unit);
    berth_document_add_string(info, "CgroupVersion", has_unified_cgroups() ? "2" : "1");
}

static void add_service(json_object *info, const DistServiceFacts *facts) {
    berth_document_add_string(info, "ServerVersion", facts->version);
    berth_document_add_string(info, "DockerRootDir", facts->path);
    berth_document_add_string(info, "Driver", "overlay");
    berth_document_add_string(info, "LoggingDriver", "journald");
    berth_document_add_string(info, "CgroupDriver", "systemd");
    berth_document_add_uint(info, "Containers", facts->containers);
    berth_document_add_uint(info, "ContainersRunning", facts->running);
    berth_document_add_uint(info, "Images", facts->images);
    berth_document_add_string(berth_document_add_object(info, "Swarm"), "LocalNodeState",
                              "inactive");
}

/* podman's Store. */
static void add_store(json_object *info, const DistServiceFacts *facts) {
    json_object *store = berth_document_add_object(info, "Store");
    g_autofree char *volumes = g_build_filename(facts->path, "volumes", NULL);

    berth_document_add_string(store, "GraphRoot", facts->path);
    berth_document_add_string(store, "GraphDriverName", "overlay");
    berth_document_add_uint(store, "GraphRootAllocated", facts->size_bytes);
    berth_document_add_uint(store, "GraphRootUsed", facts->used_bytes);
    berth_document_add_string(store, "VolumePath", volumes);
    berth_document_add_uint(berth_document_add_object(store, "ImageStore"), "Number",
                            facts->images);
    json_object *containers = berth_document_add_object(store, "ContainerStore");
    berth_document_add_uint(containers, "Number", facts->containers);
    berth_document_add_uint(containers, "Running", facts->running);
}

/* version: of dist or of the service; system: of the machine on which it is, NULL if unknown. */
static void add_version(json_object *to, const char *member, const char *version,
                        const struct utsname *system) {
    json_object *part = berth_document_add_object(to, member);

    berth_document_add_string(part, "Version", version);
    if (!system)
        return;
    g_autofree char *platform = dist_get_platform();
    berth_document_add_string(part, "Os", "linux");
    berth_document_add_string(part, "Arch", strchr(platform, '/') + 1);
    berth_document_add_string(part, "OsArch", platform);
    berth_document_add_string(part, "KernelVersion", system->release);
}

void dist_docker_info_view_add(json_object *info, const DistServiceFacts *facts) {
    struct utsname system = {0};
    struct sysinfo state = {0};

    add_service(info, facts);
    add_store(info, facts);
    (void)uname(&system);
    (void)sysinfo(&state);
    add_version(info, "Version", facts->version, facts->is_here ? &system : NULL);
    if (!facts->is_here)
        return;
    add_host(info, &system, &state);
    add_machine(info, &system, &state);
}

void dist_docker_version_view_add(json_object *versions, const DistServiceFacts *facts) {
    struct utsname system = {0};

    (void)uname(&system);
    add_version(versions, "Client", BERTH_VERSION, &system);
    add_version(versions, "Server", facts->version, facts->is_here ? &system : NULL);
}
