/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A layer into a directory, as an ordinary user: nothing may appear beside it. */

#include "base/fd.h"
#include "fuzz.h"
#include "unpack/layer.h"

#include <sys/mman.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char *directory;
    struct stat status;

    if (!directory) {
        directory = g_dir_make_tmp("berth-fuzz-XXXXXX", NULL);
        g_autofree char *inner = g_build_filename(directory, "layer", NULL);
        g_assert_cmpint(mkdir(inner, 0700), ==, 0);
    }
    g_autofree char *inner = g_build_filename(directory, "layer", NULL);
    berth_autofd int input = memfd_create("layer", 0);
    if (!berth_fd_write_all(input, data, size) || lseek(input, 0, SEEK_SET) < 0)
        return 0;
    g_autoptr(BerthStream) stream =
        berth_stream_new(input, BERTH_ALGORITHM_SHA256, 16 * 1024 * 1024, NULL);
    g_autoptr(BerthTree) tree = berth_tree_new(open(inner, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    g_autoptr(GError) error = NULL;
    berth_layer_unpack(stream, tree, &error);
    g_assert_cmpint(stat(directory, &status), ==, 0);
    g_assert_cmpuint(status.st_nlink, ==, 3);
    (void)chmod(inner, 0700);
    berth_fd_remove_children(inner, NULL);
    return 0;
}
