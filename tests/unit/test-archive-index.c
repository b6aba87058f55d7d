/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The lists of images in archives: OCI layouts and "docker save". */

#include "inspect/archive-index.h"

#include <string.h>

#define DIGEST "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ENTRY "\"mediaType\":\"" BERTH_MEDIA_OCI_MANIFEST "\",\"digest\":\"" DIGEST "\",\"size\":2"

static void test_names_of_a_layout(void) {
    static const char text[] =
        "{\"manifests\":[null,{" ENTRY "},{" ENTRY ",\"annotations\":{"
        "\"org.opencontainers.image.ref.name\":\"1.0\"}},{" ENTRY ",\"annotations\":{"
        "\"org.opencontainers.image.ref.name\":\"1.0\","
        "\"io.containerd.image.name\":\"host.example/app:1.0\"}}]}";
    static const char *const names[] = {"", "1.0", "host.example/app:1.0"};
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) entries = berth_archive_index_read(text, strlen(text), &error);

    g_assert_no_error(error);
    g_assert_cmpuint(entries->len, ==, G_N_ELEMENTS(names));
    for (guint i = 0; i < entries->len; i++) {
        BerthLayoutEntry *entry = entries->pdata[i];
        g_assert_cmpstr(entry->name, ==, names[i]);
        g_assert_cmpstr(entry->descriptor->digest, ==, DIGEST);
    }
}

static void test_bad_layouts(void) {
    static const char *const bad[] = {
        "",
        "[]",
        "{\"manifests\":{}}",
        "{\"manifests\":[1]}",
        "{\"manifests\":[{}]}",
        "{\"manifests\":[{\"digest\":\"sha256:../../x\",\"size\":1}]}",
        "{\"manifests\":[{\"digest\":\"" DIGEST "\",\"size\":-1}]}",
        "{\"manifests\":[{" ENTRY ",\"annotations\":[]}]}"};

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(berth_archive_index_read(bad[i], strlen(bad[i]), &error));
        g_assert_nonnull(error);
    }
}

static void test_manifest_of_docker_save(void) {
    static const char text[] = "[{\"Config\":\"c.json\",\"RepoTags\":[\"a:b\",\"c:d\"],"
                               "\"Layers\":[\"1/layer.tar\",\"2/layer.tar\"]},"
                               "{\"Config\":\"d.json\",\"RepoTags\":null,\"Layers\":[]}]";
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) entries = berth_docker_archive_read(text, strlen(text), &error);

    g_assert_no_error(error);
    g_assert_cmpuint(entries->len, ==, 2);
    BerthDockerEntry *first = entries->pdata[0], *second = entries->pdata[1];
    g_assert_cmpstr(first->config, ==, "c.json");
    g_assert_cmpstr(first->tags[1], ==, "c:d");
    g_assert_cmpstr(first->layers[1], ==, "2/layer.tar");
    g_assert_cmpuint(g_strv_length(second->tags), ==, 0);
}

static void test_bad_docker_archives(void) {
    static const char *const bad[] = {"",
                                      "{}",
                                      "[1]",
                                      "[]}",
                                      "[{}]",
                                      "[{\"Config\":1,\"Layers\":[]}]",
                                      "[{\"Config\":\"c\",\"Layers\":{}}]",
                                      "[{\"Config\":\"c\",\"Layers\":[1]}]"};

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(berth_docker_archive_read(bad[i], strlen(bad[i]), &error));
        g_assert_nonnull(error);
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/archive-index/names-of-a-layout", test_names_of_a_layout);
    g_test_add_func("/archive-index/bad-layouts", test_bad_layouts);
    g_test_add_func("/archive-index/manifest-of-docker-save", test_manifest_of_docker_save);
    g_test_add_func("/archive-index/bad-docker-archives", test_bad_docker_archives);
    return g_test_run();
}
