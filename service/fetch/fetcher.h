/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Fetching the body of a descriptor into a pipe. A connection that breaks is taken up where it
 * broke (Range), a few times; what goes into the pipe is never more than the descriptor's size.
 */

#pragma once

#include "base/descriptor.h"
#include "fetch/remote.h"

typedef void (*BerthFetched)(uint64_t size, const GError *error, void *userdata);

/* remotes: of BerthRemote; if one gives up, the next continues. offset: how much of the content
 * the other side has. Takes the pipe over and closes it before done is called. */
void berth_fetch(sd_event *event, GPtrArray *remotes, const BerthDescriptor *target,
                 uint64_t offset, int pipe, BerthFetched done, void *userdata);
