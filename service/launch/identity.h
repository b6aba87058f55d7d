/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who the container's command runs as: the user and groups as the image's own files have them, and
 * the capabilities that are left. */

#pragma once

#include "plan/plan.h"

typedef struct {
    uid_t uid;
    gid_t gid;
    GArray *groups; /* of gid_t, supplementary */
    char *home;     /* "/" where the image does not say */
} BerthIdentity;

/* Reads /etc/passwd and /etc/group of the root, which is the container's by now. */
bool berth_identity_find(const char *user, BerthIdentity *identity, GError **error);

/* The ids that the configuration gives itself; home as /etc/passwd has it. */
bool berth_identity_take(const BerthPlan *plan, BerthIdentity *identity, GError **error);

/* Becomes it, for good. */
bool berth_identity_become(const BerthPlan *plan, const BerthIdentity *identity, GError **error);
