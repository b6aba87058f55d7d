/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/spec/devices.h"
#include "containers/spec/options.h"
#include "plan/plan.h"

/* What a container is made of. */
typedef struct {
    const BerthCreateOptions *options;
    const BerthImageInfo *image; /* NULL: a directory instead */
    const char *root;            /* that directory; NULL */
    const BerthPlan *plan;       /* its configuration */
    const BerthDeviceEdits *edits;
    const BerthSettings *settings;
    uint32_t ids; /* the first host id of its user namespace; 0 */
} BerthNewContainer;

/* Fills in a record, which was not initialised before. */
void berth_container_record_init(BerthContainerRecord *record, const BerthNewContainer *creation);
