/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* DevicePolicy= and DeviceAllow= for a cgroup that systemd does not manage. */

#pragma once

#include "base/error.h"

/* Attaches a filter as the properties DevicePolicy and DeviceAllow of a scope would (a{sv}), if the
 * policy is "closed". It goes with the cgroup. */
bool berth_device_filter_attach(int cgroup, GVariant *properties, GError **error);
