/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The address of systemd's manager on the bus (org.freedesktop.systemd1(5)). */

#pragma once

#define BERTH_SYSTEMD "org.freedesktop.systemd1"
#define BERTH_SYSTEMD_PATH "/org/freedesktop/systemd1"
#define BERTH_SYSTEMD_MANAGER BERTH_SYSTEMD ".Manager"
