/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* "dist content ingest" and "dist content edit". */

#pragma once

#include "client/option.h"

extern const DistOption dist_content_ingest_options[];
int dist_content_ingest(char **argv, GError **error);
int dist_content_edit(char **argv, GError **error);
