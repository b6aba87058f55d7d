/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The signatures were made with openssl: "openssl dgst -sha256 -sign" for ECDSA, "openssl pkeyutl
 * -rawin" for Ed25519.
 */

#include "signature/signature.h"

#include <string.h>

#define DIGEST "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define REPOSITORY "registry.example.com/web/app"
#define PAYLOAD                                                                                    \
    "{\"critical\":{\"identity\":{\"docker-reference\":\"" REPOSITORY "\"},\"image\":"             \
    "{\"docker-manifest-digest\":\"" DIGEST "\"},\"type\":\"cosign container image signature\"},"  \
    "\"optional\":null}"

static char ecdsa_key[] = "-----BEGIN PUBLIC KEY-----\n"
                          "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAErfZfwof4sgnFu+uT3PDHuACgsjlk\n"
                          "KRDdDKtSoc5LgA+EvUDTUbbDufo14gaCyFBlUbuM3NOMrQSXnuJc7rfUBA==\n"
                          "-----END PUBLIC KEY-----\n";
static char ed25519_key[] = "-----BEGIN PUBLIC KEY-----\n"
                            "MCowBQYDK2VwAyEASXwjrBY18qiMlYWmVaylfgyHToOJz0rPOxJ3UGAkKlw=\n"
                            "-----END PUBLIC KEY-----\n";
static const char ecdsa_signature[] =
    "MEUCIA3N9n81lvyFPxkTWyW/O+6h6SG+IqiWzpMn9UjXCWeiAiEA9txvnkT5cv79sxmYzK32uF5foEN//vybWJLFu7uJ"
    "Dm4=";
static const char ed25519_signature[] =
    "1yKc7iGlt0SuQK6kS5vOq6dLhYIfSBuDSvckhqghIe8/qs5q+iJsu14KuwlJ9utGRhhPxBThmMPO4q7/d69JCg==";

static BerthSignatureCheck make_check(const char *payload, const char *signature,
                                      char *const *keys) {
    return (BerthSignatureCheck){payload, strlen(payload), signature, keys, DIGEST, REPOSITORY};
}

static void test_the_key_that_signed(void) {
    char *keys[] = {ed25519_key, ecdsa_key, NULL};
    BerthSignatureCheck check = make_check(PAYLOAD, ecdsa_signature, keys);
    g_autoptr(GError) error = NULL;
    unsigned key = 7;

    g_assert_true(berth_signature_verify(&check, &key, &error));
    g_assert_no_error(error);
    g_assert_cmpuint(key, ==, 1);
    check.signature = ed25519_signature;
    g_assert_true(berth_signature_verify(&check, &key, &error));
    g_assert_no_error(error);
    g_assert_cmpuint(key, ==, 0);
}

static void assert_refused(BerthSignatureCheck check, const char *words) {
    g_autoptr(GError) error = NULL;
    unsigned key;

    g_assert_false(berth_signature_verify(&check, &key, &error));
    g_assert_nonnull(error);
    g_assert_nonnull(strstr(error->message, words));
}

static void test_invalid_signatures(void) {
    char *keys[] = {ecdsa_key, NULL}, *others[] = {ed25519_key, NULL}, *none[] = {NULL};
    char nonsense[] = "nonsense";
    char *no_keys[] = {nonsense, NULL};
    BerthSignatureCheck check = make_check(PAYLOAD, ecdsa_signature, keys);

    assert_refused(make_check(PAYLOAD " ", ecdsa_signature, keys), "by none of the keys");
    assert_refused(make_check(PAYLOAD, "", keys), "by none of the keys");
    assert_refused(make_check(PAYLOAD, "!!!!", keys), "by none of the keys");
    assert_refused(make_check(PAYLOAD, ecdsa_signature, others), "by none of the keys");
    assert_refused(make_check(PAYLOAD, ecdsa_signature, none), "no key");
    assert_refused(make_check(PAYLOAD, ecdsa_signature, no_keys), "PEM");
    check.digest = "sha256:0000000000000000000000000000000000000000000000000000000000000000";
    assert_refused(check, "is for " DIGEST);
    check.digest = DIGEST;
    check.repository = "registry.example.com/web/ap";
    assert_refused(check, "is for an image of");
    check.repository = "registry.example.com/web/app2";
    assert_refused(check, "is for an image of");
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/signature/the-key-that-signed", test_the_key_that_signed);
    g_test_add_func("/signature/invalid-signatures", test_invalid_signatures);
    return g_test_run();
}
