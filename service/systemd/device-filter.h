/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* DevicePolicy= and DeviceAllow= for a cgroup that systemd does not manage. */

#pragma once

#include "base/error.h"

/* If the policy is "closed", attaches the same filter as the properties DevicePolicy and
 * DeviceAllow of a scope would (a{sv}). It disappears with the cgroup. */
bool berth_device_filter_attach(int cgroup, GVariant *properties, GError **error);
