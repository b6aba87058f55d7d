/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * docker's HostConfig: limits, rights and policies. The document has them in systemd's units, from
 * which those of docker are computed. A limit that is not set is 0, as in docker. There is no state
 * here.
 */

#include "client/docker-host-view.h"

#include "base/document-members.h"
#include "base/document.h"

#include <glib.h>

/* 0 for no limit: systemd's "infinity" is UINT64_MAX. */
static uint64_t get_limit(json_object *limits, const char *property) {
    uint64_t value = json_object_get_uint64(json_object_object_get(limits, property));

    return value == UINT64_MAX ? 0 : value;
}

/* The fewest shares for which --cpu-shares sets this weight (scope-limits.c). */
static uint64_t convert_weight(uint64_t weight) {
    return weight == 0 ? 0 : 2 + ((weight - 1) * 262142 + 9998) / 9999;
}

/* In docker, the limit of swap includes that of memory. */
static void add_limits(json_object *host, json_object *limits) {
    uint64_t memory = get_limit(limits, "MemoryMax");
    uint64_t quota_usec = get_limit(limits, "CPUQuotaPerSecUSec");
    uint64_t period_usec = quota_usec ? get_limit(limits, "CPUQuotaPeriodUSec") : 0;
    json_object *swap = NULL;
    bool has_swap = json_object_object_get_ex(limits, "MemorySwapMax", &swap) &&
                    json_object_get_uint64(swap) != UINT64_MAX;

    if (quota_usec && !period_usec)
        period_usec = 100 * 1000;
    berth_document_add_uint(host, "Memory", memory);
    berth_document_add_uint(host, "MemorySwap",
                            has_swap ? memory + json_object_get_uint64(swap) : 0);
    berth_document_add_uint(host, "MemoryReservation", get_limit(limits, "MemoryLow"));
    berth_document_add_uint(host, "NanoCpus", quota_usec * 1000);
    berth_document_add_uint(host, "CpuPeriod", period_usec);
    berth_document_add_uint(host, "CpuQuota", quota_usec * period_usec / G_USEC_PER_SEC);
    berth_document_add_uint(host, "CpuShares", convert_weight(get_limit(limits, "CPUWeight")));
    berth_document_add_uint(host, "PidsLimit", get_limit(limits, "TasksMax"));
}

static bool has_namespace(json_object *linux_part, const char *type) {
    json_object *list = NULL;
    const char *found = NULL;

    berth_document_get_objects(linux_part, "namespaces", &list, NULL);
    for (size_t i = 0; list && i < json_object_array_length(list); i++)
        if (berth_document_get_string(json_object_array_get_idx(list, i), "type", &found, NULL) &&
            g_strcmp0(found, type) == 0)
            return true;
    return false;
}

/* What --privileged asks for, wherever it comes from: all capabilities, no filter and no user
 * namespace. */
static bool is_privileged(json_object *container, json_object *spec) {
    json_object *annotations = json_object_object_get(spec, "annotations");
    const char *seccomp =
        json_object_get_string(json_object_object_get(annotations, "org.berth1.seccomp"));
    g_auto(GStrv) added = NULL;

    berth_document_get_strings(container, "capabilitiesAdded", &added, NULL);
    return added && g_strv_contains((const char *const *)added, "CAP_SYS_ADMIN") &&
           g_strcmp0(seccomp, "unconfined") == 0 &&
           !has_namespace(json_object_object_get(spec, "linux"), "user");
}

void dist_docker_host_view_add(json_object *host, json_object *container, json_object *spec) {
    json_object *policy = berth_document_add_object(host, "RestartPolicy");

    berth_document_add_same(policy, "Name", json_object_object_get(container, "restart"));
    berth_document_add_same(policy, "MaximumRetryCount",
                            json_object_object_get(container, "restartLimit"));
    berth_document_add_same(host, "AutoRemove", json_object_object_get(container, "autoRemove"));
    berth_document_add_same(host, "NetworkMode", json_object_object_get(container, "network"));
    add_limits(host, json_object_object_get(container, "limits"));
    berth_document_add_same(host, "CapAdd", json_object_object_get(container, "capabilitiesAdded"));
    berth_document_add_same(host, "CapDrop",
                            json_object_object_get(container, "capabilitiesDropped"));
    berth_document_add_bool(host, "Privileged", is_privileged(container, spec));
    berth_document_add_bool(host, "ReadonlyRootfs",
                            json_object_get_boolean(json_object_object_get(
                                json_object_object_get(spec, "root"), "readonly")));
}
