/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Unpacks two layers, one on top of the other, into directories: nothing may appear outside them,
 * and the tree's notes match its contents. The input is split where a zero block is followed by
 * anything else; if there is no such place, it is the upper layer.
 */

#include "base/fd.h"
#include "fuzz.h"
#include "unpack/layer.h"
#include "unpack/settle.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { BLOCK_BYTES = 512, NAMES = 2 };

static char *directory;

static char *path_of(const char *name) {
    return g_build_filename(directory, name, NULL);
}

static bool unpack(BerthTree *tree, const uint8_t *data, size_t size) {
    berth_autofd int input = memfd_create("layer", 0);

    if (!berth_fd_write_all(input, data, size) || lseek(input, 0, SEEK_SET) < 0)
        return false;
    g_autoptr(BerthInput) from = berth_input_new(input);
    g_autoptr(BerthStream) stream =
        berth_stream_new(from, BERTH_ALGORITHM_SHA256, 16 * 1024 * 1024, NULL);
    return berth_layer_unpack(stream, tree, NULL);
}

static int open_named(const char *name) {
    g_autofree char *path = path_of(name);

    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void clear(const char *name) {
    g_autofree char *path = path_of(name);

    (void)chmod(path, 0700);
    g_assert_true(berth_fd_remove_children(path, NULL));
}

static size_t find_cut(const uint8_t *data, size_t size) {
    static const uint8_t zeros[BLOCK_BYTES];

    for (size_t at = 0; at + 2 * BLOCK_BYTES <= size; at += BLOCK_BYTES)
        if (memcmp(data + at, zeros, BLOCK_BYTES) == 0 &&
            memcmp(data + at + BLOCK_BYTES, zeros, BLOCK_BYTES) != 0)
            return at + BLOCK_BYTES;
    return 0;
}

static void unpack_upper(const uint8_t *data, size_t size, int lower) {
    bool is_inexact = false;

    g_autoptr(BerthTree) tree = berth_tree_new(open_named("upper"), BERTH_LOWER_UNKNOWN, -1);
    if (!unpack(tree, data, size) || !berth_settle(tree, lower, &is_inexact, NULL) || !is_inexact)
        return;
    clear("upper");
    g_autoptr(BerthTree) again = berth_tree_new(open_named("upper"), BERTH_LOWER_KNOWN, lower);
    if (unpack(again, data, size))
        (void)berth_settle(again, lower, &is_inexact, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const names[NAMES] = {"lower", "upper"};
    size_t cut = find_cut(data, size);
    struct stat status;
    bool is_inexact;

    if (!directory)
        directory = g_dir_make_tmp("berth-fuzz-XXXXXX", NULL);
    for (int i = 0; i < NAMES; i++) {
        g_autofree char *path = path_of(names[i]);
        (void)mkdir(path, 0700);
    }
    berth_autofd int lower = open_named("lower");
    g_autoptr(BerthTree) tree = berth_tree_new(open_named("lower"), BERTH_LOWER_NONE, -1);
    if (unpack(tree, data, cut) && berth_settle(tree, -1, &is_inexact, NULL))
        unpack_upper(data + cut, size - cut, lower);
    g_assert_cmpint(stat(directory, &status), ==, 0);
    g_assert_cmpuint(status.st_nlink, ==, 2 + NAMES);
    clear("lower");
    clear("upper");
    return 0;
}
