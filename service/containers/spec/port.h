/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Published ports in the options of Create (base/published-port.h). */

#pragma once

#include "base/published-port.h"
#include "containers/spec/options.h"

/* Checks that the ports in the options are well-formed, and that there is a network to publish them
 * from. */
bool berth_ports_check(const BerthCreateOptions *options, GError **error);
/* Checks only the number of ports. A rule is evaluated for each, so this comes first. */
bool berth_ports_check_count(const BerthCreateOptions *options, GError **error);

/* The port in the form that create-privileged uses ("80" or "53/udp") if it is below the kernel's
 * ip_unprivileged_port_start; NULL otherwise. The caller frees it. */
char *berth_port_get_privilege(const char *text);
