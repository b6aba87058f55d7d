/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Parses an OCI runtime configuration. */

#include "fuzz.h"
#include "plan/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    BerthPlan *plan = berth_plan_parse((const char *)data, size, NULL);

    if (plan)
        berth_plan_free(plan);
    return 0;
}
