/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * berth-group: the group of the host that a container's root stands for on a bind mount of a user's
 * directory, by the host's user database. A program of its own, because that database is read by
 * libraries of the host's (nsswitch.conf(5)), which berth-launch, linked statically, does not have,
 * and may ask a server, which berthd does not wait for.
 *
 *   berth-group OWNER GROUP      prints a group
 *
 * A directory of a user's may be of a group that the user is not in (/var/mail/USER, or what an
 * administrator has made with chown(1) alone). The kernel then lets the user make no set-group-ID
 * file of that group there; a container's root that stands for the group could. So it stands for a
 * group that the user could have made such a file of anyway: GROUP if OWNER is one of its members,
 * otherwise OWNER's own group, and nogroup for an owner that the database does not have.
 */

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { NO_GROUP = 65534, MAX_GROUPS = 65536 };

static gid_t find_group(uid_t owner, gid_t group) {
    static gid_t groups[MAX_GROUPS];
    const struct passwd *user = getpwuid(owner);
    int count = MAX_GROUPS;

    if (!user)
        return NO_GROUP;
    if (user->pw_gid == group)
        return group;
    gid_t own = user->pw_gid;
    /* If the groups do not fit, the owner's own is the safe answer. */
    if (getgrouplist(user->pw_name, own, groups, &count) < 0)
        return own;
    for (int i = 0; i < count; i++)
        if (groups[i] == group)
            return group;
    return own;
}

static bool parse_id(const char *text, unsigned *id) {
    char *end;

    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    *id = (unsigned)value;
    return errno == 0 && end != text && *end == '\0' && value == *id;
}

int main(int argc, char **argv) {
    unsigned owner, group;

    if (argc != 3 || !parse_id(argv[1], &owner) || !parse_id(argv[2], &group))
        return EXIT_FAILURE;
    return printf("%u\n", find_group(owner, group)) > 0 && fflush(stdout) == 0 ? EXIT_SUCCESS
                                                                               : EXIT_FAILURE;
}
