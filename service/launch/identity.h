/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The identity of a container's command: the user and groups, from the image's own files, and the
 * remaining capabilities.
 */

#pragma once

#include "bare/setup.h"
#include "launch/fault.h"

enum { BERTH_IDENTITY_MAX_GROUPS = 1024, BERTH_IDENTITY_MAX_HOME = 4096 };

typedef struct {
    uid_t uid;
    gid_t gid;
    gid_t groups[BERTH_IDENTITY_MAX_GROUPS]; /* supplementary groups */
    size_t group_count;
    char home[BERTH_IDENTITY_MAX_HOME]; /* "/" if the image does not specify one */
} BerthIdentity;

/* Reads /etc/passwd and /etc/group of the root, which must already be the container's. They are
 * read as files of the image, not through nsswitch.conf(5). */
bool berth_identity_find(const char *user, BerthIdentity *identity, BerthFault *fault);

/* Adds the groups named in the configuration. */
bool berth_identity_add_groups(const BerthSetup *setup, BerthIdentity *identity, BerthFault *fault);

/* Uses the ids given in the configuration, and the home directory from /etc/passwd. */
bool berth_identity_take(const BerthSetup *setup, BerthIdentity *identity, BerthFault *fault);

/* Switches to this identity permanently. */
bool berth_identity_become(const BerthSetup *setup, const BerthIdentity *identity,
                           BerthFault *fault);
