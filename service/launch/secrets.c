/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The inner process calls this in the container's root, once the user is known: only the first
 * process of a container for files, every process for variables. berth-ingest made the bundle from
 * a caller's bytes, so names and sizes are checked here, where they are used. The bundle is read by
 * position, since berthd uses the same file description for the next start. There is no state
 * here.
 */

#include "launch/secrets.h"

#include "bare/fd.h"
#include "bare/secrets.h"

#include <errno.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { BUFFER_BYTES = 16 * 1024 };

/* The file that a secret becomes. */
typedef struct {
    const char *name;
    uid_t uid;
    gid_t gid;
    mode_t mode;
} SecretFile;

/* Reads a number, or "-", up to the character behind it. *at moves behind that. */
static bool secret_read_number(const char **at, int base, char end, unsigned long limit,
                               unsigned *number) {
    char *behind = NULL;

    if ((*at)[0] == '-' && (*at)[1] == end) {
        *at += 2;
        return true;
    }
    if (**at < '0' || **at > '9')
        return false;
    unsigned long value = strtoul(*at, &behind, base);
    if (*behind != end || value > limit)
        return false;
    *number = (unsigned)value;
    *at = behind + 1;
    return true;
}

/* "/UID:GID:MODE/NAME" or a name alone (bare/secrets.h); file has the defaults. */
static bool secret_read_name(const BerthSecretHeader *header, SecretFile *file) {
    const char *at = header->name;

    if (!memchr(at, '\0', sizeof header->name))
        return false;
    if (at[0] == BERTH_SECRET_OWNED) {
        at++;
        if (!secret_read_number(&at, 10, ':', UINT32_MAX - 1, &file->uid) ||
            !secret_read_number(&at, 10, ':', UINT32_MAX - 1, &file->gid) ||
            !secret_read_number(&at, 8, '/', 0777, &file->mode))
            return false;
    }
    file->name = at;
    return at[0] && !strchr(at, '/') && strcmp(at, ".") != 0 && strcmp(at, "..") != 0;
}

static bool secret_has_good_name(const BerthSecretHeader *header) {
    SecretFile file = {0};

    return secret_read_name(header, &file);
}

static bool secret_copy(int bundle, off_t from, uint64_t size, int file) {
    char buffer[BUFFER_BYTES];

    while (size > 0) {
        size_t most = size < sizeof buffer ? (size_t)size : sizeof buffer;
        ssize_t got = pread(bundle, buffer, most, from);
        if (got <= 0 || !berth_fd_write_all(file, buffer, (size_t)got))
            return false;
        from += got;
        size -= (uint64_t)got;
    }
    return true;
}

/* The mode comes last: nobody reads the file before it is complete. */
static bool secret_write(int bundle, off_t from, uint64_t size, int directory,
                         const SecretFile *about) {
    berth_autofd int file =
        openat(directory, about->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);

    return file >= 0 && secret_copy(bundle, from, size, file) &&
           fchown(file, about->uid, about->gid) == 0 && fchmod(file, about->mode) == 0;
}

/* This must be the tmpfs of the set-up, not a directory of the image. */
static int secrets_open_directory(void) {
    struct statfs status;
    berth_autofd int directory =
        open(BERTH_SECRETS_DIRECTORY, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (directory < 0 || fstatfs(directory, &status) < 0)
        return -1;
    if (status.f_type != TMPFS_MAGIC) {
        errno = ENOTDIR;
        return -1;
    }
    return berth_fd_steal(&directory);
}

/* Reads the next secret of the bundle. Returns 1, 0 at the end, or -1 with fault. */
static int secret_next(int bundle, off_t size, off_t *at, BerthSecretHeader *header,
                       BerthFault *fault) {
    if (*at >= size)
        return 0;
    if (pread(bundle, header, sizeof *header, *at) != sizeof *header ||
        !secret_has_good_name(header) || header->size > (uint64_t)(size - *at) - sizeof *header) {
        berth_fault_set(fault, "%s: the secrets are damaged", BERTH_SECRETS_DIRECTORY);
        return -1;
    }
    *at += (off_t)sizeof *header;
    return 1;
}

bool berth_secrets_write(int bundle, uid_t uid, gid_t gid, BerthFault *fault) {
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY};
    BerthSecretHeader header;
    struct stat status;
    off_t at = 0;
    int r;
    berth_autofd int directory = -1;

    if (fstat(bundle, &status) < 0)
        return berth_fault_set_errno(fault, errno, "open the secrets");
    for (; (r = secret_next(bundle, status.st_size, &at, &header, fault)) > 0;
         at += (off_t)header.size) {
        if (header.name[0] == BERTH_SECRET_VARIABLE)
            continue;
        if (directory < 0 && (directory = secrets_open_directory()) < 0)
            return berth_fault_set_errno(fault, errno, "open %s", BERTH_SECRETS_DIRECTORY);
        SecretFile file = {NULL, uid, gid, 0400};
        if (!secret_read_name(&header, &file) ||
            !secret_write(bundle, at, header.size, directory, &file))
            return berth_fault_set_errno(fault, errno, "write %s/%s", BERTH_SECRETS_DIRECTORY,
                                         file.name);
    }
    return r == 0 &&
           (directory < 0 ||
            syscall(SYS_mount_setattr, directory, "", AT_EMPTY_PATH, &attributes,
                    sizeof attributes) == 0 ||
            berth_fault_set_errno(fault, errno, "make %s read-only", BERTH_SECRETS_DIRECTORY));
}

/* Returns "NAME=" followed by the bytes; NULL with errno. */
static char *secret_format_variable(int bundle, off_t from, const BerthSecretHeader *header) {
    const char *name = header->name + 1;
    size_t length = strlen(name) + 1, size = (size_t)header->size;

    if (size > BERTH_SECRET_VARIABLE_BYTES) {
        errno = E2BIG;
        return NULL;
    }
    char *text = calloc(1, length + size + 1);
    if (!text)
        return NULL;
    memcpy(text, name, length - 1);
    text[length - 1] = '=';
    if (pread(bundle, text + length, size, from) == (ssize_t)size)
        return text;
    errno = EIO;
    return NULL;
}

/* The position of the variable, or that of the end of the environment. */
static size_t secret_find_variable(char *const *environment, const char *assignment) {
    size_t length = strcspn(assignment, "=") + 1, i = 0;

    while (environment[i] && strncmp(environment[i], assignment, length) != 0)
        i++;
    return i;
}

/* Nothing is freed: the process executes its command next, or exits. */
char **berth_secrets_add_variables(int bundle, char **environment, BerthFault *fault) {
    BerthSecretHeader header;
    struct stat status;
    size_t count = 0;
    off_t at = 0;
    int r;

    while (environment[count])
        count++;
    if (fstat(bundle, &status) < 0) {
        berth_fault_set_errno(fault, errno, "open the secrets");
        return NULL;
    }
    for (; (r = secret_next(bundle, status.st_size, &at, &header, fault)) > 0;
         at += (off_t)header.size) {
        if (header.name[0] != BERTH_SECRET_VARIABLE)
            continue;
        char *text = secret_format_variable(bundle, at, &header);
        char **longer = text ? reallocarray(environment, count + 2, sizeof *longer) : NULL;
        if (!longer) {
            berth_fault_set_errno(fault, errno, "set the variable %s", header.name + 1);
            return NULL;
        }
        environment = longer;
        size_t place = secret_find_variable(environment, text);
        if (place == count)
            environment[++count] = NULL;
        environment[place] = text;
    }
    return r == 0 ? environment : NULL;
}
