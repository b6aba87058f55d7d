/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * berth-group: the groups of a user of the host, for bind mounts of the user's directories. A
 * program of its own, because the user database is read by libraries of the host's
 * (nsswitch.conf(5)), which berth-launch, linked statically, does not have, and may ask a server,
 * which berthd does not wait for.
 *
 *   berth-group USER      writes the group IDs as the machine has them in memory
 *
 * The user's own group is the first one; it is nogroup for a user that the database does not have.
 */

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { NO_GROUP = 65534, MAX_GROUPS = 65536 };

/* Returns how many there are. */
static size_t list_groups(uid_t user, gid_t *groups) {
    const struct passwd *entry = getpwuid(user);
    int count = MAX_GROUPS - 1;

    groups[0] = entry ? entry->pw_gid : NO_GROUP;
    /* If the groups do not fit, the user's own is the safe answer. */
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
