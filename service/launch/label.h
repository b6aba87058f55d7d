/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Labels of security modules that a process gets with its next execve(2). */

#pragma once

#include "launch/fault.h"

/* An AppArmor profile that the host has loaded (proc_pid_attr(5), attr/apparmor/exec). */
bool berth_label_set_apparmor(const char *profile, BerthFault *fault);
