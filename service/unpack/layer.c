/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Unpacks a layer, one entry after another; what the tar says is passed to the tree unchanged. An
 * empty stream is an empty layer: some tools push no bytes at all. There is no state besides the
 * reader's and the tree's.
 */

#include "unpack/layer.h"

#include "base/fd.h"
#include "tar/reader.h"
#include "unpack/tree-names.h"

#include <errno.h>
#include <string.h>

enum { MAX_ENTRIES = 5 * 1000 * 1000 };

typedef struct {
    BerthStream *stream;
    const char *compression; /* that the first bytes suggest; NULL if none */
    bool has_begun;
} LayerSource;

/* Formats that some tools accept, but images may not have (image-spec, layer.md). They are named
 * only if the layer cannot be read: a tar may begin with any of these bytes. */
static const char *guess_compression(const void *data, size_t size) {
    static const struct {
        const char *name, *magic;
        size_t size;
    } formats[] = {{"bzip2", "BZh", 3},
                   {"xz",
                    "\xfd"
                    "7zXZ",
                    5},
                   {"LZ4", "\x04\x22\x4d\x18", 4}};

    for (size_t i = 0; i < G_N_ELEMENTS(formats); i++)
        if (size >= formats[i].size && memcmp(data, formats[i].magic, formats[i].size) == 0)
            return formats[i].name;
    return NULL;
}

static size_t read_layer_block(void *userdata, const void **block) {
    LayerSource *source = userdata;
    size_t size = berth_stream_next(source->stream, block);

    if (!source->has_begun)
        source->compression = guess_compression(*block, size);
    source->has_begun = true;
    return size;
}

static bool fail_first_header(const LayerSource *source, GError *local, GError **error) {
    g_error_free(local);
    return berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                           "the layer is compressed with %s; images may only have gzip and zstd: "
                           "push it again with one of these",
                           source->compression);
}

/* Errors of the reader get a prefix; those of the tree name the entry. */
static bool fail_tar(GError *local, GError **error) {
    g_propagate_prefixed_error(error, local, "the layer is not a valid tar archive: ");
    return false;
}

/* Blocks of a sparse file come with their offsets; the space between them is never written, so it
 * stays a hole. */
static bool layer_write_content(BerthTarReader *reader, int fd, const BerthTarEntry *from,
                                GError **error) {
    GError *local = NULL;
    const void *block;
    size_t size;
    int64_t offset, end = 0;

    while (berth_tar_reader_data(reader, &block, &size, &offset, &local) && size > 0) {
        while (size > 0) {
            ssize_t written = pwrite(fd, block, size, offset);
            if (written < 0 && errno == EINTR)
                continue;
            if (written < 0)
                return berth_error_set_errno(error, errno, "write \"%.200s\"", from->path);
            block = (const char *)block + written;
            size -= (size_t)written;
            offset += written;
        }
        end = offset;
    }
    if (local)
        return fail_tar(local, error);
    /* A hole at the end has no block. */
    if (end < from->size && ftruncate(fd, from->size) < 0)
        return berth_error_set_errno(error, errno, "set the size of \"%.200s\"", from->path);
    return true;
}

static bool layer_add_file(BerthTarReader *reader, BerthTree *tree, const BerthTarEntry *from,
                           const BerthTreeEntry *entry, GError **error) {
    berth_autofd int fd = berth_tree_create_file(tree, entry, error);

    return fd >= 0 && (from->size == 0 || layer_write_content(reader, fd, from, error)) &&
           berth_tree_finish_file(tree, entry, fd, error);
}

/* The mode of a hard link is ignored: its target decides what it is. */
static bool add_by_type(BerthTarReader *reader, BerthTree *tree, const BerthTarEntry *from,
                        const BerthTreeEntry *entry, GError **error) {
    if (from->is_hard_link)
        return berth_tree_add_hard_link(tree, entry, error);
    switch (entry->mode & S_IFMT) {
    case S_IFDIR:
        return berth_tree_add_directory(tree, entry, error);
    case S_IFLNK:
        return berth_tree_add_symlink(tree, entry, error);
    case S_IFREG:
        return layer_add_file(reader, tree, from, entry, error);
    default:
        return berth_tree_add_special(tree, entry, error);
    }
}

/* Whiteouts are recognized by name alone, whatever their type. The target of a hard link is a path
 * in the layer; that of a symbolic link is text and kept unchanged. */
static bool layer_add_entry(BerthTarReader *reader, BerthTree *tree, const BerthTarEntry *from,
                            GError **error) {
    g_autofree char *path = berth_tree_normalize(from->path, error);
    g_autofree char *target = NULL;
    bool was_whiteout;

    if (!path || !berth_tree_add_whiteout(tree, path, &was_whiteout, error))
        return false;
    if (was_whiteout)
        return true;
    if (path[0] == '\0' && (from->is_hard_link || !S_ISDIR(from->mode)))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "the layer's root is not a directory");
    if (from->target && from->target[0] == '\0')
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "the link \"%.200s\" has no target", path);
    if (from->is_hard_link && !(target = berth_tree_normalize(from->target, error)))
        return false;
    const BerthTreeEntry entry = {
        .path = path,
        .mode = from->mode,
        .uid = from->uid,
        .gid = from->gid,
        .mtime = from->mtime,
        .device = from->device,
        .target = target ? target : from->target,
        .xattr_names = from->xattr_names,
        .xattr_values = from->xattr_values,
    };
    return add_by_type(reader, tree, from, &entry, error);
}

/* Whether an entry may have failed only because the layers below, which determine its meaning, are
 * not available yet. The layer is then unpacked again, and fails again if there is another reason.
 */
static bool is_put_off(BerthTree *tree, const GError *error) {
    if (tree->knows != BERTH_LOWER_UNKNOWN ||
        (!tree->is_inexact && error->code != BERTH_ERROR_INVALID_ARGUMENT))
        return false;
    tree->is_inexact = true;
    return true;
}

bool berth_layer_unpack(BerthStream *stream, BerthTree *tree, GError **error) {
    LayerSource source = {.stream = stream};
    g_autoptr(BerthTarReader) reader = berth_tar_reader_new(read_layer_block, &source);
    g_auto(BerthTarEntry) entry = {0};
    GError *local = NULL;
    bool more;

    for (unsigned count = 0;; count++) {
        if (!berth_tar_reader_next(reader, &entry, &more, &local))
            return count == 0 && source.compression ? fail_first_header(&source, local, error)
                                                    : fail_tar(local, error);
        if (!more)
            break;
        if (count >= MAX_ENTRIES)
            return berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                                   "the layer has more than %d files", MAX_ENTRIES);
        /* If the layer will be unpacked again, the rest is only read, for the digest. */
        if (!tree->is_inexact && !layer_add_entry(reader, tree, &entry, &local) &&
            !is_put_off(tree, local)) {
            g_propagate_error(error, local);
            return false;
        }
        g_clear_error(&local);
    }
    /* If the tree needs the layers below, settling finishes it. */
    return berth_tree_needs_lower(tree) || berth_tree_finish(tree, error);
}
