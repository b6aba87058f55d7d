/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Manifests, indexes and image configurations, valid and invalid. */

#include "base/error.h"
#include "base/limits.h"
#include "inspect/inspect.h"

#include <string.h>

#define DIGEST "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define CONFIG                                                                                     \
    "\"config\":{\"mediaType\":\"" BERTH_MEDIA_OCI_CONFIG "\",\"digest\":\"" DIGEST "\",\"size\":" \
    "1}"

static BerthManifest *read_manifest(const char *text, const char *media_type, GError **error) {
    return berth_manifest_read(text, strlen(text), media_type, error);
}

static void test_manifest(void) {
    g_autoptr(GError) error = NULL;
    g_autoptr(BerthManifest) manifest =
        read_manifest("{\"schemaVersion\":2," CONFIG
                      ",\"layers\":[{\"mediaType\":\"a/b\",\"digest\":\"" DIGEST "\",\"size\":5}]}",
                      BERTH_MEDIA_OCI_MANIFEST, &error);

    g_assert_no_error(error);
    g_assert_cmpstr(manifest->config->digest, ==, DIGEST);
    g_assert_cmpuint(manifest->layers->len, ==, 1);
    g_assert_cmpuint(((BerthDescriptor *)manifest->layers->pdata[0])->size, ==, 5);
}

static void test_index(void) {
    g_autoptr(GError) error = NULL;
    g_autoptr(BerthManifest) index = read_manifest(
        "{\"manifests\":[{\"mediaType\":\"a/b\",\"digest\":\"" DIGEST "\",\"size\":5,"
        "\"platform\":{\"os\":\"linux\",\"architecture\":\"arm64\",\"variant\":\"v8\"}},"
        "{\"mediaType\":\"a/b\",\"digest\":\"" DIGEST "\",\"size\":5,"
        "\"annotations\":{\"vnd.docker.reference.type\":\"attestation-manifest\"}}]}",
        BERTH_MEDIA_OCI_INDEX, &error);

    g_assert_no_error(error);
    BerthIndexEntry *first = index->entries->pdata[0], *second = index->entries->pdata[1];
    g_assert_cmpstr(first->platform->variant, ==, "v8");
    g_assert_false(first->attestation);
    g_assert_null(second->platform);
    g_assert_true(second->attestation);
}

/* The digest of "{}". */
#define DIGEST_OF_EMPTY "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"

static void test_content_in_the_document(void) {
    static const struct {
        const char *digest, *size, *data;
        bool is_used;
    } cases[] = {
        {DIGEST_OF_EMPTY, "2", "e30=", true}, {DIGEST_OF_EMPTY, "3", "e30=", false},
        {DIGEST, "2", "e30=", false},         {DIGEST_OF_EMPTY, "2", "", false},
        {DIGEST_OF_EMPTY, "2", "!", false},
    };

    /* Content that is not the described one is ignored, so that the real one is fetched. */
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *text =
            g_strdup_printf("{\"schemaVersion\":2," CONFIG ",\"layers\":[{\"mediaType\":\"a/b\","
                            "\"digest\":\"%s\",\"size\":%s,\"data\":\"%s\"}]}",
                            cases[i].digest, cases[i].size, cases[i].data);
        g_autoptr(BerthManifest) manifest = read_manifest(text, BERTH_MEDIA_OCI_MANIFEST, &error);

        g_assert_no_error(error);
        g_assert_cmpuint(manifest->embedded->len, ==, cases[i].is_used);
        if (!cases[i].is_used)
            continue;
        BerthEmbeddedContent *embedded = manifest->embedded->pdata[0];
        g_assert_cmpstr(embedded->digest, ==, DIGEST_OF_EMPTY);
        g_assert_cmpmem(embedded->data, embedded->size, "{}", 2);
    }
}

static void test_media_types_that_the_place_implies(void) {
    static const char *const types[] = {"", "\"mediaType\":null,", "\"mediaType\":\" \",",
                                        "\"mediaType\":\"application/octet-stream\",",
                                        "\"mediaType\":\"Application/JSON; charset=utf-8\","};

    for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *described =
            g_strdup_printf("%s\"digest\":\"" DIGEST "\",\"size\":1", types[i]);
        g_autofree char *entry =
            g_strdup_printf("{\"manifests\":[{%s,\"platform\":{\"os\":\"linux\"}}]}", described);
        g_autofree char *image =
            g_strdup_printf("{\"config\":{%s},\"layers\":[{%s}]}", described, described);
        g_autofree char *artifact =
            g_strdup_printf("{\"config\":{\"mediaType\":\"a/b\",\"digest\":\"" DIGEST
                            "\",\"size\":1},\"layers\":[{%s}]}",
                            described);
        g_autoptr(BerthManifest) index = read_manifest(entry, BERTH_MEDIA_OCI_INDEX, &error);

        g_assert_no_error(error);
        BerthIndexEntry *first = index->entries->pdata[0];
        g_assert_cmpstr(first->descriptor->media_type, ==, BERTH_MEDIA_OCI_MANIFEST);
        g_autoptr(BerthManifest) manifest =
            read_manifest(image, BERTH_MEDIA_DOCKER_MANIFEST, &error);
        g_assert_no_error(error);
        g_assert_cmpstr(manifest->config->media_type, ==, BERTH_MEDIA_DOCKER_CONFIG);
        BerthDescriptor *layer = manifest->layers->pdata[0];
        g_assert_cmpstr(layer->media_type, ==, BERTH_MEDIA_OCI_LAYER);
        /* What an artifact consists of is not implied. */
        g_autoptr(BerthManifest) other = read_manifest(artifact, BERTH_MEDIA_OCI_MANIFEST, &error);
        g_assert_cmpint(other != NULL, ==, i > 2);
        if (other)
            g_assert_cmpint(
                berth_media_type_get_kind(((BerthDescriptor *)other->layers->pdata[0])->media_type),
                ==, BERTH_KIND_OTHER);
    }
}

static void test_bad_manifests(void) {
    static const char *const bad[] = {
        "{}",
        "{\"layers\":[]}",
        "{" CONFIG "}",
        "{" CONFIG ",\"layers\":{}}",
        "{" CONFIG ",\"layers\":[1]}",
        "{" CONFIG ",\"layers\":[{}]}",
        "{" CONFIG ",\"layers\":[{\"mediaType\":\"a/b\",\"digest\":\"sha256:x\",\"size\":1}]}",
        "{" CONFIG ",\"layers\":[{\"mediaType\":\"a/b\",\"digest\":\"" DIGEST "\",\"size\":-1}]}",
        "{" CONFIG ",\"layers\":[{\"mediaType\":\"a/b\",\"digest\":\"" DIGEST "\"}]}",
        "{\"config\":[],\"layers\":[]}",
        /* Documents that could be read as a manifest and as an index. */
        "{" CONFIG ",\"layers\":[],\"manifests\":[]}",
        "{\"mediaType\":\"" BERTH_MEDIA_OCI_INDEX "\"," CONFIG ",\"layers\":[]}",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(read_manifest(bad[i], BERTH_MEDIA_OCI_MANIFEST, &error));
        g_assert_error(error, BERTH_ERROR, BERTH_ERROR_INVALID_ARGUMENT);
    }
}

static void test_schema_1_is_refused_by_name(void) {
    g_autoptr(GError) error = NULL;

    g_assert_null(read_manifest("{\"schemaVersion\":1}", BERTH_MEDIA_DOCKER_MANIFEST, &error));
    g_assert_error(error, BERTH_ERROR, BERTH_ERROR_UNSUPPORTED);
    g_assert_nonnull(strstr(error->message, "schema 1"));
}

static void test_image_config(void) {
    static const char text[] =
        "{\"os\":\"linux\",\"architecture\":\"amd64\",\"config\":{\"User\":\"u\",\"Env\":[\"A=b\"],"
        "\"Cmd\":[\"x\"],\"Volumes\":{\"/v\":{}},\"Labels\":{\"k\":\"v\"}},"
        "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" DIGEST "\"]}}";
    g_autoptr(GError) error = NULL;
    g_autoptr(BerthImageConfig) config = berth_image_config_read(text, strlen(text), &error);

    g_assert_no_error(error);
    g_assert_cmpstr(config->user, ==, "u");
    g_assert_cmpstr(config->environment[0], ==, "A=b");
    g_assert_cmpstr(config->command[0], ==, "x");
    g_assert_cmpstr(config->volumes[0], ==, "/v");
    g_assert_cmpstr(config->labels[1], ==, "v");
    g_assert_cmpstr(config->working_directory, ==, "");
    g_assert_cmpstr(config->diff_ids[0], ==, DIGEST);
}

static void test_health_check(void) {
    static const char text[] =
        "{\"rootfs\":{},\"config\":{\"Healthcheck\":{\"Test\":[\"CMD\",\"true\"],"
        "\"Interval\":1,\"Timeout\":2,\"StartPeriod\":3,\"StartInterval\":%d,"
        "\"Retries\":4}}}";
    g_autofree char *good = g_strdup_printf(text, 5), *bad = g_strdup_printf(text, -5);
    g_autoptr(BerthImageConfig) config = berth_image_config_read(good, strlen(good), NULL);
    g_autofree char *health = g_strjoinv(" ", config->health);

    g_assert_cmpstr(health, ==, "1 2 3 4 CMD true");
    g_assert_cmpuint(config->start_interval_nsec, ==, 5);
    /* As with the others, 0 selects the default. */
    g_autoptr(BerthImageConfig) other = berth_image_config_read(bad, strlen(bad), NULL);
    g_assert_cmpuint(other->start_interval_nsec, ==, 0);
}

static void test_bad_image_configs(void) {
    static const char *const bad[] = {
        "{}",
        "{\"rootfs\":{\"diff_ids\":[\"../x\"]}}",
        "{\"rootfs\":{\"diff_ids\":\"x\"}}",
        "{\"rootfs\":{},\"config\":[]}",
        "{\"rootfs\":{},\"config\":{\"Env\":[1]}}",
        "{\"rootfs\":{},\"config\":{\"User\":1}}",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_null(berth_image_config_read(bad[i], strlen(bad[i]), NULL));
}

/* Returns what is wrong with a configuration, which must exceed a limit. */
static char *read_excess(const char *text) {
    g_autoptr(GError) error = NULL;

    g_assert_null(berth_image_config_read(text, strlen(text), &error));
    g_assert_error(error, BERTH_ERROR, BERTH_ERROR_LIMIT_EXCEEDED);
    return g_strdup(error->message);
}

static void test_what_is_too_long_is_named(void) {
    g_autofree char *letters = g_strnfill(BERTH_MAX_TEXT_BYTES + 1, 'x');
    g_autofree char *user =
        g_strdup_printf("{\"rootfs\":{},\"config\":{\"User\":\"%s\"}}", letters);
    g_autofree char *platform = g_strdup_printf("{\"rootfs\":{},\"variant\":\"%s\"}", letters);
    g_autoptr(GString) environment = g_string_new("{\"rootfs\":{},\"config\":{\"Env\":[\"A=b\"");

    for (unsigned i = 1; i < BERTH_MAX_REPLY_ITEMS; i++)
        g_string_append(environment, ",\"A=b\"");
    g_autofree char *most = g_strconcat(environment->str, "]}}", NULL);
    g_autoptr(BerthImageConfig) config = berth_image_config_read(most, strlen(most), NULL);
    g_assert_nonnull(config);
    g_string_append(environment, ",\"A=b\"]}}");
    g_autofree char *of_user = read_excess(user), *of_platform = read_excess(platform),
                    *of_environment = read_excess(environment->str);
    g_assert_nonnull(strstr(of_user, "\"User\""));
    g_assert_nonnull(strstr(of_platform, "\"variant\""));
    g_assert_nonnull(strstr(of_environment, "\"Env\""));
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/manifest/manifest", test_manifest);
    g_test_add_func("/manifest/too-long", test_what_is_too_long_is_named);
    g_test_add_func("/manifest/index", test_index);
    g_test_add_func("/manifest/content-in-the-document", test_content_in_the_document);
    g_test_add_func("/manifest/media-types-that-the-place-implies",
                    test_media_types_that_the_place_implies);
    g_test_add_func("/manifest/bad-manifests", test_bad_manifests);
    g_test_add_func("/manifest/schema-1-is-refused-by-name", test_schema_1_is_refused_by_name);
    g_test_add_func("/manifest/image-config", test_image_config);
    g_test_add_func("/manifest/health-check", test_health_check);
    g_test_add_func("/manifest/bad-image-configs", test_bad_image_configs);
    return g_test_run();
}
