/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Checks of the replies of workers. */

#include "base/limits.h"
#include "worker/replies.h"

#include <sys/socket.h>

#define DIGEST "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define OTHER "sha256:0000000000000000000000000000000000000000000000000000000000000000"

static sd_bus *bus;

/* Returns a new message; the caller fills it, and calls seal() before it is read. */
static sd_bus_message *new_message(void) {
    sd_bus_message *message;

    g_assert_cmpint(sd_bus_message_new_signal(bus, &message, "/a", "a.b", "C"), >=, 0);
    return message;
}

static void seal(sd_bus_message *message) {
    g_assert_cmpint(sd_bus_message_seal(message, 1, 0), >=, 0);
    g_assert_cmpint(sd_bus_message_rewind(message, 1), >=, 0);
}

static bool reads_opened(const char *locator, const char *name, const char *place,
                         const char *second) {
    char *places[] = {(char *)"mirror.example/hub", (char *)"registry.example", NULL};
    const BerthOpenRequest request = {"registry.example/a/b:tag?query", "", places};
    g_autoptr(sd_bus_message) message = new_message();
    g_auto(BerthOpenReply) opened = {0};
    g_autoptr(GError) error = NULL;

    sd_bus_message_append(message, "ssas", locator, name, second ? 2 : 1, place, second);
    seal(message);
    bool read = berth_reply_read_opened(message, &request, &opened, &error);
    g_assert_true(read || error->code == BERTH_ERROR_INTERNAL);
    return read;
}

static void test_a_reference_keeps_its_repository_and_places(void) {
    const char *locator = "registry.example/a/b", *name = "registry.example/a/b:tag";
    const char *mirror = "mirror.example/hub/a/b";

    g_assert_true(reads_opened(locator, name, mirror, locator));
    g_assert_false(reads_opened("registry.example/a", name, mirror, locator));
    g_assert_false(reads_opened("registry.example/a/bc", name, mirror, locator));
    g_assert_false(reads_opened(locator, "registry.example/a/b:other", mirror, locator));
    g_assert_false(reads_opened(locator, "registry.example/a/b", mirror, locator));
    g_assert_false(reads_opened(locator, name, locator, NULL));
    g_assert_false(reads_opened(locator, name, "evil.example/a/b", locator));
    g_assert_false(reads_opened(locator, name, mirror, "evil.example/a/b"));
}

/* A policy for "registry.example/a/b" does not apply to "registry.example/a/b:tag". */
static void test_a_locator_has_no_tag(void) {
    char *places[] = {(char *)"registry.example", NULL};
    const BerthOpenRequest request = {"registry.example/a/b:tag@" DIGEST, "", places};

    for (int has_tag = 0; has_tag <= 1; has_tag++) {
        const char *locator = has_tag ? "registry.example/a/b:tag" : "registry.example/a/b";
        g_autoptr(sd_bus_message) message = new_message();
        g_auto(BerthOpenReply) opened = {0};
        sd_bus_message_append(message, "ssas", locator, request.reference, 1, locator);
        seal(message);
        g_assert_true(berth_reply_read_opened(message, &request, &opened, NULL) == !has_tag);
    }
}

static bool reads_resolved(const char *asked, const char *object, const char *name,
                           const char *digest, const char *media_type) {
    g_autoptr(sd_bus_message) message = new_message();
    g_autoptr(BerthDescriptor) target = NULL;

    sd_bus_message_append(message, "s(sst)as", name, media_type, digest, (uint64_t)3, 0);
    seal(message);
    return berth_reply_read_resolved(message, asked, object, &target, NULL, NULL);
}

static void test_a_name_is_resolved_as_itself_and_as_its_digest(void) {
    const char *type = "application/vnd.oci.image.manifest.v1+json";

    g_assert_true(reads_resolved("h/p:t", "", "h/p:t", DIGEST, type));
    g_assert_false(reads_resolved("h/p:t", "", "h/p:u", DIGEST, type));
    g_assert_false(reads_resolved("h/p:t", "", "h/p:t", "sha256:1", type));
    g_assert_false(reads_resolved("h/p:t", "", "h/p:t", DIGEST, "no type"));
    g_assert_true(reads_resolved("h/p@" DIGEST, "", "h/p@" DIGEST, DIGEST, type));
    g_assert_false(reads_resolved("h/p@" DIGEST, "", "h/p@" DIGEST, OTHER, type));
    g_assert_true(reads_resolved("h/p@" DIGEST, OTHER, "h/p@" DIGEST, OTHER, type));
    g_assert_false(reads_resolved("h/p:t", OTHER, "h/p:t", DIGEST, type));
}

static bool reads_ingested(const char *algorithm, uint64_t limit, const char *digest,
                           uint64_t size) {
    g_autoptr(sd_bus_message) message = new_message();
    const char *read;

    sd_bus_message_append(message, "st", digest, size);
    seal(message);
    return berth_reply_read_ingested(message, algorithm, limit, &read, &size, NULL);
}

static void test_reply_about_a_hash_is_checked(void) {
    g_assert_true(reads_ingested("sha256", 3, DIGEST, 3));
    g_assert_false(reads_ingested("sha512", 3, DIGEST, 3));
    g_assert_false(reads_ingested("sha256", 3, DIGEST, 4));
    g_assert_false(reads_ingested("sha256", 3, "../../etc/passwd", 3));
}

static void test_a_sample_has_its_size(void) {
    g_autoptr(sd_bus_message) message = new_message();
    const void *data;

    sd_bus_message_append_array(message, 'y', "abc", 3);
    seal(message);
    g_assert_false(berth_reply_read_sample(message, 4, &data, NULL));
    sd_bus_message_rewind(message, 1);
    g_assert_true(berth_reply_read_sample(message, 3, &data, NULL));
}

static void test_lists_are_limited(void) {
    g_autoptr(sd_bus_message) message = new_message();
    g_auto(GStrv) strings = NULL;

    sd_bus_message_open_container(message, 'a', "s");
    for (unsigned i = 0; i <= BERTH_MAX_REPLY_ITEMS; i++)
        sd_bus_message_append(message, "s", "x");
    sd_bus_message_close_container(message);
    seal(message);
    g_assert_false(berth_reply_read_strings(message, &strings));
}

static void test_stored_text_is_as_long_as_its_content(void) {
    g_autoptr(sd_bus_message) message = new_message();
    const char *text;

    sd_bus_message_append(message, "s", "{\"a\":1}");
    seal(message);
    g_assert_true(berth_reply_read_stored_text(message, 7, &text, NULL));
    g_assert_cmpstr(text, ==, "{\"a\":1}");
    for (uint64_t size = 6; size <= 8; size += 2) {
        sd_bus_message_rewind(message, true);
        g_assert_false(berth_reply_read_stored_text(message, size, &text, NULL));
    }
}

static void test_replies_of_other_types_are_refused(void) {
    g_autoptr(sd_bus_message) message = new_message();
    g_auto(GStrv) strings = NULL;
    BerthArchiveEntry entry;
    const char *text;
    uint64_t size;
    bool needs;

    sd_bus_message_append(message, "(vx)", "s", "text", (int64_t)-1);
    seal(message);
    g_assert_false(berth_reply_read_text(message, &text, NULL));
    g_assert_false(berth_reply_read_strings(message, &strings));
    g_assert_false(berth_reply_read_ingested(message, "sha256", 1, &text, &size, NULL));
    g_assert_false(berth_reply_read_unpacked(message, 1, &size, &needs, NULL));
    g_assert_false(berth_reply_read_member(message, &entry, NULL));
    g_assert_null(berth_reply_read_pushed(message, NULL));
}

int main(int argc, char **argv) {
    int ends[2];

    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
    g_assert_cmpint(sd_bus_new(&bus), >=, 0);
    g_assert_cmpint(sd_bus_set_fd(bus, ends[0], ends[0]), >=, 0);
    g_assert_cmpint(sd_bus_start(bus), >=, 0);
    g_test_add_func("/replies/a-reference-keeps-its-repository-and-places",
                    test_a_reference_keeps_its_repository_and_places);
    g_test_add_func("/replies/a-locator-has-no-tag", test_a_locator_has_no_tag);
    g_test_add_func("/replies/a-name-is-resolved-as-itself-and-as-its-digest",
                    test_a_name_is_resolved_as_itself_and_as_its_digest);
    g_test_add_func("/replies/reply-about-a-hash-is-checked", test_reply_about_a_hash_is_checked);
    g_test_add_func("/replies/a-sample-has-its-size", test_a_sample_has_its_size);
    g_test_add_func("/replies/lists-are-limited", test_lists_are_limited);
    g_test_add_func("/replies/stored-text-is-as-long-as-its-content",
                    test_stored_text_is_as_long_as_its_content);
    g_test_add_func("/replies/replies-of-other-types-are-refused",
                    test_replies_of_other_types_are_refused);
    return g_test_run();
}
