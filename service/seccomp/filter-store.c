/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One file per program, named by a digest of its key. It contains the key, the program and a digest
 * of both: a file damaged by a crash or a failing disk is not used, and the program is compiled and
 * written again. The directory belongs to the caller, and only the service can write to it. Still,
 * each file must belong to this user and be writable by nobody else, since its contents are all
 * that stands between a container and the kernel.
 */

#include "seccomp/filter-store.h"

#include "base/directory.h"
#include "base/fd.h"
#include "seccomp/filter.h"

#include <linux/filter.h>
#include <string.h>
#include <sys/stat.h>

/* When there are more files than this, those of earlier versions and kernels are removed. */
enum { MAX_FILES = 64, MAX_KEY_BYTES = 1024 };

#define DIGEST_BYTES ((size_t)32)

/* Followed by the key with its NUL, and the instructions. */
typedef struct {
    char magic[8];
    uint8_t digest[32]; /* of everything that follows */
    uint32_t flags, count, key_bytes;
    uint32_t notifies;
} FileHeader;

static const char magic[8] = "berthbpf";

static char *make_filter_name(const char *key) {
    return g_compute_checksum_for_string(G_CHECKSUM_SHA256, key, -1);
}

static void compute_digest(const char *data, size_t size, uint8_t *digest) {
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    size_t skipped = G_STRUCT_OFFSET(FileHeader, flags), length = DIGEST_BYTES;

    g_checksum_update(checksum, (const guchar *)data + skipped, (gssize)(size - skipped));
    g_checksum_get_digest(checksum, digest, &length);
}

static bool is_own_file(int fd) {
    struct stat status;

    return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == geteuid() &&
           (status.st_mode & 022) == 0;
}

/* Every length is compared with the size before it is used, and the digest is checked first of
 * all. */
static BerthFilterProgram *parse_file(const char *data, size_t size, const char *key) {
    FileHeader header;
    uint8_t digest[DIGEST_BYTES];

    if (size < sizeof header)
        return NULL;
    memcpy(&header, data, sizeof header);
    compute_digest(data, size, digest);
    size_t bytes = header.count * sizeof(struct sock_filter);
    if (memcmp(header.magic, magic, sizeof magic) != 0 ||
        memcmp(header.digest, digest, sizeof digest) != 0 || header.count == 0 ||
        header.count > BPF_MAXINSNS || header.key_bytes != strlen(key) + 1 ||
        size != sizeof header + header.key_bytes + bytes ||
        memcmp(data + sizeof header, key, header.key_bytes) != 0)
        return NULL;
    BerthFilterProgram *program = g_new0(BerthFilterProgram, 1);
    program->flags = header.flags;
    program->count = header.count;
    program->notifies = header.notifies != 0;
    program->instructions = g_memdup2(data + sizeof header + header.key_bytes, bytes);
    return program;
}

BerthFilterProgram *berth_filter_store_load(int directory, const char *key) {
    g_autofree char *name = make_filter_name(key);
    berth_autofd int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    size_t size;

    if (fd < 0 || !is_own_file(fd))
        return NULL;
    g_autofree char *data = berth_fd_read_whole(
        fd, sizeof(FileHeader) + MAX_KEY_BYTES + BPF_MAXINSNS * sizeof(struct sock_filter), &size,
        NULL);
    return data ? parse_file(data, size, key) : NULL;
}

static void filter_store_make_room(int directory) {
    berth_autolist DIR *list = berth_directory_list(directory);
    unsigned count = 0;
    const char *name;

    while (list && berth_directory_next(list))
        count++;
    if (!list || count < MAX_FILES)
        return;
    rewinddir(list);
    while ((name = berth_directory_next(list)))
        (void)unlinkat(directory, name, 0);
}

void berth_filter_store_save(int directory, const char *key, const BerthFilterProgram *program) {
    g_autoptr(GByteArray) data = g_byte_array_new();
    g_autofree char *name = make_filter_name(key);
    FileHeader header = {
        .flags = program->flags,
        .count = program->count,
        .key_bytes = (uint32_t)strlen(key) + 1,
        .notifies = program->notifies,
    };

    if (header.key_bytes > MAX_KEY_BYTES)
        return;
    memcpy(header.magic, magic, sizeof magic);
    g_byte_array_append(data, (const guint8 *)&header, sizeof header);
    g_byte_array_append(data, (const guint8 *)key, header.key_bytes);
    g_byte_array_append(data, (const guint8 *)program->instructions,
                        program->count * (guint)sizeof(struct sock_filter));
    compute_digest((const char *)data->data, data->len, header.digest);
    memcpy(data->data, &header, sizeof header);
    filter_store_make_room(directory);
    /* Another instance of the service may be writing the same temporary name. Neither waits for the
     * disk; the digest reveals a damaged file. */
    (void)berth_fd_replace(directory, name, data->data, data->len, 0600);
}
