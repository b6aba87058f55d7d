/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Copies secrets of a container from its caller's descriptors into one file (bare/secrets.h). */

#pragma once

#include "base/error.h"

/* Reads input to its end and appends it to file under this name; used grows by the space that it
 * takes there. LimitExceeded beyond limit bytes. */
bool berth_ingest_secret(int file, const char *name, int input, uint64_t limit, uint64_t *used,
                         GError **error);
