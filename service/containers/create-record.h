/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/spec/devices.h"
#include "containers/spec/options.h"
#include "plan/plan.h"

/* In the record's extra, t: how many words of the command are its entrypoint; absent for none. */
#define BERTH_ENTRYPOINT_WORDS "EntrypointWords"

/* What a container is made from. */
typedef struct {
    const BerthCreateOptions *options;
    const BerthImageInfo *image; /* NULL for a directory */
    const char *root;            /* that directory; or NULL */
    const BerthPlan *plan;       /* the parsed configuration */
    const BerthDeviceEdits *edits;
    const BerthSettings *settings;
    uint32_t ids; /* the first host id of its user namespace; 0 for none */
} BerthNewContainer;

/* Fills in an uninitialised record. The caller frees its contents. */
void berth_container_record_init(BerthContainerRecord *record, const BerthNewContainer *creation);
