/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Users and groups of the image, from its own /etc/passwd and /etc/group. These files are hostile
 * input: they are read whole up to a limit and split in place, and malformed lines are skipped. The
 * caller owns the result; there is no state here.
 */

#include "launch/identity.h"

#include "bare/capabilities.h"
#include "bare/fd.h"
#include "launch/text.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

enum { MAX_FILE_BYTES = 4 * 1024 * 1024, MAX_FIELDS = 8 };

#define autofree __attribute__((cleanup(free_text)))

static void free_text(char **text) {
    free(*text);
}

/* Reads a file of the image; the caller frees the text. Returns an empty text if there is no such
 * file, NULL with fault if it cannot be read. */
static char *read_identity_file(const char *path, BerthFault *fault) {
    struct stat status = {0};

    /* Without O_NONBLOCK, a FIFO in its place would block the reader forever. */
    berth_autofd int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    bool there = fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    if (there && status.st_size > MAX_FILE_BYTES) {
        berth_fault_set(fault, "%s of the image: more than %d bytes", path, MAX_FILE_BYTES);
        return NULL;
    }
    size_t size = there ? (size_t)status.st_size : 0;
    char *text = malloc(size + 1);
    /* If it grows meanwhile, it is too long. */
    if (!text || (there && berth_fd_read_text(fd, text, size) < 0)) {
        berth_fault_set_errno(fault, text ? errno : ENOMEM, "%s of the image", path);
        free(text);
        return NULL;
    }
    if (!there)
        text[0] = '\0';
    return text;
}

static bool parse_id(const char *text, uint32_t *id) {
    char *end;

    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    /* The largest value means "unchanged" to chown(2). */
    if (errno != 0 || *end != '\0' || value >= UINT32_MAX)
        return false;
    *id = (uint32_t)value;
    return true;
}

/* Blanks around a line do not count, as in other runtimes; some editors end lines with "\r\n". */
static char *trim_line(char *line) {
    static const char blanks[] = " \t\r\v\f";
    size_t length = strlen(line);

    while (length > 0 && strchr(blanks, line[length - 1]))
        line[--length] = '\0';
    return line + strspn(line, blanks);
}

/* Splits the next line of *rest into fields, in place. Returns their number, or 0 at the end.
 * Excess fields stay part of the last one, and missing ones are empty. */
static size_t next_line(char **rest, char *fields[MAX_FIELDS]) {
    static char empty[] = "";
    char *line = strsep(rest, "\n");
    size_t count = 0;

    for (size_t i = 0; i < MAX_FIELDS; i++)
        fields[i] = empty;

    if (!line)
        return 0;
    line = trim_line(line);
    while (count < MAX_FIELDS - 1 && line)
        fields[count++] = strsep(&line, ":");
    if (line)
        fields[count++] = line;
    return count;
}

/* Finds the line with this name or ID. A number is always an ID, whatever names the image has, so
 * that a line in the image cannot turn a number into another user. */
static bool find_entry(char *text, const char *name, size_t wanted_fields,
                       char *fields[MAX_FIELDS]) {
    uint32_t wanted, id;
    bool by_id = parse_id(name, &wanted);
    size_t count;

    while ((count = next_line(&text, fields)) > 0)
        if (count >= wanted_fields &&
            (by_id ? parse_id(fields[2], &id) && id == wanted : berth_text_is(fields[0], name)))
            return true;
    return false;
}

static bool find_group(const char *name, gid_t *gid, BerthFault *fault) {
    autofree char *text = read_identity_file("/etc/group", fault);
    char *fields[MAX_FIELDS];

    if (!text)
        return false;
    if (find_entry(text, name, 3, fields) ? parse_id(fields[2], gid) : parse_id(name, gid))
        return true;
    return berth_fault_set(fault, "the group \"%.100s\" is not in /etc/group of the image", name);
}

static bool is_member(char *members, const char *user) {
    const char *member;

    while ((member = strsep(&members, ",")))
        if (berth_text_is(member, user))
            return true;
    return false;
}

/* A group may be found more than once: two of its lines may have the same id. */
static void add_group(BerthIdentity *identity, gid_t gid) {
    for (size_t i = 0; i < identity->group_count; i++)
        if (identity->groups[i] == gid)
            return;
    if (identity->group_count < BERTH_IDENTITY_MAX_GROUPS)
        identity->groups[identity->group_count++] = gid;
}

static bool find_supplementary(const char *user, BerthIdentity *identity, BerthFault *fault) {
    autofree char *text = read_identity_file("/etc/group", fault);
    char *fields[MAX_FIELDS], *rest = text;
    size_t count;

    if (!text)
        return false;
    while ((count = next_line(&rest, fields)) > 0) {
        gid_t gid;
        if (count >= 4 && parse_id(fields[2], &gid) && is_member(fields[3], user))
            add_group(identity, gid);
    }
    return true;
}

/* A path that is too long counts as missing. */
static void take_home(BerthIdentity *identity, const char *home) {
    if (home[0] == '/' && strlen(home) < sizeof identity->home)
        strcpy(identity->home, home);
}

static bool find_user(const char *name, bool with_groups, BerthIdentity *identity,
                      BerthFault *fault) {
    autofree char *text = read_identity_file("/etc/passwd", fault);
    char *fields[MAX_FIELDS];

    if (!text)
        return false;
    /* Images built from scratch may have a line that ends with the ids. */
    if (!find_entry(text, name, 4, fields)) {
        if (parse_id(name, &identity->uid))
            return true;
        return berth_fault_set(fault, "the user \"%.100s\" is not in /etc/passwd of the image",
                               name);
    }
    if (!parse_id(fields[2], &identity->uid) || !parse_id(fields[3], &identity->gid))
        return berth_fault_set(fault, "/etc/passwd of the image has no valid ids for \"%.100s\"",
                               name);
    take_home(identity, fields[5]);
    return !with_groups || find_supplementary(fields[0], identity, fault);
}

static void clear_identity(BerthIdentity *identity, uid_t uid, gid_t gid) {
    identity->uid = uid;
    identity->gid = gid;
    identity->group_count = 0;
    strcpy(identity->home, "/");
}

/* Files may deny a group what they allow to others. If the group were only the process's own, a
 * set-group-ID program would be enough to leave it (CVE-2022-2989 in podman). */
static void add_own_group(BerthIdentity *identity) {
    add_group(identity, identity->gid);
}

/* Whether there are no supplementary groups besides the user's own group. */
static bool has_own_group_only(const BerthIdentity *identity) {
    return identity->group_count == 0 ||
           (identity->group_count == 1 && identity->groups[0] == identity->gid);
}

bool berth_identity_find(const char *user, BerthIdentity *identity, BerthFault *fault) {
    autofree char *copy = strdup(user);
    char *group = copy;

    clear_identity(identity, 0, 0);
    if (!copy)
        return berth_fault_set_errno(fault, ENOMEM, "user %.100s", user);
    const char *name = strsep(&group, ":");
    if (!name[0])
        name = "0";
    /* A group that is given explicitly replaces all groups of the user. After "USER:" that is the
     * group in passwd, as in podman. */
    bool named = group && group[0];
    if (!find_user(name, !group, identity, fault) ||
        (named && !find_group(group, &identity->gid, fault)))
        return false;
    add_own_group(identity);
    return true;
}

bool berth_identity_add_groups(const BerthSetup *setup, BerthIdentity *identity,
                               BerthFault *fault) {
    for (uint32_t i = 0; i < setup->group_names.count; i++) {
        gid_t gid;
        if (!find_group(setup->group_names.texts[i], &gid, fault))
            return false;
        add_group(identity, gid);
    }
    return true;
}

static bool find_home(BerthIdentity *identity, BerthFault *fault) {
    autofree char *text = read_identity_file("/etc/passwd", fault);
    char *fields[MAX_FIELDS], *rest = text;
    uint32_t id;
    size_t count;

    if (!text)
        return false;
    while ((count = next_line(&rest, fields)) > 0)
        if (count >= 4 && parse_id(fields[2], &id) && id == identity->uid) {
            take_home(identity, fields[5]);
            break;
        }
    return true;
}

bool berth_identity_take(const BerthSetup *setup, BerthIdentity *identity, BerthFault *fault) {
    clear_identity(identity, setup->uid, setup->gid);
    identity->group_count = BERTH_MIN(setup->group_count, BERTH_IDENTITY_MAX_GROUPS);
    if (identity->group_count > 0)
        memcpy(identity->groups, setup->groups, identity->group_count * sizeof(gid_t));
    return find_home(identity, fault);
}

/* In a user namespace, EINVAL stands for an ID that it does not map (user_namespaces(7)).
 * setgroups(2) does not say which one. */
static bool set_groups(const BerthIdentity *identity, BerthFault *fault) {
    /* A user namespace may forbid setgroups(2); then there is nothing to drop or add. */
    if (setgroups(identity->group_count, identity->groups) == 0 ||
        (errno == EPERM && has_own_group_only(identity)))
        return true;
    int errnum = errno;
    for (size_t i = 0; errnum == EINVAL && i < identity->group_count; i++)
        if (setgroups(1, &identity->groups[i]) < 0 && errno == EINVAL)
            return berth_fault_set(
                fault,
                "group %u is not in the container's user namespace; use a lower ID, or the "
                "host's user namespace",
                identity->groups[i]);
    return berth_fault_set_errno(fault, errnum, "set the groups");
}

static bool set_ids(const BerthIdentity *identity, BerthFault *fault) {
    if (setresgid(identity->gid, identity->gid, identity->gid) == 0 &&
        setresuid(identity->uid, identity->uid, identity->uid) == 0)
        return true;
    if (errno == EINVAL && getgid() == identity->gid)
        return berth_fault_set(
            fault,
            "user %u is not in the container's user namespace; use a lower ID, or the "
            "host's user namespace",
            identity->uid);
    return berth_fault_set_errno(fault, errno, "become user %u and group %u", identity->uid,
                                 identity->gid);
}

/* The order matters: changing the bounding set needs CAP_SETPCAP and setting the groups needs
 * CAP_SETGID, neither of which is effective after the user has changed. PR_SET_KEEPCAPS preserves
 * the permitted set across that change, so that the final sets can be taken from it. Ambient
 * capabilities come last, since they must be permitted and inheritable (capabilities(7)). */
bool berth_identity_become(const BerthSetup *setup, const BerthIdentity *identity,
                           BerthFault *fault) {
    /* On some machines root does not have all capabilities. As with other runtimes, the container
     * gets those that are available. */
    uint64_t had = berth_capabilities_get_permitted();

    if (!berth_capabilities_bound(setup->bounding))
        return berth_fault_set_errno(fault, errno, "drop capabilities");
    if (!set_groups(identity, fault))
        return false;
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
        return berth_fault_set_errno(fault, errno, "keep capabilities");
    if (!set_ids(identity, fault))
        return false;
    /* A capability that is not both permitted and inheritable cannot be ambient (capabilities(7)).
     * Configurations contain such ones anyway, and other runtimes ignore them too. */
    uint64_t ambient = setup->ambient & setup->permitted & setup->inheritable;
    /* execve(2) would execute files that only root may execute, and then drop these capabilities.
     * In the configuration of another engine, the set is what that engine wants. */
    uint64_t effective = setup->user && identity->uid != 0 ? ambient : setup->effective;
    if (!berth_capabilities_set(setup->permitted & had, effective & had, setup->inheritable & had))
        return berth_fault_set_errno(fault, errno, "set the capabilities");
    return berth_capabilities_set_ambient(ambient & had) ||
           berth_fault_set_errno(fault, errno, "set the ambient capabilities");
}
