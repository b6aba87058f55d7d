/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* "dist content ingest" and "dist content edit". */

#pragma once

#include "client/option.h"

#include <systemd/sd-bus.h>

extern const DistOption dist_content_ingest_options[];
int dist_content_ingest(char **argv, GError **error);
/* A descriptor for reading content, owned by the reply; -1 with error. */
int dist_content_open(const char *digest, sd_bus_message **reply, GError **error);
int dist_content_edit(char **argv, GError **error);
