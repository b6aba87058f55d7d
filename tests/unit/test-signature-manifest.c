/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which layers of a manifest are signatures. */

#include "inspect/signature-manifest.h"

#include <string.h>

#define DIGEST "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void test_layers_of_other_kinds_are_left_out(void) {
    static const char manifest[] =
        "{\"layers\":[{\"mediaType\":\"a/b\",\"digest\":\"" DIGEST "\",\"size\":1},"
        "{\"mediaType\":\"application/vnd.dev.cosign.simplesigning.v1+json\",\"digest\":\"" DIGEST
        "\",\"size\":3,\"annotations\":{\"dev.cosignproject.cosign/signature\":\"MEUC\"}}]}";
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) signatures = berth_signatures_read(manifest, strlen(manifest), &error);

    g_assert_no_error(error);
    g_assert_cmpuint(signatures->len, ==, 1);
    BerthSignature *signature = signatures->pdata[0];
    g_assert_cmpstr(signature->signature, ==, "MEUC");
    g_assert_cmpuint(signature->payload->size, ==, 3);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/signature-manifest/other-layers", test_layers_of_other_kinds_are_left_out);
    return g_test_run();
}
