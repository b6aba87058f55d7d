/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* "dist update". */

#pragma once

#include "client/option.h"

#include <systemd/sd-bus.h>

int dist_verb_update(char **argv, GError **error);

/* Appends {sv} for a list of processors or memory nodes, as the bit mask that systemd takes. */
int dist_append_cpu_list(sd_bus_message *call, const char *name, const char *text, GError **error);
