/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A directory of a user's may be of a group that the user is not in (/var/mail/USER, or what an
 * administrator has made with chown(1) alone). The kernel then lets the user make no set-group-ID
 * file of that group there; a container's root that stands for the group could. So it stands for a
 * group that the user could have made such a file of anyway.
 */

#include "launch/owner-group.h"

#include <grp.h>
#include <pwd.h>
#include <stddef.h>

enum { NO_GROUP = 65534, MAX_GROUPS = 65536 };

gid_t berth_owner_group(uid_t owner, gid_t group) {
    static gid_t groups[MAX_GROUPS];
    const struct passwd *user = owner == 0 ? NULL : getpwuid(owner);
    int count = MAX_GROUPS;

    if (owner == 0 || (user && user->pw_gid == group))
        return group;
    if (!user)
        return NO_GROUP;
    gid_t own = user->pw_gid;
    if (getgrouplist(user->pw_name, own, groups, &count) < 0)
        return own;
    for (int i = 0; i < count; i++)
        if (groups[i] == group)
            return group;
    return own;
}
