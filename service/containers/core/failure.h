/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Why the last start of a container failed. */

#pragma once

#include "containers/core/object.h"

/* Records the reason, and writes the record. */
void berth_container_note_failure(BerthContainer *container, const GError *reason);
/* A start succeeds; the caller writes the record. */
void berth_container_forget_failure(BerthContainer *container);
/* "" if the last start succeeded, or there was none. The caller frees it. */
char *berth_container_get_failure(const BerthContainer *container);
