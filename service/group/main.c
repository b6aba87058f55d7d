/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * berth-group: determines the groups of a host user, for bind mounts of the user's directories. It
 * is a separate program because the user database is read by the host's libraries
 * (nsswitch.conf(5)), which the statically linked berth-launch cannot use, and because a lookup may
 * ask a server, which berthd must not wait for.
 *
 *   berth-group USER      writes the group ids in the machine's binary format
 *
 * The user's own group comes first; it is nogroup for a user that is not in the database.
 */

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { NO_GROUP = 65534, MAX_GROUPS = 65536 };

/* Returns the number of groups. */
static size_t list_groups(uid_t user, gid_t *groups) {
    const struct passwd *entry = getpwuid(user);
    int count = MAX_GROUPS - 1;

    groups[0] = entry ? entry->pw_gid : NO_GROUP;
    /* If the groups do not fit, only the user's own is returned, which is safe. */
    if (!entry || getgrouplist(entry->pw_name, entry->pw_gid, groups + 1, &count) < 0)
        count = 0;
    return (size_t)count + 1;
}

static bool parse_id(const char *text, unsigned *id) {
    char *end;

    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    *id = (unsigned)value;
    return errno == 0 && end != text && *end == '\0' && value == *id;
}

int main(int argc, char **argv) {
    static gid_t groups[MAX_GROUPS];
    unsigned user;

    if (argc != 2 || !parse_id(argv[1], &user))
        return EXIT_FAILURE;
    size_t count = list_groups(user, groups);
    return fwrite(groups, sizeof *groups, count, stdout) == count && fflush(stdout) == 0
               ? EXIT_SUCCESS
               : EXIT_FAILURE;
}
