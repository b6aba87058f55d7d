/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The identity of the container's command: the user and groups as the image's own files have them,
 * and the capabilities that are left. */

#pragma once

#include "bare/setup.h"
#include "launch/fault.h"

enum { BERTH_IDENTITY_MAX_GROUPS = 1024, BERTH_IDENTITY_MAX_HOME = 4096 };

typedef struct {
    uid_t uid;
    gid_t gid;
    gid_t groups[BERTH_IDENTITY_MAX_GROUPS]; /* supplementary */
    size_t group_count;
    char home[BERTH_IDENTITY_MAX_HOME]; /* "/" if the image does not say */
} BerthIdentity;

/* Reads /etc/passwd and /etc/group of the root, which is the container's by now: files of the
 * image, read as such and not by way of nsswitch.conf(5). */
bool berth_identity_find(const char *user, BerthIdentity *identity, BerthFault *fault);

/* Adds the groups that the configuration names. */
bool berth_identity_add_groups(const BerthSetup *setup, BerthIdentity *identity, BerthFault *fault);

/* The ids that the configuration gives itself; home as /etc/passwd has it. */
bool berth_identity_take(const BerthSetup *setup, BerthIdentity *identity, BerthFault *fault);

/* Becomes it, for good. */
bool berth_identity_become(const BerthSetup *setup, const BerthIdentity *identity,
                           BerthFault *fault);
