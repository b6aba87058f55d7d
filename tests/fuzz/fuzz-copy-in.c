/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Unpacks a caller's tar into a directory, as an unprivileged user: nothing may appear outside the
 * directory.
 */

#include "base/fd.h"
#include "copy/copy-in.h"
#include "fuzz.h"

#include <sys/mman.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char *directory;
    struct stat status;

    if (!directory) {
        directory = g_dir_make_tmp("berth-fuzz-XXXXXX", NULL);
        g_autofree char *made = g_build_filename(directory, "root", NULL);
        g_assert_cmpint(mkdir(made, 0700), ==, 0);
    }
    g_autofree char *inner = g_build_filename(directory, "root", NULL);
    berth_autofd int input = memfd_create("tar", 0);
    if (size == 0 || !berth_fd_write_all(input, data + 1, size - 1) ||
        lseek(input, 0, SEEK_SET) < 0)
        return 0;
    g_assert_cmpint(chdir(inner), ==, 0);
    g_autoptr(GError) error = NULL;
    bool good = berth_copy_in_extract(data[0] & 1 ? "named" : NULL, input, data[0] & 2, &error);
    g_assert_true(good == (error == NULL));
    g_assert_cmpint(stat(directory, &status), ==, 0);
    g_assert_cmpuint(status.st_nlink, ==, 3);
    (void)chmod(inner, 0700);
    berth_fd_remove_children(inner, NULL);
    return 0;
}
