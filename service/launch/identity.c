/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "launch/identity.h"

#include "base/capabilities.h"
#include "base/fd.h"

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

enum { MAX_FILE_BYTES = 4 * 1024 * 1024, MAX_GROUPS = 1024 };

/* Lines of a file that the image provides; none where it has no such file. */
static char **read_lines(const char *path, GError **error) {
    struct stat status;
    size_t size;

    /* A fifo in its place would keep a reader waiting for ever. */
    berth_autofd int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
        return g_new0(char *, 1);
    g_autofree char *text = berth_fd_read_whole(fd, MAX_FILE_BYTES, &size, error);
    if (!text) {
        g_prefix_error(error, "%s of the image: ", path);
        return NULL;
    }
    return g_strsplit(text, "\n", -1);
}

static bool parse_id(const char *text, uint32_t *id) {
    char *end;
    guint64 value = g_ascii_strtoull(text, &end, 10);

    /* The largest is what chown(2) takes for "leave it". */
    if (!g_ascii_isdigit(text[0]) || *end != '\0' || value >= UINT32_MAX)
        return false;
    *id = (uint32_t)value;
    return true;
}

/* The fields of the line whose name, or whose id, is the one wanted. A number is an id, whatever
 * names there are, so that nobody becomes another user by a line of the image's. */
static char **find_entry(char *const *lines, const char *name, guint fields) {
    uint32_t wanted, id;
    bool by_id = parse_id(name, &wanted);

    for (char *const *line = lines; *line; line++) {
        char **parts = g_strsplit(*line, ":", -1);
        if (g_strv_length(parts) >= fields &&
            (by_id ? parse_id(parts[2], &id) && id == wanted : g_str_equal(parts[0], name)))
            return parts;
        g_strfreev(parts);
    }
    return NULL;
}

static bool find_group(const char *name, gid_t *gid, GError **error) {
    g_auto(GStrv) lines = read_lines("/etc/group", error);
    g_auto(GStrv) entry = lines ? find_entry(lines, name, 3) : NULL;

    if (!lines)
        return false;
    if (entry ? parse_id(entry[2], gid) : parse_id(name, gid))
        return true;
    return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           "the group \"%.100s\" is not in /etc/group of the image", name);
}

static bool find_supplementary(const char *user, BerthIdentity *identity, GError **error) {
    g_auto(GStrv) lines = read_lines("/etc/group", error);

    if (!lines)
        return false;
    for (char **line = lines; *line; line++) {
        g_auto(GStrv) parts = g_strsplit(*line, ":", -1);
        gid_t gid;
        if (g_strv_length(parts) < 4 || !parse_id(parts[2], &gid))
            continue;
        g_auto(GStrv) members = g_strsplit(parts[3], ",", -1);
        if (g_strv_contains((const char *const *)members, user) &&
            identity->groups->len < MAX_GROUPS)
            g_array_append_val(identity->groups, gid);
    }
    return true;
}

static bool find_user(const char *name, bool with_groups, BerthIdentity *identity, GError **error) {
    g_auto(GStrv) lines = read_lines("/etc/passwd", error);
    g_auto(GStrv) entry = lines ? find_entry(lines, name, 6) : NULL;

    if (!lines)
        return false;
    if (!entry) {
        if (parse_id(name, &identity->uid))
            return true;
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "the user \"%.100s\" is not in /etc/passwd of the image", name);
    }
    if (!parse_id(entry[2], &identity->uid) || !parse_id(entry[3], &identity->gid))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "/etc/passwd of the image has no valid ids for \"%.100s\"", name);
    if (entry[5][0] == '/') {
        g_free(identity->home);
        identity->home = g_strdup(entry[5]);
    }
    return !with_groups || find_supplementary(entry[0], identity, error);
}

bool berth_identity_find(const char *user, BerthIdentity *identity, GError **error) {
    g_auto(GStrv) parts = g_strsplit(user, ":", 2);
    const char *name = parts[0] && parts[0][0] ? parts[0] : "0";
    const char *group = parts[0] ? parts[1] : NULL;

    *identity = (BerthIdentity){
        .groups = g_array_new(FALSE, FALSE, sizeof(gid_t)),
        .home = g_strdup("/"),
    };
    /* A group that is named replaces all that the user has. */
    return find_user(name, !group || !group[0], identity, error) &&
           (!group || !group[0] || find_group(group, &identity->gid, error));
}

bool berth_identity_take(const BerthPlan *plan, BerthIdentity *identity, GError **error) {
    g_auto(GStrv) lines = read_lines("/etc/passwd", error);
    g_autofree char *name = g_strdup_printf("%u", plan->uid);
    g_auto(GStrv) entry = lines ? find_entry(lines, name, 6) : NULL;

    *identity = (BerthIdentity){
        .uid = plan->uid,
        .gid = plan->gid,
        .groups = g_array_ref(plan->groups),
        .home = g_strdup(entry && entry[5][0] == '/' ? entry[5] : "/"),
    };
    return lines != NULL;
}

bool berth_identity_become(const BerthPlan *plan, const BerthIdentity *identity, GError **error) {
    /* On some machines root has not all of them; what there is to give is given, as other runtimes
     * do. */
    uint64_t had = berth_capabilities_get_permitted();

    if (!berth_capabilities_bound(plan->bounding, error))
        return false;
    /* A user namespace may forbid setgroups(2); then there is nothing to drop or to add. */
    if (setgroups(identity->groups->len, (const gid_t *)identity->groups->data) < 0 &&
        (errno != EPERM || identity->groups->len > 0))
        return berth_error_set_errno(error, errno, "set the groups");
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 ||
        setresgid(identity->gid, identity->gid, identity->gid) < 0 ||
        setresuid(identity->uid, identity->uid, identity->uid) < 0)
        return berth_error_set_errno(error, errno, "become user %u and group %u", identity->uid,
                                     identity->gid);
    /* What is not both permitted and inheritable cannot be ambient (capabilities(7));
     * configurations name such ones all the same, and other runtimes go on without them. */
    uint64_t ambient = plan->ambient & plan->permitted & plan->inheritable;
    return berth_capabilities_set(plan->permitted & had, plan->effective & had,
                                  plan->inheritable & had, error) &&
           berth_capabilities_set_ambient(ambient & had, error);
}
