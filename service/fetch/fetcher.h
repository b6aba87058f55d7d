/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Fetches the content of a descriptor into a pipe. After a broken connection, the fetch is resumed
 * at the same offset (Range), a limited number of times; the pipe never receives more than the
 * descriptor's size.
 */

#pragma once

#include "base/descriptor.h"
#include "fetch/remote.h"

typedef void (*BerthFetched)(uint64_t size, const GError *error, void *userdata);

/* remotes: of BerthRemote; if one gives up, the next one continues. offset: how much of the content
 * the reader already has. Takes ownership of the pipe, which must not block, and closes it before
 * calling done. */
void berth_fetch(sd_event *event, GPtrArray *remotes, const BerthDescriptor *target,
                 uint64_t offset, int pipe, BerthFetched done, void *userdata);
