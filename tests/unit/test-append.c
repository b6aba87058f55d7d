/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* New documents for an image with an additional layer: configuration and manifest. */

#include "base/document.h"
#include "inspect/append.h"
#include "inspect/inspect.h"

#include <string.h>

#define DIGEST "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define OTHER "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const BerthAppendedLayer layer = {OTHER, "2026-01-01T00:00:00Z", "Alice", ""};

static void test_configuration(void) {
    static const char before[] =
        "{\"architecture\":\"amd64\",\"os\":\"linux\",\"x.vendor\":[1,{\"a\":null}],"
        "\"config\":{\"Cmd\":[\"/bin/sh\"]},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" DIGEST
        "\"]}}";
    g_autoptr(GError) error = NULL;
    g_autofree char *after = berth_config_append(before, strlen(before), &layer, &error);

    g_assert_no_error(error);
    g_autoptr(BerthImageConfig) config = berth_image_config_read(after, strlen(after), &error);
    g_assert_no_error(error);
    g_assert_cmpuint(g_strv_length(config->diff_ids), ==, 2);
    g_assert_cmpstr(config->diff_ids[0], ==, DIGEST);
    g_assert_cmpstr(config->diff_ids[1], ==, OTHER);
    g_assert_cmpstr(config->command[0], ==, "/bin/sh");
    /* Unknown members are preserved. */
    g_assert_nonnull(strstr(after, "\"x.vendor\":[1,{\"a\":null}]"));
    g_assert_nonnull(strstr(after, "\"author\":\"Alice\""));
    g_assert_null(strstr(after, "comment"));
}

static void test_manifest(void) {
    static const char before[] =
        "{\"schemaVersion\":2,\"annotations\":{\"a\":\"b\"},\"config\":{\"mediaType\":\"c/d\","
        "\"digest\":\"" DIGEST "\",\"size\":1},\"layers\":[{\"mediaType\":\"e/f\",\"digest\":"
        "\"" DIGEST "\",\"size\":2}]}";
    g_autoptr(BerthDescriptor) config = berth_descriptor_new(BERTH_MEDIA_OCI_CONFIG, OTHER, 3);
    g_autoptr(BerthDescriptor) added = berth_descriptor_new(BERTH_MEDIA_OCI_LAYER, OTHER, 4);
    g_autoptr(GError) error = NULL;
    g_autofree char *after = berth_manifest_append(before, strlen(before), config, added, &error);

    g_assert_no_error(error);
    g_autoptr(BerthManifest) manifest =
        berth_manifest_read(after, strlen(after), BERTH_MEDIA_OCI_MANIFEST, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(manifest->config->digest, ==, OTHER);
    g_assert_cmpuint(manifest->layers->len, ==, 2);
    g_assert_cmpuint(((BerthDescriptor *)manifest->layers->pdata[0])->size, ==, 2);
    g_assert_cmpuint(((BerthDescriptor *)manifest->layers->pdata[1])->size, ==, 4);
    g_assert_nonnull(strstr(after, "\"annotations\":{\"a\":\"b\"}"));
}

/* The media types of Docker layers are converted to those of OCI, as a manifest must not mix both
 * kinds. The content of the layers stays the same. */
static void test_docker_becomes_oci(void) {
    static const char before[] =
        "{\"schemaVersion\":2,\"mediaType\":\"" BERTH_MEDIA_DOCKER_MANIFEST "\",\"config\":{"
        "\"mediaType\":\"" BERTH_MEDIA_DOCKER_CONFIG "\",\"digest\":\"" DIGEST "\",\"size\":1},"
        "\"layers\":[{\"mediaType\":\"application/vnd.docker.image.rootfs.diff.tar.gzip\","
        "\"digest\":\"" DIGEST "\",\"size\":2,\"annotations\":{\"a\":\"b\"}}]}";
    g_autoptr(BerthDescriptor) config = berth_descriptor_new(BERTH_MEDIA_OCI_CONFIG, OTHER, 3);
    g_autoptr(BerthDescriptor) added = berth_descriptor_new(BERTH_MEDIA_OCI_LAYER, OTHER, 4);
    g_autoptr(GError) error = NULL;
    g_autofree char *after = berth_manifest_append(before, strlen(before), config, added, &error);

    g_assert_no_error(error);
    g_assert_null(strstr(after, "docker"));
    g_assert_nonnull(strstr(after, "\"mediaType\":\"" BERTH_MEDIA_OCI_MANIFEST "\""));
    g_assert_nonnull(strstr(after, "\"annotations\":{\"a\":\"b\"}"));
    g_autoptr(BerthManifest) manifest =
        berth_manifest_read(after, strlen(after), BERTH_MEDIA_OCI_MANIFEST, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(((BerthDescriptor *)manifest->layers->pdata[0])->media_type, ==,
                    BERTH_MEDIA_OCI_LAYER "+gzip");
}

static void test_invalid_configurations(void) {
    static const char *const bad[] = {"",
                                      "[]",
                                      "{}",
                                      "{\"rootfs\":[]}",
                                      "{\"rootfs\":{\"diff_ids\":{}}}",
                                      "{\"rootfs\":{},\"history\":1}"};

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(berth_config_append(bad[i], strlen(bad[i]), &layer, &error));
        g_assert_nonnull(error);
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/append/configuration", test_configuration);
    g_test_add_func("/append/manifest", test_manifest);
    g_test_add_func("/append/docker-becomes-oci", test_docker_becomes_oci);
    g_test_add_func("/append/invalid-configurations", test_invalid_configurations);
    return g_test_run();
}
