/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Digests, their algorithms, and chain IDs. */

#include "base/digest.h"
#include "base/hash.h"

static void check_error(const char *digest, const char *word) {
    g_autoptr(GError) error = NULL;

    g_assert_false(berth_digest_parse(digest, NULL, &error));
    g_assert_error(error, BERTH_ERROR, BERTH_ERROR_INVALID_ARGUMENT);
    g_assert_nonnull(strstr(error->message, word));
}

static void test_three_different_errors(void) {
    check_error("sha256", "form");
    check_error(":abc", "form");
    check_error("sha256:", "form");
    check_error("sha256:xyz", "form");
    check_error("sha256:ABCDEF", "form");
    check_error("md5:abcdef", "algorithm");
    check_error("sha256:abcdef", "length");
    check_error("sha256:../../../../etc/passwd", "form");
}

static void test_known_algorithms(void) {
    const struct {
        const char *name;
        int digits;
    } known[] = {{"sha256", 64}, {"sha384", 96}, {"sha512", 128}};

    for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
        g_autofree char *hex = g_strnfill(known[i].digits, 'a');
        g_autofree char *digest = g_strconcat(known[i].name, ":", hex, NULL);
        BerthAlgorithm algorithm;
        g_assert_true(berth_digest_parse(digest, &algorithm, NULL));
        g_assert_cmpstr(berth_algorithm_get_name(algorithm), ==, known[i].name);
        g_assert_cmpstr(berth_digest_get_hex(digest), ==, hex);
    }
}

static void test_only_digests_of_one_algorithm_contradict(void) {
    g_autofree char *a = g_strnfill(64, 'a'), *b = g_strnfill(64, 'b'), *c = g_strnfill(128, 'c');
    g_autofree char *one = g_strconcat("sha256:", a, NULL), *two = g_strconcat("sha256:", b, NULL);
    g_autofree char *long_one = g_strconcat("sha512:", c, NULL);

    g_assert_true(berth_digest_is_contradicted(one, two));
    g_assert_false(berth_digest_is_contradicted(one, one));
    g_assert_false(berth_digest_is_contradicted(one, long_one));
    g_assert_false(berth_digest_is_contradicted(one, ""));
    g_assert_false(berth_digest_is_contradicted(one, b));
}

/* The values used in the tests of early containerd and moby. */
static void test_chain_id(void) {
    g_autofree char *a = g_compute_checksum_for_string(G_CHECKSUM_SHA256, "a", -1);
    g_autofree char *b = g_compute_checksum_for_string(G_CHECKSUM_SHA256, "b", -1);
    g_autofree char *c = g_compute_checksum_for_string(G_CHECKSUM_SHA256, "c", -1);
    g_autofree char *da = g_strconcat("sha256:", a, NULL);
    g_autofree char *db = g_strconcat("sha256:", b, NULL);
    g_autofree char *dc = g_strconcat("sha256:", c, NULL);
    g_autofree char *one = berth_chain_id_next(NULL, da);
    g_autofree char *two = berth_chain_id_next(one, db);
    g_autofree char *three = berth_chain_id_next(two, dc);

    g_assert_cmpstr(one, ==, da);
    g_assert_cmpstr(two, ==,
                    "sha256:51c0c8ace48498d6f5fee6b0592cc06f2da0f3cbe09c5a34a97dce85c3889676");
    g_assert_cmpstr(three, ==,
                    "sha256:2fce7f8ce91bcf0a1428b36e1024639fdbd9469eea762dba98aa749631885106");
}

static void test_hash(void) {
    g_autoptr(BerthHash) hash = berth_hash_new(BERTH_ALGORITHM_SHA256);

    g_autofree char *empty = berth_hash_get_digest(hash);
    g_assert_cmpstr(empty, ==,
                    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    berth_hash_update(hash, "ab", 2);
    g_autofree char *part = berth_hash_get_digest(hash);
    berth_hash_update(hash, "c", 1);
    g_autofree char *whole = berth_hash_get_digest(hash);
    g_assert_cmpstr(part, !=, whole);
    g_assert_cmpstr(whole, ==,
                    "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/digest/three-different-errors", test_three_different_errors);
    g_test_add_func("/digest/known-algorithms", test_known_algorithms);
    g_test_add_func("/digest/only-digests-of-one-algorithm-contradict",
                    test_only_digests_of_one_algorithm_contradict);
    g_test_add_func("/digest/chain-id", test_chain_id);
    g_test_add_func("/digest/hash", test_hash);
    return g_test_run();
}
