/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Security module labels that take effect at the next execve(2). */

#pragma once

#include "launch/fault.h"

/* Sets an AppArmor profile that is loaded on the host (proc_pid_attr(5), attr/apparmor/exec). */
bool berth_label_set_apparmor(const char *profile, BerthFault *fault);
