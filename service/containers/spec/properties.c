/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The limits that callers may set with Create and Update, in one table. There is no state here.
 * Anything not in the table cannot reach systemd, where a scope's properties also control devices
 * and programs.
 */

#include "containers/spec/properties.h"

#include <glib.h>

/* See systemd.resource-control(5). None of these loosens the isolation. reserves is set for those
 * that take resources from others, or protect the container at their expense. */
static const struct {
    const char *name, *type;
    bool reserves;
} properties[] = {
    {"MemoryMin", "t", true},
    {"MemoryLow", "t", true},
    {"MemoryHigh", "t", false},
    {"MemoryMax", "t", false},
    {"MemorySwapMax", "t", false},
    {"TasksMax", "t", false},
    {"CPUWeight", "t", false},
    {"CPUQuotaPerSecUSec", "t", false},
    {"CPUQuotaPeriodUSec", "t", false},
    {"IOWeight", "t", false},
    {"AllowedCPUs", "ay", false},
    {"AllowedMemoryNodes", "ay", false},
    {"IOReadBandwidthMax", "a(st)", false},
    {"IOWriteBandwidthMax", "a(st)", false},
    {"IOReadIOPSMax", "a(st)", false},
    {"IOWriteIOPSMax", "a(st)", false},
    {"IODeviceWeight", "a(st)", false},
    {"ManagedOOMPreference", "s", true},
    {"ManagedOOMSwap", "s", false},
    {"ManagedOOMMemoryPressure", "s", false},
};

const char *berth_container_property_get_type(const char *name) {
    for (size_t i = 0; i < G_N_ELEMENTS(properties); i++)
        if (g_str_equal(properties[i].name, name))
            return properties[i].type;
    return NULL;
}

/* For loops over the table; NULL marks the end. */
const char *berth_container_property_get_name(size_t number) {
    return number < G_N_ELEMENTS(properties) ? properties[number].name : NULL;
}

bool berth_container_property_reserves(const char *name) {
    for (size_t i = 0; i < G_N_ELEMENTS(properties); i++)
        if (g_str_equal(properties[i].name, name))
            return properties[i].reserves;
    return false;
}
