/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Appends a layer to documents: a document made from a document can be parsed again. */

#include "base/document.h"
#include "base/limits.h"
#include "fuzz.h"
#include "inspect/append.h"

#include <string.h>

#define DIGEST "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void check(const char *text) {
    g_autoptr(json_object) root = text ? berth_document_parse(text, strlen(text), NULL) : NULL;

    /* If it cannot be parsed, it can only have become too large. */
    g_assert_true(!text || root || strlen(text) > BERTH_MAX_DOCUMENT_BYTES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data;
    const BerthAppendedLayer layer = {DIGEST, "2026-01-01T00:00:00Z", "somebody", "something"};
    g_autoptr(BerthDescriptor) config = berth_descriptor_new(BERTH_MEDIA_OCI_CONFIG, DIGEST, 1);
    g_autoptr(BerthDescriptor) added = berth_descriptor_new(BERTH_MEDIA_OCI_LAYER, DIGEST, 2);
    g_autofree char *new_config = berth_config_append(text, size, &layer, NULL);
    g_autofree char *new_manifest = berth_manifest_append(text, size, config, added, NULL);

    check(new_config);
    check(new_manifest);
    return 0;
}
