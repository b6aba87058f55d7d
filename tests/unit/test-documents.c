/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The choice of a platform in an index, and the information stored about an image. */

#include "images/documents.h"
#include "worker/replies.h"

#include <string.h>
#include <sys/socket.h>

static void free_entry(gpointer data) {
    BerthIndexedManifest *entry = data;

    berth_descriptor_free(entry->descriptor);
    berth_platform_free(entry->platform);
    g_free(entry);
}

static BerthDocument *new_index(void) {
    BerthDocument *index = g_new0(BerthDocument, 1);

    index->is_index = true;
    index->entries = g_ptr_array_new_with_free_func(free_entry);
    index->layers = g_ptr_array_new();
    return index;
}

static void add(BerthDocument *index, const char *digest, const char *os, const char *architecture,
                const char *variant, bool attestation) {
    BerthIndexedManifest *entry = g_new0(BerthIndexedManifest, 1);

    entry->descriptor = berth_descriptor_new(BERTH_MEDIA_OCI_MANIFEST, digest, 1);
    entry->platform = berth_platform_new(os, architecture, variant);
    entry->attestation = attestation;
    g_ptr_array_add(index->entries, entry);
}

static const char *choose(BerthDocument *index, const char *text) {
    g_autoptr(BerthPlatform) platform = berth_platform_parse(text, NULL);
    const BerthDescriptor *chosen = berth_document_choose(index, platform, NULL);

    return chosen ? chosen->digest : NULL;
}

static void test_the_best_platform_is_chosen(void) {
    g_autoptr(BerthDocument) index = new_index();

    add(index, "attestation", "linux", "arm", "v7", true);
    add(index, "v6", "linux", "arm", "v6", false);
    add(index, "v7", "linux", "arm", "v7", false);
    add(index, "amd64", "linux", "amd64", "", false);
    g_assert_cmpstr(choose(index, "linux/arm/v7"), ==, "v7");
    g_assert_cmpstr(choose(index, "linux/arm/v6"), ==, "v6");
    g_assert_cmpstr(choose(index, "linux/amd64"), ==, "amd64");
    g_assert_null(choose(index, "linux/s390x"));
}

/* An index may hold any text, and any number of platforms. */
static void test_the_error_lists_some_platforms_in_one_line(void) {
    g_autoptr(BerthDocument) index = new_index();
    g_autoptr(BerthPlatform) platform = berth_platform_parse("linux/amd64", NULL);
    g_autoptr(GError) error = NULL;

    add(index, "first", "linux", "arm64", "v8\ndist: removed", false);
    add(index, "second", "windows", "", "", false);
    for (int i = 0; i < 1000; i++)
        add(index, "another", "linux", "s390x", "", false);
    g_assert_null(berth_document_choose(index, platform, &error));
    g_assert_error(error, BERTH_ERROR, BERTH_ERROR_NOT_FOUND);
    g_assert_null(strchr(error->message, '\n'));
    g_assert_true(g_str_has_prefix(error->message,
                                   "there is no image for linux/amd64; there is "
                                   "linux/arm64/v8\\ndist: removed, windows, linux/s390x, "));
    g_assert_true(g_str_has_suffix(error->message, ", linux/s390x, …"));
    g_assert_cmpuint(strlen(error->message), <, 500);
}

static void test_the_first_without_a_platform_is_for_any(void) {
    g_autoptr(BerthDocument) index = new_index();

    add(index, "only", "", "", "", false);
    add(index, "attestation", "", "", "", true);
    g_assert_cmpstr(choose(index, "linux/amd64"), ==, "only");
    add(index, "another", "", "", "", false);
    g_assert_cmpstr(choose(index, "linux/amd64"), ==, "only");
    add(index, "arm", "linux", "arm64", "v8", false);
    g_assert_cmpstr(choose(index, "linux/amd64"), ==, "only");
    g_assert_cmpstr(choose(index, "linux/arm64"), ==, "arm");
}

static void test_image_info_is_the_same_after_storing(void) {
    static const char text[] =
        "('m', 'c', 'chain', 'linux', 'amd64', '', ['d1', 'd2'], ['e'], ['c \\' \\n'], ['A=b'], "
        "['/v'], ['80/tcp'], ['k', 'v'], 'u', '/w', 'SIGTERM')";
    g_autoptr(BerthImageInfo) info = berth_image_info_parse(text);

    g_assert_nonnull(info);
    g_assert_null(info->health);
    g_autofree char *once = berth_image_info_format(info);
    g_autoptr(BerthImageInfo) again = berth_image_info_parse(once);
    g_autofree char *twice = berth_image_info_format(again);
    g_assert_cmpstr(once, ==, twice);
    g_assert_nonnull(again->health);
    g_assert_cmpstr(again->command[0], ==, "c ' \n");
    g_assert_null(berth_image_info_parse("damaged"));
}

/* Earlier versions did not read the start interval, so an image with a check is read again. */
static void test_older_texts_of_image_info(void) {
    static const char text[] =
        "('m', 'c', 'chain', 'linux', 'amd64', '', ['d'], [], [], [], [], [], "
        "[], 'u', '/w', '', %s)";
    g_autofree char *unchecked = g_strdup_printf(text, "[]");
    g_autofree char *checked = g_strdup_printf(text, "['1', '2', '3', '4', 'CMD', 'true']");
    g_autofree char *now = g_strdup_printf(text, "['1', '2', '3', '4', 'CMD', 'true'], 5");
    g_autoptr(BerthImageInfo) without = berth_image_info_parse(unchecked);
    g_autoptr(BerthImageInfo) with = berth_image_info_parse(checked);
    g_autoptr(BerthImageInfo) complete = berth_image_info_parse(now);

    g_assert_nonnull(without->health);
    g_assert_null(with->health);
    g_assert_cmpstr(with->working_directory, ==, "/w");
    g_assert_cmpstr(complete->health[5], ==, "true");
    g_assert_cmpuint(complete->start_interval_nsec, ==, 5);
    g_autofree char *again = berth_image_info_format(complete);
    g_assert_cmpstr(again, ==, now);
}

static void test_every_child_is_in_the_text(void) {
    g_autoptr(BerthDocument) index = new_index();
    g_autofree char *hex = g_strnfill(64, 'a'), *other_hex = g_strnfill(64, 'b');
    g_autofree char *digest = g_strconcat("sha256:", hex, NULL);
    g_autofree char *other = g_strconcat("sha256:", other_hex, NULL);
    g_autofree char *text = g_strconcat("{\"manifests\":[{\"size\":7,\"digest\":\"", digest,
                                        "\"}],\"x\":\"", other, "0\"}:", NULL);
    g_autoptr(GError) error = NULL;

    add(index, digest, "linux", "amd64", "", false);
    g_assert_true(berth_document_is_in_text(index, text, strlen(text), &error));
    g_assert_no_error(error);
    add(index, other, "linux", "arm64", "", false);
    g_assert_false(berth_document_is_in_text(index, text, strlen(text), &error));
    g_assert_nonnull(error);
    g_assert_false(berth_document_is_in_text(index, ":", 1, NULL));
    g_assert_false(berth_document_is_in_text(index, "", 0, NULL));
}

/* A reply of Manifest with one layer, and this number of titles of layers. */
static sd_bus_message *new_manifest_reply(sd_bus *bus, unsigned titles) {
    static const char digest[] =
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    sd_bus_message *reply;

    g_assert_cmpint(sd_bus_message_new_signal(bus, &reply, "/a", "a.b", "C"), >=, 0);
    g_assert_cmpint(sd_bus_message_append(reply, "ba((sst)sssb)a(sst)a(say)", 0, 0, 2,
                                          BERTH_MEDIA_OCI_CONFIG, digest, (uint64_t)1,
                                          BERTH_MEDIA_OCI_LAYER, digest, (uint64_t)1, 0),
                    >=, 0);
    g_assert_cmpint(sd_bus_message_open_container(reply, 'a', "s"), >=, 0);
    for (unsigned i = 0; i < titles; i++)
        g_assert_cmpint(sd_bus_message_append_basic(reply, 's', ""), >=, 0);
    g_assert_cmpint(sd_bus_message_close_container(reply), >=, 0);
    g_assert_cmpint(sd_bus_message_seal(reply, 1, 0), >=, 0);
    g_assert_cmpint(sd_bus_message_rewind(reply, 1), >=, 0);
    return reply;
}

/* As many as fit into the largest message that a worker may send: reading them with
 * sd_bus_message_read_strv(3) takes minutes. */
static void test_a_reply_with_a_great_number_of_titles_is_malformed(void) {
    enum { GREAT_NUMBER = 1500000 };
    static const unsigned numbers[] = {1, 0, GREAT_NUMBER};
    int sockets[2];
    sd_bus *bus;

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), ==, 0);
    g_assert_cmpint(sd_bus_new(&bus), >=, 0);
    g_assert_cmpint(sd_bus_set_fd(bus, sockets[0], sockets[0]), >=, 0);
    g_assert_cmpint(sd_bus_set_anonymous(bus, 1), >=, 0);
    g_assert_cmpint(sd_bus_start(bus), >=, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
        g_autoptr(sd_bus_message) reply = new_manifest_reply(bus, numbers[i]);
        g_autoptr(GError) error = NULL;
        g_autoptr(BerthDocument) document = berth_document_read_reply(reply, &error);
        g_assert_true((document != NULL) == (numbers[i] == 1));
        g_assert_true(document || g_error_matches(error, BERTH_ERROR, BERTH_ERROR_INTERNAL));
    }
    sd_bus_unref(bus);
    close(sockets[1]);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/documents/the-best-platform-is-chosen", test_the_best_platform_is_chosen);
    g_test_add_func("/documents/the-error-lists-some-platforms-in-one-line",
                    test_the_error_lists_some_platforms_in_one_line);
    g_test_add_func("/documents/the-first-without-a-platform-is-for-any",
                    test_the_first_without_a_platform_is_for_any);
    g_test_add_func("/documents/image-info-is-the-same-after-storing",
                    test_image_info_is_the_same_after_storing);
    g_test_add_func("/documents/older-texts-of-image-info", test_older_texts_of_image_info);
    g_test_add_func("/documents/every-child-is-in-the-text", test_every_child_is_in_the_text);
    g_test_add_func("/documents/a-reply-with-a-great-number-of-titles-is-malformed",
                    test_a_reply_with_a_great_number_of_titles_is_malformed);
    return g_test_run();
}
