/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads an arbitrary document as a manifest, an index and an image configuration. */

#include "fuzz.h"
#include "inspect/inspect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data;
    g_autoptr(BerthManifest) manifest =
        berth_manifest_read(text, size, BERTH_MEDIA_OCI_MANIFEST, NULL);
    g_autoptr(BerthManifest) index = berth_manifest_read(text, size, BERTH_MEDIA_OCI_INDEX, NULL);
    g_autoptr(BerthImageConfig) config = berth_image_config_read(text, size, NULL);

    (void)manifest;
    (void)index;
    (void)config;
    return 0;
}
