/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads the lists of images in an archive: index.json of an OCI layout, and manifest.json of
 * "docker save".
 */

#include "fuzz.h"
#include "inspect/archive-index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data;
    g_autoptr(GPtrArray) layout = berth_archive_index_read(text, size, NULL);
    g_autoptr(GPtrArray) docker = berth_docker_archive_read(text, size, NULL);

    (void)layout;
    (void)docker;
    return 0;
}
