/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Pushes one blob or manifest (OCI distribution specification, "Pushing"): content that the
 * registry has is not sent, content in another of its repositories is mounted from there, and an
 * interrupted upload continues at the offset that the registry reports.
 */

#pragma once

#include "base/descriptor.h"
#include "fetch/remote.h"

typedef enum { BERTH_PUSHED, BERTH_PUSH_EXISTS, BERTH_PUSH_MOUNTED } BerthPushOutcome;

typedef void (*BerthPushed)(BerthPushOutcome outcome, const GError *error, void *userdata);

/* content: a descriptor of the whole blob, whose file position follows the progress; takes
 * ownership of it. sources: locators that are known to have the blob. */
void berth_push_blob(sd_event *event, BerthRemote *remote, const BerthDescriptor *target,
                     int content, char *const *sources, BerthPushed done, void *userdata);

/* object: a tag, or the digest itself. */
void berth_push_manifest(BerthRemote *remote, const BerthDescriptor *target, const char *object,
                         int content, BerthPushed done, void *userdata);
